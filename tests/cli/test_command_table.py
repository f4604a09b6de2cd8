from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tracetui.cli.app import command_line
from tracetui.cli.commands import COMPLETING, FAMILIES, MODULES


def test_every_command_is_where_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table and what the modules register are one; completion gets all of it."""
    monkeypatch.setenv(COMPLETING, "complete_bash")
    whole = command_line()
    names = [one.name or one.callback.__name__ for one in whole.registered_commands if one.callback]
    assert names == list(MODULES)
    assert [one.name for one in whole.registered_groups] == list(FAMILIES)
    for name in MODULES:
        monkeypatch.delenv(COMPLETING, raising=False)
        assert len(command_line([name]).registered_commands) == 1


def test_help_and_suggestions_name_every_command(run: Run) -> None:
    """A command that is only listed has its help line; a word that is none finds the nearest."""
    said = run("--help").out
    assert all(f"\n  {name} " in said for name in (*MODULES, *FAMILIES))
    assert run("--help", "record").out == said
    assert "Did you mean 'query'?" in run("qurey", "loops").err
    assert "Did you mean 'tool'?" in run("record", "tol").err
    assert "Record a tool call and print its id alone" in run("record", "--help").out
    assert "--duration-ms" in run("record", "tool", "--help").out


def test_a_store_may_be_called_as_a_command_is(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place of the store is no command."""
    monkeypatch.chdir(tmp_path)
    assert run("run", "start", "--id", "run-1", "--store", "run").lines == ["run-1"]
    assert run("--store", "run", "record", "thought", "x", "--id", "t", "--run", "run-1").lines == ["t"]
