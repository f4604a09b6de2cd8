"""What was typed into prompts, by purpose, newest last: to be taken up again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST, MOST_CHARACTERS = 50, 1_000
KEPT = ("search", "filter", "runs")
"""Purposes whose texts are worth taking up again."""


class PromptHistory:
    """Texts of each purpose, each once."""

    def __init__(self, value: Mapping[str, Any] | None = None) -> None:
        self._texts: dict[str, list[str]] = {}
        for purpose in KEPT:
            texts = (value or {}).get(purpose)
            found = [text for text in texts if isinstance(text, str)] if isinstance(texts, list) else []
            self._texts[purpose] = found[-MOST:]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {purpose: list(texts) for purpose, texts in self._texts.items()}

    def add(self, purpose: str, text: str) -> bool:
        """Remember a text as the newest; return whether it is one to remember.

        >>> history = PromptHistory()
        >>> [history.add("search", text) for text in ("a", "b", "a", " ")], history.texts("search")
        ([True, True, True, False], ['b', 'a'])
        """
        if purpose not in KEPT or not text.strip() or len(text) > MOST_CHARACTERS:
            return False
        texts = self._texts[purpose]
        self._texts[purpose] = [*(other for other in texts if other != text), text][-MOST:]
        return True

    def texts(self, purpose: str) -> list[str]:
        """Return the texts of a purpose, oldest first."""
        return list(self._texts.get(purpose, ()))


class Browsing:
    """Going through the texts of a purpose from what is being typed, and back to it."""

    def __init__(self, texts: list[str], typed: str) -> None:
        self._texts = [text for text in texts if text != typed] + [typed]
        self._at = len(self._texts) - 1

    @property
    def text(self) -> str:
        """The text one is at."""
        return self._texts[self._at]

    def step(self, step: int) -> str:
        """Return the text further back (−1) or forward (1), the last one there is.

        >>> browsing = Browsing(["a", "b"], "now")
        >>> [browsing.step(step) for step in (-1, -1, -1, 1, 1, 1)]
        ['b', 'a', 'a', 'b', 'now', 'now']
        """
        self._at = max(min(self._at + step, len(self._texts) - 1), 0)
        return self._texts[self._at]
