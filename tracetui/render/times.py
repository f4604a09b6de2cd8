"""Times as text, local."""

from __future__ import annotations

from datetime import datetime


def date(ms: int) -> str:
    """Return milliseconds since the epoch as local date and time; far off, the number itself."""
    try:
        return datetime.fromtimestamp(ms / 1000).strftime("%Y-%m-%d %H:%M:%S")  # noqa: DTZ006 - people read local time
    except (OverflowError, ValueError, OSError):
        return str(ms)
