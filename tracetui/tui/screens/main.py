"""The main screen: one run, a view of it and the detail of a trace, with the lines around them.

It lays out, says which keys work now, and goes back; what keys do is in ``tracetui.tui.control``.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container

from tracetui.tui.actions import DIFF, FACETS, MAIN, actions_in, actions_of, first_key, without_keys
from tracetui.tui.control.comparing import Comparing
from tracetui.tui.control.explaining import Explaining
from tracetui.tui.control.moving import Moving
from tracetui.tui.control.returning import Returning
from tracetui.tui.control.reviewing import Reviewing
from tracetui.tui.control.searching import Searching
from tracetui.tui.control.taking import Taking
from tracetui.tui.control.timing import Timing
from tracetui.tui.control.travelling import Travelling
from tracetui.tui.view.glyphs import glyphs
from tracetui.tui.view.header import breadcrumb, footer, truth_line, why_line
from tracetui.tui.view.minimap import Cell, minimap
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.run_state import RunState
from tracetui.tui.view.saved_filters import kept
from tracetui.tui.widgets.bars import Bar, MinimapBar

SIDE_BY_SIDE_FROM, STACKED_FROM = 120, 90
"""Widths in cells: from here on the detail is beside the tree, or below it; narrower, it takes the screen."""


class MainScreen(Moving, Searching, Comparing, Returning, Timing, Travelling, Explaining, Reviewing, Taking):
    """One run."""

    DEFAULT_CSS = """
    MainScreen #body { height: 1fr; layout: horizontal; }
    MainScreen #work { width: 1fr; height: 1fr; layout: horizontal; }
    MainScreen RunPane { width: 3fr; height: 1fr; }
    MainScreen DetailPane { width: 2fr; border-left: solid $surface-lighten-2; }
    MainScreen.stacked #work { layout: vertical; }
    MainScreen.stacked RunPane { width: 1fr; height: 3fr; }
    MainScreen.stacked DetailPane { width: 1fr; height: 2fr; border-left: none; border-top: solid $surface-lighten-2; }
    MainScreen.detail-below #work { layout: vertical; }
    MainScreen.detail-below RunPane { width: 1fr; height: 3fr; }
    MainScreen.detail-below DetailPane { width: 1fr; height: 2fr; border-left: none; border-top: solid $surface-lighten-2; }
    MainScreen.narrow DetailPane { display: none; }
    MainScreen.narrow RunPane { width: 1fr; }
    MainScreen.narrow.reading RunPane { display: none; }
    MainScreen.narrow.reading DetailPane { display: block; width: 1fr; border-left: none; }
    MainScreen.full-width DetailPane { display: none; }
    MainScreen.full-width.reading DetailPane { display: block; }
    MainScreen RunPane.away { display: none; }
    """

    BINDINGS = [  # noqa: RUF012 - Textual's name and shape
        Binding(action.keys, action.method, action.title, show=False, id=action.id)
        for action in actions_of(MAIN)
        if action.keys
    ]

    def __init__(
        self,
        model: RunModel,
        *,
        seq: int = -1,
        query: str = "",
        view: str = "tree",
        beside: str = "",
        state: RunState | None = None,
    ) -> None:
        super().__init__(model)
        self._first_state = state
        self._first_seq = seq
        self._first_query = query
        self._first_view = view
        self._beside = beside

    def compose(self) -> ComposeResult:
        """Lay out the lines and the body."""
        yield Bar(lambda width: breadcrumb(self.model, self.app.place, width), id="breadcrumb")
        yield Bar(lambda width: self.current.heading(width) or why_line(self.model, width), id="why")
        yield MinimapBar(self._map_cells, self._where)
        with Container(id="body"):
            yield self.facets
            with Container(id="work"):
                yield self.tree_view
                yield self.detail
        yield Bar(self._truth, id="truth")
        yield self.prompt
        yield Bar(lambda width: self.app.guide.line(width) if self.app.guide else [], id="guide")
        yield Bar(lambda width: footer(self._footer_keys(), width), id="footer")

    def on_mount(self) -> None:
        """Land on what ended the run."""
        self.show_guide()
        self.row_style.glyphs = glyphs(ascii_only=self.app.ascii_only)
        self.row_style.metric, self.row_style.time_format = self.app.settings.metric, self.app.settings.time
        self.prompt.history = self.app.history
        self.current.focus()
        self.call_after_refresh(self.land)

    def show_guide(self) -> None:
        """Show the guide's line if there is a guide, drawn anew."""
        line = self.query_one("#guide")
        line.display = self.app.guide is not None
        line.refresh()

    def land(self) -> None:
        """Go to the trace that was asked for, to where one was, the newest of a live run, or what ended the run."""
        self.look_into_run()
        state = self._first_state
        if state is None or not self.return_to(state):
            self._land_anew()
        elif self._first_view == self.tree_view.name_of_view:
            self._first_view = state.view
        self.show_detail()
        self._show_first_view()
        if self._first_query:
            self.apply_filter(self._first_query)

    def _land_anew(self) -> None:
        """Go to the trace that was asked for, the newest of a live run, or what ended the run."""
        seq = self._first_seq if self._first_seq >= 0 else self.model.present.landing
        self.pinned = self._first_seq < 0 and self.model.present.label == "LIVE"
        if self.pinned and self.model.view.count:
            self.go_to_newest()
        elif seq >= 0:
            self.current.show_seq(seq)

    def _show_first_view(self) -> None:
        """Show the view that was asked for, once."""
        view, self._first_view = self._first_view, self.current.name_of_view
        if view == DIFF and self._beside:
            self.diff_with(self._beside)
        elif view == DIFF and self.current.name_of_view != DIFF:
            self.action_run_diff()
        elif view != self.current.name_of_view:
            self.show_view(view)

    def on_resize(self) -> None:
        """Choose the layout for the width."""
        width = self.app.size.width
        self.set_class(STACKED_FROM <= width < SIDE_BY_SIDE_FROM, "stacked")
        self.set_class(width < STACKED_FROM, "narrow")

    def _map_cells(self, width: int) -> list[Cell]:
        model = self.model
        shown = model.filter.shown.__contains__ if model.is_filtered else None
        there = None if model.moments is None else model.moments.was_there
        errors = {error.seq for error in model.errors.found}
        cursor, hits = self.current.cursor_seq, model.search.hits
        return minimap(
            model.view, width, errors, model.verdict.terminal, cursor, shown, hits, model.review.seqs, there
        )

    def _where(self) -> str:
        seq = self.current.cursor_seq
        if seq < 0:
            return ""
        return f"trace {seq + 1} of {self.model.there}"

    def _truth(self, width: int) -> list[tuple[str, str]]:
        live = self.live_words()
        place = (self.current.cursor, self.current.row_count())
        return truth_line(self.model, place, self.row_style.metric, live, width)

    def _footer_keys(self) -> list[tuple[str, str]]:
        if self.prompt.is_open:
            own = [("Ctrl+r", "regex")] if self.prompt.purpose == "search" else [("Tab", "complete")]
            return [("Enter", "keep"), ("Esc", "leave"), *own]
        if self.facets.is_open and self.facets.has_focus_within:
            panes = actions_in(FACETS, self.app.actions)
            return [(first_key(action), action.footer) for action in panes if action.footer and action.keys]
        if self.detail.has_focus_within:
            keys = [("Esc", "tree"), (", .", "tabs"), ("Space", "fold"), ("w", "wrap"), ("y", "yank")]
            return [*keys, ("Enter", "follow link"), ("?", "help")]
        inner = actions_in(self.current.name_of_view, self.app.actions)
        others = without_keys(actions_of(MAIN, self.app.actions), inner)
        shown = [
            (first_key(action), action.footer)
            for action in [*inner, *others]
            if action.footer and action.keys and self.disabled_reason(action.id) is None
        ]
        return [*shown, ("q", "back")]

    def disabled_reason(self, action: str) -> str | None:
        """Return why an action can do nothing now, None if it can."""
        model = self.model
        reasons = {
            "error.next": None if model.errors.found else "this run has no errors",
            "error.previous": None if model.errors.found else "this run has no errors",
            "search.next": None if model.search.hits else "nothing was searched for, or nothing found",
            "search.previous": None if model.search.hits else "nothing was searched for, or nothing found",
            "filter.toggle": None if model.filter.text else "there is no filter",
            "filter.kept": None
            if kept(self.app.state)
            else "no filter is kept; w in the filter panes (f) keeps one",
            "view.unzoom": None if model.tree.root is not None else "everything is shown",
            "run.follow": None if model.present.label == "LIVE" else "this run is not live",
            "path.next": None
            if model.has_times
            else "this run has no times, so nobody knows what waited for what",
            **dict.fromkeys(
                ("axis.in", "axis.out", "axis.all"),
                None if self.current.has_axis else "only in the waterfall (2)",
            ),
            "cursor.back": None if self.jumps else "nowhere to go back to",
            "cursor.forward": None if self.ahead else "nowhere to go forward to",
            **self.review_reasons(),
            **self.taking_reasons(),
        }
        return reasons.get(action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Let keys go to the prompt while it asks."""
        return not self.prompt.is_open or action == "app_back"

    def action_app_back(self) -> None:
        """Go one step back: prompt, detail, panes, search, view, zoom; never out of the explorer."""
        if self.prompt.is_open:
            self.prompt.close()
            self.leave_prompt()
        elif self.detail.has_focus_within or self.has_class("reading"):
            self.to_view()
        elif self.facets.is_open:
            self.close_facets()
        elif self.model.search.text:
            self.clear_search()
            self.refold_search(self.current.cursor_seq)
        elif self.model.moments is not None:
            self.return_to_now()
        elif self.current is not self.tree_view:
            self.action_view_tree()
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
