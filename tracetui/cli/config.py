"""The command ``config``: what is set, where, and the way into the file."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import asdict
from pathlib import Path

import typer

from tracetui.cli import diagnostics, output
from tracetui.cli.diagnostics import UsageError
from tracetui.cli.runs import FormatOption, JsonOption, wants_json
from tracetui.cli.session import session
from tracetui.settings import CONFIG_VARIABLE, TEMPLATE, Price, Settings, config_path

app = typer.Typer(
    help="Show and change settings: keys, theme, times, prices", rich_markup_mode=None, no_args_is_help=True
)


@app.command()
def show(format_name: FormatOption = "table", json: JsonOption = False) -> None:
    """Print the settings that are in force, as the file would say them"""
    settings = _checked()
    if wants_json(format_name, json) == "json":
        output.json(_as_data(settings))
        return
    path = config_path()
    found = (
        "no file is read"
        if path is None
        else str(path)
        if path.exists()
        else f"{path} does not exist: defaults"
    )
    diagnostics.say(found)
    output.lines(as_toml(settings))


@app.command()
def path() -> None:
    """Print where the settings lie, or would lie"""
    output.line(str(_path()))


@app.command()
def edit() -> None:
    """Open the settings in $VISUAL or $EDITOR, and check them afterwards"""
    file = _path()
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    _make(file)
    try:
        done = subprocess.run([*shlex.split(command), str(file)], check=False)  # noqa: S603 - the editor is the user's own choice
    except (OSError, ValueError) as problem:
        raise UsageError(
            f"{command} cannot be started: {problem}; set $EDITOR, or open {file} yourself"
        ) from None
    if done.returncode:
        raise UsageError(f"{command} ended with {done.returncode}; {file} was not checked")
    _checked()
    diagnostics.say("the settings can be used as they are")


def _path() -> Path:
    found = config_path()
    if found is None:
        raise UsageError(f"${CONFIG_VARIABLE} is empty, so no settings are read; unset it, or name a file")
    return found


def _make(file: Path) -> None:
    """Write the file with everything commented out, if there is none."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(exist_ok=False)
        try:
            file.write_text(TEMPLATE, encoding="utf-8")
        except OSError:
            file.unlink()  # half of it would be taken for the settings
            raise
    except FileExistsError:
        return
    except OSError as problem:
        raise UsageError(f"{file} cannot be made: {problem.strerror}") from None


def _checked() -> Settings:
    """Return the settings; that the keys belong to actions is checked too."""
    from tracetui.tui.keymap import actions_with_keys

    settings = session.settings
    actions_with_keys(settings)
    return settings


def _as_data(settings: Settings) -> dict[str, object]:
    keys = {name: list(keys) for name, keys in settings.keys.items()}
    prices = {name: asdict(price) for name, price in settings.prices.items()}
    plain = {name: getattr(settings, name) for name in Settings.__slots__ if name not in ("keys", "prices")}
    return {**plain, "keys": keys, "prices": prices}


def as_toml(settings: Settings) -> list[str]:
    """Return the lines of a file that sets just this.

    >>> as_toml(Settings())[:2]
    ['preset = "default"', 'theme = "auto"']
    """
    plain = [
        f"{name} = {_toml(value)}"
        for name, value in _as_data(settings).items()
        if not isinstance(value, dict)
    ]
    keys = [f"{_toml(name)} = [{', '.join(map(_toml, keys))}]" for name, keys in settings.keys.items()]
    prices = [line for name, price in settings.prices.items() for line in _price_lines(name, price)]
    return [*plain, *(["", "[keys]", *keys] if keys else []), *prices]


def _price_lines(name: str, price: Price) -> list[str]:
    parts = [f"{part} = {amount}" for part, amount in asdict(price).items() if amount is not None]
    return ["", f"[prices.{_toml(name)}]", *parts]


def _toml(value: object) -> str:
    """Return a value as TOML writes it: JSON's strings are TOML's, but for one control character."""
    from tracetui.model.value import dumps

    return dumps(value).replace("\x7f", "\\u007f")
