"""The errors of a run: which count, which were recovered, and which one ended it.

The words, by docs/glossary.md and the explorer's design:

- *Errors* are Error records; of equal type and message along one chain of ancestors only the innermost counts,
  and of those of one failed step the last.
  A cancelled one is none.
- *Recovered*: said so (``metadata.recovered`` or ``recoverable``), or the enclosing agent or turn (without one the
  root above) ended ok, or, where ends are not recorded, a later model step of the same agent follows.
- *Terminal error*: the last error that was not recovered, by (end, seq).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tracetui.errors import TraceTuiError
from tracetui.model.text import printable
from tracetui.model.trace import CANCELLED, FAILED, OK, STATUS_CODES, decode_body
from tracetui.model.trace_type import CUSTOM, ERROR, TOOL_CALL, Error, ToolCall, TraceType
from tracetui.model.value import Value
from tracetui.storage.backend import NO_TIME, RunView
from tracetui.storage.state.bodies import NOT_OURS

_CANCELLED, _OK, _FAILED = STATUS_CODES[CANCELLED], STATUS_CODES[OK], STATUS_CODES[FAILED]
AGENT, TURN, MODEL = "Agent", "Turn", "LLM"


@dataclass(frozen=True, slots=True)
class ErrorFound:
    """One error that counts. ``seq`` is its trace, ``type`` and ``message`` as recorded."""

    seq: int
    type: str
    message: str
    recovered: bool


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of a run in seq order, and the one that ended it."""

    found: tuple[ErrorFound, ...]
    terminal: ErrorFound | None

    @property
    def recovered(self) -> int:
        """Number of those that were recovered."""
        return sum(error.recovered for error in self.found)


ErrorRecord = tuple[int, str, str, bool]
"""Seq, type, message, and whether it is said to be recovered."""


def find_errors(view: RunView, known: dict[int, ErrorRecord | None] | None = None) -> Errors:
    """Return the errors of a run; cost follows the number of Error records, not of traces.

    ``known`` keeps what was read of them from call to call: whoever keeps it takes out those that were amended.
    """
    known = {} if known is None else known
    seqs = _error_seqs(view)
    news = [seq for seq in seqs if seq not in known]
    known.update(zip(news, _read_all(view, news), strict=True))
    counted = _innermost(view, [read for seq in seqs if (read := known[seq]) is not None])
    agents = _Agents(view)
    found = tuple(
        ErrorFound(seq, kind, message, told or agents.went_on(seq)) for seq, kind, message, told in counted
    )
    open_ones = [error for error in found if not error.recovered]
    terminal = max(open_ones, key=lambda error: (_end(view, error.seq), error.seq), default=None)
    return Errors(found, terminal)


def _error_seqs(view: RunView) -> list[int]:
    """Return the Error records that are not cancelled (a custom trace named "Error" is none)."""
    kinds, statuses = view.kinds, view.statuses
    return [seq for seq in view.by_type("Error") if kinds[seq] == ERROR and statuses[seq] != _CANCELLED]


def _read_all(view: RunView, seqs: Sequence[int]) -> list[ErrorRecord | None]:
    """Read many together, without their heads: in a third of the time; one by one where the disk does not answer."""
    found: list[ErrorRecord | None] = []
    try:
        for seq, packed in zip(seqs, view.packed_bodies(seqs), strict=True):
            found.append(_damaged(seq) if packed is None else _decoded(seq, packed))
    except TraceTuiError:
        found += [_read(view, seq) for seq in seqs[len(found) :]]
    return found


def _decoded(seq: int, packed: tuple[bytes, ...]) -> ErrorRecord | None:
    try:
        return _record(seq, *decode_body(ERROR, packed[0], packed[1:]))
    except (TraceTuiError, *NOT_OURS):
        return _damaged(seq)


def _read(view: RunView, seq: int) -> ErrorRecord | None:
    try:
        trace = view.trace(seq)
        return _record(seq, trace.trace_type, trace.metadata)
    except TraceTuiError:
        return _damaged(seq)


def _damaged(seq: int) -> ErrorRecord:
    return seq, "(damaged)", "", False


def _record(seq: int, kind: TraceType, metadata: Value) -> ErrorRecord | None:
    if not isinstance(kind, Error):
        return None
    told = kind.recoverable or (isinstance(metadata, dict) and bool(metadata.get("recovered")))
    return seq, kind.error_type, kind.message, told


def _end(view: RunView, seq: int) -> int:
    return view.timestamps[seq] if view.ends[seq] == NO_TIME else view.ends[seq]


def _innermost(view: RunView, records: list[ErrorRecord]) -> list[ErrorRecord]:
    """Drop errors that stand above an equal one: the same failure told again further out.

    An error's chain is that of the step it belongs to, since an error record hangs below the step that failed. Of equal
    errors of one failed step, which some recorders tell where they arise and again as they leave it, the last counts.
    """
    if len(records) < 2:
        return records
    equal: dict[tuple[str, str], list[int]] = {}
    for seq, kind, message, _ in records:
        equal.setdefault((kind, message), []).append(seq)
    outer: set[int] = set()
    for seqs in equal.values():
        if len(seqs) > 1:
            told_by: dict[int, list[int]] = {}
            for seq in seqs:
                told_by.setdefault(view.parents[seq], []).append(seq)
            for seq in seqs:
                outer |= _told_above(view, seq, told_by, set(seqs))
            for step, told in told_by.items():
                if step >= 0 and view.statuses[step] == _FAILED and not _goes_on(view, step):
                    outer.update(told[:-1])
    return [record for record in records if record[0] not in outer]


def _goes_on(view: RunView, seq: int) -> bool:
    """Whether a trace is an agent or a turn, which may fail in the same way again."""
    return view.kinds[seq] == CUSTOM and view.type_names[view.types[seq]] in (AGENT, TURN)


def _told_above(view: RunView, seq: int, told_by: dict[int, list[int]], equal: set[int]) -> set[int]:
    """Return the equal errors that stand above, or belong to a step above the one that failed."""
    found: set[int] = set()
    step = view.parents[seq]
    node = step
    while node >= 0:
        if node in equal:
            found.add(node)
        if node != step:
            found.update(told_by.get(node, ()))
        node = view.parents[node]
    return found


class _Agents:
    """Which agent or turn encloses a trace, how it ended, and when its model spoke last."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._agent_names = {AGENT, TURN}
        self._models = view.by_type(MODEL)
        self._unseen = len(self._models)
        self._last_model: dict[int, int] = {}

    def went_on(self, seq: int) -> bool:
        """Whether the enclosing agent or turn ended ok, or a later model step of the same agent follows.

        Where no agent or turn encloses it, the root above is what the run as a whole was.
        """
        view = self._view
        holder = self.enclosing(seq)
        if holder < 0 and view.parents[seq] >= 0:
            holder = self._root(seq)
        if holder >= 0 and view.ends[holder] != NO_TIME:
            return view.statuses[holder] == _OK
        return self._model_after(self.agent_of(seq), seq)

    def enclosing(self, seq: int) -> int:
        """Return the nearest agent or turn above a trace, −1 if there is none."""
        return self._nearest(seq, self._agent_names)

    def agent_of(self, seq: int) -> int:
        """Return the nearest agent above a trace, −1 for the run itself."""
        return self._nearest(seq, {AGENT})

    def _root(self, seq: int) -> int:
        node = seq
        while (parent := self._view.parents[node]) >= 0:
            node = parent
        return node

    def _nearest(self, seq: int, names: set[str]) -> int:
        view = self._view
        node = view.parents[seq]
        while node >= 0:
            if view.kinds[node] == CUSTOM and view.type_names[view.types[node]] in names:
                return node
            node = view.parents[node]
        return -1

    def _model_after(self, agent: int, seq: int) -> bool:
        """Whether a model step of an agent comes after a trace; looks at steps from the last one back, each once."""
        while agent not in self._last_model and self._unseen and self._models[self._unseen - 1] > seq:
            self._unseen -= 1
            model = self._models[self._unseen]
            self._last_model.setdefault(self.agent_of(model), model)
        return self._last_model.get(agent, -1) > seq


def left_behind(view: RunView, seqs: Sequence[int]) -> set[int]:
    """Return those of some traces after which, in time, a model step of the same agent begins."""
    if not seqs:
        return set()
    agents = _Agents(view)
    last: dict[int, int] = {}
    for model in view.by_type(MODEL):
        agent = agents.agent_of(model)
        last[agent] = max(last.get(agent, NO_TIME), view.timestamps[model])
    return {seq for seq in seqs if last.get(agents.agent_of(seq), NO_TIME) > view.timestamps[seq]}


# ---- signatures ------------------------------------------------------------------------------------------

_NOISE = (
    (re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07"), ""),
    (re.compile(r"<[^<>]{0,80}>"), ""),
    (re.compile(r"\"[^\"]{0,200}\"|'[^']{0,200}'|`[^`]{0,200}`"), "…"),
    (re.compile(r"(?:[\w.~-]*/)+(?=[\w.-])"), ""),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*\b"), "#"),
    (re.compile(r"\d+"), "#"),
    (re.compile(r"\s+"), " "),
)
_LETTER = re.compile(r"[^\W\d_]")
SIGNATURE_LENGTH = 200


def signature(view: RunView, seq: int) -> str:
    """Return an error with everything volatile taken out: type, tool, first three lines with letters.

    Equal signatures in two runs are the same failure. At most 200 characters.
    """
    read = _read(view, seq)
    if read is None:
        return ""
    _, kind, message, _ = read
    return signature_of(kind, message, _tool_above(view, seq))


def signature_of(error_type: str, message: str, tool: str = "") -> str:
    r"""Return the signature of an error type, message and tool.

    >>> signature_of("ToolError", "\x1b[31mline 12 of /a/b/c.py\n---\nat 0x7f: 'x'", "bash")
    'ToolError bash line # of c.py | at #: …'
    """
    lines = [line for line in message[:20_000].splitlines() if _LETTER.search(line)][:3]
    text = " | ".join(lines)
    for pattern, replacement in _NOISE:
        text = pattern.sub(replacement, text)
    return printable(" ".join(filter(None, (error_type, tool, text.strip()))))[:SIGNATURE_LENGTH]


def _tool_above(view: RunView, seq: int) -> str:
    parent = view.parents[seq]
    if parent < 0 or view.kinds[parent] != TOOL_CALL:
        return ""
    try:
        kind = view.trace(parent).trace_type
    except TraceTuiError:
        return ""
    return kind.tool_name if isinstance(kind, ToolCall) else ""
