r"""AIME 2024 and 2025 (American Invitational Mathematics Examination, MAA): 30 problems a year, answers from 0 to 999.

0-shot with the instruction of Qwen2.5-Math's and DeepSeek-R1's evaluations: step by step, the answer in \boxed{}. Model
cards quote the mean over several samples at a temperature (`--epochs=64 --temperature=0.6`); models that reason at
length need room: `--set aime.max_tokens=32768`.
accuracy: the box, else the last number, is exactly the integer, leading zeros aside (the exam's sheet has 073 for 73).
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import final_answer, number
from proctor.metrics import same_number

aime = Benchmark(
    "aime",
    main="accuracy",
    prompt="{{ question }}\nPlease reason step by step, and put your final answer within \\boxed{}.\n\n",
)


@aime.rows
def read(row, file):
    answer = str(row["answer"]).strip()
    if not (answer.isdecimal() and int(answer) < 1000):
        raise ValueError(f"the answer {answer!r} is no integer from 0 to 999")
    question = row["question"] if "question" in row else row["problem"]
    return Sample(question=question, target=str(int(answer)), groups={"year": f"20{file[-2:]}"})


@aime.test(generate(max_tokens=1024, stop=["\nQuestion:", "\nProblem:"]))
def test_aime(sample, output, score):
    answer = number(final_answer(output.text))
    score(answer, accuracy=same_number(answer, sample.target))
