from __future__ import annotations

import tracetui
from tests.tui.conftest import login_bug
from tracetui import Custom, Thought, ToolCall, TraceStore
from tracetui.errors import QuerySyntaxError
from tracetui.querying.completion import Candidate
from tracetui.render.cells import width_of
from tracetui.tui.view.glyphs import glyphs
from tracetui.tui.view.minimap import minimap
from tracetui.tui.view.prompting import hint_pieces, place_of, words_of
from tracetui.tui.view.row_text import RowStyle, row_text
from tracetui.tui.view.run_model import RunModel


def text(pieces: list[tuple[str, str]]) -> str:
    """Return the text of pieces."""
    return "".join(piece for piece, _ in pieces)


def test_self_time_leaves_out_what_children_cover(memory: tracetui.Database) -> None:
    """Overlapping children count once, what sticks out beyond the parent not at all."""
    store, run = TraceStore(memory), memory.create_run()

    def put(name: str, start: int, end: int | None, parent: str | None = None) -> None:
        store.record_with_options(
            run.id, ToolCall(name, {}), id=name, parent_id=parent, timestamp=start, end_ms=end
        )

    put("root", 0, 1000)
    put("a", 100, 400, "root")
    put("b", 300, 500, "root")
    put("c", 900, 2000, "root")
    put("timeless", 600, None, "root")
    model = RunModel(memory, run.id)
    assert [model.self_ms(seq) for seq in range(5)] == [500, 300, 200, 1100, None]


def test_rows_fill_their_width_whatever_they_hold(memory: tracetui.Database, login: str) -> None:
    """Wide characters, deep nesting, every metric and time format: always the width asked for."""
    store, run = TraceStore(memory), memory.create_run(metadata={"time": "none"})
    parent = None
    for depth in range(20):
        parent = store.record_with_options(run.id, Thought("日本語 é" * depth), parent_id=parent)
    for model in (RunModel(memory, run.id), RunModel(memory, login)):
        model.tree.unfold_all()
        model.set_search("é", [3], done=True)
        for metric in ("duration", "self", "tokens", "cost", "context", "traces"):
            for time_format in ("offset", "clock", "off"):
                style = RowStyle(glyphs(ascii_only=False), metric, time_format)
                for row in range(len(model.tree)):
                    assert width_of(text(row_text(model, row, 70, style))) == 70


def test_narrow_rows_fill_their_width_too(memory: tracetui.Database) -> None:
    """Beside the filter panes of a small terminal, loops and deep rows are cut, and leave the time out."""
    model = RunModel(memory, login_bug(memory, loops=7))
    model.take_insight(model.look_into())
    model.tree.unfold_all()
    for width in (20, 31, 40, 49, 50):
        rows = [
            text(row_text(model, row, width, RowStyle(glyphs(ascii_only=False))))
            for row in range(len(model.tree))
        ]
        assert {width_of(row) for row in rows} == {width}
        assert any("+19.0s" in row for row in rows) == (width >= 50)
        assert any("×7" in row and "e7" in row for row in rows) == (width > 20)


def test_steps_stand_for_times_that_were_not_recorded(memory: tracetui.Database) -> None:
    """A run that says so has step numbers in the place of times."""
    run = memory.create_run(metadata={"time": "none"})
    TraceStore(memory).record(run.id, Thought("a"))
    model = RunModel(memory, run.id)
    assert "#1" in text(row_text(model, 0, 60, RowStyle(glyphs(ascii_only=False))))


def test_a_row_shows_where_a_search_hit_it(memory: tracetui.Database) -> None:
    """The words themselves if they are in the line, else a mark; the message it stands for counts too."""
    store, run = TraceStore(memory), memory.create_run()
    message = store.record(run.id, Custom("LLM", {"output": "a needle"}))
    store.record_child(run.id, message, ToolCall("sew", {"with": "needle"}, "thread"))
    model, style = RunModel(memory, run.id), RowStyle(glyphs(ascii_only=False))
    model.set_search("needle", [0, 1])
    assert ("needle", "hit") in row_text(model, 0, 60, style)
    model.set_search("thread", [1])
    assert (" /", "hit") in row_text(model, 0, 60, style)
    model.set_search("a needle", [0])
    assert (" /", "hit") in row_text(model, 0, 60, style)


def test_the_map_marks_hits(memory: tracetui.Database, login: str) -> None:
    """With their letter if every trace has a cell, with a stroke if not; errors win."""
    view = memory.view(login)
    cells = minimap(view, 100, {15}, 15, -1, None, [3, 15])
    assert (cells[3].text, cells[3].role, cells[15].text) == ("T", "map hit", "E")
    assert minimap(view, 8, set(), -1, -1, None, [3])[1].text == "/"


def test_a_caret_points_at_what_is_wrong() -> None:
    """To the right of it the words, to the left where there is no room, without it if there is none at all."""
    assert text(hint_pieces((), "wrong", 3, 20)) == "   ^ wrong"
    assert text(hint_pieces((), "wrong", 15, 20)) == " " * 9 + "wrong ^"
    assert text(hint_pieces((), "quite wrong", 4, 12)) == " quite wr…"
    problem = QuerySyntaxError("dur:", 4, "a value")
    assert (place_of(problem, "dur:"), words_of(problem)) == (4, "a value")


def test_candidates_are_offered_as_far_as_they_fit() -> None:
    """The first is the one that Tab takes; what it is about is said when it is the only one."""
    offered = [Candidate("type:", 0, 1, "the type", None), Candidate("tag:", 0, 1, "a tag", 1200)]
    assert text(hint_pieces(offered, "", -1, 80)) == " Tab type:  tag: 1.2k  "
    assert text(hint_pieces(offered[:1], "", -1, 80)) == " Tab type:  the type"
    assert text(hint_pieces(offered, "", -1, 14)) == " Tab type:  "


def test_a_row_says_what_the_recording_does_not_hold(memory: tracetui.Database) -> None:
    """Payloads that were cut or redacted are marked in the row, also of calls that repeat, and in no other row."""
    store, run = TraceStore(memory), memory.create_run()
    put = store.record_with_options
    put(run.id, ToolCall("a", {}), metadata={"truncated": {"result": 70_000}, "redacted": ["arguments.key"]})
    put(run.id, ToolCall("b", {}), metadata={"truncated": {}, "redacted": []})
    for _ in range(3):
        put(run.id, ToolCall("c", {"x": 1}, "same"), metadata={"redacted": ["result"]})
    model, style = RunModel(memory, run.id), RowStyle(glyphs(ascii_only=True))
    model.take_insight(model.look_into())
    for width in (40, 80, 200):
        rows = [text(row_text(model, row, width, style)) for row in range(len(model.tree.rows))]
        assert [width_of(row) for row in rows] == [width] * 3
        assert [("cut" in row, "redacted" in row) for row in rows] == [
            (True, True), (False, False), (False, True),
        ]  # fmt: skip
    store.amend(run.id, model.columns.ids[1], metadata={"truncated": {"result": 9}})
    model.absorb(model.refresh())
    assert "cut" in text(row_text(model, 1, 80, style))
