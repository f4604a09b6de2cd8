"""One run's file under threads, interruptions and other people's hands."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.storage.state.test_tail import answers
from tracetui import (
    LockedError,
    ReadOnlyError,
    RunNotFoundError,
    Thought,
    TraceDraft,
    TraceExistsError,
    UnreachableError,
    WriteFailedError,
)
from tracetui.model.change import Completion, NewTrace, completion, new_trace, run_patch
from tracetui.storage.backend import Index
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.replay import LATE_TRACES
from tracetui.storage.state.tail import Tail


def thought(id: str) -> NewTrace:
    """Make a change that records a thought."""
    return new_trace(TraceDraft(Thought("t"), id=id, timestamp=1))


def ids(engine: FileEngine) -> list[str]:
    """Return the ids of the run's traces."""
    return [trace.id for trace in engine.scan("r", Index.ALL).items]


def log(tmp_path: Path) -> Path:
    """Return the run's log."""
    return tmp_path / "runs" / "r.log"


@pytest.fixture
def engine(tmp_path: Path) -> FileEngine:
    """Make a store with one run of one trace."""
    made = FileEngine(str(tmp_path))
    made.create_run("r", {"created_ms": 1})
    made.append("r", [thought("a")])
    return made


def test_readers_of_this_process_do_not_wait_for_a_file_lock(tmp_path: Path, engine: FileEngine) -> None:
    """While one thread waits for another process's lock, others read what that process commits."""
    holder = Disk()
    fd = holder.open_append(str(log(tmp_path)))
    other = FileEngine(str(tmp_path))
    waiting = threading.Event()

    class Slow(Disk):
        def try_lock(self, fd: int) -> bool:
            waiting.set()
            return super().try_lock(fd)

    mine = FileEngine(str(tmp_path), disk=Slow(), lock_seconds=60)
    assert ids(mine) == ["a"]
    other.append("r", [thought("b")])
    assert holder.try_lock(fd)
    writer = threading.Thread(target=lambda: mine.append("r", [thought("c")]))
    writer.start()
    assert waiting.wait(30)
    assert ids(mine) == ["a", "b"]
    assert writer.is_alive()
    holder.close(fd)
    writer.join(30)
    assert ids(mine) == ["a", "b", "c"]


@pytest.mark.parametrize("moment", range(3))
def test_an_interrupted_commit_leaves_the_truth_in_the_log(
    engine: FileEngine, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Ctrl-C between write and memory, or halfway through it: the next call reads the log anew."""
    whole, calls = Tail.add_trace, 0

    def interrupted(self: Tail, *given: object, **more: object) -> None:
        nonlocal calls
        if calls == moment:
            raise KeyboardInterrupt
        calls += 1
        whole(self, *given, **more)  # type: ignore[arg-type]
        if moment == 2 and calls == 2:
            raise KeyboardInterrupt

    held = engine.view("r")
    with monkeypatch.context() as patch:
        patch.setattr(Tail, "add_trace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.append("r", [thought("b"), thought("c"), run_patch({"name": "n"})])
    assert ids(engine) == ["a", "b", "c"]
    assert [change.seq for change in held.refresh()] == [1, 2, -1]
    assert engine.append("r", [thought("d")]).first_seq == 3
    assert ids(FileEngine(engine.location)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("moment", ["expect before", "expect after", "add_traces before", "add_traces after"])
def test_interrupted_traces_that_wait_to_be_read_are_read_from_the_log(
    engine: FileEngine, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Ctrl-C before or after they are put aside, or into columns: nothing is lost, nothing is there twice."""
    name, when = moment.split()
    whole = getattr(Tail, name)

    def interrupted(self: Tail, *given: object) -> None:
        if when == "after":
            whole(self, *given)
        raise KeyboardInterrupt

    held = engine.view("r")
    with monkeypatch.context() as patch:
        patch.setattr(Tail, name, interrupted)
        with suppress(KeyboardInterrupt):
            engine.append("r", [thought("b"), thought("c")])
        with suppress(KeyboardInterrupt):
            ids(engine)
    assert ids(engine) == ["a", "b", "c"]
    assert [change.seq for change in held.refresh()] == [1, 2]
    assert engine.append("r", [thought("d")]).first_seq == 3
    assert ids(FileEngine(engine.location)) == ["a", "b", "c", "d"]


def test_traces_that_wait_are_there_for_whoever_looks(engine: FileEngine) -> None:
    """Counts, duplicates, parents, ends, views and indexes know of them, and they wait in bounded number."""
    held = engine.view("r")
    for number in range(LATE_TRACES + 5):
        parent = "a" if number == 0 else str(number - 1)
        draft = TraceDraft(Thought("t"), id=str(number), parent_id=parent, open=True, tags=["t"])
        engine.append("r", [new_trace(draft)])
    assert 0 < held_tail(engine).late < LATE_TRACES
    with pytest.raises(TraceExistsError):
        engine.append("r", [thought(str(LATE_TRACES + 4))])
    engine.append("r", [completion(str(LATE_TRACES + 4))])
    assert [change.kind for change in held.refresh()] == ["trace"] * (LATE_TRACES + 5) + ["completion"]
    engine.append("r", [thought("last")])
    assert engine.run("r").traces == LATE_TRACES + 7
    engine.append("r", [thought("very last")])
    assert engine.reindex("r")
    assert ids(FileEngine(engine.location))[-2:] == ["last", "very last"]
    engine.append("r", [thought(f"of many {number}") for number in range(LATE_TRACES)])
    assert not held_tail(engine).late


def test_what_others_write_waits_for_a_writer_too(engine: FileEngine) -> None:
    """It is known by id, in order with one's own, and is read as a reader reads it; what is no trace ends the waiting."""
    other = FileEngine(engine.location)
    for number in range(6):
        by = (engine, other)[number % 2]
        draft = TraceDraft(
            Thought("t"), id=str(number), parent_id=str(number - 1) if number else "a", tags=["t"]
        )
        assert by.append("r", [new_trace(draft)]).first_seq == number + 1
    assert (held_tail(engine).late, held_tail(other).late) == (6, 5)
    with pytest.raises(TraceExistsError):
        other.append("r", [thought("4")])
    assert ids(engine) == ids(other) == ids(FileEngine(engine.location)) == ["a", *"012345"]
    other.append("r", [thought("6"), thought("7")])
    engine.append("r", [completion_of_open(engine)])
    other.append("r", [thought("8")])
    assert [change.kind for change in other.changes("r")][-5:] == [
        "trace",
        "trace",
        "trace",
        "completion",
        "trace",
    ]
    assert answers(held_tail(other)) == answers(held_tail(FileEngine(engine.location)))


def completion_of_open(engine: FileEngine) -> Completion:
    """Record an open trace; return its end."""
    engine.append("r", [new_trace(TraceDraft(Thought("t"), id="open", open=True, timestamp=2))])
    return completion("open", end_ms=3)


def held_tail(engine: FileEngine) -> Tail:
    """Return the state of the one run without a look at its log."""
    return engine._run_file("r").tail


def test_a_torn_tail_replaced_by_a_frame_of_its_length_is_read(tmp_path: Path, engine: FileEngine) -> None:
    """The size is what it was, the bytes are not: a reader looks again."""
    follower = FileEngine(str(tmp_path))
    whole = log(tmp_path).read_bytes()
    engine.append("r", [thought("b")])
    frame = log(tmp_path).read_bytes()[len(whole) :]
    log(tmp_path).write_bytes(whole + b"\xa0" * len(frame))
    old = time.time() - 60
    for age in (old, None):
        if age:
            os.utime(log(tmp_path), (age, age))
        assert ids(follower) == ["a"]
    log(tmp_path).write_bytes(whole + frame)
    assert ids(follower) == ["a", "b"]


def test_a_log_cut_below_what_was_read_is_read_anew(tmp_path: Path, engine: FileEngine) -> None:
    """Somebody restored an old copy in place: readers and writers follow the file, not their memory."""
    reader = FileEngine(str(tmp_path))
    before = log(tmp_path).read_bytes()
    engine.append("r", [thought("b")])
    assert ids(reader) == ["a", "b"]
    with log(tmp_path).open("r+b") as file:
        file.truncate(len(before))
    assert ids(reader) == ["a"]
    engine.append("r", [thought("c")])
    assert ids(reader) == ids(engine) == ["a", "c"]
    assert engine.check() == []


@pytest.mark.parametrize("how", ["unlink", "replace", "move the store"])
def test_nobody_writes_where_nobody_looks(tmp_path: Path, how: str) -> None:
    """Deleted: not found. Replaced: into the new one. Moved away: not found here, untouched there."""
    place = tmp_path / "store"
    engine = FileEngine(str(place))
    engine.create_run("r", {"created_ms": 1})
    engine.append("r", [thought("a")])
    content = log(place).read_bytes()
    if how == "unlink":
        log(place).unlink()
    elif how == "replace":
        copy = place / "copy"
        copy.write_bytes(content)
        copy.replace(log(place))
    else:
        place.rename(tmp_path / "moved")
    if how == "replace":
        engine.append("r", [thought("b")])
        assert ids(FileEngine(str(place))) == ids(engine) == ["a", "b"]
    else:
        with pytest.raises(RunNotFoundError):
            engine.append("r", [thought("b")])
    if how == "move the store":
        assert log(tmp_path / "moved").read_bytes() == content


class CountingDisk(Disk):
    """Counts syncs, and holds the first one up until it is told to go on."""

    def __init__(self) -> None:
        self.syncs = 0
        self.armed = False
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.failure: int | None = None

    def sync_data(self, fd: int) -> None:
        """Sync, slowly the first time."""
        if self.armed:
            self.syncs += 1
            if self.syncs == 1:
                self.entered.set()
                assert self.go_on.wait(30)
                if self.failure is not None:
                    raise OSError(self.failure, os.strerror(self.failure))
        super().sync_data(fd)


def commit_while_syncing(tmp_path: Path, disk: CountingDisk) -> tuple[FileEngine, list[object]]:
    """Let one thread sync and seven commit meanwhile; return how each of the eight ended."""
    engine = FileEngine(str(tmp_path), durability="sync", disk=disk)
    engine.create_run("r", {"created_ms": 1})
    disk.armed = True

    def attempt(number: int) -> object:
        try:
            return engine.append("r", [thought(str(number))]).traces
        except WriteFailedError as problem:
            return problem

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(attempt, 0)
        assert disk.entered.wait(30)
        rest = [pool.submit(attempt, number) for number in range(1, 8)]
        wait_for(lambda: engine.run("r").traces == 8)
        disk.go_on.set()
        return engine, [first.result(), *(other.result() for other in rest)]


def test_threads_share_syncs(tmp_path: Path) -> None:
    """Seven commits that arrive during a sync are durable with the next one."""
    disk = CountingDisk()
    _, ended = commit_while_syncing(tmp_path, disk)
    assert ended == [1] * 8
    assert disk.syncs == 2


def test_a_failing_sync_acknowledges_nothing_beside_it(tmp_path: Path) -> None:
    """The system tells of a failure once: no commit that waited may take the next sync's word."""
    disk = CountingDisk()
    disk.failure = errno.EIO
    engine, ended = commit_while_syncing(tmp_path, disk)
    assert [type(problem) for problem in ended] == [WriteFailedError] * 8
    assert disk.syncs == 1
    with pytest.raises(WriteFailedError):
        engine.append("r", [thought("later")])


def test_closing_does_not_take_the_file_from_a_thread_that_syncs(tmp_path: Path) -> None:
    """The commit under way ends well; the descriptor goes when the thread is done."""
    disk = CountingDisk()
    engine = FileEngine(str(tmp_path), durability="sync", disk=disk)
    engine.create_run("r", {"created_ms": 1})
    disk.armed = True
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(lambda: engine.append("r", [thought("a")]).traces)
        assert disk.entered.wait(30)
        engine.close()
        disk.go_on.set()
        assert under_way.result() == 1
    assert ids(FileEngine(str(tmp_path))) == ["a"]


class RefusingDisk(Disk):
    """A disk whose named call fails."""

    def __init__(self, call: str, failure: int) -> None:
        self.call, self.failure = call, failure

    def _check(self, call: str) -> None:
        if call == self.call:
            raise OSError(self.failure, os.strerror(self.failure))

    def open_append(self, path: str) -> int:
        """Open, or fail."""
        self._check("open_append")
        return super().open_append(path)

    def try_lock(self, fd: int) -> bool:
        """Lock, or fail."""
        self._check("try_lock")
        return super().try_lock(fd)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """Read, or fail."""
        self._check("pread")
        return super().pread(fd, size, offset)

    def open_read(self, path: str) -> int:
        """Open, or fail."""
        self._check("open_read")
        return super().open_read(path)


@pytest.mark.parametrize(
    ("call", "failure", "expected"),
    [
        ("open_append", errno.EACCES, ReadOnlyError),
        ("open_append", errno.EROFS, ReadOnlyError),
        ("open_append", errno.EMFILE, UnreachableError),
        ("try_lock", errno.ENOLCK, UnreachableError),
        ("open_read", errno.EMFILE, UnreachableError),
        ("pread", errno.EIO, UnreachableError),
    ],
)
def test_what_the_system_refuses_is_named(
    tmp_path: Path, engine: FileEngine, call: str, failure: int, expected: type[Exception]
) -> None:
    """Never an ``OSError``; and nothing is written."""
    content = log(tmp_path).read_bytes()
    refused = FileEngine(str(tmp_path), disk=RefusingDisk(call, failure))
    with pytest.raises(expected, match=str(tmp_path)):
        refused.append("r", [thought("b")])
    assert log(tmp_path).read_bytes() == content


def test_a_write_that_cannot_be_undone_poisons_the_handle(tmp_path: Path) -> None:
    """Nothing is appended after a half frame by this handle; another one cuts it and goes on."""

    class Broken(Disk):
        broken = False

        def write(self, fd: int, data: bytes) -> int:
            if not self.broken:
                return super().write(fd, data)
            super().write(fd, data[:9])
            raise OSError(errno.EIO, "broken")

        def truncate(self, fd: int, size: int) -> None:
            if self.broken:
                raise OSError(errno.EIO, "broken")
            super().truncate(fd, size)

    disk = Broken()
    engine = FileEngine(str(tmp_path), disk=disk)
    engine.create_run("r", {"created_ms": 1})
    engine.append("r", [thought("a")])
    disk.broken = True
    for _ in range(2):
        with pytest.raises(WriteFailedError):
            engine.append("r", [thought("b")])
    disk.broken = False
    with pytest.raises(WriteFailedError, match="could not be undone"):
        engine.append("r", [thought("b")])
    other = FileEngine(str(tmp_path))
    other.append("r", [thought("c")])
    assert ids(other) == ids(engine) == ["a", "c"]
    assert engine.check() == []


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_takes_no_lock_along(tmp_path: Path, engine: FileEngine) -> None:
    """A child that lives on does not keep its parent's lock, not even if it was forked inside a commit."""
    reader, writer = os.pipe()

    class Forking(Disk):
        child = 0

        def write(self, fd: int, data: bytes) -> int:
            if not self.child:
                self.child = os.fork()
                if not self.child:
                    os.close(writer)
                    os.read(reader, 1)
                    os._exit(0)
            return super().write(fd, data)

        def unlock(self, fd: int) -> None:
            """Die without unlocking: what a SIGKILL does."""
            os.close(fd)

    disk = Forking()
    killed = FileEngine(str(tmp_path), disk=disk)
    killed.append("r", [thought("b")])
    try:
        FileEngine(str(tmp_path), lock_seconds=5).append("r", [thought("c")])
    except LockedError:
        pytest.fail("the child kept the lock")
    finally:
        os.close(reader)
        os.close(writer)
        os.waitpid(disk.child, 0)
        killed._open["r"]._writer._handle.fd = -1  # type: ignore[union-attr]  # closed above
    assert ids(engine) == ["a", "b", "c"]


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll with a generous deadline."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)
