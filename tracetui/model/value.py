"""Values of any shape: what may be stored, how it is packed, how it is shown as JSON.

``Value`` is None, bool, int, float, str, bytes, list, or dict with str keys. Owns the refusals: whatever
``normalize`` lets through packs, unpacks to an equal value, and can be written as valid JSON. Nothing that
msgpack can pack but not unpack leaves this module.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeAlias, cast

import msgpack

from tracetui.errors import InvalidTraceError

Value: TypeAlias = "None | bool | int | float | str | bytes | list[Value] | dict[str, Value]"
"""What is stored: plain Python values, ints from -2**63 to 2**64 - 1."""

ValueLike: TypeAlias = (
    "None | bool | int | float | str | bytes | bytearray | Sequence[ValueLike] | Mapping[str, ValueLike]"
)
"""What may be given: any sequence or mapping stands for list or dict."""

INT_MIN = -(2**63)
INT_MAX = 2**64 - 1
MAX_DEPTH = 512
"""Containers inside containers, at most; msgpack itself packs deeper and then cannot unpack."""
MAX_PACKED_BYTES = 32 * 1024 * 1024
MAX_NAME_BYTES = 512
"""Length of an id, type name or tag in UTF-8."""
_SHORT_NAME = MAX_NAME_BYTES // 3
"""So many characters are never more bytes than a name may have."""
MAX_TAGS = 1000
NON_FINITE = ("NaN", "Infinity", "-Infinity")
"""How JSON output shows floats that JSON does not have."""

_packer = msgpack.Packer(unicode_errors="surrogatepass", autoreset=True)


pack: Callable[[object], bytes] = _packer.pack
"""Pack a normalised value as msgpack; lone surrogates survive.

Safe from any thread: the packer is used under the interpreter's lock and holds nothing between calls. Every commit
calls it twice, so it is the packer's own method.
"""

unpack = partial(
    msgpack.unpackb, raw=False, strict_map_key=False, unicode_errors="surrogatepass", use_list=True
)
"""Unpack what ``pack`` made. Raises msgpack's exceptions and ValueError: callers know path and offset."""


def normalize(value: object, field: str) -> Value:
    """Return the value as plain lists, dicts and scalars, copied.

    :raises InvalidTraceError: naming ``field`` and the path in it, for integers out of range, nesting deeper
        than 512, keys that are not str, and types that cannot be stored.

    >>> normalize({"a": (1, 2)}, "metadata")
    {'a': [1, 2]}
    >>> normalize({1: 2}, "metadata")
    Traceback (most recent call last):
    tracetui.errors.InvalidTraceError: metadata: key 1 is of type int, keys must be str
    """
    kind = type(value)
    if kind in _PLAIN:
        return cast("Value", value)
    holder: list[Any] = [None]
    pending: list[tuple[Any, Any, object, int]] = [(holder, 0, value, 1)]
    while pending:
        into, key, item, depth = pending.pop()
        into[key] = _copied(item, depth, field, pending)
    return cast("Value", holder[0])


def storable(value: object, field: str) -> object:
    """Return what packs as ``normalize(value)`` does: the value itself where all of it is plain, else a copy.

    For those who pack it at once: looking is several times cheaper than copying. Integers that are too large are
    left to the packing, which raises OverflowError.

    :raises InvalidTraceError: as ``normalize``.
    """
    return value if _is_plain(value, _SHALLOW) else normalize(value, field)


def _is_plain(value: Any, depth: int) -> bool:
    """Return whether a value needs no normalising; False too for what is nested deeper than ``depth``."""
    kind = type(value)
    if kind in _PACKABLE:
        return True
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not (
                type(item) in _PACKABLE or (depth and _is_plain(item, depth - 1))
            ):
                return False
        return True
    if kind is list or kind is tuple:
        return all(type(item) in _PACKABLE or (depth and _is_plain(item, depth - 1)) for item in value)
    return False


_SHALLOW = 8
_PLAIN = frozenset({type(None), bool, float, str, bytes})
_PACKABLE = _PLAIN | {int}
_CONTAINERS = frozenset({dict, list, tuple})


def _copied(value: Any, depth: int, field: str, pending: list[Any]) -> Any:
    """Return the plain form of a value; those of its parts that have parts are left pending.

    An explicit stack instead of recursion: a caller may stand deep in its own stack already.
    """
    if type(value) not in _CONTAINERS:
        value = _plain(value, field)
        if type(value) not in _CONTAINERS:
            return value
    if depth > MAX_DEPTH:
        raise InvalidTraceError(field, f"nested deeper than {MAX_DEPTH} levels")
    made: Any
    items: Any
    if type(value) is dict:
        made, items = dict.fromkeys(value), value.items()
        if not all(map(_is_str, made)):
            raise _wrong_key(made, field)
    else:
        made, items = [None] * len(value), enumerate(value)
    for name, item in items:
        if type(item) in _PLAIN:
            made[name] = item
        else:
            pending.append((made, name, item, depth + 1))
    return made


def _is_str(key: object) -> bool:
    return type(key) is str


def _wrong_key(keys: Any, field: str) -> InvalidTraceError:
    wrong = next(key for key in keys if type(key) is not str)
    return InvalidTraceError(field, f"key {wrong!r} is of type {type(wrong).__name__}, keys must be str")


def _plain(value: object, field: str) -> object:
    """Take ints, subclasses of the plain types, and any Mapping or Sequence; refuse the rest."""
    if isinstance(value, int):
        if not INT_MIN <= value <= INT_MAX:
            bits = int(value).bit_length()
            raise InvalidTraceError(field, f"integer outside -2**63 … 2**64-1 ({bits} bits)")
        return bool(value) if isinstance(value, bool) else int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, Mapping):
        return {str.__str__(key) if isinstance(key, str) else key: value[key] for key in value}
    if isinstance(value, Sequence):
        return list(value)
    raise InvalidTraceError(field, f"a {type(value).__name__} cannot be stored; give a plain value")


def checked_name(name: object, field: str, *, empty: bool = True) -> str:
    """Return an id, type name or tag if it is a str of at most 512 bytes.

    :raises InvalidTraceError: naming ``field``.
    """
    if not isinstance(name, str):
        raise InvalidTraceError(field, f"must be a str, not {type(name).__name__}")
    if not name and not empty:
        raise InvalidTraceError(field, "must not be empty")
    if len(name) > _SHORT_NAME:
        size = len(name.encode("utf-8", "surrogatepass"))
        if size > MAX_NAME_BYTES:
            raise InvalidTraceError(field, f"{size} bytes long, at most {MAX_NAME_BYTES} are allowed")
    return name if type(name) is str else str.__str__(name)


def checked_tags(tags: object) -> tuple[str, ...]:
    """Return tags as given: order, spelling and duplicates kept.

    :raises InvalidTraceError: for more than 1,000 tags, a tag that is no str, or a bare string.
    """
    if type(tags) is tuple and len(tags) <= MAX_TAGS:
        for tag in tags:
            if type(tag) is not str or len(tag) > _SHORT_NAME:
                break
        else:
            return tags
    if isinstance(tags, (str, bytes)):
        raise InvalidTraceError("tags", "must be a sequence of strings, not one string")
    try:
        listed: tuple[object, ...] = tuple(tags)  # type: ignore[arg-type]
    except TypeError:
        raise InvalidTraceError("tags", f"must be a sequence of strings, not {type(tags).__name__}") from None
    if len(listed) > MAX_TAGS:
        raise InvalidTraceError("tags", f"{len(listed):,} tags, at most {MAX_TAGS:,} are allowed")
    return tuple([checked_name(tag, "tags") for tag in listed]) if listed else ()


def are_names(names: Sequence[object]) -> bool:
    """Whether ``checked_name`` gives all of them back as they are, as far as a quick look tells."""
    return {*map(type, names)} <= _STR and max(map(len, cast("Any", names)), default=0) <= _SHORT_NAME


def are_tags(sets: Sequence[Any]) -> bool:
    """Whether ``checked_tags`` lets all of them through, as far as a quick look tells."""
    return (
        {*map(type, sets)} <= _LISTED
        and max(map(len, sets), default=0) <= MAX_TAGS
        and are_names([*chain.from_iterable(sets)])
    )


_STR, _LISTED = frozenset({str}), frozenset({tuple, list})


# ---- JSON ------------------------------------------------------------------------------------------------

_UNSAFE_CLASS = "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"


def _is_bytes_key(key: object) -> bool:
    return isinstance(key, str) and key.startswith("$") and key.lstrip("$") == "bytes"


def to_jsonable(value: object) -> object:
    """Return a value that json can write as valid JSON, and ``from_jsonable`` can read back.

    Non-finite floats become the strings "NaN", "Infinity", "-Infinity"; bytes become {"$bytes": base64} (a
    dict that has just such a key gets one more "$").
    """
    return _rebuilt(value, _encoded)


def from_jsonable(value: object) -> object:
    """Undo ``to_jsonable`` (but for non-finite floats, which stay strings)."""
    return _rebuilt(value, _decoded)


def _rebuilt(value: object, change: Callable[[Any], Any]) -> object:
    """Return a copy with ``change`` applied to every part, outside in; without recursion."""
    holder: list[Any] = [value]
    pending: list[tuple[Any, Any]] = [(holder, 0)]
    while pending:
        container, key = pending.pop()
        made = container[key] = change(container[key])
        if isinstance(made, dict):
            pending.extend((made, name) for name in made)
        elif isinstance(made, list):
            pending.extend((made, index) for index in range(len(made)))
    return cast("object", holder[0])


def _encoded(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        key = next(iter(value))
        if _is_bytes_key(key):
            return {"$" + key: value[key]}
    return _writable(value)


def _writable(value: Any) -> Any:
    """Return a part in a form that json can write; keys are left as they are."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes):
        import base64

        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, dict):
        return dict(value)
    return list(value) if isinstance(value, (list, tuple)) else value


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return list(value)
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and _is_bytes_key(key := next(iter(value))):
        if key != "$bytes":
            return {key[1:]: value[key]}
        import base64

        try:
            return base64.b64decode(value[key], validate=True)
        except (ValueError, TypeError):
            return value
    return dict(value)


def dumps(value: object, *, indent: int | None = None) -> str:
    r"""Write what ``to_jsonable`` made, or plain data, as valid JSON that is safe to print on a terminal.

    Characters that control a terminal or turn the direction of writing are written as ``\u`` escapes; all
    others stay readable.

    >>> print(dumps({"é": "\x1b[2J\x9b"}))
    {"é": "\u001b[2J\u009b"}
    """
    import json

    text = json.dumps(_rebuilt(value, _writable), ensure_ascii=False, allow_nan=False, indent=indent)
    return re.sub(_UNSAFE_CLASS, lambda found: f"\\u{ord(found.group()):04x}", text)
