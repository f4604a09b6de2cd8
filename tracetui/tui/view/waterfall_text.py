"""Lines of the waterfall as pieces of text with roles, cut to a width. Pure; the widget only colours roles.

Left to right: the row's label as in the tree, self time, the metric, a mark for the critical path, and the bar on
the axis. Errors end in "!", open calls are dotted, a span that is not the trace's own ends in a dot: what colour
says a character says too. The cost of a line follows its width.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from tracetui.analysis.timing import Gap
from tracetui.model.text import printable
from tracetui.render.cells import cut, pad, pad_left
from tracetui.render.figures import duration
from tracetui.tui.view.grouping import Group
from tracetui.tui.view.row_text import Piece, RowStyle, label, metric
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.spots import Spots
from tracetui.tui.view.tree_rows import ORPHANS
from tracetui.tui.view.waterfall import Waterfall

COLUMN, EDGE = 8, 2
_STEPS_MS = [
    n * unit for unit in (1, 10, 100, 1000, 10_000) for n in (1, 2, 5)
] + [60_000 * n for n in (1, 2, 5, 10, 20, 30)] + [3_600_000 * n for n in (1, 2, 4, 8, 12, 24)]  # fmt: skip
_TICK_CELLS = 9
_PATH_NAMES = 5

Cell = tuple[str, str]
"""A character and its role."""


def label_width(width: int) -> int:
    """Return the cells of a line's label."""
    return min(max(width * 36 // 100, 18), 64)


def bar_width(width: int) -> int:
    """Return the cells of a line's bar."""
    return max(width - label_width(width) - 2 * COLUMN - EDGE, 8)


def line_text(fall: Waterfall, line: int, width: int, style: RowStyle) -> list[Piece]:
    """Return the pieces of a line; together they are ``width`` cells wide."""
    row, gap = fall.at(line)
    if gap is not None:
        return _gap_text(fall, row, gap, width, style)
    model, seq = fall.model, fall.model.tree.rows[row]
    left = label(model, row, label_width(width), style)
    if seq == ORPHANS:
        return [*left, (" " * (width - label_width(width)), "text")]
    group = model.group(seq)
    if group is not None:
        return [*left, *_group_text(fall, row, group, width, style)]
    own = _self_ms(model, seq)
    figure, role = metric(model, seq, style)
    folded = not model.tree.is_open(row)
    on_path = model.spots is not None and model.spots.is_on_path(seq, below=folded)
    return [
        *left, (pad_left(duration(own) if own else "", COLUMN), "dim"), (pad_left(figure, COLUMN), role),
        (" *" if on_path else " " + style.glyphs.pipe[0], "bar path" if on_path else "guide"),
        *pieces_of(_bar(fall, seq, bar_width(width), style, folded=folded)),
    ]  # fmt: skip


def _group_text(fall: Waterfall, row: int, group: Group, width: int, style: RowStyle) -> list[Piece]:
    """Return figures and bar of a group: from the first of its siblings to the last end of what folds."""
    model = fall.model
    start = model.view.timestamps[group.head] if model.has_times else group.head
    end = (
        model.rollup.end_ms[group.tail] if model.has_times and group.tail < len(model.rollup) else group.tail
    )
    cells: list[Cell] = [(" ", "text")] * bar_width(width)
    span = _Span(start, max(end, start), "bar error" if group.errors else "bar", "!" if group.errors else "")
    if span.end > span.start and span.end >= fall.window[0] and span.start <= fall.window[1]:
        cells[_solid(cells, fall, span, style)] = (span.mark or style.glyphs.eighths[7], span.role)
    figure, role = metric(model, model.tree.rows[row], style)
    return [
        (pad_left(duration(group.taken_ms), COLUMN), "dim"), (pad_left(figure, COLUMN), role),
        (" " + style.glyphs.pipe[0], "guide"), *pieces_of(cells),
    ]  # fmt: skip


def _self_ms(model: RunModel, seq: int) -> int | None:
    spots = model.spots
    if spots is not None and seq < len(spots.timing.self_ms) and spots.timing.self_ms[seq] >= 0:
        return spots.timing.self_ms[seq]
    return model.self_ms(seq)


def _gap_text(fall: Waterfall, row: int, gap: Gap, width: int, style: RowStyle) -> list[Piece]:
    depths = fall.model.tree.depths
    indent = "  " * min(depths[row] if row < len(depths) else 0, 12)
    said = "waiting for you" if gap.waiting else "idle gap"
    cells = [(" ", "text")] * bar_width(width)
    role = "gap waiting" if gap.waiting else "gap"
    _fill(cells, fall, (gap.start_ms, gap.end_ms), style.glyphs.dot, role)
    return [
        (pad(f"{indent}  ({said})", label_width(width)), role), (" " * COLUMN, "text"),
        (pad_left(duration(gap.duration_ms), COLUMN), role), (" " + style.glyphs.pipe[0], "guide"), *pieces_of(cells),
    ]  # fmt: skip


def pieces_of(cells: list[Cell]) -> list[Piece]:
    """Return cells as pieces, one for each stretch of a role."""
    return [
        ("".join(text for text, _ in found), role) for role, found in groupby(cells, key=lambda cell: cell[1])
    ]


# ---- bars ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Span:
    """What a trace takes on the axis, and how sure that is."""

    start: float
    end: float
    role: str
    mark: str = ""
    """The last character, if it says something."""
    is_open: bool = False


def _bar(fall: Waterfall, seq: int, width: int, style: RowStyle, *, folded: bool) -> list[Cell]:
    span = _span(fall, seq, style)
    cells: list[Cell] = [(" ", "text")] * width
    start, end = fall.window
    if span.end < start or span.start > end:
        before = span.end < start
        cells[0 if before else -1] = ("<" if before else ">", "dim")
        return cells
    if span.end <= span.start:
        cells[_cell(fall, span.start, width)] = (span.mark or style.glyphs.tick, span.role)
        return cells
    if span.is_open:
        _fill(cells, fall, (span.start, span.end), style.glyphs.bar_open, span.role)
        return cells
    last = _solid(cells, fall, span, style)
    _mark_path(cells, fall, seq, style, folded=folded)
    if span.mark and span.end <= end:
        cells[last] = (span.mark, span.role)
    return cells


def _span(fall: Waterfall, seq: int, style: RowStyle) -> _Span:
    """Return a trace's own span; without an end of its own that of its subtree, with a dot behind."""
    model = fall.model
    start, end = fall.span(seq)
    failed = model.status(seq) == 2
    role, mark = ("bar error", "!") if failed else ("bar", "")
    if not model.has_times:
        return _Span(start, end, role, mark)
    if model.is_open(seq):
        return _Span(start, max(end, model.totals.end_ms), "bar open", is_open=True)
    own = _own_duration(model, seq)
    begun = model.view.timestamps[seq]
    if own is None:
        return _Span(begun, end, role, style.glyphs.dot if end > begun else mark)
    return _Span(begun, begun + own, role, mark)


def _own_duration(model: RunModel, seq: int) -> int | None:
    spots = model.spots
    if spots is not None and seq < len(spots.timing.durations) and spots.timing.durations[seq] >= 0:
        return spots.timing.durations[seq]
    return model.own_duration_ms(seq)


def _x(fall: Waterfall, moment: float, width: int) -> float:
    start, end = fall.window
    return min(max((moment - start) * width / (end - start), 0.0), float(width))


def _cell(fall: Waterfall, moment: float, width: int) -> int:
    return min(int(_x(fall, moment, width)), width - 1)


def _fill(cells: list[Cell], fall: Waterfall, span: tuple[float, float], char: str, role: str) -> None:
    """Fill the cells of a span with a character; at least one, if it is in the window."""
    start, end = fall.window
    if span[1] < start or span[0] > end:
        return
    first = _cell(fall, span[0], len(cells))
    last = max(round(_x(fall, span[1], len(cells))), first + 1)
    for n in range(first, last):
        cells[n] = (char, role)


def _solid(cells: list[Cell], fall: Waterfall, span: _Span, style: RowStyle) -> int:
    """Draw a bar whose end is right to an eighth of a cell, its start to half of one; return its last cell."""
    eighths = style.glyphs.eighths
    first = round(_x(fall, span.start, len(cells)) * 8)
    last = min(max(round(_x(fall, span.end, len(cells)) * 8), first + 1), len(cells) * 8)
    first = min(first, last - 1)
    at, until = divmod(first, 8)[0], (last - 1) // 8
    if at == until:
        whole = last - at * 8 - (first % 8 if first % 8 < 4 else 0)
        cells[at] = (style.glyphs.right_half if first % 8 >= 4 else eighths[whole - 1], span.role)
        return until
    cells[at] = (style.glyphs.right_half if first % 8 >= 4 else eighths[7], span.role)
    for n in range(at + 1, until):
        cells[n] = (eighths[7], span.role)
    cells[until] = (eighths[(last - 1) % 8], span.role)
    return until


def _mark_path(cells: list[Cell], fall: Waterfall, seq: int, style: RowStyle, *, folded: bool) -> None:
    """Say in a bar where the critical path goes through it, and where nothing ran below it."""
    spots = fall.model.spots
    if spots is None or not fall.model.has_times:
        return
    start, end = fall.window
    step = (end - start) / len(cells)
    below = spots.subtree(seq) if folded else spots.subtree(seq)[:1]
    is_leaf = fall.model.view.first_child[seq] < 0
    for n, (text, role) in enumerate(cells):
        if text == " ":
            continue
        moment = start + (n + 0.5) * step
        if not is_leaf and _is_idle(spots, moment - step / 2, moment + step / 2):
            cells[n] = (style.glyphs.idle, "bar idle")
        elif (node := spots.on_path_at(moment)) >= 0 and role == "bar" and spots.places[node] in below:
            cells[n] = (text, "bar path")


def _is_idle(spots: Spots, start: float, end: float) -> bool:
    """Whether nothing ran in all of a stretch."""
    gap = spots.gap_at(start)
    return gap is not None and gap.end_ms >= end


# ---- the lines that do not scroll ------------------------------------------------------------------------


def axis_text(fall: Waterfall, width: int, style: RowStyle) -> list[Piece]:
    """Return the line above: what the columns are, and ticks of the axis."""
    head = "WHAT" if fall.model.has_times else "WHAT (no times were recorded: steps)"
    name = {"duration": "dur"}.get(style.metric, style.metric)
    return [
        (pad(head, label_width(width)), "dim"), (pad_left("self", COLUMN), "dim"), (pad_left(name, COLUMN), "dim"),
        (" " + style.glyphs.pipe[0], "guide"), ("".join(_ticks(fall, bar_width(width))), "time"),
    ]  # fmt: skip


def _ticks(fall: Waterfall, width: int) -> list[str]:
    start, end = fall.window
    zero = fall.model.start_ms if fall.model.has_times else 0
    step = _tick_step((end - start) * _TICK_CELLS / width)
    line = [" "] * width
    last = _tick_label(fall, end - zero, min(step, 100 if end - zero < 100_000 else 1000))
    tick = -((zero - start) // step) * step if start >= zero else 0
    while zero + tick <= end:
        at = round((zero + tick - start) * width / (end - start))
        said = _tick_label(fall, tick, step)
        if at >= 0 and at + len(said) < width - len(last):
            line[at : at + len(said)] = said
        tick += step
    line[width - len(last) :] = last
    return line


def _tick_step(least: float) -> float:
    return next((step for step in _STEPS_MS if step >= least), max(round(least / 86_400_000), 1) * 86_400_000)


def _tick_label(fall: Waterfall, moment: float, step: float) -> str:
    if not fall.model.has_times:
        return f"#{int(moment) + 1}"
    return moment_label(moment, step)


def moment_label(moment_ms: float, step_ms: float) -> str:
    """Return a moment of the axis, as exact as its ticks are apart.

    >>> [moment_label(ms, 1000) for ms in (0, 5000, 125_000, 7_265_000)], moment_label(7_200_000, 60_000)
    (['0', '5s', '2:05', '2:01:05'], '2:00h')
    >>> moment_label(41_950, 50), moment_label(125_500, 500)
    ('41.95s', '2:05.5')
    """
    digits = sum(step_ms < unit for unit in (1000, 100, 10))
    seconds = round(moment_ms / 1000, digits)
    if seconds < 100:
        return f"{seconds:.{digits}f}s" if seconds else "0"
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    tail = f":{rest:0{2 + bool(digits) + digits}.{digits}f}"
    if not hours:
        return f"{minutes:.0f}{tail}"
    return f"{hours:.0f}:{minutes:02.0f}{tail if step_ms < 60_000 else 'h'}"


def path_text(model: RunModel, width: int) -> list[Piece]:
    """Return the line below: how much of the run its end waited for, and for what."""
    spots = model.spots
    if not model.has_times:
        return [(cut(" no times were recorded: no gaps, no critical path", width), "dim")]
    if model.moments is not None:
        return [(cut(" as of this moment: gaps and critical path are known at the end (G)", width), "dim")]
    if spots is None:
        return [(cut(" critical path: being worked out", width), "dim")]
    timing = spots.timing
    total = timing.end_ms - timing.start_ms
    pieces: list[Piece] = [(f" critical path: {duration(timing.path_ms)} of {duration(total)}", "heading")]
    for name, ms in spots.shares[:_PATH_NAMES]:
        pieces.append((f"  {cut(printable(name), 20)} {_percent(ms, total)}", "text"))
    if len(spots.shares) > _PATH_NAMES:
        rest = sum(ms for _, ms in spots.shares[_PATH_NAMES:])
        pieces.append((f"  others {_percent(rest, total)}", "dim"))
    return pieces


def _percent(part: int, total: int) -> str:
    share = 100 * part / total if total else 0
    return f"{share:.0f}%" if share >= 0.5 or not part else "<1%"
