"""Structural predicates: a trace matches because a relative of it does.

Owns parent, child, under, has and sibling. Two ways, chosen by what is fewer: *expand*, from all matches of
the inner expression to their relatives; or *walk*, from the candidates to those relatives, ask the inner
expression about them, each once, and carry the answer back. What was worked out is kept for the next list
of candidates, so that each trace is looked at once however often it is passed.

Nothing recurses: a chain of 100,000 is like any other tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress, islice

from tracetui.querying.predicates import Predicate, Seqs
from tracetui.querying.reading import Cost, Reader


class Relation(Predicate):
    """Traces one of whose relatives matches ``item``."""

    def __init__(self, label: str, reader: Reader, item: Predicate) -> None:
        super().__init__(label)
        self.view = reader.view
        self.count = reader.count
        self.item = item
        self.indexed = item.indexed
        self.cost = max(Cost.RELATION, item.cost)
        self.matched: set[int] | None = None
        self.asked: set[int] = set()
        self.known: set[int] = set()

    @property
    def parts(self) -> Sequence[Predicate]:
        """What the relative must match."""
        return (self.item,)

    @property
    def estimate(self) -> int:
        """A guess: as many as the inner expression has, or all of what has been found."""
        return len(self.matched) if self.matched is not None else min(2 * self.item.estimate, self.count)

    def seqs(self) -> Seqs:
        """Return the relatives of every inner match."""
        return sorted(self.expanded())

    def expanded(self) -> set[int]:
        """Return the relatives of every inner match, worked out once."""
        if self.matched is None:
            item = self.item
            inner = item.noted(item.seqs()) if item.indexed else item.counted(range(self.count))
            self.matched = self.spread(inner, set())
        return self.matched

    def prepare(self, expected: int) -> None:
        """Expand at once if so many will be asked that walking from each is more work."""
        if self.matched is None and self.item.indexed and self.item.cost <= Cost.RELATION:
            if self.is_dear(range(expected)):
                self.expanded()
        elif self.item.cost <= Cost.RELATION:
            self.item.prepare(self.count)

    def narrow(self, seqs: Seqs) -> list[int]:
        """Walk from the candidates while they are few, else expand."""
        if self.matched is None and self.is_dear(seqs):
            self.expanded()
        if self.matched is not None:
            found = self.matched
        else:
            self.walk(seqs)
            found = self.known
        return [seq for seq in seqs if seq in found]

    reach = 1
    """How many relatives a candidate has, roughly: what a walk from one costs."""

    def is_dear(self, seqs: Seqs) -> bool:
        """Whether walking from the candidates is more work than expanding the inner matches."""
        return len(seqs) * self.reach >= (self.item.estimate if self.item.indexed else self.count)

    def walk(self, seqs: Seqs) -> None:
        """Ask about the relatives of the candidates that nobody asked about yet, and carry answers back."""
        wanted = sorted(set(self.relatives(seqs)) - self.asked)
        self.asked.update(wanted)
        self.spread(self.item.counted(wanted), self.known)

    def relatives(self, seqs: Seqs) -> Iterable[int]:
        """Return the traces that decide about the candidates."""
        raise NotImplementedError

    def spread(self, matches: Iterable[int], into: set[int]) -> set[int]:
        """Add every trace that matches because of these inner matches."""
        raise NotImplementedError


class HasParent(Relation):
    """``parent:`` the parent matches."""

    def relatives(self, seqs: Seqs) -> Iterable[int]:
        """Return the parents."""
        parents = self.view.parents
        return (parents[seq] for seq in seqs if parents[seq] >= 0)

    def spread(self, matches: Iterable[int], into: set[int]) -> set[int]:
        """Add the children."""
        for seq in matches:
            into.update(child for child in self.view.children(seq) if child < self.count)
        return into


class HasChild(Relation):
    """``child:`` some child matches."""

    reach = 4

    def relatives(self, seqs: Seqs) -> Iterable[int]:
        """Return the children."""
        return (child for seq in seqs for child in self.view.children(seq) if child < self.count)

    def spread(self, matches: Iterable[int], into: set[int]) -> set[int]:
        """Add the parents."""
        parents = self.view.parents
        into.update(parents[seq] for seq in matches if 0 <= parents[seq] < self.count)
        return into


class IsUnder(Relation):
    """``under:`` some ancestor matches. The walk passes each trace once."""

    reach = 8

    def __init__(self, label: str, reader: Reader, item: Predicate) -> None:
        super().__init__(label, reader, item)
        self._hits: set[int] = set()
        self._settled: set[int] = set()

    @property
    def estimate(self) -> int:
        """A guess: subtrees are large."""
        return len(self.matched) if self.matched is not None else min(64 * self.item.estimate, self.count)

    def is_dear(self, seqs: Seqs) -> bool:
        """Whether the candidates are so many that marking all subtrees is as cheap."""
        return len(seqs) * self.reach >= self.count

    def walk(self, seqs: Seqs) -> None:
        """Ask about all ancestors at once, then hand answers down the paths that were walked."""
        parents, asked = self.view.parents, self.asked
        above: list[int] = []
        for seq in seqs:
            node = parents[seq]
            while node >= 0 and node not in asked:
                asked.add(node)
                above.append(node)
                node = parents[node]
        self._hits.update(self.item.counted(sorted(above)))
        for seq in seqs:
            self._settle(seq)

    def _settle(self, seq: int) -> None:
        """Decide about a trace and all above it that are undecided."""
        parents, path = self.view.parents, []
        node = seq
        while node >= 0 and node not in self._settled:
            path.append(node)
            node = parents[node]
        for each in reversed(path):
            parent = parents[each]
            if parent >= 0 and (parent in self._hits or parent in self.known):
                self.known.add(each)
            self._settled.add(each)

    def spread(self, matches: Iterable[int], into: set[int]) -> set[int]:
        """Add the whole subtrees, each trace once."""
        matches = list(matches)
        below: set[int] = set()
        if not self._descend(matches, below, self.count // 6):
            below = self._swept(matches)  # anew: of what was descended to, not all is known that is below
        into |= below
        return into

    def _descend(self, seqs: list[int], into: set[int], most: int) -> bool:
        """Add the descendants, passing over what is there; return False if they came to be more than ``most``."""
        first_child, next_sibling, count = self.view.first_child, self.view.next_sibling, self.count
        pending = list(seqs)
        while pending:
            child = first_child[pending.pop()]
            while child >= 0:
                if child < count and child not in into:
                    into.add(child)
                    pending.append(child)
                child = next_sibling[child]
            if len(into) > most:
                return False
        return True

    def _swept(self, matches: list[int]) -> set[int]:
        """Return the whole subtrees in one pass over the parents, which mostly come before their children."""
        is_below, is_hit = bytearray(self.count), bytearray(self.count)
        for seq in matches:
            is_hit[seq] = 1
        late = []
        for seq, parent in enumerate(islice(self.view.parents, self.count)):
            if parent > seq:
                late.append((seq, parent))
            elif parent >= 0 and (is_hit[parent] or is_below[parent]):
                is_below[seq] = 1
        found = set(compress(range(self.count), is_below))
        adopted = [s for s, p in late if p < self.count and (is_hit[p] or is_below[p])]
        found.update(adopted)
        self._descend(adopted, found, self.count)
        return found


class Has(Relation):
    """``has:`` some descendant matches."""

    reach = 8

    def relatives(self, seqs: Seqs) -> Iterable[int]:
        """Return the descendants, each once."""
        first_child, next_sibling = self.view.first_child, self.view.next_sibling
        seen: set[int] = set()
        pending = list(seqs)
        while pending:
            child = first_child[pending.pop()]
            while child >= 0:
                if child < self.count and child not in seen and child not in self.asked:
                    seen.add(child)
                    pending.append(child)
                child = next_sibling[child]
        return seen

    def spread(self, matches: Iterable[int], into: set[int]) -> set[int]:
        """Add all ancestors, stopping at those that are there."""
        parents = self.view.parents
        for seq in matches:
            node = parents[seq]
            while node >= 0 and node not in into:
                into.add(node)
                node = parents[node]
        return into


class HasSibling(Relation):
    """``sibling:`` another child of its parent matches; roots have no siblings."""

    reach = 4

    def relatives(self, seqs: Seqs) -> Iterable[int]:
        """Return the children of the parents."""
        parents = self.view.parents
        above = {parents[seq] for seq in seqs if parents[seq] >= 0}
        return (child for parent in above for child in self.view.children(parent) if child < self.count)

    def spread(self, matches: Iterable[int], into: set[int]) -> set[int]:
        """Add the other children of each match's parent."""
        parents = self.view.parents
        matching: dict[int, list[int]] = {}
        for seq in matches:
            if parents[seq] >= 0:
                matching.setdefault(parents[seq], []).append(seq)
        for parent, found in matching.items():
            alone = found[0] if len(found) == 1 else -1
            into.update(c for c in self.view.children(parent) if c != alone and c < self.count)
        return into


RELATION_CLASSES: dict[str, type[Relation]] = {
    "parent": HasParent,
    "child": HasChild,
    "under": IsUnder,
    "has": Has,
    "sibling": HasSibling,
}
