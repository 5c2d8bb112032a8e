"""DROP (Dua et al. 2019, arXiv:1903.00161): counting, arithmetic and several spans over a passage; dev.

3-shot, as Llama 3's model card and OpenAI's simple-evals quote it. Both draw three training questions at random; here
they are the first ones of the first three training passages, the same for each sample. gen: passage, question, and the
answer alone. cot: the prompt of simple-evals, which has the model think and end in a line "Answer: ...".
f1, exact_match: of the authors' drop_eval.py, the best over all annotators. It takes a list of spans from a system; a
text is read as one span and, cut at commas and "and", as several, and the better reading counts. f1_whole reads it as
one only, as lm-evaluation-harness does, where several spans are never quite right. The axis `answer` has the types of
the paper: number, date, span, spans. Questions cluster by passage; one that nobody answered is left out.
"""

import re

from proctor import Benchmark, Sample, generate
from proctor.extract import span
from proctor.metrics import drop_scores

ASKED = "Passage: {{ passage }}\nQuestion: {{ question }}\nAnswer:"
OWN = "{% if not id.startswith('shot-') %}"  # of the sample that is asked, not of the examples
THINK = 'Think step by step, then write a line of the form "Answer: $ANSWER" at the end of your response.'
COT = {
    "header": (
        "You will be asked to read a passage and answer a question. Some examples of passages and Q&A are provided "
        "below.\n\n# Examples"
    ),
    "prompt": f"{OWN}\n# Your Task\n{{% endif %}}\n---\n{ASKED}{OWN} \n\n{THINK}{{% endif %}}",
    "answer": " {{ target }}\n",
}

drop = Benchmark("drop", shots=3, main="f1", prompt=ASKED, answer=" {{ target }}\n\n")


def spans(answer):
    """An annotator's answer as drop_eval.py reads it: the number, else the spans, else the date; and its type."""
    if answer["number"] not in ("", None):
        return [str(answer["number"])], "number"
    if answer["spans"]:
        return answer["spans"], "span" if len(answer["spans"]) == 1 else "spans"
    return [" ".join(filter(None, (answer["date"][part] for part in ("day", "month", "year"))))], "date"


@drop.rows
def read(row, file):
    for asked in row["qa_pairs"][:1] if file.endswith("_train") else row["qa_pairs"]:
        annotators = [asked["answer"], *asked.get("validated_answers", ())]
        golds = [(texts, kind) for texts, kind in map(spans, annotators) if texts[0].strip()]
        if not golds:
            yield "no annotator answered"
            continue
        targets = [", ".join(texts) for texts, _ in golds]
        yield Sample(
            question=asked["question"],
            passage=row["passage"].strip(),
            target=targets[0],
            targets=targets,
            groups={"answer": golds[0][1]},
            cluster=f"{row['passage'].strip()[:60]} ({len(row['passage'])} characters)",
            metadata={"golds": [texts for texts, _ in golds]},
        )


def judge(sample, output, score):
    answer, golds = span(output.text), sample.metadata["golds"]
    whole = drop_scores(answer and [answer], golds)
    several = drop_scores([one for one in re.split(r",\s+(?:and\s+)?|;\s*|\s+and\s+", answer or "") if one], golds)
    score(answer, f1=max(whole[1], several[1]), exact_match=max(whole[0], several[0]), f1_whole=whole[1])


@drop.test(generate(max_tokens=64, stop=["\n"]), default=True)
def test_drop(sample, output, score):
    judge(sample, output, score)


@drop.test(generate(max_tokens=1024), variant="cot", **COT)
def test_drop_cot(sample, output, score):
    judge(sample, output, score)
