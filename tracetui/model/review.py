"""What people left on the traces of a run: notes and marks, as their annotations say it together.

Annotations are only ever added. So the last mark of a trace counts (``mark: false`` takes it away), and a note that
a later annotation withdraws (``withdraws: <id of the note>``) is none any more. Knows nothing of stores and screens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tracetui.model.change import Annotation

MARK, WITHDRAWS = "mark", "withdraws"
"""Fields of annotations."""


@dataclass(slots=True)
class Review:
    """Notes by trace id in the order they were left, and the text of each trace's mark, "true" where it has none.

    What else annotations hold (scores …) counts as a note, perhaps without a text.
    """

    notes: dict[str, list[Annotation]] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)

    __hash__ = None  # type: ignore[assignment]

    def take(self, annotation: Annotation) -> None:
        """Take in the next annotation.

        >>> review = Review()
        >>> review.take(Annotation("a", "t", "look", {"mark": True}, 0))
        >>> review.take(Annotation("b", "t", "", {"mark": False, "withdraws": "a"}, 0))
        >>> review.notes, review.marks
        ({}, {})
        """
        mark = annotation.fields.get(MARK)
        if mark is False:
            self.marks.pop(annotation.trace_id, None)
        elif mark is not None:
            self.marks[annotation.trace_id] = mark if isinstance(mark, str) and mark else "true"
        if annotation.note or annotation.damaged or annotation.fields.keys() - {MARK, WITHDRAWS}:
            self.notes.setdefault(annotation.trace_id, []).append(annotation)
        withdrawn = annotation.fields.get(WITHDRAWS)
        if isinstance(withdrawn, str):
            self._withdraw(annotation.trace_id, withdrawn)

    def _withdraw(self, trace_id: str, note_id: str) -> None:
        left = [note for note in self.notes.pop(trace_id, ()) if note.id != note_id]
        if left:
            self.notes[trace_id] = left

    def traces(self) -> set[str]:
        """Return the ids of the traces that have a note or a mark."""
        return self.notes.keys() | self.marks.keys()


def review_of(annotations: Iterable[Annotation]) -> Review:
    """Return what annotations say together, in the order they were committed."""
    review = Review()
    for annotation in annotations:
        review.take(annotation)
    return review
