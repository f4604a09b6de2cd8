"""The help screen: what every key does here, from the one list of actions; what cannot be done now says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tracetui.render.cells import pad
from tracetui.tui.actions import Action, keys_of
from tracetui.tui.view.answers import answer
from tracetui.tui.widgets.pieces import to_text

LETTERS = (
    "T tool   ? decision   . thought   Q query   ! error",
    "M model   A agent   U turn   * other",
)
WIDTH = 64
"""Cells of a line of text."""


class HelpScreen(ModalScreen[None]):
    """Keys by group."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll { width: 76; max-width: 96%; height: 90%; background: $surface; border: round $primary; padding: 0 2; }
    HelpScreen Static { width: auto; height: auto; }
    """
    BINDINGS = [Binding("escape,q,question_mark", "dismiss", show=False)]  # noqa: RUF012 - Textual's shape

    def __init__(
        self, name: str, actions: Sequence[Action], disabled_reason: Callable[[str], str | None]
    ) -> None:
        super().__init__()
        self._screen_name = name
        self._actions = actions
        self._disabled = disabled_reason

    def compose(self) -> ComposeResult:
        """List the actions by group."""
        pieces: list[tuple[str, str]] = [("What this screen answers\n", "heading")]
        pieces += [(f"  {line}\n", "text") for line in answer(self._screen_name, WIDTH)]
        if self._screen_name != "picker":
            pieces.append(("\nRows begin with the letter of their type\n", "dim"))
            pieces += [(f"  {line}\n", "text") for line in LETTERS]
        pieces.append(("\nWhat the keys do here\n", "heading"))
        group = ""
        for action in sorted(self._actions, key=lambda action: _GROUPS.index(action.group)):
            if action.group != group:
                group = action.group
                pieces.append((f"\n{group}\n", "heading"))
            reason = self._disabled(action.id)
            pieces.append((f"  {pad(keys_of(action), 18)}", "dim" if reason else "key"))
            pieces.append(
                (
                    f"{action.title}\n" if not reason else f"{action.title} ({reason})\n",
                    "dim" if reason else "text",
                )
            )
        pieces.append(("\nEsc closes this page\n", "dim"))
        with VerticalScroll():
            yield Static(to_text(pieces, dark=bool(self.app.current_theme.dark)))


_GROUPS = ("Move", "Fold", "Find", "Show", "Run", "Review", "Take", "Explorer")
