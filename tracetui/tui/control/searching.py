"""Going to errors and to what was searched for; a search unfolds what it needs and folds it again."""

from __future__ import annotations

from tracetui.tui.control.base import RunScreen
from tracetui.tui.messages import PromptCancelled, PromptChanged, PromptSubmitted
from tracetui.tui.view.finding import find_text, pattern_of
from tracetui.tui.view.run_model import RunModel


class Searching(RunScreen):
    """Searches while one types, in a worker."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self._before_search = -1
        self._opened_for_search: set[int] = set()

    def action_error_next(self) -> None:
        """Go to the next error."""
        self._to_error(1)

    def action_error_previous(self) -> None:
        """Go to the previous error."""
        self._to_error(-1)

    def action_search_open(self) -> None:
        """Search for text."""
        self._before_search = self.current.cursor_seq
        self.prompt.ask("search", " regex / " if self.prompt.is_regex else " / ")
        self.redraw()

    def action_search_next(self) -> None:
        """Go to the next hit."""
        self._to_hit(1)

    def action_search_previous(self) -> None:
        """Go to the previous hit."""
        self._to_hit(-1)

    def on_prompt_changed(self, message: PromptChanged) -> None:
        """Search while one types, a moment later."""
        if message.purpose == "search":
            message.stop()
            self._search(message.text, is_regex=message.is_regex)

    def on_prompt_submitted(self, message: PromptSubmitted) -> None:
        """Keep the search."""
        if message.purpose == "search":
            message.stop()
            self.leave_prompt()
            if message.text:
                self._search(message.text, is_regex=message.is_regex)

    def on_prompt_cancelled(self, message: PromptCancelled) -> None:
        """Leave the search where it was begun, with the folds of then."""
        if message.purpose == "search":
            message.stop()
            self.clear_search()
            self.refold_search(self._before_search)
            if self._before_search >= 0:
                self.current.show_seq(self._before_search)
            self.leave_prompt()

    def _to_error(self, step: int) -> None:
        if not self.say_why_not("error.next"):
            self.jump(self.model.next_error(self.current.cursor_seq, step))

    def _to_hit(self, step: int) -> None:
        if not self.say_why_not("search.next"):
            hit = self.model.next_hit(self.current.cursor_seq, step)
            self._opened_for_search.update(self.model.tree.closed_above(hit))
            self.jump(hit)

    def refold_search(self, stay: int) -> None:
        """Fold again what the search unfolded, but for what holds the trace one stays at."""
        opened, self._opened_for_search = self._opened_for_search, set()
        closing = opened.difference(self.model.tree.holders(stay))
        if closing:
            self.keeping_place(lambda: self.model.tree.fold_seqs(closing))

    def _show_hit(self, seq: int) -> None:
        """Go to a hit, noting which folds that opens."""
        self.unpin()
        self._opened_for_search.update(self.model.tree.closed_above(seq))
        self.current.show_seq(seq)

    def clear_search(self) -> None:
        """Search for nothing."""
        self.workers.cancel_group(self, "search")
        self.model.set_search("", [])
        self.redraw(rows=True)

    def _search(self, text: str, *, is_regex: bool) -> None:
        self.workers.cancel_group(self, "search")
        if not text:
            self.clear_search()
            return
        try:
            pattern = pattern_of(text, is_regex=is_regex)
        except ValueError as problem:
            self.prompt.hint(f"expected {problem}")
            return
        self.prompt.hint("")
        pieces = find_text(self.model.columns, pattern)

        def work() -> None:
            self.gather(pieces, lambda hits, done: self._take_hits(text, hits, is_regex=is_regex, done=done))

        self.run_worker(work, group="search", thread=True, exit_on_error=False)

    def _take_hits(self, text: str, hits: list[int], *, is_regex: bool, done: bool) -> None:
        first = not self.model.search.hits or self.model.search.text != text
        self.model.set_search(text, hits, is_regex=is_regex, done=done)
        found = self.model.search.hits
        if first and found and self.prompt.is_open:
            start = max(self._before_search, 0)
            here = start if start in found[:1] else self.model.next_hit(start - 1, 1)
            self._show_hit(here)
        self.redraw(rows=True)
