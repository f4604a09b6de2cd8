"""The rows about whole runs and stores: opening a million traces, windows, rebuilding, listing thousands of runs."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import tracetui
from benchmarks.engine_reads import bytes_per_trace
from benchmarks.engine_rivals import Sqlite
from benchmarks.engine_sizes import Sizes
from benchmarks.engine_table import OURS, Goal, Row, absolute, compared, fastest, seconds
from benchmarks.engine_workload import items
from benchmarks.engine_writes import Ours, record_all, rows_of
from tracetui import Thought, TraceStore


def opening(sizes: Sizes) -> Iterator[Row]:
    """Open a run of a million traces, with and without its index, and look at a window of it."""
    with tempfile.TemporaryDirectory(prefix="tracetui-bench-") as name:
        folder = Path(name)
        with closing(Ours(folder)) as ours:
            ours.make_run("big")
            ours.make_run("small")
            record_batches(ours, "big", sizes.big, 5_000)
            TraceStore(ours.db).record("small", Thought("small"))
            ours.db.end_run("big")  # of a run that goes on, up to a tenth may stand behind its index
        store = str(folder / "ours")
        count = f"{sizes.big:,} traces"
        yield absolute(
            f"open a run of {count}, index there", middle(lambda: opened_in(store, "big"), sizes.repeats) * 1e3, "ms",
            Goal("≤", 1),
        )  # fmt: skip
        yield absolute(
            "50-row window in the middle",
            _window(store, sizes),
            "ms",
            Goal("≤", 1),
            f"of {count}, store.walk",
        )
        yield absolute(
            "memory per trace, base", bytes_per_trace(store, "big"), "B", Goal("≤", 1), "index there"
        )
        drop_derived(store)
        yield absolute(
            "memory per trace, tail", bytes_per_trace(store, "big"), "B", Goal("≤", 300), "no index"
        )


def _window(store: str, sizes: Sizes) -> float:
    """Return the median milliseconds of a window at places all over the run, each the first since opening."""

    def once(place: int) -> float:
        with tracetui.open(store) as db:
            db.view("big")
            look = TraceStore(db)
            start = time.perf_counter()
            rows = look.walk("big", place, 50)
            taken = time.perf_counter() - start
            assert len(rows) == min(50, sizes.big - place)
            return taken

    return statistics.median([once(sizes.big * part // 10) for part in (1, 5, 9)]) * 1e3


def rebuilding(sizes: Sizes) -> Iterator[Row]:
    """Open runs whose index is gone; SQLite, which needs no rebuilding, opens its own."""
    with tempfile.TemporaryDirectory(prefix="tracetui-bench-") as name:
        folder = Path(name)
        with closing(Ours(folder)) as ours:
            for run in ("singles", "batched"):
                ours.make_run(run)
            record_all(ours, "singles", list(items(sizes.rebuilt, short=True)))
            record_batches(ours, "batched", sizes.rebuilt, 500)
        store = str(folder / "ours")
        drop_derived(store)
        taken = {run: middle(partial(opened_in, store, run), sizes.repeats) for run in ("singles", "batched")}
        for run, goal, what in (("singles", 150, "single frames"), ("batched", 400, "frames of 500")):
            yield absolute(
                f"rebuild without index, {what}",
                sizes.rebuilt / taken[run] / 1e3,
                "k traces/s",
                Goal("≥", goal),
            )
        with closing(Sqlite(folder)) as theirs:
            theirs.record_many("batched", list(rows_of(list(items(sizes.rebuilt, short=True)), "trace-")))

        def theirs_opened() -> None:
            with closing(Sqlite(folder)) as again:
                again.all("SELECT max(seq) FROM traces WHERE run = 'batched'")

        contestants = {
            OURS: lambda: seconds(lambda: opened_in(store, "batched")),
            "SQLite": lambda: seconds(theirs_opened),
        }
        yield from compared(
            "cold open, index gone", contestants, {"SQLite": None}, repeats=sizes.repeats, unit="ms", scale=1e3,
            note="it rebuilds nothing",
        )  # fmt: skip


def listing(sizes: Sizes) -> Iterator[Row]:
    """List a store of many runs in a fresh process's way: by the catalog's word, and checked against the files."""
    with tempfile.TemporaryDirectory(prefix="tracetui-bench-") as name:
        with closing(Ours(Path(name))) as ours:
            thought = Thought("a short run")
            store = TraceStore(ours.db)
            for number in range(sizes.runs):
                run = ours.db.create_run(f"run {number}")
                store.record(run.id, thought)
            ours.db.backend.save_catalog()  # as the explorer leaves it
        location = str(Path(name) / "ours")

        def listed(*, fresh: bool) -> Callable[[], None]:
            def once() -> None:
                with tracetui.open(location) as db:
                    assert len(db.runs(fresh=fresh)) == sizes.runs

            return once

        count = f"{sizes.runs:,} runs"
        for what, fresh, goal in (("from the catalog", False, 10), ("checked against the files", True, 100)):
            yield absolute(
                f"list {count} {what}", middle(partial(fastest, listed(fresh=fresh)), sizes.repeats) * 1e3, "ms",
                Goal("≤", goal),
            )  # fmt: skip


# ---- how -------------------------------------------------------------------------------------------------


def record_batches(ours: Ours, run: str, count: int, size: int) -> None:
    """Record a run of short traces in commits of some size."""
    rows = list(rows_of(list(items(count, short=True)), "trace-"))
    for start in range(0, count, size):
        ours.record_many(run, rows[start : start + size])


def opened_in(store: str, run: str) -> float:
    """Return the seconds from opening a store to holding the columns of a run."""
    start = time.perf_counter()
    with tracetui.open(store) as db:
        assert db.view(run).count
        return time.perf_counter() - start


def middle(action: Callable[[], float | None], repeats: int) -> float:
    """Return the median of what an action returns, at least three times taken if there are repeats at all."""
    found = [action() for _ in range(max(min(repeats, 3), 1))]
    return statistics.median([one for one in found if one is not None])


def drop_derived(store: str) -> None:
    """Remove what is derived from the logs."""
    for file in [*Path(store).glob("runs/*.idx"), *Path(store).glob("catalog.idx")]:
        file.unlink()
