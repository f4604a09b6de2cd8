"""Which group rows a tree has, and which of them are unfolded. Known by the first call of each, whatever comes later.

Owns the keys of group rows: a group's key is ``GROUP`` minus the seq of its first call, below every seq and ``ORPHANS``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from tracetui.tui.view.grouping import Group, apart

GROUP = -10
"""Row keys from here downwards stand for groups."""


def key_of(first: int) -> int:
    """Return the key of the group with this first call."""
    return GROUP - first


def is_group(key: int) -> bool:
    """Whether a row's key stands for a group."""
    return key <= GROUP


class GroupFolds:
    """The groups of one run's tree. Lookups cost the groups of one parent, by halving."""

    def __init__(self) -> None:
        self.by_head: dict[int, Group] = {}
        self._by_first: dict[int, Group] = {}
        self._below: dict[int, tuple[list[int], list[Group]]] = {}
        self.opened: set[int] = set()
        """First calls of the groups that are unfolded."""

    def take(self, groups: Iterable[Group], known: int) -> bool:
        """Have these groups from now on, those that reach beyond ``known`` traces left out; return whether rows change."""
        kept = apart(group for group in groups if group.tail < known)
        before = {head: (group.first, group.tail) for head, group in self.by_head.items()}
        self.by_head = {group.head: group for group in kept}
        self._by_first = {group.first: group for group in kept}
        self._below = {}
        for group in kept:
            heads, below = self._below.setdefault(group.parent, ([], []))
            heads.append(group.head)
            below.append(group)
        return before != {head: (group.first, group.tail) for head, group in self.by_head.items()}

    def __len__(self) -> int:
        return len(self.by_head)

    def get(self, key: int) -> Group | None:
        """Return the group of a row's key, None where the row stands for something else."""
        return self._by_first.get(GROUP - key) if key <= GROUP else None

    def of(self, parent: int, seq: int) -> Group | None:
        """Return the group in which a child of a parent stands."""
        found = self._below.get(parent)
        if found is None:
            return None
        at = bisect_right(found[0], seq) - 1
        return found[1][at] if at >= 0 and seq <= found[1][at].tail else None

    def holding(self, parents: Sequence[int], seq: int) -> list[Group]:
        """Return the groups that hold a trace or one above it, nearest first."""
        if not self.by_head or seq < 0:
            return []
        found = []
        node = seq
        while node >= 0:
            parent = parents[node]
            group = self.of(parent, node)
            if group is not None:
                found.append(group)
            node = parent
        return found

    def is_open(self, key: int) -> bool:
        """Whether the group of a key is unfolded."""
        return GROUP - key in self.opened

    def set_open(self, key: int, *, is_open: bool) -> None:
        """Unfold or fold a group."""
        if is_open:
            self.opened.add(GROUP - key)
        else:
            self.opened.discard(GROUP - key)
