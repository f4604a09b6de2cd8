from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.errors import ConfigError
from tracetui.settings import (
    CONFIG_VARIABLE,
    METRICS,
    TEMPLATE,
    TIMES,
    Price,
    Settings,
    config_path,
    parsed,
    read_settings,
)
from tracetui.tui.view import row_text


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    """Nothing need be set."""
    assert read_settings(tmp_path / "none.toml") == Settings() == parsed("")


def test_the_template_is_a_file_that_sets_nothing_and_names_everything() -> None:
    """What ``config edit`` begins with is true: as it is, and with the marks of comments taken away."""
    assert parsed(TEMPLATE) == Settings()
    bare = "\n".join(line.removeprefix("# ") for line in TEMPLATE.splitlines()[2:])
    assert set(tomllib.loads(bare)) == {one.name for one in fields(Settings)}
    found = parsed(bare)
    assert found.keys == {"error.next": ("e", "f8"), "app.quit": ("ctrl+x",)}
    assert (found.theme, found.mouse, found.metric) == ("auto", True, "duration")


def test_choices_are_those_of_the_explorer() -> None:
    """The words of the file are those that the rows know."""
    assert row_text.METRICS == METRICS
    assert row_text.TIME_FORMATS == TIMES


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("teme = 1", "teme", "did you mean theme?"),
        ("theme = 'blue'", "theme", "auto, dark, light, contrast, colour-blind, terminal"),
        ("mouse = 1", "mouse", "true or false"),
        ("keys = 1", "keys", "[keys]"),
        ("[keys]\nerror.next = 3", 'keys."error.next"', "a key, or a list"),
        ("[keys]\nerror.next = ['']", 'keys."error.next"', "a key, or a list"),
        ("[prices.m]\ninptu = 1", 'prices."m".inptu', "did you mean input?"),
        ("[prices.m]\ninput = -1", 'prices."m".input', "0 or more"),
        ("[prices.m]\ninput = nan", 'prices."m".input', "0 or more"),
        ("[prices.m]\ninput = true", 'prices."m".input', "0 or more"),
        ("theme = ", "", "no TOML"),
    ],
)
def test_a_mistake_is_named_with_its_key(text: str, key: str, hint: str) -> None:
    """File, key and what to write instead stand in the message."""
    with pytest.raises(ConfigError) as raised:
        parsed(text, "there/config.toml")
    assert raised.value.key == key
    assert hint in str(raised.value)
    assert "there/config.toml" in str(raised.value)
    assert "tracetui config edit" in str(raised.value)


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    """A file of any content is read or refused."""
    try:
        parsed(text)
    except ConfigError as problem:
        assert str(problem)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """A folder or bytes that are no UTF-8 are said so."""
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for path, said in ((tmp_path / "bytes.toml", "UTF-8"), (tmp_path, "cannot be read")):
        with pytest.raises(ConfigError, match=said):
            read_settings(path)


def test_the_environment_names_another_file_or_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``$TRACETUI_CONFIG`` wins over the folder of the platform; empty means the defaults."""
    assert config_path() == tmp_path_of_home(config_path()) / "tracetui" / "config.toml"
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "mine.toml"))
    (tmp_path / "mine.toml").write_text("bell = true")
    assert read_settings().bell
    monkeypatch.setenv(CONFIG_VARIABLE, "")
    assert config_path() is None
    assert read_settings() == Settings()


def tmp_path_of_home(path: Path | None) -> Path:
    """Return the folder of the platform above a path."""
    assert path is not None
    return path.parent.parent


def test_the_first_price_that_fits_counts() -> None:
    """Names of models are patterns, and their case does not matter."""
    settings = parsed('[prices."Big-*"]\ninput = 3\noutput = 15\n[prices."*"]\ninput = 1')
    assert settings.price_of("big-model-4") == Price(3, 15)
    assert settings.price_of("small") == Price(1)
    assert parsed("").price_of("small") is None


def test_cached_and_written_tokens_have_prices_of_their_own() -> None:
    """They are part of the input; without a price of their own they cost what it does."""
    usage = {
        "input": 1_000_000,
        "output": 1_000_000,
        "cached_input": 500_000,
        "cache_write": 100_000,
        "reasoning": 7,
    }
    assert Price(10, 20, cached_input=1, cache_write=12.5).cost_usd(usage) == pytest.approx(
        4 + 0.5 + 1.25 + 20
    )
    assert Price(10, 20).cost_usd(usage) == pytest.approx(30)
    assert Price(10).cost_usd({}) == 0
