"""The words of the lines around the views."""

from __future__ import annotations

import pytest

from tracetui.model.run import Damage
from tracetui.tui.view.header import damage_words

HOLE, TORN, LOST = ("no frame begins here", 1_500), ("torn tail", 3), ("2 changes are missing", 0)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ([], ""),
        ([TORN], "torn tail: 3 bytes"),
        ([HOLE], "1 hole: 1,500 bytes"),
        ([HOLE, TORN, HOLE], "2 holes: 3,000 bytes, torn tail: 3 bytes"),
        ([LOST], "2 changes are missing"),
        ([LOST, HOLE, LOST, ("another", 0)], "1 hole: 1,500 bytes, 2 changes are missing, 2 more"),
    ],
)
def test_damage_in_a_few_words(damage: list[tuple[str, int]], words: str) -> None:
    """Holes and what is torn off are summed; of the rest the first is told, and how many more there are."""
    assert damage_words([Damage("r.log", 90, length, reason) for reason, length in damage]) == words
