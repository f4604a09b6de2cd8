"""The runs of a store as rows: verdicts, figures, order and filter. Pure, but for reading the store.

A run's verdict and figures are made once a state of it (its counts, status and last news), and kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tracetui.analysis.errors import find_errors
from tracetui.analysis.rollup import totals
from tracetui.analysis.summary import summary
from tracetui.analysis.verdict import Liveness, Verdict, folder_of, judge
from tracetui.errors import TraceTuiError
from tracetui.model.run import ENDED, Run
from tracetui.model.text import printable
from tracetui.model.trace_type import TOOL_CALL, ToolCall
from tracetui.render.cells import cut, pad, pad_left
from tracetui.render.figures import cost, count, date, duration, short_id, started
from tracetui.store.database import Database
from tracetui.store.ownership import is_lost, is_owned
from tracetui.tui.view.header import verdict_role
from tracetui.tui.view.minimap import minimap

Pieces = list[tuple[str, str]]

SORTS = ("started", "verdict", "name", "duration", "traces", "errors", "tokens", "cost")
MARKS = {"OK": "o", "FAILED": "x", "LOST": "x", "CUT OFF": "x", "LIVE": "~", "CANCELLED": "-", "ENDED": "."}
SHAPE_WIDTH = 38


@dataclass(frozen=True, slots=True)
class Card:
    """What the picker knows of a run beyond its own figures."""

    verdict: Verdict
    duration_ms: int
    tokens: int
    cost_usd: float
    ended_by: str
    where: str
    top: str
    shape: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class PickerRow:
    """One run; its card comes later."""

    run: Run
    card: Card | None = None

    __hash__ = None  # type: ignore[assignment]

    @property
    def label(self) -> str:
        """The verdict, or "…" while it is not known."""
        return self.card.verdict.label if self.card else "…"

    @property
    def state(self) -> tuple[object, ...]:
        """What the card was made from."""
        run = self.run
        return run.status, run.traces, run.last_ms, run.damage


class PickerModel:
    """Rows of the picker."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.rows: list[PickerRow] = []
        self.sort = "started"
        self.filter = ""
        self._known: dict[str, tuple[tuple[object, ...], Card]] = {}
        self._all: list[PickerRow] = []

    def load(self) -> None:
        """List the runs; cards that still hold are kept."""
        self._all = [PickerRow(run) for run in self.db.runs()]
        for row in self._all:
            known = self._known.get(row.run.id)
            if known is not None and known[0] == row.state and row.run.status in ENDED:
                row.card = known[1]
            elif known is not None:
                row.card = known[1] if known[0] == row.state else None
        self.arrange()

    @property
    def total(self) -> int:
        """Number of runs, whatever the filter."""
        return len(self._all)

    def missing(self) -> list[PickerRow]:
        """Return the rows without a card, in the order shown."""
        return [row for row in self.rows if row.card is None]

    def fill(self, row: PickerRow, card: Card) -> None:
        """Give a row its card."""
        row.card = card
        self._known[row.run.id] = (row.state, card)

    def arrange(self) -> None:
        """Put the rows in order, and leave out what the filter leaves out."""
        wanted = self.filter.casefold().split()
        rows = [row for row in self._all if all(_has(row, word) for word in wanted)]
        if self.sort != "started":
            rows.sort(key=lambda row: _order(row, self.sort))
        self.rows = rows

    def first_to_show(self) -> int:
        """Return the row to stand on at first: the newest that failed, else the newest."""
        return next((n for n, row in enumerate(self.rows) if row.label in ("FAILED", "LOST", "CUT OFF")), 0)

    def row_of(self, run_id: str) -> int:
        """Return where a run stands, −1 if it is not shown."""
        return next((n for n, row in enumerate(self.rows) if row.run.id == run_id), -1)

    def counts(self) -> str:
        """Return how many runs there are, failed and live."""
        failed = sum(row.label in ("FAILED", "LOST", "CUT OFF") for row in self._all)
        live = sum(row.label == "LIVE" for row in self._all)
        return f"{len(self._all)} runs   {failed} failed   {live} live"


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
        "errors": -(card.verdict.errors if card else row.run.errors),
        "tokens": -(card.tokens if card else 0),
        "cost": -(card.cost_usd if card else 0.0),
    }
    return keys[sort], -row.run.created_ms


def make_card(db: Database, run: Run, now_ms: int) -> Card:
    """Return the card of a run; linear in its traces. A run that cannot be read says so."""
    try:
        view = db.view(run.id)
        errors = find_errors(view)
        verdict = judge(view, now_ms, Liveness(is_owned(run), is_lost(run)), errors)
        rollup = view.rollup()
        figures = totals(view, rollup)
        folder = folder_of(run)
        where = ""
        if verdict.landing >= 0:
            steps: list[str] = []
            node = view.parents[verdict.landing]
            while node >= 0 and len(steps) < 5:
                steps.append(cut(summary(view.trace(node), folder), 24))
                node = view.parents[node]
            where = " > ".join(reversed(steps))
        cells = minimap(view, SHAPE_WIDTH, {e.seq for e in errors.found}, verdict.terminal, -1, None)
        return Card(
            verdict, figures.duration_ms, figures.tokens_in + figures.tokens_out, figures.cost_usd, verdict.why, where,
            _top_time(view), tuple((cell.text, cell.role) for cell in cells),
        )  # fmt: skip
    except TraceTuiError as problem:
        return Card(
            Verdict("DAMAGED", printable(str(problem)), -1, 0, 0),
            0,
            0,
            0.0,
            printable(str(problem)),
            "",
            "",
            (),
        )


def _top_time(view: object) -> str:
    """Return the tools that took longest, with their time."""
    from tracetui.storage.backend import NO_TIME, RunView

    found: dict[str, int] = {}
    run_view: RunView = view  # type: ignore[assignment]
    calls = [seq for seq in run_view.by_type("ToolCall") if run_view.kinds[seq] == TOOL_CALL]
    calls.sort(
        key=lambda seq: 0 if run_view.ends[seq] == NO_TIME else run_view.timestamps[seq] - run_view.ends[seq]
    )
    for seq in calls[:200]:
        try:
            trace = run_view.trace(seq)
            kind, own = trace.trace_type, trace.duration_ms
        except TraceTuiError:
            continue
        if isinstance(kind, ToolCall) and own:
            found[kind.tool_name] = found.get(kind.tool_name, 0) + own
    best = sorted(found.items(), key=lambda item: -item[1])[:3]
    return " | ".join(f"{printable(name)} {duration(total)}" for name, total in best)


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
        count(run.traces), str(card.verdict.errors) if card and card.verdict.errors else "",
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
        lines[0].append((f" {card.verdict.label} ", verdict_role(card.verdict.label)))
    lines.append([(printable(cut(run.id, width)), "dim")])
    lines.append([])
    told: list[tuple[str, str, str]] = []
    if card is not None:
        said = card.verdict
        told.append(
            (
                "ended by" if said.terminal >= 0 else "why",
                card.ended_by.removeprefix("ended by "),
                "error text" if said.terminal >= 0 else "text",
            )
        )
        told.append(("where", card.where, "text"))
        told.append(
            ("errors", f"{said.errors}, {said.recovered} recovered" if said.errors else "none", "text")
        )
        told.append(("top time", card.top, "text"))
    told.append(("started", date(run.created_ms), "text"))
    told.append(("status", run.status, "text"))
    told.append(("tags", ", ".join(run.tags), "tag"))
    told += [("damage", f"{d.reason}: {d.length} bytes at {d.offset}", "error text") for d in run.damage[:3]]
    for name, text, role in told:
        if text:
            lines += _wrapped(name, printable(text), role, width)
    if card is not None and card.shape:
        lines.append([])
        lines.append([(f"{'shape':<10}", "label"), *card.shape[: max(width - 10, 0)]])
    return lines


def _wrapped(name: str, text: str, role: str, width: int) -> list[Pieces]:
    room = max(width - 10, 10)
    parts = [text[at : at + room] for at in range(0, min(len(text), room * 5), room)]
    return [[(f"{name if n == 0 else '':<10}", "label"), (part, role)] for n, part in enumerate(parts)]


def visible(rows: Iterable[PickerRow]) -> list[str]:
    """Return the ids of rows, in order."""
    return [row.run.id for row in rows]
