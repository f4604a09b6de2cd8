"""Every action of the explorer, once: its stable id, its keys, where it works, and what help and palette say.

Bindings, footer, help screen and palette are made from this list; nothing else names a key. An action ``x.y`` is
done by the method ``action_x_y`` of the screen or widget of its scope.
"""

from __future__ import annotations

from dataclasses import dataclass

MAIN, PICKER, APP = "main", "picker", "app"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do. ``footer`` is its short name there, "" to leave it out."""

    id: str
    keys: str
    scope: str
    title: str
    group: str
    footer: str = ""

    @property
    def method(self) -> str:
        """Name of the action as Textual knows it."""
        return self.id.replace(".", "_").replace("-", "_")


ACTIONS: tuple[Action, ...] = (
    Action("cursor.down", "j,down", MAIN, "Move down", "Move"),
    Action("cursor.up", "k,up", MAIN, "Move up", "Move"),
    Action("cursor.half-down", "ctrl+d", MAIN, "Move down half a screen", "Move"),
    Action("cursor.half-up", "ctrl+u", MAIN, "Move up half a screen", "Move"),
    Action("cursor.page-down", "pagedown", MAIN, "Move down a screen", "Move"),
    Action("cursor.page-up", "pageup", MAIN, "Move up a screen", "Move"),
    Action("cursor.top", "g,home", MAIN, "Go to the first row", "Move"),
    Action("cursor.end", "G,end", MAIN, "Go to the last row, follow a live run", "Move"),
    Action("cursor.next-sibling", "J", MAIN, "Go to the next sibling", "Move"),
    Action("cursor.previous-sibling", "K", MAIN, "Go to the previous sibling", "Move"),
    Action("cursor.back", "backspace,ctrl+o", MAIN, "Jump back", "Move"),
    Action("scroll.left", "shift+left", MAIN, "Scroll left", "Move"),
    Action("scroll.right", "shift+right", MAIN, "Scroll right", "Move"),
    Action("fold.close", "h,left", MAIN, "Fold, or go to the parent", "Fold"),
    Action("fold.open", "l,right", MAIN, "Unfold, or go to the first child", "Fold"),
    Action("fold.toggle", "space", MAIN, "Fold or unfold", "Fold", "fold"),
    Action("fold.all", "minus", MAIN, "Fold everything", "Fold"),
    Action("fold.none", "equals_sign", MAIN, "Unfold everything", "Fold"),
    Action("error.next", "e", MAIN, "Go to the next error", "Find", "next error"),
    Action("error.previous", "E", MAIN, "Go to the previous error", "Find"),
    Action("search.open", "slash", MAIN, "Search for text", "Find", "search"),
    Action("search.next", "n", MAIN, "Go to the next hit", "Find"),
    Action("search.previous", "N", MAIN, "Go to the previous hit", "Find"),
    Action("filter.open", "ampersand", MAIN, "Filter by a query", "Find", "filter"),
    Action("filter.facets", "f", MAIN, "Filter panes: types, tags, time", "Find", "facets"),
    Action("filter.toggle", "o", MAIN, "All filters off and on", "Find"),
    Action("view.tree", "1", MAIN, "Tree of the run", "Show"),
    Action("view.metric", "c", MAIN, "Show another metric in the rows", "Show"),
    Action("view.time", "t", MAIN, "Show times as offset, clock, or not", "Show"),
    Action("view.zoom", "z", MAIN, "Show this subtree alone", "Show"),
    Action("view.unzoom", "Z", MAIN, "Show everything again", "Show"),
    Action("view.focus", "tab,shift+tab", MAIN, "Go between tree and detail", "Show"),
    Action("view.enter", "enter", MAIN, "Open the detail, follow a link", "Show"),
    Action("detail.next-tab", "full_stop", MAIN, "Next detail tab", "Show"),
    Action("detail.previous-tab", "comma", MAIN, "Previous detail tab", "Show"),
    Action("detail.wrap", "w", MAIN, "Wrap long lines, or not", "Show"),
    Action("run.follow", "F", MAIN, "Follow a live run", "Run"),
    Action("run.picker", "r", MAIN, "All runs", "Run", "runs"),
    Action("run.previous", "H,left_square_bracket", MAIN, "Previous run", "Run"),
    Action("run.next", "L,right_square_bracket", MAIN, "Next run", "Run"),
    Action("copy.menu", "y", MAIN, "Copy id, text, query or command", "Copy", "yank"),
    Action("app.back", "escape", MAIN, "Back", "Explorer"),
    Action("app.quit-or-back", "q", MAIN, "Go back, quit at the top", "Explorer"),
    Action("run.open", "enter", PICKER, "Open the run", "Run", "open"),
    Action("picker.down", "j,down", PICKER, "Move down", "Move"),
    Action("picker.up", "k,up", PICKER, "Move up", "Move"),
    Action("picker.page-down", "pagedown,ctrl+d", PICKER, "Move down a screen", "Move"),
    Action("picker.page-up", "pageup,ctrl+u", PICKER, "Move up a screen", "Move"),
    Action("picker.top", "g,home", PICKER, "Go to the first run", "Move"),
    Action("picker.end", "G,end", PICKER, "Go to the last run", "Move"),
    Action("picker.sort", "s", PICKER, "Sort by another column", "Show", "sort"),
    Action("picker.filter", "slash,ampersand", PICKER, "Filter the runs", "Find", "filter"),
    Action("picker.rename", "R", PICKER, "Rename the run", "Run", "rename"),
    Action("picker.pin", "P", PICKER, "Pin the run, or let it go", "Run", "pin"),
    Action("picker.delete", "D", PICKER, "Delete the run (asked first)", "Run", "delete"),
    Action("picker.back", "escape", PICKER, "Clear the filter, back", "Explorer"),
    Action("picker.quit", "q", PICKER, "Back, quit at the top", "Explorer", "quit"),
    Action("app.palette", "colon,ctrl+p", APP, "All actions by name", "Explorer", "palette"),
    Action("app.help", "question_mark", APP, "What the keys do here", "Explorer", "help"),
    Action("app.mouse", "f2", APP, "Mouse on and off", "Explorer"),
    Action("app.theme", "", APP, "Light or dark", "Explorer"),
    Action("app.quit", "ctrl+q", APP, "Quit", "Explorer"),
)

_KEY_NAMES = {
    "slash": "/", "ampersand": "&", "minus": "-", "equals_sign": "=", "full_stop": ".", "comma": ",", "colon": ":",
    "question_mark": "?", "left_square_bracket": "[", "right_square_bracket": "]", "down": "↓", "up": "↑",
    "left": "←", "right": "→", "escape": "Esc", "enter": "Enter", "pagedown": "PgDn", "pageup": "PgUp",
    "backspace": "Backspace", "shift+left": "Shift+←", "shift+right": "Shift+→", "shift+tab": "Shift+Tab",
    "tab": "Tab", "home": "Home", "end": "End", "f2": "F2",
}  # fmt: skip


def key_name(key: str) -> str:
    """Return a key as people know it.

    >>> key_name("slash"), key_name("ctrl+d"), key_name("G")
    ('/', 'Ctrl+d', 'G')
    """
    return _KEY_NAMES.get(key) or key.replace("ctrl+", "Ctrl+")


def keys_of(action: Action) -> str:
    """Return the keys of an action, as people know them."""
    return " ".join(key_name(key) for key in action.keys.split(",") if key)


def actions_of(scope: str) -> list[Action]:
    """Return the actions of a scope and of the whole explorer."""
    return [action for action in ACTIONS if action.scope in (scope, APP)]
