"""Pairs of runs that differ in known ways, for views that lay runs beside each other."""

from __future__ import annotations

from tests.tui.conftest import T0
from tracetui import Custom, Database, Decision, Error, Thought, ToolCall, TraceStore


def fixing(db: Database, *, good: bool, name: str = "fix", run_id: str | None = None, reads: int = 8) -> str:
    """Record a run that reads, then decides: the good one patches, the bad one tries again three times and fails."""
    store = TraceStore(db)
    run_id = run_id or f"run-{name}-{'good' if good else 'bad'}"
    run = db.restore_run(run_id, name=name, created_ms=T0 + (0 if good else 60_000))
    times = iter(range(T0, T0 + 10**9, 1000))

    def put(
        trace_id: str, kind: object, parent: str | None = "root", status: str = "ok", **more: object
    ) -> None:
        at = next(times)
        options = {
            "id": f"{run_id}:{trace_id}",
            "timestamp": at,
            "end_ms": at + 500,
            "status": status,
            **more,
        }
        above = None if parent is None else f"{run_id}:{parent}"
        store.record_with_options(run.id, kind, parent_id=above, **options)  # type: ignore[arg-type]

    put("root", Custom("Agent", {"name": name}), None, "ok" if good else "error", metadata={"name": name})
    for n in range(reads):
        put(f"read{n}", ToolCall("read_file", {"path": f"app/{n}.py"}, "text"))
    put("plan", Decision("how?", ["patch", "retry"], "patch" if good else "retry"))
    if good:
        put("write", ToolCall("write_file", {"path": "app/__init__.py", "text": "one\ntwo\nthree"}, "done"))
    else:
        for n in range(3):
            put(f"bash{n}", ToolCall("bash", {"command": "pytest -q"}, "1 failed"), status="error")
        put("error", Error("ToolError", "pytest exited 2", recoverable=False), "bash2", "error")
    put("say", Thought("one\ntwo\nthree" if good else "one\n2\nthree"))
    put("end", Thought("done"))
    db.end_run(run.id, "completed" if good else "failed", ended_ms=T0 + 70_000)
    return run.id
