"""The tree of a run on the screen: rows of the tree model, drawn line by line."""

from __future__ import annotations

from tracetui.tui.view.row_text import BARS_FROM, INDENT_LEVELS, RowStyle, row_text
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.widgets.lines import Lines


class TraceTreeView(Lines):
    """Rows of one run."""

    def __init__(self, model: RunModel, style: RowStyle) -> None:
        super().__init__(id="tree")
        self.model = model
        self.row_style = style

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
        """The trace under the cursor, −1 if there is none."""
        rows = self.model.tree.rows
        return rows[self.cursor] if self.cursor < len(rows) else -1

    def shows_open(self) -> bool:
        """Whether a call that still runs is on the screen: its duration ticks."""
        top = self.scroll_offset.y
        rows = self.model.tree.rows[top : top + self.page]
        return any(seq >= 0 and self.model.is_open(seq) for seq in rows)

    def show_seq(self, seq: int) -> bool:
        """Put the cursor on a trace, unfolding what hides it; return whether it can be shown."""
        row = self.model.tree.reveal(seq)
        if row < 0:
            return False
        self.changed()
        self.go_to(row)
        self.center()
        return True
