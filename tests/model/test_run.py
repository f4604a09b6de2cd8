from __future__ import annotations

import pytest

from tracetui import InvalidRunError, InvalidTransitionError
from tracetui.model.run import MOVES, RUN_STATUSES, Damage, Owner, Run, check_move, checked_run_id
from tracetui.model.value import dumps

OPEN_MOVES = {
    "active": {"paused", "completed", "failed", "cancelled", "archived"},
    "paused": {"active", "cancelled", "archived"},
    "completed": {"archived"},
    "failed": {"archived"},
    "cancelled": {"archived"},
    "archived": set(),
}


@pytest.mark.parametrize("current", RUN_STATUSES)
@pytest.mark.parametrize("wanted", RUN_STATUSES)
def test_the_status_machine_has_exactly_these_moves(current: str, wanted: str) -> None:
    """Every pair is either open or refused with both states in the message."""
    if wanted in OPEN_MOVES[current]:
        check_move("r", current, wanted)
    else:
        with pytest.raises(InvalidTransitionError, match=f"{current} and cannot become {wanted}"):
            check_move("r", current, wanted)
    assert set(MOVES) == set(OPEN_MOVES)


def test_a_status_that_does_not_exist_is_named() -> None:
    """The message lists those that do."""
    with pytest.raises(InvalidRunError, match="'done' is none of active, paused"):
        check_move("r", "active", "done")


@pytest.mark.parametrize("wrong", ["", "x" * 513, 5, None, b"x"])
def test_a_run_id_is_a_short_non_empty_str(wrong: object) -> None:
    """Anything else is refused before anything is written."""
    with pytest.raises(InvalidRunError):
        checked_run_id(wrong)
    assert checked_run_id("../../etc\0\n") == "../../etc\0\n"


def test_an_owner_packs_and_unpacks() -> None:
    """What a run keeps of a process tells it apart from a later one with the same pid."""
    owner = Owner("host", "boot", "pid:[1]", 7, "123")
    assert Owner.unpack(owner.pack()) == owner


def test_a_run_shows_as_json() -> None:
    """Runs compare by value, are unhashable, and show every count."""
    run = Run("r", "n", "failed", 1, 2, ("t",), {"k": 1}, damage=(Damage("a.log", 5, 3, "torn tail"),))
    assert '"damage": [{"path": "a.log", "offset": 5, "length": 3, "reason": "torn tail"}]' in dumps(
        run.to_json()
    )
    assert run == Run("r", "n", "failed", 1, 2, ("t",), {"k": 1}, damage=run.damage)
    assert run.ended
    assert not Run("r").ended
    assert str(run.damage[0]) == "a.log: torn tail (3 bytes at 5)"
    with pytest.raises(TypeError):
        hash(run)
