"""Live counts for the filter panes: types, tags, times, and any other field, all and under a filter.

Owns counting; the numbers of the whole run come from the indices and cost no look at a trace, those under a
filter cost one look at each hit.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tracetui.model.trace import STATUS_NAMES
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


# ---- values of fields that stand in bodies -----------------------------------------------------------------

COLUMN_FIELDS = ("name", "model")
NO_DURATION = -1


class ValueColumns:
    """Names, models and durations of every trace of a run, read once, so that counting costs no look at a body.

    ``read`` takes a while in a large run and is for a worker; ``catch_up`` takes what came since, a few traces.
    Later amendments of traces that had ended are not seen: read anew for them.
    """

    def __init__(self) -> None:
        self.durations = array("q")
        self._codes = {name: array("I") for name in COLUMN_FIELDS}
        self._numbers: dict[str, dict[tuple[str, ...], int]] = {name: {} for name in COLUMN_FIELDS}
        self._open: set[int] = set()
        self._totals: dict[str, Counter[Any]] = {}
        """What is in each column, counted when first asked for since something came."""

    @classmethod
    def read(cls, view: RunView) -> ValueColumns:
        """Return the columns of a run as it is now."""
        made = cls()
        made.catch_up(view)
        return made

    def __len__(self) -> int:
        return len(self.durations)

    def behind(self, view: RunView) -> int:
        """Return how many traces came since."""
        return view.count - len(self)

    def catch_up(self, view: RunView) -> None:
        """Take in what came since, and what has ended."""
        reader = Reader(view, Surroundings())
        for seq in range(len(self), reader.count):
            self.durations.append(NO_DURATION)
            for codes in self._codes.values():
                codes.append(0)
            self._take(reader, seq)
        for seq in [seq for seq in self._open if view.statuses[seq] != 0]:
            self._open.discard(seq)
            self._take(reader, seq)

    def _take(self, reader: Reader, seq: int) -> None:
        self._totals.clear()
        if reader.view.statuses[seq] == 0:
            self._open.add(seq)
        self.durations[seq] = next(iter(reader.duration(seq)), NO_DURATION)
        for name, codes in self._codes.items():
            values = tuple(dict.fromkeys(map(str, reader.values(Field(name), seq))))
            numbers = self._numbers[name]
            codes[seq] = numbers.setdefault(values, len(numbers))

    def facets(self, name: str, hits: Sequence[int] | None = None) -> list[Facet]:
        """Return the values of a field, most frequent first; costs one look at a number for each trace."""
        totals = self._counted(name, self._total(name, self._codes[name]))
        if hits is None:
            return _ordered(totals, totals)
        return _ordered(totals, self._counted(name, Counter(map(self._codes[name].__getitem__, hits))))

    def _total(self, name: str, column: Iterable[int]) -> Counter[Any]:
        if name not in self._totals:
            self._totals[name] = Counter(column)
        return self._totals[name]

    def _counted(self, name: str, codes: Counter[int]) -> Counter[str]:
        found: Counter[str] = Counter()
        for values, number in self._numbers[name].items():
            for value in values:
                found[value] += codes[number]
        return found

    def spans(self, limits: Sequence[int], hits: Sequence[int] | None = None) -> list[tuple[int, int]]:
        """Return (shown, total) of durations below the first limit, from each to the next, and from the last on."""
        totals = self._spread(limits, self._total("dur", self.durations))
        shown = (
            totals if hits is None else self._spread(limits, Counter(map(self.durations.__getitem__, hits)))
        )
        return list(zip(shown, totals, strict=True))

    @staticmethod
    def _spread(limits: Sequence[int], durations: Counter[int]) -> list[int]:
        found = [0] * (len(limits) + 1)
        for duration, number in durations.items():
            if duration != NO_DURATION:
                found[bisect_right(limits, duration)] += number
        return found


def status_facets(view: RunView, hits: Sequence[int] | None = None) -> list[Facet]:
    """Return the recorded statuses, most frequent first."""
    totals = Counter(view.statuses[: view.count] if view.count else ())
    shown = totals if hits is None else Counter(map(view.statuses.__getitem__, hits))
    named = {STATUS_NAMES[code]: number for code, number in totals.items()}
    return _ordered(named, {STATUS_NAMES[code]: number for code, number in shown.items()})


def time_stretches(view: RunView, most: int = 12, hits: Sequence[int] | None = None) -> list[Bucket]:
    """Return stretches of a round length from the first start on; at most so many and one, [] for an empty run."""
    if not view.count:
        return []
    times: Any = view.timestamps
    in_order = isinstance(view.by_time(0, 0), range)
    first, last = (times[0], times[view.count - 1]) if in_order else (min(times), max(times))
    step = _round_up(max(-(-(last - first) // most), 1))
    shown: Counter[int] = Counter() if hits is None else Counter((times[seq] - first) // step for seq in hits)
    made = []
    for number in range((last - first) // step + 1):
        start = first + number * step
        total = len(view.by_time(start, start + step))
        made.append(Bucket(start, start + step, total if hits is None else shown[number], total))
    return made


def _round_up(ms: int) -> int:
    """Return the next length of 1, 2, 5, 10 … milliseconds, from a minute on of whole minutes of that kind.

    >>> [_round_up(ms) for ms in (1, 3, 700, 12_000, 70_000, 4_000_000)]
    [1, 5, 1000, 20000, 120000, 6000000]
    """
    unit = 60_000 if ms > 60_000 else 1
    power = 1
    while True:
        for digit in (1, 2, 5):
            if unit * power * digit >= ms:
                return unit * power * digit
        power *= 10
