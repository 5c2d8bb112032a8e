"""Logs of lm-eval 0.4, written by `--log_samples`: `samples_TASK_TIME.jsonl` beside `results_TIME.json`.

A document is one sample, whatever the number of filters; its metrics keep lm-eval's names, `exact_match,strict-match`
where a filter has one, except `OURS`. A group that lm-eval gives a score becomes one task, with a sample id as proctor
has it (`astronomy-17` of mmlu). `repeats` are several outputs of one sample, since lm-eval scores them together.
Metrics that are no number by sample, or whose score is no mean of these, are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proctor.comparing.foreign_form import Answer, Log, data_sha256, number, record
from proctor.errors import SetupError
from proctor.reporting import runs
from proctor.reporting.records import Record

TIME = r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)"
SAMPLES = re.compile(rf"samples_(.+)_{TIME}\.jsonl")
RESULTS = re.compile(rf".+_{TIME}\.json")
VERSION = "0.4."
OURS: Mapping[str, Mapping[str, str]] = {
    "": {"acc_norm": "acc_norm_chars", "acc_bytes": "acc_norm"},
    "mmlu": {"acc": "accuracy"},
}
"""What proctor calls a metric of likelihoods, by task: its own `acc_norm` is per byte, lm-eval's per character."""
NO_MEANS = {"perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte"}
MEANS = {None, "mean", "nanmean"}
NOT_FOUND = "[invalid]"
"""What a filter of lm-eval leaves where it finds nothing."""
NOT_METRICS = {
    "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash",
    "target_hash",
}  # fmt: skip


@dataclass(slots=True)
class Member:
    """One samples file: `name` is lm-eval's of its task; the rest is found when the file is first read.

    filters: their names in order, for logs of lm-eval before 0.4.6, whose lines do not tell.
    scores and extracted are by document; extracted further by filter.
    """

    path: Path
    name: str
    filters: Sequence[str] = ("none",)
    task: tuple[str, str] = ("", "")
    groups: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    scores: dict[Any, dict[str, float]] = field(default_factory=dict)
    extracted: dict[Any, dict[str, Any]] = field(default_factory=dict)
    hashes: dict[Any, Any] = field(default_factory=dict)


def recognised(place: Path) -> bool:
    if place.is_dir():
        return bool(_folders(place))
    return place.is_file() and bool(SAMPLES.fullmatch(place.name) or _is_results(place))


def _is_results(path: Path) -> bool:
    return bool(path.name.startswith("results_") and RESULTS.fullmatch(path.name))


def _folders(place: Path) -> list[Path]:
    """The folder itself, or those of models within it, as far as they hold what lm-eval writes."""

    def holds(folder: Path) -> bool:
        return any(SAMPLES.fullmatch(path.name) or _is_results(path) for path in folder.iterdir())

    if holds(place):
        return [place]
    return [folder for folder in sorted(place.iterdir()) if folder.is_dir() and holds(folder)]


def _files(place: Path) -> tuple[list[tuple[Path, str]], str]:
    """([(samples file, its task)], time of the run): of a folder's newest run, or of the file that is named."""
    folder = place.parent
    if place.is_dir():
        folders = _folders(place)
        if len(folders) > 1:
            names = ", ".join(found.name for found in folders)
            raise SetupError(f"{place}: holds logs of several models; name one of its folders: {names}")
        folder = folders[0]
    named = SAMPLES.fullmatch(place.name)
    if named:
        return [(place, named[1])], named[2]
    found = [(path, match) for path in sorted(folder.iterdir()) if (match := SAMPLES.fullmatch(path.name))]
    times = {match[2] for _, match in found}
    of_results = RESULTS.fullmatch(place.name)
    time = of_results[1] if of_results and not place.is_dir() else max(times, default="")
    if time not in times:
        raise SetupError(f"{place}: no samples_*.jsonl of this run; lm-eval writes them when told --log_samples")
    return [(path, match[1]) for path, match in found if match[2] == time], time


def read(place: Path) -> Log:
    """The log of one run. Raises SetupError naming file and line for what is damaged or of another version."""
    files, time = _files(place)
    folder = files[0][0].parent
    results = _results(folder, time)
    members = []
    not_run = []
    for path, name in files:
        member = Member(path, name, _filters(results, name))
        _place(member, results)
        _look_through(member, _without_mean(results, name))
        if any(member.scores.values()):
            members.append(member)
        else:
            not_run.append({"task": name, "reason": "no metric is a number by sample whose mean is the score"})
    if not members:
        raise SetupError(f"{place}: {not_run[0]['task']}: {not_run[0]['reason']}; there is nothing to compare")
    tasks = {member.task: [other for other in members if other.task == member.task] for member in members}
    model = results.get("model_name") or folder.name
    config = _part(results, "config")
    return Log(
        run={
            "id": f"lm-eval {time}",
            "started": re.sub(r"T(\d\d)-(\d\d)-", r"T\1:\2:", time),
            "command": "lm-eval",
            "seed": config.get("random_seed"),
            "versions": {"lm_eval": results.get("lm_eval_version") or f"{VERSION}x"},
        },
        model={
            "name": model,
            "id": model,
            "revision": config.get("model_sha") or config.get("model_revision"),
            "engine": results.get("model_source") or config.get("model"),
        },
        tasks=[_about(task, of, results) for task, of in tasks.items()],
        records=lambda: (line for member in members for line in _records(member)),
        not_run=not_run,
    )


def _results(folder: Path, time: str) -> dict[str, Any]:
    """The results file of a run; empty where there is none."""
    found = [path for path in sorted(folder.iterdir()) if (match := RESULTS.fullmatch(path.name)) and match[1] == time]
    for path in found:
        try:
            results = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SetupError(f"{path}: {error.strerror}") from None
        except json.JSONDecodeError as error:
            raise SetupError(f"{path}:{error.lineno}: not JSON; the file is damaged") from None
        except ValueError:
            raise SetupError(f"{path}: not UTF-8; the file is damaged") from None
        if not isinstance(results, dict) or not isinstance(results.get("results"), dict):
            raise SetupError(f"{path}: not what lm-eval writes: it has no `results`")
        version = results.get("lm_eval_version")
        if version is not None and not str(version).startswith(VERSION):
            raise SetupError(f"{path}: written by lm-eval {version}; logs of {VERSION}x are read")
        return results
    return {}


def _part(results: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """An object within the results; empty where it is not there."""
    found: Any = results
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, dict) else {}


def _place(member: Member, results: Mapping[str, Any]) -> None:
    """Say which task of ours a samples file belongs to: that of the outermost group to which lm-eval gives a score."""
    chain = [member.name]
    while True:
        above = next(
            (
                group
                for group, parts in _part(results, "group_subtasks").items()
                if chain[-1] in parts and group in _part(results, "groups") and group not in chain
            ),
            None,
        )
        if above is None:
            break
        chain.append(above)
    member.task = chain[-1], ""
    if len(chain) > 1:
        subject = member.name.removeprefix(f"{chain[-1]}_")
        member.prefix = f"{subject}-"
        member.groups = {"subject": subject}
    if len(chain) > 2:
        alias = _part(results, "groups", chain[-2]).get("alias") or chain[-2]
        member.groups = {**member.groups, "category": str(alias).strip(" -")}


def _filters(results: Mapping[str, Any], name: str) -> list[str]:
    told = _part(results, "configs", name).get("filter_list") or [{"name": "none"}]
    return [str(found["name"]) for found in told]


def _without_mean(results: Mapping[str, Any], name: str) -> set[str]:
    """Metrics of a task that lm-eval does not average over samples."""
    told = _part(results, "configs", name).get("metric_list")
    found = [metric for metric in told if isinstance(metric, dict)] if isinstance(told, list) else []
    return NO_MEANS | {str(metric.get("metric")) for metric in found if metric.get("aggregation") not in MEANS}


def _lines(path: Path, use: Callable[[dict[str, Any]], Record | None]) -> Iterator[Record]:
    """What `use` makes of each line. Raises SetupError naming the line that is not one of lm-eval's."""
    read = 0
    try:
        for line in runs.lines(path):
            read += 1
            made = use(line)
            if made is not None:
                yield made
    except UnicodeDecodeError:  # a block is decoded at a time: which line it was is not known
        raise SetupError(f"{path}: not UTF-8; the file is damaged") from None
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise SetupError(f"{path}:{read}: not a sample as lm-eval logs it: {type(error).__name__}: {error}") from None


def _look_through(member: Member, without_mean: set[str]) -> None:
    """Collect what stands in several lines: a document has one for each filter."""

    def use(line: dict[str, Any]) -> None:
        document = line["doc_id"]
        before = member.extracted.setdefault(document, {})
        filtered = line.get("filter") or member.filters[min(len(before), len(member.filters) - 1)]
        if filtered in before:
            raise ValueError(f"document {document} stands there twice under filter {filtered}")
        if not member.task[1]:
            member.task, member.parameters = _kind(member.task[0], line)
        member.hashes.setdefault(document, line.get("doc_hash") or line["doc"])
        before[filtered] = _extracted(line["filtered_resps"], line["resps"])
        scores = member.scores.setdefault(document, {})
        for name in line["metrics"] if "metrics" in line else [name for name in line if name not in NOT_METRICS]:
            value = None if name in without_mean else number(line[name])
            if value is not None:
                scores[_named(name, filtered, member.task)] = value

    for _ in _lines(member.path, use):
        pass
    if not member.scores:
        raise SetupError(f"{member.path}: no samples; the file is empty")


def _kind(task: str, line: Mapping[str, Any]) -> tuple[tuple[str, str], dict[str, Any]]:
    """((task, variant), parameters), from a task's first sample: only what is generated has keyword arguments."""
    requests = _requests(line["arguments"])
    repeats = len(line["resps"][0])
    if len(requests[0]) > 1 and isinstance(requests[0][1], dict):
        return (task, "gen"), {**requests[0][1], **({"repeats": repeats} if repeats > 1 else {})}
    return (task, "ppl"), {}


def _named(metric: str, filtered: str, task: tuple[str, str]) -> str:
    if task[1] == "ppl":
        metric = {**OURS[""], **OURS.get(task[0], {})}.get(metric, metric)
    return metric if filtered == "none" else f"{metric},{filtered}"


def _requests(arguments: Any) -> list[list[Any]]:
    """Positional arguments of each request, from the list or the dictionary that lm-eval logs."""
    if isinstance(arguments, dict):
        return [list(request.values()) for request in arguments.values()]
    return [list(request) for request in arguments]


def _extracted(filtered: Sequence[Any], answers: Sequence[Any]) -> Any:
    """What a filter left: text, None where it found nothing; the place of the likeliest choice in a ranking."""
    if _is_ranking(answers):
        values = [_logprob(answer[0]) for answer in answers]
        return str(values.index(max(values))) if len(values) > 1 else None
    found = filtered[0] if filtered else None
    return None if found in (NOT_FOUND, []) else found


def _is_ranking(answers: Sequence[Any]) -> bool:
    """Whether the answers are (log-likelihood, whether it is the greedy one)."""
    first = answers[0][0]
    return isinstance(first, list) and len(first) == 2


def _logprob(answer: Sequence[Any]) -> float:
    value = number(answer[0])
    return float("-inf") if value is None else value


def _records(member: Member) -> Iterator[Record]:
    done: set[Any] = set()

    def use(line: dict[str, Any]) -> Record | None:
        document = line["doc_id"]
        if document in done:
            return None
        done.add(document)
        prompt, answer = _ranked(line) if _is_ranking(line["resps"]) else _written(line, member)
        return record(
            member.task,
            (f"{member.prefix}{document}", 0),
            prompt=prompt,
            target=line["target"],
            answer=answer,
            scores=member.scores[document],
            groups=member.groups,
        )

    return _lines(member.path, use)


def _ranked(line: Mapping[str, Any]) -> tuple[str, Answer]:
    """(prompt, answer) of likelihoods. Choices with a context each share of it what they have in common."""
    requests, answers = _requests(line["arguments"]), line["resps"]
    if "acc_mutual_info" in line.get("metrics", line):  # behind the choices, each stands once more without its context
        requests, answers = requests[: len(requests) // 2], answers[: len(answers) // 2]
    contexts = [_text(request[0]) for request in requests]
    prompt = _shared(min(contexts), max(contexts))
    choices = [
        {
            "label": str(place),
            "text": context[len(prompt) :] + str(request[1]),
            "logprob": number(answer[0][0]),
            "greedy": number(answer[0][1]) == 1,
        }
        for place, (context, request, answer) in enumerate(zip(contexts, requests, answers, strict=True))
    ]
    best = sorted(_logprob(answer[0]) for answer in answers)[-2:]
    tied = ["tied"] if len(best) > 1 and best[0] == best[1] else []
    return prompt, Answer(choices=choices, extracted=_extracted([], answers), flags=tied, usage=_asked(requests))


def _shared(first: str, last: str) -> str:
    """The longest beginning of both; of the first and last of sorted texts, it is that of all."""
    differ = (place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differ, min(len(first), len(last)))]


def _written(line: Mapping[str, Any], member: Member) -> tuple[str, Answer]:
    """(prompt, answer) of generated text. What is extracted is by filter where there are several."""
    requests = _requests(line["arguments"])
    extracted = member.extracted[line["doc_id"]]
    found: Any = extracted if len(extracted) > 1 else next(iter(extracted.values()))
    outputs = [{"text": str(text)} for answers in line["resps"] for text in answers]
    unparsed = ["unparsed"] if all(value is None for value in extracted.values()) else []
    usage = _asked(requests) | {"requests": len(outputs)}
    return _text(requests[0][0]), Answer(outputs=outputs, extracted=found, flags=unparsed, usage=usage)


def _text(context: Any) -> str:
    """A prompt; that of a chat stands in a list of its own, as JSON."""
    return str(context[0]) if isinstance(context, list) and len(context) == 1 else str(context)


def _asked(requests: Sequence[Any]) -> dict[str, float]:
    return {"requests": len(requests)}


def _about(task: tuple[str, str], members: Sequence[Member], results: Mapping[str, Any]) -> dict[str, Any]:
    """What the report says of a task; tokens, seconds and what a template was are not in lm-eval's logs."""
    names = [member.name for member in members]
    config = _part(results, "configs", names[0])
    origin = [str(config[name]) for name in ("dataset_path", "dataset_name") if config.get(name)]
    shots = {_part(results, "n-shot").get(name) for name in names}
    counts = [(len(member.scores), _part(results, "n-samples", member.name).get("original")) for member in members]
    versions = _part(results, "versions")
    total = sum(original or done for done, original in counts)
    return {
        "task": task[0],
        "variant": task[1],
        "version": versions.get(task[0], versions.get(names[0])),
        "shots": shots.pop() if len(shots) == 1 else None,
        "epochs": 1,
        "prompt_sha256": None,
        "parameters": dict(members[0].parameters),
        "data": {
            "origin": " ".join(origin) or "unknown",
            "revision": None,
            "sha256": data_sha256(
                (member.name, key, member.hashes[key]) for member in members for key in sorted(member.hashes, key=str)
            ),
            "rows": total,
            "excluded": {},
        },
        "selected": sum(done for done, _ in counts),
        "total": total,
        "main": next(name for member in members for scores in member.scores.values() for name in scores),
    }
