"""One row of the tree as pieces of text with roles, cut to a width. Pure; the widget only colours roles.

Left to right: guides, fold glyph, the letter of the type, the summary, badges (errors, hits), the time offset,
the metric, and in wide terminals a bar on the run's time axis.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tracetui.analysis.summary import letter
from tracetui.model.trace_type import ERROR
from tracetui.querying.patterns import Bounded
from tracetui.render.cells import cut, pad_left, width_of
from tracetui.render.figures import clock, cost, count, duration, offset
from tracetui.tui.view.glyphs import Glyphs
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.tree_model import ORPHANS

INDENT_LEVELS = 12
TIME_WIDTH, METRIC_WIDTH, BADGE_WIDTH = 8, 8, 5
BARS_FROM = 160
"""Width of the screen, in cells, from which on rows have bars."""

METRICS = ("duration", "self", "tokens", "cost", "context", "traces")
TIME_FORMATS = ("offset", "clock", "off")

Piece = tuple[str, str]
"""Text and role."""


@dataclass(slots=True)
class RowStyle:
    """How rows are drawn: what the metric column shows, how times look, which characters are used."""

    glyphs: Glyphs
    metric: str = "duration"
    time_format: str = "offset"
    bar_width: int = 0
    now_ms: int = 0

    __hash__ = None  # type: ignore[assignment]


def row_text(model: RunModel, row: int, width: int, style: RowStyle) -> list[Piece]:
    """Return the pieces of a row; together they are ``width`` cells wide."""
    seq = model.tree.rows[row]
    if seq == ORPHANS:
        return _orphans(model, row, width, style)
    right = _right(model, seq, style)
    left_width = max(width - sum(width_of(text) for text, _ in right), 8)
    return [*_left(model, row, seq, left_width, style), *right]


def label(model: RunModel, row: int, width: int, style: RowStyle) -> list[Piece]:
    """Return what a row of the tree says of its trace, without its figures, ``width`` cells wide."""
    seq = model.tree.rows[row]
    return _orphans(model, row, width, style) if seq == ORPHANS else _left(model, row, seq, width, style)


def metric(model: RunModel, seq: int, style: RowStyle) -> Piece:
    """Return the figure of a row that the style asks for."""
    return _metric(model, seq, style)


def _orphans(model: RunModel, row: int, width: int, style: RowStyle) -> list[Piece]:
    glyph = style.glyphs.unfolded if model.tree.is_open(row) else style.glyphs.folded
    text = f"{glyph} parent not received"
    return [(text + " " * (width - len(text)), "orphans")]


def _left(model: RunModel, row: int, seq: int, width: int, style: RowStyle) -> list[Piece]:
    depth = model.tree.depths[row]
    indent = "  " * min(depth, INDENT_LEVELS)
    if depth > INDENT_LEVELS:
        indent += f"+{depth - INDENT_LEVELS} "
    fold = style.glyphs.leaf
    if model.tree.has_children(row):
        fold = style.glyphs.unfolded if model.tree.is_open(row) else style.glyphs.folded
    kind = letter(model.view.kinds[seq], model.type_name(seq))
    badges = _badges(model, row, seq)
    pattern = model.search.pattern if _is_any(model, seq, model.search.found) else None
    if pattern is not None and not pattern.search(model.summary(seq)):
        badges.insert(0, (" /", "hit"))
    badge_width = sum(width_of(text) for text, _ in badges)
    room = width - width_of(indent) - 4 - badge_width - 1
    text = cut(model.summary(seq), max(room, 4))
    role = _role(model, seq)
    used = width_of(indent) + 4 + width_of(text) + badge_width
    return [
        (indent, "guide"), (f"{fold} ", "fold"), (f"{kind} ", f"letter {_letter_role(kind)}"),
        *highlighted(text, role, pattern), (" " * max(width - used, 0), "text"), *badges,
    ]  # fmt: skip


def highlighted(text: str, role: str, pattern: Bounded | None) -> list[Piece]:
    """Return the text in pieces, what the pattern finds in it in the role of hits.

    >>> from tracetui.querying.patterns import literal_pattern
    >>> highlighted("a token", "text", literal_pattern("tok"))
    [('a ', 'text'), ('tok', 'hit'), ('en', 'text')]
    """
    if pattern is None:
        return [(text, role)]
    pieces: list[Piece] = []
    at = 0
    for start, end in pattern.spans(text):
        pieces += [(text[at:start], role), (text[start:end], "hit")]
        at = end
    return [piece for piece in [*pieces, (text[at:], role)] if piece[0]]


def _letter_role(kind: str) -> str:
    return {
        "T": "tool", "?": "decision", ".": "thought", "Q": "query", "!": "error", "M": "model", "A": "agent",
        "U": "turn",
    }.get(kind, "other")  # fmt: skip


def _is_any(model: RunModel, seq: int, seqs: Collection[int]) -> bool:
    """Whether a trace, or a message that its row stands for too, is among these."""
    return bool(seqs) and (seq in seqs or any(message in seqs for message in model.tree.standing_in(seq)))


def _role(model: RunModel, seq: int) -> str:
    if model.is_filtered and not _is_any(model, seq, model.filter.matches):
        return "dim"
    view = model.view
    if view.kinds[seq] == ERROR:
        return "error text"
    status = view.statuses[seq]
    return ("open text", "text", "failed text", "cancelled text")[status]


def _badges(model: RunModel, row: int, seq: int) -> list[Piece]:
    """Return what is said of what a folded row hides: hits of the search, errors."""
    if model.tree.is_open(row) or not model.tree.has_children(row):
        return []
    badges: list[Piece] = []
    hits = model.search.below.get(seq, 0) if model.search.text else 0
    if hits:
        badges.append((f" {count(hits)}/", "hit"))
    errors = model.rollup.errors[seq] if seq < len(model.rollup) else 0
    if errors:
        badges.append((f" e{count(errors)}", "badge error"))
    return badges


def _right(model: RunModel, seq: int, style: RowStyle) -> list[Piece]:
    pieces: list[Piece] = []
    if style.time_format != "off":
        pieces.append((pad_left(_time(model, seq, style), TIME_WIDTH), "time"))
    text, role = _metric(model, seq, style)
    pieces.append((pad_left(text, METRIC_WIDTH), role))
    if style.bar_width:
        pieces.append((" ", "text"))
        pieces.extend(_bar(model, seq, style))
    return pieces


def _time(model: RunModel, seq: int, style: RowStyle) -> str:
    if not model.has_times:
        return f"#{seq + 1}"
    timestamp = model.view.timestamps[seq]
    return clock(timestamp) if style.time_format == "clock" else offset(timestamp - model.start_ms)


def _metric(model: RunModel, seq: int, style: RowStyle) -> Piece:
    rollup = model.rollup
    if seq >= len(rollup):
        return "", "metric"
    messages = model.tree.standing_in(seq)
    if messages and (style.metric != "duration" or model.own_duration_ms(seq) is None):
        seq = messages[-1]
    if style.metric == "tokens":
        total = rollup.tokens_in[seq] + rollup.tokens_out[seq]
        return (count(total) if total else ""), "metric"
    if style.metric == "cost":
        return cost(rollup.cost[seq]), "metric"
    if style.metric == "context":
        return (count(rollup.context[seq]) if rollup.context[seq] > 0 else ""), "metric"
    if style.metric == "traces":
        return count(rollup.traces[seq]), "metric"
    if style.metric == "self":
        own = model.self_ms(seq)
        return (duration(own) if own else ""), "metric"
    return _duration(model, seq, style)


def _duration(model: RunModel, seq: int, style: RowStyle) -> Piece:
    """Return a trace's own duration; an open one ticks; without an end, its subtree's span with a dot behind."""
    own = model.own_duration_ms(seq)
    if own is not None:
        return (duration(own) if own or model.view.kinds[seq] == 0 else ""), "metric"
    if model.is_open(seq) and model.verdict.label == "LIVE" and style.now_ms:
        return duration(max(style.now_ms - model.view.timestamps[seq], 0)) + "*", "live metric"
    if model.is_open(seq):
        return "open", "open metric"
    span = model.rollup.duration_ms(seq)
    return (duration(span) + "." if span > 0 else ""), "dim"


def _bar(model: RunModel, seq: int, style: RowStyle) -> list[Piece]:
    """Return where on the run's time axis the trace lies."""
    totals = model.totals
    width, length = style.bar_width, max(totals.duration_ms, 1)
    start = model.view.timestamps[seq]
    end = max(model.rollup.end_ms[seq] if seq < len(model.rollup) else start, start)
    first = min(int((start - totals.start_ms) * width / length), width - 1)
    first = max(first, 0)
    cells = max(round((end - start) * width / length), 0)
    cells = min(cells, width - first)
    if cells <= 0:
        mark, cells = style.glyphs.tick, 1
    else:
        mark = style.glyphs.bar_open if model.is_open(seq) else style.glyphs.bar
    role = "bar error" if model.view.statuses[seq] == 2 else "bar"
    return [(" " * first, "text"), (mark * cells, role), (" " * (width - first - cells), "text")]
