"""SQuAD 2.0 (Rajpurkar et al. 2018, arXiv:1806.03822): questions on Wikipedia's paragraphs, half of them unanswerable.

0-shot with OpenCompass's prompt (squad20, also UltraEval's), which says how to tell that there is no answer. Dev split.
exact_match, f1: of evaluate-v2.0.py, the best over the gold answers; a question without any is answered right by
"impossible to answer" and its like alone. The axis `answerable` has HasAns and NoAns. Questions cluster by paragraph.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import no_answer, span
from proctor.metrics import exact, token_f1

squad = Benchmark(
    "squad",
    main="exact_match",
    version=2,
    prompt=(
        "{{ passage }}\nAccording to the above passage, answer the following question. If it is impossible to answer "
        "according to the passage, answer `impossible to answer`:\nQuestion: {{ question }}\nAnswer:"
    ),
    answer=" {{ target }}\n\n",
)


@squad.rows
def read(row):
    for number, paragraph in enumerate(row["paragraphs"]):
        for asked in paragraph["qas"]:
            golds = [answer["text"] for answer in asked["answers"]]
            if not golds and not asked["is_impossible"]:
                raise ValueError("there are no answers, and the question is not said to be impossible")
            yield Sample(
                question=asked["question"],
                passage=paragraph["context"],
                target=golds[0] if golds else "impossible to answer",
                targets=golds,
                groups={"answerable": "NoAns" if asked["is_impossible"] else "HasAns"},
                cluster=f"{row['title']}-{number}",
            )


@squad.test(generate(max_tokens=50, stop=["\nQuestion:"]))
def test_squad(sample, output, score):
    answer = "" if no_answer(output.text) else span(output.text, whole_line=True)
    golds = sample.targets
    score(answer, exact_match=exact(answer, golds), f1=token_f1(answer, golds))
