"""The bodies of a run's traces: where they lie, how they are read together, and what reading them may meet."""

from __future__ import annotations

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

    def place(self, ref: Any) -> tuple[str, int]:
        """Return path and offset of a body, for messages."""
        ...


def merged_body(bodies: Bodies, code: int, where: Sequence[Any]) -> tuple[TraceType, Value]:
    """Read a body and lay what was added to it over it; ``where`` has the reference of each.

    :raises CorruptionError: if one of them is not what was written.
    """
    packed = [bodies.read(ref) for ref in where]
    try:
        return decode_body(code, packed[0], packed[1:])
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
