"""Which runs a folder holds, and what their summaries are: read from the logs, remembered by their status.

A remembered summary is valid while the log's size, modification time and inode are what they were.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from sortedcontainers import SortedKeyList

from tracetui.model.run import Run

LOG_SUFFIX = ".log"


@dataclass(frozen=True, slots=True)
class _Remembered:
    signature: tuple[int, int, int]
    run: Run


class Catalog:
    """Summaries of runs by file name. Not safe from several threads; the engine guards it."""

    def __init__(self) -> None:
        self._known: dict[str, _Remembered] = {}
        self._order: SortedKeyList[str, tuple[int, str]] = SortedKeyList(key=self._key)

    def _key(self, name: str) -> tuple[int, str]:
        run = self._known[name].run
        return run.created_ms, run.id

    def refresh(self, found: dict[str, os.stat_result], summarize: Callable[[str], Run | None]) -> None:
        """Bring the catalog up to date with the logs that were found, reading only those that changed."""
        for name in self._known.keys() - found.keys():
            self.forget(name)
        for name, status in found.items():
            signature = (status.st_size, status.st_mtime_ns, status.st_ino)
            known = self._known.get(name)
            if known is None or known.signature != signature:
                run = summarize(name)
                if run is not None:
                    self._remember(name, _Remembered(signature, run))

    def _remember(self, name: str, remembered: _Remembered) -> None:
        self.forget(name)
        self._known[name] = remembered
        self._order.add(name)

    def forget(self, name: str) -> None:
        """Drop a run."""
        if name in self._known:
            self._order.remove(name)
            del self._known[name]

    def run_id(self, name: str) -> str | None:
        """Return the id of the run that a file name had when it was last read, None if it never was."""
        known = self._known.get(name)
        return None if known is None or not known.run.created_ms else known.run.id

    def runs(self) -> list[Run]:
        """Return the runs, newest created first."""
        return [self._known[name].run for name in reversed(self._order)]
