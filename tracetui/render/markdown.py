"""Runs and traces as Markdown for a reader with little room, a language model most of all.

What says why a run ended comes first: the verdict, the path to what ended it, that step in full, what came just
before, the last good call. Then, as far as the room goes and by importance, an outline of the steps and the steps
themselves. What is left out is counted at the end. With a budget the document never takes more tokens than that,
by the rule of ``tracetui.render.payload``; without one nothing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tracetui.analysis.before import just_before
from tracetui.analysis.errors import find_errors
from tracetui.analysis.explanation import sentence_of
from tracetui.analysis.loops import find_loops
from tracetui.analysis.rollup import totals
from tracetui.analysis.verdict import Verdict, folder_of, path_of
from tracetui.model.trace import FAILED, STATUS_CODES
from tracetui.model.trace_type import DECISION, ERROR
from tracetui.render.figures import cost, count, duration
from tracetui.render.payload import code, cut, fenced, weight
from tracetui.render.step_markdown import Key, Told, line, told
from tracetui.storage.backend import RunView

NOTE_ROOM = 260
"""Quarters of a token kept for saying what is left out."""
MAX_STEP = 8000
"""Quarters of a token that one step may take of a bounded document, but for what ended the run."""
MISSES = 20
"""Steps in a row that no longer fit, after which no further are tried."""
_GAP_ROOM = 32
"""What the line about a gap in an outline takes."""
_FAILED = STATUS_CODES[FAILED]

Hit = tuple[RunView, int]
Row = tuple[int, int]
"""Seq and depth."""


@dataclass(slots=True)
class Page:
    """Blocks of a document, the room that is left for more (None without bounds), and what was told."""

    room: int | None
    blocks: list[str] = field(default_factory=list)
    in_full: set[int] = field(default_factory=set)
    named: set[int] = field(default_factory=set)
    known: dict[Key, str] = field(default_factory=dict)
    """Payloads that were told, with the id of the first trace that had each."""
    unsourced: bool = False
    note: int = 0
    """Room that is kept for the note at the end."""
    payloads: int = 0
    characters: int = 0

    def share(self, part: float, most: int | None = None) -> int | None:
        """Return a part of the room that is left, None without bounds."""
        if self.room is None:
            return None
        return int(self.room * part) if most is None else min(int(self.room * part), most)

    def add(self, block: str) -> bool:
        """Add a block with the empty line after it, if it fits; say whether it did."""
        size = weight(block) + 2
        if self.room is not None:
            if size > self.room:
                return False
            self.room -= size
        self.blocks.append(block)
        return True

    def tell(self, seq: int, step: Told, name: str) -> None:
        """Note that a step was told, and what of it was not."""
        self.in_full.add(seq)
        self.know(step, name)
        self.unsourced |= step.unsourced
        self.payloads += step.payloads
        self.characters += step.characters

    def know(self, step: Told, name: str) -> None:
        """Note whose payloads these are, for those that have them too."""
        for key in step.payloads_told:
            self.known.setdefault(key, name)


# ---- documents -------------------------------------------------------------------------------------------


def run_markdown(view: RunView, verdict: Verdict, max_tokens: int | None = None) -> str:
    """Return a run, the most telling things first."""
    return _document(view, _head(view, verdict), None, verdict.landing, max_tokens)


def trace_markdown(view: RunView, seq: int, max_tokens: int | None = None) -> str:
    """Return a trace and all that is below it."""
    name = code(view.run.name or view.run.id)
    return _document(view, f"# A step of {name}", seq, seq, max_tokens)


def hits_markdown(hits: Sequence[Hit], asked: str, max_tokens: int | None = None) -> str:
    """Return the traces that a query found, as many as fit, failed ones first to be taken; in their order."""
    noun = "trace" if len(hits) == 1 else "traces"
    page = _begun(f"# {len(hits):,} {noun} found by {code(asked)}", max_tokens)
    order = list(range(len(hits)))
    if max_tokens is not None:
        order.sort(key=lambda n: not _is_failed(*hits[n]))
    shown = _add_steps(page, hits, order)
    return _ended(page, len(hits), len(hits) - shown, 0)


def _document(view: RunView, head: str, root: int | None, landing: int, max_tokens: int | None) -> str:
    page = _begun(head, max_tokens)
    forest = view.forest(root)
    rows = list(zip(forest.seqs, forest.depths, strict=True))
    if landing >= 0:
        _tell_landing(view, page, landing)
    if len(rows) > 1:
        order = range(len(rows)) if max_tokens is None else _by_importance(view, rows, landing)
        _tell_outline(view, page, rows, order)
        _tell_steps(view, page, rows, order)
    seqs = set(forest.seqs)
    missing, named = seqs - page.in_full - page.named, seqs & page.named - page.in_full
    return _ended(page, len(rows), len(missing), len(named))


def _begun(head: str, max_tokens: int | None) -> Page:
    if max_tokens is None:
        return Page(None, [head])
    note = min(NOTE_ROOM, 2 * max_tokens)
    page = Page(4 * max_tokens - note, note=note)
    page.add(cut(head, (page.room or 0) - 2)[0])
    return page


def _ended(page: Page, traces: int, missing: int, named: int) -> str:
    left = []
    if missing:
        left.append(f"{missing:,} of {traces:,} traces")
    if named:
        left.append(f"the payloads of {named:,} traces that are only named")
    if page.payloads:
        left.append(f"{page.characters:,} characters in {page.payloads:,} payloads")
    if page.unsourced:
        left.append("where they were recorded (metadata source, ext, src)")
    note = f"Left out: {'; '.join(left)}." if left else ""
    if page.room is not None:
        note = note[: max(page.note - 1, 0)]
    return "\n\n".join(filter(None, [*page.blocks, note])) + "\n"


def _head(view: RunView, verdict: Verdict) -> str:
    run, figures = view.run, totals(view, view.rollup())
    used = (
        f"tokens in {count(figures.tokens_in)} out {count(figures.tokens_out)}" if figures.tokens_in else ""
    )
    facts = [
        code(run.id), f"{view.count:,} traces", duration(figures.duration_ms), used, cost(figures.cost_usd),
        " ".join(map(code, run.tags)), f"in {code(folder_of(run))}" if folder_of(run) else "",
    ]  # fmt: skip
    title = f"# {code(run.name or run.id)}: {verdict.text()}"
    said = sentence_of(view, verdict, find_errors(view), find_loops(view))
    why = code(said) if said else ""
    return "\n\n".join(filter(None, (title, why, " · ".join(filter(None, facts)))))


# ---- parts -----------------------------------------------------------------------------------------------


def _tell_landing(view: RunView, page: Page, landing: int) -> None:
    """Add the path to a step, the step, and what came just before."""
    path = path_of(view, landing)
    if len(path) > 1:
        lines = "\n".join(line(view, seq, depth) for depth, seq in enumerate(path))
        shown = cut(lines, page.share(0.3))[0]
        if shown and page.add(f"## Path\n\n{fenced(shown)}"):
            page.named.update(path)
    before = just_before(view, landing)
    _tell_each(view, page, "## The step", [landing], 0.6)
    above = view.parents[landing]
    if view.kinds[landing] == ERROR and above >= 0:
        _tell_each(view, page, "## What failed", [above], 0.4)
    _tell_each(view, page, "## Just before, newest first", before.seqs(), 0.4)
    if before.last_good_call >= 0 and before.last_good_call != before.previous_call:
        _tell_each(view, page, "## The last good call of that tool", [before.last_good_call], 0.4)


def _tell_each(view: RunView, page: Page, heading: str, seqs: Sequence[int], part: float) -> None:
    """Add steps in full, those that have no room in a line, until nothing has room."""
    for number, seq in enumerate(seqs):
        above = f"{heading}\n\n" if number == 0 else ""
        room = page.share(part)
        step = told(view, seq, None if room is None else room - weight(above), page.known)
        if step is not None and not step.hollow and page.add(above + step.text):
            page.tell(seq, step, view.ids[seq])
        elif page.add(f"{above}- {code(line(view, seq))}"):
            page.named.add(seq)
        else:
            return


def _tell_outline(view: RunView, page: Page, rows: list[Row], order: Iterable[int]) -> None:
    """Add one line a step, in the order of the tree, and how many are missing between."""
    heading = "## Outline\n\n"
    bounded = Page(page.share(0.5))
    if bounded.room is not None:
        bounded.room -= weight(heading) + 20
    lines = _taken(bounded, order, lambda row: line(view, *rows[row]), _GAP_ROOM)
    text, at = [], 0
    for row in sorted(lines):
        if row > at:
            text.append(_gap(row - at))
        text.append(lines[row])
        at = row + 1
    if at < len(rows):
        text.append(_gap(len(rows) - at))
    if lines and page.add(heading + fenced("\n".join(text))):
        page.named.update(rows[row][0] for row in lines)


def _gap(steps: int) -> str:
    return f"[... {steps:,} step{'s' if steps > 1 else ''} ...]"


def _tell_steps(view: RunView, page: Page, rows: list[Row], order: Iterable[int]) -> None:
    """Add steps in full, in the order of the tree, but for those that stand above already."""
    heading = "## Steps"
    left = [row for row in order if rows[row][0] not in page.in_full]
    if not left or not page.add(heading):
        return
    if not _add_steps(page, [(view, seq) for seq, _ in rows], left):
        page.blocks.pop()


def _add_steps(page: Page, hits: Sequence[Hit], order: Iterable[int]) -> int:
    """Add steps in full, chosen in one order and told in their own; return how many have room."""
    room = page.share(0.5, MAX_STEP)

    def made(number: int) -> str | None:
        view, seq = hits[number]
        step = told(view, seq, room, page.known)
        if step is None or step.hollow or (page.room is not None and weight(step.text) + 2 > page.room):
            return None
        steps[number] = step, view.ids[seq]
        page.know(step, view.ids[seq])
        return step.text

    steps: dict[int, tuple[Told, str]] = {}
    texts = _taken(page, order, made)
    for number in sorted(texts):
        page.blocks.append(texts[number])
        page.tell(hits[number][1], *steps[number])
    return len(texts)


def _taken(
    page: Page, order: Iterable[int], make: Callable[[int], str | None], beside: int = 2
) -> dict[int, str]:
    """Return what fits into the room of a page, first come first served, and take that room."""
    taken: dict[int, str] = {}
    misses = 0
    for number in order:
        text = make(number)
        size = 0 if text is None else weight(text) + beside
        if text is None or (page.room is not None and size > page.room):
            misses += 1
            if misses == MISSES:
                break
            continue
        taken[number] = text
        misses = 0
        if page.room is not None:
            page.room -= size
    return taken


def _by_importance(view: RunView, rows: list[Row], landing: int) -> list[int]:
    """Return rows: failures and what is above the landing, outer steps and decisions, then by nearness."""
    above = set(path_of(view, landing)) if landing >= 0 else set()
    at = next((row for row, (seq, _) in enumerate(rows) if seq == landing), 0)

    def rank(row: int) -> tuple[int, int]:
        seq, depth = rows[row]
        near = at - row if row <= at else 2 * (row - at)
        if seq in above or _is_failed(view, seq):
            return 0, near
        return (1 if depth < 2 or view.kinds[seq] == DECISION else 2), near

    return sorted(range(len(rows)), key=rank)


def _is_failed(view: RunView, seq: int) -> bool:
    return view.kinds[seq] == ERROR or view.statuses[seq] == _FAILED
