from __future__ import annotations

import os
import re
import threading

from tracetui.model.ids import new_run_id, new_trace_id

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_ids_are_uuids_of_version_7_with_a_prefix() -> None:
    """The layout is that of RFC 9562, section 5.7."""
    assert UUID7.fullmatch(new_trace_id().removeprefix("trace-"))
    assert UUID7.fullmatch(new_run_id().removeprefix("run-"))


def test_ids_of_one_process_increase() -> None:
    """Ten thousand ids made in a row are sorted and distinct."""
    made = [new_trace_id() for _ in range(10_000)]
    assert made == sorted(set(made))


def test_threads_never_get_the_same_id() -> None:
    """Eight threads draw 2,000 ids each, all distinct."""
    drawn: list[list[str]] = [[] for _ in range(8)]
    threads = [
        threading.Thread(target=lambda out=out: out.extend(new_trace_id() for _ in range(2_000)))
        for out in drawn
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({made for out in drawn for made in out}) == 16_000


def test_a_forked_child_draws_its_own_ids() -> None:
    """Parent and child never continue with the same counter."""
    new_trace_id()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, "\n".join(new_trace_id() for _ in range(100)).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as pipe:
        child = set(pipe.read().split("\n"))
    assert len(child) == 100
    assert child.isdisjoint(new_trace_id() for _ in range(100))
