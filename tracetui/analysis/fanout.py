"""Calls that ran at the same time: their order is an accident, so a diff may exchange them.

Siblings of which each begins before those before it have ended are a group. What alignment left over on both
sides and is equal is paired where it stands in such a group, and crosses nothing outside of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.analysis.alignment import Pair


def groups_of(starts: Sequence[int], ends: Sequence[int]) -> list[range]:
    """Return for each sibling the range of those that it overlaps with, directly or through others.

    >>> groups_of([0, 5, 20], [10, 12, 30])
    [range(0, 2), range(0, 2), range(2, 3)]
    """
    found: list[range] = []
    first, until = 0, 0
    for n in range(len(starts) + 1):
        if n == len(starts) or (n > first and starts[n] >= until):
            found += [range(first, n)] * (n - first)
            first, until = n, 0
        if n < len(starts):
            until = max(until, ends[n]) if n > first else ends[n]
    return found


def exchanged(
    pairs: Sequence[Pair],
    keys: Sequence[tuple[Sequence[int], Sequence[int]]],
    groups: tuple[Sequence[range], Sequence[range]],
) -> list[Pair]:
    """Return further pairs among what is left, by keys that are tried one after the other, on both sides."""
    if not any(len(group) > 1 for side in groups for group in side):
        return []
    to_b = dict(pairs)
    to_a = {j: i for i, j in pairs}
    added: list[Pair] = []
    for keys_a, keys_b in keys:
        reach = _reach(groups[0], to_b, len(groups[1])), _reach(groups[1], to_a, len(groups[0]))
        left_a, left_b = _by_key(keys_a, to_b), _by_key(keys_b, to_a)
        for key in left_a.keys() & left_b.keys():
            for i, j in zip(left_a[key], left_b[key], strict=False):
                if j in reach[0][i] or i in reach[1][j]:
                    added.append((i, j))
        to_b |= dict(added)
        to_a |= {j: i for i, j in added}
    return added


def _by_key(keys: Sequence[int], paired: dict[int, int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for n, key in enumerate(keys):
        if n not in paired:
            found.setdefault(key, []).append(n)
    return found


def _reach(groups: Sequence[range], partners: dict[int, int], others: int) -> list[range]:
    """Return for each sibling those of the other side that it can be paired with, crossing only its group."""
    before, after = [-1], [others]
    for n in range(len(groups)):
        before.append(partners.get(n, before[-1]))
        after.append(partners.get(len(groups) - 1 - n, after[-1]))
    return [
        range(before[group.start] + 1, after[len(groups) - group.stop]) if len(group) > 1 else range(0)
        for group in groups
    ]
