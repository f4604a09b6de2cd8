"""How the program starts and ends, in processes of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import bare

BEFORE = (
    "import sys\nsys.argv = ['tracetui', *{words!r}]\nfrom tracetui.cli import entry\n{first}\nentry.main()"
)


def ran(folder: Path, words: list[str], first: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program from its entry, after some code, on a store in a folder."""
    return subprocess.run(
        [sys.executable, "-c", BEFORE.format(words=words, first=first)],
        capture_output=True, text=True, check=False, env=bare(TRACETUI_STORE=str(folder / "store")),
    )  # fmt: skip


def test_nothing_is_lost_on_the_quick_way_out(tmp_path: Path) -> None:
    """Output in a pipe, exit code, what was asked for at exit, and the record are all there."""
    made = ran(
        tmp_path, ["run", "start", "x", "--id", "run-1"], "import atexit; atexit.register(print, 'asked for')"
    )
    assert (made.returncode, made.stdout) == (0, "run-1\nasked for\n")
    assert ran(tmp_path, ["record", "thought", "y", "--run", "run-1", "--id", "t"]).stdout == "t\n"
    assert '"content": "y"' in ran(tmp_path, ["show", "run-1/t", "--json"]).stdout
    assert ran(tmp_path, ["show", "run-1/none"]).returncode == 1


def test_a_thread_that_lives_is_waited_for(tmp_path: Path) -> None:
    """The interpreter then ends as it always does."""
    first = (
        "import threading\ngate = threading.Event()\n"
        "def last():\n    gate.wait(); print('the last')\n"
        "threading.Thread(target=last).start()\nthreading._register_atexit(gate.set)"
    )
    done = ran(tmp_path, ["--version"], first)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "the last")


def test_a_command_runs_with_the_garbage_collector_on(tmp_path: Path) -> None:
    """It is off only while the program starts."""
    first = "import atexit, gc\natexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 0))"
    assert ran(tmp_path, ["formats"], first).stdout.splitlines()[-1] == "True True"


HEAVY = {
    "textual",
    "rich",
    "pydantic",
    "asyncio",
    "logging",
    "platformdirs",
    "tempfile",
    "http",
    "email",
    "mmap",
    "base64",
}
NOT_TO_LIST = {
    "msgpack",
    "sortedcontainers",
    "json",
    "tracetui.store.database",
    "tracetui.storage",
}
NOT_TO_RECORD = {
    "tracetui.querying", "tracetui.analysis", "tracetui.render", "tracetui.formats", "tracetui.importing", "tracetui.tui",
    "tracetui.settings", "tracetui.model.text", "tracetui.cli.reading", "tracetui.cli.files", "tracetui.storage.memory",
    "tracetui.store.retention", "tracetui.storage.files.check", "tracetui.storage.files.repair",
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "without"),
    [
        (["--help"], HEAVY | NOT_TO_LIST),
        (["record", "--help"], HEAVY | NOT_TO_LIST | NOT_TO_RECORD),
        (["run", "start", "x", "--id", "run-1"], HEAVY | NOT_TO_RECORD),
        (["record", "thought", "x", "--run", "run-0"], HEAVY | NOT_TO_RECORD),
    ],
)
def test_what_scripts_call_often_loads_only_what_it_needs(
    tmp_path: Path, words: list[str], without: set[str]
) -> None:
    """Each of these modules costs milliseconds that the command would spend on nothing."""
    ran(tmp_path, ["run", "start", "--id", "run-0"])
    done = ran(tmp_path, words, "import atexit, sys\natexit.register(lambda: print(*sys.modules))")
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.splitlines()[-1].split()) & without == set()
