from __future__ import annotations

import string

import pytest
from textual.keys import _character_to_key

from tests.tui.driving import cursor_id, screen_text, settle
from tests.tui.runs import fixing
from tracetui import Database
from tracetui.errors import ConfigError
from tracetui.settings import Settings, parsed
from tracetui.tui.actions import ACTIONS, APP, MAIN, PICKER, Action, actions_of, key_name, key_of, keys_of
from tracetui.tui.app import ExplorerApp
from tracetui.tui.keymap import PRESETS, actions_with_keys
from tracetui.tui.screens.help import WIDTH, HelpScreen
from tracetui.tui.view.answers import answer
from tracetui.tui.widgets.views import VIEWS


def keys(settings: Settings, action: str) -> str:
    """Return the keys of an action that are in force."""
    return next(one.keys for one in actions_with_keys(settings) if one.id == action)


def test_signs_have_the_names_that_textual_gives_them() -> None:
    """Every sign, letter and digit is known by itself, and comes back from its name."""
    for sign in string.punctuation + string.ascii_letters + string.digits:
        assert key_of(sign) == _character_to_key(sign)
        assert key_name(key_of(sign)) == sign


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: str(action.id))
def test_every_default_key_can_be_written_in_the_file(action: Action) -> None:
    """What help shows for a key, and what the registry calls it, both mean that key."""
    for key in filter(None, action.keys.split(",")):
        assert key_of(key_name(key)) == key
        assert key_of(key) == key


def test_a_key_that_is_set_is_taken_from_whatever_had_it() -> None:
    """In the same scope, that is: elsewhere it keeps its meaning."""
    settings = parsed('[keys]\nerror.next = "z"\nsearch.open = []')
    assert keys(settings, "error.next") == "z"
    assert keys(settings, "view.zoom") == ""
    assert keys(settings, "search.open") == ""
    assert keys(parsed('[keys]\nerror.next = "s"'), "picker.sort") == "s"
    assert keys(parsed('[keys]\napp.mouse = "s"'), "picker.sort") == ""


def test_presets_name_actions_that_exist_and_want_no_key_twice() -> None:
    """A preset is held to the rules that a person's file is held to."""
    for preset in PRESETS:
        found = actions_with_keys(Settings(preset=preset))
        assert {one.id for one in found} >= set(PRESETS[preset])
        for scope in {one.scope for one in ACTIONS} - {APP}:
            taken = [key for one in actions_of(scope, found) for key in one.keys.split(",") if key]
            assert sorted(taken) == sorted(set(taken))
    as_own = Settings(keys=PRESETS["ide"])
    assert [one.keys for one in actions_with_keys(as_own)] == [
        one.keys for one in actions_with_keys(Settings(preset="ide"))
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("error.nxt = 'e'", "did you mean error.next?"),
        ("error.next = 'ctrl+m'", "cannot tell ctrl+m from Enter"),
        ("error.next = 'ctrl+c'", "always copies or quits"),
        ("error.next = 'hyper+x'", "no key 'hyper+x'"),
        ("error.next = 'v'\nview.zoom = ['v']", "v is set for error.next too"),
        ("error.next = 'v'\napp.help = 'v'", "v is set for error.next too"),
    ],
)
def test_a_key_that_cannot_be_is_refused(text: str, said: str) -> None:
    """With the action's name and the reason."""
    with pytest.raises(ConfigError) as raised:
        actions_with_keys(parsed(f"[keys]\n{text}"))
    assert said in str(raised.value)


async def test_set_keys_work_and_are_what_footer_and_help_show(memory: Database, login: str) -> None:
    """The key that was set acts, the one it replaced does not, and the screens know."""
    settings = parsed('theme = "light"\nmetric = "tokens"\n[keys]\nerror.next = "x"\nsearch.open = []')
    app = ExplorerApp(memory, run_id=login, settings=settings)
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        assert app.theme == "textual-light"
        assert cursor_id(app) == "error2"
        await pilot.press("e", "slash")
        assert cursor_id(app) == "error2"
        await pilot.press("x")
        assert cursor_id(app) == "error0"
        footer = str(list(app.screen._footer_keys()))  # type: ignore[attr-defined]
        assert "('x', 'next error')" in footer
        assert "search" not in footer
        await pilot.press("question_mark")
        await settle(pilot)
        assert isinstance(app.screen, HelpScreen)
        assert ("x", "error.next") in {(one.keys, one.id) for one in app.screen._actions}


@pytest.mark.parametrize("view", [*VIEWS, "facets", "picker"])
async def test_help_and_palette_have_every_action_with_its_key(
    memory: Database, login: str, view: str
) -> None:
    """Whatever is shown: each action of its scopes once, its key first, and why not where it can do nothing."""
    beside = fixing(memory, good=True) if view == "diff" else ""
    run_id = None if view == "picker" else login
    app = ExplorerApp(memory, run_id=run_id, view=view if view in VIEWS else "tree", beside=beside)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        if view == "facets":
            await pilot.press("f")
        await settle(pilot)
        commands = {command.title: str(command.help) for command in app.get_system_commands(app.screen)}
        here = app._actions_here()
        assert {action.scope for action in here} >= {APP, PICKER if view == "picker" else MAIN}
        for action in here:
            assert commands[action.title].startswith(keys_of(action) or action.id)
        await pilot.press("question_mark")
        await settle(pilot)
        text = screen_text(app)
        assert "What this screen answers" in text
        assert answer(view, WIDTH)[0] in text
