"""ARC-Easy (Clark et al. 2018, arXiv:1803.05457): grade-school science questions. Test split, 0-shot.

ppl: the protocol whose numbers are quoted (lm-evaluation-harness, arc_easy): the options are ranked after "Answer:".
acc: by log-likelihood; acc_norm: per byte of the option; acc_norm_chars: per character, which lm-evaluation-harness
calls acc_norm. `--shots=25` takes dev rows (the Open LLM Leaderboard's were of train). gen: the options stand in the
prompt, as in OpenCompass's ARC_e_gen, and the model names a letter. Labels are A to E or 1 to 4, and 3 to 5 options
occur: an option is named by its position.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

arc_e = Benchmark(
    "arc-e",
    main="acc_norm",
    version=2,
    prompt="Question: {{ question }}\nAnswer:",
    answer=" {{ choices['ABCDE'.index(target)] }}\n\n",
)


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


@arc_e.test(rank(), default=True)
def test_arc_e_ppl(sample, output, score):
    best = {per: "ABCDE"[i] for per in ("none", "bytes", "characters") if (i := output.likeliest(per)) is not None}
    score(
        best.get("bytes"),
        acc_norm=best.get("bytes") == sample.target,
        acc=best.get("none") == sample.target,
        acc_norm_chars=best.get("characters") == sample.target,
    )


@arc_e.test(
    generate(max_tokens=16, stop=["\n\n"]),
    prompt="Question: {{ question }}\n{% for c in choices %}{{ 'ABCDE'[loop.index0] }}. {{ c }}\n{% endfor %}Answer:",
    answer=" {{ target }}\n\n",
    main="acc",
)
def test_arc_e_gen(sample, output, score):
    answer = choice_letter(output.text, "ABCDE"[: len(sample.choices)])
    score(answer, acc=answer == sample.target)
