"""Several processes record into one run while the explorer follows it; then they are killed, one after the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import tracetui
from tests.tui.control.test_following import RUN, SIZE
from tests.tui.driving import following, main_screen, screen_text, settle, until
from tracetui.tui.app import ExplorerApp

WRITER = """
import sys
from tracetui import Custom, Thought, ToolCall, TraceStore, open
db, run, name = open(sys.argv[1]), sys.argv[2], sys.argv[3]
store = TraceStore(db)
if name == "one":
    db.create_run("live", id=run)
agent = store.record_with_options(run, Custom("Agent", {"name": name}), open=True)
for line in sys.stdin:
    store.record_child(run, agent, Thought(f"{name} {line.strip()}"))
    call = store.record_with_options(run, ToolCall("wait", {"for": name}), parent_id=agent, open=True)
    print(call, flush=True)
"""


@contextmanager
def writer(store: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that records a thought and a call that goes on for each line it is told."""
    command = [sys.executable, "-c", WRITER, str(store), RUN, name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def tell(writer: subprocess.Popen[str], line: str) -> str:
    """Let a process record; return the id of its call, which goes on."""
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write(f"{line}\n")
    writer.stdin.flush()
    return writer.stdout.readline().strip()


async def test_processes_are_followed_until_the_last_is_killed(tmp_path: Path) -> None:
    """What each records comes as it comes; with one writer left the run is live, with none it is lost, and says so."""
    path = tmp_path / "s"
    with tracetui.open(path) as db, writer(path, "one") as one, ExitStack() as others:
        calls = [tell(one, "first")]
        two = others.enter_context(writer(path, "two"))
        calls += [tell(two, "first")]
        app = ExplorerApp(db, run_id=RUN)
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await settle(pilot)
            screen = main_screen(app)
            ids = screen.model.view.ids
            assert set(calls) <= set(ids)
            for each in (one, two, one):
                call = tell(each, "more")
                await until(pilot, lambda call=call: ids[screen.current.cursor_seq] == call)  # type: ignore[misc]
                assert following(screen)
            one.kill()
            one.wait()
            call = tell(two, "last")
            await until(pilot, lambda: ids[screen.current.cursor_seq] == call)
            assert screen.model.verdict.label == "LIVE"
            assert "open: still running" in screen.detail.text()
            two.kill()
            two.wait()
            await until(pilot, lambda: screen.model.verdict.label == "LOST")
            await until(pilot, lambda: "its process died while it ran" in screen.detail.text())
            text = screen_text(app)
            assert "still running" not in text
            assert "  lost " in text
            assert "cut off in wait " in text.splitlines()[1]
            assert not following(screen)
