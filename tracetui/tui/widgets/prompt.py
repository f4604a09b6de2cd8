"""A line to type into, at the foot of the screen, and below it what is wrong with it or how it may go on."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static
from textual.widgets.input import Selection

from tracetui.model.text import printable
from tracetui.querying.completion import Candidate
from tracetui.tui.compat import PlainInput
from tracetui.tui.messages import PromptCancelled, PromptChanged, PromptSubmitted
from tracetui.tui.view.prompt_history import Browsing, PromptHistory
from tracetui.tui.view.prompting import hint_pieces
from tracetui.tui.widgets.pieces import to_text


class Prompt(Vertical):
    """Asks for one line; posts what is typed, what was answered, or that it was left."""

    DEFAULT_CSS = """
    Prompt { height: auto; display: none; background: $surface; }
    Prompt.asking { display: block; }
    Prompt Horizontal { height: 1; }
    Prompt #label { width: auto; }
    Prompt Input { width: 1fr; background: $surface; }
    Prompt Input:ansi > .input--selection { background: ansi_default; color: ansi_default; text-style: reverse; }
    Prompt #hint { height: 1; display: none; }
    Prompt.hinting #hint { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.purpose = ""
        self.is_regex = False
        self.remembered: dict[str, str] = {}
        self.candidates: Sequence[Candidate] = ()
        self.history = PromptHistory()
        self._browsing: Browsing | None = None
        self._label_width = 0
        self._label = Static("", markup=False, id="label")
        # Textual 8.2.8: a focused Input draws a border over its only line unless it is compact.
        self._input = PlainInput(id="input", select_on_focus=False, compact=True)
        self._hint = Static("", markup=False, id="hint")

    def compose(self) -> ComposeResult:
        """Lay out label and input, and the line below them."""
        with Horizontal():
            yield self._label
            yield self._input
        yield self._hint

    def ask(self, purpose: str, label: str, text: str | None = None) -> None:
        """Open the line with a text to go on from, or with what was typed last: that is selected, and typing replaces it."""
        self.purpose = purpose
        self.candidates = ()
        self._browsing = None
        self._set_label(label)
        self.hint("")
        self._input.value = self.remembered.get(purpose, "") if text is None else text
        end = len(self._input.value)
        self._input.selection = Selection(0 if text is None else end, end)
        self.add_class("asking")
        self._input.focus()

    def type_ahead(self, event: events.Key) -> None:
        """Take a key that came faster than the focus: what is typed in one go is not lost."""
        if not self.is_open:
            return
        if event.key == "enter" and not self._input.has_focus:
            self._input.post_message(Input.Submitted(self._input, self._input.value))
        elif event.is_printable and event.character:
            self._input.replace(event.character, *sorted(self._input.selection))
        else:
            return
        event.stop()
        event.prevent_default()

    def _set_label(self, label: str) -> None:
        self._label_width = len(label)
        self._label.update(label)

    @property
    def is_open(self) -> bool:
        """Whether it is asking."""
        return self.has_class("asking")

    @property
    def cursor(self) -> int:
        """Where in the text the cursor stands, in characters."""
        return self._input.cursor_position

    def close(self) -> None:
        """Put the line away."""
        self.remove_class("asking")

    def hint(self, text: str, at: int = -1) -> None:
        """Say something below what is typed, pointing at a character if ``at`` is one."""
        self.offer((), text, at)

    def offer(self, candidates: Sequence[Candidate], problem: str = "", at: int = -1) -> None:
        """Show how the text may go on (Tab takes the first), or what is wrong with it."""
        self.candidates = candidates
        column = self._label_width + at if at >= 0 else -1
        pieces = hint_pieces(candidates, printable(problem), column, self.size.width or 80)
        self._hint.update(to_text(pieces, dark=bool(self.app.current_theme.dark)))
        self.set_class(bool(pieces), "hinting")

    def take_candidate(self) -> None:
        """Put the first candidate in the place of what was begun."""
        if self.candidates:
            first = self.candidates[0]
            text = self._input.value
            self._input.value = text[: first.start] + first.text + text[first.end :]
            self._input.cursor_position = first.start + len(first.text)

    def _browse(self, step: int) -> None:
        """Put an earlier text in the place of what is typed, or go back to that."""
        if self._browsing is None or self._browsing.text != self._input.value:
            self._browsing = Browsing(self.history.texts(self.purpose), self._input.value)
        self._input.value = self._browsing.step(step)
        self._input.cursor_position = len(self._input.value)

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
        self.history.add(self.purpose, event.value)
        self.post_message(PromptSubmitted(self.purpose, event.value, is_regex=self.is_regex))

    def on_key(self, event: events.Key) -> None:
        """Leave with Esc; complete with Tab; ↑ ↓ take up earlier texts; Ctrl+R makes a search a regular expression, or text again."""
        if event.key == "escape":
            self.close()
            self.post_message(PromptCancelled(self.purpose))
        elif event.key == "tab":
            self.take_candidate()
        elif event.key == "ctrl+r" and self.purpose == "search":
            self.is_regex = not self.is_regex
            self._set_label(" regex / " if self.is_regex else " / ")
            self.post_message(PromptChanged(self.purpose, self._input.value, is_regex=self.is_regex))
        elif event.key in ("up", "down"):
            self._browse(-1 if event.key == "up" else 1)
        elif event.key == "ctrl+u":
            self._input.value = ""
        else:
            return
        event.stop()
        event.prevent_default()
