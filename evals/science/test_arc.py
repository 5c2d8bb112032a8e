"""ARC-Challenge and ARC-Easy (Clark et al. 2018, arXiv:1803.05457): grade-school science questions; those of the
challenge are the ones that retrieval and word co-occurrence get wrong. Test splits, 0-shot.

ppl: the protocol whose numbers are quoted (lm-evaluation-harness): the options are ranked after "Answer:".
acc: by log-likelihood; acc_norm: per byte of the option; acc_norm_chars: per character, which lm-evaluation-harness
calls acc_norm. `--shots=25` takes dev rows (the Open LLM Leaderboard's were of train). gen: the options stand in the
prompt, as in OpenCompass's ARC_c_gen and ARC_e_gen, and the model names a letter. Labels are A to E or 1 to 4, and 3
to 5 options occur: an option is named by its position.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter
from proctor.metrics import accuracies

ASKED = {
    "main": "acc_norm",
    "version": 2,
    "prompt": "Question: {{ question }}\nAnswer:",
    "answer": " {{ choices['ABCDE'.index(target)] }}\n\n",
}
OPTIONS = "{% for c in choices %}{{ 'ABCDE'[loop.index0] }}. {{ c }}\n{% endfor %}"
LETTER = {
    "prompt": "Question: {{ question }}\n" + OPTIONS + "Answer:",
    "answer": " {{ target }}\n\n",
    "main": "acc",
}

arc_c, arc_e = Benchmark("arc-c", **ASKED), Benchmark("arc-e", **ASKED)


@arc_c.rows
@arc_e.rows
def read(row):
    options = row["question"]["choices"]
    labels = [option["label"] for option in options]
    return Sample(
        question=row["question"]["stem"],
        choices=[option["text"] for option in options],
        target="ABCDE"[labels.index(row["answerKey"])],
        groups={"source": row["id"].partition("_")[0].rstrip("0123456789")},
    )


def ranked(sample, output, score):
    score(output.letter("bytes"), **accuracies(output, sample.target))


def written(sample, output, score):
    answer = choice_letter(output.text, "ABCDE"[: len(sample.choices)])
    score(answer, acc=answer == sample.target)


@arc_c.test(rank(), default=True)
def test_arc_c_ppl(sample, output, score):
    ranked(sample, output, score)


@arc_e.test(rank(), default=True)
def test_arc_e_ppl(sample, output, score):
    ranked(sample, output, score)


@arc_c.test(generate(max_tokens=16, stop=["\n\n"]), **LETTER)
def test_arc_c_gen(sample, output, score):
    written(sample, output, score)


@arc_e.test(generate(max_tokens=16, stop=["\n\n"]), **LETTER)
def test_arc_e_gen(sample, output, score):
    written(sample, output, score)
