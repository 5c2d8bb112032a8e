"""The command `proctor`: a table of subcommands, each with its arguments and what it does.

Exit codes: 0 done, 1 failed, 2 called wrongly, 4 nothing was done, since something given is wrong; 10 and 11 those of
pytest with --gate; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path

from proctor import __version__, checking, pages
from proctor.comparing import compare, differences, published, reproduced
from proctor.data import fetch_plan, ultraeval
from proctor.data.fetch import Fetched, cache_root, named, offline
from proctor.data.manifest import Source, bundled_root, misspelt, sources
from proctor.data.reading import load
from proctor.errors import DataError, ProctorError, SetupError
from proctor.gating import gatefile, gates, noise, verdicts
from proctor.gating.items import Gating
from proctor.judge import labels
from proctor.reporting import baseline, reports, runs
from proctor.reporting.runs import ScoredRun


@dataclass(frozen=True)
class Command:
    """A subcommand. `run` returns the exit code; a ProctorError that it raises is told, and is exit code 1."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, argparse.ArgumentParser], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments`, by default those of the process; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="proctor", description="Language model evaluation with pytest: what is not a test run."
    )
    parser.add_argument("--version", action="version", version=f"proctor {__version__}")
    table = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (*COMMANDS, *_added()):
        own = table.add_parser(command.name, help=command.help, description=command.help)
        command.arguments(own)
        own.set_defaults(command=command, parser=own)
    chosen = parser.parse_args(arguments)
    try:
        code: int = chosen.command.run(chosen, chosen.parser)
        sys.stdout.flush()
        return code
    except ProctorError as error:
        print(f"proctor: {error}", file=sys.stderr)
        return 4 if isinstance(error, SetupError) and not isinstance(error, DataError) else 1
    except BrokenPipeError:  # who reads has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nproctor: interrupted; what has come is kept", file=sys.stderr)
        return 130


def _added() -> list[Command]:
    """Subcommands of installed packages: modules with `HELP`, `arguments` and `run`, as a `Command` has them."""
    found = [(entry.name, entry.load()) for entry in entry_points(group="proctor.commands")]
    return [Command(name, module.HELP, module.arguments, module.run) for name, module in found]


def known_sources() -> dict[str, Source]:
    """The sources of the benchmarks that come with proctor, and of those under the current folder.

    Raises DataError for a manifest that cannot be read.
    """
    known = sources(pages.data_root())
    here = bundled_root(Path.cwd() / "manifest.yaml")
    return known if here is None else {**known, **sources(here)}


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmark (default: all)")
    parser.add_argument("--markdown", action="store_true", help="as docs/benchmarks.md has it")


def _list_run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    some = pages.chosen(chosen.names)
    table = differences.aligned(pages.HEADS, pages.rows(some), left=len(pages.HEADS))
    for line in pages.markdown(some) if chosen.markdown else table:
        print(line)
    return 0


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="benchmark")
    parser.add_argument("--variant", metavar="NAME", help="only this one")


def _show_run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    (page,) = pages.chosen([chosen.name])
    for line in pages.shown(page, chosen.variant):
        print(line)
    return 0


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmark (default: all)")
    parser.add_argument(
        "--data-dir", metavar="DIR", help="data root with the published rows (default: the bundled ones)"
    )


def _check_run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """A row for each task, as soon as it is known; exit code 1 where anything is wrong."""
    some, widths = pages.chosen(chosen.names), (24, 8, 8, 8, 7, 7, 9, 9, 0)
    data_dir = None if chosen.data_dir is None else str(Path(chosen.data_dir).expanduser().absolute())
    if data_dir is not None and not Path(data_dir).is_dir():
        parser.error(f"--data-dir {chosen.data_dir}: no such folder")
    wrong = 0

    def told(cells: Sequence[str]) -> None:
        others = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        print("  ".join([cells[0].ljust(widths[0]), *others]).rstrip(), flush=True)

    told(checking.HEADS)
    for found in checking.check_all(some, data_dir):
        wrong += sum(bool(one.faults) for one in found)
        for one in found:
            told(one.cells())
    print(f"{len(some)} benchmarks, {wrong} tasks with faults")
    return 1 if wrong else 0


def _fetch_arguments(parser: argparse.ArgumentParser) -> None:
    cache = str(cache_root()).replace("%", "%%")
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmark whose published data are fetched")
    parser.add_argument("--all", action="store_true", help="fetch those of every benchmark")
    parser.add_argument(
        "--data-dir",
        "--cache",
        metavar="DIR",
        type=Path,
        help=f"data root to fill, as pytest's --data-dir takes it (default: {cache}; PROCTOR_CACHE moves it)",
    )
    parser.add_argument(
        "--plan", "--dry-run", action="store_true", help="say what would be fetched, how much, under which licences"
    )
    parser.add_argument("--mirror", metavar="URL", help="ask this host in place of the published ones")
    parser.add_argument("--force", action="store_true", help="download again, and replace what is there")


def _fetch_run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    known = known_sources()
    if bool(chosen.names) == chosen.all:
        parser.error(f"name benchmarks, or --all; there are: {', '.join(sorted(known))}")
    root = (chosen.data_dir or cache_root()).expanduser().absolute()
    if problems := named(known, chosen.names, root):
        parser.error("; ".join(problems))
    planned = fetch_plan.plan(known, dict.fromkeys(chosen.names) or known, root, chosen.force)
    if len(planned) > 1 or chosen.plan:  # of one alone, each file is told as it comes
        lines = differences.aligned(fetch_plan.HEADS, [one.row for one in planned], left=9)
        print("\n".join([*lines, "", *fetch_plan.told(planned, root)]), flush=True)
    if chosen.plan:
        return 0
    coming = [one.name for one in planned if one.state in fetch_plan.COMING]
    if chosen.all and coming and (forbidden := offline()):
        raise DataError(f"{forbidden} forbids to fetch what is not there: {', '.join(coming)}")

    def done(name: str, found: Fetched) -> str:
        if chosen.all and not found.new:
            return ""  # the plan has it
        files = f"{found.files} file{'s' if found.files > 1 else ''}, {found.size / 1e6:.1f} MB"
        published = known[name].fetch
        known_good = published is None or all(pin.sha256 for pin in published.pins)  # the hub has one of each
        how = "verified" if known_good else "as first fetched (not each file has a published sha256 to verify it by)"
        return f"{name}: {'fetched and' if found.new else 'there already,'} {how}: {files} in {found.folder}"

    outcome = fetch_plan.fetch_all(planned, root, done, mirror=chosen.mirror, force=chosen.force)
    if chosen.all:
        print(outcome.summary())
    return int(bool(outcome.failed))


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="+", metavar="NAME", help="benchmark whose samples are written")
    parser.add_argument("--format", choices=["ultraeval"], required=True, help="ultraeval: its JSON lines")
    parser.add_argument(
        "--data-dir", metavar="DIR", type=Path, help="data root with the published rows (default: the bundled ones)"
    )
    parser.add_argument(
        "--output", metavar="FOLDER", type=Path, default=Path("datasets"), help="folder to fill (default: datasets)"
    )


def _export_run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    root = None if chosen.data_dir is None else chosen.data_dir.expanduser().absolute()
    if root is not None and not root.is_dir():
        parser.error(f"--data-dir {chosen.data_dir}: no such folder")
    some = pages.chosen(list(dict.fromkeys(chosen.names)))
    for page in some:  # before anything is written
        ultraeval.refuse(page.benchmark.name, chosen.output)
        if root is not None and (why := checking.lacking(page, root)):
            raise DataError(why)
    for page in some:
        name = page.benchmark.name
        found = load(page.benchmark, root, page.benchmark.shots)
        done = ultraeval.write(name, found.samples, found.shots, chosen.output, found.source.groups)
        for line in ultraeval.told(name, done):
            print(line)
        for reason, count in found.excluded.items():
            print(f"{name}: left out, as in every run: {count} rows: {reason}")
    return 0


def _gate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("candidate", metavar="CANDIDATE", type=Path, help="folder of the run that is judged")
    parser.add_argument("--gate", metavar="FILE", type=Path, required=True, help="rules, as docs/gates.md has them")
    parser.add_argument("--baseline", metavar="RUN", type=Path, help="a run's folder, or a baseline file")
    parser.add_argument(
        "--markdown", metavar="FILE", type=Path, help="write the verdicts as a table too, for a pull request comment"
    )


def _gate_run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    gating = Gating(chosen.gate, chosen.baseline)
    candidate = runs.read(chosen.candidate)
    if candidate.run.get("exit_code") == INTERRUPTED:
        raise SetupError(
            f"{candidate.place}: this run was interrupted, and is not judged; --resume={candidate.place}, added to its "
            "command, goes on with it"
        )
    found = gates.judge(gating.gates, candidate, gating.baseline, gating.noise)
    records = [verdict.as_record() for verdict in found]
    if chosen.markdown is not None:
        reports.write_text(chosen.markdown, verdicts.comment(records, _compared(candidate, gating.baseline)))
    for record in records:
        print(f"{record['verdict']:<12}  {verdicts.line(record)}")
    if untrusted := _untrusted(candidate):
        print(untrusted)
        return gates.TOO_MANY_ERRORS
    return gates.exit_code(found)


def _compared(candidate: ScoredRun, baseline: ScoredRun | None) -> str:
    """What was judged by what, in a sentence of Markdown."""

    def told(run: ScoredRun) -> str:
        return f"{run.model.get('name')}, run `{run.run.get('id')}` of {run.run.get('started')}"

    untrusted = _untrusted(candidate)
    return (
        (f"**{untrusted}**\n\n" if untrusted else "")
        + f"Judged: {told(candidate)}."
        + ("" if baseline is None else f" Compared with: {told(baseline)}.")
    )


def _untrusted(run: ScoredRun) -> str:
    """A sentence on a run whose verdicts say little, or nothing."""
    if run.run.get("exit_code") != gates.TOO_MANY_ERRORS:
        return ""
    errors = sum(sum(task.about["samples"]["errors"].values()) for task in run.tasks.values())
    return f"{errors} samples ended in an error, more than the run's budget allows: no verdict on it can be trusted."


def _baseline_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["set"], help="set: make a run the baseline")
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of the run")
    parser.add_argument(
        "--to", metavar="FILE", type=Path, default=BASELINE_FILE, help=f"file to write (default: {BASELINE_FILE})"
    )
    parser.add_argument("--partial", action="store_true", help="also where the run covers a part of its tasks")
    parser.add_argument(
        "--errors", action="store_true", help="also where samples ended in an error; these are left out"
    )


def _baseline_run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    run = runs.read(chosen.run)
    baseline.refuse(run, partial=chosen.partial, errors=chosen.errors)
    old = runs.read(chosen.to) if chosen.to.exists() else None
    size = baseline.write(run, chosen.to)
    for line in sorted(baseline.changes(old, run)) if old is not None else ():
        print(line)
    print(f"{chosen.to}: {run.model.get('name')}, {len(run.tasks)} tasks, {size / 1e6:.2f} MB")
    return 0


def _noise_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+", help="folders of runs of the same model")
    parser.add_argument("--gate", metavar="FILE", type=Path, help="say whether its margins lie above the noise")
    parser.add_argument("--write", metavar="FILE", type=Path, help="keep it, for `noise:` in a gate file")


def _noise_run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    found = noise.measure([runs.read(place) for place in chosen.runs])
    for line in noise.told(found, gatefile.read(chosen.gate) if chosen.gate is not None else None):
        print(line)
    if chosen.write is not None:
        noise.write(found, chosen.write)
    return 0


def _compare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs",
        metavar="RUN",
        type=Path,
        nargs="+",
        help="folders of runs, the first being compared with; also baseline files, lm-eval's output with "
        "--log_samples, logs of inspect_ai",
    )
    parser.add_argument(
        "--metric",
        metavar="NAME",
        help="compare this one; NAME:OTHER where it has another name in other runs (default: the main one, then all)",
    )
    parser.add_argument(
        "--groups",
        metavar="AXIS",
        help=f"show the groups of an axis, of `all`, or `none` (default: of axes with up to {differences.FEW})",
    )
    parser.add_argument(
        "--flips", metavar="N", default="3", help="show N samples lost and N gained of each task, or `all` (default: 3)"
    )
    parser.add_argument("--full", action="store_true", help="show prompts and outputs of these in full")
    parser.add_argument(
        "--pair",
        choices=compare.PAIRING,
        default="auto",
        help="what makes two samples one: their id or their prompt (default: the id, where both are of the same data)",
    )
    parser.add_argument(
        "--task",
        metavar="OTHER=NAME",
        action="append",
        default=[],
        help="take a task called OTHER for NAME; repeatable",
    )
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write the tables and flips as Markdown too")


def _compare_run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if len(chosen.runs) < 2:
        parser.error("name two runs or more")
    if chosen.flips != "all" and not chosen.flips.isdecimal():
        parser.error(f"--flips {chosen.flips}: a number or `all` is needed")
    names = dict(pair.split("=", 1) for pair in chosen.task if "=" in pair)
    if len(names) < len(chosen.task):
        parser.error("--task: OTHER=NAME is needed, as gsm8k_cot=gsm8k")
    name, _, other = (chosen.metric or "").partition(":")
    wish = compare.Wish((name, other or name) if name else None, chosen.pair)
    several = [compare.read(place, names) for place in chosen.runs]
    known = {task for run in several for task, _ in run.tasks}
    if missing := [other for other, name in names.items() if name not in known]:
        parser.error(f"--task {missing[0]}={names[missing[0]]}: no run has a task called {missing[0]}")
    found = compare.compare(several, wish)
    count = None if chosen.flips == "all" else int(chosen.flips)
    told = differences.Told(found, chosen.groups, count, chosen.full, names)
    for line in told.text():
        print(line)
    if chosen.markdown is not None:
        reports.write_text(chosen.markdown, "\n".join(told.markdown()) + "\n")
    return 0


def _published_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", type=Path, nargs="?", help="folder of a run, to be put beside them")
    parser.add_argument(
        "--model", metavar="NAME", help="figures of this model (with RUN, default: the model of the run)"
    )
    parser.add_argument("--benchmark", metavar="NAME", help="figures on this benchmark")
    parser.add_argument(
        "--strict", action="store_true", help="exit code 1 where one lies outside, or none was compared"
    )
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write the table as Markdown too")


def _published_run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if chosen.run is None and (chosen.strict or chosen.markdown):
        parser.error("--strict and --markdown are for a run: name its folder")
    benchmarks = known_sources()
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


def _agreement_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "labels", metavar="HUMAN.csv", type=Path, help="people's labels: columns sample and label, also task and rater"
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run that a judge model took part in")


def _agreement_run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    tasks = labels.judged(chosen.run)
    found = labels.matched(labels.read(chosen.labels), tasks)
    for name, people in found.items():
        task = tasks[name]
        print(labels.sentence(task, people) + "\n")
        for line in differences.aligned(labels.HEADS, list(labels.rows(task, people)), left=1):
            print(line)
        print()
        for line in differences.aligned(("score", "", "95 % interval", "samples"), list(labels.scores(task, people))):
            print(line)
        print()
    print("weighted: kappa with quadratic weights; corrected: prediction-powered inference (docs/judge.md)")
    return 0


INTERRUPTED = 2
"""pytest's exit code of a run that Ctrl-C ended."""
BASELINE_FILE = Path("baseline.json")
COMMANDS = (
    Command("list", "List the benchmarks that come with proctor.", _list_arguments, _list_run),
    Command("show", "Show a benchmark's page: its protocol, and a prompt of each variant.", _show_arguments, _show_run),
    Command(
        "check",
        "Run the self-check models over all rows: gold answers must score 1, empty ones 0. Exit code 1 where not.",
        _check_arguments,
        _check_run,
    ),
    Command(
        "compare",
        "Say what differs between runs: scores by task and group with paired intervals, and the samples that flipped.",
        _compare_arguments,
        _compare_run,
    ),
    Command(
        "baseline",
        "Write a run's scores, sample by sample, into a compact file to compare later runs with.",
        _baseline_arguments,
        _baseline_run,
    ),
    Command(
        "noise",
        "Say how much runs of one model differ: the spread of each score, and how many samples flip.",
        _noise_arguments,
        _noise_run,
    ),
    Command(
        "gate",
        "Judge a run that exists by the rules of a file. Exit code 10: a gate failed; 11: one is undecided.",
        _gate_arguments,
        _gate_run,
    ),
    Command(
        "published",
        "List the scores that papers and model cards report, or put a run beside them.",
        _published_arguments,
        _published_run,
    ),
    Command(
        "agreement",
        "Say how far a run's judge model agrees with people, and correct its score by what they say.",
        _agreement_arguments,
        _agreement_run,
    ),
    Command(
        "fetch",
        "Download the published data of benchmarks into the cache, where runs with a real model look for them.",
        _fetch_arguments,
        _fetch_run,
    ),
    Command(
        "export",
        "Write the samples of benchmarks in another harness's format.",
        _export_arguments,
        _export_run,
    ),
)
