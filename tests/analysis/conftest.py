"""Runs made from a few numbers, for the analyses of time, loops and figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import tracetui
from tracetui import Custom, Database, ToolCall, TraceDraft, TraceStore
from tracetui.importing.opening import open_whole
from tracetui.storage.backend import RunView

REPOSITORY = Path(__file__).resolve().parents[2]


def run_of(drafts: Sequence[TraceDraft], metadata: dict[str, str] | None = None) -> RunView:
    """Return the view of a run in memory with these traces."""
    db = tracetui.open("memory://")
    run = db.create_run("made", metadata=metadata)
    TraceStore(db).record_many(run.id, drafts)
    return db.view(run.id)


def spans(*given: tuple[str, str | None, int, int | None]) -> RunView:
    """Return a run of (id, parent, start, end); names that begin with "turn" are turns, the others calls."""
    return run_of([
        TraceDraft(
            Custom("Turn") if own.startswith("turn") else ToolCall(own, {}),
            id=own, parent_id=parent, timestamp=start, end_ms=end,
        )
        for own, parent, start, end in given
    ])  # fmt: skip


@pytest.fixture
def samples(tmp_path: Path) -> Database:
    """Return a copy of the sample runs."""
    import shutil

    shutil.copytree(REPOSITORY / "sample_runs" / "store", tmp_path / "samples")
    return tracetui.open(tmp_path / "samples")


def recording(path: Path, at: int = 0) -> RunView:
    """Return the view of a run of a recording."""
    db, ids = open_whole(str(path))
    return db.view(ids[at])
