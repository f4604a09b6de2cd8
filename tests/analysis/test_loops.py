from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.conftest import recording, run_of
from tracetui import Custom, Database, Error, ToolCall, TraceDraft
from tracetui.analysis.loops import find_loops, loop_seqs


def call(tool: str, at: int, arguments: Any = None, **more: Any) -> TraceDraft:
    """Return a call of 10 ms."""
    arguments = {"x": 1} if arguments is None else arguments
    options = {"timestamp": at, "end_ms": at + 10, **more}
    return TraceDraft(ToolCall(tool, arguments, options.pop("result", None)), **options)


def seqs(drafts: list[TraceDraft]) -> list[tuple[int, ...]]:
    """Return the loops of a run as seqs."""
    return [loop.seqs for loop in find_loops(run_of(drafts)).loops]


def test_three_equal_calls_are_a_loop_and_two_are_none() -> None:
    """Of one tool with the same arguments and outcome."""
    assert seqs([call("a", 0), call("a", 20)]) == []
    assert seqs([call("a", 0), call("a", 20), call("a", 40)]) == [(0, 1, 2)]
    assert seqs([call("a", 0), call("b", 20), call("a", 40)]) == []
    assert seqs([call("a", 0), call("a", 20, {"x": 2}), call("a", 40)]) == []


def test_ids_times_and_descriptions_make_no_other_call() -> None:
    """A result may tell another duration, too."""
    drafts = [
        call("bash", n * 20, {"command": "x", "description": f"try {n}", "call_id": str(n)}, result=f"ok in 0.{n}s")
        for n in range(3)
    ]  # fmt: skip
    assert seqs(drafts) == [(0, 1, 2)]


def test_another_outcome_is_another_call() -> None:
    """Status, result, and what the error below says."""
    assert seqs([call("a", n * 20, result=n) for n in range(5)]) == []
    assert seqs([call("a", 0, status="error"), call("a", 20, status="error"), call("a", 40)]) == []
    said = ["no file", "no file", "no file", "no memory"]
    drafts = [call("a", n * 20, id=f"c{n}", status="error") for n in range(4)]
    drafts += [
        TraceDraft(Error("E", text, False), parent_id=f"c{n}", timestamp=99) for n, text in enumerate(said)
    ]
    assert seqs(drafts) == [(0, 1, 2)]


def test_unrecorded_arguments_never_match() -> None:
    """Neither missing ones nor those that were cut or blacked out; recorded ones without content do."""
    assert (
        seqs([TraceDraft(ToolCall("a", None), timestamp=n * 20, end_ms=n * 20 + 10) for n in range(4)]) == []
    )
    assert seqs([call("a", n * 20, metadata={"truncated": {"arguments.x": 9}}) for n in range(4)]) == []
    assert seqs([call("a", n * 20, metadata={"redacted": ["arguments.x"]}) for n in range(4)]) == []
    assert seqs([call("a", n * 20, {}) for n in range(4)]) == [(0, 1, 2, 3)]


def test_ten_other_calls_may_stand_between_and_eleven_may_not() -> None:
    """Of the same agent, of any tool."""
    for others, expected in ((10, [(0, 11, 22)]), (11, [])):
        drafts, at = [], 0
        for _ in range(3):
            drafts.append(call("a", at := at + 20))
            drafts += [call("b", at := at + 20, {"n": at}) for _ in range(others)]
        assert seqs(drafts) == expected


def test_a_user_turn_ends_a_loop() -> None:
    """Whoever asks again wants it again."""
    turn = TraceDraft(Custom("Turn"), timestamp=30)
    assert seqs([call("a", 0), call("a", 20), turn, call("a", 40), call("a", 60)]) == []
    assert seqs([call("a", 0), call("a", 20), turn, *(call("a", n) for n in (40, 60, 80))]) == [(3, 4, 5)]


def test_calls_of_several_agents_are_no_loop() -> None:
    """The nearest agent counts."""
    agents = [TraceDraft(Custom("Agent"), id=name, timestamp=0) for name in "pqr"]
    assert seqs([*agents, *(call("a", n * 20, parent_id=name) for n, name in enumerate("pqr"))]) == []


def test_overlapping_calls_are_fan_out() -> None:
    """They are no part of a loop; what stands alone still is."""
    beside = [call("a", n, id=f"c{n}") for n in (0, 5, 9)]
    found = find_loops(run_of(beside))
    assert found.loops == ()
    assert [(fan.tool, fan.seqs, fan.parent) for fan in found.fan_outs] == [("a", (0, 1, 2), -1)]
    assert seqs([*beside, *(call("a", n) for n in (100, 120, 140))]) == [(3, 4, 5)]


def test_an_open_call_has_no_outcome() -> None:
    """What still runs is not yet the same again."""
    assert seqs([call("a", 0), call("a", 20), call("a", 40, end_ms=None, open=True)]) == []


def test_wasted_is_what_the_repeats_took() -> None:
    """Their time, and the usage of the model steps that asked for them, whether above or before them."""
    usage: Any = {"usage": {"input": 100, "output": 7}, "cost": {"usd": 0.5}}
    flat: list[TraceDraft] = []
    for n in range(3):
        flat += [
            TraceDraft(Custom("LLM"), timestamp=n * 100, end_ms=n * 100 + 5, metadata=usage),
            call("a", n * 100 + 20),
        ]
    nested = [
        draft
        for n in range(3)
        for draft in (
            TraceDraft(Custom("LLM"), id=f"m{n}", timestamp=n * 100, end_ms=n * 100 + 5, metadata=usage),
            call("a", n * 100 + 20, parent_id=f"m{n}"),
        )
    ]
    for drafts in (flat, nested):
        (loop,) = find_loops(run_of(drafts)).loops
        assert (loop.wasted_ms, loop.wasted_in, loop.wasted_out, loop.wasted_usd) == (20, 200, 14, 1.0)
        assert (loop.wasted_tokens, loop.failed) == (214, False)


def test_places_are_badges() -> None:
    """Which call of how many, by seq."""
    found = find_loops(run_of([call("a", 0), call("b", 20), call("a", 40), call("a", 60)]))
    assert found.places() == {0: (1, 3), 2: (2, 3), 3: (3, 3)}
    assert (found.of(2), found.of(1)) == (found.loops[0], None)


# ---- against looking at every pair -----------------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, int, int, int]]:
    """Draw (tool, start, length, outcome) in order of time; the tool "turn" is one."""
    found, at = [], 0
    for _ in range(draw(st.integers(0, 40))):
        at += draw(st.integers(1, 12))
        tool = draw(st.sampled_from(["a", "a", "a", "b", "c", "c", "turn"]))
        found.append((tool, at, draw(st.integers(0, 14)), draw(st.sampled_from([0, 0, 0, 1]))))
    return found


def naive(history: list[tuple[str, int, int, int]]) -> list[tuple[int, ...]]:
    """Return the loops of a history by comparing every call with every other."""
    calls = [n for n, item in enumerate(history) if item[0] != "turn"]

    def overlaps(n: int) -> bool:
        tool, start, length, _ = history[n]
        return any(
            m != n
            and history[m][0] == tool
            and start < history[m][1] + history[m][2]
            and history[m][1] < start + length
            for m in calls
        )

    found = []
    for tool, outcome in sorted({(history[n][0], history[n][3]) for n in calls}):
        chain: list[int] = []
        for n in calls:
            if (history[n][0], history[n][3]) != (tool, outcome) or overlaps(n):
                continue
            others = [m for m in calls if chain and chain[-1] < m < n]
            turns = [m for m in range(chain[-1] if chain else n, n) if history[m][0] == "turn"]
            if chain and (len(others) > 10 or turns):
                found.append(tuple(chain))
                chain = []
            chain.append(n)
        found.append(tuple(chain))
    return sorted(chain for chain in found if len(chain) >= 3)


@given(histories())
def test_loops_are_what_looking_at_every_pair_finds(history: list[tuple[str, int, int, int]]) -> None:
    """For any sequence of calls, overlapping ones and turns between included."""
    drafts = [
        TraceDraft(Custom("Turn"), timestamp=start)
        if tool == "turn"
        else call(tool, start, end_ms=start + length, result=outcome)
        for tool, start, length, outcome in history
    ]
    assert sorted(seqs(drafts)) == naive(history)


# ---- real ones -------------------------------------------------------------------------------------------


def test_the_failing_sample_ran_its_tests_seven_times(samples: Database) -> None:
    """Read in the run: seven calls `python -m unittest -q`, a decision to retry before each but the first."""
    view = samples.view("run-95f59d74")
    (loop,) = find_loops(view).loops
    assert (loop.tool, len(loop.seqs), loop.failed) == ("bash", 7, True)
    assert view.trace(loop.agent).metadata == {"name": "run tests"}
    assert loop.wasted_ms == 2808 + 2468 + 2346 + 2816 + 2754 + 2405
    assert loop.wasted_tokens == 0  # the retries were decided without asking the model
    assert loop_seqs(view) == set(loop.seqs)
    for other in ("run-9a6e9778", "run-b4a157e0", "run-faed1436", "run-dcfde379"):
        assert find_loops(samples.view(other)).loops == ()


def test_ten_thousand_pages_beside_each_other_are_one_fan_out(samples: Database) -> None:
    """Wide-fanout fetches 9,999 pages, eight at a time, without a pause."""
    (fan,) = find_loops(samples.view("run-faed1436")).fan_outs
    assert (fan.tool, len(fan.seqs)) == ("fetch", 9999)


def test_no_session_of_a_person_is_a_loop(shared_data: Path) -> None:
    """In these transcripts files are read again after they were edited: that is other news, and no loop."""
    for name in (
        "episodic-large",
        "erk-runner-compact-2.6MB",
        "erk-runner-parallel-2.1MB",
        "erk-subagents15-compact-4MB",
    ):
        assert find_loops(recording(shared_data / "claude-code" / f"{name}.jsonl")).loops == ()
