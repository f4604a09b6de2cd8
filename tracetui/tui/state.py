"""What the explorer remembers from one time to the next, in small files of the user's data folder.

Owns reading and writing them: JSON, each written whole to a new file that then takes the old one's place, in a
thread of its own; the newest value of a name wins. Nothing here is ever an error: what cannot be read is as if it had
never been, what cannot be written is remembered as long as the process lives. What the values mean is the business
of ``tracetui.tui.view``.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Any

MOST_BYTES = 1_000_000
"""Larger files are not ours."""
MOST_FILES = 500
"""So many runs are remembered; the ones that were left longest ago go."""
RUNS = "runs"


class StateFolder:
    """The folder; without one, what is remembered is forgotten with the process. For one thread, beside its own."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._known: dict[str, Mapping[str, Any]] = {}
        self._pending: dict[str, Mapping[str, Any]] = {}
        self._lock = Lock()
        self._writer: Thread | None = None

    def read(self, name: str) -> Mapping[str, Any]:
        """Return what was last written under a name, in this process or an earlier one; empty if nothing was."""
        if name not in self._known:
            self._known[name] = {} if self._folder is None else _read(self._path(self._folder, name))
        return self._known[name]

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        """Remember a value; it is on the disk a moment later."""
        if self._known.get(name) == value:
            return
        self._known[name] = value
        if self._folder is None:
            return
        with self._lock:
            self._pending[name] = value
            if self._writer is None or not self._writer.is_alive():
                self._writer = Thread(target=self._write_all, name="tracetui-state", daemon=True)
                self._writer.start()

    def flush(self) -> None:
        """Wait until everything is on the disk."""
        writer = self._writer
        if writer is not None:
            writer.join()

    @staticmethod
    def _path(folder: Path, name: str) -> Path:
        return folder / f"{name}.json"

    def _write_all(self) -> None:
        """In the writer's thread: write what is pending until nothing is."""
        while True:
            with self._lock:
                if not self._pending:
                    self._writer = None
                    return
                name, value = self._pending.popitem()
            if self._folder is not None:
                with suppress(OSError):
                    _write(self._path(self._folder, name), value)
                    if name.startswith(f"{RUNS}/"):
                        _prune(self._folder / RUNS)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            return {}
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _write(path: Path, value: Mapping[str, Any]) -> None:
    """Put a file in the place of the old one, whole."""
    text = json.dumps(value, separators=(",", ":"))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _prune(folder: Path) -> None:
    """Take away the oldest files when there are many more than are kept."""
    files = [entry for entry in os.scandir(folder) if entry.name.endswith(".json")]
    if len(files) > MOST_FILES + MOST_FILES // 10:
        files.sort(key=lambda entry: entry.stat().st_mtime)
        for entry in files[:-MOST_FILES]:
            Path(entry.path).unlink(missing_ok=True)
