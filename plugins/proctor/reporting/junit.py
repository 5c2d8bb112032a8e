"""JUnit XML of a run: every sample and every ordinary test, written at the end in one piece."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# What XML 1.0 cannot hold, not even escaped.
ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class Case:
    """One test case. `outcome`: passed, failed, error or skipped; `properties` are (name, value)."""

    nodeid: str
    outcome: str = "passed"
    message: str = ""
    seconds: float = 0.0
    properties: list[tuple[str, str]] = field(default_factory=list)


def write_junit(path: Path, cases: Iterable[Case], started: float, seconds: float) -> None:
    """Write cases as one test suite; classname and name are pytest's own, from the node id."""
    cases = list(cases)
    counts = {tag: str(sum(case.outcome == outcome for case in cases)) for outcome, tag in TAGS.items()}
    attributes = {
        "name": "proctor",
        "tests": str(len(cases)),
        **counts,
        "time": f"{seconds:.3f}",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(started)),
    }
    root = ET.Element("testsuites", name="proctor")
    suite = ET.SubElement(root, "testsuite", attributes)
    for case in cases:
        _add(suite, case)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


TAGS = {"failed": "failures", "error": "errors", "skipped": "skipped"}
ELEMENTS = {"failed": "failure", "error": "error", "skipped": "skipped"}


def _add(suite: ET.Element, case: Case) -> None:
    file, _, rest = case.nodeid.partition("::")
    classes, _, name = rest.rpartition("::") if "[" not in rest else _split(rest)
    classname = ".".join(filter(None, [file.removesuffix(".py").replace("/", "."), classes.replace("::", ".")]))
    element = ET.SubElement(suite, "testcase", classname=classname, name=_clean(name), time=f"{case.seconds:.3f}")
    if case.properties:
        properties = ET.SubElement(element, "properties")
        for key, value in case.properties:
            ET.SubElement(properties, "property", name=_clean(key), value=_clean(value))
    if case.outcome in ELEMENTS:
        first = case.message.strip().splitlines()[0] if case.message.strip() else case.outcome
        ET.SubElement(element, ELEMENTS[case.outcome], message=_clean(first)).text = _clean(case.message)


def _split(rest: str) -> tuple[str, str, str]:
    """Class part and name of a parametrized id, in whose brackets `::` may stand."""
    before, bracket, parameters = rest.partition("[")
    classes, colons, name = before.rpartition("::")
    return classes, colons, name + bracket + parameters


def _clean(text: object) -> str:
    return ILLEGAL.sub("?", str(text))
