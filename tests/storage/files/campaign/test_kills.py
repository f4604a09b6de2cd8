"""kill −9 of real processes on the real disk: what they were told is there, and nobody after them is hindered."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

import pytest

import tracetui
from tests.storage.files.campaign.report import Campaign
from tests.storage.files.campaign.writers import (
    DEAD,
    DONE,
    Tell,
    ended,
    forked,
    killed_at_call,
    killed_at_random,
)
from tracetui import Thought, ToolCall, TraceDraft, TraceStore
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.files.frame import HEADER_SIZE
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.log import LogFile
from tracetui.store.database import Database

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
RUN = "r"
THREADS = 4
Durability = Literal["process", "sync"]
BATCH = 3
TRIALS_A_RUN = 10
"""How many writers of a campaign die on one run before it begins another."""


@dataclass(frozen=True)
class Mode:
    """A way to write: ``work`` records traces named ``trial/…`` and tells each id, or the last one of a batch."""

    name: str
    durability: Durability
    work: Callable[[TraceStore, str, int, Tell], None]
    width: int = 1
    """How many traces may be there that nobody was told of."""
    batch: int = 1


def singles(store: TraceStore, run_id: str, trial: int, tell: Tell) -> None:
    """Record one after the other."""
    number = 0
    while True:
        store.record_with_options(run_id, Thought("x" * (number * 37 % 900)), id=f"{trial}/0/{number}")
        tell(f"{trial}/0/{number}")
        number += 1


def batches(store: TraceStore, run_id: str, trial: int, tell: Tell) -> None:
    """Record batches, larger than a page."""
    number = 0
    while True:
        ids = [f"{trial}/0/{number + n}" for n in range(BATCH)]
        store.record_many(run_id, [TraceDraft(ToolCall("x", {"n": "y" * 3000}), id=one) for one in ids])
        number += BATCH
        tell(ids[-1])


def threads(store: TraceStore, run_id: str, trial: int, tell: Tell) -> None:
    """Record from threads that share their syncs."""

    def work(thread: int) -> None:
        number = 0
        while True:
            store.record_with_options(run_id, Thought("z" * 200), id=f"{trial}/{thread}/{number}")
            tell(f"{trial}/{thread}/{number}")
            number += 1

    started = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for one in started:
        one.start()
    for one in started:
        one.join()


def stories(store: TraceStore, run_id: str, trial: int, tell: Tell) -> None:
    """Record open traces with what comes later in the same commit: frames of mixed changes."""
    number = 0
    while True:
        with store.database.transaction(run_id) as txn:
            trace = txn.record_with_options(Thought("open"), id=f"{trial}/0/{number}", open=True)
            txn.amend(trace, tags=["late"], metadata={"k": 1})
            txn.complete(trace)
        tell(trace)
        number += 1


MODES = [
    Mode("one by one", "process", singles),
    Mode("one by one, durable", "sync", singles),
    Mode("batches", "process", batches, BATCH, BATCH),
    Mode("batches, durable", "sync", batches, BATCH, BATCH),
    Mode("threads", "process", threads, THREADS),
    Mode("threads, durable", "sync", threads, THREADS),
    Mode("mixed commits", "process", stories),
]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_killed_writer_loses_nothing_that_was_acknowledged(
    campaign: Campaign, mode: Mode, tmp_path: Path
) -> None:
    """SIGKILL at a random moment: what was told is there, batches are whole, the next writer goes on."""
    trials = effective = 0
    for trial, chance in enumerate(campaign.seeds(12, 300)):
        run_id = f"run-{trial // TRIALS_A_RUN}"

        def work(tell: Tell, run_id: str = run_id, trial: int = trial) -> None:
            with tracetui.open(tmp_path / "store", durability=mode.durability) as db:
                mode.work(TraceStore(db), run_id, trial, tell)

        with tracetui.open(tmp_path / "store") as db:
            if trial % TRIALS_A_RUN == 0:
                db.create_run(id=run_id)
        told = killed_at_random(work, chance)
        with tracetui.open(tmp_path / "store") as db:
            compare(db, run_id, trial, told, mode)
        trials += 1
        effective += bool(told)
    campaign.report(f"kill -9 of a writer: {mode.name}", trials, effective, at_least=0.95)


def compare(db: tracetui.Database, run_id: str, trial: int, told: list[str], mode: Mode) -> None:
    """Assert that a run holds what was told, hardly more, no half of a batch, and that it is written on."""
    store = TraceStore(db)
    listed = store.list(run_id)
    assert [trace.seq for trace in listed] == list(range(len(listed)))
    found = [trace for trace in listed if trace.id.startswith(f"{trial}/")]
    by_thread: dict[str, list[int]] = {}
    for trace in found:
        _, thread, number = trace.id.split("/")
        by_thread.setdefault(thread, []).append(int(number))
    assert all(numbers == list(range(len(numbers))) for numbers in by_thread.values())
    assert {trace.id for trace in found} >= set(told), "acknowledged and gone"
    assert len(told) * mode.batch <= len(found) <= len(told) * mode.batch + mode.width
    assert len(found) % mode.batch == 0
    if mode.work is stories:
        assert {(trace.status, tuple(trace.tags)) for trace in found} <= {("ok", ("late",))}
    assert {damage.reason for damage in db.check(run_id)} <= {"torn tail"}
    store.record_with_options(run_id, Thought("on"), id=f"after {trial}")
    assert db.check(run_id) == []


# ---- at each system call ---------------------------------------------------------------------------------


def opened(disk: Disk, store: Path, durability: str = "process") -> Database:
    """Open a store on a disk."""
    return Database(FileEngine(str(store), durability=durability, disk=disk), owning=False)


def each_call(
    template: Path, work: Callable[[Path, Disk, Tell], None], parts: list[float | None]
) -> Iterator[tuple[Path, list[str]]]:
    """Do a piece of work on copies of a store, killed at each of its calls; yield what is left, and what was told."""
    for part in parts:
        at, died = 0, True
        while died:
            left = template.with_name("left")
            shutil.copytree(template, left)

            def on_copy(disk: Disk, tell: Tell, left: Path = left) -> None:
                work(left, disk, tell)

            died, told = killed_at_call(on_copy, at, part)
            if died:
                yield left, told
            shutil.rmtree(left)
            at += 1
        assert at > 4, "the work made no calls"


def template(path: Path, traces: int = 8) -> Path:
    """Make a store with a run of some traces, and nothing derived."""
    with tracetui.open(path / "template") as db:
        db.create_run(id=RUN)
        for number in range(traces):
            TraceStore(db).record_with_options(
                RUN, Thought(f"thought {number}"), id=f"t{number}", tags=[f"c{number % 2}"]
            )
    for derived in (path / "template").rglob("*.idx"):
        derived.unlink()
    return path / "template"


def parts(campaign: Campaign, seed: int) -> list[float | None]:
    """Return how much of a write gets through before the end: None, all of it."""
    chance = Random(seed)
    return [None, 0.0, *(chance.random() for _ in range(campaign.count(1, 25)))]


def test_a_run_that_is_being_made_is_there_whole_or_not_at_all(campaign: Campaign, tmp_path: Path) -> None:
    """Killed at every call, between the file's creation and its header too: nobody meets half a header."""

    def work(store: Path, disk: Disk, tell: Tell) -> None:
        opened(disk, store).create_run(id="new")
        tell("made")

    (tmp_path / "template").mkdir()
    trials = 0
    for store, told in each_call(tmp_path / "template", work, parts(campaign, 1)):
        with tracetui.open(store) as db:
            there = [run.id for run in db.runs()]
            assert there in ([], ["new"])
            assert not told or there
            assert db.check() == []
            if not there:
                db.create_run(id="new")
            TraceStore(db).record("new", Thought("on"))
            assert db.run("new").traces == 1
        trials += 1
    campaign.report("kill -9 at every call of making a run", trials, trials, at_least=1)


@pytest.mark.parametrize("covered", [0, 5], ids=["the first", "a newer one"])
def test_an_index_that_is_being_written_changes_no_answer(
    campaign: Campaign, covered: int, tmp_path: Path
) -> None:
    """Killed at every call: the old index, the new one or none; the next builder is not hindered."""
    place = template(tmp_path)
    if covered:
        with tracetui.open(place) as db:
            assert isinstance(db.backend, FileEngine)
            db.backend.reindex(RUN)
            for number in range(covered):
                TraceStore(db).record_with_options(RUN, Thought("later"), id=f"later {number}", tags=["c0"])

    def work(store: Path, disk: Disk, tell: Tell) -> None:
        engine = FileEngine(str(store), disk=disk)
        assert engine.reindex(RUN)
        tell("written")

    trials = 0
    for store, told in each_call(place, work, parts(campaign, 2)):
        with tracetui.open(store) as db:
            before = answers(db)
            assert before == answers_without_index(store)
            index = store / "runs" / f"{RUN}.idx"
            assert index.exists() or not (told or covered)
            assert isinstance(db.backend, FileEngine)
            assert db.backend.reindex(RUN)
            assert db.check() == []
        with tracetui.open(store) as db:
            assert answers(db) == before
        trials += 1
    campaign.report(
        f"kill -9 at every call of writing an index: {(covered and 'a newer one') or 'the first'}",
        trials,
        trials,
        at_least=1,
    )


def answers(db: tracetui.Database) -> object:
    """Return what queries say of the run."""
    store = TraceStore(db)
    tags = {tag: [trace.id for trace in store.query_by_tag(RUN, tag)] for tag in store.tags(RUN)}
    return [trace.to_json() for trace in store.list(RUN)], tags, store.types(RUN), db.run(RUN).traces


def answers_without_index(store: Path) -> object:
    """Return what the log alone says."""
    alone = store.with_name("alone")
    shutil.copytree(store, alone)
    for path in alone.rglob("*.idx*"):
        path.unlink()
    with tracetui.open(alone) as db:
        found = answers(db)
    shutil.rmtree(alone)
    return found


def test_a_catalog_that_is_being_written_is_the_old_or_the_new_one(
    campaign: Campaign, tmp_path: Path
) -> None:
    """Killed at every call: the list of runs is right, from the cache too."""
    place = template(tmp_path)

    def work(store: Path, disk: Disk, tell: Tell) -> None:
        FileEngine(str(store), disk=disk).save_catalog()
        tell("saved")

    trials = 0
    for store, told in each_call(place, work, parts(campaign, 3)):
        with tracetui.open(store) as db:
            for fresh in (False, True):
                assert [(run.id, run.traces) for run in db.runs(fresh=fresh)] == [(RUN, 8)]
            assert (store / "catalog.idx").exists() or not told
        trials += 1
    campaign.report("kill -9 at every call of writing the catalog", trials, trials, at_least=1)


def test_a_repair_that_is_killed_has_lost_nothing(campaign: Campaign, tmp_path: Path) -> None:
    """Killed at every call: every whole commit is read, before and after the repair that goes through."""
    place = template(tmp_path)
    log = place / "runs" / f"{RUN}.log"
    frames = LogFile(Disk(), str(log)).frames(HEADER_SIZE, log.stat().st_size)
    hit = next(frame for frame in frames if b"t3" in frame.heads)
    content = bytearray(log.read_bytes())
    content[hit.offset + 5] ^= 1
    log.write_bytes(content)
    wanted = [f"t{number}" for number in range(8) if number != 3]

    def work(store: Path, disk: Disk, tell: Tell) -> None:
        FileEngine(str(store), disk=disk).repair(RUN)
        tell("repaired")

    trials = 0
    for store, told in each_call(place, work, parts(campaign, 4)):
        with tracetui.open(store) as db:
            assert [trace.id for trace in TraceStore(db).list(RUN)] == wanted
            assert len(db.check(RUN)) <= (0 if told else 1)
            assert isinstance(db.backend, FileEngine)
            db.backend.repair(RUN)
            assert db.check(RUN) == []
            assert [trace.id for trace in TraceStore(db).list(RUN)] == wanted
        trials += 1
    campaign.report("kill -9 at every call of a repair", trials, trials, at_least=1)


def test_a_deletion_that_is_killed_removed_all_or_nothing(campaign: Campaign, tmp_path: Path) -> None:
    """Killed at every call: the run is whole or gone, and its name is free then."""
    place = template(tmp_path)
    with tracetui.open(place) as db:
        assert isinstance(db.backend, FileEngine)
        db.backend.reindex(RUN)

    def work(store: Path, disk: Disk, tell: Tell) -> None:
        FileEngine(str(store), disk=disk).delete_run(RUN)
        tell("deleted")

    trials = 0
    for store, told in each_call(place, work, parts(campaign, 5)):
        with tracetui.open(store) as db:
            there = [(run.id, run.traces) for run in db.runs()]
            assert there in ([], [(RUN, 8)])
            assert not (told and there)
            if not there:
                db.create_run(id=RUN)
                TraceStore(db).record_with_options(RUN, Thought("another"), id="t0")
                assert [trace.trace_type for trace in TraceStore(db).list(RUN)] == [Thought("another")]
            assert db.check() == []
        trials += 1
    campaign.report("kill -9 at every call of deleting a run", trials, trials, at_least=1)


# ---- followers -------------------------------------------------------------------------------------------

WRITERS, FOLLOWERS = 8, 3


def test_followers_of_killed_writers_see_the_surviving_sequence_once(
    campaign: Campaign, tmp_path: Path
) -> None:
    """Eight writers at a time on one run, killed at random; three processes that follow agree with the log."""
    path = tmp_path / "store"
    with tracetui.open(path) as db:
        db.create_run(id=RUN)
    followers = [forked(lambda tell: follow(path, tell)) for _ in range(FOLLOWERS)]
    seen = [b""] * FOLLOWERS

    def listen(number: int, reader: int) -> None:
        with os.fdopen(reader, "rb") as pipe:
            seen[number] = pipe.read()

    chance, alive, kills = Random(5), list[tuple[int, int]](), 0
    wanted = campaign.count(64, 1200)
    pipes = os.pipe()
    for trial in range(wanted):
        alive.append(forked(lambda tell, trial=trial: storm(path, trial, pipes[1])))  # type: ignore[misc]
        os.read(pipes[0], chance.randrange(1, 6))
        if len(alive) == WRITERS:
            kills += killed(*alive.pop(chance.randrange(WRITERS)))
    for one in alive:
        kills += killed(*one)
    listeners = [threading.Thread(target=listen, args=(n, reader)) for n, (_, reader) in enumerate(followers)]
    for listener in listeners:
        listener.start()
    with tracetui.open(path) as db:
        TraceStore(db).record_with_options(RUN, Thought("the end"), id="end")
        survived = [trace.id for trace in TraceStore(db).list(RUN)]
        db.end_run(RUN)
    for pid, _ in followers:
        assert ended(pid) == DONE
    for listener in listeners:
        listener.join()
    for pipe in pipes:
        os.close(pipe)
    assert [lines.decode().splitlines() for lines in seen] == [survived] * FOLLOWERS
    campaign.report("kill -9 of 8 writers on one run, 3 followers", wanted, kills, at_least=1)


def follow(path: Path, tell: Tell) -> None:
    """Tell each trace as it comes, until the run ended."""
    told: list[str] = []
    with tracetui.open(path) as db:
        for trace in TraceStore(db).follow(RUN):
            told.append(trace.id)
    for one in told:
        tell(one)


def storm(path: Path, trial: int, pipe: int) -> None:
    """Record batches for ever, a byte for each."""

    def tell(_: str) -> None:
        os.write(pipe, b".")

    batches(TraceStore(tracetui.open(path)), RUN, trial, tell)


def killed(pid: int, reader: int) -> bool:
    """Kill a writer."""
    os.close(reader)
    os.kill(pid, signal.SIGKILL)
    return ended(pid) == DEAD
