"""One trace as Markdown: what it is, and every field of it, cut to a given room if there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tracetui.analysis.summary import letter, summary
from tracetui.analysis.verdict import folder_of
from tracetui.errors import TraceTuiError
from tracetui.model.text import printable
from tracetui.model.trace import STATUS_NAMES, Trace, fields_of
from tracetui.model.value import Value, dumps
from tracetui.render.figures import duration, offset
from tracetui.render.payload import code, cut, fenced, weight
from tracetui.storage.backend import NO_TIME, RunView

_SHORT = 100
"""Characters up to which a text of one line stands on the line of its name."""
_TITLE = 160
_LAST = frozenset({"metadata", "data.input", "data.messages"})
"""Fields that only get the room that others leave: what was known before, and what is about the recording."""


Key = tuple[int, int]
"""Length and hash of a payload."""
MIN_SAME = 120
"""Characters from which on a payload that was told before is only referred to."""
_SOURCES = frozenset({"source", "ext", "src"})
"""Metadata that say where a trace was recorded: left out where there is little room."""


class Told(NamedTuple):
    """A trace as Markdown, and how many characters of how many of its payloads are left out.

    ``payloads_told`` are the keys of those that stand here whole. It is ``hollow`` if a field that tells is left
    out whole; ``unsourced`` if where it was recorded is left out.
    """

    text: str
    payloads: int = 0
    characters: int = 0
    payloads_told: tuple[Key, ...] = ()
    hollow: bool = False
    unsourced: bool = False


class Field(NamedTuple):
    """One field as text; ``language`` is "json" if it is that, "reference" if it is ours and no payload."""

    name: str
    text: str
    language: str = ""

    @property
    def is_short(self) -> bool:
        """Whether it stands on the line of its name."""
        if self.language == "reference":
            return True
        return len(self.text) <= _SHORT and "\n" not in self.text and "\r" not in self.text

    @property
    def shown(self) -> str:
        """The text of a short one."""
        return self.text if self.language == "reference" else code(self.text)

    @property
    def key(self) -> Key:
        """What tells its text from others."""
        return len(self.text), hash(self.text)


def line(view: RunView, seq: int, depth: int = 0) -> str:
    """Return a trace as one printable line, indented: letter, summary, how it ended, duration."""
    status = STATUS_NAMES[view.statuses[seq]]
    ended = "" if status == "ok" else f"  ({status})"
    took = _duration(view, seq)
    name = f"{'  ' * min(depth, 20)}{'' if depth <= 20 else f'+{depth - 20} '}{_named(view, seq)}"
    return f"{name}{ended}{'  ' + took if took else ''}"


def told(
    view: RunView, seq: int, room: int | None = None, known: Mapping[Key, str] | None = None
) -> Told | None:
    """Return a trace within ``room`` quarters of a token, None if not even its name fits.

    Payloads that are ``known`` are told by the id of the trace that has them.
    """
    head = f"### {code(_named(view, seq))}\n\n{_facts(view, seq)}"
    fields, unsourced = _read(view, seq, sources=room is None)
    fields = [_referred(field, known or {}) for field in fields]
    short = "\n".join(f"- {field.name}: {field.shown}" for field in fields if field.is_short)
    left = None if room is None else room - weight(head) - weight(short) - 4
    if left is not None and left < 0:
        return None
    long = [field for field in fields if not field.is_short]
    blocks, cuts = _blocks(long, left)
    text = "\n\n".join(filter(None, (head, short, *blocks)))
    missing = {name for name, _, shown in cuts if not shown}
    cut_ones = {name for name, _, _ in cuts}
    whole = tuple(field.key for field in long if field.name not in cut_ones and len(field.text) >= MIN_SAME)
    return Told(text, len(cuts), sum(gone for _, gone, _ in cuts), whole, not missing <= _LAST, unsourced)


def _read(view: RunView, seq: int, *, sources: bool) -> tuple[list[Field], bool]:
    """Return the fields of a trace, and whether where it was recorded is not among them."""
    try:
        trace = view.trace(seq)
        metadata = trace.metadata
        kept = metadata
        if not sources and isinstance(metadata, dict):
            kept = {key: value for key, value in metadata.items() if key not in _SOURCES}
        return list(_fields(trace, kept)), kept != metadata
    except TraceTuiError:
        return [Field("body", "damaged")], False


def _referred(field: Field, known: Mapping[Key, str]) -> Field:
    first = None if field.is_short else known.get(field.key)
    return field if first is None else Field(field.name, f"the same as in {code(first)}", "reference")


def _named(view: RunView, seq: int) -> str:
    kind = letter(view.kinds[seq], view.type_names[view.types[seq]])
    return f"{kind} {summary(view.trace(seq), folder_of(view.run))}"[:_TITLE]


def _facts(view: RunView, seq: int) -> str:
    first = view.timestamps[0] if view.count else 0
    parts = [
        code(view.ids[seq]), code(view.type_names[view.types[seq]]), STATUS_NAMES[view.statuses[seq]],
        offset(view.timestamps[seq] - first), _duration(view, seq), " ".join(map(code, view.tags_of(seq))),
    ]  # fmt: skip
    return " · ".join(filter(None, parts))


def _duration(view: RunView, seq: int) -> str:
    end = view.ends[seq]
    return "" if end in (NO_TIME, view.timestamps[seq]) else duration(end - view.timestamps[seq])


# ---- fields ----------------------------------------------------------------------------------------------


def _fields(trace: Trace, metadata: Value) -> Iterator[Field]:
    for name, value in [*fields_of(trace).items(), ("metadata", metadata or None)]:
        if isinstance(value, dict) and value and name != "metadata":
            yield from (_field(f"{name}.{key}", item) for key, item in value.items())
        elif value is not None:
            yield _field(name, value)


def _field(name: str, value: Any) -> Field:
    shown = printable(name)[:_TITLE]
    if isinstance(value, str):
        return Field(shown, value)
    text = dumps(value)
    return Field(shown, text if len(text) <= _SHORT else dumps(value, indent=2), "json")


Cut = tuple[str, int, bool]
"""Name of a field, characters of it that are left out, whether any of it is shown."""


def _blocks(fields: list[Field], room: int | None) -> tuple[list[str], list[Cut]]:
    """Return a block a field, in order, the shortest served first; and what is left out."""
    made: dict[int, str] = {}
    cuts: list[Cut] = []
    order = sorted(range(len(fields)), key=lambda n: (fields[n].name in _LAST, len(fields[n].text)))
    for done, n in enumerate(order):
        telling = sum(fields[other].name not in _LAST for other in order[done:])
        block, gone, shown = _block(fields[n], None if room is None else room // max(telling, 1))
        if gone:
            cuts.append((fields[n].name, gone, shown))
        if block:
            made[n] = block
            room = None if room is None else room - weight(block) - 2
    return [made[n] for n in sorted(made)], cuts


def _block(field: Field, room: int | None) -> Cut:
    """Return a field as a fenced block within a room, or a line that says how much is left out, or ""."""
    shown, gone = cut(field.text, None if room is None else room - weight(field.name) - 20)
    if shown:
        block = f"{field.name}:\n{fenced(shown, field.language if not gone else '')}"
        if room is None or weight(block) + 2 <= room:
            return block, gone, True
    missing = f"- {field.name}: left out, {len(field.text):,} characters"
    return (missing if room is None or weight(missing) + 2 <= room else ""), len(field.text), False
