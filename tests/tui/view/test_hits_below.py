from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracetui.tui.view.group_folds import GroupFolds, key_of
from tracetui.tui.view.grouping import Group
from tracetui.tui.view.hits_below import hits_below


class Read(list[int]):
    """Parents that count how often somebody looks."""

    looks = 0

    def __getitem__(self, seq: Any) -> Any:
        """Count it."""
        self.looks += 1
        return super().__getitem__(seq)


@st.composite
def forests(draw: st.DrawFn) -> list[int]:
    """Return the parents of some traces, of which some came before their parents."""
    parents = [draw(st.integers(-1, seq - 1)) for seq in range(draw(st.integers(1, 14)))]
    order = draw(st.permutations(range(len(parents))))
    moved = [-1] * len(parents)
    for seq, parent in enumerate(parents):
        moved[order[seq]] = -1 if parent < 0 else order[parent]
    return moved


def above(parents: list[int], seq: int) -> list[int]:
    """Return the ancestors of a trace, nearest first."""
    found = []
    while (seq := parents[seq]) >= 0:
        found.append(seq)
    return found


def group_of(parent: int, head: int, tail: int) -> Group:
    """Return a group of siblings, known by its first."""
    return Group(head, parent, head, tail, 3, 3, True, True, False, 0, 0, 0, 0.0, 0, 0)


@given(forests(), st.data())
def test_every_hit_counts_for_all_above_it_and_their_groups(parents: list[int], data: st.DataObject) -> None:
    """As walking up from each hit would count them."""
    hits = sorted(data.draw(st.sets(st.sampled_from(range(len(parents))))))
    parent = data.draw(st.sampled_from([-1, *parents]))
    children = [seq for seq, its in enumerate(parents) if its == parent]
    groups = GroupFolds()
    expected: dict[int, int] = {}
    if children:
        group = group_of(parent, children[0], children[len(children) // 2])
        groups.take([group], len(parents))
        inside = {seq for seq in children if group.head <= seq <= group.tail}
        count = sum(not inside.isdisjoint((hit, *above(parents, hit))) for hit in hits)
        expected = {key_of(group.first): count} if count else {}
    for hit in hits:
        for seq in above(parents, hit):
            expected[seq] = expected.get(seq, 0) + 1
    assert hits_below(parents, hits, groups) == expected


def test_a_deep_run_full_of_hits_is_walked_once() -> None:
    """Steps grow with the hits, not with hits times depth: a chain of 3,000 has 4.5 million pairs."""
    parents = Read([-1, *range(2999)])
    below = hits_below(parents, range(3000), GroupFolds())
    assert [below.get(seq, 0) for seq in range(3000)] == list(range(2999, -1, -1))
    assert parents.looks <= 5 * 3000
