"""The sample runs that ship with the package: found, and opened as a copy that may be changed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracetui.errors import UnreachableError
from tracetui.store.database import Database, open_backend

_PACKAGED = Path(__file__).parent / "_sample_runs" / "store"
_CHECKED_OUT = Path(__file__).parent.parent / "sample_runs" / "store"


def samples_folder() -> Path:
    """Return the folder of the sample runs: in the package, or beside it in a checkout.

    :raises UnreachableError: if neither is there.
    """
    for folder in (_PACKAGED, _CHECKED_OUT):
        if folder.is_dir():
            return folder
    raise UnreachableError(str(_PACKAGED), "the sample runs are not installed; reinstall tracetui")


@contextmanager
def copied_samples() -> Iterator[Database]:
    """Open a passing copy of the sample runs: what is changed in it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tracetui-demo-") as folder:
        copy = Path(folder) / "samples"
        shutil.copytree(samples_folder(), copy)
        with Database(open_backend(str(copy)), owning=False) as db:
            yield db
