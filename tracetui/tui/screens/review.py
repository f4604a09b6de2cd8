"""The list of marks and notes of a run: gives the one to go to, or to take away."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from tracetui.analysis.summary import letter
from tracetui.render.cells import cut, pad
from tracetui.render.figures import count, offset
from tracetui.tui.messages import RowActivated
from tracetui.tui.view.header import footer
from tracetui.tui.view.review import ReviewRow, review_rows
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.widgets.bars import Bar
from tracetui.tui.widgets.lines import Lines


@dataclass(frozen=True, slots=True)
class Choice:
    """A row that was chosen, to go to it or to take it away."""

    row: ReviewRow
    take_away: bool = False


class ReviewList(Lines):
    """The rows of the list."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(id="review")
        self.model = model
        self.rows = review_rows(model.review)

    def row_count(self) -> int:
        """Return the number of marks and notes."""
        return len(self.rows)

    def row_pieces(self, row: int, width: int) -> list[tuple[str, str]]:
        """Return where it is, what it is on, and what it says."""
        found, model = self.rows[row], self.model
        kind = letter(model.view.kinds[found.seq], model.type_name(found.seq))
        when = (
            offset(model.view.timestamps[found.seq] - model.start_ms)
            if model.has_times
            else f"#{found.seq + 1}"
        )
        what = cut(f"{kind} {model.summary(found.seq)}", max(width // 2 - 14, 8))
        note = found.note or "(marked)"
        return [
            (f" {found.sign:<3}", "mark"), (pad(when, 10), "time"), (pad(what, max(width // 2 - 14, 8)), "text"),
            ("  ", "text"), (cut(note, max(width - width // 2 - 2, 8)), "text" if found.note else "dim"),
        ]  # fmt: skip


class ReviewScreen(ModalScreen[Choice]):
    """Marks and notes, a line each."""

    DEFAULT_CSS = """
    ReviewScreen { align: center middle; }
    ReviewScreen Vertical { width: 90%; height: 70%; background: $surface; border: round $primary; }
    ReviewScreen ReviewList { height: 1fr; }
    """

    def __init__(self, model: RunModel) -> None:
        super().__init__()
        self.list = ReviewList(model)

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical():
            yield Bar(
                lambda _: [(f" {count(self.list.row_count())} marks and notes", "heading")], id="review-title"
            )
            yield self.list
            keys = [("Enter", "go there"), ("D", "take away"), ("Esc", "close")]
            yield Bar(lambda width: footer(keys, width), id="review-keys")

    def on_mount(self) -> None:
        """Take the keys."""
        self.list.focus()

    def on_row_activated(self, message: RowActivated) -> None:
        """Go to what was clicked twice."""
        message.stop()
        self._choose()

    def on_key(self, event: events.Key) -> None:
        """Move, choose, take away or leave."""
        event.stop()
        if step := self.list.step_of(event):
            self.list.move(step)
        elif event.key == "enter":
            self._choose()
        elif event.character == "D":
            self._choose(take_away=True)
        elif event.key in ("escape", "q") or event.character == "M":
            self.dismiss(None)

    def _choose(self, *, take_away: bool = False) -> None:
        if self.list.rows:
            self.dismiss(Choice(self.list.rows[self.list.cursor], take_away))
