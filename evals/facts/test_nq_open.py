"""NQ-open (Lee et al. 2019, arXiv:1906.00300): questions of Google's users, without a passage. Dev split, 0-shot.

gen: the prompt of LLaMA (Touvron et al. 2023, arXiv:2302.13971) and of lm-evaluation-harness' nq_open. Of what is
written the short answer counts. exact_match: it is one of the gold answers, by SQuAD's normalization, as the authors'
eval_utils.py has it; f1: of words, the best over the gold answers.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import span
from proctor.metrics import open_exact, open_f1

nq_open = Benchmark(
    "nq-open",
    main="exact_match",
    version=2,
    header="Answer these questions:\n",
    prompt="Q: {{ question }}?\nA:",
    answer=" {{ targets[0] }}\n",
)


@nq_open.rows
def read(row):
    if not row["answer"] or isinstance(row["answer"], str):
        raise ValueError(f"the answer is no list of gold answers but {row['answer']!r}")
    return Sample(question=row["question"], target=row["answer"][0], targets=row["answer"])


@nq_open.test(generate(max_tokens=64, stop=["\nQ:"]))
def test_nq_open(sample, output, score):
    answer = span(output.text)
    score(answer, exact_match=open_exact(answer, sample.targets), f1=open_f1(answer, sample.targets))
