"""IFEval (Zhou et al. 2023, arXiv:2311.07911): 541 prompts with instructions that a program can verify, 25 types.

0-shot: the prompt alone, as the authors ask. prompt_strict: all instructions followed; prompt_loose: by one of eight
forms of it (without first line, last line, asterisks). instruction_strict, instruction_loose: of all
instructions. Model cards quote one of the four, or their mean. The rules: proctor/metrics/instructions.py.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import split_thinking
from proctor.metrics import RULES, follows, follows_loosely, scoring_rate

ifeval = Benchmark(
    "ifeval",
    main="prompt_strict",
    prompt="{{ question }}",
    aggregate={"instruction_strict": scoring_rate, "instruction_loose": scoring_rate},
)


@ifeval.rows
def read(row):
    kinds = row["instruction_id_list"]
    if (unknown := set(kinds) - RULES.keys()) or len(kinds) != len(row["kwargs"]):
        raise ValueError(f"instruction types that are not known ({unknown}), or not one kwargs for each")
    # Published rows have no response: only the bundled ones, for the self-check.
    gold, metadata = row.get("response", ""), {"kinds": kinds, "arguments": row["kwargs"]}
    return Sample(question=row["prompt"], target=gold, groups={"instruction": kinds[0]}, metadata=metadata)


@ifeval.test(generate(max_tokens=1280))
def test_ifeval(sample, output, score):
    response = split_thinking(output.text)[1]
    kinds, arguments = sample.metadata["kinds"], sample.metadata["arguments"]
    strict, loose = (rule(response, kinds, arguments) for rule in (follows, follows_loosely))
    score(
        response or None,
        prompt_strict=all(strict),
        prompt_loose=all(loose),
        instruction_strict=(sum(strict), len(strict)),
        instruction_loose=(sum(loose), len(loose)),
    )
