"""ReCoRD (Zhang et al. 2018, arXiv:1810.12885), SuperGLUE's validation split: which entity fills a gap in a news query?

gen: OpenCompass's question, 0-shot, after the passage as published, its lines of "@highlight" included: models score
far lower where that form is lost. "@placeholder" is shown as "____".
em, f1: as the authors' record_evaluation.py has it, which SuperGLUE uses: SQuAD's normalization, and the best over all
mentions of the entity in the passage that are given as answers.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import span
from proctor.metrics import exact, token_f1

record = Benchmark(
    "record",
    main="em",
    version=2,
    prompt=(
        "Passage: {{ passage }}\nResult: {{ question | replace('@placeholder', '____') }}\n"
        "Question: What entity does ____ refer to in the result? Give me the entity name:"
    ),
    answer=" {{ targets[0] }}\n\n",
)


@record.rows
def read(row):
    text = row["passage"]["text"]
    # Offsets count the last character in.
    entities = [text[entity["start"] : entity["end"] + 1] for entity in row["passage"]["entities"]]
    for query in row["qas"]:
        if not query["answers"]:
            raise ValueError("there are no answers")
        yield Sample(
            question=query["query"],
            passage=text,
            targets=list(dict.fromkeys(answer["text"] for answer in query["answers"])),
            groups={"source": row["source"]},
            cluster=str(row["idx"]),
            metadata={"entities": list(dict.fromkeys(entities))},
        )


@record.test(generate(max_tokens=32, stop=["\n\n"]))
def test_record(sample, output, score):
    answer = span(output.text)
    score(answer, em=exact(answer, sample.targets), f1=token_f1(answer, sample.targets))
