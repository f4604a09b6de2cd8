"""From the frames of a log to the state of its run: how far a log is known, and what is wrong with it.

Reads and changes nothing on the disk. It stops at the first frame that is not whole and looks again later; damage
that has good frames behind it is noted and stepped over. Who calls holds the lock under which the state changes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from tracetui.errors import CorruptionError, FormatVersionError
from tracetui.model.run import Damage
from tracetui.storage.decide import RUN, TRACE
from tracetui.storage.files.applying import Waiting, apply_later, apply_many, apply_trace
from tracetui.storage.files.frame import (
    CODEC,
    GAP,
    HEADER_SIZE,
    KNOWN_FLAGS,
    MIXED,
    OPTIONAL_CODE,
    STORE_TIME,
    VERSION,
    BadFrameError,
    Frame,
    body_of,
)
from tracetui.storage.files.index import Covered
from tracetui.storage.files.log import GoneError, LogFile
from tracetui.storage.garbage import uncollected
from tracetui.storage.state.bodies import NOT_OURS
from tracetui.storage.state.tail import Tail

TORN_AFTER_SECONDS = 0.25
"""Bytes at the end count as torn for a reader if the file did not change for so long."""
SETTLED_SECONDS = 1.0
"""A file that did not change for so long is told by size and time from one that did."""
APPLIED_AT_ONCE = 4096
LATE_TRACES = 2048
"""So many traces wait at most until they are put where they are read: a moment's pause, once in so many."""
TORN = "torn tail"
"""The reason that damage at the very end has: an unfinished last write."""


MANY_BYTES = 1 << 20
"""A stretch of a log that is long enough to be read without collections of garbage in between."""


_WAITING = [str, int, int, int]


class Replay:
    """A log, the state that its frames led to, and where the next frame is awaited."""

    def __init__(self, log: LogFile, tail: Tail, covered: Covered, *, strict: bool) -> None:
        self.log = log
        self.tail = tail
        self.end = covered.end
        self.last_frame = covered.last_frame
        self.is_whole = True
        """False while the state changes: an exception in between (Ctrl-C, say) leaves it half changed."""
        self.late = Waiting()
        """Traces that no column has yet: those of this process's own commits, and what others wrote in between."""
        self.holes: list[Damage] = []
        self._strict = strict
        self._unread: tuple[int, int, int] | None = None
        self._stepped = False
        for damage in log.damage:
            self._note_hole(damage)

    def check_whole(self, status: os.stat_result) -> None:
        """Refuse to go on with a half changed state, or a log that was cut.

        :raises GoneError: then.
        """
        if not self.is_whole or status.st_size < self.end:
            raise GoneError(self.log.path)

    def scan_to_write(self, status: os.stat_result) -> None:
        """Take in what others wrote, as far as a writer must know it; bytes that led nowhere are looked at again.

        Nearly all of it is traces alone: they are put aside, as this process's own are.
        """
        if not self.tail.seq_gaps:
            self._put_others_aside(status.st_size)
        if self.end < status.st_size:
            self.absorb()
            self.scan(status, again=True)

    def _put_others_aside(self, size: int) -> None:
        """Go behind whole frames of traces alone, up to the first that is not plainly one; see ``put_aside``."""
        tail, found = self.tail, Waiting()
        row, seq, rev = tail.next_numbers()
        for frame in self.log.frames(self.end, size):
            if frame.flags or frame.base_seq != seq or frame.base_rev != rev:
                break
            if (frame.end == size and not self._holds(frame)) or not _may_wait(frame):
                break
            found.add(frame)
            seq += frame.count
            rev += frame.count
            if len(found.heads) >= LATE_TRACES:
                break
        if found.end:
            self.is_whole = False
            set_at = [head[4] for head in found.heads if head[5] & STORE_TIME]
            tail.expect(found.heads, row, set_at[-1] if set_at else None)
            late = self.late
            late.heads += found.heads
            late.offsets += found.offsets
            late.end, late.last_frame = self.end, self.last_frame = found.end, found.last_frame
            self.is_whole = True
            if tail.late >= LATE_TRACES:
                self.absorb()

    def scan(self, status: os.stat_result, *, again: bool = False) -> None:
        """Apply the whole frames; step over damage that has good frames behind it.

        With ``again`` bytes that led nowhere before are looked at once more.
        """
        size = status.st_size
        looked_at = (self.end, size, status.st_mtime_ns)
        if looked_at == self._unread and not again:
            return
        while self.end < size:
            with uncollected() if size - self.end > MANY_BYTES else nullcontext():
                self._take_all(size)
            if self.end >= size or self._step_over(size):
                continue
            if time.time() - status.st_mtime >= SETTLED_SECONDS:
                self._unread = (self.end, size, status.st_mtime_ns)
            return

    def advance(self, start: int, size: int) -> None:
        """Go behind a frame that this process wrote itself and whose commit it applied."""
        self.end, self.last_frame = start + size, start

    def put_aside(
        self, heads: Sequence[Sequence[Any]], bodies: int, size: int, row: int, set_ms: int | None
    ) -> None:
        """Go behind a frame of traces alone: they wait for who looks at them, and are known by id till then.

        ``bodies`` is where in the frame they begin, ``size`` its length, ``row`` that of the first trace, and
        ``set_ms`` the last time that the store set itself.
        """
        self.is_whole = False
        self.tail.expect(heads, row, set_ms)
        start, late = self.end, self.late
        at, offsets = start + bodies, late.offsets
        for head in heads:
            offsets.append(at)
            at += head[12]
        late.heads += heads
        late.last_frame = self.last_frame = start
        late.end = self.end = start + size
        self.is_whole = True

    def absorb(self) -> None:
        """Put what waits where it is read."""
        if self.tail.late:
            late, self.late = self.late, Waiting()
            self._apply_waiting(late)

    # ---- frames ------------------------------------------------------------------------------------------

    def _take_all(self, size: int) -> None:
        """Apply frames until one does not hold; those of traces alone, thousands at a time.

        The last one is looked at more closely, and alone.
        """
        tail = self.tail
        waiting = Waiting()
        is_dense = not tail.seq_gaps
        seq, rev = tail.next_seq, tail.rev
        for frame in self.log.frames(self.end, size):
            if (
                is_dense
                and not frame.flags & ~CODEC
                and (frame.base_seq, frame.base_rev) == (seq, rev)
                and frame.end < size
            ):
                self._wait(waiting, frame)
                seq += frame.count
                rev += frame.count
                if len(waiting.heads) < APPLIED_AT_ONCE:
                    continue
                self._apply_waiting(waiting)
                waiting = Waiting()
                continue
            self._apply_waiting(waiting)
            waiting = Waiting()
            if not self._take(frame, size):
                return
            is_dense = not tail.seq_gaps
            seq, rev = tail.next_seq, tail.rev
        self._apply_waiting(waiting)

    def _wait(self, waiting: Waiting, frame: Frame) -> None:
        try:
            waiting.add(frame)
        except (*NOT_OURS, BadFrameError) as problem:
            raise self._not_ours(frame, problem) from None

    def _apply_waiting(self, waiting: Waiting) -> None:
        if not waiting.end:
            return
        self.is_whole = False
        try:
            with self.tail.lock:
                apply_many(self.tail, waiting)
        except (*NOT_OURS, BadFrameError) as problem:
            raise CorruptionError(
                self.log.path, self.end, f"frames that no tracetui wrote: {problem}"
            ) from None
        self.end, self.last_frame = waiting.end, waiting.last_frame
        self.is_whole = True

    def _take(self, frame: Frame, size: int) -> bool:
        """Apply a frame, unless it is the last one and not whole."""
        tail = self.tail
        if frame.base_seq < tail.next_seq or frame.base_rev < tail.rev:
            return False
        self._check_known(
            frame
        )  # first: what its flags mean for its bodies may be unknown, and it is never torn then
        if frame.end == size and not self._holds(frame):
            return False
        self.is_whole = False
        with tail.lock:
            if frame.base_seq > tail.next_seq or frame.base_rev > tail.rev:
                self._skip(frame)
            self._apply(frame)
        self.end, self.last_frame = frame.end, frame.offset
        self.is_whole = True
        return True

    def _check_known(self, frame: Frame) -> None:
        """Refuse a frame of a later format, before anything of it is applied."""
        known = not frame.flags & ~KNOWN_FLAGS
        if known and frame.flags & MIXED:
            known = all(code <= RUN or code >= OPTIONAL_CODE for code in self._codes(frame))
        if not known:
            raise FormatVersionError(self.log.path, VERSION + 1, VERSION)

    def _codes(self, frame: Frame) -> list[int]:
        try:
            return [int(code) for code, _ in frame.coded()]
        except (*NOT_OURS, BadFrameError) as problem:
            raise self._not_ours(frame, problem) from None

    def _not_ours(self, frame: Frame, problem: Exception) -> CorruptionError:
        return CorruptionError(self.log.path, frame.offset, f"a frame that no tracetui wrote: {problem}")

    def _holds(self, frame: Frame) -> bool:
        try:
            return self.log.is_whole(frame)
        except BadFrameError:
            return False

    def _apply(self, frame: Frame) -> None:
        offset = frame.first_body
        try:
            for code, head in frame.coded():
                size, crc = body_of(head)
                self._apply_change(code, head, (offset, size, crc))
                offset += size
        except (*NOT_OURS, BadFrameError) as problem:
            raise self._not_ours(frame, problem) from None

    def _apply_change(self, code: int, head: list[object], ref: tuple[int, int, int]) -> None:
        tail = self.tail
        if code == TRACE:
            apply_trace(tail, head, ref)
        elif code == RUN:
            (values, _, _) = head
            assert isinstance(values, dict)  # noqa: S101 - the checksum held
            if not tail.record.run_id:
                tail.record.run_id = str(values.pop("id", ""))
            tail.change_run(values)
        elif code >= OPTIONAL_CODE:
            tail.skip_change()
        else:
            apply_later(tail, code, head, ref)

    # ---- damage ------------------------------------------------------------------------------------------

    def _skip(self, frame: Frame) -> None:
        lost = frame.base_rev - self.tail.rev
        stepped, self._stepped = self._stepped, False
        if not stepped and not frame.flags & GAP:
            reason = f"{lost} changes are missing before this place"
            self.holes.append(Damage(self.log.path, frame.offset, 0, reason))
        self.tail.skip_to(frame.base_seq, frame.base_rev)

    def _step_over(self, size: int) -> bool:
        """Go to the next whole frame behind damage; False if there is none."""
        tail = self.tail
        found = self.log.find(self.end + 1, size, tail.next_seq, tail.rev)
        if found is None or found.end > size or (found.end == size and not self._holds(found)):
            return False
        reason = self.log.what_is_wrong(self.end)
        self._note_hole(Damage(self.log.path, self.end, found.offset - self.end, reason))
        self.end = found.offset
        self._stepped = True
        return True

    def _note_hole(self, damage: Damage) -> None:
        if self._strict:
            raise CorruptionError(self.log.path, damage.offset, damage.reason)
        self.holes.append(damage)

    def do_without_record(self, run_id: str) -> None:
        """Read a run whose own record, the first frame, is damaged: name and metadata are lost.

        :raises CorruptionError: if there is nothing else either.
        """
        if not self.tail.rev:
            raise CorruptionError(self.log.path, HEADER_SIZE, "the log does not begin with its run")
        self.tail.record.run_id = run_id
        self.tail.record.created_ms = self.log.header.created_ms

    def note_damage(self, status: os.stat_result) -> None:
        """Let the run say what is wrong with its log."""
        self.tail.record.damage = (*self.holes, *self.torn(status))

    def torn(self, status: os.stat_result, *, surely: bool = False) -> list[Damage]:
        """Return the torn tail as damage, if the file has one and nobody is writing it just now."""
        length = status.st_size - self.end
        if length <= 0 or not (surely or time.time() - status.st_mtime >= TORN_AFTER_SECONDS):
            return []
        return [Damage(self.log.path, self.end, length, TORN)]


def _may_wait(frame: Frame) -> bool:
    """Whether traces can be known by id and body alone for now; what else they say is looked at when it is applied."""
    try:
        heads = frame.rows()
    except BadFrameError:
        return False
    return all(
        type(head) is list and len(head) == 14 and [type(head[at]) for at in (0, 4, 5, 12)] == _WAITING
        for head in heads
    )
