"""Gates in pytest: read before anything is asked, judged after the last sample, each verdict a test of its own."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from proctor.errors import SetupError
from proctor.gating import gatecheck, gatefile, gates, noise, verdicts
from proctor.gating.gates import Verdict
from proctor.reporting import runs


class Gating:
    """A gate file with what it compares with. Raises SetupError for what cannot be read."""

    def __init__(self, gate: Path, baseline: Path | None) -> None:
        self.gates = gatefile.read(gate)
        self.baseline = None if baseline is None else runs.read(baseline)
        self.noise = None if self.gates.noise is None else self._noise(self.gates.noise)

    def _noise(self, path: Path) -> Mapping[str, Any]:
        try:
            return noise.read(path)
        except SetupError as error:
            raise SetupError(f"{self.gates.path}:{self.gates.noise_line}: noise: {error}") from None

    def check(self, tasks: Sequence[Mapping[str, Any]], absent: Sequence[Mapping[str, Any]] = ()) -> None:
        """Find what cannot be judged before a sample is asked; `absent` do not run. Raises SetupError."""
        known = {(task["task"], task["variant"]): task for task in tasks}
        gatecheck.check(self.gates, known, self.baseline, self.noise, [runs.key_of(task) for task in absent])

    def judge(self, report: Mapping[str, Any], records: Sequence[Mapping[str, Any]], place: str) -> list[Verdict]:
        """The verdicts on a run that has ended. Raises SetupError."""
        return gates.judge(self.gates, runs.of_records(report, records, place), self.baseline, self.noise)

    def as_reports(self, found: Sequence[Verdict], root: Path) -> Iterator[pytest.TestReport]:
        """Verdicts as tests, failed where they keep the checkpoint from shipping. `root`: pytest's."""
        names: Counter[str] = Counter()
        for verdict in found:
            name = verdicts.about(verdict.as_record())
            names[name] += 1
            # Two gates without a name may say the same of the same: each is a test all the same.
            yield self._as_report(verdict, root, name if names[name] == 1 else f"{name} #{names[name]}")

    def _as_report(self, verdict: Verdict, root: Path, name: str) -> pytest.TestReport:
        file = os.path.relpath(self.gates.path, root)
        record = verdict.as_record()
        now = time.time()
        failed = verdict.stops
        report = pytest.TestReport(
            nodeid=f"{file}::{name}",
            location=(file, 0, name),
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
