"""Score a model on hellaswag in three ways and compare them, sample by sample.

    PYTHONPATH=scripts python -m agreement MODEL ROWS --vllm-python=PYTHON --lm-eval-python=PYTHON --folder=NEW

proctor through vLLM; a script on transformers alone (`direct.py`, in vLLM's Python); lm-evaluation-harness on the same
vLLM (`lm_eval_side.py`). MODEL: a folder in Hugging Face's layout. ROWS: the authors' JSON lines, `.gz` or not. Prints
the table of docs/agreement.md; everything that was computed stays in NEW. All in float32.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from proctor_service.service import ServiceOptions, make_service

HERE = Path(__file__).parent
EVALS = HERE.parent.parent / "evals"
CLOSE = 1e-3
"""Two endings whose values differ by less are a tie: which of them wins is a matter of rounding."""
MEASURES: dict[str, Callable[[str], int]] = {
    "acc": lambda text: 1,
    "acc_norm": lambda text: len(text.encode()),
    "acc_norm_chars": len,
}
"""What a log-probability is divided by."""


def main() -> None:
    options = _parser().parse_args()
    options.folder.mkdir(parents=True)
    rows = _rows(options.rows, options.count)
    data = options.folder / "data" / "hellaswag" / "hellaswag_val.jsonl"
    data.parent.mkdir(parents=True)
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    service = make_service(
        ServiceOptions(
            model=str(options.model),
            vllm_python=options.vllm_python,
            model_args="--dtype float32 --max-model-len 4096",
        )
    )
    try:
        connection = service.start(options.folder / "vllm.log", _say)
        url, served = connection.settings["base_urls"][0], connection.settings["served"]
        _say("proctor")
        proctor = _proctor(options, url, served)
        _say("lm-evaluation-harness")
        lm_eval = _lines(
            [options.lm_eval_python, HERE / "lm_eval_side.py", url, served, options.model, data], options.folder
        )
    finally:
        service.stop()
    _say("transformers")
    direct = _lines([options.vllm_python, HERE / "direct.py", options.model, data], options.folder)
    metrics = json.loads(_report(options).read_text(encoding="utf-8"))["tasks"][0]["metrics"]
    print(table(rows, proctor, {"transformers": direct, "lm-evaluation-harness": lm_eval}, metrics))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agreement", description="Score hellaswag in three ways and compare them.")
    parser.add_argument("model", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--count", type=int, default=500, help="rows to take from the top (500)")
    parser.add_argument("--vllm-python", required=True, help="a Python with vLLM and transformers")
    parser.add_argument("--lm-eval-python", required=True, help="a Python with lm-eval[api] and transformers")
    parser.add_argument("--folder", type=Path, required=True, help="where everything is kept; must not exist")
    return parser


def _rows(path: Path, count: int) -> list[dict[str, Any]]:
    read = gzip.open if path.suffix == ".gz" else open
    with read(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line, _ in zip(lines, range(count), strict=False)]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _report(options: argparse.Namespace) -> Path:
    return Path(options.folder, "proctor", "report.json")


def _proctor(options: argparse.Namespace, url: str, served: str) -> list[dict[str, Any]]:
    """The records of a run of proctor, in the order of the rows."""
    folder = _report(options).parent
    command = [sys.executable, "-m", "pytest", EVALS, "-q", "-k", "hellaswag_ppl", f"--base-url={url}"]
    command += [f"--model={served}", f"--tokenizer={options.model}", f"--data-dir={options.folder / 'data'}"]
    subprocess.run([*map(str, command), f"--report-dir={folder}"], check=True, stdout=sys.stderr)
    return [json.loads(line) for line in (folder / "samples.jsonl").read_bytes().splitlines()]


def _lines(command: Sequence[Any], folder: Path) -> list[dict[str, Any]]:
    """The JSON lines that another program prints, which are kept in `folder` under its name."""
    name = Path(command[1]).stem
    with (folder / f"{name}.log").open("wb") as log:
        done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, stderr=log)
    (folder / f"{name}.jsonl").write_bytes(done.stdout)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]


def table(
    rows: Sequence[dict[str, Any]],
    proctor: Sequence[dict[str, Any]],
    others: dict[str, Sequence[dict[str, Any]]],
    metrics: dict[str, Any],
) -> str:
    """Scores in percent, largest differences, and what differs, as Markdown.

    An ending's value is its log-probability divided by its length; a verdict says whether the right one has the
    highest. Verdicts differ for a reason other than rounding where the two best values, brought to nats, are further
    apart than CLOSE.
    """
    ours = [
        {**line, "endings": _every("text", line["choices"]), "logprobs": _every("logprob", line["choices"])}
        for line in proctor
    ]
    verdicts = [{name: line["scores"][name] for name in MEASURES} for line in proctor]
    lines = [f"| | {' | '.join(MEASURES)} | largest difference of a log-probability |", "|---|--:|--:|--:|--:|"]
    lines.append(f"| proctor | {_percents(verdicts)} | |")
    notes = [
        f"- {name}: {100 * metrics[name]['value']:.1f}, 95 % interval "
        + " to ".join(f"{100 * bound:.1f}" for bound in metrics[name]["ci95"])
        for name in MEASURES
    ]
    for name, theirs in others.items():
        row, differences = _beside(name, rows, ours, verdicts, theirs)
        lines.append(row)
        notes += differences
    return "\n".join([*lines, "", *notes])


def _beside(
    name: str,
    rows: Sequence[dict[str, Any]],
    ours: Sequence[dict[str, Any]],
    verdicts: Sequence[dict[str, float]],
    theirs: Sequence[dict[str, Any]],
) -> tuple[str, list[str]]:
    """The row of another program in the table, and what differs."""
    largest = max(
        abs(a - b)
        for one, other in zip(ours, theirs, strict=True)
        for a, b in zip(one["logprobs"], other["logprobs"], strict=True)
    )
    judged = [
        {measure: _verdict(row, other, measure) for measure in MEASURES}
        for row, other in zip(rows, theirs, strict=True)
    ]
    asked = [
        row["ind"]
        for row, one, other in zip(rows, ours, theirs, strict=True)
        if (one["prompt"], one["endings"]) != (other["prompt"], other["endings"])
    ]
    notes = [f"- {name}, rows with another prompt or other endings: {asked or 'none'}"]
    different = [
        f"ind {row['ind']} ({measure}, {_apart(other, measure):.1e} nats apart"
        + (", a tie)" if _apart(other, measure) < CLOSE else ")")
        for row, other, one, two in zip(rows, theirs, verdicts, judged, strict=True)
        for measure in MEASURES
        if one[measure] != two[measure]
    ]
    notes.append(f"- {name}, rows with another verdict: {', '.join(different) or 'none'}")
    own = [
        row["ind"]
        for row, other, one in zip(rows, theirs, verdicts, strict=True)
        if "acc_norm" in other and (other["acc"], other["acc_norm"]) != (one["acc"], one["acc_norm_chars"])
    ]
    if any("acc_norm" in other for other in theirs):
        notes.append(f"- {name}, rows where its own acc or acc_norm is not our acc or acc_norm_chars: {own or 'none'}")
    return f"| {name} | {_percents(judged)} | {largest:.1e} |", notes


def _every(name: str, choices: Iterable[dict[str, Any]]) -> list[Any]:
    return [choice[name] for choice in choices]


def _verdict(row: dict[str, Any], line: dict[str, Any], measure: str) -> float:
    values = _values(line, measure)
    return float(values.index(max(values)) == int(row["label"]))


def _values(line: dict[str, Any], measure: str) -> list[float]:
    return [
        value / MEASURES[measure](ending.removeprefix(" "))
        for value, ending in zip(line["logprobs"], line["endings"], strict=True)
    ]


def _apart(line: dict[str, Any], measure: str) -> float:
    """How far the two best values are apart, in nats of the shortest ending."""
    second, first = sorted(_values(line, measure))[-2:]
    return (first - second) * min(MEASURES[measure](ending.removeprefix(" ")) for ending in line["endings"])


def _percents(verdicts: Sequence[dict[str, float]]) -> str:
    return " | ".join(f"{100 * sum(one[name] for one in verdicts) / len(verdicts):.1f}" for name in MEASURES)


if __name__ == "__main__":
    main()
