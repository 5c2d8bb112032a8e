"""UltraEval's unified format: samples written as its JSON lines, and its JSON lines read as samples.

A folder `<benchmark>/data/<task>.jsonl`, with rows of four fields (arXiv:2404.07584; docs/ultraeval.md):

    {"passage": "", "question": "...", "target_scores": {"an option": 1, "another": 0}, "answer": ""}

What these do not hold of a sample stands in a fifth field, `proctor`, which UltraEval itself does not read; where it is
missing, a row is one of UltraEval's own. Such rows are read as the benchmark's page reads the authors' rows, for the
benchmarks of `AUTHORS`, whose rows can be had back from them; benchmarks that have no reader take them as they are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from proctor.errors import DataError
from proctor.sample import Sample

Row = Any
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
OWN = ("passage", "question", "target_scores", "answer")
FIELDS = ("choices", "target", "targets", "reference", "groups", "cluster", "metadata")
"""Of a sample, what the field `proctor` may hold, besides `number`: that of the row in the authors' file."""


# --- reading ----------------------------------------------------------------------------------------------------------


def ultraeval_reader(name: str, own: Callable[[Row, str], Any] | None) -> Callable[[Row, str], Any]:
    """What reads a benchmark's rows of this format; `own` reads the authors' rows, None where nothing does.

    It raises ValueError for a row that is none of this format, or that does not hold what the benchmark needs.
    """

    def read(row: Row, file: str) -> Any:
        _check(row)
        if "proctor" in row:
            return _extended(row)
        if own is None:
            return plain(row)
        if name not in AUTHORS:
            raise ValueError(
                f"{name} needs more of a sample than UltraEval's fields hold, and the row has no field `proctor`, in "
                "which `proctor export` puts it"
            )
        return own(*AUTHORS[name](row, file))

    return read


def plain(row: Mapping[str, Any]) -> Sample:
    """A sample as the four fields have it: the target is a letter, letters, or the answer."""
    choices = list(row["target_scores"])
    if not choices and "proctor" not in row and row["answer"] in ("", [], None):
        raise ValueError("there are neither target_scores nor an answer")
    right = "".join(LETTERS[place] for place, score in enumerate(row["target_scores"].values()) if score > 0)
    answers = row["answer"] if isinstance(row["answer"], list) else [row["answer"]]
    passage = row["passage"]
    return Sample(
        passage=passage if isinstance(passage, str) else "\n".join(passage),
        question=row["question"],
        choices=choices,
        target=right if choices else answers[0],
        targets=answers if len(answers) > 1 and not choices else (),
        metadata={key: value for key, value in row.items() if key not in (*OWN, "proctor")},
    )


def _extended(row: Mapping[str, Any]) -> Sample:
    sample, more = plain(row), row["proctor"]
    if unknown := [key for key in more if key not in (*FIELDS, "number")]:
        raise ValueError(f"proctor: no field of a sample is called {unknown[0]!r}")
    for name, kind in (("choices", list), ("targets", list), ("groups", Mapping), ("metadata", Mapping)):
        if name in more and not isinstance(more[name], kind):
            raise ValueError(f"proctor: {name} is {more[name]!r:.60}")
    for name in FIELDS:
        if name in more:
            setattr(sample, name, more[name])
    sample.id = str(more.get("number", ""))
    return sample


def _check(row: Row) -> None:
    """Raise ValueError, naming the field, for a row that is none of this format."""
    if not isinstance(row, Mapping):
        raise ValueError("the row is no record")
    for name in OWN:
        if name not in row:
            raise ValueError(f"{name} is missing")
    texts = row["passage"] if isinstance(row["passage"], list) else [row["passage"]]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"passage is neither a text nor a list of texts: {row['passage']!r:.60}")
    if not isinstance(row["question"], str):
        raise ValueError(f"question is no text: {row['question']!r:.60}")
    scores = row["target_scores"]
    numbers = isinstance(scores, Mapping) and all(
        isinstance(score, int | float) and not isinstance(score, bool) for score in scores.values()
    )
    if not numbers:
        raise ValueError(f"target_scores does not give each option a number: {scores!r:.60}")
    if len(scores) > len(LETTERS):
        raise ValueError(
            f"target_scores has {len(scores)} options, of which {len(LETTERS)} can be told apart by letters"
        )
    if scores and "proctor" not in row and not any(score > 0 for score in scores.values()):
        raise ValueError("target_scores marks no option as right")
    if not isinstance(row.get("proctor", {}), Mapping):
        raise ValueError(f"proctor is no record: {row['proctor']!r:.60}")


# --- UltraEval's own rows as the authors' -----------------------------------------------------------------------------

Back = Callable[[Mapping[str, Any], str], tuple[Row, str]]


def _right(row: Mapping[str, Any]) -> int:
    """The position of the right option. Raises ValueError where it is not one."""
    right = [place for place, score in enumerate(row["target_scores"].values()) if score > 0]
    if len(right) != 1:
        raise ValueError(f"target_scores marks {len(right)} options as right, not one")
    return right[0]


def _options(row: Mapping[str, Any], count: int) -> list[str]:
    """So many options. Raises ValueError for fewer, as where two have the same text: keys of JSON are distinct."""
    if len(row["target_scores"]) != count:
        raise ValueError(f"target_scores has {len(row['target_scores'])} options, not {count}")
    return list(row["target_scores"])


def _mmlu(row: Mapping[str, Any], task: str) -> tuple[Row, str]:
    return [row["question"], *_options(row, 4), LETTERS[_right(row)]], f"{task.replace('-', '_')}_test"


def _ceval(row: Mapping[str, Any], task: str) -> tuple[Row, str]:
    options = dict(zip("ABCD", _options(row, 4), strict=True))
    return {"question": row["question"], **options, "answer": LETTERS[_right(row)]}, f"{task.replace('-', '_')}_val"


def _cmmlu(row: Mapping[str, Any], task: str) -> tuple[Row, str]:
    options = dict(zip("ABCD", _options(row, 4), strict=True))
    return {"Question": row["question"], **options, "Answer": LETTERS[_right(row)]}, task.replace("-", "_")


def _commonsenseqa(row: Mapping[str, Any], task: str) -> tuple[Row, str]:
    choices = [{"label": letter, "text": text} for letter, text in zip(LETTERS, row["target_scores"], strict=False)]
    return {"question": {"stem": row["question"], "choices": choices}, "answerKey": LETTERS[_right(row)]}, task


def _siqa(row: Mapping[str, Any], task: str) -> tuple[Row, str]:
    first, second, third = _options(row, 3)
    asked = {"context": row["passage"], "question": row["question"], "label": str(_right(row) + 1)}
    return {**asked, "answerA": first, "answerB": second, "answerC": third}, task


def _piqa(row: Mapping[str, Any], task: str) -> tuple[Row, str]:
    first, second = _options(row, 2)
    return {"goal": row["question"], "sol1": first, "sol2": second, "label": str(_right(row))}, task


def _copa(row: Mapping[str, Any], task: str) -> tuple[Row, str]:
    first, second = _options(row, 2)
    asked = {"premise": row["passage"], "question": row["question"]}
    return {**asked, "choice1": first, "choice2": second, "label": _right(row)}, task


def _boolq(row: Mapping[str, Any], task: str) -> tuple[Row, str]:
    said = list(row["target_scores"])[_right(row)]
    return {"passage": row["passage"], "question": row["question"], "label": {"Yes": True, "No": False}[said]}, task


def _race(row: Mapping[str, Any], task: str) -> tuple[Row, str]:
    """UltraEval leaves out which passage it is: that with the same text."""
    asked = {"questions": [row["question"]], "options": [list(row["target_scores"])], "answers": [LETTERS[_right(row)]]}
    return {"article": row["passage"], "id": row["passage"], **asked}, task


def _gsm8k(row: Mapping[str, Any], task: str) -> tuple[Row, str]:
    return {"question": row["question"], "answer": row["answer"]}, task


def _math(row: Mapping[str, Any], task: str) -> tuple[Row, str]:
    """UltraEval leaves out the level; the task is the subject."""
    subject = task.replace("-", " ").replace("_", " ").title().replace(" And ", " & ")
    return {"problem": row["question"], "solution": row["answer"], "type": subject, "level": "not said"}, task


def _humaneval(row: Mapping[str, Any], task: str) -> tuple[Row, str]:
    return row, task


AUTHORS: Mapping[str, Back] = {
    "boolq": _boolq,
    "ceval": _ceval,
    "cmmlu": _cmmlu,
    "commonsenseqa": _commonsenseqa,
    "copa": _copa,
    "gsm8k": _gsm8k,
    "humaneval": _humaneval,
    "math": _math,
    "mmlu": _mmlu,
    "piqa": _piqa,
    "race": _race,
    "siqa": _siqa,
}
"""(the author's row, the name of the file) from a row of UltraEval's: as its scripts make_dataset.py write them."""


# --- writing ----------------------------------------------------------------------------------------------------------


@dataclass
class Exported:
    """What was written of a benchmark: how many samples and examples in how many files below `folder`.

    `more` counts the samples by what of them stands in the field `proctor` alone; `doubled` those of which two options
    have the same text, which UltraEval would take for one.
    """

    folder: Path
    samples: int = 0
    shots: int = 0
    files: int = 0
    doubled: int = 0
    more: Counter[str] = field(default_factory=Counter)


def write(
    name: str,
    samples: Sequence[Sample],
    shots: Sequence[Sequence[Sample]],
    folder: Path,
    derived: Collection[str] = (),
) -> Exported:
    """Write a benchmark's samples, and the examples of each file, in this format.

    The samples of a file are those whose id has the same beginning: `astronomy-17` goes to astronomy.jsonl. `derived`
    are the axes of groups that the manifest makes of others, and makes again of what is read.
    Raises DataError for what JSON cannot hold, and where a file is there already.
    """
    refuse(name, folder)
    _refuse_examples_by_group(name, samples, shots)
    done = Exported(folder / name)
    samples = [replace(sample, groups=_without(sample.groups, derived)) for sample in samples]
    members: dict[str, list[int]] = {}
    for place, sample in enumerate(samples):
        members.setdefault(sample.id.rpartition("-")[0] or name, []).append(place)
    for task, places in members.items():
        numbers = [samples[place].id.rpartition("-")[2] for place in places]
        own = [(samples[place], number) for place, number in zip(places, numbers, strict=True)]
        _write_rows(done, f"data/{task}.jsonl", name, own)
        done.samples += len(places)
        examples = shots[places[0]]
        if examples and not _among(shots, places):
            _write_rows(done, f"shots/{task}.jsonl", name, [(shot, str(row)) for row, shot in enumerate(examples)])
            done.shots += len(examples)
    return done


def refuse(name: str, folder: Path) -> None:
    """Raise DataError where a benchmark's folder in `folder` is there and not empty, or cannot be looked into."""
    own = folder / name
    try:
        there = own.exists() and any(own.iterdir())
    except OSError as error:
        raise DataError(f"{name}: {own} is no folder to write to: {error.strerror}") from None
    if there:
        raise DataError(f"{name}: {own} is there already, and not empty; --output=FOLDER names another")


def _refuse_examples_by_group(name: str, samples: Sequence[Sample], shots: Sequence[Sequence[Sample]]) -> None:
    """A file has one list of examples: raise DataError where they differ and are none of the samples themselves."""
    known = {(sample.question, *sample.choices) for sample in samples}
    shown: dict[str, tuple[object, ...]] = {}
    for sample, some in zip(samples, shots, strict=True):
        asked = tuple((shot.question, *shot.choices) for shot in some)
        file = sample.id.rpartition("-")[0]
        if shown.setdefault(file, asked) == asked or known.issuperset(asked):
            continue
        raise DataError(
            f"{name}: its examples differ by the sample's group, and UltraEval's format has one list of them a file"
        )


def _without(groups: Mapping[str, str], axes: Collection[str]) -> dict[str, str]:
    return {axis: group for axis, group in groups.items() if axis not in axes}


def _among(shots: Sequence[Sequence[Sample]], places: Sequence[int]) -> bool:
    """Whether the examples are other samples of the same file: then they are written once, and found there."""
    return any(shots[place] != shots[places[0]] for place in places)


def _write_rows(done: Exported, file: str, name: str, samples: Sequence[tuple[Sample, str]]) -> None:
    path = done.folder / file
    lines = []
    for line, (sample, number) in enumerate(samples):
        row = unified(sample, number if number != str(line) else None)
        if file.startswith("data/"):
            done.more.update(list(row["proctor"]))
            done.doubled += len(set(sample.choices)) < len(sample.choices)
        try:
            lines.append(json.dumps(row, ensure_ascii=False) + "\n")
        except (TypeError, ValueError) as error:
            raise DataError(f"{name}: sample {sample.id} cannot be written as JSON: {error}") from None
    # Unicode's own line separators end no line of JSON.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
    except OSError as error:
        raise DataError(
            f"{name}: {path} cannot be written: {error.strerror}; what stands in {done.folder} is not whole"
        ) from None
    done.files += 1


def unified(sample: Sample, number: str | None = None) -> dict[str, Any]:
    """A sample in this format; `number` is that of its row where it is not that of its line.

    What the four fields would be read as stands in `proctor` where the sample has it otherwise.
    """
    right = _marked(sample)
    scores: dict[str, int] = {}
    for place, choice in enumerate(sample.choices):
        scores[choice] = max(scores.get(choice, 0), int(place in right))
    row = {
        "passage": sample.passage,
        "question": sample.question,
        "target_scores": scores,
        "answer": _answer(sample, right),
    }
    told = plain({**row, "proctor": {}})
    more = {
        name: getattr(sample, name)
        for name in FIELDS
        if _as_read(getattr(sample, name)) != _as_read(getattr(told, name))
    }
    if number is not None:
        more["number"] = number
    return {**row, "proctor": more}


def _marked(sample: Sample) -> list[int]:
    """The positions of the right options, told by their text or by letters."""
    texts = [text for text in (sample.target, *sample.targets) if text in sample.choices]
    if texts:
        return [place for place, choice in enumerate(sample.choices) if choice in texts]
    letters = sample.target if isinstance(sample.target, str) else ""
    places = [LETTERS.index(letter) for letter in letters if letter in LETTERS[: len(sample.choices)]]
    return places if len(places) == len(letters) else []


def _answer(sample: Sample, right: Sequence[int]) -> Any:
    """Of options nothing, or letters where several are right; else the worked answer, all accepted ones or the one."""
    if sample.choices:
        return [LETTERS[place] for place in right] if len(right) > 1 else ""
    if sample.reference:
        return sample.reference
    known = list(sample.targets) or [sample.target]
    return known if len(known) > 1 else known[0]


def _as_read(value: Any) -> Any:
    """A value as JSON gives it back, for comparing: tuples become lists."""
    if isinstance(value, Mapping):
        return {key: _as_read(one) for key, one in value.items()}
    return [_as_read(one) for one in value] if isinstance(value, list | tuple) else value


def told(name: str, done: Exported) -> Iterator[str]:
    """What a person wants to know of an export."""
    examples = f", {done.shots} examples" if done.shots else ""
    yield f"{name}: {done.samples} samples{examples} in {done.files} files below {done.folder}"
    if done.more:
        counts = ", ".join(f"{field} ({count})" for field, count in sorted(done.more.items()))
        yield f"{name}: in the field `proctor`, since UltraEval's fields do not hold it: {counts}"
    if done.doubled:
        yield f"{name}: {done.doubled} samples have two options of the same text, which UltraEval would take for one"
