"""The stores that the explorer is measured on: made once, kept in the user's cache folder, copied for every measuring."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

from platformdirs import user_cache_path

import tracetui
from tracetui import Custom, Error, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.store.database import Database

START = 1_790_000_000_000
SMALL = "small"
"""A run of one trace beside the one that is measured."""
WITHOUT, WITH = "no index", "with index"


def run_of(count: int) -> str:
    """Return the id of the run that is measured."""
    return f"run-{count}"


def fill(db: Database, count: int) -> None:
    """Record an agent-shaped run: turns of twelve steps below one agent, an error in every hundredth call."""
    store, run = TraceStore(db), db.restore_run(run_of(count), name=f"{count:,} traces", created_ms=START)
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
    TraceStore(db).record(db.restore_run(SMALL, created_ms=START).id, Thought("small"))


def kept(count: int) -> Path:
    """Return the store with a run of so many traces and its index, made if there is none of this kind yet."""
    kind = zlib.crc32(f"{inspect.getsource(fill)} {tracetui.__version__}".encode())
    folder = user_cache_path("tracetui-benchmarks", appauthor=False) / f"explorer-{count}-{kind:08x}"
    if not folder.exists():
        making = folder.with_name(folder.name + ".new")
        shutil.rmtree(making, ignore_errors=True)
        script = f"from benchmarks.explorer_stores import make; make({str(making)!r}, {count})"
        subprocess.run([sys.executable, "-c", script], check=True)
        making.rename(folder)
    return folder


def make(location: str, count: int) -> None:
    """Make a store; in a process of its own, since a run whose recorder is alive counts as live."""
    with tracetui.open(location) as db:
        fill(db, count)
        db.reindex(run_of(count))


def prepare(working: Path, original: Path, said: str) -> None:
    """Make the working copy anew, with its indexes or without any: the explorer and what is measured write into it."""
    shutil.rmtree(working, ignore_errors=True)
    without = shutil.ignore_patterns("*.idx") if said == WITHOUT else None
    shutil.copytree(original, working, ignore=without)
    os.sync()
