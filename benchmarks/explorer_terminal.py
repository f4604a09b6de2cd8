"""The explorer in a real pseudo-terminal: keys in, the time of bytes out, processor time and memory of its process."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from pathlib import Path

ROWS = re.compile(rb"[1-9][\d,]* traces")
"""What the first line of a run says once its rows are there."""


class Terminal:
    """A process of ``tracetui`` with folders of its own for what it remembers, so that it comes back to nothing."""

    def __init__(self, *words: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            own = {f"XDG_{kind}_HOME": f"{self._folder.name}/{kind}" for kind in ("DATA", "CACHE", "CONFIG")}
            os.environ.update(own, TERM="xterm-256color")
            os.execv(sys.executable, [sys.executable, "-m", "tracetui.cli.app", *words])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 32, 120, 0, 0))

    def read_until_quiet(self, quiet: float, longest: float = 5.0) -> tuple[float, float]:
        """Return seconds to the first and the last byte of what comes until nothing does; both are 0 for nothing."""
        start = time.perf_counter()
        first = last = 0.0
        while time.perf_counter() - start < longest:
            if not select.select([self.fd], [], [], quiet if last else longest)[0]:
                break
            os.read(self.fd, 1 << 20)
            last = time.perf_counter() - start
            first = first or last
        return first, last

    def until(self, wanted: re.Pattern[bytes], longest: float = 120.0) -> float:
        """Return seconds until some bytes were seen."""
        start, data = time.perf_counter(), b""
        while not wanted.search(data):
            if time.perf_counter() - start > longest:
                raise TimeoutError(f"{wanted.pattern!r} was not seen in {data[-2000:]!r}")
            if select.select([self.fd], [], [], 1)[0]:
                data += os.read(self.fd, 1 << 20)
        return time.perf_counter() - start

    def press(self, key: bytes, quiet: float = 0.12) -> tuple[float, float]:
        """Press a key; return milliseconds to the first and to the last byte of what it draws."""
        os.write(self.fd, key)
        first, last = self.read_until_quiet(quiet)
        return first * 1000, last * 1000

    def presses(self, keys: Sequence[bytes]) -> tuple[list[float], list[float]]:
        """Press keys one after the other; return milliseconds to the first and to the last byte of each, in order of size."""
        taken = [each for each in map(self.press, keys) if each[1]]
        return sorted(first for first, _ in taken), sorted(last for _, last in taken)

    def until_alone(self, longest: float = 120.0) -> float:
        """Return seconds until no other process works for this one, and it itself has nothing to do."""
        start, calm, before = time.perf_counter(), 0, self._ticks()
        while calm < 3 and time.perf_counter() - start < longest:
            self.read_until_quiet(0.4, 0.4)
            ticks = self._ticks()
            calm = calm + 1 if ticks - before <= 1 and not self._children() else 0
            before = ticks
        return time.perf_counter() - start

    def _children(self) -> list[int]:
        stats = Path("/proc").glob("[0-9]*/stat")
        return [int(path.parent.name) for path in stats if _parent(path) == self.pid]

    def busy_percent(self, seconds: float) -> float:
        """Return the share of a processor that it takes while nothing happens, after what a start leaves to do."""
        self.until_alone()
        before = self._ticks()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read_until_quiet(left, left)
        return round(100 * (self._ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds, 2)

    def _ticks(self) -> int:
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return int(stat[11]) + int(stat[12])

    def memory_mb(self) -> float:
        """Return the most memory that the process had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)

    def close(self) -> None:
        """End it."""
        os.write(self.fd, b"\x11")
        try:
            while os.read(self.fd, 1 << 16):
                pass
        except OSError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.fd)
        self._folder.cleanup()


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1
