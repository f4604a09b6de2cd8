"""How many hits of a search lie below each row of the tree, folded or not. Pure.

Cost: the hits and the traces above them, each looked at once, however deep the tree is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tracetui.tui.view.group_folds import GroupFolds, key_of


def hits_below(parents: Sequence[int], hits: Sequence[int], groups: GroupFolds) -> dict[int, int]:
    """Return the number of hits below each trace, by seq, and in each group, by its key; rows without any are left out.

    >>> hits_below([-1, 0, 1, 0], [1, 2, 3], GroupFolds())
    {0: 3, 1: 1}
    """
    below = Counter(map(parents.__getitem__, hits))
    _sum_up(parents, below)
    del below[-1]
    if len(groups):
        below.update(_in_groups(parents, hits, below, groups))
    return dict(below)


def _sum_up(parents: Sequence[int], below: Counter[int]) -> None:
    """Add to each trace what is below its children: one hands its sum on when all below it have done so."""
    waiting = _children_above(parents, below)
    ready = [node for node, children in waiting.items() if not children]
    while ready:
        node = ready.pop()
        parent = parents[node]
        if parent >= 0:
            below[parent] += below[node]
            waiting[parent] -= 1
            if not waiting[parent]:
                ready.append(parent)


def _children_above(parents: Sequence[int], seqs: Iterable[int]) -> dict[int, int]:
    """Return the traces and all above them, with how many of each one's children are among these."""
    waiting: dict[int, int] = {}
    for seq in seqs:
        node = seq
        while node >= 0 and node not in waiting:
            waiting[node] = 0
            node = parents[node]
    for node in waiting:
        parent = parents[node]
        if parent >= 0:
            waiting[parent] += 1
    return waiting


def _in_groups(
    parents: Sequence[int], hits: Iterable[int], below: Counter[int], groups: GroupFolds
) -> Counter[int]:
    """Return the number of hits in each group: its members' own, and those below them."""
    holders = {group.parent for group in groups.by_head.values()}
    found: Counter[int] = Counter()
    members = [(seq, 1) for seq in hits if parents[seq] in holders]
    members += [(seq, count) for seq, count in below.items() if parents[seq] in holders]
    for seq, count in members:
        group = groups.of(parents[seq], seq)
        if group is not None:
            found[key_of(group.first)] += count
    return found
