"""Rows by name: which traces bear a type name, or a tag.

A name's rows are in order and each once. What an index covers is a slice of one of its sections until something
is added to it; reading the rows of a name never tells where they came from.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

from sortedcontainers import SortedDict

from tracetui.storage.state.columns import BadIndexError, Base


class Postings:
    """Names with the rows that bear them.

    >>> tags = Postings("tags")
    >>> for row, tag in enumerate(["b", "a", "b"]):
    ...     tags.add(tag, row)
    >>> tags.add("a", 0)
    >>> list(tags.rows("a")), list(tags.rows("b")), list(tags.rows("c")), tags.counts()
    ([0, 1], [0, 2], [], {'a': 2, 'b': 2})
    """

    __slots__ = ("_base", "_covered", "_own", "_room", "_rows", "_starts")

    def __init__(self, room: str, base: Base | None = None) -> None:
        self._room = room
        self._base = base
        self._own: SortedDict[str, array[int]] = SortedDict()
        """Rows of the names that were added to; for a name of the base, all of them."""
        self._covered: dict[str, int] | None = {} if base is None else None
        """Name: its number in the base, once somebody looked."""
        self._starts: Any = None
        self._rows: Any = None

    def _names(self) -> dict[str, int]:
        if self._covered is None:
            assert self._base is not None  # noqa: S101
            names = self._base.value(f"{self._room}.names")
            self._starts = self._base.numbers(f"{self._room}.starts", "Q")
            self._rows = self._base.numbers(f"{self._room}.rows", "I")
            if len(self._starts) != len(names) + 1 or self._starts[-1] != len(self._rows):
                raise BadIndexError(f"the postings of {self._room} do not agree with their names")
            self._covered = {name: number for number, name in enumerate(names)}
        return self._covered

    def _slice(self, name: str) -> Any:
        number = self._names().get(name)
        return None if number is None else self._rows[self._starts[number] : self._starts[number + 1]]

    def add(self, name: str, row: int) -> None:
        """Add a row to a name, whether it has it or not; costs more for a row that is not the last."""
        rows = self._own.get(name)
        if rows is None:
            rows = self._own[name] = self._taken(name)
        if not rows or rows[-1] < row:
            rows.append(row)
            return
        at = bisect_left(rows, row)
        if rows[at] != row:
            rows.insert(at, row)

    def add_all(self, names: Sequence[str], first: int) -> None:
        """Add rows from ``first`` on, which are new, each to one name."""
        by_name: dict[str, list[int]] = {}
        for row, name in enumerate(names, first):
            by_name.setdefault(name, []).append(row)
        for name, rows in by_name.items():
            self.add(name, rows[0])
            self._own[name].extend(rows[1:])

    def add_sets(self, sets: Sequence[Sequence[str]], first: int) -> None:
        """Add rows from ``first`` on, which are new, each to all names of its set."""
        own = self._own
        for row, names in enumerate(sets, first):
            for name in names:
                rows = own.get(name)
                if rows is None:
                    rows = own[name] = self._taken(name)
                if not rows or rows[-1] != row:
                    rows.append(row)

    def _taken(self, name: str) -> array[int]:
        """Return the base's rows of a name as an array of our own: what is added to them stays with us."""
        covered = self._slice(name) if self._base is not None else None
        return array("I") if covered is None else array("I", covered.tobytes())

    def rows(self, name: str) -> Sequence[int]:
        """Return the rows of a name, in order; none for a name that nobody bears."""
        own = self._own.get(name)
        if own is not None:
            return own
        covered = self._slice(name) if self._base is not None else None
        return () if covered is None else covered

    def counts(self) -> dict[str, int]:
        """Return name: number of rows, ordered by name."""
        if self._base is None:
            return {name: len(rows) for name, rows in self._own.items()}
        found = {
            name: self._starts[number + 1] - self._starts[number] for name, number in self._names().items()
        }
        found.update((name, len(rows)) for name, rows in self._own.items())
        return dict(sorted(found.items()))

    def sections(self) -> Iterator[tuple[str, Any]]:
        """Yield the postings as sections of an index: names in order, where each begins, the rows."""
        names = list(self.counts())
        starts, rows = array("Q", [0]), []
        end = 0
        for name in names:
            posting = self.rows(name)
            rows.append(posting.tobytes() if isinstance(posting, (array, memoryview)) else b"")
            end += len(posting)
            starts.append(end)
        yield f"{self._room}.names", names
        yield f"{self._room}.starts", starts.tobytes()
        yield f"{self._room}.rows", b"".join(rows)


class Roots:
    """The rows that have no parent, in order: those of the base that were not adopted since, then the others."""

    __slots__ = ("_base", "_gone", "_more")

    def __init__(self, base: Base | None = None) -> None:
        self._base = base
        self._gone: set[int] = set()
        self._more: dict[int, None] = {}

    def add(self, row: int) -> None:
        """Add the last row."""
        self._more[row] = None

    def remove(self, row: int) -> None:
        """Take out a row that found its parent."""
        if row in self._more:
            del self._more[row]
        else:
            self._gone.add(row)

    def rows(self) -> list[int]:
        """Return all of them."""
        covered = [] if self._base is None else self._base.numbers("roots", "I").tolist()
        if self._gone:
            covered = [row for row in covered if row not in self._gone]
        return [*covered, *self._more]
