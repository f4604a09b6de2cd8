"""The way in and out of the process that the command ``tracetui`` is; of a short command they are a fifth.

Owns what happens before anything is imported and after all is done, and nothing between: `app.main` says what a
command does. Invariants: the garbage collector is off only until a command begins; the quick way out loses nothing,
for the store is closed and standard output handed over by then, who asked to be called at exit is called, and where
another thread lives the interpreter ends as it always does.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    gc.disable()
    from tracetui.cli import app

    try:
        app.main()
    except SystemExit as ended:
        leave(ended.code if isinstance(ended.code, int) else 0)
    leave(0)


def leave(code: int) -> NoReturn:
    """End the process without taking the interpreter apart object by object, which the system does at once."""
    if threading.active_count() > 1:
        sys.exit(code)
    atexit._run_exitfuncs()  # noqa: SLF001 - what the end of an interpreter does; sys.exit would do the rest too
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    os._exit(code)


if __name__ == "__main__":
    main()
