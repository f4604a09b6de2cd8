"""A subtree, or a run, as the lines of a file, and what the file is called. Pure, but for reading the run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tracetui.formats import native
from tracetui.render.figures import short_id
from tracetui.render.markdown import run_markdown, trace_markdown
from tracetui.storage.backend import RunView
from tracetui.tui.view.header import moment_text
from tracetui.tui.view.past import view_of
from tracetui.tui.view.run_model import RunModel

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class ExportKind:
    """A form of export: the key that chooses it, its title, and how its files end."""

    key: str
    title: str
    ending: str


KINDS = (
    ExportKind("j", "JSON lines: traces, notes and marks; `tracetui import` reads them back", "jsonl"),
    ExportKind("m", "Markdown for a reader", "md"),
)


def file_name(model: RunModel, seq: int, ending: str) -> str:
    """Return the name of the file: that of the run, the ends of the ids; nothing in it that a shell or a disk minds."""
    words = [model.run.name or "run", short_id(model.run.id)]
    if seq >= 0:
        words.append(short_id(model.columns.ids[seq]))
    if model.past is not None:
        words.append(f"as of {moment_text(model)}")
    plain = "-".join(_NOT_IN_NAMES.sub("-", word).strip("-.") for word in words)
    return f"{plain[:80].strip('-.') or 'run'}.{ending}"


def numbered(name: str, number: int) -> str:
    """Return the name of the next file where one of that name is there.

    >>> numbered("fix-0412.jsonl", 1), numbered("fix-0412.jsonl", 2)
    ('fix-0412.jsonl', 'fix-0412-2.jsonl')
    """
    stem, dot, ending = name.rpartition(".")
    return name if number == 1 else f"{stem}-{number}{dot}{ending}"


def export_pieces(model: RunModel, seq: int, ending: str) -> Iterator[str]:
    """Yield the text of a subtree, the whole run for −1, in pieces; as of the moment that is shown when it is called.

    Linear in the run as of a moment, else in the subtree; for a worker.
    """
    newest, verdict = model.newest, model.verdict

    def pieces() -> Iterator[str]:
        view = view_of(model.columns, newest, has_times=model.has_times)
        if ending == "md":
            yield run_markdown(view, verdict) if seq < 0 else trace_markdown(view, seq)
        else:
            yield from _lines(view, seq)

    return pieces()


def _lines(view: RunView, seq: int) -> Iterator[str]:
    seqs = sorted(view.forest(None if seq < 0 else seq).seqs)
    inside = {view.ids[number] for number in seqs} if seq >= 0 else None
    notes = (note for note in view.annotations() if inside is None or note.trace_id in inside)
    for line in native.export(view.run, map(view.trace, seqs), notes):
        yield line + "\n"
