"""A list over the screen: other places, marks and notes, kept filters. Gives a row, and the key it was chosen with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from tracetui.tui.messages import RowActivated
from tracetui.tui.view.header import footer
from tracetui.tui.widgets.bars import Bar
from tracetui.tui.widgets.row_list import RowList

Row = TypeVar("Row")
ENTER = "enter"


@dataclass(frozen=True, slots=True)
class Choice(Generic[Row]):
    """A row, and the key that says what is to be done with it."""

    row: Row
    key: str = ENTER


class ListScreen(ModalScreen[Choice[Row]], Generic[Row]):
    """Gives a choice, None if it was left.

    ``keys`` says what Enter and other keys do with a row; ``refusal`` why nothing can be done with one, "" if it can.
    """

    DEFAULT_CSS = """
    ListScreen { align: center middle; }
    ListScreen Vertical { width: 90%; height: 70%; background: $surface; border: round $primary; }
    ListScreen RowList { height: 1fr; }
    """

    def __init__(
        self,
        title: str,
        rows: RowList[Row],
        keys: Mapping[str, str],
        *,
        closes: str = "",
        refusal: Callable[[Row], str] | None = None,
    ) -> None:
        super().__init__()
        self._title, self.list, self._keys, self._closes = title, rows, keys, closes
        self._refusal = refusal

    def compose(self) -> ComposeResult:
        """Lay out title, list and keys."""
        keys = [("Enter" if key == ENTER else key, what) for key, what in self._keys.items()]
        with Vertical():
            yield Bar(lambda _: [(f" {self._title}", "heading")], id="list-title")
            yield self.list
            yield Bar(lambda width: footer([*keys, ("Esc", "close")], width), id="list-keys")

    def on_mount(self) -> None:
        """Take the keys."""
        self.list.focus()

    def on_row_activated(self, message: RowActivated) -> None:
        """Choose with a second click."""
        message.stop()
        self._choose(ENTER)

    def on_key(self, event: events.Key) -> None:
        """Move, choose or leave."""
        event.stop()
        if step := self.list.step_of(event):
            self.list.move(step)
        elif event.key == ENTER or (event.character or "") in self._keys:
            self._choose(ENTER if event.key == ENTER else event.character or "")
        elif event.key in ("escape", "q") or event.character == self._closes:
            self.dismiss(None)

    def _choose(self, key: str) -> None:
        row = self.list.current
        if row is None:
            return
        why_not = self._refusal(row) if self._refusal is not None else ""
        if why_not:
            self.notify(why_not, severity="warning", markup=False, timeout=4)
        else:
            self.dismiss(Choice(row, key))
