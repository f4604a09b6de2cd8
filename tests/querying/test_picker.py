from __future__ import annotations

import pytest

from tracetui import QueryError
from tracetui.querying.picker import parse_run_filter, run_matches

RUN: dict[str, list[object]] = {
    "name": ["fix-login-bug"],
    "verdict": ["FAILED"],
    "tag": ["auth", "ci"],
    "started": [1_000_000],
    "dur": [41_900],
    "errors": [9],
    "tokens": [61_300],
    "cost": [0.42],
    "loop": [True],
    "live": [False],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True), ("failed tag:auth", True), ("failed tag:web", False), ("LOGIN", True), ("ci", True),
        ("deploy", False),
        ("errors:>2 dur:30s..1m", True), ("cost:>0.5 OR tokens:>60k", True), ("NOT live:true loop:true", True),
        ("started:-10m..", True), ("started:-1m..", False), ("verdict:~^fail", True), ("name:fix-*", True),
    ],
)  # fmt: skip
def test_runs_are_filtered_by_the_same_language(text: str, expected: bool) -> None:
    """Over the picker's own fields; bare words look at name, verdict and tags."""
    assert run_matches(parse_run_filter(text), RUN, 1_000_000 + 300_000) is expected


def test_what_a_run_has_not_matches_nothing() -> None:
    """Nor do relations and stages belong here."""
    assert not run_matches(parse_run_filter("errors:<5"), {}, 0)
    with pytest.raises(QueryError):
        parse_run_filter("a | count")
