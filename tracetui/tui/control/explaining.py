"""Finding out why a run ended as it did, and what repeats in it: beside the work on the screen, again after news.

A small run is looked into before it is first shown, so that nothing folds under the eyes of who opens it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Thread

from tracetui.errors import TraceTuiError
from tracetui.storage.state.bodies import NOT_OURS
from tracetui.tui.control.base import RunScreen
from tracetui.tui.view.insight import Insight
from tracetui.tui.view.run_model import RunModel

AT_ONCE = 2_000
"""Traces of a run that is looked into before it is shown: some tens of milliseconds."""
COLLECT_SECONDS = 0.05
REST_SECONDS, REST_TIMES = 2.0, 10
"""Pause between two looks at a run that goes on, and how many times the last one took it is at least."""


class Explaining(RunScreen):
    """Looks into the run in a thread that quitting does not wait for."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self._looking: Thread | None = None
        self._next_look = 0.0
        self._is_look_due = False
        self._found: Insight | None = None

    def look_into_run(self) -> None:
        """Find out about the run: at once if it is small, else in a thread."""
        if self.model.view.count <= AT_ONCE:
            with suppress(TraceTuiError):
                self.model.take_insight(self.model.look_into())
            self.redraw(rows=True)
        else:
            self._begin_look()

    def news_taken(self) -> None:
        """Look again, when the last look is long enough ago."""
        if self._is_look_due:
            return
        self._is_look_due = True
        self.set_timer(max(self._next_look - time.monotonic(), 0.05), self._begin_look)

    def _begin_look(self) -> None:
        self._is_look_due = False
        if self._looking is not None and self._looking.is_alive():
            self.news_taken()
            return
        self._looking = Thread(target=self._look, name="tracetui-insight", daemon=True)
        self._looking.start()
        self.set_timer(COLLECT_SECONDS, self._collect)

    def _look(self) -> None:
        """In the thread: find out, and lay it ready."""
        start = time.monotonic()
        with suppress(
            TraceTuiError, *NOT_OURS
        ):  # the run cannot be read, or another hand changed it meanwhile
            self._found = self.model.look_into()
        self._next_look = time.monotonic() + max(REST_TIMES * (time.monotonic() - start), REST_SECONDS)

    def _collect(self) -> None:
        """Take what was found out, once it is there."""
        if self._looking is not None and self._looking.is_alive():
            self.set_timer(COLLECT_SECONDS, self._collect)
        elif self._found is not None:
            found, self._found = self._found, None
            self._take_insight(found)

    def _take_insight(self, insight: Insight) -> None:
        place = self.current.cursor_place
        keep = -1 if self.pinned else self.current.cursor_seq
        if self.model.take_insight(insight, keep):
            if self.pinned:
                self.current.go_to_newest()
            else:
                self.current.stay_at(place)
        self.redraw(rows=True)
