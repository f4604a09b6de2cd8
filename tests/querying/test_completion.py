from __future__ import annotations

import pytest

from tests.querying.conftest import Example
from tracetui import Thought, TraceDraft, TraceStore
from tracetui.querying.completion import complete
from tracetui.querying.fields import RUN_FIELDS
from tracetui.querying.grammar import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ta", ["tag:"]),
        ("type:Error -na", ["name:"]),
        ("(re", ["result.", "reasoning:", "recoverable:"]),
        ("un", ["under:("]),
        ("N", ["NOT "]),
        ("type:To", ["ToolCall"]),
        ("type:err", ["Error"]),
        ("under:type:E", ["Error", "Agent", "Decision", "Query"]),
        ("tag:", ["db", "plan", "retry", "search", "start"]),
        ("tag:(db OR re", ["retry"]),
        ("tag:(", ["db", "plan", "retry", "search", "start"]),
        ("name:ba", ["bash"]),
        ("model:", ["opus-4"]),
        ("open:", ["false", "true"]),
        ("status:a", ["abandoned", "cancelled"]),
        ("kind:C", ["Custom", "Decision", "ToolCall"]),
        ("id:a", ["again", "agent", "asked", "call", "failed", "orphan", "plan", "small"]),
        ("dur:", []),
        ("https:", []),
        ("a | ", ["count ", "sort ", "limit ", "stats ", "select "]),
        ("a | s", ["sort ", "stats ", "select "]),
        ("a | count ", ["by "]),
        ("a | count by na", ["name"]),
        ("a | sort -co", ["confidence", "cost"]),
        ("a | limit 1", []),
        ('"a | b" ta', ["tag:"]),
    ],
)
def test_candidates_fit_the_place(example: Example, text: str, expected: list[str]) -> None:
    """Fields, names of this run by count, stages."""
    assert [candidate.text for candidate in complete(text, view=example.view)] == expected


def test_a_candidate_replaces_what_was_typed(example: Example) -> None:
    """And with it the query is valid; names that are no words come quoted."""
    TraceStore(example.db).record_with_options(example.run_id, Thought("x"), tags=["two words", "db"])
    text = "type:Thought -tag:tw dur:>5s"
    (found,) = complete(text, cursor=20, view=example.view)
    assert (found.text, found.count) == ('"two words"', 1)
    replaced = text[: found.start] + found.text + text[found.end :]
    assert parse(replaced) == parse('type:Thought NOT tag:"two words" dur:>5s')
    assert complete("tag:d", view=example.view)[0].count == 2


def test_without_a_run_fields_are_known() -> None:
    """The picker's are others."""
    assert complete("type:") == []
    assert [candidate.text for candidate in complete("ver", fields=RUN_FIELDS)] == ["verdict:"]
    assert len(complete("")) > 30


def test_candidates_are_few(example: Example) -> None:
    """However many names a run has."""
    drafts = [TraceDraft(Thought("x"), tags=[f"t{n}"]) for n in range(500)]
    TraceStore(example.db).record_many(example.run_id, drafts)
    assert len(complete("tag:", view=example.view)) == 50
    assert [c.text for c in complete("tag:t499", view=example.view)] == ["t499"]
