"""Judging a run again by today's rules: its stored outputs in place of a model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from proctor.errors import AskError, SetupError
from proctor.judge.asks import PART
from proctor.model import Connection, Model
from proctor.reporting import reports, runs
from proctor.reporting.answers import Key, key_of

SHOWN = 10
"""Changed samples that are named of each task."""
NOT_STORED = "not_stored"
"""The kind of the errors of samples that the run has no answer of."""


class StoredService:
    """A `Service` that has nothing but what a run was answered.

    `bundled`: whether that run was on the bundled samples. Raises SetupError for a folder that holds no whole run.
    """

    concurrency = 64
    discovers = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.report = read_report(folder)
        self.name: str = self.report["model"]["name"]
        self.samples: set[Key] = {key_of(line) for line in runs.lines(folder / "samples.jsonl")}
        """(task, variant, sample id, epoch) of what can be judged again."""
        origins = {task["data"]["origin"] for task in self.report["tasks"]}
        self.bundled = origins == {"bundled"}
        place = origins.pop() if len(origins) == 1 else "bundled"
        self.data_dir = place if place != "bundled" and Path(place).is_dir() else None
        """The data root of that run, where it had one and it is still there."""
        forms = {task["data"].get("format") for task in self.report["tasks"]}
        self.data_format = forms.pop() if len(forms) == 1 else None

    def start(self, log: Path, progress: Callable[[str], None]) -> Connection:
        progress(f"judging the outputs of {self._folder} again; no model is asked")
        chat = self.report["run"].get("chat")
        return Connection(self.report["model"], {} if chat is None else {"chat": chat})

    def connect(self, connection: Connection, concurrency: int) -> AbstractAsyncContextManager[Model]:
        return _connected(self._folder)

    def stop(self) -> None:
        """Nothing was started."""


class NoModel:
    """Stands where a model would: what is not stored cannot be had."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def about(self, sample: Any, peers: Sequence[Any]) -> NoModel:
        return self

    async def generate(self, prompt: str, **parameters: Any) -> Any:
        raise AskError(NOT_STORED, f"{self._folder} holds no answer of this sample to this prompt")

    async def loglikelihood(self, context: str, continuations: Sequence[str]) -> Any:
        return await self.generate(context)


@asynccontextmanager
async def _connected(folder: Path) -> AsyncIterator[Model]:
    yield NoModel(folder)


def read_report(folder: Path) -> dict[str, Any]:
    """report.json of a run's folder. Raises SetupError."""
    try:
        report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        if report["schema"] != reports.SCHEMA or not (folder / "samples.jsonl").is_file():
            raise KeyError("schema")
    except (OSError, ValueError, KeyError, TypeError):
        raise SetupError(
            f"--rescore: {folder} holds no run with a report.json and a samples.jsonl; name one, as reports/latest"
        ) from None
    return report


def as_asked(
    tasks: Sequence[dict[str, Any]], report: Mapping[str, Any], judge_anew: bool = False
) -> list[dict[str, Any]]:
    """Descriptions of tasks with the parameters by which their stored outputs were made.

    judge_anew: a judge model is asked again, by today's parameters.
    """
    before = {(task["task"], task["variant"]): task["parameters"] for task in report["tasks"]}
    found = []
    for task in tasks:
        now = task["parameters"]
        asked = before.get((task["task"], task["variant"]), now)
        judge = {name: value for name, value in now.items() if judge_anew and name.startswith(PART)}
        # All count as chosen: whatever fitted them to a chat model has done so.
        own = {name: value for name, value in {**asked, **judge}.items() if name != "judge"}  # who it was, opinions say
        found.append({**task, "parameters": own, "chosen": [*own]})
    return found


def changes(folder: Path, report: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What judging again has changed, against the run in `folder`: lines for each task of `report`."""
    before = {(task["task"], task["variant"]): task for task in read_report(folder)["tasks"]}
    scores = {key_of(line): line["scores"] for line in runs.lines(folder / "samples.jsonl")}
    for task in report["tasks"]:
        name, old = f"{task['task']} {task['variant']}", before.get((task["task"], task["variant"]))
        if old is None:
            yield f"{name}: not in {folder}"
            continue
        for metric, entry in task["metrics"].items():
            was = old["metrics"].get(metric)
            if was is None or was["value"] != entry["value"]:
                yield f"{name}: {metric} {'–' if was is None else reports.score(was)} → {reports.score(entry)}"
        own = [record for record in records if (record["task"], record["variant"]) == (task["task"], task["variant"])]
        changed = [record for record in own if scores.get(key_of(record)) != record["scores"]]
        shown = ", ".join(_change(record, scores.get(key_of(record)), task["main"]) for record in changed[:SHOWN])
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        yield f"{name}: {len(changed)} of {len(own)} samples changed{': ' + shown + more if changed else ''}"


def _change(record: Mapping[str, Any], old: Mapping[str, float] | None, main: str) -> str:
    was, now = (old or {}).get(main, "–"), record["scores"].get(main, "–")
    return f"{record['sample']} ({was} → {now})"
