"""Looking into packed bodies without unpacking them: which bytes are text, and where numbers lie.

Owns what is known here of msgpack: every value begins with a byte that says what it is and how long; what lists and
dicts hold follows their heads, so the values of a body, one after the other, are a flat row of tokens. Bodies are
taken as they lie; those that no tracetui wrote are no error here, only nothing certain.
"""

from __future__ import annotations

import struct
from functools import lru_cache

_FLOATS = {0xCA: struct.Struct(">f"), 0xCB: struct.Struct(">d")}
_WIDTHS = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_SIGNED_FROM = 0xD0
_TEXT_HEADS = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_BLOB_HEADS = {0xC4: 1, 0xC5: 2, 0xC6: 4}
_TEXTS = frozenset((*range(0xA0, 0xC0), *_TEXT_HEADS))


def _step(head: int) -> int:
    """Return the length of the token that a byte begins, with its content; 0 if the bytes after it say that."""
    if head in _TEXT_HEADS or head in _BLOB_HEADS or 0xC7 <= head <= 0xC9:
        return 0
    if 0xA0 <= head < 0xC0:
        return 1 + head - 0xA0
    if head in _WIDTHS:
        return 1 + _WIDTHS[head]
    lengths = {
        0xCA: 5,
        0xCB: 9,
        0xD4: 3,
        0xD5: 4,
        0xD6: 6,
        0xD7: 10,
        0xD8: 18,
        0xDC: 3,
        0xDD: 5,
        0xDE: 3,
        0xDF: 5,
    }
    return lengths.get(head, 1)


_STEPS = tuple(map(_step, range(256)))
_SIZES = _TEXT_HEADS | _BLOB_HEADS
_LARGE = frozenset((*_FLOATS, *_WIDTHS))
"""The heads of numbers of more than one byte."""


def is_in_text(data: bytes, start: int, first: int, end: int) -> bool:
    """Whether bytes ``[first, end)`` of a body that begins at ``start`` are part of one text: walks the tokens before.

    >>> from tracetui.model.value import pack
    >>> data = pack([114, {"retry": b"retry"}])
    >>> is_in_text(data, 0, data.index(b"retry"), data.index(b"retry") + 5), is_in_text(data, 0, 9, 14)
    (True, False)
    """
    at, steps = start, _STEPS
    while True:
        head = data[at]
        step = steps[head]
        content = at + 1
        if not step:
            width = _SIZES.get(head)
            if width is None:  # an extension: no tracetui writes any
                return False
            content += width
            step = 1 + width + int.from_bytes(data[at + 1 : content], "big")
        at += step
        if at > first:
            return head in _TEXTS and content <= first and end <= at


def shows_scalar(data: bytes, start: int, end: int, wanted: str) -> bool:
    """Whether a number or constant of the body ``[start, end)`` shows a folded text, or may do so.

    >>> from tracetui.model.value import pack
    >>> data = pack(["404", 1404, True])
    >>> [shows_scalar(data, 0, len(data), wanted) for wanted in ("404", "tru", "403")]
    [True, True, False]
    """
    at, steps, small = start, _STEPS, _small(wanted)
    while at < end:
        head = data[at]
        step = steps[head]
        if head in small or (head in _LARGE and wanted in _shown(data, at)):
            return True
        if not step:
            width = _SIZES.get(head)
            if width is None:  # an extension, see above: anything may be in it
                return True
            step = 1 + width + int.from_bytes(data[at + 1 : at + 1 + width], "big")
        at += step
    return False


@lru_cache(maxsize=256)
def _small(wanted: str) -> frozenset[int]:
    """Return the heads of numbers and constants of one byte that show a text."""
    shown = {number & 0xFF: str(number) for number in range(-32, 128)} | {0xC2: "false", 0xC3: "true"}
    return frozenset(head for head, text in shown.items() if wanted in text)


def _shown(data: bytes, at: int) -> str:
    """Return the number that begins at a place as people see it, folded."""
    head = data[at]
    if head in _FLOATS and at + _STEPS[head] <= len(data):
        shown = repr(_FLOATS[head].unpack(data[at + 1 : at + _STEPS[head]])[0])
        return {"inf": "infinity", "-inf": "-infinity"}.get(shown, shown)
    return str(int.from_bytes(data[at + 1 : at + _STEPS[head]], "big", signed=head >= _SIGNED_FROM))
