"""COPA (Roemmele et al. 2011, AAAI Spring Symposium), SuperGLUE's validation split (arXiv:1905.00537).

Which of two sentences is the cause, or the effect, of a premise? ppl: the protocol whose numbers are quoted
(lm-evaluation-harness, 0-shot): the premise without its full stop, "because" or "therefore", and the likelier of the
two choices, each with its first letter in lower case. gen: OpenCompass's question with the choices as A and B.
accuracy: share of right answers.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

CONNECTORS = {"cause": "because", "effect": "therefore"}

copa = Benchmark(
    "copa",
    main="accuracy",
    version=2,
    prompt="{{ question.removesuffix('.') }} {{ connector }}",
    answer=" {{ chosen[:1].lower() + chosen[1:] }}\n\n",
)


@copa.rows
def read(row):
    choices = [row["choice1"], row["choice2"]]
    target = {0: "A", 1: "B"}[row["label"]]
    return Sample(
        question=row["premise"].strip(),
        choices=choices,
        target=target,
        groups={"asked": row["question"]},
        metadata={"connector": CONNECTORS[row["question"]], "chosen": choices[row["label"]]},
    )


def continuations(sample):
    return [choice[:1].lower() + choice[1:] for choice in sample.choices]


@copa.test(rank(continuations), default=True)
def test_copa_ppl(sample, output, score):
    score(output.letter(), accuracy=output.letter() == sample.target)


@copa.test(
    generate(max_tokens=32, stop=["\n\n"]),
    prompt="{{ question }}\nQuestion: Which may be the {{ asked }}?\nA. {{ choices[0] }}\nB. {{ choices[1] }}\nAnswer:",
    answer=" {{ target }}\n\n",
)
def test_copa_gen(sample, output, score):
    answer = choice_letter(output.text, "AB")
    score(answer, accuracy=answer == sample.target)
