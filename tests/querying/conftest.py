"""A run that has something for every example of the language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import tracetui
from tracetui import Custom, Decision, Error, Query, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.model.value import ValueLike
from tracetui.storage.backend import RunView

START = 1_000_000
NOW = START + 3_600_000


@dataclass
class Example:
    """A run with its store; traces are told by short ids."""

    db: tracetui.Database
    run_id: str

    __hash__ = None  # type: ignore[assignment]

    @property
    def view(self) -> RunView:
        """The run's columns."""
        return self.db.view(self.run_id)

    def ids(self, seqs: Iterator[int] | list[int]) -> list[str]:
        """Return the ids of seqs."""
        view = self.view
        return [view.ids[seq] for seq in seqs]


def drafts() -> list[TraceDraft]:
    """Return the traces: an agent that plans, calls tools, fails, and a second root."""

    def at(seconds: float) -> int:
        return START + int(seconds * 1000)

    def usage(into: int, out: int, usd: float) -> ValueLike:
        return {"model": "opus-4", "usage": {"input": into, "output": out}, "cost": {"usd": usd}}

    return [
        TraceDraft(Custom("Agent"), id="agent", metadata={"name": "main"}, timestamp=at(0), end_ms=at(60),
                   tags=["start"]),
        TraceDraft(Decision("how?", ["patch", "retry"], "retry", "it may be flaky"), id="plan", parent_id="agent",
                   timestamp=at(1), tags=["plan"]),
        TraceDraft(ToolCall("bash", {"cmd": "pytest -q", "path": "tests/test_a.py"}, {"exit_code": 2}, 6000), id="call",
                   parent_id="plan", timestamp=at(2), tags=["search", "retry"]),
        TraceDraft(Error("ToolError", "No module named app.auth: timeout", recoverable=False), id="failed",
                   parent_id="call", timestamp=at(8)),
        TraceDraft(ToolCall("bash", {"cmd": "pytest -q", "path": "tests/test_a.py"}, {"exit_code": 0}, 7000),
                   id="again", parent_id="agent", timestamp=at(10), tags=["db"]),
        TraceDraft(Custom("LLM", {"text": "time out?"}), id="model", parent_id="agent", timestamp=at(20), end_ms=at(24),
                   metadata=usage(9000, 100, 0.25)),
        TraceDraft(Custom("LLM", {}), id="small", parent_id="agent", timestamp=at(25), end_ms=at(26),
                   metadata=usage(100, 10, 0.5)),
        TraceDraft(Thought("maybe the path", 0.31), id="thought", parent_id="agent", timestamp=at(27)),
        TraceDraft(Query("web", "how to fix timeouts", 3), id="asked", parent_id="agent", timestamp=at(28)),
        TraceDraft(ToolCall("read_file", {"path": "src/app.txt"}), id="hung", parent_id="agent",
                   timestamp=at(30), open=True),
        TraceDraft(Thought("lost"), id="orphan", parent_id="nobody", await_parent=True, timestamp=at(31),
                   metadata={"truncated": {"content": 9}}),
    ]  # fmt: skip


@pytest.fixture
def example() -> Iterator[Example]:
    """Record the run in memory, by nobody in particular: an importer."""
    with tracetui.open("memory://") as db:
        plain = tracetui.Database(db.backend, owning=False)
        run = plain.create_run("example", id="run-example")
        store = TraceStore(plain)
        store.record_many(run.id, drafts())
        store.annotate(run.id, "thought", "look here", mark=True)
        yield Example(plain, run.id)
