"""A disk in memory that keeps every system call: shared by simulated processes, copied by crashes.

``Medium`` owns the files and the trace of what was done to them. A ``Process`` is the ``Disk`` that one process
sees: it has descriptors and locks of its own, counts its calls, and has at most one ``Fault``: at its k-th call
the process is killed, is interrupted, or the call fails. ``campaign.crash`` makes media from traces.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from posixpath import basename, dirname
from typing import Any, NamedTuple, TypeVar, cast

from tracetui.storage.files.fs import Disk

PLACE = "/medium"
"""The folder that is always there."""
_Result = TypeVar("_Result")


class Killed(BaseException):
    """The process is gone; nothing it does from now on reaches the medium."""


class File:
    """What an inode is: bytes, a time, how many names it has, and who holds its lock."""

    def __init__(self, number: int, data: bytes = b"") -> None:
        self.number = number
        self.data = bytearray(data)
        self.names = 0
        self.changed_ns = 1
        self.holder: object = None
        self.failures = 0
        """How many syncs of it failed; each descriptor is told of each once, as Linux does."""


class Op(NamedTuple):
    """One effect on the medium. ``names`` maps paths to what they name afterwards."""

    kind: str
    file: File | None = None
    offset: int = 0
    data: bytes = b""
    names: tuple[tuple[str, File | None], ...] = ()
    note: Any = None
    time: int = 0


class Status(NamedTuple):
    """As much of ``os.stat_result`` as the engine asks for."""

    st_mode: int
    st_ino: int
    st_nlink: int
    st_size: int
    st_mtime_ns: int
    st_dev: int = 7

    @property
    def st_mtime(self) -> float:
        """The time of the last change, in seconds."""
        return self.st_mtime_ns / 1e9


class Medium:
    """Files, names and folders, and the trace of all that changed them."""

    def __init__(self) -> None:
        self.names: dict[str, File] = {}
        self.folders = {"/", PLACE}
        self.times: dict[str, File] = {}
        """By folder, when a name in it changed last: as a file that nobody writes."""
        self.trace: list[Op] = []
        self.mutex = threading.RLock()
        self.boot = "the first"
        """Which start of the machine it is."""
        self._files = 0
        self._clock = 1

    def new_file(self, data: bytes = b"") -> File:
        """Return a file without a name."""
        self._files += 1
        return File(self._files, data)

    def kept_file(self, number: int, changed_ns: int, data: bytes) -> File:
        """Return a file without a name that has the number and time that it had on another medium."""
        file = File(number, data)
        file.changed_ns = changed_ns
        self._files, self._clock = max(self._files, number), max(self._clock, changed_ns)
        return file

    def done(self, op: Op) -> None:
        """Keep an effect in the trace."""
        if op.file is not None and op.kind in ("write", "size"):
            self._clock += 1
            op.file.changed_ns = self._clock
        self.trace.append(op._replace(time=self._clock))

    def mark(self, note: Any) -> None:
        """Put a mark into the trace: an acknowledgement, say."""
        self.trace.append(Op("mark", note=note))

    def rename(self, *names: tuple[str, File | None]) -> None:
        """Let paths name other files, or none, at once."""
        self._clock += 1
        for path, file in names:
            self.folder(dirname(path)).changed_ns = self._clock
            if (before := self.names.pop(path, None)) is not None:
                before.names -= 1
            if file is not None:
                self.names[path] = file
                file.names += 1
        self.trace.append(Op("names", names=names))

    def folder(self, path: str) -> File:
        """Return what tells when a name in a folder changed last."""
        if path not in self.times:
            self.times[path] = File(0)
        return self.times[path]

    def write_file(self, path: str, data: bytes) -> None:
        """Put bytes at a path from outside of any process, as a test does."""
        file = self.names.get(path)
        if file is None:
            file = self.new_file()
            self.rename((path, file))
        file.data[:] = data
        self.done(Op("write", file))

    def file(self, path: str) -> File:
        """Return the file at a path."""
        if path in self.folders:
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if path not in self.names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self.names[path]

    def paths(self, suffix: str) -> list[str]:
        """Return the paths that end so."""
        return sorted(path for path in self.names if path.endswith(suffix))


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at the k-th call of a process, counted from 0; of those of one name if ``call`` says so.

    ``part`` is what a write takes before: so many bytes, or that share of them; ``after`` lets the call take
    effect first. A call that is ``short`` succeeds with that part.
    """

    at: int
    kind: str = "fail"
    call: str | None = None
    failure: int = errno.EIO
    part: float = 0
    after: bool = False
    forever: bool = False


class Descriptor:
    """What an open file description is; it is what holds a lock."""

    def __init__(self, file: File, *, appends: bool) -> None:
        self.file = file
        self.appends = appends
        self.position = 0
        self.failures = file.failures


class Process(Disk):
    """The disk as one process sees it."""

    def __init__(self, medium: Medium, fault: Fault | None = None) -> None:
        self.medium = medium
        self.fault = fault
        self.calls = 0
        self.struck: str | None = None
        """The name of the call that the fault met, None while it has met none."""
        self.dead = False
        self.largest_read = 0
        self._open: dict[int, Descriptor] = {}
        self._next = 100

    def kill(self) -> None:
        """End the process as SIGKILL does: its descriptors close, so its locks go; nothing else happens."""
        self.dead = True
        for fd in list(self._open):
            self._close(fd)

    def _call(
        self, name: str, effect: Callable[[], _Result], part: Callable[[float], object] | None = None
    ) -> _Result:
        with self.medium.mutex:
            if self.dead:
                raise Killed
            fault = self.fault
            if fault is None or fault.call not in (None, name):
                return effect()
            number = self.calls
            self.calls += 1
            if number != fault.at and not (fault.forever and number > fault.at):
                return effect()
            self.struck = self.struck or name
            return self._strike(fault, name, effect, part)

    def _strike(
        self, fault: Fault, name: str, effect: Callable[[], _Result], part: Callable[[float], object] | None
    ) -> _Result:
        if fault.after:
            effect()
        elif part is not None and fault.part:
            part(fault.part)
        if fault.kind == "kill":
            self.kill()
            raise Killed
        if fault.kind == "interrupt":
            raise KeyboardInterrupt
        if fault.kind == "short":
            return cast("_Result", part(fault.part) if part is not None else effect())
        raise OSError(fault.failure, os.strerror(fault.failure), name)

    def _descriptor(self, fd: int) -> Descriptor:
        if fd not in self._open:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._open[fd]

    def _new(self, file: File, *, appends: bool = False) -> int:
        self._next += 1
        self._open[self._next] = Descriptor(file, appends=appends)
        return self._next

    # ---- the calls ---------------------------------------------------------------------------------------

    def open_read(self, path: str) -> int:
        return self._call("open_read", lambda: self._new(self.medium.file(path)))

    def open_folder(self, path: str) -> int:
        return self._call("open_folder", lambda: self._new(self.medium.folder(path)))

    def open_append(self, path: str) -> int:
        return self._call("open_append", lambda: self._new(self.medium.file(path), appends=True))

    def create(self, path: str) -> int:
        return self._call("create", lambda: self._create(path, appends=True))

    def open_or_create(self, path: str) -> int:
        def effect() -> int:
            known = self.medium.names.get(path)
            return self._create(path, appends=False) if known is None else self._new(known)

        return self._call("open_or_create", effect)

    def _create(self, path: str, *, appends: bool) -> int:
        if path in self.medium.names:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        if dirname(path) not in self.medium.folders:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        file = self.medium.new_file()
        self.medium.rename((path, file))
        return self._new(file, appends=appends)

    def close(self, fd: int) -> None:
        with self.medium.mutex:
            self._close(fd)

    def _close(self, fd: int) -> None:
        held = self._open.pop(fd, None)
        if held is not None and held.file.holder is held:
            held.file.holder = None

    def write(self, fd: int, data: bytes) -> int:
        def part(taken: float) -> int:
            return self._write(fd, data[: taken if isinstance(taken, int) else int(len(data) * taken)])

        return self._call("write", lambda: self._write(fd, data), part)

    def _write(self, fd: int, data: bytes) -> int:
        held = self._descriptor(fd)
        at = len(held.file.data) if held.appends else held.position
        held.file.data[at : at + len(data)] = data
        held.position = at + len(data)
        self.medium.done(Op("write", held.file, at, bytes(data)))
        return len(data)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        self.largest_read = max(self.largest_read, size)
        return self._call("pread", lambda: bytes(self._descriptor(fd).file.data[offset : offset + size]))

    def map_private(self, fd: int, size: int) -> memoryview:
        return self._call("map_private", lambda: memoryview(bytearray(self._descriptor(fd).file.data[:size])))

    def fstat(self, fd: int) -> os.stat_result:
        return self._call("fstat", lambda: self._status(self._descriptor(fd).file))

    def size(self, fd: int) -> int:
        return self._call("size", lambda: len(self._descriptor(fd).file.data))

    @staticmethod
    def _status(file: File) -> os.stat_result:
        status = Status(stat.S_IFREG | 0o600, file.number, file.names, len(file.data), file.changed_ns)
        return cast("os.stat_result", status)

    def stat(self, path: str) -> os.stat_result:
        def effect() -> os.stat_result:
            if path in self.medium.folders:
                return cast("os.stat_result", Status(stat.S_IFDIR | 0o700, 0, 1, 0, 1))
            return self._status(self.medium.file(path))

        return self._call("stat", effect)

    def boot_id(self) -> str:
        return self.medium.boot

    def exists(self, path: str) -> bool:
        return path in self.medium.names or path in self.medium.folders

    def is_folder(self, path: str) -> bool:
        return path in self.medium.folders

    def truncate(self, fd: int, size: int) -> None:
        def effect() -> None:
            file = self._descriptor(fd).file
            del file.data[size:]
            file.data.extend(bytes(size - len(file.data)))
            self.medium.done(Op("size", file, size))

        self._call("truncate", effect)

    def set_time(self, fd: int, time_ns: int) -> None:
        def effect() -> None:
            self._descriptor(fd).file.changed_ns = time_ns

        self._call("set_time", effect)

    def sync_data(self, fd: int) -> None:
        held = self._descriptor(fd)
        try:
            self._call("sync_data", lambda: self._sync(held))
        except OSError:
            if held.failures == held.file.failures:
                held.file.failures += 1
                held.failures += 1
                self.medium.done(Op("lost sync", held.file))
            raise

    def _sync(self, held: Descriptor) -> None:
        if held.failures < held.file.failures:
            held.failures = held.file.failures
            raise OSError(errno.EIO, "an earlier sync of this file failed")
        self.medium.done(Op("sync", held.file))

    def sync_folder(self, path: str) -> None:
        self._call("sync_folder", lambda: self.medium.done(Op("sync folder", note=path)))

    def try_lock(self, fd: int) -> bool:
        def effect() -> bool:
            held = self._descriptor(fd)
            if held.file.holder not in (None, held):
                return False
            held.file.holder = held
            return True

        return self._call("try_lock", effect)

    def unlock(self, fd: int) -> None:
        def effect() -> None:
            held = self._descriptor(fd)
            if held.file.holder is held:
                held.file.holder = None

        self._call("unlock", effect)

    def link(self, source: str, target: str) -> None:
        def effect() -> None:
            file = self.medium.file(source)
            if target in self.medium.names:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
            self.medium.rename((target, file))

        self._call("link", effect)

    def rename(self, source: str, target: str) -> None:
        self._call("rename", lambda: self.medium.rename((source, None), (target, self.medium.file(source))))

    def unlink(self, path: str) -> None:
        def effect() -> None:
            if path in self.medium.names:
                self.medium.rename((path, None))

        self._call("unlink", effect)

    def make_folder(self, path: str) -> None:
        def effect() -> None:
            if path not in self.medium.folders:
                self.medium.folders.add(path)
                self.medium.done(Op("folder", note=path))

        self._call("make_folder", effect)

    def listing(self, path: str) -> list[str]:
        return self._call("listing", lambda: [basename(name) for name in self._below(path)])

    def names(self, path: str) -> Iterator[tuple[str, os.stat_result]]:
        def effect() -> list[tuple[str, os.stat_result]]:
            found = self._below(path) if path in self.medium.folders else []
            return [(basename(name), self._status(self.medium.names[name])) for name in found]

        yield from self._call("names", effect)

    def _below(self, folder: str) -> list[str]:
        return [name for name in self.medium.names if dirname(name) == folder]

    def read_file(self, path: str) -> bytes:
        return self._call("read_file", lambda: bytes(self.medium.file(path).data))
