"""Whole logs to be damaged, each with the book that says what is in which of its bytes."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

from tests.storage.files.campaign.book import NEVER, STORE, Attempt, Book, Expected
from tests.storage.files.campaign.medium import Medium
from tests.storage.files.campaign.stories import SIZES, Story
from tracetui import Thought, TraceDraft
from tracetui.model.change import new_trace

LOG = f"{STORE}/runs/r.log"
IDENTITY = b'{"format": 1, "store_id": "0"}'


@dataclass
class Recording:
    """A log and its book; attempts start and end at offsets in the log, not at places of a trace."""

    content: bytes
    book: Book
    _books: dict[tuple[str, int], Book] = field(default_factory=dict)
    """Books that were asked for; making one takes longer than a trial."""

    @property
    def attempts(self) -> list[Attempt]:
        """The commits, one a frame."""
        return self.book.runs["r"].attempts

    def medium(self, content: bytes) -> Medium:
        """Return a medium whose store has these bytes for its log."""
        made = Medium()
        made.folders |= {STORE, f"{STORE}/runs"}
        made.write_file(f"{STORE}/store.json", IDENTITY)
        made.write_file(LOG, content)
        return made

    def frame_at(self, offset: int) -> int:
        """Return the number of the frame that has a byte; the header's are the first one's."""
        return next(n for n, one in enumerate(self.attempts) if offset < one.end)

    def without(self, number: int) -> Book:
        """Return the book as it is when a frame was hit: it may be there or not."""
        if ("without", number) not in self._books:
            book = self._books["without", number] = deepcopy(self.book)
            book.runs["r"].attempts[number].end = NEVER
        return self._books["without", number]

    def synced_to(self, offset: int) -> Book:
        """Return the book as it is when the log was synced up to an offset, and then the power cut."""
        if ("synced", offset) not in self._books:
            book = self._books["synced", offset] = deepcopy(self.book)
            for attempt in book.runs["r"].attempts:
                attempt.synced = attempt.end <= offset
        return self._books["synced", offset]


def recording(
    frames: int, seed: int, pasted: bytes | None = None, sizes: tuple[int, ...] = SIZES
) -> Recording:
    """Record a log of so many frames of texts of these sizes; with ``pasted``, the frame in the middle holds these bytes.

    An empty ``pasted`` stands for the log itself as it is then.
    """
    story = Story(seed, durability="process")
    story.sizes = sizes
    teller = story.tellers[0]
    story._create(teller, "r")
    log = story.medium.names[LOG]
    attempts = story.book.runs["r"].attempts
    ends = [len(log.data)]
    for number in range(1, frames):
        if pasted is not None and number == frames // 2:
            paste(story, pasted or bytes(log.data))
        else:
            story._commit(teller)
        ends.append(len(log.data))
    for attempt, start, end in zip(attempts, [0, *ends], ends, strict=False):
        attempt.start, attempt.end, attempt.synced = start, end, False
    return Recording(bytes(log.data), story.book)


def paste(story: Story, payload: bytes) -> None:
    """Record a trace whose metadata is a log."""
    run = story.book.runs["r"]
    run.traces["pasted"] = Expected(None, waits=False, open=False, tags=[], content="p", metadata=payload)
    draft = TraceDraft(Thought("p"), id="pasted", metadata=payload)
    attempt = Attempt([("trace", "pasted")], 0)
    run.attempts.append(attempt)
    attempt.first_rev = story.tellers[0].opened().append("r", [new_trace(draft)]).first_rev
