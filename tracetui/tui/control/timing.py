"""Where the time went: working it out in a worker, going to slow spots and along the critical path, the axis."""

from __future__ import annotations

import time

from textual.timer import Timer

from tracetui.errors import TraceTuiError
from tracetui.tui.control.base import RunScreen
from tracetui.tui.messages import SpotsWanted
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.spots import Spots, spots_of, still
from tracetui.tui.widgets.waterfall import WaterfallView

REST_SECONDS, REST_SHARE = 2.0, 10
"""While a run goes on: from one working out to the next, at least; and that many times what one took."""


class Timing(RunScreen):
    """Goes where the time went."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self._working = False
        self._rest_until = 0.0
        self._timer: Timer | None = None
        self._waiting_key = ""

    # ---- working it out ----------------------------------------------------------------------------------

    def on_spots_wanted(self, message: SpotsWanted) -> None:
        """Work out where the time went, if something came since it was."""
        message.stop()
        self._work_out()

    def _work_out(self) -> None:
        spots, now = self.model.known_spots, time.monotonic()
        if self._working or (spots is not None and spots.rev == self.model.columns.rev):
            return
        if now < self._rest_until:
            if self._timer is None:
                self._timer = self.set_timer(self._rest_until - now, self._rested)
            return
        self._working = True
        model, apart = self.model, self.app.apart
        view = None if apart.takes(model) else still(model.columns)

        def work() -> None:
            try:
                found = apart.do(model, spots_of) if view is None else spots_of(view)
            except TraceTuiError:
                found = None
            seconds = time.monotonic() - now
            self.app.call_from_thread(self._take, found, seconds)

        self.run_worker(work, group="spots", thread=True, exit_on_error=False)

    def _rested(self) -> None:
        self._timer, self._rest_until = None, 0.0
        self._work_out()

    def _take(self, spots: Spots | None, seconds: float) -> None:
        """Show what was found, and do what was asked for meanwhile."""
        self._working = False
        self._rest_until = time.monotonic() + max(REST_SECONDS, REST_SHARE * seconds)
        if spots is None:
            return
        self.catch_up(len(spots.places))
        self.model.known_spots = spots
        if isinstance(self.current, WaterfallView):
            self.current.stay_at(self.current.place())
        asked, self._waiting_key = self._waiting_key, ""
        if asked:
            self.call_later(getattr(self, f"action_{asked}"))

    def _spots(self, key: str) -> Spots | None:
        """Return the spots; if they are not worked out yet, do what the key asks for once they are."""
        if self.model.known_spots is None:
            self._waiting_key = key
            self.notify("working out where the time went …", markup=False, timeout=1)
        self._work_out()
        return self.model.known_spots

    # ---- going there -------------------------------------------------------------------------------------

    def action_slow_next(self) -> None:
        """Go to the next slow spot."""
        self._to_spot("slow_next", 1)

    def action_slow_previous(self) -> None:
        """Go to the previous slow spot."""
        self._to_spot("slow_previous", -1)

    def _to_spot(self, key: str, step: int) -> None:
        spots = self._spots(key)
        if spots is None:
            return
        spot = spots.next_spot(self.model.view.timestamps, self.current.cursor_seq, step)
        if spot is None:
            self.notify(
                "nothing slow: no idle gap, and nothing took 100 ms of its own", markup=False, timeout=3
            )
            return
        self.jump(spot.seq)
        self.current.to_gap_before(spot.seq)
        self.app.clear_notifications()
        self.notify(spot.why(), markup=False, timeout=2)

    def action_path_next(self) -> None:
        """Go to the next step of the critical path."""
        if self.say_why_not("path.next") or (spots := self._spots("path_next")) is None:
            return
        seq = spots.next_on_path(self.current.cursor_seq)
        if seq < 0:
            self.notify("nothing in this run took time", markup=False, timeout=2)
            return
        self.jump(seq)

    # ---- the axis ----------------------------------------------------------------------------------------

    def action_axis_in(self) -> None:
        """Show less of the axis."""
        self._zoom_axis("axis.in", 1)

    def action_axis_out(self) -> None:
        """Show more of the axis."""
        self._zoom_axis("axis.out", -1)

    def action_axis_all(self) -> None:
        """Show all of the axis."""
        self._zoom_axis("axis.all", 0)

    def _zoom_axis(self, action: str, direction: int) -> None:
        if not self.say_why_not(action) and isinstance(self.current, WaterfallView):
            self.current.zoom_axis(direction)
