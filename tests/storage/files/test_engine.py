"""The folder of a store: who may look into it, what lies in it, how many runs it can hold open."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from tracetui import (
    CorruptionError,
    ReadOnlyError,
    RunNotFoundError,
    Thought,
    TraceDraft,
    UnreachableError,
    WriteFailedError,
)
from tracetui.model.change import NewTrace, new_trace
from tracetui.storage.backend import Index
from tracetui.storage.files.engine import OPEN_RUNS, FileEngine
from tracetui.storage.files.fs import Disk


def thought(id: str) -> NewTrace:
    """Make a change that records a thought."""
    return new_trace(TraceDraft(Thought("t"), id=id))


def filled(place: Path, runs: int = 1) -> FileEngine:
    """Make a store with runs of one trace each."""
    engine = FileEngine(str(place))
    for number in range(runs):
        engine.create_run(f"r{number}", {"created_ms": number})
        engine.append(f"r{number}", [thought("a")])
    return engine


def open_files() -> set[int]:
    """Return the inodes of all files that this process has open."""
    found = set()
    for name in os.listdir("/dev/fd"):  # noqa: PTH208
        with contextlib.suppress(OSError):  # the listing's own descriptor
            found.add(os.fstat(int(name)).st_ino)
    return found


def test_a_store_is_for_its_user_alone(tmp_path: Path) -> None:
    """Folders 0700, files 0600, whatever the umask allows; folders above are as usual."""
    before = os.umask(0)
    try:
        filled(tmp_path / "above" / "store")
    finally:
        os.umask(before)
    store = tmp_path / "above" / "store"
    modes = {
        path.relative_to(store).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in store.rglob("*")
    }
    assert modes == {"store.json": 0o600, "runs": 0o700, "runs/r0.log": 0o600}
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    assert stat.S_IMODE(store.parent.stat().st_mode) == 0o777


def test_many_runs_do_not_exhaust_descriptors(tmp_path: Path) -> None:
    """Listing, reading and writing three times as many runs as are kept open."""
    count = 3 * OPEN_RUNS
    engine = filled(tmp_path, count)
    logs = {path.stat().st_ino for path in tmp_path.rglob("*.log")}
    assert len(logs & open_files()) <= OPEN_RUNS
    assert [run.traces for run in engine.runs()] == [1] * count
    views = [engine.view(f"r{number}") for number in range(count)]
    for number in range(count):
        engine.append(f"r{number}", [thought("b")])
    assert [len(view.refresh()) for view in views] == [1] * count
    assert [run.traces for run in engine.runs()] == [2] * count


def test_closing_lets_go_of_every_descriptor(tmp_path: Path) -> None:
    """No file of the store stays open."""
    engine = filled(tmp_path, 5)
    engine.runs()
    logs = {path.stat().st_ino for path in tmp_path.rglob("*")}
    assert logs & open_files()
    engine.close()
    assert not logs & open_files()


def test_a_listing_reads_only_what_changed(tmp_path: Path) -> None:
    """Summaries are remembered by size, time and inode of the log."""

    class Counting(Disk):
        opened = 0

        def open_read(self, path: str) -> int:
            self.opened += path.endswith(".log")
            return super().open_read(path)

    filled(tmp_path, 10)
    disk = Counting()
    engine, other = FileEngine(str(tmp_path), disk=disk), FileEngine(str(tmp_path))
    assert [run.traces for run in engine.runs()] == [1] * 10
    assert disk.opened == 10
    engine.runs()
    engine.runs(fresh=False)
    assert disk.opened == 10
    for name in "bcd":
        other.append("r3", [thought(name)])
        engine.runs()
    assert engine.run("r3").traces == 4
    assert disk.opened == 11
    other.delete_run("r5")
    assert len(engine.runs(fresh=False)) == 10
    assert len(engine.runs()) == 9


def test_a_listing_does_not_keep_others_from_recording(tmp_path: Path) -> None:
    """While logs are read for a listing, a commit of another thread goes through."""
    filled(tmp_path, 3)
    inside, go_on = threading.Event(), threading.Event()

    class Slow(Disk):
        def open_read(self, path: str) -> int:
            if path.endswith("r2.log"):
                inside.set()
                assert go_on.wait(30)
            return super().open_read(path)

    engine = FileEngine(str(tmp_path), disk=Slow())
    listing = threading.Thread(target=engine.runs)
    listing.start()
    assert inside.wait(30)
    assert engine.append("r0", [thought("b")]).traces == 1
    go_on.set()
    listing.join(30)


def test_a_damaged_run_is_listed_and_can_be_deleted(tmp_path: Path) -> None:
    """Without a readable header too; the others are not touched by it."""
    engine = filled(tmp_path, 3)
    (tmp_path / "runs" / "r1.log").write_bytes(b"no log at all")
    other = FileEngine(str(tmp_path))
    damaged = {run.id: [d.reason for d in run.damage] for run in other.runs()}
    assert [damaged["r0"], damaged["r2"]] == [[], []]
    assert "13 bytes" in damaged["r1"][0]
    with pytest.raises(CorruptionError) as refused:
        other.run("r1")
    assert (refused.value.path, refused.value.offset) == (str(tmp_path / "runs" / "r1.log"), 0)
    assert [(d.offset, d.length) for d in other.check()] == [(0, 64)]
    assert other.delete_run("r1") == 0
    assert sorted(run.id for run in engine.runs()) == ["r0", "r2"]


def test_deleting_takes_what_lies_beside_the_log(tmp_path: Path) -> None:
    """Cut tails and originals of repairs hold payloads too; a run whose name begins alike keeps its own."""
    engine = filled(tmp_path, 2)
    engine.create_run("r1.log-2", {"created_ms": 1})
    log = tmp_path / "runs" / "r1.log"
    with log.open("ab") as file:
        file.write(b"\xa0torn")
    engine.append("r1", [thought("b")])
    engine.repair("r1")
    assert len([path for path in log.parent.iterdir() if path.name.startswith("r1.log.")]) == 2
    engine.delete_run("r1")
    assert sorted(path.name for path in log.parent.iterdir()) == ["r0.log", "r1.log-2.log"]


def test_deleting_touches_no_run_of_a_similar_name(tmp_path: Path) -> None:
    """Names that begin as the files of another run do are names of runs of their own."""
    engine = FileEngine(str(tmp_path))
    others = ["a.log.b", "a.idx", "a.idxes", "a.log.torn-1-2", "ab", "a."]
    for run_id in ("a", *others):
        engine.create_run(run_id, {"created_ms": 1})
        engine.append(run_id, [new_trace(TraceDraft(Thought("t"), id="x"))])
        engine.reindex(run_id)
    engine.delete_run("a")
    assert sorted(run.id for run in engine.runs()) == sorted(others)
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == sorted(
        f"{name}{suffix}" for name in others for suffix in (".log", ".idx")
    )


def test_reading_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    """Reads need no right to write; a record is ``ReadOnlyError`` (root may write anywhere: then it records)."""
    filled(tmp_path / "store")
    folders = [tmp_path / "store" / "runs", tmp_path / "store"]
    (folders[0] / "r0.log").chmod(0o400)
    for folder in folders:
        folder.chmod(0o500)
    try:
        engine = FileEngine(str(tmp_path / "store"))
        assert [run.id for run in engine.runs()] == ["r0"]
        assert [trace.id for trace in engine.scan("r0", Index.ALL).items] == ["a"]
        assert engine.check() == []
        if os.geteuid() != 0:
            with pytest.raises(ReadOnlyError):
                engine.append("r0", [thought("b")])
            with pytest.raises(ReadOnlyError):
                engine.create_run("new", {})
    finally:
        for folder in reversed(folders):
            folder.chmod(0o700)


def test_looking_writes_nothing(tmp_path: Path) -> None:
    """No byte, no time, no name of any file or folder changes, whoever looks, a torn tail included."""

    class Looking(Disk):
        """Refuses every call that changes something."""

        def _refuse(self, *given: object) -> None:
            raise AssertionError(given)

        open_append = create = write = truncate = link = rename = unlink = make_folder = try_lock = _refuse  # type: ignore[assignment]

    filled(tmp_path, 2)
    with (tmp_path / "runs" / "r0.log").open("ab") as file:
        file.write(b"\xa0torn")
    before = {
        path: (path.stat().st_mtime_ns, path.stat().st_size) for path in [tmp_path, *tmp_path.rglob("*")]
    }
    engine = FileEngine(str(tmp_path), disk=Looking())
    view = engine.view("r0")
    view.refresh()
    list(view.packed_bodies(range(view.count)))
    view.forest()
    for run in engine.runs():
        for index in Index:
            engine.scan(run.id, index, "a")
        engine.changes(run.id)
        engine.counts(run.id, Index.TAG)
        engine.annotations(run.id)
        engine.get(run.id, ["a"])
        engine.wait({run.id: 99}, 0)
    assert [damage.reason for damage in engine.check()] == ["torn tail"]
    engine.close()
    after = {
        path: (path.stat().st_mtime_ns, path.stat().st_size) for path in [tmp_path, *tmp_path.rglob("*")]
    }
    assert after == before


def test_what_is_no_store_is_named(tmp_path: Path) -> None:
    """A file in its place, a store.json that says nothing."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(UnreachableError):
        FileEngine(str(tmp_path / "file"))
    (tmp_path / "store.json").write_text("{}")
    with pytest.raises(CorruptionError):
        FileEngine(str(tmp_path))


def test_files_of_others_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    """Leftovers of a process that died while it made a run, and strangers, are no runs."""
    engine = filled(tmp_path)
    (tmp_path / "runs" / ".new-77-abc").write_bytes(b"half a header")
    (tmp_path / "runs" / "notes.txt").write_text("mine")
    (tmp_path / "runs" / "folder.log").mkdir()
    assert [run.id for run in engine.runs()] == ["r0"]
    assert engine.check() == []
    assert (tmp_path / "runs" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("failing", ["create", "write", "sync_data", "link", "sync_folder"])
def test_a_run_that_cannot_be_made_leaves_nothing(tmp_path: Path, failing: str) -> None:
    """Whichever call fails: a typed error, no half log, and the next attempt succeeds."""
    filled(tmp_path)
    armed = True

    class Failing(Disk):
        pass

    def fail(self: Disk, *given: object) -> object:
        if armed:
            raise OSError(errno.ENOSPC, "no space")
        return getattr(Disk, failing)(self, *given)

    setattr(Failing, failing, fail)
    engine = FileEngine(str(tmp_path), disk=Failing())
    with pytest.raises(WriteFailedError):
        engine.create_run("new", {"created_ms": 9})
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["r0.log"]
    armed = False
    engine.create_run("new", {"created_ms": 9})
    assert engine.run("new").created_ms == 9
    assert engine.check() == []


def test_a_repair_of_a_run_whose_end_is_torn_drops_the_end(tmp_path: Path) -> None:
    """The rest is whole; the original lies beside; handles that were open go on in the new log."""
    engine = filled(tmp_path)
    held = engine.view("r0")
    log = tmp_path / "runs" / "r0.log"
    with log.open("ab") as file:
        file.write(b"\xa0torn")
    original = log.read_bytes()
    repaired = engine.repair("r0")
    assert [(d.reason, d.length) for d in repaired.damage] == [("torn tail", 5)]
    assert Path(repaired.kept_as).read_bytes() == original
    assert engine.check() == []
    assert held.refresh() == []
    engine.append("r0", [thought("b")])
    assert [change.trace_id for change in held.refresh()] == ["b"]


def test_a_repair_of_what_is_not_there(tmp_path: Path) -> None:
    """Not found; nothing is made."""
    engine = filled(tmp_path)
    with pytest.raises(RunNotFoundError):
        engine.repair("nobody")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["r0.log"]
