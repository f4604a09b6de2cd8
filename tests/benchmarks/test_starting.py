from __future__ import annotations

from benchmarks import starting


def test_every_command_that_is_measured_runs() -> None:
    """Each has its figures, and each goal is one of a command that is measured."""
    figures = starting.measure(1)
    assert list(figures) == list(starting.COMMANDS)
    assert all(found["wall (ms)"] > 0 for found in figures.values())
    assert set(starting.GOALS) <= set(figures)
