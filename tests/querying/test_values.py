from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tracetui.querying.values import (
    RunClock,
    compiled,
    glob_pattern,
    is_number,
    milliseconds_of,
    number_of,
    time_of,
)

HOUR = 3_600_000
START = 1_785_592_800_000  # 2026-08-01 14:00 UTC
CLOCK = RunClock(lambda: START, lambda: START + 2 * HOUR, START + 5 * HOUR)


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", 5), ("8k", 8000), ("1.5M", 1_500_000), ("2G", 2 * 10**9), ("3KB", 3000), ("2MB", 2 * 10**6), ("1GB", 10**9),
     ("-2", -2), ("+2", 2), (".5", 0.5), ("1e3", 1000), ("9007199254740993", 9007199254740993)],
)  # fmt: skip
def test_numbers_have_units_in_thousands(text: str, expected: float) -> None:
    """KB is 1000; whole numbers stay whole, whatever their size."""
    assert number_of(text) == expected
    assert isinstance(number_of(text), type(expected))


@pytest.mark.parametrize("text", ["", "k", "5K", "5kb", "5 k", "0x5", "inf", "nan", "5s", "1_000", "9" * 50])
def test_what_is_no_number_is_refused(text: str) -> None:
    """Case matters; nothing that only Python takes for a number is one."""
    assert not is_number(text)
    with pytest.raises(ValueError, match="a number"):
        number_of(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", 5), ("200ms", 200), ("5s", 5000), ("1m30s", 90_000), ("1.5h", 5_400_000), ("2d", 172_800_000),
     ("500us", 0.5), ("-5s", -5000)],
)  # fmt: skip
def test_durations_are_milliseconds(text: str, expected: float) -> None:
    """A bare number is milliseconds already, as everywhere in the model."""
    assert milliseconds_of(text) == expected


@pytest.mark.parametrize("text", ["", "5S", "5k", "s", "5 s", "5min", "M5"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """M is minutes; nothing is guessed."""
    with pytest.raises(ValueError, match="a duration"):
        milliseconds_of(text)


@pytest.mark.parametrize(
    ("text", "expected", "width"),
    [
        ("+30s", START + 30_000, 1000),
        ("-10m", START + 5 * HOUR - 600_000, 60_000),
        ("end-1m", START + 2 * HOUR - 60_000, 60_000),
        ("start+1h30m", START + 5_400_000, 60_000),
        ("now", START + 5 * HOUR, 1),
        ("start", START, 1),
        ("end", START + 2 * HOUR, 1),
        ("14:05", START + 300_000, 60_000),
        ("14:05:30", START + 330_000, 1000),
        ("14:05:30.5", START + 330_500, 1),
        ("13:00", START - HOUR, 60_000),
        ("2026-08-01", START - 14 * HOUR, 86_400_000),
        ("2026-08-01T14:05", START + 300_000, 60_000),
        ("2026-08-01T14:05:30", START + 330_000, 1000),
        ("2026-08-01T14:05:30.500", START + 330_500, 1),
        ("2026-08-01T16:05+02:00", START + 300_000, 60_000),
        ("2026-08-01T14:05Z", START + 300_000, 60_000),
        ("1785592800000", START, 1),
        ("-5", -5, 1),
    ],
)
def test_times_are_resolved_against_the_run_and_now(text: str, expected: int, width: int) -> None:
    """A time covers as much as it is written; naive ones are local."""
    assert time_of(text, CLOCK) == (expected, width)


def test_a_time_of_day_is_that_within_the_run() -> None:
    """A run over midnight has the early hours of its second day."""
    over_midnight = RunClock(lambda: START + 9 * HOUR, lambda: START + 12 * HOUR, 0)
    assert time_of("01:00", over_midnight)[0] == START + 11 * HOUR
    assert time_of("23:30", over_midnight)[0] == START + 9 * HOUR + HOUR // 2
    assert time_of("12:00", over_midnight)[0] == START - 2 * HOUR


@pytest.mark.parametrize(
    "text", ["", "later", "25:00", "14:60", "+30", "-x", "2026-13-01", "2026-W05", "20260801x",
     "end-", "now+", "9999999d-", "+99999999999999999d"]
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    """With the forms that are."""
    with pytest.raises(ValueError, match="a time"):
        time_of(text, CLOCK)


def test_a_clock_beyond_calendars_is_no_crash() -> None:
    """Timestamps may be any 64-bit number; a time of day then falls on the first day there is."""
    far = RunClock(lambda: 2**62, lambda: 2**62, 0)
    assert time_of("14:05", far) == (845 * 60_000, 60_000)


def test_globs_have_one_sign() -> None:
    """A star is any characters, line ends too; all else is itself; many stars stay fast."""
    assert glob_pattern("a*c").fullmatch("ab\nbc")
    assert glob_pattern("[a]?.*").fullmatch("[a]?.x")
    assert not glob_pattern("a*").fullmatch("A")
    assert glob_pattern("A*", ignore_case=True).fullmatch("ab")
    assert glob_pattern("*").fullmatch("")
    assert glob_pattern("a**b").fullmatch("axb")
    assert glob_pattern("*a*b*").fullmatch("xxaxbx")
    assert not glob_pattern("*a" * 30 + "*b").fullmatch("a" * 5000)


@pytest.mark.parametrize("pattern", ["(", "[", "a{99999999999}", "(?L)a", "*"])
def test_a_broken_regular_expression_is_refused_with_the_reason(pattern: str) -> None:
    """No exception of the re module gets out."""
    with pytest.raises(ValueError, match="a regular expression"):
        compiled(pattern)
