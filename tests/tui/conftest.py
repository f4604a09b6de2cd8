"""Runs that the explorer's tests look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tracetui
from tracetui import Custom, Database, Decision, Error, Query, Thought, ToolCall, TraceStore

T0 = 1_790_000_000_000


def login_bug(
    db: Database, *, loops: int = 3, name: str = "fix-login-bug", run_id: str = "run-login-bug"
) -> str:
    """Record a run that fails in a loop; ids and times are fixed."""
    store = TraceStore(db)
    run = db.restore_run(run_id, name=name, tags=["auth"], metadata={"cwd": "/home/dev/shop"}, created_ms=T0)

    def put(
        trace_id: str,
        kind: tracetui.TraceType,
        at: int,
        took: int | None = 0,
        parent: str | None = None,
        **more: object,
    ) -> str:
        end = None if took is None else T0 + at + took
        options = {"id": trace_id, "parent_id": parent, "timestamp": T0 + at, "end_ms": end, **more}
        return store.record_with_options(run.id, kind, **options)  # type: ignore[arg-type]

    put(
        "root",
        Custom("Agent", {"name": "fix login bug"}),
        0,
        41_900,
        metadata={"name": "fix login bug"},
        status="error",
    )
    put("plan", Decision("how?", ["read", "run"], "read", "cheap"), 100, 0, "root", tags=["plan"])
    put("model", Custom("LLM", {"input": [{"role": "user", "content": "Fix it"}], "output": "I will read", "tool_calls": ["read_file"]}),
        1_000, 400, "root", metadata={"model": "m-1", "usage": {"input": 900, "output": 40}, "cost": {"usd": 0.01}})  # fmt: skip
    put(
        "read",
        ToolCall("read_file", {"path": "/home/dev/shop/app/auth.py"}, "def f():\n    pass\n"),
        1_400,
        200,
        "root",
        tags=["io"],
    )
    put("thought", Thought("the token is parsed first", 0.7), 1_700, None, "root")
    put("search", Query("grep", "verify", 3), 1_800, 30, "root", tags=["io"])
    put(
        "tests",
        Custom("Agent", {"name": "run tests"}),
        19_000,
        22_600,
        "root",
        metadata={"name": "run tests"},
        status="error",
    )
    for n in range(loops):
        at = 19_200 + n * 3_000
        put(f"decide{n}", Decision("retry or patch?", ["retry", "patch"], "retry"), at, 0, "tests")
        put(
            f"bash{n}",
            ToolCall("bash", {"command": "pytest -q"}, "1 failed"),
            at + 100,
            2_200,
            "tests",
            tags=["shell"],
            status="error",
        )
        put(f"error{n}", Error("ToolError", "pytest exited 2\nModuleNotFoundError: No module named 'app.auth'", recoverable=False),
            at + 2_300, 0, f"bash{n}")  # fmt: skip
    db.end_run(run.id, "failed", ended_ms=T0 + 41_900)
    return run.id


@pytest.fixture
def memory() -> Iterator[Database]:
    """Open a store in memory."""
    with tracetui.open("memory://") as db:
        yield db


@pytest.fixture
def login(memory: Database) -> str:
    """Record the failing run; return its id."""
    return login_bug(memory)
