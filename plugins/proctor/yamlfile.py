"""YAML files that people write: each complaint names file, line and key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from proctor.errors import SetupError


@dataclass(frozen=True)
class Reader:
    """A YAML document as plain values, and the line of each by its path."""

    path: Path
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict)

    def fail(self, where: tuple[str | int, ...], message: str) -> NoReturn:
        place, line = where, None
        while line is None:
            line, place = self.lines.get(place), place[:-1]
        shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")
        raise SetupError(f"{self.path}:{line}: {shown + ': ' if shown else ''}{message}")

    def named(self, where: tuple[str | int, ...], value: Any, what: str) -> Mapping[str, Any]:
        """A mapping whose keys are names of the writer's own."""
        if not isinstance(value, Mapping) or not value:
            self.fail(where, f"a mapping is needed, {what}; not {value!r:.60}")
        for key in value:
            if not isinstance(key, str):
                self.fail((*where, str(key)), f"a word is needed for a key, not {key!r:.60}")
        return value

    def entries(self, where: tuple[str | int, ...], value: Any, what: str) -> Sequence[Any]:
        if not isinstance(value, list) or not value:
            self.fail(where, f"a list is needed, {what}; not {value!r:.60}")
        return value

    def keys(self, where: tuple[str | int, ...], value: Any, known: Sequence[str]) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            self.fail(where, f"a mapping is needed, with {', '.join(known)}; not {value!r:.60}")
        for key in value:
            if key not in known:
                alike = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {alike[0]}?" if alike else f"known are {', '.join(known)}"
                self.fail((*where, key), f"there is no such key; {hint}")
        return value

    def number(self, where: tuple[str | int, ...], value: Any, low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.fail(where, f"a number from {low:g} to {high:g} is needed, not {value!r:.60}")
        return float(value)

    def word(self, where: tuple[str | int, ...], value: Any, known: Sequence[str]) -> str:
        if value not in known:
            self.fail(where, f"{value!r} is none of {', '.join(known)}")
        return str(value)

    def text(self, where: tuple[str | int, ...], value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            self.fail(where, f"a text of one line is needed, not {value!r:.60}")
        return value


def plain(path: Path) -> Any:
    """The values of a file of ours, by libyaml where it is had, in a tenth of the time. Raises what reading raises."""
    import yaml

    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def load(path: Path) -> tuple[Reader, Any]:
    """The document of a file, and what reads its values. Raises SetupError for a file that is none."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    lines: dict[tuple[str | int, ...], int] = {(): 1}
    reader = Reader(path, lines)
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return reader, None
        _places(reader, node, (), lines)
        return reader, loader.construct_document(node)
    except (ValueError, RecursionError) as error:  # a date of no calendar, a number of a thousand digits, a loop
        raise SetupError(f"{path}: cannot be read: {type(error).__name__}: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise SetupError(f"{path}{line}: not YAML: {getattr(error, 'problem', None) or error}") from None


def _places(reader: Reader, node: Any, where: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> None:
    """Note the line of every key and entry. Raises SetupError for a key that stands twice."""
    import yaml

    lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise SetupError(f"{reader.path}:{key.start_mark.line + 1}: a word is needed for a key")
            lines[(*where, key.value)] = key.start_mark.line + 1
            if key.value in seen:
                reader.fail((*where, key.value), "this key stands twice")
            seen.add(key.value)
            _places(reader, value, (*where, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            _places(reader, value, (*where, place), lines)
