from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import texts
from tracetui import QueryError, QuerySyntaxError, UnknownFieldError
from tracetui.querying.ast import (
    And,
    Compare,
    Count,
    Equal,
    Expression,
    Field,
    Glob,
    Limit,
    Literal,
    Not,
    Or,
    Query,
    Range,
    Regex,
    Related,
    Select,
    Sort,
    Stats,
    Term,
    Text,
    term,
)
from tracetui.querying.fields import RUN_FIELDS
from tracetui.querying.grammar import MAX_DEPTH, caret, parse, parse_with_hints
from tracetui.querying.printer import print_query


def path(name: str, *keys: str) -> Field:
    """Return a field with a path."""
    return Field(name, keys)


EXAMPLES: list[tuple[str, Expression]] = [
    ("type:Error", term("type", "Error")),
    (
        "type:ToolCall name:bash dur:>5s NOT tag:retry",
        And(
            (
                term("type", "ToolCall"),
                term("name", "bash"),
                term("dur", Compare(">", "5s")),
                Not(term("tag", "retry")),
            )
        ),
    ),
    ("tag:(search OR db) time:-10m..", And((term("tag", "search", "db"), term("time", Range("-10m", None))))),
    (
        "under:(type:Decision tag:plan) type:Error",
        And((Related("under", And((term("type", "Decision"), term("tag", "plan")))), term("type", "Error"))),
    ),
    (
        "type:ToolCall has:(type:Error)",
        And((term("type", "ToolCall"), Related("has", term("type", "Error")))),
    ),
    ("open:true", term("open", "true")),
    (
        "args.path:*.py result.exit_code:>0",
        And(
            (
                Term(path("args", "path"), (Glob("*.py"),)),
                Term(path("result", "exit_code"), (Compare(">", "0"),)),
            )
        ),
    ),
    (r"text:~time\s?out", term("text", Regex(r"time\s?out"))),
    ("timeout", Text("timeout")),
    ("a b OR c", Or((And((Text("a"), Text("b"))), Text("c")))),
    ("a AND b", And((Text("a"), Text("b")))),
    ("-tag:a", Not(term("tag", "a"))),
    ("-(a OR b)", Not(Or((Text("a"), Text("b"))))),
    ("NOT NOT a", Not(Not(Text("a")))),
    ("(a)", Text("a")),
    ('"no module"', Text("no module")),
    (r'"say \"no\" C:\new \\"', Text('say "no" C:\\new \\')),
    ("tag:tool:Grep", term("tag", "tool:Grep")),
    ('tag:"a*"', term("tag", "a*")),
    ("tag:=a*", term("tag", "a*")),
    ("tag:a*", term("tag", Glob("a*"))),
    ('tag:""', term("tag", "")),
    ("reasoning:=yes", term("reasoning", Equal("yes"))),
    ("under:type:Error", Related("under", term("type", "Error"))),
    ("under:has:type:Error", Related("under", Related("has", term("type", "Error")))),
    ("under:timeout", Related("under", Text("timeout"))),
    ("under:-tag:a", Related("under", Not(term("tag", "a")))),
    ("parent:t1", term("parent", "t1")),
    ("parent:run:7x", Related("parent", term("run", "7x"))),
    ("parent:a:b", term("parent", "a:b")),
    ("parent:-7*", term("parent", Glob("-7*"))),
    ('parent:"type:Error"', term("parent", "type:Error")),
    ("parent:(type:Error)", Related("parent", term("type", "Error"))),
    ("dur:>=5s", term("dur", Range("5s", None))),
    ("dur:<=5s", term("dur", Range(None, "5s"))),
    ("dur:<5s", term("dur", Compare("<", "5s"))),
    ("time:<14:05", term("time", Range(None, "14:05"))),
    ("time:<=14:05", term("time", Compare("<=", "14:05"))),
    ('time:"2026-08-01 14:05"', term("time", "2026-08-01T14:05")),
    ("dur:1s..1m30s", term("dur", Range("1s", "1m30s"))),
    ("tokens:>8k", term("tokens", Compare(">", "8k"))),
    ("tokens.in:5", Term(Field("tokens.in"), (Literal("5"),))),
    ("args.n:1..5", Term(path("args", "n"), (Range("1", "5"),))),
    ("args.path:../a", Term(path("args", "path"), (Literal("../a"),))),
    ('args.n:"1..5"', Term(path("args", "n"), (Literal("1..5"),))),
    ('meta."a.b".c:x', Term(path("meta", "a.b", "c"), (Literal("x"),))),
    ("args:x", term("args", "x")),
    ("open:yes", term("open", "true")),
    ("say(x)", Text("say(x)")),
    ("text:~(a|b)", term("text", Regex("(a|b)"))),
    ("text:~a|b", term("text", Regex("a|b"))),
    (r"(text:~a\))", term("text", Regex(r"a\)"))),
]


@pytest.mark.parametrize(("text", "expected"), EXAMPLES, ids=[text for text, _ in EXAMPLES])
def test_a_text_is_read_as_its_tree(text: str, expected: Expression) -> None:
    """The whole grammar, by example; printing and reading again changes nothing."""
    assert parse(text) == Query(expected)
    assert parse(print_query(Query(expected))) == Query(expected)


def test_nothing_is_the_query_for_everything() -> None:
    """Empty text, whitespace, and stages alone."""
    assert parse("") == parse(" \n ") == Query()
    assert parse("| count") == Query(None, (Count(),))
    assert print_query(Query()) == ""


def test_stages_are_read() -> None:
    """Each with its forms; after a table sort takes its columns."""
    assert parse("type:LLM tokens:>8k | sort -cost | limit 10").stages == (
        Sort(Field("cost"), descending=True),
        Limit(10),
    )
    counted = parse("a|count by args.path|sort -count|limit 3")
    assert counted.stages == (Count(path("args", "path")), Sort(Field("count"), descending=True), Limit(3))
    assert parse("| stats dur").stages == (Stats(Field("dur")),)
    assert parse('| select name, dur , meta."a,b"').stages == (
        Select((Field("name"), Field("dur"), path("meta", "a,b"))),
    )
    assert print_query(parse("| count | limit 1")) == "| count | limit 1"


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("dur:", 4, "a value after dur:; in the shell, quote the query"),
        ("type: Error", 5, "a value after type:"),
        ("tag:>=", 6, "a value after >="),
        ("(a b", 4, '")" for the "(" at character 1'),
        ("a)", 1, "nothing that this"),
        ("()", 1, "an expression between the parentheses"),
        ('"a', 0, "a closing quote"),
        ('"a"b', 3, "a space after the closing quote"),
        ('""', 0, "text between the quotes"),
        ("a OR", 4, "a term, a word or quoted text"),
        ("OR a", 0, "a term, a word or quoted text"),
        ("NOT", 3, "a term, a word or quoted text"),
        ("a -", 3, 'a term directly after "-"'),
        ("dur:>x", 5, "a duration, such as"),
        ("dur:5S", 4, "case matters"),
        ("tokens:8K", 7, "case matters"),
        ("time:25:00", 5, "a time, such as"),
        ("time:later", 5, "a time, such as"),
        ("time:..", 5, "a time, such as"),
        ("open:maybe", 5, "true or false"),
        ("type:>5", 6, "no comparison: type holds text"),
        ("depth:~5", 7, "no regular expression"),
        ("text:~(", 6, "a regular expression"),
        ("args.n:>x", 8, "a number"),
        ("tag:(a b)", 7, 'OR or ")"'),
        ("tag:(a", 6, '")" for the "("'),
        ("tag:()", 5, "a value"),
        ("parent:a:b*", 7, "a glob without a colon"),
        ("under:", 6, "an expression after under:"),
        ("a | frob", 4, "one of count, sort, limit, stats, select"),
        ("a | cont", 4, "did you mean count?"),
        ("a | limit x", 10, "a whole number"),
        ("a | limit -1", 10, "a whole number"),
        ("a | count of name", 10, '"by" and a field'),
        ("a | stats name", 10, "a field that holds numbers"),
        ("a | count | count", 12, "sort or limit"),
        ("a | count by name | sort dur", 25, "a column of the table: name, count"),
        ("a | sort", 8, "a field"),
        ("a | select name dur", 16, "a comma between fields"),
    ],
)  # fmt: skip
def test_an_error_says_where_and_what_was_expected(text: str, position: int, expected: str) -> None:
    """The position is that of the character; the message names what may stand there."""
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)
    assert expected in caught.value.expected
    assert caught.value.position == position
    assert caught.value.text == text


@pytest.mark.parametrize(
    ("text", "name", "meant"),
    [
        ("tpye:Error", "tpye", "type"),
        ("Type:Error", "Type", "type"),
        ("tool:bash", "tool", "name"),
        ("duration:>5s", "duration", "dur"),
        ("undr:(type:Error)", "undr", "under"),
        ("arg.path:x", "arg.path", "args.path"),
        ("auth.py:12", "auth.py", None),
        ("tokens.inn:5", "tokens.inn", "tokens.in"),
        ("a | count by nam", "nam", "name"),
        ("a | sort -zzz", "zzz", None),
    ],
)
def test_a_field_that_does_not_exist_is_said_with_the_nearest(
    text: str, name: str, meant: str | None
) -> None:
    """A slip of the keyboard, a name of other tools, or a dotted word that is no path."""
    with pytest.raises(UnknownFieldError) as caught:
        parse(text)
    assert (caught.value.name, caught.value.nearest) == (name, meant)
    assert (caught.value.text, caught.value.position) == (text, text.index(name))
    assert caret(caught.value).splitlines()[1].index("^") == text.index(name)


@pytest.mark.parametrize(
    ("text", "searched", "hint"),
    [
        ("https://x", "https://x", "https: is no field"),
        ("a or b", "or", "the operator is OR"),
        ("and", "and", "the operator is AND"),
    ],
)
def test_what_looks_like_language_and_is_text_is_hinted(text: str, searched: str, hint: str) -> None:
    """It is searched all the same."""
    parsed = parse_with_hints(text)
    assert Text(searched) in (
        parsed.query.where.items if isinstance(parsed.query.where, And) else (parsed.query.where,)
    )
    assert hint in parsed.hints[0].message


def test_an_error_message_can_be_pasted() -> None:
    """A word that ends with a colon is text, whatever stands before it."""
    parsed = parse_with_hints("Error: no module")
    assert parsed.query.where == And((Text("Error:"), Text("no"), Text("module")))
    assert parsed.hints[0].position == 0


def test_doubled_dashes_are_hinted() -> None:
    """``--verbose`` is NOT NOT by the grammar, and rarely meant."""
    parsed = parse_with_hints("--verbose")
    assert parsed.query.where == Not(Not(Text("verbose")))
    assert "quote" in parsed.hints[0].message


def test_the_filter_prompt_takes_no_stages() -> None:
    """And says who does."""
    with pytest.raises(QuerySyntaxError, match="no stages here"):
        parse("type:Error | count", stages=False)


def test_nesting_is_bounded() -> None:
    """Up to the bound all is read and printed; beyond it is an error, not an exhausted stack."""
    deep = "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH
    assert parse(deep) == Query(Text("a"))
    for opening in ("(", "NOT ", "-", "under:", "under:("):
        with pytest.raises(QuerySyntaxError, match="levels of nesting"):
            parse(opening * 100_000 + "a")


def test_the_caret_stands_under_the_place() -> None:
    """Wide characters take two cells, control characters are shown, long queries are cut around the place."""
    assert caret(QuerySyntaxError("日本 dur:>x", 8, "")) == "日本 dur:>x\n" + " " * 10 + "^"
    assert caret(QuerySyntaxError("a\x1bb(", 3, "")) == "a␛b(\n   ^"
    shown, mark = caret(QuerySyntaxError("x" * 200 + "(" + "y" * 200, 200, "")).split("\n")
    assert len(shown) == 76
    assert shown[mark.index("^")] == "("


def test_the_picker_has_fields_of_its_own() -> None:
    """And none of the traces'."""
    assert parse("verdict:failed errors:>2", fields=RUN_FIELDS).where is not None
    with pytest.raises(UnknownFieldError) as caught:
        parse("erors:>2", fields=RUN_FIELDS)
    assert caught.value.nearest == "errors"
    assert parse("under:x", fields=RUN_FIELDS) == Query(Text("under:x"))


TOKENS = [
    "type:", "tag:", "dur:", "time:", "args.", "args.a:", 'meta."', "under:", "parent:", "has:(", "(", ")",
    "|", '"', "\\", " ", "-", "NOT ", " OR ", " AND ", "~", ">", ">=", "<",
    "=", "..", "*", "5s", "+30s", "-10m", "8k", "count", " by ", "sort ", "limit ", "select ",
    "stats ", ",", "name", "a", "é", "\0", "\ud800", "日", ":", "(?P<", "[", "{9}",
    "1e999", "9" * 50, "2026-08-01", "14:05",
]  # fmt: skip


@settings(max_examples=2000)
@given(st.lists(st.sampled_from(TOKENS) | texts(3), max_size=12).map("".join), st.booleans())
def test_no_input_crashes_the_parser(text: str, stages: bool) -> None:
    """Any text gives a tree, which prints and reads back, or a QueryError with a message and a place."""
    try:
        query = parse(text, stages=stages)
    except QueryError as problem:
        assert str(problem)
        if isinstance(problem, QuerySyntaxError):
            assert 0 <= problem.position <= len(text)
            assert caret(problem).endswith("^")
        return
    assert parse(print_query(query)) == query


def test_a_range_that_ends_before_it_begins_is_told() -> None:
    """It is legal and finds nothing; of times only the run knows."""
    hints = [
        parse_with_hints(text).hints for text in ("dur:5s..200ms", "depth:1..2", "seq:3..", "time:+5s..+1s")
    ]
    assert [hint.message for found in hints for hint in found] == [
        "5s..200ms ends before it begins, so nothing is in it"
    ]
