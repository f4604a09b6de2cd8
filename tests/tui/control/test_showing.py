"""Which parts are shown, and how."""

from __future__ import annotations

from tests.tui.conftest import login_bug
from tests.tui.driving import cursor_id, main_screen, screen_text, settle
from tracetui import Database, TraceStore
from tracetui.tui.app import ExplorerApp
from tracetui.tui.widgets.detail import DocumentView


async def test_the_detail_shows_every_tab_and_follows_links(memory: Database, login: str) -> None:
    """Tabs, folds, wrapping, and a link of the path."""
    TraceStore(memory).annotate(login, "error2", "look at this", mark=True)
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(200, 50), notifications=True) as pilot:
        await settle(pilot)
        text = screen_text(app)
        assert "path" in text
        assert "just before" in text
        for wanted in ("before this step", "id: error2", "look at this"):
            await pilot.press("full_stop")
            await settle(pilot)
            assert wanted in screen_text(app)
        await pilot.press("full_stop", "tab")
        await settle(pilot)
        screen = main_screen(app)
        rows = [
            screen.detail.view.document.lines[screen.detail.view.document.line_at(n)]
            for n in range(len(screen.detail.view.document))
        ]
        screen.detail.view.go_to(
            next(n for n, line in enumerate(rows) if line.seq == screen.model.view.seq_of("tests"))
        )
        await pilot.press("w", "w", "space", "enter")
        await settle(pilot)
        assert cursor_id(app) == "tests"


async def test_metrics_times_zoom_and_theme(memory: Database, login: str) -> None:
    """c, t, z, Z and the theme change what rows say."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        seen = set()
        for _ in range(6):
            await pilot.press("c")
            seen.add(main_screen(app).row_style.metric)
        assert len(seen) == 6
        for _ in range(3):
            await pilot.press("t")
        await pilot.press("h", "h", "h", "z")
        assert main_screen(app).model.tree.root is not None
        assert "zoomed" in screen_text(app)
        await pilot.press("Z")
        assert main_screen(app).model.tree.root is None
        app.action_app_theme()
        await settle(pilot)
        assert not app.current_theme.dark
        assert "fix-login-bug" in screen_text(app)


def said(detail: DocumentView, row: int) -> str:
    """Return what a row of the detail says."""
    return "".join(text for text, _ in detail.document.pieces(row))


async def test_a_second_click_follows_a_link_to_another_run(memory: Database, login: str) -> None:
    """Where an error was seen before is a click away, as it is one key away; a click on a plain line goes nowhere."""
    other = login_bug(memory, name="another", run_id="run-another")
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(200, 50), notifications=True) as pilot:
        await settle(pilot)
        detail = main_screen(app).detail.view
        seen = next(row for row in range(len(detail.document)) if "other run" in said(detail, row))
        await pilot.click(detail, offset=(1, seen - detail.scroll_offset.y))
        row = next(row for row in range(len(detail.document)) if "another" in said(detail, row))
        detail.scroll_to(y=row - 5, animate=False, immediate=True)
        await pilot.pause()
        await pilot.click(detail, offset=(10, 4), times=2)
        assert main_screen(app).model.run.id == login
        await pilot.click(detail, offset=(10, row - detail.scroll_offset.y), times=2)
        await settle(pilot)
        assert main_screen(app).model.run.id == other
