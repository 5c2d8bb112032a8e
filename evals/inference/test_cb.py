"""CommitmentBank (de Marneffe et al. 2019, Sinn und Bedeutung 23), SuperGLUE's validation split (arXiv:1905.00537).

Does a speaker hold a clause to be true? ppl: the protocol whose numbers are quoted (lm-evaluation-harness, 0-shot):
the likeliest of " True" (entailment), " False" (contradiction) and " Neither" (neutral). gen: the same prompt, and the
label is read from what is written. accuracy: share of right answers; f1: mean of the three classes' F1 (SuperGLUE).
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import label
from proctor.metrics import macro_f1

LABELS = {"entailment": "True", "contradiction": "False", "neutral": "Neither"}
WAYS = {
    "True": ["True", "entailment", "entailed", "yes", "correct"],
    "False": ["False", "contradiction", "contradicted", "no", "incorrect", "untrue"],
    "Neither": ["Neither", "neutral", "undetermined", "unknown", "neither true nor false"],
}
NAMES = list(WAYS)

cb = Benchmark(
    "cb",
    main="accuracy",
    version=2,
    prompt="{{ passage }}\nQuestion: {{ question }}. True, False, or Neither?\nAnswer:",
    answer=" {{ target }}\n\n",
    aggregate={"f1": macro_f1},
)


@cb.rows
def read(row):
    return Sample(
        passage=row["premise"], question=row["hypothesis"], choices=list(LABELS.values()), target=LABELS[row["label"]]
    )


def judged(sample, answer, score):
    predicted = -1 if answer is None else NAMES.index(answer)
    score(answer, accuracy=answer == sample.target, f1=(predicted, NAMES.index(sample.target)))


@cb.test(rank(), default=True)
def test_cb_ppl(sample, output, score):
    judged(sample, output.choice, score)


@cb.test(generate(max_tokens=32, stop=["\n\n"]))
def test_cb_gen(sample, output, score):
    judged(sample, label(output.text, WAYS), score)
