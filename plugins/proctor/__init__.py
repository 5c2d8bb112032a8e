"""proctor: benchmarks for language models as pytest modules.

    from proctor import Benchmark, Sample, generate, rank

A module declares a `Benchmark`, reads its rows into `Sample`s, says what to ask (`generate`, `rank` or
a coroutine function of its own) and judges the output in an ordinary test function. See docs/writing.md.
"""

__version__ = "0.1.0"

from proctor.asks import Ask, Ranking, generate, likelihood, rank
from proctor.benchmark import Benchmark
from proctor.code import TestedOutput, generate_code
from proctor.errors import AskError, DataError, ProctorError, PromptError, ServiceError, SetupError
from proctor.judge.asks import Judge, compared, graded
from proctor.judge.opinions import JudgedOutput, Opinion
from proctor.model import Completion, Likelihood, Likelihoods, Model, Output, Program, Usage, follow_up
from proctor.sample import Sample, shuffled

__all__ = [
    "Ask",
    "AskError",
    "Benchmark",
    "Completion",
    "DataError",
    "Judge",
    "JudgedOutput",
    "Likelihood",
    "Likelihoods",
    "Model",
    "Opinion",
    "Output",
    "ProctorError",
    "Program",
    "PromptError",
    "Ranking",
    "Sample",
    "ServiceError",
    "SetupError",
    "TestedOutput",
    "Usage",
    "compared",
    "follow_up",
    "generate",
    "generate_code",
    "graded",
    "likelihood",
    "rank",
    "shuffled",
]
