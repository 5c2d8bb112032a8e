"""StrategyQA (Geva et al. 2021, arXiv:2101.02235): yes or no, by steps that the question does not say. 0-shot.

The 2,290 labelled questions (train and dev of the authors' repository), without facts or evidence. gen: the zero-shot
prompt of Kojima et al. 2022 (arXiv:2205.11916), whose number is quoted. ppl: the likelier of " Yes" and " No" after it.
A template may use `term`, `description` and `facts`, with which other harnesses ask an easier question.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import boolean

NAMES = {True: "Yes", False: "No"}

strategyqa = Benchmark(
    "strategyqa",
    main="accuracy",
    version=2,
    prompt="Q: {{ question }}\nA: The answer (Yes or No) is",
    answer=" {{ target }}.\n\n",
)


@strategyqa.rows
def read(row):
    told = {name: row[name] for name in ("term", "description", "facts")}
    return Sample(question=row["question"].strip(), target=NAMES[row["answer"]], metadata=told)


@strategyqa.test(generate(max_tokens=32, stop=["\nQ:"]), default=True)
def test_strategyqa_gen(sample, output, score):
    answer = NAMES.get(boolean(output.text))
    score(answer, accuracy=answer == sample.target)


@strategyqa.test(rank(["Yes", "No"]))
def test_strategyqa_ppl(sample, output, score):
    score(output.choice, accuracy=output.choice == sample.target)
