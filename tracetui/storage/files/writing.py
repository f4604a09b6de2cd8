"""Writing to one log: its lock between processes, one write a commit, and what becomes of a failure.

Owns the descriptor for writing and the promise of durability. Bytes before the validated end are never touched;
only what lies behind it is cut, by the lock's holder, after it was saved beside the log. A write that fails is
undone before its error is raised. A sync that fails leaves it unknown what the disk holds: nobody is promised
anything from then on, in this process (``poisoned``) and in every other (a mark beside the log), until a repair.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
import weakref

from tracetui.errors import LockedError, ReadOnlyError, UnreachableError, WriteFailedError
from tracetui.storage.files.atomic import create_dated, write_all
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.log import GoneError
from tracetui.storage.files.names import FAILED_SUFFIX
from tracetui.storage.files.replay import Replay

LOCK_SECONDS = 10.0
SETTLED_NS = 100_000_000
_UNKNOWN = "so it is unknown what the disk holds"
_handles: weakref.WeakSet[WriteHandle] = weakref.WeakSet()


class WriteHandle:
    """A log opened for appending and locking; the descriptor lives as long as anybody holds this object.

    So whoever closes a run does not take it from a thread that is still writing or syncing.
    """

    __slots__ = ("__weakref__", "_disk", "fd", "folder", "pid")

    def __init__(self, disk: Disk, path: str) -> None:
        self._disk = disk
        self.pid = os.getpid()
        self.fd = self.folder = -1
        self.fd = disk.open_append(path)
        self.folder = disk.open_folder(os.path.dirname(path))  # noqa: PTH120
        _handles.add(self)

    def unlock(self) -> None:
        """Let go of the file's lock, if it is held; the commit stands, so this never fails."""
        if self.fd >= 0:
            try:
                self._disk.unlock(self.fd)
            except OSError:
                self.close()

    def close(self) -> None:
        """Close the descriptor now: for a forked child, which must not share its parent's lock."""
        held, self.fd, self.folder = (self.fd, self.folder), -1, -1
        for fd in held:
            if fd >= 0:
                self._disk.close(fd)

    def __del__(self) -> None:
        self.close()


def _close_inherited() -> None:
    """In a forked child: it would share, and prolong, the locks of its parent."""
    for handle in list(_handles):
        handle.close()


os.register_at_fork(after_in_child=_close_inherited)


class LogWriter:
    """The end of a log, as far as ``replay`` knows it, for those who write there."""

    def __init__(self, disk: Disk, replay: Replay, lock_seconds: float) -> None:
        self.path = replay.log.path
        self._disk = disk
        self._replay = replay
        self._lock_seconds = lock_seconds
        self._handle: WriteHandle | None = None
        self._poisoned: str | None = None
        self._names_of: int | None = None
        """The folder's time when its names were looked at, if it had been so for a while."""
        self._syncing = threading.Lock()
        self._synced = replay.end

    # ---- whose turn it is --------------------------------------------------------------------------------

    def handle(self) -> WriteHandle:
        """Return the handle for writing: this process's own, never one inherited across a fork.

        :raises GoneError: if another log is there by now, or none.
        """
        held = self._handle
        if held is None or held.fd < 0 or held.pid != os.getpid():
            held = self._handle = self._open()
        return held

    def _open(self) -> WriteHandle:
        try:
            handle = WriteHandle(self._disk, self.path)
        except FileNotFoundError:
            raise GoneError(self.path) from None
        except OSError as problem:
            if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise ReadOnlyError(self.path) from problem
            raise UnreachableError(self.path, problem.strerror or str(problem)) from problem
        if self._disk.fstat(handle.fd).st_ino != self._replay.log.stat().st_ino:
            raise GoneError(self.path)
        return handle

    def release(self) -> None:
        """Let go of the handle, as soon as the commit that is under way has ended."""
        self._handle = None

    def lock(self, fd: int) -> None:
        """Take the file's lock, waiting for others."""
        if not self._try_lock(fd):
            self._wait_for_lock(fd)

    def _wait_for_lock(self, fd: int) -> None:
        deadline = time.monotonic() + self._lock_seconds
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

    def check_names(self, handle: WriteHandle) -> None:
        """Refuse to write where nobody would look, or on what a failed sync left.

        Both are told by names in the folder, and its own time tells whether any of them changed since they were
        looked at: one call instead of two. That holds if the time was a while ago then, so that no later change
        can bear the same.
        """
        changed = self._disk.fstat(handle.folder).st_mtime_ns
        if changed != self._names_of or self._poisoned is not None:
            self.check_in_place(self._disk.fstat(handle.fd))
            self.check_writable()
            self._names_of = changed if time.time_ns() - changed > SETTLED_NS else None

    def check_in_place(self, status: os.stat_result) -> None:
        """Refuse to write where nobody would look: the log was deleted, replaced or moved away.

        :raises GoneError: then.
        """
        try:
            there = self._disk.stat(self.path)
        except OSError:
            raise GoneError(self.path) from None
        if there.st_ino != status.st_ino or there.st_dev != status.st_dev:
            raise GoneError(self.path)

    def check_writable(self) -> None:
        """Refuse to write on what a failed sync left."""
        self._look_for_mark()
        if self._poisoned is not None:
            raise WriteFailedError(
                self.path, f"{self._poisoned}; `tracetui repair` copies what is readable to a fresh file"
            )

    # ---- writing, with the lock held ---------------------------------------------------------------------

    def write(self, fd: int, frame: bytes) -> None:
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

    def cut(self, fd: int, size: int) -> None:
        """Save a torn tail beside the log, then cut it off."""
        replay = self._replay
        torn = replay.log.pread(size - replay.end, replay.end)
        try:
            saved, aside = create_dated(self._disk, f"{self.path}.torn-{replay.end}")
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
        replay.tail.record.damage = tuple(replay.holes)

    def _cut_back(self, fd: int) -> None:
        """Truncate to the end of what holds, durably, before anything else is written there.

        Else a power cut may leave the old frame's head before new frames, whose numbers fit behind it.
        """
        self._disk.truncate(fd, self._replay.end)
        self._sync_data(fd)

    # ---- durability, with no lock held -------------------------------------------------------------------

    def sync(self, handle: WriteHandle, end: int) -> None:
        """Return when the log is on the medium up to ``end``; who waits is usually covered by the one before.

        One at a time, because the system tells of a failure once per descriptor: a second sync beside a
        failing one would succeed and acknowledge what is lost. For the same reason another process's mark is
        looked for after the sync, unless the folder's time says that no name changed since the last look: its
        failure may have been told before this one's descriptor was opened.

        :raises WriteFailedError: if it fails, here or in another process.
        """
        with self._syncing:
            if self._poisoned is None and self._synced < end:
                covered = self._replay.end
                with contextlib.suppress(OSError):
                    self._sync_data(handle.fd)
                    if self._disk.fstat(handle.folder).st_mtime_ns != self._names_of:
                        self._look_for_mark()
                    if self._poisoned is None:
                        self._synced = covered
            if self._synced < end:
                raise WriteFailedError(
                    self.path, f"{self._poisoned}; whether this commit survives a power cut is unknown"
                )

    def sync_for_index(self) -> bool:
        """Return when the log is on the medium as it was read, False if nobody can know.

        An index may not know more of a run than its log does after a power cut.

        :raises OSError: if it fails; nobody writes any more then.
        """
        self._sync_data(self._replay.log.fd)
        self._look_for_mark()
        return self._poisoned is None

    def _sync_data(self, fd: int) -> None:
        """Sync the log; a failure poisons this handle and, by a mark beside the log, every other.

        :raises OSError: if it fails.
        """
        try:
            self._disk.sync_data(fd)
        except OSError as problem:
            self._poisoned = f"a sync failed ({problem.strerror}), {_UNKNOWN}"
            self._mark_failed()
            raise

    def _mark_failed(self) -> None:
        with contextlib.suppress(OSError):
            self._disk.close(self._disk.create(self.path + FAILED_SUFFIX))

    def _look_for_mark(self) -> None:
        if self._poisoned is None and self._disk.exists(self.path + FAILED_SUFFIX):
            self._poisoned = f"an earlier sync failed, {_UNKNOWN}"


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
