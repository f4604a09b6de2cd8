"""What the sample agents share: a scripted model, a clock that makes runs repeatable, and recording through tracetui.

Everything is recorded with tracetui's public names. A step is written when it begins (``open=True``) and completed
when it ends, so that a viewer sees it run and a killed agent leaves the call it hung in.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tracetui import Custom, Database, Decision, Error, Query, Thought, ToolCall, TraceStore, TraceType

START_MS = 1_790_000_000_000
"""When the first sample run began: 2026-09-21, in the night."""


class ToolError(Exception):
    """A tool did not do what it was asked; its text goes back to the model."""


@dataclass(slots=True)
class Reply:
    """What the scripted model says in one step: text, and the tools it wants called."""

    text: str
    tools: tuple[str, ...] = ()
    tokens_in: int = 1200
    tokens_out: int = 80


class Recorder:
    """Records one agent run with a clock of its own: each thing takes the milliseconds it is given, give or take."""

    def __init__(
        self, db: Database, name: str, *, start_ms: int, tags: tuple[str, ...] = (), seed: int = 1
    ) -> None:
        self.store = TraceStore(db)
        self.db = db
        self.now_ms = start_ms
        self._chance = random.Random(seed)
        self._numbers = iter(range(10**6))
        mark = hashlib.blake2b(f"{name} {start_ms}".encode(), digest_size=4).hexdigest()
        self.run = db.restore_run(
            f"run-{mark}", name=name, tags=tags, created_ms=start_ms,
            metadata={"cwd": "/home/dev/shop", "source": {"agent": "sample"}},
        )  # fmt: skip

    def pass_time(self, ms: int) -> None:
        """Let time go by, within a tenth of what is asked."""
        self.now_ms += max(int(ms * self._chance.uniform(0.9, 1.1)), 1)

    def _new_id(self) -> str:
        return f"{self.run.id.removeprefix('run-')}-{next(self._numbers):05d}"

    def note(
        self, parent: str | None, what: TraceType, *, tags: tuple[str, ...] = (), metadata: Any = None
    ) -> str:
        """Record something that takes no time."""
        return self.store.record_with_options(
            self.run.id, what, id=self._new_id(), parent_id=parent, tags=tags, metadata=metadata,
            timestamp=self.now_ms, end_ms=self.now_ms,
        )  # fmt: skip

    @contextmanager
    def step(
        self, parent: str | None, what: TraceType, *, tags: tuple[str, ...] = (), metadata: Any = None
    ) -> Iterator[Step]:
        """Record something that takes as long as the block; an exception in it becomes an Error below it."""
        trace_id = self.store.record_with_options(
            self.run.id, what, id=self._new_id(), parent_id=parent, tags=tags, metadata=metadata,
            timestamp=self.now_ms, open=True,
        )  # fmt: skip
        step = Step(trace_id)
        try:
            yield step
        except ToolError as problem:
            self.note(trace_id, Error(type(problem).__name__, str(problem), recoverable=False))
            step.status = "error"
            raise
        finally:
            self.store.complete(
                self.run.id,
                trace_id,
                status=step.status,
                end_ms=self.now_ms,
                metadata=step.metadata,
                **step.late,
            )

    def agent(self, parent: str | None, name: str) -> Any:
        """Begin an agent: everything it does goes below it."""
        return self.step(parent, Custom("Agent", {"name": name}), metadata={"name": name})

    def model(self, parent: str, reply: Reply, ms: int, *, prompt: str = "") -> str:
        """Let the scripted model answer; tokens and cost are counted as a real one's would be."""
        given = [{"role": "user", "content": prompt}] if prompt else []
        with self.step(
            parent, Custom("LLM", {"input": given}), tags=("model",), metadata={"model": "scripted-1"}
        ) as step:
            self.pass_time(ms)
            step.late["data"] = {"output": reply.text, "tool_calls": list(reply.tools)}
            cost = (reply.tokens_in * 3 + reply.tokens_out * 15) / 1_000_000
            step.metadata = {
                "usage": {"input": reply.tokens_in, "output": reply.tokens_out},
                "cost": {"usd": round(cost, 6), "source": "scripted"},
            }
        return step.trace_id

    def tool(
        self,
        parent: str,
        name: str,
        arguments: dict[str, Any],
        call: Callable[[], Any],
        ms: int,
        *,
        tags: tuple[str, ...] = (),
    ) -> Any:
        """Call a real tool and record arguments, result, and the error if there is one."""
        with self.step(parent, ToolCall(name, arguments), tags=tags) as step:
            try:
                result = call()
            finally:
                self.pass_time(ms)
            step.late["result"] = result
        return result

    def decide(
        self, parent: str, question: str, options: list[str], chosen: str, why: str, confidence: float
    ) -> str:
        """Record a decision."""
        self.pass_time(120)
        return self.note(
            parent,
            Decision(question, options, chosen, why),
            tags=("plan",),
            metadata={"confidence": confidence},
        )

    def think(self, parent: str, content: str, confidence: float | None = None) -> str:
        """Record a thought."""
        self.pass_time(40)
        return self.note(parent, Thought(content, confidence))

    def ask(self, parent: str, kind: str, text: str, search: Callable[[], list[Any]], ms: int) -> list[Any]:
        """Run a real query and record how much it found."""
        with self.step(parent, Query(kind, text), tags=("search",)) as step:
            found = search()
            self.pass_time(ms)
            step.late["results_count"] = len(found)
        return found

    def end(self, status: str) -> None:
        """End the run."""
        self.db.end_run(self.run.id, status, ended_ms=self.now_ms)


class Step:
    """A step under way: its id, and what is known of its end."""

    def __init__(self, trace_id: str) -> None:
        self.trace_id = trace_id
        self.status = "ok"
        self.late: dict[str, Any] = {}
        self.metadata: dict[str, Any] | None = None
