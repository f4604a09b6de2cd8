from __future__ import annotations

from pathlib import Path

from tracetui.querying.fields import TRACE_FIELDS
from tracetui.querying.grammar import parse
from tracetui.querying.printer import print_query

PAGE = Path(__file__).resolve().parents[2] / "docs" / "query.md"


def test_the_examples_of_the_page_are_read() -> None:
    """Those at its head, each with what it does."""
    block = PAGE.read_text("utf-8").split("\n\n")[2]
    examples = [line.strip().split("   ")[0] for line in block.splitlines()]
    assert len(examples) == 11
    for example in examples:
        assert parse(print_query(parse(example))) == parse(example)


def test_the_page_names_every_field() -> None:
    """In its table."""
    page = PAGE.read_text("utf-8")
    for name in TRACE_FIELDS:
        assert f"`{name}`" in page or f"`{name}.…`" in page, name
