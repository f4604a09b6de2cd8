"""Every text of a trace that a person can see, and finding text in them.

Owns what bare text searches: names, arguments, results, contents, messages, options, tags, metadata, notes,
keys and numbers as they are shown. Case is folded as Unicode does it; offsets are those of the text as it
is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tracetui.model.trace import Trace
from tracetui.model.trace_type import (
    CUSTOM,
    FIELD_NAMES,
    KIND_CODES,
    QUERY,
    TOOL_CALL,
    TraceType,
)

_SHOWN_AS = {"tool_name": "name", "arguments": "args", "query_type": "name", "error_type": "name"}


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a text was found: the field with its path, and characters ``[start, end)`` of its text."""

    field: str
    start: int
    end: int
    text: str


def shown(value: object) -> str | None:
    """Return a scalar as a person sees it, None for what has no text of its own.

    >>> shown("a"), shown(404), shown(True), shown(None)
    ('a', '404', 'true', None)
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(repr(value), repr(value))
    return None


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every key and scalar of a value, in order, without recursion.

    >>> list(leaves({"a": [1, "x"]}, "args"))
    [('args.a', 'a'), ('args.a.0', '1'), ('args.a.1', 'x')]
    """
    pending: list[tuple[str, object, bool]] = [(path, value, False)]
    while pending:
        here, item, is_key = pending.pop()
        if isinstance(item, dict):
            for key, inner in reversed(item.items()):
                below = f"{here}.{key}"
                pending.append((below, inner, False))
                pending.append((below, key, True))
        elif isinstance(item, list | tuple):
            pending.extend((f"{here}.{n}", item[n], False) for n in range(len(item) - 1, -1, -1))
        else:
            text = item if is_key and isinstance(item, str) else shown(item)
            if text is not None:
                yield here, text


def body_texts(trace_type: TraceType, metadata: object) -> Iterator[tuple[str, str]]:
    """Yield (field, text) of a trace's own fields and metadata, in the order in which they are shown."""
    for name in FIELD_NAMES[KIND_CODES[type(trace_type)]]:
        value = getattr(trace_type, name)
        if value is not None:
            yield from leaves(value, _SHOWN_AS.get(name, name))
    if metadata is not None:
        yield from leaves(metadata, "meta")


def plain_texts(*values: object) -> list[str]:
    """Return the texts of all keys and scalars of values: what ``leaves`` yields, in no order, quickly."""
    found: list[str] = []
    pending: list[object] = list(values)
    for item in pending:  # which grows meanwhile
        kind = type(item)
        if kind is str:
            found.append(item)  # type: ignore[arg-type]
        elif kind is dict:
            found.extend(item)  # type: ignore[arg-type]
            pending.extend(item.values())  # type: ignore[attr-defined]
        elif kind is list:
            pending.extend(item)  # type: ignore[arg-type]
        elif item is not None and (text := shown(item)) is not None:
            found.append(text)
    return found


def name_of(trace_type: TraceType, metadata: object) -> list[str]:
    """Return the names of a trace, the one to show first: metadata's, and the type's own."""
    names = []
    if isinstance(metadata, dict) and isinstance(metadata.get("name"), str):
        names.append(metadata["name"])
    code = KIND_CODES[type(trace_type)]
    if code in (TOOL_CALL, QUERY, 4, CUSTOM):
        own = getattr(trace_type, FIELD_NAMES[code][0])
        names.insert(len(names) if code == CUSTOM else 0, own)
    return names


# ---- matching --------------------------------------------------------------------------------------------


class Needle:
    """A text to be found in others, ignoring case: ``ß`` finds ``SS``.

    >>> Needle("straße").spans("HAUPTSTRASSE 5")
    [(5, 12)]
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.folded = text.casefold()

    def found_in(self, text: str) -> bool:
        """Whether the text holds this one; most that do hold it as it is, which is seen sooner."""
        return self.folded in text or self.folded in text.casefold()

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where it stands, as (start, end) in characters of the text, not overlapping."""
        folded = text.casefold()
        found = _occurrences(folded, self.folded)
        if len(folded) == len(text) or not found:
            return found
        origin = [n for n, char in enumerate(text) for _ in char.casefold()]
        return [(origin[start], origin[end - 1] + 1) for start, end in found]


def _occurrences(text: str, wanted: str) -> list[tuple[int, int]]:
    if not wanted:
        return []
    found = []
    at = text.find(wanted)
    while at >= 0:
        found.append((at, at + len(wanted)))
        at = text.find(wanted, at + len(wanted))
    return found


def texts_of(trace: Trace) -> Iterator[str]:
    """Yield every text of a trace that a person can see, notes aside."""
    yield trace.type_name
    yield from trace.tags
    for _, text in body_texts(trace.trace_type, trace.metadata):
        yield text


def hits_in(
    texts: Iterable[tuple[str, str]], finders: Sequence[Callable[[str], list[tuple[int, int]]]]
) -> list[Hit]:
    """Return every place in the texts that one of the finders finds, in the order of the texts."""
    found: list[Hit] = []
    for field, text in texts:
        spans = sorted({span for finder in finders for span in finder(text)})
        found.extend(Hit(field, start, end, text) for start, end in spans)
    return found
