"""The stats view on the screen: tables of figures, counted in a worker, two strips and the plot of the context above them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.timer import Timer

from tracetui.errors import TraceTuiError
from tracetui.model.text import printable
from tracetui.render.cells import pad
from tracetui.render.figures import duration
from tracetui.tui.actions import STATS, actions_in
from tracetui.tui.apart import Apart
from tracetui.tui.messages import CursorMoved, FilterChosen
from tracetui.tui.view import stats_text
from tracetui.tui.view.context_plot import plot_line, plot_lines
from tracetui.tui.view.document import Document
from tracetui.tui.view.row_text import RowStyle
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.stats import Scope, Stats, StatsModel, query_of, scope_key, scope_of, stats_of
from tracetui.tui.widgets.run_pane import Pieces, RunPane

if TYPE_CHECKING:
    from tracetui.tui.app import ExplorerApp

REST_SECONDS, REST_SHARE = 1.0, 5.0
"""While a run goes on: from one count to the next, at least; and that many times what one took."""
STRIPS = 2
AT_ONCE = 5_000
"""So many traces are counted at every step from moment to moment."""


class StatsView(RunPane):
    """Figures by type, tool, model and agent."""

    app: ExplorerApp

    name_of_view = STATS
    detail_below: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.keys, action.method, action.title, show=False, id=action.id)
        for action in actions_in(STATS)
    ]

    def __init__(self, model: RunModel, style: RowStyle) -> None:
        super().__init__(model, style)
        self.shown = StatsModel()
        self._counted: object = None
        """The scope that is shown."""
        self._said = "counting …"
        self._seq = -1
        self._busy = False
        self._rest_until = 0.0
        self._timer: Timer | None = None

    # ---- counting ----------------------------------------------------------------------------------------

    def take_news(self) -> None:
        """Count anew if something came since, or other traces are shown; not too often."""
        self.changed()
        stats, now = self.shown.stats, time.monotonic()
        if self._busy:
            return
        key = scope_key(self.model)
        is_other = self._counted != key
        if stats is not None and stats.rev == self.model.view.rev and not is_other:
            return
        if now >= self._rest_until or (is_other and stats is not None and stats.there <= AT_ONCE):
            self._busy, self._counted, scope = True, key, scope_of(self.model)
            count = partial(self._count, self.app.apart, scope)
            self.run_worker(count, thread=True, group="stats", exit_on_error=False)
        elif self._timer is None:
            self._timer = self.set_timer(self._rest_until - now, self._rested)

    def _rested(self) -> None:
        self._timer, self._rest_until = None, 0.0
        self.take_news()

    def _count(self, apart: Apart, scope: Scope) -> None:
        """In a worker: count, by a handle of its own, which stands still."""
        began = time.monotonic()
        try:
            stats, said = apart.do(self.model, stats_of, self.model.insight.estimates, scope), ""
        except TraceTuiError as problem:
            stats, said = None, printable(str(problem))
        self.app.call_from_thread(self._take, stats, said, time.monotonic() - began)

    def _take(self, stats: Stats | None, said: str, took: float) -> None:
        """Show what was counted; the cursor stays with its row, and the screen where it is if one scrolled away."""
        self._busy = False
        self._rest_until = time.monotonic() + max(REST_SECONDS, REST_SHARE * took)
        self._said = said
        top, is_away = self.scroll_offset.y, not self.shows(self.cursor)
        if self._counted != scope_key(self.model):
            self.call_later(self.take_news)
        if stats is not None:
            self._keeping_row(lambda: self.shown.take(stats))
            if is_away:
                self.hold(self.cursor, top)

    def _keeping_row(self, change: Callable[[], None]) -> None:
        group = self.shown.group(self.cursor)
        change()
        row = self.shown.row_of(group.by, group.figures.name) if group is not None else -1
        self.changed()
        self.go_to(row if row >= 0 else max(self.cursor, self.shown.first))
        self.post_message(CursorMoved(self.id or "", self.cursor))

    # ---- what a view is ----------------------------------------------------------------------------------

    def row_count(self) -> int:
        """Return the number of lines."""
        return len(self.shown.rows) or 1

    def row_pieces(self, row: int, width: int) -> Pieces:
        """Return what a line says."""
        if not self.shown.rows:
            return [(pad(f" {self._said or 'nothing recorded yet'}", width), "dim")]
        return stats_text.line(self.shown, row, width)

    @property
    def head_lines(self) -> int:
        """The strips, and the plot of the context where there is one and room for it."""
        return STRIPS + self._plot_lines

    @property
    def _plot_lines(self) -> int:
        stats = self.shown.stats
        return plot_lines(stats.context, self.scrollable_content_region.height) if stats is not None else 0

    def edge_pieces(self, line: int, width: int) -> Pieces:
        """Return one of the strips, or a line of the plot."""
        stats = self.shown.stats
        if line >= STRIPS and stats is not None and stats.context is not None:
            return plot_line(stats.context, line - STRIPS, self._plot_lines, width, self.row_style.glyphs)
        length = duration(stats.span_ms) if stats is not None and stats.by_time else "by order"
        return stats_text.strip(self.shown, line, width, length)

    @property
    def cursor_seq(self) -> int:
        """The trace that one came from: a row stands for many."""
        return self._seq

    def key_at(self, row: int) -> int:  # noqa: ARG002 - rows are not traces
        """Return the trace that one came from."""
        return self._seq

    def show_seq(self, seq: int) -> bool:
        """Put the cursor on the row of the trace's type."""
        self._seq = seq
        row = self.shown.row_of("type", self.model.type_name(seq)) if 0 <= seq < self.model.view.count else -1
        if row >= 0:
            self.go_to(row)
        return True

    def go_near(self, seq: int) -> None:
        """Stay on the row one was on; going back to the tree leads to the trace."""
        self._seq = seq

    def line_near(self, seq: int) -> int:  # noqa: ARG002 - rows are not traces
        """Return the row one is on."""
        return self.cursor

    def go_to_newest(self) -> None:
        """Count anew; there is no newest row."""
        self.take_news()

    def heading(self, width: int) -> Pieces:
        """Return where the time and the tokens of the run went."""
        return stats_text.heading(self.shown.stats, width)

    def detail(self) -> tuple[Pieces, Document] | None:
        """Return the histogram and the slowest traces of the row."""
        group = self.shown.group(self.cursor)
        made = stats_text.document(self.model, self.shown.stats, group, self.row_style.glyphs)
        return stats_text.title(group), made

    # ---- actions -----------------------------------------------------------------------------------------

    def action_stats_filter(self) -> None:
        """Show the traces of the row in the tree."""
        group = self.shown.group(self.cursor)
        if group is not None:
            self.post_message(FilterChosen(query_of(group)))

    def action_stats_next(self) -> None:
        """Order by the next column."""
        self._keeping_row(lambda: self.shown.turn(1))

    def action_stats_previous(self) -> None:
        """Order by the previous column."""
        self._keeping_row(lambda: self.shown.turn(-1))

    def action_stats_reverse(self) -> None:
        """Turn the order round."""
        self._keeping_row(self.shown.turn_round)
