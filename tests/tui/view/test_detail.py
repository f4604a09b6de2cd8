from __future__ import annotations

import pytest
from hypothesis import given

import tracetui
from tests.strategies import values
from tests.tui.conftest import T0, login_bug
from tracetui import Custom, Database, Decision, Error, Query, Thought, ToolCall, TraceStore
from tracetui.model.value import ValueLike, normalize
from tracetui.tui.view.detail import detail, title
from tracetui.tui.view.document import Document, value_document
from tracetui.tui.view.run_model import RunModel


def text_of(document: Document, width: int = 200) -> str:
    """Return what a document shows at a width."""
    document.layout(width)
    return "\n".join("".join(text for text, _ in document.pieces(row)) for row in range(len(document)))


def shown(db: Database, run_id: str, trace_id: str, tab: str = "Detail") -> str:
    """Return the detail of a trace as text."""
    model = RunModel(db, run_id)
    seq = model.view.seq_of(trace_id)
    assert seq is not None
    assert title(model, seq)[0][0].strip()
    return text_of(detail(model, seq, tab))


@pytest.mark.parametrize(
    ("kind", "more", "wanted"),
    [
        (ToolCall("bash", {"cmd": "ls", "n": [1, 2]}), {}, ["bash  arguments", "cmd: ls", "(none recorded)"]),
        (ToolCall("bash", "x", {"out": "a\nb"}, 7), {"tags": ["io"]}, ["tags: io", "7ms", "out:", "a", "b"]),
        (Decision("q?", ["a", "b"], "c", "why"), {}, ["question", "  a", "chosen: c", "reasoning", "why"]),
        (Decision("q?", ["a", "b"], "b"), {}, ["* b"]),
        (Query("sql", "select 1", 5), {}, ["select 1", "results: 5"]),
        (Thought("hm\nho", 0.25), {}, ["thought", "hm", "ho", "confidence: 0.25"]),
        (Custom("Step", [None, True, 1.5, b"\x00"]), {}, ["null", "true", "1.5", "(1 bytes)"]),
        (
            Custom("LLM", {"input": "x"}),
            {"metadata": {"model": "m", "usage": {"input": 1200, "cached_input": 9}, "cost": {"usd": 0.5, "source": "list"}, "rest": 1}},
            ["model: m  input 1.2k  cached input 9  $0.50 (list)", "rest: 1"],
        ),
        (Custom("x"), {"metadata": {"usage": {"output": 3}}}, ["usage: output 3"]),
        (Thought("x"), {"metadata": {"truncated": {"a": 5}, "redacted": ["b"]}}, ["cut when it was recorded: a", "taken out when it was recorded: b"]),
        (Thought("x"), {"metadata": [1]}, ["metadata", "0: 1"]),
        (Thought("x"), {"parent_id": "gone", "await_parent": True}, ["parent gone was not received"]),
        (ToolCall("x", {}), {"open": True}, ["open: "]),
        (Error("E", "boom", recoverable=True), {}, ["recovered: the run went on", "boom"]),
    ],
)  # fmt: skip
def test_every_field_of_every_type_is_shown(
    memory: Database, kind: tracetui.TraceType, more: dict[str, object], wanted: list[str]
) -> None:
    """Under headings a reader knows; what was cut, taken out or not received is said."""
    run = memory.restore_run("r", created_ms=T0)
    TraceStore(memory).record_with_options(run.id, kind, id="t", timestamp=T0, **more)  # type: ignore[arg-type]
    text = shown(memory, "r", "t")
    for part in wanted:
        assert part in text, text


def test_a_failed_call_tells_its_error_and_its_story(memory: Database, login: str) -> None:
    """What failed, the way there, what came before, the last good call."""
    text = shown(memory, login, "bash2")
    for part in ("failed: ToolError", "path", "just before", "? retry or patch? → retry"):
        assert part in text
    error = shown(memory, login, "error2")
    assert "not recovered, this ended the run" in error


def test_an_error_told_again_further_out_says_so(memory: Database) -> None:
    """It does not count, and that is said."""
    store, run = TraceStore(memory), memory.create_run()
    store.record_with_options(run.id, Custom("Agent"), id="a")
    store.record_with_options(run.id, ToolCall("x", {}), id="t", parent_id="a")
    store.record_with_options(run.id, Error("E", "m", recoverable=False), id="in", parent_id="t")
    store.record_with_options(run.id, Error("E", "m", recoverable=False), id="out", parent_id="a")
    assert "told again further in" in shown(memory, run.id, "out")


def test_the_other_tabs(memory: Database, login: str) -> None:
    """What the model was given, what came before, the JSON, the notes."""
    assert "role: user" in shown(memory, login, "model", "Context")
    assert "new in it\n  + user\n    Fix it" in shown(memory, login, "model", "Context")
    assert "the model step before: M" in shown(memory, login, "thought", "Context")
    assert "T read_file app/auth.py" in shown(memory, login, "thought", "Context")
    assert "nothing" in shown(memory, login, "root", "Context")
    assert "trace_type" in shown(memory, login, "thought", "Raw")
    assert "no notes on this trace" in shown(memory, login, "thought", "Notes")
    TraceStore(memory).annotate(login, "thought", "see\nhere", score=3)
    assert "score: 3" in shown(memory, login, "thought", "Notes")


def test_the_context_of_a_step_is_what_was_new_and_dropped_in_it(memory: Database) -> None:
    """Beside the step before it, with how full it was; of a call that of the step that asked for it."""
    store, run = TraceStore(memory), memory.create_run()
    first = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "\n".join("abcdefgh")}]
    told: dict[str, ValueLike] = {"model": "m", "context_window": 1000}
    for name, messages, used in (
        ("one", first, 100),
        ("two", [*first[1:], {"role": "user", "content": "next"}], 620),
    ):
        data: dict[str, ValueLike] = {"input": messages, "output": "said"}
        metadata: ValueLike = {**told, "usage": {"input": used, "output": 7}}
        store.record_with_options(run.id, Custom("LLM", data), id=name, metadata=metadata)
    store.record_with_options(run.id, ToolCall("bash", {}), id="call")
    one, two, call = (shown(memory, run.id, name, "Context") for name in ("one", "two", "call"))
    assert "… 2 more lines below" in one
    assert "model step: 2 of 2" in two
    assert "in 620, 62% of 1k, out 7" in two
    assert "1 kept, 1 new" in two
    assert "+ user\n    next" in two
    assert "dropped from it\n  - system be brief" in two
    assert "all it was given: 2 messages" in two
    assert "before this step" not in two
    assert "the model step before: M" in call
    assert "1 kept, 1 new" in call
    assert "before this step" in call


def test_a_run_without_times_counts_steps(memory: Database) -> None:
    """No invented dates."""
    run_id = login_bug(memory)
    memory.update_run(run_id, metadata={"time": "none"})
    assert "steps before" in shown(memory, run_id, "error2")
    model = RunModel(memory, run_id)
    assert any("step 3" in text for text, _ in title(model, 2))


@given(values(12))
def test_folding_hides_exactly_what_is_below(value: object) -> None:
    """At any line: fold and unfold give the rows of before; folded, the lines of its block are gone."""
    document = value_document(normalize(value, "v"))
    document.layout(60)
    before = [document.line_at(row) for row in range(len(document))]
    for row in range(len(document)):
        size = document.lines[document.line_at(row)].size
        if document.toggle(row):
            kept = [document.line_at(n) for n in range(len(document))]
            hidden = range(before[row] + 1, before[row] + 1 + size)
            assert kept == [line for line in before if line not in hidden]
            document.toggle(row)
        else:
            assert size == 0
        assert [document.line_at(n) for n in range(len(document))] == before
    document.fold_all(folded=True)
    assert all(document.lines[document.line_at(n)].depth == 0 for n in range(len(document)))
    document.fold_all(folded=False)


def test_long_lines_wrap_or_scroll() -> None:
    """Nothing is lost at the right edge; a payload of 5 MB is rows at once."""
    document = Document()
    document.add_text("key", "0123456789" * 500_000)
    document.layout(50)
    text = "".join(
        piece for row in range(len(document)) for piece, role in document.pieces(row) if role == "string"
    )
    assert text == "0123456789" * 500_000
    document.wrap = False
    document.layout(50)
    assert len(document) == 1
    assert document.pieces(0, scroll_x=5)[-1][0].startswith("567890")
    assert document.text() == "key: " + "0123456789" * 500_000


def test_containers_with_many_items_are_folded_at_first() -> None:
    """They open when somebody asks."""
    document = value_document({"a": list(range(1000)), "b": 1})
    document.layout(80)
    assert len(document) == 2
    assert document.toggle(0)
    assert len(document) == 1002
