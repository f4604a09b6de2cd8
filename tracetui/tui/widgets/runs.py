"""The runs of the picker on the screen: their rows, and the card of the one under the cursor."""

from __future__ import annotations

from textual.app import RenderResult
from textual.widget import Widget

from tracetui.model.clock import now_ms
from tracetui.tui.view.board import PickerRow
from tracetui.tui.view.picker import PickerModel
from tracetui.tui.view.picker_rows import card_lines, row_pieces
from tracetui.tui.widgets.lines import Lines
from tracetui.tui.widgets.pieces import to_text


class RunList(Lines):
    """The rows of the picker."""

    def __init__(self, model: PickerModel) -> None:
        super().__init__(id="runs")
        self.model = model

    def row_count(self) -> int:
        """Return the number of runs shown."""
        return len(self.model.rows)

    def row_pieces(self, row: int, width: int) -> list[tuple[str, str]]:
        """Return what a row says."""
        return row_pieces(self.model, self.model.rows[row], width, now_ms())

    def shows_live(self) -> bool:
        """Whether a run that goes on is on the screen: its duration ticks."""
        top = self.scroll_offset.y
        return any(row.is_live for row in self.model.rows[top : top + self.page])


class Preview(Widget):
    """What is known of the run under the cursor."""

    DEFAULT_CSS = "Preview { width: 2fr; padding: 0 1; border-left: solid $surface-lighten-2; }"

    def __init__(self) -> None:
        super().__init__(id="preview")
        self.row: PickerRow | None = None
        self.brief = False

    def show(self, row: PickerRow | None) -> None:
        """Show the card of another run."""
        self.row = row
        self.refresh()

    def render(self) -> RenderResult:
        """Draw the card."""
        dark = bool(self.app.current_theme.dark)
        text = to_text([], dark=dark)
        for line in card_lines(self.row, self.size.width, brief=self.brief) if self.row is not None else ():
            text.append_text(to_text([*line, ("\n", "text")], dark=dark))
        return text
