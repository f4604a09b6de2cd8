"""The picker's rows: cards from the catalog, what makes them anew, order, filter and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.conftest import T0, login_bug
from tracetui import Owner, Run, Thought, TraceStore
from tracetui.model.value import pack
from tracetui.store.database import Database, open_backend
from tracetui.store.ownership import this_process
from tracetui.tui.view.card import Standings, make_card, read_card
from tracetui.tui.view.picker import Board, PickerModel, card_lines, row_pieces


def text_of(lines: list[list[tuple[str, str]]]) -> str:
    """Return lines of pieces as text."""
    return "\n".join("".join(text for text, _ in line) for line in lines)


def opened(place: Path) -> Database:
    """Open a store of files, as the explorer does."""
    return Database(open_backend(str(place)), owning=False)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Make a store of a failed run, a good one and an open one, with catalog and cards."""
    with opened(tmp_path) as db:
        login_bug(db)
        db.restore_run("good", name="good", created_ms=T0 + 1)
        TraceStore(db).record("good", Thought("fine"))
        db.end_run("good")
        db.restore_run("open", created_ms=T0 + 2)
        board = Board(db)
        for row in board.rows() or []:
            board.make(row.run)
        board.save()
    return tmp_path


def test_a_board_opens_no_log_whose_card_is_kept(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and previews come from the catalog alone, the same as from the runs."""
    with opened(filled) as db:
        wanted = [make_card(db, run, Standings(T0 + 10**9).of(run), T0 + 10**9) for run in db.runs()]
    with opened(filled) as db:
        monkeypatch.setattr(db.backend, "view", None)
        rows = Board(db).rows() or []
        assert [row.label for row in rows] == ["ENDED", "OK", "FAILED"]
        assert [row.card for row in rows] == wanted
        shown = text_of(card_lines(rows[2], 60))
    for said in ("FAILED", "ended by", "pytest exited 2", "3, 0 recovered", "bash 6.6s", "shape", "auth"):
        assert said in shown
    assert "940" in text_of([row_pieces(rows[2], 100, T0)])


def test_a_card_is_made_anew_when_its_run_changes(filled: Path) -> None:
    """A record, and a note that leaves all figures alike; other rows keep theirs, and no news is none."""
    with opened(filled) as db:
        board = Board(db)
        assert all(row.card for row in board.rows() or [])
        assert board.rows() is None
        TraceStore(db).annotate("good", TraceStore(db).list("good")[0].id, "look")
        TraceStore(db).record("open", Thought("more"))
        rows = board.rows() or []
        assert [row.card is None for row in rows] == [True, True, False]
        for row in rows[:2]:
            board.make(row.run)
        board.save(at_last=True)
    with opened(filled) as db:
        assert all(row.card for row in Board(db).rows() or [])


def test_standing_decides_whether_a_card_of_an_open_run_holds() -> None:
    """Owners alive, dead, unknown; recent or silent; ended runs have none."""
    alive = this_process()
    dead = Owner(alive.host, alive.boot_id, alive.pid_namespace, 2**22 + 5, "1")
    standings = Standings(T0)
    runs = {
        "owned": Run("r", owners=(dead, alive)), "lost": Run("r", owners=(dead,)),
        "fresh": Run("r", last_ms=T0 - 59_000), "quiet": Run("r", last_ms=T0 - 61_000),
        "": Run("r", status="completed", owners=(alive,)),
    }  # fmt: skip
    assert {standings.of(run): run for run in runs.values()} == runs


def test_digests_of_others_are_not_read() -> None:
    """Another version's, or bytes that are none."""
    for digest in (b"", b"\xc1", pack([2, "OK"]), pack([1, "OK"]), pack(7), pack([])):
        assert read_card(digest) is None


def test_a_run_that_cannot_be_read_says_so(filled: Path) -> None:
    """Its card and preview tell what is wrong."""
    (filled / "runs" / "good.log").write_bytes(b"nothing")
    with opened(filled) as db:
        board = Board(db)
        model = PickerModel(db)
        model.show(board.rows())
        (row,) = model.missing()
        model.fill([(row, board.make(row.run))])
        assert (row.run.id, row.label) == ("good", "DAMAGED")
        assert "7 bytes" in text_of(card_lines(row, 200))


def test_order_filter_and_counts(filled: Path) -> None:
    """By every column; words, and words of one field; the first to show is the newest that failed."""
    with opened(filled) as db:
        model = PickerModel(db)
        assert (model.counts(), model.total) == ("reading the runs…", 0)
        model.show(model.board.rows())
        assert model.counts() == "3 runs   1 failed   0 live"
        assert model.first_to_show() == model.row_of("run-login-bug") == 2
        firsts = {}
        for model.sort in ("started", "verdict", "name", "duration", "traces", "errors", "tokens", "cost"):
            model.arrange()
            firsts[model.sort] = model.rows[0].run.id
        bug = "run-login-bug"
        assert firsts == {
            "started": "open", "verdict": bug, "name": "open", "duration": bug, "traces": bug, "errors": bug,
            "tokens": bug, "cost": bug,
        }  # fmt: skip
        model.sort = "started"
        for text, wanted in {
            "tag:auth": [bug],
            "verdict:ok": ["good"],
            "name:go": ["good"],
            "fail fix": [bug],
        }.items():
            model.filter = text
            model.arrange()
            assert [row.run.id for row in model.rows] == wanted
        model.show(None)
        assert model.total == 3
