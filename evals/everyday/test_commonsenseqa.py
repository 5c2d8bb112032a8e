"""CommonsenseQA (Talmor et al. 2019, arXiv:1811.00937): five options, dev_rand_split, 0-shot.

ppl: lm-evaluation-harness' commonsense_qa, the likeliest of " A" to " E" after the lettered options. cloze: the texts
of the options are ranked after "Question: ...\nAnswer:", as ARC and PIQA are asked there; acc by log-likelihood,
acc_norm per byte of the option, acc_norm_chars per character. gen: the prompt of ppl, and the letter that is written.
The labels of the test split are secret.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter
from proctor.metrics import accuracies

commonsenseqa = Benchmark(
    "commonsenseqa",
    main="acc",
    version=2,
    prompt="Question: {{ question }}\n{% for c in choices %}{{ 'ABCDE'[loop.index0] }}. {{ c }}\n{% endfor %}Answer:",
    answer=" {{ target }}\n\n",
)


@commonsenseqa.rows
def read(row):
    labels = [choice["label"] for choice in row["question"]["choices"]]
    return Sample(
        question=row["question"]["stem"].strip(),
        choices=[choice["text"] for choice in row["question"]["choices"]],
        target="ABCDE"[labels.index(row["answerKey"])],
    )


@commonsenseqa.test(rank("ABCDE"), default=True)
def test_commonsenseqa_ppl(sample, output, score):
    score(output.choice, acc=output.choice == sample.target)


@commonsenseqa.test(
    rank(),
    variant="cloze",
    prompt="Question: {{ question }}\nAnswer:",
    answer=" {{ choices['ABCDE'.index(target)] }}\n\n",
    main="acc_norm",
)
def test_commonsenseqa_cloze(sample, output, score):
    score(output.letter("bytes"), **accuracies(output, sample.target))


@commonsenseqa.test(generate(max_tokens=16, stop=["\n\n"]))
def test_commonsenseqa_gen(sample, output, score):
    answer = choice_letter(output.text, "ABCDE")
    score(answer, acc=answer == sample.target)
