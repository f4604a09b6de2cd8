"""A recorded trace as of the moment it was read; its body is decoded on first touch.

A trace's *head* (id, parent, times, tags, status) is at hand, or is read from its run's columns as of that
moment (``HeadSource``) when somebody looks: a query hands out thousands and few are looked at. Its *body* (the
type's fields and metadata) may lie on a disk and is read through a ``BodySource`` then. What completions and
amendments added is merged in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from tracetui.errors import InvalidTraceError, TraceTuiError
from tracetui.model.trace_type import (
    ERROR,
    FIELD_NAMES,
    KINDS,
    ToolCall,
    TraceType,
    build,
    field_values,
    kind_code,
    type_from_json,
    type_name,
    type_to_json,
    with_late,
)
from tracetui.model.value import (
    Value,
    checked_name,
    checked_tags,
    from_jsonable,
    normalize,
    pack,
    to_jsonable,
    unpack,
)

OPEN, OK, FAILED, CANCELLED = "open", "ok", "error", "cancelled"
STATUS_NAMES: tuple[str, ...] = (OPEN, OK, FAILED, CANCELLED)
"""Statuses that are stored; a status's code is its index here, in memory and in files."""
STATUS_CODES: dict[str, int] = {name: code for code, name in enumerate(STATUS_NAMES)}
END_STATUSES: tuple[str, ...] = (OK, FAILED, CANCELLED)


class BodySource(Protocol):
    """Where bodies are read from: the file of a run, or memory."""

    def body(self, code: int, where: Any) -> tuple[TraceType, Value]:
        """Return the merged type and metadata of a trace of this kind code.

        :raises CorruptionError: if the bytes are not what was written.
        """
        ...


class HeadSource(Protocol):
    """Where heads are read from, as of one moment, whatever comes later."""

    def head(self, row: int) -> Head:
        """Return the head of a row."""
        ...


class Head(NamedTuple):
    """What is known of a trace without its body; in the order in which a trace takes it over."""

    id: str
    parent_id: str | None
    timestamp: int
    tags: Sequence[str]
    type_name: str
    code: int
    status: str
    end_ms: int | None
    run_id: str
    seq: int
    parent_missing: bool
    where: Any
    source: BodySource


def pack_body(trace_type: TraceType, metadata: Value) -> bytes:
    """Pack what a body keeps: the values of the type's fields, then the metadata."""
    return pack([field_values(trace_type), metadata])


def pack_late(late: Mapping[str, Value], metadata: Value) -> bytes:
    """Pack what a completion or amendment adds."""
    return pack([late, metadata])


def decode_body(code: int, base: bytes, added: Sequence[bytes] = ()) -> tuple[TraceType, Value]:
    """Return the type and metadata of a packed body, with completions and amendments merged in order.

    :raises ValueError: or another exception of msgpack's, if the bytes are no body; callers who know path
        and offset turn it into ``CorruptionError``.
    """
    values, metadata = unpack(base)
    trace_type = build(code, values)
    for blob in added:
        late, more = unpack(blob)
        trace_type = with_late(trace_type, late)
        metadata = merge_metadata(metadata, more)
    return trace_type, metadata


def merge_metadata(metadata: Value, more: Value) -> Value:
    """Merge shallowly; nothing merged into nothing is nothing."""
    if more is None:
        return metadata
    if isinstance(metadata, dict) and isinstance(more, dict):
        return {**metadata, **more}
    return more


class Trace:
    """One recorded step of a run.

    ``timestamp`` and ``end_ms`` are milliseconds since the epoch. Equality is that of the six recorded
    fields: id, parent_id, trace_type, timestamp, tags, metadata. Reading ``trace_type`` or ``metadata`` for
    the first time may read the disk, and raises ``CorruptionError`` if the body is damaged there.

    >>> from tracetui import Thought
    >>> trace = Trace("t1", None, 1000, ["plan"], trace_type=Thought("look first"), metadata=None)
    >>> trace.type_name, trace.status
    ('Thought', 'ok')
    """

    __slots__ = (
        "_code", "_heads", "_metadata", "_row", "_source", "_tags", "_type", "_where", "depth", "end_ms", "id",
        "parent_id", "parent_missing", "run_id", "seq", "status", "timestamp", "type_name",
    )  # fmt: skip

    _heads: HeadSource
    _row: int

    def __init__(
        self,
        id: str,  # noqa: A002 - the public name of the field
        parent_id: str | None,
        timestamp: int,
        tags: Sequence[str],
        *,
        type_name: str = "",
        code: int = -1,
        status: str = OK,
        end_ms: int | None = None,
        run_id: str = "",
        seq: int = -1,
        parent_missing: bool = False,
        depth: int | None = None,
        source: BodySource | None = None,
        where: Any = None,
        trace_type: TraceType | None = None,
        metadata: Value = None,
    ) -> None:
        self.id = id
        self.parent_id = parent_id
        self.timestamp = timestamp
        self._tags = tags
        self.status = status
        self.end_ms = end_ms
        self.run_id = run_id
        self.seq = seq
        self.parent_missing = parent_missing
        self.depth = depth
        self._source = source
        self._where = where
        self._type = trace_type
        self._metadata = metadata
        if trace_type is not None and code < 0:
            code, type_name = kind_code(trace_type), type_name_of(trace_type)
        self._code = code
        self.type_name = type_name

    # ---- the head ----------------------------------------------------------------------------------------

    @staticmethod
    def unread(heads: HeadSource, rows: Sequence[int]) -> list[Trace]:
        """Return the traces of rows, heads unread; 0.1 µs each."""
        made = [*map(Trace.__new__, repeat(Trace, len(rows)))]
        for trace, row in zip(made, rows, strict=True):
            trace._heads, trace._row = heads, row  # noqa: SLF001 - its own class
        return made

    @staticmethod
    def unread_one(heads: HeadSource, row: int) -> Trace:
        """Return the trace of one row, its head unread."""
        trace = Trace.__new__(Trace)
        trace._heads, trace._row = heads, row  # noqa: SLF001 - its own class
        return trace

    @staticmethod
    def read_one(heads: HeadSource, row: int) -> Trace:
        """Return the trace of one row, its head read: it costs half of reading it later, on first touch."""
        trace = Trace.unread_one(heads, row)
        trace._read_head()  # noqa: SLF001 - its own class
        return trace

    def _read_head(self) -> None:
        (
            self.id, self.parent_id, self.timestamp, self._tags, self.type_name, self._code, self.status,
            self.end_ms, self.run_id, self.seq, self.parent_missing, self._where, self._source,
        ) = self._heads.head(self._row)  # fmt: skip
        self._type = None

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Read the head when a part of it is first asked for: only what is not there yet comes here."""
            if name in _UNTIL_SET:
                return None
            if name not in _HEAD:
                raise AttributeError(f"'Trace' object has no attribute {name!r}")
            self._read_head()
            return getattr(self, name)

    # ---- the body ----------------------------------------------------------------------------------------

    def _load(self) -> TraceType:
        trace_type = self._type
        if trace_type is None:
            source = cast("BodySource", self._source)
            trace_type, self._metadata = source.body(self._code, self._where)
            self._type = trace_type
            self._source = self._where = None
        return trace_type

    @property
    def trace_type(self) -> TraceType:
        """The type with its fields, late ones included."""
        return self._type or self._load()

    @property
    def metadata(self) -> Value:
        """The metadata, amendments merged in."""
        if self._type is None:
            self._load()
        return self._metadata

    @property
    def tags(self) -> list[str]:
        """The tags in the order given, duplicates kept."""
        return list(self._tags)

    @property
    def kind(self) -> type[TraceType]:
        """The class of the type: ``Custom`` for a custom trace, whatever its name."""
        return KINDS[self._code]

    @property
    def kind_code(self) -> int:
        """The index of ``kind`` among the six."""
        return self._code

    @property
    def damaged(self) -> bool:
        """Whether the body cannot be read; looking costs one read of it."""
        try:
            self._load()
        except TraceTuiError:
            return True
        return False

    @property
    def duration_ms(self) -> int | None:
        """Milliseconds it took: a ToolCall's own field, else end − start, None where unknown."""
        if self._code == 0:
            own = cast("ToolCall", self.trace_type).duration_ms
            if own is not None:
                return own
        return None if self.end_ms is None else self.end_ms - self.timestamp

    # ---- comparing, showing, moving ----------------------------------------------------------------------

    def _key(self) -> tuple[object, ...]:
        return (self.id, self.parent_id, self.trace_type, self.timestamp, self.tags, self.metadata)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Trace) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Trace {self.id!r} {self.type_name!r} seq={self.seq} {self.status}>"

    def __reduce__(self) -> tuple[object, ...]:
        self._load()
        return _restore, (tuple(getattr(self, name) for name in _STATE),)

    def to_json(self) -> dict[str, object]:
        """Return the trace as plain data: the six keys in order, then what the store knows of it."""
        return {
            "id": self.id,
            "parent_id": self.parent_id,
            "trace_type": type_to_json(self.trace_type),
            "timestamp": self.timestamp,
            "tags": self.tags,
            "metadata": to_jsonable(self.metadata),
            "run_id": self.run_id,
            "seq": self.seq,
            "status": self.status,
            "end_ms": self.end_ms,
            "duration_ms": self.duration_ms,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Trace:
        """Read what ``to_json`` made; keys after the first six may be left out.

        :raises InvalidTraceError: naming the key that is missing or wrong.
        """
        if not isinstance(value, Mapping):
            raise InvalidTraceError("trace", "must be a JSON object")
        trace_type = type_from_json(_key_of(value, "trace_type"))
        parent = value.get("parent_id")
        default = FAILED if kind_code(trace_type) == ERROR else OK
        status = value.get("status") or default
        if status not in STATUS_CODES:
            raise InvalidTraceError("status", f"{status!r} is none of {', '.join(STATUS_NAMES)}")
        return cls(
            checked_name(_key_of(value, "id"), "id", empty=False),
            None if parent is None else checked_name(parent, "parent_id"),
            checked_time(_key_of(value, "timestamp"), "timestamp"),
            checked_tags(value.get("tags") or ()),
            trace_type=trace_type,
            metadata=normalize(from_jsonable(value.get("metadata")), "metadata"),
            status=str(status),
            end_ms=None if value.get("end_ms") is None else checked_time(value["end_ms"], "end_ms"),
            run_id=cast("str", value.get("run_id") or ""),
            seq=cast("int", value.get("seq", -1)),
        )


type_name_of = type_name
_STATE = tuple(name for name in Trace.__slots__ if name not in ("_heads", "_row"))
_UNTIL_SET = frozenset({"depth", "_metadata"})
_HEAD = frozenset(_STATE) - _UNTIL_SET


def _restore(state: tuple[object, ...]) -> Trace:
    trace = Trace.__new__(Trace)
    for name, value in zip(_STATE, state, strict=True):
        setattr(trace, name, value)
    return trace


def _key_of(value: Mapping[str, object], key: str) -> object:
    if key not in value:
        raise InvalidTraceError(key, "is missing")
    return value[key]


def checked_time(value: object, field: str) -> int:
    """Return milliseconds since the epoch if it is an int of 64 bits, negative allowed.

    :raises InvalidTraceError: otherwise.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidTraceError(field, f"must be an int of milliseconds, not {type(value).__name__}")
    if not -(2**63) <= value < 2**63:
        raise InvalidTraceError(field, "outside the range of 64 bits")
    return int(value)


def fields_of(trace: Trace) -> dict[str, object]:
    """Return the fields of the trace's type by name, in order."""
    trace_type = trace.trace_type
    return {name: getattr(trace_type, name) for name in FIELD_NAMES[trace.kind_code]}
