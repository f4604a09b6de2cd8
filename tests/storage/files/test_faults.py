"""Faults that a store survives; every test prints how many of its trials were effective."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import tracetui
from tracetui import (
    CorruptionError,
    LockedError,
    RunNotFoundError,
    Thought,
    TraceDraft,
    TraceStore,
    WriteFailedError,
)
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.files.frame import HEADER_SIZE
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.log import LogFile
from tracetui.store.database import Database


def log_of(path: Path) -> Path:
    """Return the one log of a store with one run."""
    (log,) = (path / "runs").glob("*.log")
    return log


def recorded(path: Path, count: int = 8) -> tuple[str, bytes, list[int]]:
    """Record commits of 1, 2 and 3 traces; return the run, the log and where each frame begins."""
    with tracetui.open(path) as db:
        run = db.create_run("faults")
        store = TraceStore(db)
        number = 0
        for commit in range(count):
            drafts = []
            for _ in range(commit % 3 + 1):
                drafts.append(TraceDraft(Thought(f"thought {number}"), id=f"t{number}", tags=[f"c{commit}"]))
                number += 1
            store.record_many(run.id, drafts)
    log = LogFile(Disk(), str(log_of(path)))
    frames = list(log.frames(HEADER_SIZE, log.stat().st_size))
    return run.id, log_of(path).read_bytes(), [frame.offset for frame in frames]


def ids(store: TraceStore, run_id: str) -> list[str]:
    """Return the ids of a run's traces."""
    return [trace.id for trace in store.list(run_id)]


def test_flipped_bits_of_the_beginning_lose_no_trace(tmp_path: Path) -> None:
    """The header and the run's own record: reported, repaired, every trace with its seq; strict refuses."""
    path = tmp_path / "store"
    run_id, content, starts = recorded(path)
    effective = 0
    for offset in range(starts[1]):
        flipped = bytearray(content)
        flipped[offset] ^= 1 << offset % 8
        log_of(path).write_bytes(flipped)
        with tracetui.open(path) as db:
            (damage,) = db.check(run_id)
            assert damage.offset == (0 if offset < HEADER_SIZE else HEADER_SIZE)
            assert [d.offset for d in db.run(run_id).damage] == [damage.offset]
            assert [t.id for t in TraceStore(db).list(run_id)] == [f"t{n}" for n in range(15)]
            assert [run.id for run in db.runs()] == [run_id]
        with tracetui.open(path, recovery="strict") as db, pytest.raises(CorruptionError):
            db.run(run_id)
        effective += 1
    with tracetui.open(path) as db:
        assert isinstance(db.backend, FileEngine)
        db.backend.repair(run_id)
        assert db.check(run_id) == []
        assert ids(TraceStore(db), run_id) == [f"t{n}" for n in range(15)]
    print(f"effective trials: {effective}")
    assert effective == starts[1]


def test_a_hole_keeps_numbers_and_leaves_roots_that_say_so(tmp_path: Path) -> None:
    """Children of a lost parent are roots with parent_missing; seqs, revs and new records go on."""
    path = tmp_path / "store"
    with tracetui.open(path) as db:
        run = db.create_run("hole")
        store = TraceStore(db)
        store.record_with_options(run.id, Thought("root"), id="root")
        store.record_with_options(run.id, Thought("lost " * 20), id="lost", parent_id="root")
        store.record_with_options(run.id, Thought("child"), id="child", parent_id="lost", open=True)
        store.amend(run.id, "lost", tags=["x"])
    log = log_of(path)
    content = bytearray(log.read_bytes())
    frames = list(LogFile(Disk(), str(log)).frames(HEADER_SIZE, len(content)))
    at = frames[2].offset
    content[at : at + 30] = b"?" * 30
    log.write_bytes(content)
    with tracetui.open(path) as db:
        store = TraceStore(db)
        assert [(t.id, t.seq, t.parent_id, t.parent_missing) for t in store.list(run.id)] == [
            ("root", 0, None, False), ("child", 2, None, True),
        ]  # fmt: skip
        assert [t.id for t in store.get_roots(run.id)] == ["root", "child"]
        assert [c.rev for c in store.changes(run.id, timeout=0)] == [0, 1, 3, 4]
        assert [c.rev for c in store.changes(run.id, after_rev=1, timeout=0)] == [3, 4]
        assert [t.seq for t in store.follow(run.id, after_seq=1, timeout=0)] == [2]
        assert len(db.run(run.id).damage) == 1
        store.record_with_options(run.id, Thought("new"), id="new", parent_id="child")
        store.complete(run.id, "child")
        tree = store.get_tree(run.id, "child")
        assert tree is not None
        assert [(d, t.id, t.seq) for d, t in tree.walk()] == [(0, "child", 2), (1, "new", 3)]
    with tracetui.open(path) as db:
        child = TraceStore(db).get(run.id, "child")
        assert child is not None
        assert child.status == "ok"
        engine = db.backend
        assert isinstance(engine, FileEngine)
        repaired = engine.repair(run.id)
        assert len(repaired.damage) == 1
        assert Path(repaired.kept_as).read_bytes().startswith(content)
        assert db.check(run.id) == []
        assert db.run(run.id).damage == ()
        assert [(t.id, t.seq) for t in TraceStore(db).list(run.id)] == [("root", 0), ("child", 2), ("new", 3)]
        TraceStore(db).record_with_options(run.id, Thought("after"), id="after")
        assert db.check(run.id) == []


def test_strict_recovery_refuses_damage(tmp_path: Path) -> None:
    """With recovery="strict" a damaged run is an error with file and offset; a torn tail is none."""
    path = tmp_path / "store"
    run_id, content, starts = recorded(path)
    log_of(path).write_bytes(content[:-3])
    with tracetui.open(path, recovery="strict") as db:
        assert len(TraceStore(db).list(run_id)) == 13
    flipped = bytearray(content)
    flipped[starts[2] + 30] ^= 1
    log_of(path).write_bytes(flipped)
    with tracetui.open(path, recovery="strict") as db, pytest.raises(CorruptionError) as refused:
        TraceStore(db).list(run_id)
    assert (refused.value.path, refused.value.offset) == (str(log_of(path)), starts[2])


class FailingSync(Disk):
    """A disk that fails to sync while it is armed."""

    armed = False

    def sync_data(self, fd: int) -> None:
        """Fail if told so."""
        if self.armed:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync_data(fd)


def test_a_failed_sync_stops_every_writer_until_a_repair(tmp_path: Path) -> None:
    """The outcome is unknown and said so; this and every other handle refuses; reading goes on."""
    path = tmp_path / "store"
    disk = FailingSync()
    db = Database(FileEngine(str(path), durability="sync", disk=disk), owning=False)
    run = db.create_run("sync")
    store = TraceStore(db)
    store.record(run.id, Thought("kept"))
    disk.armed = True
    with pytest.raises(WriteFailedError, match="unknown"):
        store.record(run.id, Thought("unknown"))
    disk.armed = False
    with pytest.raises(WriteFailedError, match="tracetui repair"):
        store.record(run.id, Thought("x"))
    with tracetui.open(path) as other:
        with pytest.raises(WriteFailedError):
            TraceStore(other).record(run.id, Thought("x"))
        assert len(TraceStore(other).list(run.id)) == 2
        assert [damage.reason for damage in other.check(run.id)] == [
            "a sync failed: it is unknown what the disk holds"
        ]
        engine = other.backend
        assert isinstance(engine, FileEngine)
        engine.repair(run.id)
        TraceStore(other).record(run.id, Thought("after the repair"))
    assert len(store.list(run.id)) == 3
    store.record(run.id, Thought("this handle too"))


def test_a_lock_held_too_long_is_an_error_that_names_the_holder(tmp_path: Path) -> None:
    """Waiting ends; nothing is written; once the lock is free it goes on."""
    path = tmp_path / "store"
    db = Database(FileEngine(str(path), lock_seconds=0.05), owning=False)
    run = db.create_run("locked")
    disk = Disk()
    fd = disk.open_append(str(log_of(path)))
    assert disk.try_lock(fd)
    with pytest.raises(LockedError) as refused:
        TraceStore(db).record(run.id, Thought("x"))
    assert refused.value.pid in (os.getpid(), None)
    disk.close(fd)
    TraceStore(db).record(run.id, Thought("x"))


def test_a_run_deleted_under_an_open_handle_is_gone_for_it(tmp_path: Path) -> None:
    """Another process deletes it: writer, reader and follower are told; a new run of that id is another."""
    path = tmp_path / "store"
    with tracetui.open(path) as one, tracetui.open(path) as two:
        run = one.create_run("short", id="short")
        held = TraceStore(one)
        trace = held.get("short", held.record("short", Thought("still readable")))
        assert trace is not None
        two.delete_run("short")
        for call in (
            lambda: held.record("short", Thought("x")),
            lambda: held.list("short"),
            lambda: one.run("short"),
        ):
            with pytest.raises(RunNotFoundError):
                call()
        assert trace.trace_type == Thought("still readable")
        two.create_run("new", id="short")
        assert one.run("short").name == "new"
        held.record("short", Thought("into the new one"))
        assert TraceStore(two).count("short") == 1
        assert run.name == "short"
        assert list((path / "runs").iterdir()) == [log_of(path)]


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll with a generous deadline."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_reader_that_meets_a_half_written_frame_looks_again(tmp_path: Path) -> None:
    """Nothing is reported while the file is fresh; the rest arrives and is read."""
    path = tmp_path / "store"
    run_id, content, starts = recorded(path)
    log = log_of(path)
    log.write_bytes(content[: starts[-1] + 10])
    with tracetui.open(path) as db:
        view = db.view(run_id)
        before = view.count
        with log.open("ab") as file:
            file.write(content[starts[-1] + 10 :])
        assert [change.kind for change in view.refresh()] == ["trace"] * (view.count - before)
        assert view.count == 15
        with log.open("ab") as file:
            file.write(b"\xa0torn")
        os.utime(log, (time.time() - 5, time.time() - 5))
        view.refresh()
        wait_for(lambda: [d.reason for d in db.run(run_id).damage] == ["torn tail"])
        assert [(d.offset, d.length) for d in db.check(run_id)] == [(len(content), 5)]
