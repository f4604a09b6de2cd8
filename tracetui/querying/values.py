"""What the values of a query mean: numbers with units, durations, times, globs and regular expressions.

Owns reading them from text; times are resolved against a run's clock, which only planning has. Must not
know fields or traces. What cannot be read raises ``ValueError`` with the words that were expected.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)(k|M|G|KB|MB|GB)?")
_NUMBER_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d)")
_SPAN_UNITS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_ANCHORED = re.compile(r"(start|end|now|)([+-])(.+)")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(Z|[+-]\d{2}:?\d{2})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_DIGITS = 40

EXPECTED_NUMBER = "a number, such as 5, 8k or 1.5M (k, M, G, KB; case matters)"
EXPECTED_SPAN = "a duration, such as 200ms, 5s or 1m30s (us, ms, s, m, h, d; case matters)"
EXPECTED_TIME = (
    "a time, such as 14:05, 2026-08-01, 2026-08-01T14:05, +30s, -10m, end-1m or epoch milliseconds"
)


def number_of(text: str) -> float:
    """Return the number that a text with an optional unit stands for; an int where it is one.

    >>> number_of("8k"), number_of("1.5M"), number_of("-2")
    (8000, 1500000, -2)
    """
    found = _NUMBER.fullmatch(text)
    if found is None or len(text) > _MAX_DIGITS:
        raise ValueError(EXPECTED_NUMBER)
    digits, unit = found[1], _NUMBER_UNITS[found[2] or ""]
    if digits.lstrip("+-").isdigit():
        return int(digits) * unit
    value = float(digits) * unit
    return int(value) if value == int_or_nan(value) else value


def int_or_nan(value: float) -> float:
    """Return the value rounded down if it is small enough for that to be exact, else NaN."""
    return int(value) if abs(value) < 2**53 else float("nan")


def is_number(text: str) -> bool:
    """Whether a text can be read as a number."""
    return _NUMBER.fullmatch(text) is not None and len(text) <= _MAX_DIGITS


def milliseconds_of(text: str) -> float:
    """Return a duration in milliseconds; a bare number is milliseconds already.

    >>> milliseconds_of("1m30s"), milliseconds_of("200"), milliseconds_of("1.5s")
    (90000, 200, 1500)
    """
    if is_number(text) and (text[-1].isdigit() or text[-1] == "."):
        return number_of(text)
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    total = sign * _span(rest)[0]
    return int(total) if total == int_or_nan(total) else total


def _span(text: str) -> tuple[float, float]:
    """Return milliseconds, and those of the smallest unit named."""
    pieces = _SPAN.findall(text)
    if not pieces or "".join(a + b for a, b in pieces) != text or len(text) > _MAX_DIGITS:
        raise ValueError(EXPECTED_SPAN)
    return sum(float(a) * _SPAN_UNITS[b] for a, b in pieces), min(_SPAN_UNITS[b] for _, b in pieces)


# ---- times -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunClock:
    """What times are relative to: a run's first and last moment, asked for only when needed, and now."""

    start_ms: Callable[[], int]
    end_ms: Callable[[], int]
    now_ms: int


_NO_CLOCK = RunClock(lambda: 0, lambda: 0, 0)


def check_time(text: str) -> None:
    """Do nothing if the text is a time.

    :raises ValueError: otherwise.
    """
    time_of(text, _NO_CLOCK)


def time_of(text: str, clock: RunClock) -> tuple[int, int]:
    """Return milliseconds since the epoch, and how many of them the text covers as it is written.

    ``14:05`` covers a minute, a date a day, ``-10m`` a minute. Naive times are local. A time of day is that
    within the run if it has one, else on the day the run began.
    """
    if re.fullmatch(r"-?\d{1,19}", text):
        return int(text), 1
    if text in ("start", "end", "now"):
        return _anchor(text, clock), 1
    if found := _ANCHORED.fullmatch(text):
        return _relative(found, clock)
    if found := _CLOCK.fullmatch(text):
        return _time_of_day(found, clock)
    return _calendar(text)


def _anchor(name: str, clock: RunClock) -> int:
    return clock.now_ms if name == "now" else clock.start_ms() if name == "start" else clock.end_ms()


def _relative(found: re.Match[str], clock: RunClock) -> tuple[int, int]:
    name, sign, rest = found.groups()
    try:
        offset, unit = _span(rest)
    except ValueError:
        raise ValueError(EXPECTED_TIME) from None
    anchor = _anchor(name or ("start" if sign == "+" else "now"), clock)
    moment = anchor + offset if sign == "+" else anchor - offset
    if abs(moment) >= 2**63:
        raise ValueError(EXPECTED_TIME)
    return int(moment // 1), max(int(unit), 1)


def _time_of_day(found: re.Match[str], clock: RunClock) -> tuple[int, int]:
    hour, minute, second, fraction = found.groups()
    try:
        of_day = time(int(hour), int(minute), int(second or 0), int((fraction or "0").ljust(3, "0")) * 1000)
    except ValueError:
        raise ValueError(EXPECTED_TIME) from None
    width = 1 if fraction else 1000 if second else 60_000
    start, end = clock.start_ms(), clock.end_ms()
    try:
        day = (_EPOCH + timedelta(milliseconds=start)).astimezone()
        moments = [_epoch_ms(datetime.combine(day.date() + timedelta(days=n), of_day)) for n in (0, 1)]
    except (OverflowError, ValueError, OSError):
        return int((of_day.hour * 60 + of_day.minute) * 60_000 + of_day.second * 1000), width
    within = [m for m in moments if start - width < m <= end]
    return (within or moments)[0], width


def _calendar(text: str) -> tuple[int, int]:
    text = text.replace(" ", "T")
    if not re.match(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(EXPECTED_TIME)
    width = 86_400_000 if _DATE.fullmatch(text) else 60_000 if _MINUTE.fullmatch(text) else 1000
    try:
        moment = datetime.fromisoformat(text)
        if width == 86_400_000:
            width = _epoch_ms(moment + timedelta(days=1)) - _epoch_ms(moment)
        return _epoch_ms(moment), 1 if "." in text else width
    except (ValueError, OverflowError, OSError):
        raise ValueError(EXPECTED_TIME) from None


def _epoch_ms(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


# ---- patterns --------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def compiled(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    """Return a compiled regular expression.

    :raises ValueError: with what is wrong and where, if it is none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except re.error as problem:
        at = "" if problem.pos is None else f" at its character {problem.pos + 1}"
        raise ValueError(f"a regular expression ({problem.msg}{at})") from None
    except (ValueError, OverflowError, RecursionError) as problem:
        raise ValueError(f"a regular expression ({problem})") from None


@lru_cache(maxsize=512)
def glob_pattern(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    """Return the regular expression of a glob, whose only sign is ``*``; match it with ``fullmatch``.

    >>> bool(glob_pattern("*.py").fullmatch("src/a.py"))
    True
    """
    first, *rest = [re.escape(piece) for piece in re.split(r"\*+", pattern)]
    between = "".join(f"(?>.*?{piece})" for piece in rest[:-1])  # atomic: no star backtracks into another
    body = f"{first}{between}.*{rest[-1]}" if rest else first
    return re.compile(body, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
