"""Following a run that goes on: looks for news, puts them on the screen, keeps the newest trace or the place."""

from __future__ import annotations

import time
from threading import Thread

from tracetui.analysis.verdict import BAD_LABELS
from tracetui.errors import RunNotFoundError, TraceTuiError
from tracetui.model.change import Change
from tracetui.model.clock import now_ms
from tracetui.model.text import printable
from tracetui.tui.control.filtering import Filtering
from tracetui.tui.messages import PlaceTaken
from tracetui.tui.view.header import run_title
from tracetui.tui.view.run_model import RunModel

FOLLOW_SECONDS = 0.5
POLL_SECONDS, LIVE_POLL_SECONDS, IDLE_POLL_SECONDS, FAILED_POLL_SECONDS = 0.1, 0.5, 1.0, 10.0
"""From look to look at a run: while news come, while a live one is silent, when it ended, after a refusal."""
TICK_SECONDS = 1.0
INDEX_SECONDS = 15.0
"""From look to look whether so much came that the run's index should be written."""


class Following(Filtering):
    """Takes news at most twice a second; silence makes its looks rarer."""

    def __init__(self, model: RunModel) -> None:
        super().__init__(model)
        self._last_absorb = 0.0
        self._pending: list[Change] = []
        self._poll_seconds = POLL_SECONDS
        self._touched = False
        self._importing = False
        self._indexing: Thread | None = None

    def on_mount(self) -> None:
        """Begin to look for news."""
        self.set_timer(POLL_SECONDS, self._poll)
        self.set_interval(TICK_SECONDS, self._tick)
        self.set_timer(TICK_SECONDS, self._keep_index)
        self.set_interval(INDEX_SECONDS, self._keep_index)

    def on_key(self) -> None:
        """Note that somebody is at the keys: from now on the cursor goes nowhere by itself."""
        self._touched = True

    def on_place_taken(self, message: PlaceTaken) -> None:
        """Stay where somebody put the view, or reads in the detail, with the mouse."""
        message.stop()
        if message.sender_id != self.facets.list.id:
            self._touched = True
            self.unpin()

    def on_descendant_focus(self) -> None:
        """Stay at the trace whose detail one goes to read."""
        if self.detail.has_focus_within:
            self.unpin()

    def action_run_follow(self) -> None:
        """Keep the newest trace in view."""
        if not self.say_why_not("run.follow"):
            self.pinned = True
            self.go_to_newest()
            self.redraw()

    def _poll(self) -> None:
        """Look for news, and again after a while."""
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

    def look_now(self) -> None:
        """Show what is new at once: what one wrote oneself."""
        self._pending += self.model.refresh()
        if self._pending:
            self._absorb()

    def _take_news(self) -> None:
        live = self.model.present.label == "LIVE" or bool(self.app.import_progress)
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
        seq, place = self.current.cursor_seq, self.current.place()
        fresh = sum(change.kind == "trace" for change in changes)
        was_live = self.model.present.label == "LIVE"
        before = self.model.columns.count - fresh
        self.model.absorb(changes)
        touched = {getattr(change, "seq", -1) for change in changes}
        if self.model.filter.text:
            self.filter_news(touched - {-1})
        if self.pinned:
            self.go_to_newest()
        else:
            self.missed += fresh if self.model.present.label == "LIVE" else 0
            self.current.stay_at(place)
            if not self._touched and (before == 0 or self.app.import_progress or self._importing):
                self._importing = bool(self.app.import_progress)
                self.land()
        if seq in touched:
            self.refresh_detail()
        if self.facets.is_open:
            self.facets.recount()
        self.news_taken()
        self._tell_if_failed(was_live=was_live)
        self.redraw(rows=True)

    def _tell_if_failed(self, *, was_live: bool) -> None:
        """Ring, if that is wanted, when a run that went on did not end well."""
        label = self.model.present.label
        if was_live and label in BAD_LABELS and not self.app.import_progress:
            self.app.tell_outside(f"{label}: {run_title(self.model.run.name, self.model.run.id)}")

    def go_to_newest(self) -> None:
        """Put the cursor on the newest trace that is shown, without opening a fold."""
        self.missed = 0
        self.current.go_to_newest()

    def live_words(self) -> str:
        """Return whether the run goes on, and whether the cursor goes with it."""
        if self.model.present.label != "LIVE":
            return self.app.import_progress
        if self.pinned:
            return "LIVE"
        return f"PAUSED +{self.missed} of {self.model.columns.count}" if self.missed else "LIVE (F follows)"

    def _keep_index(self) -> None:
        """Write the run's index beside the work on the screen, if that is due; quitting does not wait for it."""
        if self._indexing is None or not self._indexing.is_alive():
            self._indexing = Thread(target=self.model.keep_index, name="tracetui-index", daemon=True)
            self._indexing.start()

    def _tick(self) -> None:
        """Let open calls tick, and notice that time alone changed the verdict."""
        if self.model.present.label == "LIVE":
            self.row_style.now_ms = self.model.now_ms = now_ms()
            if self.model.rejudge():
                self.pinned = False
                self.refresh_detail()
                self.redraw(rows=True)
                self._tell_if_failed(was_live=True)
            else:
                self.current.tick()

    def _gone(self) -> None:
        self.notify(
            "this run was deleted; what is on the screen is the last that was read",
            markup=False,
            severity="warning",
        )
