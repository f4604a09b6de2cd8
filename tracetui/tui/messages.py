"""What widgets tell screens. A widget never reaches for another one: it posts one of these."""

from __future__ import annotations

from textual.message import Message


class CursorMoved(Message):
    """The cursor of a list of lines stands on another row."""

    def __init__(self, sender_id: str, row: int) -> None:
        super().__init__()
        self.sender_id = sender_id
        self.row = row


class PlaceTaken(Message):
    """Somebody took a place in a list of lines with the mouse: clicked, turned the wheel, moved the scroll bar."""

    def __init__(self, sender_id: str) -> None:
        super().__init__()
        self.sender_id = sender_id


class RowActivated(Message):
    """A row was clicked twice, or chosen with the mouse on its fold glyph (``fold``)."""

    def __init__(self, sender_id: str, row: int, *, fold: bool = False) -> None:
        super().__init__()
        self.sender_id = sender_id
        self.row = row
        self.fold = fold


class TraceChosen(Message):
    """Somebody wants to go to a trace."""

    def __init__(self, seq: int) -> None:
        super().__init__()
        self.seq = seq


class PromptSubmitted(Message):
    """A prompt was answered; ``text`` may be empty."""

    def __init__(self, purpose: str, text: str, *, is_regex: bool = False) -> None:
        super().__init__()
        self.purpose = purpose
        self.text = text
        self.is_regex = is_regex


class PromptChanged(Message):
    """The text of a prompt is another."""

    def __init__(self, purpose: str, text: str, *, is_regex: bool = False) -> None:
        super().__init__()
        self.purpose = purpose
        self.text = text
        self.is_regex = is_regex


class PromptCancelled(Message):
    """A prompt was left."""

    def __init__(self, purpose: str) -> None:
        super().__init__()
        self.purpose = purpose


class FilterChanged(Message):
    """The filter panes say another query."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class PanesClosed(Message):
    """The filter panes were left."""


class SpotsWanted(Message):
    """A view shows where the time went: it should be worked out, if that was not done or there is news."""


class FilterChosen(Message):
    """Somebody wants to see the traces of a query, in the tree."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class TextWanted(Message):
    """Somebody wants to filter by a text that is yet to be typed."""


class FilterToSave(Message):
    """Somebody wants to keep the filter under a name that is yet to be typed."""
