"""The rows of the tree: a flat list of the seqs that are visible, kept right while traces come.

Owns the order of rows, the filter's shadow and what stands for what; holds no trace. Built from the links of the
run's columns, which give the same pre-order as ``TraceStore.get_tree``. Nothing costs the size of the run but the
first build and a change of the filter; an append costs the rows that are new.

The columns may be further than the rows, since others read the same run; nothing beyond ``known`` is shown before
``extend`` takes it in.

A message or model call with one child collapses into it: the child's row stands for both, unless somebody went to
the message itself (``TreeModel.reveal``), which then has a row of its own. Siblings that are one group (``grouping``)
stand one level below a row for all of them, which is folded at first.

Invariants (``check``): the rows are the pre-order of the visible traces; a row's parent is visible and unfolded;
depths are those of the columns, and one more for each group that a trace or one above it stands in.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from sys import byteorder

from tracetui.model.trace_type import CUSTOM
from tracetui.storage.backend import RunView
from tracetui.tui.view.group_folds import GroupFolds, key_of
from tracetui.tui.view.grouping import Group

ORPHANS = -2
"""Stands in the rows for the heading of the traces whose parent was not received."""
MESSAGES = frozenset({"LLM", "Message"})
"""Names of the custom traces that collapse into an only child."""


class TreeRows:
    """Visible rows of one run. ``rows`` holds seqs, ``ORPHANS`` or keys of groups; ``depths`` the depth of each row."""

    def __init__(self, view: RunView) -> None:
        self.view = view
        self.rows: array[int] = array("i")
        self.depths: array[int] = array("i")
        self._known = view.count
        self._open = bytearray(self._known)
        self._shown: Callable[[int], bool] | None = None
        self._root: int | None = None
        self._orphans_open = True
        self._orphans: set[int] = set()
        self._expanded: set[int] = set()
        self.groups = GroupFolds()
        self._unfold_first_levels()
        self.rebuild()

    def _unfold_first_levels(self) -> None:
        for seq in self.view.roots():
            if seq < self._known:
                self._open[seq] = 1

    # ---- building ----------------------------------------------------------------------------------------

    def rebuild(self) -> None:
        """Make all rows anew: at the start, for another filter, after an orphan found its parent."""
        self.rows, self.depths = array("i"), array("i")
        if self._root is not None:
            self._extend(self._root, 0, self.rows, self.depths)
            return
        orphans: list[int] = []
        self._extend_roots(orphans)
        self._orphans = set(orphans)
        orphans = [seq for seq in orphans if self._is_shown(seq)]
        if orphans:
            self.rows.append(ORPHANS)
            self.depths.append(0)
            if self._orphans_open:
                for seq in orphans:
                    self._extend(seq, 1, self.rows, self.depths)

    def _extend_roots(self, orphans: list[int]) -> None:
        """Add the trees of all roots; those that wait for a parent are left to ``orphans``."""
        passed, inside = -1, -1
        for seq in self.view.roots():
            if seq >= self._known:
                continue
            if self.view.awaiting(seq) is not None:
                orphans.append(seq)
                continue
            if seq <= passed:
                continue
            group = self.groups.by_head.get(seq)
            if group is not None and group.parent < 0:
                if not self._put_group(group, 0, self.rows, self.depths):
                    passed = group.tail
                    continue
                inside = group.tail
            self._extend(seq, int(seq <= inside), self.rows, self.depths)

    def _is_shown(self, seq: int) -> bool:
        return self._shown is None or self._shown(seq)

    def _extend(self, root: int, depth: int, rows: array[int], depths: array[int]) -> None:
        """Add the visible rows of a subtree, in pre-order."""
        if not self._is_shown(root):
            return
        root = self.standing_for(root)
        rows.append(root)
        depths.append(depth)
        if self._open[root]:
            self._walk(self.view.first_child[root], -1, depth + 1, rows, depths)

    def _walk(self, node: int, last: int, level: int, rows: array[int], depths: array[int]) -> None:
        """Add the visible rows of siblings, from ``node`` to ``last`` (−1: all that follow), without recursion."""
        first, following, is_open, shown = (
            self.view.first_child, self.view.next_sibling, self._open, self._shown,
        )  # fmt: skip
        known, heads, plain = self._known, self.groups.by_head, self._plain_rows()
        above: list[int] = []
        tails: list[int] = [last] if last >= 0 else []
        while True:
            node = plain(node, tails[-1] if tails else -1, level, rows, depths)
            if node >= 0:
                if node in heads and not (tails and tails[-1] == heads[node].tail):
                    group = heads[node]
                    if not self._put_group(group, level, rows, depths):
                        node = following[group.tail]
                        continue
                    tails.append(group.tail)
                    level += 1
                if node < known and (shown is None or shown(node)):
                    row = self.standing_for(node) if first[node] >= 0 else node
                    rows.append(row)
                    depths.append(level)
                    if is_open[row] and first[row] >= 0:
                        above.append(node)
                        node, level = first[row], level + 1
                        continue
            elif above:
                node, level = above.pop(), level - 1
            else:
                return
            if tails and node == tails[-1]:
                tails.pop()
                if node == last:
                    return
                level -= 1
            node = following[node]

    def _plain_rows(self) -> Callable[[int, int, int, array[int], array[int]], int]:
        """Return what adds siblings as long as each is one row and no more: most rows of a large run are.

        It is given the first, where to stop at the latest, their level, and what to add to; it returns the next one.
        """
        view, known, shown, is_open = self.view, self._known, self._shown, self._open
        first, following, types, heads = view.first_child, view.next_sibling, view.types, self.groups.by_head
        messages = {code for code, name in enumerate(view.type_names) if name in MESSAGES}

        def plain(node: int, stop: int, level: int, rows: array[int], depths: array[int]) -> int:
            before, add = len(rows), rows.append
            while node >= 0 and node != stop and node not in heads:
                if first[node] >= 0 and (is_open[node] or types[node] in messages):
                    break
                if node < known and (shown is None or shown(node)):
                    add(node)
                node = following[node]
            depths.extend(array("i", (level,)) * (len(rows) - before))
            return node

        return plain

    # ---- groups ------------------------------------------------------------------------------------------

    def take_groups(self, groups: Iterable[Group], keep: int = -1) -> bool:
        """Have these groups from now on; return whether rows changed.

        A group that is new and holds ``keep`` begins unfolded, so that nothing disappears under the cursor.
        """
        before = set(self.groups.by_head)
        changed = self.groups.take(groups, self._known)
        if changed:
            for group in self.groups.holding(self.view.parents, keep):
                if group.head not in before:
                    self.groups.opened.add(group.first)
            self.rebuild()
        return changed

    def group(self, key: int) -> Group | None:
        """Return the group that a row's key stands for, None for a trace."""
        return self.groups.get(key)

    def trace_of(self, key: int) -> int:
        """Return the trace that a row's key stands for: itself, or the first call of a group."""
        group = self.groups.get(key)
        return key if group is None else group.first

    def _put_group(self, group: Group, level: int, rows: array[int], depths: array[int]) -> bool:
        """Add the row of a group if any of it is shown; return whether what is in it follows."""
        if self._shown is not None and not any(map(self._shown, self.inside(group))):
            return False
        rows.append(key_of(group.first))
        depths.append(level)
        return group.first in self.groups.opened

    def inside(self, group: Group) -> Iterator[int]:
        """Yield the siblings of a group."""
        if group.parent < 0:
            yield from (seq for seq in self.view.roots() if group.head <= seq <= group.tail)
            return
        node, following = group.head, self.view.next_sibling
        while node != group.tail:
            yield node
            node = following[node]
        yield node

    # ---- messages ----------------------------------------------------------------------------------------

    def standing_for(self, seq: int) -> int:
        """Return the trace whose row shows a trace: itself, or the only child it collapses into."""
        while self._collapses(seq):
            seq = self.view.first_child[seq]
        return seq

    def standing_in(self, seq: int) -> list[int]:
        """Return the messages that the row of a trace stands for besides it, nearest first."""
        found = []
        node = self.view.parents[seq]
        while node >= 0 and self._collapses(node):
            found.append(node)
            node = self.view.parents[node]
        return found

    def _collapses(self, seq: int) -> bool:
        child = self.view.first_child[seq]
        if not 0 <= child < self._known or not self._is_message(seq) or seq in self._expanded:
            return False
        is_only = not 0 <= self.view.next_sibling[child] < self._known
        return is_only and seq != self._root and self._is_shown(child)

    def _is_message(self, seq: int) -> bool:
        view = self.view
        return view.kinds[seq] == CUSTOM and view.type_names[view.types[seq]] in MESSAGES

    # ---- rows --------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.rows)

    def row_of(self, seq: int) -> int:
        """Return the row that shows a trace, −1 if none does."""
        return self._index(self.standing_for(seq) if seq >= 0 else seq)

    def _index(self, seq: int) -> int:
        """Return the row of a key, −1 if there is none: by its bytes, which takes a tenth of a look at every row."""
        width = self.rows.itemsize
        data, wanted = self.rows.tobytes(), seq.to_bytes(width, byteorder, signed=True)
        at = data.find(wanted)
        while at % width and at >= 0:
            at = data.find(wanted, at + 1)
        return at // width if at >= 0 else -1

    def span(self, row: int) -> int:
        """Return the number of visible rows of a row's subtree, itself included."""
        return row_after(self.depths, row + 1, self.depths[row]) - row

    # ---- filter and zoom ---------------------------------------------------------------------------------

    def set_shown(self, shown: Callable[[int], bool] | None) -> None:
        """Show only the traces for which ``shown`` is true; it must be true for the ancestors of any such trace."""
        self._shown = shown
        self.rebuild()

    def zoom(self, root: int | None) -> None:
        """Show one subtree alone, or everything again."""
        self._root = root
        if root is not None:
            self._open[root] = 1
        self.rebuild()

    @property
    def root(self) -> int | None:
        """The trace that is zoomed to."""
        return self._root

    # ---- following ---------------------------------------------------------------------------------------

    def extend(self) -> bool:
        """Take in the traces that the columns got since the last time; return whether rows changed.

        Costs the new traces, unless an orphan found its parent: then the rows are made anew.
        """
        view = self.view
        count = view.count
        if count == self._known and not self._orphans:
            return False
        start, self._known = self._known, count
        self._open.extend(bytes(count - len(self._open)))
        adopted = any(view.awaiting(seq) is None for seq in self._orphans)
        waiting = False
        for seq in range(start, count):
            if view.parents[seq] < 0:
                self._open[seq] = 1
                waiting = waiting or view.awaiting(seq) is not None
        if adopted or waiting or self._shown is not None or self._root is not None:
            before = len(self.rows)
            self.rebuild()
            return len(self.rows) != before or adopted
        changed = False
        for seq in range(start, count):
            self._known = seq + 1
            changed = self._append(seq) or changed
        return changed

    def _append(self, seq: int) -> bool:
        """Add the row of a new trace behind its siblings, if it is visible."""
        parent = self.view.parents[seq]
        if parent < 0:
            return self._insert(self._end_of_roots(), seq, 0)
        if self._is_message(parent) and parent not in self._expanded:
            elder = self.view.first_child[parent]
            if elder == seq:
                return self._collapse(parent, seq)
            if self.view.next_sibling[elder] == seq:
                return self._part(parent, elder, seq)
        if not self._open[parent]:
            return False
        row = self._row_from_end(parent)
        if row < 0:
            return False
        return self._insert(self._end_of(row), seq, self.depths[row] + 1)

    def _collapse(self, message: int, child: int) -> bool:
        """Let the first child of a message take its row."""
        row = self._row_from_end(message)
        if row >= 0:
            self.rows[row] = child
        return row >= 0

    def _part(self, message: int, elder: int, child: int) -> bool:
        """Give a message a row of its own again, as its second child has come."""
        row = self._row_from_end(self.standing_for(elder))
        if row < 0:
            return False
        depth, end = self.depths[row], row + self.span(row)
        block = self.rows[row:end]
        levels = array("i", [level + 1 for level in self.depths[row:end]])
        if not self._open[message]:
            block, levels = array("i"), array("i")
        else:
            block.append(child)
            levels.append(depth + 1)
        self.rows[row:end] = array("i", [message]) + block
        self.depths[row:end] = array("i", [depth]) + levels
        return True

    def _insert(self, row: int, seq: int, depth: int) -> bool:
        self.rows.insert(row, seq)
        self.depths.insert(row, depth)
        return True

    def _end_of_roots(self) -> int:
        return self._index(ORPHANS) if self._orphans else len(self.rows)

    def _row_from_end(self, seq: int) -> int:
        """Return a trace's row, looking from the end first, where news usually is."""
        rows = self.rows
        for row in range(len(rows) - 1, max(len(rows) - 200, -1), -1):
            if rows[row] == seq:
                return row
        return self._index(seq)

    def _end_of(self, row: int) -> int:
        """Return where the subtree of a row ends, looking at the last row first."""
        node, last = self.rows[-1], len(self.rows)
        group = self.groups.get(node)
        if group is not None:
            node = group.parent
        if not self._orphans:
            parents = self.view.parents
            while node >= 0:
                if node == self.rows[row]:
                    return last
                node = parents[node]
        return row + self.span(row)

    def check(self) -> None:
        """Assert the invariants."""
        rows, depths = list(self.rows), list(self.depths)
        self.rebuild()
        if rows != list(self.rows) or depths != list(self.depths):
            raise AssertionError(f"rows {rows[:20]} should be {list(self.rows)[:20]}")


PIECE = 4096
"""Rows whose depths are looked at in one call; a search begins with fewer."""


def row_after(depths: array[int], at: int, depth: int) -> int:
    """Return the first row from ``at`` on that is no deeper, the number of rows if there is none.

    >>> row_after(array("i", [0, 1, 2, 2, 1]), 2, 1), row_after(array("i", [0, 1, 2]), 1, 0)
    (4, 3)
    """
    size = 16
    while at < len(depths):
        if min(depths[at : at + size]) <= depth:
            return next(row for row in range(at, len(depths)) if depths[row] <= depth)
        at, size = at + size, min(2 * size, PIECE)
    return len(depths)


def row_before(depths: array[int], row: int, depth: int) -> int:
    """Return the last row before one that is no deeper than ``depth``, −1 if there is none.

    >>> row_before(array("i", [0, 1, 2, 2, 1]), 4, 1), row_before(array("i", [0, 1, 2]), 0, 0)
    (1, -1)
    """
    size = 16
    while row > 0:
        if min(depths[max(row - size, 0) : row]) <= depth:
            return next(at for at in range(row - 1, -1, -1) if depths[at] <= depth)
        row, size = row - size, min(2 * size, PIECE)
    return -1
