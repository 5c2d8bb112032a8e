"""mmlu on a real vLLM: one request a question beside one echo a choice.

    python benchmarks/one_request.py --model=DIR --vllm-python=PYTHON --data-dir=DIR [--subject astronomy]

One vLLM serves both runs, after a first one that is not measured. Wall time is `scoring_seconds` of the report; tokens
are the server's own count of those that it computed: prompt tokens less those that it found in its prefix cache.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import requests
from proctor_service.options import ServiceOptions
from proctor_service.service import make_service

HERE = Path(__file__).resolve().parent.parent
ECHO_ALONE = """
from proctor_service import capabilities

probe = capabilities.probe


async def without(*args, **keywords):
    return {**await probe(*args, **keywords), "logprob_token_ids": False, "prompt_logprobs": False}


capabilities.probe = without
"""


def computed(url: str) -> int:
    """Prompt tokens that a vLLM has computed since it started."""
    text = requests.get(f"{url}/metrics", timeout=10).text

    def total(name: str) -> float:
        return sum(float(value) for value in re.findall(rf"^vllm:{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE))

    return round(total("prompt_tokens_total") - total("prefix_cache_hits_total"))


def run(url: str, options: argparse.Namespace, folder: Path, name: str, *more: str) -> tuple[Path, int]:
    """One run: its report folder, and the prompt tokens that the server computed for it."""
    report = folder / name
    command = [sys.executable, "-m", "pytest", HERE / "evals", "-m", "mmlu and ppl", "-k", options.subject, "-q"]
    command += [f"--base-url={url}", f"--tokenizer={options.model}", f"--data-dir={options.data_dir}"]
    command += [f"--report-dir={report}", "-p", "no:cacheprovider", *more]
    before = computed(url)
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return report, computed(url) - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=os.path.abspath)
    parser.add_argument("--vllm-python", required=True, type=os.path.abspath)
    parser.add_argument("--data-dir", required=True, type=os.path.abspath)
    parser.add_argument("--subject", default="astronomy")
    options = parser.parse_args()
    service = make_service(
        ServiceOptions(model=options.model, vllm_python=options.vllm_python, model_args="--max-model-len 4096")
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "echo_alone.py").write_text(ECHO_ALONE)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [name, os.environ.get("PYTHONPATH")]))
        try:
            url = service.start(folder / "vllm.log", print).settings["base_urls"][0]
            run(url, options, folder, "warm", "--limit=57")
            ways = {
                "one echo a choice": run(url, options, folder, "echo", "-p", "echo_alone"),
                "one request a question": run(url, options, folder, "one"),
                "the same, once more": run(url, options, folder, "again"),
            }
        finally:
            service.stop()
        show(ways)


def show(ways: dict[str, tuple[Path, int]]) -> None:
    chosen = {}
    for way, (report, tokens) in ways.items():
        content = json.loads((report / "report.json").read_text(encoding="utf-8"))
        (task,) = content["tasks"]
        lines = [json.loads(line) for line in (report / "samples.jsonl").read_bytes().splitlines()]
        chosen[way] = [line["extracted"] for line in lines]
        print(
            f"{way:<24} {content['run']['scoring_seconds']:7.1f} s   {tokens:8d} tokens computed   "
            f"{task['usage']['requests']} requests for {task['samples']['scored']} questions"
        )
    first, *others = chosen.values()
    same = sum(len(set(answers)) == 1 for answers in zip(first, *others, strict=True))
    print(f"the same choice in {same} of {len(first)}")


if __name__ == "__main__":
    main()
