"""Ruling out packed bodies without decoding them.

Owns the raw look at bytes: a sieve says which traces of a stretch of packed bodies *may* hold what is wanted.
It lets through too many, never too few, which the oracle holds. Bodies are msgpack, so text lies in them as
UTF-8 in one piece; numbers do not, and what may be part of a number as it is shown is looked for otherwise.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from tracetui.model.value import unpack
from tracetui.querying.ast import Equal, Glob, Literal, Regex, Term, Value
from tracetui.querying.fields import TRACE_FIELDS, Kind
from tracetui.querying.patterns import Bounded, bounded
from tracetui.querying.values import is_number
from tracetui.storage.backend import Stretch

Sieve = Callable[[Stretch], set[int]]
"""Takes a stretch of packed bodies, gives the traces of those that may hold what is wanted."""

_NUMERIC = re.compile(r"[0-9.e+\-]+")
_CONSTANTS = ("true", "false", "nan", "infinity", "-infinity")
_CASELESS = re.compile(r"[\u3041-\u30fe\u4e00-\u9fff\uac00-\ud7a3]+")
_ASCII = re.compile(r"[\x00-\x7f]+")
_RARE = 64
_DOTLESS = "\u0131".encode()


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
    return lambda stretch: _owners(stretch, stretch.data, (wanted,))


def _is_of_scalar(wanted: str) -> bool:
    """Whether a folded text may stand in a number, constant or infinity as it is shown: no body holds those as text."""
    return bool(_NUMERIC.fullmatch(wanted)) or any(wanted in word for word in _CONSTANTS)


def folded(text: str, *, by_pattern: bool = False) -> Sieve | None:
    """Return the sieve for a text whatever its case, None if bytes can rule nothing out.

    Looked for is the longest stretch of ASCII of the folded text, and any character that folds into its
    letters; or the longest stretch of letters that have no case. ``by_pattern`` is for what a regular expression
    finds: to those a dotless i is an i, which folding denies.
    """
    wanted = text.casefold()
    if _is_of_scalar(wanted):
        return lambda stretch: _shown_numbers(stretch, wanted)
    plain = max(_ASCII.findall(wanted), key=len, default="")
    if plain:
        letters = set(plain)
        others = {raw[:2] for raw, into in folding_into_ascii() if into & letters}  # fewer to look for
        if by_pattern and "i" in letters:
            others.add(_DOTLESS)
        return lambda stretch: _lowered(stretch, plain.encode(), tuple(others))
    caseless = max(_CASELESS.findall(wanted), key=len, default="")
    return holding(caseless.encode()) if caseless else None


def _lowered(stretch: Stretch, plain: bytes, others: tuple[bytes, ...]) -> set[int]:
    found = _owners(stretch, stretch.lowered, (plain,))
    data = stretch.data
    present = [other for other in others if _holds(data, other)]
    return found | _owners(stretch, data, present) if present else found


def _holds(data: bytes, pair: bytes) -> bool:
    """Whether two bytes, of which the first is rare, stand together: its places are looked for one by one."""
    at = data.find(pair[:1])
    for _ in range(_RARE):
        if at < 0 or data.startswith(pair, at):
            return at >= 0
        at = data.find(pair[:1], at + 1)
    return at >= 0 and data.find(pair, at) >= 0


def _owners(stretch: Stretch, data: bytes, wanted: Sequence[bytes]) -> set[int]:
    """Return whose bodies hold one of these, by finding them in all at once."""
    starts, ends = stretch.starts, stretch.ends
    found: set[int] = set()
    for each in wanted:
        at = data.find(each)
        while at >= 0:
            place = bisect_right(starts, at) - 1
            if place >= 0 and at + len(each) <= ends[place]:
                found.add(stretch.owners[place])
                if place + 1 == len(starts):
                    break
                at = starts[place + 1] - 1
            at = data.find(each, at + 1)
    return found


def _shown_numbers(stretch: Stretch, wanted: str) -> set[int]:
    """Look at the Python text of each body, which shows numbers as people see them, but for infinities."""
    found = set()
    whole = memoryview(stretch.data)
    for owner, start, end in zip(stretch.owners, stretch.starts, stretch.ends, strict=True):
        try:
            text = repr(unpack(whole[start:end])).casefold()
        except ValueError:
            found.add(owner)
            continue
        if wanted in text or "inf" in text:
            found.add(owner)
    return found


def any_of(sieves: Sequence[Sieve | None]) -> Sieve | None:
    """Return the sieve that lets through what one of these does."""
    known = [sieve for sieve in sieves if sieve is not None]
    if len(known) < len(sieves):
        return None
    return lambda stretch: set().union(*(sieve(stretch) for sieve in known))


def sieves_of(term: Term) -> list[Sieve]:
    """Return sieves that every match of a term on a body's field passes: its text, and its keys."""
    kind = TRACE_FIELDS[term.field.name].kind
    found: list[Sieve | None] = []
    if kind in (Kind.EXACT, Kind.TEXT, Kind.PATH):
        found.append(any_of([_of_value(value, kind) for value in term.values]))
    found += [
        holding(key.encode("utf-8", "surrogatepass"))
        for key in term.field.path
        if not (key.isascii() and key.isdigit())
    ]
    return [sieve for sieve in found if sieve is not None]


def of_pattern(pattern: Bounded) -> Sieve | None:
    """Return the sieve for what a regular expression finds, None if bytes can rule nothing out."""
    needed = pattern.needed()
    sieve = _exact if pattern.minds_case else partial(folded, by_pattern=True)
    return any_of([sieve(text) for text in needed]) if needed else None


def _exact(text: str) -> Sieve | None:
    """Return the sieve for a text in just this case; what may be part of a number or constant is looked for as that."""
    if _is_of_scalar(text.casefold()):
        return folded(text, by_pattern=True)
    return holding(text.encode("utf-8", "surrogatepass"))


def _of_value(value: Value, kind: Kind) -> Sieve | None:
    if isinstance(value, Regex):
        return of_pattern(bounded(value.pattern, ignore_case=kind is not Kind.EXACT))
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
    return any_of([_of_value(value, Kind.TEXT) for value in values])
