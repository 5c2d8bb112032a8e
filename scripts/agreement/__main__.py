"""Score a model on the same rows in several programs and compare them, sample by sample.

    PYTHONPATH=scripts python -m agreement MODEL [TASK ...] --data-dir=DIR --lm-eval-python=PYTHON --folder=FOLDER

proctor and lm-evaluation-harness (`lm_eval_side.py`), on one vLLM; hellaswag also by a script on transformers alone
(`direct.py`) with --direct. MODEL: a folder in Hugging Face's layout. DIR: a data root with the authors' files. Prints
the table of docs/agreement.md and what differs. What a program computed stays in FOLDER/TASK-COUNT, and is not computed
again when the command is given once more; that is how a broken run goes on. Another model needs another FOLDER.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agreement.comparison import Comparison, Line, Run, compared, table
from agreement.tasks import TASKS, Task, cut
from proctor_service.options import ServiceOptions
from proctor_service.service import make_service

HERE = Path(__file__).parent
EVALS = HERE.parent.parent / "evals"


def main() -> None:
    parser = _parser()
    options = parser.parse_args()
    names = options.tasks or list(TASKS)
    if unknown := set(names) - set(TASKS):
        parser.error(f"no task {', '.join(sorted(unknown))}; there are {', '.join(TASKS)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    with _server(options) as (url, served):
        print(table([one for name in names for one in _beside_others(name, options, url, served)]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agreement", description="Score a model in several programs and compare them."
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("tasks", nargs="*", help=f"of {', '.join(TASKS)} (all)")
    parser.add_argument("--data-dir", type=Path, required=True, help="a data root with the authors' files")
    parser.add_argument("--count", type=int, default=500, help="rows of each task (500; mmlu 100 at most)")
    parser.add_argument("--lm-eval-python", required=True, help="a Python with lm-eval[api] and transformers")
    parser.add_argument("--vllm-python", help="a Python with vLLM, to start it in")
    parser.add_argument("--dtype", default="float32", help="of the vLLM that is started (float32)")
    parser.add_argument("--base-url", help="a vLLM that runs already, in place of one that is started")
    parser.add_argument("--direct", metavar="PYTHON", help="a Python with transformers, for hellaswag a third time")
    parser.add_argument("--folder", type=Path, required=True, help="where everything is kept")
    return parser


@contextlib.contextmanager
def _server(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """(address, name of the model there) of a vLLM, started here unless one is named."""
    service = make_service(
        ServiceOptions(
            model=None if options.base_url else str(options.model),
            base_urls=(options.base_url,) if options.base_url else (),
            tokenizer=str(options.model),
            vllm_python=options.vllm_python,
            model_args=f"--dtype {options.dtype} --enforce-eager --max-model-len 4096",
        )
    )
    try:
        connection = service.start(options.folder / "vllm.log", _say)
        yield connection.settings["base_urls"][0], connection.settings["served"]
    finally:
        service.stop()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _beside_others(name: str, options: argparse.Namespace, url: str, served: str) -> list[Comparison]:
    """proctor beside the others on one task; asks the model only for what is not in the folder yet."""
    task, folder = TASKS[name], options.folder / f"{name}-{options.count}"
    described = cut(task, options.data_dir, folder, options.count)
    (folder / "tasks.json").write_text(json.dumps(described, indent=1), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", EVALS / task.test, "-q", "-p", "no:cacheprovider"]
    command += [f"--base-url={url}", f"--model={served}", f"--tokenizer={options.model}", f"--shots={task.shots}"]
    command += [f"--data-dir={folder / 'data'}"]
    _say(f"{name}: proctor")
    ours = {name: _proctor(command, folder / "proctor", task)}
    if task.prompt is not None:
        (folder / "prompt.jinja").write_text(task.prompt, encoding="utf-8")
        told = f"--prompt={name}={folder / 'prompt.jinja'}"
        ours[f"{name}, their prompt"] = _proctor([*command, told], folder / "proctor-prompt", task)
    _say(f"{name}: lm-evaluation-harness")
    side = [options.lm_eval_python, HERE / "lm_eval_side.py", url, served, options.model, folder / "tasks.json"]
    others = {"lm-evaluation-harness": _lines(side, folder)}
    if name == "hellaswag" and options.direct:
        _say(f"{name}: transformers")
        rows = folder / "data" / name / "hellaswag_val.jsonl"
        others["transformers"] = _lines([options.direct, HERE / "direct.py", options.model, rows], folder)
    return [
        compared((title, other), task.metrics, run, lines)
        for title, run in ours.items()
        for other, lines in others.items()
    ]


def _proctor(command: Sequence[Any], folder: Path, task: Task) -> Run:
    """A run of proctor, kept in `folder`; one that is there and did not finish goes on."""
    report = folder / "report.json"
    if not report.exists() or json.loads(report.read_bytes())["run"]["exit_code"] != 0:
        told = "resume" if folder.exists() else "report-dir"
        subprocess.run([*map(str, command), f"--{told}={folder}"], check=True, stdout=sys.stderr)
    records = map(json.loads, (folder / "samples.jsonl").read_bytes().splitlines())
    metrics = json.loads(report.read_bytes())["tasks"][0]["metrics"]
    return Run(metrics, [_line(record, partial=task.partial) for record in records])


def _line(record: dict[str, Any], *, partial: bool) -> Line:
    return {
        "asked": [
            [record["prompt"] + (choice["label"] if partial else ""), choice["text"]] for choice in record["choices"]
        ],
        "logprobs": [choice["logprob"] for choice in record["choices"]],
        "verdicts": record["scores"],
        "target": "ABCDE".index(record["target"]),
    }


def _lines(command: Sequence[Any], folder: Path) -> list[Line]:
    """The JSON lines that another program prints, which are kept in `folder` under its name once it is through."""
    kept = folder / f"{Path(command[1]).stem}.jsonl"
    if not kept.exists():
        cache = {"HF_DATASETS_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
        with kept.with_suffix(".log").open("wb") as log:
            asked = list(map(str, command))
            done = subprocess.run(asked, check=True, stdout=subprocess.PIPE, stderr=log, env=os.environ | cache)
        lines = [line + b"\n" for line in done.stdout.splitlines() if line.startswith(b"{")]
        kept.write_bytes(b"".join(lines))
    return [json.loads(line) for line in kept.read_bytes().splitlines()]


if __name__ == "__main__":
    main()
