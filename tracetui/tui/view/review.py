"""The marks and notes of the run on the screen, by seq: for rows, map, list, and going from one to the next. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tracetui.analysis.summary import letter
from tracetui.model.change import Annotation, Change
from tracetui.model.review import MARK, WITHDRAWS, Review, review_of
from tracetui.model.text import first_line, printable
from tracetui.model.value import Value, dumps
from tracetui.render.cells import cut, pad
from tracetui.render.figures import offset
from tracetui.storage.backend import RunView

if TYPE_CHECKING:
    from tracetui.tui.view.run_model import RunModel

Pieces = list[tuple[str, str]]


class RunReview:
    """What people left on a run; read when first asked for, and kept up with news. Costs the annotations there are."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._read: Review | None = None

    @property
    def review(self) -> Review:
        """Notes and marks by trace id."""
        if self._read is None:
            self._read = review_of(self._view.annotations())
        return self._read

    def take(self, changes: Iterable[Change]) -> bool:
        """Take in what is new; return whether any of it was a note or a mark."""
        new = [change.value for change in changes if change.kind == "annotation"]
        if new:
            self._keep_up(new)
            self.__dict__.pop("seqs", None)
            self.__dict__.pop("_signs", None)
        return bool(new)

    def _keep_up(self, new: list[object]) -> None:
        """Take in what came; what cannot be read is read again with all."""
        read = self._read
        for value in new:
            if read is not None and isinstance(value, Annotation):
                read.take(value)
            else:
                self._read = None

    @cached_property
    def _signs(self) -> dict[int, str]:
        signs = {}
        for trace_id in self.review.traces():
            seq = self._view.seq_of(trace_id)
            if seq is not None:
                marked, noted = trace_id in self.review.marks, trace_id in self.review.notes
                signs[seq] = ("m" if marked else "") + ("n" if noted else "")
        return signs

    @cached_property
    def seqs(self) -> list[int]:
        """The traces with a mark or a note, in order."""
        return sorted(self._signs)

    def sign(self, seq: int) -> str:
        """Return "m" for a mark, "n" for notes, "mn" for both, "" for neither."""
        return self._signs.get(seq, "")

    def badge(self, seq: int) -> Pieces:
        """Return what a row says of it."""
        sign = self.sign(seq)
        return [(f" {sign}", "mark")] if sign else []

    def is_marked(self, seq: int) -> bool:
        """Whether a trace is marked."""
        return "m" in self.sign(seq)

    def notes(self, seq: int) -> list[Annotation]:
        """Return the notes on a trace, oldest first."""
        return self.review.notes.get(self._view.ids[seq], [])

    def mark(self, seq: int) -> str:
        """Return the text of a trace's mark, "true" where it has none, "" where there is no mark."""
        return self.review.marks.get(self._view.ids[seq], "")


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A line of the list of marks and notes: the trace, and the note that it shows, "" for a mark alone."""

    seq: int
    sign: str
    note_id: str
    note: str


def review_rows(found: RunReview) -> list[ReviewRow]:
    """Return a line for every note, and one for a mark without notes, in the order of traces.

    A mark's own text stands before the first note.
    """
    rows = []
    for seq in found.seqs:
        mark = found.mark(seq)
        told = "" if mark in ("", "true") else f"[{printable(mark)}] "
        notes = [(note.id, told_of(note)) for note in found.notes(seq)] or [("", "")]
        for number, (note_id, text) in enumerate(notes):
            first = number == 0
            rows.append(
                ReviewRow(seq, found.sign(seq) if first else "n", note_id, (told if first else "") + text)
            )
    return rows


def review_pieces(model: RunModel, found: ReviewRow, width: int) -> Pieces:
    """Return where it is, what it is on, and what it says."""
    kind = letter(model.view.kinds[found.seq], model.type_name(found.seq))
    when = (
        offset(model.view.timestamps[found.seq] - model.start_ms) if model.has_times else f"#{found.seq + 1}"
    )
    room = max(width // 2 - 14, 8)
    note = found.note or "(marked)"
    return [
        (f" {found.sign:<3}", "mark"), (pad(when, 10), "time"),
        (pad(cut(f"{kind} {model.summary(found.seq)}", room), room), "text"), ("  ", "text"),
        (cut(note, max(width - width // 2 - 2, 8)), "text" if found.note else "dim"),
    ]  # fmt: skip


def why_not_edited(note: Annotation | None) -> str:
    """Return why a note cannot be edited in a line, "" if it can."""
    if note is None:
        return "there is no note to edit here; a leaves one"
    if note.damaged:
        return "this note is damaged; D in the list (M) takes it away"
    if "\n" in note.note:
        return "a note of several lines: take it away (M, D), and leave another with `tracetui note`"
    return ""


def edited_fields(note: Annotation) -> dict[str, Value]:
    """Return the fields of the note that stands in the place of another: its own, and that it withdraws that one.

    >>> edited_fields(Annotation("a", "t", "old", {"score": 3, "mark": True}, 0))
    {'score': 3, 'withdraws': 'a'}
    """
    kept = {name: value for name, value in note.fields.items() if name not in (MARK, WITHDRAWS)}
    return {**kept, WITHDRAWS: note.id}


def told_of(note: Annotation) -> str:
    """Return a note in one line."""
    if note.damaged:
        return "(this note is damaged)"
    fields = {name: value for name, value in note.fields.items() if name not in (MARK, WITHDRAWS)}
    return printable(first_line(note.note) or dumps(fields))
