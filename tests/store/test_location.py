from __future__ import annotations

from pathlib import Path

import pytest

from tracetui.store.location import find_location, user_cache_folder, user_data_folder


def test_what_was_said_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Option, then $TRACETUI_STORE."""
    monkeypatch.setenv("TRACETUI_STORE", "/env")
    assert find_location("/given") == "/given"
    assert find_location() == "/env"


def test_the_nearest_folder_upwards_is_found(tmp_path: Path) -> None:
    """As git finds its own; without one it is the user's data folder."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_location(start=inner) == str(user_data_folder() / "store")
    (tmp_path / ".tracetui").mkdir()
    assert find_location(start=inner) == str(tmp_path / ".tracetui")
    (tmp_path / "a" / ".tracetui").mkdir()
    assert find_location(start=inner) == str(tmp_path / "a" / ".tracetui")


def test_caches_lie_apart_from_data() -> None:
    """What can be made anew is not in the folder of what cannot."""
    assert user_cache_folder().name == "tracetui"
    assert user_data_folder().name == "tracetui"
