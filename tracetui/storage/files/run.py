"""One run of a store: its log, its indices in memory, and the lock under which it is written.

Owns the order of a commit: file lock, catch up with others, repair a torn tail, decide, one write, take it
into memory, unlock, sync. State in memory changes only after the write succeeded. Readers take no file lock
and write nothing; they stop at the first frame that is not whole and look again later.

Three locks of this process, taken in this order: ``_turn`` (one commit at a time; held while waiting for the
file's lock, which no reader does), ``_mutex`` (the state: held while it changes, briefly), and alone
``_syncing`` (one sync at a time; who waits for it is usually covered by the one before: a group commit).
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tracetui.errors import (
    CorruptionError,
    FormatVersionError,
    LockedError,
    ReadOnlyError,
    UnreachableError,
    WriteFailedError,
)
from tracetui.model.change import AnyChange
from tracetui.model.clock import now_ms
from tracetui.model.run import Damage
from tracetui.storage.backend import Appended, Existing
from tracetui.storage.decide import RUN, TRACE, decide
from tracetui.storage.files.applying import Waiting, apply_later, apply_many, apply_trace
from tracetui.storage.files.frame import (
    GAP,
    HEAD_SIZE,
    HEADER_SIZE,
    KNOWN_FLAGS,
    MARKER,
    MIXED,
    OPTIONAL_CODE,
    VERSION,
    BadFrameError,
    Frame,
    encode,
)
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.index import INDEX_SUFFIX, Covered, open_index, write_index
from tracetui.storage.files.log import BodyRefs, LogFile, WriteHandle, create_dated, write_all
from tracetui.storage.state.bodies import NOT_OURS
from tracetui.storage.state.columns import BadIndexError
from tracetui.storage.state.commits import apply
from tracetui.storage.state.tail import Tail

LOCK_SECONDS = 10.0
TORN_AFTER_SECONDS = 0.25
"""Bytes at the end count as torn for a reader if the file did not change for so long."""
SETTLED_SECONDS = 1.0
"""A file that did not change for so long is told by size and time from one that did."""
UNCOVERED_CHANGES = 4096
GROWN_CHANGES = 16_384
WRITER_CHANGES = 1000
"""A process that wrote so many changes leaves an index behind."""
LOG_SUFFIX = ".log"
APPLIED_AT_ONCE = 4096
TORN = "torn tail"
"""The reason that damage at the very end has: an unfinished last write."""
FAILED_SUFFIX = ".failed"
"""Beside a log: a sync failed, nobody writes before a repair."""


class GoneError(Exception):
    """What this object knows of the log is no more: deleted, replaced, or an interrupted step.

    It never leaves the engine, which opens the run anew.
    """


@dataclass(frozen=True, slots=True)
class Options:
    """How runs of a store are opened."""

    durability: str = "process"
    recovery: str = "tolerant"
    use_index: bool = True
    lock_seconds: float = LOCK_SECONDS


class RunFile:
    """An open run. Safe from any thread."""

    def __init__(self, disk: Disk, path: str, options: Options, run_id: str) -> None:
        self.path = path
        self._disk = disk
        self._options = options
        self._turn = threading.RLock()
        self._mutex = threading.RLock()
        self._syncing = threading.Lock()
        self._writer: WriteHandle | None = None
        self._poisoned: str | None = None
        self._holes: list[Damage] = []
        self._unread: tuple[int, int, int] | None = None
        self._stepped = False
        self._whole = True
        self._written = 0
        self._log = LogFile(disk, path)
        for damage in self._log.damage:
            self._note_hole(damage)
        self._begin(options)
        status = self._log.stat()
        self._scan(status)
        self._note_damage(status)
        if not self.tail.record.run_id:
            self._do_without_record(run_id)

    def _begin(self, options: Options) -> None:
        """Begin with what the index covers, if there is one that can be trusted, else with nothing."""
        base = None
        if options.use_index and options.recovery != "strict" and not self._holes:
            base = open_index(self._disk, index_path(self.path), self._log)
        try:
            self.tail = Tail("", self._log, BodyRefs, base)
        except (BadIndexError, *NOT_OURS):
            base, self.tail = None, Tail("", self._log, BodyRefs)
        covered = Covered(HEADER_SIZE, 0, 0) if base is None else base.covered
        self._end = self._synced = covered.end
        self._last_frame = covered.last_frame
        self._indexed = self.tail.rev if base is not None else 0

    # ---- reading -----------------------------------------------------------------------------------------

    def catch_up(self) -> Tail:
        """Take in what others committed; return the indices.

        :raises GoneError: if the log was deleted or replaced.
        """
        if self.tail.is_untrusted:
            raise BadIndexError(self.path)
        status = self._log.stat()
        if status.st_nlink == 0:
            raise GoneError(self.path)
        if status.st_size != self._end:
            with self._mutex:
                status = self._log.stat()
                self._check_whole(status)
                self._scan(status)
                self._note_damage(status)
        elif len(self.tail.record.damage) != len(self._holes):
            self.tail.record.damage = tuple(self._holes)
        return self.tail

    def _check_whole(self, status: os.stat_result) -> None:
        """Refuse to go on with a state that an exception (Ctrl-C, say) left half changed, or a cut log."""
        if not self._whole or status.st_size < self._end:
            raise GoneError(self.path)

    def _scan(self, status: os.stat_result) -> None:
        """Apply the whole frames; step over damage that has good frames behind it."""
        size = status.st_size
        looked_at = (self._end, size, status.st_mtime_ns)
        if looked_at == self._unread:
            return
        while self._end < size:
            self._take_all(size)
            if self._end >= size or self._step_over(size):
                continue
            if time.time() - status.st_mtime >= SETTLED_SECONDS:
                self._unread = (self._end, size, status.st_mtime_ns)
            return

    def _take_all(self, size: int) -> None:
        """Apply frames until one does not hold; those of traces alone, thousands at a time.

        The last one is looked at more closely, and alone.
        """
        tail = self.tail
        waiting = Waiting()
        is_dense = not tail.seq_gaps
        seq, rev = tail.next_seq, tail.rev
        for frame in self._log.frames(self._end, size):
            if (
                is_dense
                and frame.flags == 0
                and (frame.base_seq, frame.base_rev) == (seq, rev)
                and frame.end < size
            ):
                waiting.add(frame)
                seq += frame.count
                rev += frame.count
                if len(waiting.heads) < APPLIED_AT_ONCE:
                    continue
                self._apply_waiting(waiting)
                waiting = Waiting()
                continue
            self._apply_waiting(waiting)
            waiting = Waiting()
            if not self._take(frame, size):
                return
            is_dense = not tail.seq_gaps
            seq, rev = tail.next_seq, tail.rev
        self._apply_waiting(waiting)

    def _apply_waiting(self, waiting: Waiting) -> None:
        if not waiting.end:
            return
        self._whole = False
        try:
            with self.tail.lock:
                apply_many(self.tail, waiting)
        except (*NOT_OURS, BadFrameError) as problem:
            raise CorruptionError(self.path, self._end, f"frames that no tracetui wrote: {problem}") from None
        self._end, self._last_frame = waiting.end, waiting.last_frame
        self._whole = True

    def _take(self, frame: Frame, size: int) -> bool:
        """Apply a frame, unless it is the last one and not whole."""
        tail = self.tail
        if frame.base_seq < tail.next_seq or frame.base_rev < tail.rev:
            return False
        if frame.end == size and not self._holds(frame):
            return False
        self._check_known(frame)
        self._whole = False
        with tail.lock:
            if frame.base_seq > tail.next_seq or frame.base_rev > tail.rev:
                self._skip(frame)
            self._apply(frame)
        self._end, self._last_frame = frame.end, frame.offset
        self._whole = True
        return True

    def _check_known(self, frame: Frame) -> None:
        """Refuse a frame of a later format, before anything of it is applied."""
        known = not frame.flags & ~KNOWN_FLAGS
        if known and frame.flags & MIXED:
            known = all(code <= RUN or code >= OPTIONAL_CODE for code in self._codes(frame))
        if not known:
            raise FormatVersionError(self.path, VERSION + 1, VERSION)

    def _codes(self, frame: Frame) -> list[int]:
        try:
            return [int(code) for code, _ in frame.coded()]
        except (*NOT_OURS, BadFrameError) as problem:
            raise self._not_ours(frame, problem) from None

    def _not_ours(self, frame: Frame, problem: Exception) -> CorruptionError:
        return CorruptionError(self.path, frame.offset, f"a frame that no tracetui wrote: {problem}")

    def _holds(self, frame: Frame) -> bool:
        try:
            return self._log.is_whole(frame)
        except BadFrameError:
            return False

    def _skip(self, frame: Frame) -> None:
        lost = frame.base_rev - self.tail.rev
        stepped, self._stepped = self._stepped, False
        if not stepped and not frame.flags & GAP:
            reason = f"{lost} changes are missing before this place"
            self._holes.append(Damage(self.path, frame.offset, 0, reason))
        self.tail.skip_to(frame.base_seq, frame.base_rev)

    def _step_over(self, size: int) -> bool:
        """Go to the next whole frame behind damage; False if there is none."""
        tail = self.tail
        found = self._log.find(self._end + 1, size, tail.next_seq, tail.rev)
        if found is None or found.end > size or (found.end == size and not self._holds(found)):
            return False
        reason = what_is_wrong(self._log, self._end)
        damage = Damage(self.path, self._end, found.offset - self._end, reason)
        self._note_hole(damage)
        self._end = found.offset
        self._stepped = True
        return True

    def _note_hole(self, damage: Damage) -> None:
        if self._options.recovery == "strict":
            raise CorruptionError(self.path, damage.offset, damage.reason)
        self._holes.append(damage)

    def _do_without_record(self, run_id: str) -> None:
        """Read a run whose own record, the first frame, is damaged: name and metadata are lost."""
        if not self.tail.rev:
            raise CorruptionError(self.path, HEADER_SIZE, "the log does not begin with its run")
        self.tail.record.run_id = run_id
        self.tail.record.created_ms = self._log.header.created_ms

    def _apply(self, frame: Frame) -> None:
        offset = frame.bodies_start
        try:
            for code, head in frame.coded():
                size, crc = head[-2], head[-1]
                self._apply_change(code, head, (offset, size, crc))
                offset += size
        except (*NOT_OURS, BadFrameError) as problem:
            raise self._not_ours(frame, problem) from None

    def _apply_change(self, code: int, head: list[object], ref: tuple[int, int, int]) -> None:
        tail = self.tail
        if code == TRACE:
            apply_trace(tail, head, ref)
        elif code == RUN:
            (values, _, _) = head
            assert isinstance(values, dict)  # noqa: S101 - the checksum held
            if not tail.record.run_id:
                tail.record.run_id = str(values.pop("id", ""))
            tail.change_run(values)
        elif code >= OPTIONAL_CODE:
            tail.skip_change()
        else:
            apply_later(tail, code, head, ref)

    def _note_damage(self, status: os.stat_result) -> None:
        torn = self.torn(status)
        self.tail.record.damage = (*self._holes, *torn)

    def torn(self, status: os.stat_result, *, surely: bool = False) -> list[Damage]:
        """Return the torn tail as damage, if the file has one and nobody is writing it just now."""
        length = status.st_size - self._end
        if length <= 0 or not (surely or time.time() - status.st_mtime >= TORN_AFTER_SECONDS):
            return []
        return [Damage(self.path, self._end, length, TORN)]

    def damage(self) -> list[Damage]:
        """Return what is known to be wrong with the log."""
        self.catch_up()
        return [*self._holes, *self.torn(self._log.stat())]

    @property
    def log(self) -> LogFile:
        """The log, for those who read it their own way."""
        return self._log

    def stat(self) -> os.stat_result:
        """Return what is known of the open log."""
        return self._log.stat()

    # ---- writing -----------------------------------------------------------------------------------------

    def append(self, changes: Sequence[AnyChange], existing: Existing) -> Appended:
        """Commit changes; see ``StorageBackend.append``.

        :raises GoneError: if the log was deleted or replaced.
        """
        with self._turn:
            writer = self._writing()
            try:
                self._lock(writer.fd)
                with self._mutex:
                    appended = self._append(writer.fd, changes, existing)
                    end = self._end
            finally:
                writer.unlock()
        if self._options.durability == "sync":
            self._sync(writer, end)
        return appended

    def _append(self, fd: int, changes: Sequence[AnyChange], existing: Existing) -> Appended:
        if self.tail.is_untrusted:
            raise BadIndexError(self.path)
        status = self._disk.fstat(fd)
        self._check_in_place(status)
        self._check_writable()
        if status.st_size != self._end or not self._whole:
            self._check_whole(status)
            self._unread = None
            self._scan(status)
            if status.st_size > self._end:
                self._cut(fd, status.st_size)
        tail = self.tail
        commit = decide(tail, changes, existing, now_ms())
        entries = commit.entries
        if entries:
            start = self._end
            number = tail.seq_gaps.number if tail.seq_gaps else None
            frame, refs = encode(commit, self._log.header.salt_bytes, number, start)
            self._write(fd, frame)
            self._whole = False
            with contextlib.suppress(BadIndexError):  # the commit stands; the next look opens the run anew
                apply(tail, commit, refs)
            self._end, self._last_frame = start + len(frame), start
            self._written += len(entries)
            self._whole = True
        return Appended(commit.first_seq, commit.first_rev, commit.traces, len(entries), commit.skipped)

    def _writing(self) -> WriteHandle:
        """Return the handle for writing: this process's own, never one inherited across a fork."""
        writer = self._writer
        if writer is None or writer.fd < 0 or writer.pid != os.getpid():
            writer = self._writer = self._open_for_writing()
        return writer

    def _open_for_writing(self) -> WriteHandle:
        try:
            writer = WriteHandle(self._disk, self.path)
        except FileNotFoundError:
            raise GoneError(self.path) from None
        except OSError as problem:
            if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise ReadOnlyError(self.path) from problem
            raise UnreachableError(self.path, problem.strerror or str(problem)) from problem
        if self._disk.fstat(writer.fd).st_ino != self._log.stat().st_ino:
            raise GoneError(self.path)
        return writer

    def _lock(self, fd: int) -> None:
        """Take the file's lock, waiting for others."""
        if self._try_lock(fd):
            return
        deadline = time.monotonic() + self._options.lock_seconds
        pause = 0.000_05
        while not self._try_lock(fd):
            if time.monotonic() > deadline:
                raise LockedError(self.path, _holder(self._disk.fstat(fd)))
            time.sleep(pause)
            pause = min(pause * 1.5, 0.005)

    def _try_lock(self, fd: int) -> bool:
        try:
            return self._disk.try_lock(fd)
        except OSError as problem:
            raise UnreachableError(self.path, f"no lock to be had: {problem.strerror}") from problem

    def _check_in_place(self, status: os.stat_result) -> None:
        """Refuse to write where nobody would look: the log was deleted, replaced or moved away."""
        try:
            there = self._disk.stat(self.path)
        except OSError:
            raise GoneError(self.path) from None
        if there.st_ino != status.st_ino or there.st_dev != status.st_dev:
            raise GoneError(self.path)

    def _check_writable(self) -> None:
        if self._poisoned is None and self._disk.exists(self.path + FAILED_SUFFIX):
            self._poisoned = "an earlier sync failed, so it is unknown what the disk holds"
        if self._poisoned is not None:
            raise WriteFailedError(
                self.path, f"{self._poisoned}; `tracetui repair` copies what is readable to a fresh file"
            )

    def _cut(self, fd: int, size: int) -> None:
        """Save a torn tail beside the log, then cut it off. Only the lock's holder may."""
        torn = self._log.pread(size - self._end, self._end)
        try:
            saved, aside = create_dated(self._disk, f"{self.path}.torn-{self._end}")
            try:
                write_all(self._disk, saved, torn)
                self._disk.sync_data(saved)
            finally:
                self._disk.close(saved)
            self._disk.sync_folder(os.path.dirname(aside))  # noqa: PTH120
            self._cut_back(fd)
        except OSError as problem:
            reason = f"its torn tail of {len(torn)} bytes could not be cut: {problem.strerror}"
            raise WriteFailedError(self.path, reason) from problem
        self.tail.record.damage = tuple(self._holes)

    def _cut_back(self, fd: int) -> None:
        """Truncate to the end of what holds, durably, before anything else is written there.

        Else a power cut may leave the old frame's head before new frames, whose numbers fit behind it.
        """
        self._disk.truncate(fd, self._end)
        self._sync_data(fd)

    def _write(self, fd: int, frame: bytes) -> None:
        """Write a frame whole, or undo what was written of it."""
        try:
            written = self._disk.write(fd, frame)
            if written != len(frame):
                write_all(self._disk, fd, frame[written:])
        except OSError as problem:
            self._undo(fd, problem)
            reason = f"{problem.strerror or problem}; nothing of this commit was kept"
            raise WriteFailedError(self.path, reason) from problem

    def _undo(self, fd: int, problem: OSError) -> None:
        try:
            self._cut_back(fd)
        except OSError:
            self._poisoned = f"a write failed ({problem.strerror}) and could not be undone"

    def _sync(self, writer: WriteHandle, end: int) -> None:
        """Return when the log is on the medium up to ``end``.

        One at a time, because the system tells of a failure once per descriptor: a second sync beside a
        failing one would succeed and acknowledge what is lost.
        """
        with self._syncing:
            if self._poisoned is None and self._synced < end:
                covered = self._end
                with contextlib.suppress(OSError):
                    self._sync_data(writer.fd)
                    self._synced = covered
            if self._synced < end:
                raise WriteFailedError(
                    self.path, f"{self._poisoned}; whether this commit survives a power cut is unknown"
                )

    def _sync_data(self, fd: int) -> None:
        """Sync the log; a failure poisons this handle and, by a mark beside the log, every other.

        :raises OSError: if it fails.
        """
        try:
            self._disk.sync_data(fd)
        except OSError as problem:
            self._poisoned = f"a sync failed ({problem.strerror}), so it is unknown what the disk holds"
            self._mark_failed()
            raise

    def _mark_failed(self) -> None:
        try:
            self._disk.close(self._disk.create(self.path + FAILED_SUFFIX))
        except OSError:
            return

    # ---- the index ---------------------------------------------------------------------------------------

    @property
    def is_index_due(self) -> bool:
        """Whether so much is not covered that an index pays: more than 4,096 changes, and than a tenth of the rest."""
        return self.tail.rev - self._indexed > max(UNCOVERED_CHANGES, self._indexed // 10)

    @property
    def leaves_index_due(self) -> bool:
        """Whether this object's own writing is reason to make an index before it goes."""
        uncovered = self.tail.rev - self._indexed
        wrote_much = self._written >= WRITER_CHANGES and uncovered > self._indexed // 10
        return wrote_much or (self._written > 0 and self.is_index_due)

    @property
    def has_outgrown_index(self) -> bool:
        """Whether this object wrote so much that more is uncovered than covered: time for an index in between."""
        return self._written > max(GROWN_CHANGES, self._indexed)

    def write_index(self) -> bool:
        """Write the index of what is known of the log; False if there is nothing to index or another is at it.

        :raises OSError: if the system cannot.
        """
        with self._mutex, self.tail.lock:
            if self._holes or not self._whole or self._end == HEADER_SIZE:
                return False
            head = self._log.pread(HEAD_SIZE, self._last_frame)
            covered = Covered(self._end, self._last_frame, int.from_bytes(head[20:24], "little"))
            snapshot, rev, written = self.tail.snapshot(), self.tail.rev, self._written
        path = index_path(self.path)
        self._log.sync()  # an index may not know more of the run than its log does after a power cut
        if not write_index(self._disk, path, self._log.header.salt, covered, snapshot.sections()):
            return False
        if self._log.stat().st_nlink == 0:
            self._disk.unlink(path)
        self._indexed = rev
        self._written -= written
        return True

    # ---- its end -----------------------------------------------------------------------------------------

    def locked(self, action: Callable[[int], None]) -> None:
        """Do something with the lock of the file held, after checking that it is still the run's.

        :raises GoneError: if the log was deleted or replaced.
        """
        with self._turn:
            writer = self._writing()
            try:
                self._lock(writer.fd)
                self._check_in_place(self._disk.fstat(writer.fd))
                action(writer.fd)
            finally:
                writer.unlock()

    def close(self) -> None:
        """Let go of the descriptor for writing, as soon as the commit that is under way has ended.

        Traces that are still held keep the one for reading.
        """
        self._writer = None


def index_path(path: str) -> str:
    """Return where the index of a log lies."""
    return path.removesuffix(LOG_SUFFIX) + INDEX_SUFFIX


def what_is_wrong(log: LogFile, offset: int) -> str:
    """Return why no frame could be read at an offset."""
    first = log.pread(1, offset)
    return "a frame does not hold" if first and first[0] & 0xF0 == MARKER else "no frame begins here"


def _holder(status: os.stat_result) -> int | None:
    """Return the process that holds the lock of a file, where the system tells."""
    wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    try:
        with open("/proc/locks") as locks:  # noqa: PTH123
            for line in locks:
                fields = line.split()
                if len(fields) > 5 and fields[1] == "FLOCK" and fields[5] == wanted:
                    return int(fields[4])
    except (OSError, ValueError):
        return None
    return None
