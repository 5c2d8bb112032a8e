"""MMLU-Pro (Wang et al. 2024, arXiv:2406.01574): 14 categories, up to ten options, 12,032 questions of the test split.

5-shot chain of thought as the authors' evaluate_from_local.py has it (TIGER-AI-Lab/MMLU-Pro), whose numbers their
leaderboard shows: the five validation rows of the category, in file order, with their `cot_content`.
accuracy: the letter that the text settles on, over all questions.
published: the letter by their chain of three expressions ("answer is (B)"; "Answer: B"; the last capital from A to J),
which takes the C of "B. Carbon" where nothing else is written. Where none of them finds a letter they guess one from a
fixed seed; here that is wrong.
"""

import re

from proctor import Benchmark, Sample, generate
from proctor.extract import choice_letter, split_thinking

# The second may look back over the whole line, as the authors' does.
CHAIN = (r"answer is \(?([A-J])\)?", r".*[aA]nswer:\s*([A-J])", r"([A-J])(?=[^A-J]*$)")

mmlu_pro = Benchmark(
    "mmlu-pro",
    shots=5,
    main="accuracy",
    version=2,
    header="You are an expert in {{ category }}. Below is a series of example questions (with answers) about "
    "{{ category }} for demonstration. You will be given a question at the end, after the examples, for you to answer. "
    "First give step-by-step reasoning about how to solve the question. Then output the answer.\n",
    prompt="Question:\n{{ question }}\nOptions:\n{% for c in choices %}{{ 'ABCDEFGHIJ'[loop.index0] }}. {{ c }}\n"
    "{% endfor %}Answer: Let's think step by step.",
    answer="{{ reference }}\n\n",
)


@mmlu_pro.rows
def read(row):
    options = [option for option in row["options"] if option != "N/A"]
    if row["answer"] not in "ABCDEFGHIJ"[: len(options)] or "ABCDEFGHIJ".index(row["answer"]) != row["answer_index"]:
        raise ValueError(f"the answer {row['answer']!r} ({row['answer_index']}) is none of {len(options)} options")
    thought = row["cot_content"].removeprefix("A: ").removeprefix("Let's think step by step.")
    groups = {"category": row["category"]}
    return Sample(question=row["question"], choices=options, target=row["answer"], reference=thought, groups=groups)


@mmlu_pro.test(generate(max_tokens=2048, stop=["Question:"]))
def test_mmlu_pro(sample, output, score):
    text = split_thinking(output.text)[1]
    answer = choice_letter(text, "ABCDEFGHIJ"[: len(sample.choices)])
    found = next(filter(None, (re.search(expression, text) for expression in CHAIN)), None)
    score(answer, accuracy=answer == sample.target, published=bool(found) and found[1] == sample.target)
