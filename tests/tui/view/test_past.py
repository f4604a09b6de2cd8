"""What is told of a run as of a moment: nothing of what came later."""

from __future__ import annotations

import random

import pytest

from tests.tui.conftest import T0, login_bug
from tests.tui.driving import main_screen, screen_text, settle
from tests.tui.view.test_moments import out_of_order
from tracetui import Custom, Database, Error, Thought, ToolCall, TraceStore
from tracetui.model.trace_type import ERROR
from tracetui.model.value import ValueLike
from tracetui.tui.app import ExplorerApp
from tracetui.tui.view import past_figures
from tracetui.tui.view.detail import detail, title
from tracetui.tui.view.header import breadcrumb, why_line
from tracetui.tui.view.minimap import minimap
from tracetui.tui.view.moments import Moments
from tracetui.tui.view.past import Past
from tracetui.tui.view.past_figures import FAR
from tracetui.tui.view.run_model import RunModel


def random_run(db: Database, number: int, size: int) -> str:
    """Record calls, model steps with usage and errors in a tree, some of them open for ever."""
    dice = random.Random(number)
    run = db.restore_run(f"random-{number}", created_ms=T0)
    put = TraceStore(db).record_with_options
    for n in range(size):
        at = T0 + dice.randrange(3 * size)
        parent = f"t{dice.randrange(n)}" if n and dice.random() < 0.9 else None
        kind = dice.choice(
            (ToolCall("x", {}), Custom("LLM", {"output": "y"}), Error("E", "m", recoverable=False))
        )
        usage: ValueLike = {"usage": {"input": dice.randrange(99), "output": 1}, "cost": {"usd": 0.25}}
        is_model = isinstance(kind, Custom)
        end = None if dice.random() < 0.2 else at + dice.randrange(size)
        put(
            run.id, kind, id=f"t{n}", parent_id=parent, timestamp=at, end_ms=end,
            metadata=usage if is_model else None, open=end is None and is_model,
        )  # fmt: skip
    return run.id


def counted(past: Past, seq: int) -> tuple[float, ...]:
    """Sum up a subtree by looking at every trace of it."""
    view = past.columns
    whole = view.rollup()
    inside = [each for each in view.forest(seq).seqs if past.moments.was_there(each)]
    used = [each for each in inside if whole.counts(each) and past.had_ended(each)]
    return (
        sum(view.kinds[each] == ERROR for each in inside), len(inside),
        sum(view.tokens_in[each] for each in used), sum(view.costs[each] for each in used),
        max((view.tokens_in[each] for each in used), default=0),
    )  # fmt: skip


@pytest.mark.parametrize("far", [0, FAR])
@pytest.mark.parametrize("number", range(6))
def test_figures_of_subtrees_are_those_of_what_was_there(
    memory: Database, number: int, far: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step by step and by leaps, forwards and back: as counting what was there."""
    monkeypatch.setattr(past_figures, "FAR", far)
    view = memory.view(random_run(memory, number, 40 if number < 5 else FAR + 50))
    moments = Moments(view, has_times=True)
    past = Past(view, moments, view.rollup())
    dice = random.Random(number)
    for _ in range(30):
        if dice.random() < 0.3:
            moments.go_to(dice.randrange(view.count))
        else:
            moments.step(dice.choice((-1, 1)))
        seq = moments.order[dice.randrange(moments.at)]
        figures = past.figures
        found = figures.errors[seq], figures.traces[seq], figures.tokens_in[seq], figures.cost[seq]
        errors, traces, tokens, cost, context = counted(past, seq)
        assert found == (errors, traces, tokens, pytest.approx(cost))
        assert figures.context[seq] == context
        assert figures.total[1] == moments.at
        assert figures.end_ms[seq] <= moments.time_ms


@pytest.fixture
def model(memory: Database) -> RunModel:
    """Return the failing run as of its second call of bash, which runs."""
    found = RunModel(memory, login_bug(memory, loops=4))
    found.take_insight(found.look_into())
    found.travel().go_to(found.view.seq_of("bash1") or 0)
    found.apply_filter()
    return found


def said(model: RunModel, trace_id: str, tab: str = "Detail") -> str:
    """Return what the detail says of a trace."""
    return detail(model, model.view.seq_of(trace_id) or 0, tab).text()


def text(pieces: list[tuple[str, str]]) -> str:
    """Return pieces as one text."""
    return "".join(piece for piece, _ in pieces)


def test_the_head_tells_what_was_so_far(model: RunModel) -> None:
    """Verdict, errors, duration, traces, and the sentence are those of the moment; tokens that were used are there."""
    head = text(breadcrumb(model, "here", 160))
    assert " RUNNING  1 error," in head
    assert "22.3s  12 traces  in 900 out 40" in head
    assert text(why_line(model, 100)) == " running: bash pytest -q"
    model.moments.go_to(model.view.seq_of("model") or 0)  # type: ignore[union-attr]
    assert "in 900" not in text(breadcrumb(model, "here", 160))
    model.return_to_now()
    assert "FAILED" in text(breadcrumb(model, "here", 160))


def test_the_detail_of_a_call_that_runs_has_no_result(model: RunModel) -> None:
    """Nor status, duration, or failures below; those that had ended have theirs."""
    assert "1 failed" not in said(model, "bash1")
    assert "was still running" in said(model, "bash1")
    assert "failed" not in said(model, "bash1", "Raw")
    assert "open" in text(title(model, model.view.seq_of("bash1") or 0))
    assert "1 failed" in said(model, "bash0")
    assert "this ended the run" not in said(model, "error0")
    model.moments.go_to(model.view.seq_of("model") or 0)  # type: ignore[union-attr]
    assert "I will read" not in said(model, "model")
    assert model.summary(model.view.seq_of("model") or 0) != "I will read"
    assert "Fix it" in said(model, "model", "Context")
    assert "400ms" not in said(model, "model")


def test_loops_are_as_long_as_they_were(model: RunModel) -> None:
    """Two calls are no loop yet; a group row counts its calls so far."""
    bash0, bash3 = (model.view.seq_of(name) or 0 for name in ("bash0", "bash3"))
    assert model.loop_of(bash0) is None
    assert model.place_of(bash0) is None
    assert "loop" not in said(model, "bash0")
    model.moments.go_to(bash3)  # type: ignore[union-attr]
    assert model.place_of(bash0) == (1, 3)
    assert model.loop_of(bash3) is None, "it runs"
    assert "loop" not in said(model, "bash3")
    assert "loop: call 1 of 3" in said(model, "bash0")
    model.return_to_now()
    assert model.place_of(bash0) == (1, 4)


def test_the_row_of_a_loop_counts_the_calls_that_had_ended(memory: Database) -> None:
    """Four of six: ×4, with their errors and time alone; of two it says no loop."""
    model = RunModel(memory, login_bug(memory, loops=6))
    model.take_insight(model.look_into())
    model.tree.unfold_all()
    key = next(key for key in model.tree.rows if model.tree.group(key))
    whole = model.group(key)
    moments = model.travel()
    told = []
    for name in ("bash2", "bash4"):
        moments.go_to(model.view.seq_of(name) or 0)
        group = model.group(key)
        assert group is not None
        told.append((group.calls, group.errors, group.taken_ms, group.is_loop))
    assert told == [(2, 2, 4400, False), (4, 4, 8800, True)]
    model.return_to_now()
    assert model.group(key) is whole


def test_the_map_is_blank_where_nothing_was_yet(model: RunModel) -> None:
    """One cell a trace: letters up to the moment, blanks after it, and no error of later."""
    there = model.moments.was_there  # type: ignore[union-attr]
    errors = {error.seq for error in model.errors.found}
    cells = minimap(model.view, 99, errors, model.verdict.terminal, -1, None, is_there=there)
    letters = "".join(cell.text for cell in cells)
    assert letters.rstrip() == "A?MT.QA?Te?T"[: len(letters.rstrip())]
    assert len(letters.rstrip()) == model.there
    assert len(letters) == model.columns.count


def test_notes_that_were_left_later_are_not_told(memory: Database) -> None:
    """Those of before the moment are."""
    run_id = out_of_order(memory)
    TraceStore(memory).annotate(run_id, "early", "afterwards")
    model = RunModel(memory, run_id)
    seq = model.view.seq_of("early") or 0
    assert model.review.sign(seq) == "n"
    model.travel()
    assert model.review.sign(seq) == ""
    assert "afterwards" not in said(model, "early", "Notes")
    assert "1 left later" in said(model, "early", "Notes")


def test_what_a_completion_brought_is_not_told_before_it(memory: Database) -> None:
    """Fields, metadata and usage of a call that was completed later; the run without times has all it has."""
    run = memory.restore_run("late", created_ms=T0)
    store = TraceStore(memory)
    store.record_with_options(
        run.id,
        ToolCall("bash", {"c": 1}),
        id="call",
        timestamp=T0,
        open=True,
        tags=["first"],
        metadata={"k": 1},
    )
    store.record_with_options(run.id, Thought("so"), id="so", timestamp=T0 + 5)
    store.complete(
        run.id, "call", status="error", end_ms=T0 + 9, result="boom", metadata={"exit": 2}, tags=["late"]
    )
    model = RunModel(memory, run.id)
    model.travel()
    trace = model.trace(0)
    assert (trace.status, trace.end_ms, trace.metadata) == ("open", None, {"k": 1})
    assert trace.tags == ["first"]
    assert "boom" not in str(trace.to_json())
    model.return_to_now()
    assert model.trace(0).status == "error"
    assert model.trace(0).tags == ["first", "late"]


async def test_tree_waterfall_and_transcript_tell_of_the_moment(memory: Database) -> None:
    """No badge, verdict, end or result of later is on the screen; G brings them back."""
    app = ExplorerApp(memory, run_id=login_bug(memory, loops=4), trace_id="bash1")
    async with app.run_test(size=(160, 34), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("less_than_sign")
        await settle(pilot)
        tree = screen_text(app)
        assert "RUNNING" in tree
        assert "FAILED" not in tree
        assert "e4" not in tree
        assert "e1" in tree
        assert "41.9s" not in tree
        assert "1 failed" not in tree, "the detail, of a trace that the cursor stayed on"
        await pilot.press("2")
        await settle(pilot)
        waterfall = screen_text(app)
        assert "41.9s" not in waterfall
        assert "known at the end" in waterfall
        model = main_screen(app).model
        assert model.totals.end_ms == model.moments.time_ms  # type: ignore[union-attr]
        await pilot.press("3")
        await settle(pilot)
        transcript = screen_text(app)
        assert "open" in transcript
        assert "41.9s" not in transcript
        assert transcript.count("1 failed") == 1
        await pilot.press("m")
        await settle(pilot)
        assert "back at now (G)" in screen_text(app)
        assert not model.review.seqs
        await pilot.press("G", "1")
        await settle(pilot)
        assert len(model.review.seqs) == 1
        assert "FAILED" in screen_text(app)
        assert "1 failed" in screen_text(app)
