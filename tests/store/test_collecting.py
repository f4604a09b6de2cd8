"""What gc does: judged twice, said as it is done, and nothing touched that was not meant."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tracetui import RunNotFoundError, Thought, TraceDraft
from tracetui.model.change import annotation, new_trace, run_patch
from tracetui.storage.files.engine import FileEngine
from tracetui.store.collecting import COMPRESSED, DELETED, KEPT, LEFT_OVER, Collection, Outcome
from tracetui.store.retention import Rules

TEXT = "the same words over and over again, as prompts are " * 100


def store(tmp_path: Path, runs: int = 4) -> FileEngine:
    """Return a store of runs that ended, r0 the oldest."""
    engine = FileEngine(str(tmp_path))
    for n in range(runs):
        engine.create_run(f"r{n}", {"created_ms": n + 1})
        engine.append(
            f"r{n}", [new_trace(TraceDraft(Thought(TEXT), id=f"t{k}", timestamp=n)) for k in range(9)]
        )
        engine.append(f"r{n}", [run_patch({"status": "completed", "ended_ms": n + 2})])
    return engine


def collect(
    engine: FileEngine, rules: Rules, *, compress: bool = False, dry_run: bool = False
) -> list[Outcome]:
    """Go round once."""
    collection = Collection(
        engine, rules, now_ms=lambda: time.time_ns() // 1_000_000, compress=compress, dry_run=dry_run
    )
    return list(collection.outcomes())


def said(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    """Return what was done to which run."""
    return [(outcome.action, outcome.run.id if outcome.run else "") for outcome in outcomes]


def files(tmp_path: Path) -> dict[str, tuple[bytes, int]]:
    """Return all files with content and time."""
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.rglob("*") if p.is_file()}


def test_runs_go_and_the_rest_stays(tmp_path: Path) -> None:
    """All files of those that go, none of the others; the sizes are those of the files; the catalog knows."""
    engine = store(tmp_path)
    engine.reindex("r0")
    sizes = {f"r{n}": sum(p.stat().st_size for p in (tmp_path / "runs").glob(f"r{n}.*")) for n in range(4)}
    outcomes = collect(engine, Rules(keep=2))
    assert said(outcomes) == [(KEPT, "r3"), (KEPT, "r2"), (DELETED, "r1"), (DELETED, "r0")]
    assert [(o.before, o.freed) for o in outcomes[2:]] == [
        (sizes["r1"], sizes["r1"]),
        (sizes["r0"], sizes["r0"]),
    ]
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["r2.log", "r3.log"]
    assert (tmp_path / "catalog.idx").exists()
    assert [run.id for run in FileEngine(str(tmp_path)).runs(fresh=False)] == ["r3", "r2"]


def test_a_dry_run_says_the_same_and_touches_nothing(tmp_path: Path) -> None:
    """Compression and sizes included: what is said is what happens then."""
    engine = store(tmp_path)
    before = files(tmp_path)
    rules = Rules(keep=1, size=2200)
    dry = collect(FileEngine(str(tmp_path)), rules, compress=True, dry_run=True)
    assert files(tmp_path) == before
    assert dry == collect(engine, rules, compress=True)
    assert said(dry)[:4] == [(COMPRESSED, f"r{n}") for n in (3, 2, 1, 0)]
    assert DELETED in {outcome.action for outcome in dry}
    assert len({outcome.action for outcome in dry}) == 3
    assert sum(p.stat().st_size for p in (tmp_path / "runs").iterdir()) <= 2200


def test_those_that_go_are_not_compressed_first(tmp_path: Path) -> None:
    """Only those that stay, that ended and that nobody pinned; and nobody twice."""
    engine = store(tmp_path)
    engine.append("r3", [run_patch({"tags": ["pinned"]})])
    engine.create_run("live", {"created_ms": 99})
    engine.append("live", [new_trace(TraceDraft(Thought(TEXT), id=f"t{k}")) for k in range(9)])
    acted = [pair for pair in said(collect(engine, Rules(keep=3), compress=True)) if pair[0] != KEPT]
    assert acted == [(COMPRESSED, "r2"), (DELETED, "r1"), (DELETED, "r0")]
    assert [pair for pair in said(collect(engine, Rules(), compress=True)) if pair[0] != KEPT] == []
    assert engine.view("r2").trace(0).trace_type == Thought(TEXT)


def test_news_between_the_judgement_and_the_lock_save_a_run(tmp_path: Path) -> None:
    """Traces, a pin, a new life: whatever came meanwhile is seen with the lock held; a run that is gone is gone."""
    engine = store(tmp_path)
    collection = Collection(engine, Rules(keep=0), now_ms=lambda: 10**15, compress=False, dry_run=False)
    other = FileEngine(str(tmp_path))
    other.append("r0", [run_patch({"tags": ["pinned"]})])
    other.append("r1", [run_patch({"status": "archived"})])
    other.delete_run("r2")
    outcomes = list(collection.outcomes())
    assert said(outcomes) == [(DELETED, "r3"), (DELETED, "r2"), (KEPT, "r1"), (KEPT, "r0")]
    assert {outcome.reason for outcome in outcomes[2:]} == {"it changed meanwhile"}
    assert [run.id for run in other.runs()] == ["r1", "r0"]
    with pytest.raises(RunNotFoundError):
        engine.run("r3")


def test_what_processes_that_died_left_over_goes(tmp_path: Path) -> None:
    """Once it is an hour old: what was being made, and what was derived of runs that are gone; saved bytes stay."""
    engine = store(tmp_path, 1)
    runs = tmp_path / "runs"
    old, kept = time.time() - 4000, ["r0.log.torn-64-5", "gone.log.damaged-7", "notes.txt", "r0.log"]
    left = [
        runs / ".new-1-ab", tmp_path / ".new-2-cd", runs / "r0.idx.new", runs / "r0.log.repair-9",
        runs / "r0.log.compress-9", runs / "gone.idx", runs / "gone.log.failed",
    ]  # fmt: skip
    for path in (*left, *(runs / name for name in kept[:-1])):
        path.write_bytes(b"12345")
        os.utime(path, (old, old))
    (runs / ".new-3-fresh").write_bytes(b"")
    assert sorted(damage.path for damage in engine.check()) == sorted(map(str, left))
    dry = collect(engine, Rules(keep=9), dry_run=True)
    assert all(path.exists() for path in left)
    done = collect(engine, Rules(keep=9))
    assert dry == done
    assert sorted(o.path for o in done if o.action == LEFT_OVER) == sorted(map(str, left))
    assert sum(o.freed for o in done) == 5 * len(left)
    assert sorted(path.name for path in runs.iterdir()) == sorted([*kept, ".new-3-fresh"])
    assert engine.check() == []


def test_damaged_runs_are_let_go_but_not_compressed(tmp_path: Path) -> None:
    """What is not understood is left as it is; a log that cannot be read at all stays until somebody says delete."""
    engine = store(tmp_path, 3)
    for name in ("r0", "r1"):
        path = tmp_path / "runs" / f"{name}.log"
        content = bytearray(path.read_bytes())
        content[content.index(TEXT.encode())] ^= 1
        path.write_bytes(content)
    engine.append("r1", [annotation("t0", "n", {})])
    outcomes = collect(FileEngine(str(tmp_path)), Rules(keep=2), compress=True)
    assert said(outcomes) == [(COMPRESSED, "r2"), (KEPT, "r2"), (KEPT, "r1"), (DELETED, "r0")]
    assert [outcome.reason for outcome in outcomes if outcome.action == KEPT] == [
        "one of the newest 2",
        "damaged, so not compressed: `tracetui repair` first",
    ]
