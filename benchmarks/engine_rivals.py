"""What the engine is measured against: SQLite, LMDB, and files that are only appended to.

Each rival keeps the same rows with the same four indexes (type, tag, time, parent) and finds a trace by its id, the way
somebody would who builds a trace store on it: msgpack for what has no column, one transaction a commit, statements that
stay prepared. None checks that a parent exists, which tracetui does.
"""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import lmdb
import msgpack

from benchmarks.engine_workload import Item, content_of, name_of

_SCHEMA = """
CREATE TABLE traces (run TEXT, seq INTEGER, id TEXT, parent TEXT, type TEXT, time INTEGER, status INTEGER,
    tags BLOB, body BLOB, PRIMARY KEY (run, seq));
CREATE UNIQUE INDEX by_id ON traces (run, id);
CREATE INDEX by_type ON traces (run, type, seq);
CREATE INDEX by_parent ON traces (run, parent, seq);
CREATE INDEX by_time ON traces (run, time, seq);
CREATE TABLE tags (run TEXT, tag TEXT, seq INTEGER, PRIMARY KEY (run, tag, seq)) WITHOUT ROWID;
"""
_INSERT = (
    "INSERT INTO traces VALUES (?, (SELECT coalesce(max(seq), -1) + 1 FROM traces WHERE run = ?), ?, ?, ?, ?, ?, ?, ?)"
    " RETURNING seq"
)
_INSERT_TAG = "INSERT OR IGNORE INTO tags VALUES (?, ?, ?)"
_HEAD = "traces.seq, id, parent, type, time, status, tags"

pack = msgpack.Packer(unicode_errors="surrogatepass").pack


def now_ms() -> int:
    """Return the time a rival gives a trace."""
    return time.time_ns() // 1_000_000


class Sqlite:
    """SQLite in WAL mode; one connection, as a process has."""

    def __init__(self, folder: Path, synchronous: str = "NORMAL") -> None:
        fresh = not (folder / "store.db").exists()
        self.path = folder / "store.db"
        self._db = sqlite3.connect(self.path, isolation_level=None, timeout=60, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(f"PRAGMA synchronous={synchronous}")
        if fresh:
            self._db.executescript(_SCHEMA)
        self._lock = threading.Lock()

    def record(self, run: str, parent: str | None, item: Item) -> str:
        """Record one trace in a transaction of its own; return its id."""
        trace_id = str(uuid4())
        values = (
            run, run, trace_id, parent, name_of(item), now_ms(), 1, pack(item.tags), pack(content_of(item))
        )  # fmt: skip
        with self._lock:
            run_sql = self._db.execute
            run_sql("BEGIN IMMEDIATE")
            ((seq,),) = run_sql(_INSERT, values).fetchall()
            if item.tags:
                self._db.executemany(_INSERT_TAG, [(run, tag, seq) for tag in item.tags])
            run_sql("COMMIT")
        return trace_id

    def record_many(self, run: str, rows: Sequence[tuple[str, str | None, Item]]) -> None:
        """Record (id, parent, item) in one transaction."""
        run_sql = self._db.execute
        run_sql("BEGIN IMMEDIATE")
        (start,) = run_sql("SELECT coalesce(max(seq), -1) + 1 FROM traces WHERE run = ?", (run,)).fetchone()
        self._db.executemany(
            "INSERT INTO traces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    run,
                    seq,
                    trace_id,
                    parent,
                    name_of(item),
                    item.timestamp,
                    1,
                    pack(item.tags),
                    pack(content_of(item)),
                )
                for seq, (trace_id, parent, item) in enumerate(rows, start)
            ],
        )
        self._db.executemany(
            _INSERT_TAG, [(run, tag, seq) for seq, row in enumerate(rows, start) for tag in row[2].tags]
        )
        run_sql("COMMIT")

    def all(self, sql: str, *given: object) -> list[Any]:
        """Return all rows; HEAD stands for the columns of a head."""
        return self._db.execute(sql.replace("HEAD", _HEAD), given).fetchall()

    def get(self, run: str, trace_id: str) -> tuple[Any, Any]:
        """Return a trace, decoded."""
        found = self.all("SELECT HEAD, body FROM traces WHERE run = ? AND id = ?", run, trace_id)[0]
        return found, msgpack.unpackb(found[-1], strict_map_key=False, unicode_errors="surrogatepass")

    def tree(self, run: str, root: str) -> list[Any]:
        """Return the heads of a subtree, by a recursive query."""
        return self.all(
            "WITH RECURSIVE below(id, depth) AS (SELECT ?2, 0 UNION ALL SELECT traces.id, depth + 1"
            " FROM below JOIN traces ON traces.run = ?1 AND traces.parent = below.id)"
            " SELECT depth, HEAD FROM below JOIN traces USING (id) WHERE run = ?1",
            run, root,
        )  # fmt: skip

    def size(self) -> int:
        """Return the bytes of the database, all of them in its main file."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.path.stat().st_size

    def close(self) -> None:
        """Let go of it."""
        self._db.close()


class Lmdb:
    """LMDB without syncs: one ordered key space with a key for the trace, its id and every index entry."""

    def __init__(self, folder: Path) -> None:
        self._env = lmdb.open(str(folder / "lmdb"), map_size=1 << 36, sync=False, metasync=False)

    def record(self, run: str, parent: str | None, item: Item) -> str:
        """Record one trace in a transaction of its own; return its id."""
        trace_id = str(uuid4())
        self._commit(run, [(trace_id, parent, item)], now_ms())
        return trace_id

    def record_many(self, run: str, rows: Sequence[tuple[str, str | None, Item]]) -> None:
        """Record (id, parent, item) in one transaction."""
        self._commit(run, rows, None)

    def _commit(self, run: str, rows: Iterable[tuple[str, str | None, Item]], at: int | None) -> None:
        name = run.encode() + b"\0"
        with self._env.begin(write=True) as txn:
            put = txn.put
            held = txn.get(b"n" + name)
            seq = 0 if held is None else int.from_bytes(held, "big")
            for trace_id, parent, item in rows:
                number = seq.to_bytes(8, "big")
                moment = item.timestamp if at is None else at
                type_name = name_of(item)
                head = [trace_id, parent, type_name, moment, 1, item.tags]
                if not put(b"i" + name + trace_id.encode(), number, overwrite=False):
                    raise ValueError("exists")
                put(b"t" + name + number, pack([head, content_of(item)]))
                put(b"y" + name + type_name.encode() + b"\0" + number, b"")
                put(b"m" + name + struct.pack(">q", moment) + number, b"")
                put(b"c" + name + (parent or "").encode() + b"\0" + number, b"")
                for tag in item.tags:
                    put(b"g" + name + tag.encode() + b"\0" + number, b"")
                seq += 1
            put(b"n" + name, seq.to_bytes(8, "big"))

    def close(self) -> None:
        """Let go of it."""
        self._env.close()


class BareFile:
    """Packed traces appended to a file, with or without a sync: nothing is checked, nothing can be found."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._fd = os.open(folder / "bare.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._durable = durable

    def record(self, run: str, parent: str | None, item: Item) -> str:
        """Append one trace; return its id."""
        trace_id = str(uuid4())
        head = [run, trace_id, parent, name_of(item), now_ms(), 1, item.tags]
        os.write(self._fd, pack([head, content_of(item)]))
        if self._durable:
            os.fdatasync(self._fd)
        return trace_id

    def close(self) -> None:
        """Let go of it."""
        os.close(self._fd)


class JsonLines:
    """JSON lines appended to a file, as many agents keep their steps."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "traces.jsonl").open("a", encoding="utf-8")

    def record(self, run: str, parent: str | None, item: Item) -> str:
        """Append one line and flush it; return the id."""
        trace_id = str(uuid4())
        self._file.write(self._line(run, trace_id, parent, item, now_ms()))
        self._file.flush()
        return trace_id

    def record_many(self, run: str, rows: Sequence[tuple[str, str | None, Item]]) -> None:
        """Append lines and flush once."""
        self._file.writelines(
            self._line(run, trace_id, parent, item, item.timestamp) for trace_id, parent, item in rows
        )
        self._file.flush()

    @staticmethod
    def _line(run: str, trace_id: str, parent: str | None, item: Item, at: int) -> str:
        fields, metadata = content_of(item)
        shown = {
            "run": run, "id": trace_id, "parent_id": parent, "type": name_of(item), "fields": fields,
            "timestamp": at, "tags": item.tags, "metadata": metadata,
        }  # fmt: skip
        return json.dumps(shown) + "\n"

    def close(self) -> None:
        """Let go of it."""
        self._file.close()
