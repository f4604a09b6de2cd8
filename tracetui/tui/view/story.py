"""The story of a trace in the detail pane: the way to it, what came before, its loop, where it was seen, what is below.

Every line that names another trace or run leads there. Pure; costs a look at a few traces, never the run.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from tracetui.analysis.before import Before, just_before
from tracetui.analysis.errors import signature
from tracetui.analysis.loops import Loop
from tracetui.analysis.seen import Seen
from tracetui.analysis.summary import letter
from tracetui.analysis.verdict import path_of
from tracetui.errors import TraceTuiError
from tracetui.model.text import printable
from tracetui.model.trace_type import TOOL_CALL, Thought, ToolCall
from tracetui.render.cells import cut
from tracetui.render.figures import cost, count, duration, offset, short_id
from tracetui.tui.view.document import Document
from tracetui.tui.view.grouping import Group
from tracetui.tui.view.run_model import RunModel

MOST_LINKS = 200
"""Lines of one list of links; how many more there are is said."""
LINE_CELLS = 100
"""Cells of another trace's summary: a link is a pointer, not the text."""
_PATH_HEAD, _PATH_TAIL = 3, 5


def line_of(model: RunModel, seq: int) -> str:
    """Return letter and summary of a trace."""
    return f"{letter(model.view.kinds[seq], model.type_name(seq))} {cut(model.summary(seq), LINE_CELLS)}"


def ago(model: RunModel, seq: int, reference: int) -> str:
    """Return how long before another trace one began."""
    if not model.has_times:
        return f"{reference - seq} steps before"
    timestamps = model.view.timestamps
    return "-" + duration(max(timestamps[reference] - timestamps[seq], 0))


def when(model: RunModel, seq: int) -> str:
    """Return when a trace began, from the start of the run."""
    return offset(model.view.timestamps[seq] - model.start_ms) if model.has_times else f"step {seq + 1}"


def add_path(model: RunModel, seq: int, document: Document) -> None:
    """Add what stands above a trace, outermost first."""
    path = path_of(model.view, seq)[:-1]
    if not path:
        return
    document.heading("path")
    if len(path) > _PATH_HEAD + _PATH_TAIL + 1:
        path = [*path[:_PATH_HEAD], _PATH_HEAD + _PATH_TAIL - len(path), *path[-_PATH_TAIL:]]
    for depth, step in enumerate(path):
        if step < 0:
            document.add(f"… {-step} more", "dim", depth=depth)
        else:
            document.add(line_of(model, step), "text", depth=depth, seq=step)


def add_before(model: RunModel, seq: int, document: Document) -> None:
    """Add what came just before a failure, newest first, and the last good call of its tool."""
    before = just_before(model.view, seq)
    if before.seqs():
        document.heading("just before")
    for other in before.seqs():
        told = f"{ago(model, other, seq):>7}  {line_of(model, other)}{_sure(model, other)}"
        if other == before.previous_call:
            told += _standing(model, other)
        document.add(told, "text", seq=other)
    _add_good_call(model, seq, before, document)


def _add_good_call(model: RunModel, seq: int, before: Before, document: Document) -> None:
    call = before.last_good_call
    if call < 0:
        if before.previous_call >= 0 and before.previous_call != seq:
            document.add("no call of this tool went well before", "dim")
        return
    tool = _tool_name(model, call)
    changed = (
        "" if model.summary(call) == model.summary(before.previous_call) else f"  {line_of(model, call)}"
    )
    document.add(f"{when(model, call)}{changed}", "good", label=f"last good call of {tool}", seq=call)


def _tool_name(model: RunModel, seq: int) -> str:
    try:
        kind = model.trace(seq).trace_type
    except TraceTuiError:
        return "it"
    return printable(kind.tool_name) if isinstance(kind, ToolCall) else "it"


def _sure(model: RunModel, seq: int) -> str:
    """Return how sure a thought or decision was, where that was recorded."""
    try:
        trace = model.trace(seq)
        kind, metadata = trace.trace_type, trace.metadata
    except TraceTuiError:
        return ""
    sure = kind.confidence if isinstance(kind, Thought) else None
    if sure is None and isinstance(metadata, dict):
        found = metadata.get("confidence")
        sure = float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
    return "" if sure is None else f"  {sure:g}"


def _standing(model: RunModel, seq: int) -> str:
    """Return which call of its loop a call is, and how it ended."""
    place = model.place_of(seq)
    words = [] if place is None else [f"{ordinal(place[0])} identical"]
    if model.view.statuses[seq] in (0, 2):
        words.append("open" if model.view.statuses[seq] == 0 else "failed")
    return f"  ({', '.join(words)})" if words else ""


def ordinal(number: int) -> str:
    """Return a number as its place in a row.

    >>> [ordinal(n) for n in (1, 2, 3, 6, 11, 22)]
    ['1st', '2nd', '3rd', '6th', '11th', '22nd']
    """
    last = 0 if 10 < number % 100 < 14 else number % 10
    return f"{number}{('th', 'st', 'nd', 'rd')[last] if last < 4 else 'th'}"


def add_seen(model: RunModel, seq: int, document: Document) -> None:
    """Add where else the error was seen, its runs and places folded below."""
    if model.seen is None:
        document.heading("seen before")
        document.add("looking through the other runs …", "dim")
        return
    sought = signature(model.view, seq)
    found = next((seen for seen in model.seen if seen.signature == sought), None)
    if found is None:
        return
    if model.past is not None:
        here = sum(signature(model.view, error.seq) == sought for error in model.errors.found)
        found = replace(found, here=here)
    document.heading("seen before")
    if found.here == 1 and not found.others:
        looked_at = f"in none of {found.looked_at} other runs, " if found.looked_at else ""
        document.add(f"never: {looked_at}once here", "text")
        return
    document.add_folded(_seen_text(found), lambda more: _add_places(model, seq, found, more))


def _seen_text(seen: Seen) -> str:
    if not seen.looked_at:
        return f"{seen.here}× here (Enter lists them)"
    if not seen.others:
        return f"{seen.here}× here, in none of {seen.looked_at} other runs (Enter lists them)"
    return f"{seen.text()} (Enter lists them)"


def _add_places(model: RunModel, seq: int, seen: Seen, document: Document) -> None:
    for run_id, times in seen.others[:MOST_LINKS]:
        name = model.run_names.get(run_id, "")
        told = f"{printable(name)} …{printable(short_id(run_id))}" if name else printable(run_id)
        document.add(f"{times}×  {told}", "text", label="run", depth=1, run_id=run_id)
    _add_more(len(seen.others) - MOST_LINKS, document)
    same = (error.seq for error in model.errors.found if signature(model.view, error.seq) == seen.signature)
    for other in islice(same, MOST_LINKS):
        if other != seq:
            document.add(
                f"{when(model, other)}  {line_of(model, other)}", "text", label="here", depth=1, seq=other
            )
    _add_more(seen.here - MOST_LINKS, document)


def _add_more(number: int, document: Document, depth: int = 1) -> None:
    if number > 0:
        document.add(f"… {number:,} more", "dim", depth=depth)


def add_loop(model: RunModel, seq: int, document: Document) -> None:
    """Add the loop or the fan-out that a call is part of, with its calls."""
    loop, fan = model.loop_of(seq), model.fan_of(seq)
    if loop is not None:
        number, of = loop.seqs.index(seq) + 1, len(loop.seqs)
        document.heading(f"loop: call {number} of {of}, the same arguments and outcome")
        _add_wasted(loop, document)
        document.add_folded(
            f"{of} calls (Enter lists them)", lambda more: _add_calls(model, loop.seqs, seq, more)
        )
    elif fan is not None:
        document.heading(f"ran beside {len(fan.seqs) - 1} others of {printable(fan.tool)}")
        document.add_folded(
            f"{len(fan.seqs)} calls (Enter lists them)", lambda more: _add_calls(model, fan.seqs, seq, more)
        )


def add_group(model: RunModel, group: Group, document: Document) -> None:
    """Add what a group row stands for: how often, what it took, every call."""
    loop, fan = model.loop_of(group.first), model.fan_of(group.first)
    if loop is not None:
        document.add(
            f"{len(loop.seqs)} calls with the same arguments and the same outcome"
            + (", all failed" if loop.failed else ""),
            "failed text" if loop.failed else "warning",
        )
        _add_wasted(loop, document)
        document.heading("calls")
        _add_calls(model, loop.seqs, -1, document, depth=0)
    elif fan is not None:
        document.add(f"{len(fan.seqs)} calls of {printable(fan.tool)} that ran beside each other", "text")
        document.heading("calls")
        _add_calls(model, fan.seqs, -1, document, depth=0)


def _add_wasted(loop: Loop, document: Document) -> None:
    parts = [duration(loop.wasted_ms)]
    if loop.wasted_tokens:
        parts.append(f"{count(loop.wasted_tokens)} tokens of the model steps that asked")
    if loop.wasted_usd:
        parts.append(cost(loop.wasted_usd))
    document.add(", ".join(parts), "warning", label="wasted by the repeats")


def _add_calls(model: RunModel, seqs: tuple[int, ...], here: int, document: Document, depth: int = 1) -> None:
    for seq in seqs[:MOST_LINKS]:
        took = duration(model.own_duration_ms(seq)) if model.own_duration_ms(seq) is not None else ""
        status = ("open", "", "failed", "cancelled")[model.view.statuses[seq]]
        told = f"{when(model, seq):>8}  {took:>6}  {status:7} {model.summary(seq)}"
        document.add(told + ("  (this one)" if seq == here else ""), "text", depth=depth, seq=seq)
    _add_more(len(seqs) - MOST_LINKS, document, depth)


def add_around(model: RunModel, seq: int, document: Document) -> None:
    """Add the trace above, and those below with what they took."""
    view = model.view
    parent, child = view.parents[seq], view.first_child[seq]
    if view.statuses[seq] == 2:
        add_path(model, seq, document)
    elif parent >= 0:
        document.heading("in")
        document.add(line_of(model, parent), "text", seq=parent)
    if child >= 0 and seq < len(model.rollup):
        document.heading(f"below: {_below(model, seq)}")
        shown = 0
        while child >= 0 and shown < MOST_LINKS:
            own = model.own_duration_ms(child)
            took = duration(own) if own else ""
            failed = "  failed" if view.statuses[child] == 2 and view.kinds[child] == TOOL_CALL else ""
            document.add(
                f"{when(model, child):>8}  {took:>6}  {line_of(model, child)}{failed}", "text", seq=child
            )
            child, shown = view.next_sibling[child], shown + 1
        if child >= 0:
            document.add("… more in the tree", "dim")


def _below(model: RunModel, seq: int) -> str:
    rollup = model.rollup
    parts = [f"{rollup.traces[seq] - 1:,} traces"]
    if rollup.errors[seq]:
        parts.append(f"{rollup.errors[seq]} error{'s' if rollup.errors[seq] > 1 else ''}")
    given, out = rollup.tokens_in[seq], rollup.tokens_out[seq]
    if given or out:
        parts.append(f"in {count(given)} out {count(out)}")
    return ", ".join([*parts, *([cost(rollup.cost[seq])] if rollup.cost[seq] else [])])
