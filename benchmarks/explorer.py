"""Speeds of the explorer: ``python benchmarks/explorer.py [COUNT | picker | live | files]…``; without words, all.

Each COUNT is a run of so many traces (10000, 100000, 1000000 without words), ``picker`` a store of 10,000 runs, ``live``
a run that goes on, ``files`` recordings of other tools in ../shared/data. What is measured replaces what
benchmarks/explorer.json says of it and leaves the rest, so that everything can be measured apart.

View models are timed in this process; whole screens in the real application without a terminal, whose harness adds
tens of milliseconds of its own; a key to its paint, memory, and the processor's time while nothing happens, in a real
pseudo-terminal. What depends on the index file beside a log is measured without and with it. Figures are medians of
several runs, beside the goal where there is one.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import tracetui
from benchmarks.explorer_stores import SMALL, START, WITH, WITHOUT, kept, prepare, run_of
from benchmarks.explorer_terminal import ROWS, Terminal
from tracetui import Error, Thought, TraceStore
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

COUNTS = (10_000, 100_000, 1_000_000)
OTHERS = ("picker", "live", "files")
IDLE_SECONDS = 20.0
FILE = Path(__file__).parent / "explorer.json"
DATA = Path(__file__).parents[2] / "shared" / "data"
RECORDINGS = {
    "largest Claude Code file": DATA / "claude-code" / "erk-subagents15-compact-4MB.jsonl",
    "20,003 OTLP spans": DATA / "otlp" / "scale-wide-20k.otlp.jsonl.gz",
}
GOALS: dict[str, tuple[float, float | None]] = {
    "first rows, app up, with index (ms)": (500, 500),
    "whole command to first rows, with index (ms)": (1000, None),
    "key to paint, p95 (ms)": (16, 16),
    "key to paint while it is analysed, p95 (ms)": (16, 16),
    "key to the detail's last byte, p95 (ms)": (60, 60),
    "toggle the root, worst (ms)": (50, 200),
    "append while following (ms)": (30, 30),
    "filter, first hits (ms)": (100, 100),
    "filter panes, counted under a filter (ms)": (100, None),
    "search, first hits (ms)": (100, 100),
    "5 MB payload ready (ms)": (300, 300),
    "5 MB payload, per row (ms)": (16, 16),
    "memory above the empty explorer (MB)": (120, None),
    "idle CPU (%)": (0.5, 0.5),
    "picker, 10,000 runs, with catalog (ms)": (500, 500),
    "whole command to the picker's first rows, with catalog (ms)": (1000, 1000),
    "whole command to the picker's first rows, no catalog (ms)": (1000, 1000),
    "live run, nothing comes, CPU (%)": (0.5, 0.5),
    **{f"first rows of the {name}, app up (ms)": (1000, 1000) for name in RECORDINGS},
}
"""What is to be reached up to 100,000 traces, and at 1,000,000 if the design says so."""
Figures = dict[str, float]


def median_ms(action: Callable[[], object], times: int = 5) -> float:
    """Return the median time of an action in milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(taken), 2)


def p95(taken: list[float]) -> float:
    """Return the 95th percentile of times in order of size."""
    return round(taken[int(len(taken) * 0.95)], 1)


# ---- a run of some size ----------------------------------------------------------------------------------


def measure_run(count: int) -> Figures:
    """Measure everything on a run of so many traces."""
    found: Figures = {}
    original = kept(count)
    with tempfile.TemporaryDirectory(dir=original.parent) as folder:
        working = Path(folder) / "store"
        for said in (WITHOUT, WITH):
            prepare(working, original, said)
            models(str(working), run_of(count), found, said)
            prepare(working, original, said)
            found[f"first rows, app up, {said} (ms)"] = round(
                asyncio.run(first_rows(str(working), run_of(count))), 1
            )
            prepare(working, original, said)
            keys(str(working), run_of(count), found, said)
        found["memory above the empty explorer (MB)"] = memory_mb(str(working), run_of(count))
    return found


def models(location: str, run_id: str, found: Figures, said: str) -> None:
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
        last = view.count - 2
        found["row of the last trace, all unfolded (ms)"] = median_ms(lambda: model.tree.reveal(last), 6)
        found["loops and sentence, beside the screen (ms)"] = median_ms(model.look_into, 1)
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
        found["stats, beside the screen (ms)"] = median_ms(lambda: stats_of(view), 1)
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


async def first_rows(location: str, run_id: str) -> float:
    """Return the time from a run being asked for to its rows being drawn, the application being up on another run."""
    with Database(open_backend(location), owning=False) as db:
        app = ExplorerApp(db, run_id=SMALL)
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


def keys(location: str, run_id: str, found: Figures, said: str) -> None:
    """Time keys in a real terminal; without an index the way to the first rows alone."""
    terminal = Terminal("--store", location, "open", f"run:{run_id}")
    found[f"whole command to first rows, {said} (ms)"] = round(terminal.until(ROWS) * 1000, 1)
    if said == WITHOUT:
        terminal.close()
        return
    terminal.read_until_quiet(0.2)
    firsts, lasts = terminal.presses([b"j"] * 15)
    found["key to paint while it is analysed, p95 (ms)"] = p95(firsts)
    found["analysed after (s)"] = round(terminal.until_alone(), 1)
    firsts, lasts = terminal.presses([b"k", b"j"] * 10 + [b"j"] * 20)
    found["key to paint, median (ms)"] = round(statistics.median(firsts), 1)
    found["key to paint, p95 (ms)"] = p95(firsts)
    found["key to the detail's last byte, median (ms)"] = round(statistics.median(lasts), 1)
    found["key to the detail's last byte, p95 (ms)"] = p95(lasts)
    found["next error, worst of 10 (ms)"] = round(terminal.presses([b"e"] * 10)[0][-1], 1)
    for name, key in (("waterfall", b"2"), ("transcript", b"3"), ("stats", b"4"), ("tree", b"1")):
        found[f"{name} after its key (ms)"] = round(terminal.press(key, 0.3)[0], 1)
        terminal.until_alone()
    found["idle CPU (%)"] = terminal.busy_percent(IDLE_SECONDS)
    found["memory of the explorer at its peak (MB)"] = terminal.memory_mb()
    terminal.close()


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


# ---- other things ----------------------------------------------------------------------------------------


def picker() -> Figures:
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

        found = {"picker, 10,000 runs, with catalog (ms)": median_ms(opened, 3)}
        for said, keep_it in (("with catalog", True), ("no catalog", False)):
            found[f"whole command to the picker's first rows, {said} (ms)"] = _to_picker(
                folder, keep_it=keep_it
            )
        return found


def _to_picker(folder: str, *, keep_it: bool) -> float:
    """Return the median time from a command to the first rows of the picker; the explorer writes the catalog as it ends."""
    taken = []
    for _ in range(3):
        if not keep_it:
            (Path(folder) / "catalog.idx").unlink(missing_ok=True)
        terminal = Terminal("--store", folder)
        taken.append(terminal.until(re.compile(rb"name \d+")) * 1000)
        terminal.close()
    return round(statistics.median(taken), 1)


def live() -> Figures:
    """Measure the processor's time while a run goes on that is followed, and nothing comes."""
    with tempfile.TemporaryDirectory() as folder, tracetui.open(folder) as db:
        store, run = TraceStore(db), db.create_run(name="live")
        for n in range(1_000):
            store.record(run.id, Thought(f"thought {n}"))
        terminal = Terminal("--store", folder, "open", f"run:{run.id}")
        terminal.until(re.compile(rb"LIVE"))
        busy = terminal.busy_percent(IDLE_SECONDS)
        terminal.close()
    return {"live run, nothing comes, CPU (%)": busy}


def files() -> Figures:
    """Time recordings that are opened for the first time: from the explorer being there to its first rows."""
    found: Figures = {}
    for name, path in RECORDINGS.items():
        taken = []
        for _ in range(3):
            terminal = Terminal("open", str(path))
            terminal.until(re.compile(rb"\x1b\[\?1049h"))
            taken.append(terminal.until(ROWS) * 1000)
            terminal.close()
        found[f"first rows of the {name}, app up (ms)"] = round(statistics.median(taken), 1)
    return found


# ---- telling ---------------------------------------------------------------------------------------------


def goal_of(name: str, column: str) -> float | None:
    """Return what is to be reached, None where nothing is."""
    usual, largest = GOALS.get(name, (None, None))
    return largest if column == f"{COUNTS[-1]:,}" else usual


def tell(results: dict[str, Figures]) -> None:
    """Print every figure with its goal and whether it is reached."""
    for column, found in results.items():
        print(f"\n{column}")
        for name, figure in found.items():
            goal = goal_of(name, column)
            verdict = "" if goal is None else f"goal {goal:>6,g}  {'reached' if figure <= goal else 'MISSED'}"
            print(f"  {name:52}{figure:>12,}  {verdict}".rstrip())


def keep(column: str, found: Figures) -> None:
    """Write what was found of one thing, beside what is known of others."""
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    figures = known.get("figures", {}) | {column: found}
    order = [f"{count:,}" for count in COUNTS] + list(OTHERS)
    ordered = {each: figures[each] for each in order if each in figures}
    goals = {name: goal for name, (goal, _) in GOALS.items()}
    at_largest = {name: goal for name, (_, goal) in GOALS.items() if goal is not None}
    FILE.write_text(
        json.dumps({"goals": goals, f"goals at {COUNTS[-1]:,}": at_largest, "figures": ordered}, indent=2)
        + "\n"
    )


def main(words: list[str]) -> None:
    """Measure what is named, all without a name; print and write the figures."""
    others: dict[str, Callable[[], Figures]] = {"picker": picker, "live": live, "files": files}
    for word in words or [*map(str, COUNTS), *OTHERS]:
        began = time.perf_counter()
        column = word if word in others else f"{int(word):,}"
        found = others[word]() if word in others else measure_run(int(word))
        keep(column, found)
        tell({column: found})
        print(f"  (took {time.perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
