"""Finding the store: what was said, the environment, the nearest folder upwards, or the user's."""

from __future__ import annotations

import os
from pathlib import Path

STORE_VARIABLE = "TRACETUI_STORE"
FOLDER = ".tracetui"


def find_location(given: str | None = None, *, start: Path | None = None) -> str:
    """Return the path or URL of the store to use; it need not exist yet.

    ``given`` wins, then ``$TRACETUI_STORE``, then the nearest ``.tracetui`` folder from ``start`` (the
    working folder) upwards, then the user's data folder.
    """
    if said := given or os.environ.get(STORE_VARIABLE):
        return said
    for folder in _upwards(start):
        if os.path.isdir(folder / FOLDER):  # noqa: PTH112 - Path raises where it may not look
            return str(folder / FOLDER)
    return str(user_data_folder() / "store")


def _upwards(start: Path | None) -> tuple[Path, ...]:
    """Return the folder and those above it; nothing if the working folder is gone."""
    try:
        here = (start or Path.cwd()).resolve()
    except OSError:
        return ()
    return here, *here.parents


def user_data_folder() -> Path:
    """Return the folder for what the user would miss: the default store, notes, view state."""
    from platformdirs import user_data_path

    return user_data_path("tracetui", appauthor=False)


def user_cache_folder() -> Path:
    """Return the folder for what can be made anew: the caches of opened files."""
    from platformdirs import user_cache_path

    return user_cache_path("tracetui", appauthor=False)
