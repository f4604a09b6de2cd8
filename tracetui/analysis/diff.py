"""Two runs beside each other, as aligned trees: what is equal, what changed, what only one of them has.

Steps are compared by ``tracetui.analysis.steps``, so times, ids and volatile arguments make no difference. Children
of aligned steps are aligned among each other: by their whole subtrees, then by themselves, then by what they chose,
at last by what they are; calls that ran at the same time may have changed places. Every trace of both runs stands
in exactly one row, and exchanging the runs gives the same pairs. No recursion, and no time that grows with the
square of the runs (``tracetui.analysis.alignment``).

What a model was given repeats the run so far: after the first difference it always differs, and says nothing. Until
then it counts: the first model call that was given something else, or asked another model, after steps that are
all equal, is a difference.
In the same way the outcome of a step follows from those below it: where they differ, that it ended otherwise is
told, but is no difference of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tracetui.analysis.alignment import align, in_order
from tracetui.analysis.changes import PartChange, changes_between, context_changes
from tracetui.analysis.fanout import exchanged, groups_of
from tracetui.analysis.rollup import totals
from tracetui.analysis.steps import Steps, step_of, steps_of
from tracetui.model.trace_type import ERROR
from tracetui.storage.backend import RunView
from tracetui.storage.state.rollup import Rollup

Kind = Literal["equal", "changed", "only_a", "only_b"]
EQUAL: Kind = "equal"
CHANGED: Kind = "changed"
ONLY_A: Kind = "only_a"
ONLY_B: Kind = "only_b"


class DiffRow(NamedTuple):
    """One row of the aligned trees. ``a`` and ``b`` are seqs, −1 where a side has none.

    ``ms`` and ``tokens`` are what B took more than A, descendants included. ``follows`` is true of a changed
    row of which only the outcome differs while steps below it differ too.
    """

    kind: Kind
    depth: int
    a: int
    b: int
    changes: tuple[PartChange, ...] = ()
    ms: int = 0
    tokens: int = 0
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Rows ``[start, end)`` of one kind in a row: equal steps that can be folded, or one difference.

    Every changed row is a section of its own, and a difference unless it only ``follows`` from others; rows that
    stand one after the other only in A, or only in B, are one. ``ms`` and ``tokens`` are its effect: the sum
    of its topmost rows.
    """

    kind: Kind
    start: int
    end: int
    ms: int
    tokens: int
    follows: bool = False

    @property
    def differs(self) -> bool:
        """Whether this is a difference."""
        return self.kind != EQUAL and not self.follows

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Side:
    """Figures of one run. ``tokens`` are those in and out, ``ms`` its span, ``cost`` in US dollars."""

    run_id: str
    name: str | None
    traces: int
    ms: int
    tokens: int
    cost: float


@dataclass(frozen=True, slots=True)
class Diff:
    """Two runs, aligned: rows in pre-order, and the same rows as sections one after the other."""

    a: Side
    b: Side
    rows: tuple[DiffRow, ...]
    sections: tuple[Section, ...]

    @property
    def differences(self) -> tuple[Section, ...]:
        """The sections that differ, in pre-order."""
        return tuple(section for section in self.sections if section.differs)

    @property
    def first(self) -> int:
        """Row of the first divergence, −1 if the runs are equal."""
        return next((section.start for section in self.sections if section.differs), -1)

    @property
    def equal(self) -> bool:
        """Whether no step differs."""
        return self.first < 0

    def count(self, kind: Kind) -> int:
        """Return the number of rows of a kind."""
        return sum(len(section) for section in self.sections if section.kind == kind)


def diff(a: RunView, b: RunView) -> Diff:
    """Align two runs; reads every body of both once, and those of changed steps again."""
    steps_a, steps_b = steps_of(a), steps_of(b)
    figures = _Figures(a), _Figures(b)
    rows = [_row(a, b, steps_a, steps_b, figures, *found) for found in _aligned(steps_a, steps_b)]
    _mark_what_follows(a, b, rows)
    _mark_context(a, b, rows)
    sections = tuple(_sections(rows))
    return Diff(figures[0].side, figures[1].side, tuple(rows), sections)


# ---- alignment -------------------------------------------------------------------------------------------


def _aligned(a: Steps, b: Steps) -> Iterator[tuple[int, int, int]]:
    """Yield (row in A, row in B, depth) in pre-order, −1 where a side has none; A first where neither has the other."""
    pending = _below(a, b, -1, -1, 0)
    while pending:
        row_a, row_b, depth = pending.pop()
        if row_a < 0 or row_b < 0 or a.whole[row_a] == b.whole[row_b]:
            yield from _subtree(a if row_b < 0 else b, row_a, row_b, depth)
            continue
        yield row_a, row_b, depth
        pending += _below(a, b, row_a, row_b, depth + 1)


def _subtree(steps: Steps, row_a: int, row_b: int, depth: int) -> Iterator[tuple[int, int, int]]:
    """Yield the rows of a subtree that one side has, or both alike."""
    first = row_a if row_b < 0 else row_b
    for n in range(steps.sizes[first]):
        level = depth + steps.depths[first + n] - steps.depths[first]
        yield (row_a if row_a < 0 else row_a + n), (row_b if row_b < 0 else row_b + n), level


def _below(a: Steps, b: Steps, row_a: int, row_b: int, depth: int) -> list[tuple[int, int, int]]:
    """Return the aligned children of two aligned rows, last first."""
    rows_a, rows_b = a.children(row_a), b.children(row_b)
    tiers_a = [[keys[row] for row in rows_a] for keys in (a.whole, a.same, a.chose, a.kind)]
    tiers_b = [[keys[row] for row in rows_b] for keys in (b.whole, b.same, b.chose, b.kind)]
    pairs = align(tiers_a, tiers_b)
    if len(pairs) < min(len(rows_a), len(rows_b)):
        keys = list(zip(tiers_a, tiers_b, strict=True))
        pairs += exchanged(pairs, keys[:3], (_groups(a, rows_a), _groups(b, rows_b)))
    placed = [
        (rows_a[i] if i >= 0 else -1, rows_b[j] if j >= 0 else -1, depth)
        for i, j in in_order(len(rows_a), pairs, len(rows_b))
    ]
    return placed[::-1]


def _groups(steps: Steps, rows: list[int]) -> list[range]:
    spans = [steps.spans[row] for row in rows]
    return groups_of([start for start, _ in spans], [end for _, end in spans])


# ---- rows ------------------------------------------------------------------------------------------------


class _Figures:
    """What each subtree of a run took."""

    def __init__(self, view: RunView) -> None:
        self.rollup: Rollup = view.rollup()
        all_of_it = totals(view, self.rollup)
        tokens = all_of_it.tokens_in + all_of_it.tokens_out
        run = view.run
        self.side = Side(
            run.id, run.name, len(self.rollup), all_of_it.duration_ms, tokens, all_of_it.cost_usd
        )

    def of(self, seq: int) -> tuple[int, int]:
        """Return milliseconds and tokens of a subtree; nothing for −1 and for what came later."""
        rollup = self.rollup
        if not 0 <= seq < len(rollup):
            return 0, 0
        return rollup.duration_ms(seq), rollup.tokens_in[seq] + rollup.tokens_out[seq]


def _row(
    a: RunView, b: RunView, steps_a: Steps, steps_b: Steps, figures: tuple[_Figures, _Figures],
    row_a: int, row_b: int, depth: int,
) -> DiffRow:  # fmt: skip
    seq_a = steps_a.seqs[row_a] if row_a >= 0 else -1
    seq_b = steps_b.seqs[row_b] if row_b >= 0 else -1
    (ms_a, tokens_a), (ms_b, tokens_b) = figures[0].of(seq_a), figures[1].of(seq_b)
    ms, tokens = ms_b - ms_a, tokens_b - tokens_a
    if row_a < 0 or row_b < 0:
        return DiffRow(ONLY_B if row_a < 0 else ONLY_A, depth, seq_a, seq_b, (), ms, tokens)
    if steps_a.same[row_a] == steps_b.same[row_b]:
        return DiffRow(EQUAL, depth, seq_a, seq_b, (), ms, tokens)
    changes = changes_between(step_of(a, seq_a), step_of(b, seq_b))
    return DiffRow(CHANGED, depth, seq_a, seq_b, changes, ms, tokens)


_OUTCOME = frozenset({
    "status", "result", "data.output", "data.result", "data.results", "data.response", "data.answer", "data.error",
})  # fmt: skip
"""Parts of a step that come of what is below it; a ``result.`` part is one too."""


def _mark_what_follows(a: RunView, b: RunView, rows: list[DiffRow]) -> None:
    """Mark changed rows of which only the outcome differs, and below which a step differs.

    An error below a step tells how that step ended; it is no step of its own here.
    """
    differing: set[int] = set()
    """Depths at which, below the row that comes next, some row differs."""
    for number in range(len(rows) - 1, -1, -1):
        row = rows[number]
        below = row.depth + 1 in differing
        differing.discard(row.depth + 1)
        if below or (row.kind != EQUAL and not _is_error(a, row.a) and not _is_error(b, row.b)):
            differing.add(row.depth)
        if below and row.kind == CHANGED and all(_is_outcome(change.part) for change in row.changes):
            rows[number] = row._replace(follows=True)


def _is_error(view: RunView, seq: int) -> bool:
    return seq >= 0 and view.kinds[seq] == ERROR


def _is_outcome(part: str) -> bool:
    return part in _OUTCOME or part.startswith("result.")


def _mark_context(a: RunView, b: RunView, rows: list[DiffRow]) -> None:
    """Mark the first model call that was given something else, if all before it is equal."""
    for number, row in enumerate(rows):
        if row.kind != EQUAL:
            if row.follows:
                continue
            return
        changes = context_changes(a, b, row.a, row.b)
        if changes:
            rows[number] = row._replace(kind=CHANGED, changes=changes)
            return


# ---- sections --------------------------------------------------------------------------------------------


def _sections(rows: list[DiffRow]) -> Iterator[Section]:
    start = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or rows[at].kind != rows[start].kind or rows[start].kind == CHANGED:
            yield _section(rows, start, at)
            start = at


def _section(rows: list[DiffRow], start: int, end: int) -> Section:
    ms = tokens = 0
    top = rows[start].depth
    for row in rows[start:end]:
        if row.depth <= top:
            top = row.depth
            ms, tokens = ms + row.ms, tokens + row.tokens
    return Section(rows[start].kind, start, end, ms, tokens, rows[start].follows)
