from __future__ import annotations

import os
import subprocess
import sys

import pytest

import tracetui


def modules_after(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after some code."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    bare = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=bare
    )
    return set(done.stdout.split())


def test_all_names_are_there_and_loaded_when_used() -> None:
    """``__all__`` is what can be imported; an unknown name is an AttributeError."""
    for name in tracetui.__all__:
        assert getattr(tracetui, name) is not None
    assert set(tracetui.__all__) <= set(dir(tracetui))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tracetui.nothing
    assert sorted(tracetui._HOME_OF) == [name for name in tracetui.__all__ if name != "__version__"]


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Only a deferred import that really defers keeps ``import tracetui`` cheap."""
    loaded = modules_after("import tracetui")
    heavy = {"textual", "rich", "typer", "msgpack", "sortedcontainers", "mmap", "json", "asyncio"}
    assert loaded & heavy == set()


def test_recording_from_python_loads_no_front_end() -> None:
    """Neither Textual nor Rich nor Typer comes with a store."""
    loaded = modules_after(
        "import tracetui\n"
        "db = tracetui.open('memory://')\n"
        "run = db.create_run()\n"
        "tracetui.TraceStore(db).record(run.id, tracetui.Thought('x'))\n"
    )
    assert {name.partition(".")[0] for name in loaded} & {"textual", "rich", "typer"} == set()
