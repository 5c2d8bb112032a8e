"""Story Cloze (Mostafazadeh et al. 2016, arXiv:1604.01696): which of two sentences ends a story? Validation, 0-shot.

ppl: lm-evaluation-harness' storycloze_2018, the two endings ranked by log-likelihood after the four sentences.
gen: OpenCompass' prompt (storycloze_gen), which names a letter. The data are given out against a signed form only.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

storycloze = Benchmark(
    "storycloze", main="accuracy", version=2, prompt="{{ passage }}", answer=" {{ choices['AB'.index(target)] }}\n\n"
)


@storycloze.rows
def read(row):
    return Sample(
        passage=" ".join(row[f"InputSentence{number}"] for number in range(1, 5)),
        choices=[row["RandomFifthSentenceQuiz1"], row["RandomFifthSentenceQuiz2"]],
        target={"1": "A", "2": "B"}[row["AnswerRightEnding"].strip()],
    )


@storycloze.test(rank(), default=True)
def test_storycloze_ppl(sample, output, score):
    score(output.letter(), accuracy=output.letter() == sample.target)


@storycloze.test(
    generate(max_tokens=16, stop=["\n\n"]),
    prompt="{{ passage }}\nQuestion: Which ending makes the most sense?\n"
    "{% for c in choices %}{{ 'AB'[loop.index0] }}. {{ c }}\n{% endfor %}"
    "You may choose between 'A' and 'B'.\nAnswer:",
    answer=" {{ target }}\n\n",
)
def test_storycloze_gen(sample, output, score):
    answer = choice_letter(output.text, "AB")
    score(answer, accuracy=answer == sample.target)
