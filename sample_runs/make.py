"""Make all sample runs anew: ``python sample_runs/make.py [DIR]`` (by default sample_runs/store)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import tracetui
from tracetui.store.database import Database, open_backend

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "agents"))
import fix_login
import research
import shapes
from kit import START_MS

MINUTE = 60_000
TORN_BYTES = 37


def make(folder: Path) -> None:
    """Record every sample run into a fresh store in the folder."""
    if folder.exists():
        shutil.rmtree(folder)
    with Database(open_backend(str(folder)), owning=False) as db:
        shapes.deep(db, START_MS)
        shapes.wide(db, START_MS + 5 * MINUTE)
        shapes.hostile(db, START_MS + 10 * MINUTE)
        research.record(db, START_MS + 20 * MINUTE, seed=2)
        torn = research.record(db, START_MS + 25 * MINUTE, seed=3, name="research-torn-file")
        fix_login.record(db, START_MS + 37 * MINUTE, fail=False, seed=4)
    shapes.killed(str(folder), START_MS + 39 * MINUTE)
    with Database(open_backend(str(folder)), owning=False) as db:
        fix_login.record(db, START_MS + 41 * MINUTE, fail=True, seed=5)
    tear(folder / "runs" / f"{torn}.log")


def tear(log: Path) -> None:
    """Cut the end of a log in the middle of its last frame, as a crash would; the end of the run is lost with it."""
    content = log.read_bytes()
    log.write_bytes(content[:-TORN_BYTES])


def main() -> None:
    """Make the samples where they ship from, or where they are wanted."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "store"
    make(folder)
    with tracetui.open(folder) as db:
        for run in db.runs():
            print(f"{run.traces:>6} traces  {run.status:<10} {run.name!r}")
    print(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()), "bytes")


if __name__ == "__main__":
    main()
