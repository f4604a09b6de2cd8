"""How a run is played: what comes when, and that somebody who moves stays where they are."""

from __future__ import annotations

import pytest

from tests.tui.conftest import T0
from tests.tui.driving import main_screen, screen_text, settle
from tests.tui.test_review import until
from tracetui import Database, Thought, TraceStore
from tracetui.tui.app import ExplorerApp
from tracetui.tui.view import replay
from tracetui.tui.view.moments import Moments
from tracetui.tui.view.replay import FRAME_SECONDS, LONGEST_SECONDS, SPEEDS, STEP_SECONDS, next_step


def moments_of(db: Database, times: list[int], *, has_times: bool = True) -> Moments:
    """Record thoughts at times; return their moments, at the first."""
    run = db.create_run()
    for at in times:
        TraceStore(db).record_with_options(run.id, Thought("x"), timestamp=T0 + at)
    moments = Moments(db.view(run.id), has_times=has_times)
    moments.at = 1
    return moments


def test_moments_come_as_they_did(memory: Database) -> None:
    """After the time that passed, shorter where that is wanted, never over two seconds; close ones together."""
    moments = moments_of(memory, [0, 500, 510, 60_500])
    assert next_step(moments, SPEEDS["1"]) == (0.5, 2)
    assert next_step(moments, SPEEDS["2"]) == (FRAME_SECONDS, 2)
    moments.at = 3
    assert next_step(moments, SPEEDS["1"]) == (LONGEST_SECONDS, 1)
    assert next_step(moments, SPEEDS["3"])[0] == pytest.approx(0.5999)
    moments.at = 4
    assert next_step(moments, SPEEDS["1"])[1] == 0


def test_without_times_steps_are_equal(memory: Database) -> None:
    """As with the speed that goes by traces."""
    moments = moments_of(memory, [0, 0, 0], has_times=False)
    assert next_step(moments, SPEEDS["1"]) == (STEP_SECONDS, 1)
    assert next_step(moments_of(memory, [0, 9_000]), SPEEDS["4"]) == (STEP_SECONDS, 1)


@pytest.mark.parametrize("speed", SPEEDS)
def test_every_speed_comes_to_the_end(memory: Database, speed: str) -> None:
    """Each moment is passed once, in order, and after the last there is none."""
    moments = moments_of(memory, [0, 10, 20, 5_000, 5_001, 9_000])
    steps = 0
    while (by := next_step(moments, SPEEDS[speed])[1]) > 0:
        assert moments.step(by)
        steps += 1
    assert moments.is_last
    assert 1 <= steps <= 5


async def test_a_run_plays_until_somebody_moves(
    memory: Database, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W asks how fast and plays from the beginning; moving stops it there; played to its end it says so."""
    app = ExplorerApp(memory, run_id=login)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        model = main_screen(app).model
        monkeypatch.setattr(replay, "STEP_SECONDS", 3600.0)
        await pilot.press("W", "4")
        await settle(pilot)
        assert model.moments is not None
        assert model.moments.at == 1
        assert "playing by trace" in screen_text(app)
        await pilot.press("W")
        await settle(pilot)
        assert "playing" not in screen_text(app)
        await pilot.press(*["greater_than_sign"] * 5, "W", "4", "k")
        await settle(pilot)
        assert "playing" not in screen_text(app)
        assert model.moments.at == 6
        monkeypatch.setattr(replay, "STEP_SECONDS", 0.01)
        await pilot.press("W", "4")
        await until(pilot, lambda: model.moments is not None and model.moments.is_last)
        await until(pilot, lambda: "that was all of it" in screen_text(app))
        await pilot.press("W", "4", "G")
        await settle(pilot)
        assert model.moments is None
