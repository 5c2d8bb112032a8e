"""GSM8K (Cobbe et al. 2021, arXiv:2110.14168).

8-shot chain of thought: the first eight training rows, ending in "#### N".
exact_match: the last number in the text; strict: the number after the first "####". Thinking, and a next question that
the text goes on to, are no part of it.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import after, final_number, number, own_answer
from proctor.metrics import same_number

gsm8k = Benchmark(
    "gsm8k",
    shots=8,
    main="exact_match",
    prompt="Question: {{ question }}\nAnswer:",
    answer=" {{ reference }}\n\n",
    version=2,
)


@gsm8k.rows
def read(row):
    _, target = row["answer"].split("\n#### ")
    if number(target) is None:
        raise ValueError(f"{target!r}, after ####, is no number")
    return Sample(question=row["question"], reference=row["answer"], target=target)


@gsm8k.test(generate(max_tokens=512, stop=["\nQuestion:"]))
def test_gsm8k(sample, output, score):
    said = own_answer(output.text)
    last, marked = final_number(said), number(after("####", said))
    score(last, exact_match=same_number(last, sample.target), strict=same_number(marked, sample.target))
