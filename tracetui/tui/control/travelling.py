"""Time travel: the run as of each of its traces, a step at a time, and back to now."""

from __future__ import annotations

from textual.timer import Timer

from tracetui.tui.control.base import RunScreen
from tracetui.tui.screens.menu import MenuScreen
from tracetui.tui.view.replay import SPEEDS, next_step
from tracetui.tui.view.run_model import RunModel

RECOUNT_SECONDS = 0.1


class Travelling(RunScreen):
    """Steps through the moments of the run; the cursor is on the trace that came last."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self._recount: Timer | None = None
        self._next: Timer | None = None
        """Of the next moment, while the run is played."""
        self._speed = SPEEDS["1"]

    def action_time_back(self) -> None:
        """Show the run as of the trace before; the first time as of the one under the cursor."""
        self.stop_playing()
        self._travel(-1)

    def action_time_forward(self) -> None:
        """Show the run as of the next trace; after the last, as it is now."""
        self.stop_playing()
        self._travel(1)

    def action_time_play(self) -> None:
        """Play the run at a chosen speed, from the moment that is shown, else from its beginning; or stop."""
        if self.stop_playing():
            self.redraw()
        elif self.model.view.count:
            titles = {key: speed.title for key, speed in SPEEDS.items()}
            self.app.push_screen(MenuScreen("Play the run", titles), self._play)

    def _play(self, key: str | None) -> None:
        if not key or not self.model.columns.count:
            return
        moments = self.model.moments
        if moments is None or moments.is_last:
            moments = moments or self.model.travel()
            moments.at = 1
        self._speed = SPEEDS[key]
        moments.playing = self._speed.short
        self._show_moment()
        self._wait_for_next()

    def _wait_for_next(self) -> None:
        moments = self.model.moments
        if moments is None:
            return
        seconds, by = next_step(moments, self._speed)
        if by:
            self._next = self.set_timer(seconds, lambda: self._play_on(by))
        else:
            self.stop_playing()
            self.notify("that was all of it; G is now", markup=False, timeout=3)
            self.redraw()

    def _play_on(self, by: int) -> None:
        self._next = None
        if self.model.moments is not None and self.model.moments.step(by):
            self._show_moment()
            self._wait_for_next()

    def stop_playing(self) -> bool:
        """Let the moment stand; return whether it went on by itself."""
        moments = self.model.moments
        was_playing = moments is not None and bool(moments.playing)
        if moments is not None:
            moments.playing = ""
        if self._next is not None:
            self._next.stop()
            self._next = None
        return was_playing

    def unpin(self) -> None:
        """Stay where somebody goes: the run plays no further."""
        if self.stop_playing():
            self.redraw()
        super().unpin()

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
        self._show_moment()

    def _show_moment(self) -> None:
        """Show the run as of the moment; the cursor goes to what came last."""
        super().unpin()
        self.model.apply_filter()
        self.current.take_news()
        self.current.show_seq(self.model.newest)
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
        self.stop_playing()
        self.model.return_to_now()
        self.keeping_place(self.model.apply_filter)
        self.show_detail()
        return True
