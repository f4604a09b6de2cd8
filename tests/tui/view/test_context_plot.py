"""The plot of what model steps carried, without a screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.conftest import T0
from tests.tui.view.test_past import random_run
from tracetui import Custom, Database, ToolCall, TraceStore
from tracetui.model.trace_type import CUSTOM
from tracetui.model.value import ValueLike
from tracetui.render.cells import width_of
from tracetui.tui.view.context_plot import (
    STRETCHES,
    ContextPlot,
    context_plot,
    most_of,
    plot_line,
    plot_lines,
)
from tracetui.tui.view.glyphs import ASCII, DRAWN, Glyphs
from tracetui.tui.view.moments import Moments
from tracetui.tui.view.past import Past
from tracetui.tui.view.stats import Scope, stats_of


def usage(given: int, out: int) -> dict[str, ValueLike]:
    """Return the metadata of a model call that used so many tokens."""
    return {"usage": {"input": given, "output": out}}


def plot(given: list[int], out: list[int] | None = None) -> ContextPlot:
    """Return the plot of steps with these tokens."""
    told = out or [0] * len(given)
    return ContextPlot(1, len(given), given.index(max(given)) + 1, tuple(given), tuple(told))


def drawn(found: ContextPlot, height: int, width: int, glyphs: Glyphs = ASCII) -> list[str]:
    """Return the lines of a plot."""
    lines = plot_lines(found, height)
    return ["".join(text for text, _ in plot_line(found, n, lines, width, glyphs)) for n in range(lines)]


def test_a_plot_is_drawn_by_eighths_and_says_its_scale() -> None:
    """What is more than nothing is at least an eighth; out has a scale of its own; steps are told by number."""
    made = drawn(plot([8_000, 0, 100, 4_000], [5, 10, 0, 10]), 12, 21, DRAWN)
    assert made == [
        " in      8k ██       ",
        "          0 ██  ▁▁██ ",
        " out     10 ▄▄██  ██ ",
        " model step 1      4 ",
    ]
    assert drawn(plot([8_000, 0, 100, 4_000], [5, 10, 0, 10]), 12, 21) == [
        " in      8k ##       ",
        "          0 ##  ..## ",
        " out     10 ::##  ## ",
        " model step 1      4 ",
    ]


def test_few_steps_stand_apart() -> None:
    """With three cells and more for a step, the last of them is empty."""
    assert drawn(plot([4, 4], [1, 2]), 12, 21)[1] == "          0 ### ###  "[:21]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60), st.integers(1, 70))
def test_no_step_is_lost_where_steps_share_cells(amounts: list[int], cells: int) -> None:
    """Each step is in exactly one stretch, or has one or more of its own; the most of all is shown."""
    shown = most_of(amounts, cells)
    assert len(shown) == cells
    assert max(shown) == max(amounts)
    if cells == len(amounts):
        assert list(shown) == amounts
    if cells % len(amounts) == 0:
        each = cells // len(amounts)
        assert list(shown) == [amount for amount in amounts for _ in range(each)]


@pytest.mark.parametrize("width", [5, 13, 20, 47, 79, 119, 199, 700])
@pytest.mark.parametrize("glyphs", [ASCII, DRAWN])
def test_every_line_has_its_width(width: int, glyphs: Glyphs) -> None:
    """With one step, some, and many; plain characters where they are asked for."""
    for found in (plot([7]), plot([3, 2, 1], [0, 0, 9]), plot(list(range(900_000, 900_400)))):
        for line in drawn(found, 30, width, glyphs):
            assert width_of(line) == max(width, 14)
            assert line.replace("…", "~").isascii() or glyphs is DRAWN


def test_there_is_no_plot_without_room_or_usage(memory: Database) -> None:
    """Low views keep their lines for the tables; a run whose model steps say no tokens has no plot."""
    put, run = TraceStore(memory).record_with_options, memory.create_run("r")
    assert context_plot(memory.view(run.id)) is None
    put(run.id, Custom("LLM", {"input": "hi"}), timestamp=T0)
    put(run.id, ToolCall("bash", {}), metadata=usage(9, 9), timestamp=T0)
    assert context_plot(memory.view(run.id)) is None
    assert plot_lines(None, 50) == 0
    assert [plot_lines(plot([1]), height) for height in (11, 12, 19, 27, 50, 500)] == [0, 4, 5, 7, 10, 10]


def test_steps_are_told_by_their_number_in_the_run(memory: Database) -> None:
    """Those that a filter chooses keep their numbers, wrappers are left out, the first of the fullest is named."""
    put, run = TraceStore(memory).record_with_options, memory.create_run("r")
    outer = put(run.id, Custom("LLM", {}), metadata=usage(5_000, 9), timestamp=T0)
    for n, tokens in enumerate((100, 900, 900, 300)):
        parent = outer if n == 0 else None
        put(run.id, Custom("LLM", {}), parent_id=parent, metadata=usage(tokens, n), timestamp=T0 + 9 - n)
    view = memory.view(run.id)
    assert context_plot(view) == ContextPlot(2, 5, 3, (300, 900, 900, 100), (3, 2, 1, 0))
    assert context_plot(view, {1, 2}) == ContextPlot(4, 5, 4, (900, 100), (1, 0))
    assert context_plot(view, set()) is None


def test_a_long_run_is_kept_in_stretches(memory: Database) -> None:
    """So many that no screen shows more; the fullest step is among them."""
    put, run = TraceStore(memory).record_with_options, memory.create_run("r")
    for n in range(STRETCHES + 100):
        put(run.id, Custom("LLM", {}), metadata=usage(1_000 + n % 77, 1), timestamp=T0 + n)
    found = context_plot(memory.view(run.id))
    assert found is not None
    assert (len(found.given), found.last, max(found.given)) == (STRETCHES, STRETCHES + 100, 1_076)


@pytest.mark.parametrize("number", range(4))
def test_as_of_a_moment_steps_are_those_that_had_ended(memory: Database, number: int) -> None:
    """What goes on has said no tokens yet, what comes later is not there; the filter chooses among the rest."""
    view = memory.view(random_run(memory, number, 60))
    moments = Moments(view, has_times=True)
    moments.go_to(moments.order[35])
    past, whole = Past(view, moments, view.rollup()), view.rollup()
    ended = [
        seq
        for seq in moments.order[: moments.at]
        if view.kinds[seq] == CUSTOM and past.had_ended(seq) and whole.counts(seq)
    ]
    for among in (None, frozenset(range(0, 60, 2))):
        found = stats_of(view, None, Scope(moments.newest, "" if among is None else "x", among)).context
        steps = sorted(
            (seq for seq in ended if among is None or seq in among),
            key=lambda seq: (view.timestamps[seq], seq),
        )
        assert (found.given if found else ()) == tuple(view.tokens_in[seq] for seq in steps)
