from __future__ import annotations

from collections.abc import Callable

import pytest

from tracetui.querying.ast import (
    And,
    Compare,
    Field,
    Glob,
    Limit,
    Literal,
    Not,
    Or,
    Range,
    Related,
    Select,
    Term,
    Text,
    all_of,
    any_of,
    conjuncts,
    parts,
    term,
)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Text(""),
        lambda: And((Text("a"),)),
        lambda: Or(()),
        lambda: Glob("a"),
        lambda: Glob("a b*"),
        lambda: Glob(">a*"),
        lambda: Range(None, None),
        lambda: Range("1..2", None),
        lambda: Range("a b", None),
        lambda: Compare(">=", "1"),
        lambda: Compare(">", ""),
        lambda: Related("beside", Text("a")),
        lambda: Term(Field("tag"), ()),
        lambda: Term(Field("parent"), (Literal("a"), Literal("b"))),
        lambda: Limit(-1),
        lambda: Select(()),
    ],
)
def test_what_cannot_be_written_cannot_be_built(make: Callable[[], object]) -> None:
    """So that every tree prints."""
    with pytest.raises(ValueError, match=r"."):
        make()


def test_conjunctions_are_built_flat() -> None:
    """None stands for everything."""
    a, b, c = Text("a"), Text("b"), Text("c")
    assert all_of() is None
    assert all_of(None, a) == a
    assert all_of(a, And((b, c)), None) == And((a, b, c))
    assert any_of(a) == a
    assert any_of(a, Or((b, c))) == Or((a, b, c))
    assert conjuncts(And((a, And((b, c))))) == [a, b, c]
    assert conjuncts(None) == []


def test_all_parts_are_walked_outer_first() -> None:
    """In the order in which they are written."""
    inner = term("tag", "x")
    whole = And((Not(Related("under", inner)), Text("a")))
    assert list(parts(whole)) == [whole, whole.items[0], Related("under", inner), inner, Text("a")]
