"""Gates in pytest: read before anything is asked, judged after the last sample, each verdict a test of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from proctor import gatefile, gates, noise, runs, verdicts
from proctor.gates import Verdict


class Gating:
    """A gate file with what it compares with. Raises SetupError for what cannot be read."""

    def __init__(self, gate: Path, baseline: Path | None) -> None:
        self.gates = gatefile.read(gate)
        self.baseline = None if baseline is None else runs.read(baseline)
        self.noise = None if self.gates.noise is None else noise.read(self.gates.noise)

    def check(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Find what cannot be judged before a sample is asked. Raises SetupError."""
        gates.check(self.gates, {(task["task"], task["variant"]): task for task in tasks}, self.baseline)

    def judge(self, report: Mapping[str, Any], records: Sequence[Mapping[str, Any]], place: str) -> list[Verdict]:
        """The verdicts on a run that has ended. Raises SetupError."""
        return gates.judge(self.gates, runs.of_records(report, records, place), self.baseline, self.noise)

    def as_report(self, verdict: Verdict, root: Path) -> pytest.TestReport:
        """A verdict as the test that it is: failed where it keeps the checkpoint from shipping. `root`: pytest's."""
        file = os.path.relpath(self.gates.path, root)
        record = verdict.as_record()
        now = time.time()
        failed = verdict.stops
        report = pytest.TestReport(
            nodeid=f"{file}::{verdicts.about(record)}",
            location=(file, 0, verdicts.about(record)),
            keywords={},
            outcome="failed" if failed else "passed",
            longrepr=f"{verdict.verdict}: {verdicts.line(record)}" if failed else None,
            when="call",
            start=now,
            stop=now,
            user_properties=[("verdict", verdict.verdict), ("why", verdicts.line(record))],
        )
        report.proctor_verdict = verdict.verdict  # type: ignore[attr-defined]
        return report
