"""QuAC (Choi et al. 2018, arXiv:1808.07036): a student asks about a section of Wikipedia that only the teacher can see.

0-shot with HELM's layout (quac: title, background, section, passage without its last word CANNOTANSWER), after all
earlier questions and the teacher's answers; HELM breaks dialogs off at random, here each question is asked, as in the
paper. Validation split. Questions whose references agree less than 0.4 are left out, as by the authors' scorer.py.
f1: of the answer and the best of the human references, as people are scored; a no-answer phrase is CANNOTANSWER.
heq_q: f1 is at least that of people; heq_d: the share of dialogs of which all questions are so.
"""

import re

from proctor import Benchmark, Sample, generate
from proctor.extract import no_answer, span
from proctor.metrics import CANNOT_ANSWER, QUAC_LEAST_HUMAN_F1, quac_f1, quac_human_f1, question_em

quac = Benchmark(
    "quac",
    main="f1",
    version=2,
    aggregate={"heq_d": question_em},
    prompt=(
        "Title: {{ title }}\n\n{% if background %}Background: {{ background }}\n\n{% endif %}"
        "{% if section %}Section: {{ section }}\n{% endif %}Passage: {{ passage }}\n\n"
        "{% for turn in history %}Question: {{ turn[0] }}\nAnswer: {{ turn[1] }}\n\n{% endfor %}"
        "Question: {{ question }}\nAnswer:"
    ),
    answer=" {{ target }}\n\n",
)


@quac.rows
def read(row):
    about = {"title": row["title"], "background": row.get("background", ""), "section": row.get("section_title", "")}
    for dialog in row["paragraphs"]:
        known = [[answer["text"] for answer in asked["answers"]] for asked in dialog["qas"]]
        if not all(known):
            raise ValueError(f"qas[{known.index([])}].answers is empty")
        humans = [quac_human_f1(references) for references in known]
        counted = sum(human >= QUAC_LEAST_HUMAN_F1 for human in humans)
        # The dialog's number, for heq_d: what its id has in digits, as far as a number holds them exactly.
        number = int(re.sub(r"[^0-9a-f]", "", dialog["id"])[-13:], 16)
        history = []
        for asked, references, human in zip(dialog["qas"], known, humans, strict=True):
            teacher = asked["orig_answer"]["text"]
            if human < QUAC_LEAST_HUMAN_F1:
                yield "people agree too little on the answer"
            else:
                yield Sample(
                    question=asked["question"],
                    passage=dialog["context"].removesuffix(f" {CANNOT_ANSWER}"),
                    target=teacher,
                    targets=references,
                    groups={"answerable": "no" if teacher == CANNOT_ANSWER else "yes"},
                    cluster=dialog["id"],
                    metadata={**about, "history": list(history), "human": human, "dialog": (number, counted)},
                )
            history.append((asked["question"], teacher))


@quac.test(generate(max_tokens=100, stop=["\nQuestion:"]))
def test_quac(sample, output, score):
    answer = CANNOT_ANSWER if no_answer(output.text) else span(output.text, whole_line=True)
    f1 = quac_f1(answer, sample.targets)
    as_people = f1 >= sample.metadata["human"]
    number, counted = sample.metadata["dialog"]
    score(answer, f1=f1, heq_q=as_people, heq_d=(number, as_people, counted))
