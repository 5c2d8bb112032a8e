"""Going on with a run that did not finish: which one, whether it is the same run, and who works on it now."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from proctor.errors import SetupError
from proctor.model import BEGUN

PARTS = "parts"
"""The folder in a run's folder that is there until every sample is scored: answers and records by process."""
LOCK = "lock"

TASK = ("version", "shots", "prompt_sha256", "chat", "parameters", "epochs", "selected", "total")
MODEL = ("name", "id", "revision", "tokenizer", "engine", "engine_version", "engine_args")
"""What must be the same of a task and of a model for answers to count as those of one run."""


def is_unfinished(folder: Path) -> bool:
    """Whether a run in `folder` left answers, and what it was."""
    return (folder / BEGUN).is_file()


def find(named: str, folder: Path, report_dir: Path | None, command: str) -> Path:
    """The folder of the run to go on with: `named`, else `report_dir`, else the latest of the same command.

    `folder` is the one in which the command is given. Raises SetupError.
    """
    chosen = folder / os.path.expanduser(named) if named else report_dir
    if chosen is not None:
        if is_unfinished(chosen):
            return chosen.resolve()
        what = "a finished run" if (chosen / "report.json").exists() else "no run"
        raise SetupError(
            f"--resume: {chosen} holds {what}. Name a run that did not finish by --resume=DIR, or give --resume as the "
            "last word of the command line, for the latest one of the same command"
        )
    runs = [path for path in sorted((folder / "reports").glob("*/")) if is_unfinished(path) and not path.is_symlink()]
    same = [(content["started"], path) for path in runs if (content := read(path))["command"] == command]
    if same:
        return max(same)[1].resolve()
    others = f"; unfinished runs of others: {', '.join(path.name for path in runs)}" if runs else ""
    raise SetupError(f"--resume: no run of this command is unfinished in {folder / 'reports'}{others}")


def read(folder: Path) -> dict[str, Any]:
    """What a run wrote about itself when it began. Raises SetupError."""
    path = folder / BEGUN
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SetupError(f"--resume: {path} cannot be read ({error}); begin a new run") from None
    return content


def write(folder: Path, content: Mapping[str, Any]) -> None:
    """Write what a run is, in one step."""
    path = folder / BEGUN
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(content), encoding="utf-8")
    os.replace(fresh, path)


def differences(old: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]], seed: int) -> list[str]:
    """What is asked otherwise than in the run `old`, a line for each."""
    found = list(_between("the seed", old["seed"], seed))
    before = {(task["task"], task["variant"]): task for task in old["tasks"]}
    now = {(task["task"], task["variant"]): task for task in tasks}
    for key in sorted(before.keys() | now.keys()):
        name = " ".join(key)
        if key not in now or key not in before:
            found.append(f"{name} was {'not among the tasks' if key in now else 'a task'}")
            continue
        for field in TASK:
            found += _between(f"{name}: {field}", before[key].get(field), now[key].get(field))
        found += _between(f"{name}: data", before[key]["data"]["sha256"], now[key]["data"]["sha256"])
    return found


def rescored_differences(old: Mapping[str, Any], rescored: Path | None) -> list[str]:
    """Whether the outputs of another run are judged now than in the run `old`, or those of one at all."""
    return list(_between("--rescore", old.get("rescored"), None if rescored is None else str(rescored)))


def model_differences(old: Mapping[str, Any], model: Mapping[str, Any], name: str = "model") -> list[str]:
    """How a model differs from the one that a run had, a line for each."""
    return [line for field in MODEL for line in _between(f"{name}: {field}", old.get(field), model.get(field))]


def judge_differences(old: Mapping[str, Any] | None, judge: Mapping[str, Any] | None) -> list[str]:
    """The same of the judge model, which a run need not have."""
    return [] if old is None or judge is None else model_differences(old, judge, "the judge")


def _between(name: str, old: Any, new: Any) -> Iterator[str]:
    new = json.loads(json.dumps(new))  # tuples have become lists
    if old != new:
        yield f"{name} was {json.dumps(old)}, is {json.dumps(new)}"


def lock(folder: Path) -> TextIO:
    """The lock of a run's folder, held until the file is closed or this process ends, however it ends.

    Raises SetupError where another process holds it.
    """
    file = (folder / PARTS / LOCK).open("a+", encoding="utf-8")
    with suppress(ImportError):  # not a POSIX system: nobody is kept out
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            process = file.read().strip() or "?"
            file.close()
            raise SetupError(
                f"{folder} holds a run that is under way (process {process}): wait for it, or choose another folder "
                "by --report-dir"
            ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
