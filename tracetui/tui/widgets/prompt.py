"""A line to type into, at the foot of the screen: for searches, filters and names."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from tracetui.tui.messages import PromptCancelled, PromptChanged, PromptSubmitted


class Prompt(Horizontal):
    """Asks for one line; posts what is typed, what was answered, or that it was left."""

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; background: $surface; }
    Prompt.asking { display: block; }
    Prompt Static { width: auto; }
    Prompt Input { border: none; height: 1; padding: 0; width: 1fr; background: $surface; }
    Prompt #hint { color: $warning; }
    """

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.purpose = ""
        self.is_regex = False
        self.remembered: dict[str, str] = {}
        self._label = Static("", markup=False, id="label")
        self._input = Input(id="input", select_on_focus=False)
        self._hint = Static("", markup=False, id="hint")

    def compose(self) -> ComposeResult:
        """Lay out label, input and hint."""
        yield self._label
        yield self._input
        yield self._hint

    def ask(self, purpose: str, label: str, text: str | None = None) -> None:
        """Open the line; it remembers what was typed for a purpose."""
        self.purpose = purpose
        self._label.update(label)
        self.hint("")
        self._input.value = self.remembered.get(purpose, "") if text is None else text
        self._input.cursor_position = len(self._input.value)
        self.add_class("asking")
        self._input.focus()

    @property
    def is_open(self) -> bool:
        """Whether it is asking."""
        return self.has_class("asking")

    def close(self) -> None:
        """Put the line away."""
        self.remove_class("asking")

    def hint(self, text: str) -> None:
        """Say something behind what is typed."""
        self._hint.update(f"  {text} " if text else "")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell what is typed."""
        event.stop()
        if self.is_open:
            self.remembered[self.purpose] = event.value
            self.post_message(PromptChanged(self.purpose, event.value, is_regex=self.is_regex))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tell the answer."""
        event.stop()
        self.remembered[self.purpose] = event.value
        self.post_message(PromptSubmitted(self.purpose, event.value, is_regex=self.is_regex))

    def on_key(self, event: events.Key) -> None:
        """Leave with Esc; Ctrl+R makes a search a regular expression, or text again."""
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.close()
            self.post_message(PromptCancelled(self.purpose))
        elif event.key == "ctrl+r" and self.purpose == "search":
            event.stop()
            self.is_regex = not self.is_regex
            self._label.update(" regex / " if self.is_regex else " / ")
            self.post_message(PromptChanged(self.purpose, self._input.value, is_regex=self.is_regex))
        elif event.key == "ctrl+u":
            event.stop()
            self._input.value = ""
