"""The speeds of the file engine beside SQLite, LMDB and bare files: ``python -m benchmarks.engine [--fast] [ROWS…]``.

Everything goes through the public calls of ``tracetui``. Each ratio is the median of ratios taken in turns within one run,
so that a busy machine hurts both sides alike. All the rows of the design's table are there, and those that are not won.
The whole takes some minutes, prints a table and writes benchmarks/engine.json and engine.md; with names of groups only those are
measured, and with ``--fast`` as little as shows that it works; neither writes the figures.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.engine_reads import reading
from benchmarks.engine_sizes import FAST_SIZES, FULL_SIZES, Sizes
from benchmarks.engine_stores import listing, opening, rebuilding
from benchmarks.engine_table import Row, as_data, as_markdown, as_text
from benchmarks.engine_workload import items
from benchmarks.engine_workload import sizes as packed_sizes
from benchmarks.engine_writes import batches, one_by_one, processes, threads

GROUPS: dict[str, Callable[[Sizes], Iterator[Row]]] = {
    "singles": one_by_one, "batches": batches, "threads": threads, "processes": processes, "reading": reading,
    "opening": opening, "rebuilding": rebuilding, "listing": listing,
}  # fmt: skip


def measure(sizes: Sizes, groups: list[str]) -> Iterator[Row]:
    """Yield the rows of the groups."""
    for group in groups:
        yield from GROUPS[group](sizes)


def machine() -> dict[str, object]:
    """Return what the figures depend on."""
    return {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(), "cores": os.cpu_count(),
        "machine": platform.machine(), "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(), "sqlite": sqlite3.sqlite_version,
        "workload": packed_sizes(list(items(20_000))),
    }  # fmt: skip


def readable(found: object, rows: list[Row]) -> str:
    """Return the figures as a page."""
    return (
        "# The engine beside SQLite, LMDB and bare files\n\n"
        "Written by `python -m benchmarks.engine`, which also writes `engine.json`; not to be changed by hand. A figure is the\n"
        "median of ratios taken in turns within one run, in favour of tracetui if above 1 (where the goal is ≤: below). Rows\n"
        "that miss their goal, and those without one, are here too; why those about writing, memory and disk do is told in\n"
        "[what recording costs](../docs/decisions/0013-what-recording-costs.md) and\n"
        "[what reading costs](../docs/decisions/0014-what-reading-costs.md).\n\n"
        f"{as_markdown(rows)}\nTaken on: `{json.dumps(found)}`\n"
    )


def main() -> None:
    """Measure, print the table, write the figures."""
    fast = "--fast" in sys.argv[1:]
    groups = [word for word in sys.argv[1:] if not word.startswith("-")]
    rows = []
    for row in measure(FAST_SIZES if fast else FULL_SIZES, groups or list(GROUPS)):
        rows.append(row)
        print(as_text([row]).splitlines()[-1], file=sys.stderr)
    gc.collect()
    print(as_text(rows))
    if not fast and not groups:
        figures = {"machine": machine(), "rows": as_data(rows)}
        text = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
        folder = Path(__file__).parent
        (folder / "engine.json").write_text(text, encoding="utf-8")
        (folder / "engine.md").write_text(readable(figures["machine"], rows), encoding="utf-8")


if __name__ == "__main__":
    main()
