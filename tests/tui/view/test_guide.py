from __future__ import annotations

import pytest

from tracetui.render.cells import width_of
from tracetui.tui.actions import ACTIONS, FACETS, PICKER, key_name
from tracetui.tui.view.answers import ANSWERS, answer
from tracetui.tui.view.guide import STEPS, Guide
from tracetui.tui.widgets.views import VIEWS

ALL = tuple(ACTIONS)


def said(guide: Guide, width: int = 200) -> str:
    """Return the words of the line."""
    return "".join(text for text, _ in guide.line(width))


def test_every_step_is_an_action_that_has_a_key() -> None:
    """Six steps at most, each of which somebody can press."""
    known = {action.id for action in ALL if action.keys}
    assert len(STEPS) == 6
    assert [name for step in STEPS for name in step.actions if name not in known] == []


def test_the_line_names_the_key_that_is_in_force() -> None:
    """Each step in turn, with its number; at the end it says so."""
    guide = Guide(ALL)
    for number, step in enumerate(guide.steps, 1):
        action = next(one for one in ALL if one.id == step.actions[0])
        assert said(guide).startswith(
            f" Try {number} of {len(guide.steps)}  {key_name(action.keys.split(',')[0])} "
        )
        assert guide.took(step.actions[0])
    assert guide.is_done
    assert "That was it" in said(guide)
    assert not guide.took("view.enter")


def test_a_later_step_passes_over_those_before_it() -> None:
    """Somebody who goes ahead is not asked to go back; other actions change nothing."""
    guide = Guide(ALL)
    assert not guide.took("cursor.down")
    assert guide.took("view.waterfall")
    assert not guide.took("view.enter")
    assert "what the model saw" in said(guide)


def test_actions_without_a_key_are_left_out() -> None:
    """A key that was taken away is not asked for."""
    guide = Guide([action for action in ALL if action.id != "view.enter"])
    assert len(guide.steps) == len(STEPS) - 1
    assert Guide([]).is_done


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_line_fits(width: int) -> None:
    """It is cut to the width of the screen."""
    assert width_of(said(Guide(ALL), width)) <= width


def test_every_step_can_be_read_on_a_small_screen() -> None:
    """No word of a step, nor of the end, is cut at 80 cells."""
    guide = Guide(ALL)
    for step in guide.steps:
        assert step.says in said(guide, 80)
        guide.took(step.actions[0])
    assert "…" not in said(guide, 80)


def test_every_screen_says_what_it_answers() -> None:
    """The board, the panes and every view ask a question first; lines fit, and other names have none."""
    assert set(ANSWERS) == {*VIEWS, FACETS, PICKER}
    for name in ANSWERS:
        lines = answer(name, 60)
        assert "?" in " ".join(lines)
        assert max(map(width_of, lines)) <= 60
    assert answer("nothing", 60) == []
