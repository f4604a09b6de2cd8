"""Speeds of the explorer at 10,000, 100,000 and 1,000,000 traces: ``python benchmarks/explorer.py [COUNT…]``.

View models are timed in this process; whole screens in the real application without a terminal, whose harness adds
tens of milliseconds of its own; a key to its paint in a real pseudo-terminal. Figures are medians of several runs,
beside the goal where there is one. They are printed, and written to benchmarks/explorer.json.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

import tracetui
from tracetui import Custom, Error, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.analysis.rollup import totals
from tracetui.model.clock import now_ms
from tracetui.store.database import Database, open_backend
from tracetui.tui.app import ExplorerApp
from tracetui.tui.screens.main import MainScreen
from tracetui.tui.view.document import Document
from tracetui.tui.view.filtering import matches
from tracetui.tui.view.finding import find_text, pattern_of
from tracetui.tui.view.run_model import RunModel

START = 1_790_000_000_000
GOALS = {
    "first rows, app up (ms)": 500, "toggle the root, worst (ms)": 50, "append while following (ms)": 30,
    "filter, first hits (ms)": 100, "search, first hits (ms)": 100, "key to paint, p95 (ms)": 16,
    "whole command to first rows (ms)": 1000, "5 MB payload ready (ms)": 300,
}  # fmt: skip


def fill(db: Database, count: int) -> str:
    """Record an agent-shaped run: turns of twelve steps below one agent, an error in every hundredth call."""
    store, run = TraceStore(db), db.restore_run(f"run-{count}", name=f"{count:,} traces", created_ms=START)
    drafts = [
        TraceDraft(Custom("Agent", {"name": "benchmark"}), "root", timestamp=START, end_ms=START + count * 10)
    ]
    turn = ""
    for n in range(1, count):
        at = START + n * 10
        if n % 12 == 1:
            turn = f"turn-{n}"
            drafts.append(TraceDraft(Custom("Turn", {"prompt": f"step {n}"}), turn, "root", timestamp=at))
        elif n % 100 == 0:
            drafts.append(
                TraceDraft(
                    Error("ToolError", f"exit {n}", recoverable=True), f"t{n}", turn, timestamp=at, end_ms=at
                )
            )
        elif n % 3:
            call = ToolCall("bash", {"command": f"make target-{n}"}, "ok " * 40, 8)
            drafts.append(
                TraceDraft(call, f"t{n}", turn, tags=("shell",) if n % 2 else (), timestamp=at, end_ms=at + 8)
            )
        else:
            drafts.append(
                TraceDraft(Thought(f"the answer to {n} is near " * 4, 0.5), f"t{n}", turn, timestamp=at)
            )
        if len(drafts) == 5_000:
            store.record_many(run.id, drafts)
            drafts = []
    store.record_many(run.id, drafts)
    return run.id


def median_ms(action: Callable[[], object], times: int = 5) -> float:
    """Return the median time of an action in milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(taken), 2)


def models(location: str, run_id: str, found: dict[str, float]) -> None:
    """Time the view models."""
    with Database(open_backend(location), owning=False) as db:
        start = time.perf_counter()
        view = db.view(run_id)
        found["open the log, no index (ms)"] = round((time.perf_counter() - start) * 1000, 1)
        found["model: rows, verdict (ms)"] = median_ms(lambda: RunModel(db, run_id, view=view), 3)
        model = RunModel(db, run_id, view=view)
        found["roll-ups of the run (ms)"] = median_ms(lambda: totals(view, view.rollup()), 3)
        model.tree.unfold_all()
        found["toggle the root, worst (ms)"] = median_ms(lambda: model.tree.toggle(0), 6)
        pieces = matches(view, "type:Error", now_ms())
        found["filter, first hits (ms)"] = median_ms(lambda: next(pieces), 1)
        found["search, first hits (ms)"] = median_ms(
            lambda: next(find_text(view, pattern_of("target-5", is_regex=False))), 3
        )
        found["search, whole run (ms)"] = median_ms(
            lambda: sum(map(len, find_text(view, pattern_of("target-5", is_regex=False)))), 1
        )
        store = TraceStore(db)

        def append() -> None:
            last = store.record_child(run_id, "root", Thought("news"))
            model.absorb(view.refresh())
            assert last

        found["append while following (ms)"] = median_ms(append, 7)

    def ready() -> None:
        document = Document()
        document.add_text("", "x" * 5_000_000)
        document.layout(80)
        document.pieces(0)

    found["5 MB payload ready (ms)"] = median_ms(ready, 3)


async def first_rows(location: str, run_id: str) -> float:
    """Return the time from a run being asked for to its rows being drawn, the application being up on another run."""
    with Database(open_backend(location), owning=False) as db:
        app = ExplorerApp(db, run_id="small")
        async with app.run_test(size=(120, 32)) as pilot:
            await pilot.pause(0.3)
            start = time.perf_counter()
            app.open_run(run_id)
            while not (
                isinstance(app.screen, MainScreen)
                and app.screen.model.run.id == run_id
                and app.screen.is_mounted
            ):
                await asyncio.sleep(0.001)
            await pilot.pause(0)
            return (time.perf_counter() - start) * 1000


class Terminal:
    """The explorer in a real pseudo-terminal."""

    def __init__(self, location: str, run_id: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(
                sys.executable,
                [sys.executable, "-m", "tracetui.cli.app", "--store", location, "open", f"run:{run_id}"],
            )
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 32, 120, 0, 0))

    def read_until_quiet(self, quiet: float, longest: float = 30.0) -> tuple[float, float, bytes]:
        """Return seconds to the first and the last byte, and the bytes, of what comes until nothing does."""
        start = time.perf_counter()
        first = last = 0.0
        data = b""
        while time.perf_counter() - start < longest:
            if select.select([self.fd], [], [], quiet if data else longest)[0]:
                data += os.read(self.fd, 1 << 20)
                last = time.perf_counter() - start
                first = first or last
            else:
                break
        return first, last, data

    def until(self, wanted: bytes, longest: float = 60.0) -> float:
        """Return seconds until some bytes were seen."""
        start, data = time.perf_counter(), b""
        while wanted not in data and time.perf_counter() - start < longest:
            if select.select([self.fd], [], [], 1)[0]:
                data += os.read(self.fd, 1 << 20)
        return time.perf_counter() - start

    def close(self) -> None:
        """End it."""
        os.write(self.fd, b"\x11")
        try:
            while os.read(self.fd, 1 << 16):
                pass
        except OSError:
            pass
        os.waitpid(self.pid, 0)


def keys(location: str, run_id: str, found: dict[str, float]) -> None:
    """Time keys in a real terminal."""
    terminal = Terminal(location, run_id)
    found["whole command to first rows (ms)"] = round(terminal.until(b"traces") * 1000, 1)
    terminal.read_until_quiet(1.0)
    firsts, lasts = [], []
    for n in range(40):
        os.write(terminal.fd, b"k" if n % 20 < 10 else b"j")
        first, last, _ = terminal.read_until_quiet(0.12)
        firsts.append(first * 1000)
        lasts.append(last * 1000)
    terminal.close()
    found["key to paint, median (ms)"] = round(statistics.median(firsts), 1)
    found["key to paint, p95 (ms)"] = round(sorted(firsts)[int(len(firsts) * 0.95)], 1)
    found["key to the detail's last byte, median (ms)"] = round(statistics.median(lasts), 1)


def memory_mb(location: str, run_id: str) -> float:
    """Return the memory of a process that holds the run as the explorer does, above one that only imports it."""
    script = (
        "import sys\nfrom tracetui.store.database import Database, open_backend\n"
        "from tracetui.tui.view.run_model import RunModel\nimport tracetui.tui.app\n"
        "if len(sys.argv) > 1:\n    m = RunModel(Database(open_backend(sys.argv[1]), owning=False), sys.argv[2]); m.totals\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    used = [
        int(
            subprocess.run(
                [sys.executable, "-c", script, *more], capture_output=True, text=True, check=True
            ).stdout
        )
        for more in ((location, run_id), ())
    ]
    return round((used[0] - used[1]) / 1024, 1)


def main() -> None:
    """Measure every size, print a table, write the figures."""
    counts = [int(word) for word in sys.argv[1:]] or [10_000, 100_000, 1_000_000]
    results: dict[str, dict[str, float]] = {}
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            with tracetui.open(folder) as db:
                run_id = fill(db, count)
                TraceStore(db).record(db.restore_run("small", created_ms=START).id, Thought("small"))
            found: dict[str, float] = {}
            models(folder, run_id, found)
            found["first rows, app up (ms)"] = round(asyncio.run(first_rows(folder, run_id)), 1)
            keys(folder, run_id, found)
            found["memory above the empty explorer (MB)"] = memory_mb(folder, run_id)
            results[f"{count:,}"] = found
    names = list(next(iter(results.values())))
    print(f"{'':46}" + "".join(f"{count:>12}" for count in results) + f"{'goal':>8}")
    for name in names:
        print(
            f"{name:46}"
            + "".join(f"{found[name]:>12,}" for found in results.values())
            + f"{GOALS.get(name, ''):>8}"
        )
    if not sys.argv[1:]:
        (Path(__file__).parent / "explorer.json").write_text(
            json.dumps({"goals": GOALS, "figures": results}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
