"""The yank menu: what of a trace can be copied, a key each."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from tracetui.errors import TraceTuiError
from tracetui.tui.view.copying import choices
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.widgets.pieces import to_text


class CopyScreen(ModalScreen[str]):
    """Gives the text that was chosen, "" if none was."""

    DEFAULT_CSS = """
    CopyScreen { align: center middle; }
    CopyScreen Static { width: auto; max-width: 90%; height: auto; padding: 1 2; background: $surface; border: round $primary; }
    """

    def __init__(self, model: RunModel, seq: int, store: str) -> None:
        super().__init__()
        self._choices = choices(model, seq, store)

    def compose(self) -> ComposeResult:
        """List the choices."""
        dark = bool(self.app.current_theme.dark)
        text = to_text([("Copy\n\n", "heading")], dark=dark)
        for key, (title, _) in self._choices.items():
            text.append_text(to_text([(f"  {key}  ", "key"), (f"{title}\n", "text")], dark=dark))
        text.append_text(to_text([("\n  Esc leaves", "dim")], dark=dark))
        yield Static(text)

    def on_key(self, event: events.Key) -> None:
        """Copy what the key stands for, or leave."""
        event.stop()
        chosen = self._choices.get(event.character or "")
        if chosen is None:
            if event.key in ("escape", "q"):
                self.dismiss("")
            return
        try:
            self.dismiss(chosen[1]())
        except TraceTuiError as problem:
            self.notify(str(problem), severity="error", markup=False)
            self.dismiss("")
