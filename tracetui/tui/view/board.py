"""The runs of a store as rows, with their cards: what a worker reads for the picker. For one worker at a time.

A run's verdict and figures are made once a state of it, and kept in the store's catalog (see ``card``). A card that
is dear to make is made again more rarely while its run goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import is_
from typing import Any

from tracetui.analysis.verdict import BAD_LABELS
from tracetui.model.clock import now_ms
from tracetui.model.run import Run
from tracetui.store.database import Database
from tracetui.tui.view.card import Card, Standings, make_card, read_card

SAVE_SECONDS = 60.0
"""So long a catalog that was written is left alone while one looks on."""
FIRST_RUNS = 200
"""So many are shown first of a store whose logs have to be read: as many as a screen has, and more."""
SHARE_OF_TIME = 20
"""Making a run's card may take a twentieth of the time."""


_GROWING = frozenset({"owned", "fresh"})
"""How writers stand whose runs go on."""


@dataclass(slots=True)
class PickerRow:
    """One run; its card comes later, if nobody made it before."""

    run: Run
    card: Card | None = None
    is_stale: bool = False
    """Whether the card is of an earlier state of the run."""

    __hash__ = None  # type: ignore[assignment]

    @property
    def label(self) -> str:
        """The verdict, or "…" while it is not known."""
        return self.card.label if self.card else "…"

    @property
    def is_live(self) -> bool:
        """Whether the run goes on."""
        return self.label == "LIVE"

    @property
    def is_bad(self) -> bool:
        """Whether the run did not end well."""
        return self.label in BAD_LABELS

    @property
    def errors(self) -> int:
        """Number of errors, before the card is there those of the run's own count."""
        return self.card.errors if self.card else self.run.errors

    def duration_ms(self, now: int) -> int:
        """Return how long the run took, or takes as of now."""
        took = self.card.duration_ms if self.card else 0
        return max(took, now - self.run.created_ms) if self.is_live else took

    def get(self, field: str, default: Sequence[Any] = ()) -> Sequence[Any]:
        """Return the values of a field of the picker's filter; what is not known yet has none."""
        of_run = _OF_RUN.get(field)
        if of_run is not None:
            return of_run(self.run)
        of_card = _OF_CARD.get(field)
        return default if of_card is None or self.card is None else (of_card(self.card),)


_OF_RUN: dict[str, Callable[[Run], Sequence[Any]]] = {
    "name": lambda run: (run.name,) if run.name else (), "tag": lambda run: run.tags, "id": lambda run: (run.id,),
    "started": lambda run: (run.created_ms,),
}  # fmt: skip
_OF_CARD: dict[str, Callable[[Card], Any]] = {
    "verdict": lambda card: card.label, "dur": lambda card: card.duration_ms, "errors": lambda card: card.errors,
    "tokens": lambda card: card.tokens, "cost": lambda card: card.cost_usd, "loop": lambda card: card.loops > 0,
    "live": lambda card: card.label == "LIVE",
}  # fmt: skip


class Board:
    """Runs and their cards, read from the store."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._known: dict[str, tuple[Run, Card]] = {}
        self._due: dict[str, float] = {}
        self._stale: dict[str, Run] = {}
        self._listed: list[Run] | None = None
        self._saved = float("-inf")
        self._standings = Standings(now_ms())

    def rows(self, *, fresh: bool = True) -> list[PickerRow] | None:
        """List the runs, newest first, with the cards that still hold; None if nothing changed since.

        Opens logs that changed, and no other. A card that does not hold stays, as stale, till its run is due again.
        """
        runs = self.db.runs(fresh=fresh)
        self._standings = Standings(now_ms())
        known = self._known or self._kept(runs)
        if self._is_as_listed(runs) and all(
            self._holds(run, known.get(run.id)) for run in runs if not run.ended
        ):
            return None
        self._listed = runs
        rows = [self._row(run, known.get(run.id)) for run in runs]
        self._known = {run.id: had for run in runs if (had := known.get(run.id))}
        self._stale = {row.run.id: row.run for row in rows if row.is_stale}
        return rows

    def lately(self) -> list[PickerRow] | None:
        """List the runs that were written last, to be shown while all are read; None where that is not slow."""
        runs = self.db.backend.lately(FIRST_RUNS)
        return None if runs is None else [PickerRow(run) for run in runs]

    def has_news(self) -> bool:
        """Whether to list again is worth it: a cheap look at what may change from one moment to the next."""
        growing = [run for run, card in self._known.values() if card.standing in _GROWING]
        standings = Standings(now_ms())
        if any(map(self.is_due, self._stale.values())) or any(
            self._known[run.id][1].standing != standings.of(run) for run in growing
        ):
            return True
        return self.db.backend.has_news([run.id for run in growing])

    def _row(self, run: Run, known: tuple[Run, Card] | None) -> PickerRow:
        if known is None:
            return PickerRow(run)
        return PickerRow(run, known[1], is_stale=not self._holds(run, known))

    def _is_as_listed(self, runs: list[Run]) -> bool:
        before = self._listed
        return before is not None and len(runs) == len(before) and all(map(is_, runs, before))

    def _kept(self, runs: list[Run]) -> dict[str, tuple[Run, Card]]:
        """Return the cards that the catalog keeps."""
        digests = self.db.backend.digests()
        cards = ((run, read_card(digests[run.id])) for run in runs if run.id in digests)
        return {run.id: (run, card) for run, card in cards if card is not None}

    def _holds(self, run: Run, known: tuple[Run, Card] | None) -> bool:
        return known is not None and known[0] is run and known[1].standing == self._standings.of(run)

    def is_due(self, run: Run) -> bool:
        """Whether enough time went by since the run's card was made."""
        return time.monotonic() >= self._due.get(run.id, 0.0)

    def make(self, run: Run) -> Card:
        """Make the card of a run, and keep it."""
        start = time.monotonic()
        card = make_card(self.db, run, self._standings.of(run), now_ms())
        end = time.monotonic()
        self._due[run.id] = end + (end - start) * SHARE_OF_TIME
        self._known[run.id] = run, card
        self._stale.pop(run.id, None)
        self.db.backend.keep_digest(run, card.digest())
        return card

    def save(self, *, at_last: bool = False) -> None:
        """Let the catalog be written, at most once in a while, and when one leaves."""
        if self._known and (at_last or time.monotonic() - self._saved >= SAVE_SECONDS):
            self.db.backend.save_catalog()
            self._saved = time.monotonic()
