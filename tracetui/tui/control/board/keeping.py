"""Keeping up with a store: new runs as they start, cards as they are made, live ones ticking, what failed meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.worker import get_current_worker

from tracetui.errors import TraceTuiError
from tracetui.model.text import printable
from tracetui.tui.control.board.base import BoardScreen
from tracetui.tui.view.board import PickerRow
from tracetui.tui.view.card import Card
from tracetui.tui.view.picker import PickerModel

RELOAD_SECONDS = 1.0
RELOAD_AT_LEAST_SECONDS = 30.0
SHARE_OF_TIME = 500
"""A listing may take a five-hundredth of the time: with many runs, and no sign of news, it comes more rarely."""
HAND_OVER_SECONDS = 0.1


class Keeping(BoardScreen):
    """Lists the runs in a worker, again and again; hands cards over as they are made."""

    def __init__(self, model: PickerModel) -> None:
        super().__init__(model)
        self._busy = False
        self._took = self._next = 0.0

    def on_mount(self) -> None:
        """List the runs."""
        self.prompt.history = self.app.history
        self.list.focus()
        self.reload()
        self.set_interval(RELOAD_SECONDS, self._tick)

    def on_screen_resume(self) -> None:
        """Look again when one comes back."""
        self.reload()

    def _tick(self) -> None:
        """Look for news in time, and let runs that go on tick."""
        if not self.is_current:
            return
        self._start(self._look)
        if self.list.shows_live():
            self.list.changed()

    def reload(self) -> None:
        """List the runs anew; the cursor stays with its run."""
        if self.is_current:
            self._start(self._load)

    def _start(self, work: Callable[[], None]) -> None:
        if not self._busy:
            self._busy = True
            self.run_worker(work, thread=True, group="load", exit_on_error=False)

    def _look(self) -> None:
        """In a worker: list the runs again if it is time to, or if there is a sign of news."""
        if time.monotonic() >= self._next or self.model.board.has_news():
            self._load()
        else:
            self._busy = False

    def _load(self) -> None:
        """In a worker: list the runs as the catalog has them, then as they are, then make the cards missing."""
        board = self.model.board
        done = False
        try:
            if not self.model.is_listed:
                lately = board.lately()
                known = board.rows(fresh=False) if lately is None else lately
                self.app.call_from_thread(self._take, known, reading=lately is not None)
            start = time.monotonic()
            rows = board.rows()
            self._took = time.monotonic() - start
            missing = self.app.call_from_thread(self._take, rows)
            done = self._make_cards([row for row in missing if board.is_due(row.run)])
            board.save()
        except TraceTuiError as problem:
            self.app.call_from_thread(self.notify, printable(str(problem)), severity="error", markup=False)
        finally:
            self.app.call_from_thread(self._settle, done)

    def _make_cards(self, missing: list[PickerRow]) -> bool:
        """In a worker: make cards, and hand them over ten times a second; return whether there were any."""
        worker = get_current_worker()
        made: list[tuple[PickerRow, Card]] = []
        handed = time.monotonic()
        for row in missing:
            if worker.is_cancelled:
                break
            made.append((row, self.model.board.make(row.run)))
            if time.monotonic() - handed > HAND_OVER_SECONDS:
                self.app.call_from_thread(self._fill, made)
                made, handed = [], time.monotonic()
        if made:
            self.app.call_from_thread(self._fill, made)
        return bool(missing)

    def _take(self, rows: list[PickerRow] | None, *, reading: bool = False) -> list[PickerRow]:
        """Show what was listed; return the rows that miss a card."""
        if rows is not None:
            here = self._here()
            self.model.show(rows, reading=reading)
            self.show(here)
            self._tell_failed()
        return self.model.missing()

    def _here(self) -> str:
        return self.current_id if self.touched else ""

    def _fill(self, cards: list[tuple[PickerRow, Card]]) -> None:
        self.model.fill(cards)
        if cards and not self.touched:
            self.list.go_to(self.model.first_to_show())
        self.list.changed()
        self.show_card()
        self._tell_failed()

    def _settle(self, done: bool) -> None:
        self._busy = False
        self._next = time.monotonic() + min(self._took * SHARE_OF_TIME, RELOAD_AT_LEAST_SECONDS)
        if done:
            here = self._here()
            self.model.arrange()
            self.show(here)

    def _tell_failed(self) -> None:
        """Say which runs failed while one looks on, and ring if that is wanted."""
        failed = self.model.take_failed()
        if failed:
            names = ", ".join(printable(row.run.name or row.run.id) for row in failed[:3])
            more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
            said = f"{failed[-1].label}: {names}{more}"
            self.notify(said, severity="error", markup=False, timeout=8)
            self.app.tell_outside(said)
