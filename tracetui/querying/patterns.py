"""Regular expressions whose cost is bounded, since a call into ``re`` can be neither interrupted nor left.

Owns what a regular expression finds, and in how much time. Python's engine goes back and forth: on a text of n
characters a pattern with u open repeats may take n^(u+1) steps, and one with repeats inside repeats 2^n, while
nothing else of the process moves. So ``re`` is asked only where that product is small; any other pattern or text is
answered by an automaton that looks at each character once. What neither can bound is refused when it is read:
back-references and look-around beside open repeats. See ``docs/decisions``.

The syntax tree is that of ``re`` itself (``re._parser``, which Python 3.11 to 3.14 have), so both answers rest on one
reading of the pattern.
"""

from __future__ import annotations

import importlib
import re
import sys
import warnings
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from tracetui.querying.values import compiled

_parser: Any = importlib.import_module("re._parser")
_compiler: Any = importlib.import_module("re._compiler")
_MOST_STEPS = 5e7
"""Steps that one call into ``re`` may take: a quarter of a second or so."""
_FEW_WAYS = 1_000
_MOST_OPS = 5_000
_MOST_STATES = 2_000
REFUSED = (
    "a regular expression that cannot take for ever: no back-references, look-around or possessive repeats "
    "together with *, + or {n,}"
)

_IN_EMPTY = re.search(r"\B", "") is not None
"""Whether the empty text has a place that is no boundary: from Python 3.14 on."""
TOO_LARGE = "a shorter regular expression"
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT")
_LEAVES = ("LITERAL", "NOT_LITERAL", "ANY", "IN")
_OPEN = 1_000
"""A repeat up to so many times counts as one without an end."""


class Bounded:
    r"""A regular expression; ``search`` looks anywhere in a text, in time that grows with the text.

    >>> Bounded(r"(a+)+$").search("a" * 50_000 + "b"), Bounded(r"time\s?out", ignore_case=True).search("TIME OUT")
    (False, True)
    """

    def __init__(self, source: str, *, ignore_case: bool = False) -> None:
        """Read the pattern.

        :raises ValueError: saying what is wrong with it, or that its cost cannot be bounded.
        """
        self.source = source
        self.ignore_case = ignore_case
        self._pattern = compiled(source, ignore_case)
        self.limit = sys.maxsize
        """Length of the texts that ``re`` is asked about."""
        self._automaton: _Automaton | None = None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._tree = _parser.parse(source, self._pattern.flags)
            self._bound()
        except RecursionError:
            raise ValueError(TOO_LARGE) from None

    def _bound(self) -> None:
        opened, others = _ways(self._tree) or (1, 1e18)
        if not _is_regular(self._tree):
            if opened or others > _FEW_WAYS:
                raise ValueError(REFUSED)
        elif opened or others > 1:
            self.limit = _longest(opened, others)
            self._automaton = _Automaton(self._tree, self._pattern.flags)

    def search(self, text: str) -> bool:
        """Whether the pattern matches anywhere in a text."""
        if self._automaton is None or len(text) <= self.limit:
            return self._pattern.search(text) is not None
        return self._automaton.search(text)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where it matches, empty matches left out; only as far into a text as ``re`` may be asked."""
        found = self._pattern.finditer(text, 0, self.limit)
        return [match.span() for match in found if match.end() > match.start()] if self.limit else []

    def needed(self) -> tuple[str, ...]:
        r"""Return texts of which every match holds one, in any case; none if there is no such text.

        >>> Bounded(r"time\s?out|(dead)+line \d").needed(), Bounded("a*").needed()
        (('time', 'line '), ())
        """
        return _needed(self._tree)

    @property
    def is_literal(self) -> bool:
        r"""Whether the pattern is a text and nothing else: who holds it matches.

        >>> Bounded(r"time out\.").is_literal, Bounded("time|out").is_literal, Bounded("").is_literal
        (True, False, False)
        """
        return bool(len(self._tree)) and all(name == "LITERAL" for name, _ in map(_named, self._tree))

    @property
    def minds_case(self) -> bool:
        """Whether no letter of the pattern stands for another case of it.

        >>> Bounded("(?-i:Ab)", ignore_case=True).minds_case, Bounded("(?-i:A)b", ignore_case=True).minds_case
        (True, False)
        """
        return _minds_case(self._tree, ignoring=bool(self._pattern.flags & re.IGNORECASE))


@lru_cache(maxsize=256)
def bounded(source: str, ignore_case: bool = False) -> Bounded:
    """Return the expression, read once.

    :raises ValueError: as ``Bounded`` does.
    """
    return Bounded(source, ignore_case=ignore_case)


def literal_pattern(text: str, *, is_regex: bool = False) -> Bounded:
    """Return what the search prompt looks for: literal text; letters in upper case make case matter.

    :raises ValueError: if it should be a regular expression and is none, or one whose cost cannot be bounded.
    """
    return bounded(text if is_regex else re.escape(text), text == text.lower())


# ---- what a tree says ------------------------------------------------------------------------------------


def _named(node: tuple[Any, Any]) -> tuple[str, Any]:
    return str(node[0]), node[1]


def _inner(name: str, given: Any) -> list[Any]:
    """Return the sequences of nodes in a node."""
    if name in (*_REPEATS, "POSSESSIVE_REPEAT"):
        return [given[2]]
    if name == "SUBPATTERN":
        return [given[3]]
    if name == "BRANCH":
        return list(given[1])
    if name in ("ASSERT", "ASSERT_NOT"):
        return [given[1]]
    if name == "GROUPREF_EXISTS":
        return [part for part in given[1:] if part is not None]
    return [given] if name == "ATOMIC_GROUP" else []


def _is_regular(tree: Any) -> bool:
    """Whether an automaton can say it: no back-references, nothing that looks around or never goes back."""
    for name, given in map(_named, tree):
        if name not in (*_LEAVES, *_REPEATS, "SUBPATTERN", "BRANCH", "AT"):
            return False
        if not all(map(_is_regular, _inner(name, given))):
            return False
    return True


def _ways(tree: Any) -> tuple[int, float] | None:
    """Return how many open repeats a sequence has, and how many other ways through it; None if they nest."""
    opened, others = 0, 1.0
    for name, given in map(_named, tree):
        found = [_ways(part) for part in _inner(name, given)]
        if not found:
            continue
        known = [ways for ways in found if ways is not None]
        if len(known) < len(found):
            return None
        inner = max(ways[0] for ways in known), sum(ways[1] for ways in known)
        if name.endswith("REPEAT"):
            repeated = _repeated(inner, given[0], given[1])
            if repeated is None:
                return None
            inner = repeated
        opened, others = opened + inner[0], min(others * inner[1], 1e18)
    return opened, others


def _repeated(inner: tuple[int, float], least: int, most: Any) -> tuple[int, float] | None:
    opened, others = inner
    if int(most) < _OPEN:
        return opened * int(most), min(others ** int(most), 1e18) * (int(most) - least + 1)
    return None if opened or others > 1 else (1, 1.0)


def _longest(opened: int, others: float) -> int:
    """Return the length of text up to which a pattern takes at most ``_MOST_STEPS``."""
    return int((_MOST_STEPS / others) ** (1 / (opened + 1)))


def _needed(tree: Any) -> tuple[str, ...]:
    best: tuple[str, ...] = ()
    run = ""
    for name, given in [*map(_named, tree), ("", None)]:
        if name == "LITERAL":
            run += chr(given)
            continue
        best, run = max(best, (run,) if run else (), key=_worth), ""
        if name == "SUBPATTERN" or (name in _REPEATS and given[0] > 0):
            best = max(best, _needed(_inner(name, given)[0]), key=_worth)
        elif name == "BRANCH":
            found = [_needed(part) for part in given[1]]
            if all(found):
                best = max(best, tuple(text for texts in found for text in texts), key=_worth)
    return best


def _minds_case(tree: Any, *, ignoring: bool) -> bool:
    for name, given in map(_named, tree):
        if name == "LITERAL" and ignoring:
            return False
        inside = ignoring
        if name == "SUBPATTERN":
            inside = bool((ignoring or given[1] & re.IGNORECASE) and not given[2] & re.IGNORECASE)
        if not all(_minds_case(part, ignoring=inside) for part in _inner(name, given)):
            return False
    return True


def _worth(texts: tuple[str, ...]) -> int:
    return min(map(len, texts), default=0)


# ---- the automaton ---------------------------------------------------------------------------------------

_START, _END, _LINE, _LAST_LINE, _WORD, _OTHER = range(6)
"""What stands beside a place: nothing, a line break, the line break that ends the text, a letter or digit, other."""


class _State:
    """Places in the pattern that may be reached by what was read, and where each next character leads."""

    __slots__ = ("before", "moves", "places")

    def __init__(self, places: frozenset[int], before: int) -> None:
        self.places = places
        self.before = before
        self.moves: dict[str, _State | None] = {}


class _Automaton:
    """A pattern as places with ways between them; its states are made when a text first leads there.

    Each place is a character to be read (a pattern of one character, and the place after it), a choice of places,
    or a condition on what stands before and after (and the place after it).
    """

    def __init__(self, tree: Any, flags: int) -> None:
        self._places: list[tuple[str, Any, int]] = [("end", None, 0)]
        self._leaves: dict[Any, re.Pattern[str]] = {}
        self._first = self._sequence(tree, tree.state.flags | flags, 0)
        self._flags = flags
        self._states: dict[tuple[frozenset[int], int], _State] = {}

    # ---- building ----------------------------------------------------------------------------------------

    def _add(self, kind: str, given: Any, after: int = 0) -> int:
        if len(self._places) >= _MOST_OPS:
            raise ValueError(TOO_LARGE)
        self._places.append((kind, given, after))
        return len(self._places) - 1

    def _sequence(self, tree: Any, flags: int, after: int) -> int:
        """Add the nodes of a sequence, the last first; return where it begins."""
        for node in reversed(list(tree)):
            after = self._node(node, flags, after)
        return after

    def _node(self, node: tuple[Any, Any], flags: int, after: int) -> int:
        name, given = _named(node)
        if name == "SUBPATTERN":
            return self._sequence(given[3], (flags | given[1]) & ~given[2], after)
        if name == "BRANCH":
            return self._add("any", [self._sequence(part, flags, after) for part in given[1]])
        if name == "AT":
            return self._add("at", (str(given), flags), after)
        if name in _REPEATS:
            return self._repeat(given, flags, after)
        return self._add("char", self._leaf(node, flags), after)

    def _repeat(self, given: tuple[int, Any, Any], flags: int, after: int) -> int:
        least, most, tree = given
        if most == _parser.MAXREPEAT:
            entry = self._add("any", [])
            self._places[entry] = ("any", [self._sequence(tree, flags, entry), after], 0)
        else:
            entry = after
            for _ in range(int(most) - least):
                entry = self._add("any", [self._sequence(tree, flags, entry), after])
        for _ in range(least):
            entry = self._sequence(tree, flags, entry)
        return entry

    def _leaf(self, node: tuple[Any, Any], flags: int) -> re.Pattern[str]:
        """Return the pattern of one character, by ``re``'s own reading of it."""
        key = repr(node), flags
        if key not in self._leaves:
            state = _parser.State()
            state.flags = flags
            self._leaves[key] = _compiler.compile(_parser.SubPattern(state, [node]), flags)
        return self._leaves[key]

    # ---- reading -----------------------------------------------------------------------------------------

    def search(self, text: str) -> bool:
        """Whether the pattern matches anywhere; looks at each character once."""
        state = self._state(frozenset(), _START)
        ends_line = text.endswith("\n")
        for char in text[: len(text) - ends_line]:
            try:
                found = state.moves[char]
            except KeyError:
                found = state.moves[char] = self._move(state, char, self._beside(char))
            if found is None:
                return True
            state = found
        if ends_line:
            found = self._move(state, "\n", _LAST_LINE)
            if found is None:
                return True
            state = found
        return 0 in self._reached(state, _END)

    def _state(self, places: frozenset[int], before: int) -> _State:
        key = places, before
        if key not in self._states:
            if len(self._states) >= _MOST_STATES:
                self._states.clear()
            self._states[key] = _State(places, before)
        return self._states[key]

    def _move(self, state: _State, char: str, after: int) -> _State | None:
        """Return the state behind a character, None if the pattern has matched before it."""
        reached = self._reached(state, after)
        if 0 in reached:
            return None
        places = self._places
        read = (places[n] for n in reached if places[n][0] == "char")
        onward = frozenset(after for _, leaf, after in read if leaf.fullmatch(char))
        return self._state(onward, self._beside(char))

    def _reached(self, state: _State, after: int) -> set[int]:
        """Return the places that can be reached without reading on: a match may begin here too."""
        pending = [*state.places, self._first]
        reached = set(pending)
        while pending:
            kind, given, onward = self._places[pending.pop()]
            ways: Iterable[int] = ()
            if kind == "any":
                ways = given
            elif kind == "at" and _holds(given[0], given[1], state.before, after):
                ways = (onward,)
            new = set(ways) - reached
            reached |= new
            pending += new
        return reached

    def _beside(self, char: str) -> int:
        if char == "\n":
            return _LINE
        is_word = (char.isalnum() or char == "_") and (char.isascii() or not self._flags & re.ASCII)
        return _WORD if is_word else _OTHER


def _holds(name: str, flags: int, before: int, after: int) -> bool:
    """Whether a condition holds between what stands before and after."""
    is_boundary = (before == _WORD) != (after == _WORD)
    if name == "AT_BOUNDARY":
        return is_boundary
    if name == "AT_NON_BOUNDARY":
        return not is_boundary and (_IN_EMPTY or (before, after) != (_START, _END))
    many = bool(flags & re.MULTILINE)
    if name == "AT_BEGINNING":
        return before == _START or (many and before == _LINE)
    if name == "AT_END":
        return after in (_END, _LAST_LINE) or (many and after == _LINE)
    return before == _START if name == "AT_BEGINNING_STRING" else after == _END
