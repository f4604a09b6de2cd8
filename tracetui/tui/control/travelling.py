"""Time travel: the run as of each of its traces, a step at a time, and back to now."""

from __future__ import annotations

from textual.timer import Timer

from tracetui.tui.control.base import RunScreen
from tracetui.tui.view.run_model import RunModel

RECOUNT_SECONDS = 0.1


class Travelling(RunScreen):
    """Steps through the moments of the run; the cursor is on the trace that came last."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self._recount: Timer | None = None

    def action_time_back(self) -> None:
        """Show the run as of the trace before; the first time as of the one under the cursor."""
        self._travel(-1)

    def action_time_forward(self) -> None:
        """Show the run as of the next trace; after the last, as it is now."""
        self._travel(1)

    def _travel(self, by: int) -> None:
        model = self.model
        if not model.view.count:
            return
        if model.moments is None:
            here = self.current.cursor_seq
            moments = model.travel()
            moments.go_to(here if here >= 0 else moments.newest)
        elif not (moments := model.moments).step(by):
            if by > 0:
                self.return_to_now()
            else:
                self.notify("nothing came before it", markup=False, timeout=2)
            return
        self.unpin()
        model.apply_filter()
        self.current.take_news()
        self.current.show_seq(moments.newest)
        self.show_detail()
        self._recount_soon()
        self.redraw(rows=True)

    def _recount_soon(self) -> None:
        """Count the panes for the moment once one stays at it: that costs all there was."""
        if self._recount is not None:
            self._recount.stop()
        self._recount = self.set_timer(RECOUNT_SECONDS, self._recount_panes) if self.facets.is_open else None

    def _recount_panes(self) -> None:
        self._recount = None
        if self.facets.is_open:
            self.facets.recount()

    def return_to_now(self) -> bool:
        """Show the run as it is now; return whether it was not."""
        if self.model.moments is None:
            return False
        self.model.return_to_now()
        self.keeping_place(self.model.apply_filter)
        self.show_detail()
        return True
