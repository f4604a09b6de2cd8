from __future__ import annotations

import tracetui
from tests.tui.conftest import T0, login_bug
from tests.tui.view.test_detail import text_of
from tracetui import Custom, Database, Decision, Error, Thought, ToolCall, TraceStore
from tracetui.model.value import Value, ValueLike
from tracetui.render.cells import width_of
from tracetui.tui.view.detail import detail, title
from tracetui.tui.view.document import MOST_LINES, Document
from tracetui.tui.view.group_folds import key_of
from tracetui.tui.view.payload import add_arguments, add_payload
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.seen_book import SeenBook


def opened(db: Database, run_id: str, *beside: Database) -> RunModel:
    """Return a run with all that workers find out about it."""
    model = RunModel(db, run_id)
    model.take_insight(model.look_into())
    book = SeenBook([db, *beside])
    model.seen, model.run_names = book.seen(model.view, model.errors), book.names
    return model


def unfolded(document: Document, start: str) -> str:
    """Unfold the line that begins so, and return what is shown then."""
    document.layout(200)
    row = next(
        row for row in range(len(document)) if document.lines[document.line_at(row)].text.startswith(start)
    )
    assert document.toggle(row)
    return text_of(document)


def test_an_error_tells_its_story_before_its_whole_message(memory: Database) -> None:
    """Not recovered, the telling lines, the path, just before with the standing of the call, the last good call."""
    run_id = login_bug(memory, loops=7)
    store = TraceStore(memory)
    run = memory.restore_run("r", created_ms=T0)
    ids = [store.record(run.id, Custom("Agent", {"name": "a"}))]
    ids.append(store.record_child(run.id, ids[0], ToolCall("bash", {"c": "ls"}, "fine")))
    store.record_child(run.id, ids[0], Thought("maybe", 0.3))
    call = store.record_with_options(run.id, ToolCall("bash", {"c": "x"}), parent_id=ids[0], status="error")
    noise = "\n".join(f"line {n}" for n in range(30))
    store.record_child(run.id, call, Error("E", f"---\nno way\n{noise}\nKeyError: 'x'", recoverable=False))
    text = text_of(detail(opened(memory, run.id), 4))
    for part in (
        "not recovered",
        "no way",
        "KeyError: 'x'",
        "33 lines is below",
        ". maybe  0.3",
        "last good call of bash",
    ):
        assert part in text, text
    assert text.index("path") < text.index("just before") < text.index("seen before") < text.index("line 29")
    text = text_of(detail(opened(memory, run_id), 27))
    assert "T bash pytest -q  (6th identical, failed)" in text
    assert "no call of this tool went well before" in text


def test_errors_seen_before_list_runs_and_places(memory: Database) -> None:
    """In this store and beside it; every line leads somewhere; a new error says that it is one."""
    first = login_bug(memory, loops=3, run_id="one")
    login_bug(memory, loops=2, run_id="two", name="other")
    with tracetui.open("memory://") as beside:
        login_bug(beside, loops=1, run_id="three", name="")
        beside.create_run("fine")
        model = opened(memory, first, beside)
    document = detail(model, 15)
    assert "3× here, in 2 of 3 other runs (Enter lists them)" in text_of(document)
    text = unfolded(document, "3×")
    assert "run: 2×  other …two" in text or "run: 2×  other …" in text
    assert {line.run_id for line in document.lines} >= {"two", "three"}
    assert [line.seq for line in document.lines if line.label == "here"] == [9, 12]
    run = memory.create_run("alone")
    TraceStore(memory).record(run.id, Error("Quite", "another", recoverable=False))
    assert "never: in none of 2 other runs" in text_of(detail(opened(memory, run.id), 0))
    model = RunModel(memory, first)
    assert "looking through the other runs" in text_of(detail(model, 15))


def test_a_store_that_cannot_be_read_is_passed_over(memory: Database) -> None:
    """The others are looked through all the same, and runs that did not change are read once."""
    run_id = login_bug(memory)
    login_bug(memory, run_id="two")
    gone = tracetui.open("memory://")
    gone.close()
    book, model = SeenBook([gone, memory]), RunModel(memory, run_id)
    assert book.seen(model.view, model.errors) == book.seen(model.view, model.errors)
    assert book.seen(model.view, model.errors)[0].looked_at == 1


def test_a_group_and_its_calls_say_what_was_wasted(memory: Database) -> None:
    """The group lists every call; a call says which one it is."""
    model = opened(memory, login_bug(memory, loops=7))
    group = model.insight.groups[0]
    document = detail(model, key_of(group.first))
    text = text_of(document)
    assert "7 calls with the same arguments and the same outcome, all failed" in text
    assert "wasted by the repeats: 13.2s" in text
    assert [line.seq for line in document.lines if line.text.startswith("  +")][:7] == list(
        model.insight.loops.loops[0].seqs
    )
    assert title(model, key_of(group.first))[1][0] == "LOOP "
    text = unfolded(detail(model, group.first), "7 calls")
    assert "loop: call 1 of 7" in text
    assert "(this one)" in text


def test_what_is_around_a_trace_is_linked(memory: Database) -> None:
    """The trace above, those below with what they took, and figures of the subtree."""
    model = opened(memory, login_bug(memory, loops=7))
    document = detail(model, model.view.seq_of("tests") or 0)
    text = text_of(document)
    assert "below: 21 traces, 7 errors" in text
    assert "A fix login bug" in text
    assert {line.seq for line in document.lines} >= {0, 7, 8}


def test_side_by_side_calls_list_each_other(memory: Database) -> None:
    """A call of a fan-out says beside how many it ran."""
    run = memory.create_run()
    for n in range(3):
        TraceStore(memory).record_with_options(run.id, ToolCall("f", {"n": n}), timestamp=n, end_ms=100)
    text = unfolded(detail(opened(memory, run.id), 1), "3 calls")
    assert "ran beside 2 others of f" in text
    assert text.count("f n=") >= 3


def test_a_model_call_says_what_it_said_before_what_it_was_given(memory: Database) -> None:
    """What it chose, its output, the rest; the input is folded."""
    run = memory.create_run()
    data: dict[str, ValueLike] = {
        "input": [{"role": "user", "content": "do"}],
        "temperature": 1,
        "output": "done",
        "tool_calls": ["bash"],
    }
    TraceStore(memory).record(run.id, Custom("LLM", data))
    document = detail(opened(memory, run.id), 0)
    text = text_of(document)
    assert (
        text.index("chose: bash")
        < text.index("output: done")
        < text.index("temperature")
        < text.index("given: input")
    )
    assert "role" not in text
    assert "confidence 0.4" in text_of(detail(opened(memory, _decided(memory)), 0))


def _decided(db: Database) -> str:
    run = db.create_run()
    TraceStore(db).record(run.id, Decision("q", ["a"], "a"), metadata={"confidence": 0.4})
    return run.id


def test_payloads_are_shown_as_what_they_are() -> None:
    """JSON that came as text folds, an edit is the lines that it changes, a patch has roles, text stays text."""
    document = Document()
    add_payload("", '{"a": {"b": 1}}', document)
    add_payload("x", {"y": [1]}, document)
    add_payload("", "[not json", document)
    add_payload("p", "--- a\n+++ b\n-old\n+new", document)
    text = text_of(document)
    assert "JSON: {1 key}" in text
    assert "b: 1" in text
    assert "[not json" in text
    assert [line.role for line in document.lines][-4:] == ["dim", "dim", "failed text", "good"]
    document = Document()
    add_arguments({"path": "a.py", "old_string": "a\nb", "new_string": "a\nc"}, document)
    assert [line.text for line in document.lines if line.role in ("good", "failed text")] == ["-b", "+c"]
    document = Document()
    add_arguments({"old_string": "a\n" * 3000, "new_string": ""}, document)
    assert "-" not in [line.text for line in document.lines]
    document = Document()
    add_arguments('{"cmd": "ls"}', document)
    assert "cmd: ls" in text_of(document)


def test_the_rest_of_a_very_long_text_comes_when_it_is_asked_for() -> None:
    """Unfolding keeps what stands around it in its place; copying has all of it."""
    document = Document()
    document.add_value("a", {"text": "x\n" * (MOST_LINES + 5), "after": [1, 2]})
    document.layout(80)
    row = next(row for row in range(len(document)) if document.lines[document.line_at(row)].role == "warning")
    assert "6 more lines" in "".join(text for text, _ in document.pieces(row))
    before = len(document)
    assert document.toggle(row)
    assert len(document) == before + 6
    document.toggle(0)
    assert len(document) == 1
    again = Document()
    again.add_text("", "x\n" * (MOST_LINES + 5))
    assert again.text().count("x") == MOST_LINES + 5


def test_a_container_of_very_many_items_opens_in_parts() -> None:
    """At once, whatever is in it; copying has all of it."""
    value: list[Value] = [{"n": n} for n in range(30_000)]
    document = Document()
    document.add_value("rows", value)
    document.layout(80)
    assert len(document) == 1
    assert document.toggle(0)
    assert len(document) == 31
    assert document.toggle(30)
    assert len(document) == 31 + 2000
    assert "29999" in "".join(text for text, _ in document.pieces(2029))
    again = Document()
    again.add_value("rows", value)
    assert again.text().count("n: ") == 30_000


def test_no_row_is_wider_than_the_pane_whatever_a_payload_holds() -> None:
    """Wide and zero-width characters, escapes shown as codes, tabs, one line of them that is very long."""
    hostile = [
        "日本語" * 60,
        "a\x1b[31m\u202eb" * 40,
        "\ttab\t" * 30,
        "e\u0301" * 100,
        "word " * 50,
        "日\u202e" * 20_000,
    ]
    for text in hostile:
        document = Document()
        document.add_text("label", text)
        document.layout(41)
        rows = ["".join(part for part, _ in document.pieces(row)) for row in range(len(document))]
        assert max(map(width_of, rows)) <= 41, text[:20]
        assert len("".join(row.strip() for row in rows)) >= len(text.replace(" ", "").replace("\t", ""))
        assert not any("\x1b" in row or "\u202e" in row for row in rows)
