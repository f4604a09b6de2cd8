"""The folder of a store: where its files lie, and ``store.json``, which says that it is one and of which format."""

from __future__ import annotations

import contextlib
import os

from tracetui.errors import CorruptionError, FormatVersionError, UnreachableError
from tracetui.storage.files.atomic import create_file
from tracetui.storage.files.fs import Disk
from tracetui.storage.files.names import LOG_SUFFIX, file_name

STORE_FORMAT = 1
"""A store of a newer format is refused."""
_BEGINNING, _END = b'{"format": %d, "store_id": "' % STORE_FORMAT, b'"}'


class StoreFolder:
    """A folder that is, or will be, a store. It is made when something is first written.

    :raises UnreachableError: if it cannot be looked at, or is a file.
    :raises CorruptionError: if it does not say which format it has.
    :raises FormatVersionError: if that is newer than this tracetui.
    """

    def __init__(self, disk: Disk, location: str) -> None:
        self.location = location
        self.runs = os.path.join(location, "runs")  # noqa: PTH118 - plain strings throughout
        self._disk = disk
        self._path = os.path.join(location, "store.json")  # noqa: PTH118
        self._is_made = False
        self._check()

    def log_path(self, run_id: str) -> str:
        """Return where the log of a run lies."""
        return os.path.join(self.runs, file_name(run_id) + LOG_SUFFIX)  # noqa: PTH118

    def _check(self) -> None:
        try:
            content = self._disk.read_file(self._path)
        except (FileNotFoundError, NotADirectoryError):
            if self._disk.exists(self.location) and not self._disk.is_folder(self.location):
                raise UnreachableError(self.location, "it is a file, not the folder of a store") from None
            return
        except OSError as problem:
            raise UnreachableError(self.location, problem.strerror or str(problem)) from problem
        if _is_as_written(content):  # without json, which takes a short command's time
            self._is_made = True
            return
        try:
            import json

            found = int(json.loads(content)["format"])
        except (ValueError, KeyError, TypeError):
            raise CorruptionError(self._path, 0, "it does not say which format the store has") from None
        if found > STORE_FORMAT:
            raise FormatVersionError(self._path, found, STORE_FORMAT)
        self._is_made = True

    def make(self) -> None:
        """Make the folder, durably; nothing happens if that was done.

        :raises OSError: if the system cannot.
        """
        if self._is_made:
            return
        disk = self._disk
        for folder in (self.location, self.runs):
            disk.make_folder(folder)
            disk.sync_folder(os.path.dirname(os.path.abspath(folder)))  # noqa: PTH100, PTH120
        if not disk.exists(self._path):
            content = _BEGINNING + os.urandom(16).hex().encode() + _END
            with contextlib.suppress(FileExistsError):
                create_file(disk, self._path, content)
        self._is_made = True


def _is_as_written(content: bytes) -> bool:
    """Whether this is what ``make`` writes: a store of this format."""
    own = content[len(_BEGINNING) : -len(_END)]
    return len(own) == 32 and own.isalnum() and content == _BEGINNING + own + _END
