"""Other places from the board: what was opened lately, what other tools recorded of this folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracetui
from tests.tui.conftest import T0, login_bug
from tests.tui.driving import SIZES, screen_text, settle, shows
from tests.tui.test_picker import board
from tracetui import Database
from tracetui.importing.discovery import Recording
from tracetui.importing.exporting import export_lines
from tracetui.render.cells import width_of
from tracetui.store.database import open_database
from tracetui.store.location import user_data_folder
from tracetui.tui import app as app_room
from tracetui.tui.app import ExplorerApp
from tracetui.tui.exploring import explore
from tracetui.tui.screens.listing import ListScreen
from tracetui.tui.state import StateFolder
from tracetui.tui.view.copying import Source
from tracetui.tui.view.offers import MOST_RECENT, folder_offers, offer_pieces, recent_offers, recent_with

RECORDINGS = [
    Recording("Claude Code", "claude-code", "/home/dev/.claude/projects/-w/a\x1b.jsonl", T0, 12_345),
    Recording("Codex", "not-yet", "/home/dev/.codex/sessions/rollout-1.jsonl", T0, 99),
]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let two recordings lie around."""
    monkeypatch.setattr("tracetui.tui.control.board.offering.recordings_of", lambda _: RECORDINGS)
    return iter(())


def test_places_are_remembered_newest_first_each_once() -> None:
    """As many as are kept; the place that is open is not offered; what was read wrongly is left out."""
    value: dict[str, object] = {}
    for number in range(MOST_RECENT + 5):
        value = recent_with(value, Source(f"/store-{number}"), T0 + number)
    value = recent_with(value, Source("/store-20"), T0 + 100)
    value = recent_with(json.loads(json.dumps(value)), Source("/a.jsonl", is_file=True), T0 + 200)
    offers = recent_offers(value, Source("/store-24"))
    assert len(offers) == MOST_RECENT - 1
    assert [(offer.source.location, offer.what) for offer in offers[:3]] == [
        ("/a.jsonl", "recording"), ("/store-20", "store"), ("/store-23", "store"),
    ]  # fmt: skip
    for wrong in ({}, {"places": 7}, {"places": [7, {}, {"location": 1, "is_file": True, "opened_ms": 1}]}):
        assert recent_offers(wrong, None) == []


@pytest.mark.parametrize("width", [30, 60, 200])
def test_a_row_says_what_a_place_is(width: int) -> None:
    """In one width, with nothing in it that a terminal would obey."""
    for offer in folder_offers(RECORDINGS):
        text = "".join(piece for piece, _ in offer_pieces(offer, width, T0))
        assert width_of(text) == max(width, 47)
        assert "\x1b" not in text
    assert [offer.why_not for offer in folder_offers(RECORDINGS)] == [
        "",
        "Codex recordings cannot be read yet",
    ]


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize("size", SIZES)
async def test_an_empty_store_offers_this_folders_recordings(memory: Database, size: tuple[int, int]) -> None:
    """It says what to do; Enter opens one that can be read; another says why not."""
    app = ExplorerApp(memory)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        await settle(pilot)
        text = screen_text(app)
        for said in (
            "No runs here yet.",
            "tracetui demo",
            "1 Claude Code recording",
            "a␛.jsonl",
            "cannot be read yet",
        ):
            assert said in text
        await pilot.press("j", "enter")
        await settle(pilot)
        assert "Codex recordings cannot be read yet" in screen_text(app)
        assert app.elsewhere is None
        await pilot.press("k", "enter")
        await settle(pilot)
    assert app.elsewhere == Source(RECORDINGS[0].path, is_file=True)


@pytest.mark.usefixtures("found")
async def test_other_places_are_offered_on_a_full_board(memory: Database, login: str, tmp_path: Path) -> None:
    """Those opened lately and the recordings, those that cannot be read last."""
    state = StateFolder(tmp_path)
    state.write("recent", recent_with({}, Source("/data/other"), T0))
    app = ExplorerApp(memory, state=state)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        assert board(app).current_id == login
        await pilot.press("o")
        await settle(pilot)
        assert shows(app, ListScreen)
        lines = [line for line in screen_text(app).splitlines() if "/data/other" in line or "jsonl" in line]
        assert [line.strip(" │").split()[0] for line in lines] == ["store", "Claude", "Codex"]
        await pilot.press("G", "enter")
        await settle(pilot)
        assert shows(app, ListScreen)
        await pilot.press("escape", "o")
        await settle(pilot)
        await pilot.press("enter")
    assert app.elsewhere == Source("/data/other")


async def test_nothing_to_offer_is_said(memory: Database, login: str) -> None:
    """On a board with runs."""
    app = ExplorerApp(memory)
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await settle(pilot)
        assert board(app).current_id == login
        await pilot.press("o")
        await settle(pilot)
        assert "nothing else was opened lately" in screen_text(app)


def test_one_comes_back_from_another_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store, a recording, and what cannot be opened, which is said when one is back; all are remembered."""
    with open_database(tmp_path / "other") as other:
        run_id = login_bug(other)
        (tmp_path / "a.jsonl").write_text("".join(line + "\n" for line in export_lines(other, run_id)))
    (tmp_path / "empty").write_text("hello")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "store.json").write_text('{"format": 99}')
    ways = [
        Source(str(tmp_path / "other")), Source(str(tmp_path / "a.jsonl"), is_file=True),
        Source(str(tmp_path / "empty"), is_file=True), Source(str(tmp_path / "new")),
    ]  # fmt: skip
    shown: list[tuple[str, str, bool]] = []

    def run(app: ExplorerApp, *, mouse: bool) -> int:
        """Stand for a person who goes from the first store to all other places."""
        importing = app._importing is not None
        at_home = app.source == Source("home")
        shown.append(("home" if at_home else Path(app.db.location).name, app._greeting, importing))
        if at_home and ways:
            app.elsewhere = ways.pop(0)
        return 0

    monkeypatch.setattr(app_room.ExplorerApp, "run", run)
    with tracetui.open("memory://") as db:
        assert explore(db, source=Source("home")) == 0
    assert [(name, importing) for name, _, importing in shown if name in ("home", "other")] == [
        ("home", False), ("other", False), ("home", False), ("home", False), ("home", False), ("home", False),
    ]  # fmt: skip
    assert sum(importing for *_, importing in shown) == 2
    greetings = [said for name, said, _ in shown if name == "home"]
    assert greetings[:3] == ["", "", ""]
    assert "newer" in greetings[-1] or "format" in greetings[-1]
    kept = json.loads((user_data_folder() / "explorer" / "recent.json").read_text())["places"]
    assert [Path(place["location"]).name for place in kept][-3:] == ["a.jsonl", "other", "home"]
