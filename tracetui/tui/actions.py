"""Every action of the explorer, once: its stable id, its keys, where it works, and what help and palette say.

Bindings, footer, help screen and palette are made from this list; nothing else names a key. An action ``x.y`` is
done by the method ``action_x_y`` of the screen or widget of its scope.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

MAIN, PICKER, APP = "main", "picker", "app"
STATS, DIFF, FACETS = "stats", "diff", "facets"
"""Scopes within the main screen, whose keys win over its own where one is: views, by their names, and the filter panes."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do. ``footer`` is its short name there, "" to leave it out.

    What is ``local`` acts on the machine where the explorer runs, so a browser is not offered it.
    """

    id: str
    keys: str
    scope: str
    title: str
    group: str
    footer: str = ""
    local: bool = False

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
    Action("cursor.forward", "ctrl+f", MAIN, "Jump forward again", "Move"),
    Action("scroll.left", "shift+left", MAIN, "Scroll left", "Move"),
    Action("scroll.right", "shift+right", MAIN, "Scroll right", "Move"),
    Action("fold.close", "h,left", MAIN, "Fold, or go to the parent", "Fold"),
    Action("fold.open", "l,right", MAIN, "Unfold, or go to the first child", "Fold"),
    Action("fold.toggle", "space", MAIN, "Fold or unfold", "Fold", "fold"),
    Action("fold.all", "minus", MAIN, "Fold everything", "Fold"),
    Action("fold.none", "equals_sign", MAIN, "Unfold everything", "Fold"),
    Action("error.next", "e", MAIN, "Go to the next error", "Find", "next error"),
    Action("error.previous", "E", MAIN, "Go to the previous error", "Find"),
    Action("slow.next", "s", MAIN, "Go to the next slow spot: idle gap, much time of its own", "Find"),
    Action("slow.previous", "S", MAIN, "Go to the previous slow spot", "Find"),
    Action("path.next", "p", MAIN, "Go along the critical path: what the run's end waited for", "Find"),
    Action("search.open", "slash", MAIN, "Search for text", "Find", "search"),
    Action("search.next", "n", MAIN, "Go to the next hit", "Find"),
    Action("search.previous", "N", MAIN, "Go to the previous hit", "Find"),
    Action("filter.open", "ampersand", MAIN, "Filter by a query", "Find", "filter"),
    Action("filter.facets", "f", MAIN, "Filter panes: types, tags, tools, models, times …", "Find", "facets"),
    Action("filter.kept", "O", MAIN, "Kept filters: use, rename, delete", "Find"),
    Action("filter.toggle", "o", MAIN, "All filters off and on", "Find"),
    Action("view.tree", "1", MAIN, "Tree of the run", "Show"),
    Action("view.waterfall", "2", MAIN, "Waterfall: where the time went", "Show", "waterfall"),
    Action("view.transcript", "3", MAIN, "Transcript: what the model saw and said", "Show", "transcript"),
    Action("view.stats", "4", MAIN, "Figures by type, tool, model and agent", "Show", "stats"),
    Action("view.diff", "5", MAIN, "Beside another run", "Show"),
    Action("view.metric", "c", MAIN, "Show another metric in the rows", "Show"),
    Action("view.time", "t", MAIN, "Show times as offset, clock, or not", "Show"),
    Action("time.back", "less_than_sign", MAIN, "The run as of the trace before", "Show"),
    Action("time.forward", "greater_than_sign", MAIN, "The run as of the next trace", "Show"),
    Action("time.play", "W", MAIN, "Play the run at a chosen speed, or stop", "Show"),
    Action("axis.in", "plus", MAIN, "Show less of the axis of time", "Show"),
    Action("axis.out", "underscore", MAIN, "Show more of the axis of time", "Show"),
    Action("axis.all", "0", MAIN, "Show all of the axis of time", "Show"),
    Action("view.zoom", "z", MAIN, "Show this subtree alone", "Show"),
    Action("view.unzoom", "Z", MAIN, "Show everything again", "Show"),
    Action("view.focus", "tab,shift+tab", MAIN, "Go between tree and detail", "Show"),
    Action("view.enter", "enter", MAIN, "Open the detail, follow a link", "Show"),
    Action("detail.next-tab", "full_stop", MAIN, "Next detail tab", "Show"),
    Action("detail.previous-tab", "comma", MAIN, "Previous detail tab", "Show"),
    Action("detail.wrap", "w", MAIN, "Wrap long lines, or not", "Show"),
    Action("run.diff", "d", MAIN, "Compare with another run: the newest good one is offered", "Run", "diff"),
    Action("run.follow", "F", MAIN, "Follow a live run", "Run"),
    Action("run.picker", "r", MAIN, "All runs", "Run", "runs"),
    Action("run.previous", "H,left_square_bracket", MAIN, "Previous run", "Run"),
    Action("run.next", "L,right_square_bracket", MAIN, "Next run", "Run"),
    Action("review.mark", "m", MAIN, "Mark the trace, or take the mark away", "Review", "mark"),
    Action("review.note", "a", MAIN, "Leave a note on the trace", "Review", "note"),
    Action("review.edit", "A", MAIN, "Edit the last note on the trace", "Review"),
    Action("review.next", "u", MAIN, "Go to the next mark or note", "Review"),
    Action("review.previous", "U", MAIN, "Go to the previous mark or note", "Review"),
    Action("review.list", "M", MAIN, "List marks and notes", "Review"),
    Action("copy.menu", "y", MAIN, "Copy id, text, Markdown, query or link", "Take", "yank"),
    Action("export.menu", "x", MAIN, "Export the subtree to a file", "Take", local=True),
    Action("payload.pager", "v", MAIN, "Show the detail in the pager", "Take", local=True),
    Action("payload.editor", "V", MAIN, "Open the detail in the editor", "Take", local=True),
    Action("app.back", "escape", MAIN, "Back", "Explorer"),
    Action("app.quit-or-back", "q", MAIN, "Go back, quit at the top", "Explorer"),
    Action(
        "facets.include",
        "space,plus,i,enter",
        FACETS,
        "Include the value, or no longer; unfold",
        "Find",
        "include",
    ),
    Action(
        "facets.exclude",
        "x,minus",
        FACETS,
        "Exclude the value, or no longer; let go of a part",
        "Find",
        "exclude",
    ),
    Action("facets.brush", "b", FACETS, "Begin a range of times, or end it", "Find", "range"),
    Action("facets.clear", "c", FACETS, "Choose nothing in this pane", "Find", "clear"),
    Action("facets.clear-all", "C", FACETS, "Choose nothing at all", "Find", "clear all"),
    Action("facets.save", "w", FACETS, "Keep this filter under a name, for the palette", "Find", "save"),
    Action("facets.fold", "h,left", FACETS, "Fold the pane", "Fold"),
    Action("facets.unfold", "l,right", FACETS, "Unfold the pane", "Fold"),
    Action("facets.next", "J", FACETS, "Go to the next pane", "Move"),
    Action("facets.previous", "K", FACETS, "Go to the previous pane", "Move"),
    Action("facets.close", "escape", FACETS, "Put the panes away", "Explorer", "close"),
    Action("stats.filter", "enter", STATS, "Show the traces of this row in the tree", "Find", "show in tree"),
    Action("stats.next", "s,l,right", STATS, "Order by the next column", "Show", "sort"),
    Action("stats.previous", "h,left", STATS, "Order by the previous column", "Show"),
    Action("stats.reverse", "S,space", STATS, "Turn the order round", "Show", "turn round"),
    Action("diff.next", "n", DIFF, "Go to the next difference", "Find", "next difference"),
    Action("diff.previous", "N", DIFF, "Go to the previous difference", "Find"),
    Action("diff.swap", "x", DIFF, "Swap the sides", "Show", "swap sides"),
    Action("diff.close", "h,left", DIFF, "Fold", "Fold"),
    Action("diff.open", "l,right", DIFF, "Unfold", "Fold"),
    Action("run.open", "enter", PICKER, "Open the run", "Run", "open"),
    Action("picker.down", "j,down", PICKER, "Move down", "Move"),
    Action("picker.up", "k,up", PICKER, "Move up", "Move"),
    Action("picker.page-down", "pagedown,ctrl+d", PICKER, "Move down a screen", "Move"),
    Action("picker.page-up", "pageup,ctrl+u", PICKER, "Move up a screen", "Move"),
    Action("picker.top", "g,home", PICKER, "Go to the first run", "Move"),
    Action("picker.end", "G,end", PICKER, "Go to the last run", "Move"),
    Action("picker.next-failed", "e", PICKER, "Go to the next run that failed", "Find"),
    Action("picker.previous-failed", "E", PICKER, "Go to the previous run that failed", "Find"),
    Action("picker.filter", "slash,ampersand", PICKER, "Filter the runs", "Find", "filter"),
    Action("picker.sort", "s", PICKER, "Sort by another column", "Show", "sort"),
    Action("picker.reverse", "S", PICKER, "Turn the order round", "Show"),
    Action("picker.mark", "space", PICKER, "Mark the run for a diff, or unmark it", "Run", "mark"),
    Action("picker.diff", "d", PICKER, "Compare the marked runs, or with the good one", "Run", "diff"),
    Action(
        "picker.elsewhere",
        "o",
        PICKER,
        "Open what was opened lately, or recorded here",
        "Run",
        "open other",
        local=True,
    ),
    Action("picker.rename", "R", PICKER, "Rename the run", "Run", "rename"),
    Action("picker.tag", "t", PICKER, "Change the tags of the run", "Run", "tag"),
    Action("picker.pin", "P", PICKER, "Pin the run, or let it go", "Run", "pin"),
    Action("picker.delete", "D", PICKER, "Delete the run (asked first)", "Run", "delete", local=True),
    Action("picker.back", "escape", PICKER, "Clear filter or marks, back", "Explorer"),
    Action("picker.quit", "q", PICKER, "Back, quit at the top", "Explorer", "quit"),
    Action("app.palette", "colon,ctrl+p", APP, "All actions by name", "Explorer", "palette"),
    Action("app.help", "question_mark", APP, "What the keys do here", "Explorer", "help"),
    Action("app.guide", "", APP, "Guide from a failed run to why it failed, on and off", "Explorer"),
    Action("app.mouse", "f2", APP, "Mouse on and off", "Explorer"),
    Action("app.theme", "", APP, "The next theme: dark, light, contrast, colour-blind", "Explorer"),
    Action("app.quit", "ctrl+q", APP, "Quit", "Explorer"),
)

_SIGNS = {
    "!": "exclamation_mark", '"': "quotation_mark", "#": "number_sign", "$": "dollar_sign", "%": "percent_sign",
    "&": "ampersand", "'": "apostrophe", "(": "left_parenthesis", ")": "right_parenthesis", "*": "asterisk",
    "+": "plus", ",": "comma", "-": "minus", ".": "full_stop", "/": "slash", ":": "colon", ";": "semicolon",
    "<": "less_than_sign", "=": "equals_sign", ">": "greater_than_sign", "?": "question_mark", "@": "at",
    "[": "left_square_bracket", "\\": "backslash", "]": "right_square_bracket", "^": "circumflex_accent",
    "_": "underscore", "`": "grave_accent", "{": "left_curly_bracket", "|": "vertical_line",
    "}": "right_curly_bracket", "~": "tilde",
}  # fmt: skip
"""Signs as Textual calls them."""

_KEY_NAMES = {
    **{name: sign for sign, name in _SIGNS.items()},
    "down": "↓", "up": "↑", "left": "←", "right": "→", "escape": "Esc", "enter": "Enter", "pagedown": "PgDn",
    "pageup": "PgUp", "backspace": "Backspace", "tab": "Tab", "home": "Home", "end": "End", "space": "Space",
    "delete": "Del", "insert": "Ins", **{f"f{n}": f"F{n}" for n in range(1, 13)},
}  # fmt: skip
_BY_NAME = {name.lower(): key for key, name in _KEY_NAMES.items()}
_MODIFIERS = {"ctrl": "Ctrl+", "shift": "Shift+"}


def key_name(key: str) -> str:
    """Return a key as people know it.

    >>> key_name("slash"), key_name("ctrl+d"), key_name("shift+left"), key_name("G")
    ('/', 'Ctrl+d', 'Shift+←', 'G')
    """
    *held, last = key.split("+") if len(key) > 1 else [key]
    return "".join(_MODIFIERS.get(one, f"{one}+") for one in held) + _KEY_NAMES.get(last, last)


def key_of(text: str) -> str:
    """Return the key that a person means, as Textual calls it, "" if there is none.

    >>> key_of("&"), key_of("Ctrl+F"), key_of("F8"), key_of("PgDn"), key_of("G"), key_of("nonsense")
    ('ampersand', 'ctrl+f', 'f8', 'pagedown', 'G', '')
    """
    before, plus, last = text.rpartition("+") if len(text) > 1 and not text.endswith("+") else ("", "", text)
    held = [one for one in before.lower().split("+") if one]
    if any(one not in _MODIFIERS for one in held) or (plus and not held):
        return ""
    if len(last) == 1:
        key = (
            _BY_NAME.get(last) or last
            if last.isprintable() and not last.isspace()
            else "space" * (last == " ")
        )
        key = key.lower() if "ctrl" in held else key
    else:
        key = _BY_NAME.get(last.lower(), last.lower() if last.lower() in _KEY_NAMES else "")
    return "+".join((*held, key)) if key else ""


def keys_of(action: Action) -> str:
    """Return the keys of an action, as people know them."""
    return " ".join(key_name(key) for key in action.keys.split(",") if key)


def first_key(action: Action) -> str:
    """Return the key of an action that the footer shows, "" if it has none."""
    return key_name(action.keys.split(",")[0])


def actions_of(scope: str, actions: Sequence[Action] = ACTIONS) -> list[Action]:
    """Return the actions of a scope and of the whole explorer."""
    return [*actions_in(scope, actions), *actions_in(APP, actions)]


def actions_in(scope: str, actions: Sequence[Action] = ACTIONS) -> list[Action]:
    """Return the actions of a scope alone."""
    return [action for action in actions if action.scope == scope]


def without_keys(actions: Sequence[Action], inner: Sequence[Action]) -> list[Action]:
    """Return actions without the keys that mean something else further in; those that have none left are left out."""
    taken = {key for action in inner for key in action.keys.split(",")}
    found = []
    for action in actions:
        keys = [key for key in action.keys.split(",") if key and key not in taken]
        if keys or action.keys == "":
            found.append(replace(action, keys=",".join(keys)))
    return found
