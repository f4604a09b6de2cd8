"""Marks and notes: set and left, gone to, listed; kept in the run as annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from tracetui.errors import TraceTuiError
from tracetui.model.change import Annotation
from tracetui.model.review import MARK, WITHDRAWS
from tracetui.model.text import printable
from tracetui.model.value import Value
from tracetui.render.figures import count
from tracetui.tui.control.following import Following
from tracetui.tui.messages import PromptCancelled, PromptSubmitted
from tracetui.tui.screens.listing import Choice, ListScreen
from tracetui.tui.view.review import ReviewRow, edited_fields, review_pieces, review_rows, why_not_edited
from tracetui.tui.view.run_model import RunModel, next_of
from tracetui.tui.widgets.row_list import RowList


class Reviewing(Following):
    """What is left on a trace shows at once: news are looked for when it is written."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self._noted = -1
        self._edited: Annotation | None = None
        """The note in whose place the one that is asked for comes."""

    def action_review_mark(self) -> None:
        """Mark the trace, or take the mark away."""
        seq = self.current.cursor_seq
        if not self.say_why_not("review.mark"):
            self._leave(seq, "", {MARK: not self.model.known_review.is_marked(seq)})

    def action_review_note(self) -> None:
        """Leave a note on the trace."""
        if not self.say_why_not("review.note"):
            self._ask_note(self.current.cursor_seq, None)

    def action_review_edit(self) -> None:
        """Edit the last note on the trace."""
        seq = self.current.cursor_seq
        if not self.say_why_not("review.edit"):
            self._edit_note(seq, self.model.known_review.notes(seq)[-1])

    def _edit_note(self, seq: int, note: Annotation | None) -> None:
        if why_not := why_not_edited(note):
            self.notify(why_not, markup=False, timeout=4)
        else:
            self._ask_note(seq, note)

    def _ask_note(self, seq: int, edited: Annotation | None) -> None:
        self._noted, self._edited = seq, edited
        self.prompt.ask("note", " note: ", "" if edited is None else printable(edited.note))
        self.redraw()

    def on_prompt_submitted(self, message: PromptSubmitted) -> None:
        """Keep the note."""
        if message.purpose == "note":
            message.stop()
            self.leave_prompt()
            text, edited = message.text.strip(), self._edited
            if text and (edited is None or text != edited.note):
                self._leave(self._noted, text, {} if edited is None else edited_fields(edited))

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
            found = review_rows(self.model.review)
            rows = RowList(partial(review_pieces, self.model), found, id="review")
            keys = {"enter": "go there", "e": "edit", "D": "take away"}
            title = f"{count(len(found))} marks and notes"
            self.app.push_screen(ListScreen(title, rows, keys, closes="M"), self._chosen)

    def _chosen(self, choice: Choice[ReviewRow] | None) -> None:
        """Go to what was chosen in the list, edit it, or take it away."""
        if choice is None:
            return
        row = choice.row
        if choice.key == "D":
            self._leave(row.seq, "", {WITHDRAWS: row.note_id} if row.note_id else {MARK: False})
        elif choice.key == "e":
            notes = self.model.review.notes(row.seq)
            self._edit_note(row.seq, next((note for note in notes if note.id == row.note_id), None))
        else:
            self.jump(row.seq)

    def review_reasons(self) -> dict[str, str | None]:
        """Return by action why it can do nothing now."""
        none = None if self.current.cursor_seq >= 0 else "there is no trace here"
        empty = None if self.model.review.seqs else "nothing is marked or noted in this run"
        return {
            "review.mark": none, "review.note": none, "review.next": empty, "review.previous": empty,
            "review.list": empty, "review.edit": none or why_not_edited(self._last_note()) or None,
        }  # fmt: skip

    def _last_note(self) -> Annotation | None:
        return next(iter(self.model.known_review.notes(self.current.cursor_seq)[-1:]), None)

    def _leave(self, seq: int, note: str, fields: Mapping[str, Value]) -> None:
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
