"""The main screen: one run, its tree and the detail of a trace, searched, filtered and followed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.screen import Screen
from textual.timer import Timer
from textual.worker import get_current_worker

from tracetui.errors import QueryError, RunNotFoundError, TraceTuiError
from tracetui.model.clock import now_ms
from tracetui.model.text import printable
from tracetui.tui.actions import MAIN, actions_of, key_name
from tracetui.tui.messages import (
    CursorMoved,
    FilterChanged,
    PanesClosed,
    PromptCancelled,
    PromptChanged,
    PromptSubmitted,
    RowActivated,
    TraceChosen,
)
from tracetui.tui.view.finding import find_text, pattern_of
from tracetui.tui.view.glyphs import glyphs
from tracetui.tui.view.header import breadcrumb, footer, truth_line, why_line
from tracetui.tui.view.minimap import Cell, minimap
from tracetui.tui.view.row_text import METRICS, TIME_FORMATS, RowStyle
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.tree_model import ORPHANS
from tracetui.tui.widgets.bars import Bar, MinimapBar
from tracetui.tui.widgets.detail import DetailPane
from tracetui.tui.widgets.facets import FacetsPane
from tracetui.tui.widgets.prompt import Prompt
from tracetui.tui.widgets.tree import TraceTreeView

if TYPE_CHECKING:
    from tracetui.tui.app import ExplorerApp

DETAIL_SECONDS = 0.05
FOLLOW_SECONDS = 0.5
POLL_SECONDS, LIVE_POLL_SECONDS, IDLE_POLL_SECONDS, FAILED_POLL_SECONDS = 0.1, 0.5, 1.0, 10.0
"""From look to look at a run: while news come, while a live one is silent, when it ended, after a refusal."""
TICK_SECONDS = 1.0
SIDE_BY_SIDE_FROM, STACKED_FROM = 120, 90
"""Widths in cells: from here on the detail is beside the tree, or below it; narrower, it takes the screen."""


class MainScreen(Screen[None]):
    """One run."""

    DEFAULT_CSS = """
    MainScreen #body { height: 1fr; layout: horizontal; }
    MainScreen TraceTreeView { width: 3fr; height: 1fr; }
    MainScreen DetailPane { width: 2fr; border-left: solid $surface-lighten-2; }
    MainScreen.stacked #body { layout: vertical; }
    MainScreen.stacked TraceTreeView { width: 1fr; height: 3fr; }
    MainScreen.stacked DetailPane { width: 1fr; height: 2fr; border-left: none; border-top: solid $surface-lighten-2; }
    MainScreen.narrow DetailPane { display: none; }
    MainScreen.narrow TraceTreeView { width: 1fr; }
    MainScreen.narrow.reading TraceTreeView { display: none; }
    MainScreen.narrow.reading DetailPane { display: block; width: 1fr; border-left: none; }
    """

    BINDINGS = [  # noqa: RUF012 - Textual's name and shape
        Binding(action.keys, action.method, action.title, show=False)
        for action in actions_of(MAIN)
        if action.keys
    ]

    app: ExplorerApp

    def __init__(self, model: RunModel, *, seq: int = -1, query: str = "") -> None:
        super().__init__()
        self.model = model
        self.row_style = RowStyle(glyphs(ascii_only=False))
        self.tree_view = TraceTreeView(model, self.row_style)
        self.detail = DetailPane()
        self.prompt = Prompt()
        self.facets = FacetsPane(model)
        self.pinned = False
        self.missed = 0
        self._first_seq = seq
        self._first_query = query
        self._jumps: list[int] = []
        self._before_search = -1
        self._opened_for_search: set[int] = set()
        self._last_absorb = 0.0
        self._pending: list[object] = []
        self._poll_seconds = POLL_SECONDS
        self._touched = False
        self._importing = False
        self._detail_timer: Timer | None = None

    # ---- laying out --------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay out the lines and the body."""
        yield Bar(lambda width: breadcrumb(self.model, self.app.place, width), id="breadcrumb")
        yield Bar(lambda width: why_line(self.model, width), id="why")
        yield MinimapBar(self._map_cells, self._where)
        with Container(id="body"):
            yield self.facets
            yield self.tree_view
            yield self.detail
        yield Bar(self._truth, id="truth")
        yield self.prompt
        yield Bar(lambda width: footer(self._footer_keys(), width), id="footer")

    def on_mount(self) -> None:
        """Land on what ended the run."""
        self.row_style.glyphs = glyphs(ascii_only=self.app.ascii_only)
        self.tree_view.focus()
        self.set_timer(POLL_SECONDS, self._poll)
        self.set_interval(TICK_SECONDS, self._tick)
        self.call_after_refresh(self._land)

    def on_key(self) -> None:
        """Note that somebody is at the keys: from now on the cursor goes nowhere by itself."""
        self._touched = True

    def _land(self) -> None:
        seq = self._first_seq if self._first_seq >= 0 else self.model.verdict.landing
        self.pinned = self._first_seq < 0 and self.model.verdict.label == "LIVE"
        if self.pinned and self.model.view.count:
            self._go_to_newest()
        elif seq >= 0:
            self.tree_view.show_seq(seq)
        self._show_detail()
        if self._first_query:
            self._apply_filter(self._first_query)

    def on_resize(self) -> None:
        """Choose the layout for the width."""
        width = self.app.size.width
        self.set_class(STACKED_FROM <= width < SIDE_BY_SIDE_FROM, "stacked")
        self.set_class(width < STACKED_FROM, "narrow")

    # ---- the lines ---------------------------------------------------------------------------------------

    def _map_cells(self, width: int) -> list[Cell]:
        model = self.model
        shown = model.filter.shown.__contains__ if model.is_filtered else None
        errors = {error.seq for error in model.errors.found}
        cursor, hits = self.tree_view.cursor_seq, model.search.hits
        return minimap(model.view, width, errors, model.verdict.terminal, cursor, shown, hits)

    def _where(self) -> str:
        seq = self.tree_view.cursor_seq
        if seq < 0:
            return ""
        return f"trace {seq + 1} of {self.model.view.count}"

    def _truth(self, width: int) -> list[tuple[str, str]]:
        live = self._live_words()
        return truth_line(self.model, self.tree_view.cursor, self.row_style.metric, live, width)

    def _live_words(self) -> str:
        if self.model.verdict.label != "LIVE":
            return self.app.import_progress
        if self.pinned:
            return "LIVE"
        return f"PAUSED +{self.missed} of {self.model.view.count}" if self.missed else "LIVE (F follows)"

    def _footer_keys(self) -> list[tuple[str, str]]:
        if self.prompt.is_open:
            own = [("Ctrl+r", "regex")] if self.prompt.purpose == "search" else [("Tab", "complete")]
            return [("Enter", "keep"), ("Esc", "leave"), *own]
        if self.facets.is_open and self.facets.has_focus_within:
            return [("Space", "include"), ("x", "exclude"), ("c", "clear"), ("Tab", "tree"), ("Esc", "close")]
        if self.detail.has_focus_within:
            keys = [("Esc", "tree"), (", .", "tabs"), ("Space", "fold"), ("w", "wrap"), ("y", "yank")]
            return [*keys, ("Enter", "follow link"), ("?", "help")]
        shown = [
            (key_name(action.keys.split(",")[0]), action.footer)
            for action in actions_of(MAIN)
            if action.footer and self.disabled_reason(action.id) is None
        ]
        return [*shown, ("q", "back")]

    def redraw(self, *, rows: bool = False) -> None:
        """Draw the lines anew, and the rows if asked."""
        if rows:
            self.tree_view.changed()
        for bar in self.query(Bar):
            bar.refresh()
        self.query_one(MinimapBar).refresh()

    def disabled_reason(self, action: str) -> str | None:
        """Return why an action can do nothing now, None if it can."""
        model = self.model
        reasons = {
            "error.next": None if model.errors.found else "this run has no errors",
            "error.previous": None if model.errors.found else "this run has no errors",
            "search.next": None if model.search.hits else "nothing was searched for, or nothing found",
            "search.previous": None if model.search.hits else "nothing was searched for, or nothing found",
            "filter.toggle": None if model.filter.text else "there is no filter",
            "view.unzoom": None if model.tree.root is not None else "everything is shown",
            "run.follow": None if model.verdict.label == "LIVE" else "this run is not live",
            "cursor.back": None if self._jumps else "nowhere to go back to",
        }
        return reasons.get(action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Let keys go to the prompt while it asks."""
        return not self.prompt.is_open or action == "app_back"

    def _say_why_not(self, action: str) -> bool:
        reason = self.disabled_reason(action)
        if reason is not None:
            self.notify(reason, markup=False, timeout=2)
        return reason is not None

    # ---- moving ------------------------------------------------------------------------------------------

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Follow the cursor with the detail, a moment later."""
        if message.sender_id != "tree":
            return
        if self._detail_timer is not None:
            self._detail_timer.stop()
        self._detail_timer = self.set_timer(DETAIL_SECONDS, self._show_detail)
        self.query_one("#truth", Bar).refresh()
        self.query_one(MinimapBar).refresh()

    def _show_detail(self) -> None:
        seq = self.tree_view.cursor_seq
        self.detail.show(self.model, seq)
        for line in self.query("#footer"):
            line.refresh()

    @property
    def _lists(self) -> TraceTreeView:
        return self.tree_view

    def _active(self) -> object:
        if self.detail.has_focus_within:
            return self.detail.view
        if self.facets.is_open and self.facets.has_focus_within:
            return self.facets.list
        return self.tree_view

    def _move(self, step: int) -> None:
        from tracetui.tui.widgets.lines import Lines

        target = self._active()
        if isinstance(target, Lines):
            if target is self.tree_view and step < 0:
                self._unpin()
            target.move(step)

    def _page(self) -> int:
        from tracetui.tui.widgets.lines import Lines

        target = self._active()
        return target.page if isinstance(target, Lines) else 10

    def action_cursor_down(self) -> None:
        """Move down."""
        self._move(1)

    def action_cursor_up(self) -> None:
        """Move up."""
        self._move(-1)

    def action_cursor_half_down(self) -> None:
        """Move down half a screen."""
        self._move(self._page() // 2)

    def action_cursor_half_up(self) -> None:
        """Move up half a screen."""
        self._move(-(self._page() // 2))

    def action_cursor_page_down(self) -> None:
        """Move down a screen."""
        self._move(self._page())

    def action_cursor_page_up(self) -> None:
        """Move up a screen."""
        self._move(-self._page())

    def action_cursor_top(self) -> None:
        """Go to the first row."""
        self._move(-(10**9))

    def action_cursor_end(self) -> None:
        """Go to the last row; on a live run, follow it."""
        if self._active() is self.tree_view and self.model.verdict.label == "LIVE":
            self.action_run_follow()
        else:
            self._move(10**9)

    def action_cursor_next_sibling(self) -> None:
        """Go to the next sibling."""
        self.tree_view.go_to(self.model.tree.sibling_row(self.tree_view.cursor, 1))

    def action_cursor_previous_sibling(self) -> None:
        """Go to the previous sibling."""
        self._unpin()
        self.tree_view.go_to(self.model.tree.sibling_row(self.tree_view.cursor, -1))

    def jump(self, seq: int) -> None:
        """Go to a trace, remembering where one was."""
        here = self.tree_view.cursor_seq
        if here >= 0 and here != seq:
            self._jumps.append(here)
            del self._jumps[:-100]
        if not self.tree_view.show_seq(seq):
            self.notify("the filter hides it; o shows everything", markup=False, timeout=2)

    def action_cursor_back(self) -> None:
        """Go back to where one was before a jump."""
        if not self._say_why_not("cursor.back"):
            self.tree_view.show_seq(self._jumps.pop())

    def action_scroll_left(self) -> None:
        """Scroll the detail to the left."""
        self.detail.view.shift_x = max(self.detail.view.shift_x - 20, 0)
        self.detail.view.changed()

    def action_scroll_right(self) -> None:
        """Scroll the detail to the right, where lines are not wrapped."""
        if not self.detail.view.document.wrap:
            self.detail.view.shift_x += 20
            self.detail.view.changed()

    # ---- folding -----------------------------------------------------------------------------------------

    def _refold(self, changed: bool) -> None:
        if changed:
            self.tree_view.changed()
            self.query_one("#truth", Bar).refresh()

    def action_fold_toggle(self) -> None:
        """Fold or unfold."""
        if self.detail.has_focus_within:
            self.detail.view.toggle()
        elif self.facets.is_open and self.facets.has_focus_within:
            self.facets.include()
        elif len(self.model.tree):
            self._refold(self.model.tree.toggle(self.tree_view.cursor))

    def action_fold_close(self) -> None:
        """Fold, or go to the parent."""
        if not len(self.model.tree) or self._active() is not self.tree_view:
            return
        if self.model.tree.fold(self.tree_view.cursor):
            self._refold(True)
        elif (row := self.model.tree.parent_row(self.tree_view.cursor)) >= 0:
            self._unpin()
            self.tree_view.go_to(row)

    def action_fold_open(self) -> None:
        """Unfold, or go to the first child."""
        if not len(self.model.tree) or self._active() is not self.tree_view:
            return
        tree, row = self.model.tree, self.tree_view.cursor
        if tree.unfold(row):
            self._refold(True)
        elif row + 1 < len(tree) and tree.depths[row + 1] > tree.depths[row]:
            self.tree_view.go_to(row + 1)

    def action_fold_all(self) -> None:
        """Fold everything."""
        if self.detail.has_focus_within:
            self.detail.view.document.fold_all(folded=True)
            self.detail.view.changed()
            return
        self._keeping_place(self.model.tree.fold_all)

    def action_fold_none(self) -> None:
        """Unfold everything."""
        if self.detail.has_focus_within:
            self.detail.view.document.fold_all(folded=False)
            self.detail.view.changed()
            return
        self._keeping_place(self.model.tree.unfold_all)

    def _keeping_place(self, change: object) -> None:
        """Do something to the rows; the cursor stays with its trace, or its nearest shown neighbour."""
        seq = self.tree_view.cursor_seq
        if callable(change):
            change()
        self.tree_view.changed()
        if seq != -1:
            row = self.model.tree.row_of(seq)
            self.tree_view.go_to(row if row >= 0 else self.model.tree.nearest(seq) if seq != ORPHANS else 0)
            self.tree_view.center()
        if self.facets.is_open:
            self.facets.recount()
        self.redraw()

    # ---- errors, search, filter --------------------------------------------------------------------------

    def action_error_next(self) -> None:
        """Go to the next error."""
        self._to_error(1)

    def action_error_previous(self) -> None:
        """Go to the previous error."""
        self._to_error(-1)

    def _to_error(self, step: int) -> None:
        if not self._say_why_not("error.next"):
            self._unpin()
            self.jump(self.model.next_error(self.tree_view.cursor_seq, step))

    def action_search_open(self) -> None:
        """Search for text."""
        self._before_search = self.tree_view.cursor_seq
        self.prompt.ask("search", " regex / " if self.prompt.is_regex else " / ")
        self.redraw()

    def action_search_next(self) -> None:
        """Go to the next hit."""
        self._to_hit(1)

    def action_search_previous(self) -> None:
        """Go to the previous hit."""
        self._to_hit(-1)

    def _to_hit(self, step: int) -> None:
        if not self._say_why_not("search.next"):
            self._unpin()
            hit = self.model.next_hit(self.tree_view.cursor_seq, step)
            self._opened_for_search.update(self.model.tree.closed_above(hit))
            self.jump(hit)

    def action_filter_open(self) -> None:
        """Filter by a query."""
        self.prompt.ask("filter", " filter & ", self.model.filter.text or None)
        self._hint_filter(self.prompt.remembered.get("filter", "") or self.model.filter.text)
        self.redraw()

    def action_filter_toggle(self) -> None:
        """Switch the filter off and on."""
        if not self._say_why_not("filter.toggle"):
            self.model.filter.enabled = not self.model.filter.enabled
            self._keeping_place(self.model.apply_filter)

    def action_filter_facets(self) -> None:
        """Open or close the filter panes."""
        if self.facets.is_open:
            self._close_facets()
        else:
            self.facets.open(self.model.filter.text)
            self.redraw()

    def _close_facets(self) -> None:
        self.facets.close()
        self.tree_view.focus()
        self.redraw()

    def on_panes_closed(self, message: PanesClosed) -> None:
        """Put the filter panes away."""
        message.stop()
        self._close_facets()

    def on_filter_changed(self, message: FilterChanged) -> None:
        """Filter by what the panes say."""
        message.stop()
        self._apply_filter(message.text)

    def on_prompt_changed(self, message: PromptChanged) -> None:
        """Search and filter while one types, a moment later."""
        message.stop()
        if message.purpose == "search":
            self._search(message.text, is_regex=message.is_regex)
        elif message.purpose == "filter":
            self._hint_filter(message.text)

    def on_prompt_submitted(self, message: PromptSubmitted) -> None:
        """Keep the search, or filter by the query."""
        message.stop()
        if message.purpose == "search":
            self._leave_prompt()
            if message.text:
                self._search(message.text, is_regex=message.is_regex)
        elif message.purpose == "filter":
            if message.text.strip() and not self._check_filter(message.text):
                return
            self._leave_prompt()
            self._apply_filter(message.text.strip())
            self.facets.follow(message.text.strip())

    def on_prompt_cancelled(self, message: PromptCancelled) -> None:
        """Leave a search where it was begun, with the folds of then; a filter stays as it was."""
        message.stop()
        if message.purpose == "search":
            self._clear_search()
            self._refold_search(self._before_search)
            if self._before_search >= 0:
                self.tree_view.show_seq(self._before_search)
        self._leave_prompt()

    def _refold_search(self, stay: int) -> None:
        """Fold again what the search unfolded, but for what holds the trace one stays at."""
        opened, self._opened_for_search = self._opened_for_search, set()
        closing = opened.difference(self.model.tree.ancestors(stay))
        if closing:
            self._keeping_place(lambda: self.model.tree.fold_seqs(closing))

    def _show_hit(self, seq: int) -> None:
        """Go to a hit, noting which folds that opens."""
        self._opened_for_search.update(self.model.tree.closed_above(seq))
        self.tree_view.show_seq(seq)

    def _leave_prompt(self) -> None:
        self.prompt.close()
        self.tree_view.focus()
        self.redraw()

    def _clear_search(self) -> None:
        self.workers.cancel_group(self, "search")
        self.model.set_search("", [])
        self.redraw(rows=True)

    def _search(self, text: str, *, is_regex: bool) -> None:
        self.workers.cancel_group(self, "search")
        if not text:
            self._clear_search()
            return
        try:
            pattern = pattern_of(text, is_regex=is_regex)
        except re.error as problem:
            self.prompt.hint(f"no regular expression: {problem}")
            return
        self.prompt.hint("")
        pieces = find_text(self.model.view, pattern, literal="" if is_regex else text)

        def work() -> None:
            self._gather(pieces, lambda hits, done: self._take_hits(text, hits, is_regex=is_regex, done=done))

        self.run_worker(work, group="search", thread=True, exit_on_error=False)

    def _gather(self, pieces: Iterator[list[int]], tell: object) -> None:
        """In a worker: collect hits and hand them over a few times a second, first ones at once."""
        worker = get_current_worker()
        hits: list[int] = []
        told, last = 0, 0.0
        for piece in pieces:
            if worker.is_cancelled:
                return
            hits += piece
            if len(hits) > told and (not told or time.monotonic() - last > 0.2):
                told, last = len(hits), time.monotonic()
                self.app.call_from_thread(tell, list(hits), False)  # type: ignore[arg-type]
        if not worker.is_cancelled:
            self.app.call_from_thread(tell, hits, True)  # type: ignore[arg-type]

    def _take_hits(self, text: str, hits: list[int], *, is_regex: bool, done: bool) -> None:
        first = not self.model.search.hits or self.model.search.text != text
        self.model.set_search(text, hits, is_regex=is_regex, done=done)
        if first and hits and self.prompt.is_open:
            start = max(self._before_search, 0)
            here = start if start in hits[:1] else self.model.next_hit(start - 1, 1)
            self._show_hit(here)
        self.redraw(rows=True)

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

        found = complete(text, self.prompt.cursor, self.model.view)
        candidates = [each for each in found if text[each.start : each.end] != each.text]
        if candidates or self._check_filter(text):
            self.prompt.offer(candidates)

    def _apply_filter(self, text: str) -> None:
        from tracetui.tui.view.filtering import matches

        self.workers.cancel_group(self, "filter")
        if not text:
            self._keeping_place(self.model.clear_filter)
            return
        try:
            pieces = matches(self.model.view, text, now_ms())
        except QueryError as problem:
            self.notify(printable(str(problem)), title="filter", severity="error", markup=False)
            return
        fresh = [True]

        def take(hits: list[int], done: bool) -> None:
            if fresh:
                fresh.clear()
                self._keeping_place(lambda: self.model.set_filter(text, hits, done=done))
            else:
                self.model.add_matches(hits)
                self.model.filter.done = done
                self._keeping_place(self.model.apply_filter)
            if done and not hits:
                self.notify("nothing matches; o shows everything", markup=False, timeout=3)

        def work() -> None:
            try:
                self._gather(pieces, take)
            except TraceTuiError as problem:
                self.app.call_from_thread(
                    self.notify, printable(str(problem)), severity="error", markup=False
                )

        self.run_worker(work, group="filter", thread=True, exit_on_error=False)

    # ---- showing -----------------------------------------------------------------------------------------

    def action_view_metric(self) -> None:
        """Show another metric."""
        if self.facets.is_open and self.facets.has_focus_within:
            self.facets.clear()
            return
        at = METRICS.index(self.row_style.metric)
        self.row_style.metric = METRICS[(at + 1) % len(METRICS)]
        self.redraw(rows=True)

    def action_view_time(self) -> None:
        """Show times another way."""
        at = TIME_FORMATS.index(self.row_style.time_format)
        self.row_style.time_format = TIME_FORMATS[(at + 1) % len(TIME_FORMATS)]
        self.redraw(rows=True)

    def action_view_zoom(self) -> None:
        """Show the subtree under the cursor alone."""
        seq = self.tree_view.cursor_seq
        if seq >= 0:
            self._keeping_place(lambda: self.model.tree.zoom(seq))

    def action_view_unzoom(self) -> None:
        """Show everything again."""
        if not self._say_why_not("view.unzoom"):
            self._keeping_place(lambda: self.model.tree.zoom(None))

    def action_view_focus(self) -> None:
        """Go from tree to detail and back, by way of the filter panes if they are open."""
        if self.has_class("narrow"):
            self.toggle_class("reading")
        if self.facets.is_open and self.tree_view.has_focus:
            self.facets.list.focus()
        elif self.detail.has_focus_within or (self.has_class("narrow") and not self.has_class("reading")):
            self.tree_view.focus()
        elif self.facets.is_open and self.facets.has_focus_within and not self.has_class("narrow"):
            self.detail.view.focus()
        else:
            self.detail.view.focus()
        self.redraw()

    def action_view_enter(self) -> None:
        """Open the detail; in it, follow the link under the cursor."""
        if self.detail.has_focus_within:
            link = self.detail.view.link()
            if link >= 0:
                self.jump(link)
                self._to_tree()
            else:
                self.detail.view.toggle()
        elif self.facets.is_open and self.facets.has_focus_within:
            self.facets.include()
        elif self.tree_view.cursor_seq == ORPHANS:
            self.action_fold_toggle()
        else:
            self._show_detail()
            self.add_class("reading")
            self.detail.view.focus()
        self.redraw()

    def _to_tree(self) -> None:
        self.remove_class("reading")
        self.tree_view.focus()
        self.redraw()

    def on_trace_chosen(self, message: TraceChosen) -> None:
        """Go to a trace that was clicked."""
        message.stop()
        self._unpin()
        self.jump(message.seq)
        self._to_tree()

    def on_row_activated(self, message: RowActivated) -> None:
        """Fold with the mouse; open the detail with a second click."""
        if message.sender_id == "tree":
            message.stop()
            if message.fold:
                self._refold(self.model.tree.toggle(message.row))
            else:
                self.action_view_enter()

    def action_detail_next_tab(self) -> None:
        """Show the next tab."""
        self.detail.turn_tab(1)

    def action_detail_previous_tab(self) -> None:
        """Show the previous tab."""
        self.detail.turn_tab(-1)

    def action_detail_wrap(self) -> None:
        """Wrap long lines, or not."""
        self.detail.view.toggle_wrap()

    # ---- following ---------------------------------------------------------------------------------------

    def _poll(self) -> None:
        """Look for news; at most twice a second put it on the screen. Silence makes the looks rarer."""
        try:
            self._pending += self.model.refresh()
        except RunNotFoundError:
            self._gone()
            return
        except TraceTuiError as problem:
            self.notify(printable(str(problem)), severity="error", markup=False)
            self._poll_seconds = FAILED_POLL_SECONDS
        else:
            self._take_news()
        self.set_timer(self._poll_seconds, self._poll)

    def _take_news(self) -> None:
        live = self.model.verdict.label == "LIVE" or bool(self.app.import_progress)
        if not self._pending:
            rarest = LIVE_POLL_SECONDS if live else IDLE_POLL_SECONDS
            self._poll_seconds = min(self._poll_seconds * 1.5, rarest)
            return
        self._poll_seconds = POLL_SECONDS
        if time.monotonic() - self._last_absorb >= FOLLOW_SECONDS:
            self._absorb()

    def _absorb(self) -> None:
        self._last_absorb = time.monotonic()
        changes, self._pending = self._pending, []
        seq = self.tree_view.cursor_seq
        before = self.model.view.count - sum(
            1 for change in changes if getattr(change, "kind", "") == "trace"
        )
        self.model.absorb(changes)  # type: ignore[arg-type]
        fresh = self.model.view.count - before
        touched = {getattr(change, "seq", -1) for change in changes}
        if self.model.filter.text:
            self._filter_news(touched - {-1})
        if self.pinned:
            self._go_to_newest()
        else:
            self.missed += fresh if self.model.verdict.label == "LIVE" else 0
            self._stay_at(seq)
            if not self._touched and (before == 0 or self.app.import_progress or self._importing):
                self._importing = bool(self.app.import_progress)
                self._land()
        if seq in touched:
            self._show_detail()
        if self.facets.is_open:
            self.facets.recount()
        self.redraw(rows=True)

    def _stay_at(self, seq: int) -> None:
        """Keep the cursor on its trace, and the trace where it is on the screen, whatever came above it."""
        tree, view = self.model.tree, self.tree_view
        row, before = (tree.nearest(seq) if seq >= 0 else view.cursor), view.cursor
        view.changed()
        if row != before:
            view.set_reactive(TraceTreeView.cursor, row)
            view.scroll_to(y=view.scroll_offset.y + row - before, animate=False, immediate=True)

    def _filter_news(self, seqs: set[int]) -> None:
        from tracetui.tui.view.filtering import matching

        self.model.add_matches(matching(self.model.view, self.model.filter.text, sorted(seqs), now_ms()))
        self.model.apply_filter()

    def _go_to_newest(self) -> None:
        """Put the cursor on the newest trace that is shown, without opening a fold."""
        rows = self.model.tree.rows
        self.missed = 0
        self.tree_view.changed()
        if rows:
            newest = max(range(max(len(rows) - 500, 0), len(rows)), key=rows.__getitem__)
            self.tree_view.go_to(newest)

    def _unpin(self) -> None:
        if self.pinned:
            self.pinned = False
            self.redraw()

    def action_run_follow(self) -> None:
        """Keep the newest trace in view."""
        if not self._say_why_not("run.follow"):
            self.pinned = True
            self._go_to_newest()
            self.redraw()

    def _tick(self) -> None:
        """Let open calls tick, and notice that time alone changed the verdict."""
        if self.model.verdict.label == "LIVE":
            self.row_style.now_ms = now_ms()
            if self.model.rejudge():
                self.pinned = False
                self.redraw(rows=True)
            elif self.tree_view.shows_open():
                self.tree_view.changed()

    def _gone(self) -> None:
        self.notify(
            "this run was deleted; what is on the screen is the last that was read",
            markup=False,
            severity="warning",
        )

    # ---- leaving -----------------------------------------------------------------------------------------

    def action_app_back(self) -> None:
        """Go one step back: prompt, detail, panes, zoom, search; never out of the explorer."""
        if self.prompt.is_open:
            self.prompt.close()
            self._leave_prompt()
        elif self.detail.has_focus_within or self.has_class("reading"):
            self._to_tree()
        elif self.facets.is_open:
            self._close_facets()
        elif self.model.search.text:
            self._clear_search()
            self._refold_search(self.tree_view.cursor_seq)
        elif self.model.tree.root is not None:
            self.action_view_unzoom()

    def action_app_quit_or_back(self) -> None:
        """Go back, at the top to the runs, from there out."""
        if self.detail.has_focus_within or self.facets.is_open or self.has_class("reading"):
            self.action_app_back()
        else:
            self.app.leave_run()

    def action_run_picker(self) -> None:
        """Show all runs."""
        self.app.show_picker()

    def action_run_previous(self) -> None:
        """Open the run before this one."""
        self.app.open_neighbour(self.model.run.id, 1)

    def action_run_next(self) -> None:
        """Open the run after this one."""
        self.app.open_neighbour(self.model.run.id, -1)

    def action_copy_menu(self) -> None:
        """Offer what can be copied."""
        from tracetui.tui.screens.copy import CopyScreen

        self.app.push_screen(
            CopyScreen(self.model, self.tree_view.cursor_seq, self.app.place), self.app.copy_text
        )
