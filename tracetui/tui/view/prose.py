"""Small texts as rows of pieces: Markdown and plain, wrapped at words to a width in cells. Pure.

A reader's Markdown, line by line: headings, fences, lists, quotes, rules, bold, emphasis, code, links. Lines are
never joined, tables stay as they were written. What comes in is payload, and made printable here; what goes out has
roles and no markup. Linear in the text, which callers keep small.
"""

from __future__ import annotations

import re

from tracetui.model.text import printable
from tracetui.render.cells import width_of

Piece = tuple[str, str]
Row = list[Piece]

_INLINE = re.compile(
    r"(?P<code>`+)(?P<coded>.+?)(?P=code)"
    r"|\*\*(?P<bold>\S(?:.*?\S)?)\*\*|__(?P<bold2>\S(?:.*?\S)?)__"
    r"|(?<![\w*])\*(?P<em>\S(?:[^*]*?\S)?)\*(?![\w*])|(?<!\w)_(?P<em2>\S(?:[^_]*?\S)?)_(?!\w)"
    r"|\[(?P<text>[^\]]+)\]\((?P<url>[^)\s]+)\)"
)
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_FENCE = re.compile(r"\s{0,3}(```+|~~~+)\s*(\S*)")
_ITEM = re.compile(r"(\s*)([-*+]|\d{1,3}[.)])\s+(.*)")
_QUOTE = re.compile(r"\s{0,3}>\s?(.*)")
_RULE = re.compile(r"\s{0,3}([-*_])(\s*\1){2,}\s*$")
_WORDS = re.compile(r"\s+|[^\s]+")


def plain(text: str, width: int, role: str = "text") -> list[Row]:
    r"""Return a text as it is, wrapped.

    >>> plain("one two\nthree", 7)
    [[('one two', 'text')], [('three', 'text')]]
    """
    return [row for line in _lines(text) for row in wrap([(line, role)], width)]


def markdown(text: str, width: int) -> list[Row]:
    r"""Return a text in Markdown, wrapped.

    >>> markdown("# Plan\n- read **all**", 40)
    [[('Plan', 'md heading')], [('- ', 'md mark'), ('read ', 'text'), ('all', 'md bold')]]
    """
    rows: list[Row] = []
    fence = ""
    for line in _lines(text):
        found = _FENCE.match(line)
        if fence:
            fence = "" if found and found[1].startswith(fence) and not found[2] else fence
            if fence:
                rows += wrap([(line, "md code")], width)
        elif found:
            fence = found[1]
            rows += [[(found[2], "dim")]] if found[2] else []
        else:
            rows += _line(line, width)
    return rows


def _lines(text: str) -> list[str]:
    return printable(text.expandtabs(4), newlines=True).strip("\n").split("\n")


def _line(line: str, width: int) -> list[Row]:
    if heading := _HEADING.match(line):
        return wrap(_inline(heading[2], "md heading"), width)
    if _RULE.match(line):
        return [[("-" * min(width, 40), "md mark")]]
    if item := _ITEM.match(line):
        mark = item[2] if item[2][0].isdigit() else "-"
        indent = len(item[1])
        return wrap(_inline(item[3]), width, (" " * indent + mark + " ", "md mark"))
    if quote := _QUOTE.match(line):
        return wrap(_inline(quote[1], "md quote"), width, ("| ", "md mark"), repeat=True)
    return wrap(_inline(line), width)


def _inline(line: str, role: str = "text") -> list[Piece]:
    pieces: list[Piece] = []
    at = 0
    for found in _INLINE.finditer(line[:10_000]):
        pieces.append((line[at : found.start()], role))
        at = found.end()
        if found["coded"]:
            pieces.append((found["coded"], "md code"))
        elif bold := found["bold"] or found["bold2"]:
            pieces.append((bold, "md bold"))
        elif emphasis := found["em"] or found["em2"]:
            pieces.append((emphasis, "md em"))
        else:
            pieces += [(found["text"], "md link"), (f" ({found['url']})", "dim")]
    return [piece for piece in [*pieces, (line[at:], role)] if piece[0]]


def wrap(pieces: list[Piece], width: int, lead: Piece | None = None, *, repeat: bool = False) -> list[Row]:
    """Return pieces in rows of at most ``width`` cells, broken at words; ``lead`` stands before the first.

    The other rows are indented as far, or with ``repeat`` have the lead too.

    >>> wrap([("aa bb cc", "text")], 5, ("- ", "md mark"))
    [[('- ', 'md mark'), ('aa', 'text')], [('  ', 'text'), ('bb', 'text')], [('  ', 'text'), ('cc', 'text')]]
    """
    indent = width_of(lead[0]) if lead else 0
    room = max(width - indent, 1)
    rows: list[Row] = [[]]
    used = 0
    for text, role in pieces:
        for word in _WORDS.findall(text):
            size = width_of(word)
            if used and used + size > room:
                _strip_end(rows[-1])
                rows.append([])
                used = 0
                if word.isspace():
                    continue
            for part in _chopped(word, room) if size > room else (word,):
                size = width_of(part)
                if used and used + size > room:
                    rows.append([])
                    used = 0
                _add(rows[-1], part, role)
                used += size
    if lead is None:
        return rows
    other = lead if repeat else (" " * indent, "text")
    return [[lead if number == 0 else other, *row] for number, row in enumerate(rows)]


def _add(row: Row, text: str, role: str) -> None:
    if row and row[-1][1] == role:
        row[-1] = (row[-1][0] + text, role)
    else:
        row.append((text, role))


def _strip_end(row: Row) -> None:
    if row:
        row[-1] = (row[-1][0].rstrip(), row[-1][1])


def _chopped(word: str, room: int) -> list[str]:
    """Return a word in parts of at most ``room`` cells; a character wider than that is a part of its own."""
    if word.isascii():
        return [word[at : at + room] for at in range(0, len(word), room)]
    parts, part, used = [], "", 0
    for char in word:
        size = width_of(char)
        if part and used + size > room:
            parts.append(part)
            part, used = "", 0
        part += char
        used += size
    return [*parts, part]
