"""The run as of each of its traces."""

from __future__ import annotations

from tests.tui.conftest import T0
from tests.tui.driving import main_screen, screen_text, settle
from tracetui import Custom, Database, ToolCall, TraceStore
from tracetui.tui.app import ExplorerApp
from tracetui.tui.view.moments import Moments


def out_of_order(db: Database) -> str:
    """Record calls in another order than they ran in; a child is stamped before its parent."""
    run = db.restore_run("order", created_ms=T0)
    put = TraceStore(db).record_with_options
    put(run.id, Custom("Agent", None), id="a", timestamp=T0, end_ms=T0 + 900)
    put(run.id, ToolCall("late", {}), id="late", parent_id="a", timestamp=T0 + 500, end_ms=T0 + 600)
    put(run.id, ToolCall("early", {}), id="early", parent_id="a", timestamp=T0 + 100, end_ms=T0 + 550)
    put(run.id, ToolCall("under", {}), id="under", parent_id="late", timestamp=T0 + 50, end_ms=T0 + 60)
    db.end_run(run.id, "completed", ended_ms=T0 + 900)
    return run.id


def test_traces_come_in_order_of_time_and_never_before_what_they_are_below(memory: Database) -> None:
    """As of each: what was there is a tree, and what ends later had not ended."""
    view = memory.view(out_of_order(memory))
    moments = Moments(view, has_times=True)
    assert [view.ids[seq] for seq in moments.order] == ["a", "early", "late", "under"]
    moments.go_to(view.seq_of("late") or 0)
    assert (moments.at, moments.time_ms) == (3, T0 + 500)
    assert not moments.was_there(view.seq_of("under") or 0)
    assert not moments.was_there(99)
    assert not moments.had_ended(view.seq_of("early") or 0)
    for _ in range(9):
        moments.step(-1)
        there = {seq for seq in range(view.count) if moments.was_there(seq)}
        assert len(there) == moments.at
        assert all(view.parents[seq] < 0 or view.parents[seq] in there for seq in there)
    assert moments.at == 1
    assert not moments.step(-1)


def test_runs_without_times_have_steps_for_moments(memory: Database) -> None:
    """In the order of recording; what is recorded as ended has ended."""
    view = memory.view(out_of_order(memory))
    moments = Moments(view, has_times=False)
    assert list(moments.order) == [0, 1, 2, 3]
    moments.go_to(0)
    assert moments.had_ended(1)


async def test_the_tree_shows_only_what_was(memory: Database) -> None:
    """The first < is as of the trace under the cursor, the next one trace earlier; > and G go back to now."""
    app = ExplorerApp(memory, run_id=out_of_order(memory), trace_id="late")
    async with app.run_test(size=(160, 24)) as pilot:
        await settle(pilot)
        model = main_screen(app).model
        await pilot.press("less_than_sign")
        await settle(pilot)
        assert "as of +500ms (trace 3 of 4, G is now)" in screen_text(app)
        assert [model.view.ids[seq] for seq in model.tree.rows] == ["a", "late", "early"]
        assert model.is_open(model.view.seq_of("early") or 0)
        assert model.own_duration_ms(model.view.seq_of("early") or 0) is None
        await pilot.press("less_than_sign")
        assert [model.view.ids[seq] for seq in model.tree.rows] == ["a", "early"]
        await pilot.press("greater_than_sign", "greater_than_sign", "greater_than_sign")
        await settle(pilot)
        assert model.moments is None
        assert "as of" not in screen_text(app)
        await pilot.press("less_than_sign", "less_than_sign", "less_than_sign", "3")
        await settle(pilot)
        assert "under" not in screen_text(app)
        await pilot.press("G")
        await settle(pilot)
        assert model.moments is None
        assert not model.is_open(model.view.seq_of("early") or 0)
        await pilot.press("1", "less_than_sign", "escape")
        assert model.moments is None
