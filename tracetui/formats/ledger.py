"""Records that grow while a file is read: handed out once, then only updated.

Owns the difference between a trace as it was handed out and as it is known now. A format's reader makes
nodes, finishes and amends them in the order of its lines and need not care when anybody takes them: however
the takes fall, the records with their updates merged in are the same.

Invariants: a node is handed out at most once; parents are handed out before their children, else nodes in
the order they were added, but for those held back by their gate; a node ends at most once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from tracetui.formats.record import ImportRecord, ImportUpdate
from tracetui.formats.resolver import AWAITS, CIRCLE, order
from tracetui.formats.sanitise import clean_name
from tracetui.model.draft import TraceDraft
from tracetui.model.trace_type import TraceType, with_late


class Gate:
    """Holds nodes back until something they depend on is known."""

    __slots__ = ("held",)

    def __init__(self, *, held: bool = False) -> None:
        self.held = held


OPEN_GATE = Gate()


class Node:
    """One trace in the making. Times in milliseconds since the epoch; ``timestamp`` None: not known yet.

    Ids that no engine takes are made into some that are, by the same rule for id and parent.
    """

    __slots__ = (
        "await_parent", "changed", "emitted", "end_ms", "gate", "id", "late", "metadata", "open",
        "parent_id", "status", "tags", "timestamp", "trace_type",
    )  # fmt: skip

    def __init__(
        self,
        id: str,  # noqa: A002 - the field's public name
        parent_id: str | None,
        trace_type: TraceType,
        timestamp: int | None,
        *,
        tags: Iterable[str] = (),
        metadata: dict[str, Any] | None = None,
        open: bool = False,  # noqa: A002 - the draft's public name
        gate: Gate = OPEN_GATE,
        status: str | None = None,
        end_ms: int | None = None,
    ) -> None:
        self.id = clean_name(id, "record")
        self.parent_id = None if parent_id is None else clean_name(parent_id, "record")
        self.trace_type = trace_type
        self.timestamp = timestamp
        self.tags = list(tags)
        self.metadata = metadata if metadata is not None else {}
        self.open = open
        self.gate = gate
        self.status = status
        self.end_ms = end_ms
        self.await_parent = False
        self.late: dict[str, Any] = {}
        self.emitted = False
        self.changed = False

    def draft(self) -> TraceDraft:
        """Return the trace as it is known now."""
        return TraceDraft(
            with_late(self.trace_type, self.late),
            id=self.id,
            parent_id=self.parent_id,
            await_parent=self.await_parent,
            tags=tuple(self.tags),
            metadata=self.metadata or None,
            timestamp=self.timestamp,
            end_ms=self.end_ms,
            status=self.status,
            open=self.open,
        )


class Ledger:
    """The nodes of one run, by id."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.skipped: Counter[str] = Counter()
        self._pending: list[Node] = []
        self._changed: list[Node] = []
        self._given: set[str] = set()

    def add(self, node: Node) -> Node:
        """Take in a node; one of an id that is there already is counted and the first one returned."""
        first = self.nodes.get(node.id)
        if first is not None:
            self.skipped["records repeated"] += 1
            return first
        self.nodes[node.id] = node
        self._pending.append(node)
        return node

    def finish(
        self,
        node: Node,
        end_ms: int,
        status: str = "ok",
        *,
        late: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Iterable[str] = (),
    ) -> None:
        """End an open node. Of one that has ended, only tags and metadata are still taken.

        An end before the start (clocks of two machines, rewritten files) counts as the start.
        """
        if not node.open:
            if late:
                self.skipped["late results of records that had ended"] += 1
            self.amend(node, metadata=metadata, tags=tags)
            return
        node.open = False
        node.status = status
        node.end_ms = end_ms if node.timestamp is None else max(end_ms, node.timestamp)
        node.late.update(late or {})
        self.amend(node, metadata=metadata, tags=tags)
        self._touch(node)

    def amend(
        self, node: Node, *, metadata: Mapping[str, Any] | None = None, tags: Iterable[str] = ()
    ) -> None:
        """Add tags and merge metadata, shallowly."""
        more = [tag for tag in tags if tag not in node.tags]
        if metadata or more:
            node.metadata.update(metadata or {})
            node.tags.extend(more)
            self._touch(node)

    def _touch(self, node: Node) -> None:
        if node.emitted and not node.changed:
            node.changed = True
            self._changed.append(node)

    def drain(self, run_id: str, *, final: bool) -> tuple[list[ImportRecord], list[ImportUpdate]]:
        """Hand out what is settled since the last time."""
        updates = [self._update(run_id, node) for node in self._changed]
        self._changed = []
        settled: list[Node] = []
        held: list[Node] = []
        held_ids: set[str | None] = set()
        for node in self._pending:
            if not final and (node.gate.held or node.timestamp is None or node.parent_id in held_ids):
                held.append(node)
                held_ids.add(node.id)
            else:
                settled.append(node)
        self._pending = held
        return [self._record(run_id, node) for node in self._in_order(settled)], updates

    def _in_order(self, settled: list[Node]) -> Iterator[Node]:
        """Yield nodes with parents first; one whose parent was not handed out waits for it."""
        for placed in order(settled, attrgetter("id"), attrgetter("parent_id"), self._given):
            placed.item.await_parent = placed.link in (AWAITS, CIRCLE)
            self._given.add(placed.item.id)
            yield placed.item

    def _record(self, run_id: str, node: Node) -> ImportRecord:
        if node.timestamp is None:
            node.timestamp = 0
        record = ImportRecord(run_id, node.draft())
        node.emitted = True
        node.late, node.metadata, node.tags = {}, {}, []
        return record

    def _update(self, run_id: str, node: Node) -> ImportUpdate:
        ended = node.end_ms is not None and bool(node.status) and not node.open
        update = ImportUpdate(
            run_id,
            node.id,
            status=node.status if ended else None,
            end_ms=node.end_ms if ended else None,
            late=node.late,
            tags=tuple(node.tags),
            metadata=node.metadata or None,
        )
        node.changed = False
        node.late, node.metadata, node.tags = {}, {}, []
        return update
