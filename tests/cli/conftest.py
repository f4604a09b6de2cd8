"""The command line, run in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tracetui.cli import app


def bare(**more: str) -> dict[str, str]:
    """Return the environment with some variables, without those by which coverage gets into other processes.

    It imports modules of its own there, and writes a file that a full disk does not take.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    return kept | more


@dataclass
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of standard output."""
        return self.out.splitlines()


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in this process on a store of its own."""
    monkeypatch.setenv("TRACETUI_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TERM", "dumb")

    def call(*words: str, stdin: str = "") -> Result:
        import io

        monkeypatch.setattr(
            "sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8", "surrogateescape")))
        )
        code = app.run(list(words))
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def shell(tmp_path: Path) -> Run:
    """Run a command in a process of its own on a store of its own."""

    def call(*words: str, stdin: str = "", **more: str) -> Result:
        surroundings = {**os.environ, "TRACETUI_STORE": str(tmp_path / "store"), **more}
        done = subprocess.run(
            [sys.executable, "-m", "tracetui.cli.app", *words],
            input=stdin,
            capture_output=True,
            text=True,
            env=surroundings,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return call
