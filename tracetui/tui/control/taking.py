"""Taking things out of the explorer: to the clipboard, into a file, to the pager and the editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from textual.app import SuspendNotSupported

from tracetui.errors import TraceTuiError
from tracetui.model.text import printable
from tracetui.tui.control.base import RunScreen
from tracetui.tui.screens.menu import MenuScreen
from tracetui.tui.view.copying import choices, menu_title
from tracetui.tui.view.exporting import KINDS, export_pieces, file_name, numbered

MOST_FILES = 1_000
"""So many files of one name are looked for before giving up."""


class Taking(RunScreen):
    """In a browser there is no pager, editor or file (the actions are local): that would be a shell on the server."""

    def taking_reasons(self) -> dict[str, str | None]:
        """Return by action why it can do nothing now."""
        shown = None if self.current.cursor_seq >= 0 else "there is no trace here"
        return {"payload.pager": shown, "payload.editor": shown}

    # ---- to the clipboard --------------------------------------------------------------------------------

    def action_copy_menu(self) -> None:
        """Offer what can be copied."""
        found = choices(self.model, self.current.cursor_seq, self.app.source)

        def copy(key: str | None) -> None:
            if not key:
                return
            try:
                self.app.copy_text(found[key].text(), found[key].title)
            except TraceTuiError as problem:
                self.notify(printable(str(problem)), severity="error", markup=False)

        self.app.push_screen(
            MenuScreen(menu_title("Copy", self.model), {key: what.title for key, what in found.items()}), copy
        )

    # ---- into a file -------------------------------------------------------------------------------------

    def action_export_menu(self) -> None:
        """Offer to write the subtree into a file."""
        seq, model = self.current.cursor_seq, self.model
        what = menu_title("Export this subtree" if seq >= 0 else "Export this run", model)
        endings = {kind.key: kind.ending for kind in KINDS}

        def write(key: str | None) -> None:
            if key:
                name, pieces = file_name(model, seq, endings[key]), export_pieces(model, seq, endings[key])
                self.run_worker(
                    lambda: self._write(name, pieces),
                    thread=True, group="export", exit_on_error=False,
                )  # fmt: skip

        self.app.push_screen(MenuScreen(what, {kind.key: kind.title for kind in KINDS}), write)

    def _write(self, name: str, pieces: Iterator[str]) -> None:
        """In a worker: write a new file in the working folder, and say where it is."""
        try:
            path = written(Path.cwd(), name, pieces)
        except (OSError, TraceTuiError) as problem:
            said = f"nothing was exported: {problem.strerror if isinstance(problem, OSError) else problem}"
            self.app.call_from_thread(
                self.notify, printable(said), severity="error", markup=False, timeout=10
            )
        else:
            size = f"{path.stat().st_size:,} bytes"
            said = f"exported to {printable(str(path))} ({size})"
            self.app.call_from_thread(self.notify, said, markup=False, timeout=10)

    # ---- to the pager and the editor ---------------------------------------------------------------------

    def action_payload_pager(self) -> None:
        """Show the detail in the pager."""
        if not self.say_why_not("payload.pager"):
            self._hand_over("PAGER", pager)

    def action_payload_editor(self) -> None:
        """Open the detail in the editor."""
        if not self.say_why_not("payload.editor"):
            self._hand_over("EDITOR", editor)

    def _hand_over(self, variable: str, command: Callable[[], list[str]]) -> None:
        """Give the terminal to a program with the text of the detail in a file, and take it back."""
        try:
            with tempfile.TemporaryDirectory(prefix="tracetui-") as folder:
                path = Path(folder) / f"trace{self.detail.ending()}"
                path.write_text(self.detail.text(), encoding="utf-8", errors="backslashreplace")
                words = [*command(), str(path)]
                with self.app.suspend():
                    subprocess.run(words, check=False)  # noqa: S603 - the user's own choice
        except SuspendNotSupported:
            self.notify("this terminal cannot be handed over", severity="warning", markup=False)
        except (OSError, ValueError) as problem:
            said = f"${variable} cannot be started: {getattr(problem, 'strerror', None) or problem}"
            self.notify(printable(said), severity="error", markup=False, timeout=8)
        self.app.refresh(layout=True)


def pager() -> list[str]:
    """Return the pager to use; ``less`` is told not to leave by itself."""
    said = shlex.split(os.environ.get("PAGER", "")) or ["less"]
    return [*said, "-+F"] if Path(said[0]).name == "less" else said


def editor() -> list[str]:
    """Return the editor to use."""
    return shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "") or ["vi"]


def written(folder: Path, name: str, pieces: Iterator[str]) -> Path:
    """Write a file that was not there before; return its path. What could not be finished is taken away.

    :raises OSError: if the folder cannot be written.
    """
    path = folder
    for number in range(1, MOST_FILES):
        path = folder / numbered(name, number)
        try:
            file = path.open("x", encoding="utf-8", errors="backslashreplace")
            break
        except FileExistsError:
            continue
    else:
        raise FileExistsError(17, f"there are too many files called {name}")
    try:
        with file:
            file.writelines(pieces)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
