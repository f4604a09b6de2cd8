from __future__ import annotations

import pytest

from tracetui.analysis.volatile import canonical, steady


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("call_Ab12cdefgh34", "call_Zz99cdefgh34"),
        ("toolu_01A09q90qw90lq917835lq9", "toolu_01T1x1fJ34qAmk2tNTrN7Up6"),
        ("at 0x7f3a9c01", "at 0x7f3a9c99"),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "9a2504e0-4f89-11d3-9a0c-0305e82c3302"),
        ("commit 5f3a9c01d2", "commit 0a3a9c01d2"),
        ("a\\n5f3a9c01d2", "a\\n0a3a9c01d2"),
        ("/tmp/tmpab_1/x.py", "/tmp/tmpzz_2/x.py"),
        ("/tmp/pytest-of-dev/0/x", "/tmp/pytest-of-dev/0/x"),
    ],
)
def test_ids_make_no_difference(a: str, b: str) -> None:
    """Neither in what was chosen nor in what was received."""
    assert canonical({"v": a}) == canonical({"v": b})
    assert canonical(a, received=True) == canonical(b, received=True)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Ran 3 tests in 0.002s", "Ran 3 tests in 1.5s"),
        ("took 12 ms", "took 900 ms"),
        ("2026-09-21T14:54:20.113Z done", "2026-09-22 08:00:01 done"),
        ("14:54:20 done", "15:00:00 done"),
        ("at 1790002220113", "at 1790002999999"),
        ("pid 4711", "pid 12"),
    ],
)
def test_moments_count_only_where_they_were_chosen(a: str, b: str) -> None:
    """A result may be of another moment; a call with another date is another call."""
    assert canonical({"v": a}, received=True) == canonical({"v": b}, received=True)
    assert canonical({"v": a}) != canonical({"v": b})


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("2024-05-20", "2024-05-21"),
        ("item 1573035764", "item 1573035765"),
        ("order #W2890441", "order #W2890442"),
        ("exited 1", "exited 2"),
        ("3 tests", "4 tests"),
        ("ZFA04Y", "ZFA05Y"),
        ("deadbeef", "defaced"),
        ("app/auth.py:12", "app/auth.py:13"),
    ],
)
def test_what_means_something_makes_a_difference(a: str, b: str) -> None:
    """Dates without a time, numbers of things, exit codes, words that happen to be hexadecimal."""
    assert steady(a, received=True) != steady(b, received=True)
    assert canonical(a) != canonical(b)


def test_keys_that_machines_fill_are_left_out_at_any_depth() -> None:
    """The order of keys makes no difference either; a user's own ids do."""
    a = {"path": "x", "tool_call_id": 1, "more": [{"durationMs": 3, "k": 1}]}
    b = {"more": [{"k": 1, "durationMs": 4}], "toolCallId": 2, "path": "x"}
    assert canonical(a) == canonical(b)
    assert canonical({"order_id": "W1"}) != canonical({"order_id": "W2"})


def test_a_description_is_left_out_where_it_only_tells_a_command_again() -> None:
    """Alone it is what was asked for."""
    assert canonical({"command": "ls", "description": "a"}) == canonical(
        {"command": "ls", "description": "b"}
    )
    assert canonical({"title": "t", "description": "a"}) != canonical({"title": "t", "description": "b"})


def test_values_of_any_shape_have_a_canonical_text() -> None:
    """Bytes, infinities, lone surrogates and deep nesting included."""
    deep: object = 1
    for _ in range(500):
        deep = {"id_ms": [deep]} if isinstance(deep, int) else [deep]
    for value in (b"\xff", float("nan"), "\ud83d", deep, None, {"ts": 1}):
        assert canonical(value) == canonical(value)
