"""Generated ids: a prefix and a UUID of version 7, so that ids sort by the time they were made.

Source of the layout: RFC 9562, section 5.7. Within one process ids are strictly increasing (section 6.2,
method 2: the random part counts up within one millisecond); a forked child draws fresh randomness.
"""

from __future__ import annotations

import os
import threading
import time

_COUNTED = (1 << 48) - 1
"""The last 48 bits of the random part count up within one millisecond."""
_lock = threading.Lock()
_last_ms = 0
_counter = 0
_beginning = ""


def _forget() -> None:
    """Draw anew after a fork: parent and child must not go on with the same counter."""
    global _last_ms, _lock  # noqa: PLW0603 - the generator's state is the process's
    _last_ms = 0
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget)


def _begin(millis: int) -> None:
    """Draw the random part for a millisecond; all but what counts up is written out once."""
    global _last_ms, _counter, _beginning  # noqa: PLW0603
    random = int.from_bytes(os.urandom(10), "big")
    _last_ms, _counter = millis, random & _COUNTED >> 1
    variant = 0x8000 | random >> 48 & 0x3FFF
    _beginning = f"{millis >> 16:08x}-{millis & 0xFFFF:04x}-7{random >> 62 & 0xFFF:03x}-{variant:04x}-"


def _uuid7() -> str:
    global _counter  # noqa: PLW0603
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _last_ms:
            _begin(now)
        else:
            _counter += 1 + (_counter & 0xFFFF)
            if _counter > _COUNTED:
                _begin(_last_ms + 1)
        return f"{_beginning}{_counter:012x}"


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
