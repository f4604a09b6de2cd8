"""Make the pictures of the documents from the real program on the sample runs: ``python docs/make_pictures.py``."""

from __future__ import annotations

from pathlib import Path

from tracetui.samples import copied_samples
from tracetui.tui.picture import picture

HERE = Path(__file__).parent

PICTURES: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "explorer.svg": ((120, 32), ()),
    "picker.svg": ((120, 20), ()),
    "waterfall.svg": ((120, 32), ("2",)),
    "transcript.svg": ((120, 32), ("3", "K", "K")),
    "facets.svg": ((140, 32), ("f",)),
    "stats.svg": ((120, 32), ("4", "j")),
    "diff.svg": ((120, 32), ("d", "enter")),
}
"""Size of the screen, and the keys that lead there from the failed run; ``picker.svg`` has no run."""


def main() -> None:
    """Make all of them."""
    for name, (size, keys) in PICTURES.items():
        with copied_samples() as db:
            run_id = None if name == "picker.svg" else db.runs()[0].id
            drawn = picture(db, size, keys, run_id=run_id, place="sample runs")
        (HERE / name).write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
