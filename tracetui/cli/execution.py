"""Running a command under a trace: begun before it starts, its output passed through, ended as it ended."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator
from types import FrameType

from tracetui.cli import diagnostics, output
from tracetui.cli.session import PARENT_VARIABLE, RUN_VARIABLE
from tracetui.model.trace_type import Error, ToolCall
from tracetui.store.database import Database
from tracetui.store.location import STORE_VARIABLE
from tracetui.store.trace_store import TraceStore

TAIL_BYTES = 16_384
NOT_FOUND, NOT_EXECUTABLE = 127, 126


def execute(
    db: Database,
    run_id: str,
    location: str,
    command: list[str],
    name: str | None,
    parent: str | None,
    tags: list[str],
) -> int:
    """Run a command, recording it; return its exit code (128 + n if a signal n ended it)."""
    store = TraceStore(db)
    called = name or os.path.basename(command[0])  # noqa: PTH119 - a name, no path
    trace_id = store.record_with_options(
        run_id, ToolCall(called, {"command": command}), parent_id=parent, tags=tags, open=True,
        metadata={"cwd": os.getcwd()},  # noqa: PTH109
    )  # fmt: skip
    surroundings = {
        **os.environ, RUN_VARIABLE: run_id, PARENT_VARIABLE: trace_id,
        STORE_VARIABLE: location if "://" in location else os.path.abspath(location),  # noqa: PTH100
    }  # fmt: skip
    start = time.monotonic()
    try:
        code, tails = _run(command, surroundings)
        problem = ""
    except OSError as failure:
        code, tails = NOT_FOUND if isinstance(failure, FileNotFoundError) else NOT_EXECUTABLE, {}
        problem = f"{command[0]}: {failure.strerror}"
        diagnostics.say(f"tracetui: {problem}")
    took = int((time.monotonic() - start) * 1000)
    result: dict[str, object] = {"exit_code": code, **tails}
    store.complete(run_id, trace_id, status="ok" if code == 0 else "error", result=result, duration_ms=took)
    if code != 0:
        said = problem or str(tails.get("stderr") or tails.get("stdout") or "")[-2000:].strip()
        error = Error(
            "ExitCode", f"{called} exited {code}" + (f"\n{said}" if said else ""), recoverable=False
        )
        store.record_child(run_id, trace_id, error)
    return code


def _run(command: list[str], surroundings: dict[str, str]) -> tuple[int, dict[str, object]]:
    """Run it with its output passed through byte by byte; return exit code and tails of its streams."""
    with _signals_forwarded() as forward:
        process = subprocess.Popen(command, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603
        forward.append(process)
        tails = {"stdout": b"", "stderr": b""}
        dropped = dict.fromkeys(tails, 0)
        with selectors.DefaultSelector() as selector:
            for stream, key in ((process.stdout, "stdout"), (process.stderr, "stderr")):
                assert stream is not None  # noqa: S101 - piped above
                selector.register(stream, selectors.EVENT_READ, key)
            while selector.get_map():
                for found, _ in selector.select():
                    data = os.read(found.fd, 65_536)
                    if not data:
                        selector.unregister(found.fileobj)
                        continue
                    _pass_on(found.data, data)
                    whole = tails[found.data] + data
                    dropped[found.data] += max(len(whole) - TAIL_BYTES, 0)
                    tails[found.data] = whole[-TAIL_BYTES:]
        code = process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    shown: dict[str, object] = {key: tail.decode("utf-8", "replace") for key, tail in tails.items() if tail}
    shown |= {f"{key}_bytes_dropped": count for key, count in dropped.items() if count}
    return (128 - code if code < 0 else code), shown


def _pass_on(stream: str, data: bytes) -> None:
    if stream == "stdout":
        with contextlib.suppress(output.ClosedPipeError):
            output.raw(data)
    else:
        with contextlib.suppress(OSError):
            os.write(2, data)


@contextlib.contextmanager
def _signals_forwarded() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Hand signals that would end us to the command, so that its end is recorded."""
    processes: list[subprocess.Popen[bytes]] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    wanted = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, forward) for number in wanted}
    try:
        yield processes
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
