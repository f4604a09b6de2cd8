"""Slow spots, gaps and the critical path as places to go to."""

from __future__ import annotations

import random

import tracetui
from tests.tui.conftest import T0
from tracetui import Custom, Database, ToolCall, TraceDraft, TraceStore, TraceType
from tracetui.tui.view.spots import Spots, places_of, spots_of, still


def waiting_run(db: Database) -> str:
    """Record two turns: work, an idle stretch, work; then the user is awaited; then more work."""
    run = db.restore_run("run-waiting", name="waiting", created_ms=T0)
    rows: list[tuple[str, str | None, TraceType, int, int | None]] = [
        ("agent", None, Custom("Agent", {"name": "a"}), 0, None),
        ("turn1", "agent", Custom("Turn", {"prompt": "go"}), 0, None),
        ("llm1", "turn1", Custom("LLM", {"output": "x"}), 0, 2_000),
        ("bash1", "turn1", ToolCall("bash", {"command": "make"}), 2_000, 5_000),
        ("step", "turn1", Custom("Step", None), 13_000, None),
        ("llm2", "step", Custom("LLM", {"output": "y"}), 13_000, 1_000),
        ("turn2", "agent", Custom("Turn", {"prompt": "more"}), 60_000, None),
        ("bash2", "turn2", ToolCall("bash", {"command": "make"}), 60_000, 4_000),
    ]
    drafts = [
        TraceDraft(
            kind,
            name,
            parent,
            timestamp=T0 + at,
            end_ms=None if took is None else T0 + at + took,
        )
        for name, parent, kind, at, took in rows
    ]
    TraceStore(db).record_many(run.id, drafts)
    db.end_run(run.id, "completed", ended_ms=T0 + 64_000)
    return run.id


def found(db: Database, run_id: str) -> Spots:
    """Return the spots of a run."""
    return spots_of(still(db.view(run_id)))


def test_gaps_stand_before_the_outermost_trace_that_began_after_them(memory: Database) -> None:
    """An idle gap before the step that ended it, not before the model call in the step; waiting before the turn."""
    run_id = waiting_run(memory)
    view, spots = memory.view(run_id), found(memory, run_id)
    told = [(gap.waiting, view.ids[seq]) for gap, seq in zip(spots.timing.gaps, spots.anchors, strict=True)]
    assert told == [(False, "step"), (True, "turn2")]


def test_slow_spots_go_round_in_order_of_time_and_leave_waiting_out(memory: Database) -> None:
    """Forward and back from anywhere; a gap is told with the trace that ends it, and why in words."""
    run_id = waiting_run(memory)
    view, spots = memory.view(run_id), found(memory, run_id)
    ids = [view.ids[spot.seq] for spot in spots.spots]
    assert ids == ["bash1", "llm2"]
    assert [spot.why() for spot in spots.spots] == [
        "slow: 5.0s of its own",
        "slow: nothing ran for 6.0s before it",
    ]
    at, seen = view.seq_of("agent") or 0, []
    for _ in range(3):
        spot = spots.next_spot(view.timestamps, at, 1)
        assert spot is not None
        at = spot.seq
        seen.append(view.ids[at])
    assert seen == ["bash1", "llm2", "bash1"]
    back = spots.next_spot(view.timestamps, view.seq_of("bash1") or 0, -1)
    assert back is not None
    assert view.ids[back.seq] == "llm2"


def test_the_critical_path_is_walked_once_through_each_trace(memory: Database) -> None:
    """From elsewhere to its first, then in order of time, then from the start; shares are of the whole span."""
    run_id = waiting_run(memory)
    view, spots = memory.view(run_id), found(memory, run_id)
    at, seen = -1, []
    for _ in range(5):
        at = spots.next_on_path(at)
        seen.append(view.ids[at])
    assert seen == ["llm1", "bash1", "llm2", "bash2", "llm1"]
    assert dict(spots.shares) == {"waiting for you": 46_000, "bash": 9_000, "llm": 3_000, "idle": 6_000}
    assert sum(ms for _, ms in spots.shares) == 64_000
    assert spots.on_path_at(T0 + 3_000) == view.seq_of("bash1")
    assert spots.on_path_at(T0 + 8_000) == -1
    gap = spots.gap_at(T0 + 8_000)
    assert gap is not None
    assert not gap.waiting
    assert spots.gap_at(T0 + 3_000) is None


def test_what_is_on_the_path_is_known_for_folded_rows_too(memory: Database) -> None:
    """A turn is not on the path, what is below it is; an empty range for a trace that came later."""
    run_id = waiting_run(memory)
    view, spots = memory.view(run_id), found(memory, run_id)
    turn = view.seq_of("turn1")
    assert turn is not None
    assert not spots.is_on_path(turn, below=False)
    assert spots.is_on_path(turn, below=True)
    assert not spots.is_on_path(10_000, below=True)


def test_an_empty_run_has_none() -> None:
    """Nothing to go to."""
    with tracetui.open("memory://") as db:
        run = db.create_run("empty")
        spots = found(db, run.id)
        assert spots.next_spot([], -1, 1) is None
        assert spots.next_on_path(-1) == -1


def test_places_are_those_of_the_tree_orphans_last() -> None:
    """Whatever the order of recording, a subtree is one stretch of places, and orphans come after all others."""
    rng = random.Random(7)
    with tracetui.open("memory://") as db:
        run = db.create_run("shuffled")
        drafts = [
            TraceDraft(Custom("Step"), "lost", "nobody", await_parent=True),
            TraceDraft(Custom("Step"), "0"),
        ]
        drafts += [TraceDraft(Custom("Step"), str(n), str(rng.randrange(n))) for n in range(1, 200)]
        TraceStore(db).record_many(run.id, drafts)
        view = db.view(run.id)
        places, sizes, orphans_from = places_of(view)
        assert sorted(places) == list(range(201))
        assert places[view.seq_of("lost") or 0] == orphans_from == 200
        for seq in range(view.count):
            parent = view.parents[seq]
            if parent >= 0:
                assert places[parent] < places[seq] < places[parent] + sizes[places[parent]]


def test_a_still_view_does_not_grow(memory: Database) -> None:
    """What is recorded while a worker reads is not in what it reads."""
    run = memory.create_run("live")
    put = TraceStore(memory).record_with_options
    put(run.id, ToolCall("bash", {}), timestamp=T0, end_ms=T0 + 1_000)
    view = memory.view(run.id)
    copy = still(view)
    put(run.id, ToolCall("bash", {}), timestamp=T0 + 99_000, end_ms=T0 + 100_000)
    view.refresh()
    assert copy.count == 1
    assert len(copy.timestamps) == 1
    assert spots_of(copy).timing.end_ms == T0 + 1_000
