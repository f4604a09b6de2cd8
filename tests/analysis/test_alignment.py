from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tracetui.analysis import alignment
from tracetui.analysis.alignment import align, between, longest_common

KEYS = st.lists(st.integers(0, 4), max_size=12)


def by_the_book(x: Sequence[int], y: Sequence[int]) -> int:
    """Return the length of a longest common subsequence by the table of every textbook."""
    table = [[0] * (len(y) + 1) for _ in range(len(x) + 1)]
    for i, one in enumerate(x):
        for j, other in enumerate(y):
            table[i + 1][j + 1] = table[i][j] + 1 if one == other else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@given(KEYS, KEYS)
def test_a_common_subsequence_is_one_and_is_as_long_as_the_textbook_says(x: list[int], y: list[int]) -> None:
    """Pairs ascend, join equal keys, and there are as many as can be."""
    pairs = longest_common(x, y)
    assert len(pairs) == by_the_book(x, y)
    assert all(x[i] == y[j] for i, j in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))


@given(KEYS, KEYS, st.integers(0, 3))
def test_exchanging_the_sides_exchanges_the_pairs(x: list[int], y: list[int], coarse: int) -> None:
    """Through all tiers, ties included."""
    tiers_x, tiers_y = [x, [key >> coarse for key in x]], [y, [key >> coarse for key in y]]
    pairs = align(tiers_x, tiers_y)
    assert sorted((i, j) for j, i in align(tiers_y, tiers_x)) == pairs
    assert all(tiers_x[-1][i] == tiers_y[-1][j] for i, j in pairs)


@given(KEYS, KEYS)
def test_gaps_and_pairs_are_the_whole(x: list[int], y: list[int]) -> None:
    """What pairs leave is in exactly one gap."""
    pairs = align([x], [y])
    gaps = list(between((0, len(x), 0, len(y)), pairs))
    assert sorted([*(i for i, _ in pairs), *(i for a, b, _, _ in gaps for i in range(a, b))]) == [
        *range(len(x))
    ]
    assert sorted([*(j for _, j in pairs), *(j for _, _, a, b in gaps for j in range(a, b))]) == [
        *range(len(y))
    ]


@given(st.lists(st.integers(0, 40), max_size=40), st.lists(st.integers(0, 40), max_size=40))
def test_a_table_too_large_to_keep_is_cut(x: list[int], y: list[int]) -> None:
    """Pairs stay ascending and equal, and keys that occur once on both sides and in the same order are found."""
    whole = alignment.MAX_TABLE
    alignment.MAX_TABLE = 20
    try:
        pairs = align([x], [y])
        assert align([sorted(set(x))], [sorted(set(x))]) == [(i, i) for i in range(len(set(x)))]
    finally:
        alignment.MAX_TABLE = whole
    assert all(x[i] == y[j] for i, j in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))
