"""Engines for the tests of the contract: what holds on these holds on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tracetui.storage.backend import StorageBackend
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.memory import MemoryEngine

ENGINES = ["memory", "files", "files-sync"]


def open_engine(kind: str, folder: Path) -> StorageBackend:
    """Open an engine by its name in ``ENGINES``."""
    if kind == "memory":
        return MemoryEngine()
    return FileEngine(str(folder / "store"), durability="sync" if kind == "files-sync" else "process")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorageBackend]:
    """Open an empty engine of each kind."""
    opened = open_engine(request.param, tmp_path)
    yield opened
    opened.close()
