from __future__ import annotations

from collections.abc import Iterator

import pytest

from tracetui.analysis.diff import diff
from tracetui.render.differences import Sides, as_json, as_text, effect, heading, lines_of
from tracetui.samples import copied_samples
from tracetui.storage.backend import RunView


@pytest.fixture(scope="module")
def logins() -> Iterator[tuple[RunView, RunView]]:
    """Give the sample run that fixed the login, and the one that looped."""
    with copied_samples() as db:
        failed, good = [run for run in db.runs() if run.name == "fix-login-bug"]
        yield db.view(good.id), db.view(failed.id)


def test_the_failing_sample_run_beside_the_good_one(logins: tuple[RunView, RunView]) -> None:
    """What both did is folded, the choice is named, and the loop is told once with its count."""
    found, sides = diff(*logins), Sides(*logins)
    assert list(as_text(lines_of(found, sides), 90)) == [
        "  A fix login bug  (status: ok → error)                                      +8.4s -7k tok",
        "=   6 equal steps",
        "    A run tests  (status: ok → error)                                      +9.6s -3.3k tok",
        "=     3 equal steps",
        "~     . same error, maybe the path",
        "~         content: app.auth is imported by the test and does not exist: it has to be writ…",
        "~         confidence: 0.9 → 0.47",
        "~     ? retry or patch? → retry",
        "~         chosen: patch → retry",
        "~         reasoning: a module is missing, retrying cannot help → it may be flaky",
        "-     M → write_file                                                       -4.0s -3.3k tok",
        "-     T write_file app/auth.py",
        "+     T bash python -m unittest -q  ×5                                              +13.2s",
        "+       ! ToolError: tests exited 1  ×5",
        "+     . same error, maybe the path  ×5",
        "+     ? retry or patch? → retry  ×5",
        "~     T bash python -m unittest -q                                                   +69ms",
        "~         result: test_fresh_token (tests.test_login.LoginTest.test_fresh_token) ... ok␊t…",
        "~         status: ok → error",
        "+       ! ToolError: tests exited 1",
        "-   M Login works again: tokens are valid until their stamp.               -1.4s -3.7k tok",
    ]


def test_wide_screens_show_both_runs_beside_each_other(logins: tuple[RunView, RunView]) -> None:
    """Each line in the middle has the sign, and none is wider than the screen."""
    found, sides = diff(*logins), Sides(*logins)
    lines = list(as_text(lines_of(found, sides), 120))
    assert all(len(line) <= 120 for line in lines)
    assert lines[8].split() == ["chosen:", "patch", "~", "chosen:", "retry"]
    assert {line[51] for line in lines} == {"|", "=", "~", "-", "+"}


def test_everything_is_a_line_for_each_step(logins: tuple[RunView, RunView]) -> None:
    """Nothing folded, nothing counted, all parts told."""
    found, sides = diff(*logins), Sides(*logins)
    lines = [line for line in lines_of(found, sides, everything=True) if not line.part]
    assert len(lines) == len(found.rows)


def test_the_heading_says_who_and_where(logins: tuple[RunView, RunView]) -> None:
    """Cut at the width of the screen; equal runs are said to be."""
    there = diff(*logins)
    assert (
        list(heading(there, Sides(*logins), ("OK", "FAILED")))[2]
        == "7 differences, the first at step 12 of 38"
    )
    assert all(len(line) <= 40 for line in heading(there, Sides(*logins), ("OK", "FAILED"), 40))
    same = diff(logins[0], logins[0])
    assert list(heading(same, Sides(logins[0], logins[0]), ("OK", "OK")))[2:] == ["no difference in 17 steps"]


def test_json_names_every_trace(logins: tuple[RunView, RunView]) -> None:
    """With ids, so that a program can go on from there."""
    found = diff(*logins)
    told = as_json(found, Sides(*logins), ("OK", "FAILED"))
    assert {row["a"] for row in told["rows"]} == {None, *logins[0].ids}
    assert {row["b"] for row in told["rows"]} == {None, *logins[1].ids}
    assert told["rows"][told["first_divergence"]]["changes"][0]["part"] == "content"
    assert (told["equal"], told["b"]["verdict"], told["steps"]["only_b"]) == (False, "FAILED", 21)


def test_an_effect_is_what_b_took_more() -> None:
    """Nothing is said of nothing."""
    assert effect(17_200, 14_000) == "+17.2s +14k tok"
    assert effect(-400, 0) == "-400ms"
    assert effect(0, 0) == ""
