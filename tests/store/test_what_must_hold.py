"""The twelve promises of the store, each by its name, on every engine."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import tracetui
from tracetui import (
    Custom,
    Error,
    ParentNotFoundError,
    Query,
    Thought,
    ToolCall,
    TraceDraft,
    TraceExistsError,
    TraceStore,
    TraceTuiError,
)

AWKWARD = ["", "a", "ab", "a:b", "a__b", "a/b", "\0", "a\nb", "..", "/", "日本", "\ud83d", "trace-", "*"]


def ids(traces: list[tracetui.Trace]) -> list[str]:
    """Return the ids of traces."""
    return [trace.id for trace in traces]


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return every file below a folder with its times and content, and every folder with its times."""
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        stat = path.stat()
        found[str(path)] = (stat.st_mtime_ns, stat.st_size, path.read_bytes() if path.is_file() else b"")
    return found


def test_01_a_parent_that_is_not_there_is_refused(db: tracetui.Database, run_id: str) -> None:
    """Missing, empty, of another run, an internal key, a prefix of a real id: named, nothing written."""
    store = TraceStore(db)
    other = db.create_run("other").id
    elsewhere = store.record(other, Thought("elsewhere"))
    here = store.record(run_id, Thought("here"))
    for wrong in ("missing", "", elsewhere, "tracetui:meta", "\0", here[:-1], here + "x", run_id, "x" * 5000):
        with pytest.raises(ParentNotFoundError) as refused:
            store.record_child(run_id, wrong, Thought("child"))
        assert refused.value.parent_id == wrong
        assert repr(wrong)[1:100] in str(refused.value)
        with pytest.raises(ParentNotFoundError):
            store.record_many(
                run_id, [TraceDraft(Thought("fine")), TraceDraft(Thought("x"), parent_id=wrong)]
            )
    assert ids(store.list(run_id)) == [here]
    assert ids(store.list(other)) == [elsewhere]
    assert store.types(run_id) == {"Thought": 1}


def test_02_a_second_record_with_an_id_is_refused(store: TraceStore, run_id: str) -> None:
    """The first is untouched, alone or in a batch; the same id in another run is another trace."""
    store.record_with_options(run_id, Thought("first"), id="x", tags=["one"], timestamp=5)
    first = store.get(run_id, "x")
    with pytest.raises(TraceExistsError):
        store.record_with_options(run_id, Error("a", "b", recoverable=False), id="x")
    with pytest.raises(TraceExistsError):
        store.record_many(run_id, [TraceDraft(Thought("n"), id="y"), TraceDraft(Thought("n"), id="y")])
    assert store.get(run_id, "x") == first
    assert store.count(run_id) == 1
    assert store.record_many(
        run_id, [TraceDraft(Thought("n"), id="x"), TraceDraft(Thought("n"), id="y")], existing="skip"
    ) == ["x", "y"]
    assert store.get(run_id, "x") == first
    assert store.count(run_id) == 2
    other = store.database.create_run().id
    store.record_with_options(other, Thought("other"), id="x")
    assert store.get(run_id, "x") == first


def test_03_names_are_whole(db: tracetui.Database) -> None:
    """A tag, type or id never matches a longer or shorter one; awkward names and run ids work."""
    store = TraceStore(db)
    for run_name in [name for name in AWKWARD if name]:
        run = db.create_run(run_name, id=run_name)
        for name in AWKWARD:
            store.record_with_options(run.id, Custom(name), id="id" + name, tags=[name])
        assert store.types(run.id) == dict.fromkeys(sorted(AWKWARD), 1)
        assert store.tags(run.id) == dict.fromkeys(sorted(AWKWARD), 1)
        for name in AWKWARD:
            assert ids(store.query_by_tag(run.id, name)) == ["id" + name]
            assert ids(store.query_by_type(run.id, name)) == ["id" + name]
        assert store.query_by_type(run.id, "Tool") == store.query_by_tag(run.id, "A") == []
    assert {run.id for run in db.runs()} == {name for name in AWKWARD if name}
    run = db.create_run("types")
    store.record(run.id, ToolCall("a", {}))
    assert store.query_by_type(run.id, "Tool") == []
    assert len(store.query_by_type(run.id, "ToolCall")) == 1


def test_04_time_ranges_of_any_width_answer_exactly(store: TraceStore, run_id: str) -> None:
    """Half-open, (timestamp, seq) order, the widest range included, start ≥ end empty."""
    times = [5, -(2**63), 7, 5, 2**63 - 1, 0, 6]
    made = store.record_many(run_id, [TraceDraft(Thought(str(t)), timestamp=t) for t in times])
    in_order = [made[i] for i in (1, 5, 0, 3, 6, 2)]
    assert ids(store.query_by_time(run_id, -(2**63), 2**63 - 1)) == in_order
    assert ids(store.query_by_time(run_id, 5, 7)) == [made[0], made[3], made[6]]
    assert ids(store.query_by_time(run_id, 5, 6)) == [made[0], made[3]]
    assert store.query_by_time(run_id, 5, 5) == store.query_by_time(run_id, 7, 5) == []


def test_04_a_wide_range_costs_what_it_returns(store: TraceStore, run_id: str) -> None:
    """The number of steps over a huge empty range does not grow with its width: it simply returns."""
    store.record_many(run_id, [TraceDraft(Thought("x"), timestamp=t) for t in range(2_000)])
    assert len(store.query_by_time(run_id, -(2**63), 2**63 - 1)) == 2_000
    assert store.query_by_time(run_id, 10_000, 2**63 - 1) == []


def test_05_every_way_of_writing_reaches_every_index(db: tracetui.Database, run_id: str) -> None:
    """Single records, batches, transactions and the seed's extension are all found everywhere."""
    store = TraceStore(db)
    root = store.record(run_id, Thought("root"), tags=["t"])
    store.record_child(run_id, root, Thought("child"), tags=["t"])
    store.record_many(run_id, [TraceDraft(Thought("many"), parent_id=root, tags=["t"])])
    with db.transaction(run_id) as txn:
        txn.record_child(root, Thought("in a transaction"), tags=["t"])
        seed = txn.trace_record("Thought", {"k": 1})
        txn.trace_record_child(seed, "Thought", {"k": 2})
        txn.amend(seed, tags=["t"])
    everything = ids(store.list(run_id))
    assert len(everything) == 6
    assert ids(store.query_by_type(run_id, "Thought")) == everything
    assert ids(store.query_by_tag(run_id, "t")) == everything[:5]
    assert ids(store.get_children(run_id, root)) == everything[1:4]
    assert ids(store.get_children(run_id, seed)) == [everything[5]]
    assert ids(store.get_roots(run_id)) == [root, seed]
    assert sorted(ids(store.query_by_time(run_id, -(2**63), 2**63 - 1))) == sorted(everything)


def test_06_reads_write_nothing(tmp_path: Path) -> None:
    """Whatever is asked, no byte and no time of a file or folder changes."""
    path = tmp_path / "store"
    with tracetui.open(path) as writer:
        run = writer.create_run("r", tags=["x"])
        store = TraceStore(writer)
        root = store.record(run.id, Thought("x"), tags=["t"])
        store.record_child(run.id, root, Thought("y"))
        store.annotate(run.id, root, "note")
        writer.end_run(run.id)
    before = snapshot(path)
    with tracetui.open(path) as reader:
        store = TraceStore(reader)
        store.list(run.id)
        store.get(run.id, root)
        store.get(run.id, "no")
        store.query_by_type(run.id, "Thought")
        store.query_by_tag(run.id, "t")
        store.query_by_time(run.id, 0, 2**62)
        store.get_children(run.id, root)
        tree = store.get_tree(run.id, root)
        assert tree is not None
        assert len(list(tree.walk())) == 2
        assert (store.types(run.id), store.tags(run.id), store.annotations(run.id)) != ({}, {}, [])
        assert len(list(store.follow(run.id))) == 2
        assert len(list(store.changes(run.id))) == 5
        store.walk(run.id)
        reader.runs()
        reader.runs(fresh=False)
        reader.check()
        assert reader.view(run.id).count == 2
        with pytest.raises(tracetui.RunNotFoundError):
            store.list("no")
    assert snapshot(path) == before


def test_06_looking_for_a_store_that_is_not_there_makes_none(tmp_path: Path) -> None:
    """Opening and listing leaves no folder behind."""
    with tracetui.open(tmp_path / "none") as reader:
        assert reader.runs() == []
    assert not (tmp_path / "none").exists()


def test_07_filters_combine_before_the_limit(db: tracetui.Database, run_id: str) -> None:
    """Type, tag, time and parent together are an intersection; a limit applies after all of them."""
    store = TraceStore(db)
    root = store.record_with_options(run_id, Thought("root"), timestamp=0, tags=["a"])
    drafts = [
        TraceDraft(
            Thought("x") if n % 2 else Query("q", "x"), parent_id=root if n % 3 else None,
            tags=["a"] if n % 5 else ["b"], timestamp=n,
        )
        for n in range(60)
    ]  # fmt: skip
    made = store.record_many(run_id, drafts)
    query = f"type:Thought tag:a parent:{root} time:10..50"
    expected = [made[n] for n in range(60) if n % 2 and n % 3 and n % 5 and 10 <= n < 50]
    assert [trace.id for _, trace in tracetui.search(db, query, run_id=run_id)] == expected
    assert [trace.id for _, trace in tracetui.search(db, query, run_id=run_id, limit=3)] == expected[:3]


def test_08_a_reader_sees_all_of_a_commit_or_none(store: TraceStore, run_id: str) -> None:
    """While batches of 20 are written, every read has a multiple of 20 traces, in whole groups."""
    wrong: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            tags = store.tags(run_id)
            seen = len(store.list(run_id))
            if seen % 20 or any(count != 20 for count in tags.values()):
                wrong.append(seen)

    reader = threading.Thread(target=read)
    reader.start()
    for batch in range(50):
        store.record_many(run_id, [TraceDraft(Thought("x"), tags=[f"batch {batch}"]) for _ in range(20)])
    done.set()
    reader.join()
    assert wrong == []
    assert store.count(run_id) == 1000


def test_08_eight_threads_lose_nothing(store: TraceStore, run_id: str) -> None:
    """8 threads × 20 records into one run are 160 records with dense seqs."""
    root = store.record(run_id, Thought("root"))

    def record(worker: int) -> None:
        for n in range(20):
            store.record_child(run_id, root, Thought(f"{worker}/{n}"), tags=[str(worker)])

    in_threads([partial(record, worker) for worker in range(8)])
    traces = store.list(run_id)
    assert [trace.seq for trace in traces] == list(range(161))
    assert store.tags(run_id) == {str(worker): 20 for worker in range(8)}


def in_threads(jobs: list[Callable[[], None]]) -> None:
    """Run jobs at once and wait for them."""
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def write_from_another_process(path: str, run_id: str, name: str, count: int) -> None:
    """Record ``count`` traces as a process of its own."""
    with tracetui.open(path) as db:
        store = TraceStore(db)
        for n in range(count):
            store.record(run_id, Thought(f"{name}/{n}" + "x" * (n * 37 % 500)), tags=[name])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_08_two_processes_on_one_run_lose_nothing(tmp_path: Path, method: str) -> None:
    """Bytes never mix, whether the processes were forked or started anew; the parent writes too."""
    path = str(tmp_path / "store")
    with tracetui.open(path) as db:
        run = db.create_run("shared")
        store = TraceStore(db)
        store.record(run.id, Thought("before"))
        context: Any = multiprocessing.get_context(method)
        workers = [
            context.Process(target=write_from_another_process, args=(path, run.id, f"p{n}", 60))
            for n in range(2)
        ]
        for worker in workers:
            worker.start()
        for n in range(60):
            store.record(run.id, Thought(f"parent/{n}"), tags=["parent"])
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0, 0]
        assert store.tags(run.id) == {"p0": 60, "p1": 60, "parent": 60}
        for name in ("p0", "p1", "parent"):
            said = [
                getattr(t.trace_type, "content", "").rstrip("x") for t in store.query_by_tag(run.id, name)
            ]
            assert said == [f"{name}/{n}" for n in range(60)]
        assert db.check(run.id) == []


def test_08_a_forked_child_goes_on_with_the_parents_store(tmp_path: Path) -> None:
    """After os.fork both sides record through the handle they had."""
    with tracetui.open(tmp_path / "store") as db:
        run = db.create_run("forked")
        store = TraceStore(db)
        root = store.record(run.id, Thought("root"))
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for n in range(50):
                    store.record_child(run.id, root, Thought(f"child {n}"), tags=["child"])
                status = 0
            finally:
                os._exit(status)
        for n in range(50):
            store.record_child(run.id, root, Thought(f"parent {n}"), tags=["parent"])
        assert os.waitpid(pid, 0)[1] == 0
        assert store.tags(run.id) == {"child": 50, "parent": 50}
        assert len(db.run(run.id).owners) == 2


def log_of(path: Path) -> Path:
    """Return the one log of a store with one run."""
    (log,) = (path / "runs").glob("*.log")
    return log


def test_09_after_a_torn_tail_the_store_goes_on(tmp_path: Path) -> None:
    """Cut anywhere in the last write, the rest is a prefix of commits, and what comes after survives."""
    effective = 0
    path = tmp_path / "store"
    with tracetui.open(path) as db:
        run = db.create_run("torn")
        store = TraceStore(db)
        for n in range(3):
            store.record_many(run.id, [TraceDraft(Thought(f"{n}/{k}"), id=f"{n}/{k}") for k in range(2)])
            if n == 1:
                whole = log_of(path).stat().st_size
    content = log_of(path).read_bytes()
    for cut in range(whole, len(content)):
        log_of(path).write_bytes(content[:cut])
        with tracetui.open(path) as db:
            store = TraceStore(db)
            assert ids(store.list(run.id)) == ["0/0", "0/1", "1/0", "1/1"]
            store.record_with_options(run.id, Thought("after"), id="after")
        with tracetui.open(path) as db:
            assert ids(TraceStore(db).list(run.id)) == ["0/0", "0/1", "1/0", "1/1", "after"]
        effective += 1
    print(f"effective trials: {effective}")
    assert effective > 50


def test_10_a_flipped_bit_is_reported_and_read_around(tmp_path: Path) -> None:
    """In a head or in a body: file and offset are named, all other traces can be read."""
    path = tmp_path / "store"
    with tracetui.open(path) as db:
        run = db.create_run("damaged")
        store = TraceStore(db)
        for n in range(12):
            store.record_with_options(run.id, Thought(f"thought number {n} " * 4), id=f"t{n}")
    log = log_of(path)
    content = log.read_bytes()
    start = content.index(b"thought number 4")
    effective = 0
    for offset in range(start - 60, start + 60, 7):
        flipped = bytearray(content)
        flipped[offset] ^= 1 << (offset % 8)
        log.write_bytes(flipped)
        with tracetui.open(path) as db:
            store = TraceStore(db)
            damage = db.check(run.id)
            assert damage != []
            assert all(found.path == str(log) and 0 <= found.offset < len(content) for found in damage)
            assert all(found.offset <= offset for found in damage)
            readable = {t.id: t.seq for t in store.list(run.id) if not t.damaged}
            assert set(readable) >= {f"t{n}" for n in range(12) if n not in {3, 4}}
            assert all(int(name[1:]) == seq for name, seq in readable.items())
        effective += 1
    print(f"effective trials: {effective}")
    assert effective >= 15


def test_11_engines_give_the_same_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same calls with the same clock give the same JSON; memory leaves no file."""
    monkeypatch.chdir(tmp_path)
    answers = []
    for where in ("memory://", str(tmp_path / "a"), str(tmp_path / "b")):
        with tracetui.open(where, durability="sync" if where.endswith("b") else "process") as db:
            answers.append(play(db))
    assert answers[0] == answers[1] == answers[2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def play(db: tracetui.Database) -> list[object]:
    """Make one of everything with fixed ids and times; return all that can be asked."""
    store = TraceStore(db)
    db.restore_run("r", name="n", tags=["x"], metadata={"k": 1}, created_ms=10)
    store.record_with_options(
        "r", Thought("late", 0.5), id="c", parent_id="p", await_parent=True, timestamp=30
    )
    store.record_with_options(
        "r", ToolCall("bash", {"a": [1]}), id="p", tags=["t", "t"], timestamp=20, open=True
    )
    store.complete(
        "r", "p", end_ms=25, status="error", result=b"\0", metadata={"usage": {"input": 3}}, tags=["u"]
    )
    store.amend("r", "p", metadata={"k": float("inf")})
    store.record_many(
        "r", [TraceDraft(Custom("LLM", {"a": 1}), id=f"m{n}", parent_id="p", timestamp=n) for n in range(3)]
    )
    refused = []
    wrongs: list[Callable[[], object]] = [
        lambda: store.complete("r", "p"),
        lambda: store.complete("r", "none"),
        lambda: store.amend("r", "none"),
        lambda: store.record_child("r", "none", Thought("x")),
        lambda: store.record_with_options("r", Thought("x"), id="c"),
        lambda: db.create_run(id="r"),
        lambda: db.run("none"),
        lambda: db.set_run_status("r", "active"),
    ]
    for wrong in wrongs:
        with pytest.raises(TraceTuiError) as problem:
            wrong()
        refused.append((type(problem.value), str(problem.value)))
    tree = store.get_tree("r", "p")
    assert tree is not None
    return [
        refused,
        [trace.to_json() for trace in store.list("r")],
        [(depth, trace.id) for depth, trace in tree.walk()],
        [(depth, trace.id) for depth, trace in store.walk("r")],
        ids(store.query_by_time("r", 0, 25)),
        store.types("r"), store.tags("r"),
        [(c.rev, c.kind, c.trace_id, c.seq) for c in store.changes("r", timeout=0)],
        {key: value for key, value in db.run("r").to_json().items() if key != "last_ms"},
    ]  # fmt: skip


def test_12_hostile_text_is_kept_as_it_is_and_shown_as_text(store: TraceStore, run_id: str) -> None:
    """The store keeps every character; what becomes display text holds none that a terminal obeys."""
    from tracetui.model.text import printable

    hostile = "\x1b]52;c;aGk=\x07\x9b31m[red]\u202e[/]\x00\ud83d" + "x" * 5_000_000
    made = store.record(run_id, Custom(hostile[:20], {hostile[:20]: hostile}), tags=[hostile[:30]])
    trace = store.get(run_id, made)
    assert trace is not None
    assert trace.trace_type == Custom(hostile[:20], {hostile[:20]: hostile})
    assert printable(hostile).isprintable()
