"""A row of the diff view as pieces of text: both runs beside each other, or one below the other's sign. Pure.

Signs as ``tracetui diff`` has them: ``=`` equal, ``~`` changed, ``-`` only in A, ``+`` only in B, ``|`` where
the next ones are.
"""

from __future__ import annotations

from tracetui.analysis.diff import CHANGED, EQUAL, ONLY_A, ONLY_B, DiffRow
from tracetui.render.cells import cut, pad, pad_left, width_of
from tracetui.render.differences import effect
from tracetui.render.figures import count, duration
from tracetui.tui.view.diff import MAX_PARTS, Block, DiffModel, Row
from tracetui.tui.view.glyphs import Glyphs
from tracetui.tui.view.header import run_title
from tracetui.tui.view.run_model import RunModel

Pieces = list[tuple[str, str]]

SIDE_BY_SIDE_FROM = 96
"""Cells of the view from which on both runs stand beside each other; narrower, one column tells both."""
EFFECT_WIDTH = 16
INDENT_LEVELS = 12
SIGNS = {EQUAL: "=", CHANGED: "~", ONLY_A: "-", ONLY_B: "+"}
_ROLES = {"=": "dim", "~": "warning", "-": "excluded", "+": "good", "|": "dim"}
_EXCHANGED = {"-": "+", "+": "-"}


def passed_over(model: RunModel) -> str:
    """Return what of the screen a diff does not heed: it lays whole runs beside each other, as they are now."""
    if model.past is not None:
        return "whole runs, as of now"
    return "whole runs, without the filter" if model.is_filtered else ""


def legend(model: DiffModel | None, width: int) -> Pieces:
    """Return what the signs of rows mean, by the names of the sides as they stand."""
    if model is None:
        return [(" " * width, "text")]
    pieces: Pieces = [
        (" - ", _ROLES["-"]), ("only A did this   ", "dim"), ("+ ", _ROLES["+"]), ("only B did   ", "dim"),
        ("~ ", _ROLES["~"]), ("both did, otherwise", "dim"),
    ]  # fmt: skip
    used = sum(width_of(text) for text, _ in pieces)
    return [*pieces, (" " * max(width - used, 0), "text")]


def heading(model: DiffModel, row: int, width: int, passed_over: str = "") -> Pieces:
    """Return both runs in one line, and at which of the differences one is; first what is not heeded."""
    if passed_over:
        said = f" {passed_over}: "
        return [(said, "warning"), *heading(model, row, max(width - width_of(said), 24))]
    starts = model.starts
    right = f"{model.number_at(row)}/{len(starts)}" if starts else "no difference"
    if starts and width >= SIDE_BY_SIDE_FROM:
        right = f"first divergence: step {model.diff.first + 1:,}   {right}"
    room = max((width - len(right) - 7) // 2, 10)
    left, other = (_side(model, side, room) for side in model.order)
    used = width_of(left) + width_of(other) + 4
    gap = " " * max(width - used - len(right) - 1, 1)
    return [(" " + left, "title"), (" | ", "dim"), (other, "title"), (gap, "text"), (right + " ", "heading")]


def _side(model: DiffModel, side: int, width: int) -> str:
    """Return "A fix-login-bug …0411 OK 28.1s 39k"; the name gives way first."""
    figures, run = (model.diff.a, model.diff.b)[side], model.models[side]
    told = f" {run.verdict.label} {duration(figures.ms)}"
    if figures.tokens:
        told += f" {count(figures.tokens)} tok"
    label = "AB"[model.order.index(side)]
    name = cut(run_title(figures.name, figures.run_id), max(width - len(told) - 2, 4))
    return cut(f"{label} {name}{told}", width)


def row_pieces(model: DiffModel, number: int, width: int, glyphs: Glyphs) -> Pieces:
    """Return what a visible row shows; together the pieces are ``width`` cells wide."""
    found = model.rows[number]
    if found.part >= 0:
        return _part(model, found, width)
    block = model.blocks[found.block]
    row = model.diff.rows[max(found.at, block.start)]
    sign = _sign(model, block, row)
    role = "text" if row.follows else _ROLES[sign]
    start = _start(block, found, row, glyphs)
    left, right = _texts(model, block, found, row, glyphs)
    took = _effect(model, block, found, row)
    if width >= SIDE_BY_SIDE_FROM:
        half = (width - EFFECT_WIDTH - 4) // 2
        return [
            (pad(start + left if left else "", half), role), (f" {sign} ", role),
            (pad(start + right if right else "", half), role), (pad_left(took, width - 2 * half - 3), "metric"),
        ]  # fmt: skip
    end = f" {took}" if took else ""
    shown = sign if sign != "|" else " "
    return [(f"{shown} ", role), (pad(start + (right or left), width - 2 - len(end)), role), (end, "metric")]


def _sign(model: DiffModel, block: Block, row: DiffRow) -> str:
    if row.follows or (row.kind == EQUAL and block.kind == "step"):
        return "|"
    sign = SIGNS[row.kind]
    return _EXCHANGED.get(sign, sign) if model.swapped else sign


def _start(block: Block, found: Row, row: DiffRow, glyphs: Glyphs) -> str:
    depth = block.depth if found.at < 0 else row.depth
    indent = "  " * min(depth, INDENT_LEVELS)
    indent += f"+{depth - INDENT_LEVELS} " if depth > INDENT_LEVELS else ""
    if not block.folds or found.at not in (-1, block.start):
        return f"{indent}  "
    return f"{indent}{glyphs.folded if found.at < 0 else glyphs.unfolded} "


def _texts(model: DiffModel, block: Block, found: Row, row: DiffRow, glyphs: Glyphs) -> tuple[str, str]:
    if found.at < 0 and block.kind == "equal":
        steps = block.end - block.start
        text = f"{steps:,} equal step{'s' if steps > 1 else ''} (folded)"
        return text, text
    more = ""
    if found.at < 0:
        below = block.end - block.start - block.times
        more = f"  {glyphs.times}{block.times}" if block.times > 1 else ""
        more += f"  (+{below:,} below)" if below else ""
    texts = [text + more if text else "" for text in (model.sides.text(0, row.a), model.sides.text(1, row.b))]
    return texts[model.order[0]], texts[model.order[1]]


def _effect(model: DiffModel, block: Block, found: Row, row: DiffRow) -> str:
    """Return what a difference took, on its first row alone."""
    section = model.diff.sections[block.section]
    ms, tokens = section.ms, section.tokens
    if row.follows:
        ms, tokens = row.ms, row.tokens
    elif not section.differs or max(found.at, block.start) != section.start:
        return ""
    return effect(-ms, -tokens) if model.swapped else effect(ms, tokens)


def _part(model: DiffModel, found: Row, width: int) -> Pieces:
    """Return one changed part of a step: both values beside each other, or with an arrow between them."""
    row = model.diff.rows[found.at]
    change = row.changes[found.part]
    values = change.a or "none", change.b or "none"
    left, right = values[model.order[0]], values[model.order[1]]
    if found.part == MAX_PARTS - 1 and len(row.changes) > MAX_PARTS:
        right += f"  (and {len(row.changes) - MAX_PARTS} parts more)"
    start = f"{'  ' * min(row.depth + 2, INDENT_LEVELS + 2)}{change.part}: "
    if width >= SIDE_BY_SIDE_FROM:
        half = (width - EFFECT_WIDTH - 4) // 2
        return [
            (pad(start + left, half), "excluded"), (" ~ ", "warning"), (pad(start + right, width - half - 3), "good"),
        ]  # fmt: skip
    room = max(width - width_of(start) - 6, 8)
    shown = cut(left, max(room // 2, room - width_of(right)))
    rest = max(width - width_of(start) - width_of(shown) - 6, 1)
    return [
        ("~ ", "warning"),
        (start, "warning"),
        (shown, "excluded"),
        (" -> ", "dim"),
        (pad(right, rest), "good"),
    ]
