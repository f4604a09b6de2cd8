"""What a person may set, read from ``config.toml``: a frozen value, and every mistake in the file as an error.

Owns the file's names, its defaults and their meaning. It never writes the file, and knows no screen: that the names
under ``[keys]`` are actions is for the explorer to check (``tracetui.tui.keymap``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tracetui.errors import ConfigError

CONFIG_VARIABLE = "TRACETUI_CONFIG"
"""Path of another file; empty for none, the defaults."""

PRESETS = ("default", "ide")
THEMES = ("auto", "dark", "light", "contrast", "colour-blind", "terminal")
TIMES = ("offset", "clock", "off")
METRICS = ("duration", "self", "tokens", "cost", "context", "traces")

TOKENS = 1_000_000
"""Prices are for so many tokens."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens of a model cost, in US dollars; ``None`` where it costs what input does."""

    input: float = 0.0
    output: float = 0.0
    cached_input: float | None = None
    cache_write: float | None = None

    def cost_usd(self, usage: Mapping[str, int]) -> float:
        """Return what a call costs, by its ``usage``: cached and written tokens are part of its ``input``.

        >>> price = Price(3, 15, cached_input=0.3)
        >>> price.cost_usd({"input": 1_000_000, "output": 100_000, "cached_input": 800_000})
        2.34
        """
        cached, written = usage.get("cached_input", 0), usage.get("cache_write", 0)
        plain = max(usage.get("input", 0) - cached - written, 0)
        of_cached = self.input if self.cached_input is None else self.cached_input
        of_written = self.input if self.cache_write is None else self.cache_write
        total = plain * self.input + cached * of_cached + written * of_written
        return round((total + usage.get("output", 0) * self.output) / TOKENS, 9)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, each with its default."""

    preset: str = "default"
    """Set of keys to begin with."""
    theme: str = "auto"
    """Colours; ``auto`` is light where the terminal says that it is, ``terminal`` uses its own sixteen colours."""
    time: str = "offset"
    """How rows say when: since the run's start, by the clock, or not."""
    metric: str = "duration"
    """Figure at the end of a row."""
    mouse: bool = True
    """Whether the explorer takes the mouse; without, the terminal selects text."""
    ascii: bool = False
    """Whether to draw with ASCII characters alone."""
    bell: bool = False
    """Whether the terminal rings when a run that is watched fails."""
    title: bool = False
    """Whether the terminal's title says how the run does."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Keys by the id of an action, instead of its own; none takes them away."""
    prices: Mapping[str, Price] = field(default_factory=lambda: MappingProxyType({}))
    """Prices by the name of a model, or a pattern with ``*``; the first that fits counts."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Say how to make it again in another process, which its read-only mappings cannot be sent to."""
        said = (getattr(self, each.name) for each in fields(self))
        return type(self), tuple(dict(each) if isinstance(each, Mapping) else each for each in said)

    @property
    def pricing(self) -> Callable[[str], Price | None] | None:
        """What gives the price of a model; None if no prices are set, so that nobody need look for costs."""
        return self.price_of if self.prices else None

    def price_of(self, model: str) -> Price | None:
        """Return the price of a model, None where none is set; case does not matter."""
        wanted = model.lower()
        return next((price for name, price in self.prices.items() if fnmatchcase(wanted, name.lower())), None)


def config_path() -> Path | None:
    """Return where the file lies, or would lie; None if none is wanted."""
    said = os.environ.get(CONFIG_VARIABLE)
    if said is not None:
        return Path(said).expanduser() if said else None
    from platformdirs import user_config_path

    return user_config_path("tracetui", appauthor=False) / "config.toml"


def read_settings(path: Path | None = None) -> Settings:
    """Return the settings of the file, or of the user's own; the defaults if there is none.

    :raises ConfigError: naming the key that is unknown or has a value that it cannot have.
    """
    path = path or config_path()
    if path is None:
        return Settings()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is no UTF-8 text"
        raise ConfigError(str(path), "", f"it cannot be read: {reason}") from None
    return parsed(text, str(path))


def parsed(text: str, path: str = "config.toml") -> Settings:
    """Return what the text of a file sets.

    >>> parsed('theme = "light"').theme
    'light'

    :raises ConfigError: as ``read_settings`` does.
    """
    import tomllib

    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(path, "", f"it is no TOML: {problem}") from None
    known = {one.name for one in fields(Settings)}
    values = {}
    for key, value in given.items():
        _known(path, key, key, known)
        values[key] = _READERS[key](path, key, value)
    return Settings(**values)


# ---- values ----------------------------------------------------------------------------------------------


def _known(path: str, key: str, name: str, names: Iterable[str]) -> None:
    if name not in names:
        raise ConfigError(path, key, f"there is no such setting{did_you_mean(name, names)}")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return the hint at the nearest name, "" if none is near.

    >>> did_you_mean("teme", ["theme", "time"])
    '; did you mean theme?'
    """
    near = get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _choice(choices: tuple[str, ...], path: str, key: str, value: Any) -> str:
    if value not in choices:
        raise ConfigError(path, key, f"it must be one of {', '.join(choices)}")
    return str(value)


def _switch(path: str, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(path, key, "it must be true or false")
    return value


def _table(path: str, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(path, key, f"it must be a table: [{key}]")
    return value


def _keys(path: str, key: str, value: Any) -> Mapping[str, tuple[str, ...]]:
    found = {}
    for action, given in _flat(_table(path, key, value)).items():
        listed = [given] if isinstance(given, str) else given
        if not isinstance(listed, list) or not all(isinstance(one, str) and one for one in listed):
            raise ConfigError(
                path, f'keys."{action}"', 'it must be a key, or a list of keys: "e" or ["e", "f8"]'
            )
        found[action] = tuple(listed)
    return MappingProxyType(found)


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return a table of tables with dotted names: ``error.next`` need not be quoted in TOML.

    >>> _flat({"error": {"next": "e"}, "a.b": "c"})
    {'error.next': 'e', 'a.b': 'c'}
    """
    found = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found.update(_flat(value, f"{before}{key}."))
        else:
            found[before + key] = value
    return found


def _prices(path: str, key: str, value: Any) -> Mapping[str, Price]:
    known = {one.name for one in fields(Price)}
    found = {}
    for model, given in _table(path, key, value).items():
        name = f'prices."{model}"'
        for part, amount in _table(path, name, given).items():
            _known(path, f"{name}.{part}", part, known)
            if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not amount >= 0:
                raise ConfigError(
                    path, f"{name}.{part}", "it must be US dollars for a million tokens, 0 or more"
                )
        found[model] = Price(**given)
    return MappingProxyType(found)


_READERS: dict[str, Callable[[str, str, Any], Any]] = {
    "preset": partial(_choice, PRESETS), "theme": partial(_choice, THEMES), "time": partial(_choice, TIMES),
    "metric": partial(_choice, METRICS), "mouse": _switch, "ascii": _switch, "bell": _switch, "title": _switch,
    "keys": _keys, "prices": _prices,
}  # fmt: skip

TEMPLATE = """\
# Settings of tracetui. What is not set, or commented out, has the value shown here.

# preset = "default"    # keys to begin with: default, ide
# theme = "auto"        # auto, dark, light, contrast, colour-blind, terminal (its own sixteen colours)
# time = "offset"       # when, in rows: offset, clock, off
# metric = "duration"   # figure of a row: duration, self, tokens, cost, context, traces
# mouse = true          # false leaves the mouse to the terminal
# ascii = false         # true draws with ASCII characters alone
# bell = false          # ring when a run that is watched fails
# title = false         # let the terminal's title say how the run does

# [keys]                # an action's id, as the palette shows it, and its keys instead of its own
# error.next = ["e", "f8"]
# app.quit = "ctrl+x"

# [prices."some-model*"]  # US dollars for a million tokens; costs made from them are marked ~
# input = 3.0
# output = 15.0
# cached_input = 0.3
# cache_write = 3.75
"""
"""What ``tracetui config edit`` begins with."""
