"""Filtering by a query: from the prompt, from the panes, off and on, and for traces that come."""

from __future__ import annotations

from tracetui.errors import QueryError, TraceTuiError
from tracetui.model.clock import now_ms
from tracetui.model.text import printable
from tracetui.render.cells import cut
from tracetui.tui.control.base import RunScreen
from tracetui.tui.messages import (
    FilterChanged,
    FilterToSave,
    PanesClosed,
    PromptCancelled,
    PromptChanged,
    PromptSubmitted,
    TextWanted,
)
from tracetui.tui.screens.ask import AskScreen
from tracetui.tui.screens.listing import Choice, ListScreen
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.saved_filters import filter_pieces, keep, kept, rename
from tracetui.tui.widgets.row_list import RowList

PANE_TEXT, FILTER_NAME, NEW_NAME = "pane-text", "filter-name", "filter-new-name"
"""What the prompt is asked for on behalf of the panes, and of the list of kept filters."""


class Filtering(RunScreen):
    """Filters in a worker; first matches are shown at once."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self._renamed = ""

    def action_filter_open(self) -> None:
        """Filter by a query."""
        self.prompt.ask("filter", " filter & ", self.model.filter.text or None)
        self._hint_filter(self.prompt.remembered.get("filter", "") or self.model.filter.text)
        self.redraw()

    def action_filter_toggle(self) -> None:
        """Switch the filter off and on."""
        if not self.say_why_not("filter.toggle"):
            self.keeping_place(self.model.toggle_filter)

    def action_filter_facets(self) -> None:
        """Open or close the filter panes."""
        if self.facets.is_open:
            self.close_facets()
        else:
            self.facets.open(self.model.filter.text)
            self.redraw()

    def on_panes_closed(self, message: PanesClosed) -> None:
        """Put the filter panes away."""
        message.stop()
        self.close_facets()

    def on_filter_changed(self, message: FilterChanged) -> None:
        """Filter by what the panes say."""
        message.stop()
        self.apply_filter(message.text)

    def on_prompt_changed(self, message: PromptChanged) -> None:
        """Say how the query may go on, while one types it."""
        if message.purpose == "filter":
            message.stop()
            self._hint_filter(message.text)

    def on_prompt_submitted(self, message: PromptSubmitted) -> None:
        """Filter by the query, if it can be read."""
        text = message.text.strip()
        if message.purpose in (PANE_TEXT, FILTER_NAME):
            message.stop()
            self._to_panes()
            (self._add_text if message.purpose == PANE_TEXT else self._keep_filter)(text)
        if message.purpose == NEW_NAME:
            message.stop()
            self._to_panes()
            self._rename_kept(text)
        if message.purpose != "filter":
            return
        message.stop()
        if not text or self._check_filter(message.text):
            self.leave_prompt()
            self.apply_filter(text)
            self.facets.follow(text)

    def on_prompt_cancelled(self, message: PromptCancelled) -> None:
        """Leave the filter as it was."""
        if message.purpose == "filter":
            message.stop()
            self.leave_prompt()
        elif message.purpose in (PANE_TEXT, FILTER_NAME, NEW_NAME):
            message.stop()
            self._to_panes()

    def on_text_wanted(self, message: TextWanted) -> None:
        """Ask for a text to filter by."""
        message.stop()
        self.prompt.ask(PANE_TEXT, " text: ", "")
        self.redraw()

    def on_filter_to_save(self, message: FilterToSave) -> None:
        """Ask for a name for the filter."""
        message.stop()
        if self.facets.facets.text():
            self.prompt.ask(FILTER_NAME, " keep this filter as: ", "")
            self.redraw()
        else:
            self.notify("there is no filter to keep", markup=False, timeout=2)

    def _to_panes(self) -> None:
        self.leave_prompt()
        if self.facets.is_open:
            self.facets.list.focus()

    def _add_text(self, text: str) -> None:
        self.facets.facets.add_text(text)
        self.apply_filter(self.facets.facets.text())

    def _keep_filter(self, name: str) -> None:
        if name:
            keep(self.app.state, name, self.facets.facets.text())
            self.notify(f"kept: the palette has it as {printable(name)}", markup=False, timeout=3)

    def action_filter_kept(self) -> None:
        """List the filters that were kept under names."""
        found = list(kept(self.app.state).items())
        if self.say_why_not("filter.kept"):
            return
        rows = RowList(filter_pieces, found, id="kept-filters")
        keys = {"enter": "use", "R": "rename", "D": "delete"}
        title = f"{len(found)} kept filter{'' if len(found) == 1 else 's'}"
        self.app.push_screen(ListScreen(title, rows, keys, closes="O"), self._kept_chosen)

    def _kept_chosen(self, choice: Choice[tuple[str, str]] | None) -> None:
        """Use, rename or delete a kept filter; what cannot be undone is asked."""
        if choice is None:
            return
        name, text = choice.row
        if choice.key == "R":
            self._renamed = name
            self.prompt.ask(NEW_NAME, f" call {cut(printable(name), 20)}: ", printable(name))
            self.redraw()
        elif choice.key == "D":
            asked = AskScreen(f"Delete the kept filter {printable(name)}?\n\n{printable(text)}")
            self.app.push_screen(asked, lambda yes: self._delete_kept(name) if yes else None)
        else:
            self.use_filter(text)

    def _rename_kept(self, name: str) -> None:
        if name and name != printable(self._renamed) and not rename(self.app.state, self._renamed, name):
            said = f"not renamed: another filter is called {printable(name)}"
            self.notify(said, severity="warning", markup=False, timeout=4)

    def _delete_kept(self, name: str) -> None:
        keep(self.app.state, name, "")
        self.notify(f"deleted the kept filter {printable(name)}", markup=False, timeout=3)

    def use_filter(self, text: str) -> None:
        """Filter by a query that was kept, and let the panes show it."""
        self.apply_filter(text)
        self.facets.follow(text)

    def close_facets(self) -> None:
        """Put the filter panes away."""
        self.facets.close()
        self.current.focus()
        self.redraw()

    def _check_filter(self, text: str) -> bool:
        """Point at what is wrong with a query; return whether it can be read."""
        from tracetui.tui.view.filtering import check
        from tracetui.tui.view.prompting import place_of, words_of

        problem = check(text) if text.strip() else None
        if problem is not None:
            self.prompt.hint(words_of(problem), place_of(problem, text))
        return problem is None

    def _hint_filter(self, text: str) -> None:
        """Say below the prompt how the query may go on; what is wrong with it, if it may not."""
        from tracetui.querying.completion import complete

        found = complete(text, self.prompt.cursor, self.model.columns)
        candidates = [each for each in found if text[each.start : each.end] != each.text]
        if candidates or self._check_filter(text):
            self.prompt.offer(candidates)

    def apply_filter(self, text: str) -> None:
        """Show what matches and its ancestors; everything for no query."""
        from tracetui.tui.view.filtering import matches

        self.workers.cancel_group(self, "filter")
        if not text:
            self.keeping_place(self.model.clear_filter)
            return
        try:
            pieces = matches(self.model.columns, text, now_ms())
        except QueryError as problem:
            self.notify(printable(str(problem)), title="filter", severity="error", markup=False)
            return
        fresh = [True]

        def take(hits: list[int], done: bool) -> None:
            if fresh:
                fresh.clear()
                self.keeping_place(lambda: self.model.set_filter(text, hits, done=done))
            else:
                self.model.add_matches(hits, done=done)
                self.keeping_place(self.model.apply_filter)
            if done and not hits:
                self.notify("nothing matches; o shows everything", markup=False, timeout=3)

        def work() -> None:
            try:
                self.gather(pieces, take)
            except TraceTuiError as problem:
                self.app.call_from_thread(
                    self.notify, printable(str(problem)), severity="error", markup=False
                )

        self.run_worker(work, group="filter", thread=True, exit_on_error=False)

    def filter_news(self, seqs: set[int]) -> None:
        """Take what came into the filter that is set."""
        from tracetui.tui.view.filtering import matching

        self.model.add_matches(matching(self.model.columns, self.model.filter.text, sorted(seqs), now_ms()))
        self.model.apply_filter()
