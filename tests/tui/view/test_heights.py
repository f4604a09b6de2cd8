"""Heights of entries, beside a plain list."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from tracetui.tui.view.heights import ESTIMATE, Heights


@given(st.integers(1, 50), st.lists(st.tuples(st.integers(0, 49), st.integers(1, 30)), max_size=40))
def test_lines_and_entries_find_each_other(count: int, changes: list[tuple[int, int]]) -> None:
    """Tops are sums, every line is in the entry that a walk finds; what was set is measured."""
    heights, plain = Heights(count), [ESTIMATE] * count
    for entry, height in changes:
        heights.set(entry % count, height)
        plain[entry % count] = height
        assert heights.is_measured(entry % count)
    tops = [0, *accumulate(plain)]
    assert len(heights) == tops[-1]
    assert [heights.top(n) for n in range(count + 1)] == tops
    assert [heights[n] for n in range(count)] == plain
    for line in range(tops[-1]):
        entry, offset = heights.locate(line)
        assert tops[entry] + offset == line
        assert offset < plain[entry]
    assert heights.locate(10**9) == (count - 1, plain[-1] - 1)
    assert heights.locate(-5) == (0, 0)


@given(
    st.integers(0, 20),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 50), st.integers(1, 30)), max_size=9),
)
def test_appended_entries_are_like_those_from_the_start(
    count: int, steps: list[tuple[int, int, int]]
) -> None:
    """However many are appended between changes, lines and entries find each other as in a plain list."""
    heights, plain = Heights(count), [ESTIMATE] * count
    for more, entry, height in steps:
        heights.extend(more)
        plain += [ESTIMATE] * more
        if plain:
            heights.set(entry % len(plain), height)
            plain[entry % len(plain)] = height
    tops = [0, *accumulate(plain)]
    assert len(heights) == tops[-1]
    assert [heights.top(n) for n in range(len(plain) + 1)] == tops
    for line in range(tops[-1]):
        entry, offset = heights.locate(line)
        assert tops[entry] + offset == line


def test_no_entries_have_no_lines() -> None:
    """An empty transcript."""
    assert len(Heights(0)) == 0
    assert Heights(0).locate(3) == (0, 0)
