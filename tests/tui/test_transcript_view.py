"""The transcript on the screen."""

from __future__ import annotations

import pytest

from tests.tui.conftest import T0
from tests.tui.driving import SIZES, main_screen, screen_text, settle
from tests.tui.test_pictures import compare
from tests.tui.view.test_transcript import talk
from tracetui import Custom, Database, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.tui.app import ExplorerApp
from tracetui.tui.widgets.transcript import TranscriptView


def transcript(app: ExplorerApp) -> TranscriptView:
    """Return the transcript, which must be on the screen."""
    view = main_screen(app).current
    assert isinstance(view, TranscriptView)
    return view


def here(app: ExplorerApp) -> str:
    """Return the id of the trace under the cursor."""
    screen = main_screen(app)
    return screen.model.view.ids[screen.current.cursor_seq]


@pytest.mark.parametrize("size", SIZES)
async def test_the_transcript_looks_as_it_should(memory: Database, size: tuple[int, int]) -> None:
    """At every size: steps with what was new, what was answered, and how full the context was."""
    app = ExplorerApp(memory, run_id=talk(memory), view="transcript")
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("g")
        await settle(pilot)
        compare(f"transcript-{size[0]}x{size[1]}", screen_text(app))


async def test_the_place_is_kept_between_tree_and_transcript(memory: Database) -> None:
    """3 shows the entry of the trace under the cursor, 1 goes back to it; J and K go by steps; errors are found."""
    app = ExplorerApp(memory, run_id=talk(memory), trace_id="read")
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await settle(pilot)
        assert here(app) == "read"
        await pilot.press("K")
        assert here(app) == "m1"
        await pilot.press("J")
        assert here(app) == "m2"
        await pilot.press("1")
        await settle(pilot)
        assert here(app) == "m2"
        await pilot.press("3", "e")
        await settle(pilot)
        assert here(app) == "boom"
        await pilot.press("enter")
        await settle(pilot)
        assert "it broke" in screen_text(app)


async def test_entries_fold_and_unfold(memory: Database) -> None:
    """Space shows all of a long result, h its first line alone; - and = do so with all; the cursor stays."""
    app = ExplorerApp(memory, run_id=talk(memory), trace_id="read", view="transcript")
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        before = transcript(app).row_count()
        await pilot.press("space")
        assert transcript(app).row_count() > before + 80
        await pilot.press("h", "h")
        assert here(app) == "read"
        assert "line 0" not in screen_text(app)
        await pilot.press("minus")
        await settle(pilot)
        assert transcript(app).row_count() == 9
        assert here(app) == "read"
        await pilot.press("equals_sign")
        await settle(pilot)
        assert "line 0" in screen_text(app)
        assert here(app) == "read"


async def test_moving_through_entries_that_were_not_measured_misses_no_line(memory: Database) -> None:
    """Down and up over a long run pass every entry in order; the ends are the ends; pages overlap."""
    store, run = TraceStore(memory), memory.create_run("long")
    drafts = [
        TraceDraft(Thought("\n".join(["word"] * (n % 17 + 1))), str(n), timestamp=T0 + n) for n in range(120)
    ]
    store.record_many(run.id, drafts)
    memory.end_run(run.id, "completed")
    app = ExplorerApp(memory, run_id=run.id, trace_id="60", view="transcript")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        assert here(app) == "60"
        seen = ["60"]
        for _ in range(200):
            if len(seen) == 8:
                break
            await pilot.press("up")
            seen += [here(app)] if here(app) != seen[-1] else []
        assert seen == [str(n) for n in range(60, 52, -1)]
        await pilot.press("G")
        await settle(pilot)
        assert here(app) == "119"
        assert transcript(app).cursor == transcript(app).row_count() - 1
        passed: set[str] = set()
        for _ in range(200):
            passed.add(here(app))
            await pilot.press("pageup")
            if transcript(app).cursor == 0:
                break
        assert here(app) == "0"
        assert len(passed) > 30


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_payloads_stay_text_in_the_transcript(memory: Database, size: tuple[int, int]) -> None:
    """Escape sequences, markup and bidirectional marks in prompts, answers, arguments, results, names of models."""
    evil = "\x1b]52;c;QUJD\a\x1b[31m[red][/][@click=app.quit]x[/]\u202e日本\x9b **b**"
    run = memory.create_run("hostile")
    put = TraceStore(memory).record_with_options
    put(run.id, Custom("Turn", {"prompt": evil}), id="u", timestamp=T0)
    put(run.id, Custom("LLM", {"input": [{"role": evil, "content": evil}], "output": [{"role": "assistant", "content": evil,
        "tool_calls": [{"function": {"name": evil, "arguments": evil}}]}]}), timestamp=T0, metadata={"model": evil})  # fmt: skip
    put(run.id, ToolCall(evil, {evil: evil}, {evil: [evil]}), timestamp=T0)
    app = ExplorerApp(memory, run_id=run.id, view="transcript", trace_id="u")
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for _ in range(6):
            text = screen_text(app)
            assert "␛]52;" in text
            assert not any(char in text for char in "\x1b\a\x9b\u202e")
            await pilot.press("pagedown")
            await settle(pilot)


@pytest.mark.parametrize("name", ["deep", "wide"])
async def test_deep_and_wide_runs_have_waterfall_and_transcript(memory: Database, name: str) -> None:
    """A chain of 100,000 and 100,000 children of one parent, unfolded: ends, the critical path, the axis work."""
    store, run = TraceStore(memory), memory.restore_run(name, created_ms=T0)
    drafts = [TraceDraft(Custom("Agent", None), "0", timestamp=T0)]
    for n in range(1, 100_000):
        parent = str(n - 1) if name == "deep" else "0"
        drafts.append(
            TraceDraft(ToolCall("t", {"n": n}), str(n), parent, timestamp=T0 + n, end_ms=T0 + n + 1)
        )
    for start in range(0, len(drafts), 10_000):
        store.record_many(run.id, drafts[start : start + 10_000])
    memory.end_run(name, "completed", ended_ms=T0 + 100_000)
    app = ExplorerApp(memory, run_id=name, view="transcript")
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        await pilot.press("G")
        await settle(pilot)
        assert here(app) == "99999"
        assert "n: 99999" in screen_text(app)
        await pilot.press("g", "j", "pagedown", "2")
        await settle(pilot)
        await pilot.press("equals_sign", "G")
        await settle(pilot)
        assert here(app) == "99999"
        await pilot.press("p", "k", "plus", "0")
        await settle(pilot)
        assert "critical path:" in screen_text(app)


async def test_a_live_run_goes_on_in_the_transcript(memory: Database) -> None:
    """What comes is shown; the cursor stays with its trace."""
    run = memory.create_run("live")
    put = TraceStore(memory).record_with_options
    put(run.id, Thought("first"), id="a", timestamp=T0)
    app = ExplorerApp(memory, run_id=run.id, trace_id="a", view="transcript")
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        put(run.id, Thought("second"), id="b", timestamp=T0 + 1)
        await pilot.pause(0.9)
        await settle(pilot)
        assert "second" in screen_text(app)
        assert here(app) == "a"
