"""Hypothesis at the store: any sequence of steps, with reopening, indexes and crashes, against a dict and against SQLite."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.storage.files.campaign.book import STORE
from tests.storage.files.campaign.medium import Fault, Killed, Medium, Process
from tests.storage.files.campaign.report import Campaign
from tests.storage.sqlite_model import SqliteModel, stored
from tests.storage.test_state_machine import IDS, StoreMachine
from tracetui import Thought, TraceStore
from tracetui.model.trace_type import type_name
from tracetui.storage.files.engine import FileEngine
from tracetui.store.database import Database

counted = {"steps": 0, "crashes": 0, "reopened": 0}


class CrashMachine(StoreMachine):
    """Files on a disk in memory, whose process may be killed at any call; what it left is found by the next one."""

    location = ""

    def __init__(self) -> None:
        self.medium = Medium()
        self.sql = SqliteModel()
        self.told: set[str] = set()
        super().__init__()

    def open(self) -> None:
        """Let a new process open the store."""
        self.disk = Process(self.medium)
        self.db = Database(FileEngine(STORE, disk=self.disk), owning=False)
        self.store = TraceStore(self.db)

    def tell_sqlite(self) -> None:
        """Tell SQLite what the dict learned since."""
        for id, trace in self.model.traces.items():
            if id not in self.told:
                self.told.add(id)
                tags = trace["tags"]
                self.sql.record(
                    id, trace["parent"], type_name(trace["kind"]), tags, trace["time"], open=trace["open"]
                )
                trace["told"] = len(tags)
            if len(trace["tags"]) > trace["told"]:
                self.sql.tag(id, trace["tags"][trace["told"] :])
                trace["told"] = len(trace["tags"])
            if not trace["open"]:
                self.sql.complete(id)

    @rule(
        id=IDS, parent=st.none() | IDS, at=st.integers(0, 12), part=st.floats(0, 1), after=st.booleans(), tags=st.lists(IDS, max_size=2)
    )  # fmt: skip
    def crash(self, id: str, parent: str | None, at: int, part: float, after: bool, tags: list[str]) -> None:
        """Kill the process while it records: the trace is there whole, or not at all; a new process goes on."""
        self.disk.fault, self.disk.calls = Fault(at, "kill", part=part, after=after), 0
        given: dict[str, Any] = {"kind": Thought("crash"), "parent": parent, "tags": list(tags), "meta": None}
        options: dict[str, Any] = {
            "id": id,
            "parent_id": parent,
            "await_parent": True,
            "tags": tags,
            "timestamp": 3,
        }
        try:
            self.expect(
                self.model.record(id, wait=True, time=3, open=False, **given),
                lambda: self.store.record_with_options("r", Thought("crash"), **options),
            )
        except Killed:
            counted["crashes"] += 1
            self.open()
            self.undo_unless_there(id)
        self.disk.fault = None

    def undo_unless_there(self, id: str) -> None:
        """Take back what the model was told of a trace that did not survive: only the newest can be gone."""
        if id in self.model.traces and self.store.get("r", id) is None:
            assert list(self.model.traces)[-1] == id, "what was acknowledged before is gone"
            del self.model.traces[id]
            for other in self.model.traces.values():
                if other.get("linked") == id:
                    del other["linked"]

    @rule()
    def index(self) -> None:
        """Write an index and the catalog, and go on from them in a new process."""
        assert isinstance(self.db.backend, FileEngine)
        self.db.backend.reindex("r")
        self.db.backend.save_catalog()
        self.db.close()
        self.open()
        counted["reopened"] += 1

    @invariant()
    def same_as_sqlite(self) -> None:
        """Every query answers as SQLite does."""
        if not self.db.runs():
            return
        counted["steps"] += 1
        self.tell_sqlite()
        sql, store = self.sql, self.store
        assert [t.id for t in store.list("r")] == sql.ids()
        assert [t.id for t in store.list("r") if t.status == "open"] == sql.ids("open")
        assert [t.id for t in store.get_roots("r")] == sql.ids("linked IS NULL")
        assert [t.id for t in store.query_by_time("r", -20, 20)] == sql.ids(
            "time >= -20 AND time < 20", order="time, seq"
        )
        assert store.types("r") == sql.counts("type")
        assert store.tags("r") == sql.counts("tag")
        for tag in store.tags("r"):
            assert [t.id for t in store.query_by_tag("r", tag)] == sql.by_tag(tag)
        for id in self.model.traces:
            assert [t.id for t in store.get_children("r", id)] == sql.ids("linked = ?", stored(id))
            tree = store.get_tree("r", id)
            assert tree is not None
            assert [(depth, t.id) for depth, t in tree.walk()] == sql.tree(id)
        assert {damage.reason for damage in self.db.check("r")} <= {"torn tail"}


@pytest.mark.parametrize("machine", [CrashMachine])
def test_any_program_gives_the_answers_of_a_dict_and_of_sqlite(
    campaign: Campaign, machine: type[RuleBasedStateMachine]
) -> None:
    """Records, completions, amendments, moves, indexes, reopening and kills in any order."""
    counted.update(dict.fromkeys(counted, 0))
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=campaign.count(25, 1500), stateful_step_count=25, deadline=None),
    )
    campaign.report(
        "state machine against dict and SQLite: steps", counted["steps"], counted["steps"], at_least=1
    )
    campaign.report("state machine: kills within a step", counted["crashes"], counted["crashes"], at_least=1)
    campaign.report(
        "state machine: reopened with index and catalog", counted["reopened"], counted["reopened"], at_least=1
    )
