"""Generated ids: a prefix and a UUID of version 7, so that ids sort by the time they were made.

Source of the layout: RFC 9562, section 5.7. Within one process ids are strictly increasing (section 6.2,
method 2: the random part counts up within one millisecond); a forked child draws fresh randomness.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import TypeAlias

_COUNTED = (1 << 48) - 1
"""The last 48 bits of the random part count up within one millisecond; the first is drawn from their lower half, and so is
an odd step below 2^16: the last four digits, which screens show, differ at a glance."""
_Moment: TypeAlias = tuple[int, str, Callable[[], int]]
"""A millisecond, all of its ids but the end, and what counts these up: from any thread, without a lock."""
_NEVER: _Moment = (0, "", int)
_lock = threading.Lock()
_moment = _NEVER


def _forget() -> None:
    """Draw anew after a fork: parent and child must not go on with the same counter."""
    global _moment, _lock  # noqa: PLW0603 - the generator's state is the process's
    _moment = _NEVER
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget)


def _begin(millis: int) -> _Moment:
    """Draw the random part for a millisecond, unless another thread has; all but what counts up is written out once."""
    global _moment  # noqa: PLW0603
    with _lock:
        if millis > _moment[0]:
            random = int.from_bytes(os.urandom(12), "big")
            variant = 0x8000 | random >> 48 & 0x3FFF
            beginning = f"{millis >> 16:08x}-{millis & 0xFFFF:04x}-7{random >> 62 & 0xFFF:03x}-{variant:04x}-"
            _moment = millis, beginning, count(random & _COUNTED >> 1, random >> 80 | 1).__next__
        return _moment


def _uuid7() -> str:
    moment = _moment
    now = time.time_ns() // 1_000_000
    if now > moment[0]:
        moment = _begin(now)
    return f"{moment[1]}{moment[2]():012x}"


def new_trace_id() -> str:
    """Return a new id for a trace, greater than those this process made before.

    >>> a, b = new_trace_id(), new_trace_id()
    >>> a < b, a.startswith("trace-")
    (True, True)
    """
    return "trace-" + _uuid7()


def new_run_id() -> str:
    """Return a new id for a run, greater than those this process made before."""
    return "run-" + _uuid7()


def new_annotation_id() -> str:
    """Return a new id for an annotation, greater than those this process made before."""
    return "note-" + _uuid7()
