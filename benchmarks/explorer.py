"""Speeds of the explorer at 10,000, 100,000 and 1,000,000 traces: ``python benchmarks/explorer.py [COUNT…]``.

View models are timed in this process; whole screens in the real application without a terminal, whose harness adds
tens of milliseconds of its own; a key to its paint, and the processor's time while nothing happens, in a real
pseudo-terminal. What depends on the index file beside a log is measured without and with it. Figures are medians of
several runs, beside the goal where there is one. They are printed, and written to benchmarks/explorer.json.
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
from functools import partial
from pathlib import Path

import tracetui
from tracetui import Custom, Error, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.analysis.rollup import totals
from tracetui.model.clock import now_ms
from tracetui.querying.facets import ValueColumns
from tracetui.store.database import Database, open_backend
from tracetui.tui.app import ExplorerApp
from tracetui.tui.screens.main import MainScreen
from tracetui.tui.view.document import Document
from tracetui.tui.view.facets import Facets
from tracetui.tui.view.filtering import matches
from tracetui.tui.view.finding import find_text, pattern_of
from tracetui.tui.view.picker import PickerModel
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.stats import stats_of

WITHOUT, WITH = "no index", "with index"
IDLE_SECONDS = 20.0
START = 1_790_000_000_000
GOALS = {
    "first rows, app up, with index (ms)": 500, "toggle the root, worst (ms)": 50, "append while following (ms)": 30,
    "filter, first hits (ms)": 100,
    "filter panes, counted under a filter (ms)": 100, "search, first hits (ms)": 100, "key to paint, p95 (ms)": 16,
    "whole command to first rows, with index (ms)": 1000, "5 MB payload ready (ms)": 300,
    "5 MB payload, per row (ms)": 16, "key to the detail's last byte, p95 (ms)": 60, "idle CPU (%)": 0.5,
    "memory above the empty explorer (MB)": 120, "picker, 10,000 runs, with catalog (ms)": 500,
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


def prepare(location: str, run_id: str, said: str) -> None:
    """Write the run's index, or take away every index that somebody wrote meanwhile."""
    if said == WITH:
        with tracetui.open(location) as db:
            db.reindex(run_id)
    else:
        for path in Path(location).rglob("*.idx"):
            path.unlink()


def median_ms(action: Callable[[], object], times: int = 5) -> float:
    """Return the median time of an action in milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(taken), 2)


def models(location: str, run_id: str, found: dict[str, float], said: str) -> None:
    """Time the view models; without an index the opening alone, as nothing else depends on it."""
    with Database(open_backend(location), owning=False) as db:
        start = time.perf_counter()
        view = db.view(run_id)
        found[f"open the log, {said} (ms)"] = round((time.perf_counter() - start) * 1000, 1)
        if said == WITHOUT:
            return
        found["model: rows, verdict (ms)"] = median_ms(lambda: RunModel(db, run_id, view=view), 3)
        model = RunModel(db, run_id, view=view)
        found["roll-ups of the run (ms)"] = median_ms(lambda: totals(view, view.rollup()), 3)
        model.tree.unfold_all()
        found["toggle the root, worst (ms)"] = median_ms(lambda: model.tree.toggle(0), 6)
        found["loops and sentence, in a worker (ms)"] = median_ms(model.look_into, 1)
        pieces = matches(view, "type:Error", now_ms())
        found["filter, first hits (ms)"] = median_ms(lambda: next(pieces), 1)
        found["search, first hits (ms)"] = median_ms(
            lambda: next(find_text(view, pattern_of("target-5", is_regex=False))), 3
        )
        found["search, whole run (ms)"] = median_ms(
            lambda: sum(map(len, find_text(view, pattern_of("target-5", is_regex=False)))), 1
        )
        panes = Facets(RunModel(db, run_id, view=view))
        panes.columns = ValueColumns.read(view)
        panes.model.set_filter("every third", range(0, view.count, 3))
        found["filter panes, counted under a filter (ms)"] = median_ms(panes.recount, 5)
        found["stats, in a worker (ms)"] = median_ms(lambda: stats_of(view), 1)
        store = TraceStore(db)

        def append() -> None:
            last = store.record_child(run_id, "root", Thought("news"))
            model.absorb(view.refresh())
            assert last

        found["append while following (ms)"] = median_ms(append, 7)

    found["5 MB payload ready (ms)"] = max(median_ms(partial(ready, text), 3) for text in PAYLOADS)
    documents = [ready(text) for text in PAYLOADS]
    found["5 MB payload, per row (ms)"] = max(
        median_ms(partial(document.pieces, len(document) // 2), 9) for document in documents
    )


PAYLOADS = ("x" * 5_000_000, "a line of some words and (markup) [/]\n" * 132_000, "日本" * 1_600_000)
"""One line, many lines, wide characters."""


def ready(text: str) -> Document:
    """Return a document of a payload, laid out and with its first row drawn."""
    document = Document()
    document.add_text("", text)
    document.layout(80)
    document.pieces(0)
    return document


def picker(found: dict[str, float]) -> None:
    """Time the list of 10,000 runs, as the run picker has it, when their catalog is there."""
    with tempfile.TemporaryDirectory() as folder:
        with tracetui.open(folder) as db:
            for n in range(10_000):
                run = db.restore_run(f"run-{n}", name=f"name {n % 50}", created_ms=START + n)
                if n % 100 == 0:
                    TraceStore(db).record(run.id, Error("E", "m", recoverable=False))
            PickerModel(db).board.rows(fresh=True)
            db.backend.save_catalog()

        def opened() -> None:
            with Database(open_backend(folder), owning=False) as db:
                model = PickerModel(db)
                model.show(model.board.rows(fresh=False))
                assert len(model.rows) == 10_000

        found["picker, 10,000 runs, with catalog (ms)"] = median_ms(opened, 3)


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

    def busy_percent(self, seconds: float) -> float:
        """Return the share of a processor that it takes while nothing happens, after what a start leaves to do."""
        self.read_until_quiet(3.0)
        before = self._ticks()
        time.sleep(seconds)
        return round(100 * (self._ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds, 2)

    def _ticks(self) -> int:
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return int(stat[11]) + int(stat[12])

    def close(self) -> None:
        """End it."""
        os.write(self.fd, b"\x11")
        try:
            while os.read(self.fd, 1 << 16):
                pass
        except OSError:
            pass
        os.waitpid(self.pid, 0)


def keys(location: str, run_id: str, found: dict[str, float], said: str) -> None:
    """Time keys in a real terminal; without an index the way to the first rows alone."""
    terminal = Terminal(location, run_id)
    found[f"whole command to first rows, {said} (ms)"] = round(terminal.until(b"traces") * 1000, 1)
    if said == WITHOUT:
        terminal.close()
        return
    terminal.read_until_quiet(1.0)
    firsts, lasts = [], []
    for n in range(40):
        os.write(terminal.fd, b"k" if n % 20 < 10 else b"j")
        first, last, _ = terminal.read_until_quiet(0.12)
        firsts.append(first * 1000)
        lasts.append(last * 1000)
    found["idle CPU (%)"] = terminal.busy_percent(IDLE_SECONDS)
    terminal.close()
    found["key to paint, median (ms)"] = round(statistics.median(firsts), 1)
    found["key to paint, p95 (ms)"] = round(sorted(firsts)[int(len(firsts) * 0.95)], 1)
    found["key to the detail's last byte, median (ms)"] = round(statistics.median(lasts), 1)
    found["key to the detail's last byte, p95 (ms)"] = round(sorted(lasts)[int(len(lasts) * 0.95)], 1)


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
            for said in (WITHOUT, WITH):
                prepare(folder, run_id, said)
                models(folder, run_id, found, said)
                prepare(folder, run_id, said)
                found[f"first rows, app up, {said} (ms)"] = round(asyncio.run(first_rows(folder, run_id)), 1)
                prepare(folder, run_id, said)
                keys(folder, run_id, found, said)
            if count == counts[0]:
                picker(found)
            found["memory above the empty explorer (MB)"] = memory_mb(folder, run_id)
            results[f"{count:,}"] = found
    names = list(dict.fromkeys(name for found in results.values() for name in found))
    print(f"{'':46}" + "".join(f"{count:>12}" for count in results) + f"{'goal':>8}")
    for name in names:
        print(
            f"{name:46}"
            + "".join(
                f"{found.get(name, ''):>12,}" if name in found else f"{'':>12}" for found in results.values()
            )
            + f"{GOALS.get(name, ''):>8}"
        )
    if not sys.argv[1:]:
        (Path(__file__).parent / "explorer.json").write_text(
            json.dumps({"goals": GOALS, "figures": results}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
