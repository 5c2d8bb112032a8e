"""How a comparison is told: tables, what changed beside the scores, and the samples that flipped."""

from __future__ import annotations

import html
import string
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proctor.comparing.compare import Change, Comparison, Pairs, Rank, Task, TaskComparison, records
from proctor.errors import SetupError
from proctor.reporting.runs import Key, ScoredRun
from proctor.statistics.paired import holm

Row = tuple[str, ...]
Place = tuple[int, Task, Key]
"""Of a sample: its run's place, its task, its key."""
Record = Mapping[str, Any]
HEADS: Row = ("task", "metric", "run", "score", "change", "95 % interval", "lost", "gained", "n", "p")
RANKS: Row = ("task", "rank", "run", "score")
FOOT = (
    "change and interval are of the same samples in both; p is that of the paired test, with Holm's correction for all "
    "rows that have one"
)
LEFT = 3
"""Columns of words, before those of numbers."""
FEW = 8
"""Groups on an axis up to which each has a row without being asked for."""
TAIL, LONGEST = 500, 700
"""Characters that are shown of a prompt's end, and of an output's begin."""


@dataclass(frozen=True)
class Told:
    """A comparison as lines.

    groups: the axis whose groups have rows, `all`, `none`, or None for those of short axes. count: of the samples lost
    and gained that are shown of each task, None for all; `full`: with whole texts. names: of tasks, as they were read.
    """

    found: Comparison
    groups: str | None
    count: int | None
    full: bool
    names: Mapping[str, str]

    def text(self) -> Iterator[str]:
        """For a terminal."""
        yield from legend(self.found.runs)
        yield ""
        yield from aligned(HEADS, rows(self.found, self.groups))
        if self.found.ranking:
            yield ""
            yield from aligned(RANKS, list(ranks(self.found)), left=3)
        yield ""
        yield from remarks(self.found)
        yield FOOT
        for lines in self._flips():
            yield ""
            yield from lines

    def markdown(self) -> Iterator[str]:
        """The same as Markdown; each flip can be unfolded."""
        yield "# Comparison"
        yield ""
        yield from (f"- {line}" for line in legend(self.found.runs))
        yield ""
        yield from table(HEADS, rows(self.found, self.groups))
        if self.found.ranking:
            yield ""
            yield from table(RANKS, ranks(self.found), left=3)
        yield ""
        yield from (f"{'  ' if line.startswith(' ') else ''}- {line.strip()}" for line in remarks(self.found))
        yield f"- {FOOT}"
        for title, *lines in self._flips():
            yield from ("", f"<details><summary>{html.escape(title)}</summary>", "", "```text")
            yield from (line.replace("```", "`\u200b``") for line in lines)
            yield from ("```", "", "</details>")

    def _flips(self) -> Iterator[list[str]]:
        flips = list(chosen_flips(self.found, self.count))
        wanted = {(run, one.task, key) for one, _, pair in flips for run, key in zip((0, one.place), pair, strict=True)}
        texts: dict[Place, list[Record]] = {}
        for where, record in _texts(self.found, wanted, self.names) if wanted else ():
            texts.setdefault(where, []).append(record)
        for one, word, pair in flips:
            yield list(flip(one, word, pair, texts, full=self.full))


def _texts(found: Comparison, wanted: Collection[Place], names: Mapping[str, str]) -> Iterator[tuple[Place, Record]]:
    """The records of some samples, read again from where they lie; of means, those of all epochs."""
    means = {
        (place, one.task)
        for several in found.tasks.values()
        for one in several
        if one.means
        for place in (0, one.place)
    }
    for place, run in enumerate(found.runs):
        if any(where[0] == place for where in wanted):
            for record in records(Path(run.place)):
                task = names.get(record["task"], record["task"]), record["variant"]
                own = place, task, (record["sample"], record.get("epoch", 0))
                mean = place, task, (record["sample"], 0)
                if own in wanted:
                    yield own, record
                elif mean in wanted and (place, task) in means:
                    yield mean, record


def letter(place: int) -> str:
    """What a run is called in tables: A, B, ..."""
    return string.ascii_uppercase[place] if place < 26 else f"run {place + 1}"


def legend(runs: Sequence[ScoredRun]) -> Iterator[str]:
    for place, run in enumerate(runs):
        about = " ".join(filter(None, [run.model.get("engine"), run.model.get("engine_version")]))
        name = run.model.get("name") or "an unknown model"
        shown = f"{name} ({about})" if about and about != name else name
        yield f"{letter(place)}  {shown}: {run.place}{', partial' if run.run.get('partial') else ''}"


def rows(found: Comparison, groups: str | None) -> list[Row]:
    """The rows of the table; `groups`: the axis whose groups are shown, `all`, `none`, or None for short axes."""
    adjusted = _adjusted(found)
    lines: list[Row] = []
    for task, comparisons in found.tasks.items():
        for position, metric in enumerate(_names(comparisons)):
            lines += _block(task, metric, position == 0, comparisons, adjusted)
        shown = _shown_groups(comparisons[0], groups)
        for group in shown:
            for one in comparisons:
                for change in one.changes:
                    if change.group == group:
                        lines.append(_row("", f"  {group.replace('_', ' ')}", letter(one.place), change, None))
    for place, change in enumerate(found.averages, 1):
        lines.append(_row("all", change.metric, letter(place), change, adjusted.get((None, place))))
    return lines


def _names(comparisons: Sequence[TaskComparison]) -> list[str]:
    """Names of the metrics that have a row, the main one first."""
    return list(dict.fromkeys(change.metric for one in comparisons for change in one.changes if change.group is None))


def _block(
    task: Task,
    metric: str,
    main: bool,
    comparisons: Sequence[TaskComparison],
    adjusted: Mapping[Any, float],
) -> Iterator[Row]:
    """The rows of a metric: the first run's score, and the others beneath."""
    have = [
        (one.place, change)
        for one in comparisons
        for change in one.changes
        if change.metric == metric and change.group is None
    ]
    first = have[0][1]
    yield (
        " ".join(task) if main else "",
        metric,
        letter(0),
        _number(first.before, first),
        *[""] * 4,
        f"{first.n:,}",
        "",
    )
    for place, change in have:
        yield _row("", "", letter(place), change, adjusted[task, place] if main else None)


def _row(task: str, metric: str, run: str, change: Change, p: float | None) -> Row:
    low, high = change.interval
    return (
        task,
        metric,
        run,
        _number(change.after, change),
        _signed(change.difference.value, change),
        f"{_signed(low, change)} … {_signed(high, change)}",
        f"{change.difference.lost:,}",
        f"{change.difference.gained:,}",
        f"{change.n:,}",
        "" if p is None else f"{p:.2g}" if p >= 0.0001 else "<0.0001",
    )


def _adjusted(found: Comparison) -> dict[Any, float]:
    """p-values of the main scores, after Holm's correction for all that the table has."""
    mains: dict[Any, float] = {
        (task, one.place): one.main.p for task, comparisons in found.tasks.items() for one in comparisons
    }
    mains |= {(None, place): change.p for place, change in enumerate(found.averages, 1)}
    return holm(mains)


def _shown_groups(one: TaskComparison, groups: str | None) -> list[str]:
    names = list(dict.fromkeys(change.group for change in one.changes if change.group is not None))
    axes: dict[str, list[str]] = {}
    for name in names:
        axes.setdefault(name.partition("=")[0], []).append(name)
    if groups == "none":
        return []
    if groups is None:
        return [name for members in axes.values() if len(members) <= FEW for name in members]
    if groups != "all" and groups not in axes:
        raise SetupError(
            f"--groups {groups}: {' '.join(one.task)} has no such axis; there are: {', '.join(axes) or 'none'}"
        )
    return names if groups == "all" else axes[groups]


def remarks(found: Comparison) -> Iterator[str]:
    """Lines on what changed beside the scores, for each task and run."""
    for task, comparisons in found.tasks.items():
        for one in comparisons:
            name = f"{' '.join(task)}, {letter(one.place)} against A"
            said = [f"the same score in {one.same_scores:,} of {one.main.n:,} samples"]
            same, both = one.same_answers
            if both:
                said.append(f"the same answer in {same:,} of {both:,} ({100 * same / both:.1f} %)")
            if one.tokens is not None and one.tokens.before != one.tokens.after:
                low, high = one.tokens.interval
                said.append(
                    f"output {one.tokens.before:.1f} → {one.tokens.after:.1f} tokens ({low:+.1f} … {high:+.1f})"
                )
            said += [f"{what} {before:,} → {after:,}" for what, (before, after) in one.counts.items()]
            if all(one.latency):
                said.append(f"median request {one.latency[0]:.3g} → {one.latency[1]:.3g} s")
            yield f"{name}: {'; '.join(said)}"
            yield from (f"  not paired: {count:,} samples of {letter(place)} alone" for place, count in _alone(one))
            yield from (f"  asked otherwise: {note}" for note in one.notes)


def _alone(one: TaskComparison) -> list[tuple[int, int]]:
    return [(place, count) for place, count in zip((0, one.place), one.alone, strict=True) if count]


def ranks(found: Comparison) -> Iterator[tuple[str, str, str, str]]:
    """(task, rank, run, score), the best first; runs that the data cannot tell apart share a span of ranks."""
    for task, places in found.ranking.items():
        change = found.tasks[task][0].main
        for position, rank in enumerate(places):
            yield (
                " ".join(task) if position == 0 else "",
                _span(rank),
                letter(rank.run),
                _number(rank.score, change),
            )


def _span(rank: Rank) -> str:
    return str(rank.best) if rank.best == rank.worst else f"{rank.best} to {rank.worst}"


def chosen_flips(found: Comparison, count: int | None) -> Iterator[tuple[TaskComparison, str, tuple[Key, Key]]]:
    """The first `count` samples lost and gained of each task and run; None: all."""
    for comparisons in found.tasks.values():
        for one in comparisons:
            for word, pairs in (("lost", one.lost), ("gained", one.gained)):
                yield from ((one, word, pair) for pair in _first(pairs, count))


def _first(pairs: Pairs, count: int | None) -> Pairs:
    return pairs if count is None else pairs[:count]


def flip(
    one: TaskComparison, word: str, pair: tuple[Key, Key], texts: Mapping[Place, Sequence[Record]], *, full: bool
) -> Iterator[str]:
    """Lines on a sample that flipped: what was asked, what each answered, what is right."""
    place = one.place
    sides = [
        (run, record) for run, key in ((0, pair[0]), (place, pair[1])) for record in texts.get((run, one.task, key), ())
    ]
    sample, epoch = pair[0]
    yield f"{word} in {letter(place)}: {' '.join(one.task)} {sample}{f', epoch {epoch}' if epoch else ''}"
    if not sides:
        yield "  its texts are not there: a baseline file has none"
        return
    prompts = list(dict.fromkeys(filter(None, (_asked(side) for _, side in sides))))
    for prompt in prompts:
        whose = "prompt" if len(prompts) == 1 else f"prompt of {letter(0 if prompt == prompts[0] else place)}"
        yield from _quoted(whose, prompt if full else _tail(prompt))
    yield f"  right: {_plain(sides[0][1].get('target'))}"
    for run, side in sides:
        yield from _answer(letter(run), side, full)


def _asked(record: Mapping[str, Any]) -> str | None:
    """What a sample was asked: its prompt, or the turns of a conversation."""
    if "messages" in record:
        return "\n".join(f"[{turn['role']}]\n{turn['content']}" for turn in record["messages"])
    prompt: str | None = record.get("prompt")
    return prompt


def _answer(name: str, record: Mapping[str, Any], full: bool) -> Iterator[str]:
    scores = ", ".join(f"{metric} {value:g}" for metric, value in record.get("scores", {}).items()) or "not scored"
    yield f"  {name}: {_plain(record.get('extracted'))} ({scores})"
    for output in record.get("outputs", ()):
        text = output["text"]
        more = "" if full or len(text) <= LONGEST else f" [and {len(text) - LONGEST:,} characters]"
        yield from _quoted("wrote", (text if full else text[:LONGEST]) + more)
    for choice in record.get("choices", ()):
        logprob = choice.get("logprob")
        shown = "–" if logprob is None else f"{logprob:.4f}"
        yield f"    {shown:>10}  {_plain(choice.get('label', choice.get('text')))}"


def _quoted(what: str, text: str) -> Iterator[str]:
    yield f"  {what}:"
    yield from (f"    | {_visible(line)}" for line in text.split("\n"))


def _tail(text: str) -> str:
    return text if len(text) <= TAIL else f"[{len(text) - TAIL:,} characters] … {text[-TAIL:]}"


def _plain(value: Any) -> str:
    return "nothing extracted" if value is None else _visible(value if isinstance(value, str) else str(value))


def _visible(text: str) -> str:
    """What a model wrote must not move the cursor: control characters by their escapes."""
    return "".join(char if char.isprintable() or char == "\t" else ascii(char)[1:-1] for char in text)


def aligned(heads: Row, lines: Sequence[Row], left: int = LEFT) -> Iterator[str]:
    """A table in columns: the first `left` of them to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in (heads, *lines)) for column in range(len(heads))]
    for row in (heads, *lines):
        cells = [
            text.ljust(width) if column < left else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def with_notes(heads: Row, lines: Sequence[tuple[Row, str]], left: int = LEFT) -> Iterator[str]:
    """The same with a line beneath each row that has something said of it."""
    first, *shown = aligned(heads, [row for row, _ in lines], left)
    yield first
    for line, (_, said) in zip(shown, lines, strict=True):
        yield line
        if said:
            yield f"    {said}"


def table(heads: Row, lines: Iterable[Row], left: int = LEFT) -> Iterator[str]:
    """The same as a Markdown table."""
    yield f"| {' | '.join(heads)} |"
    yield "|" + "|".join(["---"] * left + ["--:"] * (len(heads) - left)) + "|"
    for row in lines:
        yield f"| {' | '.join(cell.strip().replace('|', chr(92) + '|') for cell in row)} |"


def _scale(change: Change) -> int:
    """Scores that are shares are told in points of 100."""
    return 100 if min(change.before, change.after) >= 0 and max(change.before, change.after) <= 1 else 1


def _number(value: float, change: Change) -> str:
    return f"{_scale(change) * value:.2f}"


def _signed(value: float, change: Change) -> str:
    shown = f"{_scale(change) * value:+.2f}"
    return "0.00" if float(shown) == 0 else shown
