"""Finding what other tools recorded of work in a folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tracetui.importing import discovery
from tracetui.importing.discovery import recordings_of


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a working folder, and a home with recordings of it and of another."""
    home, work = tmp_path / "home", tmp_path / "my work.v2"
    work.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    return work


def put(path: Path, text: str, at: int) -> str:
    """Write a file of a certain age."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))
    return str(path)


def test_sessions_of_this_folder_are_found_newest_first(work: Path) -> None:
    """Claude Code's by the name of their folder, Codex's by what their first line says; others' are not."""
    claude = Path.home() / ".claude" / "projects"
    name = "".join(char if char.isalnum() else "-" for char in str(work))
    old = put(claude / name / "a.jsonl", "{}", 100)
    put(claude / name / "empty.jsonl", "", 100)
    put(claude / name / "b" / "subagents" / "c.jsonl", "{}", 100)
    put(claude / (name + "-x") / "d.jsonl", "{}", 100)
    sessions = Path.home() / ".codex" / "sessions" / "2026" / "11" / "22"
    meta = {
        "type": "session_meta",
        "payload": {"id": "x", "cwd": str(work), "base_instructions": "y" * 100_000},
    }
    new = put(sessions / "rollout-1.jsonl", json.dumps(meta), 300)
    put(sessions / "rollout-2.jsonl", json.dumps({"payload": {"cwd": "/elsewhere"}}), 400)
    for number, text in enumerate(("no json", '{"cwd": 7}', '{"payload": {"cwd": "\\ud8"}}', "\x00")):
        put(sessions / f"rollout-bad{number}.jsonl", text, 500)
    found = recordings_of(work)
    assert [(each.tool, each.path, each.modified_ms) for each in found] == [
        ("Codex", new, 300_000), ("Claude Code", old, 100_000),
    ]  # fmt: skip
    assert found[1].is_readable


def test_a_home_without_recordings_has_none(work: Path) -> None:
    """Nor one where a file is in the way."""
    assert recordings_of(work) == []
    put(Path.home() / ".claude", "x", 1)
    put(Path.home() / ".codex" / "sessions", "x", 1)
    assert recordings_of(work) == []


def test_only_so_many_are_told(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest."""
    monkeypatch.setattr(discovery, "MOST", 3)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(work / "config"))
    name = "".join(char if char.isalnum() else "-" for char in str(work))
    for number in range(10):
        put(work / "config" / "projects" / name / f"{number}.jsonl", "{}", 1_000 + number)
    assert [Path(each.path).stem for each in recordings_of(work)] == ["9", "8", "7"]
