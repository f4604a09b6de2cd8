"""Statistics, loops and explanations as lines of text and as plain data for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tracetui.analysis.explanation import Explanation, SlowSpot
from tracetui.analysis.loops import Loop, Loops
from tracetui.analysis.statistics import Figures
from tracetui.analysis.summary import letter, summary
from tracetui.analysis.timing import Timing
from tracetui.analysis.verdict import folder_of
from tracetui.model.text import printable
from tracetui.render.figures import cost, count, duration, offset, short_id
from tracetui.render.table import table
from tracetui.storage.backend import RunView


class Telling:
    """Traces of a run as one line each."""

    def __init__(self, view: RunView) -> None:
        self.view = view
        self.folder = folder_of(view.run)

    def line(self, seq: int) -> str:
        """Return letter and summary."""
        view = self.view
        mark = letter(view.kinds[seq], view.type_names[view.types[seq]])
        return f"{mark} {summary(view.trace(seq), self.folder)}"

    def data(self, seq: int) -> dict[str, Any] | None:
        """Return id and line, None for −1."""
        return None if seq < 0 else {"id": self.view.ids[seq], "summary": self.line(seq)}


# ---- statistics ------------------------------------------------------------------------------------------


_COLUMNS = (
    "COUNT", "FAIL", "P50", "P95", "MAX", "SELF", "TOTAL", "IN", "OUT", "COST", "SUB:ERR", "SUB:IN", "SUB:OUT",
    "SUB:COST",
)  # fmt: skip
_LEFT_OUT_WHEN_NARROW = frozenset({"SELF", "SUB:IN", "SUB:OUT", "SUB:COST"})
WIDE = 110
"""Cells from which on a table of statistics has all of its columns."""


def statistics_lines(rows: Sequence[Figures], timing: Timing, by: str, width: int) -> Iterator[str]:
    """Yield a table of figures and a line about the time of the run.

    Columns that are empty in every row are left out, and in less than 110 cells those of subtrees but errors.
    """
    cells = [_statistics_row(row) for row in rows]
    kept = [
        n
        for n, name in enumerate(_COLUMNS)
        if any(row[n] != "" for row in cells) and (not 0 < width < WIDE or name not in _LEFT_OUT_WHEN_NARROW)
    ]
    shown = [(*(row[n] for n in kept), figures.name) for row, figures in zip(cells, rows, strict=True)]
    yield from table((*(_COLUMNS[n] for n in kept), by.upper()), shown, width)
    if timing.end_ms > timing.start_ms:
        yield ""
        yield time_line(timing)


def _statistics_row(row: Figures) -> tuple[object, ...]:
    return (
        row.count, row.failed or "", duration(row.p50), duration(row.p95), duration(row.max),
        duration(row.self_ms) if row.durations else "", duration(row.total_ms) if row.durations else "",
        *_usage(row.own_in, row.own_out, row.own_usd, row.own_estimate), row.errors or "",
        *_usage(row.subtree_in, row.subtree_out, row.subtree_usd, row.subtree_estimate),
    )  # fmt: skip


def _usage(given: int, out: int, usd: float, estimate: float) -> tuple[str, str, str]:
    return count(given) if given else "", count(out) if out else "", cost(usd, estimated=estimate > 0)


def time_line(timing: Timing) -> str:
    """Return "critical path 38.7s of 41.9s, idle 6.1s in 1 gap, 0ms waiting for you"."""
    span = timing.end_ms - timing.start_ms
    gaps = [gap for gap in timing.gaps if not gap.waiting]
    told = f"critical path {duration(timing.path_ms)} of {duration(span)}"
    if gaps:
        told += f", idle {duration(timing.idle_ms)} in {len(gaps)} gap{'s' if len(gaps) > 1 else ''}"
    return told + (f", {duration(timing.waiting_ms)} waiting for you" if timing.waiting_ms else "")


def statistics_data(rows: Sequence[Figures], timing: Timing, by: str) -> dict[str, Any]:
    """Return rows and times; durations in milliseconds."""
    return {"by": by, "rows": [_row_data(row) for row in rows], "time": time_data(timing)}


def _row_data(row: Figures) -> dict[str, Any]:
    return {
        "name": row.name, "count": row.count, "failed": row.failed,
        "duration_ms": {"p50": row.p50, "p95": row.p95, "max": row.max, "total": row.total_ms, "self": row.self_ms},
        "own": {
            "tokens_in": row.own_in, "tokens_out": row.own_out, "cost_usd": row.own_usd,
            "estimated_usd": row.own_estimate,
        },
        "subtree": {
            "errors": row.errors, "tokens_in": row.subtree_in, "tokens_out": row.subtree_out,
            "cost_usd": row.subtree_usd, "estimated_usd": row.subtree_estimate,
        },
    }  # fmt: skip


def time_data(timing: Timing) -> dict[str, Any]:
    """Return span, active and idle time and the gaps."""
    return {
        "span_ms": timing.end_ms - timing.start_ms, "active_ms": timing.active_ms, "idle_ms": timing.idle_ms,
        "waiting_ms": timing.waiting_ms, "critical_path_ms": timing.path_ms,
        "gaps": [
            {"start_ms": gap.start_ms, "end_ms": gap.end_ms, "waiting": gap.waiting} for gap in timing.gaps
        ],
    }  # fmt: skip


# ---- loops -----------------------------------------------------------------------------------------------


def loop_line(loop: Loop, telling: Telling) -> str:
    """Return "bash pytest -q ×7, all failed: 19.4s and 14k tokens wasted"."""
    told = summary(telling.view.trace(loop.seqs[0]), telling.folder)
    wasted = duration(loop.wasted_ms)
    if loop.wasted_tokens:
        wasted += f" and {count(loop.wasted_tokens)} tokens"
    if loop.wasted_usd:
        wasted += f" ({cost(loop.wasted_usd)})"
    return f"{told}  ×{len(loop.seqs)}{', all failed' if loop.failed else ''}: {wasted} wasted"


def loops_lines(found: Loops, view: RunView, *, everything: bool) -> Iterator[str]:
    """Yield the loops with their calls, then the fan-outs in a line each; few calls of a long loop unless all are wanted."""
    telling = Telling(view)
    start = min(view.timestamps, default=0)
    for loop in found.loops:
        yield f"loop  {loop_line(loop, telling)}"
        shown = loop.seqs if everything or len(loop.seqs) <= 8 else (*loop.seqs[:3], -1, *loop.seqs[-3:])
        place = {seq: n for n, seq in enumerate(loop.seqs, 1)}
        for seq in shown:
            if seq < 0:
                yield f"  … {len(loop.seqs) - 6} more"
            else:
                moment = offset(view.timestamps[seq] - start)
                yield f"  {place[seq]}/{len(loop.seqs)}  {moment:>8}  {view.ids[seq]}"
    for fan in found.fan_outs:
        below = f" below {telling.line(fan.parent)}" if fan.parent >= 0 else ""
        yield f"fan-out  {printable(fan.tool)}  ×{len(fan.seqs)}{below}"


def loops_data(found: Loops, view: RunView) -> dict[str, Any]:
    """Return loops and fan-outs with the ids of their calls."""
    return {
        "loops": [loop_data(loop, view) for loop in found.loops],
        "fan_outs": [
            {
                "tool": fan.tool, "count": len(fan.seqs), "parent": _id(view, fan.parent),
                "calls": [view.ids[seq] for seq in fan.seqs],
            }
            for fan in found.fan_outs
        ],
    }  # fmt: skip


def loop_data(loop: Loop, view: RunView) -> dict[str, Any]:
    """Return a loop as plain data."""
    return {
        "tool": loop.tool, "count": len(loop.seqs), "agent": _id(view, loop.agent), "all_failed": loop.failed,
        "wasted": {
            "duration_ms": loop.wasted_ms, "tokens_in": loop.wasted_in, "tokens_out": loop.wasted_out,
            "cost_usd": loop.wasted_usd,
        },
        "calls": [view.ids[seq] for seq in loop.seqs],
    }  # fmt: skip


def _id(view: RunView, seq: int) -> str | None:
    return view.ids[seq] if seq >= 0 else None


# ---- why -------------------------------------------------------------------------------------------------


def why_lines(told: Explanation, view: RunView, names: Mapping[str, str]) -> Iterator[str]:
    """Yield an explanation; ``names`` gives the names of other runs by id."""
    telling = Telling(view)
    yield told.verdict.text()
    if told.sentence:
        yield told.sentence
    if told.path:
        yield ""
        yield from ("  " * min(depth, 40) + telling.line(seq) for depth, seq in enumerate(told.path))
        yield from _before_lines(told, telling)
    loops = told.loops.loops
    if loops:
        yield from ("", "loops:")
        yield from (f"  {loop_line(loop, telling)}" for loop in loops)
    repeated = [
        seen
        for n, seen in enumerate(told.seen)
        if seen.others or seen.here > 1 or (not n and told.is_ended_by_error)
    ]
    if repeated:
        yield from ("", "seen before:")
        for seen in repeated[:3]:
            where = ", ".join(f"{names.get(run) or run} ({short_id(run)})" for run, _ in seen.others[:4])
            yield f"  {seen.text()}{': ' + printable(where) if where else ''}"
            yield f"    {seen.signature[:120]}"
    if told.slow:
        yield from ("", "slow:")
        yield from (
            f"  {duration(spot.ms):>6}  {_slow(spot, telling, told.timing.start_ms)}" for spot in told.slow
        )


def _before_lines(told: Explanation, telling: Telling) -> Iterator[str]:
    view, landing = telling.view, told.path[-1]
    before = told.before
    if before.seqs():
        yield from ("", "just before:")
        for seq in before.seqs():
            moment = offset(view.timestamps[seq] - view.timestamps[landing])
            yield f"  {moment if moment != '+0ms' else '':>7}  {telling.line(seq)}"
    if told.failing_call >= 0 and told.verdict.terminal == landing:
        good = before.last_good_call
        yield f"last good call of it: {'none' if good < 0 else telling.line(good)}"


def _slow(spot: SlowSpot, telling: Telling, start: int) -> str:
    if spot.gap is None:
        return f"{telling.line(spot.seq)}  at {offset(telling.view.timestamps[spot.seq] - start)}"
    return f"nothing ran at {offset(spot.gap.start_ms - start)}" + (
        f", before {telling.line(spot.seq)}" if spot.seq >= 0 else ""
    )


def why_data(told: Explanation, view: RunView) -> dict[str, Any]:
    """Return an explanation as plain data."""
    telling, verdict, before = Telling(view), told.verdict, told.before
    return {
        "verdict": verdict.label, "why": told.sentence, "errors": verdict.errors, "recovered": verdict.recovered,
        "landing": _id(view, verdict.landing),
        "path": [telling.data(seq) for seq in told.path],
        "just_before": [telling.data(seq) for seq in before.seqs()],
        "last_good_call": telling.data(before.last_good_call),
        "loops": [loop_data(loop, view) for loop in told.loops.loops],
        "seen_before": [
            {
                "signature": seen.signature, "here": seen.here, "looked_at": seen.looked_at,
                "runs": [{"run_id": run, "count": n} for run, n in seen.others],
            }
            for seen in told.seen
        ],
        "slow": [
            {"duration_ms": spot.ms, "idle": spot.gap is not None, "trace": telling.data(spot.seq)}
            for spot in told.slow
        ],
    }  # fmt: skip
