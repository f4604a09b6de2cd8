"""The tree of a run on the screen: rows of the tree model, drawn line by line."""

from __future__ import annotations

from typing import ClassVar

from tracetui.tui.view.row_text import BARS_FROM, INDENT_LEVELS, row_text
from tracetui.tui.view.tree_rows import ORPHANS
from tracetui.tui.widgets.run_pane import RunPane


class TraceTreeView(RunPane):
    """Rows of one run."""

    name_of_view = "tree"
    full_width: ClassVar[bool] = False

    def row_count(self) -> int:
        """Return the number of visible rows."""
        return len(self.model.tree)

    def row_pieces(self, row: int, width: int) -> list[tuple[str, str]]:
        """Return what a row says."""
        self.row_style.bar_width = width // 4 if self.app.size.width >= BARS_FROM else 0
        return row_text(self.model, row, width, self.row_style)

    def fold_columns(self, row: int) -> range:
        """Return the cells of the fold glyph."""
        start = 2 * min(self.model.tree.depths[row], INDENT_LEVELS)
        return range(start, start + 2)

    @property
    def cursor_seq(self) -> int:
        """The trace under the cursor, of a group its first call; −1 if there is none."""
        return self.model.tree.trace_of(self.cursor_place)

    def key_at(self, row: int) -> int:
        """Return the key of a row: a trace, a group, ``ORPHANS``; −1 if there is none."""
        rows = self.model.tree.rows
        return rows[row] if row < len(rows) else -1

    @property
    def tree_row(self) -> int:
        """The row under the cursor."""
        return self.cursor if self.cursor < len(self.model.tree) else -1

    def go_to_tree_row(self, row: int) -> None:
        """Put the cursor on a row."""
        self.go_to(row)

    def open_rows(self) -> list[int]:
        """Return the rows on the screen of calls that still run."""
        rows, top = self.model.tree.rows, self.scroll_offset.y
        on_screen = range(top, min(top + self.page, len(rows)))
        return [row for row in on_screen if rows[row] >= 0 and self.model.is_open(rows[row])]

    def tick(self) -> None:
        """Draw the rows of calls that still run, no others; all of them where bars are as long as the run is."""
        if self.row_style.bar_width:
            super().tick()
        else:
            self.redraw_rows(self.open_rows())

    def show_seq(self, seq: int) -> bool:
        """Put the cursor on a trace, unfolding what hides it; return whether it can be shown."""
        row = self.model.tree.reveal(seq)
        if row < 0:
            return False
        self.changed()
        self.go_to(row)
        self.center()
        return True

    def line_near(self, seq: int) -> int:
        """Return the row of a trace, of its nearest shown ancestor, or of the next shown trace."""
        return self.model.tree.nearest(seq) if seq != ORPHANS else max(self.model.tree.row_of(seq), 0)

    def go_to_newest(self) -> None:
        """Put the cursor on the newest trace that is shown, without opening a fold."""
        rows = self.model.tree.rows
        self.changed()
        if rows:
            self.go_to(max(range(max(len(rows) - 500, 0), len(rows)), key=self._newest_in))

    def _newest_in(self, row: int) -> int:
        """Return the newest trace that a row is known to stand for."""
        key = self.model.tree.rows[row]
        group = self.model.tree.group(key)
        return key if group is None else -1 if self.model.tree.is_open(row) else group.tail
