"""A place in the text of a query, and what can be read from there: words, quotes, keywords, the names of fields.

Owns the lexical rules of the language, which depend on the place: a bar ends a word but no regular expression. The
productions are those of ``grammar`` and ``stages``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tracetui.errors import QuerySyntaxError
from tracetui.querying.ast import Field
from tracetui.querying.fields import PATH_FIELDS, FieldSpec

_HEAD = re.compile(r'([A-Za-z_][A-Za-z_0-9-]*)((?:\.(?:"(?:[^"\\]|\\.)*"|[^\s":()|.,]+))*)')
_SEGMENT = re.compile(r'\.(?:"((?:[^"\\]|\\.)*)"|([^\s":()|.,]+))', re.DOTALL)
_KEYWORD = re.compile(r"(AND|OR|NOT)(?![^\s()])")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')
_BARE = re.compile(r"[^\s|,]*")


@dataclass(frozen=True, slots=True)
class Hint:
    """Something legal that may not be what was meant, at a character from 0."""

    position: int
    message: str


class Scanner:
    """A text, the place in it, and hints on what was read so far."""

    def __init__(self, text: str, fields: Mapping[str, FieldSpec]) -> None:
        self.text = text
        self.fields = fields
        self.at = 0
        self.hints: list[Hint] = []

    def wrong(self, expected: str, position: int | None = None) -> QuerySyntaxError:
        """Return the error that says what was expected, here or at a character."""
        return QuerySyntaxError(self.text, self.at if position is None else position, expected)

    def hint(self, position: int, message: str) -> None:
        """Remember something that may not be what was meant."""
        self.hints.append(Hint(position, message))

    def peek(self) -> str:
        """Return the character here, "" at the end."""
        return self.text[self.at : self.at + 1]

    def skip_space(self) -> str:
        """Pass over whitespace; return the character after it."""
        while self.peek().isspace():
            self.at += 1
        return self.peek()

    def at_break(self) -> bool:
        """Whether a word cannot go on here."""
        char = self.peek()
        return not char or char.isspace() or char in ")|"

    def next_keyword(self) -> str:
        """Return the keyword that stands here, "" if none does."""
        found = _KEYWORD.match(self.text, self.at)
        return found[1] if found else ""

    def keyword(self, word: str) -> bool:
        """Pass over a keyword if it stands here."""
        self.skip_space()
        if self.next_keyword() != word:
            return False
        self.at += len(word)
        return True

    def head(self, position: int | None = None) -> re.Match[str] | None:
        """Return what may be the name of a field, with its path, here or at a character."""
        return _HEAD.match(self.text, self.at if position is None else position)

    def word(self, *, regex: bool = False) -> str:
        """Read up to whitespace, or a bar or parenthesis that the word does not itself balance."""
        start, depth, text = self.at, 0, self.text
        while self.at < len(text):
            char = text[self.at]
            if char.isspace() or (depth == 0 and (char == ")" or (char == "|" and not regex))):
                break
            depth += (char == "(") - (char == ")")
            self.at += 2 if regex and char == "\\" and not text[self.at + 1 : self.at + 2].isspace() else 1
        self.at = min(self.at, len(text))
        return text[start : self.at]

    def quoted(self) -> str:
        """Read a quoted text."""
        found = _QUOTED.match(self.text, self.at)
        if found is None:
            raise self.wrong('a closing quote (inside quotes, \\" is a quote)', self.at)
        self.at = found.end()
        if not self.at_break():
            raise self.wrong("a space after the closing quote")
        return _ESCAPED.sub(r"\1", found[1])

    def field_of(self, found: re.Match[str]) -> Field | None:
        """Return the field that a match names, None if there is none of that name."""
        if found[0] in self.fields:
            return Field(found[0])
        if found[1] not in PATH_FIELDS or found[1] not in self.fields:
            return None
        segments = (
            _ESCAPED.sub(r"\1", piece[1]) if piece[1] is not None else piece[2]
            for piece in _SEGMENT.finditer(found[2])
        )
        return Field(found[1], tuple(segments))

    def bare(self) -> str:
        """Read up to whitespace, a bar or a comma: a word of a stage."""
        start = self.at
        found = _BARE.match(self.text, start)
        self.at = found.end() if found else start
        return self.text[start : self.at]
