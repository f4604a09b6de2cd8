"""How much context each model step of a run was given, and how much it wrote, as a plot above the figures. Pure.

Steps stand side by side in their order, told by their number in the run: by time a run that waits would be nearly
blank. Only steps whose tokens count are drawn. Where there are more steps than cells, a cell shows the most that one
of its steps had. Making it costs the model steps; drawing a line costs its width.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from tracetui.analysis.context import model_steps
from tracetui.render.cells import pad, width_of
from tracetui.render.figures import count
from tracetui.storage.backend import RunView
from tracetui.tui.view.glyphs import Glyphs

Pieces = list[tuple[str, str]]

LABEL = 12
STRETCHES = 480
"""Stretches that long runs are kept in; drawn, as many of them as fit make one cell."""
_LEAST_HEIGHT, _SHARE, _LEAST_ROWS, _MOST_ROWS = 12, 5, 2, 8
_EIGHTHS, _WIDE = 8, 3


@dataclass(frozen=True, slots=True)
class ContextPlot:
    """Tokens in and out of model steps, or the most of each stretch of them. Steps are numbered from 1."""

    first: int
    last: int
    fullest: int
    """The step that was given most, the first of several."""
    given: tuple[int, ...]
    out: tuple[int, ...]


def context_plot(view: RunView, among: Container[int] | None = None) -> ContextPlot | None:
    """Return the plot of the model steps that are counted; None if none of them recorded usage.

    ``among`` are the traces that are counted, None for all. O(n log n) in the model steps.
    """
    rollup = view.rollup()
    steps = [
        (number, max(view.tokens_in[seq], 0), max(view.tokens_out[seq], 0))
        for number, seq in enumerate(model_steps(view), 1)
        if (among is None or seq in among) and rollup.counts(seq) and _has_usage(view, seq)
    ]
    given, out = [step[1] for step in steps], [step[2] for step in steps]
    if not any(given) and not any(out):
        return None
    fullest = steps[given.index(max(given))][0]
    kept = min(len(steps), STRETCHES)
    return ContextPlot(steps[0][0], steps[-1][0], fullest, most_of(given, kept), most_of(out, kept))


def _has_usage(view: RunView, seq: int) -> bool:
    """Whether tokens were told; as of a moment, of a step that goes on, they were not yet."""
    return view.tokens_in[seq] >= 0 or view.tokens_out[seq] >= 0


def most_of(amounts: Sequence[int], cells: int) -> tuple[int, ...]:
    """Return the largest amount of each of so many equal stretches; fewer amounts than cells are stretched.

    >>> most_of([1, 5, 2, 2], 2), most_of([1, 5], 4)
    ((5, 2), (1, 1, 5, 5))
    """
    total = len(amounts)
    starts = [cell * total // cells for cell in range(cells)]
    ends = [max((cell + 1) * total // cells, start + 1) for cell, start in enumerate(starts)]
    return tuple(max(amounts[start:end]) for start, end in zip(starts, ends, strict=True))


def plot_lines(plot: ContextPlot | None, height: int) -> int:
    """Return how many lines the plot takes of a view so high: 0 where there is nothing to show, or no room for it."""
    if plot is None or height < _LEAST_HEIGHT:
        return 0
    return max(min(height // _SHARE, _MOST_ROWS), _LEAST_ROWS) + 2


def plot_line(plot: ContextPlot, line: int, lines: int, width: int, glyphs: Glyphs) -> Pieces:
    """Return a line of the plot, ``width`` cells: tokens in from the top down, then tokens out, then the steps."""
    cells, rows = max(width - LABEL - 1, 1), lines - 2
    if line > rows:
        return _axis(plot, cells)
    if line == rows:
        return _row("out", plot.out, 0, 1, cells, glyphs)
    return _row("in", plot.given, rows - 1 - line, rows, cells, glyphs)


def _row(name: str, amounts: tuple[int, ...], above: int, rows: int, cells: int, glyphs: Glyphs) -> Pieces:
    """Return one of the rows that bars stand in, ``above`` others."""
    most = max(amounts)
    label = f" {name} {count(most):>{LABEL - len(name) - 3}} " if above == rows - 1 else ""
    if rows > 1 and not above:
        label = f"{0:>{LABEL - 1}} "
    shown = _apart(most_of(amounts, cells), len(amounts))
    bars = "".join(_bar(amount, most, above, rows, glyphs) for amount in shown)
    return [(pad(label, LABEL), "label"), (bars, "bar" if name == "in" else "metric"), (" ", "text")]


def _apart(shown: tuple[int, ...], steps: int) -> list[int]:
    """Return what cells show with an empty one after each step, where steps are as wide as that."""
    cells = len(shown)
    if cells < _WIDE * steps:
        return list(shown)
    return [
        0 if (cell + 1) * steps // cells > cell * steps // cells else amount
        for cell, amount in enumerate(shown)
    ]


def _bar(amount: int, most: int, above: int, rows: int, glyphs: Glyphs) -> str:
    """Return what a cell shows of a bar: what is more than nothing is at least an eighth."""
    height = -(-amount * rows * _EIGHTHS // most) if most else 0
    filled = min(max(height - above * _EIGHTHS, 0), _EIGHTHS)
    return glyphs.rises[filled - 1] if filled else " "


def _axis(plot: ContextPlot, cells: int) -> Pieces:
    """Return the numbers of the first and the last step, between them what is shown, as far as there is room."""
    first, last = f"{plot.first:,}", f"{plot.last:,}" if plot.last != plot.first else ""
    room = max(cells - len(first) - len(last), 0)
    told = "tokens in and out of each model step"
    sayings = (f"{told}; the fullest: step {plot.fullest:,}", told, "tokens in, out")
    said = next((saying for saying in sayings if width_of(saying) + 4 <= room), "")
    line = first + said.center(room) + last
    return [(pad(" model step", LABEL), "label"), (pad(line, cells + 1), "dim")]
