"""What completions and amendments added to the traces of a run: bodies and tags, chained by trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Protocol

from tracetui.storage.state.columns import BadIndexError, Base, Columns


class Refs(Protocol):
    """References of bodies by row: a list, or something smaller."""

    def append(self, ref: Any, /) -> None:
        """Add the reference of the next row."""
        ...

    def extend(self, refs: Sequence[Any], /) -> None:
        """Add the references of the next rows."""
        ...

    def __getitem__(self, row: int, /) -> Any: ...

    def take(self, rows: Sequence[int], /) -> list[Any]:
        """Return the references of many rows."""
        ...

    def sections(self) -> Iterator[tuple[str, Any]]:
        """Yield the references as sections of an index."""
        ...


class HeldRefs(list[Any]):
    """References that are kept as they are, for an engine without files: no index is made of them."""

    def take(self, rows: Sequence[int], /) -> list[Any]:
        """Return the references of many rows."""
        return [self[row] for row in rows]

    def sections(self) -> Iterator[tuple[str, Any]]:
        """Yield nothing."""
        yield from ()


MakeRefs = Callable[[str, Base | None, int], Refs]
"""Makes references: under this name in this base, which covers so many."""


class Additions(Columns):
    """Additions by number, in the order of commits; each trace's own are a chain from its last one back.

    The owner remembers the number of each trace's last addition, −1 if there is none.

    >>> additions = Additions(lambda *_: HeldRefs())
    >>> last = [-1, -1]
    >>> for row, ref in ((1, "a"), (0, "b"), (1, "c")):
    ...     last[row] = additions.add(last[row], (), ref)
    >>> additions.refs_of(last[1])
    ['a', 'c']
    """

    ROOM = "additions"
    CODES: ClassVar = {"before": "i"}
    before: Any

    def __init__(self, refs: MakeRefs, base: Base | None = None, rows: int = 0) -> None:
        super().__init__(base, rows)
        self._refs = refs("additions.refs", base, rows)
        self._tags: dict[int, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return self._length()

    def add(self, last: int, tags: tuple[str, ...], ref: Any) -> int:
        """Add to a trace whose last addition is ``last``; return the number of the new one."""
        if self._is_fixed:
            self.grow()
        number = len(self)
        self.before.append(last)
        self._refs.append(ref)
        if tags:
            self._tags[number] = tags
        return number

    def refs_of(self, last: int) -> list[Any]:
        """Return where the bodies of a chain lie, in the order of commits."""
        found = []
        number = last
        while number >= 0:
            found.append(self._refs[number])
            number = self.earlier(number)
        found.reverse()
        return found

    def earlier(self, number: int) -> int:
        """Return the number of the addition before this one in its chain, −1 if it is the first."""
        before: int = self.before[number]
        if before >= number:
            raise BadIndexError("additions that are not in order")
        return before

    def ref(self, number: int) -> Any:
        """Return where the body of an addition lies."""
        return self._refs[number]

    def tags(self, number: int) -> tuple[str, ...]:
        """Return the tags of an addition."""
        if number < self._covered and self._base is not None:
            return tuple(self._base.value("additions.tags").get(number, ()))
        return self._tags.get(number, ())

    def sections(self) -> Iterator[tuple[str, Any]]:
        """Yield the additions as sections of an index."""
        yield from super().sections()
        yield from self._refs.sections()
        covered = {} if self._base is None else self._base.value("additions.tags")
        yield "additions.tags", {**covered, **self._tags}
