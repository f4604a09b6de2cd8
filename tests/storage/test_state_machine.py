"""The store against a dict, step by step, on every engine, with reopening."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import tracetui
from tests.strategies import metadata, names, trace_types, values
from tracetui import TraceDraft, TraceStore, TraceTuiError, TraceType
from tracetui.model.trace_type import type_name
from tracetui.model.value import normalize


@dataclass
class Model:
    """What a store of one run should hold: a dict of dicts, in the order of recording."""

    traces: dict[str, dict[str, Any]] = field(default_factory=dict)
    status: str = "active"

    def record(self, id: str, *, wait: bool, **trace: Any) -> str | None:
        """Return the name of the refusal, or take the trace."""
        parent = trace["parent"]
        if id in self.traces:
            return "TraceExistsError"
        if self.status != "active":
            return "RunClosedError"
        if parent is not None and parent not in self.traces and (not wait or not parent):
            return "ParentNotFoundError"
        self.traces[id] = trace
        if parent is not None and parent in self.traces and id != parent:
            self.traces[id]["linked"] = parent
        for waiting, other in self.traces.items():
            if other["parent"] == id and "linked" not in other and waiting not in self.ancestors(id):
                other["linked"] = id
        return None

    def ancestors(self, id: str | None) -> set[str]:
        """Return the ids on the way to the root, the trace's own included."""
        found: set[str] = set()
        while id is not None:
            found.add(id)
            id = self.traces[id].get("linked")
        return found

    def complete(self, id: str, meta: Any) -> str | None:
        """Return the name of the refusal, or end the trace."""
        if id not in self.traces:
            return "TraceNotFoundError"
        if not self.traces[id]["open"]:
            return "TraceCompletedError"
        return self.amend(id, [], meta) or self.traces[id].update(open=False)

    def amend(self, id: str, tags: list[str], meta: Any) -> str | None:
        """Return the name of the refusal, or add tags and metadata."""
        if id not in self.traces:
            return "TraceNotFoundError"
        trace = self.traces[id]
        if meta is not None:
            if not (trace["meta"] is None or isinstance(trace["meta"], dict)):
                return "InvalidTraceError"
            trace["meta"] = {**(trace["meta"] or {}), **meta}
        trace["tags"] += tags
        return None


IDS = st.sampled_from(["a", "b", "c", "ab", "\0", "日本", "d", "e", "f"])
META = st.none() | st.dictionaries(st.sampled_from("xyz"), values(2), max_size=2)


class StoreMachine(RuleBasedStateMachine):
    """Steps that a program may take, each compared with the model."""

    location = "memory://"

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.model = Model()
        self.open()

    def open(self) -> None:
        """Open the store, in a folder if the machine is for one."""
        where = self.location or str(self.folder / "store")
        self.db = tracetui.open(where)
        self.store = TraceStore(self.db)

    @initialize()
    def begin(self) -> None:
        """Make the run."""
        self.db.create_run("run", id="r")

    def expect(self, refusal: str | None, call: Any) -> None:
        """Do the call and compare how it ended."""
        try:
            call()
        except TraceTuiError as problem:
            assert type(problem).__name__ == refusal
        else:
            assert refusal is None

    @rule(
        id=IDS,
        kind=trace_types(),
        parent=st.none() | IDS | st.just(""),
        wait=st.booleans(),
        tags=st.lists(names(), max_size=3),
        meta=metadata(),
        time=st.integers(-50, 50),
        open_=st.booleans(),
    )
    def record(
        self,
        id: str,
        kind: TraceType,
        parent: str | None,
        wait: bool,
        tags: list[str],
        meta: Any,
        time: int,
        open_: bool,
    ) -> None:
        """Record a trace, awaiting its parent or not."""
        given: dict[str, Any] = {
            "kind": kind,
            "parent": parent,
            "tags": list(tags),
            "meta": normalize(meta, "m"),
        }
        refusal = self.model.record(id, wait=wait, time=time, open=open_, **given)
        options: dict[str, Any] = {"id": id, "parent_id": parent, "await_parent": wait, "tags": tags}
        options |= {"metadata": meta, "timestamp": time, "open": open_}
        self.expect(refusal, lambda: self.store.record_with_options("r", kind, **options))

    @rule(ids=st.lists(IDS, min_size=1, max_size=4, unique=True), kind=trace_types())
    def record_many(self, ids: list[str], kind: TraceType) -> None:
        """Record a chain in one commit, leaving out what is there."""
        drafts = [
            TraceDraft(kind, id=i, parent_id=p, timestamp=0) for i, p in zip(ids, [None, *ids], strict=False)
        ]
        call = lambda: self.store.record_many("r", drafts, existing="skip")  # noqa: E731
        new = [draft for draft in drafts if draft.id not in self.model.traces]
        if new and self.model.status != "active":
            self.expect("RunClosedError", call)
            return
        for draft in new:
            given: dict[str, Any] = {"kind": kind, "parent": draft.parent_id, "tags": [], "meta": None}
            assert self.model.record(str(draft.id), wait=False, time=0, open=False, **given) is None
        self.expect(None, call)

    @rule(id=IDS, meta=META)
    def complete(self, id: str, meta: Any) -> None:
        """End a trace."""
        self.expect(self.model.complete(id, meta), lambda: self.store.complete("r", id, metadata=meta))

    @rule(id=IDS, tags=st.lists(names(), max_size=2), meta=META)
    def amend(self, id: str, tags: list[str], meta: Any) -> None:
        """Add to a trace."""
        self.expect(
            self.model.amend(id, tags, meta), lambda: self.store.amend("r", id, tags=tags, metadata=meta)
        )

    @rule(wanted=st.sampled_from(["paused", "active", "completed"]))
    def move(self, wanted: str) -> None:
        """Move the run along its status machine."""
        moves = {"active": ("paused", "completed"), "paused": ("active",), "completed": ()}
        refusal = None if wanted in moves[self.model.status] else "InvalidTransitionError"
        self.expect(refusal, lambda: self.db.set_run_status("r", wanted))
        self.model.status = wanted if refusal is None else self.model.status

    @precondition(lambda self: not self.location)
    @rule()
    def reopen(self) -> None:
        """Close the store and open it again: nothing may change."""
        self.db.close()
        self.open()

    @invariant()
    def same_answers(self) -> None:
        """Every query answers as the model does."""
        if not self.db.runs():
            return
        model, store = self.model.traces, self.store
        listed = store.list("r")
        assert [t.id for t in listed] == list(model)
        for trace in listed:
            expected = model[trace.id]
            assert (trace.tags, repr(trace.metadata), trace.timestamp) == (
                expected["tags"],
                repr(expected["meta"]),
                expected["time"],
            )
            assert repr(trace.trace_type) == repr(expected["kind"])
            assert (trace.status == "open") == expected["open"]
            assert trace.parent_id == expected["parent"]
            assert trace.parent_missing == (expected["parent"] is not None and "linked" not in expected)
            assert [c.id for c in store.get_children("r", trace.id)] == [
                i for i, t in model.items() if t.get("linked") == trace.id
            ]
        assert [t.id for t in store.get_roots("r")] == [i for i, t in model.items() if "linked" not in t]
        counted: dict[str, int] = {}
        for expected in model.values():
            name = type_name(expected["kind"])
            counted[name] = counted.get(name, 0) + 1
        assert store.types("r") == counted
        for tag in {tag for t in model.values() for tag in t["tags"]}:
            assert [t.id for t in store.query_by_tag("r", tag)] == [
                i for i, t in model.items() if tag in t["tags"]
            ]
        in_time = sorted((t["time"], n, i) for n, (i, t) in enumerate(model.items()) if -10 <= t["time"] < 10)
        assert [t.id for t in store.query_by_time("r", -10, 10)] == [i for _, _, i in in_time]

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.db.close()
        shutil.rmtree(self.folder)


class FileMachine(StoreMachine):
    """The same on files, with reopening."""

    location = ""


@pytest.mark.parametrize("machine", [StoreMachine, FileMachine])
def test_the_store_does_what_a_dict_would(machine: type[StoreMachine]) -> None:
    """Any sequence of records, completions, amendments and moves gives the model's answers and refusals."""
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        machine, settings=settings(max_examples=120, stateful_step_count=25, deadline=None)
    )
