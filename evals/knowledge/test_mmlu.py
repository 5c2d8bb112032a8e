"""MMLU (Hendrycks et al. 2021, arXiv:2009.03300): 57 subjects, 5 dev rows in file order.

ppl: the likeliest of " A" to " D" after "Answer:", as the authors' code has it. gen: the letter that is written.
cloze: no letters, the options are ranked, as the model cards of SmolLM2 quote it (lighteval, `mmlu_cloze_prompt` in
huggingface/smollm): 0-shot, which is `--shots=0`, and per character.
The authors' code leaves two spaces after "about"; one stands here, as in most harnesses since.
accuracy is over all questions; the report's `macro` is the mean of the subjects' scores.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter
from proctor.metrics import accuracies

mmlu = Benchmark(
    "mmlu",
    shots=5,
    main="accuracy",
    version=2,
    header="The following are multiple choice questions (with answers) about {{ subject | replace('_', ' ') }}.\n\n",
    prompt="{{ question }}\n{% for c in choices %}{{ 'ABCD'[loop.index0] }}. {{ c }}\n{% endfor %}Answer:",
    answer=" {{ target }}\n\n",
)


@mmlu.rows
def read(row, file):
    question, *choices, target = row
    return Sample(question=question, choices=choices, target=target, groups={"subject": file.rpartition("_")[0]})


@mmlu.test(rank("ABCD"), default=True)
def test_mmlu_ppl(sample, output, score):
    score(output.choice, accuracy=output.choice == sample.target)


@mmlu.test(generate(max_tokens=16, stop=["\n\n"]))
def test_mmlu_gen(sample, output, score):
    answer = choice_letter(output.text, "ABCD")
    score(answer, accuracy=answer == sample.target)


@mmlu.test(
    rank(),
    variant="cloze",
    header="The following are questions about {{ subject | replace('_', ' ') }}.\n",
    prompt="Question: {{ question }}\nAnswer:",
    answer=" {{ choices['ABCD'.index(target)] }}\n\n",
    main="acc_norm_chars",
)
def test_mmlu_cloze(sample, output, score):
    score(output.letter("characters"), **accuracies(output, sample.target))
