"""Which keys do what, as a person has set it: a preset, and keys of their own on top. Pure; knows no Textual.

An action that is given a key takes it from whatever had it by default in the same scope; two settings that want
one key there are a mistake, and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tracetui.errors import ConfigError
from tracetui.settings import Settings, config_path, did_you_mean
from tracetui.tui.actions import ACTIONS, APP, Action, key_name, key_of

IDE: Mapping[str, tuple[str, ...]] = {
    "search.open": ("ctrl+f", "slash"),
    "search.next": ("f3", "n"),
    "search.previous": ("shift+f3", "N"),
    "error.next": ("f8", "e"),
    "error.previous": ("shift+f8", "E"),
    "app.palette": ("f1", "colon", "ctrl+p"),
    "cursor.back": ("ctrl+o", "backspace", "f7"),
    "view.zoom": ("f6", "z"),
    "view.unzoom": ("shift+f6", "Z"),
    "run.picker": ("f4", "r"),
}
"""What people's hands know from editors, beside the default keys."""

PRESETS: Mapping[str, Mapping[str, tuple[str, ...]]] = {"default": {}, "ide": IDE}

NOT_TYPED = {
    "ctrl+m": "enter", "ctrl+i": "tab", "ctrl+h": "backspace", "ctrl+j": "enter", "ctrl+left_square_bracket": "escape",
}  # fmt: skip
"""Keys that terminals cannot tell from others."""

FIXED = "ctrl+c", "ctrl+q"
"""Keys that always copy or quit, whatever is set."""


def actions_with_keys(settings: Settings) -> tuple[Action, ...]:
    """Return all actions with the keys that are in force.

    :raises ConfigError: for an action that is unknown, a key that no terminal sends, and a key wanted twice.
    """
    known = {action.id: action for action in ACTIONS}
    path = str(config_path() or "config.toml")
    for name in settings.keys:
        if name not in known:
            raise ConfigError(path, f"keys.{name}", f"there is no such action{did_you_mean(name, known)}")
    own = {name: tuple(_typed(path, name, key) for key in keys) for name, keys in settings.keys.items()}
    _refuse_doubles(path, own, known)
    return _over(_over(ACTIONS, PRESETS[settings.preset]), own)


def _typed(path: str, name: str, key: str) -> str:
    found = key_of(key)
    where = f"keys.{name}"
    if found in NOT_TYPED:
        raise ConfigError(path, where, f"a terminal cannot tell {key} from {key_name(NOT_TYPED[found])}")
    if found in FIXED and name != "app.quit":
        raise ConfigError(path, where, f"{key_name(found)} always copies or quits")
    if not found:
        raise ConfigError(
            path, where, f'there is no key {key!r}; write it like "e", "&", "ctrl+f", "f8" or "space"'
        )
    return found


def _refuse_doubles(path: str, own: Mapping[str, tuple[str, ...]], known: Mapping[str, Action]) -> None:
    taken: dict[tuple[str, str], str] = {}
    for name, keys in own.items():
        for key in keys:
            for scope in _scopes(known[name]):
                other = taken.setdefault((scope, key), name)
                if other != name:
                    raise ConfigError(path, f"keys.{name}", f"{key_name(key)} is set for {other} too")


def _over(actions: Sequence[Action], changes: Mapping[str, tuple[str, ...]]) -> tuple[Action, ...]:
    """Return the actions with some keys changed, and taken from those that had them."""
    scope_of = {action.id: action for action in actions}
    taken = {
        (scope, key): name
        for name, keys in changes.items()
        for key in keys
        for scope in _scopes(scope_of[name])
    }

    def keys_left(action: Action) -> str:
        if action.id in changes:
            return ",".join(changes[action.id])
        kept = [
            key
            for key in action.keys.split(",")
            if not any((scope, key) in taken for scope in _scopes(action))
        ]
        return ",".join(kept)

    return tuple(replace(action, keys=keys_left(action)) for action in actions)


def _scopes(action: Action) -> tuple[str, ...]:
    """Return where an action's keys work: those of the whole explorer do in every scope."""
    if action.scope != APP:
        return (action.scope,)
    return tuple(sorted({other.scope for other in ACTIONS}))


def changed_keys(actions: Sequence[Action]) -> dict[str, str]:
    """Return the keys that differ from the actions' own, by id, as Textual's keymap takes them.

    Textual 8.2.8 overlooks an empty text there, so an action without keys gets one that no terminal sends.
    """
    changed = (action for action, own in zip(actions, ACTIONS, strict=True) if action.keys != own.keys)
    return {action.id: action.keys or "none" for action in changed}
