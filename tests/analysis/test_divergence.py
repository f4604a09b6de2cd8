from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracetui
from tests.analysis.conftest import REPOSITORY
from tests.analysis.test_diff import Node, Plan, plans, recorded, without
from tests.analysis.test_verdict import LATER
from tests.tui.conftest import T0
from tracetui import Custom, Decision, Error, Query, Thought, ToolCall, TraceDraft, TraceStore
from tracetui.analysis.diff import diff
from tracetui.analysis.divergence import CHOICE, OUTCOME, STEP, Candidate, Divergence, Parting, diverge
from tracetui.analysis.summary import summary
from tracetui.analysis.verdict import judge
from tracetui.importing.opening import FileImport
from tracetui.model.trace_type import TraceType
from tracetui.storage.backend import RunView

READ, TESTS = ToolCall("read", {"path": "a.py"}), ToolCall("bash", {"command": "pytest"})
AGENT = Node(-1, Custom("Agent", {"name": "main"}))


def compared(*runs: tuple[str, Plan]) -> Divergence:
    """Compare runs of (verdict, steps), newest first."""
    return diverge([Candidate(recorded(plan, f"r{n:02d}"), label) for n, (label, plan) in enumerate(runs)])


def below(*kinds: TraceType) -> Plan:
    """Return a run of an agent with these steps below it."""
    return [AGENT, *(Node(0, kind) for kind in kinds)]


def divides(parting: Parting) -> tuple[list[int], list[list[int]]]:
    """Return which runs took the way that is told, and which each other."""
    return list(parting.took.runs), [list(way.runs) for way in parting.instead]


# ---- what always holds -----------------------------------------------------------------------------------


@given(st.lists(plans(), max_size=4))
def test_every_trace_stands_in_exactly_one_place(given: list[Plan]) -> None:
    """Below the place of its parent, and a run stands once in a place, in its own order."""
    found = compared(*(("OK", plan) for plan in given))
    for number, plan in enumerate(given):
        place_of = {
            seq: n for n, place in enumerate(found.places) for run, seq in place.taken if run == number
        }
        assert sorted(place_of) == list(range(len(plan)))
        assert sum(run == number for place in found.places for run, _ in place.taken) == len(plan)
        for seq, node in enumerate(plan):
            place = found.places[place_of[seq]]
            assert place.parent == (-1 if node.parent < 0 else place_of[node.parent])
            assert place.depth == (0 if place.parent < 0 else found.places[place.parent].depth + 1)
            before = [n for n in range(seq) if plan[n].parent == node.parent]
            assert all(place_of[n] < place_of[seq] for n in before)


@given(plans(), st.integers(1, 4))
def test_runs_that_are_alike_part_nowhere(plan: Plan, times: int) -> None:
    """Each step is taken by all of them, and as many steps as one has."""
    found = compared(*[("OK", plan)] * times)
    assert found.partings == ()
    assert len(found.places) == len(plan)
    assert all(len(place.taken) == times for place in found.places)


@given(plans(min_size=1), st.data())
def test_a_step_that_some_did_not_take_is_where_they_part(plan: Plan, data: st.DataObject) -> None:
    """They failed, nobody else did: it is the one parting, of score 1, and what stood below it is alike."""
    gone = data.draw(st.integers(0, len(plan) - 1))
    shorter = without(plan, gone)
    found = compared(("OK", plan), ("FAILED", shorter), ("OK", plan), ("FAILED", shorter), ("OK", plan))
    (parting,) = found.partings
    assert (parting.way, divides(parting), parting.score) == (STEP, ([0, 1, 2], [[3, 4]]), 1)
    assert parting.text() == "3 of 5 took this step; the 2 that did not failed"


@given(plans(), plans())
def test_two_runs_part_only_where_a_diff_differs(a: Plan, b: Plan) -> None:
    """Runs that a diff calls equal part nowhere."""
    views = recorded(a, "a"), recorded(b, "bb")
    found = diverge([Candidate(view, "OK") for view in views])
    if diff(*views).equal:
        assert found.partings == ()
    paired = sum(len(place.taken) == 2 for place in found.places)
    assert len(found.places) == len(a) + len(b) - paired


@given(st.lists(st.tuples(st.sampled_from(["OK", "FAILED", "ENDED"]), plans()), max_size=4))
def test_figures_go_together(runs: list[tuple[str, Plan]]) -> None:
    """The ways of a parting have each run at most once, failing ones are counted, the most telling come first."""
    found = compared(*runs)
    failed = {n for n, member in enumerate(found.runs) if member.label == "FAILED"}
    for parting in found.partings:
        ways = [parting.took, *parting.instead]
        members = [run for way in ways for run in way.runs]
        assert len(set(members)) == len(members)
        assert all(way.failed == len(failed & set(way.runs)) for way in ways)
        assert all((way.seq >= 0) == (way.run in way.runs and way.seq >= 0) for way in ways)
        assert 0 <= parting.score <= 1
        assert parting.text()
    scores = [parting.score for parting in found.partings]
    assert scores == sorted(scores, reverse=True)
    sides = [frozenset(way.runs for way in (p.took, *p.instead)) for p in found.partings]
    assert len(set(sides)) == len(sides)


# ---- ways ------------------------------------------------------------------------------------------------


def test_the_three_of_31_that_left_a_step_out_failed() -> None:
    """Told by the step, not by what followed from it; good runs stand first, newest first."""
    good = below(READ, TESTS, ToolCall("write", {"path": "b.py"}), TESTS)
    bad = below(READ, TESTS, TESTS, TESTS)
    found = compared(*(("FAILED", bad) if n in (3, 11, 30) else ("OK", good) for n in range(31)))
    first = found.partings[0]
    assert first.text() == "28 of 31 took this step; the 3 that did not failed"
    assert (found.places[first.place].depth, first.score) == (1, 1)
    assert [member.run_id for member in found.runs[-3:]] == ["r03", "r11", "r30"]
    assert found.runs[0].run_id == "r00"
    assert found.first_of(0) is None
    own = found.first_of(30)
    assert own is not None
    assert (own[0], own[1].seq) == (first, -1)


def test_another_choice_is_told_with_what_the_others_chose() -> None:
    """Of a decision its option, of a call its arguments, of a model the tools."""

    def run(option: str) -> Plan:
        return below(Decision("retry or patch?", ["retry", "patch"], option, "why not"))

    found = compared(
        ("OK", run("patch")), ("OK", run("patch")), ("FAILED", run("retry")), ("ENDED", run("ask"))
    )
    (parting,) = found.partings
    assert (parting.way, divides(parting)) == (CHOICE, ([3], [[0, 1], [2]]))
    assert parting.text() == "1 of 4 chose this, and failed; none of the others did"
    calls = compared(("OK", below(ToolCall("sh", "ls"))), ("FAILED", below(ToolCall("sh", "rm"))))
    assert calls.partings[0].text() == "1 of 2 chose this; the one that did not failed"
    models = [below(Custom("LLM", {"output": text, "tool_calls": ["x"]})) for text in ("one", "two")]
    assert compared(*(("OK", model) for model in models)).partings == ()


def test_what_is_only_said_otherwise_is_no_parting() -> None:
    """Thoughts and answers: no two runs of a model say the same; nor does a result or a time part them."""
    found = compared(
        ("OK", below(Thought("so", 0.9), Custom("LLM", {"output": "a"}), ToolCall("date", {}, "monday"))),
        ("FAILED", below(Thought("hm", 0.1), Custom("LLM", {"output": "b"}), ToolCall("date", {}, "sunday"))),
    )
    assert found.partings == ()
    assert len(found.places) == 4
    queries = [below(Query("web", text)) for text in ("a", "b")]
    assert compared(*(("OK", query) for query in queries)).partings[0].way == CHOICE


def calls(*statuses: str) -> RunView:
    """Return a run of calls that ended so; those that failed have an error below them."""
    db = tracetui.open("memory://")
    run = db.create_run()
    store = TraceStore(db)
    for n, status in enumerate(statuses):
        store.record_many(run.id, [
            TraceDraft(ToolCall("step", {"n": n}), id=f"c{n}", timestamp=n * 10, end_ms=n * 10 + 5, status=status),
            *([TraceDraft(Error("E", "no", recoverable=False), parent_id=f"c{n}", timestamp=n)] if status == "error" else []),
        ])  # fmt: skip
    return db.view(run.id)


def test_a_call_that_failed_for_some_parts_them_once() -> None:
    """Its error record tells nothing more."""
    found = diverge([
        Candidate(calls("ok", "ok"), "OK"), Candidate(calls("ok", "error"), "FAILED"), Candidate(calls("ok", "ok"), "ENDED"),
    ])  # fmt: skip
    (parting,) = found.partings
    assert (parting.way, parting.alike) == (OUTCOME, 0)
    assert parting.text() == "2 of 3 got through this step; the one that did not failed"


def test_a_way_that_some_good_and_some_bad_went_is_told_with_figures() -> None:
    """And stands behind one that tells more."""
    found = compared(
        ("OK", below(READ, TESTS)), ("OK", below(TESTS)), ("FAILED", below(READ, ToolCall("rm", {}))),
        ("OK", below(READ, TESTS)),
    )  # fmt: skip
    telling, less = found.partings
    assert telling.score == 1 > less.score > 0
    assert less.text() == "3 of 4 took this step: 1 of them failed, the other did not"


def test_runs_that_still_go_on_are_left_out() -> None:
    """They may yet take the step."""
    found = compared(("LIVE", below(READ)), ("OK", below(READ, TESTS)), ("CANCELLED", below(READ, TESTS)))
    assert (found.left_out, len(found.runs), found.partings) == (("r00",), 2, ())


def test_who_asks_is_told_how_far_it_is_and_may_stop_it() -> None:
    """After each run that was merged; what is raised there ends the comparison, as an interrupt does."""
    told: list[tuple[int, int]] = []
    candidates = [Candidate(recorded(below(READ), f"r{n}"), "OK") for n in range(3)]
    diverge(candidates, lambda number, count: told.append((number, count)))
    assert told == [(1, 3), (2, 3), (3, 3)]

    def stop(_number: int, _count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        diverge(candidates, stop)
    assert gc.isenabled()


def test_nothing_and_one_run_part_nowhere() -> None:
    """Without an error."""
    assert diverge([]) == Divergence((), (), ())
    assert compared(("OK", below(READ))).partings == ()


def test_deep_and_wide_runs_are_merged_without_recursion() -> None:
    """A chain of 3,000 steps, and 3,000 steps beside each other, that differ at the end."""
    chain: Plan = [Node(n - 1, Custom("Step", n)) for n in range(3000)]
    found = compared(("OK", chain), ("FAILED", chain[:-1]))
    assert [parting.place for parting in found.partings] == [2999]
    wide = below(*(ToolCall("x", {"n": n}) for n in range(3000)))
    assert len(compared(("OK", wide), ("FAILED", wide[:-1])).partings) == 1


# ---- real runs -------------------------------------------------------------------------------------------


def test_runs_of_our_own_agent_part_at_the_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded with other times and ids each; the one that chose to retry failed."""
    monkeypatch.setattr(sys, "path", [str(REPOSITORY / "sample_runs" / "agents"), *sys.path])
    import fix_login

    with tracetui.open(tmp_path / "store") as db:
        for n in range(4):
            fix_login.record(db, T0 + n * 100_000, fail=n == 2, seed=n + 7)
        views = [db.view(run.id) for run in db.runs()]
        found = diverge([Candidate(view, judge(view, LATER).label) for view in views])
        first = found.partings[0]
        assert first.text() == "3 of 4 chose this; the one that did not failed"
        of = {view.run_id: view for view in views}
        assert [
            summary(of[found.runs[way.run].run_id].trace(way.seq)) for way in (first.took, *first.instead)
        ] == ["retry or patch? → patch", "retry or patch? → retry"]


@pytest.mark.parametrize(
    ("name", "alike"), [("invoke_agent planner", True), ("invoke_agent crasher", True), ("agent run", False)]
)
def test_recordings_of_one_name_are_compared(shared_data: Path, name: str, alike: bool) -> None:
    """The same agent recorded twice went the same way; two agents that one exporter names alike do not."""
    with tracetui.open("memory://") as db:
        for file in ("default-batch", "default", "v2"):
            importing = FileImport(db, str(shared_data / "otlp" / f"pydantic-ai-{file}.otlp.jsonl"))
            importing.finish()
            importing.close()
        views = [db.view(run.id) for run in db.runs() if run.name == name]
        assert len(views) == 2
        found = diverge([Candidate(view, judge(view, LATER).label) for view in views])
        assert (found.partings == ()) is alike
        if not alike:
            assert found.partings[0].place == 0
            assert [member.label for member in found.runs] == ["ENDED", "FAILED"]
