"""Make the files that this version writes, to be kept: ``python -m tests.storage.files.released.make``.

To be run once for each release, from the tag; what is there is never made anew. Beside the store lies ``content.json``,
which says what is in it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tracetui
from tracetui import Custom, Decision, Error, Query, Thought, ToolCall, TraceDraft
from tracetui.model.change import AnyChange, amendment, annotation, completion, new_trace, run_patch
from tracetui.model.run import Owner
from tracetui.model.value import ValueLike
from tracetui.storage.backend import Index
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.files.frame import HEADER_SIZE
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.log import LogFile
from tracetui.storage.files.names import file_name

RELEASED = Path(__file__).parent
OWNER = Owner("a-host", "a-boot", "pid:[1]", 42, "777")
RUNS = ("every-kind", "compressed", "Repaired/once", "torn")


def changes() -> list[list[AnyChange]]:
    """Return commits with every type, kind of change and odd value that the format holds."""
    odd: dict[str, ValueLike] = {
        "int": 2**64 - 1,
        "min": -(2**63),
        "float": 0.1,
        "bytes": b"\x00\xff",
        "none": None,
        "nan?": [True, False],
    }
    return [
        [
            new_trace(TraceDraft(Custom("Agent", {"name": "planner"}), id="root", timestamp=1_000, open=True)),
            new_trace(TraceDraft(
                Custom("LLM"), id="llm", parent_id="root", timestamp=1_001, end_ms=1_500, tags=["model", "é", "model"],
                metadata={"usage": {"input": 12, "output": 3}, "cost": {"usd": 0.25}},
            )),
        ],
        [new_trace(TraceDraft(ToolCall("grep", odd, None, 7), id="tool", parent_id="root", timestamp=1_100, open=True))],
        [
            new_trace(TraceDraft(Decision("how?", ["read", "run"], "read", "cheaper"), id="pick", timestamp=900)),
            new_trace(TraceDraft(Query("sql", "select 1", 1), id="ask", parent_id="pick", timestamp=-5, status="error")),
            new_trace(TraceDraft(Thought("\ud800 lone", 0.5), id="early", parent_id="later", await_parent=True, timestamp=950)),
            new_trace(TraceDraft(Thought("never adopted"), id="alone", parent_id="nobody", await_parent=True, timestamp=951)),
        ],
        [
            completion("tool", status="ok", end_ms=1_200, late_fields={"result": ["a.py:1"]}, tags=["done"], metadata={"m": 1}),
            amendment("llm", tags=["seen"], metadata={"usage": {"output": 4}}),
            annotation("llm", "look here", {"mark": "!"})._replace(id="note-1", timestamp=2_000),
        ],
        [new_trace(TraceDraft(Error("ValueError", "no such token", True), id="later", parent_id="root", timestamp=1_300))],
        [run_patch({"name": "renamed", "tags": ["pinned"], "metadata": {"outcome": {"score": 1}}, "owner": OWNER.pack()})],
        [completion("root", status="cancelled", end_ms=1_600), run_patch({"status": "failed", "ended_ms": 1_700})],
    ]  # fmt: skip


def content(engine: FileEngine, run_id: str) -> dict[str, Any]:
    """Return all that a store says of a run, as JSON."""
    return {
        "run": {key: value for key, value in engine.run(run_id).to_json().items() if key != "damage"},
        "traces": [trace.to_json() for trace in engine.scan(run_id, Index.ALL).items],
        "roots": [trace.id for trace in engine.scan(run_id, Index.ROOTS).items],
        "in_time": [trace.id for trace in engine.scan(run_id, Index.TIME).items],
        "types": engine.counts(run_id, Index.TYPE), "tags": engine.counts(run_id, Index.TAG),
        "notes": [[note.id, note.trace_id, note.note, note.fields, note.timestamp] for note in engine.annotations(run_id)],
        "changes": [[change.rev, change.kind, change.trace_id] for change in engine.changes(run_id)],
        "damage": [[damage.offset, damage.length, damage.reason] for damage in engine.check(run_id)],
    }  # fmt: skip


def as_json(value: Any) -> str:
    """Return what is compared."""
    return json.dumps(value, indent=1, default=list) + "\n"


def fill(folder: Path) -> FileEngine:
    """Make the store of a version."""
    engine = FileEngine(str(folder / "store"))
    for run_id in RUNS:
        engine.create_run(
            run_id, {"name": run_id, "created_ms": 1_000, "tags": ["t"], "metadata": {"cwd": "/"}}
        )
        for commit in changes():
            engine.append(run_id, commit)
    repeated = [
        new_trace(TraceDraft(Thought("again and again " * 60), id=f"t{n}", timestamp=n)) for n in range(8)
    ]
    engine.create_run("long", {"created_ms": 2_000})
    engine.append("long", repeated)
    engine.append("long", [run_patch({"status": "completed", "ended_ms": 2_500})])
    damage(folder / "store" / "runs" / f"{file_name('Repaired/once')}.log")
    engine.repair("Repaired/once")
    for run_id in ("compressed", "long"):
        engine.compress_if(run_id, lambda *_: True)
    for run_id in ("every-kind", "long"):
        engine.reindex(run_id)
    torn = folder / "store" / "runs" / "torn.log"
    torn.write_bytes(torn.read_bytes()[:-3])
    engine.close()
    return FileEngine(str(folder / "store"))


def damage(log: Path) -> None:
    """Flip a bit in the heads of a frame, so that a repair leaves a gap."""
    data = bytearray(log.read_bytes())
    frame = list(LogFile(Disk(), str(log)).frames(HEADER_SIZE, len(data)))[2]
    data[frame.offset + 40] ^= 1
    log.write_bytes(data)


def main() -> None:
    """Make the folder of this version, unless it is there."""
    folder = RELEASED / tracetui.__version__
    folder.mkdir()
    engine = fill(folder)
    told = {run_id: content(engine, run_id) for run_id in (*RUNS, "long")}
    engine.runs()
    engine.save_catalog()
    (folder / "content.json").write_text(as_json(told), encoding="utf-8")


if __name__ == "__main__":
    main()
