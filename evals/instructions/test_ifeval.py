"""IFEval (Zhou et al. 2023, arXiv:2311.07911): 541 prompts with 25 kinds of instructions that rules can verify.

0-shot, the prompt as it is; greedy, in 1280 tokens as in lm-evaluation-harness, whose numbers model cards quote. The
rules are the authors' (google-research/instruction_following_eval; see proctor.metrics.instructions). prompt_strict:
share of prompts all of whose instructions are followed. instruction_strict: share of instructions that are. The loose
ones try eight forms of a response: without its first or last line or asterisks. A metric for each family: its share of
instructions followed, strictly. Thinking is no part of the response.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import split_thinking
from proctor.metrics import follows, follows_loosely, instructions_of, scoring_rate
from proctor.metrics.instructions import FAMILIES, Instruction

RATES = ("instruction_strict", "instruction_loose", *FAMILIES)

ifeval = Benchmark(
    "ifeval", main="prompt_strict", prompt="{{ question }}", aggregate=dict.fromkeys(RATES, scoring_rate)
)


@ifeval.rows
def read(row):
    asked = instructions_of(row["instruction_id_list"], row["kwargs"])
    return Sample(
        question=row["prompt"],
        target=row.get("response"),  # of bundled rows: one that follows
        groups={"instructions": str(len(asked))},
        metadata={"key": row["key"], "instructions": asked},
    )


@ifeval.test(generate(max_tokens=1280))
def test_ifeval(sample, output, score):
    response = split_thinking(output.text)[1]
    asked = [Instruction(*one) for one in sample.metadata["instructions"]]
    strict, loose = [[rule(response, one) for one in asked] for rule in (follows, follows_loosely)]
    rates = {"instruction_strict": strict, "instruction_loose": loose}
    rates |= {name: [ok for ok, one in zip(strict, asked, strict=True) if one.family == name] for name in FAMILIES}
    score(
        [one.name for ok, one in zip(strict, asked, strict=True) if ok] if response.strip() else None,
        prompt_strict=all(strict),
        prompt_loose=all(loose),
        **{name: (sum(known), len(known)) for name, known in rates.items() if known},
    )
