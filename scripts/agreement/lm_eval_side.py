"""Tasks of lm-evaluation-harness on a running server: python lm_eval_side.py URL MODEL TOKENIZER TASKS > LINES

URL: of the server, without /v1. MODEL: its name there. TOKENIZER: a folder in Hugging Face's layout. TASKS: a JSON list
of tasks, each as the package's YAML has it, with `include` below the package's tasks. Each line that is written holds
for one row what was asked (context, continuation), the log-probabilities in nats, and the package's own verdicts.
"""

import json
import sys
import tempfile
from pathlib import Path

import lm_eval
from lm_eval.tasks import TaskManager


def main(url: str, model: str, tokenizer: str, tasks: str) -> None:
    described = json.loads(Path(tasks).read_text(encoding="utf-8"))
    names = [task["task"] for task in described]
    with tempfile.TemporaryDirectory() as folder:
        for task in described:
            task["include"] = str(Path(lm_eval.__file__).parent / "tasks" / task["include"])
            Path(folder, f"{task['task']}.yaml").write_text(json.dumps(task), encoding="utf-8")  # JSON is YAML
        results = lm_eval.simple_evaluate(
            model="local-completions",
            model_args={
                "model": model,
                "base_url": f"{url}/v1/completions",
                "tokenizer": tokenizer,
                "tokenizer_backend": "huggingface",
                "num_concurrent": 8,
                "max_length": 4096,
            },
            tasks=names,
            task_manager=TaskManager(include_path=folder),
            log_samples=True,
            bootstrap_iters=0,
        )
    for name in names:
        for sample in sorted(results["samples"][name], key=lambda sample: sample["doc_id"]):
            line = {
                "asked": [request[:2] for request in _requests(sample["arguments"])],
                "logprobs": [float(answer[0]) for answer in sample["filtered_resps"]],
                "verdicts": {metric: sample[metric] for metric in sample["metrics"]},
            }
            print(json.dumps(line))


def _requests(arguments: object) -> list[list[str]]:
    """(context, continuation) of each request, from the list or dictionary that the package logs."""
    if isinstance(arguments, dict):
        return [[request["arg_0"], request["arg_1"]] for request in arguments.values()]
    return [list(request) for request in arguments]  # type: ignore[attr-defined]


main(*sys.argv[1:])
