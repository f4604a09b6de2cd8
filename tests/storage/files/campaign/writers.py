"""Real processes that write until they are killed, and tell over a pipe what they were told.

A writer is a function that works for ever; it calls ``tell`` with a line when something is acknowledged. It runs
in a forked child and ends by SIGKILL alone: from outside at a random moment, or by its own hand at a system call.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from random import Random
from typing import Any, NoReturn

from tracetui.storage.files.fs import Disk

Tell = Callable[[str], None]
DEAD, DONE = -signal.SIGKILL, 0


def forked(work: Callable[[Tell], None]) -> tuple[int, int]:
    """Run a piece of work in a child; return its process and the end of the pipe that it tells to."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    status = 1
    try:
        os.close(reader)
        work(lambda line: _write(writer, line))
        status = DONE
    finally:
        os._exit(status)
    raise AssertionError("unreachable")


def _write(pipe: int, line: str) -> None:
    os.write(pipe, f"{line}\n".encode())


def killed_at_random(work: Callable[[Tell], None], chance: Random) -> list[str]:
    """Let a child work, kill it after some lines and a moment; return all the lines that it told."""
    pid, reader = forked(work)
    told, wanted = b"", chance.randrange(1, 12)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while told.count(b"\n") < wanted and (piece := pipe.read(4096)):
            told += piece
        for _ in range(chance.randrange(3000)):
            pass
        os.kill(pid, signal.SIGKILL)
        assert ended(pid) == DEAD, "the writer ended by itself"
        while piece := pipe.read(1 << 16):
            told += piece
    return told.decode().splitlines()


def ended(pid: int) -> int:
    """Wait for a child; return how it ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Deadly(Disk):
    """The real disk of a process that kills itself at its k-th call, before it, after it, or half way through a write."""

    COUNTED = (
        "create", "close", "write", "open_or_create", "open_append", "truncate", "sync_data", "sync_folder",
        "try_lock", "link", "rename", "unlink", "make_folder",
    )  # fmt: skip

    def __init__(self, at: int, part: float | None) -> None:
        self._left = at
        self._part = part
        """What a write takes first; None: the call takes effect."""
        for name in self.COUNTED:
            setattr(self, name, self._counting(name, getattr(self, name)))

    def _counting(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any) -> Any:
            self._left -= 1
            if self._left < 0:
                self._die(name, call, given)
            return call(*given)

        return counted

    def _die(self, name: str, call: Callable[..., Any], given: tuple[Any, ...]) -> NoReturn:
        if self._part is None:
            call(*given)
        elif name == "write":
            fd, data = given
            call(fd, data[: int(len(data) * self._part)])
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")


def killed_at_call(work: Callable[[Disk, Tell], None], at: int, part: float | None) -> tuple[bool, list[str]]:
    """Let a child do a piece of work and die at its k-th call; return whether it died, and what it told."""
    pid, reader = forked(lambda tell: work(Deadly(at, part), tell))
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read().decode().splitlines()
    status = ended(pid)
    assert status in (DEAD, DONE), "the work failed by itself"
    return status == DEAD, told
