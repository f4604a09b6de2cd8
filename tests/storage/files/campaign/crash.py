"""What a disk may hold after a power cut: media made from a trace of system calls, cut anywhere.

What was synced before the cut is there. Of the rest anything may be missing, in any order: each write whole,
not at all, or some of its 512-byte sectors; each change of a length; each change of a name, unless the file
system keeps their order. A file that grew without its bytes shows zeros. Files keep number and time: what lost
bytes may look as it did. A failed sync leaves what it was to
save unsure for ever, however often a later one succeeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import dirname
from random import Random

from tests.storage.files.campaign.medium import PLACE, File, Medium, Op

SECTOR = 512


class _Content:
    """A file on its way to the medium: bytes that are sure, and what was done to them since."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.changed_ns = 1
        self.unsure: list[tuple[Op, bool]] = []
        """What is not folded in yet, each with whether it is sure."""

    def sync(self) -> None:
        """Make all sure that no failed sync has touched."""
        lost = [op for op, is_sure in self.unsure if not is_sure and op.note == "lost"]
        if lost:
            self.unsure = [(op, is_sure or op.note != "lost") for op, is_sure in self.unsure]
        else:
            for op, _ in self.unsure:
                _apply(self.data, op)
            self.unsure = []

    def lose(self) -> None:
        """Leave all that is not sure yet unsure for ever."""
        self.unsure = [(op if is_sure else op._replace(note="lost"), is_sure) for op, is_sure in self.unsure]

    def settled(self, chance: Random, mode: str) -> bytes:
        """Return what the medium may hold of it."""
        data = bytearray(self.data)
        for op, is_sure in self.unsure:
            if is_sure or mode == "all":
                _apply(data, op)
            elif mode != "none":
                _apply_some(data, op, chance, mode)
        return bytes(data)


def _apply(data: bytearray, op: Op) -> None:
    if op.kind == "size":
        del data[op.offset :]
        data.extend(bytes(op.offset - len(data)))
    else:
        data.extend(bytes(max(op.offset - len(data), 0)))
        data[op.offset : op.offset + len(op.data)] = op.data


def _apply_some(data: bytearray, op: Op, chance: Random, mode: str) -> None:
    """Let a change come through whole, not at all, or in sectors."""
    kept = chance.random()
    if kept < 0.35 and mode != "sectors":
        return
    if kept < 0.7 and mode != "sectors":
        _apply(data, op)
    elif op.kind == "write":
        for start, piece in sectors(op):
            if chance.random() < 0.6:
                _apply(data, Op("write", None, start, piece))
        if chance.random() < 0.5:
            data.extend(bytes(max(op.offset + len(op.data) - len(data), 0)))
    elif chance.random() < 0.5:
        _apply(data, op)


def sectors(op: Op) -> list[tuple[int, bytes]]:
    """Return a write as the pieces that reach the medium one by one."""
    end = op.offset + len(op.data)
    starts = [op.offset, *range(op.offset - op.offset % SECTOR + SECTOR, end, SECTOR)]
    return [
        (start, op.data[start - op.offset : stop - op.offset])
        for start, stop in zip(starts, [*starts[1:], end], strict=True)
    ]


class Crash:
    """The part of a trace before a cut, sorted into what is sure and what is not."""

    def __init__(self, trace: Sequence[Op]) -> None:
        self._contents: dict[File, _Content] = {}
        self._names: dict[str, File] = {}
        self._folders = {"/", PLACE}
        self._unsure: list[Op] = []
        for op in trace:
            self._take(op)
        self.is_unsure = bool(self._unsure) or any(content.unsure for content in self._contents.values())
        """Whether there is anything that can go missing."""

    def _take(self, op: Op) -> None:
        if op.file is not None:
            content = self._contents.setdefault(op.file, _Content())
            if op.kind == "sync":
                content.sync()
            elif op.kind == "lost sync":
                content.lose()
            else:
                content.unsure.append((op, False))
                content.changed_ns = op.time
        elif op.kind in ("names", "folder"):
            self._unsure.append(op)
        elif op.kind == "sync folder":
            for one in self._unsure:
                if op.note in _folders_of(one):
                    _rename(self._names, self._folders, one)
            self._unsure = [one for one in self._unsure if op.note not in _folders_of(one)]

    def state(self, chance: Random) -> Medium:
        """Return one of the media that the cut may have left."""
        names, folders = dict(self._names), set(self._folders)
        for op in self._surviving(chance):
            _rename(names, folders, op)
        mode = chance.choice(["none", "all", "some", "some", "sectors", "sectors"])
        medium, files = Medium(), dict[File, File]()
        medium.boot = "the next"
        medium.folders = {folder for folder in folders if _is_reachable(folder, folders)}
        for path, file in names.items():
            if dirname(path) in medium.folders:
                if file not in files:
                    content = self._contents.get(file)
                    data = b"" if content is None else content.settled(chance, mode)
                    time = 1 if content is None else content.changed_ns
                    files[file] = medium.kept_file(file.number, time, data)
                medium.rename((path, files[file]))
        return medium

    def _surviving(self, chance: Random) -> list[Op]:
        """Return the changes of names that came through: those before one, or any."""
        if chance.random() < 0.5:
            return self._unsure[: chance.randint(0, len(self._unsure))]
        return [op for op in self._unsure if chance.random() < 0.5]


def _folders_of(op: Op) -> set[str]:
    return {dirname(op.note)} if op.kind == "folder" else {dirname(path) for path, _ in op.names}


def _rename(names: dict[str, File], folders: set[str], op: Op) -> None:
    if op.kind == "folder":
        folders.add(op.note)
    for path, file in op.names:
        names.pop(path, None)
        if file is not None:
            names[path] = file


def _is_reachable(folder: str, folders: set[str]) -> bool:
    while folder in folders and folder != "/":
        folder = dirname(folder)
    return folder == "/"
