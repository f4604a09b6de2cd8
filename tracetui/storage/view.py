"""A run's columns as a reader holds them: the live state of an engine, with a cursor over its changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from tracetui.errors import RunNotFoundError, TraceTuiError
from tracetui.model.change import Annotation, Change
from tracetui.model.run import Run
from tracetui.model.trace import Trace
from tracetui.model.tree import Forest
from tracetui.storage.backend import Stretch
from tracetui.storage.state.bodies import NOT_OURS
from tracetui.storage.state.columns import BadIndexError
from tracetui.storage.state.rollup import Rollup
from tracetui.storage.state.tail import Tail

COLUMNS = (
    "ids", "kinds", "types", "type_names", "timestamps", "ends", "statuses", "tokens_in",
    "tokens_out", "costs",
)  # fmt: skip
LINKS = ("parents", "first_child", "next_sibling")
_Result = TypeVar("_Result")


class LiveView:
    """The ``RunView`` of a run that an engine keeps in a ``Tail``.

    ``catch_up`` brings the tail up to date with what others committed and returns it: another one, if the
    run's file was replaced meanwhile.
    """

    ids: Sequence[str]
    parents: Sequence[int]
    kinds: Sequence[int]
    types: Sequence[int]
    type_names: Sequence[str]
    timestamps: Sequence[int]
    ends: Sequence[int]
    statuses: Sequence[int]
    tokens_in: Sequence[int]
    tokens_out: Sequence[int]
    costs: Sequence[float]
    first_child: Sequence[int]
    next_sibling: Sequence[int]

    def __init__(self, run_id: str, catch_up: Callable[[], Tail]) -> None:
        self.run_id = run_id
        self._catch_up = catch_up
        self._tail = catch_up()
        self._seen = self._tail.rev

    def __getattr__(self, name: str) -> Any:
        """Take over the columns when one is first asked for: from then on they are the state's own."""
        if name not in (*COLUMNS, *LINKS) or "_tail" not in self.__dict__:
            raise AttributeError(name)
        self._ask(Tail.trust)
        self._bind()
        return getattr(self, name)

    def _bind(self) -> None:
        for name in COLUMNS:
            setattr(self, name, getattr(self._tail, name))
        for name in LINKS:
            setattr(self, name, getattr(self._tail.links, name))

    def _ask(self, question: Callable[[Tail], _Result]) -> _Result:
        """Return what the state says; a state whose index turns out to be damaged is replaced by one without."""
        try:
            return question(self._tail)
        except (BadIndexError, *NOT_OURS) as problem:
            if isinstance(problem, TraceTuiError) or not self._tail.has_base:
                raise
            self._tail.distrust()
            self._tail = self._catch_up()
            if "parents" in self.__dict__:
                self._tail.trust()
                self._bind()
            return question(self._tail)

    @property
    def run(self) -> Run:
        """The run as of now."""
        return self._tail.run()

    @property
    def count(self) -> int:
        """Number of traces."""
        return self._tail.count

    @property
    def rev(self) -> int:
        """Number of changes that were handed out or were there at the start."""
        return self._seen

    def refresh(self) -> list[Change]:
        """Catch up; return what is new since the last time, in rev order.

        :raises RunNotFoundError: if the run was deleted.
        """
        tail = self._catch_up()
        if tail is not self._tail:
            if tail.record.created_ms != self._tail.record.created_ms or tail.rev < self._seen:
                raise RunNotFoundError(self.run_id)  # deleted, and another one made of that id
            self._tail = tail
            if "parents" in self.__dict__:
                tail.trust()
                self._bind()
        found = self._ask(lambda state: state.changes(self._seen - 1))
        self._seen = found[-1].rev + 1 if found else self._seen  # numbers that a hole took are passed over
        return found

    def awaiting(self, seq: int) -> str | None:
        """Return the id of the parent that has not come."""
        return self._ask(lambda tail: tail.links.awaiting(seq))

    def tags_of(self, seq: int) -> tuple[str, ...]:
        """Return the tags of a trace, added ones included."""
        return self._ask(lambda tail: tail.tags_of(seq))

    def first_tags_of(self, seq: int) -> tuple[str, ...]:
        """Return the tags that a trace was recorded with."""
        return self._ask(lambda tail: tail.first_tags_of(seq))

    def children(self, seq: int) -> list[int]:
        """Return the children of a trace, in seq order."""
        return self._ask(lambda tail: tail.links.children(seq))

    def roots(self) -> list[int]:
        """Return the traces without a parent that is there, in seq order."""
        return self._ask(Tail.roots)

    def seq_of(self, trace_id: str) -> int | None:
        """Return the seq of an id."""
        return self._ask(lambda tail: tail.seq_of(trace_id))

    def by_type(self, name: str) -> Sequence[int]:
        """Return the traces of a type name, in seq order."""
        return self._ask(lambda tail: tail.by_type(name))

    def by_tag(self, tag: str) -> Sequence[int]:
        """Return the traces that bear a tag, in seq order."""
        return self._ask(lambda tail: tail.by_tag(tag))

    def by_time(self, start_ms: int, end_ms: int) -> Sequence[int]:
        """Return the traces of a half-open range, in (timestamp, seq) order."""
        return self._ask(lambda tail: tail.by_time(start_ms, end_ms))

    def type_counts(self) -> dict[str, int]:
        """Return type name: traces, ordered by name."""
        return self._ask(Tail.type_counts)

    def tag_counts(self) -> dict[str, int]:
        """Return tag: traces, ordered by tag."""
        return self._ask(Tail.tag_counts)

    def trace(self, seq: int) -> Trace:
        """Return the trace of a seq; its body is read when somebody looks."""
        return self._ask(lambda tail: tail.trace(seq))

    def traces(self, seqs: Sequence[int]) -> list[Trace]:
        """Return the traces of seqs."""
        return self._ask(lambda tail: tail.moment().traces(seqs))

    def annotations(self, trace_id: str | None = None) -> list[Annotation]:
        """Return the notes of a trace, or of all, in the order of commits."""
        return self._ask(lambda tail: tail.annotations(trace_id))

    def packed_bodies(self, seqs: Sequence[int]) -> Iterator[tuple[bytes, ...] | None]:
        """Yield the packed body of each seq and what was added to it, None where it cannot be read."""
        return self._ask(lambda tail: tail.packed_bodies(seqs))

    def stretches(self, seqs: Sequence[int]) -> Iterator[Stretch]:
        """Yield the packed bodies as they lie where they are kept."""
        return self._ask(lambda tail: tail.stretches(seqs))

    def forest(self, root: int | None = None) -> Forest:
        """Return the whole run in pre-order, or the subtree of one seq."""
        found = self._ask(lambda tail: tail.forest(root))
        return Forest(found.seqs, found.depths, found.sizes, self.traces)

    def rollup(self) -> Rollup:
        """Return the figures of every subtree as of now."""
        return self._ask(Tail.rollup)
