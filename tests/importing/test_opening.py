from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import tracetui
from tests.formats.test_claude_code import line, result, use
from tracetui import FormatError, TraceStore
from tracetui.importing.opening import (
    FileImport,
    Imported,
    Opening,
    cache_of,
    files_in,
    follow_into,
    import_into,
    open_whole,
)
from tracetui.importing.source import Source


def transcript(*lines: dict[str, object]) -> bytes:
    """Return lines as a file has them."""
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


BEGIN = transcript(line("user", "fix it", 1), line("assistant", [use("Bash", "t1", {"command": "ls"})], 2))
END = transcript(line("user", [result("t1", "done")], 3))


def read_all(opening: Opening) -> None:
    """Read what there is."""
    while opening.step() or not opening.at_end:
        pass


def test_a_file_is_read_into_a_cache_and_never_into_the_store(tmp_path: Path) -> None:
    """The cache lasts: opening again finds it; the file and its folder stay as they are."""
    path = tmp_path / "session.jsonl"
    path.write_bytes(BEGIN + END)
    before = path.stat()
    for _ in range(2):
        opening = Opening([str(path)])
        read_all(opening)
        assert opening.run_ids == ["s1"]
        assert opening.db.run("s1").traces == 4
        assert opening.progress() == ""
        assert "claude-code: 1 run, 4 traces" in opening.summary()
        opening.close()
    assert cache_of(str(path)).is_dir()
    assert [entry.name for entry in tmp_path.iterdir()] == ["session.jsonl"]
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_file_that_grows_is_followed(tmp_path: Path) -> None:
    """An open call is completed when its result is written, each trace is there once."""
    path = tmp_path / "session.jsonl"
    path.write_bytes(BEGIN)
    opening = Opening([str(path)])
    read_all(opening)
    store = TraceStore(opening.db)
    call = store.get("s1", "t1")
    assert call is not None
    assert call.status == "open"
    with path.open("ab") as file:
        file.write(END[:20])
    read_all(opening)
    with path.open("ab") as file:
        file.write(END[20:])
    assert opening.step()
    read_all(opening)
    call = store.get("s1", "t1")
    assert call is not None
    assert call.status == "ok"
    assert not opening.done
    opening.close()


def test_a_file_written_over_is_read_anew(tmp_path: Path) -> None:
    """Shorter than before: the cache is of another file."""
    path = tmp_path / "session.jsonl"
    path.write_bytes(BEGIN + END)
    open_whole(str(path))[0].close()
    path.write_bytes(BEGIN)
    db, ids = open_whole(str(path))
    assert (ids, db.run("s1").traces) == (["s1"], 4)
    db.close()


def test_packed_files_pipes_and_folders(tmp_path: Path) -> None:
    """Gzip by its content, standard input to its end, a folder with everything in it."""
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(BEGIN) + gzip.compress(END))
    with tracetui.open("memory://") as db:
        assert import_into(db, str(packed)).traces == 4
    opening = Opening(["-"], stream=io.BytesIO(BEGIN))
    read_all(opening)
    assert opening.done
    assert opening.run_ids == ["s1"]
    opening.close()
    (tmp_path / "b.txt").write_text("no recording")
    assert list(files_in(str(tmp_path))) == [str(packed)]
    many = Opening([str(tmp_path)])
    read_all(many)
    assert many.run_ids == ["s1"]
    many.close()


def test_subagents_beside_a_transcript_come_with_it(tmp_path: Path) -> None:
    """Their files are read with the session's, and not as recordings of their own."""
    path, folder = tmp_path / "s1.jsonl", tmp_path / "s1" / "subagents"
    folder.mkdir(parents=True)
    path.write_bytes(transcript(line("assistant", [use("Task", "t1", {"prompt": "look"})], 1)))
    (folder / "agent-a1.meta.json").write_text('{"toolUseId": "t1"}')
    (folder / "agent-a1.jsonl").write_bytes(
        transcript(line("user", "look", 2, agentId="a1", isSidechain=True))
    )
    assert list(files_in(str(tmp_path))) == [str(path)]
    with tracetui.open("memory://") as db:
        import_into(db, str(path))
        agent = TraceStore(db).get("s1", "agent:a1")
        assert agent is not None
        assert agent.parent_id == "t1"


def test_subagents_that_appear_while_a_transcript_is_followed_come_too(tmp_path: Path) -> None:
    """The folder may not be there yet when the session is opened."""
    path, folder = tmp_path / "s1.jsonl", tmp_path / "s1" / "subagents"
    path.write_bytes(transcript(line("assistant", [use("Task", "t1", {"prompt": "look"})], 1)))
    opening = Opening([str(path)])
    read_all(opening)
    folder.mkdir(parents=True)
    (folder / "agent-a1.jsonl").write_bytes(
        transcript(line("user", "look", 2, agentId="a1", isSidechain=True))
    )
    read_all(opening)
    store = TraceStore(opening.db)
    assert [trace.id for trace in store.get_children("s1", "t1")] == ["agent:a1"]
    with (folder / "agent-a1.jsonl").open("ab") as file:
        file.write(transcript(line("assistant", [{"type": "text", "text": "x"}], 3, agentId="a1")))
    read_all(opening)
    assert [trace.id for trace in store.get_children("s1", "agent:a1")] == ["msg3"]
    opening.close()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"hello\n", "no recording"), (b"\x1f\x8bgarbage", "gzip data are damaged")],
)
def test_what_cannot_be_read_is_an_error_with_the_file(tmp_path: Path, content: bytes, reason: str) -> None:
    """It says what to do; nothing is left half done."""
    path = tmp_path / "x"
    path.write_bytes(content)
    with tracetui.open("memory://") as db, pytest.raises(FormatError, match=reason):
        import_into(db, str(path))
    with pytest.raises(FormatError, match="cannot be opened"):
        Source(str(tmp_path / "none"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="no recording in it"):
        Opening([str(tmp_path / "empty")])


def test_one_bad_file_among_many_does_not_stop_the_others(tmp_path: Path) -> None:
    """It is said in the account."""
    (tmp_path / "a.jsonl").write_bytes(BEGIN)
    (tmp_path / "b.json").write_bytes(b'{"x": 1}')
    opening = Opening([str(tmp_path)])
    read_all(opening)
    assert opening.run_ids == ["s1"]
    assert "no format that is known" in opening.summary()
    opening.close()


def test_a_file_that_is_replaced_is_noticed(tmp_path: Path) -> None:
    """Cut, replaced or gone."""
    path = tmp_path / "a.jsonl"
    changes: list[Callable[[], object]] = [
        lambda: os.truncate(path, 3),
        lambda: path.with_suffix(".new").replace(path),
        path.unlink,
    ]
    for change in changes:
        path.write_bytes(BEGIN)
        path.with_suffix(".new").write_bytes(BEGIN)
        with tracetui.open("memory://") as db:
            importing = FileImport(db, str(path))
            while importing.step():
                pass
            before = importing.is_replaced
            change()
            assert (before, importing.is_replaced) == (False, True)
            importing.close()


def test_a_file_that_is_replaced_while_it_is_followed_is_read_on(tmp_path: Path) -> None:
    """What the new one says that is new is added; what was read stays; a file that is gone ends nothing."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(BEGIN)
    opening = Opening([str(path)])
    read_all(opening)
    path.unlink()
    read_all(opening)
    path.write_bytes(b"")
    read_all(opening)
    path.unlink()
    path.with_suffix(".new").write_bytes(transcript(line("user", "something else", 5)))
    path.with_suffix(".new").replace(path)
    read_all(opening)
    assert [t.id for t in TraceStore(opening.db).list("s1")][-1] == "u5"
    assert opening.db.run("s1").traces == 5
    opening.close()


def test_records_that_are_large_together_are_committed_in_parts(tmp_path: Path) -> None:
    """Five hundred lines may be more than a commit takes."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(transcript(*(line("user", "x" * 450_000, n, timestamp=None) for n in range(1, 200))))
    with tracetui.open("memory://") as db:
        assert import_into(db, str(path)).traces == 200


def test_many_files_are_followed_at_once(tmp_path: Path) -> None:
    """Each from its beginning, also one that is not there yet; what cannot be read yet is looked at again."""
    one, two, three = (tmp_path / f"{name}.jsonl" for name in "abc")
    one.write_bytes(BEGIN)
    three.write_bytes(b'{"half')
    told: list[str] = []

    def tell(imported: Imported) -> None:
        told.append(Path(imported.path).stem)
        if told == ["a"]:
            two.write_bytes(transcript({**line("user", "x", 1), "sessionId": "s2"}))
        elif told == ["a", "b"]:
            with three.open("ab") as file:
                file.write(b'": 1}\n' + transcript({**line("user", "x", 1), "sessionId": "s3"}))
        else:
            raise KeyboardInterrupt

    with tracetui.open("memory://") as db:
        with pytest.raises(KeyboardInterrupt):
            follow_into(db, map(str, (one, two, three)), tell=tell)
        assert told == ["a", "b", "c"]
        assert {run.id for run in db.runs()} == {"s1", "s2", "s3"}


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b'{"resourceSpans": [{"sc', "no whole record in this otlp file: 1 documents cut off")],
)
def test_a_file_without_a_whole_record_is_an_error(tmp_path: Path, content: bytes, said: str) -> None:
    """It says why; imported, or opened to its end."""
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with tracetui.open("memory://") as db, pytest.raises(FormatError, match=said):
        import_into(db, str(path))
    with pytest.raises(FormatError, match=said):
        open_whole(str(path))


def test_progress_is_told(tmp_path: Path) -> None:
    """Per cent while it reads, traces at the end."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(BEGIN * 3 + END)
    told: list[str] = []
    with tracetui.open("memory://") as db:
        done = import_into(db, str(path), tell=told.append)
    assert told[-1].endswith("4 traces")
    assert "lines repeated" in done.summary()
    assert done.run_ids == ["s1"]


def test_an_ended_run_takes_no_more(tmp_path: Path) -> None:
    """What came too late is counted instead of failing the import."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(BEGIN)
    with tracetui.open("memory://") as db:
        import_into(db, str(path))
        db.end_run("s1")
        path.write_bytes(BEGIN + END + transcript(line("user", "more", 9)))
        done = import_into(db, str(path))
        assert "the run has ended" in done.summary()
        call = TraceStore(db).get("s1", "t1")
        assert call is not None
        assert call.status == "ok"
