"""HumanEval (Chen et al. 2021, arXiv:2107.03374): 164 functions to complete, judged by their tests.

0-shot; the prompt ends with the docstring, and a text ends where the function does. pass@k is the paper's unbiased
estimator: `--set humaneval.n=20 --set humaneval.temperature=0.8` adds pass@10. chat: for models that write Markdown,
asked in the words of lm-evaluation-harness's humaneval_instruct (which also begins the answer). Only the model ends
such a text: the stops of a base model would cut off imports and helpers. The first block that has the function counts.
"""

from proctor import Benchmark, Program, Sample, generate_code
from proctor.extract import function_body
from proctor.metrics import pass_at

STOP = ["\ndef", "\n#", "\nif", "\nprint", "\nclass"]

humaneval = Benchmark("humaneval", main="pass@1", prompt="{{ question }}", version=2)


@humaneval.rows
def read(row):
    if "def check(" not in row["test"]:
        raise ValueError("test defines no check")
    tests = {"entry_point": row["entry_point"], "check": row["test"]}
    return Sample(question=row["prompt"], target=row["canonical_solution"], metadata=tests)


def program(sample, text):
    name = sample.metadata["entry_point"]
    return Program(
        program=sample.question + function_body(text, name, STOP),
        entry_point=name,
        setup=sample.question,
        check=sample.metadata["check"],
    )


def judge(sample, output, score):
    body = function_body(output.text, sample.metadata["entry_point"], STOP)
    score(body if body.strip() else None, **pass_at(len(output.runs), output.passed))


@humaneval.test(generate_code(program, max_tokens=512, stop=STOP), default=True)
def test_humaneval(sample, output, score):
    judge(sample, output, score)


@humaneval.test(
    generate_code(program, max_tokens=1024),
    variant="chat",
    prompt=(
        "Write a solution to the following problem and make sure that it passes the tests:\n"
        "```python\n{{ question }}\n```\n"
    ),
)
def test_humaneval_chat(sample, output, score):
    judge(sample, output, score)
