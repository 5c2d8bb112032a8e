"""TheoremQA (Chen et al. 2023, arXiv:2305.12524): 800 questions that need a theorem of maths, physics, finance or EECS.

0-shot with the authors' instruction and "Let's think step by step." (run_gpt3.5.py of wenhuchen/TheoremQA). All 800 are
asked, the 53 with a picture too, as in the authors' runs of text-only models; the axis `picture` sets them apart.
accuracy: the authors' rules by the type of the answer (predict_accuracy.py): floats within 4 %, integers by rounding,
lists sorted, bool and option as they are; calculations are evaluated by a bounded walk over their syntax, never `eval`.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import theorem_answer
from proctor.metrics import same_theorem_answer

TYPES = ("bool", "integer", "float", "list of integer", "list of float", "option")

theoremqa = Benchmark(
    "theoremqa",
    main="accuracy",
    version=2,
    header=(
        "You are a mathematician, you are supposed to answer the given question. You need to output the answer in your "
        'final sentence like "Therefore, the answer is ...". The answer can only be one of the following forms:\n'
        "1. a numerical value like 0.1, no symbol and no unit at all.\n"
        "2. a list of number like [2, 3, 4].\n"
        "3. True/False.\n"
        "4. an option like (a), (b), (c), (d)\n"
    ),
    prompt="Question: {{ question }}\nLet's think step by step.",
)


@theoremqa.rows
def read(row):
    if row["Answer_type"].lower() not in TYPES:
        raise ValueError(f"{row['Answer_type']!r} is none of the types {', '.join(TYPES)}")
    if not str(row["Answer"]).strip():
        raise ValueError("Answer is empty")
    return Sample(
        question=row["Question"],
        target=str(row["Answer"]),
        groups={
            "field": row["field"],
            "subfield": row["subfield"],
            "type": row["Answer_type"].lower(),
            "picture": "without" if row["Picture"] is None else "with",
        },
        metadata={"gold": row["Answer"]},
    )


@theoremqa.test(generate(max_tokens=1028, stop=["\nQuestion:"]))
def test_theoremqa(sample, output, score):
    answer = theorem_answer(output.text, sample.groups["type"])
    score(answer, accuracy=same_theorem_answer(answer, sample.metadata["gold"], sample.groups["type"]))
