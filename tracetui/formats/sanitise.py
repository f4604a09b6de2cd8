"""JSON of unknown origin made fit to store: what is too big, too deep or too long is cut, and said.

Owns what importers do with values that no engine takes: integers beyond 64 bits become text, nesting beyond
200 levels becomes JSON text, texts and records beyond a size are cut, pictures in base64 become a note of
their size. What was cut is returned as ``{path: bytes}`` for ``metadata.truncated``. Lone surrogates stay as
they are in values (the store keeps them) and are replaced in names. Most JSON needs none of it: ``is_plain``
tells from the raw bytes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tracetui.model.value import INT_MAX, INT_MIN, MAX_NAME_BYTES, Value

MAX_LEVELS = 200
"""Nesting kept as it is; below the store's 512, so that the walk fits a caller's stack."""
MAX_TEXT_BYTES = 4 * 1024 * 1024
MAX_RECORD_BYTES = 16 * 1024 * 1024

_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,")
_MEDIA_MIN_CHARS = 256


class UnreadableError(Exception):
    """A piece of JSON cannot be read; the text says why. Never leaves the importers."""


def parse_json(raw: bytes | bytearray | str) -> Any:
    """Parse JSON as found in the wild: broken UTF-8 is replaced, endless numbers become text.

    :raises UnreadableError: if it is no JSON, or nested too deeply to be read at all.

    >>> parse_json(b'{"a": NaN}')
    {'a': nan}
    """
    try:
        return json.loads(raw)
    except json.JSONDecodeError as problem:
        raise UnreadableError(problem.msg) from None
    except UnicodeDecodeError:
        assert not isinstance(raw, str)  # noqa: S101 - only bytes are decoded
        return parse_json(raw.decode("utf-8", "replace"))
    except ValueError:
        return json.loads(raw, parse_int=_integer_or_text)
    except RecursionError:
        raise UnreadableError("nested too deeply") from None


def _integer_or_text(digits: str) -> int | str:
    return int(digits) if len(digits) <= 20 else digits


def is_plain(raw: bytes) -> bool:
    """Whether JSON of these bytes surely needs no sanitising. Costs three scans of the bytes.

    >>> is_plain(b'{"a": 1}'), is_plain(b'{"id": 123456789012345678901234567890}')
    (True, False)
    """
    return (
        len(raw) <= MAX_TEXT_BYTES
        and b"base64" not in raw
        and raw.count(b"[") + raw.count(b"{") <= MAX_LEVELS
        and not _LONG_NUMBER.search(raw)
    )


def sanitise(value: Any, budget: int = MAX_RECORD_BYTES) -> tuple[Any, dict[str, Value]]:
    """Return the value fit to store, and the original size in bytes of what was cut, by path.

    ``budget`` bounds the bytes kept altogether; what comes after it is spent is cut.

    >>> sanitise({"id": 2**70})
    ({'id': '1180591620717411303424'}, {})
    >>> sanitise({"type": "base64", "media_type": "image/png", "data": "A" * 400})
    ('[image png 300 B]', {'': 300})
    """
    walk = _Walk(budget)
    return walk.clean(value, 0), walk.truncated


class _Walk:
    """One pass over a value; recursion ends at ``MAX_LEVELS``."""

    __slots__ = ("left", "path", "truncated")

    def __init__(self, budget: int) -> None:
        self.left = budget
        self.path: list[str] = []
        self.truncated: dict[str, Value] = {}

    def clean(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind is dict or kind is list:
            return self.container(value, depth)
        self.left -= 9
        if kind is int and not INT_MIN <= value <= INT_MAX:
            return str(value) if value.bit_length() < 4096 else hex(value)
        return value

    def container(self, value: Any, depth: int) -> Any:
        if depth >= MAX_LEVELS:
            return self.text(_as_text(value))
        if type(value) is list:
            return self.items(value, depth)
        note = _media_in(value)
        if note is not None:
            return self.cut(*note)
        if type(value.get("base64")) is str and len(value["base64"]) >= _MEDIA_MIN_CHARS:
            value = {**value, "base64": media_note(str(value.get("type", "")), value["base64"])}
        return self.members(value, depth)

    def members(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, item in value.items():
            self.left -= len(key)
            self.path.append(f".{key}" if self.path else key)
            kept[key] = self.clean(item, depth + 1)
            self.path.pop()
        return kept

    def items(self, value: list[Any], depth: int) -> list[Any]:
        kept: list[Any] = []
        for index, item in enumerate(value):
            if self.left < 0:
                self.truncated["".join(self.path)] = 9 * len(value)
                kept.append(f"[{len(value) - index} more left out]")
                break
            self.path.append(f"[{index}]")
            kept.append(self.clean(item, depth + 1))
            self.path.pop()
        return kept

    def text(self, value: str) -> str:
        url = _DATA_URL.match(value) if len(value) >= _MEDIA_MIN_CHARS else None
        if url:
            return self.cut(media_note(url[1], value[url.end() :]), len(value))
        self.left -= len(value)
        limit = min(MAX_TEXT_BYTES, max(self.left + len(value), 200))
        if len(value) <= limit:
            return value
        size = len(value.encode("utf-8", "surrogatepass"))
        self.left += len(value) - limit
        head, tail = value[: limit * 3 // 4], value[len(value) - limit // 4 :]
        return self.cut(f"{head}\n[… {len(value) - limit:,} characters left out …]\n{tail}", size)

    def cut(self, text: str, size: int) -> str:
        """Note what was cut here, and return what stands in its place."""
        self.truncated["".join(self.path)] = size
        return text


def _media_in(value: dict[str, Any]) -> tuple[str, int] | None:
    """Return the note for a dict that is nothing but encoded media (Anthropic's and OTel's shapes)."""
    data = value.get("data") if value.get("type") == "base64" else None
    if data is None and value.get("type") == "blob":
        data = value.get("content", value.get("data"))
    if type(data) is not str:
        return None
    kind = value.get("media_type") or value.get("mime_type") or "application/octet-stream"
    return media_note(str(kind), data), len(data) * 3 // 4


def media_note(media_type: str, encoded: str) -> str:
    """Return what stands for a picture or file that was base64.

    >>> media_note("image/png", "A" * 197988)
    '[image png 148 KB]'
    """
    main, _, sub = media_type.partition("/")
    kind = main if main in ("image", "audio", "video") else "file"
    size = len(encoded) * 3 // 4
    told = (
        f"{size} B" if size < 1000 else f"{size // 1000} KB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"
    )
    return f"[{kind} {sub or 'data'} {told}]"


def _as_text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):
        return "[nested too deeply to be kept]"


def clean_name(text: object, fallback: str = "") -> str:
    """Return an id, tag or type name that every engine takes: valid UTF-8 of at most 512 bytes.

    A longer one keeps its head and gets a hash of the whole, so that different names stay different.

    >>> clean_name("tool:Read"), len(clean_name("x" * 600))
    ('tool:Read', 512)
    """
    name = str(text) if text not in (None, "") else fallback
    if name.isascii() and len(name) <= MAX_NAME_BYTES:
        return name
    data = name.encode("utf-8", "replace")
    if len(data) <= MAX_NAME_BYTES:
        return data.decode()
    from hashlib import blake2b

    mark = "~" + blake2b(data, digest_size=8).hexdigest()
    return data[: MAX_NAME_BYTES - len(mark)].decode("utf-8", "ignore") + mark
