"""The installed commands in a real pseudo-terminal: they draw, answer keys, and leave the terminal as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

import tracetui
from tests.formats.test_claude_code import line
from tests.importing.test_opening import transcript
from tests.tui.runs import fixing


class Terminal:
    """A program in a terminal of 120 by 32."""

    def __init__(self, script: str, folder: Path) -> None:
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ |= {"TERM": "xterm-256color", "TRACETUI_STORE": str(folder / "store")}
            os.execv("/bin/sh", ["/bin/sh", "-c", script])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 32, 120, 0, 0))

    def read(self) -> bool:
        """Take what comes; False at the end."""
        if not select.select([self.fd], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:
            return False
        self.seen += data
        return bool(data)

    def wait_for(self, wanted: bytes) -> None:
        """Read until something was drawn."""
        deadline = time.monotonic() + 60
        while wanted not in self.seen:
            assert self.read(), self.seen[-2000:]
            assert time.monotonic() < deadline, self.seen[-2000:]

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self.fd, keys)

    def end(self) -> int:
        """Read to the end; return the exit code."""
        while self.read():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


PROGRAM = f'"{sys.executable}" -m tracetui.cli.app'


def test_the_demo_opens_on_the_failing_run(tmp_path: Path) -> None:
    """Its error is in view; q shows the others; the terminal is given back."""
    terminal = Terminal(f"{PROGRAM} demo", tmp_path)
    terminal.wait_for(b"FAILED")
    terminal.wait_for(b"ToolError")
    terminal.press(b"q")
    terminal.wait_for(b"deep-recursion")
    terminal.press(b"\x11")
    assert terminal.end() == 0
    assert b"\x1b[?1049l" in terminal.seen


@pytest.mark.parametrize(
    "way",
    ["{program} {file}", "{program} open {file}", "cat {file} | {program}", "cat {file} | {program} open -"],
)
def test_a_file_or_a_pipe_opens(tmp_path: Path, way: str) -> None:
    """By name, by command, or piped in; keys still come from the terminal."""
    file = tmp_path / "session.jsonl"
    file.write_bytes(transcript(line("user", "please fix the build", 1)))
    terminal = Terminal(way.format(program=PROGRAM, file=file), tmp_path)
    terminal.wait_for(b"please fix")
    terminal.press(b"\x11")
    assert terminal.end() == 0


def test_a_run_is_followed_while_parallel_commands_record_it(tmp_path: Path) -> None:
    """Each trace is on the screen once, and there are as many rows as traces."""

    def command(*words: str) -> subprocess.Popen[bytes]:
        store = {**os.environ, "TRACETUI_STORE": str(tmp_path / "store")}
        return subprocess.Popen(
            [sys.executable, "-m", "tracetui.cli.app", *words], env=store, stdout=subprocess.DEVNULL
        )

    assert command("run", "start", "live", "--id", "run-live").wait() == 0
    terminal = Terminal(f"{PROGRAM} open live", tmp_path)
    terminal.wait_for(b"0/0 shown")
    recorders = [command("record", "tool", f"step-{n}", "--run", "run-live") for n in range(8)]
    while any(recorder.poll() is None for recorder in recorders):
        terminal.read()
    terminal.wait_for(b"8/8 shown")
    terminal.press(b"\x11")
    assert terminal.end() == 0
    assert {name for name in range(8) if b"step-%d" % name in terminal.seen} == set(range(8))
    assert [recorder.returncode for recorder in recorders] == [0] * 8


def test_the_store_opens_on_its_runs_and_errors_have_their_code(tmp_path: Path) -> None:
    """An empty store says what to do; a file of no known format is 3, runs beside files are 2."""
    terminal = Terminal(PROGRAM, tmp_path)
    terminal.wait_for(b"No runs here yet")
    terminal.press(b"q")
    assert terminal.end() == 0
    bad = tmp_path / "bad.json"
    bad.write_text("{}\n")
    terminal = Terminal(f"{PROGRAM} open {bad}", tmp_path)
    assert terminal.end() == 3
    assert b"no format that is known" in terminal.seen
    assert Terminal(f"{PROGRAM} open {bad} run:x", tmp_path).end() == 2
    assert Terminal(f"{PROGRAM} open run:nothing", tmp_path).end() == 1


def test_two_runs_and_two_files_open_beside_each_other(tmp_path: Path) -> None:
    """Two runs are compared, two files with --view diff; three runs, or two in a view of one, are refused."""
    with tracetui.open(tmp_path / "store") as db:
        good, bad = fixing(db, good=True), fixing(db, good=False)
    files = []
    for word in ("build", "house"):
        file = tmp_path / f"{word}.jsonl"
        session = transcript(line("user", f"please fix the {word}", 1))
        file.write_bytes(session.replace(b'"s1"', f'"{word}"'.encode()))
        files.append(str(file))
    for what, wanted in (
        (f"{good} {bad}", b"8 equal steps"),
        (f"{' '.join(files)} --view diff", b"B please fix the house"),
        ("fix~1 fix --view diff", b"8 equal steps"),
    ):
        terminal = Terminal(f"{PROGRAM} open {what}", tmp_path)
        terminal.wait_for(wanted)
        terminal.press(b"\x11")
        assert terminal.end() == 0
    assert Terminal(f"{PROGRAM} open {good} {bad} fix", tmp_path).end() == 2
    assert Terminal(f"{PROGRAM} open {good} {bad} --view nothing", tmp_path).end() == 2
