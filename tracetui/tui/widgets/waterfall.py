"""The waterfall of a run on the screen: rows of the tree on the axis of time."""

from __future__ import annotations

from typing import ClassVar

from tracetui.tui.messages import SpotsWanted
from tracetui.tui.view.row_text import INDENT_LEVELS, RowStyle
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.waterfall import PAN, ZOOM, Waterfall
from tracetui.tui.view.waterfall_text import axis_text, line_text, path_text
from tracetui.tui.widgets.run_pane import RunPane


class WaterfallView(RunPane):
    """Rows with bars, and the gaps between them."""

    name_of_view = "waterfall"
    has_axis: ClassVar[bool] = True
    head_lines: ClassVar[int] = 1
    foot_lines: ClassVar[int] = 1

    def __init__(self, model: RunModel, style: RowStyle) -> None:
        super().__init__(model, style)
        self.waterfall = Waterfall(model)

    def row_count(self) -> int:
        """Return the number of lines."""
        return len(self.waterfall)

    def row_pieces(self, row: int, width: int) -> list[tuple[str, str]]:
        """Return what a line says."""
        return line_text(self.waterfall, row, width, self.row_style)

    def edge_pieces(self, line: int, width: int) -> list[tuple[str, str]]:
        """Return the axis above, the critical path below."""
        return path_text(self.model, width) if line < 0 else axis_text(self.waterfall, width, self.row_style)

    def fold_columns(self, row: int) -> range:
        """Return the cells of the fold glyph."""
        tree_row, gap = self.waterfall.at(row)
        if gap is not None:
            return range(0)
        start = 2 * min(self.model.tree.depths[tree_row], INDENT_LEVELS)
        return range(start, start + 2)

    @property
    def cursor_seq(self) -> int:
        """The trace under the cursor, for a gap the one it lies before; −1 if there is none."""
        return self.waterfall.seq_at(self.cursor) if self.cursor < len(self.waterfall) else -1

    def key_at(self, row: int) -> int:
        """Return the key of the row of a line, for a gap the trace it lies before; −1 if there is none."""
        if row >= len(self.waterfall):
            return -1
        _, gap = self.waterfall.at(row)
        return self.waterfall.key_at(row) if gap is None else self.waterfall.seq_at(row)

    @property
    def tree_row(self) -> int:
        """The row of the tree under the cursor, −1 on a gap."""
        row, gap = self.waterfall.at(self.cursor)
        return row if gap is None and row < len(self.model.tree) else -1

    def go_to_tree_row(self, row: int) -> None:
        """Put the cursor on a row of the tree."""
        self.go_to(self.waterfall.line_of(row))

    def open_rows(self) -> list[int]:
        """Return the lines on the screen of calls that still run: their bars grow."""
        lines = range(self.scroll_offset.y, min(self.scroll_offset.y + self.page, len(self.waterfall)))
        seqs = ((line, self.waterfall.seq_at(line)) for line in lines)
        return [line for line, seq in seqs if seq >= 0 and self.model.is_open(seq)]

    def show_seq(self, seq: int) -> bool:
        """Put the cursor on a trace, unfolding what hides it; return whether it can be shown."""
        row = self.model.tree.reveal(seq)
        if row < 0:
            return False
        self.take_news()
        self.go_to_tree_row(row)
        self.center()
        return True

    def to_gap_before(self, seq: int) -> None:
        """Put the cursor on the idle gap that ends at a trace, if there is one."""
        line = self.waterfall.gap_line(seq)
        if line >= 0:
            self.go_to(line)

    def line_near(self, seq: int) -> int:
        """Return the line of a trace, of its nearest shown ancestor, or of the next shown trace."""
        return self.waterfall.line_of(self.model.tree.nearest(seq))

    def take_news(self) -> None:
        """Show the rows that the tree has now, with the gaps among them."""
        self.waterfall.sync()
        self.post_message(SpotsWanted())
        self.changed()

    # ---- the axis ----------------------------------------------------------------------------------------

    def watch_cursor(self, before: int, after: int) -> None:
        """Keep the bar under the cursor in view too."""
        super().watch_cursor(before, after)
        if self.waterfall.bring(self.cursor_seq):
            self.changed()

    def zoom_axis(self, direction: int) -> None:
        """Show less of the axis around the bar under the cursor (1), more (−1), or all of it (0)."""
        if direction:
            start, end = self.waterfall.span(self.cursor_seq) if self.cursor_seq >= 0 else (0.0, 0.0)
            first, last = self.waterfall.window
            around = (max(start, first) + min(end, last)) / 2
            self.waterfall.zoom(ZOOM**direction, around)
        else:
            self.waterfall.fit()
        self.changed()

    def pan(self, direction: int) -> bool:
        """Move along the axis."""
        self.waterfall.pan(direction * PAN)
        self.changed()
        return True
