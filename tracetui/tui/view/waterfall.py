"""The waterfall of a run: rows of the tree on a time axis, with the idle gaps between them.

Owns the window of time that is shown and which lines there are: the visible rows of the tree, in its order, and a
line for each gap before the outermost row that began after it. Folds, filter and zoom are the tree's. Runs without
times have steps for an axis, and no gaps.

A *line* is a line of the waterfall, a *row* one of the tree. Finding either costs a bisection; ``sync`` the gaps.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from tracetui.analysis.timing import Gap
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.spots import Spots
from tracetui.tui.view.tree_rows import ORPHANS

ZOOM, PAN = 2.0, 0.25
LEAST_WINDOW_MS = 4.0


class Waterfall:
    """Lines and window of one run's waterfall."""

    def __init__(self, model: RunModel) -> None:
        self.model = model
        self._window: tuple[float, float] | None = None
        self._gap_rows: list[int] = []
        """By gap line the row of the tree before which it stands, ascending."""
        self._gaps: list[Gap] = []
        self._root = model.tree.root
        self.sync()

    # ---- lines -------------------------------------------------------------------------------------------

    def sync(self) -> None:
        """Put the gaps among the rows that the tree has now."""
        self._gap_rows, self._gaps = [], []
        if self._root != self.model.tree.root:
            self._root = self.model.tree.root
            self.fit()
        spots = self.model.spots
        if spots is None:
            return
        for gap, anchor in zip(spots.timing.gaps, spots.anchors, strict=True):
            row = self._row_before(spots, anchor)
            if row >= 0:
                self._gap_rows.append(row)
                self._gaps.append(gap)
        order = sorted(range(len(self._gaps)), key=self._gap_rows.__getitem__)
        self._gap_rows = [self._gap_rows[n] for n in order]
        self._gaps = [self._gaps[n] for n in order]

    def _row_before(self, spots: Spots, anchor: int) -> int:
        """Return the row that a gap stands before, −1 if that row is not there."""
        tree = self.model.tree
        if anchor < 0:
            return len(tree) if tree.root is None else -1
        below = spots.subtree(anchor)
        row = bisect_left(tree.rows, 2 * below.start, key=lambda seq: self._twice_place(spots, seq))
        hidden = row >= len(tree) or self._twice_place(spots, tree.rows[row]) >= 2 * below.stop
        before_all = row == 0 and tree.root is not None
        return -1 if hidden or before_all else row

    def _twice_place(self, spots: Spots, seq: int) -> int:
        """Return twice the place of a row, odd for what stands between two: a heading, and what came later."""
        if seq == ORPHANS:
            return 2 * spots.orphans_from - 1
        group = self.model.tree.group(seq)
        node = seq if group is None else group.head
        if node >= 0 and group is not None and node < len(spots.places):
            return 2 * spots.places[node]
        while node >= len(spots.places):
            node = self.model.view.parents[node]
        if node < 0:
            return 2 * len(spots.places)
        return 2 * spots.places[node] if node == seq else 2 * spots.subtree(node).stop - 1

    def __len__(self) -> int:
        return len(self.model.tree) + len(self._gaps)

    def at(self, line: int) -> tuple[int, Gap | None]:
        """Return the row of a line; for a gap the row it stands before, and the gap."""
        low, high = 0, len(self._gap_rows)
        while low < high:
            middle = (low + high) // 2
            if self._gap_rows[middle] + middle < line:
                low = middle + 1
            else:
                high = middle
        if low < len(self._gap_rows) and self._gap_rows[low] + low == line:
            return self._gap_rows[low], self._gaps[low]
        return line - low, None

    def line_of(self, row: int) -> int:
        """Return the line of a row."""
        return row + bisect_right(self._gap_rows, row)

    def gap_line(self, seq: int) -> int:
        """Return the line of the idle gap that ends at a trace, −1 if there is none."""
        for number, gap in enumerate(self._gaps):
            if gap.before == seq and not gap.waiting:
                return self._gap_rows[number] + number
        return -1

    def seq_at(self, line: int) -> int:
        """Return the trace of a line; for a gap the one it lies before, or the last."""
        return self.model.tree.trace_of(self.key_at(line))

    def key_at(self, line: int) -> int:
        """Return the key of the row of a line; for a gap of the one it lies before, or the last."""
        rows = self.model.tree.rows
        row, _ = self.at(line)
        return rows[min(row, len(rows) - 1)] if len(rows) else -1

    # ---- the axis ----------------------------------------------------------------------------------------

    @property
    def whole(self) -> tuple[float, float]:
        """The window that shows everything: the run, or the subtree that is zoomed to."""
        start, end = self.span(self.model.tree.root)
        return start, max(end, start + 1)

    def span(self, seq: int | None) -> tuple[float, float]:
        """Return start and end of a subtree, of the run for None; in steps where there are no times."""
        model = self.model
        if not model.has_times:
            size = model.rollup.traces[seq] if seq is not None and seq < len(model.rollup) else 1
            return (0, model.there) if seq is None else (seq, seq + size)
        if seq is None:
            return model.start_ms, max(model.totals.end_ms, self._now())
        if seq >= len(model.rollup):
            return model.view.timestamps[seq], model.view.timestamps[seq]
        end = model.rollup.end_ms[seq]
        return model.rollup.start_ms[seq], max(end, self._now() if model.is_open(seq) else end)

    def _now(self) -> float:
        """Return how far the run has come, if it goes on."""
        return self.model.now_ms if self.model.verdict.label == "LIVE" else 0

    @property
    def window(self) -> tuple[float, float]:
        """The stretch of time that is shown."""
        return self._window or self.whole

    @property
    def is_zoomed(self) -> bool:
        """Whether less than everything is shown."""
        return self._window is not None

    def fit(self) -> None:
        """Show all of the axis."""
        self._window = None

    def zoom(self, factor: float, around: float) -> None:
        """Show a part of the axis: a shorter one for a factor above 1; ``around`` stays where it is on the screen."""
        start, end = self.window
        first, last = self.whole
        length = max((end - start) / factor, min(LEAST_WINDOW_MS, last - first))
        if length >= last - first:
            self.fit()
            return
        around = min(max(around, start), end)
        self._show(around - (around - start) * length / (end - start), length)

    def pan(self, share: float) -> None:
        """Move along the axis by a share of what is shown."""
        if self._window is not None:
            start, end = self._window
            self._show(start + share * (end - start), end - start)

    def bring(self, seq: int) -> bool:
        """Move so that a trace is in the window; return whether that was needed."""
        if self._window is None or seq < 0:
            return False
        start, end = self._window
        first, last = self.span(seq)
        if first < end and last >= start:
            return False
        self._show(first - (end - start) * PAN, end - start)
        return True

    def _show(self, start: float, length: float) -> None:
        first, last = self.whole
        start = max(min(start, last - length), first)
        self._window = (start, start + length)
