"""The six types of a trace, frozen, with their packed and JSON forms.

Field names, order and types are promises. A type's *kind* is its class, its *type name* the string it is
indexed by: the class's name, or for ``Custom`` the user's own name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, ClassVar, TypeAlias, cast

from tracetui.errors import InvalidTraceError
from tracetui.model.value import (
    INT_MAX,
    INT_MIN,
    NON_FINITE,
    Value,
    ValueLike,
    checked_name,
    from_jsonable,
    normalize,
    storable,
    to_jsonable,
)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool, function or command. ``duration_ms`` is in milliseconds."""

    tool_name: str
    arguments: ValueLike
    result: ValueLike = None
    duration_ms: int | None = None
    __hash__: ClassVar[None] = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Decision:
    """A choice among options."""

    question: str
    options: Sequence[str]
    chosen: str
    reasoning: str | None = None
    __hash__: ClassVar[None] = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Query:
    """A request for information: a search, a database query, a retrieval."""

    query_type: str
    query: str
    results_count: int | None = None
    __hash__: ClassVar[None] = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of reasoning; ``confidence`` is usually in [0, 1]."""

    content: str
    confidence: float | None = None
    __hash__: ClassVar[None] = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Error:
    """Something that failed; ``recoverable`` is the recorder's word at the time."""

    error_type: str
    message: str
    recoverable: bool
    __hash__: ClassVar[None] = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Custom:
    """Anything else, indexed by its own name."""

    name: str
    data: ValueLike = None
    __hash__: ClassVar[None] = None  # type: ignore[assignment]


TraceType: TypeAlias = ToolCall | Decision | Query | Thought | Error | Custom
KINDS: tuple[type[TraceType], ...] = (ToolCall, Decision, Query, Thought, Error, Custom)
"""The classes; a kind's code is its index here, in memory and in files."""
KIND_CODES: dict[type, int] = {kind: code for code, kind in enumerate(KINDS)}
KIND_NAMES: tuple[str, ...] = tuple(kind.__name__ for kind in KINDS)
TOOL_CALL, DECISION, QUERY, THOUGHT, ERROR, CUSTOM = range(6)

LATE_FIELDS: dict[int, frozenset[str]] = {
    TOOL_CALL: frozenset({"result", "duration_ms"}),
    DECISION: frozenset({"reasoning"}),
    QUERY: frozenset({"results_count"}),
    THOUGHT: frozenset({"confidence"}),
    ERROR: frozenset(),
    CUSTOM: frozenset({"data"}),
}
"""By kind code: what ``complete`` may still give, the fields with a default."""

FIELD_NAMES: tuple[tuple[str, ...], ...] = tuple(tuple(f.name for f in fields(kind)) for kind in KINDS)


def type_name(trace_type: TraceType) -> str:
    """Return the name the type is indexed by."""
    return trace_type.name if type(trace_type) is Custom else type(trace_type).__name__


def kind_code(trace_type: object) -> int:
    """Return the code of a trace type's class.

    :raises InvalidTraceError: if it is none of the six.
    """
    code = KIND_CODES.get(type(trace_type))
    if code is None:
        raise InvalidTraceError(
            "trace_type", f"a {type(trace_type).__name__} is none of {', '.join(KIND_NAMES)}"
        )
    return code


# ---- checks ----------------------------------------------------------------------------------------------


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidTraceError(field, f"must be a str, not {type(value).__name__}")
    return value if type(value) is str else str.__str__(value)


def _text_or_none(value: object, field: str) -> str | None:
    return None if value is None else _text(value, field)


def _count_or_none(value: object, field: str) -> int | None:
    if value is None:
        return None
    if type(value) is int and INT_MIN <= value <= INT_MAX:
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidTraceError(field, f"must be an int, not {type(value).__name__}")
    return cast("int", normalize(value, field))


def _number_or_none(value: object, field: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidTraceError(field, f"must be a number, not {type(value).__name__}")
    return cast("float", normalize(value, field))


def _flag(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidTraceError(field, f"must be a bool, not {type(value).__name__}")
    return value


def _texts(value: object, field: str) -> list[str]:
    if type(value) is list and {*map(type, value)} <= _NEEDS_NO_CHECK[_text]:
        return value
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Sequence):
        raise InvalidTraceError(field, "must be a sequence of strings")
    return [_text(item, field) for item in value]


_CHECKS: tuple[tuple[Any, ...], ...] = (
    (_text, storable, storable, _count_or_none),
    (_text, _texts, _text, _text_or_none),
    (_text, _text, _count_or_none),
    (_text, _number_or_none),
    (_text, _text, _flag),
    (checked_name, storable),
)
_NEEDS_NO_CHECK: dict[Any, frozenset[type]] = {
    _text: frozenset({str}), _text_or_none: frozenset({str, type(None)}),
    storable: frozenset({str, type(None), bool, int, float, bytes}), _count_or_none: frozenset({type(None), int}),
    _number_or_none: frozenset({float, type(None)}), _flag: frozenset({bool}), _texts: frozenset(), checked_name: frozenset(),
}  # fmt: skip
"""By check: types whose values it would give back as they are, but for integers that are too large to be packed."""
_VALUES: tuple[Callable[[object], tuple[object, ...]], ...] = tuple(
    cast("Any", attrgetter(*names)) for names in FIELD_NAMES
)
"""By kind code: all values of a trace type in one call."""
_Check: TypeAlias = tuple[int, Callable[[object, str], object], str]
_TO_CHECK: tuple[dict[tuple[type, ...], tuple[_Check, ...]], ...] = tuple({} for _ in KINDS)
"""By kind code, for the types that its values have: which of these are to be checked, how, and under which name."""
_MOST_TYPES = 100
_LATE_CHECKS: dict[str, Any] = {
    name: normalize if check is storable else check
    for code, names in enumerate(FIELD_NAMES)
    for name, check in zip(names, _CHECKS[code], strict=True)
    if name in LATE_FIELDS[code]
}


def field_values(trace_type: TraceType) -> list[object]:
    """Return the checked values of the type's fields, in order and ready to be packed: what a body keeps.

    :raises InvalidTraceError: naming the field that cannot be stored.
    """
    code = kind_code(trace_type)
    return [
        (normalize if check is storable else check)(value, name)
        for value, check, name in zip(
            _VALUES[code](trace_type), _CHECKS[code], FIELD_NAMES[code], strict=True
        )
    ]


def values_of_kind(code: int, trace_type: TraceType) -> Sequence[object]:
    """Return the same for who packs it at once, and knows the kind code already.

    A large part of a batch is spent here, so what is right by its type costs no call. Integers that are too large
    are left to the packing, which raises OverflowError.
    """
    values = _VALUES[code](trace_type)
    types = (*map(type, values),)
    to_check = _TO_CHECK[code].get(types)
    if to_check is None:
        to_check = _fields_to_check(code, types)
    if not to_check:
        return values
    checked = [*values]
    for at, check, name in to_check:
        checked[at] = check(checked[at], name)
    return checked


def _fields_to_check(code: int, types: tuple[type, ...]) -> tuple[_Check, ...]:
    """Return what cannot be known to be right by its type; remembered, as few combinations of types ever come."""
    found = tuple(
        (at, check, name)
        for at, (kind, check, name) in enumerate(zip(types, _CHECKS[code], FIELD_NAMES[code], strict=True))
        if kind not in _NEEDS_NO_CHECK[check]
    )
    if len(_TO_CHECK[code]) < _MOST_TYPES:
        _TO_CHECK[code][types] = found
    return found


def late_values(late: Mapping[str, object]) -> dict[str, Value]:
    """Return late fields checked and normalised; whether the trace has them is the commit's to say.

    :raises InvalidTraceError: for a name that no type has as late field, or a value of the wrong type.
    """
    for name in late:
        if name not in _LATE_CHECKS:
            known = ", ".join(sorted(_LATE_CHECKS))
            raise InvalidTraceError(name, f"is not a field that a completion may give (those are {known})")
    return {name: _LATE_CHECKS[name](value, name) for name, value in late.items()}


def build(code: int, values: Sequence[Any]) -> TraceType:
    """Make the trace type of a kind code from the values of its fields, in order."""
    return KINDS[code](*values)


def with_late(trace_type: TraceType, late: Mapping[str, Value]) -> TraceType:
    """Return the type with late fields set; ``Custom.data`` merges shallowly if both are dicts."""
    if not late:
        return trace_type
    if isinstance(trace_type, Custom) and isinstance(trace_type.data, dict):
        data = late.get("data")
        if isinstance(data, dict):
            return Custom(trace_type.name, {**trace_type.data, **data})
    return replace(trace_type, **cast("dict[str, Any]", late))


# ---- JSON ------------------------------------------------------------------------------------------------


def type_to_json(trace_type: TraceType) -> dict[str, object]:
    """Return the externally tagged form.

    >>> type_to_json(Thought("…", 0.9))
    {'Thought': {'content': '…', 'confidence': 0.9}}
    """
    kind = type(trace_type)
    return {
        kind.__name__: {
            name: to_jsonable(getattr(trace_type, name)) for name in FIELD_NAMES[KIND_CODES[kind]]
        }
    }


def type_from_json(value: object) -> TraceType:
    """Read the externally tagged form; fields with a default may be left out.

    :raises InvalidTraceError: for anything else.
    """
    if not isinstance(value, dict) or len(value) != 1:
        raise InvalidTraceError("trace_type", 'must be an object with one key, e.g. {"Thought": {…}}')
    ((name, body),) = value.items()
    if name not in KIND_NAMES:
        raise InvalidTraceError("trace_type", f"{name!r} is none of {', '.join(KIND_NAMES)}")
    if not isinstance(body, dict):
        raise InvalidTraceError("trace_type", f"the fields of {name} must be an object")
    kind = KINDS[KIND_NAMES.index(name)]
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(body) - known):
        raise InvalidTraceError("trace_type", f"{name} has no field {unknown[0]!r}")
    given = {key: cast("Any", from_jsonable(item)) for key, item in body.items()}
    if given.get("confidence") in NON_FINITE:
        given["confidence"] = float(given["confidence"])
    try:
        made = kind(**given)
    except TypeError as problem:
        missing = str(problem).partition("arguments: " if "arguments" in str(problem) else "argument: ")[2]
        raise InvalidTraceError("trace_type", f"{name} lacks {missing}") from None
    field_values(made)
    return made
