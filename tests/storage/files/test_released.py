"""Stores as released versions wrote them: read, listed, written on and cared for by this one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import tracetui
from tests.storage.files.released.make import RELEASED, as_json, content, fill
from tracetui import Thought, TraceDraft, TraceStore
from tracetui.model.change import annotation, new_trace
from tracetui.storage.backend import Index
from tracetui.storage.files import catalog_file
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.files.fs import Disk

VERSIONS = sorted(path.name for path in RELEASED.iterdir() if (path / "content.json").exists())


@pytest.fixture(params=VERSIONS)
def released(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """Return a copy of the store that a version wrote, and what it said was in it."""
    folder = RELEASED / request.param
    shutil.copytree(folder / "store", tmp_path / "store")
    told: dict[str, Any] = json.loads((folder / "content.json").read_text("utf-8"))
    return tmp_path / "store", told


def said(engine: FileEngine, run_id: str) -> Any:
    """Return what a store says of a run, as it was kept."""
    return json.loads(as_json(content(engine, run_id)))


def test_every_released_version_is_kept() -> None:
    """This one too, from the day that its format was fixed."""
    assert tracetui.__version__ in VERSIONS
    assert all((RELEASED / version / "store" / "runs").is_dir() for version in VERSIONS)


def test_what_was_written_then_is_read_now(released: tuple[Path, dict[str, Any]]) -> None:
    """With the indexes of then, and without anything derived; looking changes no byte."""
    store, told = released
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    engine = FileEngine(str(store))
    assert {run_id: said(engine, run_id) for run_id in told} == told
    assert sorted(run.id for run in engine.runs()) == sorted(told)
    for derived in store.rglob("*.idx"):
        derived.unlink()
    alone = FileEngine(str(store))
    assert {run_id: said(alone, run_id) for run_id in told} == told
    assert all(path.read_bytes() == data for path, data in before.items() if path.exists())
    assert {run_id for run_id, one in told.items() if one["damage"]} == {"torn"}


def test_what_was_written_then_is_written_on(released: tuple[Path, dict[str, Any]]) -> None:
    """Notes on what ended, traces where a run is active, a torn tail that is cut, a new index."""
    store, told = released
    engine = FileEngine(str(store))
    for run_id in told:
        engine.append(run_id, [annotation(told[run_id]["traces"][0]["id"], "now", {})])
        engine.reindex(run_id)
        assert engine.check(run_id) == []
        again = said(FileEngine(str(store)), run_id)
        assert again["traces"] == told[run_id]["traces"]
        assert [note[2] for note in again["notes"]] == [*(note[2] for note in told[run_id]["notes"]), "now"]
    engine.append("torn", [new_trace(TraceDraft(Thought("t"), id="new"))])
    assert [trace.id for trace in engine.scan("torn", Index.ALL, limit=99).items][-1] == "new"


def test_the_catalog_of_then_is_read_or_made_anew(released: tuple[Path, dict[str, Any]]) -> None:
    """One of an older version is no damage: the logs are read instead, until somebody writes one of this version."""
    store, told = released
    assert not [damage for damage in FileEngine(str(store)).check() if damage.path.endswith("catalog.idx")]
    with tracetui.open(store) as db:
        assert next(iter(db.runs(fresh=False))).id == "long"
        assert TraceStore(db).count("every-kind") == len(told["every-kind"]["traces"])
        db.backend.save_catalog()
    place = store / "catalog.idx"
    entries = catalog_file.decode(catalog_file.read(Disk(), str(place)), str(store / "runs")).entries()
    traces = {run_id: len(one["traces"]) for run_id, one in told.items()}
    assert {entry.run.id: entry.run.traces for entry in entries.values()} == traces


def test_this_version_writes_what_it_kept(tmp_path: Path) -> None:
    """The same calls give the same content today: the files that were kept stand for what is written now."""
    engine = fill(tmp_path)
    told = json.loads((RELEASED / tracetui.__version__ / "content.json").read_text("utf-8"))
    for run_id, one in told.items():
        now = said(engine, run_id)
        assert {key: now[key] for key in now if key != "damage"} == {
            key: one[key] for key in one if key != "damage"
        }
