from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from tracetui.model.run import Run
from tracetui.store.ownership import is_dead, is_lost, is_owned, this_process


def test_this_process_lives() -> None:
    """Its own owner is not dead, and is the same each time."""
    assert this_process() == this_process()
    assert this_process().pid == os.getpid()
    assert not is_dead(this_process())


def test_a_process_that_ended_is_dead_and_so_is_a_zombie() -> None:
    """Before and after its parent has collected it."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = replace(this_process(), pid=child.pid, started="")
    assert not is_dead(owner)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(owner)
    child.communicate()
    assert is_dead(owner)


def test_a_later_process_with_the_same_pid_is_another() -> None:
    """The start time tells them apart."""
    assert is_dead(replace(this_process(), started="1"))
    assert not is_dead(replace(this_process(), started=""))


def test_where_nothing_can_be_seen_nothing_is_said() -> None:
    """Another host or pid namespace is unknown; an earlier boot of this host is dead."""
    gone = replace(this_process(), pid=2**22 + 1)
    assert is_dead(gone)
    assert not is_dead(replace(gone, host="elsewhere"))
    assert not is_dead(replace(gone, pid_namespace="pid:[1]"))
    assert is_dead(replace(this_process(), boot_id="earlier"))
    assert not is_dead(replace(gone, boot_id=""))


def test_a_run_is_lost_only_if_all_its_owners_are_dead() -> None:
    """No owner, or one that may live, or an ended run: not lost."""
    dead, alive = replace(this_process(), started="1"), this_process()
    assert is_lost(Run("r", owners=(dead, dead)))
    assert not is_lost(Run("r", owners=(dead, alive)))
    assert not is_lost(Run("r"))
    assert not is_lost(Run("r", status="failed", owners=(dead,)))
    assert is_owned(Run("r", owners=(dead, alive)))
    assert not is_owned(Run("r", owners=(dead,)))
