"""The store as a few tables of SQLite: a second oracle, whose answers are queries and a recursive view."""

from __future__ import annotations

import sqlite3
from typing import Any

_SCHEMA = """
CREATE TABLE traces (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, parent TEXT, linked TEXT, type TEXT, time INTEGER, open INTEGER);
CREATE TABLE tags (seq INTEGER, tag TEXT);
"""
_ABOVE = "WITH RECURSIVE above(id) AS (SELECT ?1 UNION SELECT linked FROM above JOIN traces USING (id) WHERE linked IS NOT NULL)"


def stored(text: str | None) -> bytes | None:
    """Return a text as SQLite keeps it whatever it holds: NUL and lone surrogates too."""
    return None if text is None else text.encode("utf-8", "surrogatepass")


def given(text: bytes) -> str:
    """Return what was stored."""
    return text.decode("utf-8", "surrogatepass")


class SqliteModel:
    """What a run holds, told the same as the dict model; it refuses nothing: what was refused is not told."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.executescript(_SCHEMA)

    def _all(self, sql: str, *values: Any) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def _names(self, sql: str, *values: Any) -> list[str]:
        return [given(row[0]) for row in self._all(sql, *values)]

    def record(
        self, id: str, parent: str | None, type_name: str, tags: list[str], time: int, *, open: bool
    ) -> None:
        """Add a trace below its parent if that is there, and below it those that waited for it, but for its ancestors."""
        own = stored(id)
        there = (
            None
            if parent == id or parent is None
            else self._all("SELECT 1 FROM traces WHERE id = ?", stored(parent))
        )
        (count,) = self._all("SELECT count(*) FROM traces")[0]
        self._all(
            "INSERT INTO traces VALUES (?, ?, ?, ?, ?, ?, ?)",
            count, own, stored(parent), stored(parent) if there else None, stored(type_name), time, open,
        )  # fmt: skip
        for (waiting,) in self._all(
            "SELECT id FROM traces WHERE parent = ? AND linked IS NULL ORDER BY seq", own
        ):
            self._all(
                f"UPDATE traces SET linked = ?1 WHERE id = ?2 AND NOT EXISTS ({_ABOVE} SELECT 1 FROM above WHERE id = ?2)",
                own, waiting,
            )  # fmt: skip
        self.tag(id, tags)

    def tag(self, id: str, tags: list[str]) -> None:
        """Add tags."""
        self._db.executemany(
            "INSERT INTO tags SELECT seq, ? FROM traces WHERE id = ?",
            [(stored(tag), stored(id)) for tag in tags],
        )

    def complete(self, id: str) -> None:
        """End a trace."""
        self._all("UPDATE traces SET open = 0 WHERE id = ?", stored(id))

    def ids(self, where: str = "1", *values: Any, order: str = "seq") -> list[str]:
        """Return the ids of traces in order."""
        return self._names(f"SELECT id FROM traces WHERE {where} ORDER BY {order}", *values)

    def by_tag(self, tag: str) -> list[str]:
        """Return the ids of the traces that bear a tag."""
        return self.ids("seq IN (SELECT seq FROM tags WHERE tag = ?)", stored(tag))

    def counts(self, column: str) -> dict[str, int]:
        """Return type or tag: traces, in the order of code points, as texts of UTF-8 have it."""
        sources = {"type": "traces", "tag": "tags"}
        found = self._all(f"SELECT {column}, count(DISTINCT seq) FROM {sources[column]} GROUP BY 1")
        return {given(name): count for name, count in found}

    def tree(self, root: str) -> list[tuple[int, str]]:
        """Return a subtree in pre-order as (depth, id): a recursive query, ordered by the path of seqs."""
        rows = self._all(
            "WITH RECURSIVE below(id, depth, path) AS (SELECT id, 0, printf('%08d', seq) FROM traces WHERE id = ?1"
            " UNION ALL SELECT traces.id, depth + 1, path || printf('/%08d', seq) FROM below JOIN traces ON linked = below.id)"
            " SELECT depth, id FROM below ORDER BY path",
            stored(root),
        )
        return [(depth, given(id)) for depth, id in rows]
