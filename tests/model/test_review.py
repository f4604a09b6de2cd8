"""What annotations say together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracetui.model.change import Annotation
from tracetui.model.review import Review, review_of


def said(review: Review) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return notes as texts, and marks."""
    return {trace: [note.note for note in notes] for trace, notes in review.notes.items()}, review.marks


def test_the_last_mark_counts_and_notes_stay_till_they_are_withdrawn() -> None:
    """Marks with a text and without; a note of another trace is not withdrawn; damage and scores are kept."""
    review = review_of([
        Annotation("1", "a", "look here", {"mark": True}, 0),
        Annotation("2", "a", "and here", {}, 1),
        Annotation("3", "b", "", {"mark": "cause"}, 2),
        Annotation("4", "b", "", {"score": 0.5}, 3),
        Annotation("5", "c", "", {}, 4, damaged=True),
        Annotation("6", "d", "", {"mark": ""}, 5),
        Annotation("7", "b", "", {"withdraws": "1"}, 6),
        Annotation("8", "a", "", {"withdraws": "2"}, 7),
    ])  # fmt: skip
    assert said(review) == (
        {"a": ["look here"], "b": [""], "c": [""]}, {"a": "true", "b": "cause", "d": "true"},
    )  # fmt: skip
    review.take(Annotation("9", "a", "", {"mark": False, "withdraws": "1"}, 8))
    assert "a" not in review.traces()
    assert review.traces() == {"b", "c", "d"}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([True, False, "why", None])), max_size=12))
def test_marks_are_those_of_a_plain_reading(given_marks: list[tuple[str, object]]) -> None:
    """The mark of each trace is the last one given, or none."""
    annotations = [
        Annotation(str(n), trace, "", {} if mark is None else {"mark": mark}, n)  # type: ignore[dict-item]
        for n, (trace, mark) in enumerate(given_marks)
    ]
    last = {trace: mark for trace, mark in given_marks if mark is not None}
    wanted = {trace: "true" if mark is True else mark for trace, mark in last.items() if mark is not False}
    assert review_of(annotations).marks == wanted
