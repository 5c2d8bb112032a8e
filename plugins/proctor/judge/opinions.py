"""A judge model's opinions: how an answer is shown to it, how what it says is read, and what opinions come to.

Nothing is asked here; `proctor.judge.asks` does that.

A judge sees a model's answer between tags that bear a code, which is made of the answer: no answer can close its own
tag. What it says is read strictly, as one JSON object, and never guessed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from proctor.extract import split_thinking
from proctor.model import NO_USAGE, Output, Usage
from proctor.statistics.intervals import wilson

Verdict = Literal["win", "tie", "loss"]
OPPOSITE: Mapping[str, Verdict] = {"win": "loss", "tie": "tie", "loss": "win"}
WINNERS: Mapping[str, Verdict] = {"A": "win", "B": "loss", "TIE": "tie"}
"""What a judge may say of two answers, and what it means for answer A."""

CODE = 12
"""Hex digits of the code in a tag."""
TAGGED = re.compile(rf"<(answer(?:_[ab])?)-([0-9a-f]{{{CODE}}})>\n(.*?)\n</\1-\2>", re.DOTALL)
CONTROL = re.compile(r"<(?=\|[\w ]+\|>|/?s>|(?:start|end)_of_turn>|｜)|\[(?=/?INST\])")
"""Where a text begins what chat templates end a turn with."""
INVISIBLE = "\u200b"
READ = 20_000
"""Characters at the end of what a judge said in which an opinion is looked for."""


class Unreadable(ValueError):
    """What a judge said is no opinion; the message says why, to the judge too."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge model said of one answer, or of two in one order.

    value: a grade, or a `Verdict` on the model's answer. text: all that it wrote. asked: in how many requests.
    """

    value: Any
    reason: str
    text: str
    asked: int = 1


@dataclass(frozen=True, slots=True)
class UnjudgedOutput(Output):
    """What a model wrote and no judge has seen: kept, so that it is not asked again when the judge fails.

    `parameters`: those of the request that it answers; None where they are not known.
    """

    parameters: Mapping[str, Any] | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class JudgedOutput(Output):
    """An `Output` with a judge's opinions of its first text.

    There are none of an empty answer, nor of one that is the same as the other. `scale`: the least and the highest
    grade, of gradings. `other`: the answer that it was compared with. `judge`: its name and the sha256 of its prompt.
    `usage` is what the model's answer took, `judge_usage` what the opinions took.
    """

    opinions: Sequence[Opinion] = ()
    judge: Mapping[str, Any] = field(default_factory=dict)
    judge_usage: Usage = NO_USAGE
    scale: Sequence[int] = ()
    other: str | None = None

    @property
    def answer(self) -> str:
        """What was judged: the first text, without its thinking."""
        return answer_of(self)

    @property
    def grade(self) -> int | None:
        """The grade; None of an empty answer."""
        return self.opinions[0].value if self.opinions else None

    @property
    def share(self) -> float:
        """The grade as a share of the scale: 0 the least, 1 the highest. An empty answer has the least."""
        low, high = self.scale
        return 0.0 if self.grade is None else (self.grade - low) / (high - low)

    @property
    def orders(self) -> list[Verdict]:
        """The verdict with the model's answer shown first, and with it shown second; empty where nothing was asked."""
        return [opinion.value for opinion in self.opinions]

    @property
    def verdict(self) -> Verdict:
        """What both orders say; a tie where they differ. An empty answer loses, unless the other is empty, too."""
        if self.opinions:
            return combined(self.orders)
        if self.answer == (self.other or "").strip():
            return "tie"
        return "win" if self.answer else "loss"


def answer_of(output: Output) -> str:
    """The first text of an output, without thinking and outer white space."""
    return split_thinking(output.text)[1].strip()


# --- showing ----------------------------------------------------------------------------------------------------------


def tagged(answer: str, name: str = "answer") -> str:
    """An answer as a judge is shown it, between tags that it cannot hold.

    What ends a turn in chat templates is broken by an invisible character, so that it stays text.

    >>> tagged("42")
    '<answer-73475cb40a56>\\n42\\n</answer-73475cb40a56>'
    """
    shown = CONTROL.sub(lambda found: found[0] + INVISIBLE, answer)
    code = hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()[:CODE]
    while code in shown:
        code = hashlib.sha256(f"{code}\0{shown}".encode("utf-8", "surrogatepass")).hexdigest()[:CODE]
    return f"<{name}-{code}>\n{shown}\n</{name}-{code}>"


def shown_answers(prompt: str) -> dict[str, str]:
    """The answers that a judge's prompt shows, by the names of their tags: what `tagged` put there."""
    found: dict[str, str] = {}
    for name, _, answer in TAGGED.findall(prompt):
        found.setdefault(name, answer.replace(INVISIBLE, ""))
    return found


# --- reading ----------------------------------------------------------------------------------------------------------


def read_grade(text: str, scale: Sequence[int]) -> tuple[int, str]:
    """(grade, reason) of a judge's text. Raises Unreadable.

    >>> read_grade('```json\\n{"reason": "Right, and brief.", "grade": 4}\\n```', (1, 5))
    (4, 'Right, and brief.')
    """
    low, high = scale
    said = _object(text, "grade")
    grade = said["grade"]
    if type(grade) is not int or not low <= grade <= high:
        raise Unreadable(f'"grade" must be a whole number from {low} to {high}, not {json.dumps(grade)[:40]}')
    return grade, str(said.get("reason", ""))


def read_winner(text: str) -> tuple[Verdict, str]:
    """(verdict on answer A, reason) of a judge's text. Raises Unreadable."""
    said = _object(text, "winner")
    winner = said["winner"]
    if not isinstance(winner, str) or winner.upper() not in WINNERS:
        raise Unreadable(f'"winner" must be "A", "B" or "tie", not {json.dumps(winner)[:40]}')
    return WINNERS[winner.upper()], str(said.get("reason", ""))


def _object(text: str, key: str) -> dict[str, Any]:
    """The one JSON object in a text that has `key`; thinking, a fence and words around it are no harm."""
    said = split_thinking(text)[1][-READ:]
    found = [one for one in _objects(said) if key in one]
    if len(found) != 1:
        raise Unreadable(
            f'{len(found)} JSON objects with "{key}" came where one is needed'
            if found
            else f'no JSON object with "{key}" came'
        )
    return found[0]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects that stand in a text, one after the other; those within another are a part of it."""
    decoder = json.JSONDecoder(object_pairs_hook=_once)
    at = text.find("{")
    while at >= 0:
        try:
            found, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            at = text.find("{", at + 1)
            continue
        except RecursionError:
            raise Unreadable("the JSON is nested too deeply") from None
        yield found
        at = text.find("{", at)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("a key stands twice in the JSON object")
    return found


# --- counting ---------------------------------------------------------------------------------------------------------


def combined(orders: Sequence[Verdict]) -> Verdict:
    """The verdict of both orders: what they agree on, else a tie."""
    return orders[0] if len(set(orders)) == 1 else "tie"


def favoured(orders: Sequence[Verdict]) -> str:
    """Whether both orders `agree`, name the `first` or the `second` answer each time, or agree `partly` (one tie).

    `orders` are the verdicts on an answer that was shown first, and then second.
    """
    first, second = orders
    if first == second:
        return "agree"
    return {"win": "first", "loss": "second"}[first] if OPPOSITE[first] == second else "partly"


def told(output: JudgedOutput) -> dict[str, Any]:
    """What a report needs of a sample's opinions: no texts but the judge's name."""
    lengths = [len(output.answer)] + ([] if output.other is None else [len(output.other)])
    return {
        **output.judge,
        "values": [opinion.value for opinion in output.opinions],
        "verdict": output.grade if output.other is None else output.verdict,
        "asked": sum(opinion.asked for opinion in output.opinions),
        "lengths": lengths,
    }


def judge_of(records: Sequence[Mapping[str, Any]]) -> str | None:
    """The name of the judge whose opinions samples have; None where they have none."""
    return next((record["judge"]["name"] for record in records if "judge" in record), None)


def summary(records: Sequence[Mapping[str, Any]], selected: int) -> dict[str, Any]:
    """The entry `judge` of a task: coverage, re-asks, and of comparisons the position bias and what length had to do.

    `records` are the samples' `judge` and `error`, `selected` how many samples there are.
    """
    parts = [record["judge"] for record in records if "judge" in record]
    errors = Counter(
        record["error"]["kind"]
        for record in records
        if record.get("error") and record["error"]["kind"].startswith("judge_")
    )
    asked = [part for part in parts if part["values"]]
    opinions = sum(len(part["values"]) for part in asked)
    found: dict[str, Any] = {
        "prompt_sha256": parts[0]["prompt_sha256"] if parts else None,
        "samples": selected,
        "judged": len(asked),
        "not_asked": len(parts) - len(asked),
        "errors": dict(errors),
        "opinions": opinions,
        "asked_again": sum(part["asked"] for part in asked) - opinions,
        "usage": usage(parts),
    }
    if compared := [part for part in asked if len(part["values"]) > 1]:
        found["position"] = position([part["values"] for part in compared])
        found["length"] = length(compared)
    return found


def usage(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the opinions took, all in all."""
    names = list(parts[0]["usage"]) if parts else ()
    return {name: round(sum(part["usage"][name] for part in parts), 6) for name in names}


def position(pairs: Sequence[Sequence[Verdict]]) -> dict[str, Any]:
    """How often the order decided: counts by `favoured`, and the rate of the same place named twice, with interval."""
    counts = Counter(map(favoured, pairs))
    biased = counts["first"] + counts["second"]
    return {
        **{name: counts[name] for name in ("agree", "first", "second", "partly")},
        "rate": biased / len(pairs),
        "ci95": list(wilson(biased, len(pairs))),
    }


def length(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of comparisons that somebody won: the mean length of winners and losers in characters, and whose was longer."""
    won = [
        part["lengths"] if part["verdict"] == "win" else part["lengths"][::-1]
        for part in parts
        if part["verdict"] != "tie"
    ]
    if not won:
        return {"decided": 0}
    return {
        "decided": len(won),
        "winners": round(sum(winner for winner, _ in won) / len(won), 1),
        "losers": round(sum(loser for _, loser in won) / len(won), 1),
        "longer_won": sum(winner > loser for winner, loser in won) / len(won),
    }


def remarks(found: Mapping[str, Any]) -> list[str]:
    """What a reader must know of a task's opinions, beside its score."""
    said = [f"{found['judged']} of {found['samples']} judged"]
    if found["not_asked"]:
        said.append(f"{found['not_asked']} empty or equal, not asked")
    if "position" in found:
        said.append(f"position bias {100 * found['position']['rate']:.1f} %")
    if found.get("length", {}).get("decided"):
        own = found["length"]
        said.append(f"winners {own['winners']:.0f} characters, losers {own['losers']:.0f}")
    if found["asked_again"]:
        said.append(f"{found['asked_again']} asked again for a readable opinion")
    return said
