"""OpenBookQA (Mihaylov et al. 2018, arXiv:1809.02789): elementary science with common knowledge. Test split, 0-shot.

ppl: the protocol whose numbers are quoted (lm-evaluation-harness, openbookqa): the question alone, without the book's
fact, and the options ranked as its continuation. acc: by log-likelihood; acc_norm: per byte of the option;
acc_norm_chars: per character, which lm-evaluation-harness calls acc_norm. gen: the options stand in the prompt, as in
OpenCompass's obqa_gen, and the model names a letter.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter
from proctor.metrics import accuracies

openbookqa = Benchmark(
    "openbookqa",
    main="acc_norm",
    version=2,
    prompt="{{ question }}",
    answer=" {{ choices['ABCD'.index(target)] }}\n\n",
)


@openbookqa.rows
def read(row):
    options = row["question"]["choices"]
    labels = [option["label"] for option in options]
    return Sample(
        question=row["question"]["stem"],
        choices=[option["text"] for option in options],
        target="ABCD"[labels.index(row["answerKey"].strip())],
    )


@openbookqa.test(rank(), default=True)
def test_openbookqa_ppl(sample, output, score):
    score(output.letter("bytes"), **accuracies(output, sample.target))


@openbookqa.test(
    generate(max_tokens=16, stop=["\n\n"]),
    prompt="Question: {{ question }}\n{% for c in choices %}{{ 'ABCD'[loop.index0] }}. {{ c }}\n{% endfor %}Answer:",
    answer=" {{ target }}\n\n",
    main="acc",
)
def test_openbookqa_gen(sample, output, score):
    answer = choice_letter(output.text, "ABCD")
    score(answer, acc=answer == sample.target)
