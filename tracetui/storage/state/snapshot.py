"""What an index holds of a run, as named sections: copied quickly, finished at leisure.

Copying holds the run's lock for a moment; what costs more (sorting ids, laying out the tree, rolling figures up)
is done from the copies, when the sections are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tracetui.model.tree import build_forest
from tracetui.storage.state.columns import tag_sections, text_sections
from tracetui.storage.state.ids import id_sections
from tracetui.storage.state.rollup import Rollup

if TYPE_CHECKING:
    from tracetui.storage.state.tail import Tail

Section = tuple[str, Any]
"""A name, and bytes or a value that will be packed."""


class Snapshot:
    """A copy of a run's state as of now. Whoever makes it holds the run's lock."""

    def __init__(self, tail: Tail) -> None:
        self.rows = tail.count
        self._ready: list[Section] = list(tail.sections())
        self._ids, self._table, self._tags = tail.frozen()
        self._roots = tail.roots()
        own = ("kinds", "types", "timestamps", "ends", "tokens_in", "tokens_out", "costs")
        copies = {name: tail.copied(name) for name in own}
        links = {name: tail.links.copied(name) for name in ("parents", "first_child", "next_sibling")}
        self._columns = SimpleNamespace(type_names=list(tail.type_names), **copies, **links)

    def sections(self) -> Iterator[Section]:
        """Yield everything; linear in the run but for the sort of its ids."""
        yield from self._ready
        yield from text_sections("ids", self._ids)
        yield from id_sections(self._table)
        yield from tag_sections(self._tags)
        yield from self._tree()
        yield from Rollup.of(self._columns, self.rows).sections()

    def _tree(self) -> Iterator[Section]:
        """Yield the forest in pre-order: seqs, depths and subtree sizes by rank, and the rank of each seq."""
        from array import array

        columns = self._columns
        forest = build_forest(self._roots, columns.first_child, columns.next_sibling, _no_traces)
        ranks = array("I", bytes(4 * self.rows))
        for rank, row in enumerate(forest.seqs):
            ranks[row] = rank
        for name, column in (("seqs", forest.seqs), ("depths", forest.depths), ("sizes", forest.sizes)):
            yield f"tree.{name}", array("I", column).tobytes()
        yield "tree.ranks", ranks.tobytes()


def _no_traces(rows: Sequence[int]) -> list[Any]:
    raise LookupError(rows)
