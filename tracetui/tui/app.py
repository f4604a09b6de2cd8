"""The explorer itself: its screens, and what they share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import Screen

from tracetui.errors import TraceTuiError
from tracetui.model.change import Annotation, annotation
from tracetui.model.clock import now_ms
from tracetui.model.text import printable
from tracetui.model.value import Value
from tracetui.settings import Settings
from tracetui.store.database import Database
from tracetui.tui.actions import (
    APP,
    DIFF,
    MAIN,
    PICKER,
    Action,
    actions_in,
    actions_of,
    keys_of,
    without_keys,
)
from tracetui.tui.apart import Apart
from tracetui.tui.compat import AsciiFilter, PlainPalette, as_markup
from tracetui.tui.keymap import actions_with_keys, changed_keys
from tracetui.tui.outside import Outside
from tracetui.tui.screens.help import HelpScreen
from tracetui.tui.screens.main import MainScreen
from tracetui.tui.screens.picker import PickerScreen
from tracetui.tui.state import StateFolder
from tracetui.tui.theme import COLOURS, OWN, next_theme, theme_named
from tracetui.tui.view.copying import Source
from tracetui.tui.view.guide import Guide
from tracetui.tui.view.picker import PickerModel
from tracetui.tui.view.prompt_history import PromptHistory
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.run_state import RunState, read_state, state_name
from tracetui.tui.view.saved_filters import kept
from tracetui.tui.view.seen_book import SeenBook
from tracetui.tui.widgets.views import VIEWS


class Importing(Protocol):
    """A file on its way into the store that is shown."""

    def step(self) -> bool:
        """Take in some more; return whether anything came."""
        ...

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        ...

    @property
    def run_ids(self) -> list[str]:
        """The runs found so far."""
        ...

    def keep_note(self, run_id: str, note: Annotation) -> None:
        """Keep a note where it outlasts what is shown."""
        ...

    def progress(self) -> str:
        """Return a few words on how far it is."""
        ...


class ExplorerApp(Outside):
    """The explorer of one store."""

    CSS = "Screen { background: $background; } Toast { max-width: 70%; }"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "f12"
    TITLE = "tracetui"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(a.keys, a.method, a.title, show=False, id=a.id) for a in actions_of(APP) if a.keys),
        Binding("ctrl+q", "quit", show=False, priority=True),
        Binding("ctrl+c", "copy_or_quit", show=False, priority=True),
    ]

    def __init__(
        self,
        db: Database,
        *,
        run_id: str | None = None,
        trace_id: str | None = None,
        query: str = "",
        view: str = "tree",
        place: str | None = None,
        source: Source | None = None,
        importing: Importing | None = None,
        ascii_only: bool = False,
        over_picker: bool = False,
        guided: bool = False,
        settings: Settings | None = None,
        beside: str = "",
        state: StateFolder | None = None,
        also_seen: Sequence[Database] = (),
        greeting: str = "",
    ) -> None:
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self._beside = beside
        self.settings = settings or Settings()
        self.actions = actions_with_keys(self.settings)
        self.set_keymap(changed_keys(self.actions))
        self.guide = Guide(self.actions) if guided else None
        self._over_picker = over_picker
        self.db = db
        self.place = place if place is not None else _short_place(db.location)
        self.ascii_only = ascii_only or self.settings.ascii
        self._ascii_filter = AsciiFilter()
        self.source = source
        """Where a shell finds what is shown; None if only this process does."""
        self.import_progress = ""
        self.state = state or StateFolder()
        self.history = PromptHistory(self.state.read("prompts"))
        self.picker_model = PickerModel(db)
        self.picker_model.restore_order(self.state.read("picker"))
        self.seen_book = SeenBook([db, *also_seen])
        self.apart = Apart()
        """What works on large runs beside this process."""
        self._run_id, self._trace_id, self._query, self._view = run_id, trace_id, query, view
        self._importing = importing
        self._greeting = greeting
        self.elsewhere: Source | None = None
        """The place that is to be shown after this one."""
        self.problem: BaseException | None = None
        for theme in OWN:
            self.register_theme(theme)
        self.ansi_theme_light = COLOURS["textual-light"]
        few = self.console.color_system in (None, "standard")
        self._show_theme(theme_named(self.settings.theme, os.environ, few_colours=few))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what every line goes through before it is shown."""
        filters = super().get_line_filters()
        return [*filters, self._ascii_filter] if self.ascii_only else filters

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Tell something for a while: as text, whatever it holds."""
        said = printable(message, newlines=True)
        super().notify(said, title=printable(title), severity=severity, timeout=timeout, markup=markup)

    # ---- starting ----------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Open what was asked for."""
        if self._greeting:
            self.notify(self._greeting, severity="error", markup=False, timeout=12)
        if self._over_picker:
            self.push_screen(PickerScreen(self.picker_model))
        if self._importing is not None:
            self.run_worker(self._import, thread=True, group="import", exit_on_error=False)
        elif self._run_id is None:
            self.push_screen(PickerScreen(self.picker_model))
        else:
            self._open_first(self._run_id)

    def on_unmount(self) -> None:
        """Leave nothing behind that still works."""
        self.apart.close()

    def _open_first(self, run_id: str) -> None:
        """Open the run that was asked for, as it was asked for."""
        self.open_run(
            run_id, trace_id=self._trace_id, query=self._query, view=self._view, beside=self._beside
        )

    def _import(self) -> None:
        """In a worker: bring in the file, show its first run as soon as there is one, go on while it grows."""
        import time

        from textual.worker import get_current_worker

        worker, importing = get_current_worker(), self._importing
        assert importing is not None  # noqa: S101 - the worker is only started with one
        opened = False
        try:
            while not worker.is_cancelled:
                came = importing.step()
                self.import_progress = importing.progress()
                if not opened and self._has_enough(importing, more_may_come=came):
                    opened = True
                    self.call_from_thread(self._open_imported)
                if not came:
                    if importing.done:
                        break
                    time.sleep(0.1)
        except TraceTuiError as problem:
            self.problem = problem
            if opened:
                self.call_from_thread(
                    self.notify, printable(str(problem)), severity="error", markup=False, timeout=20
                )
            else:
                self.call_from_thread(self.exit, 3)
            return
        self.import_progress = ""
        if not opened:
            self.problem = None
            self.call_from_thread(self.exit, 1)

    def _has_enough(self, importing: Importing, *, more_may_come: bool) -> bool:
        """Whether there is something to show: a run, or two that are to be compared if two come."""
        found = len(importing.run_ids)
        return found > 1 or (found == 1 and not (self._view == DIFF and more_may_come))

    def _open_imported(self) -> None:
        ids = self._importing.run_ids if self._importing else []
        if len(ids) > 1 and self._view == DIFF:
            self.open_diff(ids[0], ids[1])
        elif len(ids) > 1 and self._run_id is None:
            self.push_screen(PickerScreen(self.picker_model))
        else:
            self._open_first(self._run_id or ids[0])

    # ---- screens -----------------------------------------------------------------------------------------

    @property
    def has_run(self) -> bool:
        """Whether a run is open below the picker."""
        return any(isinstance(screen, MainScreen) for screen in self.screen_stack)

    def open_diff(self, run_a: str, run_b: str) -> None:
        """Show run B beside run A, instead of the run that is shown."""
        self.open_run(run_b, view=DIFF, beside=run_a)

    def open_run(
        self,
        run_id: str,
        *,
        trace_id: str | None = None,
        query: str = "",
        view: str = "tree",
        beside: str = "",
    ) -> None:
        """Show a run instead of the one that is shown; ``beside`` is the run that the diff view lays beside it."""
        try:
            model = RunModel(self.db, run_id, price_of=self.settings.pricing)
        except TraceTuiError as problem:
            self.notify(printable(str(problem)), severity="error", markup=False, timeout=10)
            if not self.screen_stack or len(self.screen_stack) == 1:
                self.push_screen(PickerScreen(self.picker_model))
            return
        seq = -1
        if trace_id:
            seq = find_trace(model, trace_id)
            if seq < 0:
                self.notify(f"no trace {printable(trace_id)} in this run", severity="warning", markup=False)
        while isinstance(self.screen, MainScreen) or (isinstance(self.screen, PickerScreen) and self.has_run):
            self.pop_screen()
        state = None if trace_id or query or beside else self._state_of(model)
        self.push_screen(MainScreen(model, seq=seq, query=query, view=view, beside=beside, state=state))

    def open_elsewhere(self, source: Source) -> None:
        """Leave this place for another one; one comes back from there."""
        self.elsewhere = source
        self.exit(0)

    def show_picker(self) -> None:
        """Show all runs, over the one that is open."""
        self.push_screen(PickerScreen(self.picker_model))

    def leave_run(self) -> None:
        """Go from a run to what is below it, out if there is nothing."""
        self.pop_screen()
        if not isinstance(self.screen, PickerScreen):
            self.exit(0)

    def open_neighbour(self, run_id: str, step: int) -> None:
        """Open the run before or after one, in the picker's order."""
        if not self.picker_model.rows:
            try:
                self.picker_model.show(self.picker_model.board.rows(fresh=False))
            except TraceTuiError as problem:
                self.notify(printable(str(problem)), severity="error", markup=False)
                return
        at = self.picker_model.row_of(run_id) + step
        if 0 <= at < len(self.picker_model.rows):
            view = self.screen.current.name_of_view if isinstance(self.screen, MainScreen) else "tree"
            self.open_run(self.picker_model.rows[at].run.id, view=view)
        else:
            self.notify("no more runs in this direction", markup=False, timeout=2)

    # ---- what is remembered ------------------------------------------------------------------------------

    def _state_name(self, model: RunModel) -> str:
        """Return under which name a run is remembered: an opened recording by its ids alone, wherever it lies."""
        is_file = self._importing is not None
        return state_name("file" if is_file else os.path.abspath(model.db.location), model.run.id)  # noqa: PTH100

    def _state_of(self, model: RunModel) -> RunState | None:
        state = read_state(self.state.read(self._state_name(model)))
        return state if state is not None and state.view in VIEWS else None

    def remember_run(self, model: RunModel, state: RunState) -> None:
        """Remember where somebody is in a run."""
        self.state.write(self._state_name(model), state.to_json())

    def keep_order(self, model: PickerModel) -> None:
        """Remember the order of the picker."""
        self.state.write("picker", model.order())

    def keep_prompts(self) -> None:
        """Remember what was typed into prompts."""
        self.state.write("prompts", self.history.to_json())

    # ---- actions everywhere ------------------------------------------------------------------------------

    def _scope(self) -> str:
        return PICKER if isinstance(self.screen, PickerScreen) else MAIN

    def why_not(self, action: str) -> str | None:
        """Return why an action can do nothing here and now, None if it can."""
        if self.is_web and any(one.local and one.id == action for one in self.actions):
            return "not in a browser: it would act on the server"
        screen = self.screen
        return screen.disabled_reason(action) if isinstance(screen, (MainScreen, PickerScreen)) else None

    async def run_action(self, action: Any, default_namespace: Any = None, namespaces: Any = None) -> bool:
        """Run an action, but for one that acts on the machine if the person is elsewhere."""
        taken = self._action_of(action) if isinstance(action, str) else None
        if taken is not None and taken.local and self.is_web:
            self.notify(self.why_not(taken.id) or "", markup=False, timeout=3)
            return True
        done = await super().run_action(action, default_namespace, namespaces)
        if taken is not None and self.guide is not None and self.guide.took(taken.id):
            self._show_guide()
        return done

    def _action_of(self, call: str) -> Action | None:
        """Return the action that Textual calls so, None if it is none of ours."""
        name = call.rpartition(".")[2].partition("(")[0]
        scope = self._scope()
        return next((one for one in self.actions if one.method == name and one.scope in (scope, APP)), None)

    def action_app_guide(self) -> None:
        """Begin the guide, or leave it."""
        self.guide = None if self.guide is not None else Guide(self.actions)
        self._show_guide()

    def _show_guide(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen):
                screen.show_guide()

    def on_key(self, event: events.Key) -> None:
        """Give a key that nothing took to the prompt that the key before it opened: a text pasted as keys is whole."""
        screen = self.screen
        if isinstance(screen, (MainScreen, PickerScreen)):
            screen.prompt.type_ahead(event)

    def action_app_help(self) -> None:
        """Show what the keys do here."""
        if isinstance(self.screen, (MainScreen, PickerScreen)):
            screen = self.screen
            name = screen.inner_scope if isinstance(screen, MainScreen) else PICKER
            self.push_screen(HelpScreen(name, self._actions_here(), self.why_not))

    def _actions_here(self) -> list[Action]:
        """Return the actions of the screen; those of the view that is shown first, without the keys that it takes."""
        screen = self.screen
        own = actions_in(screen.inner_scope, self.actions) if isinstance(screen, MainScreen) else []
        return [*own, *without_keys(actions_of(self._scope(), self.actions), own)]

    def action_app_palette(self) -> None:
        """Offer all actions by name."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(PlainPalette(id="--command-palette"))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Return the actions for the palette: the same list as keys and help."""
        target = screen if isinstance(screen, (MainScreen, PickerScreen)) else None
        view = target.inner if isinstance(target, MainScreen) else None
        for action in self._actions_here():
            owner = self if action.scope == APP else target if action.scope in (MAIN, PICKER) else view
            method = getattr(owner, f"action_{action.method}", None) or getattr(
                owner, f"action_{action.id.split('.')[-1]}", None
            )
            if method is None:
                continue
            reason = self.why_not(action.id)
            if self.is_web and action.local:
                continue
            keys = keys_of(action) or action.id
            yield SystemCommand(action.title, f"{keys}   ({reason})" if reason else keys, method)
        if isinstance(target, MainScreen):
            for name, text in kept(self.state).items():
                use = partial(target.use_filter, text)
                said = as_markup(printable(name)), as_markup(printable(text))
                yield SystemCommand(f"Filter: {said[0]}", said[1], use)

    def action_app_quit(self) -> None:
        """Leave."""
        self.exit(0)

    def action_app_theme(self) -> None:
        """Turn to the next theme."""
        self._show_theme(next_theme(self.theme))
        self.screen.refresh(recompose=False, layout=True)

    def _show_theme(self, name: str) -> None:
        self.ansi_theme_dark = COLOURS.get(name if name != "textual-light" else "", COLOURS["textual-dark"])
        self.theme = name

    def annotate(self, model: RunModel, trace_id: str, note: str, fields: Mapping[str, Value]) -> None:
        """Leave an annotation on a trace.

        :raises TraceTuiError: if it cannot be written.
        """
        made = annotation(trace_id, note, fields)
        if self._importing is not None:
            made = made._replace(timestamp=now_ms())
            kept = Annotation(made.id, trace_id, note, dict(fields), made.timestamp or 0)
            self._importing.keep_note(model.run.id, kept)
        model.db.commit(model.run.id, (made,))


def find_trace(model: RunModel, trace_id: str) -> int:
    """Return the seq of an id, or of its unique prefix or suffix; −1 if there is none."""
    seq = model.view.seq_of(trace_id)
    if seq is not None:
        return seq
    found = [
        n for n, other in enumerate(model.view.ids) if other.endswith(trace_id) or other.startswith(trace_id)
    ]
    return found[0] if len(found) == 1 else -1


def _short_place(location: str) -> str:
    home = os.path.expanduser("~")  # noqa: PTH111 - a prefix of text
    return "~" + location[len(home) :] if location.startswith(home + os.sep) else location
