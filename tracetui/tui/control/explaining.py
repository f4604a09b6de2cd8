"""Finding out why a run ended as it did, and what repeats in it: beside the work on the screen, again after news.

A small run is looked into before it is first shown, so that nothing folds under the eyes of who opens it; a large one
in a process of its own (``tracetui.tui.apart``), so that keys are answered meanwhile as ever.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from tracetui.analysis.seen import Seen, seen_before
from tracetui.errors import TraceTuiError
from tracetui.storage.state.bodies import NOT_OURS
from tracetui.tui.apart import MANY, Apart
from tracetui.tui.control.base import RunScreen
from tracetui.tui.view.insight import Insight, look_into
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.seen_book import SeenBook

AT_ONCE = 2_000
"""Traces of a run that is looked into before it is shown: some tens of milliseconds."""
COLLECT_SECONDS = 0.05
REST_SECONDS, REST_TIMES = 2.0, 10
"""Pause between two looks at a run that goes on, and how many times the last one took it is at least."""


@contextmanager
def _no_collections(traces: int) -> Iterator[None]:
    """Keep Python from looking for cycles while a large run is looked into here: each look would hold up keys for long.

    What is made meanwhile has no cycles; what the screen makes is collected a few seconds later.
    """
    if traces < MANY or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _insight_of(model: RunModel, apart: Apart) -> Insight | None:
    if not apart.takes(model):
        return model.look_into()
    return apart.do(model, look_into, model.present, model.known_errors, model.price_of)


def _seen_of(model: RunModel, book: SeenBook, apart: Apart) -> tuple[Seen, ...] | None:
    errors = model.known_errors
    if not errors.found or not apart.takes(model):
        return book.seen(model.columns, errors)
    found = apart.do(model, seen_before, list(book.others(model.columns.run_id)), errors)
    return None if found is None else tuple(found)


class Explaining(RunScreen):
    """Looks into the run in a thread that quitting does not wait for."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self._looking: Thread | None = None
        self._next_look = 0.0
        self._is_look_due = False
        self._found: Insight | None = None
        self._seen: tuple[Seen, ...] | None = None
        self._is_news = False
        self._is_set_aside = False

    def look_into_run(self) -> None:
        """Find out about the run: at once if it is small, else in a thread; of its errors in other runs always there."""
        if self.model.columns.count <= AT_ONCE:
            with suppress(TraceTuiError):
                self.model.take_insight(self.model.look_into())
            self.redraw(rows=True)
        self._begin_look()

    def news_taken(self) -> None:
        """Look again, when the last look is long enough ago."""
        self._is_news = True
        if self._is_look_due:
            return
        self._is_look_due = True
        self.set_timer(max(self._next_look - time.monotonic(), 0.05), self._begin_look)

    def _begin_look(self) -> None:
        self._is_look_due = False
        if self._looking is not None and self._looking.is_alive():
            self.news_taken()
            return
        is_news, self._is_news = self._is_news, False
        book, apart = self.app.seen_book, self.app.apart
        self._looking = Thread(
            target=lambda: self._look(book, apart, is_news=is_news), name="tracetui-insight", daemon=True
        )
        self._looking.start()
        self.set_timer(COLLECT_SECONDS, self._collect)

    def _look(self, book: SeenBook, apart: Apart, *, is_news: bool) -> None:
        """In the thread: find out, and lay it ready; nothing if the run cannot be read, or is changed by another hand."""
        start, model = time.monotonic(), self.model
        with suppress(TraceTuiError, *NOT_OURS), _no_collections(model.columns.count):
            if is_news or model.insight.count < model.columns.count:
                self._found = _insight_of(model, apart)
            self._seen = _seen_of(model, book, apart)
        self._next_look = time.monotonic() + max(REST_TIMES * (time.monotonic() - start), REST_SECONDS)

    def _collect(self) -> None:
        """Take what was found out so far, and look again while the thread is at it."""
        goes_on = self._looking is not None and self._looking.is_alive()
        self._take_found()
        if goes_on:
            self.set_timer(COLLECT_SECONDS, self._collect)
        elif not self._is_set_aside:
            # Python looks through all there is for cycles now and then; of a large run that holds up a key for 50 ms
            self._is_set_aside = True
            gc.freeze()

    def _take_found(self) -> None:
        found, self._found = self._found, None
        seen, self._seen = self._seen, None
        if found is not None:
            self.catch_up(found.count)
            self._take_insight(found)
        if seen is not None and seen != self.model.seen:
            self.model.seen, self.model.run_names = seen, self.app.seen_book.names
            self.refresh_detail()

    def on_unmount(self) -> None:
        """Stop what still works on a run that nobody looks at, and let all of it be collected."""
        self.app.apart.leave(self.model)
        gc.unfreeze()

    def _take_insight(self, insight: Insight) -> None:
        place = self.current.place()
        keep = -1 if self.pinned else self.current.cursor_seq
        if self.model.take_insight(insight, keep):
            if self.pinned:
                self.current.go_to_newest()
            else:
                self.current.stay_at(place)
        self.redraw(rows=True)
