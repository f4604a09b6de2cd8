"""Every system call of the file engine, in one place, so that tests can own the disk.

Owns the calls and nothing else: no format, no policy, no state. Errors of the system pass through as
``OSError``; the callers know what they mean.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator


class Disk:
    """The real disk. A test gives the engine a subclass that fails, counts or records."""

    def open_read(self, path: str) -> int:
        """Return a descriptor for reading."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def open_folder(self, path: str) -> int:
        """Return a descriptor of a folder, whose status tells when a name in it changed last."""
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def open_append(self, path: str) -> int:
        """Return a descriptor of an existing file whose writes go to its end."""
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)

    def create(self, path: str) -> int:
        """Return a descriptor of a new file; it must not exist."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        os.close(fd)

    def write(self, fd: int, data: bytes) -> int:
        """Write once; return how many bytes the system took."""
        return os.write(fd, data)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """Read at an offset; fewer bytes than asked only at the end of the file."""
        data = os.pread(fd, size, offset)
        if len(data) in (0, size):
            return data
        parts = [data]
        got = len(data)
        while got < size and (more := os.pread(fd, size - got, offset + got)):
            parts.append(more)
            got += len(more)
        return b"".join(parts)

    def map_private(self, fd: int, size: int) -> memoryview:
        """Return a file's bytes as memory that can be changed without changing the file."""
        import mmap

        return memoryview(mmap.mmap(fd, size, access=mmap.ACCESS_COPY))

    def open_or_create(self, path: str) -> int:
        """Return a descriptor of a file for writing, made if there is none."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def fstat(self, fd: int) -> os.stat_result:
        """Return what is known of an open file."""
        return os.fstat(fd)

    def size(self, fd: int) -> int:
        """Return how long an open file is; its place is moved there. A third of what ``fstat`` costs."""
        return os.lseek(fd, 0, os.SEEK_END)

    def stat(self, path: str) -> os.stat_result:
        """Return what is known of a path."""
        return os.stat(path)  # noqa: PTH116 - this file is where the calls are

    def exists(self, path: str) -> bool:
        """Return whether there is something at a path."""
        return os.path.exists(path)  # noqa: PTH110

    def is_folder(self, path: str) -> bool:
        """Return whether there is a folder at a path."""
        return os.path.isdir(path)  # noqa: PTH112

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file."""
        os.ftruncate(fd, size)

    def set_time(self, fd: int, time_ns: int) -> None:
        """Let a file have been changed at a time, in nanoseconds since the epoch."""
        os.utime(fd, ns=(time_ns, time_ns))

    def sync_data(self, fd: int) -> None:
        """Return when the file's bytes are on the medium."""
        full = getattr(fcntl, "F_FULLFSYNC", None)
        if full is not None:
            fcntl.fcntl(fd, full)
        else:
            os.fdatasync(fd)

    def sync_folder(self, path: str) -> None:
        """Return when the folder's entries are on the medium."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def try_lock(self, fd: int) -> bool:
        """Take the exclusive lock of a file if nobody has it."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(self, fd: int) -> None:
        """Let go of the lock."""
        fcntl.flock(fd, fcntl.LOCK_UN)

    def link(self, source: str, target: str) -> None:
        """Give a file a second name that must not exist."""
        try:
            os.link(source, target)
        except OSError as problem:
            if problem.errno not in (errno.EPERM, errno.EOPNOTSUPP):
                raise
            if os.path.exists(target):  # noqa: PTH110
                raise FileExistsError(errno.EEXIST, "exists", target) from None
            os.rename(source, target)  # noqa: PTH104

    def rename(self, source: str, target: str) -> None:
        """Move a file over another."""
        os.replace(source, target)  # noqa: PTH105

    def unlink(self, path: str) -> None:
        """Remove a name; it may be gone already."""
        try:
            os.unlink(path)  # noqa: PTH108
        except FileNotFoundError:
            return

    def make_folder(self, path: str) -> None:
        """Make a folder for this user alone, and those above it as they usually are."""
        os.makedirs(path, mode=0o700, exist_ok=True)  # noqa: PTH103

    def listing(self, path: str) -> list[str]:
        """Return the names in a folder."""
        return os.listdir(path)  # noqa: PTH208

    def names(self, path: str) -> Iterator[tuple[str, os.stat_result]]:
        """Yield name and status of the files of a folder; none if there is no folder."""
        try:
            entries = os.scandir(path)
        except FileNotFoundError:
            return
        with entries:
            for entry in entries:
                try:
                    status = entry.stat()
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield entry.name, status

    def boot_id(self) -> str:
        """Return what tells this start of the machine from every other, "" where it cannot be had."""
        try:
            return self.read_file("/proc/sys/kernel/random/boot_id").decode().strip()
        except OSError:
            return ""

    def read_file(self, path: str) -> bytes:
        """Return a small file whole."""
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()
