"""Trees of traces, held flat: a forest in pre-order, and cursors into it.

Nothing here recurses and no node owns its children, so a chain of 100,000 is built, walked, compared,
printed and freed like any other.

A forest in pre-order, as three arrays of equal length; the subtree of row ``i`` is ``[i, i + sizes[i])``::

    root            row  0   seq 0   depth 0   size 4
    ├── a                1       1         1        2
    │   └── b            2       3         2        1
    └── c                3       2         1        1
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tracetui.model.trace import Trace

_TOGETHER = 512
"""Traces of a walk that are made at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Rows of a pre-order, with the way to read their traces."""

    seqs: Sequence[int]
    depths: Sequence[int]
    sizes: Sequence[int]
    """Rows of each row's subtree, itself included."""
    load: Callable[[Sequence[int]], list[Trace]]
    """Returns the traces of seqs."""

    def rows(self, start: int, end: int) -> list[tuple[int, Trace]]:
        """Return (depth, trace) of rows [start, end); each trace knows its depth."""
        depths = self.depths[start:end]
        traces = self.load(self.seqs[start:end])
        for depth, trace in zip(depths, traces, strict=True):
            trace.depth = depth
        return list(zip(depths, traces, strict=True))

    def __len__(self) -> int:
        return len(self.seqs)

    def roots(self) -> Iterator[TraceTree]:
        """Yield the trees of the forest in seq order of their roots."""
        row = 0
        while row < len(self.seqs):
            yield TraceTree(self, row)
            row += self.sizes[row]

    def check(self) -> None:
        """Assert the invariants: sizes nest, depths step by one."""
        ends: list[int] = []
        for row, (depth, size) in enumerate(zip(self.depths, self.sizes, strict=True)):
            while ends and ends[-1] <= row:
                ends.pop()
            if depth != len(ends) or size < 1 or row + size > (ends[-1] if ends else len(self)):
                raise AssertionError(f"row {row}: depth {depth}, size {size}, open {ends[-3:]}")
            ends.append(row + size)


class TraceTree:
    """A trace with its descendants: a cursor into a forest.

    ``children`` makes new cursors, in seq order. Two trees are equal if their shapes and their traces are.
    """

    __slots__ = ("_forest", "_row", "_trace")

    def __init__(self, forest: Forest, row: int = 0) -> None:
        self._forest = forest
        self._row = row
        self._trace: Trace | None = None

    @property
    def trace(self) -> Trace:
        """The trace at the root of this tree, with its depth."""
        if self._trace is None:
            ((_, self._trace),) = self._forest.rows(self._row, self._row + 1)
        return self._trace

    @property
    def children(self) -> list[TraceTree]:
        """The trees one level below; costs their number."""
        sizes, row = self._forest.sizes, self._row + 1
        end = self._row + sizes[self._row]
        found = []
        while row < end:
            found.append(TraceTree(self._forest, row))
            row += sizes[row]
        return found

    def __len__(self) -> int:
        """Return the number of traces in this tree, itself included."""
        return self._forest.sizes[self._row]

    def walk(self) -> Iterator[tuple[int, Trace]]:
        """Yield (depth below this tree's root, trace) in pre-order."""
        forest, first = self._forest, self._row
        base, end = forest.depths[first], first + forest.sizes[first]
        for row in range(first, end, _TOGETHER):
            stop = min(row + _TOGETHER, end)
            traces = forest.load(forest.seqs[row:stop])
            for depth, trace in zip(forest.depths[row:stop], traces, strict=True):
                trace.depth = depth
                yield depth - base, trace

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TraceTree):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self.walk(), other.walk(), strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<TraceTree {self.trace.id!r} with {len(self)} traces>"


def build_forest(
    roots: Sequence[int],
    first_child: Sequence[int],
    next_sibling: Sequence[int],
    load: Callable[[Sequence[int]], list[Trace]],
) -> Forest:
    """Lay out the trees of ``roots`` in pre-order, in time linear in their nodes.

    :raises ValueError: for links that have no end, as no run has them.

    ``first_child`` and ``next_sibling`` are seqs by seq, −1 where there is none.
    """
    from array import array

    seqs, depths, sizes, most = array("I"), array("I"), array("I"), len(first_child)
    row = 0
    for root in roots:
        node, depth = root, 0
        above: list[int] = []  # the rows of those whose subtrees are not laid out yet
        while True:
            seqs.append(node)
            depths.append(depth)
            sizes.append(1)
            if row >= most:
                raise ValueError("links that lead back to where they came from")
            child = first_child[node]
            if child >= 0:
                above.append(row)
                node, depth, row = child, depth + 1, row + 1
                continue
            row += 1
            while depth and next_sibling[node] < 0:
                start = above.pop()
                sizes[start], node, depth = row - start, seqs[start], depth - 1
            if not depth:
                break
            node = next_sibling[node]
    return Forest(seqs, depths, sizes, load)
