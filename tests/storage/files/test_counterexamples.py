"""What the fault campaign found, each as a named test that needs no campaign."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.storage.files.campaign.medium import PLACE, Fault, Killed, Medium, Process
from tests.storage.files.campaign.test_fuzz import sections_of
from tracetui import CorruptionError, Thought, TraceDraft, WriteFailedError
from tracetui.model.change import NewTrace, amendment, annotation, completion, new_trace
from tracetui.storage.backend import Index
from tracetui.storage.files import atomic
from tracetui.storage.files import run as run_file
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.files.frame import HEADER_SIZE, seal
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.index import encode_index
from tracetui.storage.files.log import LogFile
from tracetui.storage.view import LiveView

LOG = f"{PLACE}/store/runs/r.log"


def thought(id: str) -> NewTrace:
    """Make a change that records an open thought."""
    return new_trace(TraceDraft(Thought(id * 30), id=id, open=True))


def on(medium: Medium, fault: Fault | None = None) -> FileEngine:
    """Open the store on a medium as a process of its own."""
    return FileEngine(f"{PLACE}/store", disk=Process(medium, fault))


def flip(log: Path, at: int) -> None:
    """Flip a bit, as if it had been so for a while."""
    content = bytearray(log.read_bytes())
    content[at] ^= 1
    log.write_bytes(content)
    os.utime(log, (1, 1))


def test_a_damaged_note_or_end_does_not_hide_what_is_behind_it(tmp_path: Path) -> None:
    """Changes and notes go on; what cannot be read says so; once followers stood still there for ever."""
    engine = FileEngine(str(tmp_path))
    engine.create_run("r", {"created_ms": 1})
    engine.append("r", [thought("a")])
    note = annotation("a", "look here", {"mark": 1})
    engine.append("r", [note])
    engine.append("r", [completion("a", tags=["t"], metadata={"find": "this"})])
    engine.append("r", [annotation("a", "second", {})])
    log = tmp_path / "runs" / "r.log"
    for text in (b"look", b"find"):
        flip(log, log.read_bytes().index(text))
    fresh = FileEngine(str(tmp_path))
    _, _, first, end, second = fresh.changes("r")
    assert (first.value.id, first.value.note, first.value.damaged) == (note.id, "", True)
    assert (end.value["status"], end.value["tags"], end.value["damaged"]) == ("ok", ["t"], True)
    assert (second.value.note, second.value.damaged) == ("second", False)
    assert [found.damaged for found in fresh.annotations("r", "a")] == [True, False]


def test_a_follower_is_told_of_each_change_once_across_a_hole(tmp_path: Path) -> None:
    """Numbers that a hole took are passed over; once what came behind it was handed out at every look."""
    engine = FileEngine(str(tmp_path))
    engine.create_run("r", {"created_ms": 1})
    view = engine.view("r")
    log = tmp_path / "runs" / "r.log"
    starts = []
    for id in "abc":
        starts.append(log.stat().st_size)
        engine.append("r", [thought(id)])
    whole = log.read_bytes()
    log.write_bytes(whole[: starts[0]])
    other = FileEngine(str(tmp_path)).view("r")
    with log.open("ab") as file:
        file.write(b"?" * (starts[1] - starts[0]) + whole[starts[1] :])
    assert [change.rev for change in other.refresh()] == [2, 3]
    assert other.refresh() == []
    assert [change.rev for change in view.refresh()] == [1, 2, 3]


@pytest.mark.parametrize("how", ["killed", "full"])
def test_a_cut_is_durable_before_anything_is_written_there(how: str) -> None:
    """The torn bytes are saved and the cut is synced first; once a power cut put the old frame before new children."""
    medium = Medium()
    on(medium).create_run("r", {"created_ms": 1})
    if how == "killed":
        with pytest.raises(Killed):
            on(medium, Fault(0, "kill", call="write", part=0.7)).append("r", [thought("a")])
        on(medium).append("r", [thought("b")])
    else:
        full = on(medium, Fault(0, call="write", part=0.7))
        with pytest.raises(WriteFailedError):
            full.append("r", [thought("a")])
        full.append("r", [thought("b")])
    log = medium.names[LOG]
    steps = [op.kind for op in medium.trace if op.file is log or op.kind == "sync folder"]
    at = steps.index("size")
    assert steps[at : at + 3] == ["size", "sync", "write"]
    if how == "killed":
        assert steps[at - 1] == "sync folder"


def test_two_tails_torn_at_one_place_within_a_millisecond_are_both_saved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second gets the next free name; once the writer was refused."""
    monkeypatch.setattr(atomic, "now_ms", lambda: 5)
    medium = Medium()
    on(medium).create_run("r", {"created_ms": 1})
    for id in "ab":
        with pytest.raises(Killed):
            on(medium, Fault(0, "kill", call="write", part=0.5)).append("r", [thought(id)])
        with pytest.raises(Killed):
            on(medium, Fault(0, "kill", call="truncate", after=True)).append("r", [])
    assert [path[-2:] for path in medium.paths("") if ".torn-" in path] == ["-5", "-6"]


def test_an_index_knows_no_more_than_a_log_that_is_on_the_medium(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is synced before its index takes its place; once it told of traces that a power cut had taken."""
    monkeypatch.setattr(run_file, "WRITER_CHANGES", 1)
    medium = Medium()
    engine = on(medium)
    engine.create_run("r", {"created_ms": 1})
    engine.append("r", [thought("a")])
    engine.close()
    log = medium.names[LOG]
    steps = [
        "index" if any(path.endswith(".idx") for path, _ in op.names) else op.kind
        for op in medium.trace
        if op.file is log or op.names
    ]
    assert [step for step in steps if step != "names"][-3:] == ["write", "sync", "index"]


def test_a_damaged_index_that_the_log_goes_on_from_is_done_without(tmp_path: Path) -> None:
    """A late tag needs the tags of a covered trace at opening already; once the index's own error came out."""
    engine = FileEngine(str(tmp_path))
    engine.create_run("r", {"created_ms": 1})
    engine.append("r", [new_trace(TraceDraft(Thought("a"), id="a", tags=["findable"]))])
    assert engine.reindex("r")
    engine.append("r", [amendment("a", tags=["late"])])
    index = tmp_path / "runs" / "r.idx"
    flip(index, index.read_bytes().index(b"findable", 300))
    fresh = FileEngine(str(tmp_path))
    assert [trace.tags for trace in fresh.get("r", ["a"]) if trace is not None] == [["findable", "late"]]
    assert [run.traces for run in FileEngine(str(tmp_path)).runs()] == [1]


def test_a_log_whose_sync_failed_gets_no_index() -> None:
    """Not by who met the failure, not by who comes after, and nobody writes; once an index told of lost pages."""
    medium = Medium()
    on(medium).create_run("r", {"created_ms": 1})
    on(medium).append("r", [thought("a")])
    with pytest.raises(WriteFailedError):
        on(medium, Fault(0, call="sync_data")).reindex("r")
    assert not on(medium).reindex("r")
    assert medium.paths(".idx") == []
    with pytest.raises(WriteFailedError, match="repair"):
        on(medium).append("r", [thought("b")])
    on(medium).repair("r")
    assert on(medium).reindex("r")


def test_a_frame_whose_heads_are_none_is_a_typed_error(tmp_path: Path) -> None:
    """Its checksum holds, its number of heads does not; once the engine's own error came out."""
    engine = FileEngine(str(tmp_path))
    engine.create_run("r", {"created_ms": 1})
    for id in "ab":
        engine.append("r", [thought(id)])
    log = LogFile(Disk(), str(tmp_path / "runs" / "r.log"))
    first, *rest = list(log.frames(HEADER_SIZE, log.stat().st_size))
    content = (tmp_path / "runs" / "r.log").read_bytes()
    lying = seal(0, 7, 0, 1, rest[0].heads, rest[0].bodies_size, log.header.salt_bytes)
    lying += content[rest[0].bodies_start :]
    (tmp_path / "runs" / "r.log").write_bytes(content[: first.end] + lying)
    with pytest.raises(CorruptionError, match="no tracetui wrote"):
        FileEngine(str(tmp_path)).run("r")


@pytest.mark.parametrize(
    "lie",
    [
        "siblings in a circle",
        "additions in a circle",
        "parents in a circle",
        "ids of another length",
        "no usage",
        "no status",
        "a thousand million rows",
    ],
)
def test_an_index_that_lies_with_right_checksums_is_done_without(tmp_path: Path, lie: str) -> None:
    """Walks end, no room is made for what is not there, and the log answers; once a walk went on for ever."""
    engine = FileEngine(str(tmp_path))
    engine.create_run("r", {"created_ms": 1})
    engine.append("r", [thought("a"), thought("b")])
    child = new_trace(TraceDraft(Thought("c"), id="c", parent_id="a"))
    engine.append("r", [child, amendment("b", tags=["t"])])
    assert engine.reindex("r")
    late = new_trace(TraceDraft(Thought("d"), id="d", parent_id="b"))
    engine.append("r", [late])
    path = tmp_path / "runs" / "r.idx"
    covered, salt, sections = sections_of(path.read_bytes())
    found = dict(sections)
    found.update(told(lie, found))
    path.write_bytes(encode_index(salt, covered, found.items()))
    fresh = FileEngine(str(tmp_path))
    assert fresh.run("r").traces == 4
    view = LiveView("r", lambda: fresh._tail("r"))
    assert list(view.ids) == ["a", "b", "c", "d"]
    assert len(view.rollup()) == 4
    assert [trace.id for trace in fresh.scan("r", Index.PARENT, "a").items] == ["c"]
    traces = fresh.scan("r", Index.ALL).items
    assert [(trace.id, trace.tags) for trace in traces] == [("a", []), ("b", ["t"]), ("c", []), ("d", [])]


def told(lie: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return the sections of an index of three rows that lie so."""
    if lie == "siblings in a circle":
        return {"traces.next_sibling": (2).to_bytes(4, "little") * 3}
    if lie == "additions in a circle":
        assert found["additions.before"] == b"\xff" * 4
        return {"additions.before": bytes(4)}
    if lie == "parents in a circle":
        return {"traces.parents": bytes.fromhex("01000000 00000000 00000000")}
    if lie == "ids of another length":
        return {"ids.text": found["ids.text"] + b"e"}
    lies: dict[str, dict[str, Any]] = {
        "no usage": {"usage": 14},
        "no status": {"status": []},
        "a thousand million rows": {"traces": 10**9},
    }
    return {"run": {**found["run"], **lies[lie]}}
