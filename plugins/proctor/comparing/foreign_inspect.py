"""Logs of inspect_ai, of format version 2: a `.eval` file (a zip of JSON) or a `.json` file, one task each.

A sample and epoch is one record, epochs counted from 0. A scorer is a metric, under its name; one that gives several
values gives as many, `SCORER.KEY`. C is 1, P is 0.5, I and N are 0, as inspect_ai averages them; N and an empty answer
count as unparsed. inspect_ai numbers samples from 1 where the dataset has no ids, proctor from 0: these become ours.
Read are the last output of a sample and the messages before the first; events, tools and stores are not.
"""

from __future__ import annotations

import importlib
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proctor.comparing.foreign_form import Answer, Log, data_sha256, number, record
from proctor.errors import SetupError
from proctor.reporting.records import Record

VERSION = 2
BEGIN = re.compile(rb'\s*\{\s*"version"\s*:\s*\d+\s*,\s*"status"\s*:\s*"')
ZSTANDARD = 93
"""The compression of newer .eval files, by the zip format's number for it."""
LOCAL_HEADER = struct.Struct("<26xHH")
VALUES: Mapping[str, float] = {"C": 1, "I": 0, "P": 0.5, "N": 0, "yes": 1, "no": 0}
HOW_FAST = {
    "max_connections", "adaptive_connections", "max_retries", "timeout", "attempt_timeout", "batch", "cache",
}  # fmt: skip
"""Settings that change when a model is asked, and not what."""
CUT = {"max_tokens", "model_length"}
ATTACHMENT = re.compile(r"attachment://([0-9a-f]+)")

Sample = dict[str, Any]
Samples = Callable[[], Iterator[tuple[str, Sample]]]
"""Reads the samples, each with where it stands."""


@dataclass(frozen=True, slots=True)
class Task:
    """What the samples' records need of the log's head. `numbered`: ids are numbers from 1, in the dataset's order."""

    key: tuple[str, str]
    model: str
    numbered: bool
    score_errors: bool


def recognised(place: Path) -> bool:
    if place.is_dir():
        return bool(_within(place))
    if not place.is_file():
        return False
    if place.suffix == ".eval":
        return True  # one that is damaged is told so when it is read
    with place.open("rb") as file:
        return place.suffix == ".json" and bool(BEGIN.match(file.read(200)))


def _within(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and recognised(path)]


def read(place: Path) -> Log:
    """A log. Raises SetupError naming file and line for what is damaged, of another version, or not scored."""
    if place.is_dir():
        logs = _within(place)
        if len(logs) > 1:
            raise SetupError(f"{place}: holds {len(logs)} logs; name one: {', '.join(log.name for log in logs)}")
        place = logs[0]
    head, samples = _zipped(place) if place.suffix == ".eval" else _json(place)
    if head.get("version") != VERSION:
        raise SetupError(
            f"{place}: a log of format version {head.get('version')}; version {VERSION} is read, which "
            "`inspect log convert --to json` of a newer inspect_ai writes"
        )
    try:
        task = _task(head)
        rows, names, seen = _look_through(place, task, samples)
        if not names:
            raise SetupError(f"{place}: no sample has a score that is a number; `inspect score` adds scores to a log")
        about = _about(head, task, rows, names, len(seen))
        run, model = _run(head), {"name": task.model, "id": task.model, "revision": None, "engine": "inspect_ai"}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SetupError(f"{place}: not what inspect_ai logs: {type(error).__name__}: {error}") from None
    return Log(run, model, [about], lambda: _records(task, samples))


# --- files ------------------------------------------------------------------------------------------------------------


def _json(path: Path) -> tuple[dict[str, Any], Samples]:
    """(head, samples) of a .json log. It is one value, and so is parsed whole each time that samples are read."""

    def content() -> dict[str, Any]:
        try:
            return _parsed(path.read_bytes(), str(path))
        except OSError as error:
            raise SetupError(f"{path}: {error.strerror}") from None

    def samples() -> Iterator[tuple[str, Sample]]:
        for place, sample in enumerate(content().get("samples") or []):
            yield f"{path}: samples[{place}]", sample

    return {name: value for name, value in content().items() if name != "samples"}, samples


def _zipped(path: Path) -> tuple[dict[str, Any], Samples]:
    """(head, samples) of a .eval log; of a run that was cut off, which has no header yet, the head is its start."""

    def samples() -> Iterator[tuple[str, Sample]]:
        with _opened(path) as archive:
            for name in dict.fromkeys(archive.namelist()):  # a sample that was run again stands there twice: last wins
                if name.startswith("samples/") and name.endswith(".json"):
                    yield f"{path}: {name}", _parsed(_entry(path, archive, name), f"{path}: {name}")

    with _opened(path) as archive:
        names = set(archive.namelist())
        head = next((name for name in ("header.json", "_journal/start.json") if name in names), None)
        if head is None:
            raise SetupError(
                f"{path}: neither header.json nor _journal/start.json is in it; it is no log of inspect_ai"
            )
        return _parsed(_entry(path, archive, head), f"{path}: {head}"), samples


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}") from None
    except zipfile.BadZipFile as error:
        raise SetupError(f"{path}: {error}; the file is damaged") from None


def _entry(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        try:
            return archive.read(name)
        except NotImplementedError:  # zipfile knows Zstandard from Python 3.14 on
            return _zstandard(path, archive.getinfo(name))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error) as error:
        raise SetupError(f"{path}: {name}: {error}; the file is damaged") from None


def _zstandard(path: Path, info: zipfile.ZipInfo) -> bytes:
    """An entry that zipfile cannot decompress, by the package that inspect_ai itself uses, where that is installed."""
    try:
        zstandard: Any = importlib.import_module("zstandard") if info.compress_type == ZSTANDARD else None
    except ImportError:
        zstandard = None
    if zstandard is None:
        raise SetupError(
            f"{path}: compressed by Zstandard, which needs the package `zstandard` (pip install zstandard); or convert "
            f"the log: inspect log convert --to json --output-dir DIR {path}"
        )
    with path.open("rb") as file:
        file.seek(info.header_offset)
        file.seek(sum(LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))), io.SEEK_CUR)
        packed = io.BytesIO(file.read(info.compress_size))
    try:
        content: bytes = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).read()
    except zstandard.ZstdError as error:
        raise zipfile.BadZipFile(str(error)) from None
    if zlib.crc32(content) != info.CRC:
        raise zipfile.BadZipFile("the checksum is wrong")
    return content


def _parsed(content: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except json.JSONDecodeError as error:
        raise SetupError(f"{where}:{error.lineno}: not JSON; the file is damaged") from None
    except ValueError:
        raise SetupError(f"{where}: not UTF-8; the file is damaged") from None
    if not isinstance(value, dict):
        raise SetupError(f"{where}: holds no object")
    return value


# --- the head ---------------------------------------------------------------------------------------------------------


def _task(head: Mapping[str, Any]) -> Task:
    about, dataset = head["eval"], head["eval"].get("dataset") or {}
    ids, rows = dataset.get("sample_ids") or [], dataset.get("samples") or 0
    return Task(
        key=(str(about["task"]).rpartition("/")[2], "gen"),
        model=str(about["model"]),
        numbered=bool(ids) and all(isinstance(found, int) and 1 <= found <= rows for found in ids),
        score_errors=bool((about.get("config") or {}).get("score_on_error")),
    )


def _run(head: Mapping[str, Any]) -> dict[str, Any]:
    about = head["eval"]
    return {
        "id": str(about.get("run_id")),
        "started": about.get("created"),
        "command": "inspect eval",
        "seed": None,
        "versions": dict(about.get("packages") or {}),
        "status": head.get("status", "started"),
        "partial": head.get("status") != "success",
    }


def _look_through(place: Path, task: Task, samples: Samples) -> tuple[list[Any], list[str], set[Any]]:
    """(what was asked and what is right, by sample; names of metrics; samples by id and epoch)."""
    rows: dict[str, Any] = {}
    names: dict[str, None] = {}
    seen: set[Any] = set()
    for where, sample in samples():
        made = _record(task, where, sample)
        key = made["sample"], made["epoch"]
        if key in seen:
            raise SetupError(f"{place}: sample {key[0]} stands there twice in epoch {key[1] + 1}")
        seen.add(key)
        rows[made["sample"]] = [made["sample"], _plain_input(sample), sample.get("choices"), made["target"]]
        names |= dict.fromkeys(made["scores"])
    return sorted(rows.values(), key=lambda row: str(row[0])), list(names), seen


def _about(head: Mapping[str, Any], task: Task, rows: Sequence[Any], names: Sequence[str], done: int) -> dict[str, Any]:
    about = head["eval"]
    dataset, config = about.get("dataset") or {}, about.get("config") or {}
    asked = {**(about.get("model_generate_config") or {}), **((head.get("plan") or {}).get("config") or {})}
    asked = {name: value for name, value in asked.items() if name not in HOW_FAST}
    epochs = config.get("epochs") or 1
    return {
        "task": task.key[0],
        "variant": task.key[1],
        "version": about.get("task_version"),
        "shots": None,
        "epochs": epochs,
        "prompt_sha256": None,
        "parameters": {**asked, **({"task_args": about["task_args"]} if about.get("task_args") else {})},
        "data": {
            "origin": str(dataset.get("location") or dataset.get("name") or "unknown"),
            "revision": None,
            "sha256": data_sha256(rows),
            "rows": dataset.get("samples") or len(rows),
            "excluded": {},
        },
        "selected": max(done, epochs * len(dataset.get("sample_ids") or [])),
        "total": max(done, epochs * (dataset.get("samples") or 0)),
        "main": names[0],
    }


# --- samples ----------------------------------------------------------------------------------------------------------


def _records(task: Task, samples: Samples) -> Iterator[Record]:
    for where, sample in samples():
        yield _record(task, where, sample)


def _record(task: Task, where: str, sample: Sample) -> Record:
    try:
        scores, extracted, unparsed = _scores(sample.get("scores") or {})
        ident = sample["id"] - 1 if task.numbered else sample["id"]
        reasons = [str(choice.get("stop_reason")) for choice in _choices(sample)]
        truncated = bool(sample.get("limit")) or any(reason in CUT for reason in reasons)
        answer = Answer(
            outputs=_outputs(sample),
            extracted=extracted,
            flags=[name for name, holds in (("truncated", truncated), ("unparsed", unparsed and scores)) if holds],
            usage=_usage(task, sample),
        )
        return record(
            task.key,
            (str(ident), sample.get("epoch", 1) - 1),
            prompt=_prompt(sample),
            target=sample.get("target"),
            answer=answer,
            scores=scores,
            error=_error(task, sample, scores),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SetupError(f"{where}: not a sample as inspect_ai logs it: {type(error).__name__}: {error}") from None


def _scores(scores: Mapping[str, Any]) -> tuple[dict[str, float], Any, bool]:
    """(metrics, what the first scorer extracted, whether that found nothing)."""
    metrics: dict[str, float] = {}
    for name, score in scores.items():
        value = score.get("value")
        values = {f"{name}.{key}": item for key, item in value.items()} if isinstance(value, dict) else {name: value}
        metrics |= {key: found for key, item in values.items() if (found := _value(item)) is not None}
    first: Mapping[str, Any] = next(iter(scores.values()), {})
    return metrics, first.get("answer") or None, first.get("value") == "N" or first.get("answer") == ""


def _value(value: Any) -> float | None:
    """A score as the number that inspect_ai takes it for; None for what it cannot average, as NaN: not scored."""
    if isinstance(value, str) and (found := VALUES.get(value, VALUES.get(value.lower()))) is not None:
        return found
    return number(value)


def _error(task: Task, sample: Sample, scores: Mapping[str, float]) -> tuple[str, str] | None:
    """(kind, message). A sample that broke is no wrong answer, unless its task scores these too."""
    error = sample.get("error")
    if not error or (scores and task.score_errors):
        return None
    message = str(error.get("message")) if isinstance(error, dict) else str(error)
    kind = re.match(r"(\w+)\(", message)
    return (kind[1].lower() if kind else "error"), message


def _choices(sample: Sample) -> list[dict[str, Any]]:
    return list((sample.get("output") or {}).get("choices") or [])


def _outputs(sample: Sample) -> list[Record]:
    output = sample.get("output") or {}
    outputs = []
    for choice in _choices(sample):
        message, reason = choice["message"], choice.get("stop_reason")
        made: Record = {"text": _text(sample, message), "latency": output.get("time") or 0.0}
        thinking = _parts(message, "reasoning")
        if thinking:
            made["thinking"] = "\n".join(thinking)
        if reason is not None:
            made["finish_reason"] = "length" if reason in CUT else reason
        outputs.append(made)
    tokens = (output.get("usage") or {}).get("output_tokens")
    if tokens is not None and len(outputs) == 1:
        outputs[0]["tokens"] = tokens
    return outputs


def _usage(task: Task, sample: Sample) -> dict[str, float]:
    """Tokens of the measured model, without those of one that judges; seconds of its one request, or of the sample."""
    used = sample.get("model_usage") or {}
    own = [used[task.model]] if task.model in used else list(used.values())
    requests = sum(_is_generated(message) for message in sample.get("messages") or [])
    latency = (sample.get("output") or {}).get("time")
    seconds = latency if requests == 1 and latency else sample.get("working_time") or sample.get("total_time")
    return {
        "requests": requests,
        "prompt_tokens": sum(usage.get("input_tokens") or 0 for usage in own),
        "cached_tokens": sum(usage.get("input_tokens_cache_read") or 0 for usage in own),
        "completion_tokens": sum(usage.get("output_tokens") or 0 for usage in own),
        "reasoning_tokens": sum(usage.get("reasoning_tokens") or 0 for usage in own),
        "seconds": seconds or 0.0,
    }


def _is_generated(message: Mapping[str, Any]) -> bool:
    return message.get("role") == "assistant" and message.get("source") != "input"


def _prompt(sample: Sample) -> str:
    """What was asked first: the messages before the model's, or the input where none were sent."""
    sent: list[Mapping[str, Any]] = []
    for message in sample.get("messages") or []:
        if _is_generated(message):
            break
        sent.append(message)
    return _chat(sample, sent) if sent else _plain_input(sample)


def _plain_input(sample: Sample) -> str:
    asked = sample["input"]
    return _resolved(sample, asked) if isinstance(asked, str) else _chat(sample, asked)


def _chat(sample: Sample, messages: Sequence[Mapping[str, Any]]) -> str:
    """Messages as text: the one of a user as it is, several each behind its role."""
    if len(messages) == 1 and messages[0]["role"] == "user":
        return _text(sample, messages[0])
    return "\n\n".join(f"{message['role']}: {_text(sample, message)}" for message in messages)


def _text(sample: Sample, message: Mapping[str, Any]) -> str:
    return _resolved(sample, "\n".join(_parts(message, "text")))


def _parts(message: Mapping[str, Any], kind: str) -> list[str]:
    """The parts of a message of one kind, `text` or `reasoning`; a plain string is text."""
    content = message.get("content")
    if isinstance(content, str):
        return [content] if kind == "text" else []
    return [str(part.get(kind, "")) for part in content or [] if part.get("type") == kind]


def _resolved(sample: Sample, text: str) -> str:
    """Text with what was put aside as too long in its place again."""
    attachments = sample.get("attachments") or {}
    return ATTACHMENT.sub(lambda match: str(attachments.get(match[1], match[0])), text)
