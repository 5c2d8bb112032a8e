"""DROP (Dua et al. 2019, arXiv:1903.00161): questions that need arithmetic, counting or several spans; dev, 9,536.

3-shot with the prompt of GPT-3's evaluation (Brown et al. 2020), whose F1 model papers quote; examples are the first
questions of the training file. f1, exact_match: of the official drop_eval.py, the best over the annotators. A text is
read as one span, or split at commas and "and" as several, whichever is the better answer.
"""

import re

from proctor import Benchmark, Sample, generate
from proctor.extract import span
from proctor.metrics import drop_scores

drop = Benchmark(
    "drop",
    shots=3,
    main="f1",
    prompt="Passage: {{ passage }}\nQuestion: {{ question }}\nAnswer:",
    answer=" {{ target }}\n\n",
)


def spans(answer):
    """An annotator's answer as texts: the number, else the spans, else the date."""
    if answer["number"] != "":
        return [str(answer["number"])]
    return answer["spans"] or [" ".join(answer["date"].get(part, "") for part in ("day", "month", "year")).strip()]


@drop.rows
def read(row):
    for asked in row["qa_pairs"]:
        golds = [spans(answer) for answer in (asked["answer"], *asked.get("validated_answers", ()))]
        if not golds[0][0].strip():
            yield "its answer is empty"
            continue
        yield Sample(
            question=asked["question"],
            passage=row["passage"],
            target=", ".join(golds[0]),
            targets=golds,
            cluster=f"{row['passage'][:60]} ({len(row['passage'])} characters)",
        )


@drop.test(generate(max_tokens=64, stop=["\n"]))
def test_drop(sample, output, score):
    answer = span(output.text, whole_line=True)
    several = [one for one in re.split(r",\s+(?:and\s+)?|\s+and\s+", answer or "") if one]
    found = [drop_scores(one, sample.targets) for one in ([answer], several) if answer]
    exact, f1 = max(found, default=(0.0, 0.0))
    score(answer, f1=f1, exact_match=exact)
