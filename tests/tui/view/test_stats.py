"""The stats view's tables, strips and details, without a screen."""

from __future__ import annotations

import pytest

from tests.tui.conftest import T0, login_bug
from tests.tui.runs import fixing
from tests.tui.view.test_past import random_run
from tracetui import Custom, Database, Thought, ToolCall, TraceStore
from tracetui.analysis.statistics import BY, By, statistics
from tracetui.model.value import ValueLike
from tracetui.render.cells import width_of
from tracetui.tui.view import stats_text
from tracetui.tui.view.filtering import matches
from tracetui.tui.view.glyphs import ASCII
from tracetui.tui.view.moments import Moments
from tracetui.tui.view.past import Past
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.stats import BUCKETS, COLUMNS, Scope, Stats, StatsModel, query_of, stats_of


def counted(db: Database, run_id: str) -> StatsModel:
    """Return the tables of a run."""
    model = StatsModel()
    model.take(stats_of(db.view(run_id)))
    return model


def names(model: StatsModel, by: str) -> list[str]:
    """Return the rows of a table, in order."""
    return [row.group.figures.name for row in model.rows if row.group is not None and row.by == by]


def text(pieces: list[tuple[str, str]]) -> str:
    """Return the text of pieces."""
    return "".join(piece for piece, _ in pieces)


def column(title: str) -> int:
    """Return the number of a column."""
    return next(n for n, each in enumerate(COLUMNS) if each.title == title)


def test_tables_sort_by_any_column_both_ways(memory: Database, login: str) -> None:
    """Figures from the largest down, names from a to z; turned round the other way; what is empty stands last."""
    model = counted(memory, login)
    assert names(model, "type")[:2] == ["Agent", "ToolCall"]
    model.sort_by(0)
    assert names(model, "type") == sorted(names(model, "type"), key=str.casefold)
    model.turn_round()
    assert names(model, "type") == sorted(names(model, "type"), key=str.casefold, reverse=True)
    model.sort_by(column("IN"))
    assert names(model, "type")[0] == "LLM"
    model.turn_round()
    assert names(model, "type")[0] == "LLM"
    model.sort_by(column("COUNT"))
    by_count = names(model, "type")
    model.turn_round()
    counts = [row.group.figures.count for row in model.rows if row.group is not None and row.by == "type"]
    assert counts == sorted(counts)
    assert by_count != names(model, "type")


def test_columns_are_gone_through_and_empty_ones_left_out(memory: Database, login: str) -> None:
    """Nothing was cached, so there is no such column; going on from the last leads to the first."""
    model = counted(memory, login)
    titles = [COLUMNS[n].title for n in model.shown]
    assert "CACHED" not in titles
    assert titles[:3] == ["NAME", "COUNT", "FAIL"]
    seen = []
    for _ in model.shown:
        model.turn(1)
        seen.append(COLUMNS[model.sort].title)
    assert sorted(seen) == sorted(titles)
    model.turn(-1)
    assert COLUMNS[model.sort].title == titles[titles.index("TOTAL") - 1]
    empty = StatsModel()
    empty.turn(1)
    assert empty.rows == []


def test_cached_tokens_are_summed_where_tokens_count(memory: Database) -> None:
    """By type, model and the agent that made the call; a wrapper's own are not counted twice."""
    store, run = TraceStore(memory), memory.create_run("x")

    def usage(given: int, cached: int) -> dict[str, object]:
        return {"model": "m", "name": "a", "usage": {"input": given, "output": 1, "cached_input": cached}}

    agent = store.record(run.id, Custom("Agent", {}), metadata={"name": "a"})
    wrapper = store.record_child(run.id, agent, Custom("LLM", {}), metadata=usage(100, 90))  # type: ignore[arg-type]
    store.record_child(run.id, wrapper, Custom("LLM", {}), metadata=usage(100, 90))  # type: ignore[arg-type]
    store.record(run.id, Custom("LLM", {}), metadata=usage(10, 5))  # type: ignore[arg-type]
    model = counted(memory, run.id)
    cached = {
        (row.by, row.group.figures.name): row.group.cached for row in model.rows if row.group is not None
    }
    assert cached[("type", "LLM")] == cached[("model", "m")] == 95
    assert cached[("agent", "a")] == 90
    assert cached[("agent", "(no agent)")] == 5
    assert "in 110 (86% cached) out 2" in text(stats_text.heading(model.stats, 100))


def test_the_query_of_a_row_gives_its_traces(memory: Database) -> None:
    """For every table and every row: exactly the traces that were counted."""
    store, run = TraceStore(memory), memory.restore_run("r", created_ms=T0)
    for name in ('we"ird (name)', "a*b", "plain", ""):
        store.record(run.id, ToolCall(name, {}))
        store.record(run.id, Custom(name, {}))
        store.record(run.id, Custom("Agent", {}), metadata={"name": name})
        store.record(run.id, Custom("LLM", {}), metadata={"model": name})
    store.record(run.id, Custom("LLM", {}))
    for run_id in (run.id, login_bug(memory), fixing(memory, good=False)):
        view = memory.view(run_id)
        for groups in stats_of(view).groups.values():
            for group in groups:
                found = [seq for piece in matches(view, query_of(group), T0) for seq in piece]
                assert tuple(found) == group.figures.seqs, query_of(group)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_every_line_fills_its_width(memory: Database, login: str, width: int) -> None:
    """Headings, rows and strips at any width; the column that orders the rows is always there."""
    model = counted(memory, login)
    for number in model.shown:
        model.sort_by(number)
        assert number in stats_text.columns(model, width)
        for row in range(len(model.rows)):
            assert width_of(text(stats_text.line(model, row, width))) == width
    for which in (0, 1):
        assert width_of(text(stats_text.strip(model, which, width, "41.9s"))) == width
        assert width_of(text(stats_text.strip(StatsModel(), which, width, ""))) == width


def test_strips_hold_every_step_and_token(memory: Database, login: str) -> None:
    """Whatever the width, nothing is lost; failed steps are marked by a letter."""
    stats = counted(memory, login).stats
    assert stats is not None
    for cells in (1, 7, 80, BUCKETS):
        amounts, failed = stats.steps.squeezed(cells)
        assert sum(amounts) == 16
        assert sum(failed) == sum(status == 2 for status in memory.view(login).statuses)
        assert sum(stats.tokens.squeezed(cells)[0]) == 940
    model = counted(memory, login)
    assert "e" in text(stats_text.strip(model, 0, 80, "")).removeprefix(" steps")
    assert "@" in text(stats_text.strip(model, 1, 80, ""))


def test_a_run_without_times_is_cut_by_order(memory: Database) -> None:
    """Its strips are by order, and nothing is said of its time."""
    store, run = TraceStore(memory), memory.create_run("x", metadata={"time": "none"})
    for n in range(10):
        store.record(run.id, Thought(f"{n}"))
    stats = counted(memory, run.id).stats
    assert stats is not None
    assert not stats.by_time
    assert [n for n, amount in enumerate(stats.steps.amounts) if amount] == [
        n * BUCKETS // 10 for n in range(10)
    ]
    assert "no times were recorded" in text(stats_text.heading(stats, 80))


def test_the_detail_has_histogram_slowest_and_sums(memory: Database, login: str) -> None:
    """Bars as long as their share, links to the slowest traces, what it took itself and with all below."""
    model, run = counted(memory, login), RunModel(memory, login)
    group = model.group(model.row_of("tool", "bash"))
    document = stats_text.document(run, model.stats, group, ASCII)
    said = document.text()
    assert "Enter filters by: type:ToolCall name:bash" in said
    assert "2.0s … 5.0s          3 " + "=" * 40 in said
    links = [line.seq for line in document.lines if line.seq >= 0]
    assert [run.view.ids[seq] for seq in links] == ["bash0", "bash1", "bash2"]
    assert "own: time 6.6s" in said
    assert "errors 3" in said
    assert text(stats_text.title(group)) == " tool bash  3 traces"
    assert stats_text.document(run, model.stats, None, ASCII).text() == ""
    assert stats_text.title(None) == []


def test_an_empty_run_has_no_tables(memory: Database) -> None:
    """Nothing to show, and nothing that breaks."""
    model = counted(memory, memory.create_run("x").id)
    assert model.rows == []
    assert model.first == 0
    assert model.group(0) is None
    assert text(stats_text.heading(None, 40)).strip() == "counting …"


def test_hostile_names_are_text(memory: Database) -> None:
    """Escapes and markup in names come out as characters."""
    store, run = TraceStore(memory), memory.create_run("x")
    store.record(run.id, ToolCall("\x1b]52;c;x\x07[/]", {}))
    store.record(run.id, Custom("a\u202eb", {}))
    model = counted(memory, run.id)
    for row in range(len(model.rows)):
        assert text(stats_text.line(model, row, 100)).isprintable()
        assert text(stats_text.title(model.group(row))).isprintable()


def test_all_tables_are_counted(memory: Database, login: str) -> None:
    """The same rows as ``tracetui stats`` has, table by table."""
    stats = counted(memory, login).stats
    assert stats is not None
    for by in BY:
        rows = statistics(memory.view(login), by)
        assert [group.figures for group in stats.groups[by]] == rows


def test_a_filter_chooses_what_is_counted(memory: Database, login: str) -> None:
    """Tables, strips and sums hold the matches alone, and the heading says how many of how many, and their time."""
    view = memory.view(login)
    found = frozenset(seq for piece in matches(view, "name:bash", T0) for seq in piece)
    stats = stats_of(view, None, Scope(-1, "name:bash", found))
    assert {row.figures.name: row.figures.count for row in stats.groups["type"]} == {"ToolCall": len(found)}
    assert [row.figures.name for row in stats.groups["tool"]] == ["bash"]
    assert not stats.groups["model"]
    assert (sum(stats.steps.amounts), sum(stats.tokens.amounts)) == (len(found), 0)
    taken = sum(stats.timing.durations[seq] for seq in found)
    assert stats.covered_ms == taken  # calls of this run do not overlap
    said = text(stats_text.heading(stats, 120))
    assert f"only {len(found)} of {view.count} traces, by the filter" in said
    assert "they ran in" in said


def test_a_cached_token_that_the_filter_hides_is_not_counted(memory: Database) -> None:
    """Of an agent only what the filter finds of its own doing counts."""
    store = TraceStore(memory)
    run = memory.create_run("c", id="c")
    put = store.record_with_options
    put(run.id, Custom("Agent", {"name": "a"}), id="a", timestamp=T0, end_ms=T0 + 9)
    for name, cached in (("m", 3), ("n", 4)):
        usage: ValueLike = {"model": name, "usage": {"input": 10, "output": 1, "cached_input": cached}}
        put(run.id, Custom("LLM", {}), parent_id="a", timestamp=T0, end_ms=T0 + 5, metadata=usage)
    view = memory.view(run.id)
    found = frozenset(seq for piece in matches(view, "type:Agent OR model:m", T0) for seq in piece)
    (agent,) = stats_of(view, None, Scope(-1, "x", found)).groups["agent"]
    assert (agent.figures.own_in, agent.cached) == (10, 3)


@pytest.mark.parametrize("number", range(4))
def test_figures_as_of_a_moment_are_those_of_a_run_that_was_cut_there(memory: Database, number: int) -> None:
    """Counting a past is counting a run that holds what there was, as it was."""
    whole = memory.view(random_run(memory, number, 40))
    moments = Moments(whole, has_times=True)
    moments.go_to(moments.order[25])
    past = Past(whole, moments, whole.rollup())
    store, cut = TraceStore(memory), memory.restore_run(f"cut-{number}", created_ms=T0)
    for seq in moments.order[: moments.at]:
        trace = past.trace(seq)
        ended = past.had_ended(seq)
        store.record_with_options(
            cut.id, trace.trace_type, id=trace.id, parent_id=trace.parent_id, timestamp=trace.timestamp,
            end_ms=whole.trace(seq).end_ms if ended else None, metadata=trace.metadata,
            status=trace.status if ended and trace.status != "open" else None,
            open=past.statuses[seq] == 0,
        )  # fmt: skip
    then = stats_of(whole, None, Scope(moments.newest))
    alone = stats_of(memory.view(cut.id))
    for by in BY:
        assert _told(then, by) == _told(alone, by)
    assert sum(then.steps.amounts) == sum(alone.steps.amounts) == then.there == alone.there == 26
    _, _, given, out, usd = past.figures.now()
    rows = [row.figures for row in then.groups["type"]]
    assert sum(row.own_in for row in rows) == given
    assert sum(row.own_usd for row in rows) == pytest.approx(usd)
    assert sum(then.tokens.amounts) == given + out


def _told(stats: Stats, by: By) -> list[tuple[object, ...]]:
    """Return what a table says, in the order of its names; but for tokens, as wrappers are those of the whole run."""
    rows = sorted((row.figures for row in stats.groups[by]), key=lambda row: row.name)
    return [(r.name, r.count, r.failed, r.durations, r.self_ms, r.errors) for r in rows]
