"""Notes on recordings that were only opened."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

import tracetui
from tests.tui.conftest import T0, login_bug
from tracetui import TraceStore, WriteFailedError
from tracetui.importing import side_notes
from tracetui.importing.exporting import export_lines
from tracetui.importing.opening import Opening, import_into
from tracetui.model.change import Annotation
from tracetui.store.location import user_data_folder


def test_notes_on_an_opened_recording_outlast_its_cache_and_are_imported(tmp_path: Path) -> None:
    """Kept by format and id; a damaged line costs one note; doing it again changes nothing."""
    with tracetui.open("memory://") as db:
        run_id = login_bug(db)
        (tmp_path / "a.jsonl").write_text("".join(line + "\n" for line in export_lines(db, run_id)))
    path = str(tmp_path / "a.jsonl")
    opening = Opening([path])
    while opening.step() or not opening.at_end:
        pass
    opening.keep_note(run_id, Annotation("note-1", "read", "look\x1b", {"mark": True}, T0))
    opening.keep_note(run_id, Annotation("note-2", "not there", "lost", {}, T0))
    opening.keep_note("another run", Annotation("note-3", "read", "of nobody", {}, T0))
    opening.close()
    (notes,) = (user_data_folder() / "notes").iterdir()
    with notes.open("ab") as file:
        file.write(b'{"annotation": {}}\nno json\n')
    opening = Opening([path])
    while opening.step() or not opening.at_end:
        pass
    assert [note.note for note in TraceStore(opening.db).annotations(run_id)] == ["look\x1b"]
    opening.close()
    with tracetui.open("memory://") as db:
        for _ in range(2):
            import_into(db, path)
        (note,) = TraceStore(db).annotations(run_id)
        assert (note.id, note.note, dict(note.fields), note.timestamp) == (
            "note-1",
            "look\x1b",
            {"mark": True},
            T0,
        )


def test_a_note_that_cannot_be_kept_is_an_error_of_ours(tmp_path: Path) -> None:
    """It names the file."""
    user_data_folder().mkdir(parents=True, exist_ok=True)
    (user_data_folder() / "notes").write_text("in the way")
    with pytest.raises(WriteFailedError, match="notes"):
        side_notes.keep("tracetui", "r", Annotation("a", "t", "x", {}, 0))
    assert list(side_notes.kept("tracetui", "r")) == []


def test_half_a_note_is_none() -> None:
    """Where the disk is full that is said, what was there stays, and the next note is a line of its own."""
    notes = [Annotation(f"note-{n}", "t", "x" * 100, {}, n) for n in range(3)]
    side_notes.keep("tracetui", "r", notes[0])
    (path,) = (user_data_folder() / "notes").iterdir()
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, hard))
    try:
        with pytest.raises(WriteFailedError, match="File too large"):
            side_notes.keep("tracetui", "r", notes[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    side_notes.keep("tracetui", "r", notes[2])
    assert [note.id for note in side_notes.kept("tracetui", "r")] == ["note-0", "note-2"]
