r"""Payload text made safe to show: nothing in it can move a cursor, colour a line or turn the writing.

Owns the one rule by which hostile text becomes display text. Everything that was recorded passes here
before it reaches a terminal, whether a widget or the command line shows it; markup is not this module's
business, since callers never parse display text as markup.

Shown as text: C0 and C1 control characters and DEL (``\x1b`` as ``␛``), bidirectional marks and other
invisible format characters (as ``\u202e``), lone surrogates (as ``\ud83d``), and what joins or changes emoji (skin
tones, variation selectors, joiners): terminals give the whole different widths, which would move what stands beside it.
A tab becomes spaces.
"""

from __future__ import annotations

import re
from functools import cache

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_UNSAFE_CLASS = (
    "\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff"
)
_ASCII_PICTURES = {code: f"^{chr(code ^ 0x40)}" for code in (*range(0x20), 0x7F)}


@cache
def _unsafe(*, newlines: bool = False) -> re.Pattern[str]:
    """Return what matches a character to replace; made when first asked for, since it takes a short command's time."""
    control = f"{chr(0)}-{chr(0x1F)}"
    kept = f"{chr(0)}-{chr(9)}{chr(11)}-{chr(0x1F)}"
    return re.compile(f"[{_UNSAFE_CLASS.replace(control, kept) if newlines else _UNSAFE_CLASS}]")


def _shown(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code == 9:
        return "    "
    if code in _PICTURES:
        return _PICTURES[code]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(text: str, *, newlines: bool = False) -> str:
    r"""Return the text with everything a terminal would obey turned into visible characters.

    With ``newlines`` line feeds stay (carriage returns before them go), for texts of several lines.

    >>> printable("a\x1b[31mb\u202ec\nd")
    'a␛[31mb\\u202ec␊d'
    >>> printable("a\r\nb", newlines=True)
    'a\nb'
    """
    if text.isascii() and text.isprintable():
        return text
    if newlines:
        return _unsafe(newlines=True).sub(_shown, text.replace("\r\n", "\n"))
    return _unsafe().sub(_shown, text)


def stand_ins(text: str) -> str:
    r"""Return printable text with exactly as many characters, for a line that is edited: places in it stay what they are.

    >>> stand_ins("a\x1b\u202eb")
    'a␛?b'
    """
    return _unsafe().sub(lambda found: _PICTURES.get(ord(found.group()), "?"), text)


def ascii_only(text: str) -> str:
    r"""Return printable text in ASCII alone, for terminals without Unicode.

    >>> print(ascii_only("a␛b…é"))
    a^[b...\xe9
    """
    out = []
    for char in text:
        code = ord(char)
        if code < 0x80:
            out.append(char)
        elif 0x2400 <= code < 0x2420:
            out.append(_ASCII_PICTURES[code - 0x2400])
        else:
            out.append(_ASCII_FORMS.get(char) or char.encode("ascii", "backslashreplace").decode())
    return "".join(out)


_ASCII_FORMS = {
    "…": "...",
    "␡": "^?",
    "×": "x",
    "→": "->",
    "–": "-",
    "—": "-",
    "·": ".",
    "“": '"',
    "”": '"',
    "’": "'",
}

_LETTER = r"[^\W\d_]"


def first_line(text: str) -> str:
    r"""Return the first line that holds a letter, stripped; else the first line with anything; else "".

    >>> first_line("----\n\n  Error: no module\nmore")
    'Error: no module'
    """
    filled = ""
    for line in text[:20_000].splitlines():
        stripped = line.strip()
        if stripped and re.search(_LETTER, stripped):
            return stripped
        filled = filled or stripped
    return filled
