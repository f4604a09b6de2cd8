"""What was committed to a run, change by change, and the notes on its traces: as values for those who follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracetui.errors import CorruptionError
from tracetui.model.change import Annotation, Change
from tracetui.model.trace import STATUS_NAMES
from tracetui.storage.decide import ANNOTATION, CHANGE_NAMES, COMPLETION, RUN, TRACE
from tracetui.storage.state.bodies import pair_of

if TYPE_CHECKING:
    from tracetui.storage.state.tail import Tail


def changes(tail: Tail, after_rev: int, limit: int | None) -> list[Change]:
    """Return the changes after a rev, in rev order. The caller holds the run's lock."""
    log = tail.log
    start = log.gaps.row_after(max(after_rev + 1, 0))
    end = len(log) if limit is None else min(len(log), start + limit)
    return [_change(tail, row) for row in range(start, end)]


def _change(tail: Tail, row: int) -> Change:
    log = tail.log
    code, seq, item = log.codes[row], log.rows[row], log.items[row]
    value: Any
    if code == TRACE:
        value = tail.trace(seq)
    elif code == ANNOTATION:
        value = annotation(tail, item)
    elif code == RUN:
        value = {key: given for key, given in log.run_changes[item].items() if key != "owner"}
    else:
        value = _addition(tail, code, seq, item)
    number = tail.seq_gaps.number(seq) if seq >= 0 else -1
    trace_id = None if seq < 0 else tail.ids[seq]
    return Change(log.gaps.number(row), CHANGE_NAMES[code], trace_id, value, number)


def annotation(tail: Tail, number: int) -> Annotation:
    """Return a note; one whose body is damaged says so, and does not keep others from being read."""
    seq, annotation_id, timestamp, ref = tail.log.notes[number]
    try:
        note, fields = pair_of(tail.bodies, ref)
    except CorruptionError:
        return Annotation(annotation_id, tail.ids[seq], "", {}, timestamp, damaged=True)
    return Annotation(annotation_id, tail.ids[seq], note, fields, timestamp)


def _addition(tail: Tail, code: int, seq: int, number: int) -> dict[str, object]:
    """Return what a completion or amendment brought; a trace is completed once, so its columns say how."""
    value: dict[str, object] = {"tags": list(tail.additions.tags(number))}
    late: object = {}
    try:
        late, value["metadata"] = pair_of(tail.bodies, tail.additions.ref(number))
    except CorruptionError:
        value |= {"metadata": None, "damaged": True}
    if code == COMPLETION:
        ended = {"status": STATUS_NAMES[tail.statuses[seq]], "end_ms": tail.ends[seq], "late_fields": late}
        value = {**ended, **value}
    return value
