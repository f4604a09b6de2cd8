"""A line of the filter panes as pieces of text: mark, value, a bar of its share, shown and all. Pure."""

from __future__ import annotations

from tracetui.model.text import printable
from tracetui.render.cells import cut, pad, pad_left, width_of
from tracetui.render.figures import count
from tracetui.tui.view.facets import ADD, HEADING, LOCKED, MORE, TEXT, WAIT, FacetRow, Facets
from tracetui.tui.view.glyphs import Glyphs

Pieces = list[tuple[str, str]]

COUNTS, BAR, BAR_FROM = 11, 6, 32
_HISTOGRAMS = frozenset({"time", "dur"})
_MARKS = {"include": "[+]", "exclude": "[-]", "": "[ ]"}
_ROLES = {"include": "chosen", "exclude": "excluded"}


def row_pieces(facets: Facets, number: int, width: int, glyphs: Glyphs, cursor: int = -1) -> Pieces:
    """Return what a row shows, ``width`` cells wide; rows of a range that is begun are marked up to the cursor."""
    row = facets.rows[number]
    if row.kind == HEADING:
        mark = glyphs.folded if facets.is_folded(row.field) else glyphs.unfolded
        return [(pad(f"{mark if row.field else ' '} {row.label}", width), "heading")]
    if row.kind in (MORE, ADD, WAIT):
        return [(pad(f"     {row.label}", width), "dim")]
    if row.kind == LOCKED:
        return [(pad(f" [=] {printable(row.label)}", width), "label")]
    state = facets.state_of(row)
    role = _ROLES.get(state) or ("text" if row.shown or row.kind == TEXT else "dim")
    mark = "[~]" if facets.is_brushed(number, cursor) else _MARKS[state]
    if row.kind == TEXT:
        return [(pad(f" {mark} {printable(row.label)}", width), role)]
    return [(f" {mark} ", role), *_counted(facets, row, width - 5, role, glyphs)]


def _counted(facets: Facets, row: FacetRow, width: int, role: str, glyphs: Glyphs) -> Pieces:
    """Return value and counts; between them, for times and durations, a bar that compares them."""
    counts = pad_left(f"{count(row.shown)}/{count(row.total)}", COUNTS)
    bar = _bar(facets, row, glyphs) if width >= BAR_FROM and row.field in _HISTOGRAMS else ""
    room = max(width - COUNTS - width_of(bar) - 1, 1)
    label = pad(cut(printable(row.label), room), room)
    return [(label, role), (bar, "bar"), (counts + " ", "count" if row.shown else "dim")]


def _bar(facets: Facets, row: FacetRow, glyphs: Glyphs) -> str:
    most = max((each.total for each in facets.rows if each.field == row.field), default=0)
    filled = -(-row.shown * BAR // most) if most else 0
    return glyphs.bar * filled + " " * (BAR - filled)
