from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import tracetui
from tests.analysis.conftest import recording, run_of
from tracetui import Custom, Database, TraceDraft, TraceStore
from tracetui.analysis.context import Contexts, ModelStep, context_of, messages_of


def step(at: int, data: dict[str, Any], tokens: int | None = None, **metadata: Any) -> TraceDraft:
    """Return a model call at a time."""
    if tokens is not None:
        metadata["usage"] = {"input": tokens, "output": 1}
    return TraceDraft(Custom("LLM", data), timestamp=at, metadata=metadata)


def said(text: str, role: str = "user") -> dict[str, str]:
    """Return a message."""
    return {"role": role, "content": text}


def steps(*drafts: TraceDraft) -> list[ModelStep]:
    """Return the steps of a run."""
    return context_of(run_of(drafts))


def test_new_is_what_the_step_before_neither_got_nor_said() -> None:
    """Its own answer comes back as input, and is nothing new."""
    first, second = steps(
        step(1, {"input": [said("s", "system"), said("a")], "output": [said("b", "assistant")]}),
        step(2, {"input": [said("s", "system"), said("a"), said("b", "assistant"), said("c")]}),
    )
    assert (first.before, first.new, first.dropped, first.source) == (-1, (0, 1), (), "messages")
    assert (second.before, second.new, second.dropped) == (0, (3,), ())


def test_dropped_are_messages_that_are_gone() -> None:
    """Told by their places in the step before; a message that came twice counts twice."""
    _, second = steps(
        step(1, {"input": [said("a"), said("a"), said("b")]}), step(2, {"input": [said("a"), said("sum")]})
    )
    assert (second.new, second.dropped) == ((1,), (1, 2))


def test_an_answer_in_plain_text_is_recognised() -> None:
    """Recordings keep the output as text and give it back as a message."""
    _, second = steps(
        step(1, {"input": [said("a")], "output": "b"}),
        step(2, {"input": [said("a"), said("b", "assistant")]}),
    )
    assert second.new == ()


def test_without_messages_usage_says_how_much_not_what() -> None:
    """More and less, each against the step before."""
    found = steps(step(1, {}, 100), step(2, {}, 250), step(3, {}, 40), step(4, {}))
    assert [(one.source, one.new_tokens, one.dropped_tokens) for one in found] == [
        ("usage", 100, 0), ("usage", 150, 0), ("usage", 0, 210), ("none", -1, -1),
    ]  # fmt: skip
    assert all(one.new == one.dropped == () for one in found)


def test_how_full_is_told_only_where_the_window_is_recorded() -> None:
    """Nothing is guessed from a model's name."""
    known, unknown = steps(step(1, {}, 50_000, context_window=200_000), step(2, {}, 60_000, model="gpt-4o"))
    assert (known.window, known.full) == (200_000, 0.25)
    assert (unknown.window, unknown.full) == (0, None)


def test_conversations_are_those_of_agents_and_models() -> None:
    """A small model that names a session has no part in what the large one sees."""
    agent = TraceDraft(Custom("Agent"), id="a", timestamp=0)
    below = TraceDraft(
        Custom("LLM"), parent_id="a", timestamp=2, metadata={"usage": {"input": 9, "output": 1}, "model": "m"}
    )
    found = context_of(
        run_of(
            [agent, step(1, {}, 5, model="m"), below, step(3, {}, 6, model="n"), step(4, {}, 7, model="m")]
        )
    )
    assert [one.before for one in found] == [-1, -1, -1, 1]


def test_messages_are_found_where_recorders_keep_them() -> None:
    """A list, a list below messages, or a text."""
    assert messages_of({"messages": [1]}) == [1]
    assert messages_of({"input": {"messages": [1, 2]}}) == [1, 2]
    assert messages_of({"input": ""}) is None
    assert messages_of("text") is None


def test_context_of_a_real_agent(shared_data: Path) -> None:
    """Read in pydantic-ai-default.otlp.jsonl: the planner's second call adds one message of tool results to three."""
    found = context_of(recording(shared_data / "otlp" / "pydantic-ai-default.otlp.jsonl"))
    assert {one.source for one in found} == {"messages"}
    planner = [one for one in found if one.tokens_in in (58, 81)]
    assert [(one.messages, one.new, one.new_tokens) for one in planner] == [(2, (0, 1), 58), (4, (3,), 23)]


def test_context_of_a_session_that_was_compacted(shared_data: Path) -> None:
    """Usage alone is recorded in a Claude Code transcript; after a summary the input falls from 155k to 39k tokens."""
    found = context_of(recording(shared_data / "claude-code" / "erk-runner-compact-2.6MB.jsonl"))
    assert {one.source for one in found} == {"usage"}
    (drop,) = [one for one in found if one.dropped_tokens > 100_000]
    assert drop.tokens_in == 39_037
    assert drop.dropped_tokens == 155_030 - 39_037


def test_context_of_the_sample(samples: Database) -> None:
    """The first call of the failing run is given the task; the next one, of another agent, records no messages."""
    first, second = context_of(samples.view("run-95f59d74"))
    assert (first.source, first.messages, first.new) == ("messages", 1, (0,))
    assert (second.source, second.before) == ("usage", -1)


def test_a_step_at_a_time_is_the_same_as_all_steps() -> None:
    """``Contexts.of`` says of each step what ``context_of`` says; of what is no model step nothing."""
    rng = random.Random(5)
    with tracetui.open("memory://") as db:
        run = db.create_run("mixed")
        put = TraceStore(db).record_with_options
        history: list[dict[str, str]] = []
        for n in range(60):
            parent = None if n < 3 else f"{rng.randrange(3)}"
            if n < 3:
                put(run.id, Custom("Agent", {}), id=str(n), timestamp=0)
                continue
            history = [*history, {"role": "user", "content": str(rng.randrange(4))}][rng.randrange(3) :]
            data: Any = {"input": list(history), "output": "x"} if rng.random() < 0.8 else None
            metadata: Any = {
                "model": rng.choice(["a", "b"]),
                "usage": {"input": rng.randrange(100), "output": 1},
            }
            put(run.id, Custom("LLM", data), id=str(n), parent_id=parent, timestamp=rng.randrange(50), metadata=metadata)  # fmt: skip
        view = db.view(run.id)
        contexts = Contexts(view)
        whole = context_of(view)
        assert len(whole) == len(contexts) == 57
        for number, step in enumerate(whole):
            assert contexts.of(step.seq) == step
            assert contexts.number(step.seq) == number
        assert contexts.of(0) is None
        assert contexts.number(0) == -1
        assert contexts.before(whole[3].seq) == whole[3].seq
        assert contexts.before(-1) == contexts.before(view.count) == -1
