"""A question with yes and no, for what cannot be undone."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static


class AskScreen(ModalScreen[bool]):
    """Gives True only for the key y."""

    DEFAULT_CSS = """
    AskScreen { align: center middle; }
    AskScreen Static { width: auto; max-width: 80%; height: auto; padding: 1 2; background: $surface; border: round $error; }
    """

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Put the question."""
        yield Static(f"{self._question}\n\n  y  yes\n  n  no", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Answer."""
        event.stop()
        if event.key in ("y", "n", "escape", "q"):
            self.dismiss(event.key == "y")
