"""Moving among the runs, their order and their filter."""

from __future__ import annotations

from tracetui.errors import QueryError
from tracetui.querying.completion import complete
from tracetui.querying.fields import RUN_FIELDS
from tracetui.tui.control.board.base import BoardScreen
from tracetui.tui.messages import CursorMoved, PromptCancelled, PromptChanged, PromptSubmitted
from tracetui.tui.view.picker import SORTS
from tracetui.tui.view.prompting import place_of, words_of


class Arranging(BoardScreen):
    """Filters while one types; a filter that cannot be read leaves the rows as they are."""

    def on_key(self) -> None:
        """Note that somebody is at the keys."""
        self.touched = True

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Show the card of the run under the cursor."""
        message.stop()
        self.show_card()

    def _move(self, step: int) -> None:
        self.touched = True
        for _ in range(2):  # where one was, and where one is now
            self.model.calm(self.current_id)
            self.lines.move(step)
            step = 0
        self.list.changed()

    def action_picker_down(self) -> None:
        """Move down."""
        self._move(1)

    def action_picker_up(self) -> None:
        """Move up."""
        self._move(-1)

    def action_picker_page_down(self) -> None:
        """Move down a screen."""
        self._move(self.lines.page)

    def action_picker_page_up(self) -> None:
        """Move up a screen."""
        self._move(-self.lines.page)

    def action_picker_top(self) -> None:
        """Go to the first run."""
        self._move(-(10**9))

    def action_picker_end(self) -> None:
        """Go to the last run."""
        self._move(10**9)

    def action_picker_next_failed(self) -> None:
        """Go to the next run that did not end well."""
        self._to_failed(1)

    def action_picker_previous_failed(self) -> None:
        """Go to the run before that did not end well."""
        self._to_failed(-1)

    def _to_failed(self, step: int) -> None:
        rows, here = self.model.rows, self.list.cursor
        numbers = [(here + step * n) % len(rows) for n in range(1, len(rows) + 1)] if rows else []
        found = next((number for number in numbers if rows[number].is_bad), None)
        if found is None:
            self.notify("no run here failed", markup=False, timeout=2)
        else:
            self._move(found - here)

    # ---- order -------------------------------------------------------------------------------------------

    def action_picker_sort(self) -> None:
        """Sort by another column."""
        self.sort_by(SORTS[(SORTS.index(self.model.sort) + 1) % len(SORTS)])

    def action_picker_reverse(self) -> None:
        """Turn the order round."""
        self.sort_by(self.model.sort)

    def sort_by(self, name: str) -> None:
        """Sort by a column; by the one that is sorted by turns round."""
        self.keeping_place(lambda: self.model.sort_by(name))
        self.app.keep_order(self.model)

    # ---- filter ------------------------------------------------------------------------------------------

    def action_picker_filter(self) -> None:
        """Filter the runs."""
        self.prompt.ask("runs", " filter & ", self.model.filter)
        self.show_card()

    def on_prompt_changed(self, message: PromptChanged) -> None:
        """Filter while one types; say how the query may go on, or what is wrong with it."""
        message.stop()
        if message.purpose == "runs":
            problem: list[QueryError | None] = []
            self.keeping_place(lambda: problem.append(self.model.set_filter(message.text)))
            self._hint(message.text, problem[0])

    def _hint(self, text: str, problem: QueryError | None) -> None:
        found = complete(text, self.prompt.cursor, None, RUN_FIELDS) if text.strip() else []
        candidates = [each for each in found if text[each.start : each.end] != each.text]
        if candidates or problem is None:
            self.prompt.offer(candidates)
        else:
            self.prompt.hint(words_of(problem), place_of(problem, text))

    def on_prompt_submitted(self, message: PromptSubmitted) -> None:
        """Keep the filter, if it can be read."""
        if message.purpose != "runs":
            return
        message.stop()
        problem = self.model.set_filter(message.text)
        if problem is not None:
            self.prompt.hint(words_of(problem), place_of(problem, message.text))
            return
        self.leave_prompt()

    def on_prompt_cancelled(self, message: PromptCancelled) -> None:
        """Clear the filter."""
        message.stop()
        if message.purpose == "runs":
            self.clear_filter()
        self.leave_prompt()

    def leave_prompt(self) -> None:
        """Put the prompt away."""
        self.prompt.close()
        self.app.keep_prompts()
        self.list.focus()
        self.show_card()

    def clear_filter(self) -> None:
        """Show all runs."""
        self.keeping_place(lambda: self.model.set_filter(""))
