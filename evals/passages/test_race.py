"""RACE (Lai et al. 2017, arXiv:1704.04683): English exams of Chinese middle and high schools. Test split, 0-shot.

Every question is asked with its article, as OpenCompass does (race_ppl, race_gen), by whose numbers models are mostly
compared; lm-evaluation-harness asks only the last one of each high school article, after the others with answers.
ppl: the likeliest of " A" to " D" after the options. gen: the letter that is written. The stem of a cloze question
("Jeannie is ...  _  .") is part of the prompt. The questions of an article form a cluster.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

race = Benchmark(
    "race",
    main="accuracy",
    version=2,
    header="Read the article, and answer the question by replying A, B, C or D.\n\n",
    prompt="Article:\n{{ passage }}\n\nQ: {{ question }}\n\n"
    "{% for c in choices %}{{ 'ABCD'[loop.index0] }}. {{ c }}\n{% endfor %}A:",
    answer=" {{ target }}\n\n",
)


@race.rows
def read(row, file):
    for question, options, answer in zip(row["questions"], row["options"], row["answers"], strict=True):
        if answer not in set("ABCD"[: len(options)]):
            raise ValueError(f"the answer {answer!r} names none of {len(options)} options")
        yield Sample(
            passage=row["article"],
            question=question,
            choices=options,
            target=answer,
            groups={"level": file},
            cluster=row["id"],
        )


@race.test(rank("ABCD"), default=True)
def test_race_ppl(sample, output, score):
    score(output.choice, accuracy=output.choice == sample.target)


@race.test(generate(max_tokens=16, stop=["\n\n"]))
def test_race_gen(sample, output, score):
    answer = choice_letter(output.text, "ABCD")
    score(answer, accuracy=answer == sample.target)
