from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.conftest import recording, run_of, spans
from tracetui import Custom, Database, Error, ToolCall, TraceDraft
from tracetui.analysis.timing import Gap, Stretch, timing_of


def test_self_time_is_duration_minus_the_union_of_children() -> None:
    """Children that overlap count once, and only where they lie in their parent; a grandchild counts in its parent."""
    view = spans(
        ("a", None, 0, 100), ("b", "a", 10, 40), ("c", "a", 30, 50), ("d", "a", 90, 150), ("e", "b", 10, 20)
    )
    assert list(timing_of(view).self_ms) == [50, 20, 20, 60, 10]


def test_a_child_without_an_end_stands_for_what_is_below_it() -> None:
    """A message that was never ended hides no call; what is not timed has no self time."""
    view = spans(("a", None, 0, 100), ("open", "a", 10, None), ("b", "open", 20, 60))
    assert list(timing_of(view).self_ms) == [60, -1, 40]


def test_the_duration_of_a_call_is_its_own_field_if_it_has_one() -> None:
    """Then it needs no end; else end − start."""
    view = run_of([
        TraceDraft(ToolCall("a", {}, duration_ms=30), timestamp=1000, end_ms=1500),
        TraceDraft(ToolCall("b", {}, duration_ms=40), timestamp=1000),
        TraceDraft(ToolCall("c", {}), timestamp=1000, end_ms=1007),
        TraceDraft(ToolCall("d", {}), timestamp=1000),
    ])  # fmt: skip
    timing = timing_of(view)
    assert list(timing.durations) == [30, 40, 7, -1]
    assert (timing.start_ms, timing.end_ms) == (1000, 1040)


def test_gaps_are_a_second_or_two_per_cent_of_active_time() -> None:
    """Below that nothing is idle; the gap names the leaf that begins where it ends."""
    short = spans(("a", None, 0, 1000), ("b", None, 1999, 3000))
    assert timing_of(short).gaps == ()
    second = spans(("a", None, 0, 1000), ("b", None, 2000, 3000))
    assert timing_of(second).gaps == (Gap(1000, 2000, False, 1),)
    long = spans(("a", None, 0, 60_000), ("b", None, 61_999, 100_000), ("c", None, 102_000, 103_000))
    assert [(gap.start_ms, gap.end_ms) for gap in timing_of(long).gaps] == []
    wide = spans(("a", None, 0, 60_000), ("b", None, 61_999, 98_000), ("c", None, 100_000, 100_000))
    assert [(gap.start_ms, gap.end_ms) for gap in timing_of(wide).gaps] == [(98_000, 100_000)]


def test_a_gap_that_ends_at_user_input_is_waiting_and_no_active_time() -> None:
    """User input cuts a silence in two: before it you were waited for, after it something else."""
    view = spans(
        ("turn 1", None, 0, None), ("a", "turn 1", 0, 2000), ("turn 2", None, 500_000, None), ("b", "turn 2", 503_000, 504_000)
    )  # fmt: skip
    timing = timing_of(view)
    assert timing.gaps == (Gap(2000, 500_000, True, 2), Gap(500_000, 503_000, False, 3))
    assert (timing.active_ms, timing.idle_ms, timing.waiting_ms) == (6000, 3000, 498_000)


def test_an_error_that_took_no_time_does_not_hide_its_call() -> None:
    """The call is still a leaf: something ran."""
    view = run_of([
        TraceDraft(ToolCall("a", {}), id="a", timestamp=0, end_ms=5000),
        TraceDraft(Error("E", "no", False), parent_id="a", timestamp=5000, end_ms=5000),
    ])  # fmt: skip
    assert timing_of(view).gaps == ()


def test_the_critical_path_goes_backwards_into_the_child_that_ends_last() -> None:
    """Of two at the same time the later end counts; what nothing covers belongs to the parent."""
    view = spans(("a", None, 0, 100), ("fast", "a", 10, 40), ("slow", "a", 10, 60), ("last", "a", 70, 100))
    assert timing_of(view).path == (
        Stretch(0, 0, 10),
        Stretch(2, 10, 60),
        Stretch(0, 60, 70),
        Stretch(3, 70, 100),
    )


def test_the_critical_path_follows_calls_that_outlive_the_message_above() -> None:
    """In transcripts a message ends before its calls do; where nothing ran the path says so."""
    view = spans(("message", None, 0, 20), ("call", "message", 30, 80), ("next", None, 90, 100))
    timing = timing_of(view)
    assert timing.path == (
        Stretch(0, 0, 20), Stretch(-1, 20, 30), Stretch(1, 30, 80), Stretch(-1, 80, 90), Stretch(2, 90, 100),
    )  # fmt: skip
    assert timing.path_ms == 80


def test_slow_are_the_top_five_per_cent_of_a_tenth_of_a_second() -> None:
    """One in twenty, at least one; never below 100 ms."""
    view = spans(*((f"c{n}", None, 1000 * n, 1000 * n + 90 + n) for n in range(40)))
    assert timing_of(view).slow == (39, 38)
    assert timing_of(spans(("a", None, 0, 99))).slow == ()
    assert timing_of(spans(("a", None, 0, 100))).slow == (0,)


def test_a_run_without_times_has_durations_and_nothing_else() -> None:
    """Its timestamps are numbers of steps."""
    view = run_of(
        [
            TraceDraft(Custom("Agent"), id="a", timestamp=0),
            TraceDraft(ToolCall("x", {}, duration_ms=5000), parent_id="a", timestamp=1),
        ],
        {"time": "none"},
    )
    timing = timing_of(view)
    assert (list(timing.self_ms), timing.gaps, list(timing.path), timing.active_ms) == ([-1, 5000], (), [], 0)


def test_an_empty_run_and_a_very_deep_one() -> None:
    """No recursion anywhere."""
    assert timing_of(run_of([])).path == ()
    deep = [
        TraceDraft(ToolCall("t", {}), id=str(n), parent_id=str(n - 1) if n else None, timestamp=n, end_ms=20_000 - n)
        for n in range(8000)
    ]  # fmt: skip
    timing = timing_of(run_of(deep))
    assert set(timing.self_ms[:-1]) == {2}
    assert timing.path_ms == 20_000


# ---- against painting every millisecond ------------------------------------------------------------------


@st.composite
def forests(draw: st.DrawFn) -> list[tuple[int, int, int | None]]:
    """Draw traces as (parent before it or −1, start, end or None)."""
    count = draw(st.integers(1, 12))
    found: list[tuple[int, int, int | None]] = []
    for n in range(count):
        start, length = draw(st.integers(0, 40)), draw(st.integers(-6, 30))
        found.append((draw(st.integers(-1, n - 1)), start, None if length < 0 else start + length))
    return found


def painted_self(traces: list[tuple[int, int, int | None]]) -> list[int]:
    """Return self times by painting: a millisecond is a trace's own if no timed trace right below covers it."""

    def near(n: int) -> int:
        parent = traces[n][0]
        while parent >= 0 and traces[parent][2] is None:
            parent = traces[parent][0]
        return parent

    found = []
    for n, (_, start, end) in enumerate(traces):
        covers = [t for m, t in enumerate(traces) if t[2] is not None and near(m) == n]
        own = [ms for ms in range(start, end or start) if not any(s <= ms < (e or s) for _, s, e in covers)]
        found.append(-1 if end is None else len(own))
    return found


@given(forests())
def test_self_time_is_what_painting_says(traces: list[tuple[int, int, int | None]]) -> None:
    """For any forest, children that start before or end after their parents included."""
    view = spans(*((f"t{n}", f"t{p}" if p >= 0 else None, s, e) for n, (p, s, e) in enumerate(traces)))
    timing = timing_of(view)
    assert list(timing.self_ms) == painted_self(traces)
    assert sum(stretch.duration_ms for stretch in timing.path) == timing.end_ms - timing.start_ms
    for before, after in zip(timing.path, timing.path[1:], strict=False):
        assert before.end_ms == after.start_ms
    for stretch in timing.path:
        assert stretch.seq < 0 or (
            traces[stretch.seq][1] <= stretch.start_ms and stretch.end_ms <= (traces[stretch.seq][2] or 0)
        )


# ---- real ones -------------------------------------------------------------------------------------------


def test_the_failing_sample_runs_its_tests_nearly_all_the_time(samples: Database) -> None:
    """Read in the run: seven `python -m unittest` of 2.5 to 2.8 s follow each other, nothing waits."""
    view = samples.view("run-95f59d74")
    timing = timing_of(view)
    assert timing.gaps == ()
    tests = [
        seq
        for seq in range(view.count)
        if view.type_names[view.types[seq]] == "ToolCall" and timing.self_ms[seq] > 2000
    ]
    assert len(tests) == 7
    assert set(timing.slow) < set(tests)
    assert sum(s.duration_ms for s in timing.path if s.seq in tests) == sum(
        timing.self_ms[seq] for seq in tests
    )


def test_a_session_waits_for_its_user(shared_data: Path) -> None:
    """In fasthooks-main-compact.jsonl line 7 ends the answer at 38.617, the second prompt is line 10 at 56.860."""
    timing = timing_of(recording(shared_data / "claude-code" / "fasthooks-main-compact.jsonl"))
    waits = [gap.duration_ms for gap in timing.gaps if gap.waiting]
    assert waits[0] == 56_860 - 38_617
    assert timing.waiting_ms >= sum(waits)
