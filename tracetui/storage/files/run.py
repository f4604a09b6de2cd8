"""One run of a store: its log, its state in memory, and the order of a commit.

A commit: file lock, catch up with others, repair a torn tail, decide, one write, take it into memory, unlock,
sync. State in memory changes only after the write succeeded. Readers take no file lock and write nothing.

Three locks of this process, taken in this order: ``_turn`` (one commit at a time; held while waiting for the
file's lock, which no reader does), ``_mutex`` (the state: held while it changes, briefly), and alone the writer's
(one sync at a time; who waits for it is usually covered by the one before: a group commit).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, cast

from tracetui.errors import WriteFailedError
from tracetui.model.change import AnyChange, NewTrace
from tracetui.model.clock import now_ms
from tracetui.model.run import Damage
from tracetui.storage.backend import MAX_CHANGES, Appended, Existing
from tracetui.storage.decide import Commit, TraceCommit, decide, decide_trace, decide_traces
from tracetui.storage.files.frame import (
    HEAD_SIZE,
    HEADER_SIZE,
    Written,
    encode,
    encode_trace,
    encode_traces,
)
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.index import Covered, open_index, write_index
from tracetui.storage.files.log import GoneError, LogFile
from tracetui.storage.files.names import index_path
from tracetui.storage.files.refs import BodyRefs
from tracetui.storage.files.replay import LATE_TRACES, Replay
from tracetui.storage.files.writing import LOCK_SECONDS, LogWriter, WriteHandle
from tracetui.storage.state.bodies import NOT_OURS
from tracetui.storage.state.change_log import ChangeLog
from tracetui.storage.state.columns import BadIndexError
from tracetui.storage.state.commits import apply
from tracetui.storage.state.tail import Tail

UNCOVERED_CHANGES = 4096
GROWN_CHANGES = 65_536
"""From so many on a writer leaves an index in between: fewer are read in half a second, and each index covers them all
anew, at half of what recording them takes."""
LAST_FIRST_NUMBER = 2**32 - MAX_CHANGES - 1
WRITER_CHANGES = 1000
"""A process that wrote so many changes leaves an index behind."""


class Options(NamedTuple):
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
        self._is_durable = options.durability == "sync"
        self._turn = threading.RLock()
        self._mutex = threading.RLock()
        self._written = 0
        self.log = LogFile(disk, path)
        """The log, for those who read it their own way."""
        self._salt = self.log.header.salt_bytes
        self._replay = self._begin()
        self.tail = self._replay.tail
        self._writer = LogWriter(disk, self._replay, options.lock_seconds)
        status = self.log.stat()
        self._replay.scan(status)
        self._replay.note_damage(status)
        if not self.tail.record.run_id:
            self._replay.do_without_record(run_id)

    def _begin(self) -> Replay:
        """Begin with what the index covers, if there is one that can be trusted, else with nothing."""
        log, strict = self.log, self._options.recovery == "strict"
        base = None
        if self._options.use_index and not strict and not log.damage:
            base = open_index(self._disk, index_path(self.path), log)
        try:
            tail = Tail("", log, BodyRefs, base)
        except (BadIndexError, *NOT_OURS):
            base, tail = None, Tail("", log, BodyRefs)
        tail.make_alone = partial(_state_of, log)
        self._indexed = tail.rev if base is not None else 0
        return Replay(log, tail, Covered(HEADER_SIZE, 0, 0) if base is None else base.covered, strict=strict)

    # ---- reading -----------------------------------------------------------------------------------------

    def catch_up(self) -> Tail:
        """Take in what others committed; return the state.

        :raises GoneError: if the log was deleted or replaced.
        """
        if self.tail.is_untrusted:
            raise BadIndexError(self.path)
        replay, status = self._replay, self.log.stat()
        if status.st_nlink == 0:
            raise GoneError(self.path)
        if status.st_size != replay.end or self.tail.late or not replay.is_whole:
            with self._mutex:
                status = self.log.stat()
                replay.check_whole(status)
                self._replay.absorb()
                replay.scan(status)
                replay.note_damage(status)
        elif len(self.tail.record.damage) != len(replay.holes):
            self.tail.record.damage = tuple(replay.holes)
        return self.tail

    def damage(self) -> list[Damage]:
        """Return what is known to be wrong with the log."""
        self.catch_up()
        return [*self._replay.holes, *self.torn()]

    def torn(self, *, surely: bool = False) -> list[Damage]:
        """Return the torn tail, if the log has one and nobody is writing it just now; see ``Replay.torn``."""
        return self._replay.torn(self.log.stat(), surely=surely)

    # ---- writing -----------------------------------------------------------------------------------------

    def append(self, changes: Sequence[AnyChange], existing: Existing) -> Appended:
        """Commit changes; see ``StorageBackend.append``.

        :raises GoneError: if the log was deleted or replaced.
        """
        with self._turn:
            handle = self._writer.handle()
            try:
                self._writer.lock(handle.fd)
                with self._mutex:
                    appended = self._append(handle, changes, existing)
                    end = self._replay.end
            finally:
                handle.unlock()
        if self._is_durable:
            self._writer.sync(handle, end)
        return appended

    def _append(self, handle: WriteHandle, changes: Sequence[AnyChange], existing: Existing) -> Appended:
        tail, replay, fd = self.tail, self._replay, handle.fd
        if tail.is_untrusted:
            raise BadIndexError(self.path)
        self._writer.check_names(handle)
        if self._disk.size(fd) != replay.end or not replay.is_whole:
            self._catch_up_locked(fd)
        now = now_ms()
        if len(changes) == 1:
            placed = decide_trace(tail, changes[0], now)
            if placed is not None:
                return self._append_trace(fd, cast("NewTrace", changes[0]), *placed)
        else:
            traces = decide_traces(tail, changes, now)
            if traces is not None:
                return self._append_traces(fd, traces)
        self._replay.absorb()
        return self._append_any(fd, decide(tail, changes, existing, now))

    def _append_trace(self, fd: int, change: NewTrace, time_ms: int, parent: int | str) -> Appended:
        """Write one trace that plainly fits, and let it wait to be read: whoever looks has it absorbed first."""
        row, seq, rev = self.tail.next_numbers()
        self._check_numbers(max(seq, rev))
        written = encode_trace(change, time_ms, parent, seq, rev, self._salt)
        self._write_late(fd, written, row, time_ms if change.timestamp is None else None)
        return Appended(seq, rev, 1, 1)

    def _append_traces(self, fd: int, commit: TraceCommit) -> Appended:
        """Write traces that plainly fit; as ``_append_trace``."""
        self._check_numbers(max(commit.first_seq, commit.first_rev))
        written = encode_traces(commit, self._salt)
        self._write_late(fd, written, commit.first_row, commit.set_ms)
        count = len(written[1])
        return Appended(commit.first_seq, commit.first_rev, count, count)

    def _write_late(self, fd: int, written: Written, row: int, set_ms: int | None) -> None:
        frame, heads, bodies = written
        self._writer.write(fd, frame)
        self._replay.put_aside(heads, bodies, len(frame), row, set_ms)
        self._written += len(heads)
        if self.tail.late >= LATE_TRACES:
            with contextlib.suppress(BadIndexError):  # the commit stands; the next look opens the run anew
                self._replay.absorb()

    def _append_any(self, fd: int, commit: Commit) -> Appended:
        """Write what ``decide`` decided."""
        tail, replay, entries = self.tail, self._replay, commit.entries
        if entries:
            self._check_numbers(max(commit.first_seq, commit.first_rev))
            start = replay.end
            number = tail.seq_gaps.number if tail.seq_gaps else None
            frame, refs = encode(commit, self._salt, number, start)
            self._writer.write(fd, frame)
            replay.is_whole = False
            with contextlib.suppress(BadIndexError):  # the commit stands; the next look opens the run anew
                apply(tail, commit, refs)
            replay.advance(start, len(frame))
            self._written += len(entries)
            replay.is_whole = True
        return Appended(commit.first_seq, commit.first_rev, commit.traces, len(entries), commit.skipped)

    def _check_numbers(self, number: int) -> None:
        """Refuse what has no number in 32 bits: only a log that lies about its own comes so far."""
        if number > LAST_FIRST_NUMBER:
            raise WriteFailedError(self.path, "it has no numbers left; begin another run")

    def _catch_up_locked(self, fd: int) -> None:
        """Take in what others wrote; what is left of the file then is torn, and cut."""
        status = self._disk.fstat(fd)
        self._replay.check_whole(status)
        self._replay.scan_to_write(status)
        if status.st_size > self._replay.end:
            self._writer.cut(fd, status.st_size)

    @property
    def written_ms(self) -> int:
        """When the log was last written, in milliseconds since the epoch."""
        return self.log.stat().st_mtime_ns // 1_000_000

    def locked(self, action: Callable[[int], None]) -> None:
        """Do something with the lock of the file held, after checking that it is still the run's.

        :raises GoneError: if the log was deleted or replaced.
        """
        with self._turn:
            handle = self._writer.handle()
            try:
                self._writer.lock(handle.fd)
                self._writer.check_in_place(self._disk.fstat(handle.fd))
                action(handle.fd)
            finally:
                handle.unlock()

    # ---- the index ---------------------------------------------------------------------------------------

    @property
    def is_index_due(self) -> bool:
        """Whether so much is not covered that an index pays: more than 4,096 changes, and than a tenth of the rest."""
        return self.tail.next_rev - self._indexed > max(UNCOVERED_CHANGES, self._indexed // 10)

    @property
    def leaves_index_due(self) -> bool:
        """Whether this object's own writing is reason to make an index before it goes."""
        uncovered = self.tail.next_rev - self._indexed
        # a run that ended grows no more: its index is made whole, so that its forest is read and not laid out
        pays = uncovered > (0 if self.tail.record.is_ended else self._indexed // 10)
        wrote_much = self._written >= WRITER_CHANGES and pays
        return wrote_much or (self._written > 0 and self.is_index_due)

    def note_index_of_others(self) -> None:
        """Take into account what another process's index covers by now: of many that end at once, one makes it."""
        with contextlib.suppress(OSError, BadIndexError, *NOT_OURS):
            index = open_index(self._disk, index_path(self.path), self.log)
            if index is not None:
                self._indexed = max(self._indexed, ChangeLog(index).rev)

    @property
    def has_outgrown_index(self) -> bool:
        """Whether this object wrote so much that more is uncovered than covered: time for an index in between."""
        return self._written > max(GROWN_CHANGES, self._indexed)

    def write_index(self) -> bool:
        """Write the index of what is known of the log; False if there is nothing to index or another is at it.

        :raises OSError: if the system cannot.
        """
        replay = self._replay
        with self._mutex, self.tail.lock:
            if replay.holes or not replay.is_whole or replay.end == HEADER_SIZE:
                return False
            self._replay.absorb()
            head = self.log.pread(HEAD_SIZE, replay.last_frame)
            covered = Covered(replay.end, replay.last_frame, int.from_bytes(head[20:24], "little"))
            snapshot, rev, written = self.tail.snapshot(), self.tail.rev, self._written
        path = index_path(self.path)
        if not self._writer.sync_for_index():
            return False
        if not write_index(self._disk, path, self.log.header.salt, covered, snapshot.sections()):
            return False
        if self.log.stat().st_nlink == 0:
            self._disk.unlink(path)
        self._indexed = rev
        self._written -= written
        return True

    # ---- its end -----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the descriptor for writing, as soon as the commit that is under way has ended.

        Traces that are still held keep the one for reading.
        """
        self._writer.release()


def _state_of(log: LogFile) -> Tail:
    """Return the state that a log alone gives, without its index."""
    replay = Replay(log, Tail("", log, BodyRefs), Covered(HEADER_SIZE, 0, 0), strict=False)
    replay.scan(log.stat())
    return replay.tail
