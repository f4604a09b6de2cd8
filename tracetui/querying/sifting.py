"""Ruling out packed bodies without decoding them, and telling which hold a text for certain.

Owns the raw look at bytes: a sieve says which traces of a stretch of packed bodies *may* hold what is wanted, and
which of those surely do. The first are too many, never too few, and the second too few, never too many, which the
oracle holds. Bodies are msgpack, so text lies in them as UTF-8 in one piece; numbers do not, and what may be part of a
number as it is shown is looked for otherwise.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import chain

from tracetui.querying.ast import Equal, Glob, Literal, Regex, Term, Value
from tracetui.querying.fields import TRACE_FIELDS, Kind
from tracetui.querying.packed import is_in_text, shows_scalar
from tracetui.querying.patterns import Bounded, bounded
from tracetui.querying.values import is_number
from tracetui.storage.backend import RunView, Stretch


@dataclass(slots=True)
class Sifted:
    """Traces that may hold what is wanted, and those of them that surely do."""

    may: set[int] = field(default_factory=set)
    surely: set[int] = field(default_factory=set)

    def take(self, other: Sifted) -> None:
        """Add what another sieve lets through."""
        self.may |= other.may
        self.surely |= other.surely


Sieve = Callable[[Stretch], Sifted]
"""Takes a stretch of packed bodies, gives the traces of those that may hold what is wanted."""

_NUMERIC = re.compile(r"[0-9.e+\-]+")
_CONSTANTS = ("true", "false", "nan", "infinity", "-infinity")
_CASELESS = re.compile(r"[\u3041-\u30fe\u4e00-\u9fff\uac00-\ud7a3]+")
_ASCII = re.compile(r"[\x00-\x7f]+")
_RARE = 64
_DOTLESS = "\u0131".encode()


def sift(view: RunView, seqs: Sequence[int], sieve: Sieve) -> Sifted:
    """Look at the packed bodies of traces; those that cannot be read may hold anything.

    What a later addition to a trace replaced is not seen any more, so of a trace with additions nothing is sure.
    """
    found, owners = Sifted(), []
    for stretch in view.stretches(seqs):
        found.take(sieve(stretch))
        found.may.update(stretch.lost)
        found.surely.difference_update(stretch.lost)
        owners.append(stretch.owners)
    if sum(map(len, owners)) > len(seqs):
        bodies = Counter(chain.from_iterable(owners))
        found.surely = {seq for seq in found.surely if bodies[seq] == 1}
    return found


@lru_cache(maxsize=1)
def folding_into_ascii() -> tuple[tuple[bytes, frozenset[str]], ...]:
    """Return the characters beyond ASCII whose folding holds ASCII, in UTF-8, with those letters."""
    found = []
    for code in range(0x80, 0x20000):
        letters = frozenset(char for char in chr(code).casefold() if char < "\x80")
        if letters:
            found.append((chr(code).encode("utf-8", "surrogatepass"), letters))
    return tuple(found)


def holding(wanted: bytes, *, whole: bool = False) -> Sieve:
    """Return the sieve for bytes that lie in the body as they are; ``whole``: who has them in a text is found."""
    return lambda stretch: _owners(stretch, stretch.data, wanted, whole=whole)


def _is_of_scalar(wanted: str) -> bool:
    """Whether a folded text may stand in a number, constant or infinity as it is shown: no body holds those as text."""
    return bool(_NUMERIC.fullmatch(wanted)) or any(wanted in word for word in _CONSTANTS)


def folded(text: str, *, by_pattern: bool = False, whole: bool = False) -> Sieve | None:
    """Return the sieve for a text whatever its case, None if bytes can rule nothing out.

    Looked for is the longest stretch of ASCII of the folded text, and any character that folds into its
    letters; or the longest stretch of letters that have no case. ``by_pattern`` is for what a regular expression
    finds: to those a dotless i is an i, which folding denies. ``whole`` says that nothing else is wanted of a trace
    than this text, anywhere in it.
    """
    wanted = text.casefold()
    plain = max(_ASCII.findall(wanted), key=len, default="")
    if not plain:
        caseless = max(_CASELESS.findall(wanted), key=len, default="")
        return holding(caseless.encode()) if caseless else None
    letters = set(plain)
    others = {raw[:2] for raw, into in folding_into_ascii() if into & letters}  # fewer to look for
    if by_pattern and "i" in letters:
        others.add(_DOTLESS)
    whole = whole and plain == (text if by_pattern else wanted)  # no pattern finds ss for ß
    sieve = partial(_lowered, plain=plain.encode(), others=tuple(others), whole=whole)
    return partial(_lowered_or_scalar, wanted=wanted, sieve=sieve) if _is_of_scalar(wanted) else sieve


def _lowered(stretch: Stretch, plain: bytes, others: tuple[bytes, ...], *, whole: bool) -> Sifted:
    found = _owners(stretch, stretch.lowered, plain, whole=whole)
    data = stretch.data
    for other in others:
        if _holds(data, other):
            found.may |= _owners(stretch, data, other).may
    return found


def _lowered_or_scalar(stretch: Stretch, wanted: str, sieve: Sieve) -> Sifted:
    found = sieve(stretch)
    may, data = found.may, stretch.data
    for owner, start, end in zip(stretch.owners, stretch.starts, stretch.ends, strict=True):
        if owner not in may and end <= len(data) and shows_scalar(data, start, end, wanted):
            may.add(owner)
    return found


def _holds(data: bytes, pair: bytes) -> bool:
    """Whether two bytes, of which the first is rare, stand together: its places are looked for one by one."""
    at = data.find(pair[:1])
    for _ in range(_RARE):
        if at < 0 or data.startswith(pair, at):
            return at >= 0
        at = data.find(pair[:1], at + 1)
    return at >= 0 and data.find(pair, at) >= 0


def _owners(stretch: Stretch, data: bytes, wanted: bytes, *, whole: bool = False) -> Sifted:
    """Return whose bodies hold bytes, by finding them in all at once; of each body only the first place is looked at.

    With ``whole`` those are sure whose place is in one text of the body.
    """
    starts, ends, owners, size = stretch.starts, stretch.ends, stretch.owners, len(wanted)
    found = Sifted()
    place, last = 0, len(starts) - 1
    at = data.find(wanted)
    while at >= 0:
        place = bisect_right(starts, at, place) - 1
        if place < 0 or at + size > ends[place]:
            place, at = max(place, 0), data.find(wanted, at + 1)
            continue
        found.may.add(owners[place])
        if whole and is_in_text(stretch.data, starts[place], at, at + size):
            found.surely.add(owners[place])
        if place == last:
            break
        place += 1
        at = data.find(wanted, starts[place])
    return found


def any_of(sieves: Sequence[Sieve | None]) -> Sieve | None:
    """Return the sieve that lets through what one of these does."""
    known = [sieve for sieve in sieves if sieve is not None]
    if len(known) < len(sieves):
        return None
    return known[0] if len(known) == 1 else partial(_any, sieves=known)


def _any(stretch: Stretch, sieves: Iterable[Sieve]) -> Sifted:
    found = Sifted()
    for sieve in sieves:
        found.take(sieve(stretch))
    return found


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
    return any_of([sieve(text, whole=pattern.is_literal) for text in needed]) if needed else None


def _exact(text: str, *, whole: bool = False) -> Sieve | None:
    """Return the sieve for a text in just this case; what may be part of a number or constant is looked for as that."""
    if _is_of_scalar(text.casefold()):
        return folded(text, by_pattern=True)
    return holding(text.encode("utf-8", "surrogatepass"), whole=whole)


def _of_value(value: Value, kind: Kind, *, whole: bool = False) -> Sieve | None:
    if isinstance(value, Regex):
        return of_pattern(bounded(value.pattern, ignore_case=kind is not Kind.EXACT))
    text = _certain_text(value)
    if not text:
        return None
    if kind is Kind.EXACT:
        return holding(text.encode("utf-8", "surrogatepass"))
    if kind is Kind.PATH and (is_number(text) or text == "null" or not isinstance(value, Literal)):
        return None
    return folded(text, whole=whole and isinstance(value, Literal))


def _certain_text(value: Value) -> str:
    """Return a text that whatever fits the value holds, "" if there is none."""
    if isinstance(value, Literal | Equal):
        return value.text
    return max(value.pattern.split("*"), key=len) if isinstance(value, Glob) else ""


def text_sieve(values: Sequence[Value]) -> Sieve | None:
    """Return the sieve for values of ``text:``."""
    return any_of([_of_value(value, Kind.TEXT, whole=True) for value in values])
