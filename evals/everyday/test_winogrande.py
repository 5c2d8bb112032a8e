"""WinoGrande (Sakaguchi et al. 2020, arXiv:1907.10641): who or what is meant by the blank? Dev split, 0-shot.

ppl: lm-evaluation-harness' winogrande, by partial scoring (Trinh & Le 2018, arXiv:1806.02847): the blank is filled with
each option, and what follows it, the same in both, is scored. gen: OpenCompass' prompt (winogrande_gen), both sentences
in full, and the letter of one. The two sentences of a twin pair form a cluster.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

winogrande = Benchmark("winogrande", main="accuracy", version=2, prompt="{{ before }}")


@winogrande.rows
def read(row):
    before, _, after = row["sentence"].partition("_")
    if not after.strip():
        raise ValueError(f"the sentence {row['sentence']!r} has no blank with something after it")
    return Sample(
        question=row["sentence"],
        choices=[row["option1"], row["option2"]],
        target={"1": "A", "2": "B"}[row["answer"]],
        cluster=row["qID"].rpartition("-")[0] or None,
        metadata={"before": before, "after": after},
    )


def ending(sample):
    return f" {sample.metadata['after'].strip()}"  # one space, also where the sentence has two or a bracket


@winogrande.test(rank(prefix="", ending=ending), default=True)
def test_winogrande_ppl(sample, output, score):
    score(output.letter(), accuracy=output.letter() == sample.target)


@winogrande.test(
    generate(max_tokens=16, stop=["\n\n"]),
    header="Which of the following is a good sentence:\n",
    prompt="{% for c in choices %}{{ 'AB'[loop.index0] }}. {{ before }}{{ c }}{{ after }}\n{% endfor %}Answer:",
    answer=" {{ target }}\n\n",
)
def test_winogrande_gen(sample, output, score):
    answer = choice_letter(output.text, "AB")
    score(answer, accuracy=answer == sample.target)
