"""What completions and amendments added to the traces of a run: bodies and tags, chained by trace."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any, Protocol


class Refs(Protocol):
    """References of bodies by row: a list, or something smaller."""

    def append(self, ref: Any, /) -> None:
        """Add the reference of the next row."""
        ...

    def __getitem__(self, row: int, /) -> Any: ...


class Additions:
    """Additions by number, in the order of commits; each trace's own are a chain from its last one back.

    >>> additions = Additions(list)
    >>> additions.last.extend([-1, -1])
    >>> [additions.add(row, (), ref) for row, ref in ((1, "a"), (0, "b"), (1, "c"))]
    [0, 1, 2]
    >>> additions.refs_of(1)
    ['a', 'c']
    """

    __slots__ = ("_before", "_refs", "_tags", "last")

    def __init__(self, refs: Callable[[], Refs]) -> None:
        self.last = array("i")
        """By row: the number of the last addition to the trace, −1 if there is none. The owner adds rows."""
        self._before = array("i")
        self._refs = refs()
        self._tags: dict[int, tuple[str, ...]] = {}

    def add(self, row: int, tags: tuple[str, ...], ref: Any) -> int:
        """Add to a trace; return the number of the addition."""
        number = len(self._before)
        self._before.append(self.last[row])
        self._refs.append(ref)
        if tags:
            self._tags[number] = tags
        self.last[row] = number
        return number

    def refs_of(self, row: int) -> list[Any]:
        """Return where the bodies of what was added to a trace lie, in the order of commits."""
        found = []
        number = self.last[row]
        while number >= 0:
            found.append(self._refs[number])
            number = self._before[number]
        found.reverse()
        return found

    def ref(self, number: int) -> Any:
        """Return where the body of an addition lies."""
        return self._refs[number]

    def tags(self, number: int) -> tuple[str, ...]:
        """Return the tags of an addition."""
        return self._tags.get(number, ())
