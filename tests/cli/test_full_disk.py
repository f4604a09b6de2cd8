"""A disk that takes no more: said in a line with the file, nothing that was there is lost, nothing half-made stays."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tracetui
from tests.cli.conftest import Result, bare
from tracetui import Thought, TraceDraft, TraceStore

Full = Callable[..., Result]
COMMAND = [sys.executable, "-B", "-m", "tracetui.cli.app"]
RANDOM = os.urandom(4_000).hex()
"""A text that compression leaves half as long."""


@pytest.fixture
def full(tmp_path: Path) -> Full:
    """Run a command in a process of its own, for which every file is full at so many bytes."""

    def call(most: int, *words: str, **more: str) -> Result:
        surroundings = bare(TRACETUI_STORE=str(tmp_path / "store"), **more)
        done = subprocess.run(
            [*COMMAND, *words],
            capture_output=True, text=True, env=surroundings, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        )  # fmt: skip
        return Result(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def kept(tmp_path: Path) -> dict[str, bytes]:
    """Record a run that ended; return every file of the store."""
    with tracetui.open(tmp_path / "store") as db:
        db.restore_run("r", created_ms=1_000)
        TraceStore(db).record_many("r", [TraceDraft(Thought(RANDOM), id=f"t{n}") for n in range(4)])
    return files(tmp_path / "store")


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_a_full_disk_does_not_take_is_said_and_nothing_is_lost(
    full: Full, kept: dict[str, bytes], tmp_path: Path
) -> None:
    """Recording, importing, a repair, an index: exit code 4, one line that names the file, the store as it was."""
    recording = tmp_path / "one.jsonl"
    trace = {"id": "x", "timestamp": 1, "trace_type": {"Thought": {"content": RANDOM}}}
    recording.write_text(json.dumps(trace))
    for words in (
        ("record", "thought", RANDOM, "--run", "r"),
        ("import", str(recording)),
        ("repair", "r"),
        ("reindex", "r"),
    ):
        done = full(700, *words)
        assert done.code == 4, (words, done)
        assert "File too large" in done.err
        assert str(tmp_path / "store") in done.err
        assert len(done.err.splitlines()) == 1, done.err
        now = {path: content for path, content in files(tmp_path / "store").items() if content}
        assert {path: now.get(path) for path in kept} == kept, words
        left = {path for path in now if path not in kept}
        assert all(path.endswith((".log", ".idx")) for path in left), (words, left)


def test_a_compression_that_finds_no_room_leaves_the_log(
    full: Full, kept: dict[str, bytes], tmp_path: Path
) -> None:
    """The original stays whole, the copy goes."""
    with tracetui.open(tmp_path / "store") as db:
        db.end_run("r")
    before = files(tmp_path / "store")
    done = full(2_000, "gc", "--compress")
    assert (done.code, "File too large" in done.err) == (4, True)
    assert "Traceback" not in done.err
    assert {path: content for path, content in files(tmp_path / "store").items() if ".idx" not in path} == {
        path: content for path, content in before.items() if ".idx" not in path
    }
    assert kept


def test_half_a_file_of_settings_is_none(full: Full, tmp_path: Path) -> None:
    """Where there is no room for it, it is not made, so that it is made whole the next time."""
    place = tmp_path / "config.toml"
    done = full(100, "config", "edit", TRACETUI_CONFIG=str(place), EDITOR="true", VISUAL="true")
    assert done.code == 2
    assert "config.toml cannot be made: File too large" in done.err
    assert not place.exists()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_is_not_taken_whole_is_an_error(
    kept: dict[str, bytes], tmp_path: Path, unbuffered: str
) -> None:
    """Half a file is said, however Python was told to write; once all seemed well where it was told to do without a buffer."""
    assert kept
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run(
            [*COMMAND, "query", "--run", "r", "--json"],
            stdout=out, stderr=subprocess.PIPE, text=True, check=False,
            env=bare(TRACETUI_STORE=str(tmp_path / "store"), PYTHONUNBUFFERED=unbuffered),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "tracetui: the output cannot be written: File too large\n"
