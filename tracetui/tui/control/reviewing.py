"""Marks and notes: set and left, gone to, listed; kept in the run as annotations."""

from __future__ import annotations

from collections.abc import Callable

from tracetui.errors import TraceTuiError
from tracetui.model.review import MARK, WITHDRAWS
from tracetui.model.text import printable
from tracetui.tui.control.following import Following
from tracetui.tui.messages import PromptCancelled, PromptSubmitted
from tracetui.tui.screens.review import Choice, ReviewScreen
from tracetui.tui.view.run_model import RunModel, next_of


class Reviewing(Following):
    """What is left on a trace shows at once: news are looked for when it is written."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self._noted = -1

    def action_review_mark(self) -> None:
        """Mark the trace, or take the mark away."""
        seq = self.current.cursor_seq
        if not self.say_why_not("review.mark"):
            self._leave(seq, "", {MARK: not self.model.known_review.is_marked(seq)})

    def action_review_note(self) -> None:
        """Leave a note on the trace."""
        if not self.say_why_not("review.note"):
            self._noted = self.current.cursor_seq
            self.prompt.ask("note", " note: ", "")
            self.redraw()

    def on_prompt_submitted(self, message: PromptSubmitted) -> None:
        """Keep the note."""
        if message.purpose == "note":
            message.stop()
            self.leave_prompt()
            if message.text.strip():
                self._leave(self._noted, message.text.strip(), {})

    def on_prompt_cancelled(self, message: PromptCancelled) -> None:
        """Leave no note."""
        if message.purpose == "note":
            message.stop()
            self.leave_prompt()

    def action_review_next(self) -> None:
        """Go to the next mark or note."""
        self._to_reviewed(1)

    def action_review_previous(self) -> None:
        """Go to the previous mark or note."""
        self._to_reviewed(-1)

    def _to_reviewed(self, step: int) -> None:
        if not self.say_why_not("review.next"):
            self.jump(next_of(self.model.review.seqs, self.current.cursor_seq, step))

    def action_review_list(self) -> None:
        """List the marks and notes."""
        if not self.say_why_not("review.list"):
            self.app.push_screen(ReviewScreen(self.model), self._chosen)

    def _chosen(self, choice: Choice | None) -> None:
        """Go to what was chosen in the list, or take it away."""
        if choice is None:
            return
        row = choice.row
        if choice.take_away:
            self._leave(row.seq, "", {WITHDRAWS: row.note_id} if row.note_id else {MARK: False})
        else:
            self.jump(row.seq)

    def review_reasons(self) -> dict[str, str | None]:
        """Return by action why it can do nothing now."""
        none = None if self.current.cursor_seq >= 0 else "there is no trace here"
        empty = None if self.model.review.seqs else "nothing is marked or noted in this run"
        return {
            "review.mark": none, "review.note": none, "review.next": empty, "review.previous": empty,
            "review.list": empty,
        }  # fmt: skip

    def _leave(self, seq: int, note: str, fields: dict[str, str | bool]) -> None:
        """Write an annotation, and show it."""
        if self._done(lambda: self.app.annotate(self.model, self.model.view.ids[seq], note, fields)):
            self.look_now()
            self.show_detail()
            if self.model.past is not None:
                self.notify("kept; it shows when you are back at now (G)", markup=False, timeout=3)
            self.redraw(rows=True)
            if "mark" in self.model.filter.text or "note" in self.model.filter.text:
                self.apply_filter(self.model.filter.text)

    def _done(self, action: Callable[[], object]) -> bool:
        try:
            action()
        except TraceTuiError as problem:
            self.notify(printable(str(problem)), severity="error", markup=False, timeout=10)
            return False
        return True
