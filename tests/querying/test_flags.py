from __future__ import annotations

import shlex

import pytest
from hypothesis import given

from tests.querying.conftest import Example
from tests.querying.strategies import queries
from tests.strategies import texts
from tracetui import QuerySyntaxError
from tracetui.querying.ast import Query, Text
from tracetui.querying.execute import execute
from tracetui.querying.flags import (
    is_expression_word,
    open_command,
    query_command,
    query_of,
    split_words,
)
from tracetui.querying.grammar import parse
from tracetui.querying.printer import print_query


def test_flags_build_the_tree_that_text_does() -> None:
    """Any of the types and parents, all of the tags and texts, from since to before until."""
    built = query_of(
        ["dur:>5s", "timeout"],
        types=["Error", "LL*"],
        tags=["a", "tool:Grep"],
        since="2026-08-01 14:05",
        until="-10m",
        parents=["t1", "t2"],
        texts=["no module", ""],
    ).query
    text = (
        "dur:>5s timeout type:(Error OR LL*) tag:a tag:tool:Grep time:2026-08-01T14:05..-10m "
        '(parent:t1 OR parent:t2) "no module"'
    )
    assert built == parse(text)
    assert print_query(built) == text


def test_no_flags_and_no_words_are_everything() -> None:
    """An empty text flag too."""
    assert query_of([]).query == query_of(texts=[""]).query == Query()
    assert query_of(["| count"]).query == parse("| count")


def test_flags_combine(example: Example) -> None:
    """Type and tag and time and parent are an intersection."""
    query = query_of(types=["ToolCall"], tags=["db"], since="+1s", until="+11s", parents=["agent"]).query
    assert example.ids(execute(example.view, query)) == ["again"]
    assert example.ids(execute(example.view, query_of(tags=["db", "retry"]).query)) == []
    assert example.ids(execute(example.view, query_of(types=["Error", "Decision"]).query)) == [
        "plan",
        "failed",
    ]


def test_names_that_are_no_words_are_taken_whole() -> None:
    """Spaces, quotes and signs in a tag are the tag's own."""
    for tag in ("a b", 'say "x"', "(", ">5", "~x", "", "a|b"):
        assert parse(print_query(query_of(tags=[tag]).query)) == query_of(tags=[tag]).query


@pytest.mark.parametrize(("flag", "given_"), [("since", "later"), ("until", "5s")])
def test_a_flag_that_is_no_time_is_named(flag: str, given_: str) -> None:
    """With what it takes."""
    with pytest.raises(QuerySyntaxError, match=f"--{flag} takes a time"):
        query_of(**{flag: given_})


@given(texts())
def test_a_text_flag_is_text_whatever_it_holds(text: str) -> None:
    """Nothing in it is language."""
    assert query_of(texts=[text]).query.where == (Text(text) if text else None)


@pytest.mark.parametrize(
    ("word", "belongs"),
    [("-tag:retry", True), ("-(a", True), ("--tag:x", True), ("-args.path:x", True), ('-"a b"', True), ("-n", False),
     ("--run", False), ("--run=x:y", False), ("-", False), ("--", False), ("-5", False)],
)  # fmt: skip
def test_words_with_a_dash_belong_to_the_expression_or_not(word: str, belongs: bool) -> None:
    """``-<field>:…`` and ``-(`` do; options do not."""
    assert is_expression_word(word) is belongs


def test_arguments_are_parted_into_words_and_options() -> None:
    """So that quoting is rarely needed; after two dashes all is expression."""
    options = {"--run": True, "--limit": True, "--all": False}
    arguments = ["type:Error", "-tag:a", "--run", "r1", "--all", "--limit=5", "b", "--other", "--", "--run"]
    assert split_words(arguments, options) == (
        ["type:Error", "-tag:a", "b", "--run"],
        ["--run", "r1", "--all", "--limit=5", "--other"],
    )


@given(queries())
def test_a_command_asks_the_same(query: Query) -> None:
    """What the shell hands over is the query again."""
    words = shlex.split(query_command(query, "run 1"))
    assert words[:2] + words[-2:] == ["tracetui", "query", "--run", "run 1"]
    assert parse(" ".join(words[2:-2])) == query
    assert parse(shlex.split(open_command("r", "t", query))[-1] if query != Query() else "") == query


def test_a_link_names_run_trace_and_filter() -> None:
    """What is not there is left out."""
    assert open_command("run-1") == "tracetui open run-1"
    assert open_command("r", "t", parse("type:Error a")) == "tracetui open r --trace t --query 'type:Error a'"
    assert query_command(Query()) == "tracetui query"
