"""Live counts for the filter panes: types, tags, times, and any other field, all and under a filter.

Owns counting; the numbers of the whole run come from the indices and cost no look at a trace, those under a
filter cost one look at each hit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tracetui.querying.ast import Field
from tracetui.querying.reading import Reader, Surroundings
from tracetui.storage.backend import RunView


@dataclass(frozen=True, slots=True)
class Facet:
    """One value of a field: how many traces of the run have it, and how many of those shown."""

    value: str
    shown: int
    total: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stretch of time ``[start_ms, end_ms)`` and how many traces begin in it."""

    start_ms: int
    end_ms: int
    shown: int
    total: int


def type_facets(view: RunView, hits: Sequence[int] | None = None) -> list[Facet]:
    """Return the type names, most frequent first; ``hits`` None means that all are shown."""
    totals = view.type_counts()
    if hits is None:
        return _ordered(totals, totals)
    codes = Counter(map(view.types.__getitem__, hits))
    return _ordered(totals, {view.type_names[code]: n for code, n in codes.items()})


def tag_facets(view: RunView, hits: Sequence[int] | None = None) -> list[Facet]:
    """Return the tags, most frequent first; a tag that a trace bears twice counts once."""
    totals = view.tag_counts()
    if hits is None:
        return _ordered(totals, totals)
    shown: Counter[str] = Counter()
    for tags, n in Counter(map(view.tags_of, hits)).items():
        for tag in set(tags):
            shown[tag] += n
    return _ordered(totals, shown)


def field_facets(view: RunView, name: str, hits: Sequence[int] | None = None) -> list[Facet]:
    """Return the values of any other exact field, most frequent first. Reads the body of every trace."""
    reader, field = Reader(view, Surroundings()), Field(name)
    totals: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    wanted = None if hits is None else set(hits)
    for seq in range(reader.count):
        values = dict.fromkeys(map(str, reader.values(field, seq)))
        totals.update(values.keys())
        if wanted is None or seq in wanted:
            shown.update(values.keys())
    return _ordered(totals, shown)


def _ordered(totals: dict[str, int] | Counter[str], shown: dict[str, int] | Counter[str]) -> list[Facet]:
    ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return [Facet(value, shown.get(value, 0), total) for value, total in ranked]


def time_histogram(view: RunView, buckets: int = 20, hits: Sequence[int] | None = None) -> list[Bucket]:
    """Return equal stretches from the first start to the last; empty for an empty run."""
    if not view.count or buckets < 1:
        return []
    times: Any = view.timestamps
    in_order = isinstance(view.by_time(0, 0), range)
    first, last = (times[0], times[view.count - 1]) if in_order else (min(times), max(times))
    step = (last - first) // buckets + 1
    shown: Counter[int] = Counter() if hits is None else Counter((times[seq] - first) // step for seq in hits)
    made = []
    for number in range((last - first) // step + 1):
        start = first + number * step
        total = len(view.by_time(start, start + step))
        made.append(Bucket(start, start + step, total if hits is None else shown[number], total))
    return made
