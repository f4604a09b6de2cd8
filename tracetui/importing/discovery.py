"""Recordings that other tools left of work in a folder: Claude Code's and Codex's sessions, newest first.

Looks at names, times and first lines only, and at no more than a bounded number of files; nothing is imported.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tracetui.formats.registry import FORMATS

MOST = 50
"""So many recordings of a tool are told."""
MOST_LOOKED_AT = 400
HEAD_BYTES = 65_536
_CWD = re.compile(rb'"cwd"\s*:\s*("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that a tool recorded: whether it can be read depends on the formats there are."""

    tool: str
    format: str
    path: str
    modified_ms: int
    size_bytes: int

    @property
    def is_readable(self) -> bool:
        """Whether an importer for its format exists."""
        return any(found.name == self.format for found in FORMATS)


def recordings_of(folder: Path) -> list[Recording]:
    """Return the recordings of work in a folder, newest first; empty if there are none or they cannot be looked at."""
    found = [*_claude_code(folder), *_codex(folder)]
    return sorted(found, key=lambda recording: -recording.modified_ms)


def _claude_code(folder: Path) -> list[Recording]:
    """Return the sessions of Claude Code: one folder for each working folder, named after its path."""
    base = Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude")
    name = re.sub(r"[^A-Za-z0-9]", "-", str(folder.absolute()))
    return _newest("Claude Code", "claude-code", _listed(base / "projects" / name, "*.jsonl"))


def _codex(folder: Path) -> list[Recording]:
    """Return the sessions of Codex: all in folders by date, each naming its working folder in the first line."""
    base = Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex")
    paths = sorted(_listed(base / "sessions", "*/*/*/rollout-*.jsonl"), reverse=True)[:MOST_LOOKED_AT]
    return _newest(
        "Codex", "codex", (path for path in paths if _codex_folder(path) == str(folder.absolute()))
    )


def _listed(folder: Path, pattern: str) -> list[Path]:
    with suppress(OSError):
        return list(islice(folder.glob(pattern), 100 * MOST_LOOKED_AT))
    return []


def _codex_folder(path: Path) -> str:
    """Return the working folder that the beginning of a session names, "" if it names none."""
    with suppress(OSError, ValueError), path.open("rb") as file:
        found = _CWD.search(file.read(HEAD_BYTES))
        return str(json.loads(found[1])) if found else ""
    return ""


def _newest(tool: str, format_name: str, paths: Iterable[Path]) -> list[Recording]:
    found = sorted(_looked_at(tool, format_name, paths), key=lambda recording: -recording.modified_ms)
    return found[:MOST]


def _looked_at(tool: str, format_name: str, paths: Iterable[Path]) -> Iterator[Recording]:
    for path in paths:
        with suppress(OSError):
            status = path.stat()
            if status.st_size:
                yield Recording(tool, format_name, str(path), int(status.st_mtime * 1000), status.st_size)
