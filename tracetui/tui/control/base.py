"""The parts of the main screen, and what all rooms of its control do with them: draw anew, go to a trace, say why not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.worker import get_current_worker

from tracetui.errors import TraceTuiError
from tracetui.tui.actions import FACETS
from tracetui.tui.view.glyphs import glyphs
from tracetui.tui.view.row_text import RowStyle
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.widgets.bars import Bar, MinimapBar
from tracetui.tui.widgets.detail import DetailPane
from tracetui.tui.widgets.facets import FacetsPane
from tracetui.tui.widgets.lines import Lines
from tracetui.tui.widgets.prompt import Prompt
from tracetui.tui.widgets.run_pane import RunPane
from tracetui.tui.widgets.tree import TraceTreeView

if TYPE_CHECKING:
    from tracetui.tui.app import ExplorerApp

TOLD_SECONDS, TOLD_SHARE = 0.2, 10
"""From one handing over of hits to the next, at least; and that many times what taking the last ones took."""


class RunScreen(Screen[None]):
    """One run: its model, the widgets that show it, and where one is."""

    app: ExplorerApp

    def __init__(self, model: RunModel) -> None:
        super().__init__()
        self.model = model
        self.row_style = RowStyle(glyphs(ascii_only=False))
        self.tree_view = TraceTreeView(model, self.row_style)
        self.current: RunPane = self.tree_view
        self.detail = DetailPane()
        self.prompt = Prompt()
        self.facets = FacetsPane(model)
        self.jumps: list[int] = []
        self.ahead: list[int] = []
        """Where one was before going back."""
        self.pinned = False
        """Whether the cursor follows the newest trace."""
        self.missed = 0
        """Traces that came while it did not."""

    def disabled_reason(self, action: str) -> str | None:
        """Return why an action can do nothing now, None if it can."""
        raise NotImplementedError  # pragma: no cover - the screen says it

    def land(self) -> None:
        """Go where a look at the run should begin."""
        raise NotImplementedError  # pragma: no cover - the screen says it

    def look_now(self) -> None:
        """Show what is new at once."""
        raise NotImplementedError  # pragma: no cover - the screen says it

    def catch_up(self, count: int) -> None:
        """See to it that so many traces are known: what another handle of the run found speaks of them."""
        if count > self.model.columns.count:
            with suppress(TraceTuiError):
                self.look_now()

    def news_taken(self) -> None:
        """Do what is due when the model took in news."""

    def redraw(self, *, rows: bool = False) -> None:
        """Draw the lines anew, and the rows if asked."""
        if rows:
            self.current.take_news()
        for bar in self.query(Bar):
            bar.refresh()
        self.query_one(MinimapBar).refresh()

    def say_why_not(self, action: str) -> bool:
        """Say why an action can do nothing now; return whether that is so."""
        reason = self.disabled_reason(action)
        if reason is not None:
            self.notify(reason, markup=False, timeout=2)
        return reason is not None

    def show_detail(self) -> None:
        """Show the trace under the cursor beside the view."""
        own = self.current.detail()
        if own is None:
            self.detail.show(self.model, self.current.cursor_place)
        else:
            self.detail.show_own(*own)
        for line in self.query("#footer"):
            line.refresh()

    def refresh_detail(self) -> None:
        """Show the detail again, where one is in it, as more is known of its trace."""
        view = self.detail.view
        row, top = view.cursor, view.scroll_offset.y
        self.show_detail()
        if row or top:
            view.set_reactive(Lines.cursor, min(row, max(view.row_count() - 1, 0)))
            view.scroll_to(y=top, animate=False, immediate=True)

    @property
    def inner(self) -> Lines:
        """What has keys of its own that win over those of the screen: the filter panes if one is in them, else the view."""
        in_panes = self.facets.is_open and self.facets.has_focus_within
        return self.facets.list if in_panes else self.current

    @property
    def inner_scope(self) -> str:
        """The scope of those keys."""
        return FACETS if self.inner is self.facets.list else self.current.name_of_view

    def active(self) -> Lines:
        """Return the lines that keys move in."""
        if self.detail.has_focus_within:
            return self.detail.view
        if self.facets.is_open and self.facets.has_focus_within:
            return self.facets.list
        return self.current

    def jump(self, seq: int) -> None:
        """Go to a trace and stay there, remembering where one was."""
        self.unpin()
        here = self.current.cursor_place
        if here not in (-1, seq):
            self.jumps.append(here)
            del self.jumps[:-100]
            self.ahead.clear()
        if not self.current.show_seq(seq):
            self.notify("the filter hides it; o shows everything", markup=False, timeout=2)

    def unpin(self) -> None:
        """Let the cursor stay where somebody put it: whatever takes a place comes by here."""
        if self.pinned:
            self.pinned = False
            self.redraw()

    def keeping_place(self, change: Callable[[], object]) -> None:
        """Do something to the rows; the cursor stays with its trace, or its nearest shown neighbour."""
        seq = self.current.cursor_place
        change()
        self.current.take_news()
        if seq != -1:
            self.current.go_near(seq)
        if self.facets.is_open:
            self.facets.recount()
        self.redraw()

    def to_view(self) -> None:
        """Go from detail, panes or prompt to the view."""
        self.remove_class("reading")
        self.current.focus()
        self.redraw()

    def leave_prompt(self) -> None:
        """Put the prompt away."""
        self.prompt.close()
        self.app.keep_prompts()
        self.current.focus()
        self.redraw()

    def gather(self, pieces: Iterator[list[int]], tell: Callable[[list[int], bool], None]) -> None:
        """In a worker: collect hits and hand them over a few times a second, first ones at once.

        Rarer where taking them takes long: keys have most of the time.
        """
        worker = get_current_worker()
        hits: list[int] = []
        told, due = 0, 0.0
        for piece in pieces:
            if worker.is_cancelled:
                return
            hits += piece
            if len(hits) > told and time.monotonic() > due:
                told, began = len(hits), time.monotonic()
                self.app.call_from_thread(tell, list(hits), False)
                due = time.monotonic() + max(TOLD_SECONDS, TOLD_SHARE * (time.monotonic() - began))
        if not worker.is_cancelled:
            self.app.call_from_thread(tell, hits, True)
