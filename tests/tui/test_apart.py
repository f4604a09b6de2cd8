"""Work on large runs in a process of its own: the same answers, and nothing left behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

import tracetui
from tests.tui.conftest import login_bug
from tests.tui.driving import main_screen, settle
from tests.tui.jobs import die, linger, process_of
from tracetui import Database, RunNotFoundError
from tracetui.settings import Price, Settings
from tracetui.tui import apart as apart_room
from tracetui.tui.apart import Apart
from tracetui.tui.app import ExplorerApp
from tracetui.tui.view.insight import look_into
from tracetui.tui.view.run_model import RunModel
from tracetui.tui.view.spots import spots_of
from tracetui.tui.view.stats import stats_of


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Yield a store in a folder, in which every run counts as large."""
    monkeypatch.setattr(apart_room, "MANY", 1)
    monkeypatch.setenv("TESTING_PID", str(os.getpid()))
    with tracetui.open(tmp_path / "store") as db:
        yield db


@pytest.fixture
def model(stored: Database) -> RunModel:
    """Return the failing run of the login bug."""
    return RunModel(stored, login_bug(stored))


@pytest.fixture
def apart() -> Iterator[Apart]:
    """Yield processes that are stopped after the test."""
    made = Apart()
    yield made
    made.close()


def is_alive(pid: int) -> bool:
    """Whether a process runs, one that only waits to be taken note of left out."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until_gone(pid: int) -> bool:
    """Whether a process ends within some seconds."""
    end = time.monotonic() + 20
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_alive(pid)


def told_in(file: Path) -> int:
    """Return the process that a file tells of, once it does."""
    end = time.monotonic() + 30
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.01)
    return int(file.read_text())


def test_another_process_answers_and_ends(apart: Apart, model: RunModel) -> None:
    """What is asked of a large run in a folder is done by a process that is gone afterwards."""
    pid = apart.do(model, process_of)
    assert pid is not None
    assert pid != os.getpid()
    assert not is_alive(pid)


def test_every_analysis_says_the_same_elsewhere(apart: Apart, model: RunModel) -> None:
    """Loops, groups and the sentence, spots and figures are those that this process finds, prices included."""
    prices = Settings(prices={"*": Price(3, 15)})
    found = apart.do(model, look_into, model.present, model.known_errors, prices.pricing)
    here = look_into(model.columns, model.present, model.known_errors, prices.pricing)
    assert found is not None
    assert (found.loops, found.groups, found.sentence) == (here.loops, here.groups, here.sentence)
    assert (found.estimates, found.count) == (here.estimates, here.count)
    assert apart.do(model, spots_of) == spots_of(model.columns)
    assert apart.do(model, stats_of) == stats_of(model.columns)


@pytest.mark.parametrize("reason", ["memory", "small"])
def test_small_runs_and_memory_stay_here(
    apart: Apart, stored: Database, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run in memory, and a small one, is worked on by this process."""
    if reason == "small":
        monkeypatch.setattr(apart_room, "MANY", 1_000)
    with tracetui.open("memory://") as memory:
        db = memory if reason == "memory" else stored
        model = RunModel(db, login_bug(db))
        assert not apart.takes(model)
        assert apart.do(model, process_of) == os.getpid()


def test_a_process_that_dies_is_made_up_for(apart: Apart, model: RunModel) -> None:
    """Without an answer the work is done here."""
    assert apart.do(model, die) == model.columns.count


def test_no_process_to_be_had(apart: Apart, model: RunModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no process can be started the work is done here."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert apart.do(model, process_of) == os.getpid()


def test_what_cannot_be_sent_stays_here(apart: Apart, model: RunModel) -> None:
    """A value that pickle does not take is worked on here."""
    assert apart.do(model, lambda view: view.count) == model.columns.count


def test_a_run_that_is_gone_is_told(apart: Apart, stored: Database, model: RunModel) -> None:
    """What the process ran into is raised here, as if it had happened here."""
    stored.delete_run(model.run.id)
    with pytest.raises(RunNotFoundError):
        apart.do(model, process_of)


@pytest.mark.parametrize("close", [False, True])
def test_leaving_a_run_stops_its_work(apart: Apart, model: RunModel, tmp_path: Path, *, close: bool) -> None:
    """Whoever waits gets nothing, and the process is gone; after closing none begins."""
    answers: list[int | None] = []
    waiting = Thread(target=lambda: answers.append(apart.do(model, linger, tmp_path / "pid")))
    waiting.start()
    pid = told_in(tmp_path / "pid")
    if close:
        apart.close()
    else:
        apart.leave(model)
    waiting.join(20)
    assert answers == [None]
    assert not is_alive(pid)
    assert (apart.do(model, process_of) is None) is close


def test_killing_the_explorer_leaves_no_process(model: RunModel, tmp_path: Path) -> None:
    """A process ends when whoever asked is killed in the middle of its work."""
    told = tmp_path / "pid"
    script = (
        "import sys\nfrom pathlib import Path\nfrom tests.tui.jobs import linger\nfrom tracetui.tui import apart\n"
        "from tracetui.store.database import Database, open_backend\nfrom tracetui.tui.view.run_model import RunModel\n"
        "apart.MANY = 1\nmodel = RunModel(Database(open_backend(sys.argv[1]), owning=False), sys.argv[2])\n"
        "apart.Apart().do(model, linger, Path(sys.argv[3]))\n"
    )
    words = [sys.executable, "-c", script, model.db.location, model.run.id, str(told)]
    asking = subprocess.Popen(words, env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))})
    pid = told_in(told)
    assert is_alive(pid)
    asking.send_signal(signal.SIGKILL)
    asking.wait()
    assert until_gone(pid)


async def test_the_explorer_shows_what_the_process_found(
    stored: Database, model: RunModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large run is told about as a small one is: its sentence, its loops, where its errors were seen before."""
    monkeypatch.setattr("tracetui.tui.control.explaining.AT_ONCE", 0)
    login_bug(stored, name="the same again", run_id="again")
    app = ExplorerApp(stored, run_id=model.run.id)
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        shown = main_screen(app).model
        assert shown.insight.sentence == model.look_into().sentence
        assert shown.insight.loops.loops
        assert [seen.looked_at for seen in shown.seen or ()][:1] == [1]
        for key in ("2", "4"):
            await pilot.press(key)
            await settle(pilot)
        assert shown.known_spots == spots_of(model.columns)
    assert app.apart.do(model, process_of) is None


async def test_what_a_run_takes_is_left_out_of_collections_while_it_is_looked_at(memory: Database) -> None:
    """A search for cycles in all of it holds up keys; when one leaves, all can be collected again."""
    gc.unfreeze()
    login_bug(memory, name="failed", run_id="failed")
    app = ExplorerApp(memory, run_id="failed")
    async with app.run_test(size=(120, 32)) as pilot:
        await settle(pilot)
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_settings_can_be_sent(apart: Apart) -> None:
    """Settings mean the same after they were sent to another process."""
    import pickle

    settings = Settings(prices={"small*": Price(1, 2)}, keys={"app.help": ("f1",)}, bell=True)
    again = pickle.loads(pickle.dumps(settings))
    assert again == settings
    assert again.price_of("small-1") == Price(1, 2)
    assert apart is not None
