"""The lines around the body of the main screen: where one is, how the run ended, its map, the truth, the keys."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import RenderResult
from textual.widget import Widget

from tracetui.tui.messages import TraceChosen
from tracetui.tui.view.minimap import Cell
from tracetui.tui.widgets.pieces import to_text

Pieces = list[tuple[str, str]]


class Bar(Widget):
    """One line that asks for its pieces when it is drawn."""

    DEFAULT_CSS = "Bar { height: 1; }"

    def __init__(self, pieces: Callable[[int], Pieces], *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._pieces = pieces

    def render(self) -> RenderResult:
        """Draw the line."""
        return to_text(self._pieces(self.size.width), dark=bool(self.app.current_theme.dark))


class MinimapBar(Widget):
    """The run by order; a click goes to what stands there."""

    DEFAULT_CSS = "MinimapBar { height: 1; }"

    def __init__(self, cells: Callable[[int], list[Cell]], said: Callable[[], str]) -> None:
        super().__init__(id="minimap")
        self._cells = cells
        self._said = said
        self._drawn: list[Cell] = []

    def render(self) -> RenderResult:
        """Draw the map, and at its end where the cursor is."""
        said = self._said()
        self._drawn = self._cells(max(self.size.width - len(said) - 3, 10))
        pieces = [(" ", "text"), *((cell.text, cell.role) for cell in self._drawn)]
        room = self.size.width - 1 - len(self._drawn) - len(said) - 1
        return to_text([*pieces, (" " * max(room, 1) + said, "dim")], dark=bool(self.app.current_theme.dark))

    def on_click(self, event: events.Click) -> None:
        """Go to the trace under the mouse."""
        number = event.x - 1
        if 0 <= number < len(self._drawn):
            self.post_message(TraceChosen(self._drawn[number].seq))
