"""What lies in the folder of a store: what each run takes, and what nobody needs any more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from tracetui.storage.files.fs import Disk
from tracetui.storage.files.names import LOG_SUFFIX, is_being_made, needs_log, stem_of

STRAY_SECONDS = 3600.0
"""What is being made is left over by a process that died if it was not touched for so long."""


class Held(NamedTuple):
    """What a run takes: bytes, all that lies beside its log included, and when the log was last written."""

    size: int
    written_ms: int


class Stray(NamedTuple):
    """A file that nobody needs."""

    path: str
    size: int
    reason: str


def held_by_run(disk: Disk, folder: str) -> dict[str, Held]:
    """Return what each run takes, by the name of its log."""
    sizes: dict[str, int] = {}
    written: dict[str, int] = {}
    for name, status in disk.names(folder):
        stem = stem_of(name)
        if stem is None:
            continue
        log = stem + LOG_SUFFIX
        sizes[log] = sizes.get(log, 0) + status.st_size
        if name == log:
            written[log] = status.st_mtime_ns // 1_000_000
    return {log: Held(sizes[log], at) for log, at in written.items()}


def strays(disk: Disk, location: str, folder: str, now: float) -> Iterator[Stray]:
    """Yield what processes that died left over, and what was derived of runs that are gone; ``now`` in seconds."""
    for place in (location, folder):
        found = dict(disk.names(place))
        for name, status in sorted(found.items()):
            log = needs_log(name)
            if is_being_made(name):
                reason = "left over by a process that died"
            elif place == folder and log is not None and log not in found:
                reason = "of a run that is gone"
            else:
                continue
            if now - status.st_mtime >= STRAY_SECONDS:
                yield Stray(os.path.join(place, name), status.st_size, reason)  # noqa: PTH118
