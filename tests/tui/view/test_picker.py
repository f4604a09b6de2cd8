"""The picker's rows: cards from the catalog, what makes them anew, order, filter, marks and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import tracetui
from tests.tui.conftest import T0, login_bug
from tracetui import Owner, QueryError, Run, Thought, TraceStore
from tracetui.model.value import pack
from tracetui.render.cells import width_of
from tracetui.store.database import Database, open_backend
from tracetui.store.ownership import this_process
from tracetui.tui.view.board import Board, PickerRow
from tracetui.tui.view.card import Card, Standings, make_card, read_card
from tracetui.tui.view.picker import SORTS, PickerModel
from tracetui.tui.view.picker_rows import card_lines, columns, heading, row_pieces, sort_at
from tracetui.tui.view.tagging import tag_words, tags_of_words


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


def test_while_the_others_are_read_the_board_says_so() -> None:
    """The runs that were written last are there, and are not taken for all."""
    model = PickerModel(tracetui.open("memory://"))
    assert model.counts() == "reading the runs…"
    model.show([PickerRow(Run("a", created_ms=T0))], reading=True)
    assert model.counts() == "the 1 written last; reading the others…"
    model.show([PickerRow(Run("a", created_ms=T0)), PickerRow(Run("b", created_ms=T0))])
    assert model.counts().startswith("2 runs")


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
        assert "940" in text_of([row_pieces(PickerModel(db), rows[2], 100, T0)])
    for said in (
        "FAILED", "ended by", "pytest exited 2", "3, 0 recovered", "bash 6.6s", "shape", "auth",
        "loops     bash pytest -q ×3 (6.6s, 15% of run)",
    ):  # fmt: skip
        assert said in shown


def test_a_card_is_made_anew_when_its_run_changes(filled: Path) -> None:
    """A record, and a note that leaves all figures alike; other rows keep theirs, and no news is none."""
    with opened(filled) as db:
        board = Board(db)
        assert all(row.card for row in board.rows() or [])
        assert board.rows() is None
        TraceStore(db).annotate("good", TraceStore(db).list("good")[0].id, "look")
        TraceStore(db).record("open", Thought("more"))
        rows = board.rows() or []
        assert [row.is_stale for row in rows] == [True, True, False]
        assert [row.label for row in rows] == ["ENDED", "OK", "FAILED"]
        for row in rows[:2]:
            board.make(row.run)
        assert not any(row.is_stale for row in board.rows() or [])
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
        firsts, lasts = {}, {}
        for sort in SORTS:
            model.sort_by(sort)
            firsts[sort] = model.rows[0].run.id
            model.sort_by(sort)
            lasts[sort] = model.rows[0].run.id
        bug = "run-login-bug"
        assert firsts == {**dict.fromkeys(SORTS, bug), "started": bug}
        assert lasts == {**dict.fromkeys(SORTS, "good"), "started": "open", "traces": "open", "name": "open"}
        model.sort_by("started")
        for text, wanted in {
            "tag:auth": [bug], "tag:aut": [], "verdict:ok": ["good"], "name:go": ["good"], "fail fix": [bug],
            "errors:>2 dur:30s.. loop:true": [bug], "NOT failed": ["open", "good"], "live:true": [],
            "tokens:940 cost:>0.001": [bug], "login-bug": [bug], "started:-1h..": [], "": ["open", "good", bug],
        }.items():  # fmt: skip
            assert model.set_filter(text) is None
            assert [row.run.id for row in model.rows] == wanted, text
        model.show(None)
        assert model.total == 3


def test_a_filter_that_cannot_be_read_leaves_the_rows(filled: Path) -> None:
    """What is wrong is said; the filter of before stays."""
    with opened(filled) as db:
        model = PickerModel(db)
        model.show(model.board.rows())
        model.set_filter("failed")
        for text in ("errors:", "(failed", "errors:many", "verdikt:ok", "failed | count"):
            assert isinstance(model.set_filter(text), QueryError)
            assert (model.filter, len(model.rows)) == ("failed", 1)


def test_what_fails_while_one_looks_is_told_once() -> None:
    """A run that went on, or one that began since; not one that failed before, nor one that ends well."""
    with tracetui.open("memory://") as db:
        old, now = Run("old", created_ms=T0), 4_000_000_000_000
        runs = [Run("new", created_ms=now), Run("live", created_ms=T0), Run("fine", created_ms=T0), old]
        live, bad = Card("LIVE", "owned"), Card("FAILED", "")
        model = PickerModel(db)
        model.show([PickerRow(run, live) for run in runs[1:3]] + [PickerRow(old, bad)])
        assert model.take_failed() == []
        rows = [PickerRow(run) for run in runs]
        model.show(rows)
        model.fill(zip(rows, (bad, bad, Card("OK", ""), bad), strict=True))
        assert [row.run.id for row in model.take_failed()] == ["new", "live"]
        assert model.take_failed() == []
        assert text_of([row_pieces(model, rows[1], 80, T0)]).startswith(" !  live")
        model.calm("live")
        assert text_of([row_pieces(model, rows[1], 80, T0)]).startswith(" x  live")
        assert list(model.alarmed) == ["new"]
        model.show([])
        assert not model.alarmed


def test_marks_and_the_sides_of_a_diff() -> None:
    """Two marks, one and the cursor, none and the newest good run of the name; a third takes the second's place."""
    with tracetui.open("memory://") as db:
        model = PickerModel(db)
        rows = [
            PickerRow(Run("bad", "fix", created_ms=T0 + 3), Card("FAILED", "")),
            PickerRow(Run("good", "fix", created_ms=T0 + 2), Card("OK", "")),
            PickerRow(Run("older", "fix", created_ms=T0 + 1), Card("OK", "")),
            PickerRow(Run("lone", created_ms=T0), Card("FAILED", "")),
        ]
        model.show(rows)
        assert model.sides("bad") == ("good", "bad")
        assert model.sides("lone") is None
        model.mark("older")
        assert model.sides("bad") == ("older", "bad")
        assert model.sides("older") is None
        model.mark("lone")
        assert model.sides("bad") == ("older", "lone")
        model.mark("bad")
        assert model.marked == ["older", "bad"]
        signs = [text_of([row_pieces(model, row, 80, T0)])[:2] for row in rows]
        assert signs == ["Bx", " o", "Ao", " x"]
        model.mark("older")
        assert model.marked == ["bad"]
        model.show(rows[1:])
        assert model.marked == []


def test_a_live_run_ticks_and_an_unknown_one_shows_what_is_known() -> None:
    """Its duration is that of now; errors are the run's own count until there is a card."""
    row = PickerRow(Run("r", created_ms=T0, errors=2), Card("LIVE", "owned", duration_ms=7))
    assert row.duration_ms(T0 + 5_000) == 5_000
    row = PickerRow(Run("r", created_ms=T0, errors=2))
    assert (row.label, row.errors, row.duration_ms(T0 + 5_000)) == ("…", 2, 0)
    assert row.get("dur") == ()


@pytest.mark.parametrize("width", [20, 40, 65, 66, 80, 120, 200])
def test_heading_and_rows_have_one_width(width: int) -> None:
    """Whatever a name or a tag holds; the heading names the column that a click is on."""
    hostile = "\x1b]52;c;aGk=\x07[/] [red]日本語\u202e" + "x" * 300
    with tracetui.open("memory://") as db:
        model = PickerModel(db)
        run = Run(hostile, hostile, created_ms=T0, tags=("pinned", hostile, "b"), traces=12)
        text = text_of([row_pieces(model, PickerRow(run, Card(hostile, "")), width, T0)])
        title = text_of([heading(width, "cost")])
        assert width_of(text) == width_of(title) == max(width, width_of(title))
        assert not set(text) & set("\x1b\x07\u202e")
        for column in columns(width):
            end = title.index(column.title) + len(column.title)
            assert sort_at(end - 1, width) == column.sort
        assert [sort_at(2, width), sort_at(5, width)] == ["verdict", "name"]
        told = text_of(card_lines(PickerRow(run, Card("FAILED", "")), width))
        assert not set(told) & set("\x1b\x07\u202e")
        assert all(width_of(line) <= max(width, 20) for line in told.splitlines())


def test_tags_are_edited_as_words() -> None:
    """What is shown of a hostile tag stands for the tag itself; quotes hold spaces; none is there twice."""
    hostile = "a\x1bb"
    assert tags_of_words(tag_words(["auth", "two words", hostile, "it's"]), ["two words", hostile]) == [
        "auth", "two words", hostile, "it's",
    ]  # fmt: skip
    assert tags_of_words("  ", ["a"]) == []
    with pytest.raises(ValueError, match="quotation"):
        tags_of_words("'a", [])


def test_dear_cards_are_made_more_rarely(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that took a second is due again after twenty; meanwhile the one of before is shown."""
    now = [100.0]
    monkeypatch.setattr("tracetui.tui.view.board.time.monotonic", lambda: now[0])

    def slow(*given: object) -> Card:
        now[0] += 1.0
        return make_card(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("tracetui.tui.view.board.make_card", slow)
    with opened(filled) as db:
        board = Board(db)
        (row,) = [row for row in board.rows() or [] if row.run.id == "open"]
        board.make(row.run)
        assert not board.is_due(row.run)
        now[0] += 20.5
        assert board.is_due(row.run)
