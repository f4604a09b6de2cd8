"""Numbers that damage took away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracetui.storage.state.gaps import Gaps


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), max_size=6))
def test_gaps_map_rows_to_numbers_and_back(stretches: list[tuple[int, int]]) -> None:
    """Against a plain list of the numbers that are left."""
    gaps, following = Gaps(), 0
    numbers: list[int] = []
    for length, lost in stretches:
        if lost:
            following += lost
            gaps.skip(len(numbers), following)
        numbers += range(following, following + length)
        following += length
    assert [gaps.number(row) for row in range(len(numbers))] == numbers
    assert gaps.number(len(numbers)) == following
    for number in range(following):
        assert gaps.row(number) == (numbers.index(number) if number in numbers else -1)
        assert gaps.row_after(number) == len([known for known in numbers if known < number])
