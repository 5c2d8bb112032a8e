"""JEC-QA (Zhong et al. 2019, arXiv:1911.12011): the Chinese bar exam, one or several right options of four. 0-shot.

The labels of the test split are secret: the train split is asked, with the prompt of UltraEval (jecqa), which keeps the
questions with one right option alone: its number is that of the group `answers: one`. accuracy: exactly the options of
the answer, as the authors' scorer has it. Parts: knowledge-driven questions (kd) and case analysis (ca).
ppl: the likeliest of all fifteen sets of options, each ended by a line break (without it "A" would beat every set that
begins with A); no published protocol ranks sets. gen: the options that are written.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import option_set

SETS = ["".join(letter for letter, bit in zip("ABCD", f"{n:04b}", strict=True) if bit == "1") for n in range(1, 16)]

jec_qa = Benchmark(
    "jec-qa",
    main="accuracy",
    version=2,
    prompt="问题：{{ question }}\n选项：{% for c in choices %}{{ 'ABCD'[loop.index0] }}. {{ c }}\n{% endfor %}答案：",
    answer="{{ target }}\n\n",
)


@jec_qa.rows
def read(row):
    if not row["answer"]:
        return "no option is marked as right"
    return Sample(
        question=row["statement"],
        choices=[row["option_list"][letter] for letter in "ABCD"],
        target="".join(sorted(row["answer"])),
        groups={
            "part": {"0": "knowledge", "1": "cases"}[row["type"]],
            "answers": "one" if len(row["answer"]) == 1 else "several",
            **({"subject": row["subject"]} if "subject" in row else {}),
        },
    )


@jec_qa.test(rank(lambda sample: [f"{letters}\n" for letters in SETS], prefix=""), default=True)
def test_jec_qa_ppl(sample, output, score):
    answer = output.choice and output.choice.strip()
    score(answer, accuracy=answer == sample.target)


@jec_qa.test(generate(max_tokens=256, stop=["\n问题："]))
def test_jec_qa_gen(sample, output, score):
    answer = option_set(output.text, "ABCD")
    score(answer, accuracy=answer == sample.target)
