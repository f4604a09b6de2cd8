"""The transcript's entries and what they say."""

from __future__ import annotations

import pytest

from tests.tui.conftest import T0
from tracetui import Custom, Database, Decision, Error, Query, Thought, ToolCall, TraceStore
from tracetui.model.value import ValueLike
from tracetui.render.cells import width_of
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.transcript import ALL, CLOSED, Transcript


def talk(db: Database) -> str:
    """Record a conversation of two model steps whose messages are kept; one message is dropped in the second."""
    run = db.restore_run("talk", name="talk", created_ms=T0)
    put = TraceStore(db).record_with_options
    system: dict[str, ValueLike] = {"role": "system", "content": "You are **careful**."}
    first: list[ValueLike] = [system, {"role": "user", "content": "Fix the login"}]
    answer: dict[str, ValueLike] = {"role": "assistant", "content": "I read first.", "tool_calls": [{"function": {"name": "read", "arguments": "a.py"}}]}  # fmt: skip
    second: list[ValueLike] = [system, answer, {"role": "tool", "name": "read", "content": "def f(): ..."}]
    model: dict[str, ValueLike] = {"model": "m-1", "context_window": 1000}
    put(
        run.id,
        Custom("Agent", {"input": "go"}),
        id="agent",
        timestamp=T0,
        end_ms=T0 + 9000,
        metadata={"name": "fixer"},
    )
    put(run.id, Custom("Turn", {"prompt": "Fix the login"}), id="turn", parent_id="agent", timestamp=T0)
    put(run.id, Custom("LLM", {"input": first, "output": [answer]}), id="m1", parent_id="agent", timestamp=T0 + 100,
        end_ms=T0 + 900, metadata={**model, "usage": {"input": 400, "output": 20}})  # fmt: skip
    put(run.id, ToolCall("read", {"path": "a.py"}, "\n".join(f"line {n}" for n in range(100))), id="read",
        parent_id="agent", timestamp=T0 + 1000, end_ms=T0 + 1200)  # fmt: skip
    put(run.id, Custom("Log", {"text": "noise"}), id="log", parent_id="read", timestamp=T0 + 1100)
    put(run.id, Custom("LLM", {"input": second, "output": "# Done\n- all **well**"}), id="m2", parent_id="agent",
        timestamp=T0 + 2000, end_ms=T0 + 2500, metadata={**model, "usage": {"input": 620, "output": 30}})  # fmt: skip
    put(
        run.id,
        Decision("ship?", ["yes", "no"], "no", "tests are red"),
        id="ship",
        parent_id="agent",
        timestamp=T0 + 2600,
    )
    put(run.id, Query("grep", "verify", 3), id="grep", parent_id="agent", timestamp=T0 + 2700)
    put(run.id, Thought("it is *late*", 0.4), id="late", parent_id="agent", timestamp=T0 + 2800)
    put(
        run.id,
        Error("Boom", "it broke", recoverable=False),
        id="boom",
        parent_id="agent",
        timestamp=T0 + 2900,
    )
    return run.id


def script_of(db: Database, run_id: str, width: int = 100) -> Transcript:
    """Return the transcript of a run at a width."""
    script = Transcript(RunModel(db, run_id))
    script.set_width(width)
    return script


def told(script: Transcript, trace_id: str, level: int | None = None) -> str:
    """Return what the entry of a trace says."""
    seq = script.model.view.seq_of(trace_id)
    assert seq is not None
    number = script.number_of(seq)
    if level is not None:
        script.set_level(number, level)
    entry = script.entry(number)
    return "\n".join("".join(text for text, _ in entry.pieces(row)) for row in range(len(entry)))


def test_entries_are_what_tells_a_reader_something(memory: Database) -> None:
    """In the order of the tree; a log is none, and its place is the entry that it is below."""
    script = script_of(memory, talk(memory))
    view = script.model.view
    assert [view.ids[seq] for seq in script.seqs] == [
        "agent", "turn", "m1", "read", "m2", "ship", "grep", "late", "boom",
    ]  # fmt: skip
    assert script.number_of(view.seq_of("log") or 0) == 3


def test_a_model_step_says_what_was_new_and_what_it_answered(memory: Database) -> None:
    """Which step, how full the context was, each new message with its speaker, the answer with its calls."""
    text = told(script_of(memory, talk(memory)), "m1")
    assert "model step 1 of 2  m-1" in text
    assert "in 400, 40% of 1k" in text
    assert "context: 2 messages: 2 new, +400 tokens" in text
    assert "+ system\n        You are careful." in text
    assert "+ user\n        Fix the login" in text
    assert "I read first." in text
    assert "calls read a.py" in text


def test_only_what_the_step_before_did_not_have_is_new_and_what_is_gone_is_dropped(memory: Database) -> None:
    """The system message and the model's own answer are known; the user's message is gone."""
    text = told(script_of(memory, talk(memory)), "m2")
    assert "context: 3 messages: 2 kept, 1 new, +220 tokens" in text
    assert "+ tool" in text
    assert "result of read\n          def f(): ..." in text
    assert "You are" not in text
    assert "dropped: 1 message that the step before had" in text
    assert "- user Fix the login" in text
    assert "Done\n        - all well" in text


def test_a_long_result_shows_its_beginning_and_space_the_rest(memory: Database) -> None:
    """How much more there is is said; toggled it is all there, toggled again not; closed there is one line."""
    script = script_of(memory, talk(memory))
    number = script.number_of(script.model.view.seq_of("read") or 0)
    assert "… 92 more lines (Space shows all)" in told(script, "read")
    before = len(script)
    assert script.toggle(number)
    assert "line 99" in told(script, "read")
    assert len(script) == before + 91 + (len(script) - before - 91)
    assert script.heights[number] == len(script.entry(number))
    script.toggle(number)
    assert "line 99" not in told(script, "read")
    assert len(told(script, "read", CLOSED).splitlines()) == 1
    assert not script.set_level(number, CLOSED)


def test_all_kinds_of_traces_say_what_they_hold(memory: Database) -> None:
    """Turns, decisions with what was chosen, queries, thoughts, errors."""
    script = script_of(memory, talk(memory))
    assert "Fix the login" in told(script, "turn")
    assert "  yes" in told(script, "ship")
    assert "* no" in told(script, "ship")
    assert "tests are red" in told(script, "ship")
    assert "verify" in told(script, "grep")
    assert "it is late" in told(script, "late")
    assert "it broke" in told(script, "boom")
    assert "go" not in told(script, "agent").replace("agent", "")
    assert "input: go" in told(script, "agent", ALL)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_screen(memory: Database, login: str, width: int) -> None:
    """At any width and level; structured values too."""
    for run_id in (talk(memory), login):
        script = script_of(memory, run_id, width)
        for level in (CLOSED, 1, ALL):
            for number in range(len(script.seqs)):
                script.set_level(number, level)
                entry = script.entry(number)
                for row in range(len(entry)):
                    assert sum(width_of(text) for text, _ in entry.pieces(row)) <= max(width, 24)


def test_a_filter_leaves_matching_entries(memory: Database) -> None:
    """A filter takes its matches; without it all are back; levels stay with their traces."""
    script = script_of(memory, talk(memory))
    model = script.model
    model.set_filter("type:LLM", [model.view.seq_of("m1") or 0, model.view.seq_of("m2") or 0])
    assert script.sync()
    assert len(script.seqs) == 2
    assert script.number_of(model.view.seq_of("boom") or 0) == 1
    model.clear_filter()
    script.sync()
    assert len(script.seqs) == 9
    assert not script.sync()


def test_steps_are_model_steps_and_turns(memory: Database) -> None:
    """J and K go from one to the next and stop at the ends."""
    script = script_of(memory, talk(memory))
    at, seen = 0, []
    for _ in range(4):
        at = script.step_from(at, 1)
        seen.append(script.model.view.ids[script.seqs[at]])
    assert seen == ["turn", "m1", "m2", "m2"]
    assert script.step_from(at, -1) == script.number_of(script.model.view.seq_of("m1") or 0)


def test_what_is_not_recorded_is_not_made_up(memory: Database) -> None:
    """A step with usage alone tells tokens; structured data that is damaged or odd is shown as it is."""
    run = memory.create_run("bare")
    put = TraceStore(memory).record_with_options
    put(
        run.id,
        Custom("LLM", {"tool_calls": ["ls"]}),
        id="a",
        timestamp=T0,
        metadata={"usage": {"input": 50, "output": 5}},
    )
    put(run.id, Custom("LLM", None), id="b", timestamp=T0 + 1)
    put(run.id, Custom("LLM", "just text"), id="c", timestamp=T0 + 2)
    script = script_of(memory, run.id)
    assert "calls ls" in told(script, "a")
    assert "context: +50 tokens" in told(script, "a")
    assert "messages" not in told(script, "a")
    assert "model step 2 of 3" in told(script, "b")
    assert "just text" in told(script, "c")


def test_a_payload_of_megabytes_is_not_laid_out_before_it_is_asked_for(memory: Database) -> None:
    """Its beginning at first, then all of it line by line."""
    run = memory.create_run("big")
    text = "\n".join(f"{n} " + "x" * 50 for n in range(100_000))
    TraceStore(memory).record_with_options(run.id, ToolCall("cat", {}, text), id="a", timestamp=T0)
    script = script_of(memory, run.id)
    assert len(script.entry(0)) < 15
    assert "5.7M characters in all" in told(script, "a")
    script.toggle(0)
    entry = script.entry(0)
    assert len(entry) > 100_000
    assert "99999 xxx" in "".join(text for text, _ in entry.pieces(len(entry) - 1))


def test_the_beginning_of_a_value_ends_where_its_last_row_does(memory: Database) -> None:
    """A long line that is cut after some rows shows no more of itself in the last of them."""
    run = memory.create_run("line")
    TraceStore(memory).record_with_options(
        run.id, ToolCall("cat", {}, {"a": "word " * 2000}), id="a", timestamp=T0
    )
    script = script_of(memory, run.id, 60)
    assert all(len(line) <= 60 for line in told(script, "a").splitlines())
    assert "more lines" in told(script, "a")
