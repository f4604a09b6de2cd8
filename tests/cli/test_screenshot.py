from __future__ import annotations

from pathlib import Path

import pytest

import tracetui
from tests.cli.conftest import Run
from tests.tui.conftest import login_bug


@pytest.fixture
def failed(tmp_path: Path) -> str:
    """Record the failing run into the store of the commands."""
    with tracetui.open(tmp_path / "store") as db:
        return login_bug(db)


def test_a_picture_is_the_screen_after_the_keys(run: Run, failed: str, tmp_path: Path) -> None:
    """As SVG in a file, or as text of the size that was asked for."""
    done = run("screenshot", failed, "-o", str(tmp_path / "it.svg"))
    assert (done.code, done.out) == (0, "")
    assert (tmp_path / "it.svg").read_text().startswith("<svg")
    done = run("screenshot", failed, "--text", "--size", "80x24", "--keys", "g j")
    assert (len(done.lines), done.code) == (24, 0)
    assert max(map(len, done.lines)) <= 80
    assert "row 2/" in done.out
    assert "1 runs" in run("screenshot", "--picker", "--text").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "5x5"), "from 20x6"),
        (("--keys", "e nonsense"), "no key 'nonsense'"),
        (("--view", "none"), "no view 'none'"),
        (("-o", "/no/such/folder/it.svg"), "cannot be written"),
    ],
)
def test_what_cannot_be_drawn_is_said(run: Run, failed: str, words: tuple[str, str], said: str) -> None:
    """A usage error that names what was wrong."""
    done = run("screenshot", failed, *words)
    assert (done.code, said in done.err) == (2, True)
