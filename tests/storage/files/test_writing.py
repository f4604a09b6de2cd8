"""Durability is promised only where it is known: not beside a failed sync, whoever met it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracetui import Thought, TraceDraft, WriteFailedError
from tracetui.model.change import NewTrace, new_trace
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.files.fs import Disk


def thought(id: str) -> NewTrace:
    """Return a trace."""
    return new_trace(TraceDraft(Thought("t"), id=id))


class RivalDisk(Disk):
    """While this process syncs, another one's sync fails and is marked; this one's descriptor is told nothing."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark
        self.armed = False

    def sync_data(self, fd: int) -> None:
        """Sync, beside a rival whose sync fails."""
        super().sync_data(fd)
        if self.armed:
            self.mark.touch()


def test_a_failure_that_another_process_met_is_acknowledged_by_none(tmp_path: Path) -> None:
    """The mark is looked for after the sync too: the outcome is unknown and said so, until a repair."""
    disk = RivalDisk(tmp_path / "runs" / "r.log.failed")
    engine = FileEngine(str(tmp_path), durability="sync", disk=disk)
    engine.create_run("r", {"created_ms": 1})
    engine.append("r", [thought("a")])
    disk.armed = True
    with pytest.raises(WriteFailedError, match="unknown"):
        engine.append("r", [thought("b")])
    disk.armed = False
    with pytest.raises(WriteFailedError, match="tracetui repair"):
        engine.append("r", [thought("c")])
    with pytest.raises(WriteFailedError, match="tracetui repair"):
        FileEngine(str(tmp_path)).append("r", [thought("c")])
    engine.repair("r")
    assert engine.append("r", [thought("c")]).traces == 1
    assert engine.check() == []
