"""What the model answered, on disk before it is judged; a run that goes on begins with what it finds there."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from proctor.asks import Ranking
from proctor.code import TestedOutput
from proctor.judge.opinions import JudgedOutput, Opinion, UnjudgedOutput, told
from proctor.model import NO_USAGE, Completion, Execution, Likelihood, Output, Usage

Record = dict[str, Any]
Key = tuple[str, str, str, int]
"""Task, variant, sample id and epoch."""

PREFIX = "answers-"
COMPACT = json.JSONEncoder(separators=(",", ":")).encode
ANSWERS = {"outputs", "choices", "output"}
"""Keys of a record from which an output can be made again; under `shown` stands one of another kind, as text."""


class Answers:
    """Answers by sample: those that lie in `folder` already, and a file there for those of this process.

    The file is append-only and belongs to one process; whatever kills that tears the last line at most, which is then
    known by its missing newline. Answers that come together are written together (`flush`): each call of the system
    lets go of the interpreter, and to get it back takes longer than the writing. Only places are held in memory.

    name: of this process. more: further files with answers, such as the samples.jsonl of another run; those in `folder`
    take the place of theirs.
    """

    def __init__(self, folder: Path, name: str, more: Sequence[Path] = ()) -> None:
        self._found: dict[Key, tuple[BinaryIO, int]] = {}
        self._more = [path.open("rb") for path in more]
        self._files = [*self._more, *(path.open("rb") for path in sorted(folder.glob(f"{PREFIX}*.jsonl")))]
        unjudged: set[Key] = set()
        for file in self._files:
            for at, line in _whole(file):
                key = key_of(line)
                if line.get("unjudged") and key in self._found and key not in unjudged:
                    continue  # another process had the judge's opinion too
                self._found[key] = file, at
                (unjudged.add if line.get("unjudged") else unjudged.discard)(key)
        self._own = _new_file(folder, name)
        self._pending: list[bytes] = []
        self._lock = threading.Lock()

    def find(self, key: Key, prompt_sha256: str) -> Any:
        """The output that answered this very prompt; None where there is none."""
        if key not in self._found:
            return None
        file, at = self._found[key]
        file.seek(at)
        line = json.loads(file.readline())
        return restored(line) if line.get("prompt_sha256") == prompt_sha256 else None

    def are_anothers(self, key: Key) -> bool:
        """Whether what `find` finds comes from one of the further files."""
        return key in self._found and self._found[key][0] in self._more

    def write(self, key: Key, prompt_sha256: str, output: Any) -> bool:
        """Keep an answer, from the next `flush` on; whether it is the first that waits for that.

        One of a kind that could not be read back is not kept, and is asked for again.
        """
        line = as_record(output)
        if not line.keys() & ANSWERS:
            return False
        about = dict(zip(("task", "variant", "sample", "epoch"), key, strict=True))
        line = {**about, "prompt_sha256": prompt_sha256, **line}
        line["usage"] = flat(getattr(output, "usage", NO_USAGE))
        data = (COMPACT(line) + "\n").encode()
        with self._lock:
            self._pending.append(data)
            return len(self._pending) == 1

    def flush(self) -> None:
        """Write what waits. Any thread may."""
        if not self._pending:
            return
        with self._lock:
            data = memoryview(b"".join(self._pending))
            self._pending.clear()
            while data:
                data = data[self._own.write(data) :]

    def close(self) -> None:
        self.flush()
        for file in (*self._files, self._own):
            file.close()


def key_of(line: Mapping[str, Any]) -> Key:
    """The key of a record or of an answer."""
    return line["task"], line["variant"], line["sample"], line.get("epoch", 0)


def _whole(file: BinaryIO) -> Iterable[tuple[int, Record]]:
    """(offset, content) of each line that is whole."""
    at = 0
    for line in file:
        content = _parsed(line) if line.endswith(b"\n") else None
        if content is not None:
            yield at, content
        at += len(line)


def _parsed(line: bytes) -> Record | None:
    try:
        content = json.loads(line)
    except ValueError:  # a damaged disk: that sample is asked again
        return None
    return content if isinstance(content, dict) and content.keys() >= {"task", "variant", "sample"} else None


def _new_file(folder: Path, name: str) -> BinaryIO:
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        try:
            return (folder / f"{PREFIX}{name}-{number}.jsonl").open("xb", buffering=0)
        except FileExistsError:  # of an attempt before this one
            number += 1


def as_record(output: Any) -> Record:
    """The part of a record that says what came back; `restored` makes the output from it again."""
    if isinstance(output, TestedOutput):
        outputs = [
            {**_without_none(flat(completion)), "run": _without_none(flat(run))}
            for completion, run in zip(output.completions, output.runs, strict=True)
        ]
        return {"outputs": outputs, "sandbox": plain(output.sandbox), **_rendered(output)}
    if isinstance(output, JudgedOutput):
        return {
            "outputs": [_without_none(flat(completion)) for completion in output.completions],
            "opinions": [flat(opinion) for opinion in output.opinions],
            "judge": {**told(output), "usage": flat(output.judge_usage)},
            **({"scale": list(output.scale)} if output.scale else {}),
            **({} if output.other is None else {"other": output.other}),
            **_rendered(output),
        }
    if isinstance(output, Output):
        outputs = [_without_none(flat(completion)) for completion in output.completions]
        return {"outputs": outputs, **_unjudged(output), **_rendered(output)}
    if isinstance(output, Ranking):
        choices = [
            {"label": label, **_without_none(flat(choice)), "logprob": _finite(choice.logprob)}
            for label, choice in zip(output.labels, output.choices, strict=True)
        ]
        return {"choices": choices} | ({"context_cut": True} if output.context_cut else {})
    if output is None:
        return {}
    shown = plain(output)
    return {"output" if _same(shown, output) else "shown": shown}


def _unjudged(output: Output) -> Record:
    if not isinstance(output, UnjudgedOutput):
        return {}
    return {"unjudged": True} | ({} if output.parameters is None else {"parameters": plain(output.parameters)})


def _rendered(output: Output) -> Record:
    return {} if output.rendered is None else {"rendered": output.rendered}


def restored(line: Mapping[str, Any]) -> Any:
    """The output of which `as_record`, with its `usage`, is a part of `line`; None where there is none in it."""
    usage = Usage(**line["usage"])
    if "outputs" in line:
        outputs = [dict(completion) for completion in line["outputs"]]
        runs = [Execution(**completion.pop("run")) for completion in outputs if "run" in completion]
        completions = [Completion(**completion) for completion in outputs]
        rendered = line.get("rendered")
        if "judge" in line:
            return _judged(line, completions, usage)
        if line.get("unjudged"):
            return UnjudgedOutput(completions, usage, rendered=rendered, parameters=line.get("parameters"))
        if "sandbox" in line:
            return TestedOutput(completions, usage, runs, line["sandbox"], rendered=rendered)
        return Output(completions, usage, rendered=rendered)
    if "choices" in line:
        choices = [dict(choice) for choice in line["choices"]]
        labels = [choice.pop("label") for choice in choices]
        for choice in choices:
            choice["logprob"] = -math.inf if choice["logprob"] is None else choice["logprob"]
        return Ranking(labels, [Likelihood(**choice) for choice in choices], usage, bool(line.get("context_cut")))
    return line.get("output")


def _judged(line: Mapping[str, Any], completions: Sequence[Completion], usage: Usage) -> JudgedOutput:
    judge = line["judge"]
    return JudgedOutput(
        completions,
        usage,
        opinions=[Opinion(**opinion) for opinion in line["opinions"]],
        judge={key: judge[key] for key in ("name", "prompt_sha256")},
        judge_usage=Usage(**judge["usage"]),
        scale=line.get("scale", ()),
        other=line.get("other"),
        rendered=line.get("rendered"),
    )


def _same(value: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if type(value) is not type(other):
        return False
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(_same(value[key], other[key]) for key in value)
    if isinstance(value, list):
        return len(value) == len(other) and all(map(_same, value, other))
    return bool(value == other)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def flat(record: Any) -> Record:
    """The fields of a flat dataclass; `dataclasses.asdict` copies their values too, and takes ten times as long."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _without_none(values: Mapping[str, Any]) -> Record:
    return {key: value for key, value in values.items() if value is not None}


def plain(value: Any) -> Any:
    """A value as JSON can hold it; text where it cannot."""
    if value is None or isinstance(value, str | int | float | bool):
        return value if not isinstance(value, float) or math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)
