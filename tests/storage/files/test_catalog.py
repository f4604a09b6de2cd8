"""catalog.idx: listing without opening logs, who writes it, and that nothing in it can do harm."""

from __future__ import annotations

import os
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import msgpack
import pytest

import tracetui
from tracetui import Custom, Damage, Run, Thought, TraceDraft, TraceStore
from tracetui.model.change import annotation, new_trace, run_patch
from tracetui.storage.files.catalog_file import BadCatalogError, Entry, decode, encode
from tracetui.storage.files.engine import FileEngine
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.names import file_name
from tracetui.store.database import LONG_LIVED_CHANGES


class Counting(Disk):
    """A disk that counts the logs it opens."""

    opened = 0

    def open_read(self, path: str) -> int:
        """Count, and open."""
        self.opened += path.endswith(".log")
        return super().open_read(path)


def filled(place: Path, runs: int = 6) -> FileEngine:
    """Make a store of runs that have one of everything a list shows, and its catalog."""
    engine = FileEngine(str(place))
    for n in range(runs):
        values: dict[str, Any] = {
            "created_ms": 100 - n,
            "name": None if n % 2 else f"n\ud800{n}",
            "tags": ["x"] * n,
        }
        engine.create_run(f"Run {n}", {**values, "metadata": {"k": [n, None, b"\xff"]}})
        usage: dict[str, Any] = {"usage": {"input": 10 * n, "output": n}, "cost": {"usd": 0.5 * n}}
        engine.append(f"Run {n}", [new_trace(TraceDraft(Custom("LLM"), "m", metadata=usage, timestamp=5))])
        if n == 1:
            engine.append(
                "Run 1", [run_patch({"status": "failed", "ended_ms": 900, "owner": ["h", "b", "p", 7, "9"]})]
            )
    engine.save_catalog()
    return engine


def catalog_of(place: Path) -> Path:
    """Return the path of a store's catalog."""
    return place / "catalog.idx"


def test_a_listing_from_the_catalog_opens_no_log(tmp_path: Path) -> None:
    """It is the same list, in the same order, without a look at the files and with one."""
    wanted = filled(tmp_path).runs()
    disk = Counting()
    assert FileEngine(str(tmp_path), disk=disk).runs(fresh=False) == wanted
    assert FileEngine(str(tmp_path), disk=disk).runs() == wanted
    assert disk.opened == 0
    catalog_of(tmp_path).unlink()
    assert FileEngine(str(tmp_path), disk=disk).runs() == wanted
    assert disk.opened == len(wanted) == 6
    assert [run.created_ms for run in wanted] == [100, 99, 98, 97, 96, 95]


def test_without_a_catalog_the_logs_written_last_can_be_listed_first(tmp_path: Path) -> None:
    """Only those are opened; whoever lists all then reads the others, and with a catalog nobody asks."""
    filled(tmp_path).close()
    logs = sorted((tmp_path / "runs").glob("*.log"))
    for n, log in enumerate(logs):
        os.utime(log, ns=(n, n))
    disk = Counting()
    assert FileEngine(str(tmp_path), disk=disk).lately(2) is None
    catalog_of(tmp_path).unlink()
    engine = FileEngine(str(tmp_path), disk=disk)
    lately = engine.lately(2)
    assert lately is not None
    assert (disk.opened, {file_name(run.id) for run in lately}) == (2, {log.stem for log in logs[-2:]})
    assert len(engine.runs(fresh=False)) == len(logs) == disk.opened
    assert engine.lately(2) is None
    other = FileEngine(str(tmp_path))
    assert [run.id for run in other.lately(99) or ()] == [run.id for run in other.runs()]
    assert other.lately(2) is None


def test_a_checked_listing_reads_only_logs_that_changed(tmp_path: Path) -> None:
    """Grown, replaced, new and deleted ones; the catalog's word alone is older."""
    engine = filled(tmp_path)
    before = engine.runs()
    other = FileEngine(str(tmp_path))
    other.append("Run 2", [new_trace(TraceDraft(Thought("more")))])
    other.create_run("new", {"created_ms": 1000})
    other.delete_run("Run 4")
    log = tmp_path / "runs" / "copy.log"
    of_three = next(path for path in (tmp_path / "runs").iterdir() if b"Run 3" in path.read_bytes())
    log.write_bytes(of_three.read_bytes())
    log.rename(of_three)
    disk = Counting()
    reader = FileEngine(str(tmp_path), disk=disk)
    assert reader.runs(fresh=False) == before
    found = reader.runs()
    assert disk.opened == 3
    assert [run.id for run in found] == ["new", "Run 0", "Run 1", "Run 2", "Run 3", "Run 5"]
    assert [run.traces for run in found] == [0, 1, 1, 2, 1, 1]
    again = reader.runs()
    assert disk.opened == 3
    assert all(run is same for run, same in zip(again, found, strict=True))


def test_only_care_and_long_lived_writers_write_it(tmp_path: Path) -> None:
    """Readers, one-shot commands and short scripts leave the folder as it is; a catalog of few runs is never made."""
    place = catalog_of(tmp_path)
    with tracetui.open(tmp_path) as db:
        for n in range(3):
            db.create_run(id=f"r{n}")
        TraceStore(db).record_many("r0", [TraceDraft(Thought("t"))] * LONG_LIVED_CHANGES)
        db.runs()
    assert not place.exists()
    with tracetui.open(tmp_path) as db:
        db.backend.save_catalog()
    stamp = place.stat()
    with tracetui.open(tmp_path) as db:
        TraceStore(db).record("r1", Thought("t"))
        db.runs()
    assert place.stat() == stamp
    with tracetui.open(tmp_path) as db:
        TraceStore(db).record_many("r1", [TraceDraft(Thought("t"))] * LONG_LIVED_CHANGES)
        db.create_run(id="r3")
        db.delete_run("r2")
    assert place.stat() != stamp
    disk = Counting()
    found = {run.id: run.traces for run in FileEngine(str(tmp_path), disk=disk).runs()}
    assert found == {"r0": LONG_LIVED_CHANGES, "r1": LONG_LIVED_CHANGES + 1, "r3": 0}
    assert disk.opened == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalog.idx", "runs", "store.json"]


def test_a_digest_stays_while_nothing_changes_in_its_run(tmp_path: Path) -> None:
    """It comes back in another process; a change drops it; one made of an older state is not taken."""
    engine = filled(tmp_path, 3)
    old = {run.id: run for run in engine.runs()}
    for run in old.values():
        engine.keep_digest(run, b"of " + run.id.encode())
    engine.append("Run 1", [annotation("m", "a note", {})])
    engine.save_catalog()
    engine.keep_digest(old["Run 1"], b"late")
    other = FileEngine(str(tmp_path))
    assert other.digests() == engine.digests() == {"Run 0": b"of Run 0", "Run 2": b"of Run 2"}
    other.keep_digest(other.runs()[1], b"new")
    other.save_catalog()
    engine.append("Run 2", [annotation("m", "a note", {})])
    engine.save_catalog()
    assert FileEngine(str(tmp_path)).digests() == {"Run 0": b"of Run 0", "Run 1": b"new"}


def test_what_may_be_a_torn_tail_is_looked_at_again(tmp_path: Path) -> None:
    """Bytes that somebody may just be writing are no damage yet, and the entry is not believed for good."""
    engine = filled(tmp_path, 1)
    log = next((tmp_path / "runs").iterdir())
    log.write_bytes(log.read_bytes() + b"\xa0torn")
    assert engine.runs()[0].damage == ()
    engine.save_catalog()
    reader = FileEngine(str(tmp_path))
    status = log.stat()
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns - 10**9))
    for store in (engine, reader):
        assert [damage.reason for damage in store.runs()[0].damage] == ["torn tail"]


def test_damage_is_told_from_the_catalog_too(tmp_path: Path) -> None:
    """With the path that the log has now; a store that refuses damage does not take its word."""
    engine = filled(tmp_path / "a", 2)
    log = next(path for path in (tmp_path / "a" / "runs").iterdir() if b"Run 0" in path.read_bytes())
    engine.append("Run 0", [new_trace(TraceDraft(Thought("more")))])
    content = bytearray(log.read_bytes())
    content[content.index(b"LLM")] ^= 1
    log.write_bytes(content)
    FileEngine(str(tmp_path / "a")).save_catalog()
    (tmp_path / "a").rename(tmp_path / "b")
    found = FileEngine(str(tmp_path / "b")).runs(fresh=False)[0].damage
    assert [damage.path for damage in found] == [str(tmp_path / "b" / "runs" / log.name)]
    strict = FileEngine(str(tmp_path / "b"), recovery="strict").runs()
    assert [(run.created_ms, bool(run.damage)) for run in strict] == [(99, False), (0, True)]


def test_a_store_that_cannot_be_written_keeps_what_it_has(tmp_path: Path) -> None:
    """Every call that could fail while the catalog is written fails once: no error, no leftover, the old file."""
    filled(tmp_path, 2)
    before = catalog_of(tmp_path).read_bytes()
    FileEngine(str(tmp_path)).append("Run 0", [new_trace(TraceDraft(Thought("more")))])
    failed = 0
    for name in ("create", "write", "sync_data", "rename"):

        def refuse(*given: object) -> None:
            raise OSError(28, "full")

        disk = Disk()
        setattr(disk, name, refuse)
        FileEngine(str(tmp_path), disk=disk).save_catalog()
        failed += 1
        assert catalog_of(tmp_path).read_bytes() == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["catalog.idx", "runs", "store.json"]
    assert failed == 4
    FileEngine(str(tmp_path / "nothing")).save_catalog()
    assert not (tmp_path / "nothing").exists()


def sealed(content: bytes, version: int = 2) -> bytes:
    """Return a catalog with a right header over some content."""
    head = struct.pack("<8sHHQ", b"tracecat", version, 0, len(content))
    return head + struct.pack("<I", zlib.crc32(content, zlib.crc32(head))) + content


def test_a_catalog_that_does_not_hold_is_not_believed(tmp_path: Path) -> None:
    """Cut, flipped, of another version, of a huge size, or something else: the list is what the logs say."""
    wanted = filled(tmp_path).runs()
    place = catalog_of(tmp_path)
    good = place.read_bytes()
    chance = random.Random(20)
    tried = [good[: chance.randrange(len(good))] for _ in range(100)]
    for _ in range(300):
        bad = bytearray(good)
        bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        tried.append(bytes(bad))
    tried += [
        b"",
        good + b"\0",
        good * 2,
        sealed(good[24:], 1),
        sealed(good[24:], 3),
        sealed(b""),
        chance.randbytes(500),
    ]
    for content in tried:
        place.write_bytes(content)
        engine = FileEngine(str(tmp_path))
        assert engine.runs(fresh=False) == wanted
    engine.save_catalog()
    assert place.read_bytes() == good
    with place.open("r+b") as file:
        file.truncate(1 << 40)
    assert FileEngine(str(tmp_path)).runs() == wanted
    place.unlink()
    place.mkdir()
    assert FileEngine(str(tmp_path)).runs() == wanted
    print(f"{len(tried) + 2} damaged catalogs, all ignored")


ODD: list[Any] = [
    None, True, -1, 1.5, "x", b"x", b"x" * 6, b"\xff" * 48, [], [1], ["x"], {}, 2**64 - 1, b"", b"\xc1", [[1]],
    [["h", "b", "p", "7", "9"]], [[[1, 2, 3, 4, 5]]], [[99, "f", []]], [[0, 1, []]], [[0, "f", [[1]]]],
]  # fmt: skip


def test_wrong_content_under_a_right_checksum_is_refused(tmp_path: Path) -> None:
    """Every value at every place of the content replaced by ones of other types: an entry, or one typed error."""
    filled(tmp_path)
    content = unpacked(catalog_of(tmp_path).read_bytes()[24:])
    refused = tried = 0
    for part in (1, 2):
        columns = unpacked(content[part])
        for number, column in enumerate(columns):
            given = list(column) if isinstance(column, list) else [1] * 6
            for value in ODD:
                for bad in (value, [value] * 6, [value, *given[1:]], column[1:]):
                    changed = packed([*columns[:number], bad, *columns[number + 1 :]])
                    tried += 1
                    refused += is_refused([*content[:part], changed, *content[part + 1 :]])
    for number in range(6):
        for value in ODD:
            tried += 1
            refused += is_refused([*content[:number], value, *content[number + 1 :]])
    for number in range(3):
        for value in ODD:
            tables = [*content[4][:number], value, *content[4][number + 1 :]]
            tried += 1
            refused += is_refused([*content[:4], tables, content[5]])
    print(f"{tried} wrong contents, {refused} refused")
    assert refused > tried / 2


def test_a_forged_column_of_logs_is_good_for_no_more_than_a_list(tmp_path: Path) -> None:
    """Logs are unpacked only when one looks at them: what does not hold is then as if it were not there."""
    wanted = filled(tmp_path).runs()
    content = unpacked(catalog_of(tmp_path).read_bytes()[24:])
    for logs in (b"", b"\xc1", packed([["same"] * 6, *unpacked(content[1])[1:]]), packed([[]] * 5)):
        catalog_of(tmp_path).write_bytes(sealed(packed([content[0], logs, *content[2:]])))
        engine = FileEngine(str(tmp_path))
        assert engine.runs(fresh=False) == wanted
        assert [damage.path for damage in engine.check()] == [str(catalog_of(tmp_path))]
        assert engine.digests() == {}
        assert engine.runs() == wanted
        engine.save_catalog()
        assert FileEngine(str(tmp_path)).check() == []


def unpacked(data: bytes) -> Any:
    """Unpack what the catalog packed."""
    return msgpack.unpackb(data, unicode_errors="surrogatepass")


def packed(value: object) -> bytes:
    """Pack as the catalog does."""
    data = msgpack.packb(value, unicode_errors="surrogatepass")
    assert isinstance(data, bytes)
    return data


def is_refused(content: object) -> bool:
    """Return whether a content is refused; what is taken can be shown and written."""
    try:
        entries = decode(sealed(packed(content)), "/folder").entries()
    except BadCatalogError:
        return True
    for entry in entries.values():
        entry.run.to_json()
    encode(entries)
    return False


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_is_written_is_read(count: int) -> None:
    """Every field of a run, damage with the folder it is read from, and none at all."""
    damage = (Damage("/f/r.log", 64, 10, "a hole"),)
    entries = {
        f"r{n}.log": Entry(
            (n, 2**62, 7), Run(f"r{n}", damage=damage[: n % 2], cost_usd=float(n)), b"d" if n else None
        )
        for n in range(count)
    }
    found = decode(encode(entries), "/f").entries()
    assert list(found) == list(entries)
    assert [(e.signature, e.digest) for e in found.values()] == [
        (e.signature, e.digest) for e in entries.values()
    ]
    assert [e.run.cost_usd for e in found.values()] == [float(n) for n in range(count)]
    assert [len(e.run.damage) for e in found.values()] == [n % 2 for n in range(count)]


def test_the_file_is_what_the_page_says(tmp_path: Path) -> None:
    """docs/format.md at its word: header, boot, columns, metadata, tables and damage, read with nothing of ours."""
    engine = filled(tmp_path, 2)
    engine.keep_digest(engine.runs()[0], b"dig")
    engine.save_catalog()
    data = catalog_of(tmp_path).read_bytes()
    magic, version, flags, size, crc = struct.unpack("<8sHHQI", data[:24])
    assert (magic, version, flags, size) == (b"tracecat", 2, 0, len(data) - 24)
    assert crc == zlib.crc32(data[:20] + data[24:])
    boot, logs, columns, metadata, tables, damage = unpacked(data[24:])
    assert boot == Disk().boot_id()
    names, *log_columns, digests = unpacked(logs)
    statuses = [(tmp_path / "runs" / name).stat() for name in names]
    assert [numbers(column) for column in log_columns] == [
        [status.st_size for status in statuses],
        [status.st_mtime_ns for status in statuses],
        [status.st_ino for status in statuses],
    ]
    assert digests == [b"dig", None]
    ids, run_names, *others = unpacked(columns)
    assert (ids, run_names) == (["Run 0", "Run 1"], ["n\ud8000", None])
    assert others[1] == [None, 900]
    assert struct.unpack("<2d", others.pop(6)) == (0.0, 0.5)
    assert [numbers(column) for column in others if isinstance(column, bytes)] == [
        [100, 99], [1, 1], [0, 0], [0, 10], [0, 1], [100, 900], [0, 1], [0, 1], [0, 1],
    ]  # fmt: skip
    assert unpacked(metadata) == [{"k": [0, None, b"\xff"]}, {"k": [1, None, b"\xff"]}]
    assert tables == [["active", "failed"], [[], ["x"]], [[], [["h", "b", "p", 7, "9"]]]]
    assert damage == []


def numbers(column: bytes) -> list[int]:
    """Read a packed column of two."""
    return list(struct.unpack({2: "<2B", 4: "<2H", 8: "<2I", 16: "<2q"}[len(column)], column))


def test_numbers_that_do_not_fit_are_kept_as_they_are() -> None:
    """An inode or a sum of tokens of 64 bits, times before the epoch, and the widths between."""
    edges = [0, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -1, -(2**63)]
    for edge in edges:
        runs = [Run("a", created_ms=edge, tokens_in=max(edge, 0), ended_ms=edge), Run("b", ended_ms=None)]
        entries = {run.id: Entry((1, 2, edge), run) for run in runs}
        assert decode(encode(entries), "/f").entries() == entries


def filled_before_the_cut(place: Path, boot: str) -> Path:
    """Make a store and its catalog in some boot, lose the last trace of a run, and let its log look the same."""
    engine = FileEngine(str(place), disk=Booted(boot))
    engine.create_run("old", {"created_ms": 2})
    old = next((place / "runs").iterdir())
    os.utime(old, ns=(0, old.stat().st_mtime_ns - 3600 * 10**9))
    engine.create_run("run", {"created_ms": 1})
    log = place / "runs" / "run.log"
    whole = log.stat().st_size
    engine.append("run", [new_trace(TraceDraft(Thought("lost")))])
    engine.save_catalog()
    status = log.stat()
    with log.open("r+b") as file:
        file.seek(whole)
        file.write(bytes(status.st_size - whole))
    os.utime(log, ns=(0, status.st_mtime_ns))
    return log


class Booted(Counting):
    """A disk of a machine that was started at some time."""

    def __init__(self, boot: str) -> None:
        self.boot = boot

    def boot_id(self) -> str:
        """Return which start it was."""
        return self.boot


def test_after_a_power_cut_logs_that_may_have_lost_bytes_are_read_again(tmp_path: Path) -> None:
    """Only those written shortly before the catalog, and only in another boot; a catalog written since keeps the doubt."""
    filled_before_the_cut(tmp_path, "one")
    for boot, traces, opened in (("one", 1, 0), ("", 1, 0), ("two", 0, 1)):
        disk = Booted(boot)
        engine = FileEngine(str(tmp_path), disk=disk)
        assert [run.traces for run in engine.runs(fresh=False)] == [0, 1]
        assert [run.traces for run in engine.runs()] == [0, traces]
        assert disk.opened == opened
    FileEngine(str(tmp_path), disk=Booted("two")).append("old", [new_trace(TraceDraft(Thought("more")))])
    FileEngine(str(tmp_path), disk=Booted("two")).save_catalog(["old"])
    reader = FileEngine(str(tmp_path), disk=Booted("two"))
    assert [run.traces for run in reader.runs(fresh=False)] == [1, 1]
    assert [run.traces for run in reader.runs()] == [1, 0]
