"""The stats view's lines as pieces of text, and what is told of one row: its histogram and slowest traces. Pure."""

from __future__ import annotations

from tracetui.analysis.statistics import histogram
from tracetui.analysis.summary import letter
from tracetui.model.text import printable
from tracetui.render.analyses import time_line
from tracetui.render.cells import cut, pad, pad_left, width_of
from tracetui.render.figures import cost, count, duration, offset
from tracetui.tui.view.context_plot import LABEL
from tracetui.tui.view.document import Document
from tracetui.tui.view.glyphs import Glyphs
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.stats import COLUMNS, Group, Row, Stats, StatsModel, Strip, query_of

Pieces = list[tuple[str, str]]

CELL = 8
LEAST_NAME = 18
_GOES_FIRST = ("CACHED", "MAX", "OUT", "P50", "OWN", "FAIL", "IN", "COST", "P95", "TOTAL")
"""Columns that give way where there is no room, in this order."""
_LEVELS = " .:-=+*#%@"
BAR = 40
_DURATIONS = frozenset({"P50", "P95", "MAX", "OWN", "TOTAL"})


def columns(model: StatsModel, width: int) -> list[int]:
    """Return the columns that fit, the one rows are ordered by among them."""
    found = list(model.shown)
    for title in _GOES_FIRST:
        if LEAST_NAME + CELL * (len(found) - 1) <= width:
            break
        found = [n for n in found if COLUMNS[n].title != title or n == model.sort]
    return found


def line(model: StatsModel, row: int, width: int) -> Pieces:
    """Return what a line shows: a table's heading, or a row of it; ``width`` cells wide."""
    found = model.rows[row]
    shown = columns(model, width)
    name_width = max(width - CELL * (len(shown) - 1) - 1, 4)
    if found.by is None:
        return [(" " * width, "text")]
    return (
        _heading(model, found, shown, name_width)
        if found.group is None
        else _row(found.group, shown, name_width)
    )


def _heading(model: StatsModel, row: Row, shown: list[int], name_width: int) -> Pieces:
    pieces: Pieces = [(pad(f" BY {str(row.by).upper()}{_arrow(model, 0)}", name_width), _role(model, 0))]
    for number in shown[1:]:
        pieces.append((pad_left(COLUMNS[number].title + _arrow(model, number), CELL), _role(model, number)))
    return [*pieces, (" ", "heading")]


def _arrow(model: StatsModel, number: int) -> str:
    if number != model.sort:
        return ""
    return "^" if (number == 0) != model.reverse else "v"


def _role(model: StatsModel, number: int) -> str:
    return "heading cursor" if number == model.sort else "heading"


def _row(group: Group, shown: list[int], name_width: int) -> Pieces:
    failed = bool(group.figures.failed)
    pieces: Pieces = [(pad(f" {printable(group.figures.name) or '(empty)'}", name_width), "text")]
    for number in shown[1:]:
        title = COLUMNS[number].title
        role = "failed text" if title == "FAIL" and failed else "metric"
        pieces.append((pad_left(cell(group, number), CELL), role))
    return [*pieces, (" ", "text")]


def cell(group: Group, number: int) -> str:
    """Return the text of a column."""
    title, value = COLUMNS[number].title, COLUMNS[number].value(group)
    if value is None or (title == "FAIL" and not value):
        return ""
    if title in _DURATIONS:
        return duration(value)
    return cost(value, estimated=group.figures.own_estimate > 0) if title == "COST" else count(value)


# ---- the lines above the tables --------------------------------------------------------------------------


def heading(stats: Stats | None, width: int) -> Pieces:
    """Return where the time of the run went, and its tokens, in one line."""
    if stats is None:
        return [(" counting …", "dim")]
    groups = stats.groups["type"]
    scope, told = _scope(stats), [_time(stats)]
    given, out = sum(row.figures.own_in for row in groups), sum(row.figures.own_out for row in groups)
    cached, usd = sum(row.cached for row in groups), sum(row.figures.own_usd for row in groups)
    if given or out:
        part = f" ({100 * cached // given}% cached)" if cached and given else ""
        told.append(f"in {count(given)}{part} out {count(out)}")
    if usd:
        told.append(cost(usd, estimated=any(row.figures.own_estimate > 0 for row in groups)))
    room = max(width - width_of(scope) - 2, 8)
    return [(f" {scope}", "warning"), (cut("   ".join(told), room), "text")]


def _scope(stats: Stats) -> str:
    """Return which traces were counted, "" for all; when it is, the line of the moment says."""
    if not stats.filter:
        return ""
    return f"only {stats.counted:,} of {stats.there:,} traces, by the filter: "


def _time(stats: Stats) -> str:
    timing = stats.timing
    if timing.end_ms <= timing.start_ms:
        return "no times were recorded"
    if stats.filter:
        return f"they ran in {duration(stats.covered_ms)} of {duration(timing.end_ms - timing.start_ms)}"
    return time_line(timing)


def strip(model: StatsModel, which: int, width: int, length: str) -> Pieces:
    """Return one of the two strips: steps, in which failed ones are marked e, or tokens; by time, else by order."""
    stats = model.stats
    name = ("steps", "tokens")[which]
    if stats is None:
        return [(pad(f" {name}", width), "dim")]
    room = max(width - LABEL - width_of(length) - 2, 1)
    found: Strip = (stats.steps, stats.tokens)[which]
    pieces: Pieces = [(pad(f" {name}", LABEL), "label")]
    pieces += _density(found, room)
    return [*pieces, (f" {length} ", "dim")]


def _density(found: Strip, cells: int) -> Pieces:
    amounts, failed = found.squeezed(cells) if found.failed else (found.squeezed(cells)[0], [0] * cells)
    most = max(amounts, default=0)
    pieces: Pieces = []
    for amount, bad in zip(amounts, failed, strict=True):
        level = -(-amount * (len(_LEVELS) - 1) // most) if most else 0
        text, role = ("e", "map error") if bad else (_LEVELS[level], "bar")
        if pieces and pieces[-1][1] == role:
            pieces[-1] = pieces[-1][0] + text, role
        else:
            pieces.append((text, role))
    return pieces


# ---- the detail of a row ---------------------------------------------------------------------------------


def title(group: Group | None) -> Pieces:
    """Return the first line of the detail."""
    if group is None:
        return []
    return [
        (f" {group.by} ", "label"), (printable(group.figures.name) or "(empty)", "heading"),
        (f"  {group.figures.count:,} traces", "text"),
    ]  # fmt: skip


def document(model: RunModel, stats: Stats | None, group: Group | None, glyphs: Glyphs) -> Document:
    """Return the histogram of a row's durations, its slowest traces, its own and its subtrees' sums, its query."""
    made = Document()
    if stats is None or group is None:
        return made
    figures = group.figures
    made.add(query_of(group), "string", label="Enter filters by")
    if figures.durations:
        made.heading("durations")
        _histogram(made, figures.durations, glyphs)
        made.heading("slowest")
        for seq in group.slowest:
            _trace(made, model, stats, seq)
    _sums(made, group)
    return made


def _histogram(made: Document, durations: tuple[int, ...], glyphs: Glyphs) -> None:
    buckets = histogram(durations)
    most = max(number for _, _, number in buckets)
    for low, high, number in buckets:
        label = f"{duration(low):>6} … {duration(high):<6}"
        made.add(
            f"{label} {number:>8,} {glyphs.bar * -(-number * BAR // most)}", "metric" if number else "dim"
        )


def _trace(made: Document, model: RunModel, stats: Stats, seq: int) -> None:
    if seq >= model.view.count:
        return
    took = duration(stats.timing.durations[seq])
    at = offset(model.view.timestamps[seq] - model.start_ms) if model.has_times else f"#{seq + 1}"
    told = f"{letter(model.view.kinds[seq], model.type_name(seq))} {model.summary(seq)}"
    made.add(f"{took:>7} {at:>8}  {told}", "text", seq=seq)


def _sums(made: Document, group: Group) -> None:
    figures = group.figures
    made.heading("sums")
    own = [f"time {duration(figures.self_ms)}"] if figures.durations else []
    below = [f"time {duration(group.total_ms)}"] if figures.durations else []
    own += _usage(figures.own_in, figures.own_out, figures.own_usd, figures.own_estimate)
    below += _usage(figures.subtree_in, figures.subtree_out, figures.subtree_usd, figures.subtree_estimate)
    if group.cached:
        own.append(f"cached {count(group.cached)}")
    if figures.errors:
        below.append(f"errors {count(figures.errors)}")
    made.add("   ".join(own) or "nothing recorded", "text", label="own")
    made.add("   ".join(below) or "nothing recorded", "text", label="with all below")


def _usage(given: int, out: int, usd: float, estimate: float) -> list[str]:
    told = [f"in {count(given)} out {count(out)}"] if given or out else []
    return [*told, cost(usd, estimated=estimate > 0)] if usd else told
