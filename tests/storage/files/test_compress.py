"""Compressed logs: the same answers from less, for every reader, and never half a log whatever happens on the way."""

from __future__ import annotations

import contextlib
import errno
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storage.files.campaign.medium import PLACE, Fault, Killed, Medium, Process
from tests.storage.files.test_index import everything, try_append
from tests.storage.state.test_tail import changes
from tracetui import CorruptionError, Thought, ToolCall, TraceDraft, TraceTuiError
from tracetui.model.change import AnyChange, amendment, annotation, completion, new_trace, run_patch
from tracetui.storage.backend import Index
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.files.frame import CODEC, HEADER_SIZE, compressed, place_of, unpacked
from tracetui.storage.files.log import LogFile

TEXT = "The test fails because the fixture is torn down before the client reads the last chunk. " * 20


def always(*_: object) -> bool:
    """Agree to everything."""
    return True


def filled(engine: FileEngine, count: int = 60) -> FileEngine:
    """Record a run with every kind of change, some of it in frames of traces alone, some mixed, and end it."""
    engine.create_run("r", {"created_ms": 1, "name": "n", "tags": ["x"]})
    for n in range(count):
        draft = TraceDraft(
            ToolCall("grep", {"n": n, "text": TEXT}), id=f"t{n}", parent_id=f"t{n // 3}" if n else None,
            timestamp=1000 + n, tags=[f"g{n % 3}"], open=n % 5 == 0,
        )  # fmt: skip
        engine.append("r", [new_trace(draft)])
        if n % 10 == 5:
            engine.append(
                "r", [completion(f"t{n - 5}", late_fields={"result": [n]}), amendment(f"t{n}", tags=["late"])]
            )
            engine.append("r", [annotation(f"t{n}", "look here", {"score": n})])
    engine.append("r", [run_patch({"status": "completed"})])
    return engine


def log_of(folder: Path) -> Path:
    """Return where the log lies."""
    return folder / "runs" / "r.log"


def test_a_compressed_run_gives_the_same_answers_from_less(tmp_path: Path) -> None:
    """With the log alone, with an index, to who had it open, and to who reads all of its bodies in one go."""
    engine = filled(FileEngine(str(tmp_path)))
    before, held = everything(engine), engine.scan("r", Index.ALL).items
    view = engine.view("r")
    bodies = list(view.packed_bodies(range(view.count)))
    written = log_of(tmp_path).stat().st_mtime_ns
    sizes = FileEngine(str(tmp_path)).compress_if("r", always)
    assert sizes is not None
    assert sizes == (sizes[0], log_of(tmp_path).stat().st_size)
    assert sizes[1] < sizes[0] / 5
    assert log_of(tmp_path).stat().st_mtime_ns == written
    assert view.refresh() == []
    assert list(view.packed_bodies(range(view.count))) == bodies
    assert held[7].trace_type == ToolCall("grep", {"n": 7, "text": TEXT})
    assert everything(engine) == before
    assert everything(FileEngine(str(tmp_path))) == before
    assert engine.reindex("r")
    assert everything(FileEngine(str(tmp_path))) == before
    assert engine.check() == []
    stretches = list(FileEngine(str(tmp_path)).view("r").stretches(range(0, view.count, 2)))
    assert sum(piece.data.count(b"torn down") for piece in stretches) >= 20 * view.count // 2


@pytest.mark.parametrize("is_compressed", [False, True])
def test_a_range_that_is_looked_at_again_is_what_it_was(tmp_path: Path, *, is_compressed: bool) -> None:
    """Its bodies lie in the same stretches, with what was added meanwhile; those that are gone are lost."""
    engine = filled(FileEngine(str(tmp_path)))
    if is_compressed:
        assert engine.compress_if("r", always) is not None
    view = engine.view("r")

    def look() -> list[tuple[int, bytes]]:
        return sorted(
            (owner, piece.data[start:end])
            for piece in view.stretches(range(view.count))
            for owner, start, end in zip(piece.owners, piece.starts, piece.ends, strict=True)
        )

    first = look()
    assert [look(), look()] == [first, first]
    engine.append("r", [amendment("t1", metadata={"found": "later"})])
    view.refresh()
    assert [body for owner, body in look() if owner == 1] != [body for owner, body in first if owner == 1]
    assert look() == look()
    assert len(look()) == len(first) + 1
    if not is_compressed:
        with log_of(tmp_path).open("r+b") as log:
            log.truncate(HEADER_SIZE)
        assert {seq for piece in view.stretches(range(view.count)) for seq in piece.lost} == set(
            range(view.count)
        )


def test_what_is_compressed_goes_on(tmp_path: Path) -> None:
    """Notes come after it as frames of their own, from handles that were open before, and it is not compressed twice."""
    before = filled(FileEngine(str(tmp_path)))
    other = FileEngine(str(tmp_path))
    assert other.compress_if("r", always) is not None
    before.append("r", [annotation("t1", "later", {})])
    assert [note.note for note in other.annotations("r", "t1")] == ["later"]
    assert other.compress_if("r", always) is None
    assert other.check() == []


def test_a_copy_that_is_not_smaller_is_not_made(tmp_path: Path) -> None:
    """A short run stays as it is, and so does one that is not wanted any more when its lock is held."""
    engine = FileEngine(str(tmp_path))
    engine.create_run("r", {"created_ms": 1})
    engine.append("r", [new_trace(TraceDraft(Thought("t"), id="a"))])
    content = log_of(tmp_path).read_bytes()
    assert engine.compress_if("r", always) is None
    assert engine.compress_if("r", lambda *_: False) is None
    assert log_of(tmp_path).read_bytes() == content
    assert [path.name for path in log_of(tmp_path).parent.iterdir()] == ["r.log"]


@given(st.lists(st.lists(changes(), min_size=1, max_size=4), max_size=8))
@settings(deadline=None)
def test_any_run_reads_the_same_when_compressed(commits: list[list[AnyChange]]) -> None:
    """Whatever was committed: every answer is that of the log before."""
    with tempfile.TemporaryDirectory() as folder:
        engine = FileEngine(folder)
        engine.create_run("r", {"created_ms": 1})
        engine.append(
            "r", [new_trace(TraceDraft(Thought(TEXT), id=f"long{n}", timestamp=n)) for n in range(3)]
        )
        for commit in commits:
            try_append(engine, commit)
        before = everything(engine)
        assert engine.compress_if("r", always) is not None
        assert everything(FileEngine(folder)) == before


def test_gaps_that_a_repair_left_stay(tmp_path: Path) -> None:
    """Numbers that damage took are taken in the copy too, and count as known."""
    engine = filled(FileEngine(str(tmp_path)))
    content = bytearray(log_of(tmp_path).read_bytes())
    frames = list(LogFile(engine._disk, str(log_of(tmp_path))).frames(HEADER_SIZE, len(content)))
    content[frames[9].offset + 30] ^= 0xFF
    log_of(tmp_path).write_bytes(content)
    engine = FileEngine(str(tmp_path))
    with pytest.raises(CorruptionError):
        engine.compress_if("r", always)
    with pytest.raises(CorruptionError):
        engine.compressed_size("r")
    engine.repair("r")
    before = everything(engine)
    assert engine.compress_if("r", always) is not None
    assert everything(FileEngine(str(tmp_path))) == before
    assert engine.check() == []


def test_damaged_compressed_bodies_are_reported_and_leave_the_heads(tmp_path: Path) -> None:
    """A flipped bit: the place in the file, a body that says so, everything else readable, and a repair that keeps it."""
    engine = filled(FileEngine(str(tmp_path)))
    engine.compress_if("r", always)
    content = bytearray(log_of(tmp_path).read_bytes())
    frames = list(LogFile(engine._disk, str(log_of(tmp_path))).frames(HEADER_SIZE, len(content)))
    packed = [frame for frame in frames if frame.flags & CODEC]
    assert len(packed) > 1
    content[packed[0].bodies_start + packed[0].bodies_size // 2] ^= 1
    log_of(tmp_path).write_bytes(content)
    for _ in range(2):
        engine = FileEngine(str(tmp_path))
        (damage,) = engine.check("r")
        lying = next(
            frame for frame in LogFile(engine._disk, str(log_of(tmp_path))).frames(HEADER_SIZE, len(content))
            if frame.bodies_start == damage.offset
        )  # fmt: skip
        assert (damage.length, damage.path) == (lying.bodies_size, str(log_of(tmp_path)))
        traces = engine.scan("r", Index.ALL).items
        assert [trace.id for trace in traces] == [f"t{n}" for n in range(60)]
        with pytest.raises(CorruptionError) as raised:
            _ = traces[0].trace_type
        assert raised.value.offset == lying.offset
        assert traces[59].trace_type == ToolCall("grep", {"n": 59, "text": TEXT})
        engine.repair("r")


def test_an_address_of_a_packed_body_is_none_in_the_log() -> None:
    """What would unpack to more than can be addressed stays as it is; garbage unpacks to nothing, a cut stream to a part."""
    assert compressed(bytes(1 << 24)) is None
    packed = compressed(bytes(1 << 23))
    assert packed is not None
    assert unpacked(packed) == bytes(1 << 23)
    assert unpacked(b"no zlib") == b""
    assert len(unpacked(packed[:100])) < 1 << 23
    assert place_of(1 << 63 | 77 << 24 | 5) == (77, 5)


@pytest.mark.parametrize("kind", ["kill", "kill after", "fail", "full"])
def test_whatever_ends_it_leaves_a_whole_log(kind: str) -> None:
    """Each system call of it is the last, or fails: the run answers as before from the old log or the new."""
    number, sizes, trials = 0, set(), 0
    while True:
        medium = Medium()
        before = everything(filled(FileEngine(f"{PLACE}/s", disk=Process(medium)), 12))
        fault = Fault(
            number, "kill" if "kill" in kind else "fail", after=kind == "kill after", part=0.5,
            failure=errno.ENOSPC if kind == "full" else errno.EIO,
        )  # fmt: skip
        process = Process(medium, fault)
        with contextlib.suppress(Killed, TraceTuiError):
            FileEngine(f"{PLACE}/s", disk=process).compress_if("r", always)
        if process.struck is None:
            break
        again = FileEngine(f"{PLACE}/s", disk=Process(medium))
        assert everything(again) == before
        assert not again.check("r")
        sizes.add(len(medium.file(f"{PLACE}/s/runs/r.log").data))
        number, trials = number + 1, trials + 1
    assert trials > 20
    assert len(sizes) == 2


def test_readers_and_a_writer_beside_it_notice_nothing(tmp_path: Path) -> None:
    """Threads that read bodies and leave notes while the log is replaced below them: no answer is wrong or missing."""
    engine = filled(FileEngine(str(tmp_path)))
    problems: list[Exception] = []
    stop = threading.Event()

    def read() -> None:
        mine = FileEngine(str(tmp_path))
        while not stop.is_set():
            try:
                traces = mine.scan("r", Index.ALL).items
                assert all(TEXT in repr(trace.trace_type) for trace in traces)
                mine.append("r", [annotation("t2", "n", {})])
            except Exception as problem:  # noqa: BLE001 - any is one too many
                problems.append(problem)
                return

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert engine.compress_if("r", always) is not None
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert engine.check() == []
