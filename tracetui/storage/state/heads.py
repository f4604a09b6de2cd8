"""The heads of a run's traces as of one moment, read from its columns when somebody looks at a trace.

A query hands out thousands of traces of which few are looked at, so that reading each head then costs most of the
query. What came since that moment is taken off again: additions are numbered, changes are logged, and parents
that came later have later rows. So a moment is as true of another state of the same log: of one that was made
without the index, once that turns out to be damaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracetui.errors import CorruptionError
from tracetui.model.trace import OPEN, STATUS_NAMES, Head, Trace
from tracetui.storage.backend import NO_TIME
from tracetui.storage.decide import COMPLETION
from tracetui.storage.state.bodies import NOT_OURS
from tracetui.storage.state.columns import BadIndexError

if TYPE_CHECKING:
    from tracetui.storage.state.tail import Tail


_new_tuple = tuple.__new__


class Moment:
    """The state of a run when so many traces, additions and changes were there."""

    __slots__ = ("_additions", "_count", "_tail", "changes")

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self._count = tail.count
        self._additions = len(tail.additions)
        self.changes = len(tail.log)

    def traces(self, rows: Sequence[int]) -> list[Trace]:
        """Return the traces of rows, heads unread."""
        return Trace.unread(self, rows)

    def trace(self, row: int) -> Trace:
        """Return the trace of one row, its head unread."""
        return Trace.unread_one(self, row)

    def read(self, row: int) -> Trace:
        """Return the trace of one row, its head read: for who asked for this one."""
        return Trace.read_one(self, row)

    def head(self, row: int) -> Head:
        """Return a head as it was; see ``HeadSource``.

        :raises CorruptionError: if an index holds what no tracetui wrote.
        """
        tail = self._tail
        try:
            with tail.lock:
                if tail.looks >= 0:
                    tail.count_look()
                return self._head(tail, row)
        except BadIndexError:
            self._tail = tail.alone()  # which has no index, so that this ends here
            return self.head(row)
        except NOT_OURS as problem:
            raise CorruptionError(
                *tail.bodies.place((0,)), f"a head that no tracetui wrote: {problem}"
            ) from problem

    def _head(self, tail: Tail, row: int) -> Head:
        links, end_ms = tail.links, tail.ends[row]
        awaited, parent = links.awaited.get(row), links.parents[row]
        if parent >= 0:
            parent_id, is_missing = tail.ids[parent], parent >= self._count
        else:
            parent_id, is_missing = awaited, awaited is not None or row in links.bereft
        tags, status, last = tail.tags_of(row), STATUS_NAMES[tail.statuses[row]], tail.added[row]
        if last >= self._additions:
            tags, last = self._before(tail, tags, last)
            if self._was_open(tail, row):
                status, end_ms = OPEN, NO_TIME
        ref = tail.refs[row]
        return _new_tuple(Head, (  # as Head(…), without matching 13 arguments
            tail.ids[row], parent_id, tail.timestamps[row], tags, tail.type_names[tail.types[row]],
            tail.kinds[row], status, None if end_ms == NO_TIME else end_ms, tail.record.run_id,
            tail.seq_gaps.number(row) if tail.seq_gaps else row, is_missing,
            (ref,) if last < 0 else (ref, *tail.additions.refs_of(last)), tail,
        ))  # fmt: skip

    def _before(self, tail: Tail, tags: tuple[str, ...], last: int) -> tuple[tuple[str, ...], int]:
        """Return tags and last addition of a trace without what was added since."""
        additions = tail.additions
        while last >= self._additions:
            tags = tags[: len(tags) - len(additions.tags(last))]
            last = additions.earlier(last)
        return tags, last

    def _was_open(self, tail: Tail, row: int) -> bool:
        """Return whether a trace ended since."""
        codes, rows = tail.log.codes, tail.log.rows
        return any(
            codes[change] == COMPLETION and rows[change] == row
            for change in range(self.changes, len(tail.log))
        )
