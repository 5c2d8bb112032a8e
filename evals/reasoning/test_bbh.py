r"""BIG-Bench Hard (Suzgun et al. 2022, arXiv:2210.09261): 27 tasks on which models once fell behind people, 6,511 rows.

gen: the authors' three worked examples a task (cot-prompts), byte by byte the prompts of their published outputs, which
end in "A: Let's think step by step."; the numbers that are quoted as "BBH, 3-shot CoT". direct: the same questions with
their answers alone, as in their direct outputs and lm-evaluation-harness's bbh_fewshot. The header brings the
examples: --shots changes nothing.
exact_match: by kind of answer: an option, yes or no and their like, a number, brackets, words. Three rows of the
published data have options torn at commas and a text for an answer, which is what is compared there. The paper
averages over tasks (the report's `macro`), and over those of an axis `kind`.
"""

import re

from proctor import Benchmark, Sample, generate
from proctor.extract import choice_letter, final_answer, label, number, split_thinking
from proctor.metrics import exact_match, same_number

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WORDS = {word: [word] for word in ("yes", "no", "true", "false", "valid", "invalid")}
CASES = [("yes", "no"), ("true", "false"), ("valid", "invalid")]

bbh = Benchmark(
    "bbh",
    main="exact_match",
    version=2,
    header_shots=3,
    header="{{ cot.split('-----\n')[1].rstrip() }}\n\n",
    prompt="Q: {{ question }}\nA: Let's think step by step.",
)
DIRECT = {
    "header": (
        "{% set parts = cot.split('-----\n')[1].rstrip().split('\n\nQ: ') %}{{ parts[0] }}\n\n"
        "{% for shot in parts[1:] %}Q: {{ shot.split('\nA:')[0] }}\n"
        "A: {{ shot.split('the answer is ')[-1].removesuffix('.') }}\n\n{% endfor %}"
    ),
    "prompt": "Q: {{ question }}\nA:",
}


@bbh.rows
def read(row, file):
    target, options = row["target"], re.findall(r"^\([A-Z]\) ?(.*)$", row["input"], re.MULTILINE)
    letter = re.fullmatch(r"\(([A-Z])\)", target)
    if letter and letter[1] not in LETTERS[: len(options)]:
        raise ValueError(f"the target {target} is none of the {len(options)} options")
    return Sample(
        question=row["input"],
        choices=options if letter else (),
        target=letter[1] if letter else target,
        groups={"task": file},
    )


def extracted(sample, text):
    """What a text answers, by the kind of the gold answer, and whether that is the gold answer."""
    target = sample.target
    if sample.choices:
        answer = choice_letter(text, LETTERS[: len(sample.choices)])
        return answer, answer == target
    for case in CASES:
        if target.lower() in case:
            answer = label(text, {word: WORDS[word] for word in case})
            return answer, answer == target.lower()
    if re.fullmatch(r"-?\d+", target):
        answer = number(final_answer(text))
        return answer, same_number(answer, target)
    said = re.split(r"(?i)\banswer(?: is\b|:)[:*\s]*", split_thinking(text)[1])[-1]
    if re.fullmatch(r"[\[\](){}<>\s]+", target):
        runs = re.findall(r"[\[\](){}<>](?:[\[\](){}<>\s]*[\[\](){}<>])?", said)
        answer = " ".join(re.sub(r"\s", "", runs[-1])) if runs else None
        return answer, exact_match(answer, target)
    answer = " ".join(said.strip().partition("\n")[0].replace(",", " ").split()).strip("*.\"' ") or None
    return answer, exact_match(answer and answer.lower(), " ".join(target.lower().replace(",", " ").split()))


@bbh.test(generate(max_tokens=1024, stop=["\n\nQ:"]), default=True)
def test_bbh(sample, output, score):
    answer, right = extracted(sample, output.text)
    score(answer, exact_match=right)


@bbh.test(generate(max_tokens=64, stop=["\n\nQ:"]), variant="direct", **DIRECT)
def test_bbh_direct(sample, output, score):
    answer, right = extracted(sample, output.text)
    score(answer, exact_match=right)
