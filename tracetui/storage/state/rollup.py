"""Figures over whole subtrees, by row: errors, tokens, cost, time span, size, and which model calls count.

*Tokens* count on LLM traces. One whose descendant LLM, reached without crossing a ToolCall or an Agent, has
usage is a wrapper and is skipped; figures on other types count only where no LLM below has usage. The span of a
subtree is its latest end minus its earliest start (a trace without an end ends when it starts); tokens, cost and
errors are sums; context is the maximum.

Kept up to date: a new trace or a completion costs the ancestors that it touches, a batch of them touches each
once. What cannot be told from the figures alone (a wrapper whose model call comes later, usage that changes, an
adopted orphan) makes them anew from the columns, by one pass up the run without recursion.
"""

from __future__ import annotations

from array import array
from heapq import heapify, heappop, heappush
from typing import Any, ClassVar, Protocol

from tracetui.model.trace_type import CUSTOM, ERROR, TOOL_CALL
from tracetui.storage.backend import NO_TIME
from tracetui.storage.decide import AMENDMENT, COMPLETION
from tracetui.storage.state.change_log import ChangeLog
from tracetui.storage.state.columns import BadIndexError, Base, Columns

AGENT, MODEL = "Agent", "LLM"
_NEAR, _FAR, _COUNTED = 1, 2, 4
"""Marks: a model call with usage is below, with no tool call or agent between; beyond one; own usage counts."""


class Figured(Protocol):
    """The columns that figures are made of; see ``RunView``."""

    @property
    def parents(self) -> Any:
        """Rows of the parents."""
        ...

    kinds: Any
    types: Any
    type_names: Any
    timestamps: Any
    ends: Any
    tokens_in: Any
    tokens_out: Any
    costs: Any


class Rollup(Columns):
    """Figures by row, each over the trace and all its descendants. Times in milliseconds, cost in US dollars."""

    ROOM = "rollup"
    CODES: ClassVar = {
        "errors": "i", "tokens_in": "q", "tokens_out": "q", "cost": "d", "start_ms": "q", "end_ms": "q",
        "context": "q", "traces": "i", "marks": "b",
    }  # fmt: skip
    errors: Any
    tokens_in: Any
    tokens_out: Any
    cost: Any
    start_ms: Any
    end_ms: Any
    context: Any
    """Largest input of one model call."""
    traces: Any
    """Number of traces, itself included."""
    marks: Any

    def __init__(self, base: Base | None = None, rows: int = 0, changes: int = 0) -> None:
        super().__init__(base, rows)
        self.seen = changes
        """Number of changes of the run that the figures include."""
        self.adoptions = 0
        """Number of orphans that had found their parent then; another one makes the figures anew."""

    def __len__(self) -> int:
        return self._length()

    def duration_ms(self, row: int) -> int:
        """Return the span of a subtree."""
        span: int = self.end_ms[row] - self.start_ms[row]
        return span

    def counts(self, row: int) -> bool:
        """Whether a trace's own usage is part of the sums: not that of wrappers and aggregates."""
        return bool(self.marks[row] & _COUNTED)

    # ---- all of them -------------------------------------------------------------------------------------

    @classmethod
    def of(cls, run: Figured, count: int) -> Rollup:
        """Return the figures of the first ``count`` traces; linear in them."""
        made = cls()
        made.errors = array("i", [kind == ERROR for kind in run.kinds[:count]])
        made.start_ms = array("q", run.timestamps[:count])
        made.end_ms = array("q", map(_own_end, run.timestamps[:count], run.ends[:count]))
        made.traces = array("i", [1]) * count
        made.marks = array("b", bytes(count))
        made._count_usage(run, count)
        made._sum_up(run.parents, count)
        return made

    def _count_usage(self, run: Figured, count: int) -> None:
        """Set what each trace counts itself: nothing for wrappers, and for aggregates above model calls."""
        self.tokens_in, self.tokens_out = array("q", bytes(8 * count)), array("q", bytes(8 * count))
        self.cost = array("d", bytes(8 * count))
        columns = zip(run.tokens_in[:count], run.tokens_out[:count], run.costs[:count], strict=True)
        used = [
            row for row, (given, told, cost) in enumerate(columns) if given >= 0 or told >= 0 or cost == cost  # noqa: PLR0124 - not NaN
        ]  # fmt: skip
        words = _Words(run)
        for row in used:
            if words.is_model(row):
                self._mark_above(words, row)
        for row in used:
            if self._counts(words, row):
                self._take_usage(run, row)
        self.context = array("q", self.tokens_in)

    def _take_usage(self, run: Figured, row: int) -> None:
        self.marks[row] |= _COUNTED
        self.tokens_in[row] = max(run.tokens_in[row], 0)
        self.tokens_out[row] = max(run.tokens_out[row], 0)
        cost = run.costs[row]
        self.cost[row] = cost if cost == cost else 0.0  # noqa: PLR0124

    def _counts(self, words: _Words, row: int) -> bool:
        """Whether a trace's own usage is told by nothing below it."""
        told = _NEAR if words.is_model(row) else _NEAR | _FAR
        return not self.marks[row] & told

    def _mark_above(self, words: _Words, row: int) -> bool:
        """Mark what is above a model call with usage; return whether that covers usage that was counted."""
        marks, parents = self.marks, words.parents
        node, mark, covers = parents[row], _NEAR, False
        while node >= 0 and not marks[node] & mark:
            marks[node] |= mark
            if marks[node] & _COUNTED and not self._counts(words, node):
                covers = True
            if words.is_border(node):
                mark = _FAR
            node = parents[node]
        return covers

    def _sum_up(self, parents: Any, count: int) -> None:
        errors, tokens_in, tokens_out, cost = self.errors, self.tokens_in, self.tokens_out, self.cost
        starts, ends, context, traces = self.start_ms, self.end_ms, self.context, self.traces
        for row in _upward(parents, count):
            parent = parents[row]
            if parent < 0 or parent >= count:
                continue
            traces[parent] += traces[row]
            ends[parent] = max(ends[parent], ends[row])
            starts[parent] = min(starts[parent], starts[row])
            if errors[row]:
                errors[parent] += errors[row]
            if tokens_in[row] or tokens_out[row]:
                tokens_in[parent] += tokens_in[row]
                tokens_out[parent] += tokens_out[row]
                context[parent] = max(context[parent], context[row])
            if cost[row]:
                cost[parent] += cost[row]

    # ---- news --------------------------------------------------------------------------------------------

    def bring_up(self, run: Figured, count: int, log: ChangeLog, adoptions: int) -> bool:
        """Take in all that came since the last time; False if the figures have to be made anew."""
        if self.adoptions != adoptions or count - len(self) > max(count // 4, 64):
            return False
        news = range(self.seen, len(log))
        touched = {log.rows[change] for change in news if log.codes[change] in (COMPLETION, AMENDMENT)}
        self.seen = len(log)
        return not (touched or count > len(self)) or self.take(run, count, touched)

    def take(self, run: Figured, count: int, touched: set[int]) -> bool:
        """Take in the traces up to ``count`` and what came for ``touched`` rows; False if it must be made anew.

        Parents come before their children here: whoever calls has seen no adoption.
        """
        known = len(self)
        if self._is_fixed:
            self.grow()
        words = _Words(run)
        news: dict[int, list[Any]] = {}
        for row in range(known, count):
            self._append(run, row)
        for row in [*(row for row in touched if row < known), *range(known, count)]:
            if not self._take_row(run, words, row, news, is_new=row >= known):
                return False
        self._spread(run.parents, news)
        return True

    def _append(self, run: Figured, row: int) -> None:
        self.errors.append(0)
        for column in (self.tokens_in, self.tokens_out, self.context):
            column.append(0)
        self.cost.append(0.0)
        self.start_ms.append(run.timestamps[row])
        self.end_ms.append(run.timestamps[row])
        self.traces.append(0)
        self.marks.append(0)

    def _take_row(
        self, run: Figured, words: _Words, row: int, news: dict[int, list[Any]], *, is_new: bool
    ) -> bool:
        """Note what a row brings to itself and those above; False if a figure would have to shrink."""
        error = int(is_new and run.kinds[row] == ERROR)
        given, told, cost = max(run.tokens_in[row], 0), max(run.tokens_out[row], 0), run.costs[row]
        has_usage = run.tokens_in[row] >= 0 or run.tokens_out[row] >= 0 or cost == cost  # noqa: PLR0124
        cost = cost if cost == cost else 0.0  # noqa: PLR0124
        if has_usage and self.marks[row] & _COUNTED:
            return False
        if has_usage and words.is_model(row) and self._mark_above(words, row):
            return False
        if has_usage and self._counts(words, row):
            self.marks[row] |= _COUNTED
        else:
            given, told, cost = 0, 0, 0.0
        end = _own_end(run.timestamps[row], run.ends[row])
        _add(news, row, [error, given, told, cost, run.timestamps[row], end, given, int(is_new)])
        return True

    def _spread(self, parents: Any, news: dict[int, list[Any]]) -> None:
        """Add what rows bring to them and to all above; every row is touched once."""
        rows = [-row for row in news]
        heapify(rows)
        while rows:
            row = -heappop(rows)
            bring = news.pop(row)
            self.errors[row] += bring[0]
            self.tokens_in[row] += bring[1]
            self.tokens_out[row] += bring[2]
            self.cost[row] += bring[3]
            self.start_ms[row] = min(self.start_ms[row], bring[4])
            self.end_ms[row] = max(self.end_ms[row], bring[5])
            self.context[row] = max(self.context[row], bring[6])
            self.traces[row] += bring[7]
            parent = parents[row]
            if parent >= row:
                raise BadIndexError("parents that are not in order")
            if parent >= 0:
                if parent not in news:
                    heappush(rows, -parent)
                _add(news, parent, bring)


def _add(news: dict[int, list[Any]], row: int, bring: list[Any]) -> None:
    held = news.get(row)
    if held is None:
        news[row] = list(bring)
        return
    for at in (0, 1, 2, 3, 7):
        held[at] += bring[at]
    held[4] = min(held[4], bring[4])
    held[5] = max(held[5], bring[5])
    held[6] = max(held[6], bring[6])


def _own_end(timestamp: int, end: int) -> int:
    return timestamp if end == NO_TIME else max(timestamp, end)


def _upward(parents: Any, count: int) -> Any:
    """Return rows so that every trace comes before its parent."""
    if all(parent < row for row, parent in enumerate(parents[:count])):
        return range(count - 1, -1, -1)
    return sorted(range(count), key=_depths(parents, count).__getitem__, reverse=True)


def _depths(parents: Any, count: int) -> array[int]:
    """Return the depth of each row; linear, and without recursion."""
    depths = array("i", [-1]) * count
    for row in range(count):
        path = []
        node = row
        while 0 <= node < count and depths[node] < 0:
            path.append(node)
            node = parents[node]
        depth = depths[node] if 0 <= node < count else -1
        for member in reversed(path):
            depth += 1
            depths[member] = depth
    return depths


class _Words:
    """What the types of traces mean for usage."""

    __slots__ = ("_agent", "_kinds", "_model", "_types", "parents")

    def __init__(self, run: Figured) -> None:
        codes = {name: code for code, name in enumerate(run.type_names)}
        self._model, self._agent = codes.get(MODEL, -1), codes.get(AGENT, -1)
        self.parents, self._kinds, self._types = run.parents, run.kinds, run.types

    def is_model(self, row: int) -> bool:
        """Whether a trace is a call of a model."""
        return bool(self._kinds[row] == CUSTOM and self._types[row] == self._model)

    def is_border(self, row: int) -> bool:
        """Whether what is above a trace is another's: a tool call or an agent."""
        kind = self._kinds[row]
        return bool(kind == TOOL_CALL or (kind == CUSTOM and self._types[row] == self._agent))
