"""Ruling out packed bodies without decoding them.

Owns the raw look at bytes: a sieve says which of many packed bodies *may* hold what is wanted. It lets
through too many, never too few, which the oracle holds. Bodies are msgpack, so text lies in them as UTF-8
in one stretch; numbers do not, and what may be part of a number as it is shown is looked for otherwise.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate

from tracetui.model.value import unpack
from tracetui.querying.ast import Equal, Glob, Literal, Term, Value
from tracetui.querying.fields import TRACE_FIELDS, Kind
from tracetui.querying.values import is_number

Sieve = Callable[[Sequence[bytes]], set[int]]
"""Takes packed bodies, gives the places of those that may hold what is wanted."""

_SEPARATOR = b"\xc1"
"""A byte that neither UTF-8 nor msgpack ever uses: nothing is found across two bodies."""
_NUMERIC = re.compile(r"[0-9.e+\-]+")
_CONSTANTS = ("true", "false", "nan", "infinity", "-infinity")
_CASELESS = re.compile(r"[\u3041-\u30fe\u4e00-\u9fff\uac00-\ud7a3]+")
_ASCII = re.compile(r"[\x00-\x7f]+")


@lru_cache(maxsize=1)
def folding_into_ascii() -> tuple[tuple[bytes, frozenset[str]], ...]:
    """Return the characters beyond ASCII whose folding holds ASCII, in UTF-8, with those letters."""
    found = []
    for code in range(0x80, 0x20000):
        letters = frozenset(char for char in chr(code).casefold() if char < "\x80")
        if letters:
            found.append((chr(code).encode("utf-8", "surrogatepass"), letters))
    return tuple(found)


def holding(wanted: bytes) -> Sieve:
    """Return the sieve for bytes that lie in the body as they are."""
    return lambda bodies: _places(bodies, _SEPARATOR.join(bodies), (wanted,))


def folded(text: str) -> Sieve | None:
    """Return the sieve for a text whatever its case, None if bytes can rule nothing out.

    Looked for is the longest stretch of ASCII of the folded text, and any character that folds into its
    letters; or the longest stretch of letters that have no case.
    """
    wanted = text.casefold()
    if _NUMERIC.fullmatch(wanted) or any(wanted in word for word in _CONSTANTS):
        return lambda bodies: _shown_numbers(bodies, wanted)
    plain = max(_ASCII.findall(wanted), key=len, default="")
    if plain:
        letters = set(plain)
        others = tuple({raw[:2] for raw, into in folding_into_ascii() if into & letters})  # fewer to look for
        return lambda bodies: _lowered(bodies, plain.encode(), others)
    caseless = max(_CASELESS.findall(wanted), key=len, default="")
    return holding(caseless.encode()) if caseless else None


def _lowered(bodies: Sequence[bytes], plain: bytes, others: tuple[bytes, ...]) -> set[int]:
    joined = _SEPARATOR.join(bodies)
    found = _places(bodies, joined.lower(), (plain,))
    present = [other for other in others if other in joined]
    return found | _places(bodies, joined, present) if present else found


def _places(bodies: Sequence[bytes], joined: bytes, wanted: Sequence[bytes]) -> set[int]:
    """Return which bodies hold one of these, by finding them in all at once."""
    starts: list[int] = []
    found: set[int] = set()
    for each in wanted:
        at = joined.find(each)
        while at >= 0:
            if not starts:
                starts = list(accumulate((len(body) + 1 for body in bodies), initial=0))
            place = bisect_right(starts, at) - 1
            found.add(place)
            at = joined.find(each, starts[place + 1])
    return found


def _shown_numbers(bodies: Sequence[bytes], wanted: str) -> set[int]:
    """Look at the Python text of each body, which shows numbers as people see them, but for infinities."""
    found = set()
    for place, body in enumerate(bodies):
        try:
            text = repr(unpack(body)).casefold()
        except ValueError:
            found.add(place)
            continue
        if wanted in text or "inf" in text:
            found.add(place)
    return found


def any_of(sieves: Sequence[Sieve | None]) -> Sieve | None:
    """Return the sieve that lets through what one of these does."""
    known = [sieve for sieve in sieves if sieve is not None]
    if len(known) < len(sieves):
        return None
    return lambda bodies: set().union(*(sieve(bodies) for sieve in known))


def sieves_of(term: Term) -> list[Sieve]:
    """Return sieves that every match of a term on a body's field passes: its keys, and its text."""
    found: list[Sieve | None] = [
        holding(key.encode("utf-8", "surrogatepass"))
        for key in term.field.path
        if not (key.isascii() and key.isdigit())
    ]
    kind = TRACE_FIELDS[term.field.name].kind
    if kind in (Kind.EXACT, Kind.TEXT, Kind.PATH):
        found.append(any_of([_of_value(value, kind) for value in term.values]))
    return [sieve for sieve in found if sieve is not None]


def _of_value(value: Value, kind: Kind) -> Sieve | None:
    text = _certain_text(value)
    if not text:
        return None
    if kind is Kind.EXACT:
        return holding(text.encode("utf-8", "surrogatepass"))
    if kind is Kind.PATH and (is_number(text) or text == "null" or not isinstance(value, Literal)):
        return None
    return folded(text)


def _certain_text(value: Value) -> str:
    """Return a text that whatever fits the value holds, "" if there is none."""
    if isinstance(value, Literal | Equal):
        return value.text
    return max(value.pattern.split("*"), key=len) if isinstance(value, Glob) else ""


def text_sieve(values: Sequence[Value]) -> Sieve | None:
    """Return the sieve for values of ``text:``."""
    return any_of([folded(text) if (text := _certain_text(value)) else None for value in values])
