"""The runs of a store as rows: verdicts, figures, order and filter. Pure, but for reading the store.

A run's verdict and figures are made once a state of it, and kept in the store's catalog (see ``card``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from operator import is_

from tracetui.analysis.verdict import BAD_LABELS
from tracetui.model.clock import now_ms
from tracetui.model.run import Run
from tracetui.model.text import printable
from tracetui.render.cells import cut, pad, pad_left
from tracetui.render.figures import cost, count, date, duration, short_id, started
from tracetui.store.database import Database
from tracetui.tui.view.card import Card, Preview, Standings, make_card, read_card
from tracetui.tui.view.header import verdict_role

Pieces = list[tuple[str, str]]

SORTS = ("started", "verdict", "name", "duration", "traces", "errors", "tokens", "cost")
MARKS = {"OK": "o", "FAILED": "x", "LOST": "x", "CUT OFF": "x", "LIVE": "~", "CANCELLED": "-", "ENDED": "."}
SAVE_SECONDS = 60.0
"""So long a catalog that was written is left alone while one looks on."""


@dataclass(slots=True)
class PickerRow:
    """One run; its card comes later, if nobody made it before."""

    run: Run
    card: Card | None = None

    __hash__ = None  # type: ignore[assignment]

    @property
    def label(self) -> str:
        """The verdict, or "…" while it is not known."""
        return self.card.label if self.card else "…"


class Board:
    """Runs and their cards, read from the store: for one worker at a time."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._known: dict[str, tuple[Run, Card]] = {}
        self._listed: list[Run] | None = None
        self._saved = float("-inf")
        self._standings = Standings(now_ms())

    def rows(self, *, fresh: bool = True) -> list[PickerRow] | None:
        """List the runs, newest first, with the cards that still hold; None if nothing changed since.

        Opens logs that changed, and no other.
        """
        runs = self.db.runs(fresh=fresh)
        self._standings = Standings(now_ms())
        known = self._known or self._kept(runs)
        if self._is_as_listed(runs) and all(
            self._holds(run, known.get(run.id)) for run in runs if not run.ended
        ):
            return None
        self._listed = runs
        self._known = {run.id: had for run in runs if (had := known.get(run.id)) and self._holds(run, had)}
        return [PickerRow(run, had[1] if (had := self._known.get(run.id)) else None) for run in runs]

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

    def make(self, run: Run) -> Card:
        """Make the card of a run, and keep it."""
        card = make_card(self.db, run, self._standings.of(run), now_ms())
        self._known[run.id] = run, card
        self.db.backend.keep_digest(run, card.digest())
        return card

    def save(self, *, at_last: bool = False) -> None:
        """Let the catalog be written, at most once in a while, and when one leaves."""
        if self._known and (at_last or time.monotonic() - self._saved >= SAVE_SECONDS):
            self.db.backend.save_catalog()
            self._saved = time.monotonic()


class PickerModel:
    """Rows of the picker as they are shown; changed by the screen's own thread alone."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.board = Board(db)
        self.rows: list[PickerRow] = []
        self.sort = "started"
        self.filter = ""
        self.is_listed = False
        self._all: list[PickerRow] = []
        self._counts = ""

    def show(self, rows: list[PickerRow] | None) -> None:
        """Take over what the board lists; None leaves what is shown."""
        if rows is None:
            return
        self._all = rows
        self.is_listed = True
        self.arrange()

    @property
    def total(self) -> int:
        """Number of runs, whatever the filter."""
        return len(self._all)

    def missing(self) -> list[PickerRow]:
        """Return the rows without a card: those shown, in their order, then the others."""
        shown = [row for row in self.rows if row.card is None]
        if len(self.rows) == len(self._all):
            return shown
        ids = {row.run.id for row in shown}
        return shown + [row for row in self._all if row.card is None and row.run.id not in ids]

    def fill(self, cards: Iterable[tuple[PickerRow, Card]]) -> None:
        """Give rows their cards."""
        for row, card in cards:
            row.card = card
        self._count()

    def arrange(self) -> None:
        """Put the rows in order, and leave out what the filter leaves out."""
        wanted = self.filter.casefold().split()
        rows = (
            [row for row in self._all if all(_has(row, word) for word in wanted)]
            if wanted
            else list(self._all)
        )
        if self.sort != "started":
            rows.sort(key=lambda row: _order(row, self.sort))
        self.rows = rows
        self._count()

    def first_to_show(self) -> int:
        """Return the row to stand on at first: the newest that failed, else the newest."""
        return next((n for n, row in enumerate(self.rows) if row.label in BAD_LABELS), 0)

    def row_of(self, run_id: str) -> int:
        """Return where a run stands, −1 if it is not shown."""
        return next((n for n, row in enumerate(self.rows) if row.run.id == run_id), -1)

    def _count(self) -> None:
        labels = Counter(row.label for row in self._all)
        failed = sum(labels[label] for label in BAD_LABELS)
        self._counts = f"{len(self._all):,} runs   {failed:,} failed   {labels['LIVE']:,} live"

    def counts(self) -> str:
        """Return how many runs there are, failed and live."""
        return self._counts if self.is_listed else "reading the runs…"


def _has(row: PickerRow, word: str) -> bool:
    """Whether a run has a word of the filter: in its name, id, verdict or tags; ``tag:x`` and ``verdict:x`` name one."""
    field, separator, value = word.partition(":")
    if separator and field == "tag":
        return any(value in tag.casefold() for tag in row.run.tags)
    if separator and field == "verdict":
        return row.label.casefold().startswith(value)
    if separator and field == "name":
        return value in (row.run.name or "").casefold()
    texts = [row.run.name or "", row.run.id, row.label, *row.run.tags]
    return any(word in text.casefold() for text in texts)


_SEVERITY = {"FAILED": 0, "LOST": 1, "CUT OFF": 2, "LIVE": 3, "CANCELLED": 4, "ENDED": 5, "OK": 6}


def _order(row: PickerRow, sort: str) -> tuple[object, ...]:
    card = row.card
    keys: dict[str, object] = {
        "verdict": _SEVERITY.get(row.label, 9),
        "name": (row.run.name or "").casefold(),
        "duration": -(card.duration_ms if card else 0),
        "traces": -row.run.traces,
        "errors": -(card.errors if card else row.run.errors),
        "tokens": -(card.tokens if card else 0),
        "cost": -(card.cost_usd if card else 0.0),
    }
    return keys[sort], -row.run.created_ms


COLUMNS = (("STARTED", 13), ("DUR", 7), ("TRACES", 7), ("ERR", 5), ("TOK", 7), ("COST", 8))


def heading(width: int) -> Pieces:
    """Return the line above the rows."""
    name_width = _name_width(width)
    text = pad(" ST  RUN", name_width + 5) + "".join(pad_left(name, size) for name, size in _columns(width))
    return [(pad(text, width), "heading")]


def _columns(width: int) -> tuple[tuple[str, int], ...]:
    return COLUMNS if width >= 66 else COLUMNS[:4]


def _name_width(width: int) -> int:
    return max(width - sum(size for _, size in _columns(width)) - 6, 12)


def row_pieces(row: PickerRow, width: int, now_ms: int) -> Pieces:
    """Return what a row of the picker says."""
    run, card = row.run, row.card
    name = f"{run.name or '(no name)'} …{short_id(run.id)}" if run.name else run.id
    pin = "* " if "pinned" in run.tags else ""
    label = row.label
    values = [
        started(run.created_ms, now_ms), duration(card.duration_ms) if card and card.duration_ms else "",
        count(run.traces), str(card.errors) if card and card.errors else "",
        count(card.tokens) if card and card.tokens else "", cost(card.cost_usd) if card else "",
    ]  # fmt: skip
    role = {"bad": "failed text", "good": "good", "live": "live metric"}.get(
        verdict_role(label).split()[-1], "text"
    )
    cells = zip(values, _columns(width), strict=False)
    return [
        (f" {MARKS.get(label, '?')}  ", role),
        (pad(printable(pin + name), _name_width(width) + 1), role if role != "good" else "text"),
        ("".join(pad_left(value, size) for value, (_, size) in cells), "metric" if label != "…" else "dim"),
        (" ", "text"),
    ]  # fmt: skip


def card_lines(row: PickerRow, width: int) -> list[Pieces]:
    """Return the preview of a run."""
    run, card = row.run, row.card
    lines: list[Pieces] = [[(printable(cut(run.name or run.id, width - 12)) + "  ", "title")]]
    if card is not None:
        lines[0].append((f" {card.label} ", verdict_role(card.label)))
    lines.append([(printable(cut(run.id, width)), "dim")])
    lines.append([])
    told: list[tuple[str, str, str]] = []
    preview = card.preview if card is not None else Preview()
    if card is not None:
        bad = preview.has_terminal
        told.append(("ended by" if bad else "why", preview.why, "error text" if bad else "text"))
        told.append(("where", preview.where, "text"))
        told.append(
            ("errors", f"{card.errors}, {card.recovered} recovered" if card.errors else "none", "text")
        )
        told.append(("top time", preview.top, "text"))
    told.append(("started", date(run.created_ms), "text"))
    told.append(("status", run.status, "text"))
    told.append(("tags", ", ".join(run.tags), "tag"))
    told += [("damage", f"{d.reason}: {d.length} bytes at {d.offset}", "error text") for d in run.damage[:3]]
    for name, text, role in told:
        if text:
            lines += _wrapped(name, printable(text), role, width)
    if preview.shape:
        lines.append([])
        lines.append([(f"{'shape':<10}", "label"), *preview.shape[: max(width - 10, 0)]])
    return lines


def _wrapped(name: str, text: str, role: str, width: int) -> list[Pieces]:
    room = max(width - 10, 10)
    parts = [text[at : at + room] for at in range(0, min(len(text), room * 5), room)]
    return [[(f"{name if n == 0 else '':<10}", "label"), (part, role)] for n, part in enumerate(parts)]


def visible(rows: Iterable[PickerRow]) -> list[str]:
    """Return the ids of rows, in order."""
    return [row.run.id for row in rows]
