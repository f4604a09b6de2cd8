"""Following a run that goes on: the newest trace stays in view until somebody takes a place of his own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.events import MouseMove, MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.strip import Strip

from tests.tui.driving import following, main_screen, screen_text, settle, until
from tests.tui.runs import fixing
from tracetui import Custom, Database, Error, Query, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.tui.app import ExplorerApp
from tracetui.tui.screens.main import MainScreen
from tracetui.tui.widgets.bars import MinimapBar
from tracetui.tui.widgets.diff import DiffView
from tracetui.tui.widgets.lines import Lines

RUN = "run-live"
SIZE = (120, 32)
VIEWS = ["tree", "waterfall", "transcript"]
Take = Callable[[Pilot[int], Lines], Awaitable[object]]


async def wheel_up(pilot: Pilot[int], lines: Lines) -> None:
    """Turn the wheel up, over the fifth line."""
    await pilot._post_mouse_events([MouseScrollUp], lines, offset=(20, 5))


async def wheel_down(pilot: Pilot[int], lines: Lines) -> None:
    """Turn the wheel down, over the fifth line."""
    await pilot._post_mouse_events([MouseScrollDown], lines, offset=(20, 5))


async def drag_bar(pilot: Pilot[int], lines: Lines) -> None:
    """Take the handle of the scroll bar, near the end, two lines up."""
    bar = lines.vertical_scrollbar
    last = bar.size.height - 1
    await pilot.mouse_down(bar, offset=(0, last))
    await pilot._post_mouse_events([MouseMove], bar, offset=(0, last - 2), button=1)
    await pilot.mouse_up(bar, offset=(0, last - 2))


TAKES: dict[str, Take] = {
    "click": lambda pilot, lines: pilot.click(lines, offset=(20, 8)),
    "wheel": wheel_up,
    "above the handle": lambda pilot, lines: pilot.click(lines.vertical_scrollbar, offset=(0, 1)),
    "handle": drag_bar,
}


def two_agents(db: Database, traces: int = 60) -> TraceStore:
    """Record a run that goes on, of two agents at work."""
    store = TraceStore(db)
    db.create_run("live", id=RUN)
    for agent in ("one", "two"):
        store.record_with_options(RUN, Custom("Agent", {"name": agent}), id=agent, open=True)
        store.record_many(RUN, [said(agent, n) for n in range(traces)])
    return store


def said(agent: str, number: int) -> TraceDraft:
    """Return what an agent says next, of as many lines as its number tells."""
    return TraceDraft(Thought(f"{agent} {number}" + "\nand more" * (number % 4)), parent_id=agent)


async def news(pilot: Pilot[int], store: TraceStore, each: int = 3) -> None:
    """Let both agents go on, and wait until the screen has it: what the first says comes above much that is shown."""
    screen = pilot.app.screen
    assert isinstance(screen, MainScreen)
    wanted = screen.model.view.count + 2 * each
    store.record_many(RUN, [said(agent, n) for n in range(each) for agent in ("one", "two")])
    await until(pilot, lambda: screen.model.tree.row_of(wanted - 1) >= 0)
    await pilot.pause(0.05)


def seen(lines: Lines) -> list[str]:
    """Return what the lines of a list say on the screen, without the columns of time."""
    top = lines.scroll_offset.y
    rows = range(top, min(top + lines.page, lines.row_count()))
    return ["".join(text for text, _ in lines.row_pieces(row, 60))[:28].rstrip() for row in rows]


@pytest.mark.parametrize("view", VIEWS)
async def test_the_mouse_takes_a_place_in_a_live_run(memory: Database, view: str) -> None:
    """A click, the wheel and the scroll bar pause it: nothing moves when traces come above and below; G follows again."""
    store = two_agents(memory)
    app = ExplorerApp(memory, run_id=RUN, view=view)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        screen = main_screen(app)
        pane = screen.current
        for name, take in TAKES.items():
            assert following(screen), name
            await take(pilot, pane)
            await until(pilot, lambda: not following(screen))
            await pilot.pause(0.2)  # the scroll bar glides
            shown, seq = seen(pane), pane.cursor_seq
            await news(pilot, store)
            assert seen(pane) == shown, name
            assert pane.cursor_seq == seq
            assert f"PAUSED +6 of {screen.model.view.count}" in screen_text(app)
            await pilot.press("G")
            assert following(screen)
            assert pane.cursor_seq == screen.model.view.count - 1


@pytest.mark.parametrize("view", VIEWS)
async def test_the_end_stays_in_view_while_nobody_moves(memory: Database, view: str) -> None:
    """What comes is followed, whatever comes above; the wheel has nothing below the end to go to."""
    store = two_agents(memory)
    app = ExplorerApp(memory, run_id=RUN, view=view)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        screen = main_screen(app)
        pane = screen.current
        for _ in range(2):
            await news(pilot, store)
            assert pane.cursor_seq == screen.model.view.count - 1
            assert pane.shows(pane.cursor)
        if view != "transcript":  # there the newest entry may have lines below the screen
            await wheel_down(pilot, pane)
            assert following(screen)


async def test_a_live_run_is_followed_until_one_moves_up(memory: Database) -> None:
    """Moving up pauses and counts; F follows again; the end of the run is noticed."""
    store = two_agents(memory)
    app = ExplorerApp(memory, run_id=RUN)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        screen = main_screen(app)
        newest = screen.tree_view.cursor
        await pilot.press("j", "pagedown", "J")
        assert following(screen)
        await pilot.press("k")
        assert not following(screen)
        await news(pilot, store)
        assert screen.tree_view.cursor == newest - 1 + 3
        assert "PAUSED +6" in screen_text(app)
        await pilot.press("F")
        assert screen.tree_view.cursor == newest + 6
        memory.end_run(RUN)
        await until(pilot, lambda: screen.model.verdict.label == "OK")


@pytest.mark.parametrize(
    "keys",
    [
        ["K"],
        ["h"],
        ["g"],
        ["pageup"],
        ["e"],
        ["slash", "o", "n", "e"],
        ["tab"],
        ["enter"],
    ],
)
async def test_every_key_that_goes_somewhere_stays_there(memory: Database, keys: list[str]) -> None:
    """Siblings, parents, errors, hits while one types and the detail take a place as moving up does."""
    store = two_agents(memory, 5)
    store.record_child(RUN, "one", Error("ToolError", "it broke", recoverable=True))
    app = ExplorerApp(memory, run_id=RUN)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        screen = main_screen(app)
        assert following(screen)
        await pilot.press(*keys)
        await settle(pilot)
        assert not following(screen)
        seq = screen.current.cursor_seq
        await news(pilot, store)
        assert screen.current.cursor_seq == seq


async def test_a_click_on_the_map_or_on_a_link_takes_a_place(memory: Database) -> None:
    """Neither the minimap nor a link of the detail leads to a place that one is pulled away from."""
    store = two_agents(memory)
    app = ExplorerApp(memory, run_id=RUN)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        screen = main_screen(app)
        await pilot.click(MinimapBar, offset=(3, 0))
        assert not following(screen)
        assert screen.tree_view.cursor_seq < 10
        await pilot.press("F")
        await settle(pilot)
        lines = screen.detail.view.document.lines
        row = next(n for n, line in enumerate(lines) if line.seq >= 0)
        await pilot.click(screen.detail.view, offset=(10, row), times=2)
        assert not following(screen)
        assert screen.tree_view.cursor_seq == lines[row].seq
        await news(pilot, store)
        assert screen.tree_view.cursor_seq == lines[row].seq


async def test_who_reads_the_detail_is_not_pulled_away(memory: Database) -> None:
    """The wheel in the detail takes a place too; what one reads stays where it is when its call ends."""
    store = two_agents(memory)
    text = "\n".join(f"line {n}" for n in range(80))
    store.record_with_options(RUN, ToolCall("bash", {"command": text}), id="call", parent_id="two", open=True)
    app = ExplorerApp(memory, run_id=RUN)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        screen = main_screen(app)
        detail = screen.detail.view
        assert screen.model.view.ids[screen.current.cursor_seq] == "call"
        await pilot.press("w")
        await wheel_down(pilot, detail)
        await wheel_down(pilot, detail)
        assert not following(screen)
        top = detail.scroll_offset.y
        assert top > 0
        store.complete(RUN, "call", result="done")
        await news(pilot, store)
        await until(pilot, lambda: "done" in screen.detail.text())
        assert screen.model.view.ids[screen.current.cursor_seq] == "call"
        assert detail.scroll_offset.y == top


async def test_the_filter_panes_are_no_place_in_the_run(memory: Database) -> None:
    """Whoever clicks in the panes, or moves there, goes on following."""
    two_agents(memory)
    app = ExplorerApp(memory, run_id=RUN)
    async with app.run_test(size=(160, 40), notifications=True) as pilot:
        await settle(pilot)
        screen = main_screen(app)
        await pilot.press("f", "j", "j", "k")
        await pilot.click(screen.facets.list, offset=(5, 3))
        assert following(screen)


@pytest.mark.parametrize("view", VIEWS)
async def test_another_size_does_not_fetch_back_who_scrolled_away(memory: Database, view: str) -> None:
    """Resizing keeps the topmost line if the cursor was out of view, and the cursor in view if it was in it."""
    two_agents(memory)
    app = ExplorerApp(memory, run_id=RUN, view=view)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        pane = main_screen(app).current
        for size in ((120, 16), (170, 50), (120, 32)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert pane.shows(pane.cursor)
        for _ in range(12):
            await wheel_up(pilot, pane)
        assert not pane.shows(pane.cursor)
        first = seen(pane)[0]
        for size in ((120, 20), (170, 36), (120, 32)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert seen(pane)[0] == first


async def test_a_diff_of_a_live_run_stays_as_one_left_it(
    memory: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compared anew as the run grows, it keeps its folds, its cursor and what is on the screen."""
    monkeypatch.setattr("tracetui.tui.widgets.diff.AGAIN_SECONDS", 0.0)
    monkeypatch.setattr("tracetui.tui.widgets.diff.SHARE_OF_TIME", 0.0)
    store, good = two_agents(memory), fixing(memory, good=True, reads=20)
    app = ExplorerApp(memory, run_id=RUN, view="diff", beside=good)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        pane = main_screen(app).current
        assert isinstance(pane, DiffView)
        await until(pilot, lambda: pane.shown is not None)
        await pilot.press("equals_sign", "g")
        await wheel_down(pilot, pane)
        await wheel_down(pilot, pane)
        await wheel_down(pilot, pane)
        assert not following(main_screen(app))
        shown, rows, before = seen(pane), pane.row_count(), pane.shown
        await news(pilot, store)
        await until(pilot, lambda: pane.shown is not before)
        assert pane.row_count() >= rows
        assert seen(pane) == shown


async def test_the_figures_of_a_live_run_stay_where_one_scrolled(
    memory: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted anew, the table does not scroll back to its cursor."""
    monkeypatch.setattr("tracetui.tui.widgets.stats.REST_SECONDS", 0.0)
    store = two_agents(memory)
    store.record_many(RUN, [TraceDraft(ToolCall(f"tool{n}", {}, 1, n), parent_id="two") for n in range(40)])
    app = ExplorerApp(memory, run_id=RUN, view="stats")
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        pane = main_screen(app).current
        for _ in range(6):
            await wheel_down(pilot, pane)
        assert not following(main_screen(app))
        top = pane.scroll_offset.y
        assert top > pane.cursor
        row = pane.cursor
        store.record_many(RUN, [TraceDraft(Query("slow", "q"), status="ok", end_ms=2**41)] * 5)
        await until(pilot, lambda: pane.cursor != row)
        assert pane.scroll_offset.y == top


async def test_only_what_ticks_is_drawn(memory: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing comes, a second draws the rows of open calls, with what they have taken by now, and no others."""
    two_agents(memory)
    drawn: list[int] = []
    draw = Lines._draw

    def counted(self: Lines, row: int, width: int, *, at_cursor: bool) -> Strip:
        drawn.append(row)
        return draw(self, row, width, at_cursor=at_cursor)

    app = ExplorerApp(memory, run_id=RUN)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        screen = main_screen(app)
        await pilot.press("g")
        await until(pilot, lambda: screen.model.insight.count == screen.model.view.count)
        await settle(pilot)
        monkeypatch.setattr(Lines, "_draw", counted)
        drawn.clear()
        before = screen_text(app).splitlines()[3]
        screen.row_style.now_ms += 3_600_000
        screen.current.tick()
        await pilot.pause()
        assert set(drawn) == {0}
        assert screen_text(app).splitlines()[3] != before
