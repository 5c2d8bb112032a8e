"""MultiRC (Khashabi et al. 2018, NAACL), SuperGLUE's validation split (arXiv:1905.00537): what answers a question?

Any number of options may be right, so that each is a sample: is it an answer? ppl: lm-evaluation-harness's prompt,
0-shot, and the likelier of " no" and " yes" (it ranks the option with the question after it; the option being the same
in both, that is the same choice). gen: the same prompt, and what is written is read as yes or no.
accuracy: of options. f1a: F1 of "is an answer" over all options; em: share of questions all of whose options are judged
rightly; both as in the authors' scorer, and the ones that papers quote.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import boolean
from proctor.metrics import f1_of_class, question_em

SAID = {"no": 0, "yes": 1}

multirc = Benchmark(
    "multirc",
    main="accuracy",
    version=2,
    prompt="{{ passage }}\nQuestion: {{ question }}\nAnswer: {{ option }}\nIs the answer correct?",
    answer=" {{ target }}\n\n",
    aggregate={"f1a": f1_of_class, "em": question_em},
)


@multirc.rows
def read(row):
    for question in row["passage"]["questions"]:
        if not question["answers"]:
            raise ValueError(f"question {question['idx']} has no answers to judge")
        for option in question["answers"]:
            yield Sample(
                question=question["question"],
                passage=row["passage"]["text"],
                choices=["no", "yes"],
                target={0: "no", 1: "yes"}[option["label"]],
                cluster=str(row["idx"]),
                metadata={"option": option["text"], "number": question["idx"], "options": len(question["answers"])},
            )


def judged(sample, answer, score):
    right, about = answer == sample.target, sample.metadata
    score(
        answer,
        accuracy=right,
        f1a=(SAID.get(answer, -1), SAID[sample.target]),
        em=(about["number"], right, about["options"]),
    )


@multirc.test(rank(), default=True)
def test_multirc_ppl(sample, output, score):
    judged(sample, output.choice, score)


@multirc.test(generate(max_tokens=32, stop=["\n\n"]))
def test_multirc_gen(sample, output, score):
    judged(sample, {True: "yes", False: "no"}.get(boolean(output.text)), score)
