"""The lines above and below the body of the main screen, as pieces. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.model.run import Damage
from tracetui.model.text import printable
from tracetui.render.cells import cut, cut_middle, width_of
from tracetui.render.figures import count, duration, offset, short_id
from tracetui.tui.view.run_model import RunModel

Pieces = list[tuple[str, str]]

_VERDICT_ROLES = {
    "FAILED": "bad",
    "LOST": "bad",
    "CUT OFF": "bad",
    "OK": "good",
    "LIVE": "live",
    "RUNNING": "live",
}


def verdict_role(label: str) -> str:
    """Return the role that colours a verdict."""
    return f"verdict {_VERDICT_ROLES.get(label, 'other')}"


def run_title(name: str | None, run_id: str) -> str:
    """Return how a run is called: its name and the end of its id."""
    return f"{printable(name)} …{printable(short_id(run_id))}" if name else printable(run_id)


def breadcrumb(model: RunModel, place: str, width: int) -> Pieces:
    """Return the first line: where one is, the verdict, the totals; what does not fit goes from the middle."""
    run, verdict, totals = model.run, model.verdict, model.totals
    told = f" {verdict.errors} error{'' if verdict.errors == 1 else 's'}, {verdict.recovered} recovered"
    parts = []
    if model.has_times:
        parts.append(duration(totals.duration_ms))
    parts.append(f"{count(model.there)} traces")
    if totals.tokens_in or totals.tokens_out:
        parts.append(f"in {count(totals.tokens_in)} out {count(totals.tokens_out)}")
    if model.total_cost:
        parts.append(model.total_cost)
    label = f" {verdict.label} "
    right = "  ".join(parts) + " "
    name = run_title(run.name, run.id)
    room = width - len(label) - width_of(told) - width_of(right) - 6
    if room < 24:
        right = parts[0] + " "
        room = width - len(label) - width_of(told) - width_of(right) - 6
    where = f" tracetui  {cut_middle(printable(place), 24)}  > " if room > 60 else " "
    title = cut(name, max(room - width_of(where), 8))
    gap = max(
        width - width_of(where) - width_of(title) - len(label) - width_of(told) - width_of(right) - 2, 1
    )
    return [
        (where, "dim"), (title, "title"), ("  ", "text"), (label, verdict_role(verdict.label)), (told, "text"),
        (" " * gap, "text"), (right, "metric"),
    ]  # fmt: skip


def why_line(model: RunModel, width: int) -> Pieces:
    """Return the second line: one sentence of why, or what the map's letters mean."""
    if sentence := model.sentence:
        ended_by_error = model.verdict.terminal >= 0 and model.verdict.label == "FAILED"
        role = "error text" if ended_by_error else "text"
        if ended_by_error and not sentence.startswith("ended by "):
            sentence = f"ended by: {sentence}"
        return [(" " + cut(sentence, width - 2), role)]
    return [
        (
            cut(
                " map by order: T tool  ? decision  . thought  Q query  M model  A agent  U turn  e error",
                width,
            ),
            "dim",
        )
    ]


def moment_text(model: RunModel) -> str:
    """Return the moment that is shown, "now" for none."""
    if (moments := model.moments) is None:
        return "now"
    return offset(moments.time_ms - model.start_ms) if model.has_times else f"step {moments.time_ms + 1}"


def truth_line(model: RunModel, place: tuple[int, int], metric: str, live: str, width: int) -> Pieces:
    """Return the line below the body: what is filtered, how much is shown, what is known to be wrong.

    ``place`` is the line of the view that the cursor is on, and how many there are.
    """
    pieces: Pieces = [(" ", "text")]
    found = model.filter
    if found.text:
        state = "" if found.enabled else " (off)"
        pieces.append((f" {cut(printable(found.text), max(width // 3, 12))} ", "chip"))
        pieces.append((f"{state} {count(len(found.matches))} hits{'' if found.done else '…'}", "text"))
    else:
        pieces.append(("(no filter)", "dim"))
    pieces.append((f"  {model.shown:,}/{model.there:,} shown", "dim"))
    if model.search.text:
        kind = "regex" if model.search.is_regex else "search"
        said = f"  {kind} {cut(printable(model.search.text), 20)!r}: {count(len(model.search.hits))} hits"
        pieces.append((said + ("" if model.search.done else "…"), "text"))
    if (moments := model.moments) is not None:
        playing = f"playing {moments.playing}, " if moments.playing else ""
        at = f"trace {moments.at:,} of {len(moments):,}"
        pieces.append((f"  as of {moment_text(model)} ({playing}{at}, G is now)", "warning"))
    if model.tree.root is not None:
        pieces.append(("  zoomed (Z shows all)", "warning"))
    if live:
        pieces.append((f"  {live}", "live metric" if live.startswith("LIVE") else "warning"))
    if model.run.damage:
        pieces.append((f"  {damage_words(model.run.damage)}", "error text"))
    row, rows = place
    right = f"row {row + 1}/{rows}  {metric} "
    used = sum(width_of(text) for text, _ in pieces)
    if used + len(right) >= width:
        right = f"{row + 1}/{rows} "
    return [*pieces, (" " * max(width - used - len(right), 1), "text"), (right, "dim")]


def damage_words(damage: Sequence[Damage]) -> str:
    """Return in a few words what of a run's file cannot be read; the card on the board tells each.

    >>> damage_words([Damage("r.log", 90, 30, "no frame begins here"), Damage("r.log", 200, 3, "torn tail")])
    '1 hole: 30 bytes, torn tail: 3 bytes'
    """
    torn = [found.length for found in damage if found.length and found.reason == "torn tail"]
    holes = [found.length for found in damage if found.length and found.reason != "torn tail"]
    others = [found.reason for found in damage if not found.length]
    said = [f"{len(holes)} hole{'s' if len(holes) > 1 else ''}: {sum(holes):,} bytes"] if holes else []
    said += [f"torn tail: {sum(torn):,} bytes"] if torn else []
    said += others[:1] + ([f"{len(others) - 1} more"] if len(others) > 1 else [])
    return ", ".join(said)


def footer(keys: list[tuple[str, str]], width: int) -> Pieces:
    """Return the last line: keys and what they do here, as many as fit; where help is always fits.

    >>> [text for text, role in footer([("e", "next error"), ("/", "search"), ("?", "help")], 25) if role == "key"]
    ['e', '?']
    """
    sizes = [len(key) + len(name) + 3 for key, name in keys]
    helping = next((number for number, (key, _) in enumerate(keys) if key == "?"), -1)
    room = width - 1 - (sizes[helping] if helping >= 0 else 0)
    pieces: Pieces = [(" ", "text")]
    for number, (key, name) in enumerate(keys):
        if number != helping:
            room -= sizes[number]
        if room >= 0 or number == helping:
            pieces += [(key, "key"), (f" {name}  ", "dim")]
    return pieces
