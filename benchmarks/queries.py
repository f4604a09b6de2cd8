"""The speeds of the query language beside SQLite: ``python -m benchmarks.queries [--fast] [GROUPS…]``.

What the design promises for a run of 100,000 traces is measured from the text of a query to the seqs that it finds: parsing,
planning, answering. SQLite has the same rows with indices on type, tag, parent and time, and for full text a column with
all that a person can see of a trace; its own full-text index stands beside it, though it finds words and no parts of
words. Both answer from a warm cache, in turns. The whole prints a table and writes benchmarks/queries.json; with names
of groups only those are measured, and with ``--fast`` as little as shows that it works; neither writes the figures.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import tracetui
from benchmarks.engine import machine
from benchmarks.engine_rivals import Sqlite
from benchmarks.engine_sizes import FAST_SIZES, FULL_SIZES, Sizes
from benchmarks.engine_table import OURS, Goal, Row, absolute, as_data, as_text, compared, fastest
from benchmarks.engine_workload import NEEDLE, START_MS, Item, items
from benchmarks.engine_writes import Ours, rows_of
from tracetui import Error, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.analysis.explanation import explain
from tracetui.analysis.seen import signatures_of
from tracetui.querying.grammar import parse
from tracetui.querying.plan import Plan

SQLITE, FTS5 = "SQLite", "SQLite FTS5"
MOST_RUNS = 1000


class Contest:
    """One run of agents' traces in both stores."""

    def __init__(self, folder: Path, listed: Sequence[Item]) -> None:
        self.ours, self.theirs = Ours(folder), Sqlite(folder)
        self.count = len(listed)
        self.ours.make_run("run")
        rows = list(rows_of(listed, "trace-"))
        for start in range(0, len(rows), 1000):
            self.ours.record_many("run", rows[start : start + 1000])
            self.theirs.record_many("run", rows[start : start + 1000])
        self.ours.db.reindex("run")
        self.view = self.ours.db.view("run")
        self._show_to_sqlite()

    def _show_to_sqlite(self) -> None:
        """Give SQLite what a person can see of each trace as text, plain and in an index of words."""
        from tracetui.querying.reading import Reader

        reader = Reader(self.view)
        shown = ((seq, "\n".join(text for _, text in reader.texts(seq))) for seq in range(self.count))
        self.theirs.all("CREATE TABLE shown (seq INTEGER PRIMARY KEY, text TEXT)")
        self.theirs.all("CREATE VIRTUAL TABLE words USING fts5(text, content='shown', content_rowid='seq')")
        self.theirs.all("BEGIN")
        for seq, text in shown:
            self.theirs.all("INSERT INTO shown VALUES (?, ?)", seq, text)
        self.theirs.all("INSERT INTO words(words) VALUES ('rebuild')")
        self.theirs.all("COMMIT")
        self.theirs.all("ANALYZE")

    def close(self) -> None:
        """Let go of both."""
        self.ours.close()
        self.theirs.close()

    def found(self, query: str) -> list[int]:
        """Return the seqs that a query finds, from its text on."""
        return Plan(self.view, parse(query)).seqs()

    def selected(self, sql: str, *given: object) -> list[int]:
        """Return the seqs that SQLite finds."""
        return [row[0] for row in self.theirs.all(sql, *given)]


def rows_for(
    contest: Contest, query: str, most_ms: float, ways: dict[str, Callable[[], list[int]]], sizes: Sizes, *,
    note: str = "", exact: bool = True,
) -> Iterator[Row]:  # fmt: skip
    """Yield our time for a query against its goal, and a row beside each other way to the same answer."""
    expected = contest.found(query)
    for name, way in ways.items():
        assert not exact or name == FTS5 or way() == expected, query

    def ours() -> object:
        return contest.found(query)

    contestants: dict[str, Callable[[], float]] = {OURS: lambda: fastest(ours, 3)}
    contestants |= {name: lambda way=way: fastest(way, 3) for name, way in ways.items()}  # type: ignore[misc]
    rows = compared(query, contestants, dict.fromkeys(ways), repeats=sizes.repeats, unit="ms", scale=1e3)
    yield absolute(query, rows[0].ours, "ms", Goal("≤", most_ms), note or f"{len(expected):,} hits")
    yield from rows


# ---- groups ----------------------------------------------------------------------------------------------


def indices(contest: Contest, sizes: Sizes) -> Iterator[Row]:
    """Type; tags and type; time and type."""
    select = contest.selected
    yield from rows_for(
        contest, "type:Error", 1,
        {SQLITE: lambda: select("SELECT seq FROM traces WHERE run = 'run' AND type = 'Error' ORDER BY seq")}, sizes,
    )  # fmt: skip
    yield from rows_for(
        contest, "type:ToolCall tag:auth tag:db", 3,
        {SQLITE: lambda: select(
            "SELECT seq FROM traces JOIN tags a USING (run, seq) JOIN tags b USING (run, seq)"
            " WHERE run = 'run' AND type = 'ToolCall' AND a.tag = 'auth' AND b.tag = 'db' ORDER BY seq"
        )}, sizes,
    )  # fmt: skip
    yield from rows_for(
        contest, "type:Error tag:(auth OR db)", 3,
        {SQLITE: lambda: select(
            "SELECT DISTINCT seq FROM traces JOIN tags USING (run, seq)"
            " WHERE run = 'run' AND type = 'Error' AND tag IN ('auth', 'db') ORDER BY seq"
        )}, sizes,
    )  # fmt: skip
    low, high = START_MS + contest.count * 3, START_MS + contest.count * 4
    yield from rows_for(
        contest, f"type:Error time:{low}..{high}", 1,
        {SQLITE: lambda: select(
            "SELECT seq FROM traces WHERE run = 'run' AND type = 'Error' AND time >= ? AND time < ? ORDER BY seq", low, high
        )}, sizes,
    )  # fmt: skip


_UNDER = (
    "WITH RECURSIVE below(id) AS (SELECT id FROM traces JOIN tags USING (run, seq) WHERE run = 'run' AND {}"
    " UNION SELECT traces.id FROM below JOIN traces ON traces.run = 'run' AND traces.parent = below.id)"
    " SELECT seq FROM traces WHERE run = 'run' AND parent IN below AND type = '{}' ORDER BY seq"
)
_HAS = (
    "WITH RECURSIVE above(id) AS (SELECT parent FROM traces WHERE run = 'run' AND type = 'Error'"
    " UNION SELECT traces.parent FROM above JOIN traces ON traces.run = 'run' AND traces.id = above.id)"
    " SELECT seq FROM traces WHERE run = 'run' AND id IN above AND type = 'ToolCall' ORDER BY seq"
)


def structure(contest: Contest, sizes: Sizes) -> Iterator[Row]:
    """Ancestors, descendants, parents, children, siblings; and what is below none of some."""
    select = contest.selected
    yield from rows_for(
        contest, "under:(type:Turn tag:plan) type:ToolCall", 20,
        {SQLITE: lambda: select(_UNDER.format("type = 'Turn' AND tag = 'plan'", "ToolCall"))}, sizes,
    )  # fmt: skip
    yield from rows_for(
        contest, "under:(type:Decision tag:plan) type:Error", 20,
        {SQLITE: lambda: select(_UNDER.format("type = 'Decision' AND tag = 'plan'", "Error"))}, sizes,
    )  # fmt: skip
    yield from rows_for(contest, "type:ToolCall has:(type:Error)", 20, {SQLITE: lambda: select(_HAS)}, sizes)
    yield from rows_for(
        contest, "child:(type:Error)", 20,
        {SQLITE: lambda: select(
            "SELECT seq FROM traces WHERE run = 'run' AND id IN"
            " (SELECT parent FROM traces WHERE run = 'run' AND type = 'Error') ORDER BY seq"
        )}, sizes,
    )  # fmt: skip
    yield from rows_for(
        contest, "sibling:(type:Error) type:Thought", 20,
        {SQLITE: lambda: select(
            "SELECT seq FROM traces t WHERE run = 'run' AND type = 'Thought' AND EXISTS"
            " (SELECT 1 FROM traces s WHERE s.run = 'run' AND s.parent = t.parent AND s.type = 'Error') ORDER BY seq"
        )}, sizes,
    )  # fmt: skip
    yield from _alone(contest, "NOT under:(type:Turn tag:auth)", 20, sizes)


def _alone(contest: Contest, query: str, most_ms: float, sizes: Sizes) -> Iterator[Row]:
    """Yield our time for a query that SQLite has no plain way to ask."""
    hits = len(contest.found(query))
    taken = sorted(fastest(lambda: contest.found(query), 3) for _ in range(sizes.repeats))
    yield absolute(query, taken[len(taken) // 2] * 1e3, "ms", Goal("≤", most_ms), f"{hits:,} hits")


def text(contest: Contest, sizes: Sizes) -> Iterator[Row]:
    """Search a text that is rare, one that is nowhere, one that is common; how soon hits come and a scan can be left."""
    select = contest.selected
    for wanted in (NEEDLE.lower().split()[0], "nowhere-at-all", "retry"):
        yield from rows_for(
            contest, wanted, 300,
            {
                SQLITE: lambda wanted=wanted: select("SELECT seq FROM shown WHERE text LIKE ?", f"%{wanted}%"),  # type: ignore[misc]
                FTS5: lambda wanted=wanted: select("SELECT rowid FROM words WHERE words MATCH ?", f'"{wanted}"'),  # type: ignore[misc]
            }, sizes,
        )  # fmt: skip
    size = f"{sum(p.stat().st_size for p in _logs(contest)) / 1e6:,.0f} MB of log"
    yield absolute("first hits of a common text", _first(contest, "retry") * 1e3, "ms", Goal("≤", 100), size)
    yield absolute(
        "first hits of a text in 1 of 1,000",
        _first(contest, NEEDLE.lower().split()[0]) * 1e3,
        "ms",
        Goal("≤", 100),
    )
    yield absolute(
        "longest time between two chances to stop",
        _longest(contest, "nowhere-at-all") * 1e3,
        "ms",
        Goal("≤", 16),
    )


def _logs(contest: Contest) -> list[Path]:
    return [path for path in Path(contest.ours.db.location).rglob("*.log") if path.is_file()]


def _first(contest: Contest, query: str) -> float:
    """Return the seconds until the first hits."""
    start = time.perf_counter()
    for piece in Plan(contest.view, parse(query)).pieces():
        if piece:
            break
    return time.perf_counter() - start


def _longest(contest: Contest, query: str) -> float:
    """Return the longest time that a progressive search does not ask whether to go on, the least of three."""

    def once() -> float:
        longest, last = 0.0, time.perf_counter()
        for _ in Plan(contest.view, parse(query)).pieces():
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        return longest

    return min(once() for _ in range(3))


def store(_: Contest, sizes: Sizes) -> Iterator[Row]:
    """Why a run failed, seen beside every other run of a store; and a query over all of them."""
    with tempfile.TemporaryDirectory(prefix="tracetui-bench-") as name, tracetui.open(Path(name) / "s") as db:
        runs = min(sizes.runs, MOST_RUNS)
        steps = [TraceDraft(Thought(f"a step {n} " + "of many words " * 40)) for n in range(98)]
        for number in range(runs):
            run = db.create_run(f"run {number}")
            failed = number % 5 == 0
            drafts = [*steps, TraceDraft(ToolCall("bash", {"command": "make"}), id=f"c{number}")]
            if failed:
                drafts.append(TraceDraft(Error("ToolError", f"exit {number}", False), parent_id=f"c{number}"))
            TraceStore(db).record_many(run.id, drafts)
            db.end_run(run.id, "failed" if failed else "completed")
        db.runs()
        db.close()
        location = Path(name) / "s"
        what = f"{runs:,} runs of 100 traces, a fifth with errors"
        yield absolute(
            "why, with seen before", _middle(lambda: _why(location), sizes) * 1e3, "ms", None, what
        )
        taken = _middle(lambda: _everywhere(location, "type:Error"), sizes)
        yield absolute("type:Error in all runs", taken * 1e3, "ms", None, what)


def _middle(action: Callable[[], object], sizes: Sizes) -> float:
    taken = sorted(fastest(action) for _ in range(min(sizes.repeats, 3)))
    return taken[len(taken) // 2]


def _why(location: Path) -> None:
    """Explain the newest failed run as ``tracetui why`` does, from a store that was just opened."""
    with tracetui.open(location) as db:
        listed = db.runs(fresh=False)
        failed = next(run for run in listed if run.errors)
        others = (
            (run.id, signatures_of(db.view(run.id))) for run in listed if run.errors and run is not failed
        )
        assert explain(db.view(failed.id), failed.last_ms, others=others).seen


def _everywhere(location: Path, query: str) -> None:
    with tracetui.open(location) as db:
        assert list(tracetui.search(db, query))


GROUPS: dict[str, Callable[[Contest, Sizes], Iterator[Row]]] = {
    "indices": indices, "structure": structure, "text": text, "store": store,
}  # fmt: skip


# ---- the table -------------------------------------------------------------------------------------------


def measure(sizes: Sizes, groups: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of the groups."""
    with (
        tempfile.TemporaryDirectory(prefix="tracetui-bench-") as folder,
        closing(Contest(Path(folder), list(items(sizes.rebuilt)))) as contest,
    ):
        for group in groups:
            yield from GROUPS[group](contest, sizes)


def main() -> None:
    """Measure, print the table, write the figures."""
    fast = "--fast" in sys.argv[1:]
    groups = [word for word in sys.argv[1:] if not word.startswith("-")]
    rows: list[Row] = []
    for row in measure(FAST_SIZES if fast else FULL_SIZES, groups or list(GROUPS)):
        rows.append(row)
        print(as_text([row]).splitlines()[-1], file=sys.stderr)
    print(as_text(rows))
    if not fast and not groups:
        figures = {
            "machine": machine(),
            "load": os.getloadavg(),
            "traces": FULL_SIZES.rebuilt,
            "rows": as_data(rows),
        }
        written = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
        (Path(__file__).parent / "queries.json").write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
