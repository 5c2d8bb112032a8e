"""Which field of a row a reader had in hand when it failed: found by reading the row once more, watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class Trail:
    """`last` is the path of what was taken out of the row last: `question.choices[2].text`."""

    def __init__(self) -> None:
        self.last = ""

    def watched(self, value: Any, path: str = "") -> Any:
        """A copy of a row whose records and lists note what is taken out of them."""
        if isinstance(value, dict):
            return _Record(self, path, {key: self.watched(one, _of(path, key)) for key, one in value.items()})
        if isinstance(value, list):
            return _List(self, path, [self.watched(one, f"{path}[{place}]") for place, one in enumerate(value)])
        return value


class _Record(dict[Any, Any]):
    def __init__(self, trail: Trail, path: str, items: dict[Any, Any]) -> None:
        super().__init__(items)
        self._trail, self._path = trail, path

    def __getitem__(self, key: Any) -> Any:
        self._trail.last = _of(self._path, key)
        return super().__getitem__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """Note it, too."""
        self._trail.last = _of(self._path, key)
        return super().get(key, default)


class _List(list[Any]):
    def __init__(self, trail: Trail, path: str, items: list[Any]) -> None:
        super().__init__(items)
        self._trail, self._path = trail, path

    def __getitem__(self, place: Any) -> Any:
        self._trail.last = f"{self._path}[{place}]" if isinstance(place, int) else self._path
        return super().__getitem__(place)

    def __iter__(self) -> Iterator[Any]:
        for place, one in enumerate(super().__iter__()):
            self._trail.last = f"{self._path}[{place}]"
            yield one


def _of(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def field_at_fault(read: Callable[[Any], Any], row: Any) -> str:
    """The path of the field at which reading a row fails; nothing where it is not to be found out."""
    trail = Trail()
    watched = trail.watched(row)
    try:
        made = read(watched)
        if isinstance(made, Iterator):
            list(made)
    except Exception:
        return trail.last
    return ""
