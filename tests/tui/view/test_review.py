"""Marks and notes by seq, what can be copied of a trace, and what is exported."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.conftest import T0, login_bug
from tracetui import Database, Thought, TraceStore
from tracetui.importing.opening import import_into
from tracetui.querying.execute import execute
from tracetui.querying.grammar import parse
from tracetui.tui.control.taking import editor, pager, written
from tracetui.tui.view.copying import Source, choices, link_command, query_command
from tracetui.tui.view.exporting import export_pieces, file_name
from tracetui.tui.view.glyphs import glyphs
from tracetui.tui.view.minimap import minimap
from tracetui.tui.view.review import review_rows
from tracetui.tui.view.row_text import RowStyle, row_text
from tracetui.tui.view.run_model import RunModel

HERE = Source("/data/my store")


def test_marks_and_notes_come_and_go_with_news(memory: Database, login: str) -> None:
    """In rows, map, list and queries; taken away again they are nowhere."""
    model, store = RunModel(memory, login), TraceStore(memory)
    assert (model.review.seqs, review_rows(model.review)) == ([], [])
    store.annotate(login, "read", "why this file?\nmore", mark=True)
    note = store.annotate(login, "error2", "the cause\x1b", mark="cause")
    store.annotate(login, "error2", "seen before")
    model.absorb(model.refresh())
    read, error = model.view.seq_of("read"), model.view.seq_of("error2")
    assert read is not None
    assert error is not None
    assert model.review.seqs == [read, error]
    assert [(row.seq, row.sign, row.note) for row in review_rows(model.review)] == [
        (read, "mn", "why this file?"), (error, "mn", "[cause] the cause␛"), (error, "n", "seen before"),
    ]  # fmt: skip
    row = "".join(
        text for text, _ in row_text(model, model.tree.row_of(read), 80, RowStyle(glyphs(ascii_only=True)))
    )
    assert " mn " in row
    assert [cell.text for cell in minimap(model.view, 80, set(), -1, -1, None, (), [read])][read] == "m"
    for query, wanted in {"mark:true": [read, error], "mark:cause": [error], "note:seen": [error]}.items():
        assert list(execute(model.view, parse(query))) == wanted
    store.annotate(login, "error2", mark=False, withdraws=note)
    store.annotate(login, "read", mark=False)
    model.absorb(model.refresh())
    assert [(row.seq, row.sign, row.note) for row in review_rows(model.review)] == [
        (read, "n", "why this file?"), (error, "n", "seen before"),
    ]  # fmt: skip
    assert list(execute(model.view, parse("mark:true"))) == []
    assert list(execute(model.view, parse("note:cause"))) == []


def test_what_can_be_copied(memory: Database, login: str) -> None:
    """Every choice gives its text; without a trace or a place for the shell there are fewer."""
    model = RunModel(memory, login)
    seq = model.view.seq_of("error2") or -1
    texts = {key: what.text() for key, what in choices(model, seq, HERE).items()}
    assert list(texts) == list("isptjmrql")
    assert (texts["i"], texts["r"]) == ("error2", login)
    assert texts["p"] == "A fix login bug > A run tests > T bash pytest -q > ! ToolError: pytest exited 2"
    assert "not recovered" in texts["t"]
    assert json.loads(texts["j"])["id"] == "error2"
    assert texts["m"].startswith("# ")
    assert "No module named" in texts["m"]
    assert list(choices(model, -1, None)) == ["r"]


def test_commands_say_what_is_on_the_screen(memory: Database, login: str) -> None:
    """The filter if it is on, the subtree one is zoomed to; quoted for a shell; a file by its path."""
    model = RunModel(memory, login)
    assert shlex.split(query_command(model, HERE)) == [
        "tracetui",
        "--store",
        HERE.location,
        "query",
        "--run",
        login,
    ]
    model.set_filter("type:Error dur:>5s", [1])
    tests = model.view.seq_of("tests") or -1
    model.tree.zoom(tests)
    words = shlex.split(query_command(model, HERE))
    assert words[-1] == "(type:Error dur:>5s) (id:tests OR under:(id:tests))"
    below = list(execute(model.view, parse(words[-1].replace(" dur:>5s", ""))))
    assert [model.view.ids[seq] for seq in below] == ["error0", "error1", "error2"]
    model.filter.enabled = False
    assert shlex.split(query_command(model, HERE))[-1] == "id:tests OR under:(id:tests)"
    file = Source("/tmp/a b.jsonl", is_file=True)
    assert shlex.split(query_command(model, file))[:4] == ["tracetui", "query", "--run", "/tmp/a b.jsonl"]
    assert shlex.split(link_command(model, tests, file)) == [
        "tracetui", "open", "/tmp/a b.jsonl", "--trace", "tests", "--query", "type:Error dur:>5s",
    ]  # fmt: skip


def test_an_exported_subtree_can_be_imported(memory: Database, login: str, tmp_path: Path) -> None:
    """Its traces and the notes on them, no others; the whole run for no trace."""
    store = TraceStore(memory)
    store.annotate(login, "error0", "inside", mark=True)
    store.annotate(login, "read", "outside")
    model = RunModel(memory, login)
    seq = model.view.seq_of("tests") or -1
    path = written(tmp_path, file_name(model, seq, "jsonl"), export_pieces(model, seq, "jsonl"))
    assert path.name == "fix-login-bug-bug-tests.jsonl"
    with Database(type(memory.backend)()) as other:
        import_into(other, str(path))
        ids = {trace.id for trace in TraceStore(other).list(login)}
        assert ids == {"tests", *(f"{name}{n}" for name in ("decide", "bash", "error") for n in range(3))}
        assert [note.note for note in TraceStore(other).annotations(login)] == ["inside"]
    assert len(list(export_pieces(model, -1, "jsonl"))) == 1 + 16 + 2
    assert "".join(export_pieces(model, seq, "md")).startswith("# ")
    assert "".join(export_pieces(model, -1, "md")).startswith("# ")


def test_files_are_new_and_well_named(memory: Database, tmp_path: Path) -> None:
    """Nothing is written over; a hostile name is tamed; what fails half way leaves nothing."""
    run = memory.restore_run("x/../y\x1b", name="../../etc/\x1b[31m" + "n" * 300, created_ms=T0)
    TraceStore(memory).record(run.id, Thought("hm"))
    name = file_name(RunModel(memory, run.id), 0, "md")
    assert name.isascii()
    assert "/" not in name
    assert not name.startswith(".")
    assert len(name) < 90
    assert [written(tmp_path, "a.md", iter(("b",))).name for _ in range(3)] == ["a.md", "a-2.md", "a-3.md"]

    def broken() -> Iterator[str]:
        yield "half"
        raise OSError(28, "no space")

    with pytest.raises(OSError, match="no space"):
        written(tmp_path, "c.md", broken())
    assert not (tmp_path / "c.md").exists()


def test_pager_and_editor_are_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """With their options; less stays open whatever its settings; sensible ones where none is set."""
    for name in ("PAGER", "EDITOR", "VISUAL"):
        monkeypatch.delenv(name, raising=False)
    assert (pager(), editor()) == (["less", "-+F"], ["vi"])
    monkeypatch.setenv("PAGER", "more -d")
    monkeypatch.setenv("EDITOR", "code --wait")
    assert (pager(), editor()) == (["more", "-d"], ["code", "--wait"])
    monkeypatch.setenv("VISUAL", "emacs")
    assert editor() == ["emacs"]


def test_names_of_files_tell_runs_apart(memory: Database) -> None:
    """By the end of the id, where runs share a name."""
    first = RunModel(memory, login_bug(memory, run_id="run-0000-aaaa"))
    second = RunModel(memory, login_bug(memory, run_id="run-0000-bbbb"))
    assert file_name(first, -1, "md") != file_name(second, -1, "md")
