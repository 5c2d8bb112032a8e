"""GPQA (Rein et al. 2023, arXiv:2311.12022): graduate-level biology, physics and chemistry; the 198 of diamond.

gen: the authors' zero-shot chain of thought, in two turns: the model reasons, then names the answer. direct: their
zero-shot prompt. (Their few-shot prompts need five examples of their repository, which are not passed on here.) Answers
stand in the order of a hash of the question, where the authors shuffle the whole file from one seed. Data root:
unpack dataset.zip of idavidrein/gpqa with the password in its README; the manifest says how to take main or extended.
accuracy: the letter that the text settles on.
"""

from proctor import Benchmark, Sample, follow_up, generate, shuffled
from proctor.extract import choice_letter

QUESTION = (
    "What is the correct answer to this question: {{ question }}\n\n"
    "Choices:{% for c in choices %}\n({{ 'ABCD'[loop.index0] }}) {{ c }}{% endfor %}"
)
FORMAT = '"The correct answer is (insert answer here)".'

gpqa = Benchmark("gpqa", main="accuracy", prompt=QUESTION + "\nLet's think step by step: ")


@gpqa.rows
def read(row):
    right, *wrong = [row[name].strip() for name in ["Correct Answer", *(f"Incorrect Answer {n}" for n in (1, 2, 3))]]
    choices = shuffled([right, *wrong], by=row["Question"])
    groups = {"domain": row["High-level domain"], "subdomain": row["Subdomain"]}
    target = "ABCD"[choices.index(right)]
    return Sample(question=row["Question"].strip(), choices=choices, target=target, groups=groups)


async def reason_then_answer(prompt, model, seed, *, max_tokens=1000, temperature=0.0, top_p=1.0):
    sampling = {"temperature": temperature, "top_p": top_p, "seed": seed}
    thought = await model.generate(prompt, max_tokens=max_tokens, **sampling)
    asked = f"\n\nBased on the above, what is the single, most likely answer choice? Answer in the format {FORMAT}"
    answer = await model.generate(follow_up(prompt, thought.text, asked), max_tokens=64, **sampling)
    return answer.after(thought)


@gpqa.test(reason_then_answer, default=True)
def test_gpqa(sample, output, score):
    answer = choice_letter(output.text, "ABCD")
    score(answer, accuracy=answer == sample.target)


@gpqa.test(
    generate(max_tokens=64), variant="direct", prompt=QUESTION + "\n\nFormat your response as follows: " + FORMAT
)
def test_gpqa_direct(sample, output, score):
    answer = choice_letter(output.text, "ABCD")
    score(answer, accuracy=answer == sample.target)
