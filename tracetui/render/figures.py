"""Figures as short text: durations, offsets, counts, cost. Pure."""

from __future__ import annotations

from datetime import datetime


def duration(ms: float | None) -> str:
    """Return milliseconds as at most six characters.

    >>> [duration(ms) for ms in (None, 0, 7, 999, 1000, 41_900, 112_000, 3_600_000, 90_000_000)]
    ['', '0ms', '7ms', '999ms', '1.0s', '41.9s', '1:52', '1:00h', '1d 1h']
    """
    if ms is None:
        return ""
    if ms < 0:
        return "-" + duration(-ms)
    if ms < 1000:
        return f"{ms:.0f}ms"
    if ms < 99_950:
        return f"{ms / 1000:.1f}s"
    seconds = int(ms // 1000)
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d}"
    if seconds < 86_400:
        return f"{seconds // 3600}:{seconds % 3600 // 60:02d}h"
    return f"{seconds // 86_400}d {seconds % 86_400 // 3600}h"


QUIET_MS = 60_000
"""So long without news is worth a word."""


def quiet_for(last_ms: int, now_ms: int) -> str:
    """Return how long nothing was heard, "" if it is not long.

    >>> quiet_for(0, 59_000), quiet_for(0, 90_000_000)
    ('', 'quiet 1d 1h')
    """
    return f"quiet {duration(now_ms - last_ms)}" if now_ms - last_ms >= QUIET_MS else ""


def offset(ms: int) -> str:
    """Return the distance from the run's start, e.g. "+1.4s"."""
    return ("" if ms < 0 else "+") + duration(ms)


def count(number: float) -> str:
    """Return a count in at most five characters.

    >>> [count(n) for n in (0, 999, 1200, 60_100, 999_950, 69_300_000)]
    ['0', '999', '1.2k', '60.1k', '1M', '69.3M']
    """
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit * 0.99995:
            return f"{number / limit:.1f}".removesuffix(".0") + unit
    return f"{number:.0f}"


def size(number: int) -> str:
    """Return a number of bytes in at most eight characters; units are powers of 1,000, as ``--size`` reads them.

    >>> [size(n) for n in (0, 999, 1000, 12_345, 999_960, 2_500_000_000)]
    ['0 B', '999 B', '1.0 KB', '12.3 KB', '1.0 MB', '2.5 GB']
    """
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "KB")):
        if number >= limit * (0.99995 if unit != "KB" else 1):
            return f"{number / limit:.1f} {unit}"
    return f"{number} B"


def cost(usd: float, *, estimated: bool = False) -> str:
    """Return US dollars, "" for nothing; what was made from prices is marked.

    >>> cost(0), cost(0.0042), cost(0.42), cost(1234.5), cost(0.42, estimated=True)
    ('', '$0.0042', '$0.42', '$1,234.50', '~$0.42')
    """
    if not usd:
        return ""
    return "~" * estimated + (f"${usd:,.2f}" if usd >= 0.01 else f"${usd:.4f}")


def clock(ms: int) -> str:
    """Return the local time of day."""
    return _local(ms).strftime("%H:%M:%S") if _fits(ms) else str(ms)


def date(ms: int) -> str:
    """Return local date and time."""
    return _local(ms).strftime("%Y-%m-%d %H:%M:%S") if _fits(ms) else str(ms)


def started(ms: int, now_ms: int) -> str:
    """Return the time of day for today, else the date."""
    if not _fits(ms):
        return str(ms)[:14]
    local = _local(ms)
    return (
        local.strftime("%H:%M:%S") if local.date() == _local(now_ms).date() else local.strftime("%b %d %H:%M")
    )


def _fits(ms: int) -> bool:
    return -62_135_000_000_000 < ms < 253_402_000_000_000


def _local(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000)  # noqa: DTZ006 - people read local time


def short_id(run_or_trace_id: str, length: int = 4) -> str:
    """Return the end of an id, which tells generated ids apart."""
    return run_or_trace_id[-length:] if len(run_or_trace_id) > length + 3 else run_or_trace_id
