"""`proctor published`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from proctor import pages
from proctor.comparing import differences, published, reproduced
from proctor.data.manifest import misspelt
from proctor.errors import SetupError
from proctor.reporting import reports, runs

HELP = "List the scores that papers and model cards report, or put a run beside them."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("run", metavar="RUN", type=Path, nargs="?", help="folder of a run, to be put beside them")
    parser.add_argument(
        "--model", metavar="NAME", help="figures of this model (with RUN, default: the model of the run)"
    )
    parser.add_argument("--benchmark", metavar="NAME", help="figures on this benchmark")
    parser.add_argument(
        "--strict", action="store_true", help="exit code 1 where one lies outside, or none was compared"
    )
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write the table as Markdown too")


def run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Print published scores, or those beside a run's."""
    if chosen.run is None and (chosen.strict or chosen.markdown):
        parser.error("--strict and --markdown are for a run: name its folder")
    benchmarks = pages.known_sources()
    if chosen.benchmark is not None and (problems := misspelt(benchmarks, [chosen.benchmark])):
        parser.error("; ".join(problems))
    known = published.read(pages.data_root() / published.FILE, benchmarks)
    if chosen.benchmark is not None:
        kept = [figure for figure in known.figures if chosen.benchmark in figure.column.benchmarks]
        known = replace(known, figures=kept)
    if chosen.run is not None:
        return _beside(chosen, known, {name: source.samples for name, source in benchmarks.items() if source.samples})
    if chosen.model is None and chosen.benchmark is None:
        for line in differences.aligned(published.MODELS, published.overview(known), left=3):
            print(line)
        return 0
    model = None if chosen.model is None else known.named(chosen.model)
    figures = [figure for figure in known.figures if model in (None, figure.model)]
    for line in differences.with_notes(published.FIGURES, list(published.listed(figures)), left=5):
        print(line)
    print()
    for line in published.origins(known, figures):
        print(line)
    return 0


def _beside(chosen: argparse.Namespace, known: published.Published, sizes: Mapping[str, int]) -> int:
    report = runs.report(chosen.run)
    try:
        model = reproduced.model_of(known, report, chosen.model)
        lines = reproduced.beside(known, report, model, sizes)
        head = reproduced.head(report, model, str(chosen.run))
        rows = [(line.cells(), "; ".join(line.said)) for line in lines]
    except (KeyError, TypeError, AttributeError) as error:
        place = chosen.run / "report.json"
        raise SetupError(f"{place}: not the report of a run: {type(error).__name__}: {error}") from None
    foot = list(reproduced.foot(lines, sum(figure.model == model for figure in known.figures)))
    sources = list(published.origins(known, [line.figure for line in lines]))
    for line in [head, "", *differences.with_notes(reproduced.HEADS, rows, reproduced.LEFT), "", *foot, "", *sources]:
        print(line)
    if chosen.markdown is not None:
        table = differences.table((*reproduced.HEADS, "what differs"), [(*cells, said) for cells, said in rows], 3)
        said = [f"# {head}", "", *table, "", *(f"- {line}" for line in (*foot, *sources))]
        reports.write_text(chosen.markdown, "\n".join(said) + "\n")
    verdicts = {line.verdict for line in lines}
    return int(chosen.strict and (reproduced.OUTSIDE in verdicts or reproduced.WITHIN not in verdicts))
