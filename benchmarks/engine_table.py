"""Rows of a table of ratios: interleaved timing, goals, verdicts, and how they are shown."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

OURS = "tracetui"
WON, BELOW, OPEN = "won", "below", "not promised"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a row's figure is to reach: ``sign`` is ≥ or ≤."""

    sign: str
    value: float

    def verdict(self, figure: float) -> str:
        """Return whether a figure reaches it."""
        return WON if (figure >= self.value if self.sign == "≥" else figure <= self.value) else BELOW


@dataclass(frozen=True, slots=True)
class Row:
    """One line. ``figure`` is what the goal is about: how many times faster, or our own measure in ``unit``."""

    operation: str
    against: str
    ours: float
    theirs: float | None
    unit: str
    figure: float
    goal: str
    verdict: str
    note: str = ""


def fastest(action: Callable[[], object], times: int = 1) -> float:
    """Return the seconds an action takes, the least of some times."""
    return min(seconds(action) for _ in range(times))


def seconds(action: Callable[[], object]) -> float:
    """Return the seconds an action takes once, rubbish of others collected before."""
    gc.collect()
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def interleaved(contestants: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Return the figures of each contestant, taken in turns that begin with another one each time."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    order = list(contestants)
    for _ in range(repeats):
        for name in order:
            taken[name].append(contestants[name]())
        order.append(order.pop(0))
    return taken


def compared(
    operation: str,
    contestants: Mapping[str, Callable[[], float]],
    goals: Mapping[str, Goal | None],
    *,
    repeats: int,
    unit: str = "µs",
    scale: float = 1e6,
    slower: bool = False,
    note: str = "",
) -> list[Row]:
    """Return a row for each rival: the median over repeats of its seconds through ours (ours through its if ``slower``)."""
    taken = interleaved(contestants, repeats)
    ours = taken[OURS]
    rows = []
    for rival, goal in goals.items():
        pairs = zip(ours, taken[rival], strict=True)
        figure = statistics.median([mine / its if slower else its / mine for mine, its in pairs])
        rows.append(
            Row(
                operation,
                rival,
                _round(statistics.median(ours) * scale),
                _round(statistics.median(taken[rival]) * scale),
                unit,
                _round(figure),
                f"{goal.sign} {goal.value:g}×" if goal else "",
                goal.verdict(figure) if goal else OPEN,
                note,
            )
        )
    return rows


def absolute(operation: str, figure: float, unit: str, goal: Goal | None, note: str = "") -> Row:
    """Return a row whose goal is about our own measure."""
    return Row(
        operation, "", _round(figure), None, unit, _round(figure),
        f"{goal.sign} {goal.value:,g} {unit}" if goal else "", goal.verdict(figure) if goal else OPEN, note,
    )  # fmt: skip


def _round(value: float) -> float:
    return float(f"{value:.3g}")


def as_text(rows: list[Row]) -> str:
    """Return the table as text."""
    lines = [f"{'operation':56}{'ours':>9}{'theirs':>9} {'':12}{'ratio':>8}  {'goal':18}verdict"]
    for row in rows:
        theirs = "" if row.theirs is None else f"{row.theirs:,g}"
        figure = f"{row.figure:,g}×" if row.theirs is not None else ""
        named = f"{row.operation} : {row.against}" if row.against else row.operation
        lines.append(
            f"{named:56}{row.ours:>9,g}{theirs:>9} {row.unit:12}{figure:>8}  {row.goal:18}{row.verdict}"
            + (f"  ({row.note})" if row.note else "")
        )
    return "\n".join(lines)


def as_markdown(rows: list[Row]) -> str:
    """Return the rows as a table of Markdown."""
    lines = [
        "| operation | against | ours | theirs | figure | goal | verdict |",
        "|---|---|---:|---:|---:|---|---|",
    ]
    for row in rows:
        theirs = "" if row.theirs is None else f"{row.theirs:,g} {row.unit}"
        figure = "" if row.theirs is None else f"{row.figure:,g}×"
        named = f"{row.operation} ({row.note})" if row.note else row.operation
        lines.append(
            f"| {named} | {row.against} | {row.ours:,g} {row.unit} | {theirs} | {figure} | {row.goal} | {row.verdict} |"
        )
    return "\n".join(lines) + "\n"


def as_data(rows: list[Row]) -> list[dict[str, object]]:
    """Return the rows as plain data."""
    return [asdict(row) for row in rows]
