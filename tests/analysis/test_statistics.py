from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.conftest import recording, run_of
from tracetui import Custom, Database, Error, ToolCall, TraceDraft
from tracetui.analysis.statistics import BY, Figures, histogram, percentile, statistics
from tracetui.storage.backend import RunView


def rows(view: RunView, by: str) -> dict[str, Figures]:
    """Return the rows by name."""
    return {row.name: row for row in statistics(view, by)}  # type: ignore[arg-type]


def used(given: int, out: int, usd: float = 0.0) -> dict[str, Any]:
    """Return metadata with usage."""
    return {"usage": {"input": given, "output": out}, "cost": {"usd": usd}, "model": "m"}


NESTED = [
    TraceDraft(Custom("Agent"), id="lead", timestamp=0, end_ms=1000, metadata={"name": "lead"}),
    TraceDraft(Custom("LLM"), id="wrapper", parent_id="lead", timestamp=0, end_ms=90, metadata=used(50, 5)),
    TraceDraft(Custom("LLM"), id="leaf", parent_id="wrapper", timestamp=0, end_ms=80, metadata=used(50, 5, 0.1)),
    TraceDraft(ToolCall("delegate", {}), id="call", parent_id="lead", timestamp=100, end_ms=900),
    TraceDraft(Custom("Agent"), id="sub", parent_id="call", timestamp=110, end_ms=890, metadata={"name": "sub"}),
    TraceDraft(Custom("LLM"), parent_id="sub", timestamp=120, end_ms=220, metadata=used(7, 3, 0.2)),
    TraceDraft(ToolCall("delegate", {}), id="inner", parent_id="sub", timestamp=300, end_ms=400, status="error"),
    TraceDraft(Error("E", "no", False), parent_id="inner", timestamp=400),
]  # fmt: skip


def test_tokens_count_on_leaves_and_wrappers_are_skipped() -> None:
    """Own tokens of the model are those of the two leaves; the wrapper still is one of three calls."""
    row = rows(run_of(NESTED), "model")["m"]
    assert (row.count, row.own_in, row.own_out, round(row.own_usd, 6)) == (3, 57, 8, 0.3)
    assert (row.subtree_in, row.subtree_out) == (57, 8)


def test_a_subtree_counts_once_however_often_a_name_nests() -> None:
    """The inner call of the same tool is part of the outer one."""
    row = rows(run_of(NESTED), "tool")["delegate"]
    assert (row.count, row.failed, row.errors) == (2, 1, 1)
    assert (row.own_in, row.subtree_in, row.subtree_out, row.subtree_usd) == (0, 7, 3, 0.2)
    assert (row.durations, row.p50, row.p95, row.max, row.total_ms) == ((100, 800), 100, 800, 800, 900)
    assert row.self_ms == 800 - 780 + 100


def test_an_agents_own_figures_leave_out_the_agents_below_it() -> None:
    """Its subtree has them."""
    by_agent = rows(run_of([*NESTED, TraceDraft(Custom("LLM"), timestamp=9, metadata=used(1, 1))]), "agent")
    lead, sub, none = by_agent["lead"], by_agent["sub"], by_agent["(no agent)"]
    assert (lead.own_in, lead.subtree_in, lead.errors) == (50, 57, 1)
    assert (sub.own_in, sub.subtree_in, sub.errors) == (7, 7, 1)
    assert (none.count, none.own_in, none.subtree_in) == (1, 1, 1)


def test_rows_come_by_time_then_tokens_then_count() -> None:
    """By type every trace is in one row."""
    found = statistics(run_of(NESTED), "type")
    assert [row.name for row in found] == ["Agent", "ToolCall", "LLM", "Error"]
    assert sum(row.count for row in found) == len(NESTED)
    assert statistics(run_of([]), "type") == []


def test_histograms_have_steps_of_one_two_and_five() -> None:
    """Nothing is lost between the steps."""
    assert histogram([]) == []
    assert histogram([7]) == [(5, 10, 1)]
    assert histogram([100, 199, 200]) == [(100, 200, 2), (200, 500, 1)]


@given(st.lists(st.integers(0, 10**7), min_size=1), st.integers(1, 100))
def test_percentiles_are_of_nearest_rank(values: list[int], percent: int) -> None:
    """The least value that at least so many in a hundred do not exceed."""
    ordered = sorted(values)
    naive = next(v for v in ordered if sum(o <= v for o in ordered) * 100 >= percent * len(ordered))
    assert percentile(ordered, percent) == naive
    assert sum(n for _, _, n in histogram(ordered)) == len(values)


@given(st.data())
def test_rows_add_up_to_the_run(data: st.DataObject) -> None:
    """Own tokens of all rows by type, and by agent, are the run's; so are the subtrees of a run's one root."""
    count = data.draw(st.integers(1, 14))
    kinds = st.sampled_from(["Agent", "LLM", "Chain", "tool"])
    drafts = []
    for n in range(count):
        kind, parent = data.draw(kinds), data.draw(st.integers(0, n - 1)) if n else -1
        metadata = (
            {**used(data.draw(st.integers(0, 9)), 1), "name": data.draw(st.sampled_from("xy"))}
            if data.draw(st.booleans())
            else {"name": "x"}
        )
        drafts.append(
            TraceDraft(
                ToolCall("t", {}) if kind == "tool" else Custom(kind), id=str(n), timestamp=n,
                parent_id=str(parent) if n else None, metadata=metadata,
            )
        )  # fmt: skip
    view = run_of(drafts)
    whole = view.rollup().tokens_in[0]
    for by in ("type", "agent"):
        assert sum(row.own_in for row in statistics(view, by)) == whole
    assert max(row.subtree_in for row in statistics(view, "type")) == whole


def test_what_the_failing_sample_spent(samples: Database) -> None:
    """Read in the run: 7 bash calls of 2,346 to 2,816 ms, two model calls of 1,200 and 2,400 tokens in, 80 and 40 out."""
    view = samples.view("run-95f59d74")
    bash = rows(view, "tool")["bash"]
    assert (bash.count, bash.failed, bash.p50, bash.p95, bash.max) == (7, 7, 2582, 2816, 2816)
    model = rows(view, "model")["scripted-1"]
    assert (model.own_in, model.own_out, round(model.own_usd, 4)) == (3600, 120, 0.0126)
    agents = rows(view, "agent")
    assert (agents["fix login bug"].own_in, agents["fix login bug"].subtree_in) == (1200, 3600)
    assert agents["run tests"].own_in == 2400


def test_wrappers_of_a_real_recording(shared_data: Path) -> None:
    """In pydantic-ai-default.otlp.jsonl spans `chat main-model` sum up to 307 tokens in, `chat sub-model` to 336."""
    view = recording(shared_data / "otlp" / "pydantic-ai-default.otlp.jsonl")
    models = rows(view, "model")
    assert {name: row.own_in for name, row in models.items()} == {"main-model": 307, "sub-model": 336}
    agents = rows(view, "agent")
    assert (agents["planner"].own_in, agents["planner"].subtree_in, agents["researcher"].own_in) == (
        307,
        643,
        336,
    )
    assert rows(view, "tool")["delegate"].subtree_in == 336


def test_a_deep_run_takes_no_recursion(samples: Database) -> None:
    """2,000 levels, each an agent of its own name."""
    view = samples.view("run-dcfde379")
    for by in BY:
        assert statistics(view, by) is not None
    assert len(statistics(view, "agent")) == 1999
