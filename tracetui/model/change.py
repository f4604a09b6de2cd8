"""What one commit holds: changes, checked and packed, ready for any engine; and changes as readers get them.

Making a change checks all that can be checked without the store (names, values, limits) and packs its body,
so that an engine only has to decide what depends on its state: whether ids, parents and statuses fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

from tracetui.errors import InvalidRunError, InvalidTraceError
from tracetui.model.draft import TraceDraft
from tracetui.model.ids import new_annotation_id, new_trace_id
from tracetui.model.trace import END_STATUSES, OK, STATUS_CODES, checked_time
from tracetui.model.trace_type import (
    CUSTOM,
    ERROR,
    FIELD_NAMES,
    KIND_CODES,
    KIND_NAMES,
    TraceType,
    kind_code,
    late_values,
    values_of_kind,
)
from tracetui.model.value import (
    MAX_PACKED_BYTES,
    Value,
    ValueLike,
    are_names,
    are_tags,
    checked_name,
    checked_tags,
    normalize,
    pack,
    storable,
)

UNKNOWN_TOKENS = -1
UNKNOWN_COST = float("nan")
_UNKNOWN_USAGE = (UNKNOWN_TOKENS, UNKNOWN_TOKENS, UNKNOWN_COST)


class NewTrace(NamedTuple):
    """A trace to append. ``timestamp`` None: the commit sets it. Status by code of ``STATUS_NAMES``."""

    id: str
    parent_id: str | None
    await_parent: bool
    type_name: str
    kind: int
    timestamp: int | None
    status: int
    end_ms: int | None
    tags: tuple[str, ...]
    tokens_in: int
    tokens_out: int
    cost: float
    mergeable: bool
    """Whether the metadata is None or a dict, so that amendments can be merged into it."""
    body: bytes


class Completion(NamedTuple):
    """The end of an open trace. ``end_ms`` None: the commit sets it."""

    trace_id: str
    status: int
    end_ms: int | None
    late: tuple[str, ...]
    """Names of the late fields in the body; the commit checks that the trace's kind has them."""
    tags: tuple[str, ...]
    tokens_in: int
    tokens_out: int
    cost: float
    mergeable: bool
    has_metadata: bool
    body: bytes


class Amendment(NamedTuple):
    """Tags and metadata added to a trace at any time."""

    trace_id: str
    tags: tuple[str, ...]
    tokens_in: int
    tokens_out: int
    cost: float
    has_metadata: bool
    body: bytes


class NewAnnotation(NamedTuple):
    """A note, mark or score linked to a trace."""

    id: str
    trace_id: str
    timestamp: int | None
    body: bytes


class RunPatch(NamedTuple):
    """A change of the run itself. ``values`` has any of: name, status, ended_ms, tags, metadata, owner.

    ``metadata`` replaces, ``owner`` (packed) is added to the owners. The commit checks a status's move.
    """

    values: Mapping[str, Value]


AnyChange: TypeAlias = NewTrace | Completion | Amendment | NewAnnotation | RunPatch


@dataclass(frozen=True, slots=True)
class Change:
    """A change as a reader gets it, numbered by ``rev`` in the order of commits.

    ``kind`` is "trace", "completion", "amendment", "annotation" or "run"; ``trace_id`` is None for "run".
    ``value`` is the Trace as it was when it was read, the Annotation, or a dict of what was given, with
    ``"damaged": True`` if that cannot be read. ``seq`` is the number of the trace concerned, −1 for "run".
    """

    rev: int
    kind: str
    trace_id: str | None
    value: Any
    seq: int = -1

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Annotation:
    """A note linked to a trace; ``fields`` are the caller's (mark, score …), times in milliseconds.

    ``damaged`` says that note and fields cannot be read and are shown empty.
    """

    id: str
    trace_id: str
    note: str
    fields: Mapping[str, Value]
    timestamp: int
    damaged: bool = False

    __hash__ = None  # type: ignore[assignment]


# ---- making changes --------------------------------------------------------------------------------------


def new_trace(draft: TraceDraft) -> NewTrace:
    """Check and pack a draft.

    :raises InvalidTraceError: naming the field that cannot be stored.
    """
    return made_trace(*draft)


def made_trace(
    trace_type: TraceType,
    trace_id: str | None = None,
    parent_id: str | None = None,
    await_parent: bool = False,
    tags: Iterable[str] = (),
    metadata: ValueLike = None,
    timestamp: int | None = None,
    end_ms: int | None = None,
    status: str | None = None,
    is_open: bool = False,
) -> NewTrace:
    """Check and pack what a draft holds, in its order; one trace needs no draft.

    :raises InvalidTraceError: naming the field that cannot be stored.
    """
    kind = kind_code(trace_type)
    stored = None if metadata is None else storable(metadata, "metadata")
    tokens_in, tokens_out, cost = _UNKNOWN_USAGE if stored is None else usage_of(stored)
    # as NewTrace(…) does it, without its 14 arguments being matched by name: every trace passes here
    return _new_tuple(NewTrace, (
        new_trace_id() if trace_id is None else checked_name(trace_id, "id", empty=False),
        parent_id if parent_id is None else _parent(parent_id),
        await_parent,
        KIND_NAMES[kind] if kind != CUSTOM else _custom_name(trace_type),
        kind,
        None if timestamp is None else checked_time(timestamp, "timestamp"),
        _STATUS_OF[kind] if status is None and not is_open else _status(status, end_ms, kind, is_open=is_open),
        None if end_ms is None else checked_time(end_ms, "end_ms"),
        checked_tags(tags) if tags else (),
        tokens_in,
        tokens_out,
        cost,
        stored is None or isinstance(stored, dict),
        _packed_body(kind, trace_type, stored),
    ))  # fmt: skip


def new_traces(drafts: Iterable[TraceDraft]) -> list[NewTrace]:
    """Check and pack many drafts.

    Column by column, as nearly all are plainly right; where one is not, one by one, as ``new_trace`` names what is wrong.

    :raises InvalidTraceError: naming the field that cannot be stored.
    """
    listed = list(drafts)
    try:
        made = _plain_traces(listed)
    except (InvalidTraceError, KeyError, TypeError, ValueError, OverflowError):
        made = None
    return [new_trace(draft) for draft in listed] if made is None else made


def _plain_traces(drafts: Sequence[TraceDraft]) -> list[NewTrace] | None:
    """Return what ``new_trace`` makes of each draft, None unless a look at whole columns shows that all are right."""
    types, ids, parents, waits, tags, metadata, times, ends, statuses, opens = zip(*drafts, strict=True)
    if {*map(type, ids)} == {type(None)}:
        ids = tuple(new_trace_id() for _ in ids)
    if not (
        are_names(ids) and all(ids) and are_tags(tags) and _are_texts(parents) and _are_times(times, ends)
    ):
        return None
    kinds = [KIND_CODES[type(one)] for one in types]
    values = [one if one is None else storable(one, "metadata") for one in metadata]
    bodies = [
        pack([values_of_kind(kind, one), value])
        for kind, one, value in zip(kinds, types, values, strict=True)
    ]
    if max(map(len, bodies)) > MAX_PACKED_BYTES:
        return None
    rows = zip(
        ids, parents, waits,
        [KIND_NAMES[kind] if kind != CUSTOM else _custom_name(one) for kind, one in zip(kinds, types, strict=True)],
        kinds, times,
        [
            _STATUS_OF[kind] if status is None and not is_open else _status(status, end, kind, is_open=is_open)
            for kind, status, end, is_open in zip(kinds, statuses, ends, opens, strict=True)
        ],
        ends, map(tuple, tags),
        *zip(*[_UNKNOWN_USAGE if value is None else usage_of(value) for value in values], strict=True),
        [value is None or isinstance(value, dict) for value in values],
        bodies, strict=True,
    )  # fmt: skip
    return [_new_tuple(NewTrace, row) for row in rows]


def _are_texts(column: Sequence[object]) -> bool:
    """Whether all are None or plain str."""
    return {*map(type, column)} <= _TEXT_OR_NONE


def _are_times(*columns: Sequence[Any]) -> bool:
    """Whether all are None or times that ``checked_time`` lets through."""
    for column in columns:
        if not {*map(type, column)} <= _TIME_OR_NONE:
            return False
        given = [time for time in column if time is not None] if None in column else column
        if given and not (min(given) >= -(2**63) and max(given) < 2**63):
            return False
    return True


_TEXT_OR_NONE, _TIME_OR_NONE = frozenset({str, type(None)}), frozenset({int, type(None)})
_new_tuple = tuple.__new__
_STATUS_OF = tuple(STATUS_CODES["error" if kind == ERROR else "ok"] for kind in range(len(KIND_NAMES)))
"""By kind code: how a finished trace ended whose caller does not say."""


def _custom_name(custom: Any) -> str:
    return checked_name(custom.name, "name")


def _parent(parent: object) -> str:
    """Return the id as it is: one too long or empty is simply not found, at the commit."""
    if not isinstance(parent, str):
        raise InvalidTraceError("parent_id", f"must be a str, not {type(parent).__name__}")
    return parent if type(parent) is str else str.__str__(parent)


def _status(status: str | None, end_ms: int | None, kind: int, *, is_open: bool) -> int:
    if is_open:
        if status not in (None, "open") or end_ms is not None:
            raise InvalidTraceError(
                "open", "an open trace has neither status nor end yet; complete() gives them"
            )
        return 0
    return _STATUS_OF[kind] if status is None else end_status(status)


def end_status(status: object) -> int:
    """Return the code of a status with which a trace can end.

    :raises InvalidTraceError: for any other.
    """
    if status not in END_STATUSES:
        raise InvalidTraceError("status", f"{status!r} is none of {', '.join(END_STATUSES)}")
    return STATUS_CODES[str(status)]


def _packed_body(kind: int, trace_type: TraceType, metadata: object) -> bytes:
    values = values_of_kind(kind, trace_type)
    try:
        body = pack((values, metadata))
    except OverflowError:  # an integer; which one is told by those who look closer
        for value, name in zip(values, FIELD_NAMES[kind], strict=True):
            normalize(value, name)
        normalize(metadata, "metadata")
        raise
    return body if len(body) <= MAX_PACKED_BYTES else _packed([values, metadata])


def _packed(content: object) -> bytes:
    body = pack(content)
    if len(body) > MAX_PACKED_BYTES:
        raise InvalidTraceError(
            "body", f"{len(body):,} bytes packed, at most {MAX_PACKED_BYTES:,} are allowed; keep it in a file"
        )
    return body


def completion(
    trace_id: str,
    *,
    status: str = OK,
    end_ms: int | None = None,
    tags: Iterable[str] = (),
    metadata: ValueLike = None,
    late_fields: Mapping[str, object] = {},
) -> Completion:
    """Check and pack the end of a trace.

    :raises InvalidTraceError: naming the field that cannot be stored.
    """
    more = None if metadata is None else normalize(metadata, "metadata")
    late = late_values(late_fields)
    tokens_in, tokens_out, cost = usage_of(more)
    return Completion(
        checked_trace_id(trace_id),
        end_status(status),
        None if end_ms is None else checked_time(end_ms, "end_ms"),
        tuple(late),
        checked_tags(tags),
        tokens_in,
        tokens_out,
        cost,
        more is None or isinstance(more, dict),
        more is not None,
        _packed([late, more]),
    )


def amendment(trace_id: str, *, tags: Iterable[str] = (), metadata: ValueLike = None) -> Amendment:
    """Check and pack what is added to a trace.

    :raises InvalidTraceError: if the metadata is neither None nor a mapping, or cannot be stored.
    """
    more = None if metadata is None else normalize(metadata, "metadata")
    if not (more is None or isinstance(more, dict)):
        raise InvalidTraceError("metadata", "only a mapping can be merged into a trace's metadata")
    tokens_in, tokens_out, cost = usage_of(more)
    return Amendment(
        checked_trace_id(trace_id), checked_tags(tags), tokens_in, tokens_out, cost, more is not None,
        _packed([{}, more]),
    )  # fmt: skip


def annotation(trace_id: str, note: str, fields: Mapping[str, ValueLike]) -> NewAnnotation:
    """Check and pack a note.

    :raises InvalidTraceError: naming the field that cannot be stored.
    """
    if not isinstance(note, str):
        raise InvalidTraceError("note", f"must be a str, not {type(note).__name__}")
    body = _packed([note, normalize(fields, "fields")])
    return NewAnnotation(new_annotation_id(), checked_trace_id(trace_id), None, body)


def checked_trace_id(trace_id: object) -> str:
    """Return the id of a trace to look up: any str."""
    if not isinstance(trace_id, str):
        raise InvalidTraceError("trace_id", f"must be a str, not {type(trace_id).__name__}")
    return trace_id


def run_patch(values: Mapping[str, object]) -> RunPatch:
    """Check a change of a run.

    :raises InvalidRunError: naming the field that cannot be stored.
    """
    checked: dict[str, Value] = {}
    try:
        if values.get("name") is not None:
            checked["name"] = checked_name(values["name"], "name")
        elif "name" in values:
            checked["name"] = None
        if "tags" in values:
            checked["tags"] = list(checked_tags(values["tags"]))
        for key in ("status", "ended_ms", "metadata", "owner"):
            if key in values:
                checked[key] = normalize(values[key], key)
        _packed(checked)
    except InvalidTraceError as problem:
        raise InvalidRunError(problem.field, problem.reason) from None
    return RunPatch(checked)


# ---- what heads know of usage ----------------------------------------------------------------------------


def usage_of(metadata: object) -> tuple[int, int, float]:
    """Return input tokens, output tokens and cost in US dollars as the metadata gives them, else unknown.

    Read from the reserved keys ``usage.input``, ``usage.output`` and ``cost.usd``. Unknown is −1 for tokens
    and NaN for cost.
    """
    if type(metadata) is not dict:
        return UNKNOWN_TOKENS, UNKNOWN_TOKENS, UNKNOWN_COST
    usage, cost = metadata.get("usage"), metadata.get("cost")
    tokens_in = tokens_out = UNKNOWN_TOKENS
    usd = UNKNOWN_COST
    if type(usage) is dict:
        tokens_in, tokens_out = _tokens(usage.get("input")), _tokens(usage.get("output"))
    if type(cost) is dict:
        given = cost.get("usd")
        if isinstance(given, (int, float)) and not isinstance(given, bool) and isfinite(given):
            usd = float(given)
    return tokens_in, tokens_out, usd


def _tokens(value: object) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2**62:
        return int(value)
    return UNKNOWN_TOKENS
