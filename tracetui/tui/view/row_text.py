"""One row of the tree as pieces of text with roles, cut to a width. Pure; the widget only colours roles.

Left to right: guides, fold glyph, the letter of the type, the summary, badges (errors, hits), the time offset,
the metric, and in wide terminals a bar on the run's time axis.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from tracetui.analysis.summary import letter
from tracetui.model.trace_type import ERROR
from tracetui.querying.patterns import Bounded
from tracetui.render.cells import cut, cut_tail, pad_left, width_of
from tracetui.render.figures import clock, cost, count, duration, offset
from tracetui.tui.view.glyphs import Glyphs
from tracetui.tui.view.grouping import Group
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.tree_rows import ORPHANS

INDENT_LEVELS = 12
TIME_WIDTH, METRIC_WIDTH, BADGE_WIDTH = 8, 8, 5
BARS_FROM = 160
"""Width of the screen, in cells, from which on rows have bars."""
NARROW = 50
"""Width of a row, in cells, under which it leaves out when, so that it can say what."""

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
    group = model.group(seq)
    if width < NARROW:
        style = replace(style, time_format="off")
    right = _right(model, seq, style) if group is None else _group_right(model, group, style)
    return [*label(model, row, max(width - _width(right), 8), style), *right]


def label(model: RunModel, row: int, width: int, style: RowStyle) -> list[Piece]:
    """Return what a row of the tree says of its trace, without its figures, ``width`` cells wide."""
    seq = model.tree.rows[row]
    if seq == ORPHANS:
        return _orphans(model, row, width, style)
    group = model.group(seq)
    if group is not None:
        return _fitted(_group_left(model, row, group, width, style), width)
    return _fitted(_left(model, row, seq, width, style), width)


def metric(model: RunModel, key: int, style: RowStyle) -> Piece:
    """Return the figure of a row that the style asks for, by the row's key: of a trace, or of a group."""
    group = model.group(key)
    return _metric(model, key, style) if group is None else (_group_figure(group, style.metric), "metric")


def _orphans(model: RunModel, row: int, width: int, style: RowStyle) -> list[Piece]:
    glyph = style.glyphs.unfolded if model.tree.is_open(row) else style.glyphs.folded
    text = f"{glyph} parent not received"
    return [(text + " " * (width - len(text)), "orphans")]


def _left(model: RunModel, row: int, seq: int, width: int, style: RowStyle) -> list[Piece]:
    indent = _indent(model.tree.depths[row])
    fold = style.glyphs.leaf
    if model.has_children(row):
        fold = style.glyphs.unfolded if model.tree.is_open(row) else style.glyphs.folded
    kind = letter(model.view.kinds[seq], model.type_name(seq))
    badges = _badges(model, row, seq)
    pattern = model.search.pattern if _is_any(model, seq, model.search.found) else None
    if pattern is not None and not pattern.search(model.summary(seq)):
        badges.insert(0, (" /", "hit"))
    badges += model.review.badge(seq)
    badges += _withheld(model, seq)
    place = _place(model, seq)
    room = width - width_of(indent) - 5 - _width(badges) - width_of(place)
    text = cut_tail(model.summary(seq), max(room, 4))
    used = width_of(indent) + 4 + width_of(text) + width_of(place) + _width(badges)
    return [
        (indent, "guide"), (f"{fold} ", "fold"), (f"{kind} ", f"letter {_letter_role(kind)}"),
        *highlighted(text, _role(model, seq), pattern), (place, "badge loop"),
        (" " * max(width - used, 0), "text"), *badges,
    ]  # fmt: skip


def _withheld(model: RunModel, seq: int) -> list[Piece]:
    """Return what the recording does not hold of a trace: that it was cut, or redacted."""
    return [(f" {word}", "warning") for word in model.said(seq).withheld]


def _fitted(pieces: list[Piece], width: int) -> list[Piece]:
    """Return pieces that need more room than there is, cut at the end; others as they are."""
    if _width(pieces) <= width:
        return pieces
    kept: list[Piece] = []
    for text, role in pieces:
        kept.append((cut(text, width), role))
        width -= width_of(kept[-1][0])
        if width <= 0:
            break
    return kept if width <= 0 else [*kept, (" " * width, "text")]


def _width(pieces: list[Piece]) -> int:
    return sum(width_of(text) for text, _ in pieces)


def _place(model: RunModel, seq: int) -> str:
    """Return which call of its loop a trace is ("3/7"), of the first of some at the same time how many more ("+3 at once")."""
    place = model.place_of(seq)
    if place is not None:
        return f"  {place[0]}/{place[1]}"
    fan = model.fan_of(seq)
    is_first = (
        fan is not None and fan.seqs[0] == seq and model.tree.groups.of(model.view.parents[seq], seq) is None
    )
    return f"  +{len(fan.seqs) - 1} at once" if fan is not None and is_first else ""


def _group_left(model: RunModel, row: int, group: Group, width: int, style: RowStyle) -> list[Piece]:
    """Return what the row of a group says: the call it repeats, and how often."""
    is_open = model.tree.is_open(row)
    indent = _indent(model.tree.depths[row])
    fold = style.glyphs.unfolded if is_open else style.glyphs.folded
    hits = 0 if is_open else model.hits_below(model.tree.rows[row])
    badges = [(f" {count(hits)}/", "hit")] if hits else []
    if group.errors:
        badges.append((f" e{count(group.errors)}", "badge error"))
    badges += _withheld(model, group.first)
    told = _repeats(group, style.glyphs.times)
    text = model.summary(group.first)
    if group.is_mixed:
        text = text.split(" ", 1)[0] + " …"
    room = width - width_of(indent) - 5 - _width(badges)
    if room - width_of(told) < 8:
        told = told.removesuffix(" ~loop")
    text = cut_tail(text, max(room - width_of(told), 4))
    used = width_of(indent) + 4 + width_of(text) + width_of(told) + _width(badges)
    role = "dim" if _is_dimmed(model, group) else "text"
    return [
        (indent, "guide"), (f"{fold} ", "fold"), ("T ", "letter tool"), (text, role), (told, "badge loop"),
        (" " * max(width - used, 0), "text"), *badges,
    ]  # fmt: skip


def _repeats(group: Group, times: str) -> str:
    """Return how often a call was made: "×7 ~loop", "×4 of 7 ~loop" for a part of it, "×3" side by side."""
    if not group.is_loop:
        return f"  {times}{group.calls}" if group.calls > 1 else ""
    return f"  {times}{group.calls if group.is_whole else f'{group.inside} of {group.calls}'} ~loop"


def _group_figure(group: Group, name: str) -> str:
    return {
        "duration": duration(group.taken_ms), "self": duration(group.taken_ms), "cost": cost(group.cost),
        "tokens": count(group.tokens) if group.tokens else "", "traces": count(group.traces),
        "context": count(group.context) if group.context > 0 else "",
    }[name]  # fmt: skip


def _is_dimmed(model: RunModel, group: Group) -> bool:
    """Whether a filter is on that the first call does not match; the others say it themselves when unfolded."""
    return model.is_filtered and not _is_any(model, group.first, model.filter.matches)


def _group_right(model: RunModel, group: Group, style: RowStyle) -> list[Piece]:
    pieces: list[Piece] = []
    if style.time_format != "off":
        pieces.append((pad_left(_time(model, group.first, style), TIME_WIDTH), "time"))
    pieces.append((pad_left(_group_figure(group, style.metric), METRIC_WIDTH), "metric"))
    if style.bar_width:
        end = max(model.rollup.end_ms[group.tail], model.view.timestamps[group.head])
        role = "bar error" if group.errors else "bar"
        pieces += [
            (" ", "text"),
            *_stretch(model, model.view.timestamps[group.head], end, style, style.glyphs.bar, role),
        ]
    return pieces


def _indent(depth: int) -> str:
    return "  " * min(depth, INDENT_LEVELS) + (f"+{depth - INDENT_LEVELS} " if depth > INDENT_LEVELS else "")


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
    status = model.status(seq)
    return ("open text", "text", "failed text", "cancelled text")[status]


def _badges(model: RunModel, row: int, seq: int) -> list[Piece]:
    """Return what is said of what is below a row: errors, and hits of the search that a fold hides."""
    if not model.has_children(row):
        return []
    badges: list[Piece] = []
    hits = model.hits_below(seq) if model.search.text and not model.tree.is_open(row) else 0
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
        return model.cost(seq), "metric"
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
    now = style.now_ms if model.verdict.label == "LIVE" else 0
    if model.moments is not None and model.has_times:
        now = model.moments.time_ms
    if model.is_open(seq) and now:
        return duration(max(now - model.view.timestamps[seq], 0)) + "*", "live metric"
    if model.is_open(seq):
        return "lost" if model.verdict.label == "LOST" else "open", "open metric"
    span = model.rollup.duration_ms(seq)
    return (duration(span) + "." if span > 0 else ""), "dim"


def _bar(model: RunModel, seq: int, style: RowStyle) -> list[Piece]:
    """Return where on the run's time axis the trace lies."""
    start = model.view.timestamps[seq]
    end = max(model.rollup.end_ms[seq] if seq < len(model.rollup) else start, start)
    role = "bar error" if model.view.statuses[seq] == 2 else "bar"
    mark = style.glyphs.bar_open if model.is_open(seq) else style.glyphs.bar
    return _stretch(model, start, end, style, mark, role)


def _stretch(model: RunModel, start: int, end: int, style: RowStyle, mark: str, role: str) -> list[Piece]:
    """Return a stretch of time on the axis of the run; a tick where it is shorter than a cell."""
    totals = model.totals
    width, length = style.bar_width, max(totals.duration_ms, 1)
    first = max(min(int((start - totals.start_ms) * width / length), width - 1), 0)
    cells = min(max(round((end - start) * width / length), 0), width - first)
    if cells <= 0:
        mark, cells = style.glyphs.tick, 1
    return [(" " * first, "text"), (mark * cells, role), (" " * (width - first - cells), "text")]
