"""Work on a large run in a process of its own, so that it takes nothing from the keys of who looks at the run.

A worker thread asks and waits; what is asked is a function of a run's columns and of values, all of which another
process can be sent. Where that cannot be (a small run, a store in memory, a process that does not start) the thread
does the work itself, which is slower for the keys and the same otherwise.

Owns the processes. Knows of no screen. Invariants: a process ends with its answer, when its run is left, or when this
process ends in whatever way, since then its standard input does; none outlives ``close``.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from typing import IO, Any, Concatenate, ParamSpec, TypeVar, cast

from tracetui.errors import TraceTuiError
from tracetui.storage.backend import RunView
from tracetui.store.database import Database, open_backend
from tracetui.tui.view.run_model import RunModel

P = ParamSpec("P")
R = TypeVar("R")
MANY = 50_000
"""Traces of a run that a process is worth: what is asked takes half a second there, a process begins in 0.2 s."""
_COURTESY = 5
"""By how much a process stands back behind what the person sees."""
_START = "import sys; sys.path[:] = {path!r}; from tracetui.tui.apart import answer; answer()"


class Apart:
    """The processes that work for one explorer. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: dict[RunModel, set[subprocess.Popen[bytes]]] = defaultdict(set)
        self._is_closed = False

    def takes(self, model: RunModel) -> bool:
        """Whether work on a run is done elsewhere: it is large, and lies where another process can open it."""
        return model.columns.count >= MANY and "://" not in model.db.location

    def do(
        self,
        model: RunModel,
        job: Callable[Concatenate[RunView, P], R],
        *given: P.args,
        **named: P.kwargs,
    ) -> R | None:
        """Return what a job says of a run as of now, None if the run was left meanwhile. For workers.

        Job and values must be such that pickle takes them.

        :raises TraceTuiError: if the run cannot be read.
        """
        if self.takes(model):
            try:
                return cast(
                    "R | None",
                    self._ask(
                        model, pickle.dumps((model.db.location, model.columns.run_id, job, given, named))
                    ),
                )
            except (OSError, pickle.PickleError, EOFError, AttributeError, TypeError):
                pass
        return job(model.db.view(model.columns.run_id), *given, **named)

    def _ask(self, model: RunModel, request: bytes) -> object:
        """Have a process answer; EOFError if it died by itself."""
        process = self._begin(model)
        if process is None:
            return None
        try:
            told, asked = cast("IO[bytes]", process.stdout), cast("IO[bytes]", process.stdin)
            with suppress(BrokenPipeError):
                asked.write(request)
                asked.flush()
            answered = told.read()
        finally:
            was_left = self._end(model, process)
        if was_left:
            return None
        is_error, answer = pickle.loads(answered)  # noqa: S301 - from a process of our own
        if is_error:
            raise answer
        return cast("object", answer)

    def _begin(self, model: RunModel) -> subprocess.Popen[bytes] | None:
        """Start a process; None if the explorer is on its way out."""
        code = _START.format(path=sys.path)
        with self._lock:
            if self._is_closed:
                return None
            process = subprocess.Popen(  # noqa: S603 - this interpreter
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._running[model].add(process)
            return process

    def _end(self, model: RunModel, process: subprocess.Popen[bytes]) -> bool:
        """Take leave of a process; return whether its run was left before it answered."""
        with self._lock:
            was_left = process not in self._running[model]
            self._running[model].discard(process)
            if not self._running[model]:
                del self._running[model]
        _stop(process)
        return was_left

    def leave(self, model: RunModel) -> None:
        """Stop what works on a run that nobody looks at any more."""
        with self._lock:
            left = self._running.pop(model, set())
        for process in left:
            process.kill()

    def close(self) -> None:
        """Stop all, for good; returns when they have ended."""
        with self._lock:
            self._is_closed = True
            left = [process for processes in self._running.values() for process in processes]
            self._running.clear()
        for process in left:
            process.kill()
            process.wait()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, closing what leads to it; it has no more to say."""
    process.kill()
    with suppress(BrokenPipeError):
        cast("IO[bytes]", process.stdin).close()
    cast("IO[bytes]", process.stdout).close()
    process.wait()


# ---- in the process --------------------------------------------------------------------------------------


def answer() -> None:
    """Read what is asked from standard input, and write the answer to standard output."""
    os.nice(_COURTESY)
    location, run_id, job, given, named = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the explorer that began us
    Thread(target=_end_with_who_asked, daemon=True).start()
    gc.disable()
    pickle.dump(_answer(location, run_id, job, given, named), sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
    sys.stdout.buffer.flush()
    os._exit(0)


def _answer(
    location: str, run_id: str, job: Callable[..., object], given: tuple[Any, ...], named: dict[str, Any]
) -> tuple[bool, object]:
    """Return whether the run could not be read, and what is to be said."""
    try:
        with Database(open_backend(location), owning=False) as db:
            return False, job(db.view(run_id), *given, **named)
    except TraceTuiError as problem:
        return True, problem


def _end_with_who_asked() -> None:
    """End when the explorer does, killed perhaps: nothing more comes then."""
    sys.stdin.buffer.read()
    os._exit(1)
