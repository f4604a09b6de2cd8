"""The tree as somebody goes through it: what is unfolded, and where a trace, a parent or a sibling stands.

Owns folding, and looking for rows; which rows there are, and that they stay right, is the part of ``TreeRows``. A toggle
costs the rows that come or go.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from tracetui.tui.view.group_folds import is_group, key_of
from tracetui.tui.view.tree_rows import ORPHANS, TreeRows, row_after, row_before


class TreeModel(TreeRows):
    """The rows of one run, to be folded and found."""

    # ---- folds -------------------------------------------------------------------------------------------

    def is_open(self, row: int) -> bool:
        """Whether the row shows what is below it."""
        seq = self.rows[row]
        if seq < 0:
            return self._orphans_open if seq == ORPHANS else self.groups.is_open(seq)
        return bool(self._open[seq])

    def has_children(self, row: int) -> bool:
        """Whether there is anything below the row."""
        seq = self.rows[row]
        return seq < 0 or self.view.first_child[seq] >= 0

    def fold(self, row: int) -> bool:
        """Hide what is below a row; return whether that changed anything."""
        if not self.is_open(row) or not self.has_children(row):
            return False
        self._set_open(self.rows[row], False)
        end = row + self.span(row)
        del self.rows[row + 1 : end]
        del self.depths[row + 1 : end]
        return True

    def unfold(self, row: int) -> bool:
        """Show what is directly below a row, and below that what was unfolded; return whether that changed anything."""
        if self.is_open(row) or not self.has_children(row):
            return False
        seq = self.rows[row]
        self._set_open(seq, True)
        group = self.groups.get(seq)
        if seq == ORPHANS or (group is not None and group.parent < 0):
            self.rebuild()
            return True
        rows, depths = array("i"), array("i")
        first, last = (self.view.first_child[seq], -1) if group is None else (group.head, group.tail)
        self._walk(first, last, self.depths[row] + 1, rows, depths)
        self.rows[row + 1 : row + 1] = rows
        self.depths[row + 1 : row + 1] = depths
        return True

    def toggle(self, row: int) -> bool:
        """Fold an unfolded row and the other way round."""
        return self.fold(row) or self.unfold(row)

    def _set_open(self, seq: int, is_open: bool) -> None:
        if seq == ORPHANS:
            self._orphans_open = is_open
        elif seq < 0:
            self.groups.set_open(seq, is_open=is_open)
        else:
            self._open[seq] = is_open

    def fold_all(self) -> None:
        """Show roots only."""
        self._open = bytearray(len(self._open))
        self._orphans_open = False
        self._expanded.clear()
        self.groups.opened.clear()
        self.rebuild()

    def unfold_all(self) -> None:
        """Show every trace."""
        self._open = bytearray(b"\1") * len(self._open)
        self._orphans_open = True
        self.groups.opened.update(group.first for group in self.groups.by_head.values())
        self.rebuild()

    def unfold_only(self, seqs: Iterable[int]) -> None:
        """Unfold these, and fold all others."""
        self._open = bytearray(len(self._open))
        for seq in seqs:
            if seq < self._known:
                self._open[seq] = 1
        self.rebuild()

    def ancestors(self, seq: int) -> list[int]:
        """Return the traces above one, nearest first; none for what is no trace."""
        found = []
        node = self.view.parents[seq] if seq >= 0 else -1
        while node >= 0:
            found.append(node)
            node = self.view.parents[node]
        return found

    def holders(self, seq: int) -> list[int]:
        """Return what may hide a trace: the traces above it, and the keys of the groups that hold it."""
        groups = self.groups.holding(self.view.parents, seq)
        return [*self.ancestors(seq), *(key_of(group.first) for group in groups)]

    def closed_above(self, seq: int) -> list[int]:
        """Return what is folded above a trace: what ``reveal`` would unfold."""
        return [
            key
            for key in self.holders(seq)
            if not (self.groups.is_open(key) if is_group(key) else self._open[key])
        ]

    def fold_seqs(self, seqs: Iterable[int]) -> None:
        """Fold these, wherever they are: traces, or keys of groups."""
        for seq in seqs:
            self._set_open(seq, False)
            self._expanded.discard(seq)
        self.rebuild()

    # ---- finding -----------------------------------------------------------------------------------------

    def reveal(self, seq: int) -> int:
        """Unfold what hides a trace, a message too that stands in its child's row; return its row, −1 if hidden.

        Of a group's key the row of the group is meant.
        """
        row = self._index(seq)
        if is_group(seq):
            return row if row >= 0 else self._reveal_group(seq)
        if row >= 0 or not self._is_shown(seq):
            return row
        changed = self._collapses(seq)
        if changed:
            self._expanded.add(seq)
            self._open[seq] = 1
        node = self.view.parents[seq]
        top = seq
        while node >= 0:
            top = node
            if not self._open[node]:
                self._open[node] = 1
                changed = True
            node = self.view.parents[node]
        closed = {group.first for group in self.groups.holding(self.view.parents, seq)} - self.groups.opened
        if closed:
            self.groups.opened |= closed
            changed = True
        if self.view.awaiting(top) is not None and not self._orphans_open:
            self._orphans_open = changed = True
        if changed:
            self.rebuild()
        return self.row_of(seq)

    def _reveal_group(self, key: int) -> int:
        group = self.groups.get(key)
        if group is None:
            return -1
        if group.parent >= 0:
            self.reveal(group.parent)
            if not self._open[group.parent]:
                self._open[group.parent] = 1
                self.rebuild()
        return self._index(key)

    def nearest(self, seq: int) -> int:
        """Return the row of a trace or group, of what stands above it nearest, or of the next shown trace."""
        if (row := self._index(seq)) >= 0:
            return row
        node = seq = self.trace_of(seq)
        while node >= 0:
            row = self.row_of(node)
            if row >= 0:
                return row
            group = self.groups.of(self.view.parents[node], node)
            if group is not None and (row := self._index(key_of(group.first))) >= 0:
                return row
            node = self.view.parents[node]
        for row, other in enumerate(self.rows):
            if other >= seq:
                return row
        return max(len(self.rows) - 1, 0)

    def parent_row(self, row: int) -> int:
        """Return the row one level above, −1 for a root."""
        return row_before(self.depths, row, self.depths[row] - 1)

    def sibling_row(self, row: int, step: int) -> int:
        """Return the next (step 1) or previous (−1) row of the same depth below the same parent, or the row itself."""
        depths, depth = self.depths, self.depths[row]
        at = row_after(depths, row + 1, depth) if step > 0 else row_before(depths, row, depth)
        return at if 0 <= at < len(depths) and depths[at] == depth else row
