"""The runs of a store as the picker shows them: order, filter, marks, and which failed while one looked. Pure.

Changed by the screen's own thread alone; ``board`` reads the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tracetui.errors import QueryError
from tracetui.model.clock import now_ms
from tracetui.querying.picker import RunTest, parse_run_filter, run_test
from tracetui.store.database import Database
from tracetui.tui.view.board import Board, PickerRow
from tracetui.tui.view.card import Card

SORTS = ("started", "verdict", "name", "duration", "traces", "errors", "tokens", "cost")
"""In each, first what one looks for: the newest, what failed, the longest, the most."""
MARKS = 2
"""So many runs can be marked: the two sides of a diff."""


class PickerModel:
    """Rows of the picker as they are shown."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.board = Board(db)
        self.rows: list[PickerRow] = []
        self.sort = "started"
        self.reverse = False
        self.is_listed = self._reading = False
        self.marked: list[str] = []
        """Ids of the runs that are marked, in the order of marking: A, B."""
        self.alarmed: dict[str, None] = {}
        """Ids of the runs that failed while one looked and that nobody went to yet."""
        self._filter = ""
        self._test: RunTest | None = None
        self._all: list[PickerRow] = []
        self._by_id: dict[str, PickerRow] = {}
        self._labels: dict[str, str] = {}
        self._failed_now: list[PickerRow] = []
        self._opened_ms = now_ms()
        self._counts = ""

    # ---- what the board says -----------------------------------------------------------------------------

    def show(self, rows: list[PickerRow] | None, *, reading: bool = False) -> None:
        """Take over what the board lists; None leaves what is shown. ``reading``: more of them come."""
        if rows is None:
            return
        self._all = rows
        self._by_id = {row.run.id: row for row in rows}
        self.marked = [run_id for run_id in self.marked if run_id in self._by_id]
        self.alarmed = {run_id: None for run_id in self.alarmed if run_id in self._by_id}
        self.is_listed, self._reading = True, reading
        self._watch(rows)
        self.arrange()

    def fill(self, cards: Iterable[tuple[PickerRow, Card]]) -> None:
        """Give rows their cards."""
        rows = []
        for row, card in cards:
            row.card, row.is_stale = card, False
            rows.append(row)
        self._watch(rows)
        self._count()

    def _watch(self, rows: Iterable[PickerRow]) -> None:
        """Notice which runs failed since one looks: they went on before, or began only now."""
        labels, opened = self._labels, self._opened_ms
        for row in rows:
            before, label = labels.get(row.run.id), row.label
            if label == before or row.card is None:
                continue
            labels[row.run.id] = label
            is_new = before is None and row.run.created_ms >= opened
            if row.is_bad and (before == "LIVE" or is_new):
                self.alarmed[row.run.id] = None
                self._failed_now.append(row)

    def take_failed(self) -> list[PickerRow]:
        """Return the runs that failed since this was last asked."""
        failed, self._failed_now = self._failed_now, []
        return failed

    def calm(self, run_id: str) -> None:
        """Note that somebody went to a run that failed."""
        self.alarmed.pop(run_id, None)

    @property
    def total(self) -> int:
        """Number of runs, whatever the filter."""
        return len(self._all)

    def missing(self) -> list[PickerRow]:
        """Return the rows without a card, or with a stale one: those shown, in their order, then the others."""
        shown = [row for row in self.rows if row.card is None or row.is_stale]
        if len(self.rows) == len(self._all):
            return shown
        ids = {row.run.id for row in shown}
        others = (row for row in self._all if row.card is None or row.is_stale)
        return shown + [row for row in others if row.run.id not in ids]

    # ---- order and filter --------------------------------------------------------------------------------

    @property
    def filter(self) -> str:
        """Text of the filter; what it cannot be read as leaves what is shown."""
        return self._filter

    def set_filter(self, text: str) -> QueryError | None:
        """Filter by a query over runs; return what is wrong with it, and leave the rows then."""
        try:
            query = parse_run_filter(text)
        except QueryError as problem:
            return problem
        self._filter = text if text.strip() else ""
        self._test = None if query.where is None else run_test(query, now_ms())
        self.arrange()
        return None

    def sort_by(self, name: str) -> None:
        """Put the rows in another order; the same again turns it round."""
        self.reverse = name == self.sort and not self.reverse
        self.sort = name
        self.arrange()

    def order(self) -> dict[str, object]:
        """Return the order as JSON."""
        return {"sort": self.sort, "reverse": self.reverse}

    def restore_order(self, value: Mapping[str, object]) -> None:
        """Put the rows in the order that ``order`` gave; anything else leaves them."""
        if value.get("sort") in SORTS:
            self.sort, self.reverse = str(value["sort"]), value.get("reverse") is True
            self.arrange()

    def arrange(self) -> None:
        """Put the rows in order, and leave out what the filter leaves out."""
        rows = [row for row in self._all if self._test(row)] if self._test else list(self._all)
        if self.sort != "started":
            rows.sort(key=lambda row: _order(row, self.sort))
        if self.reverse:
            rows.reverse()
        self.rows = rows
        self._count()

    def first_to_show(self) -> int:
        """Return the row to stand on at first: the newest that failed, else the newest."""
        rows = self.rows
        return max(range(len(rows)), key=lambda n: (rows[n].is_bad, rows[n].run.created_ms), default=0)

    def row_of(self, run_id: str) -> int:
        """Return where a run stands, −1 if it is not shown."""
        return next((n for n, row in enumerate(self.rows) if row.run.id == run_id), -1)

    # ---- marks -------------------------------------------------------------------------------------------

    def mark(self, run_id: str) -> None:
        """Mark a run for a diff, or unmark it; a third mark takes the place of the second."""
        if run_id in self.marked:
            self.marked.remove(run_id)
        else:
            self.marked = [*self.marked[: MARKS - 1], run_id]

    def sides(self, run_id: str) -> tuple[str, str] | None:
        """Return the two runs to compare, the good or older one first; None if there is nothing to compare.

        The marked ones; one marked and the one under the cursor; else that one and the newest good run of its name.
        """
        chosen = self.marked if len(self.marked) == MARKS else [*self.marked, run_id]
        if len(chosen) == MARKS:
            return None if chosen[0] == chosen[1] else (chosen[0], chosen[1])
        row = self._by_id.get(run_id)
        good = self._newest_good(row) if row is not None else None
        return None if good is None else (good, run_id)

    def _newest_good(self, row: PickerRow) -> str | None:
        named = (
            other.run.id
            for other in self._all
            if other.label == "OK" and other is not row and other.run.name == row.run.name and row.run.name
        )
        return next(named, None)

    # ---- figures -----------------------------------------------------------------------------------------

    def _count(self) -> None:
        labels = Counter(row.label for row in self._all)
        failed = sum(row.is_bad for row in self._all)
        self._counts = f"{len(self._all):,} runs   {failed:,} failed   {labels['LIVE']:,} live"

    def counts(self) -> str:
        """Return how many runs there are, failed and live."""
        if not self.is_listed:
            return "reading the runs…"
        return f"the {self.total:,} written last; reading the others…" if self._reading else self._counts


_SEVERITY = {"FAILED": 0, "LOST": 1, "CUT OFF": 2, "LIVE": 3, "CANCELLED": 4, "ENDED": 5, "OK": 6}


def _order(row: PickerRow, sort: str) -> tuple[object, ...]:
    card = row.card
    keys: dict[str, object] = {
        "verdict": _SEVERITY.get(row.label, 9),
        "name": (row.run.name or row.run.id).casefold(),
        "duration": -(card.duration_ms if card else 0),
        "traces": -row.run.traces,
        "errors": -row.errors,
        "tokens": -(card.tokens if card else 0),
        "cost": -(card.cost_usd if card else 0.0),
    }
    return keys[sort], -row.run.created_ms
