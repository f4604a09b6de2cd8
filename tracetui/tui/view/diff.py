"""Two runs beside each other as rows that fold, and what is told of one row. Pure.

Owns which rows of a diff are visible. The rows of ``analysis.diff`` are cut into *blocks*: equal steps in a row,
one step that differs with its changed parts, or like steps that only one run has. A block folds into one line;
opening one costs its own rows, never those of the runs. The left side is A, unless the sides are swapped.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tracetui.analysis.diff import CHANGED, EQUAL, ONLY_A, Diff, Section
from tracetui.render.differences import Sides, above_differences
from tracetui.tui.view.run_model import RunModel

BlockKind = Literal["equal", "step", "only"]

OPEN_STEPS = 8
"""A subtree that only one run has is open at first if it has no more steps than this."""
GROUPED_STEPS = 5_000
"""Like steps are looked for in differences of at most so many."""
MAX_PARTS = 5
"""Changed parts of a step that have a row of their own; the detail tells all."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows ``[start, end)`` of the diff that fold into one line; ``times`` like subtrees, ``section`` they are in."""

    kind: BlockKind
    start: int
    end: int
    depth: int
    section: int
    times: int = 1

    @property
    def folds(self) -> bool:
        """Whether there is anything to fold."""
        return self.kind == "equal" or self.end - self.start > 1


class Row(NamedTuple):
    """A visible row: a folded block (``at`` is −1), a row of the diff, or one of its changed parts."""

    block: int
    at: int
    part: int = -1


class DiffModel:
    """The diff of two runs as it is shown; ``models`` are A and B."""

    def __init__(self, diff: Diff, models: tuple[RunModel, RunModel]) -> None:
        self.diff = diff
        self.models = models
        self.sides = Sides(models[0].view, models[1].view)
        self.swapped = False
        self.blocks = list(_blocks(diff, self.sides))
        self._places = (
            {row.a: at for at, row in enumerate(diff.rows) if row.a >= 0},
            {row.b: at for at, row in enumerate(diff.rows) if row.b >= 0},
        )
        self.starts = [section.start for section in diff.differences]
        self.rows: list[Row] = []
        self._open = {n for n, block in enumerate(self.blocks) if _is_open_at_first(block)}
        self._build()

    def show_as(self, before: DiffModel) -> None:
        """Fold as an earlier comparison of the same runs was folded, with the same side left."""
        self.swapped = before.swapped
        known = {before._first(number): number in before._open for number in range(len(before.blocks))}
        opened = (n for n in range(len(self.blocks)) if known.get(self._first(n), n in self._open))
        self._open = set(opened)
        self._build()

    def _first(self, number: int) -> tuple[int, int]:
        """Return the traces of A and B that a block begins with."""
        row = self.diff.rows[self.blocks[number].start]
        return row.a, row.b

    # ---- rows --------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.rows = [row for number in range(len(self.blocks)) for row in self._rows_of(number)]

    def _rows_of(self, number: int) -> Iterator[Row]:
        block = self.blocks[number]
        if block.folds and number not in self._open:
            yield Row(number, -1)
            return
        for at in range(block.start, block.end):
            yield Row(number, at)
            for part in (
                range(min(len(self.diff.rows[at].changes), MAX_PARTS)) if block.kind == "step" else ()
            ):
                yield Row(number, at, part)

    def toggle(self, row: int, *, opened: bool | None = None) -> int:
        """Fold or unfold the block of a row (``opened`` says which); return the row where it now begins, −1 if none."""
        if not 0 <= row < len(self.rows):
            return -1
        number = self.rows[row].block
        is_open = number in self._open
        if not self.blocks[number].folds or opened is is_open:
            return -1
        first, end = self._span(number)
        self._open.symmetric_difference_update({number})
        self.rows[first:end] = self._rows_of(number)
        return first

    def _span(self, number: int) -> tuple[int, int]:
        """Return the visible rows of a block."""
        first = bisect_left(self.rows, number, key=lambda each: each.block)
        return first, bisect_right(self.rows, number, lo=first, key=lambda each: each.block)

    def fold_all(self, *, folded: bool) -> None:
        """Fold or unfold every block."""
        self._open = set() if folded else {n for n, block in enumerate(self.blocks) if block.folds}
        self._build()

    def row_of(self, at: int) -> int:
        """Return the visible row that shows a row of the diff, its folded block if it is in one."""
        number = bisect_right(self.blocks, at, key=lambda block: block.start) - 1
        first, end = self._span(number)
        return (
            bisect_left(self.rows, at, first, end, key=lambda each: each.at)
            if self.rows[first].at >= 0
            else first
        )

    def row_of_seq(self, seq: int, side: int = 1) -> int:
        """Return the visible row of a trace of A (``side`` 0) or B (1), −1 if the diff has it not."""
        at = self._places[side].get(seq, -1)
        return self.row_of(at) if at >= 0 else -1

    def at(self, row: int) -> int:
        """Return the row of the diff that a visible row stands for (its block's first), −1 if there is none."""
        if not 0 <= row < len(self.rows):
            return -1
        found = self.rows[row]
        return found.at if found.at >= 0 else self.blocks[found.block].start

    def seqs(self, row: int) -> tuple[int, int]:
        """Return the traces of A and B that a visible row stands for."""
        at = self.at(row)
        return (-1, -1) if at < 0 else (self.diff.rows[at].a, self.diff.rows[at].b)

    # ---- differences -------------------------------------------------------------------------------------

    @property
    def first_row(self) -> int:
        """Visible row of the first divergence, 0 if the runs are equal."""
        return self.row_of(self.diff.first) if self.starts else 0

    def number_at(self, row: int) -> int:
        """Return which difference a visible row is in or behind, from 1; 0 before the first."""
        return bisect_right(self.starts, self.at(row))

    def next_difference(self, row: int, step: int) -> int:
        """Return the visible row of the next (1) or previous (−1) difference, going round; −1 if there is none."""
        if not self.starts:
            return -1
        at = self.at(row)
        number = bisect_right(self.starts, at) if step > 0 else bisect_left(self.starts, at) - 1
        return self.row_of(self.starts[number % len(self.starts)])

    @property
    def order(self) -> tuple[int, int]:
        """Which side stands left, which right."""
        return (1, 0) if self.swapped else (0, 1)


# ---- blocks ----------------------------------------------------------------------------------------------


def _is_open_at_first(block: Block) -> bool:
    return block.kind == "only" and block.times == 1 and block.end - block.start <= OPEN_STEPS


def _blocks(diff: Diff, sides: Sides) -> Iterator[Block]:
    above = above_differences(diff)
    for number, section in enumerate(diff.sections):
        if section.kind == EQUAL:
            yield from _equal_blocks(diff, section, number, above)
        elif section.kind == CHANGED:
            yield Block("step", section.start, section.end, diff.rows[section.start].depth, number)
        else:
            yield from _only_blocks(diff, section, number, sides)


def _equal_blocks(diff: Diff, section: Section, number: int, above: set[int]) -> Iterator[Block]:
    """Yield stretches of equal steps, and alone those that stand above a difference: they say where it is."""
    start = section.start
    for at in range(section.start, section.end + 1):
        if at < section.end and at not in above:
            continue
        if start < at:
            depth = min(row.depth for row in diff.rows[start:at])
            yield Block("equal", start, at, depth, number)
        if at < section.end:
            yield Block("step", at, at + 1, diff.rows[at].depth, number)
        start = at + 1


def _only_blocks(diff: Diff, section: Section, number: int, sides: Sides) -> Iterator[Block]:
    """Yield the topmost subtrees that only one side has; like ones that follow each other are one block."""
    side = 0 if section.kind == ONLY_A else 1
    groups = len(section) <= GROUPED_STEPS
    waiting: Block | None = None
    said = ""
    for start, end in _subtrees(diff, section):
        row = diff.rows[start]
        text = sides.text(side, row.a if side == 0 else row.b) if groups else ""
        if waiting is not None and groups and text == said and row.depth == waiting.depth:
            waiting = Block("only", waiting.start, end, row.depth, number, waiting.times + 1)
            continue
        if waiting is not None:
            yield waiting
        waiting, said = Block("only", start, end, row.depth, number), text
    if waiting is not None:
        yield waiting


def _subtrees(diff: Diff, section: Section) -> Iterator[tuple[int, int]]:
    start, top = section.start, diff.rows[section.start].depth
    for at in range(section.start + 1, section.end):
        if diff.rows[at].depth <= top:
            yield start, at
            start, top = at, diff.rows[at].depth
    yield start, section.end
