"""docs/format.md, taken at its word: logs made and read here with struct, zlib and msgpack alone."""

from __future__ import annotations

import hashlib
import json
import re
import struct
import sys
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgpack
import pytest

import tracetui
from tests.conftest import REPOSITORY
from tracetui import Custom, FormatVersionError, Thought, ToolCall, TraceDraft, TraceStore, TraceTuiError
from tracetui.model.change import amendment, annotation, completion, new_trace, run_patch
from tracetui.storage.backend import Index
from tracetui.storage.files.engine import FileEngine

SALT = b"\x01\x02\x03\x04"
NO_BODY = zlib.crc32(b"")


def header(version: int = 1) -> bytes:
    """Make the first 64 bytes of a log."""
    body = struct.pack("<8sHH4sq36x", b"tracetui", version, 0, SALT, 1234)
    return body + struct.pack("<I", zlib.crc32(body))


def frame(heads: list[Any], bodies: list[bytes], seq: int, rev: int, flags: int = 2) -> bytes:
    """Make a frame; each head is given its body's length and CRC."""
    given = [[*head, len(body), zlib.crc32(body)] for head, body in zip(heads, bodies, strict=True)]
    packed = msgpack.packb(given)
    head = struct.pack("<B3sII", 0xA0 | flags, len(heads).to_bytes(3, "little"), seq, rev)
    head += struct.pack("<II", len(packed), sum(map(len, bodies)))
    crc = zlib.crc32(packed, zlib.crc32(head, zlib.crc32(SALT)))
    return b"".join([head, struct.pack("<I", crc), packed, *bodies])


def run_frame() -> bytes:
    """Make the first frame of a log: the run's own record."""
    return frame([[4, {"id": "r", "name": "by hand", "created_ms": 1234}]], [b""], 0, 0)


def store(tmp_path: Path, log: bytes, name: str = "r") -> FileEngine:
    """Put a log into a store and open it."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "store.json").write_text('{"format": 1, "store_id": "x"}')
    (tmp_path / "runs" / f"{name}.log").write_bytes(log)
    return FileEngine(str(tmp_path))


def pack(value: object) -> bytes:
    """Pack as msgpack."""
    packed = msgpack.packb(value)
    assert isinstance(packed, bytes)
    return packed


def test_a_log_made_by_hand_is_read(tmp_path: Path) -> None:
    """Header, run, a frame of traces alone, a mixed one with all the other changes."""
    bodies = [pack([["grep", {"q": 1}, None, None], {"m": 1}]), pack([["LLM", None], None])]
    traces = [
        ["a", -1, "ToolCall", 0, 50, 1, ["x"], 0, None, -1, -1, None],
        ["b", 0, "LLM", 5, 60, 2, [], 1, 70, 12, 3, 0.25],
    ]
    more = [pack([{"result": "hit"}, {"n": 2}]), pack([{}, None]), pack(["look", {"mark": "!"}]), b""]
    others: list[Any] = [
        [1, 0, 1, 80, ["done"], -1, -1, None], [2, 1, ["late"], -1, -1, None], [3, 1, "note-1", 90],
        [4, {"status": "completed", "ended_ms": 95, "owner": ["host", "boot", "ns", 7, "99"]}],
    ]  # fmt: skip
    waiting = [["c", "never", "Thought", 3, 65, 4, [], 1, None, -1, -1, None]]
    log = (
        header() + run_frame() + frame(traces, bodies, 0, 1, 0) + frame(others, more, 2, 3)
        + frame(waiting, [pack([["hm", 0.5], [1]])], 2, 7, 0)
    )  # fmt: skip
    engine = store(tmp_path, log)
    assert engine.check() == []
    run = engine.run("r")
    assert (run.name, run.created_ms, run.status, run.ended_ms) == ("by hand", 1234, "completed", 95)
    assert (run.tokens_in, run.tokens_out, run.cost_usd, run.owners[0].pid) == (12, 3, 0.25, 7)
    a, b, c = engine.scan("r", Index.ALL).items
    assert a.trace_type == ToolCall("grep", {"q": 1}, "hit")
    assert (a.metadata, a.tags, a.status, a.end_ms) == ({"m": 1, "n": 2}, ["x", "done"], "ok", 80)
    assert (b.parent_id, b.trace_type, b.tags, b.end_ms) == ("a", Custom("LLM"), ["late"], 70)
    assert (c.parent_id, c.parent_missing, c.trace_type, c.metadata) == (
        "never",
        True,
        Thought("hm", 0.5),
        [1],
    )
    assert [(n.id, n.note, n.timestamp) for n in engine.annotations("r", "b")] == [("note-1", "look", 90)]
    assert [change.rev for change in engine.changes("r")] == list(range(8))


def test_a_log_of_ours_is_what_the_page_says(tmp_path: Path) -> None:
    """Every byte of a recorded run is accounted for by the document."""
    engine = FileEngine(str(tmp_path / "store"))
    engine.create_run("r", {"name": "n", "created_ms": 77})
    draft = TraceDraft(ToolCall("t", {}), id="a", timestamp=5, open=True, tags=["x"], metadata=[1])
    engine.append(
        "r", [new_trace(draft), new_trace(TraceDraft(Thought("t"), id="b", parent_id="a", timestamp=6))]
    )
    note = annotation("b", "n", {})
    engine.append(
        "r",
        [
            completion("a", end_ms=9, late_fields={"result": 1}), amendment("b", tags=["y"]), note,
            run_patch({"name": "m"}),
        ],
    )  # fmt: skip
    content = (tmp_path / "store" / "runs" / "r.log").read_bytes()
    magic, version, flags, salt, created, crc = struct.unpack("<8sHH4sq36xI", content[:64])
    assert (magic, version, flags, created) == (b"tracetui", 1, 0, 77)
    assert crc == zlib.crc32(content[:60])
    found = []
    at = 64
    while at < len(content):
        first, count, seq, rev, heads_size, bodies_size, crc = struct.unpack(
            "<B3sIIIII", content[at : at + 24]
        )
        heads = content[at + 24 : at + 24 + heads_size]
        assert first & 0xF0 == 0xA0
        assert crc == zlib.crc32(heads, zlib.crc32(content[at : at + 20], zlib.crc32(salt)))
        rows = msgpack.unpackb(heads)
        assert len(rows) == int.from_bytes(count, "little")
        at += 24 + heads_size
        end = at + bodies_size
        for *head, size, crc in rows:
            assert zlib.crc32(content[at : at + size]) == crc
            found.append((first & 15, seq, rev, head, content[at : at + size]))
            at += size
        assert at == end
    assert found == [
        (2, 0, 0, [4, {"id": "r", "name": "n", "created_ms": 77}], b""),
        (0, 0, 1, ["a", -1, "ToolCall", 0, 5, 5, ["x"], 0, None, -1, -1, None], pack([["t", {}, None, None], [1]])),
        (0, 0, 1, ["b", 0, "Thought", 3, 6, 0, [], 1, None, -1, -1, None], pack([["t", None], None])),
        (2, 2, 3, [1, 0, 1, 9, [], -1, -1, None], pack([{"result": 1}, None])),
        (2, 2, 3, [2, 1, ["y"], -1, -1, None], pack([{}, None])),
        (2, 2, 3, [3, 1, note.id, found[-2][3][3]], pack(["n", {}])),
        (2, 2, 3, [4, {"name": "m"}], b""),
    ]  # fmt: skip


def thought(id: str, seq: int, rev: int, flags: int = 0) -> bytes:
    """Make a frame of one thought."""
    return frame(
        [[id, -1, "Thought", 3, 50, 0, [], 1, None, -1, -1, None]],
        [pack([["t", None], None])],
        seq,
        rev,
        flags,
    )


def test_an_optional_change_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    """It counts as a change; what is around it is read, and recording goes on."""
    later = frame([[64, "whatever", {"k": 1}], [200, 1]], [b"body", b""], 0, 1)
    engine = store(tmp_path, header() + run_frame() + later + thought("a", 0, 3))
    assert [t.id for t in engine.scan("r", Index.ALL).items] == ["a"]
    assert engine.append("r", [new_trace(TraceDraft(Thought("n"), id="b"))]).first_rev == 4
    assert [(c.rev, c.kind) for c in engine.changes("r", 0)] == [
        (1, "run"), (2, "run"), (3, "trace"), (4, "trace"),
    ]  # fmt: skip
    assert engine.check() == []


@pytest.mark.parametrize(
    "later",
    [
        frame([[5, "whatever"]], [b""], 1, 2),
        frame([[63, 0]], [b"x"], 1, 2),
        thought("b", 1, 2, flags=9),
        thought("b", 1, 2, flags=8),
    ],
)  # fmt: skip
def test_a_required_change_of_a_later_version_is_refused(tmp_path: Path, later: bytes) -> None:
    """Nothing of its frame is taken in; the error says which versions, and the log stays as it is."""
    engine = store(tmp_path, header() + run_frame() + thought("a", 0, 1))
    log = tmp_path / "runs" / "r.log"
    view = engine.view("r")
    log.write_bytes(log.read_bytes() + later)
    for call in (
        view.refresh,
        view.refresh,
        lambda: engine.append("r", []),
        lambda: FileEngine(str(tmp_path)).run("r"),
    ):
        with pytest.raises(FormatVersionError) as refused:
            call()
        assert (refused.value.found, refused.value.supported) == (2, 1)
    assert view.count == 1
    assert log.read_bytes().endswith(later)


@pytest.mark.parametrize(
    "heads",
    [
        [[0, "only an id"]], [[0]], [[]], [7], [[1, 99, 1, 1, [], -1, -1, None]], [[2, "x", [], 0, 0, 0]],
        [[3, 0]], [[4, 5]], [["x", 1]], [[0, "b", -1, "T", 99, 50, 0, [], 1, None, -1, -1, None]],
        [[0, "b", -1, "T", 3, 2**63, 0, [], 1, None, -1, -1, None]],
        [[0, "b", 77, "T", 3, 5, 0, [], 1, None, -1, -1, None]],
        [[0, ["b"], -1, "T", 3, 5, 0, [], 1, None, -1, -1, None]],
    ],
)  # fmt: skip
def test_heads_that_no_tracetui_wrote_are_a_typed_error_or_read(tmp_path: Path, heads: list[Any]) -> None:
    """A right checksum over nonsense: never a foreign exception, and never half a frame."""
    try:
        bad = frame(heads, [b""] * len(heads), 1, 2)
    except TypeError:
        packed = pack(heads)
        head = struct.pack("<B3sIIII", 0xA2, b"\1\0\0", 1, 2, len(packed), 0)
        bad = head + struct.pack("<I", zlib.crc32(packed, zlib.crc32(head, zlib.crc32(SALT)))) + packed
    log = header() + run_frame() + thought("a", 0, 1) + bad + thought("c", 2, 3)
    try:
        engine = store(tmp_path, log)
        found = engine.scan("r", Index.ALL).items
        for trace in found:
            trace.to_json()
    except TraceTuiError:
        pass


def test_newer_versions_are_refused(tmp_path: Path) -> None:
    """Of a log, and of a store: with the version found and the one supported; nothing is changed."""
    engine = store(tmp_path, header(version=2) + run_frame())
    with pytest.raises(FormatVersionError) as refused:
        engine.run("r")
    assert (refused.value.found, refused.value.supported) == (2, 1)
    (tmp_path / "store.json").write_text('{"format": 2, "store_id": "x"}')
    with pytest.raises(FormatVersionError) as refused:
        tracetui.open(tmp_path)
    assert refused.value.found == 2


@pytest.mark.parametrize("run_id", ["../up", "x-1", "A", "a" * 101, "b.log", "\0", "\ud800", "é/ü"])
def test_an_id_that_is_no_file_name_is_hashed(tmp_path: Path, run_id: str) -> None:
    """x- and 128 bits of BLAKE2b; the true id is in the first frame, and the folder holds nothing else."""
    digest = hashlib.blake2b(run_id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    with tracetui.open(tmp_path / "s") as db:
        db.create_run(id=run_id)
        TraceStore(db).record(run_id, Thought("x"))
    assert [path.name for path in (tmp_path / "s" / "runs").iterdir()] == [f"x-{digest}.log"]
    assert json.loads((tmp_path / "s" / "store.json").read_text())["format"] == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(
        ["s", "runs", "store.json", f"x-{digest}.log"]
    )
    with tracetui.open(tmp_path / "s") as db:
        assert [run.id for run in db.runs()] == [run_id]


def test_an_index_is_what_the_page_says(tmp_path: Path) -> None:
    """Header, table, checksums and each section of the page, read with nothing of ours; and no section but those."""
    engine = FileEngine(str(tmp_path))
    engine.create_run("r", {"created_ms": 9, "name": "n"})
    drafts = [
        TraceDraft(
            Custom("LLM"), id="b", timestamp=7, tags=["x", "y"], metadata={"usage": {"input": 5, "output": 2}}
        ),
        TraceDraft(Thought("late"), id="a", timestamp=5, parent_id="b"),
        TraceDraft(
            Thought("w"), id="c", timestamp=8, parent_id="never", await_parent=True, tags=["x"], open=True
        ),
    ]
    engine.append("r", [new_trace(draft) for draft in drafts])
    engine.append(
        "r", [completion("c", end_ms=11, tags=["z"]), annotation("a", "look", {}), amendment("b", tags=["q"])]
    )
    engine.reindex("r")
    log, content = ((tmp_path / "runs" / f"r{suffix}").read_bytes() for suffix in (".log", ".idx"))
    magic, version, flags, salt, end, last, last_crc, toc_size, toc_crc, crc = struct.unpack(
        "<8sHHIQQIII16xI", content[:64]
    )
    assert (magic, version, flags) == (b"tracetix", 2, int(sys.byteorder == "big"))
    assert (salt, crc) == (int.from_bytes(log[12:16], "little"), zlib.crc32(content[:60]))
    assert (end, last_crc) == (len(log), int.from_bytes(log[last + 20 : last + 24], "little"))
    toc = content[64 : 64 + toc_size]
    assert toc_crc == zlib.crc32(toc)
    found: dict[str, Any] = {}
    types = sections_of_the_page()
    for name, packed, offset, size, checksums in msgpack.unpackb(toc):
        data = content[offset : offset + size]
        assert (offset % 8, len(data)) == (0, size)
        assert list(memoryview(checksums).cast("I")) == [zlib.crc32(data)] * (size > 0)
        assert packed == (types[name] == "")
        found[name] = (
            msgpack.unpackb(data, strict_map_key=False) if packed else memoryview(data).cast(types[name])  # type: ignore[call-overload]
        )
    assert set(found) == set(types)
    said: dict[str, Any] = {
        name: value.tolist() if isinstance(value, memoryview) else value for name, value in found.items()
    }
    assert said["ids.text"] == list(b"bac")
    assert said["ids.ends"] == [1, 2, 3]
    hashes = sorted(
        (hashlib.blake2b(i.encode(), digest_size=8).digest()[::-1], n) for n, i in enumerate("bac")
    )
    assert said["ids.hashes"] == [int.from_bytes(digest, "big") for digest, _ in hashes]
    assert said["ids.rows"] == [row for _, row in hashes]
    assert [said[f"traces.{name}"] for name in ("kinds", "timestamps", "ends", "statuses", "parents")] == [
        [5, 3, 3], [7, 5, 8], [-(2**63), -(2**63), 11], [1, 1, 1], [-1, 0, -1],
    ]  # fmt: skip
    bodies = zip(*(said[f"traces.refs.{name}"] for name in ("offsets", "sizes", "crcs")), strict=True)
    for at, size, crc in bodies:
        assert zlib.crc32(log[at : at + size]) == crc
        assert len(msgpack.unpackb(log[at : at + size])) == 2
    starts = said["tags.starts"]
    postings = {
        name: said["tags.rows"][starts[n] : starts[n + 1]] for n, name in enumerate(said["tags.names"])
    }
    assert postings == {"q": [0], "x": [0, 2], "y": [0], "z": [2]}
    ends = [0, *said["tags.distinct.ends"]]
    sets = [msgpack.unpackb(found["tags.distinct.packed"][a:b]) for a, b in pairwise(ends)]
    assert [sets[number] for number in said["tags.sets"]] == [["x", "y", "q"], [], ["x", "z"]]
    assert (said["time"]["ordered"], said["time.order"], said["roots"]) == (False, [1, 0, 2], [0, 2])
    assert (said["tree.seqs"], said["tree.depths"], said["tree.sizes"]) == ([0, 1, 2], [0, 1, 0], [2, 1, 1])
    assert (said["rollup.tokens_in"], said["rollup.marks"]) == ([5, 0, 0], [4, 0, 0])
    assert (said["changes.codes"], said["changes.rows"]) == ([4, 0, 0, 0, 1, 3, 2], [-1, 0, 1, 2, 2, 1, 0])
    assert (said["additions.before"], said["additions.tags"]) == ([-1, -1], {0: ["z"], 1: ["q"]})
    run = said["run"]
    assert (run["run_id"], run["name"], run["traces"], run["awaiting"]) == ("r", "n", 3, [[2, "never"]])


def sections_of_the_page() -> dict[str, str]:
    """Return the sections that docs/format.md lists with the typecode of their numbers, "" for packed values."""
    codes = {
        "int8": "b", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q", "float64": "d", "UTF-8": "B", "bytes": "B",
        "packed": "",
    }  # fmt: skip
    refs = ("uint64", "uint32", "uint32")
    page = (REPOSITORY / "docs" / "format.md").read_text("utf-8").partition("| sections | numbers |")[2]
    found: dict[str, str] = {}
    for line in page.splitlines()[2:]:
        if not line.startswith("|"):
            break
        _, names, kinds, *_ = line.split("|")
        listed = re.findall(r"`([a-z_.]+)`", names)
        given = refs if "as `traces.refs`" in kinds else tuple(kinds.strip().split(", "))
        given = given * len(listed) if len(given) == 1 else given
        found |= {name: codes[kind] for name, kind in zip(listed, given, strict=True)}
    return found


def test_compressed_bodies_are_what_the_page_says(tmp_path: Path) -> None:
    """A frame with the flag codec, made by hand: bodies as one zlib stream, lengths and checksums their own."""
    bodies = [pack([["a thought " * 50, None], None]), pack([["another " * 50, None], {"k": 1}])]
    heads: list[Any] = [
        [name, -1, "Thought", 3, 50, 0, [], 1, None, -1, -1, None, len(body), zlib.crc32(body)]
        for name, body in zip("ab", bodies, strict=True)
    ]
    packed, stream = pack(heads), zlib.compress(b"".join(bodies))
    head = struct.pack("<B3sIIII", 0xA1, b"\2\0\0", 0, 1, len(packed), len(stream))
    crc = zlib.crc32(packed, zlib.crc32(head, zlib.crc32(SALT)))
    engine = store(tmp_path, header() + run_frame() + head + struct.pack("<I", crc) + packed + stream)
    a, b = engine.scan("r", Index.ALL).items
    assert (a.trace_type, b.trace_type, b.metadata) == (
        Thought("a thought " * 50),
        Thought("another " * 50),
        {"k": 1},
    )
    assert engine.check() == []
