"""HellaSwag (Zellers et al. 2019, arXiv:1905.07830): how does a described scene go on? Validation split, 0-shot.

ppl: the protocol whose numbers are quoted (lm-evaluation-harness): the four endings are ranked after "activity:
context", with ctx_b capitalized and WikiHow's brackets taken out; rows that have only `ctx` keep its capitals.
acc: by log-likelihood; acc_norm: per byte of the ending; acc_norm_chars: per character, which lm-evaluation-harness
calls acc_norm. gen: the endings stand in the prompt, and the model names a letter.
"""

import re

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

hellaswag = Benchmark("hellaswag", main="acc_norm", version=2, prompt="{{ question }}", answer=" {{ ending }}\n\n")


@hellaswag.rows
def read(row):
    context = f"{row['ctx_a']} {row['ctx_b'].capitalize()}" if "ctx_a" in row else row["ctx"]
    endings = [cleaned(ending) for ending in row["endings"]]
    return Sample(
        question=cleaned(f"{row['activity_label']}: {context}"),
        choices=endings,
        target="ABCD"[int(row["label"])],
        metadata={"ending": endings[int(row["label"])]},
        cluster=row.get("source_id"),
    )


def cleaned(text):
    return re.sub(r"\[.*?\]", "", text.strip().replace(" [title]", ". ")).replace("  ", " ")


@hellaswag.test(rank(), default=True)
def test_hellaswag_ppl(sample, output, score):
    best = {per: "ABCD"[i] for per in ("none", "bytes", "characters") if (i := output.likeliest(per)) is not None}
    score(
        best.get("bytes"),
        acc_norm=best.get("bytes") == sample.target,
        acc=best.get("none") == sample.target,
        acc_norm_chars=best.get("characters") == sample.target,
    )


@hellaswag.test(
    generate(max_tokens=16, stop=["\n\n"]),
    header="Choose the ending that continues the text best.\n\n",
    prompt="{{ question }} ...\n{% for c in choices %}{{ 'ABCD'[loop.index0] }}. {{ c }}\n{% endfor %}Answer:",
    answer=" {{ target }}\n\n",
    main="acc",
)
def test_hellaswag_gen(sample, output, score):
    answer = choice_letter(output.text, "ABCD")
    score(answer, acc=answer == sample.target)
