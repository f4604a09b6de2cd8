"""Generated ids: a prefix and a UUID of version 7, so that ids sort by the time they were made.

Source of the layout: RFC 9562, section 5.7. Within one process ids are strictly increasing (section 6.2,
method 2: the random part counts up within one millisecond); a forked child draws fresh randomness.
"""

from __future__ import annotations

import os
import threading
import time

_RANDOM_BITS = 74
_RANDOM_MASK = (1 << _RANDOM_BITS) - 1
_lock = threading.Lock()
_last_ms = 0
_last_random = 0


def _forget() -> None:
    """Draw anew after a fork: parent and child must not go on with the same counter."""
    global _last_ms, _lock  # noqa: PLW0603 - the generator's state is the process's
    _last_ms = 0
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget)


def _draw() -> int:
    return int.from_bytes(os.urandom(10), "big") & (_RANDOM_MASK >> 1)


def _uuid7() -> str:
    global _last_ms, _last_random  # noqa: PLW0603
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _last_ms:
            _last_ms, _last_random = now, _draw()
        else:
            _last_random += 1 + (_last_random & 0xFFFF)
            if _last_random > _RANDOM_MASK:
                _last_ms, _last_random = _last_ms + 1, _draw()
        millis, random = _last_ms, _last_random
    high = (millis << 16) | 0x7000 | (random >> 62)
    low = (2 << 62) | (random & 0x3FFFFFFFFFFFFFFF)
    text = f"{high:016x}{low:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


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
