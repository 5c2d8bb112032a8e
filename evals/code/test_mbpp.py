r"""MBPP (Austin et al. 2021, arXiv:2108.07732): short Python problems, each with three tests that the prompt shows.

The paper's prompt, as lm-evaluation-harness has it: tasks 2, 3 and 4 for examples (with the carriage returns that the
authors' file has in their code), a program between [BEGIN] and [DONE]. `mbpp` is the test split, tasks 11 to 510;
`mbpp-sanitized` all 427 problems that the authors revised. chat: the same for models that write Markdown.
pass@k: the unbiased estimator of Chen et al. 2021; `--set mbpp.n=20` adds pass@10. Task 367 cannot pass: its tests use
a class of the program's, which no test gets to see (lm-evaluation-harness leaves their setup out, too).
"""

import re

from proctor import Benchmark, Program, Sample, generate_code
from proctor.extract import code_block
from proctor.metrics import pass_at

TASK = (
    "You are an expert Python programmer, and here is your task: {{ question }} Your code should pass these tests:\n\n"
    "{% for test in tests %}{{ test }}\n{% endfor %}"
)
ASKED = {"shots": 3, "main": "pass@1", "prompt": TASK + "[BEGIN]\n", "answer": "{{ target }}\n[DONE]\n\n", "version": 2}
CHAT = {"prompt": TASK, "answer": "```python\n{{ target }}\n```\n\n"}

mbpp, sanitized = Benchmark("mbpp", **ASKED), Benchmark("mbpp-sanitized", **ASKED)


@mbpp.rows
@sanitized.rows
def read(row):
    tests, code = row["test_list"], row["code"]
    if not {"text", "prompt"} & {*row}:
        raise KeyError("text, or prompt where the problem is a revised one")
    # The name of what the program defines and the first test calls: tests call built-in functions, too.
    called = re.findall(r"(\w+)\s*\(", tests[0])
    name = next((name for name in called if re.search(rf"^\s*def\s+{name}\s*\(", code, re.MULTILINE)), None)
    if name is None:
        raise ValueError(f"the program defines nothing that {tests[0]!r} calls")
    imports = "".join(f"{line}\n" for line in row.get("test_imports", ()))
    known = {"tests": tests, "name": name, "imports": imports}
    return Sample(question=row["prompt" if "prompt" in row else "text"], target=code, metadata=known)


def program(sample, text):
    name, tests, imports = (sample.metadata[key] for key in ("name", "tests", "imports"))
    check = f"def check({name}):\n" + "".join(f"    {test.strip()}\n" for test in tests)
    # sys: the tests of task 596 of the revised problems take it for imported.
    return Program(
        imports + code_block(text, name, ["[DONE]"]), entry_point=name, setup="import sys\n" + imports, check=check
    )


def judge(sample, output, score):
    code = code_block(output.text, sample.metadata["name"], ["[DONE]"])
    score(code if code.strip() else None, **pass_at(len(output.runs), output.passed))


ASK = {"program": program, "timeout": 20.0}


@mbpp.test(generate_code(max_tokens=512, stop=["[DONE]"], **ASK), default=True)
def test_mbpp(sample, output, score):
    judge(sample, output, score)


@mbpp.test(generate_code(max_tokens=1024, stop=["\nYou are an expert"], **ASK), variant="chat", **CHAT)
def test_mbpp_chat(sample, output, score):
    judge(sample, output, score)


@sanitized.test(generate_code(max_tokens=512, stop=["[DONE]"], **ASK), default=True)
def test_sanitized(sample, output, score):
    judge(sample, output, score)


@sanitized.test(generate_code(max_tokens=1024, stop=["\nYou are an expert"], **ASK), variant="chat", **CHAT)
def test_sanitized_chat(sample, output, score):
    judge(sample, output, score)
