"""What a store should hold: a dict of runs, each a list of attempted commits, and the look that compares.

A commit is known by the labels of its changes, which are unique in their run. A book tells what was tried, in
which order, how it ended, and where in the trace of system calls; ``Book.compare`` opens a medium with fresh
eyes and asserts that what it finds can be explained by the book, whole commits in their order, and that nothing
is missing that was promised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from tests.storage.files.campaign.medium import PLACE, Medium, Process
from tracetui import CorruptionError, RunNotFoundError, Thought, TraceDraft, TraceTuiError
from tracetui.model.change import Change, new_trace
from tracetui.model.trace import Trace
from tracetui.model.value import Value
from tracetui.storage.backend import Index
from tracetui.storage.files.engine import FileEngine

STORE = f"{PLACE}/store"
NEVER = 1 << 60
Label = tuple[str, str]
"""Kind of a change, and what tells it from all others of its kind."""
NOTHING: Label = ("run", "None")


@dataclass(slots=True)
class Expected:
    """A trace as it was recorded."""

    parent: str | None
    waits: bool
    open: bool
    tags: list[str]
    content: str
    metadata: Value = None
    """What its end merges its own into."""


@dataclass(slots=True)
class Attempt:
    """A commit that was tried: between which places of the trace, and how it ended.

    ``end`` is where it was acknowledged, ``NEVER`` if it was not; ``refused`` says that it was undone.
    """

    labels: list[Label]
    start: int
    end: int = NEVER
    refused: bool = False
    synced: bool = False
    first_rev: int = -1


@dataclass(slots=True)
class RunBook:
    """One run: its attempts in order, and its traces as they were recorded."""

    attempts: list[Attempt] = field(default_factory=list)
    traces: dict[str, Expected] = field(default_factory=dict)
    deleted: Attempt | None = None

    def owed(self, cut: int, *, power: bool) -> list[Attempt]:
        """Return the attempts that a look after the cut must find."""
        done = [n for n, one in enumerate(self.attempts) if one.end <= cut]
        if not power:
            return [self.attempts[n] for n in done]
        synced = [n for n in done if self.attempts[n].synced]
        return [self.attempts[n] for n in done if n <= max(synced, default=-1)]


class Book:
    """All runs of a store."""

    def __init__(self) -> None:
        self.runs: dict[str, RunBook] = {}

    def compare(self, medium: Medium, cut: int = NEVER - 1, *, power: bool = False) -> int:
        """Look at a medium, record one more trace into each run, look again; return how many traces there were."""
        engine = FileEngine(STORE, disk=Process(medium))
        found = 0
        for run_id, book in self.runs.items():
            found += compare_run(engine, run_id, book, cut, power=power)
        runs = engine.runs()
        assert runs == [engine.run(run.id) for run in runs], "the catalog changed the answers"
        listed = {run.id for run in runs}
        assert listed <= set(self.runs), listed
        again = FileEngine(STORE, disk=Process(medium))
        for run_id in listed:
            assert [t.id for t in again.scan(run_id, Index.ALL).items][-1] == "new"
            reasons = {damage.reason for damage in again.check(run_id)}
            assert "torn tail" not in reasons
        for one in (engine, again):
            one.close()
        return found


def compare_run(engine: FileEngine, run_id: str, book: RunBook, cut: int, *, power: bool) -> int:
    """Assert that a run holds what the book allows and all that it demands; return its number of traces."""
    owed = book.owed(cut, power=power)
    try:
        before = changes_of(engine, run_id)
    except RunNotFoundError:
        assert not owed or (book.deleted is not None and book.deleted.start <= cut), (
            "an acknowledged run is gone"
        )
        return 0
    assert book.deleted is None or cut < book.deleted.end, "a deleted run is back"
    present = explained(book, before, cut)
    for attempt in owed:
        assert attempt in present, f"acknowledged and gone: {attempt}, found {before}"
        if attempt.first_rev >= 0:
            assert attempt.first_rev in [rev for rev, _ in before]
    revs = [rev for rev, _ in before]
    damage = engine.check(run_id)
    if revs != list(range(len(revs))):
        assert damage, "a hole that nobody speaks of"
        assert engine.run(run_id).damage
    compare_traces(engine, run_id, book, before, is_damaged=bool(damage))
    compare_without_derived(engine, run_id, before)
    carry_on(engine, run_id)
    assert changes_of(engine, run_id) == [*before, (before[-1][0] + 1, ("trace", "new"))]
    return sum(1 for _, (kind, _) in before if kind == "trace")


def compare_without_derived(engine: FileEngine, run_id: str, before: list[tuple[int, Label]]) -> None:
    """Assert that a run reads the same when all that is derived is deleted."""
    medium = cast("Process", engine._disk).medium
    derived = medium.paths(".idx")
    if derived:
        medium.rename(*((path, None) for path in derived))
        plain = FileEngine(STORE, disk=Process(medium))
        assert changes_of(plain, run_id) == before, "an index changed the answers"
        assert plain.run(run_id).damage == engine.run(run_id).damage


def carry_on(engine: FileEngine, run_id: str) -> None:
    """Record one more trace, after a repair if the run asks for one."""
    change = new_trace(TraceDraft(Thought("on"), id="new"))
    try:
        engine.append(run_id, [change])
    except TraceTuiError as problem:
        assert "repair" in str(problem), problem
        engine.repair(run_id)
        engine.append(run_id, [change])


def explained(book: RunBook, found: list[tuple[int, Label]], cut: int) -> list[Attempt]:
    """Assert that the changes found are whole commits of the book in their order; return these."""
    present, at = [], 0
    here = {name for _, (kind, name) in found if kind == "trace"}
    for attempt in book.attempts:
        piece = found[at : at + len(attempt.labels)]
        same = [
            is_read_as(label, label_found, here)
            for label, (_, label_found) in zip(attempt.labels, piece, strict=False)
        ]
        if piece and same[0] and attempt.first_rev in (-1, piece[0][0]):
            assert same == [True] * len(attempt.labels), f"half a commit: {attempt}, found {found}"
            assert attempt.start <= cut, "it comes from the future"
            assert not attempt.refused, f"refused and there: {attempt}"
            present.append(attempt)
            at += len(piece)
    assert at == len(found), f"nobody wrote {found[at:]}"
    return present


def is_read_as(label: Label, found: Label, here: set[str]) -> bool:
    """Return whether a change reads so: damaged notes say nothing, and no more does what concerns a lost trace."""
    kind, name = label
    concerned = name.partition("+")[0]
    if found == NOTHING:
        return kind not in ("trace", "run") and concerned not in here
    return found in (label, ("annotation", f"{concerned}+?"))


def compare_traces(
    engine: FileEngine, run_id: str, book: RunBook, changes: list[tuple[int, Label]], *, is_damaged: bool
) -> None:
    """Assert that the traces are what the changes that were found make of them."""
    traces = engine.scan(run_id, Index.ALL).items
    names = [name for _, (kind, name) in changes if kind == "trace"]
    assert [trace.id for trace in traces] == names
    assert engine.run(run_id).traces == len(names)
    ended = {name for _, (kind, name) in changes if kind == "completion"}
    for trace in traces:
        expected = book.traces[trace.id]
        tags = expected.tags + [
            name for _, (kind, name) in changes if kind == "amendment" and name.startswith(f"{trace.id}+")
        ]
        assert trace.tags == tags
        assert (trace.status == "open") == (expected.open and trace.id not in ended)
        compare_parent(trace, expected, names)
        compare_body(trace, expected, ended, is_damaged=is_damaged)


def compare_parent(trace: Trace, expected: Expected, names: list[str]) -> None:
    """Assert that a trace hangs below its parent, or says that it is missing."""
    here = expected.parent in names
    assert trace.parent_missing == (expected.parent is not None and not here)
    if here or expected.parent is None or expected.waits:
        assert trace.parent_id == expected.parent
    else:
        assert trace.parent_id is None


def compare_body(trace: Trace, expected: Expected, ended: set[str], *, is_damaged: bool) -> None:
    """Assert that what a trace holds is what was recorded, or that it says it is damaged."""
    if trace.damaged:
        assert is_damaged
        try:
            trace.to_json()
        except CorruptionError as problem:
            assert problem.offset > 0
        else:
            raise AssertionError("a damaged body was read")
        return
    assert trace.trace_type == Thought(expected.content)
    assert trace.metadata == ({"end": 1} if trace.id in ended else expected.metadata)


def changes_of(engine: FileEngine, run_id: str) -> list[tuple[int, Label]]:
    """Return rev and label of each change of a run."""
    return list(_changes_of(engine, run_id))


def _changes_of(engine: FileEngine, run_id: str) -> Iterator[tuple[int, Label]]:
    for change in engine.changes(run_id):
        yield change.rev, label(change)


def label(change: Change) -> Label:
    """Return the label of a change that was read."""
    if change.kind in ("trace", "completion"):
        return change.kind, str(change.trace_id)
    if change.kind == "amendment":
        return change.kind, change.value["tags"][0]
    if change.kind == "annotation":
        return change.kind, f"{change.trace_id}+{'?' if change.value.damaged else change.value.note}"
    return "run", str(change.value.get("name"))
