"""OTLP's values as plain ones: ids, times, typed attributes. Whatever is broken stays as it is, or is nothing."""

from __future__ import annotations

import base64
from typing import Any

Object = dict[str, Any]


def member(value: Any, key: str) -> Any:
    """Return a member of an object, in camelCase or snake_case; None if it is no object.

    >>> member({"span_id": "a"}, "spanId"), member(None, "spanId")
    ('a', None)
    """
    if not isinstance(value, dict):
        return None
    if key in value:
        return value[key]
    return value.get("".join("_" + char.lower() if char.isupper() else char for char in key))


def objects(value: Any) -> list[Object]:
    """Return the objects of a list; what is none, and what is no list, is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any, fallback: str = "") -> str:
    """Return a str as it is, a number as its digits, else the fallback."""
    if isinstance(value, str):
        return value or fallback
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else fallback


def nanoseconds(value: Any) -> int:
    """Return a time in nanoseconds since the epoch, 0 if it is none: a number, its digits, or [seconds, ns].

    >>> nanoseconds("1500000000"), nanoseconds([1, 5]), nanoseconds(None)
    (1500000000, 1000000005, 0)
    """
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, int) for part in value):
        found = int(value[0]) * 1_000_000_000 + int(value[1])
    else:
        try:
            found = int(value)
        except (TypeError, ValueError, OverflowError):
            return 0
    return found if -(2**63) <= found < 2**63 else 0


def attribute_map(attributes: Any) -> Object:
    """Return OTLP's list of key and typed value as a plain dict; a dict is taken as it is."""
    if isinstance(attributes, dict):
        return attributes
    return {
        item["key"]: attribute_value(item.get("value"))
        for item in objects(attributes)
        if isinstance(item.get("key"), str)
    }


def attribute_value(value: Any) -> Any:
    """Return a typed value as a plain one; 64-bit integers come as strings, bytes in base64."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, inner),) = value.items()
    kind = kind.replace("_v", "V")
    if kind == "intValue":
        try:
            return int(inner)
        except (TypeError, ValueError, OverflowError):
            return inner
    if kind == "arrayValue":
        found = member(inner, "values")
        return [attribute_value(item) for item in found] if isinstance(found, list) else []
    if kind == "kvlistValue":
        return attribute_map(member(inner, "values"))
    if kind == "bytesValue":
        try:
            return base64.b64decode(inner)
        except (ValueError, TypeError):
            return inner
    return inner if kind in ("stringValue", "doubleValue", "boolValue") else value
