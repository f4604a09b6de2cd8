"""The bodies of a run's traces: where they lie, how they are read together, and what reading them may meet."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from tracetui.errors import CorruptionError
from tracetui.model.trace import decode_body
from tracetui.model.trace_type import TraceType
from tracetui.model.value import Value, unpack
from tracetui.storage.backend import Stretch

if TYPE_CHECKING:
    from tracetui.storage.state.tail import Tail

NOT_OURS = (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, AssertionError)
"""What content that passed its checksum and is yet none of ours runs into."""
_TOGETHER = 512
"""Traces whose bodies are looked up at once."""


class Bodies(Protocol):
    """Where the bodies of a run lie, by a reference that only it understands."""

    def read(self, ref: Any) -> bytes:
        """Return the bytes of a body.

        :raises CorruptionError: if they are not what was written.
        """
        ...

    def read_many(self, refs: Sequence[Any]) -> Iterable[bytes | None]:
        """Give the bytes of each body, None where they are not what was written."""
        ...

    def stretches(self, refs: Sequence[Any], owners: Sequence[int]) -> Iterator[Stretch]:
        """Give all bodies as they lie together, each with its owner."""
        ...

    def data_of(self, stretch: Stretch) -> bytes:
        """Return the data of a stretch that has a place, as it is there now; shorter if it is gone."""
        ...

    def place(self, ref: Any) -> tuple[str, int]:
        """Return path and offset of a body, for messages."""
        ...


def merged_body(bodies: Bodies, code: int, where: Sequence[Any]) -> tuple[TraceType, Value]:
    """Read a body and lay what was added to it over it; ``where`` has the reference of each.

    :raises CorruptionError: if one of them is not what was written.
    """
    base, *added = map(bodies.read, where)
    try:
        return decode_body(code, base, added)
    except NOT_OURS as problem:
        raise _no_body(bodies, where[0], problem) from None


def pair_of(bodies: Bodies, ref: Any) -> tuple[Any, Any]:
    """Return the two parts of an addition's or a note's body.

    :raises CorruptionError: if it is not what was written.
    """
    packed = bodies.read(ref)
    try:
        first, second = unpack(packed)
    except NOT_OURS as problem:
        raise _no_body(bodies, ref, problem) from None
    return first, second


def _no_body(bodies: Bodies, ref: Any, problem: Exception) -> CorruptionError:
    return CorruptionError(*bodies.place(ref), f"a body that no tracetui wrote: {problem}")


def packed_bodies(tail: Tail, seqs: Sequence[int]) -> Iterator[tuple[bytes, ...] | None]:
    """Yield the packed body of each seq and what was added to it, None where it cannot be read."""
    for at in range(0, len(seqs), _TOGETHER):
        refs, owners = refs_of(tail, part := seqs[at : at + _TOGETHER])
        if len(refs) == len(part):
            yield from (None if packed is None else (packed,) for packed in tail.bodies.read_many(refs))
        else:
            yield from _gathered(tail.bodies, part, refs, owners)


class Stretches:
    """The stretches of a run; those of whole ranges of rows are laid out and verified once.

    A search looks at the same ranges with every key that is typed, and half of its time went into checksums and
    into finding where each body begins. Bytes below the validated end of a log never change, so only their place is
    kept, in 12 bytes a row: what is decoded is verified anew, and what is gone is lost.
    """

    def __init__(self) -> None:
        self._known: dict[range, tuple[int, list[Stretch]]] = {}
        self._rows = 0

    def read(self, tail: Tail, seqs: Sequence[int]) -> Iterator[Stretch]:
        """Yield the packed bodies of traces, and what was added to them, as they lie where they are kept."""
        if isinstance(seqs, range):
            additions, known = self._known.get(seqs, (-1, []))
            if additions == len(tail.additions):
                return (_again(tail.bodies, stretch) for stretch in known)
        found = tail.bodies.stretches(*refs_of(tail, seqs))
        return self._noted(tail, seqs, found) if isinstance(seqs, range) else found

    def _noted(self, tail: Tail, rows: range, found: Iterator[Stretch]) -> Iterator[Stretch]:
        additions, seen = len(tail.additions), []
        for stretch in found:
            yield stretch
            if stretch.place is not None:
                seen.append(_apart(stretch))
        if seen:
            self._keep(rows, (additions, seen), 4 * tail.count)

    def _keep(self, rows: range, found: tuple[int, list[Stretch]], most: int) -> None:
        """Keep the stretches of a range; ranges that overlap in too many ways are forgotten."""
        if self._rows + len(rows) > most:
            self._known.clear()
            self._rows = 0
        self._rows += len(rows)
        self._known[rows] = found


def _apart(stretch: Stretch) -> Stretch:
    """Return a stretch without its data, small."""
    owners, starts, ends = (array("I", each) for each in (stretch.owners, stretch.starts, stretch.ends))
    return Stretch(b"", owners, starts, ends, stretch.lost, stretch.place)


def _again(bodies: Bodies, known: Stretch) -> Stretch:
    """Return a stretch with its data; all of it is lost if that is not there any more."""
    data = bodies.data_of(known)
    lost = known.lost if len(data) == known.ends[-1] else known.owners
    return Stretch(data, known.owners, known.starts, known.ends, lost, known.place)


def refs_of(tail: Tail, seqs: Sequence[int]) -> tuple[list[Any], list[int]]:
    """Return where the bodies of traces lie, then where what was added to them does; and whose each is."""
    added = tail.added
    refs, owners = tail.refs.take(seqs), list(seqs)
    for seq in seqs:
        if added[seq] >= 0:
            more = tail.additions.refs_of(added[seq])
            refs += more
            owners += [seq] * len(more)
    return refs, owners


def _gathered(
    bodies: Bodies, seqs: Sequence[int], refs: list[Any], owners: list[int]
) -> Iterator[tuple[bytes, ...] | None]:
    """Read bodies in the order in which they lie, and put together what belongs to one trace."""
    order = sorted(range(len(refs)), key=refs.__getitem__)
    read = dict(zip(order, bodies.read_many([refs[n] for n in order]), strict=True))
    found: dict[int, list[bytes | None]] = {seq: [] for seq in seqs}
    for n, owner in enumerate(owners):
        found[owner].append(read[n])
    for pieces in found.values():
        whole = tuple(piece for piece in pieces if piece is not None)
        yield whole if len(whole) == len(pieces) else None
