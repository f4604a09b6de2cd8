"""What the picker says of a run: its row, the line above the rows, and the card beside them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tracetui.model.run import UNREADABLE
from tracetui.model.text import printable
from tracetui.render.cells import chopped, cut, pad, pad_left, width_of
from tracetui.render.figures import cost, count, date, duration, short_id, started
from tracetui.tui.view.board import PickerRow
from tracetui.tui.view.card import Preview
from tracetui.tui.view.header import verdict_role
from tracetui.tui.view.picker import PickerModel

Pieces = list[tuple[str, str]]

SIGNS = {"OK": "o", "FAILED": "x", "LOST": "x", "CUT OFF": "x", "LIVE": "~", "CANCELLED": "-", "ENDED": "."}
ALARM = "!"
_SIGN_WIDTH = 4
LABEL_WIDTH = 10
VALUE_LINES = 5
"""So many lines of the card a value takes at most."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures: what it is called, how wide it is, and the order that it stands for."""

    title: str
    width: int
    sort: str


COLUMNS = (
    Column("STARTED", 13, "started"), Column("DUR", 7, "duration"), Column("TRACES", 7, "traces"),
    Column("ERR", 5, "errors"), Column("TOK", 7, "tokens"), Column("COST", 8, "cost"),
)  # fmt: skip
_ALL_FROM = 66
"""Cells from which on all columns fit."""


def columns(width: int) -> tuple[Column, ...]:
    """Return the columns of figures that there is room for."""
    return COLUMNS if width >= _ALL_FROM else COLUMNS[:4]


def _name_width(width: int) -> int:
    return max(width - sum(column.width for column in columns(width)) - _SIGN_WIDTH - 1, 12)


def heading(width: int, sort: str) -> Pieces:
    """Return the line above the rows; the title of the column they are ordered by is turned round."""
    pieces: Pieces = [
        (" ", "heading"), ("ST", _title_role("verdict", sort)), (" ", "heading"),
        ("RUN", _title_role("name", sort)), (" " * (_name_width(width) - 3), "heading"),
    ]  # fmt: skip
    for column in columns(width):
        gap = column.width - len(column.title)
        pieces += [(" " * gap, "heading"), (column.title, _title_role(column.sort, sort))]
    used = sum(len(text) for text, _ in pieces)
    return [*pieces, (" " * max(width - used, 1), "heading")]


def _title_role(name: str, sort: str) -> str:
    return "heading cursor" if name == sort else "heading"


def sort_at(x: int, width: int) -> str:
    """Return the order that the title at a cell of the heading stands for.

    >>> sort_at(1, 100), sort_at(10, 100), sort_at(99, 100)
    ('verdict', 'name', 'cost')
    """
    if x < _SIGN_WIDTH:
        return "verdict"
    end = _SIGN_WIDTH + _name_width(width)
    for column in columns(width):
        if x < end:
            return "name" if column is COLUMNS[0] else columns(width)[columns(width).index(column) - 1].sort
        end += column.width
    return columns(width)[-1].sort


def row_pieces(model: PickerModel, row: PickerRow, width: int, now_ms: int) -> Pieces:
    """Return what a row of the picker says."""
    role = _row_role(row.label)
    alarmed = row.run.id in model.alarmed
    sign = f"{_mark(model, row)}{ALARM if alarmed else SIGNS.get(row.label, '?')}  "
    values = zip(_values(row, now_ms), columns(width), strict=False)
    figures = "".join(pad_left(value, column.width) for value, column in values)
    return [
        (sign, "verdict bad" if alarmed else role), *_name(row, _name_width(width), role),
        (figures, "live metric" if row.is_live else "dim" if row.card is None else "metric"), (" ", "text"),
    ]  # fmt: skip


def _mark(model: PickerModel, row: PickerRow) -> str:
    return "AB"[model.marked.index(row.run.id)] if row.run.id in model.marked else " "


def _row_role(label: str) -> str:
    return {"bad": "failed text", "live": "live metric"}.get(verdict_role(label).split()[-1], "text")


def _values(row: PickerRow, now_ms: int) -> list[str]:
    card, took = row.card, row.duration_ms(now_ms)
    return [
        "" if row.run.status == UNREADABLE else started(row.run.created_ms, now_ms),
        duration(took) if took else "", count(row.run.traces),
        count(row.errors) if row.errors else "", count(card.tokens) if card and card.tokens else "",
        cost(card.cost_usd) if card else "",
    ]  # fmt: skip


def _name(row: PickerRow, width: int, role: str) -> Pieces:
    """Return the name with the end of the id, and the run's tags where there is room beside it."""
    run = row.run
    pin = "* " if "pinned" in run.tags else ""
    title = printable(f"{pin}{run.name} …{short_id(run.id)}" if run.name else pin + run.id)
    tags = printable(", ".join(tag for tag in run.tags if tag != "pinned"))
    room = width - width_of(title) - 2
    if not tags or room < 6:
        return [(pad(title, width), role)]
    return [(f"{title}  ", role), (pad(tags, room), "tag")]


# ---- the card --------------------------------------------------------------------------------------------


def card_lines(row: PickerRow, width: int, *, brief: bool = False) -> list[Pieces]:
    """Return the preview of a run; the brief one leaves out what its row says."""
    run, card = row.run, row.card
    label = f" {card.label} " if card is not None else ""
    head: Pieces = [(cut(printable(run.name or run.id), width - len(label) - 2) + "  ", "title")]
    lines = [[*head, (label, verdict_role(card.label))] if card is not None else head]
    if not brief:
        lines += [[(cut(printable(run.id), width), "dim")], []]
    for name, text, role in _told(row, brief=brief):
        if text:
            lines += _wrapped(name, printable(text), role, width, VALUE_LINES if not brief else 2)
    shape = card.preview.shape if card is not None else ()
    if shape:
        gap: list[Pieces] = [] if brief else [[]]
        lines += [*gap, [(f"{'shape':<{LABEL_WIDTH}}", "label"), *shape[: max(width - LABEL_WIDTH, 0)]]]
    return lines


def _told(row: PickerRow, *, brief: bool) -> list[tuple[str, str, str]]:
    """Return name, text and role of what the card says."""
    run, card = row.run, row.card
    told: list[tuple[str, str, str]] = []
    if card is not None:
        told += _of_card(row, card.preview)
    if not brief:
        told += [
            ("started", "" if run.status == UNREADABLE else date(run.created_ms), "text"), ("status", run.status, "text"),
            ("tags", ", ".join(run.tags), "tag"),
        ]  # fmt: skip
    told += [("damage", f"{d.reason}: {d.length} bytes at {d.offset}", "error text") for d in run.damage[:3]]
    return told


def _of_card(row: PickerRow, preview: Preview) -> list[tuple[str, str, str]]:
    bad = preview.has_terminal
    recovered = row.card.recovered if row.card else 0
    return [
        ("ended by" if bad else "why", preview.why, "error text" if bad else "text"),
        ("where", preview.where, "text"), ("loops", preview.loops, "warning"),
        ("errors", f"{row.errors}, {recovered} recovered" if row.errors else "none", "text"),
        ("top time", preview.top, "text"),
    ]  # fmt: skip


def _wrapped(name: str, text: str, role: str, width: int, most: int) -> list[Pieces]:
    parts = chopped(text, max(width - LABEL_WIDTH, 10), most)
    return [
        [(f"{name if number == 0 else '':<{LABEL_WIDTH}}", "label"), (part, role)]
        for number, part in enumerate(parts)
    ]
