"""The run squeezed to a width, by order: one cell for a stretch of traces, errors winning over all else. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tracetui.analysis.summary import letter
from tracetui.storage.backend import RunView


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its letter, what it means, and the first trace it stands for."""

    text: str
    role: str
    seq: int


def minimap(
    view: RunView,
    width: int,
    errors: set[int],
    terminal: int,
    cursor: int,
    is_shown: Callable[[int], bool] | None,
    hits: Sequence[int] = (),
    reviewed: Sequence[int] = (),
    is_there: Callable[[int], bool] | None = None,
) -> list[Cell]:
    """Return at most ``width`` cells for a run, in seq order; linear in errors, marks and width, not in traces and hits.

    A cell takes the letter of the middle of its stretch; "e" where an error is in it, "E" for the one that ended
    the run; "m" for a mark or a note; "/" for a hit of the search, where cells stand for several traces, else the
    letter of the hit. What is not there (yet) leaves its cells blank.
    """
    total = view.count
    if not total or width <= 0:
        return []
    cells = min(width, total)
    marked = {seq * cells // total: seq for seq in errors}
    sought = _sought(hits, cells, total, is_there)
    kept = {seq * cells // total: seq for seq in reversed(reviewed)}
    found = []
    here = cursor * cells // total if cursor >= 0 else -1
    for number in range(cells):
        first = -(-number * total // cells)
        middle = min(first + total // cells // 2, total - 1)
        text, role, seq = letter(view.kinds[middle], view.type_names[view.types[middle]]), "map", first
        if is_there is not None and not is_there(middle):
            text = " "
        if is_shown is not None and not is_shown(middle):
            role = "map dim"
        if view.statuses[middle] == 2:
            role = "map failed"
        if number in sought:
            text, role, seq = text if cells == total else "/", "map hit", sought[number]
        if number in kept:
            text, role, seq = "m", "map mark", kept[number]
        if number in marked:
            text, role, seq = "e", "map error", marked[number]
        if terminal >= 0 and terminal * cells // total == number:
            text, role, seq = "E", "map terminal", terminal
        if number == here:
            role += " cursor"
        found.append(Cell(text, role, seq))
    return found


def _sought(
    hits: Sequence[int], cells: int, total: int, is_there: Callable[[int], bool] | None
) -> dict[int, int]:
    """Return the first hit that is there by cell; hits are in seq order, and of a cell only as many are looked at as needed."""
    found: dict[int, int] = {}
    for number in range(cells):
        first, last = -(-number * total // cells), -(-(number + 1) * total // cells)
        within = range(bisect_left(hits, first), bisect_left(hits, last))
        hit = next((hits[at] for at in within if is_there is None or is_there(hits[at])), -1)
        if hit >= 0:
            found[number] = hit
    return found
