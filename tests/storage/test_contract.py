"""The contract of ``StorageBackend``, on every engine: an engine is one if it passes this file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tracetui import (
    BatchTooLargeError,
    ClosedError,
    Custom,
    Error,
    InvalidTraceError,
    InvalidTransitionError,
    ParentNotFoundError,
    RunClosedError,
    RunExistsError,
    RunNotFoundError,
    Thought,
    ToolCall,
    TraceCompletedError,
    TraceDraft,
    TraceExistsError,
    TraceNotFoundError,
    TraceTuiError,
)
from tracetui.model.change import (
    AnyChange,
    NewTrace,
    amendment,
    annotation,
    completion,
    new_trace,
    run_patch,
)
from tracetui.storage.backend import MAX_CHANGES, NO_TIME, Appended, Index, Page, StorageBackend
from tracetui.storage.files.catalog import Catalog

RUN = "the run"


def trace(id: str, parent: str | None = None, *, wait: bool = False, **more: object) -> NewTrace:
    """Make the change that records a trace."""
    kind = more.pop("kind", Thought(f"thought of {id}"))
    return new_trace(TraceDraft(kind, id=id, parent_id=parent, await_parent=wait, **more))  # type: ignore[arg-type]


@pytest.fixture
def run(engine: StorageBackend) -> str:
    """Make an active run."""
    engine.create_run(RUN, {"name": "a name", "created_ms": 5})
    return RUN


def ids(page: Page) -> list[str]:
    """Return the ids of a page's traces."""
    return [found.id for found in page.items]


def state(engine: StorageBackend) -> object:
    """Return all that a refused commit must not change."""
    view = engine.view(RUN)
    return [found.to_json() for found in engine.scan(RUN, Index.ALL).items], view.rev, engine.run(RUN)


# ---- append ----------------------------------------------------------------------------------------------


def test_append_numbers_densely_in_commit_order(engine: StorageBackend, run: str) -> None:
    """Creating the run is rev 0; seqs count traces, revs count changes, both without a gap."""
    assert engine.append(run, [trace("a"), trace("b")]) == Appended(0, 1, 2, 2)
    assert engine.append(run, [amendment("a", tags=["x"])]) == Appended(2, 3, 0, 1)
    assert engine.append(run, [trace("c")]) == Appended(2, 4, 1, 1)
    assert engine.append(run, []) == Appended(3, 5, 0, 0)
    changes = engine.changes(run)
    assert [change.rev for change in changes] == [0, 1, 2, 3, 4]
    assert [change.kind for change in changes] == ["run", "trace", "trace", "amendment", "trace"]
    assert [change.seq for change in changes] == [-1, 0, 1, 0, 2]
    assert [change.trace_id for change in changes] == [None, "a", "b", "a", "c"]


REFUSALS: list[tuple[type[TraceTuiError], list[AnyChange]]] = [
    (TraceExistsError, [trace("a")]),
    (TraceExistsError, [trace("n"), trace("n")]),
    (ParentNotFoundError, [trace("n", "nobody")]),
    (ParentNotFoundError, [trace("n", "")]),
    (ParentNotFoundError, [trace("n", "", wait=True)]),
    (ParentNotFoundError, [trace("n", "later"), trace("later")]),
    (ParentNotFoundError, [trace("n", "n")]),
    (TraceNotFoundError, [completion("nobody")]),
    (TraceNotFoundError, [amendment("nobody")]),
    (TraceNotFoundError, [annotation("nobody", "note", {})]),
    (TraceCompletedError, [completion("a")]),
    (TraceCompletedError, [completion("open"), completion("open")]),
    (TraceCompletedError, [trace("n", open=True), completion("n"), completion("n")]),
    (InvalidTraceError, [completion("open", late_fields={"confidence": 0.5})]),
    (InvalidTraceError, [trace("n", open=True), completion("n", late_fields={"result": 1})]),
    (InvalidTraceError, [amendment("text", metadata={"k": 1})]),
    (InvalidTraceError, [trace("n", metadata=[1]), amendment("n", metadata={"k": 1})]),
    (InvalidTransitionError, [run_patch({"status": "archived"}), run_patch({"status": "active"})]),
    (InvalidTransitionError, [run_patch({"status": "active"})]),
    (RunClosedError, [run_patch({"status": "paused"}), trace("n")]),
    (BatchTooLargeError, [amendment("a", tags=["x"])] * (MAX_CHANGES + 1)),
    (BatchTooLargeError, [amendment("a", metadata={"k": "x" * (1 << 20)})] * 65),
    (BatchTooLargeError, [amendment("a", tags=["x" * 500] * 1000)] * 140),
]


@pytest.mark.parametrize("number", range(len(REFUSALS)))
def test_a_refused_change_leaves_nothing_of_its_commit(engine: StorageBackend, run: str, number: int) -> None:
    """Whatever does not fit is a typed error, and the good changes before it in the commit are gone too."""
    refusal, changes = REFUSALS[number]
    engine.append(run, [trace("a"), trace("open", kind=ToolCall("t", {}), open=True)])
    engine.append(run, [trace("text", metadata="no mapping")])
    before = state(engine)
    good: list[AnyChange] = (
        [] if refusal is BatchTooLargeError else [trace("good"), amendment("a", tags=["g"])]
    )
    with pytest.raises(refusal):
        engine.append(run, [*good, *changes])
    assert state(engine) == before
    assert engine.append(run, [trace("next")]).first_seq == 3


def test_a_commit_may_refer_to_itself(engine: StorageBackend, run: str) -> None:
    """Parents, completions, amendments and notes of traces earlier in the same commit."""
    engine.append(
        run,
        [
            trace("a", kind=ToolCall("grep", {"q": 1}), open=True), trace("b", "a"), trace("c", "b"),
            amendment("a", tags=["late"], metadata={"m": 1}),
            completion("a", end_ms=99, late_fields={"result": "found"}, metadata={"n": 2}),
            annotation("c", "look", {"mark": "!"}),
            run_patch({"status": "completed"}),
        ],
    )  # fmt: skip
    (found,) = engine.get(run, ["a"])
    assert found is not None
    assert found.trace_type == ToolCall("grep", {"q": 1}, "found")
    assert (found.tags, found.metadata, found.status, found.end_ms) == (["late"], {"m": 1, "n": 2}, "ok", 99)
    assert ids(engine.scan(run, Index.PARENT, "b")) == ["c"]
    assert [(a.trace_id, a.note, a.fields) for a in engine.annotations(run)] == [("c", "look", {"mark": "!"})]
    assert engine.run(run).status == "completed"


def test_skip_leaves_out_what_is_there(engine: StorageBackend, run: str) -> None:
    """With existing="skip" an import can be repeated: the first is untouched, the new ones are recorded."""
    engine.append(run, [trace("a", tags=["first"])])
    appended = engine.append(run, [trace("a", tags=["second"]), trace("b", "a"), trace("b")], existing="skip")
    assert appended == Appended(1, 2, 1, 1, frozenset({"a", "b"}))
    assert [found.tags for found in engine.scan(run, Index.ALL).items] == [["first"], []]
    assert engine.append(run, [trace("a"), trace("b")], existing="skip").changes == 0
    assert engine.view(run).rev == 3
    engine.append(run, [run_patch({"status": "completed"})])
    assert engine.append(run, [trace("a")], existing="skip").changes == 0


def test_an_awaited_parent_adopts_when_it_comes(engine: StorageBackend, run: str) -> None:
    """Until then the child is a root that says so; then it is a child in every index, in seq order."""
    engine.append(run, [trace("c1", "p", wait=True), trace("other"), trace("c2", "p", wait=True)])
    assert ids(engine.scan(run, Index.ROOTS)) == ["c1", "other", "c2"]
    assert [
        (t.parent_id, t.parent_missing) for t in engine.scan(run, Index.ALL).items if t.id != "other"
    ] == [("p", True)] * 2
    view = engine.view(run)
    assert [view.awaiting(seq) for seq in range(3)] == ["p", None, "p"]
    engine.append(run, [trace("p", "other"), trace("c3", "p")])
    view.refresh()
    assert ids(engine.scan(run, Index.ROOTS)) == ["other"]
    assert ids(engine.scan(run, Index.PARENT, "p")) == ["c1", "c2", "c3"]
    assert [view.awaiting(seq) for seq in range(view.count)] == [None] * 5
    assert [t.parent_missing for t in engine.scan(run, Index.ALL).items] == [False] * 5
    assert list(view.forest().depths) == [0, 1, 2, 2, 2]


def test_a_link_that_closes_a_cycle_is_refused(engine: StorageBackend, run: str) -> None:
    """The trace stays a root, and every trace is in the forest exactly once."""
    engine.append(run, [trace("self", "self", wait=True)])
    engine.append(run, [trace("a", "c", wait=True), trace("b", "a"), trace("c", "b")])
    assert ids(engine.scan(run, Index.ROOTS)) == ["self", "a"]
    assert ids(engine.scan(run, Index.PARENT, "c")) == []
    assert sorted(engine.view(run).forest().seqs) == [0, 1, 2, 3]


def test_times_that_the_store_sets_never_go_back(
    engine: StorageBackend, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the clock does; a caller's times may be anything and do not count."""
    clock = iter([1000, 400, 2000, 1500])
    for module in ("tracetui.storage.memory", "tracetui.storage.files.run"):
        monkeypatch.setattr(f"{module}.now_ms", lambda: next(clock))
    engine.append(run, [trace("a")])
    engine.append(run, [trace("b"), trace("mine", timestamp=9_000_000)])
    engine.append(run, [trace("c")])
    engine.append(run, [trace("d"), trace("old", timestamp=-5)])
    assert [t.timestamp for t in engine.scan(run, Index.ALL).items] == [1000, 1000, 9_000_000, 2000, 2000, -5]


def test_a_run_that_is_not_active_takes_notes_and_completions(engine: StorageBackend, run: str) -> None:
    """Only recording needs an active run."""
    engine.append(run, [trace("a", open=True)])
    engine.append(run, [run_patch({"status": "failed"})])
    with pytest.raises(RunClosedError):
        engine.append(run, [trace("b")])
    engine.append(
        run, [completion("a", status="cancelled"), amendment("a", tags=["t"]), annotation("a", "", {})]
    )
    assert [t.status for t in engine.get(run, ["a"]) if t] == ["cancelled"]


def test_threads_lose_nothing(engine: StorageBackend, run: str) -> None:
    """8 threads × 20 commits into one run are 160 traces with dense seqs."""

    def write(thread: int) -> list[int]:
        return [engine.append(run, [trace(f"{thread}/{n}")]).first_seq for n in range(20)]

    with ThreadPoolExecutor(8) as pool:
        given = [seq for seqs in pool.map(write, range(8)) for seq in seqs]
    assert sorted(given) == list(range(160))
    assert [found.seq for found in engine.scan(run, Index.ALL).items] == list(range(160))


# ---- reading ---------------------------------------------------------------------------------------------


@pytest.fixture
def filled(engine: StorageBackend, run: str) -> str:
    """Record a small tree, times out of order."""
    engine.append(
        run,
        [
            trace("r", timestamp=10, tags=["x", "y", "x"]), trace("a", "r", timestamp=30, tags=["xy"]),
            trace("b", "r", timestamp=20, kind=Custom("Thought", 1), tags=["x"]),
            trace("c", "a", timestamp=20, kind=Error("E", "m", recoverable=False)),
            trace("d", timestamp=40, kind=Custom("LLM"), metadata={
                "usage": {"input": 7, "output": 2}, "cost": {"usd": 0.5},
            }),
        ],
    )  # fmt: skip
    return run


@pytest.mark.parametrize(
    ("index", "key", "expected"),
    [
        (Index.ALL, None, "r a b c d"),
        (Index.ROOTS, None, "r d"),
        (Index.TYPE, "Thought", "r a b"),
        (Index.TYPE, "Tho", ""),
        (Index.TAG, "x", "r b"),
        (Index.TAG, "xy", "a"),
        (Index.TAG, "", ""),
        (Index.PARENT, "r", "a b"),
        (Index.PARENT, "c", ""),
        (Index.PARENT, "nobody", ""),
        (Index.TIME, None, "r b c a d"),
    ],
)
def test_scan_answers_in_order_and_by_pages(
    engine: StorageBackend, filled: str, index: Index, key: str | None, expected: str
) -> None:
    """Pages of any size, put together, are the whole answer; unknown keys are empty."""
    whole = engine.scan(filled, index, key)
    assert ids(whole) == expected.split()
    assert whole.cursor is None
    for limit in (1, 2, 3):
        found, after = [], None
        while True:
            page = engine.scan(filled, index, key, after=after, limit=limit)
            assert len(page.items) <= limit
            found += ids(page)
            after = page.cursor
            if after is None:
                break
        assert found == expected.split()


@pytest.mark.parametrize(
    ("lo", "hi", "expected"),
    [
        (20, 40, "b c a"), (20, 20, ""), (40, 20, ""), (None, 20, "r"), (30, None, "a d"), (21, 30, ""),
        (NO_TIME, 2**63 - 1, "r b c a d"),
    ],
)  # fmt: skip
def test_time_ranges_are_half_open(
    engine: StorageBackend, filled: str, lo: int | None, hi: int | None, expected: str
) -> None:
    """Start included, end not, in (timestamp, seq) order."""
    assert ids(engine.scan(filled, Index.TIME, lo=lo, hi=hi)) == expected.split()


def test_get_answers_in_the_order_of_the_question(engine: StorageBackend, filled: str) -> None:
    """None where there is no such trace; the same twice is fine."""
    found = engine.get(filled, ["c", "nobody", "r", "c", ""])
    assert [t and t.id for t in found] == ["c", None, "r", "c", None]


def test_counts_are_by_whole_names_in_their_order(engine: StorageBackend, filled: str) -> None:
    """A tag given twice to one trace counts once."""
    assert list(engine.counts(filled, Index.TAG).items()) == [("x", 2), ("xy", 1), ("y", 1)]
    assert list(engine.counts(filled, Index.TYPE).items()) == [("Error", 1), ("LLM", 1), ("Thought", 3)]


def test_tags_added_later_are_in_the_index_in_seq_order(engine: StorageBackend, filled: str) -> None:
    """Once each, however often they are added."""
    engine.append(filled, [amendment("d", tags=["x", "new"]), amendment("a", tags=["x", "x"])])
    engine.append(filled, [amendment("a", tags=["x"])])
    assert ids(engine.scan(filled, Index.TAG, "x")) == ["r", "a", "b", "d"]
    assert engine.counts(filled, Index.TAG) == {"new": 1, "x": 4, "xy": 1, "y": 1}
    assert engine.view(filled).tags_of(1) == ("xy", "x", "x", "x")
    assert engine.view(filled).first_tags_of(1) == ("xy",)
    assert engine.view(filled).first_tags_of(0) == ("x", "y", "x")


def test_a_view_has_the_columns_of_the_run(engine: StorageBackend, filled: str) -> None:
    """Every column by seq; a view that is refreshed gives each change once."""
    view = engine.view(filled)
    assert (view.count, view.rev) == (5, 6)
    assert list(view.ids) == ["r", "a", "b", "c", "d"]
    assert list(view.parents) == [-1, 0, 0, 1, -1]
    assert [view.type_names[code] for code in view.types] == ["Thought", "Thought", "Thought", "Error", "LLM"]
    assert list(view.kinds) == [3, 3, 5, 4, 5]
    assert list(view.timestamps) == [10, 30, 20, 20, 40]
    assert list(view.ends) == [NO_TIME] * 5
    assert list(view.statuses) == [1, 1, 1, 2, 1]
    assert list(view.tokens_in) == [-1, -1, -1, -1, 7]
    assert list(view.tokens_out) == [-1, -1, -1, -1, 2]
    assert view.costs[4] == 0.5
    assert [view.children(seq) for seq in range(5)] == [[1, 2], [3], [], [], []]
    assert list(view.roots()) == [0, 4]
    assert list(view.by_type("Thought")) == [0, 1, 2]
    assert list(view.by_tag("x")) == [0, 2]
    assert list(view.by_time(20, 31)) == [2, 3, 1]
    assert [view.seq_of(id) for id in ("c", "nobody")] == [3, None]
    assert list(view.forest().seqs) == [0, 1, 3, 2, 4]
    assert list(view.forest(1).seqs) == [1, 3]
    assert view.trace(3).trace_type == Error("E", "m", recoverable=False)
    assert view.refresh() == []
    engine.append(filled, [trace("e", "d", open=True), amendment("e", tags=["t"])])
    assert [(c.rev, c.kind, c.seq) for c in view.refresh()] == [(6, "trace", 5), (7, "amendment", 5)]
    assert view.refresh() == []
    assert (view.count, view.rev) == (6, 8)


def test_a_run_counts_what_is_in_it(engine: StorageBackend, filled: str) -> None:
    """Traces, errors, usage of model calls, the last thing known."""
    run = engine.run(filled)
    assert (run.traces, run.errors, run.tokens_in, run.tokens_out, run.cost_usd) == (5, 1, 7, 2, 0.5)
    assert (run.name, run.created_ms, run.last_ms, run.damage) == ("a name", 5, 40, ())


def test_packed_bodies_are_what_was_recorded_and_added(engine: StorageBackend, filled: str) -> None:
    """One after the other, each with its additions, for searches that decode few."""
    added = amendment("a", metadata={"k": 1})
    engine.append(filled, [added])
    found = list(engine.view(filled).packed_bodies([0, 1, 4]))
    assert [len(pieces or ()) for pieces in found] == [1, 2, 1]
    assert found[1] is not None
    assert found[1][1] == added.body
    assert b"thought of r" in (found[0] or (b"",))[0]


def test_stretches_hold_the_same_bodies_as_they_lie(engine: StorageBackend, filled: str) -> None:
    """Additions among them, whatever was recorded between a trace and what was added to it."""
    for name in ("b", "a", "a"):
        engine.append(filled, [amendment(name, metadata={name: 1})])
    engine.append(filled, [trace("late", kind=Thought("the last"))])
    view = engine.view(filled)
    seqs = [0, 1, 2, 5]
    found: dict[int, list[bytes]] = {seq: [] for seq in seqs}
    for stretch in view.stretches(seqs):
        assert not list(stretch.lost)
        assert list(stretch.starts) == sorted(stretch.starts)
        assert stretch.lowered == stretch.data.lower()
        for owner, start, end in zip(stretch.owners, stretch.starts, stretch.ends, strict=True):
            found[owner].append(stretch.data[start:end])
    assert [tuple(pieces) for pieces in found.values()] == list(view.packed_bodies(seqs))
    assert [len(pieces) for pieces in found.values()] == [1, 3, 2, 1]
    assert list(view.stretches([])) == []


def test_changes_say_what_was_given(engine: StorageBackend, run: str) -> None:
    """Each kind with its value, from any rev on, at most as many as asked."""
    engine.append(run, [trace("a", kind=ToolCall("t", {}), open=True)])
    engine.append(run, [completion("a", end_ms=8, tags=["z"], metadata={"m": 1}, late_fields={"result": 2})])
    engine.append(run, [amendment("a", tags=["y"]), annotation("a", "n", {}), run_patch({"name": "new"})])
    first, made, ended, added, note, renamed = engine.changes(run)
    assert first.value == {"name": "a name", "created_ms": 5}
    assert made.value.id == "a"
    assert ended.value == {
        "status": "ok", "end_ms": 8, "late_fields": {"result": 2}, "tags": ["z"], "metadata": {"m": 1},
    }  # fmt: skip
    assert added.value == {"tags": ["y"], "metadata": None}
    assert (note.value.trace_id, note.value.note) == ("a", "n")
    assert renamed.value == {"name": "new"}
    assert [c.rev for c in engine.changes(run, 2, limit=2)] == [3, 4]
    assert engine.changes(run, 5) == []
    assert engine.changes(run, 500) == []


# ---- runs ------------------------------------------------------------------------------------------------


def test_runs_are_listed_newest_first(engine: StorageBackend) -> None:
    """By creation, then id; a listing is as of now."""
    for name, created in (("b", 2), ("a", 1), ("c", 2)):
        engine.create_run(name, {"created_ms": created})
    assert [run.id for run in engine.runs()] == ["c", "b", "a"]
    engine.append("a", [trace("t")])
    assert [run.traces for run in engine.runs()] == [0, 0, 1]
    engine.delete_run("b")
    assert [run.id for run in engine.runs(fresh=False)] == ["c", "a"]


def test_news_since_the_last_listing(engine: StorageBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that came or went, a change of a run that is named; none right after a listing."""
    moment = iter(range(10**9, 10**12, 10**9))
    utime = "tracetui.storage.files.catalog.Catalog._folder_time"
    known: dict[tuple[str, ...], int] = {}

    def folder_time(catalog: Catalog) -> int:
        """Tell the listings of a folder apart, however fast they come after each other."""
        names = tuple(sorted(name for name, _ in catalog._disk.names(catalog._folder)))
        return known.setdefault(names, next(moment))

    monkeypatch.setattr(utime, folder_time)
    engine.create_run("a", {"created_ms": 1})
    assert engine.has_news([])
    engine.runs()
    assert not engine.has_news(["a"])
    engine.append("a", [trace("t")])
    assert engine.has_news(["a"])
    engine.runs()
    engine.create_run("b", {"created_ms": 2})
    assert engine.has_news(["a"])
    engine.runs()
    assert not engine.has_news(["a", "b"])
    engine.delete_run("a")
    assert engine.has_news(["b"])


def test_a_run_is_made_once(engine: StorageBackend, run: str) -> None:
    """A second one of the same id is refused; the first is untouched."""
    with pytest.raises(RunExistsError):
        engine.create_run(run, {"name": "other"})
    assert engine.run(run).name == "a name"


@pytest.mark.parametrize("wait", [0.0, 0.05])
def test_wait_returns_what_moved(engine: StorageBackend, run: str, wait: float) -> None:
    """At once if there is news; empty after the timeout if not; woken by a commit of another thread."""
    engine.create_run("still", {"created_ms": 1})
    assert engine.wait({run: 0, "still": 1}, 5) == {run: 1}
    assert engine.wait({run: 1, "still": 1}, wait) == {}
    later = threading.Timer(0.05, lambda: engine.append(run, [trace("a")]))
    later.start()
    assert engine.wait({run: 1, "still": 1}, 30) == {run: 2}
    later.join()


CALLS: list[Callable[[StorageBackend], object]] = [
    lambda engine: engine.append(RUN, [trace("x")]),
    lambda engine: engine.get(RUN, ["a"]),
    lambda engine: engine.scan(RUN, Index.ALL),
    lambda engine: engine.changes(RUN),
    lambda engine: engine.counts(RUN, Index.TAG),
    lambda engine: engine.annotations(RUN),
    lambda engine: engine.view(RUN),
    lambda engine: engine.run(RUN),
    lambda engine: engine.wait({RUN: 0}, 1),
    lambda engine: engine.delete_run(RUN),
    lambda engine: engine.check(RUN),
]


def test_a_deleted_run_is_gone_for_every_call(engine: StorageBackend, run: str) -> None:
    """Also for a view that was held; other runs stay; a new run of that id is another."""
    engine.create_run("other", {"created_ms": 1})
    engine.append("other", [trace("stays")])
    engine.append(run, [trace("a"), trace("b")])
    view = engine.view(run)
    assert engine.delete_run(run) == 2
    for call in CALLS:
        with pytest.raises(RunNotFoundError):
            call(engine)
    with pytest.raises(RunNotFoundError):
        view.refresh()
    assert [found.id for found in engine.runs()] == ["other"]
    engine.create_run(run, {"name": "new", "created_ms": 6})
    assert engine.run(run).traces == 0
    with pytest.raises(RunNotFoundError):
        view.refresh()
    assert ids(engine.scan("other", Index.ALL)) == ["stays"]


def test_a_closed_engine_says_so(engine: StorageBackend, run: str) -> None:
    """Every call is ``ClosedError``; closing twice is fine."""
    engine.close()
    engine.close()
    calls: Iterable[Callable[[StorageBackend], object]] = [
        *CALLS, lambda engine: engine.runs(), lambda engine: engine.create_run("n", {}),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ClosedError):
            call(engine)


def test_a_sound_store_has_no_damage(engine: StorageBackend, filled: str) -> None:
    """Neither one run nor all."""
    assert engine.check(filled) == []
    assert engine.check() == []
