"""Frames, indexes and catalogs that nobody of us wrote, their checksums right: typed errors, bounded memory, an end.

Checksums would stop nearly every random change, so they are made to hold: what is read then is whatever somebody
put there, and it is the reading itself that has to doubt it. Whatever it says, reading writes nothing, and a text
is read only as it was recorded: bodies keep their own checksums.

A trial is a few milliseconds, so that a hundred thousand are done: logs of a few frames on a disk in memory, and
parts that processes share (``-n 2``); all parts together are the count.
"""

from __future__ import annotations

import resource
import signal
import sys
import zlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

import pytest

from tests.storage.files.campaign.book import STORE
from tests.storage.files.campaign.medium import Medium, Process
from tests.storage.files.campaign.recordings import Recording, recording
from tests.storage.files.campaign.report import Campaign
from tests.storage.files.campaign.test_derived import CATALOG, INDEX, index_of
from tracetui import Thought, TraceDraft, TraceTuiError
from tracetui.model.change import amendment, completion, new_trace
from tracetui.model.run import Run
from tracetui.model.value import pack, unpack
from tracetui.storage.backend import Index
from tracetui.storage.files import catalog_file, frame, index
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.files.log import WINDOW_BYTES
from tracetui.storage.view import COLUMNS, LiveView

GROWTH_BYTES = 96 << 20
"""By how much this process may grow in all trials of one test; its files have a few kilobytes."""
MOST_BYTES = 2 << 30
"""What a trial cannot take more of: a walk without an end shall fail its test, and not the machine."""
_IN_KILOBYTES = 1 if sys.platform == "darwin" else 1024


PARTS = 4
"""Into how many parts a test's seeds are split."""
in_parts = pytest.mark.parametrize("part", range(PARTS))


@pytest.fixture(scope="module")
def logs() -> list[Recording]:
    """Record short logs that together have all kinds of frames."""
    return [recording(7, seed, sizes=(3, 20, 60)) for seed in range(21, 33)]


class Limits:
    """What a test may use: memory, asserted at its end, and time for a trial, so that a walk without an end is seen."""

    def __init__(self) -> None:
        self._before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @contextmanager
    def of_trial(self) -> Iterator[None]:
        """Let a trial fail that takes a thousand times what it should."""
        signal.signal(signal.SIGALRM, _without_end)
        signal.setitimer(signal.ITIMER_REAL, 20)
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
            signal.setitimer(signal.ITIMER_REAL, 0)

    def check(self) -> None:
        """Assert that the largest size of this process has hardly grown."""
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self._before) * _IN_KILOBYTES
        assert grown < GROWTH_BYTES, f"grew by {grown >> 20} MB"


class NoEndError(BaseException):
    """A trial went on and on; no error, so that nothing takes it for a sign of a bad index."""


def _without_end(_number: int, _frame: object) -> None:
    raise NoEndError


# ---- changing values -------------------------------------------------------------------------------------

ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2, 7, 14, 255, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -(2**31),
    -(2**63), 0.0, -1.5, float("nan"), float("inf"), "", "a", "\0", "\ud800", "LLM", "x" * 600, b"", b"\xc1", b"\xff" * 40, [], [[]],
    [0] * 20, {}, {"id": 3}, {1: 2}, {"status": "?"}, {"traces": -5},
]  # fmt: skip


def mutated(value: Any, chance: Random) -> Any:
    """Return a value with something in it that does not belong there."""
    kind = chance.random()
    if type(value) is list and value and kind < 0.85:
        changed = list(value)
        at = chance.randrange(len(changed))
        if kind < 0.7:
            changed[at] = mutated(changed[at], chance)
        elif kind < 0.76:
            del changed[at]
        elif kind < 0.8:
            changed.insert(at, chance.choice(ODD))
        else:
            other = chance.randrange(len(changed))
            changed[at], changed[other] = changed[other], changed[at]
        return changed
    if type(value) is dict and value and kind < 0.85:
        key = chance.choice(list(value))
        if kind < 0.1:
            return {name: one for name, one in value.items() if name != key}
        return {**value, key: mutated(value[key], chance)}
    if type(value) is int and kind < 0.4:
        return max(-(2**63), min(value + chance.choice([-2, -1, 1, 2, 3, 100]), 2**64 - 1))
    return chance.choice(ODD)


# ---- frames ----------------------------------------------------------------------------------------------


def fuzzed_log(log: Recording, chance: Random) -> bytes:
    """Return a log one of whose frames says something else, its checksum right, whole frames behind it or not."""
    salt = frame.Header.unpack(log.content[:64]).salt_bytes
    hit = chance.randrange(len(log.attempts))
    start, end = max(log.attempts[hit].start, 64), log.attempts[hit].end
    found = frame.parse(log.content, start, start, salt)
    rows = found.rows()
    for _ in range(chance.choice([1, 1, 2, 4])):
        rows = mutated(rows, chance)
    heads = pack(rows)
    if chance.random() < 0.1:
        heads = bytes(one ^ (chance.random() < 0.02) for one in heads)
    flags = found.flags if chance.random() < 0.9 else chance.randrange(16)
    numbers = [found.base_seq, found.base_rev, found.bodies_size]
    if chance.random() < 0.2:
        at = chance.randrange(3)
        numbers[at] = chance.choice([0, max(numbers[at] - 1, 0), numbers[at] + 1, 2**31, 2**32 - 1])
    count = len(rows) if type(rows) is list and chance.random() < 0.9 else chance.randrange(1 << 24)
    sealed = frame.seal(flags, count, numbers[0], numbers[1], heads, numbers[2], salt)
    rest = log.content[end:] if chance.random() < 0.5 else b""
    return log.content[:start] + sealed + log.content[found.bodies_start : end] + rest


@in_parts
def test_fuzzed_frames_are_read_or_refused(campaign: Campaign, logs: list[Recording], part: int) -> None:
    """Heads of other shapes, types, sizes and numbers: every call answers or raises a typed error."""
    limits, trials, effective, refused = Limits(), 0, 0, 0
    for chance in campaign.seeds_of_part(part, PARTS, 400, 40_000):
        log = chance.choice(logs)
        spoilt = fuzzed_log(log, chance)
        effective += spoilt not in (log.content, log.content[: len(spoilt)])
        with limits.of_trial():
            refused += use(log, log.medium(spoilt), chance)
        trials += 1
    limits.check()
    campaign.report("fuzzed frames", trials, effective, at_least=0.9)
    assert refused > trials / 10


def use(log: Recording, medium: Medium, chance: Random) -> bool:
    """Ask all that can be asked of a store, in any order, and record; return whether anything was refused."""
    disk = Process(medium)
    engine, before = FileEngine(STORE, disk=disk), len(medium.trace)
    refusals = sum([refuses(call, engine) for call in chance.sample(READING, len(READING))])
    assert len(medium.trace) == before, "reading wrote"
    refusals += sum([refuses(call, engine) for call in WRITING])
    refusals += refuses(lambda engine: compare_texts(engine, log), engine)
    size = sum(len(medium.names[path].data) for path in medium.names)
    assert disk.largest_read <= max(size, WINDOW_BYTES)
    return bool(refusals)


def refuses(call: Callable[[FileEngine], object], engine: FileEngine) -> bool:
    """Return whether a call raised a typed error; any other one fails the trial."""
    try:
        call(engine)
    except TraceTuiError:
        return True
    return False


def compare_texts(engine: FileEngine, log: Recording) -> None:
    """Decode every trace, damaged ones apart; assert that each text is one that was recorded."""
    recorded = {expected.content for expected in log.book.runs["r"].traces.values()} | {"on"}
    for trace in engine.scan("r", Index.ALL).items:
        if not trace.damaged and isinstance(trace.trace_type, Thought):
            assert trace.trace_type.content in recorded


def look(engine: FileEngine) -> object:
    """Read columns, links, roll-ups and pre-order as the explorer does."""
    view = LiveView("r", lambda: engine._tail("r"))
    rows = [list(getattr(view, name)) for name in COLUMNS]
    forest = view.forest()
    links = [(view.tags_of(row), view.children(row), view.awaiting(row)) for row in range(view.count)]
    return (
        rows,
        list(forest.seqs),
        links,
        view.rollup(),
        [list(view.by_tag(tag)) for tag in view.tag_counts()],
    )


def read(engine: FileEngine) -> object:
    """Decode every trace, damaged ones apart."""
    return [trace.to_json() for trace in engine.scan("r", Index.ALL).items if not trace.damaged]


READING: list[Callable[[FileEngine], object]] = [
    lambda engine: engine.runs(),
    lambda engine: engine.run("r"),
    read,
    look,
    lambda engine: engine.changes("r"),
    lambda engine: engine.annotations("r"),
    lambda engine: engine.scan("r", Index.TIME, lo=-(2**63), hi=2**63 - 1),
    lambda engine: engine.counts("r", Index.TYPE),
    lambda engine: engine.get("r", ["0", "1", "2", "no"]),
    lambda engine: engine.check("r"),
]  # fmt: skip
WRITING: list[Callable[[FileEngine], object]] = [
    lambda engine: engine.append("r", [new_trace(TraceDraft(Thought("on"), id="new", open=True, parent_id="3", await_parent=True))]),
    lambda engine: engine.append("r", [completion("new"), amendment("new", tags=["t"])]),
    lambda engine: engine.repair("r"),
    lambda engine: engine.reindex("r"),
    read,
]  # fmt: skip


# ---- indexes ---------------------------------------------------------------------------------------------


def sections_of(data: bytes) -> tuple[index.Covered, int, list[tuple[str, Any]]]:
    """Return what an index covers, its salt, and its sections as ``encode_index`` takes them."""
    _, _, _, salt, end, last, last_crc, toc_size, _, _ = index.HEADER.unpack_from(data)
    found = []
    for name, is_packed, offset, size, _ in unpack(data[index.HEADER_SIZE : index.HEADER_SIZE + toc_size]):
        section = data[offset : offset + size]
        found.append((name, unpack(section) if is_packed else section))
    return index.Covered(end, last, last_crc), salt, found


def fuzzed_index(data: bytes, chance: Random) -> bytes:
    """Return an index whose sections say something else, every checksum right."""
    covered, salt, sections = sections_of(data)
    for _ in range(chance.choice([1, 1, 2])):
        at = chance.randrange(len(sections))
        name, value = sections[at]
        if chance.random() < 0.05:
            del sections[at]
        elif type(value) is bytes:
            sections[at] = name, spoilt_column(value, chance)
        else:
            sections[at] = name, mutated(value, chance)
    return index.encode_index(salt, covered, sections)


def spoilt_column(data: bytes, chance: Random) -> bytes:
    """Return a column with other numbers, or of another length."""
    kind, width = chance.random(), chance.choice([1, 4, 8])
    if kind < 0.1 or len(data) < 8:
        return data + bytes(width)
    if kind < 0.2:
        return data[: -chance.randrange(1, len(data))]
    at = chance.randrange(len(data) - 7) // width * width
    number = chance.choice([0, 1, 2, 5, chance.randrange(40), 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1])
    return data[:at] + (number % (1 << 8 * width)).to_bytes(width, "little") + data[at + width :]


@in_parts
def test_fuzzed_indexes_are_read_or_refused(campaign: Campaign, logs: list[Recording], part: int) -> None:
    """Sections of other lengths, numbers and shapes: answers, typed errors, and an end to every walk."""
    limits, trials, effective = Limits(), 0, 0
    indexes = [[index_of(log.medium(log.content[:end])) for end in ends_of(log)] for log in logs]
    for chance in campaign.seeds_of_part(part, PARTS, 400, 40_000):
        log, choices = chance.choice(list(zip(logs, indexes, strict=True)))
        before = chance.choice(choices)
        spoilt = fuzzed_index(before, chance)
        effective += spoilt != before
        medium = log.medium(log.content)
        medium.write_file(INDEX, spoilt)
        with limits.of_trial():
            use(log, medium, chance)
        trials += 1
    limits.check()
    campaign.report("fuzzed indexes", trials, effective, at_least=0.9)


def ends_of(log: Recording) -> tuple[int, int]:
    """Return where indexes of a log end: at its end, and a few commits before."""
    return len(log.content), log.attempts[-3].start


# ---- catalogs --------------------------------------------------------------------------------------------


COST = 8
"""Where the column of floats is among those of runs."""
RUNS = 5


def opened(column: Any) -> Any:
    """Return packed numbers as a list, so that one of them can be changed."""
    width = len(column) // RUNS if type(column) is bytes else 0
    return array({1: "B", 2: "H", 4: "I", 8: "q"}[width], column).tolist() if width else column


def closed(columns: Any) -> Any:
    """Pack numbers again; a column in which one does not fit stays a list."""
    return (
        [packed(one) if type(one) is list and one else one for one in columns]
        if type(columns) is list
        else columns
    )


def packed(column: list[Any]) -> Any:
    """Return numbers side by side, each with as few bytes as the largest takes."""
    for kind in "BHIq":
        with suppress(OverflowError, TypeError):
            return array(kind, column).tobytes()
    return column


def fuzzed_catalog(data: bytes, chance: Random) -> bytes:
    """Return a catalog whose content says something else, its checksum right."""
    head = catalog_file.HEADER
    content = unpack(data[head.size :])
    content[1:4] = map(unpack, content[1:4])
    for part in content[1:3]:
        part[:] = (
            [opened(one) for one in part[:COST]] + part[COST : COST + 1] + list(map(opened, part[COST + 1 :]))
        )
    for _ in range(chance.choice([1, 1, 3])):
        content = mutated(content, chance)
    if type(content) is list and len(content) > 3:
        content[1:4] = [pack(closed(part)) for part in content[1:4]]
    packed = pack(content)
    if chance.random() < 0.1:
        packed = bytes(one ^ (chance.random() < 0.02) for one in packed)
    start = head.pack(catalog_file.MAGIC, catalog_file.VERSION, 0, len(packed), 0)[:-4]
    return start + zlib.crc32(packed, zlib.crc32(start)).to_bytes(4, "little") + packed


@in_parts
def test_fuzzed_catalogs_are_read_or_refused(campaign: Campaign, logs: list[Recording], part: int) -> None:
    """Columns of other types and lengths: a list of runs comes out, or nothing is believed."""
    limits, trials, effective = Limits(), 0, 0
    medium = logs[0].medium(logs[0].content)
    engine = FileEngine(STORE, disk=Process(medium))
    for number in range(4):
        engine.create_run(
            f"run {number}", {"created_ms": number + 1, "tags": ["t"], "metadata": {"k": number}}
        )
    engine.save_catalog()
    catalog = bytes(medium.names[CATALOG].data)
    wanted = {run.id: run for run in engine.runs()}
    for chance in campaign.seeds_of_part(part, PARTS, 400, 20_000):
        spoilt = fuzzed_catalog(catalog, chance)
        effective += spoilt != catalog
        medium.write_file(CATALOG, spoilt)
        with limits.of_trial():
            trust(medium, wanted[chance.choice(list(wanted))])
        trials += 1
        medium.trace.clear()
    limits.check()
    campaign.report("fuzzed catalogs", trials, effective, at_least=0.9)


def trust(medium: Medium, wanted: Run) -> None:
    """List runs by the catalog's word and checked, look at each as a list does, and write the catalog anew."""
    before = len(medium.trace)
    for fresh in (False, True):
        engine = FileEngine(STORE, disk=Process(medium))
        refuses(lambda engine, fresh=fresh: listed(engine, fresh), engine)  # type: ignore[misc]
        assert engine.run(wanted.id) == wanted, "a run that was opened says what the catalog says"
    assert len(medium.trace) == before, "reading wrote"
    engine.save_catalog()


def listed(engine: FileEngine, fresh: bool) -> None:
    """List the runs and look at each."""
    for run in engine.runs(fresh=fresh):
        repr(run)
        run.to_json()
    engine.digests()
