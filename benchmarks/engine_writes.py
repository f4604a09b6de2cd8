"""The rows about writing: one by one, in batches, durable, from threads and from processes."""

from __future__ import annotations

import itertools
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import tracetui
from benchmarks.engine_rivals import BareFile, JsonLines, Lmdb, Sqlite
from benchmarks.engine_sizes import Sizes
from benchmarks.engine_table import OURS, Goal, Row, compared, seconds
from benchmarks.engine_workload import Item, items
from tracetui import TraceDraft, TraceStore

NORMAL, FULL, LMDB, BARE, JSON = "SQLite NORMAL", "SQLite FULL", "LMDB NOSYNC", "bare append", "JSON lines"
BATCH = 500
WRITERS = 8
THREADS = 16


class Writer(Protocol):
    """What records one trace after another."""

    def record(self, run: str, parent: str | None, item: Item, /) -> str:
        """Record a trace; return its id."""
        ...


class Ours:
    """The public calls of tracetui, under the name the rivals have."""

    def __init__(self, folder: Path, *, durability: Any = "process") -> None:
        self.db = tracetui.open(folder / "ours", durability=durability)
        self._store = TraceStore(self.db)

    def make_run(self, run: str) -> None:
        """Make a run if there is none."""
        self.db.create_run(id=run)

    def record(self, run: str, parent: str | None, item: Item) -> str:
        """Record one trace; return its id."""
        if parent is None:
            return self._store.record(run, item.trace_type, item.tags, item.metadata)
        return self._store.record_child(run, parent, item.trace_type, item.tags, item.metadata)

    def record_many(self, run: str, rows: Sequence[tuple[str, str | None, Item]]) -> None:
        """Record (id, parent, item) in one commit."""
        self._store.record_many(
            run,
            [
                TraceDraft(
                    item.trace_type,
                    trace_id,
                    parent,
                    tags=item.tags,
                    metadata=item.metadata,
                    timestamp=item.timestamp,
                )
                for trace_id, parent, item in rows
            ],
        )

    def close(self) -> None:
        """Let go of the store."""
        self.db.close()


@contextmanager
def opened(**made: Callable[[Path], Any]) -> Iterator[dict[str, Any]]:
    """Open contestants, each in a folder of its own that is removed afterwards."""
    with ExitStack() as stack:
        found = {}
        for name, make in made.items():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracetui-bench-")))
            found[name] = stack.enter_context(closing(make(folder)))
        yield found


def rows_of(listed: Sequence[Item], prefix: str) -> Iterator[tuple[str, str | None, Item]]:
    """Yield (id, parent's id, item)."""
    for number, item in enumerate(listed):
        yield f"{prefix}{number:08d}", None if item.parent < 0 else f"{prefix}{item.parent:08d}", item


def record_all(writer: Writer, run: str, listed: Sequence[Item]) -> None:
    """Record a tree, trace by trace."""
    ids: list[str] = []
    for item in listed:
        ids.append(writer.record(run, None if item.parent < 0 else ids[item.parent], item))


# ---- the rows --------------------------------------------------------------------------------------------


def one_by_one(sizes: Sizes) -> Iterator[Row]:
    """Record one: survives a killed process, and a power cut."""
    with opened(
        ours=Ours, normal=Sqlite, lmdb=Lmdb, bare=lambda to: BareFile(to, durable=False), json=JsonLines
    ) as on:
        on["ours"].make_run("run")
        taken = {OURS: on["ours"], NORMAL: on["normal"], LMDB: on["lmdb"], BARE: on["bare"], JSON: on["json"]}
        goals = {NORMAL: Goal("≥", 8), LMDB: Goal("≥", 3), BARE: None, JSON: None}
        yield from _singles("record one", taken, goals, sizes.singles, sizes.repeats)
    with opened(
        ours=lambda to: Ours(to, durability="sync"), full=lambda to: Sqlite(to, "FULL"),
        bare=lambda to: BareFile(to, durable=True),
    ) as on:  # fmt: skip
        on["ours"].make_run("run")
        taken = {OURS: on["ours"], FULL: on["full"], BARE: on["bare"]}
        yield from _singles(
            "record one, durable", taken, {FULL: Goal("≥", 1.3)}, sizes.durable, sizes.repeats
        )
        del taken[FULL]
        yield from _singles(
            "record one, durable", taken, {BARE: Goal("≤", 1.2)}, sizes.durable, sizes.repeats, slower=True
        )


def _singles(
    operation: str, taken: dict[str, Any], goals: Any, count: int, repeats: int, *, slower: bool = False
) -> list[Row]:
    listed = list(items(count))

    def timed(writer: Writer) -> Callable[[], float]:
        return lambda: seconds(lambda: record_all(writer, "run", listed)) / count

    contestants = {name: timed(writer) for name, writer in taken.items()}
    return compared(operation, contestants, goals, repeats=repeats, slower=slower)


def batches(sizes: Sizes) -> Iterator[Row]:
    """Record batches of 500, per trace."""
    numbers = itertools.count()
    listed = list(items(BATCH))
    with opened(ours=Ours, normal=Sqlite, lmdb=Lmdb, json=JsonLines) as on:
        on["ours"].make_run("run")

        def timed(writer: Any) -> Callable[[], float]:
            def once() -> float:
                prepared = [list(rows_of(listed, f"trace-{next(numbers)}-")) for _ in range(sizes.batches)]
                return (
                    seconds(lambda: [writer.record_many("run", rows) for rows in prepared])
                    / BATCH
                    / sizes.batches
                )

            return once

        contestants = {OURS: on["ours"], NORMAL: on["normal"], LMDB: on["lmdb"], JSON: on["json"]}
        yield from compared(
            "batch of 500, per trace", {name: timed(writer) for name, writer in contestants.items()},
            {NORMAL: Goal("≥", 6), LMDB: Goal("≥", 2.5), JSON: None}, repeats=sizes.repeats,
        )  # fmt: skip


def threads(sizes: Sizes) -> Iterator[Row]:
    """Record durably from 16 threads; SQLite's share one connection, which is faster than one each."""
    listed = list(items(sizes.durable))

    def timed(writer: Any) -> Callable[[], float]:
        def work(ready: threading.Barrier) -> None:
            ready.wait()
            record_all(writer, "run", listed)

        def once() -> float:
            ready = threading.Barrier(THREADS + 1)
            workers = [threading.Thread(target=work, args=(ready,)) for _ in range(THREADS)]
            for worker in workers:
                worker.start()
            ready.wait()
            start = time.perf_counter()
            for worker in workers:
                worker.join()
            return (time.perf_counter() - start) / THREADS / len(listed)

        return once

    with opened(ours=lambda to: Ours(to, durability="sync"), full=lambda to: Sqlite(to, "FULL")) as on:
        on["ours"].make_run("run")
        contestants = {OURS: timed(on["ours"]), FULL: timed(on["full"])}
        yield from compared("durable, 16 threads", contestants, {FULL: Goal("≥", 2.5)}, repeats=sizes.repeats)


def processes(sizes: Sizes) -> Iterator[Row]:
    """Record from 8 processes, each into a run of its own, and all into one."""
    listed = list(items(sizes.per_process))
    for operation, own, goal, lmdb in (
        ("8 processes on own runs", True, Goal("≥", 8), False), ("8 processes on one run", False, Goal("≥", 1.5), True),
    ):  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="tracetui-bench-") as name:
            folder = Path(name)
            with closing(Ours(folder)) as ours:
                for number in range(WRITERS):
                    ours.make_run(f"run-{number}")
            Sqlite(folder).close()
            makers: dict[str, Any] = {OURS: Ours, NORMAL: Sqlite}
            goals: dict[str, Goal | None] = {NORMAL: goal}
            if lmdb:
                makers[LMDB], goals[LMDB] = Lmdb, None
            contestants = {
                rival: partial(_in_processes, make, folder, listed, own=own) for rival, make in makers.items()
            }
            yield from compared(operation, contestants, goals, repeats=sizes.repeats)


def _in_processes(make: Callable[[Path], Any], folder: Path, listed: Sequence[Item], *, own: bool) -> float:
    """Return the seconds a trace takes when 8 processes record at once."""
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(WRITERS + 1)

    def work(number: int) -> None:
        with closing(make(folder)) as writer:
            run = f"run-{number if own else 0}"
            writer.record(run, None, listed[0])
            ready.wait()
            record_all(writer, run, listed)

    workers = [context.Process(target=work, args=(number,)) for number in range(WRITERS)]
    for worker in workers:
        worker.start()
    ready.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    taken = time.perf_counter() - start
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a writing process failed")
    return taken / WRITERS / len(listed)
