"""A small list of runs to choose one from, over the run that is open; typing narrows it."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tracetui.model.clock import now_ms
from tracetui.tui.compat import PlainInput
from tracetui.tui.messages import RowActivated
from tracetui.tui.view.picker_rows import heading, row_pieces
from tracetui.tui.view.run_choice import RunChoice
from tracetui.tui.widgets.bars import Bar
from tracetui.tui.widgets.lines import Lines


class _Rows(Lines):
    """The runs to choose from."""

    def __init__(self, choice: RunChoice) -> None:
        super().__init__(id="choices")
        self._choice = choice

    def row_count(self) -> int:
        """Return the number of runs."""
        return len(self._choice.rows)

    def row_pieces(self, row: int, width: int) -> list[tuple[str, str]]:
        """Return what a row says."""
        return row_pieces(self._choice.picker, self._choice.rows[row], width, now_ms())


class ChooseRunScreen(ModalScreen[str]):
    """Gives the id of the run that was chosen, "" if none was."""

    DEFAULT_CSS = """
    ChooseRunScreen { align: center middle; }
    ChooseRunScreen Vertical { width: 90%; max-width: 110; height: 60%; min-height: 10; background: $surface; border: round $primary; }
    ChooseRunScreen Lines { height: 1fr; }
    ChooseRunScreen Static { height: 1; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("down,ctrl+n", "move(1)", show=False),
        Binding("up,ctrl+p", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
    ]

    def __init__(self, choice: RunChoice, title: str) -> None:
        super().__init__()
        self._choice = choice
        self._title = title
        self._rows = _Rows(choice)
        self._input = PlainInput(placeholder="type to narrow the list", compact=True)

    def compose(self) -> ComposeResult:
        """Lay out title, rows and what is typed."""
        with Vertical():
            yield Static(self._title, markup=False)
            yield Bar(lambda width: heading(self._rows.size.width or width, ""), id="choice-heading")
            yield self._rows
            yield self._input
            yield Static("Enter compares   ↑↓ moves   Esc leaves", markup=False)

    def on_mount(self) -> None:
        """Stand on the run that is offered."""
        self._input.focus()
        self.call_after_refresh(self._rows.go_to, self._choice.offered)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        event.stop()
        self._choice.filter(event.value)
        self._rows.changed()
        self._rows.go_to(0 if event.value else self._choice.offered)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose the run under the cursor."""
        event.stop()
        self._choose()

    def on_row_activated(self, message: RowActivated) -> None:
        """Choose with a second click."""
        message.stop()
        self._choose()

    def on_click(self, event: events.Click) -> None:
        """Leave with a click beside the list."""
        if event.widget is self:
            self.dismiss("")

    def _choose(self) -> None:
        rows = self._choice.rows
        if rows:
            self.dismiss(rows[min(self._rows.cursor, len(rows) - 1)].run.id)

    def action_leave(self) -> None:
        """Choose none."""
        self.dismiss("")

    def action_move(self, step: int) -> None:
        """Move by a row."""
        self._rows.move(step)

    def action_page(self, step: int) -> None:
        """Move by a screen."""
        self._rows.move(step * self._rows.page)
