"""Every system call of a scenario fails once, in turn: typed errors, and no half commit afterwards."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracetui import RunNotFoundError, Thought, TraceDraft, TraceTuiError
from tracetui.model.change import NewTrace, amendment, completion, new_trace
from tracetui.storage.backend import Index
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.files.fs import Disk

CALLS = [
    "open_read", "open_append", "create", "write", "pread", "fstat", "stat", "truncate", "sync_data",
    "sync_folder", "try_lock", "link", "rename", "unlink", "make_folder", "listing", "names", "read_file",
]  # fmt: skip


class FailingDisk(Disk):
    """A disk whose k-th call fails; a write may take some bytes before."""

    def __init__(self, fails_at: int, failure: int, *, short: bool) -> None:
        self.count, self.fails_at, self.failure, self.short = 0, fails_at, failure, short


def failing(name: str) -> Callable[..., Any]:
    """Wrap a call so that it counts, and fails when it is its turn."""
    whole = (lambda *_: None) if name.startswith("sync") else getattr(Disk, name)

    def call(self: FailingDisk, *given: Any) -> Any:
        self.count += 1
        if self.count - 1 != self.fails_at:
            return whole(self, *given)
        if name == "write" and self.short:
            whole(self, given[0], given[1][: len(given[1]) // 2])
        raise OSError(self.failure, os.strerror(self.failure), name)

    return call


for _name in CALLS:
    setattr(FailingDisk, _name, failing(_name))


def thought(id: str, parent: str | None = None) -> NewTrace:
    """Make a change that records a thought."""
    return new_trace(TraceDraft(Thought(id * 50), id=id, parent_id=parent, open=True))


def torn(engine: FileEngine) -> None:
    """Leave the run's log as a killed writer may."""
    log = Path(engine.location) / "runs" / "r.log"
    if log.exists():
        with log.open("ab") as file:
            file.write(b"\xa0torn")
        os.utime(log, (1, 1))


STEPS: list[Callable[[FileEngine], object]] = [
    lambda engine: engine.create_run("r", {"created_ms": 1}),
    lambda engine: engine.append("r", [thought("a")]),
    lambda engine: engine.append("r", [thought("b"), thought("c", "b"), amendment("b", tags=["t"])]),
    lambda engine: engine.scan("r", Index.ALL).items[-1].to_json(),
    lambda engine: engine.append("r", [completion("a", metadata={"k": 1})]),
    lambda engine: engine.runs(),
    lambda engine: engine.create_run("gone", {"created_ms": 2}),
    lambda engine: engine.delete_run("gone"),
    lambda engine: engine.repair("r"),
    lambda engine: engine.check(),
    torn,
    lambda engine: engine.append("r", [thought("d")]),
]
WRITES = {1: ["a"], 2: ["b", "c"], 11: ["d"]}


def attempt(disk: Disk, place: Path, durability: str) -> dict[int, bool]:
    """Take all steps; return which of them succeeded."""
    succeeded = {}
    engine = None
    for number, step in enumerate(STEPS):
        try:
            engine = engine or FileEngine(str(place), disk=disk, durability=durability)
            step(engine)
        except (TraceTuiError, IndexError):
            succeeded[number] = False
        else:
            succeeded[number] = True
    if engine is not None:
        engine.close()
    return succeeded


@pytest.mark.parametrize(
    ("failure", "durability", "short"),
    [(errno.ENOSPC, "process", True), (errno.EIO, "process", False), (errno.EIO, "sync", True)],
)
def test_any_call_that_fails_once_leaves_whole_commits(
    tmp_path: Path, failure: int, durability: str, short: bool
) -> None:
    """What was acknowledged is there, in order; a refused commit is there whole or not at all."""
    effective = 0
    while True:
        place = tmp_path / str(effective)
        disk = FailingDisk(effective, failure, short=short)
        succeeded = attempt(disk, place, durability)
        if disk.count <= effective:
            break
        effective += 1
        check(place, succeeded, durability)
    print(f"effective trials: {effective}")
    assert all(succeeded.values())
    assert effective > 60


def check(place: Path, succeeded: dict[int, bool], durability: str) -> None:
    """Compare what a fresh look finds with what was acknowledged."""
    engine = FileEngine(str(place))
    try:
        found = [trace.id for trace in engine.scan("r", Index.ALL).items]
    except RunNotFoundError:
        assert not succeeded[0]
        assert not any(succeeded[number] for number in WRITES)
        return
    expected = [id for number, made in WRITES.items() for id in made if succeeded[number]]
    unknown = [id for number, made in WRITES.items() for id in made if not succeeded[number]]
    assert [id for id in found if id not in unknown] == expected
    assert ("b" in found) == ("c" in found)
    if durability == "process" and succeeded[0]:
        assert found == expected
    (a,) = engine.get("r", ["a"])
    assert a is None or not succeeded[4] or (a.status, a.metadata) == ("ok", {"k": 1})
    assert {damage.reason for damage in engine.check()} <= {
        "torn tail", "a sync failed: it is unknown what the disk holds",
    }  # fmt: skip
    try:
        engine.append("r", [thought("new")])
    except TraceTuiError:
        engine.repair("r")
        engine.append("r", [thought("new")])
    assert [trace.id for trace in engine.scan("r", Index.ALL).items] == [*found, "new"]
    assert engine.check() == []
    engine.close()
