"""The stages behind a query: sort, limit, count, stats and select, as plain data.

Owns what a pipeline gives: hits, as (plan, seq), or a ``Table``. Over several runs the hits stand one run
after the other, and stages apply to all of them together. Must not know how a table is shown.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import fmean
from typing import Any

from tracetui.errors import QueryError
from tracetui.querying.ast import Count, Field, Limit, Select, Sort, Stage, Stats
from tracetui.querying.fields import TRACE_FIELDS, Kind
from tracetui.querying.plan import Plan
from tracetui.querying.printer import print_field
from tracetui.querying.stages import columns_of

Hit = tuple[Plan, int]
_JOINED = {"tag": ",", "error": ": "}
"""Fields of which all values are shown, and what stands between them: an error is its type and its message."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain values, None where there is none; ``kinds`` says what those of each column are."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    kinds: tuple[Kind, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Return a dict a row, for ``dumps``."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def makes_table(stages: Sequence[Stage]) -> bool:
    """Whether the stages turn traces into a table, which has only the formats table and json."""
    return any(isinstance(stage, Count | Stats | Select) for stage in stages)


def hits_of(plans: Iterable[Plan], stages: Sequence[Stage]) -> Iterator[Hit]:
    """Yield the hits of plans through sort and limit; progressive while nothing sorts.

    :raises QueryError: if a stage makes a table.
    """
    if makes_table(stages):
        raise QueryError("count, stats and select make a table, not traces; use --format table or json")
    hits: Iterator[Hit] = ((plan, seq) for plan in plans for piece in plan.pieces() for seq in piece)
    return _through(hits, stages)


def _through(hits: Iterator[Hit], stages: Sequence[Stage]) -> Iterator[Hit]:
    for stage in stages:
        if isinstance(stage, Sort):
            hits = iter(sorted_hits(hits, stage))
        elif isinstance(stage, Limit):
            hits = islice(hits, stage.count)
    return hits


def table_of(plans: Iterable[Plan], stages: Sequence[Stage]) -> Table:
    """Return the table that the stages make.

    :raises QueryError: if no stage makes one.
    """
    at = next((n for n, stage in enumerate(stages) if isinstance(stage, Count | Stats | Select)), None)
    if at is None:
        raise QueryError("no stage of this query makes a table")
    hits = _through(((p, s) for p in plans for piece in p.pieces() for s in piece), stages[:at])
    table = _tabulated(hits, stages[at])
    for later in stages[at + 1 :]:
        table = _reshaped(table, later, columns_of(stages[at]) or ())
    return table


def _tabulated(hits: Iterator[Hit], stage: Stage) -> Table:
    if isinstance(stage, Count):
        return _count(hits, stage)
    return _stats(hits, stage) if isinstance(stage, Stats) else _select(hits, stage)


# ---- hits ------------------------------------------------------------------------------------------------


def first_value(plan: Plan, field: Field, seq: int) -> Any:
    """Return the value of a field to show or sort by, None where it is missing."""
    found = plan.reader.values(field, seq)
    if field.name in _JOINED:
        return _JOINED[field.name].join(found) or None
    return found[0] if found else None


def sorted_hits(hits: Iterable[Hit], stage: Sort) -> list[Hit]:
    """Return hits by a field: stable, missing last whichever way."""
    keyed = [(order_of(first_value(plan, stage.by, seq)), (plan, seq)) for plan, seq in hits]
    present = [item for item in keyed if item[0] is not None]
    present.sort(key=lambda item: item[0], reverse=stage.descending)
    return [hit for _, hit in present] + [hit for key, hit in keyed if key is None]


def order_of(value: object) -> Any:
    """Return a key by which values of any shape are ordered, None for what is missing or not a number."""
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, bool | int | float):
        return (0, value, "")
    return (1, 0, value.casefold()) if isinstance(value, str) else (2, 0, repr(value))


def largest(hits: Iterable[Hit], field: Field, count: int) -> list[Hit]:
    """Return the hits with the largest values of a field, largest first; those without are left out."""
    keyed = ((order_of(first_value(p, field, s)), -n, (p, s)) for n, (p, s) in enumerate(hits))
    best = heapq.nlargest(count, (item for item in keyed if item[0] is not None), key=lambda item: item[:2])
    return [hit for _, _, hit in best]


# ---- tables ----------------------------------------------------------------------------------------------


def _count(hits: Iterable[Hit], stage: Count) -> Table:
    if stage.by is None:
        return Table(("count",), ((sum(1 for _ in hits),),), (Kind.NUMBER,))
    counted: Counter[Any] = Counter()
    shown: dict[Any, Any] = {}
    for plan, seq in hits:
        values = plan.reader.values(stage.by, seq)
        for value in (values if stage.by.name in ("tag", "options") else values[:1]) or (None,):
            key = _key(value)
            counted[key] += 1
            shown.setdefault(key, value)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], order_of(shown[item[0]]) or (3, 0, "")))
    rows = tuple((shown[key], n) for key, n in ordered)
    return Table((print_field(stage.by), "count"), rows, (_kind(stage.by), Kind.NUMBER))


def _kind(field: Field) -> Kind:
    return TRACE_FIELDS[field.name].kind


def _key(value: Any) -> Any:
    """Return what tells values apart: 1 and True are two, lists and dicts by how they are written."""
    return (type(value).__name__, repr(value)) if isinstance(value, list | dict) else (type(value), value)


def _stats(hits: Iterable[Hit], stage: Stats) -> Table:
    numbers = sorted(
        value
        for plan, seq in hits
        for value in plan.reader.values(stage.of, seq)
        if isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124
    )
    columns = tuple(field.name for field in columns_of(stage) or ())
    kinds = (Kind.NUMBER, *(_kind(stage.of),) * (len(columns) - 1))
    if not numbers:
        return Table(columns, ((0, *(None,) * (len(columns) - 1)),), kinds)
    row = (
        len(numbers), sum(numbers), numbers[0], fmean(numbers), percentile(numbers, 50),
        percentile(numbers, 95), numbers[-1],
    )  # fmt: skip
    return Table(columns, (row,), kinds)


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of ascending numbers: always one of them.

    >>> percentile([1, 2, 3, 4], 50), percentile([1, 2, 3, 4], 95)
    (2, 4)
    """
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)]


def _select(hits: Iterable[Hit], stage: Stage) -> Table:
    fields = stage.fields if isinstance(stage, Select) else ()
    rows = tuple(tuple(first_value(plan, field, seq) for field in fields) for plan, seq in hits)
    return Table(tuple(map(print_field, fields)), rows, tuple(map(_kind, fields)))


def _reshaped(table: Table, stage: Stage, columns: Sequence[Field]) -> Table:
    if isinstance(stage, Limit):
        return replace(table, rows=table.rows[: stage.count])
    if isinstance(stage, Sort):
        at = columns.index(stage.by)
        keyed = [(order_of(row[at]), row) for row in table.rows]
        present = sorted((k for k in keyed if k[0] is not None), key=lambda k: k[0], reverse=stage.descending)
        return replace(table, rows=(*(row for _, row in present), *(r for key, r in keyed if key is None)))
    return table
