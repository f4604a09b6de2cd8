"""What the explorer does to the terminal around it: clipboard, bell, title, mouse. Nothing else writes to it by itself."""

from __future__ import annotations

import base64
import io
import os
import tempfile
import time

from textual.app import App

from tracetui.model.text import first_line, printable
from tracetui.render.cells import cut
from tracetui.settings import Settings

KEEP_TITLE, GIVE_TITLE_BACK = "\x1b[22;2t", "\x1b[23;2t"
"""What xterm and its like do with the title of the window: put it on a stack, take it from there."""
OSC_52_LIMIT = 70_000
"""Characters; terminals cut longer clipboard texts, so these go to a file."""
TWICE_SECONDS = 1.5
"""Ctrl+C twice within this time quits."""


class Outside(App[int]):
    """An application with a terminal around it, or a browser."""

    settings: Settings
    _copied_once = 0.0
    _titled = False
    _mouse_on = True

    def tell_outside(self, said: str) -> None:
        """Ring, and say something in the terminal's title, as far as that is set."""
        if self.settings.bell:
            self.bell()
        if self.settings.title and self._driver is not None:
            keep = "" if self._titled else KEEP_TITLE
            self._titled = True
            self._driver.write(f"{keep}\x1b]2;tracetui: {printable(said)}\a")

    def on_unmount(self) -> None:
        """Give the terminal its title back."""
        if self._titled and self._driver is not None:
            self._driver.write(GIVE_TITLE_BACK)

    def action_app_mouse(self) -> None:
        """Give the mouse to the terminal, for its own selection, or take it back."""
        driver = self._driver
        if driver is None:
            return
        self._mouse_on = not self._mouse_on
        toggle = getattr(
            driver, "_enable_mouse_support" if self._mouse_on else "_disable_mouse_support", None
        )
        if toggle is not None:
            toggle()
        self.notify(
            "mouse on" if self._mouse_on else "mouse off: the terminal selects", markup=False, timeout=2
        )

    def action_copy_or_quit(self) -> None:
        """Copy what is selected; twice without a selection quits."""
        selected = self.screen.get_selected_text()
        if selected:
            self.copy_text(selected)
            self.screen.clear_selection()
        elif time.monotonic() - self._copied_once < TWICE_SECONDS:
            self.exit(0)
        else:
            self._copied_once = time.monotonic()
            self.notify("press Ctrl+C again to quit", markup=False, timeout=TWICE_SECONDS)

    @staticmethod
    def _copy_file(text: str) -> str:
        """Write a text to a new file that is the user's alone; return its path."""
        handle, path = tempfile.mkstemp(prefix="tracetui-copy-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        return path

    def copy_text(self, text: str | None, what: str = "") -> None:
        """Put a text on the clipboard by way of the terminal; a long one goes to a file. Say what was copied."""
        if not text:
            return
        if len(text) > OSC_52_LIMIT and self.is_web:
            self.deliver_text(io.StringIO(text), save_filename="tracetui-copy.txt", mime_type="text/plain")
            self.notify("too long for the clipboard: the browser gets a file", markup=False, timeout=8)
            return
        if len(text) > OSC_52_LIMIT:
            path = self._copy_file(text)
            said = f"{what or 'the text'} is too long for the clipboard: written to {path}"
            self.notify(said, markup=False, timeout=8)
            return
        encoded = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
        if self._driver is not None:
            self._driver.write(f"\x1b]52;c;{encoded}\a")
        said = cut(printable(first_line(text)), 60) if len(text) < 200 else f"{len(text):,} characters"
        self.notify(f"copied {what + ': ' if what else ''}{said}", markup=False, timeout=3)
