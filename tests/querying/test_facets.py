from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.querying.conftest import Example
from tests.querying.strategies import runs
from tracetui import Database, Thought, TraceDraft, TraceStore
from tracetui import open as open_store
from tracetui.querying.execute import execute
from tracetui.querying.facets import Bucket, Facet, field_facets, tag_facets, time_histogram, type_facets
from tracetui.querying.grammar import parse


def test_counts_are_those_of_the_index_and_of_the_hits(example: Example) -> None:
    """Most frequent first, then by name; a value that is not shown has zero."""
    view = example.view
    assert type_facets(view)[:3] == [Facet("ToolCall", 3, 3), Facet("LLM", 2, 2), Facet("Thought", 2, 2)]
    hits = list(execute(view, parse("type:ToolCall")))
    assert [f for f in type_facets(view, hits) if f.shown] == [Facet("ToolCall", 3, 3)]
    assert tag_facets(view, hits) == [
        Facet("db", 1, 1), Facet("plan", 0, 1), Facet("retry", 1, 1), Facet("search", 1, 1), Facet("start", 0, 1),
    ]  # fmt: skip
    assert field_facets(view, "name", hits)[:2] == [Facet("LLM", 0, 2), Facet("bash", 2, 2)]
    assert field_facets(view, "model") == [Facet("opus-4", 2, 2)]


def test_the_histogram_covers_the_run(example: Example) -> None:
    """Equal stretches from the first start to the last, each half-open."""
    made = time_histogram(example.view, 4, [0, 10])
    assert [(b.shown, b.total) for b in made] == [(1, 3), (0, 2), (0, 1), (1, 5)]
    assert all(a.end_ms == b.start_ms for a, b in pairwise(made))
    assert made[0].start_ms == 1_000_000
    assert time_histogram(example.view, 0) == []


@given(runs(), st.integers(1, 9))
def test_counts_add_up(drafts: list[TraceDraft], buckets: int) -> None:
    """Under a filter that shows all, they are those of the run; buckets hold every trace once."""
    with open_store("memory://") as opened:
        db = Database(opened.backend, owning=False)
        run = db.create_run()
        TraceStore(db).record_many(run.id, drafts)
        view = db.view(run.id)
        everything = range(view.count)
        assert type_facets(view) == type_facets(view, everything)
        assert tag_facets(view) == tag_facets(view, everything)
        made = time_histogram(view, buckets)
        assert made == time_histogram(view, buckets, everything)
        assert sum(bucket.total for bucket in made) == len(drafts)
        assert len(made) <= buckets


def test_one_moment_is_one_bucket() -> None:
    """A run of one trace has a histogram too."""
    with open_store("memory://") as db:
        run = db.create_run()
        TraceStore(db).record_many(run.id, [TraceDraft(Thought("x"), timestamp=5)])
        assert time_histogram(db.view(run.id), 3) == [Bucket(5, 6, 1, 1)]
