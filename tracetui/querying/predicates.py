"""Predicates over the traces of one run, by seq: some are an index, all can narrow a list of seqs.

Owns the two ways in which a part of a query is answered. ``seqs()`` enumerates from an index, in seq order;
``narrow(seqs)`` keeps those of the given seqs that match, in their order. Both give the same answer, which
the oracle test holds. Predicates look at traces below ``reader.count`` only, so that a run may grow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tracetui.querying.ast import Value
from tracetui.querying.comparing import INFINITE, Check, contained, pattern_of_text
from tracetui.querying.reading import Cost, Reader
from tracetui.querying.sifting import Sieve, sift, text_sieve

Seqs = Sequence[int]
_TOGETHER = 1024
"""Traces whose bodies are read at once."""
_FEW = 64


class Predicate:
    """A part of a query, compiled for one run."""

    cost: int = Cost.HEAD
    indexed: bool = False

    def __init__(self, label: str) -> None:
        self.label = label
        self.checked = 0
        self.kept = 0
        self.listed: int | None = None

    @property
    def estimate(self) -> int:
        """How many traces will match, at most."""
        raise NotImplementedError

    @property
    def parts(self) -> Sequence[Predicate]:
        """The predicates that this one is made of."""
        return ()

    def seqs(self) -> Seqs:
        """Return all matches in seq order; only where ``indexed``."""
        raise NotImplementedError

    def candidates(self) -> Seqs:
        """Return all that may match, in seq order, from indices alone; only where ``indexed``."""
        return self.seqs()

    def narrowed(self, seqs: Seqs) -> list[int]:
        """Return those of the ``candidates()`` that match."""
        return list(seqs)

    def narrow(self, seqs: Seqs) -> list[int]:
        """Return those of the seqs that match, in their order."""
        raise NotImplementedError

    def prepare(self, expected: int) -> None:
        """Hear how many traces will be asked in all, before they come piece by piece."""
        for part in self.parts:
            part.prepare(expected)

    def noted(self, found: Seqs) -> Seqs:
        """Keep count for ``explain`` of what an index gave, and return it."""
        self.listed = len(found)
        return found

    def counted(self, seqs: Seqs) -> list[int]:
        """Narrow, and keep count of it for ``explain``."""
        kept = self.narrow(seqs)
        self.checked += len(seqs)
        self.kept += len(kept)
        return kept


def merged(lists: Sequence[Iterable[int]]) -> Seqs:
    """Return the union of lists of seqs, in seq order."""
    if len(lists) == 1:
        return list(lists[0])
    return sorted(set().union(*lists))


class Postings(Predicate):
    """Traces that an index lists: by type, tag, parent or id."""

    indexed = True

    def __init__(
        self,
        label: str,
        lists: Sequence[Seqs],
        holds: Callable[[Seqs], list[int]],
        count: int,
        *,
        cheap: bool = False,
    ) -> None:
        super().__init__(label)
        self.worth = 0 if cheap else 3 if len(lists) == 1 else 1
        self._lists = [below(seqs, count) for seqs in lists]
        self._holds = holds

    @property
    def estimate(self) -> int:
        """The lengths of the lists."""
        return sum(map(len, self._lists))

    def seqs(self) -> Seqs:
        """Return the lists merged."""
        if not self._lists:
            return ()
        return self._lists[0] if len(self._lists) == 1 else merged(self._lists)

    def narrow(self, seqs: Seqs) -> list[int]:
        """Look at the columns of each."""
        return self._holds(seqs)


def below(seqs: Seqs, count: int) -> Seqs:
    """Return the seqs under ``count`` of an ascending list, as a copy that does not grow."""
    return seqs[: len(seqs) if not seqs or seqs[-1] < count else bisect_left(seqs, count)]


class TimeSpan(Predicate):
    """Traces whose start lies between two milliseconds, both held."""

    indexed = True

    def __init__(self, label: str, reader: Reader, spans: Sequence[tuple[float, float]]) -> None:
        super().__init__(label)
        self._reader = reader
        self._spans = spans
        self._found: Seqs | None = None
        view = reader.view
        self.in_order = isinstance(view.by_time(0, 0), range)

    @property
    def estimate(self) -> int:
        """The number of matches where times are in order, else a guess."""
        if self.in_order or self._found is not None:
            return len(self.seqs())
        return self._reader.count // 2 + 1

    def seqs(self) -> Seqs:
        """Return what the time index holds between, in seq order."""
        if self._found is None:
            found = [self._between(*span) for span in self._spans]
            self._found = found[0] if len(found) == 1 else merged(found)
        return self._found

    def _between(self, low: float, high: float) -> Seqs:
        start = -(2**63) if low == -INFINITE else max(int(low), -(2**63))
        end = 2**63 if high == INFINITE else min(int(high) + 1, 2**63)
        found = self._reader.view.by_time(start, end)
        if isinstance(found, range):
            return range(found.start, max(found.start, min(found.stop, self._reader.count)))
        return sorted(seq for seq in found if seq < self._reader.count)

    def narrow(self, seqs: Seqs) -> list[int]:
        """Look at the start of each."""
        times = self._reader.view.timestamps
        if len(self._spans) == 1:
            low, high = self._spans[0]
            return [seq for seq in seqs if low <= times[seq] <= high]
        return [seq for seq in seqs if any(low <= times[seq] <= high for low, high in self._spans)]


class Chosen(Predicate):
    """Traces that are known one by one: those with notes, marks, loops, or found before."""

    indexed = True

    def __init__(self, label: str, seqs: Iterable[int]) -> None:
        super().__init__(label)
        self._seqs = sorted(seqs)
        self._set = frozenset(self._seqs)

    @property
    def estimate(self) -> int:
        """Their number."""
        return len(self._seqs)

    def seqs(self) -> Seqs:
        """Return them."""
        return self._seqs

    def narrow(self, seqs: Seqs) -> list[int]:
        """Look each up."""
        known = self._set
        return [seq for seq in seqs if seq in known]


class Columns(Predicate):
    """Traces of which a column holds one of some codes."""

    def __init__(self, label: str, column: Sequence[int], codes: frozenset[int], count: int) -> None:
        super().__init__(label)
        self._column, self._codes, self._count = column, codes, count

    @property
    def estimate(self) -> int:
        """Half of the run: nobody counted."""
        return self._count // 2 if self._codes else 0

    def narrow(self, seqs: Seqs) -> list[int]:
        """Look at the column of each."""
        column, codes = self._column, self._codes
        if len(codes) == 1:
            (code,) = codes
            return [seq for seq in seqs if column[seq] == code]
        return [seq for seq in seqs if column[seq] in codes]


class Valued(Predicate):
    """Traces of which a field has a value that passes a check.

    ``kind`` is the only kind of trace that has the field, if it is one; ``sieves`` rule out packed bodies, ``load``
    makes ready to read those of some traces.
    """

    def __init__(
        self,
        label: str,
        reader: Reader,
        read: Callable[[int], Iterable[Any]],
        check: Check,
        cost: Cost = Cost.HEAD,
        kind: int | None = None,
        sieves: Sequence[Sieve] = (),
        load: Callable[[Seqs], None] | None = None,
    ) -> None:
        super().__init__(label)
        self.cost = cost
        self._load = load or reader.load
        self._reader, self._read, self._check = reader, read, check
        self._kind, self._sieves = kind, sieves

    @property
    def estimate(self) -> int:
        """A guess: a term rarely fits more than a third."""
        return self._reader.count // 3 + 1

    def narrow(self, seqs: Seqs) -> list[int]:
        """Read the field of each that may have it."""
        if self._kind is not None:
            kinds, kind = self._reader.view.kinds, self._kind
            seqs = [seq for seq in seqs if kinds[seq] == kind]
        if self._sieves:
            seqs = self._reader.sifted(seqs, self._sieves)
        read, check = self._read, self._check
        if self.cost != Cost.BODY:
            return [seq for seq in seqs if any(map(check, read(seq)))]
        found: list[int] = []
        for at in range(0, len(seqs), _TOGETHER):
            self._load(part := seqs[at : at + _TOGETHER])
            found += [seq for seq in part if any(map(check, read(seq)))]
        return found


class Worded(Predicate):
    """Traces that show one of some texts. Packed bodies are looked at before they are decoded, most are not then."""

    cost = Cost.TEXT

    def __init__(self, label: str, reader: Reader, values: Sequence[Value]) -> None:
        super().__init__(label)
        self._reader = reader
        checks = [_check_of_text(value) for value in values]
        self._fits: Check = checks[0] if len(checks) == 1 else lambda text: any(c(text) for c in checks)
        self._sieve = text_sieve(values)
        self._head: set[int] | None = None

    @property
    def estimate(self) -> int:
        """A guess."""
        return self._reader.count // 3 + 1

    def _in_head(self) -> set[int]:
        """Return the traces whose type name, tags or notes fit, by the index: each name is asked once."""
        if self._head is None:
            view, fits = self._reader.view, self._fits
            lists = [view.by_type(name) for name in view.type_names if fits(name)]
            lists += [view.by_tag(tag) for tag in view.tag_counts() if fits(tag)]
            noted = self._reader.notes().items()
            self._head = {seq for seq, texts in noted if any(map(fits, texts))}.union(*lists)
        return self._head

    def _in_heads_of(self, seqs: Seqs) -> set[int]:
        """Return the same for a few traces, whatever there is in the run."""
        view, fits, notes = self._reader.view, self._fits, self._reader.notes()
        return {
            seq
            for seq in seqs
            if any(map(fits, (view.type_names[view.types[seq]], *view.tags_of(seq), *notes.get(seq, ()))))
        }

    def narrow(self, seqs: Seqs) -> list[int]:
        """Look at names, tags and notes, then at the bodies."""
        found = self._in_heads_of(seqs) if len(seqs) <= _FEW else set(self._in_head().intersection(seqs))
        rest: Seqs = seqs
        if self._sieve is not None:
            sifted = sift(
                self._reader.view, seqs, self._sieve
            )  # a whole range lies ready, some of it would not
            found |= sifted.surely
            rest = sorted(sifted.may)
        rest = [seq for seq in rest if seq not in found]
        fits = self._fits
        for seq, texts in zip(rest, self._reader.plain_bodies(rest), strict=True):
            if any(map(fits, texts)):
                found.add(seq)
        return [seq for seq in seqs if seq in found]


def _check_of_text(value: Value) -> Check:
    pattern = pattern_of_text(value)
    if pattern is None:
        return contained(value)
    return pattern.search


class Every(Predicate):
    """All traces."""

    indexed = True

    def __init__(self, count: int) -> None:
        super().__init__("everything")
        self._count = count

    @property
    def estimate(self) -> int:
        """All."""
        return self._count

    def seqs(self) -> Seqs:
        """Return all."""
        return range(self._count)

    def narrow(self, seqs: Seqs) -> list[int]:
        """Keep all."""
        return list(seqs)


# ---- combinations ----------------------------------------------------------------------------------------


class AllOf(Predicate):
    """Traces that match every part: the rarest index drives, others intersect, the residual is last."""

    def __init__(self, items: Sequence[Predicate]) -> None:
        super().__init__("AND")
        indexed = sorted((p for p in items if p.indexed), key=lambda p: p.estimate)
        residual = sorted((p for p in items if not p.indexed), key=lambda p: (p.cost, p.estimate))
        self.items = [*indexed, *residual]
        self.indexed = bool(indexed)
        self.driver = indexed[0] if indexed else None
        self.cost = max(p.cost for p in items)
        self._by_cost = sorted(items, key=lambda p: (p.cost, p.estimate))
        self._indexed, self._residual = indexed, residual

    def candidates(self) -> Seqs:
        """Return the intersection of the indices alone."""
        first = self._indexed[0]
        seqs = first.noted(first.candidates())
        for item in self._indexed[1:]:
            if item.cost > Cost.HEAD:
                continue
            seqs = intersected(seqs, item)
        return seqs

    @property
    def parts(self) -> Sequence[Predicate]:
        """In the order in which they are asked."""
        return self.items

    @property
    def estimate(self) -> int:
        """That of the rarest part."""
        return min(p.estimate for p in self.items)

    def seqs(self) -> Seqs:
        """Return the intersection, cheap parts first."""
        return self.narrowed(self.candidates())

    def narrowed(self, seqs: Seqs) -> list[int]:
        """Narrow candidates by the parts that no index decided."""
        for item in self.items:
            if seqs and not self._is_decided(item):
                seqs = item.counted(seqs)
        return list(seqs)

    def _is_decided(self, item: Predicate) -> bool:
        return item.indexed and item.cost == Cost.HEAD

    def narrow(self, seqs: Seqs) -> list[int]:
        """Narrow by one part after the other, cheapest first."""
        for item in self._by_cost:
            if not seqs:
                break
            seqs = item.counted(seqs)
        return list(seqs)


def intersected(seqs: Seqs, item: Predicate) -> Seqs:
    """Return the seqs that match a part, by its list if that is shorter work than looking at each."""
    if isinstance(item, Postings) and item.estimate < item.worth * len(seqs):
        return sorted(set(seqs).intersection(item.noted(item.seqs())))
    if isinstance(item, TimeSpan) and isinstance(
        found := item.noted(item.seqs()) if item.in_order else (), range
    ):
        return seqs[bisect_left(seqs, found.start) : bisect_left(seqs, found.stop)]
    return item.counted(seqs)


class AnyOf(Predicate):
    """Traces that match one part at least: a union of indices if every part has one, else a scan."""

    def __init__(self, items: Sequence[Predicate]) -> None:
        super().__init__("OR")
        self.items = sorted(items, key=lambda p: (p.cost, -p.estimate))
        self.indexed = all(p.indexed for p in items)
        self.cost = max(p.cost for p in items)

    @property
    def parts(self) -> Sequence[Predicate]:
        """Cheapest first."""
        return self.items

    @property
    def estimate(self) -> int:
        """The sum."""
        return sum(p.estimate for p in self.items)

    def seqs(self) -> Seqs:
        """Return the union."""
        return merged([p.noted(p.seqs()) for p in self.items])

    def candidates(self) -> Seqs:
        """Return the union of what may match."""
        return merged([p.noted(p.candidates()) for p in self.items])

    def narrowed(self, seqs: Seqs) -> list[int]:
        """Ask all parts, unless their indices have decided."""
        return list(seqs) if self.cost == Cost.HEAD else self.narrow(seqs)

    def narrow(self, seqs: Seqs) -> list[int]:
        """Ask each part about what the parts before did not match."""
        found: set[int] = set()
        left = seqs
        for item in self.items:
            found.update(item.counted(left))
            left = [seq for seq in left if seq not in found]
        return [seq for seq in seqs if seq in found]


class NoneOf(Predicate):
    """Traces that do not match."""

    def __init__(self, item: Predicate, count: int) -> None:
        super().__init__("NOT")
        self.item, self._count = item, count
        self.cost = item.cost

    @property
    def parts(self) -> Sequence[Predicate]:
        """The one."""
        return (self.item,)

    @property
    def estimate(self) -> int:
        """What is left."""
        return max(self._count - self.item.estimate, 1)

    def narrow(self, seqs: Seqs) -> list[int]:
        """Keep what the part does not."""
        out = set(self.item.counted(seqs))
        return [seq for seq in seqs if seq not in out]
