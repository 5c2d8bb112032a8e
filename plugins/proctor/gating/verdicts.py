"""How verdicts are told: a line in the terminal and in JUnit, a table in summary.md."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
"""An entry under `gates` in report.json."""
BADGES = {"PASS": "✅ PASS", "FAIL": "❌ FAIL", "INCONCLUSIVE": "❔ INCONCLUSIVE", "MISSING": "❔ MISSING"}
WORST = ("FAIL", "MISSING", "INCONCLUSIVE", "PASS")
MARKER = "<!-- proctor gate -->"
"""First line of a comment: by it the next run finds the comment that it replaces."""
COMMENT_BYTES = 60_000
"""The most that a comment holds: GitHub refuses one of more than 65,536 characters."""


def about(verdict: Record) -> str:
    """Task, group, metric and rule of a verdict; before them the gate's name, where it has one of its own."""
    parts = [verdict["task"], verdict["variant"], verdict.get("group"), verdict.get("metric"), verdict["rule"]]
    text = " ".join(part for part in parts if part)
    return f"{verdict['name']}: {text}" if "name" in verdict else text


def figures(verdict: Record) -> str:
    """Score, baseline, drop with its interval, margin, flips; scores that are shares are in points of 100."""
    if "metric" not in verdict or "value" not in verdict:
        return ""
    scale = _scale(verdict)
    shown = [f"{scale * verdict['value']:.2f}"]
    low, high = _ends(verdict, scale)
    if "baseline" in verdict:
        shown[0] += f" after {scale * verdict['baseline']:.2f}"
        shown.append(f"drop {_zero(-scale * verdict['difference']):.2f} ({_number(-high)} … {_number(-low)})")
    elif "interval" in verdict:
        shown[0] += f" ({_number(low)} … {_number(high)})"
    if "margin" in verdict:
        shown.append(f"{MARGINS.get(verdict['rule'], 'margin')} {scale * verdict['margin']:.2f}")
    if "flips" in verdict:
        shown.append(f"{verdict['flips']['lost']} lost, {verdict['flips']['gained']} gained of {verdict['n']:,}")
    elif "n" in verdict:
        shown.append(f"n {verdict['n']:,}")
    return ", ".join(shown)


MARGINS = {"min_score": "floor", "min_pass": "floor", "no_significant_drop": "smallest drop"}


def advice(verdict: Record) -> str:
    """What an undecided verdict needs, and what else a reader must know."""
    said = [verdict["reason"]]
    if verdict["verdict"] == "INCONCLUSIVE" and "detectable" in verdict:
        said.append(f"the smallest drop that this run could see is {_scale(verdict) * verdict['detectable']:.2f}")
    if verdict["verdict"] == "INCONCLUSIVE" and "baseline" in verdict:
        said.append(_needed(verdict))
    if verdict.get("unpaired"):
        said.append(f"{verdict['unpaired']} samples have no partner")
    if verdict["partial"]:
        said.append("partial")
    return "; ".join(said)


def _needed(verdict: Record) -> str:
    if verdict.get("corrected"):
        return "more samples, or fewer tests, would decide it"
    if "needed" not in verdict and -verdict["difference"] == verdict.get("margin"):
        return "no number of samples would decide it: the drop is the margin"
    if "needed" not in verdict:
        return "how many would decide it cannot be said of so few"
    epochs = verdict.get("epochs", 1)
    samples = f"{math.ceil(verdict['needed'] / epochs):,} samples" + (f" of {epochs} epochs" if epochs > 1 else "")
    more = f", or {verdict['needed_epochs']:,} epochs of these," if "needed_epochs" in verdict else ""
    return f"about {samples}{more} would decide it"


def line(verdict: Record) -> str:
    """All of a verdict but the word, in one line."""
    tier = "" if verdict["tier"] == "required" else " [advisory]"
    return f"{about(verdict)}{tier}: " + "; ".join(filter(None, [figures(verdict), advice(verdict)]))


def table(verdicts: Sequence[Record], most: float = math.inf) -> list[str]:
    """Lines of Markdown, what matters most first; what would make them more than `most` bytes is left out, and told."""
    if not verdicts:
        return []
    lines = ["## Gates", "", f"{_counts(verdicts)}.", "", "| | gate | | why |", "|---|---|---|---|"]
    ordered = sorted(verdicts, key=lambda verdict: (not verdict["stops"], WORST.index(verdict["verdict"])))
    room = most - size(lines) - 200  # for the sentence on what is left out
    for place, verdict in enumerate(ordered):
        row = _row(verdict)
        room -= size([row])
        if room < 0:
            left = ordered[place:]
            lines += ["", f"*{len(left):,} rows are left out ({_counts(left)}): report.json has all verdicts.*"]
            break
        lines.append(row)
    return [*lines, ""]


def size(lines: Sequence[str]) -> int:
    """Bytes of these lines in a file."""
    return sum(len(line.encode()) + 1 for line in lines)


def comment(verdicts: Sequence[Record], compared: str) -> str:
    """The table as a comment on a pull request; `compared` says what was judged by what."""
    lines = [MARKER, *table(verdicts, COMMENT_BYTES - len(compared.encode()) - 500)]
    if any(verdict["partial"] for verdict in verdicts):
        lines += ["**Partial:** judged on a part of the samples.", ""]
    return "\n".join([*lines, compared]) + "\n"


def _counts(verdicts: Sequence[Record]) -> str:
    return ", ".join(
        f"{count} {word}" for word in WORST if (count := sum(verdict["verdict"] == word for verdict in verdicts))
    )


def _row(verdict: Record) -> str:
    tier = "" if verdict["tier"] == "required" else " (advisory)"
    cells = (BADGES[verdict["verdict"]], about(verdict) + tier, figures(verdict), advice(verdict))
    return f"| {' | '.join(map(cell, cells))} |"


def cell(text: str) -> str:
    """A text within a table: a bar or a line break in a name must not end its cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _scale(verdict: Record) -> int:
    values = [verdict.get("value"), verdict.get("baseline")]
    return 100 if all(value is None or -1 <= value <= 1 for value in values) else 1


def _ends(verdict: Record, scale: int) -> tuple[float, float]:
    low, high = verdict.get("interval", (None, None))
    return -math.inf if low is None else scale * low, math.inf if high is None else scale * high


def _number(value: float) -> str:
    return f"{_zero(value):.2f}" if math.isfinite(value) else "?"


def _zero(value: float) -> float:
    """Without the sign of a negative zero."""
    return value + 0.0 if round(value, 2) else 0.0
