"""AGIEval (Zhong et al. 2023, arXiv:2304.06364): 21 tasks of exams in English and Chinese, files v1 (v1.1), 0-shot.

The authors' zero-shot prompts (ruixiangcui/AGIEval). accuracy: the letter; in tasks where several options may be right
exactly these, in any order; in math and gaokao-mathcloze an equivalent answer, as for MATH. The authors quote the mean
of the tasks' scores, the report's `macro`. Their scorer takes the first capital from A to F, or all of them, or the
last formula; here the answer is read that the text settles on.
ppl: the likeliest of the letters, as in lm-evaluation-harness; where several may be right, of all sets of options, each
ended by a line break (in lm-evaluation-harness any right letter will do). The two cloze tasks have nothing to rank.
gaokao-mathqa, for the authors a task of single answers, has rows with several, which their scorer counts as wrong.
"""

import re

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter, final_answer, option_set
from proctor.metrics import equivalent

ENGLISH = "lsat-ar lsat-lr lsat-rc logiqa-en sat-math sat-en sat-en-without-passage aqua-rat gaokao-english math"
SEVERAL = ("jec-qa-kd", "jec-qa-ca", "gaokao-physics", "gaokao-mathqa")
SETS = ["".join(letter for letter, bit in zip("ABCD", f"{n:04b}", strict=True) if bit == "1") for n in range(1, 16)]

agieval = Benchmark(
    "agieval",
    main="accuracy",
    version=3,
    prompt="{{ passage }}{% if language == 'en' %}Q: {{ question }}{% if choices %} Answer Choices: "
    "{{ choices | join(' ') }}\nA: Among A through {{ 'ABCDE'[choices | length - 1] }}, the answer is"
    "{% else %}\nA: The answer is{% endif %}{% else %}问题：{{ question }}{% if choices %} 选项："
    "{{ choices | join(' ') }}\n答案：从A到{{ 'ABCDE'[choices | length - 1] }}, 我们应选择"
    "{% else %}\n答案：{% endif %}{% endif %}",
)


@agieval.rows
def read(row, file):
    options, passage = row["options"] or (), row["passage"] or ""
    if options and not row["label"]:
        return "no option is marked as right"
    if not options and not row["answer"]:
        raise ValueError("there are neither options nor an answer")
    kind = "several" if file in SEVERAL else "one" if options else "cloze"
    return Sample(
        question=row["question"],
        passage=passage,
        choices=options,
        target="".join(sorted(re.sub(r"[\s。]", "", "".join(row["label"])))) if options else row["answer"],
        groups={"task": file, "language": "en" if file in ENGLISH.split() else "zh", "answers": kind},
        cluster=f"{file}: {passage[:60]} ({len(passage)} characters)" if passage else None,
    )


def ranked(sample):
    gap = " " if sample.groups["language"] == "en" else ""
    if sample.groups["answers"] == "several":
        return [f"{gap}{letters}\n" for letters in SETS]
    return [gap + letter for letter in "ABCDE"[: len(sample.choices)]]


@agieval.test(generate(max_tokens=512, stop=["\nQ:", "\n问题："]), default=True)
def test_agieval_gen(sample, output, score):
    kind = sample.groups["answers"]
    if kind == "cloze":
        # The prompt ends in "The answer is": the line that follows may be the answer, with no mark around it.
        line, _, more = output.text.strip("# \n").partition("\n")
        said = [final_answer(f"The answer is {line}"), final_answer(output.text) if more or "$" in line else None]
        right = [one for one in said if equivalent(one, sample.target)]
        score((right or said)[0], accuracy=bool(right))
    else:
        extract, letters = option_set if kind == "several" else choice_letter, "ABCDE"[: len(sample.choices)]
        # A base model writes "B" and goes on to a next passage, which no mark sets apart from an explanation.
        line = output.text.strip().partition("\n")[0]
        answer = (len(line) < 12 and extract(line, letters)) or extract(output.text, letters)
        score(answer, accuracy=answer == sample.target)


def without_options(sample):
    return None if sample.choices else "no options to rank"


@agieval.test(rank(ranked, prefix=""), leave_out=without_options)
def test_agieval_ppl(sample, output, score):
    answer = output.choice and output.choice.strip()
    score(answer, accuracy=answer == sample.target)
