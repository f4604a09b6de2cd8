from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import tracetui
from tests.cli.conftest import Run
from tracetui import TraceStore

COMMAND = [sys.executable, "-m", "tracetui.cli.app"]


def test_exec_passes_output_and_exit_code_on_and_records_both(shell: Run, tmp_path: Path) -> None:
    """The command's own children nest below it; a failure is an Error below the call."""
    made = shell("run", "start", "r").lines[0]
    inner = f"import subprocess,sys; print('out'); print('err', file=sys.stderr); subprocess.run({COMMAND!r} + ['record', 'thought', 'inner'], check=True); sys.exit(3)"
    done = shell("record", "exec", "--run", made, "--name", "job", "--", sys.executable, "-c", inner)
    assert done.code == 3
    assert done.lines[0] == "out"
    assert "err" in done.err
    with tracetui.open(tmp_path / "store") as db:
        call, thought, error = TraceStore(db).list(made)
    assert isinstance(call.trace_type, tracetui.ToolCall)
    result = call.trace_type.result
    assert isinstance(result, dict)
    assert (call.status, result["exit_code"]) == ("error", 3)
    assert str(result["stdout"]).startswith("out\n")
    assert (thought.parent_id, error.parent_id) == (call.id, call.id)
    assert isinstance(error.trace_type, tracetui.Error)
    assert error.trace_type.message.startswith("job exited 3")
    assert shell("record", "exec", "--run", made, "--", "/nowhere/command").code == 127


def test_a_signal_ends_the_command_and_its_end_is_recorded(shell: Run, tmp_path: Path) -> None:
    """The wrapper hands the signal on and writes how it ended."""
    made = shell("run", "start", "r").lines[0]
    script = "import time; print('ready', flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [*COMMAND, "record", "exec", "--run", made, "--", sys.executable, "-c", script],
        stdout=subprocess.PIPE, env={**os.environ, "TRACETUI_STORE": str(tmp_path / "store")},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    with tracetui.open(tmp_path / "store") as db:
        assert TraceStore(db).list(made)[0].status == "error"


def test_parallel_commands_lose_nothing_while_somebody_follows(shell: Run, tmp_path: Path) -> None:
    """Every trace once, in the store and for the follower."""
    made = shell("run", "start", "r").lines[0]
    surroundings = {**os.environ, "TRACETUI_STORE": str(tmp_path / "store")}
    follower = subprocess.Popen(
        [*COMMAND, "tail", made, "-n", "1000", "--json"], stdout=subprocess.PIPE, env=surroundings
    )
    recorders = [
        subprocess.Popen(
            [*COMMAND, "record", "thought", str(n), "--run", made], stdout=subprocess.PIPE, env=surroundings
        )
        for n in range(12)
    ]
    ids = {process.communicate(timeout=60)[0].decode().strip() for process in recorders}
    assert len(ids) == 12
    shell("run", "end", made)
    seen = [json.loads(line)["id"] for line in follower.communicate(timeout=60)[0].splitlines()]
    assert sorted(seen) == sorted(ids)


def test_a_closed_pipe_is_quiet(shell: Run, tmp_path: Path) -> None:
    """As with head: no complaint, no traceback."""
    made = shell("run", "start", "r").lines[0]
    with tracetui.open(tmp_path / "store") as db:
        TraceStore(db).record_many(made, [tracetui.TraceDraft(tracetui.Thought("x" * 500))] * 2000)
    process = subprocess.Popen(
        [*COMMAND, "query", "--format", "jsonl", "--run", made], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "TRACETUI_STORE": str(tmp_path / "store")},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read().decode()
    process.wait(timeout=30)
    process.stderr.close()
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


def test_completion_can_be_shown() -> None:
    """Typer's own, for the shell that is named: which one is in use depends on who runs the tests."""
    surroundings = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [*COMMAND, "--show-completion", "bash"], capture_output=True, text=True, check=False, env=surroundings
    )
    assert "complete" in done.stdout
