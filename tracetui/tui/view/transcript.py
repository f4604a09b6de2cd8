"""The transcript of a run: its entries in the order of the tree, laid out as they come into view.

An *entry* is what one trace says: a model step with what was new in its context and what it answered, a call with
its result, a turn, a thought, a decision, an error, an agent that begins. Traces that say nothing to a reader
(logs, snapshots) are none. Each has a *level*: 0 its first line alone, 1 the beginning of long texts, 2 all of it.

Only entries that were looked at are read and measured; the others have an estimated height, so that a run of a
million traces costs its list of entries, and a look the entries on the screen. A *line* is one of the laid out whole.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Sequence

from tracetui.model.trace_type import CUSTOM
from tracetui.tui.view.heights import Heights
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.transcript_text import Entry, entry_of

TELLING = frozenset({"LLM", "Agent", "Turn", "Message", "Step", "Task", "Chain"})
"""Names of the custom traces that are entries."""
STEPS = frozenset({"LLM", "Turn"})
"""Names of those that ``step`` goes to."""
KEPT = 400
"""Entries that are kept laid out."""
CLOSED, BEGINNING, ALL = 0, 1, 2


class Transcript:
    """Entries of one run, and how they are laid out at a width."""

    def __init__(self, model: RunModel, *, ascii_only: bool = False) -> None:
        self.model = model
        self.ascii_only = ascii_only
        self.width = 80
        self.seqs: array[int] = array("i")
        self.base_level = BEGINNING
        self._levels: dict[int, int] = {}
        self._laid: OrderedDict[int, Entry] = OrderedDict()
        self._numbers: dict[int, int] = {}
        self._known: tuple[object, ...] = ()
        self.heights = Heights(0)
        self.sync()

    # ---- which entries there are -------------------------------------------------------------------------

    def sync(self) -> bool:
        """Take in news, another filter, another zoom; return whether the entries may be others."""
        model = self.model
        known = (
            model.view.rev, model.moments and model.moments.at, model.tree.root,
            model.filter.text, model.is_filtered, len(model.filter.matches),
        )  # fmt: skip
        if known == self._known:
            return False
        self._known = known
        self._laid.clear()
        seqs, before = array("i", self._entries()), self.seqs
        if seqs[: len(before)] == before:
            self.heights.extend(len(seqs) - len(before))
            self.heights.forget()
        else:
            self.heights = Heights(len(seqs))
        if seqs != before:
            self.seqs, self._numbers = seqs, {}
        return True

    def _entries(self) -> Sequence[int]:
        view, root = self.model.view, self.model.tree.root
        wanted = [name in TELLING for name in view.type_names]
        kinds, types, count = view.kinds, view.types, view.count
        found = [
            seq
            for seq in self.model.columns.forest(root).seqs
            if seq < count and (kinds[seq] != CUSTOM or wanted[types[seq]])
        ]
        if self.model.is_filtered:
            matches = self.model.filter.matches
            found = [seq for seq in found if seq in matches]
        moments = self.model.moments
        return found if moments is None else moments.there(found)

    def number_of(self, seq: int) -> int:
        """Return the entry of a trace, of its nearest ancestor that is one, or of the next trace; −1 in an empty list."""
        if len(self._numbers) != len(self.seqs):
            self._numbers = {each: number for number, each in enumerate(self.seqs)}
        node = seq
        while node >= 0:
            if node in self._numbers:
                return self._numbers[node]
            node = self.model.view.parents[node]
        later = [each for each in self.seqs if each > seq]
        return self._numbers[later[0]] if later else len(self.seqs) - 1

    def step_from(self, number: int, by: int) -> int:
        """Return the next (1) or previous (−1) model step or turn, the entry itself if there is none."""
        view = self.model.view
        at = number + by
        while 0 <= at < len(self.seqs):
            seq = self.seqs[at]
            if view.kinds[seq] == CUSTOM and view.type_names[view.types[seq]] in STEPS:
                return at
            at += by
        return number

    # ---- layout ------------------------------------------------------------------------------------------

    def set_width(self, width: int) -> bool:
        """Lay out for another width; return whether it is another."""
        if width == self.width:
            return False
        self.width = width
        self._laid.clear()
        self.heights.forget()
        return True

    def measure(self, number: int) -> None:
        """Lay out an entry, if its height is not known."""
        if not self.heights.is_measured(number):
            self.heights.set(number, len(self.entry(number)))

    def entry(self, number: int) -> Entry:
        """Return an entry laid out."""
        seq = self.seqs[number]
        found = self._laid.get(seq)
        if found is None:
            found = self._laid[seq] = entry_of(self.model, seq, self.level(seq), self.width)
            if len(self._laid) > KEPT:
                self._laid.popitem(last=False)
        else:
            self._laid.move_to_end(seq)
        return found

    def __len__(self) -> int:
        return len(self.heights)

    def pieces(self, line: int) -> list[tuple[str, str]]:
        """Return what a line says; nothing for a line of an entry that turns out to be shorter."""
        number, offset = self.heights.locate(line)
        entry = self.entry(number)
        return entry.pieces(offset) if offset < len(entry) else []

    def seq_at(self, line: int) -> int:
        """Return the trace of a line, −1 if there is none."""
        return self.seqs[self.heights.locate(line)[0]] if len(self.seqs) else -1

    # ---- levels ------------------------------------------------------------------------------------------

    def level(self, seq: int) -> int:
        """Return how much of an entry is shown."""
        return self._levels.get(seq, self.base_level)

    def set_level(self, number: int, level: int) -> bool:
        """Show more or less of an entry; return whether that changed anything."""
        seq = self.seqs[number]
        level = min(max(level, CLOSED), ALL)
        if level == self.level(seq):
            return False
        before = len(self.entry(number))
        self._levels[seq] = level
        self._laid.pop(seq, None)
        self.heights.set(number, len(self.entry(number)))
        return len(self.entry(number)) != before

    def toggle(self, number: int) -> bool:
        """Show all of an entry that is shown in part, else its first line alone, else its beginning again."""
        level = self.level(self.seqs[number])
        if level == BEGINNING and self.entry(number).has_more:
            return self.set_level(number, ALL)
        return self.set_level(number, BEGINNING if level != BEGINNING else CLOSED)

    def set_all(self, *, folded: bool) -> None:
        """Show first lines alone, or the beginning of everything; asked again, all of everything."""
        if folded:
            self.base_level = CLOSED
        else:
            self.base_level = BEGINNING if self.base_level == CLOSED else ALL
        self._levels.clear()
        self._laid.clear()
        self.heights = Heights(len(self.seqs))
