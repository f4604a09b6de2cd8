"""Two runs beside each other as plain lines, and as JSON: what ``tracetui diff`` writes.

Equal steps are folded into a count, but for those above a difference, which say where it is. Steps that only
one run has are told once, with how often they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tracetui.analysis.diff import CHANGED, EQUAL, ONLY_A, ONLY_B, Diff, DiffRow, Section, Side
from tracetui.analysis.summary import letter, summary
from tracetui.analysis.verdict import folder_of
from tracetui.model.text import printable
from tracetui.render.cells import cut, pad, pad_left, width_of
from tracetui.render.figures import count, duration
from tracetui.storage.backend import RunView

SIDE_BY_SIDE_FROM = 110
"""Columns from which on both runs stand beside each other."""
INDENT_LEVELS = 12
EFFECT_WIDTH = 16
MAX_ONLY, MAX_CHANGES = 12, 5
"""Different steps told of one difference, and parts told of one changed step, unless everything is asked for."""
_SIGNS = {EQUAL: "=", CHANGED: "~", ONLY_A: "-", ONLY_B: "+"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its sign, how deep it stands, what it says of A and of B, and what B took more.

    ``sign`` is "" for a line that only says where the next are; ``part`` names the part whose values these are.
    """

    sign: str
    depth: int
    a: str = ""
    b: str = ""
    effect: str = ""
    part: str = ""


class Sides:
    """The steps of both runs as text."""

    def __init__(self, a: RunView, b: RunView) -> None:
        self._views = (a, b)
        self._folders = (folder_of(a.run), folder_of(b.run))

    def text(self, side: int, seq: int) -> str:
        """Return letter and summary of a step, "" for −1."""
        if seq < 0:
            return ""
        view = self._views[side]
        kind = letter(view.kinds[seq], view.type_names[view.types[seq]])
        return f"{kind} {summary(view.trace(seq), self._folders[side])}"

    def id(self, side: int, seq: int) -> str | None:
        """Return the id of a step, None for −1."""
        return None if seq < 0 else self._views[side].ids[seq]


def heading(diff: Diff, sides: Sides, verdicts: tuple[str, str], width: int = 0) -> Iterator[str]:
    """Yield a line about each run, and what there is about where they part."""
    rows = [
        (
            label, printable(side.name or ""), printable(side.run_id), verdict, duration(side.ms) or "0ms",
            f"{count(side.tokens)} tokens", f"{side.traces:,} traces",
        )
        for label, side, verdict in (("A", diff.a, verdicts[0]), ("B", diff.b, verdicts[1]))
    ]  # fmt: skip
    widths = [max(width_of(row[n]) for row in rows) for n in range(len(rows[0]))]
    for line in [
        *(
            "  ".join(pad(cell, size) for cell, size in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ),
        *first_divergence(diff, sides),
    ]:
        yield cut(line, width) if width else line


def first_divergence(diff: Diff, sides: Sides) -> tuple[str, ...]:
    """Return how many differences there are and where the first is, and what it is."""
    if diff.equal:
        return (f"no difference in {len(diff.rows):,} steps",)
    row, number = diff.rows[diff.first], len(diff.differences)
    a, b = sides.text(0, row.a), sides.text(1, row.b)
    what = {ONLY_A: f"only in A: {a}", ONLY_B: f"only in B: {b}"}.get(row.kind) or f"{b}: {_told(row)}"
    where = f"step {diff.first + 1:,} of {len(diff.rows):,}"
    return (f"{number:,} difference{'s' if number > 1 else ''}, the first at {where}", f"  {what}")


def _told(row: DiffRow) -> str:
    more = "" if len(row.changes) <= 2 else ", …"
    return ", ".join(change.text() for change in row.changes[:2]) + more


def effect(ms: int, tokens: int) -> str:
    """Return what B took more: "+17.2s +14k tok", "" for nothing."""
    parts = []
    if ms:
        parts.append(f"{'+' if ms > 0 else '-'}{duration(abs(ms))}")
    if tokens:
        parts.append(f"{'+' if tokens > 0 else '-'}{count(abs(tokens))} tok")
    return " ".join(parts)


# ---- lines -----------------------------------------------------------------------------------------------


def lines_of(diff: Diff, sides: Sides, *, everything: bool = False) -> Iterator[Line]:
    """Yield the lines of a diff; with ``everything`` each row has its own."""
    above = above_differences(diff)
    for section in diff.sections:
        if section.kind == EQUAL:
            yield from _equal(diff, section, sides, above, everything=everything)
        elif section.kind == CHANGED:
            yield from _changed(diff.rows[section.start], section, sides, everything=everything)
        else:
            yield from _only(diff.rows[section.start : section.end], section, sides, everything=everything)


def above_differences(diff: Diff) -> set[int]:
    """Return the rows below which some row differs."""
    found: set[int] = set()
    differing: set[int] = set()
    for number in range(len(diff.rows) - 1, -1, -1):
        row = diff.rows[number]
        if row.depth + 1 in differing:
            found.add(number)
            differing.discard(row.depth + 1)
            differing.add(row.depth)
        elif row.kind != EQUAL:
            differing.add(row.depth)
    return found


def _equal(
    diff: Diff, section: Section, sides: Sides, above: set[int], *, everything: bool
) -> Iterator[Line]:
    folded, depth = 0, 0
    for number in range(section.start, section.end):
        row = diff.rows[number]
        if everything or number in above:
            if folded:
                yield _folded(folded, depth)
            folded = 0
            sign = "=" if everything else ""
            yield Line(sign, row.depth, sides.text(0, row.a), sides.text(1, row.b))
        else:
            depth = row.depth if not folded else min(depth, row.depth)
            folded += 1
    if folded:
        yield _folded(folded, depth)


def _folded(steps: int, depth: int) -> Line:
    text = f"{steps:,} equal step{'s' if steps > 1 else ''}"
    return Line("=", depth, text, text)


def _changed(row: DiffRow, section: Section, sides: Sides, *, everything: bool) -> Iterator[Line]:
    a, b = sides.text(0, row.a), sides.text(1, row.b)
    took = effect(section.ms, section.tokens)
    if row.follows:
        yield Line("", row.depth, a, f"{b}  ({_told(row)})", took)
        return
    yield Line("~", row.depth, a, b, took)
    shown = row.changes if everything else row.changes[:MAX_CHANGES]
    for change in shown:
        yield Line("~", row.depth + 2, change.a or "none", change.b or "none", part=change.part)
    if len(shown) < len(row.changes):
        more = f"… {len(row.changes) - len(shown)} parts more"
        yield Line("~", row.depth + 2, more, more)


def _only(rows: Iterable[DiffRow], section: Section, sides: Sides, *, everything: bool) -> Iterator[Line]:
    """Yield the steps of one side, equal ones once with how often they come."""
    side = 0 if section.kind == ONLY_A else 1
    told: dict[tuple[int, int, str], int] = {}
    for number, row in enumerate(rows):
        key = number if everything else 0, row.depth, sides.text(side, row.a if side == 0 else row.b)
        told[key] = told.get(key, 0) + 1
    took, left = effect(section.ms, section.tokens), len(section)
    for number, ((_, depth, text), times) in enumerate(told.items()):
        if number == MAX_ONLY and not everything:
            yield _one_sided(section, depth, f"… {left:,} steps more")
            return
        often = f"  ×{times:,}" if times > 1 else ""
        yield replace(_one_sided(section, depth, text + often), effect="" if number else took)
        left -= times


def _one_sided(section: Section, depth: int, text: str) -> Line:
    a, b = (text, "") if section.kind == ONLY_A else ("", text)
    return Line(_SIGNS[section.kind], depth, a, b)


# ---- text ------------------------------------------------------------------------------------------------


def as_text(lines: Iterable[Line], width: int) -> Iterator[str]:
    """Yield the lines beside each other if ``width`` has room for both runs, else in one column.

    With width 0 nothing is cut.
    """
    write = _beside if width >= SIDE_BY_SIDE_FROM else _below
    for line in lines:
        yield from write(line, width)


def _indent(depth: int) -> str:
    return "  " * depth if depth <= INDENT_LEVELS else "  " * INDENT_LEVELS + f"+{depth - INDENT_LEVELS} "


def _beside(line: Line, width: int) -> Iterator[str]:
    half = (width - EFFECT_WIDTH - 4) // 2
    start = _indent(line.depth) + (f"{line.part}: " if line.part else "")
    left = pad(start + line.a if line.a else "", half)
    right = pad(start + line.b if line.b else "", half)
    yield f"{left} {line.sign or '|'} {right} {pad_left(line.effect, EFFECT_WIDTH)}".rstrip()


def _below(line: Line, width: int) -> Iterator[str]:
    indent = _indent(line.depth)
    text = f"{line.part}: {line.a} → {line.b}" if line.part else line.b or line.a
    start = f"{line.sign or ' '} {indent}"
    if not width:
        yield f"{start}{text}{'  ' + line.effect if line.effect else ''}"
        return
    room = width - width_of(start) - (width_of(line.effect) + 2 if line.effect else 0)
    shown = pad(text, room) + "  " + line.effect if line.effect else cut(text, room)
    yield (start + shown).rstrip()


# ---- JSON ------------------------------------------------------------------------------------------------


def as_json(diff: Diff, sides: Sides, verdicts: tuple[str, str]) -> dict[str, Any]:
    """Return the whole diff as plain data: every row, with the ids of its traces."""
    return {
        "a": _side(diff.a, verdicts[0]),
        "b": _side(diff.b, verdicts[1]),
        "equal": diff.equal,
        "first_divergence": None if diff.equal else diff.first,
        "differences": [_section(section) for section in diff.differences],
        "steps": {kind: diff.count(kind) for kind in (EQUAL, CHANGED, ONLY_A, ONLY_B)},
        "rows": [_row(row, sides) for row in diff.rows],
    }


def _side(side: Side, verdict: str) -> dict[str, Any]:
    return {
        "run_id": side.run_id, "name": side.name, "verdict": verdict, "traces": side.traces, "ms": side.ms,
        "tokens": side.tokens, "cost": side.cost,
    }  # fmt: skip


def _section(section: Section) -> dict[str, Any]:
    return {
        "kind": section.kind, "start": section.start, "end": section.end, "ms": section.ms, "tokens": section.tokens,
    }  # fmt: skip


def _row(row: DiffRow, sides: Sides) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": row.kind, "depth": row.depth}
    found |= {"a": sides.id(0, row.a), "b": sides.id(1, row.b)}
    found["summary"] = sides.text(1, row.b) or sides.text(0, row.a)
    found |= {"ms": row.ms, "tokens": row.tokens}
    if row.changes:
        found["changes"] = [change._asdict() for change in row.changes]
        found["follows"] = row.follows
    return found
