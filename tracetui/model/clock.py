"""The wall clock, in one place so that tests can hold it.

Owns the reading of time. Must not keep state: rules such as "never below the one before" live where the
state is, in the store's commit.
"""

from __future__ import annotations

import time


def now_ms() -> int:
    """Return the time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
