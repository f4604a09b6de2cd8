"""What the documents promise is run as it is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tracetui.settings import Settings, parsed
from tracetui.tui.keymap import actions_with_keys


def blocks(document: str, language: str) -> list[str]:
    """Return the code blocks of a language in a document."""
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script with ``tracetui`` on the path, in a folder of its own."""
    binaries = folder / "bin"
    binaries.mkdir()
    command = binaries / "tracetui"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tracetui.cli.app "$@"\n')
    command.chmod(0o755)
    surroundings = {
        **os.environ,
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "TRACETUI_STORE": str(folder / "store"),
        "PYTHONPATH": str(REPOSITORY),
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_five_shell_commands_of_the_readme(tmp_path: Path) -> None:
    """Each works as written, and the last one shows what the others recorded."""
    (script,) = [block for block in blocks("README.md", "sh") if "TRACETUI_RUN" in block]
    assert len(script.strip().splitlines()) == 5
    done = shell(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert ". read the failing test first" in done.stdout
    assert "2 passed" in done.stdout


def test_the_python_of_the_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten lines that record a run and print its tree."""
    (code,) = blocks("README.md", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == "[(0, 'ToolCall'), (1, 'Thought')]\n"


def test_the_two_commands_of_the_readme_do_the_set_up() -> None:
    """One opens the explorer, one passes the tests; CI runs the second one's words."""
    first, second = [block.strip() for block in blocks("README.md", "sh") if "venv" in block]
    assert first.endswith("tracetui demo")
    assert second.endswith("coverage run -m pytest -q -n auto")
    script = (REPOSITORY / ".ci" / "run").read_text()
    assert "README.md" in script


def test_every_command_of_the_documents(tmp_path: Path) -> None:
    """The examples of docs/commands.md run one after the other."""
    (script,) = blocks("docs/commands.md", "sh")
    done = shell(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "FAILED" not in done.stdout


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("", 0),
        ("tracetui record error E 'no' --recoverable", 0),
        ("tracetui record error E 'no'", 1),
        ("for n in 1 2 3; do tracetui record tool ls --args '{}' --result '\"x\"'; done", 1),
        ('tracetui record custom LLM --meta \'{"usage": {"input": 200000, "output": 1}}\'', 1),
    ],
)
def test_the_check_in_ci_fails_for_each_of_its_reasons(tmp_path: Path, more: str, code: int) -> None:
    """As it is written, in the shell of a job, which stops at the first line that fails."""
    (step,) = blocks("docs/query.md", "yaml")
    script = step.partition("run: |\n")[2]
    agent = """export TRACETUI_RUN=$(tracetui run start nightly)
tracetui record tool bash --args '{"command": "python -m pytest -q"}' --result '"2 passed"'
"""
    done = shell(f"{agent}{more}\n{script}", tmp_path)
    assert done.returncode == code, done.stdout + done.stderr


def test_the_check_in_ci_wants_the_tests_to_be_run(tmp_path: Path) -> None:
    """Its last line finds nothing."""
    (step,) = blocks("docs/query.md", "yaml")
    agent = "export TRACETUI_RUN=$(tracetui run start nightly)\ntracetui record thought done\n"
    assert shell(agent + step.partition("run: |\n")[2], tmp_path).returncode == 1


def test_links_of_the_documents_lead_somewhere() -> None:
    """Every relative link is a file of the project."""
    for document in [
        REPOSITORY / "README.md",
        *(REPOSITORY / "docs").rglob("*.md"),
        REPOSITORY / "sample_runs" / "README.md",
    ]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_settings_of_the_documents_can_be_used() -> None:
    """The example file is one that the explorer takes, keys and all, and shows every setting."""
    (text,) = blocks("docs/configuration.md", "toml")
    settings = parsed(text)
    assert set(tomllib.loads(text)) == {one.name for one in fields(Settings)}
    assert next(one.keys for one in actions_with_keys(settings) if one.id == "error.next") == "e,f8"
