"""Hostile text in every view, screen and dialog: it stays text, and every line is as wide as the screen."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.strip import Strip

from tests.tui.conftest import T0
from tests.tui.driving import SIZES, settle
from tracetui import Custom, Database, Decision, Error, Query, Thought, ToolCall, TraceStore
from tracetui.tui.app import ExplorerApp

EVIL = (
    "\x1b]52;c;aGk=\x07\x1b[31m\x9b2J\x9d0;t\x9c[/] [red]x[/] [@click=app.quit]y[/] \u202egnp\u2066\u200f\ufeff "
    "\x00\r\x08\x7f\t日本語 e\u0301o\u0308\u0323 \u0e01\u0e33 👩\u200d💻 \ufe0f ａ \ud83d\n\x85\u2028x"
)
OURS = "app.quit"


def evil_run(db: Database, run_id: str, status: str) -> str:
    """Record a run in which every text that can be anything is hostile."""
    run = db.restore_run(
        run_id, name=EVIL, tags=[EVIL], metadata={EVIL: EVIL, "cwd": EVIL}, created_ms=T0 + len(run_id)
    )
    put = TraceStore(db).record_with_options
    named = {"name": EVIL, "agent": EVIL, "model": EVIL, EVIL: EVIL, "usage": {"input": 9, "output": 2}}
    more = {"metadata": named, "tags": [EVIL]}
    put(run.id, Custom("Agent", {"name": EVIL}), id=f"{run_id}-a", timestamp=T0, end_ms=T0 + 90_000, **more)  # type: ignore[arg-type]
    below = {"parent_id": f"{run_id}-a", **more}
    kinds = (
        Custom("Turn", {"prompt": EVIL}),
        Custom("LLM", {"input": [{"role": EVIL, "content": EVIL}], "tool_calls": [EVIL], "output": f"# {EVIL}\n`{EVIL}`"}),
        Thought(EVIL, 0.5),
        Decision(EVIL, [EVIL, "b"], EVIL, EVIL),
        Query(EVIL, EVIL, 3),
        Custom(EVIL, {EVIL: [EVIL, {EVIL: EVIL}]}),
        *[ToolCall(EVIL, {EVIL: EVIL, "command": EVIL}, {EVIL: EVIL})] * 4,
        ToolCall(EVIL, {"command": run_id + EVIL}, EVIL + "z" * 5_000),
        Error(EVIL, f"{EVIL}\nletters {EVIL}", recoverable=False),
    )  # fmt: skip
    for n, kind in enumerate(kinds):
        at = T0 + n * 7_000
        put(run.id, kind, id=f"{run_id}{n}", timestamp=at, end_ms=at + 500, status="error" if n == 10 else "ok", **below)  # type: ignore[arg-type]  # fmt: skip
    TraceStore(db).annotate(run.id, f"{run_id}-a", EVIL, mark=True, why=EVIL)
    db.end_run(run.id, status, ended_ms=T0 + 90_000)
    return run.id


@pytest.fixture
def evil(memory: Database) -> str:
    """Record two such runs; return the one that failed."""
    evil_run(memory, "good", "completed")
    return evil_run(memory, "failed", "failed")


def actions(strip: Strip) -> Iterator[str]:
    """Yield what a click on the strip would do."""
    for segment in strip:
        if segment.style is not None:
            yield from (str(value) for key, value in segment.style.meta.items() if key.startswith("@"))


def check(app: ExplorerApp, after: str) -> str:
    """Assert that what is drawn is text alone and fills the screen; return it."""
    lines: list[Strip] = app.screen._compositor.render_strips()
    width, height = app.size
    assert len(lines) == height
    for number, line in enumerate(lines):
        text = "".join(segment.text for segment in line)
        bad = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
        assert bad == set(), (after, number, text)
        assert not any(segment.control for segment in line), (after, number)
        assert cell_len(text) == width == line.cell_length, (after, number, cell_len(text), text)
        assert not any(OURS in action for action in actions(line)), (after, number, text)
    return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines)


async def press(pilot: Pilot[int], *steps: str) -> None:
    """Press the keys of each step, and look at what is drawn after it."""
    app = pilot.app
    assert isinstance(app, ExplorerApp)
    for step in steps:
        await pilot.press(*step.split(" "))
        await pilot.pause(0.02)
        check(app, step)
    await settle(pilot)
    check(app, "the last")


VIEWS = {
    "tree": "g,equals_sign,j,j,j,j,j,j,j,j,G,full_stop,full_stop,full_stop,w,shift+right,t,c,c,z,Z,tab,j,j,equals_sign,G,escape",
    "waterfall": "equals_sign,g,j,j,s,p,plus,plus,shift+right,0,G",
    "transcript": "g,J,space,space,J,G,equals_sign,equals_sign,pageup,pageup",
    "stats": "j,j,s,s,S,G,pageup",
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", ["tree", "waterfall", "transcript", "stats"])
async def test_hostile_text_is_text_in_every_view(
    memory: Database, evil: str, view: str, size: tuple[int, int]
) -> None:
    """Rows, folds, badges, bars, entries, figures, and the detail with its tabs."""
    app = ExplorerApp(memory, run_id=evil, view=view)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        assert "␛]52" in check(app, "opening")
        await press(pilot, *VIEWS[view].split(","))


@pytest.mark.parametrize("size", SIZES[:2])
async def test_hostile_text_is_text_beside_another_run(
    memory: Database, evil: str, size: tuple[int, int]
) -> None:
    """The list of runs to choose from, the diff folded and unfolded, its detail."""
    app = ExplorerApp(memory, run_id=evil)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        await press(
            pilot, "d", "enter", "n", "n", "equals_sign", "g", "j", "j", "G", "x", "enter", "j", "escape"
        )


@pytest.mark.parametrize("size", SIZES[:2])
async def test_hostile_text_is_text_in_panes_prompts_and_dialogs(
    memory: Database, evil: str, size: tuple[int, int]
) -> None:
    """Filter panes, search, filter, notes and their list, copy and export menus, palette, help, notifications."""
    app = ExplorerApp(memory, run_id=evil)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        await press(
            pilot,
            "f",
            *["j"] * 6,
            "space",
            "J",
            "J",
            "j",
            "x",
            "w",
            "e v i l left_square_bracket slash right_square_bracket enter",
            "escape",
        )
        await press(
            pilot, "o", "slash", "left_square_bracket slash right_square_bracket enter", "n", "escape"
        )
        await press(pilot, "ampersand", "t a g colon tab", "escape", "M", "j", "escape", "a", "x enter")
        await press(pilot, "y", "escape", "x", "escape", "question_mark", "escape", "colon", *"evil")
        assert "Filter: evil[/]" in check(app, "palette")
        await press(pilot, "escape")
        app.notify(EVIL, title=EVIL)
        await press(pilot, "m", "less_than_sign", "less_than_sign", "greater_than_sign", "escape")


@pytest.mark.parametrize("size", SIZES[:2])
async def test_hostile_text_is_text_on_the_board(memory: Database, evil: str, size: tuple[int, int]) -> None:
    """Rows, card, marks, filter, sorting, renaming, tags, the question before a deletion."""
    app = ExplorerApp(memory)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        await press(
            pilot,
            "space",
            "j",
            "space",
            "k",
            "s",
            "R",
            "escape",
            "t",
            "escape",
            "D",
            "escape",
            "slash",
            "x enter",
            "escape",
        )
        await press(pilot, "d", "escape", "P", "R", "enter", "t", "enter")
        assert memory.run(evil).name == EVIL
        assert EVIL in memory.run(evil).tags
