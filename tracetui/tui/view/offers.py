"""Other places to look at: what was opened lately, and what other tools recorded of work in this folder. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from tracetui.importing.discovery import Recording
from tracetui.model.text import printable
from tracetui.render.cells import cut_middle, pad, pad_left
from tracetui.render.figures import count, started
from tracetui.tui.view.copying import Source

Pieces = list[tuple[str, str]]

MOST_RECENT = 20


@dataclass(frozen=True, slots=True)
class Offer:
    """A place: what it is, when it was last opened or written, and why it cannot be opened, "" if it can."""

    source: Source
    what: str
    when_ms: int
    size_bytes: int = 0
    why_not: str = ""


def recent_with(value: Mapping[str, Any], source: Source, now_ms: int) -> dict[str, Any]:
    """Return the places opened lately with one more, newest first, as JSON."""
    entry = {"location": source.location, "is_file": source.is_file, "opened_ms": now_ms}
    others = [each for each in _entries(value) if each["location"] != source.location]
    return {"places": [entry, *others][:MOST_RECENT]}


def _entries(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the entries that can be used of what was read."""
    places = value.get("places")
    return [
        place
        for place in (places if isinstance(places, list) else ())
        if isinstance(place, dict)
        and isinstance(place.get("location"), str)
        and isinstance(place.get("is_file"), bool)
        and isinstance(place.get("opened_ms"), int)
    ]


def recent_offers(value: Mapping[str, Any], here: Source | None) -> list[Offer]:
    """Return the places opened lately, newest first, but for the one that is open."""
    return [
        Offer(
            Source(place["location"], place["is_file"]),
            "recording" if place["is_file"] else "store",
            place["opened_ms"],
        )
        for place in _entries(value)
        if here is None or place["location"] != here.location
    ]


def folder_offers(recordings: Iterable[Recording]) -> list[Offer]:
    """Return the recordings of a folder; those that cannot be read say so."""
    return [
        Offer(
            Source(found.path, is_file=True), found.tool, found.modified_ms, found.size_bytes,
            "" if found.is_readable else f"{found.tool} recordings cannot be read yet",
        )
        for found in recordings
    ]  # fmt: skip


def headline(offers: Sequence[Offer]) -> str:
    """Return what is offered, in a line.

    >>> headline([Offer(Source("/a", True), "Codex", 0, 0, "no"), Offer(Source("/b", True), "Claude Code", 0)])
    '1 Claude Code recording; 1 Codex recording that cannot be read yet'
    """
    found = Counter((bool(offer.why_not), offer.what) for offer in offers)
    return "; ".join(
        f"{number:,} {what if what not in ('store', 'recording') else what + ' opened lately'}"
        + ("" if what in ("store", "recording") else " recording" if number == 1 else " recordings")
        + ("" if not bad else " that cannot be read yet")
        for (bad, what), number in sorted(found.items())
    )


def offer_pieces(offer: Offer, width: int, now_ms: int) -> Pieces:
    """Return what a row says of a place."""
    size = f"{count(offer.size_bytes)}B" if offer.size_bytes else ""
    path = PurePath(offer.source.location)
    name = path.name if offer.what not in ("store", "recording") else offer.source.location
    role = "dim" if offer.why_not else "text"
    right = pad_left(size, 8) + pad_left(started(offer.when_ms, now_ms), 14) + " "
    if offer.why_not:
        right = pad_left("cannot be read yet", len(right) - 1) + " "
    room = max(width - 16 - len(right), 8)
    return [
        (" ", "text"), (pad(offer.what, 14), "dim" if offer.why_not else "label"),
        (pad(cut_middle(printable(name), room), room), role), (right, "dim"), (" ", "text"),
    ]  # fmt: skip
