from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracetui
from tests.analysis.conftest import recording
from tests.tui.conftest import T0
from tracetui import Custom, Database, Decision, Error, Query, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.analysis.diff import CHANGED, EQUAL, ONLY_A, ONLY_B, Diff, diff
from tracetui.analysis.summary import summary
from tracetui.model.trace_type import TraceType
from tracetui.storage.backend import RunView


@dataclass(frozen=True)
class Node:
    """A step of a generated run: its parent's place in the list, −1 for a root, and what it is."""

    parent: int
    kind: TraceType


Plan = list[Node]


def recorded(plan: Plan, name: str = "a") -> RunView:
    """Return a run with these steps; ids, times and call ids are its own."""
    db = tracetui.open("memory://")
    run = db.create_run(name, id=name)
    start = T0 + len(name) * 77_777
    drafts = [
        TraceDraft(
            node.kind,
            id=f"{name}-{n}",
            parent_id=None if node.parent < 0 else f"{name}-{node.parent}",
            timestamp=start + n * 1000,
            end_ms=start + n * 1000 + 10,
        )
        for n, node in enumerate(plan)
    ]
    for at in range(0, len(drafts), 10_000):
        TraceStore(db).record_many(run.id, drafts[at : at + 10_000])
    return db.view(run.id)


def compared(a: Plan, b: Plan) -> Diff:
    """Return the diff of two generated runs."""
    return diff(recorded(a, "a"), recorded(b, "bb"))


def pairs(found: Diff) -> list[tuple[int, int]]:
    """Return the seqs of every row."""
    return [(row.a, row.b) for row in found.rows]


def without(plan: Plan, gone: int) -> Plan:
    """Return the plan without a step and all below it."""
    left: Plan = []
    dropped, places = {gone}, {-1: -1}
    for n, node in enumerate(plan):
        if n == gone or node.parent in dropped:
            dropped.add(n)
            continue
        places[n] = len(left)
        left.append(Node(places[node.parent], node.kind))
    return left


KINDS: st.SearchStrategy[TraceType] = st.one_of(
    st.builds(ToolCall, st.sampled_from(["bash", "read"]), st.fixed_dictionaries({"n": st.integers(0, 2)})),
    st.builds(Decision, st.just("how?"), st.just(["x", "y"]), st.sampled_from(["x", "y"])),
    st.builds(Thought, st.sampled_from(["hm", "so"])),
    st.builds(
        Custom, st.sampled_from(["Agent", "LLM"]), st.fixed_dictionaries({"output": st.sampled_from("pq")})
    ),
)


@st.composite
def plans(draw: st.DrawFn, min_size: int = 0) -> Plan:
    """Draw a run: every step below an earlier one or a root, few distinct steps, so that many are alike."""
    kinds = draw(st.lists(KINDS, min_size=min_size, max_size=14))
    return [Node(draw(st.integers(-1, n - 1)), kind) for n, kind in enumerate(kinds)]


# ---- what always holds -----------------------------------------------------------------------------------


@given(plans())
def test_a_run_equals_itself_recorded_again(plan: Plan) -> None:
    """Other ids and times make no difference, and every row pairs the same step."""
    found = compared(plan, plan)
    assert found.equal
    assert found.first == -1
    assert all(row.kind == EQUAL and row.a == row.b for row in found.rows)


@given(plans(), plans())
def test_every_trace_stands_in_exactly_one_row(a: Plan, b: Plan) -> None:
    """Sections are the rows, and a row's depth is that of its traces."""
    found = compared(a, b)
    assert sorted(row.a for row in found.rows if row.a >= 0) == list(range(len(a)))
    assert sorted(row.b for row in found.rows if row.b >= 0) == list(range(len(b)))
    assert [n for section in found.sections for n in range(section.start, section.end)] == [
        *range(len(found.rows))
    ]
    above: list[tuple[int, int]] = []
    for row in found.rows:
        del above[row.depth :]
        parent = above[-1] if above else (-1, -1)
        assert row.a < 0 or a[row.a].parent == parent[0]
        assert row.b < 0 or b[row.b].parent == parent[1]
        above.append((row.a, row.b))


@given(plans(), plans())
def test_exchanging_the_runs_exchanges_the_sides(a: Plan, b: Plan) -> None:
    """The same steps are paired, and what one took more the other took less."""
    view_a, view_b = recorded(a, "a"), recorded(b, "bb")
    there, back = diff(view_a, view_b), diff(view_b, view_a)
    assert sorted(pairs(there)) == sorted((x, y) for y, x in pairs(back))
    assert sum(section.ms for section in there.sections) == -sum(section.ms for section in back.sections)
    assert there.equal == back.equal


@given(plans(min_size=1), st.data())
def test_a_step_taken_out_is_found_exactly(plan: Plan, data: st.DataObject) -> None:
    """It and what was below it are only in A, and nothing else differs; put in, only in B."""
    gone = data.draw(st.integers(0, len(plan) - 1))
    shorter = without(plan, gone)
    lost = len(plan) - len(shorter)
    found = compared(plan, shorter)
    assert (found.count(ONLY_A), found.count(EQUAL)) == (lost, len(shorter))
    assert len(found.differences) == 1
    back = compared(shorter, plan)
    assert (back.count(ONLY_B), back.count(EQUAL)) == (lost, len(shorter))


@given(plans(min_size=1), st.data())
def test_a_step_that_changed_is_found_exactly(plan: Plan, data: st.DataObject) -> None:
    """One row differs, it pairs the step with itself, and names the part."""
    at = data.draw(st.integers(0, len(plan) - 1))
    kind = plan[at].kind
    if isinstance(kind, ToolCall):
        other: TraceType = replace(kind, arguments={"n": 9})
    elif isinstance(kind, Decision):
        other = replace(kind, chosen="z")
    elif isinstance(kind, Thought):
        other = replace(kind, content="no")
    else:
        other = Custom(type(kind).__name__ if not isinstance(kind, Custom) else kind.name, {"output": "z"})
    found = compared(plan, [*plan[:at], Node(plan[at].parent, other), *plan[at + 1 :]])
    assert [(row.kind, row.a, row.b) for row in found.rows if row.kind != EQUAL] == [(CHANGED, at, at)]
    (change,) = next(row for row in found.rows if row.kind == CHANGED).changes
    assert change.part in ("args.n", "chosen", "content", "data.output")


# ---- what counts -----------------------------------------------------------------------------------------


def one(kind: TraceType, other: TraceType) -> list[str]:
    """Return how two runs of one step each differ, as text."""
    found = compared([Node(-1, kind)], [Node(-1, other)])
    return [change.text() for row in found.rows for change in row.changes] + [
        row.kind for row in found.rows if row.kind in (ONLY_A, ONLY_B)
    ]


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (ToolCall("x", {"p": 1}), ToolCall("x", {"p": 2}), ["args.p: 1 → 2"]),
        (ToolCall("x", "a"), ToolCall("x", ["a"]), ['args: a → ["a"]']),
        (ToolCall("x", {}, "ok"), ToolCall("x", {}), ["result: ok → none"]),
        (ToolCall("x", {}), ToolCall("y", {}), [ONLY_A, ONLY_B]),
        (Decision("q", ["a"], "a"), Decision("q", ["a", "b"], "b"), ['options: ["a"] → ["a", "b"]', "chosen: a → b"]),
        (Query("sql", "a", 1), Query("sql", "a", 2), ["results: 1 → 2"]),
        (Thought("a", 0.8), Thought("a", 0.3), ["confidence: 0.8 → 0.3"]),
        (Error("E", "no", recoverable=False), Error("F", "no", recoverable=False), ["error: E → F"]),
        (Custom("LLM", {"output": "a"}), Custom("LLM", {"output": "b\x1b"}), ["data.output: a → b␛"]),
        (Custom("Step", 1), Custom("Stop", 1), [ONLY_A, ONLY_B]),
        (ToolCall("x", {"id": 1, "call_id": "1"}), ToolCall("x", {"id": 1, "call_id": "2"}), []),
        (ToolCall("x", {}, None, 5), ToolCall("x", {}, None, 7), []),
    ],
)  # fmt: skip
def test_what_changed_is_told_by_the_query_language_s_names(
    a: TraceType, b: TraceType, said: list[str]
) -> None:
    """Steps of one type and tool are paired; others are not. Ids and durations make no difference."""
    assert one(a, b) == said


def test_a_long_value_is_shown_where_it_differs() -> None:
    """With what stands a little before, not from its beginning."""
    text = "same " * 5000
    found = compared([Node(-1, Thought(text + "one"))], [Node(-1, Thought(text + "two"))])
    change = found.rows[0].changes[0]
    assert change.a.endswith("one")
    assert change.b.endswith("two")
    assert len(change.a) < 60


def test_that_a_step_ended_otherwise_follows_from_what_is_below_it() -> None:
    """It is told on its row, and the first divergence is the step that did something else."""
    agent, good = Custom("Agent", {"output": "done"}), Custom("Agent", {"output": "gave up"})
    a = [Node(-1, agent), Node(0, ToolCall("read", {})), Node(0, Decision("how?", [], "patch"))]
    b = [Node(-1, good), Node(0, ToolCall("read", {})), Node(0, Decision("how?", [], "retry"))]
    found = compared(a, b)
    assert [(row.kind, row.follows) for row in found.rows] == [
        (CHANGED, True),
        (EQUAL, False),
        (CHANGED, False),
    ]
    assert (found.first, len(found.differences)) == (2, 1)
    assert found.rows[0].changes[0].text() == "data.output: done → gave up"


def test_what_a_model_was_given_counts_until_the_runs_part() -> None:
    """After that it always differs and says nothing."""

    def run(prompt: str, chosen: str) -> Plan:
        calls = [Custom("LLM", {"input": [prompt, *["more"] * n], "output": "go"}) for n in range(3)]
        return [
            Node(-1, calls[0]),
            Node(-1, Decision("q", [], chosen)),
            Node(-1, calls[1]),
            Node(-1, calls[2]),
        ]

    given = compared(run("fix a", "x"), run("fix b", "x"))
    assert [row.kind for row in given.rows] == [CHANGED, EQUAL, EQUAL, EQUAL]
    assert given.rows[0].changes[0].part == "data.input"
    parted = compared(
        [Node(-1, Decision("q", [], "x")), *run("a", "x")], [Node(-1, Decision("q", [], "y")), *run("b", "x")]
    )
    assert [row.kind for row in parted.rows] == [CHANGED, EQUAL, EQUAL, EQUAL, EQUAL]


def test_a_longer_loop_is_told_as_steps_that_only_one_run_has() -> None:
    """Rows that follow each other on one side are one difference with one effect."""
    call, error = ToolCall("bash", {"command": "pytest"}), Error("E", "no", recoverable=False)
    loop = [Node(-1, call), Node(0, error)]
    again = [node for n in range(4) for node in (Node(-1, call), Node(2 * n, error))]
    found = compared(loop, again)
    assert [(section.kind, len(section)) for section in found.sections] == [(EQUAL, 2), (ONLY_B, 6)]
    assert found.differences[0].ms == 3 * 1010


def at_once(*names: str) -> RunView:
    """Return a run of calls between two others; those within one name, as "abc", run at the same time."""
    db = tracetui.open("memory://")
    run = db.create_run(id="-".join(names))
    store, time = TraceStore(db), T0
    for together in names:
        for n, name in enumerate(together):
            kind = ToolCall(name, {})
            store.record_with_options(run.id, kind, timestamp=time + n, end_ms=time + 50)
        time += 1000
    return db.view(run.id)


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (("x", "abc", "y"), ("x", "cab", "y"), True),
        (("x", "abc", "y"), ("x", "c", "a", "b", "y"), True),
        (("x", "a", "b", "y"), ("x", "b", "a", "y"), False),
        (("x", "ab", "y"), ("b", "x", "a", "y"), False),
    ],
)
def test_calls_that_ran_at_the_same_time_may_change_places(
    a: tuple[str, ...], b: tuple[str, ...], equal: bool
) -> None:
    """Not with what ran before or after them; the pairs are the same whichever side is first."""
    view_a, view_b = at_once(*a), at_once(*b)
    there, back = diff(view_a, view_b), diff(view_b, view_a)
    assert there.equal == back.equal == equal
    assert sorted(pairs(there)) == sorted((i, j) for j, i in pairs(back))
    assert len({row.a for row in there.rows if row.a >= 0}) == len(view_a.ids)


def test_empty_runs_are_equal() -> None:
    """Nothing beside nothing, and nothing beside something."""
    assert compared([], []).equal
    assert compared([], [Node(-1, Thought("x"))]).count(ONLY_B) == 1


# ---- size ------------------------------------------------------------------------------------------------


def test_deep_runs_are_compared_without_recursion() -> None:
    """A chain of 3,000 steps that differs at its end."""
    chain: Plan = [Node(n - 1, Custom("Step", n)) for n in range(3000)]
    last: Plan = [Node(2998, Custom("Step", "x"))]
    found = compared(chain, chain[:-1] + last)
    assert (found.count(EQUAL), found.first) == (2999, 2999)


def test_wide_and_wholly_different_runs_are_compared_in_one_piece() -> None:
    """5,000 children beside 5,000 others: every trace once, and the common ones paired."""
    source = random.Random(4)

    def wide() -> Plan:
        calls = [ToolCall(source.choice("abc"), {"n": source.randrange(10)}) for _ in range(5000)]
        return [Node(-1, Custom("Agent")), *(Node(0, call) for call in calls)]

    found = compared(wide(), wide())
    assert len({row.a for row in found.rows}) - 1 == len({row.b for row in found.rows}) - 1 == 5001
    assert found.count(EQUAL) > 1000


# ---- real recordings, read first -------------------------------------------------------------------------


@pytest.mark.parametrize("other", ["pydantic-ai-default-batch", "pydantic-ai-v2"])
def test_one_agent_recorded_through_two_exporters_is_one_agent(shared_data: Path, other: str) -> None:
    """Times, ids, and the names of spans differ in the files; the 23 steps and their order are the same."""
    ours, theirs = (
        recording(shared_data / "otlp" / f"{name}.otlp.jsonl") for name in ("pydantic-ai-default", other)
    )
    found = diff(ours, theirs)
    assert found.equal
    assert found.count(EQUAL) == 23


def test_a_real_run_differs_where_it_was_given_another_task(shared_data: Path) -> None:
    """Of one file: the planner asks for the weather, the crasher calls ``boom``; nothing is equal but what stands around."""
    path = shared_data / "otlp" / "pydantic-ai-default.otlp.jsonl"
    found = diff(recording(path, 0), recording(path, 1))
    assert found.first == 0
    view = recording(path, 1)
    only_there = [summary(view.trace(row.b)) for row in found.rows if row.kind is ONLY_B]
    assert "boom x=0" in only_there


def test_the_failing_sample_parts_from_the_good_one_at_what_it_thought(samples: Database) -> None:
    """Read in both: after the first failed test one saw that the module is missing, the other that it is the same error."""
    good, bad = samples.view("run-9a6e9778"), samples.view("run-95f59d74")
    found = diff(good, bad)
    row = found.rows[found.first]
    assert summary(bad.trace(row.b)) == "same error, maybe the path"
    assert found.rows[found.first + 1].changes[0].part == "chosen"
    assert summary(bad.trace(found.rows[found.first + 1].b)) == "retry or patch? → retry"
