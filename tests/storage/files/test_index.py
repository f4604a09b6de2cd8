"""The index of a run: derived, deletable, and a reader cannot tell where it ends."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storage.invariants import assert_consistent
from tests.storage.state.test_tail import answers, changes, held
from tracetui import Custom, Error, Thought, ToolCall, TraceDraft, TraceTuiError, TraceType
from tracetui.model.change import AnyChange, RunPatch, completion, new_trace
from tracetui.storage.backend import Index
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.files.index import BLOCK_BYTES, HEADER_SIZE, IndexFile
from tracetui.storage.state.rollup import Rollup
from tracetui.storage.state.tail import Tail
from tracetui.storage.view import COLUMNS, LINKS, LiveView

COLUMNS_OF_FIGURES = ("errors", "tokens_in", "tokens_out", "start_ms", "end_ms", "context", "traces")


@st.composite
def steps(draw: st.DrawFn) -> AnyChange:
    """Draw a trace of the kinds that figures know, with usage or without, open or not."""
    kinds: list[TraceType] = [
        Custom("LLM"),
        Custom("Agent"),
        ToolCall("t", None),
        Error("E", "m", False),
        Thought("t"),
    ]
    usage = draw(
        st.none() | st.fixed_dictionaries({"input": st.integers(0, 50), "output": st.integers(0, 5)})
    )
    ids = st.sampled_from("abcdefghij")
    return new_trace(TraceDraft(
        draw(st.sampled_from(kinds)), id=draw(ids), parent_id=draw(st.none() | ids), await_parent=True,
        timestamp=draw(st.integers(0, 30)), open=draw(st.booleans()),
        metadata=None if usage is None else {"usage": usage, "cost": {"usd": 0.5}},
    ))  # fmt: skip


def ends() -> st.SearchStrategy[AnyChange]:
    """Return a completion, perhaps with usage."""
    usage = st.none() | st.just({"usage": {"input": 7, "output": 1}})
    return st.builds(
        lambda name, end, metadata: completion(name, end_ms=end, metadata=metadata),
        st.sampled_from("abcdefghij"), st.integers(0, 60), usage,
    )  # fmt: skip


def tail_of(engine: FileEngine) -> Tail:
    """Return the state of the one run."""
    return held(engine, "r")


def try_append(engine: FileEngine, commit: list[AnyChange]) -> None:
    """Commit what fits."""
    try:
        engine.append("r", commit)
    except TraceTuiError:
        return


def figures(rollup: Rollup) -> object:
    """Return figures so that they can be compared; sums of cost depend on their order."""
    return {name: list(getattr(rollup, name)) for name in COLUMNS_OF_FIGURES}, [
        round(cost, 6) for cost in rollup.cost
    ]


def everything(engine: FileEngine) -> object:
    """Return all that is known of the run, the columns of a view included."""
    view = LiveView("r", lambda: engine._tail("r"))
    rows = [[repr(value) for value in getattr(view, name)] for name in (*COLUMNS, *LINKS)]
    return rows, engine._ask("r", said)


def said(tail: Tail) -> object:
    """Return all that the state of a run says."""
    links = [
        (tail.tags_of(row), tail.links.children(row), tail.links.awaiting(row)) for row in range(tail.count)
    ]
    found = {name: list(tail.by_type(name)) for name in tail.type_counts()}
    found |= {f"#{tag}": list(tail.by_tag(tag)) for tag in tail.tag_counts()}
    return answers(tail), links, found, tail.run(), tail.roots(), figures(tail.rollup())


@given(
    commits=st.lists(st.lists(changes() | steps() | ends(), min_size=1, max_size=4), max_size=10),
    cuts=st.sets(st.integers(0, 10), max_size=3),
)
@settings(deadline=None)
def test_base_and_tail_answer_as_a_log_without_an_index(
    commits: list[list[AnyChange]], cuts: set[int]
) -> None:
    """Whenever indexes are written and whoever goes on from them, every answer is that of the log alone."""
    with tempfile.TemporaryDirectory() as folder:
        engine = FileEngine(folder)
        engine.create_run("r", {"created_ms": 1, "tags": ["t"], "metadata": {"k": [1]}})
        for number, commit in enumerate(commits):
            try_append(engine, commit)
            if number in cuts:
                tail_of(engine).rollup()
                assert engine.reindex("r")
                engine = FileEngine(folder)
                assert tail_of(engine)._base is not None
        assert_consistent(tail_of(engine))
        fresh = FileEngine(folder)
        (Path(folder) / "runs" / "r.idx").unlink(missing_ok=True)
        alone = everything(FileEngine(folder))
        assert everything(engine) == alone
        assert everything(fresh) == alone
        assert everything(engine) == alone


@given(
    first=st.lists(steps() | ends(), max_size=12),
    more=st.lists(st.lists(steps() | ends(), max_size=4), max_size=6),
)
@settings(deadline=None)
def test_figures_kept_up_to_date_are_those_made_anew(
    first: list[AnyChange], more: list[list[AnyChange]]
) -> None:
    """Roll-ups after every commit equal a pass over the columns, wrappers and late usage included."""
    with tempfile.TemporaryDirectory() as folder:
        engine = FileEngine(folder)
        engine.create_run("r", {"created_ms": 1})
        for change in first:
            try_append(engine, [change])
        for commit in more:
            tail = tail_of(engine)
            assert figures(tail.rollup()) == figures(Rollup.of(tail, tail.count))
            try_append(engine, commit)


def filled(folder: Path, count: int = 40) -> FileEngine:
    """Return a store with one run of a small tree, its times partly out of order."""
    engine = FileEngine(str(folder))
    engine.create_run("r", {"created_ms": 1})
    drafts = [
        TraceDraft(
            ToolCall("grep", {"n": n}), id=f"t{n}", parent_id=f"t{n // 3}" if n else None, tags=[f"g{n % 5}"],
            timestamp=1000 + n - 7 * (n % 4), open=n % 6 == 0,
        )
        for n in range(count)
    ]  # fmt: skip
    engine.append("r", [new_trace(draft) for draft in drafts])
    engine.append("r", [completion("t6", status="ok", tags=["late"], late_fields={"result": [1]})])
    return engine


def index_of(folder: Path) -> Path:
    """Return where the index lies."""
    return folder / "runs" / "r.idx"


def test_a_damaged_index_changes_no_answer(tmp_path: Path) -> None:
    """Each byte of an index changed in turn: every answer is that of the log alone, and writing goes on."""
    engine = filled(tmp_path)
    alone = everything(engine)
    assert engine.reindex("r")
    whole = index_of(tmp_path).read_bytes()
    flipped = 0
    for at in range(0, len(whole), 7):
        index_of(tmp_path).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert everything(FileEngine(str(tmp_path))) == alone, at
        flipped += 1
    assert flipped > 300
    for size in (0, 10, HEADER_SIZE, len(whole) // 2, len(whole) - 1):
        index_of(tmp_path).write_bytes(whole[:size])
        assert everything(FileEngine(str(tmp_path))) == alone, size


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[FileEngine, int]:
    """Return a store opened while its index looks right, with sections that do not hold."""
    engine = filled(tmp_path)
    assert engine.reindex("r")
    data = bytearray(index_of(tmp_path).read_bytes())
    for at in range(len(data) // 3, len(data)):
        data[at] ^= 0xFF
    index_of(tmp_path).write_bytes(data)
    again = FileEngine(str(tmp_path))
    return again, tail_of(engine).count


def test_writing_over_a_damaged_index_loses_nothing(damaged: tuple[FileEngine, int], tmp_path: Path) -> None:
    """A commit that meets damage in the index stands once, and the next look does without the index."""
    engine, count = damaged
    for number in range(5):
        engine.append("r", [new_trace(TraceDraft(Thought("x"), id=f"n{number}", parent_id="t3"))])
    assert tail_of(engine).count == count + 5
    assert tail_of(FileEngine(str(tmp_path))).count == count + 5
    assert_consistent(tail_of(engine))


def test_a_view_goes_on_when_the_index_below_it_is_damaged(damaged: tuple[FileEngine, int]) -> None:
    """Columns, postings and trees that were asked for of a damaged index come from the log."""
    engine, count = damaged
    view = LiveView("r", lambda: engine._tail("r"))
    assert len(view.forest()) == count
    assert view.by_tag("late") == [6] or list(view.by_tag("late")) == [6]
    assert len(view.parents) == count
    assert view.trace(6).tags[-1] == "late"


def test_an_index_is_of_its_log_alone(tmp_path: Path) -> None:
    """One that covers more than the log holds, or belongs to another run, is not used."""
    engine = filled(tmp_path)
    log = tmp_path / "runs" / "r.log"
    before = log.read_bytes()
    alone = everything(engine)
    engine.append("r", [new_trace(TraceDraft(Thought("more"), id="more"))])
    assert engine.reindex("r")
    ahead = index_of(tmp_path).read_bytes()
    log.write_bytes(before)
    assert everything(FileEngine(str(tmp_path))) == alone
    engine = FileEngine(str(tmp_path))
    engine.delete_run("r")
    assert not index_of(tmp_path).exists()
    other = filled(tmp_path)
    alone = everything(other)
    index_of(tmp_path).write_bytes(ahead)
    assert everything(FileEngine(str(tmp_path))) == alone


def test_reading_writes_no_index_and_writing_much_leaves_one(tmp_path: Path) -> None:
    """A process that wrote a thousand changes leaves an index when it closes; a reader never does."""
    filled(tmp_path).close()
    assert not index_of(tmp_path).exists()
    engine = filled(tmp_path / "more", 1200)
    engine.close()
    assert index_of(tmp_path / "more").exists()
    (tmp_path / "more" / "runs" / "r.idx").unlink()
    reader = FileEngine(str(tmp_path / "more"))
    assert tail_of(reader).count == 1200
    reader.close()
    assert not index_of(tmp_path / "more").exists()


def test_a_long_writer_leaves_indexes_as_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time the run has doubled, beside the writing; what is written meanwhile is read behind it."""
    monkeypatch.setattr("tracetui.storage.files.run.GROWN_CHANGES", 50)
    engine = filled(tmp_path)
    made = set()
    for number in range(300):
        engine.append("r", [new_trace(TraceDraft(Thought("x"), id=f"n{number}", parent_id="t3"))])
        if engine._indexing is not None:
            engine._indexing.join()
            made.add(index_of(tmp_path).stat().st_ino)
    assert 2 <= len(made) <= 6
    reader = FileEngine(str(tmp_path))
    assert tail_of(reader)._base is not None
    assert_consistent(tail_of(reader))
    assert everything(reader) == everything(engine)
    engine.close()
    late = FileEngine(str(tmp_path))
    assert tail_of(late).count == 340


def test_of_writers_that_end_one_after_the_other_one_makes_the_index(tmp_path: Path) -> None:
    """What another's index covers is not covered again, but where much came since."""
    first = filled(tmp_path, 1200)
    second, third = FileEngine(str(tmp_path)), FileEngine(str(tmp_path))
    for engine, name in ((second, "s"), (third, "t")):
        engine.append("r", [new_trace(TraceDraft(Thought("x"), id=f"{name}-{n}")) for n in range(1_000)])
    second.close()
    made = index_of(tmp_path).stat().st_ino
    first.close()
    assert index_of(tmp_path).stat().st_ino == made
    third.append("r", [new_trace(TraceDraft(Thought("x"), id=f"more{n}")) for n in range(1_000)])
    third.close()
    assert index_of(tmp_path).stat().st_ino != made
    assert_consistent(tail_of(FileEngine(str(tmp_path))))


def test_two_builders_are_never_at_it_at_once(tmp_path: Path) -> None:
    """A builder that finds the file aside locked leaves it to the other; one that was killed is in nobody's way."""
    engine = filled(tmp_path)
    aside = tmp_path / "runs" / "r.idx.new"
    aside.write_bytes(b"left by a builder that was killed")
    disk = engine._disk
    fd = disk.open_or_create(str(aside))
    assert disk.try_lock(fd)
    assert not engine.reindex("r")
    disk.close(fd)
    assert engine.reindex("r")
    assert not aside.exists()
    assert tail_of(FileEngine(str(tmp_path)))._base is not None


def test_a_run_that_ended_is_read_in_place(tmp_path: Path) -> None:
    """Columns of an ended run are the mapped file's own; those of an active one are arrays that can grow."""
    engine = filled(tmp_path)
    engine.reindex("r")
    view = LiveView("r", lambda: FileEngine(str(tmp_path))._tail("r"))
    assert not isinstance(view.parents, memoryview)
    engine.append("r", [RunPatch({"status": "completed"})])
    engine.reindex("r")
    ended = FileEngine(str(tmp_path))
    assert isinstance(LiveView("r", lambda: ended._tail("r")).parents, memoryview)
    ended.append("r", [completion("t0")])
    assert ended._tail("r").statuses[0] == 1
    assert math.isclose(FileEngine(str(tmp_path))._tail("r").statuses[0], 1)


def large(folder: Path, count: int = 40_000) -> None:
    """Leave a store with a run of many blocks and its index."""
    engine = FileEngine(str(folder))
    engine.create_run("r", {"created_ms": 1})
    for first in range(0, count, 5_000):
        drafts = [
            TraceDraft(
                Thought("t"),
                id=f"t{n}",
                parent_id=f"t{n // 3}" if n else None,
                tags=[f"g{n % 9}"],
                timestamp=n,
            )
            for n in range(first, first + 5_000)
        ]
        engine.append("r", [new_trace(draft) for draft in drafts])
    engine.reindex("r")
    engine.close()


def index_file(engine: FileEngine) -> IndexFile:
    """Return the index that a run began with."""
    base = tail_of(engine)._base
    assert isinstance(base, IndexFile)
    return base


def looked_at(engine: FileEngine) -> int:
    """Return how many blocks of the index were verified."""
    return sum(sum(section.seen) for section in index_file(engine)._sections.values())


def test_a_look_at_a_few_rows_verifies_little(tmp_path: Path) -> None:
    """A window with its heads, and a trace by its id: a few blocks; who reads all has all verified once."""
    large(tmp_path)
    engine = FileEngine(str(tmp_path))
    opened = looked_at(engine)
    blocks = sum(len(section.seen) for section in index_file(engine)._sections.values())
    forest = engine.view("r").forest()
    assert [trace.id for _, trace in forest.rows(20_000, 20_050)] == [
        f"t{forest.seqs[n]}" for n in range(20_000, 20_050)
    ]
    assert looked_at(engine) - opened < 40
    assert engine.get("r", ["t31000"])[0].tags == ["g4"]  # type: ignore[union-attr]
    assert looked_at(engine) < 80 < blocks
    assert sum(trace.timestamp for trace in engine.scan("r", Index.ALL).items) == sum(range(40_000))
    assert looked_at(engine) == blocks


def test_a_trace_whose_head_turns_out_to_be_damaged_is_read_from_the_log(tmp_path: Path) -> None:
    """Traces were handed out unread, and then a block of each column fails: they say what the log says."""
    large(tmp_path, 10_000)
    path = index_of(tmp_path)
    whole = path.read_bytes()
    engine = FileEngine(str(tmp_path))
    sections = index_file(engine)._sections
    right = [trace.to_json() for trace in FileEngine(str(tmp_path)).scan("r", Index.ALL).items[-3:]]
    struck = 0
    for name in (
        name for name in sections if name.startswith(("traces.", "ids.", "tags.sets", "tags.distinct"))
    ):
        offset = whole.index(bytes(sections[name].data)) if len(sections[name].data) > 64 else -1
        if offset < 0:
            continue
        end = offset + len(sections[name].data) - 1
        path.write_bytes(whole[:end] + bytes([whole[end] ^ 1]) + whole[end + 1 :])
        damaged = FileEngine(str(tmp_path))
        assert [trace.to_json() for trace in damaged.scan("r", Index.ALL).items[-3:]] == right, name
        struck += tail_of(damaged)._base is None
        assert [damage.offset for damage in damaged.check("r")] == [end - (end - offset) % BLOCK_BYTES], name
    assert struck >= 5


@pytest.mark.parametrize("ends", [True, False])
def test_a_run_that_ended_is_covered_whole(tmp_path: Path, ends: bool) -> None:
    """Its writer leaves an index of all of it; one that goes on is indexed again when a tenth is new."""
    large(tmp_path, 15_000)
    engine = FileEngine(str(tmp_path))
    engine.append(
        "r", [new_trace(TraceDraft(Thought("t"), id=f"more{n}", parent_id="t0")) for n in range(1_000)]
    )
    if ends:
        engine.append("r", [RunPatch({"status": "completed"})])
    engine.close()
    assert index_file(FileEngine(str(tmp_path))).rows == (16_000 if ends else 15_000)
