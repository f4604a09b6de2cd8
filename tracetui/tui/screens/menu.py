"""A short menu: a key for each choice. What is copied and what is exported is chosen from one."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from tracetui.tui.widgets.pieces import to_text


class MenuScreen(ModalScreen[str]):
    """Gives the key of what was chosen, "" if nothing was."""

    DEFAULT_CSS = """
    MenuScreen { align: center middle; }
    MenuScreen Static { width: auto; max-width: 90%; height: auto; padding: 1 2; background: $surface; border: round $primary; }
    """

    def __init__(self, title: str, choices: Mapping[str, str]) -> None:
        super().__init__()
        self._title = title
        self._choices = choices

    def compose(self) -> ComposeResult:
        """List the choices."""
        dark = bool(self.app.current_theme.dark)
        text = to_text([(f"{self._title}\n\n", "heading")], dark=dark)
        for key, title in self._choices.items():
            text.append_text(to_text([(f"  {key}  ", "key"), (f"{title}\n", "text")], dark=dark))
        text.append_text(to_text([("\n  Esc leaves", "dim")], dark=dark))
        yield Static(text)

    def on_key(self, event: events.Key) -> None:
        """Give the key that was pressed if it stands for something, or leave."""
        event.stop()
        if event.character in self._choices:
            self.dismiss(event.character)
        elif event.key in ("escape", "q"):
            self.dismiss("")
