"""TriviaQA (Joshi et al. 2017, arXiv:1705.03551): quiz questions, unfiltered-web-dev. 0-shot.

gen: closed book, lm-evaluation-harness' prompt, which ends every question with one more "?". evidence: the first 800
words of each page in front, as the authors' convert_to_squad_format.py cuts them; of rows whose pages come without
their text the snippets of the search, and rows with neither are left out. Of what is written the short answer counts.
exact_match and f1: by triviaqa_evaluation.py, over the normalized aliases as published.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import span
from proctor.metrics import trivia_exact, trivia_f1

triviaqa = Benchmark(
    "triviaqa", main="exact_match", version=2, prompt="Question: {{ question }}?\nAnswer:", answer=" {{ target }}\n\n"
)


@triviaqa.rows
def read(row):
    answer = row["Answer"]
    pages = [page.get("WikiContext") for page in row["EntityPages"]]
    results = [found.get("SearchContext") or found.get("Description") for found in row["SearchResults"]]
    texts = [" ".join(text.split(" ")[:800]) for text in pages + results if text]
    golds = [*answer["NormalizedAliases"], *answer.get("HumanAnswers", ())]
    if not golds:
        raise ValueError("no alias of the answer is given")
    return Sample(question=row["Question"], passage="\n\n".join(texts), target=answer["Value"], targets=golds)


def judge(sample, output, score):
    answer = span(output.text)
    score(answer, exact_match=trivia_exact(answer, sample.targets), f1=trivia_f1(answer, sample.targets))


@triviaqa.test(generate(max_tokens=64, stop=["\nQuestion:"]), default=True)
def test_triviaqa(sample, output, score):
    judge(sample, output, score)


@triviaqa.test(
    generate(max_tokens=64, stop=["\nQuestion:"]),
    variant="evidence",
    leave_out=lambda sample: None if sample.passage else "no evidence in the row",
    prompt="{{ passage }}\n\nQuestion: {{ question }}?\nAnswer:",
)
def test_triviaqa_evidence(sample, output, score):
    judge(sample, output, score)
