from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.querying.conftest import NOW, START, Example
from tracetui import QueryError, Thought, TraceDraft, TraceStore
from tracetui.querying.execute import (
    Following,
    execute,
    execute_in_pieces,
    highlights,
    matches,
    touched,
)
from tracetui.querying.grammar import parse
from tracetui.querying.reading import Surroundings

EVERY = ["agent", "plan", "call", "failed", "again", "model", "small", "thought", "asked", "hung", "orphan"]
LOOPS = Surroundings(now_ms=NOW, loops=lambda _: {2, 4})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # the examples of the design
        ("type:Error", ["failed"]),
        ("type:ToolCall name:bash dur:>5s NOT tag:retry", ["again"]),
        ("tag:(search OR db) time:-10m..", []),
        ("tag:(search OR db) time:+1s..", ["call", "again"]),
        ("under:(type:Decision tag:plan) type:Error", ["failed"]),
        ("type:ToolCall has:(type:Error)", ["call"]),
        ("open:true", ["hung"]),
        ("type:LLM tokens:>8k", ["model"]),
        ("args.path:*.py result.exit_code:>0", ["call"]),
        (r"text:~time\s?out", ["failed", "model", "asked"]),
        ("timeout", ["failed", "asked"]),
        # fields
        ("", EVERY),
        ("kind:Custom", ["agent", "model", "small"]),
        ("type:LL*", ["model", "small"]),
        ("type:ll*", []),
        ("type:~^T", ["call", "again", "thought", "hung", "orphan"]),
        ("id:(call OR nobody)", ["call"]),
        ("id:a*", ["agent", "again", "asked"]),
        ("parent:plan", ["call"]),
        ("parent:nobody", ["orphan"]),
        ("root:true", ["agent", "orphan"]),
        ("root:agent", EVERY[:-1]),
        ("root:false type:Error", ["failed"]),
        ("depth:2..", ["call", "failed"]),
        ("children:>=1", ["agent", "plan", "call"]),
        ("time:+8s", ["failed"]),
        ("time:+8s..+20s", ["failed", "again"]),
        (f"time:{START}", ["agent"]),
        ("time:<+1s", ["agent"]),
        ("time:<=+1s", ["agent", "plan"]),
        ("time:>+28s", ["hung", "orphan"]),
        ("dur:4s", ["model"]),
        ("dur:..1s", ["small"]),
        ("dur:<1h", ["agent", "call", "again", "model", "small"]),
        ("status:error", ["failed"]),
        ("status:quiet", ["hung"]),
        ("status:(error OR open)", ["failed", "hung"]),
        ("open:false type:ToolCall", ["call", "again"]),
        ("name:main", ["agent"]),
        ("name:(web OR ToolError)", ["failed", "asked"]),
        ("args.cmd:PYTEST", ["call", "again"]),
        ("args:test_a", ["call", "again"]),
        ("args.path:=src/app.txt", ["hung"]),
        ("result.exit_code:2", ["call"]),
        ("result.exit_code:0..1", ["again"]),
        ("meta.usage.input:>8k", ["model"]),
        ("data.text:*out?", ["model"]),
        ("question:HOW", ["plan"]),
        ("options:patch", ["plan"]),
        ("chosen:patch", []),
        ("reasoning:*", ["plan"]),
        ("query:fix", ["asked"]),
        ("confidence:<0.5", ["thought"]),
        ("error:toolerror", ["failed"]),
        ("recoverable:false", ["failed"]),
        ("recoverable:true", []),
        ("model:opus*", ["model", "small"]),
        ("tokens:110", ["small"]),
        ("tokens.in:9k", ["model"]),
        ("tokens.out:>50", ["model"]),
        ("cost:>0.3", ["small"]),
        ("loop:true", ["call", "again"]),
        ("loop:false type:ToolCall", ["hung"]),
        ("orphan:true", ["orphan"]),
        ("truncated:true", ["orphan"]),
        ("note:LOOK", ["thought"]),
        ("mark:true", ["thought"]),
        ("mark:false type:Thought", ["orphan"]),
        ("run:example", EVERY),
        ("run:run-*", EVERY),
        ("run:other", []),
        ("seq:3..4", ["failed", "again"]),
        # text
        ("look", ["thought"]),
        ('"no module named"', ["failed"]),
        ("plan", ["plan"]),
        ("exit_code", ["call", "again"]),
        ("9000", ["model"]),
        ("text:*path", ["call", "again", "thought", "hung"]),
        ("text:=lost", ["orphan"]),
        # missing values
        ("dur:<5s", ["model", "small"]),
        ("NOT dur:<1h", ["plan", "failed", "thought", "asked", "hung", "orphan"]),
        ("-tag:* -type:LLM", ["failed", "thought", "asked", "hung", "orphan"]),
        # structure
        ("child:(type:Error)", ["call"]),
        ("parent:(tag:plan)", ["call"]),
        ("sibling:(type:Query) type:LLM", ["model", "small"]),
        ("sibling:(id:asked)", ["plan", "again", "model", "small", "thought", "hung"]),
        ("under:(id:plan)", ["call", "failed"]),
        ("has:(timeout)", ["agent", "plan", "call"]),
        ("NOT under:(id:agent)", ["agent", "orphan"]),
        ("has:(under:(tag:plan) type:Error)", ["agent", "plan", "call"]),
        ("type:Error OR (timeout NOT type:Query) OR tag:db", ["failed", "again"]),
    ],
)
def test_a_query_finds_what_it_says(example: Example, text: str, expected: list[str]) -> None:
    """By example, for every field and operator, in seq order."""
    found = execute(example.view, parse(text), around=LOOPS)
    assert example.ids(found) == expected


def test_relative_times_are_those_of_the_moment_of_asking(example: Example) -> None:
    """The same tree asked later finds less."""
    query = parse("time:-1h..")
    assert len(list(execute(example.view, query, NOW))) == 11
    assert example.ids(execute(example.view, query, NOW + 30_000)) == ["hung", "orphan"]


def test_a_run_without_times_refuses_a_time(example: Example) -> None:
    """And says why, and what to ask instead."""
    example.db.update_run(example.run_id, metadata={"time": "none"})
    with pytest.raises(QueryError, match=r"no times.*seq:"):
        list(execute(example.view, parse("time:-10m..")))
    assert example.ids(execute(example.view, parse("dur:4s"))) == ["model"]


def test_loops_need_somebody_who_finds_them(example: Example) -> None:
    """The analyses stand above; without them the term is refused, never empty."""
    with pytest.raises(QueryError, match="loop"):
        list(execute(example.view, parse("loop:true")))


def test_notes_and_marks_of_others_count(example: Example) -> None:
    """The explorer keeps notes of its own beside the run's."""
    around = Surroundings(notes={"call": ["weird", ""]}, marks={"call": "red", "nobody": ""})
    assert example.ids(execute(example.view, parse("weird"), around=around)) == ["call"]
    assert example.ids(execute(example.view, parse("note:weird"), notes={"call": ["weird"]})) == ["call"]
    assert example.ids(execute(example.view, parse("mark:red"), around=around)) == ["call"]
    assert example.ids(execute(example.view, parse("mark:true"), around=around)) == ["call", "thought"]


def test_open_traces_of_an_ended_run_are_abandoned(example: Example) -> None:
    """A status that is worked out, never stored; they stay open."""
    example.db.end_run(example.run_id, "failed")
    assert example.ids(execute(example.view, parse("status:abandoned"))) == ["hung"]
    assert example.ids(execute(example.view, parse("status:open"))) == ["hung"]
    assert example.ids(execute(example.view, parse("status:quiet"))) == []


def test_hits_come_in_pieces_and_may_be_left(example: Example) -> None:
    """Empty pieces come too, so that whoever waits may stop; nothing needs to be closed."""
    store = TraceStore(example.db)
    store.record_many(example.run_id, [TraceDraft(Thought(f"n{n}")) for n in range(5000)])
    pieces = list(execute_in_pieces(example.view, parse("n4999"), NOW))
    assert len(pieces) > 2
    assert [seq for piece in pieces for seq in piece] == [5010]
    started = execute_in_pieces(example.view, parse("n"), NOW)
    assert next(started)
    del started


def test_a_run_may_grow_while_it_is_asked(example: Example) -> None:
    """The answer is that of the moment when the question was made."""
    store = TraceStore(example.db)
    asked = [
        execute(example.view, parse(text))
        for text in ("", "lost", "type:Thought", "under:(id:agent)", "root:true")
    ]
    expected = [
        list(execute(example.view, parse(t)))
        for t in ("", "lost", "type:Thought", "under:(id:agent)", "root:true")
    ]
    store.record_child(example.run_id, "agent", Thought("lost"))
    store.record(example.run_id, Thought("lost"))
    # a generator begins when first asked, so it sees what came before that
    assert [len(list(each)) for each in asked] == [
        len(before) + n for before, n in zip(expected, (2, 2, 2, 1, 1), strict=True)
    ]
    half = execute_in_pieces(example.view, parse("lost"), NOW)
    next(half)
    store.record(example.run_id, Thought("lost"))
    assert [seq for piece in half for seq in piece] == []


@pytest.mark.parametrize(
    "text",
    ["type:Thought", "has:(type:Error)", "under:(tag:late)", "child:(open:true)", "sibling:(status:error)",
     "children:>1", "parent:(tag:late) OR has:(new)", "depth:3", "NOT under:(has:(type:Error))", "new"],
)  # fmt: skip
def test_following_asks_only_about_what_a_change_may_concern(example: Example, text: str) -> None:
    """And keeps the hits that asking anew would give, for structural terms too."""
    view = example.view
    following = Following(view, parse(text), LOOPS)
    store = TraceStore(example.db)
    steps: list[Callable[[], object]] = [
        lambda: store.record_child(example.run_id, "thought", Thought("new")),
        lambda: store.amend(example.run_id, "agent", tags=["late"]),
        lambda: store.complete(example.run_id, "hung", status="error"),
        lambda: store.record_with_options(example.run_id, Thought("parent"), id="nobody", parent_id="hung"),
    ]
    for step in steps:
        before = set(following.hits)
        step()
        came, went = following.update({change.seq for change in view.refresh()})
        assert following.hits == list(execute(view, parse(text), around=LOOPS))
        assert set(came) == set(following.hits) - before
        assert set(went) == before - set(following.hits)


def test_without_structure_only_the_changed_are_asked(example: Example) -> None:
    """With it, their relatives: has looks up, under down."""
    view = example.view
    plan = view.seq_of("plan")
    assert plan is not None
    assert touched(view, parse("tag:a"), [plan]) == [plan]
    assert touched(view, parse(""), [plan]) == [plan]
    assert example.ids(touched(view, parse("has:(tag:a)"), [plan])) == ["agent", "plan"]
    assert example.ids(touched(view, parse("under:(tag:a)"), [plan])) == ["plan", "call", "failed"]
    assert example.ids(touched(view, parse("parent:(tag:a)"), [plan])) == ["plan", "call"]


def test_what_was_replaced_is_not_found_by_its_text(example: Example) -> None:
    """It lies in the log still; what replaced it is found, and what stayed."""
    store = TraceStore(example.db)
    store.record_many(example.run_id, [TraceDraft(Thought("stays"), id="t", metadata={"k": "formerly"})])
    store.amend(example.run_id, "t", metadata={"k": "nowadays"})
    found = {
        word: example.ids(execute(example.view, parse(word))) for word in ("formerly", "nowadays", "stays")
    }
    assert found == {"formerly": [], "nowadays": ["t"], "stays": ["t"]}


def test_matches_keeps_the_order_it_was_given(example: Example) -> None:
    """And leaves out seqs that the run does not have."""
    assert matches(example.view, parse("type:Thought OR timeout"), [10, 7, 3, 2, 99], NOW) == [10, 7, 3]


def test_hits_are_told_with_their_places(example: Example) -> None:
    """For highlighting: the field, the characters, and the text they are in."""
    view = example.view
    found = highlights(view, parse('timeout OR text:~"app\\.\\w+"'), 3)
    assert [(hit.field, hit.text[hit.start : hit.end]) for hit in found] == [
        ("message", "app.auth"),
        ("message", "timeout"),
    ]
    assert [hit.field for hit in highlights(view, parse("test_a type:ToolCall"), 2)] == ["args.path"]
    assert [hit.field for hit in highlights(view, parse("look"), 7)] == ["note"]
    assert [hit.field for hit in highlights(view, parse("search"), 2)] == ["tag"]
    assert highlights(view, parse("NOT timeout has:(timeout) type:Error"), 3) == []
