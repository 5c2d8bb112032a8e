"""HellaSwag (Zellers et al. 2019, arXiv:1905.07830): how does a described scene go on? Validation split, 0-shot.

ppl: the protocol whose numbers are quoted (lm-evaluation-harness): the four endings are ranked after "activity:
context", with ctx_b capitalized and WikiHow's brackets taken out; rows that have only `ctx` keep its capitals.
acc: by log-likelihood; acc_norm: per byte of the ending; acc_norm_chars: per character, which lm-evaluation-harness
calls acc_norm. gen: the endings stand in the prompt, and the model names a letter.
"""

import re

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter
from proctor.metrics import accuracies

hellaswag = Benchmark("hellaswag", main="acc_norm", version=2, prompt="{{ question }}", answer=" {{ ending }}\n\n")


@hellaswag.rows
def read(row):
    context = f"{row['ctx_a']} {row['ctx_b'].capitalize()}" if {"ctx_a", "ctx_b"} & {*row} else row["ctx"]
    endings = [cleaned(ending) for ending in row["endings"]]
    right = ("0", "1", "2", "3").index(str(row["label"]))
    return Sample(
        question=cleaned(f"{row['activity_label']}: {context}"),
        choices=endings,
        target="ABCD"[right],
        metadata={"ending": endings[right]},
        cluster=row.get("source_id"),
    )


def cleaned(text):
    return re.sub(r"\[.*?\]", "", text.strip().replace(" [title]", ". ")).replace("  ", " ")


@hellaswag.test(rank(), default=True)
def test_hellaswag_ppl(sample, output, score):
    score(output.letter("bytes"), **accuracies(output, sample.target))


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
