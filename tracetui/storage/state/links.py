"""The forest of a run: who stands below whom, who waits for a parent, and all of it in pre-order.

A trace is linked under its parent once, in seq order. One whose awaited parent has not come is a root until a trace
of that id arrives; then it is that one's child, unless that would close a cycle. What stood in order in an index
is read there, whole and without a look at any row, while nothing was added.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tracetui.model.trace import Trace
from tracetui.model.tree import Forest, build_forest
from tracetui.storage.state.columns import BadIndexError, Base, Columns, Numbers, unwrapped
from tracetui.storage.state.postings import Roots

Loader = Callable[[Sequence[int]], list[Trace]]


class Links(Columns):
    """Parents and children by row, −1 where there is none.

    >>> links = Links(None, {})
    >>> for row, (name, parent, awaited) in enumerate([("a", -1, None), ("c", -1, "b"), ("b", 0, None)]):
    ...     links.add(row, name, parent, awaited)
    >>> list(links.parents), links.roots(), links.children(0)
    ([-1, 2, 0], [0], [2])
    """

    ROOM = "traces"
    CODES: ClassVar = {"parents": "i", "first_child": "i", "last_child": "i", "next_sibling": "i"}
    parents: Numbers
    first_child: Numbers
    last_child: Numbers
    next_sibling: Numbers

    def __init__(self, base: Base | None, kept: Mapping[str, Any]) -> None:
        super().__init__(base, kept.get("traces", 0))
        self._roots = Roots(base)
        self.awaited: dict[int, str] = dict(kept.get("awaiting", ()))
        """The id that a root waits for."""
        self.bereft: set[int] = set(kept.get("bereft", ()))
        """Roots whose parent was lost to damage."""
        self._waiters: dict[str, list[int]] = {}
        for waiter, awaited in self.awaited.items():
            self._waiters.setdefault(awaited, []).append(waiter)
        self.adoptions = 0
        """Number of waiting traces that found their parent since this was made."""
        self._laid_out: tuple[Any, Any, Any] | None = None
        """Rows, depths and sizes of the forest when it was last asked for."""

    def add(self, row: int, trace_id: str, parent: int, awaited: str | None) -> None:
        """Add the next row under its parent; with parent −1 it is a root, which may wait for its parent."""
        if self._is_fixed:
            self.grow()
        self.parents.append(parent)
        self.first_child.append(-1)
        self.last_child.append(-1)
        self.next_sibling.append(-1)
        if parent >= 0:  # as ``_link`` does it: every single trace passes here
            last = self.last_child[parent]
            if last < 0:
                self.first_child[parent] = row
            else:
                self.next_sibling[last] = row
            self.last_child[parent] = row
        else:
            self._add_root(row, awaited)
        if self._waiters and trace_id in self._waiters:
            self._adopt(trace_id, row)

    def add_all(self, ids: Sequence[str], parents: Sequence[Any], first: int) -> None:
        """Add the next rows; ``parents`` are rows, ids that are awaited, or −1.

        :raises ValueError: if a parent stands after its child.
        """
        if self._is_fixed:
            self.grow()
        none = array("i", [-1]) * len(ids)
        for column in (self.parents, self.first_child, self.last_child, self.next_sibling):
            column.extend(none)
        own_parents, first_child, last_child, next_sibling = (
            self.parents, self.first_child, self.last_child, self.next_sibling,
        )  # fmt: skip
        waiters = self._waiters
        for row, (trace_id, parent) in enumerate(zip(ids, parents, strict=True), first):
            if type(parent) is str:
                self._add_root(row, parent)
            elif parent < 0:
                self._add_root(row, None)
            elif parent < row:  # as ``_link`` does it: every trace passes here
                own_parents[row] = parent
                last = last_child[parent]
                if last < 0:
                    first_child[parent] = row
                else:
                    next_sibling[last] = row
                last_child[parent] = row
            else:
                raise ValueError("a parent after its child")
            if waiters and trace_id in waiters:
                self._adopt(trace_id, row)

    def _add_root(self, row: int, awaited: str | None) -> None:
        self._roots.add(row)
        if awaited is not None:
            self.awaited[row] = awaited
            self._waiters.setdefault(awaited, []).append(row)

    def _link(self, parent: int, row: int) -> None:
        """Put a row at the end of its parent's children: callers link in seq order."""
        self.parents[row] = parent
        last = self.last_child[parent]
        if last < 0:
            self.first_child[parent] = row
        else:
            self.next_sibling[last] = row
        self.last_child[parent] = row

    def _adopt(self, trace_id: str, row: int) -> None:
        """Link the rows that waited for this id, but for those that would close a cycle."""
        above = set()
        node = row
        while node >= 0 and node not in above:
            above.add(node)
            node = self.parents[node]
        for waiter in self._waiters.pop(trace_id):
            if waiter not in above:
                self._link(row, waiter)
                self._roots.remove(waiter)
                del self.awaited[waiter]
                self.adoptions += 1

    # ---- reading -----------------------------------------------------------------------------------------

    def awaiting(self, row: int) -> str | None:
        """Return the id of the parent that has not come; "" if the parent was lost to damage."""
        awaited = self.awaited.get(row)
        return "" if awaited is None and row in self.bereft else awaited

    def children(self, row: int) -> list[int]:
        """Return the children of a row, in seq order."""
        found = []
        child, following = self.first_child[row], self.next_sibling
        while child >= 0:
            found.append(child)
            after, child = child, following[child]
            if 0 <= child <= after:
                raise BadIndexError("siblings that are not in order")
        return found

    def roots(self) -> list[int]:
        """Return the rows without a parent that is there, in seq order."""
        return self._roots.rows()

    def forest(self, load: Loader, count: int, *, growing: bool) -> Forest:
        """Return all ``count`` rows in pre-order: read from the base if that has them all, else laid out once."""
        if self._laid_out is None or len(self._laid_out[0]) != count:
            self._laid_out = self._covered_tree(count) or self._built_tree(load, growing=growing)
        return Forest(*self._laid_out, load)

    def subtree(self, root: int, load: Loader) -> Forest:
        """Return a row and all below it in pre-order; linear in them."""
        return build_forest([root], self.first_child, self.next_sibling, load)

    def _covered_tree(self, count: int) -> tuple[Any, Any, Any] | None:
        base = self._base
        if base is None or count != base.rows:
            return None
        rows, depths, sizes = (base.column(f"tree.{name}", "I") for name in ("seqs", "depths", "sizes"))
        if not len(rows) == len(depths) == len(sizes) == base.rows:
            raise BadIndexError("the tree has another length than the run")
        return rows, depths, sizes

    def _built_tree(self, load: Loader, *, growing: bool) -> tuple[Any, Any, Any]:
        self.settle(growing=growing)
        built = build_forest(self._roots.rows(), self.first_child, self.next_sibling, load)
        return built.seqs, built.depths, built.sizes

    def unwrap(self) -> None:
        """Read links and the forest without a look at whether they were verified; see ``Columns.unwrap``."""
        super().unwrap()
        if self._laid_out is not None:
            rows, depths, sizes = map(unwrapped, self._laid_out)
            self._laid_out = rows, depths, sizes

    # ---- becoming a base ---------------------------------------------------------------------------------

    def kept(self) -> dict[str, Any]:
        """Return what an index keeps of this beside the columns."""
        return {"awaiting": list(self.awaited.items()), "bereft": list(self.bereft)}

    def sections(self) -> Iterator[tuple[str, bytes]]:
        """Yield the links as sections of an index."""
        yield from super().sections()
        yield "roots", array("I", self._roots.rows()).tobytes()
