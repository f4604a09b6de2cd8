"""Who writes into a run, and whether that process is provably dead.

A process is told by host, boot, pid namespace, pid and start time. Dead is said only of a process that this
one could see if it lived: same boot of the same host, same pid namespace. Anything else stays unknown.
"""

from __future__ import annotations

import os
from pathlib import Path

from tracetui.model.run import ACTIVE, PAUSED, Owner, Run

_PROC = Path("/proc")


def this_process() -> Owner:
    """Return the identity of the calling process; after a fork the child's own."""
    return Owner(os.uname().nodename, _boot_id(), _pid_namespace(), os.getpid(), _start_of(os.getpid()) or "")


def is_dead(owner: Owner) -> bool:
    """Return whether the owner certainly no longer runs; False where it cannot be known."""
    if (owner.host, owner.pid_namespace) != (os.uname().nodename, _pid_namespace()):
        return False
    if owner.boot_id != _boot_id():
        return bool(owner.boot_id)
    if not _exists(owner.pid):
        return True
    started = _start_of(owner.pid)
    return bool(owner.started) and started is not None and started != owner.started


def is_alive(owner: Owner) -> bool:
    """Return whether the owner certainly still runs; False where it cannot be known."""
    if (owner.host, owner.pid_namespace, owner.boot_id) != (
        os.uname().nodename, _pid_namespace(), _boot_id(),
    ):  # fmt: skip
        return False
    started = _start_of(owner.pid)
    return bool(started) and started == owner.started


def is_lost(run: Run) -> bool:
    """Return whether a run that has not ended has owners and all of them are provably dead."""
    return run.status in (ACTIVE, PAUSED) and bool(run.owners) and all(map(is_dead, run.owners))


def is_owned(run: Run) -> bool:
    """Return whether a run that has not ended has an owner that may still live."""
    return run.status in (ACTIVE, PAUSED) and any(not is_dead(owner) for owner in run.owners)


def open_as(run: Run) -> str:
    """Return what an open trace of this run is besides open: abandoned, lost, quiet, or "" while its writer lives."""
    if run.ended:
        return "abandoned"
    return "lost" if is_lost(run) else "" if is_owned(run) else "quiet"


def _boot_id() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _pid_namespace() -> str:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return ""


def _exists(pid: int) -> bool:
    if _start_of(pid) == "":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _start_of(pid: int) -> str | None:
    """Return when a process began, in ticks since boot; "" for a zombie, None where it cannot be read."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    after_name = stat.rpartition(")")[2].split()
    return "" if after_name[0] in "ZX" else after_name[19]
