"""The rows about reading: by id and index, filters, facets, trees, text, and what memory and disk it takes."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.engine_rivals import Sqlite
from benchmarks.engine_sizes import Sizes
from benchmarks.engine_table import OURS, Goal, Row, absolute, compared, fastest, interleaved
from benchmarks.engine_workload import NEEDLE, START_MS, items
from benchmarks.engine_writes import Ours, opened, rows_of
from tracetui import TraceStore, search

SQLITE = "SQLite"
TREE = 10_000
GREP = "grep -F"
_SPACE = r"\x20"
"""A space within a regular expression, where the query language would end the term."""


def reading(sizes: Sizes) -> Iterator[Row]:
    """Read a run of agents' traces in every way there is."""
    listed = list(items(sizes.reads))
    with opened(ours=Ours, theirs=Sqlite) as on:
        ours, theirs = on["ours"], on["theirs"]
        ours.make_run("run")
        for writer in (ours, theirs):
            rows = list(rows_of(listed, "trace-"))
            for start in range(0, len(rows), 1000):
                writer.record_many("run", rows[start : start + 1000])
        yield from _points(ours, theirs, sizes)
        yield from _indices(ours, theirs, sizes)
        yield from _filters(ours, theirs, sizes)
        yield from _trees(ours, theirs, sizes)
        yield from _texts(ours, theirs, sizes)
        yield from _disk(ours, theirs)


def _pair(
    operation: str,
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    goal: Goal | None,
    sizes: Sizes,
    note: str = "",
) -> list[Row]:
    """Compare two ways to the same answer."""
    contestants = {OURS: lambda: fastest(ours, 3), SQLITE: lambda: fastest(theirs, 3)}
    return compared(
        operation, contestants, {SQLITE: goal}, repeats=sizes.repeats, unit="ms", scale=1e3, note=note
    )


def _points(ours: Ours, theirs: Sqlite, sizes: Sizes) -> Iterator[Row]:
    store = TraceStore(ours.db)
    chance = random.Random(7)
    ids = [f"trace-{chance.randrange(sizes.reads):08d}" for _ in range(min(1000, sizes.reads))]

    def decoded() -> None:
        for trace_id in ids:
            trace = store.get("run", trace_id)
            assert trace is not None
            assert trace.trace_type is not None

    def selected() -> None:
        for trace_id in ids:
            theirs.get("run", trace_id)

    contestants = {
        OURS: lambda: fastest(decoded, 3) / len(ids),
        SQLITE: lambda: fastest(selected, 3) / len(ids),
    }
    yield from compared("get by id, decoded", contestants, {SQLITE: Goal("≥", 1.8)}, repeats=sizes.repeats)


def _indices(ours: Ours, theirs: Sqlite, sizes: Sizes) -> Iterator[Row]:
    store = TraceStore(ours.db)
    middle = START_MS + sizes.reads * 5
    width = sizes.reads * 2
    parents = [f"trace-{number:08d}" for number in range(1, min(sizes.reads, 6000), 12)]
    assert len(store.query_by_type("run", "Thought")) == len(
        theirs.all("SELECT HEAD FROM traces WHERE run = 'run' AND type = 'Thought'")
    )
    yield from _pair(
        "by type, lazy traces", lambda: store.query_by_type("run", "Thought"),
        lambda: theirs.all("SELECT HEAD FROM traces WHERE run = ? AND type = ? ORDER BY seq", "run", "Thought"),
        Goal("≥", 6), sizes,
    )  # fmt: skip
    yield from _pair(
        "by tag, lazy traces", lambda: store.query_by_tag("run", "plan"),
        lambda: theirs.all(
            "SELECT HEAD FROM tags JOIN traces USING (run, seq) WHERE tags.run = ? AND tag = ? ORDER BY seq", "run", "plan"
        ),
        Goal("≥", 3), sizes,
    )  # fmt: skip
    yield from _pair(
        "by time, lazy traces", lambda: store.query_by_time("run", middle, middle + width),
        lambda: theirs.all(
            "SELECT HEAD FROM traces WHERE run = ? AND time >= ? AND time < ? ORDER BY time, seq", "run", middle, middle + width
        ),
        Goal("≥", 3), sizes,
    )  # fmt: skip
    yield from _pair(
        "children, lazy traces", lambda: [store.get_children("run", parent) for parent in parents],
        lambda: [
            theirs.all("SELECT HEAD FROM traces WHERE run = ? AND parent = ? ORDER BY seq", "run", parent)
            for parent in parents
        ],
        Goal("≥", 7), sizes,
    )  # fmt: skip
    yield from _pair(
        "all traces, decoded", lambda: [trace.trace_type for trace in store.list("run", 10_000)],
        lambda: _decoded(theirs), None, sizes,
    )  # fmt: skip


def _decoded(theirs: Sqlite) -> list[Any]:
    import msgpack

    rows = theirs.all("SELECT HEAD, body FROM traces WHERE run = 'run' ORDER BY seq LIMIT 10000")
    return [msgpack.unpackb(row[-1], unicode_errors="surrogatepass") for row in rows]


def _filters(ours: Ours, theirs: Sqlite, sizes: Sizes) -> Iterator[Row]:
    store = TraceStore(ours.db)
    start, end = START_MS + sizes.reads * 2, START_MS + sizes.reads * 6
    query = f"type:ToolCall tag:plan time:{start}..{end}"
    yield from _pair(
        "type ∧ tag ∧ time", lambda: list(search(ours.db, query, "run")),
        lambda: theirs.all(
            "SELECT HEAD FROM tags JOIN traces USING (run, seq) WHERE tags.run = ? AND tag = ? AND type = ?"
            " AND time >= ? AND time < ? ORDER BY seq",
            "run", "plan", "ToolCall", start, end,
        ),
        Goal("≥", 6), sizes,
    )  # fmt: skip
    yield from _pair(
        "facet counts: types and tags", lambda: (store.types("run"), store.tags("run")),
        lambda: (
            theirs.all("SELECT type, count(*) FROM traces WHERE run = ? GROUP BY type", "run"),
            theirs.all("SELECT tag, count(*) FROM tags WHERE run = ? GROUP BY tag", "run"),
        ),
        Goal("≥", 40), sizes,
    )  # fmt: skip


def _trees(ours: Ours, theirs: Sqlite, sizes: Sizes) -> Iterator[Row]:
    rows = list(rows_of(list(items(min(TREE, sizes.reads))), "node-"))
    ours.make_run("tree")
    for start in range(0, len(rows), 1000):
        ours.record_many("tree", rows[start : start + 1000])
        theirs.record_many("tree", rows[start : start + 1000])
    store = TraceStore(ours.db)

    def ours_tree() -> int:
        tree = store.get_tree("tree", "node-00000000")
        assert tree is not None
        return sum(1 for _ in tree.walk())

    def node_by_node() -> int:
        pending, found = ["node-00000000"], 0
        while pending:
            children = theirs.all(
                "SELECT HEAD FROM traces WHERE run = ? AND parent = ? ORDER BY seq", "tree", pending.pop()
            )
            pending.extend(row[1] for row in children)
            found += 1
        return found

    assert ours_tree() == node_by_node() == len(theirs.tree("tree", "node-00000000")) == len(rows)
    contestants = {
        OURS: lambda: fastest(ours_tree, 3),
        "SQLite CTE": lambda: fastest(lambda: theirs.tree("tree", "node-00000000"), 3),
        "a query per node": lambda: fastest(node_by_node),
    }
    yield from compared(
        "tree of 10,000, heads", contestants, {"SQLite CTE": Goal("≥", 5), "a query per node": Goal("≥", 20)},
        repeats=sizes.repeats, unit="ms", scale=1e3,
    )  # fmt: skip


def _texts(ours: Ours, theirs: Sqlite, sizes: Sizes) -> Iterator[Row]:
    log = _log_of(ours, "run")
    size = log.stat().st_size
    folded, exact = f'"{NEEDLE.lower()}"', f"text:~(?-i:{NEEDLE.replace(' ', _SPACE)})"
    expected = len(
        theirs.all("SELECT seq FROM traces WHERE run = 'run' AND instr(body, CAST(? AS BLOB)) > 0", NEEDLE)
    )

    assert expected

    def find(query: str) -> None:
        assert len(list(search(ours.db, query, "run"))) == expected

    ways: dict[str, Callable[[], Any]] = {
        OURS: lambda: find(folded),
        "exact": lambda: find(exact),
        "SQLite instr": lambda: theirs.all(
            "SELECT HEAD FROM traces WHERE run = 'run' AND instr(body, CAST(? AS BLOB)) > 0", NEEDLE
        ),
        GREP: lambda: subprocess.run(
            ["grep", "-c", "-a", "-F", NEEDLE, str(log)], capture_output=True, check=True
        ),
    }
    taken = interleaved({name: partial(fastest, way, 2) for name, way in ways.items()}, sizes.repeats)
    rate = {name: sorted(size / 1e9 / one for one in found)[len(found) // 2] for name, found in taken.items()}
    yield absolute("text search ignoring case, repeated", rate[OURS], "GB/s", Goal("≥", 0.6))
    yield absolute(
        "text search exact, repeated",
        rate["exact"],
        "GB/s",
        Goal("≥", 2),
        "as a regular expression that minds case",
    )
    held = {name: found.pop for name, found in taken.items()}
    yield from compared(
        "text search ignoring case, repeated", held, {"SQLite instr": Goal("≥", 2), GREP: None}, repeats=sizes.repeats,
        unit="ms", scale=1e3, note="theirs minds case",
    )  # fmt: skip


def _log_of(ours: Ours, run: str) -> Path:
    return Path(ours.db.location) / "runs" / f"{run}.log"


def _disk(ours: Ours, theirs: Sqlite) -> Iterator[Row]:
    ours.db.close()
    mine = sum(file.stat().st_size for file in Path(ours.db.location).rglob("*") if file.is_file())
    its = theirs.size()
    contestants = {OURS: lambda: mine / 1e6, SQLITE: lambda: its / 1e6}
    yield from compared(
        "disk, index files included",
        contestants,
        {SQLITE: Goal("≤", 0.8)},
        repeats=1,
        unit="MB",
        scale=1,
        slower=True,
    )


# ---- memory ----------------------------------------------------------------------------------------------

_MEMORY = """
import re, sys, tracetui
def held(): return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
db = tracetui.open(sys.argv[1]); store = tracetui.TraceStore(db); db.run("small"); store.walk("small"); store.types("small")
before = held(); view = db.view(sys.argv[2]); store.types(sys.argv[2]); print((held() - before) / view.count)
"""


def bytes_per_trace(folder: str, run: str) -> float:
    """Return the memory that a process needs for each trace of a run that it opened."""
    made = subprocess.run(
        [sys.executable, "-c", _MEMORY, folder, run], capture_output=True, text=True, check=True
    )
    return float(made.stdout)
