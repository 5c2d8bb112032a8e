"""hellaswag by lm-evaluation-harness on a running server: python lm_eval_side.py URL MODEL TOKENIZER ROWS > LINES

URL: of the server, without /v1. MODEL: its name there. TOKENIZER: a folder in Hugging Face's layout. ROWS: the authors'
JSON lines. The task is that of the package, with its data taken from ROWS. Each line that is written holds for one row
the prompt, its endings, their log-probabilities in nats, and the package's own verdicts.
"""

import json
import sys
import tempfile
from pathlib import Path

import lm_eval
from lm_eval.tasks import TaskManager

TASK = """
include: {package}/hellaswag.yaml
task: hellaswag_rows
dataset_path: json
dataset_kwargs: {{data_files: {{validation: {rows}}}}}
training_split: null
"""


def main(url: str, model: str, tokenizer: str, rows: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        package = Path(lm_eval.__file__).parent / "tasks" / "hellaswag"
        Path(folder, "rows.yaml").write_text(TASK.format(package=package, rows=Path(rows).resolve()))
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
            tasks=["hellaswag_rows"],
            task_manager=TaskManager(include_path=folder),
            log_samples=True,
            bootstrap_iters=0,
        )
    for sample in sorted(results["samples"]["hellaswag_rows"], key=lambda sample: sample["doc_id"]):
        asked = [request[:2] for request in _requests(sample["arguments"])]
        line = {
            "ind": sample["doc"]["ind"],
            "prompt": asked[0][0],
            "endings": [ending for _, ending in asked],
            "logprobs": [float(answer[0]) for answer in sample["filtered_resps"]],
            "acc": sample["acc"],
            "acc_norm": sample["acc_norm"],
        }
        print(json.dumps(line))


def _requests(arguments: object) -> list[list[str]]:
    """(context, continuation) of each request, from the list or dictionary that the package logs."""
    if isinstance(arguments, dict):
        return [[request["arg_0"], request["arg_1"]] for request in arguments.values()]
    return [list(request) for request in arguments]  # type: ignore[attr-defined]


main(*sys.argv[1:])
