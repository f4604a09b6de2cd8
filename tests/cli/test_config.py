from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tracetui.settings import CONFIG_VARIABLE, TEMPLATE, Settings, parsed

SET = 'preset = "ide"\nbell = true\n[keys]\nerror.next = ["x", "&"]\n[prices."m \\"1\\"*"]\ninput = 3\noutput = 15.5\n'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a file of settings that does not exist yet."""
    path = tmp_path / "of mine" / "config.toml"
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    return path


def write(file: Path, text: str) -> None:
    """Make the file."""
    file.parent.mkdir()
    file.write_text(text)


def test_show_prints_what_is_in_force_as_a_file_would_say_it(run: Run, file: Path) -> None:
    """What is printed reads back as the same settings, with a file and without."""
    shown = run("config", "show")
    assert parsed(shown.out) == Settings()
    assert "does not exist" in shown.err
    write(file, SET)
    shown = run("config", "show")
    assert (shown.code, parsed(shown.out)) == (0, parsed(SET))
    assert str(file) in shown.err
    data = json.loads(run("config", "show", "--json").out)
    assert data["keys"] == {"error.next": ["x", "&"]}
    assert data["prices"] == {
        'm "1"*': {"input": 3, "output": 15.5, "cached_input": None, "cache_write": None}
    }


def test_a_mistake_in_the_file_is_a_usage_error(run: Run, file: Path) -> None:
    """Whether it is the name of a setting or of an action; what does not need the settings works on."""
    write(file, "teme = 1")
    shown = run("config", "show")
    assert (shown.code, shown.out) == (2, "")
    assert "did you mean theme?" in shown.err
    file.write_text("[keys]\nerror.nxt = 'x'")
    assert "did you mean error.next?" in run("config", "show").err
    assert run("run", "start").code == 0


def test_path_prints_the_path_alone(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts can use it; where none is read, that is said."""
    assert run("config", "path").out == f"{file}\n"
    monkeypatch.setenv(CONFIG_VARIABLE, "")
    assert run("config", "path").code == 2
    assert "no file is read" in run("config", "show").err


def test_edit_makes_the_file_opens_it_and_checks_it(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor of several words is one command; what was spoilt in it is said."""
    append = "import sys; open(sys.argv[1], 'a').write('bell = true')"
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f'{sys.executable} -c "{append}"')
    assert run("config", "edit").code == 0
    assert file.read_text() == TEMPLATE + "bell = true"
    again = run("config", "edit")
    assert again.code == 2
    assert "no TOML" in again.err
    monkeypatch.setenv("EDITOR", "no-such-editor-here")
    assert "cannot be started" in run("config", "edit").err
    monkeypatch.setenv("VISUAL", f'{sys.executable} -c "import sys; sys.exit(3)"')
    assert "ended with 3" in run("config", "edit").err
