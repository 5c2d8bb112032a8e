"""LAMBADA (Paperno et al. 2016, arXiv:1606.06031): the last word of a passage. The test set as OpenAI has it, 0-shot.

ppl: lm-evaluation-harness' lambada_openai, whose numbers are quoted: a space and the last word follow the passage.
accuracy: every token of it is the model's first choice; perplexity: exp of the mean surprise of the word.
gen: OpenCompass' prompt (lambada_gen), and the first word that is written.
"""

import re

from proctor import Benchmark, Sample, generate, likelihood
from proctor.extract import split_thinking
from proctor.metrics import perplexity

LEAST = -700.0
"""Log-likelihood of a word that cannot be: no metric is infinite."""

lambada = Benchmark("lambada", main="accuracy", prompt="{{ question }}", aggregate={"perplexity": perplexity})


@lambada.rows
def read(row):
    passage, space, word = row["text"].rpartition(" ")
    if not space or not word:
        raise ValueError(f"no word stands after a space at the end of {row['text'][-40:]!r}")
    return Sample(question=passage, target=word)


@lambada.test(likelihood(), default=True)
def test_lambada_ppl(sample, output, score):
    word = output.choices[0]
    # An endpoint that does not say which token it would have chosen leaves nothing to extract.
    known = word.greedy if word.logprob > LEAST else None
    answer = {True: sample.target, False: "another word", None: None}[known]
    score(answer, accuracy=known is True, perplexity=max(word.logprob, LEAST))


def first_word(text):
    found = re.search(r"\w+(?:['’-]\w+)*", text)
    return found[0] if found else None


@lambada.test(generate(max_tokens=16), header="Please complete the following sentence:\n")
def test_lambada_gen(sample, output, score):
    answer = first_word(split_thinking(output.text)[1])
    score(answer, accuracy=answer is not None and answer == first_word(sample.target))
