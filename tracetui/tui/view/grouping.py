"""Which siblings of a run's tree stand together in one row: loops, and equal calls that ran beside each other. Pure.

Owns the shape of group rows, not whether they are folded. The words are those of ``analysis.loops``:

- Calls of a loop that are siblings, or lie alone each below a sibling (a step, a model call), fold where nothing but
  steps without calls stands between them. What stands between folds with them. At least three such calls make a
  group; calls with others between keep their places.
- The call that the run ended in stays outside, with the steps that led to it: that is where somebody looks first.
- Calls that ran beside each other fold if their rows would say the same, or if they are ``MANY`` and more.

Linear in the run, for workers; what it returns is immutable and needs the run no more.

Invariants: groups below one parent do not overlap; a group's siblings follow each other; ``head`` < ``tail``.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from tracetui.analysis.loops import FanOut, Loop, Loops
from tracetui.model.trace_type import TOOL_CALL
from tracetui.storage.backend import NO_TIME, RunView
from tracetui.storage.state.rollup import Rollup

LEAST, MANY = 3, 10
"""Calls that make a group of a loop; calls side by side that fold though they differ."""
CLIMB = 8
"""Levels above a call among which its sibling is looked for."""


@dataclass(frozen=True, slots=True)
class Group:
    """Siblings from ``head`` to ``tail`` below ``parent`` (−1: roots) that fold into one row.

    ``first`` is the call by which the group is known, ``calls`` how many the loop or fan-out has, ``inside`` how many
    of them fold; a part of a loop is not ``is_whole``, calls that differ are ``is_mixed``.
    ``taken_ms`` is what the calls of a loop took together, of a fan-out from the first start to the last
    end; ``errors`` are those below all calls, the other figures those of the folded siblings.
    """

    first: int
    parent: int
    head: int
    tail: int
    calls: int
    inside: int
    is_loop: bool
    is_whole: bool
    is_mixed: bool
    taken_ms: int
    errors: int
    tokens: int
    cost: float
    context: int
    traces: int


def find_groups(
    view: RunView, loops: Loops, landing: int, same: Callable[[Sequence[int]], bool]
) -> tuple[Group, ...]:
    """Return the groups of a run; ``landing`` is the trace it ended in (−1: none), ``same`` compares rows."""
    if not loops.loops and not loops.fan_outs:
        return ()
    shape = _Shape(view)
    found: list[Group] = []
    for loop in loops.loops:
        found += _loop_groups(shape, loop, landing)
    taken = loops.places()
    for fan in loops.fan_outs:
        if not any(seq in taken for seq in fan.seqs):
            found += _fan_groups(shape, fan, same)
    return tuple(found)


def apart(groups: Iterable[Group]) -> list[Group]:
    """Return groups that do not overlap: of two below one parent that do, the one that begins first."""
    found: list[Group] = []
    for group in sorted(groups, key=lambda each: (each.parent, each.head)):
        if found and found[-1].parent == group.parent and found[-1].tail >= group.head:
            continue
        found.append(group)
    return found


class _Shape:
    """The tree of a run in pre-order as of one moment, with the number of calls before each rank."""

    def __init__(self, view: RunView) -> None:
        self.view = view
        forest = view.forest()
        self.count = len(forest)
        self.seqs, self.sizes = forest.seqs, forest.sizes
        self.rollup: Rollup = view.rollup()
        self._ranks = array("i", bytes(4 * self.count))
        for rank, seq in enumerate(self.seqs):
            if seq < self.count:
                self._ranks[seq] = rank
        kinds = view.kinds
        self._calls = array("i", accumulate((kinds[seq] == TOOL_CALL for seq in self.seqs), initial=0))

    def range_of(self, seq: int) -> tuple[int, int]:
        """Return the ranks of a subtree, half open."""
        rank = self._ranks[seq]
        return rank, rank + self.sizes[rank]

    def calls_in(self, start: int, end: int) -> int:
        """Return how many tool calls lie between two ranks."""
        return self._calls[end] - self._calls[start]

    def has_within(self, seq: int, other: int) -> bool:
        """Whether a trace is in the subtree of another."""
        start, end = self.range_of(other)
        return 0 <= seq < self.count and start <= self._ranks[seq] < end

    def siblings(self, head: int, tail: int) -> Iterator[int]:
        """Yield the siblings from one to another by their ranks."""
        rank, (last, _) = self._ranks[head], self.range_of(tail)
        while rank <= last:
            yield self.seqs[rank]
            rank += self.sizes[rank]


def _loop_groups(shape: _Shape, loop: Loop, landing: int) -> Iterator[Group]:
    """Yield the groups of a loop: the stretches of its calls that nothing else interrupts."""
    members = sorted(seq for seq in loop.seqs if seq < shape.count)
    joint = _joint_parent(shape.view.parents, members) if len(members) >= LEAST else None
    if joint is None:
        return
    placed = list(_placed(shape, members, joint))
    carriers = [carrier for _, carrier in placed]
    for start, end in _stretches(shape, carriers):
        ends_here = landing >= 0 and shape.has_within(landing, carriers[end - 1])
        inside = end - start - ends_here
        if end - start >= LEAST and inside >= LEAST - 1:
            yield _group(
                shape, placed[start][0], joint, carriers[start], carriers[start + inside - 1], inside,
                is_loop=True, calls=len(members), is_whole=end - start == len(members),
                taken=sum(_taken(shape.view, seq) for seq, _ in placed[start:end]),
                errors=sum(_errors(shape, seq) for seq in carriers[start:end]),
            )  # fmt: skip


def _placed(shape: _Shape, members: Sequence[int], joint: int) -> Iterator[tuple[int, int]]:
    """Yield each call with the child of ``joint`` in which it is the only one, but for calls below itself."""
    view, last = shape.view, -1
    for seq in members:
        node = seq
        while view.parents[node] != joint:
            node = view.parents[node]
        alone = shape.calls_in(*shape.range_of(node)) == shape.calls_in(*shape.range_of(seq))
        if alone and node > last and (joint >= 0 or view.awaiting(node) is None):
            last = node
            yield seq, node


def _joint_parent(parents: Sequence[int], members: Sequence[int]) -> int | None:
    """Return the nearest trace above all members (−1: the run itself), None if it is not near one of them."""
    chain = _above(parents, members[0])
    level = 0
    for seq in members[1:]:
        found = next((chain.index(node) for node in _above(parents, seq) if node in chain), None)
        if found is None:
            return None
        level = max(level, found)
    return chain[level]


def _above(parents: Sequence[int], seq: int) -> list[int]:
    found: list[int] = []
    while seq >= 0 and len(found) < CLIMB:
        seq = parents[seq]
        found.append(seq)
    return found


def _stretches(shape: _Shape, carriers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield half-open ranges of siblings between which there is no other call."""
    start = 0
    for n in range(1, len(carriers) + 1):
        if n == len(carriers) or _are_parted(shape, carriers[n - 1], carriers[n]):
            yield start, n
            start = n


def _are_parted(shape: _Shape, before: int, after: int) -> bool:
    return shape.calls_in(shape.range_of(before)[1], shape.range_of(after)[0]) > 0


def _fan_groups(shape: _Shape, fan: FanOut, same: Callable[[Sequence[int]], bool]) -> Iterator[Group]:
    """Yield the group of calls that ran beside each other, if they stand together and are equal, or many."""
    seqs = sorted(seq for seq in fan.seqs if seq < shape.count)
    if len(seqs) < LEAST or (fan.parent < 0 and any(shape.view.awaiting(seq) is not None for seq in seqs)):
        return
    if next(islice(_stretches(shape, seqs), 1)) != (0, len(seqs)):
        return
    is_same = same(seqs)
    if is_same or len(seqs) >= MANY:
        view = shape.view
        ends = max(view.timestamps[seq] + _taken(view, seq) for seq in seqs)
        yield _group(
            shape, seqs[0], fan.parent, seqs[0], seqs[-1], len(seqs), is_loop=False, is_mixed=not is_same,
            calls=len(seqs), taken=ends - min(view.timestamps[seq] for seq in seqs),
            errors=sum(_errors(shape, seq) for seq in seqs),
        )  # fmt: skip


def _group(
    shape: _Shape, first: int, parent: int, head: int, tail: int, inside: int, *, calls: int, is_loop: bool,
    taken: int, errors: int, is_whole: bool = True, is_mixed: bool = False,
) -> Group:  # fmt: skip
    rollup, known = shape.rollup, len(shape.rollup)
    siblings = [seq for seq in shape.siblings(head, tail) if seq < known]
    return Group(
        first, parent, head, tail, calls, inside, is_loop, is_whole, is_mixed, taken, errors,
        sum(rollup.tokens_in[seq] + rollup.tokens_out[seq] for seq in siblings),
        sum(rollup.cost[seq] for seq in siblings),
        max((rollup.context[seq] for seq in siblings), default=0),
        sum(rollup.traces[seq] for seq in siblings),
    )  # fmt: skip


def _errors(shape: _Shape, seq: int) -> int:
    return int(shape.rollup.errors[seq]) if seq < len(shape.rollup) else 0


def _taken(view: RunView, seq: int) -> int:
    end = view.ends[seq]
    return 0 if end == NO_TIME else max(end - view.timestamps[seq], 0)
