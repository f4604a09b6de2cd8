"""Work that another process can be asked for, for the tests of ``tracetui.tui.apart``."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tracetui.storage.backend import RunView


def process_of(view: RunView) -> int:
    """Say which process does the work."""
    assert view.count
    return os.getpid()


def linger(view: RunView, told: Path) -> int:
    """Say in a file which process this is, and work for ever."""
    told.with_suffix(".new").write_text(str(os.getpid()))
    told.with_suffix(".new").rename(told)
    while view.count:
        time.sleep(0.01)
    return 0


def die(view: RunView) -> int:
    """End without an answer, but in the process that runs the tests."""
    if os.getppid() == int(os.environ["TESTING_PID"]):
        os._exit(3)
    return view.count
