from __future__ import annotations

from hypothesis import given, settings

from tests.querying.strategies import queries
from tracetui.querying.ast import Query
from tracetui.querying.grammar import parse
from tracetui.querying.printer import print_query


@settings(max_examples=600)
@given(queries())
def test_reading_what_was_printed_gives_the_same_tree(query: Query) -> None:
    """And the text never begins with a dash, which a shell would take for an option."""
    text = print_query(query)
    assert parse(text) == query
    assert not text.startswith("-")
