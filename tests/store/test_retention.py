"""Which runs may go: every rule narrows, and what is pinned or lives is safe from all of them."""

from __future__ import annotations

import dataclasses

import pytest

from tracetui.model.run import Owner, Run
from tracetui.store.ownership import is_alive, this_process
from tracetui.store.retention import QUIET_MS, Holding, Rules, judged

DAY = 86_400_000
NOW = 1_000 * DAY
ELSEWHERE = Owner("another host", "boot", "ns", 1, "1")


def holding(
    number: int, status: str = "completed", *, age: int = 0, size: int = 10, written: int | None = None,
    tags: tuple[str, ...] = (), owners: tuple[Owner, ...] = (),
) -> Holding:  # fmt: skip
    """Return a run that was created ``number`` ms after the others' beginning and had its last news so long ago."""
    last = NOW - age
    run = Run(f"r{number}", None, status, number, None, tags, None, owners, 1, 0, 0, 0, 0.0, last, ())
    return Holding(run, size, last if written is None else NOW - written)


def gone(holdings: list[Holding], rules: Rules) -> list[str]:
    """Return the ids of the runs that go."""
    return [verdict.holding.run.id for verdict in judged(holdings, rules, NOW) if verdict.goes]


def test_keep_leaves_the_newest() -> None:
    """By creation, however old their last news are."""
    runs = [holding(n, age=(n + 1) * DAY) for n in range(5)]
    assert gone(runs, Rules(keep=2)) == ["r2", "r1", "r0"]
    assert gone(runs, Rules(keep=0)) == ["r4", "r3", "r2", "r1", "r0"]
    assert gone(runs, Rules(keep=9)) == []


def test_age_counts_from_the_last_sign_of_life() -> None:
    """The run's own last time, or when its log was written: what was imported or noted on today is not old."""
    runs = [
        holding(0, age=31 * DAY),
        holding(1, age=31 * DAY, written=DAY),
        holding(2, age=DAY, written=31 * DAY),
    ]
    assert gone(runs, Rules(older_ms=30 * DAY)) == ["r0"]
    assert gone([holding(0, age=30 * DAY)], Rules(older_ms=30 * DAY)) == ["r0"]


def test_size_takes_those_longest_without_news_until_the_rest_fits() -> None:
    """Those that stay count too, and nothing goes from a store that is small enough."""
    runs = [holding(n, age=(5 - n) * DAY) for n in range(5)]
    assert gone(runs, Rules(size=25)) == ["r2", "r1", "r0"]
    assert gone(runs, Rules(size=50)) == []
    pinned = [holding(n, age=(5 - n) * DAY, tags=("pinned",) if n < 4 else ()) for n in range(5)]
    assert gone(pinned, Rules(size=0)) == ["r4"]


def test_every_rule_narrows() -> None:
    """A run goes only if all that are given let it go; without a rule none does."""
    runs = [holding(n, age=(10 - n) * DAY) for n in range(10)]
    assert gone(runs, Rules(keep=5, older_ms=8 * DAY)) == ["r2", "r1", "r0"]
    assert gone(runs, Rules(keep=9, older_ms=8 * DAY)) == ["r0"]
    assert gone(runs, Rules(keep=5, older_ms=8 * DAY, size=90)) == ["r0"]
    assert gone(runs, Rules()) == []


@pytest.mark.parametrize("status", ["active", "paused"])
def test_what_lives_is_safe(status: str) -> None:
    """An active run goes only if quiet ones are asked for, after seven days without news, and if no owner lives."""
    old = holding(0, status, age=99 * DAY)
    assert gone([old], Rules(keep=0)) == []
    assert gone([old], Rules(keep=0, include_quiet=True)) == ["r0"]
    assert gone([holding(0, status, age=QUIET_MS)], Rules(keep=0, include_quiet=True)) == ["r0"]
    assert gone([holding(0, status, age=QUIET_MS - 1)], Rules(keep=0, include_quiet=True)) == []
    assert gone(
        [holding(0, status, age=99 * DAY, owners=(ELSEWHERE,))], Rules(keep=0, include_quiet=True)
    ) == ["r0"]
    owned = holding(0, status, age=99 * DAY, owners=(ELSEWHERE, this_process()))
    assert gone([owned], Rules(keep=0, include_quiet=True)) == []


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "archived", "active"])
def test_pinned_runs_are_safe_from_everything(status: str) -> None:
    """Whatever their status and age."""
    run = holding(0, status, age=999 * DAY, tags=("a", "pinned"))
    assert gone([run], Rules(keep=0, older_ms=0, size=0, include_quiet=True)) == []


def test_a_process_is_alive_only_where_it_can_be_seen() -> None:
    """This one is; one of another host, boot or start time is not known to be."""
    own = this_process()
    assert is_alive(own)
    others = [
        dataclasses.replace(own, host="x"), dataclasses.replace(own, boot_id="x"),
        dataclasses.replace(own, pid_namespace="x"), dataclasses.replace(own, started="1"), ELSEWHERE,
    ]  # fmt: skip
    assert not any(map(is_alive, others))
