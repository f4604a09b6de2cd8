"""What people get wrong: each is said in a line that helps, with its exit code, and never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tracetui
from tests.cli.conftest import Run
from tests.formats.test_claude_code import line, use
from tests.importing.test_opening import BEGIN, END, transcript
from tracetui import TraceStore

COMMAND = [sys.executable, "-m", "tracetui.cli.app"]


def binary(path: Path) -> None:
    """Write bytes that mean nothing."""
    path.write_bytes(bytes(range(256)) * 40)


BAD_FILES: list[tuple[str, Callable[[Path], object], str]] = [
    ("empty", lambda path: path.touch(), "the file is empty"),
    ("binary", binary, "looks like binary data"),
    ("text", lambda path: path.write_text("Dear diary\n"), "no recording of a format that is known"),
    ("json", lambda path: path.write_text('{"a": 1}'), "this is JSON, but of no format that is known"),
    ("null", lambda path: path.write_text("null\n"), "no recording of a format that is known"),
    ("cut", lambda path: path.write_text('{"resourceSpans": [{"sc'), "no whole record in this otlp file: 1 documents cut off"),
    ("packed", lambda path: path.write_bytes(b"\x1f\x8b\x08garbage"), "the gzip data are damaged"),
    ("folder", lambda path: path.mkdir(), "there is no recording in"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "said"), BAD_FILES, ids=[name for name, _, _ in BAD_FILES])
def test_files_that_are_no_recordings(
    run: Run, tmp_path: Path, name: str, make: Callable[[Path], object], said: str
) -> None:
    """Imported or looked at: one line with the file's name; nothing on standard output."""
    path = tmp_path / name
    make(path)
    for words in (("import",), ("tree",), ("why",), ("tail",), ("query", "--run"), ("export",)):
        refused = run(*words, str(path))
        usage = name == "folder" and words == ("import",)
        assert (refused.code, refused.out) == (2 if usage else 3, ""), words
        (told,) = refused.err.splitlines()
        assert said in told
        assert str(path) in told


def test_a_name_that_is_nothing(run: Run) -> None:
    """Neither a run nor a file; long names, names with anything in them."""
    run("run", "start", "x")
    for name in ("nothing", "no/such/file.jsonl", "x" * 5000, "a\x00b", "\ud83d", "~1", "x~7", "run:"):
        refused = run("tree", name)
        assert (refused.code, refused.out) == (1, "")
        (told,) = refused.err.splitlines()
        assert "no run" in told
        assert ("no file" in told) == ("/" in name)


def test_a_name_of_a_run_and_of_a_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a usage error that says how to mean either."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fix").write_bytes(BEGIN)
    assert run("tree", "fix").lines[0].startswith("A session")
    run("run", "start", "fix")
    run("record", "thought", "in the store", "--run", "fix")
    refused = run("tree", "fix")
    assert refused.code == 2
    assert "./fix or run:fix" in refused.err
    assert run("tree", "run:fix").lines == [". in the store"]
    assert run("tree", "./fix").lines[0].startswith("A session")


def test_a_recording_is_read_where_a_run_is(run: Run, tmp_path: Path) -> None:
    """Also by show and tail."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(BEGIN + END)
    assert json.loads(run("show", "t1", "--run", str(path), "--json").out)["status"] == "ok"
    assert "fix it" in run("show", "u1", "--run", str(path), "--markdown").out
    assert [text.split()[2] for text in run("tail", str(path), "--no-follow", "-n", "2").lines] == ["M", "T"]
    assert run("show", "none", "--run", str(path)).code == 1


def test_tail_follows_a_recording_that_grows(tmp_path: Path) -> None:
    """Each trace once, as it is written."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(BEGIN)
    process = subprocess.Popen([*COMMAND, "tail", str(path), "--json"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    seen = [json.loads(process.stdout.readline())["id"] for _ in range(4)]
    with path.open("ab") as file:
        file.write(END + transcript(line("user", "more", 7)))
    seen.append(json.loads(process.stdout.readline())["id"])
    process.terminate()
    process.communicate(timeout=30)
    assert seen == ["session", "u1", "msg2", "t1", "u7"]


def test_importing_many_goes_on_behind_what_cannot_be_read(run: Run, tmp_path: Path) -> None:
    """A bad file in a folder is told; a bad one that was named, or nothing but bad ones, is exit code 3."""
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.jsonl").write_bytes(BEGIN)
    whole = run("import", str(tmp_path))
    assert (whole.code, whole.lines) == (0, ["s1"])
    assert "a.json: this is JSON, but of no format that is known" in whole.err
    named = run("import", str(tmp_path / "a.json"), str(tmp_path / "b.jsonl"))
    assert (named.code, named.lines) == (3, ["s1"])
    (tmp_path / "b.jsonl").unlink()
    assert run("import", str(tmp_path)).code == 3


def test_only_one_value_comes_from_standard_input(run: Run) -> None:
    """The second would be empty."""
    run("run", "start", "x")
    refused = run("record", "tool", "x", "--args", "-", "--result", "-", stdin="1")
    assert refused.code == 2
    assert 'only one value can be "-"' in refused.err


def test_bytes_that_are_no_text_are_kept(shell: Run, tmp_path: Path) -> None:
    """Whatever the locale of the shell."""
    shell("run", "start", "x")
    for surroundings in ({"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}, {"PYTHONIOENCODING": "utf-8:strict"}):
        done = subprocess.run(
            [*COMMAND, "record", "thought", "-"], input=b"caf\xc3\xa9 \xff\xfe", capture_output=True, check=False,
            env={**os.environ, "TRACETUI_STORE": str(tmp_path / "store"), **surroundings},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    with tracetui.open(tmp_path / "store") as db:
        found = [trace.trace_type for trace in TraceStore(db).list(db.runs()[0].id)]
    assert found == [tracetui.Thought("café \udcff\udcfe")] * 3


@pytest.mark.parametrize(
    ("bad", "code", "said"),
    [
        ('"tags": "abc"', 2, "line 3: tags: must be a sequence"),
        ('"id": 5', 2, "line 3: id: must be a str"),
        ('"timestamp": "now"', 2, "line 3: timestamp: must be an int"),
        ('"status": "weird"', 2, "line 3: status: 'weird' is none of"),
        ('"parent_id": "zz"', 1, "line 3: parent 'zz' is not a trace"),
        ('"id": "twice"', 2, "line 3: trace 'twice' is in this run already"),
    ],
)
def test_a_line_of_a_batch_that_is_refused_is_named(run: Run, bad: str, code: int, said: str) -> None:
    """By its number; none of its commit is recorded."""
    made = run("run", "start", "x").lines[0]
    run("record", "thought", "x", "--id", "twice", "--run", made)
    kind = '"trace_type": {"Thought": {"content": "x"}}'
    refused = run("record", "batch", "--run", made, stdin=f"{{{kind}}}\n\n{{{kind}, {bad}}}\n{{{kind}}}\n")
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err
    assert run("query", "--run", made, "--format", "count").lines == ["1"]


def test_a_batch_of_large_lines_is_committed_in_parts(run: Run) -> None:
    """More than one commit may hold, and all of it is recorded."""
    made = run("run", "start", "x").lines[0]
    large = json.dumps({"trace_type": {"Thought": {"content": "x" * 400_000}}}) + "\n"
    assert len(run("record", "batch", "--run", made, stdin=large * 200).lines) == 200


def in_shell(script: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in which ``tracetui`` is the command."""
    program = f'tracetui() {{ "{sys.executable}" -m tracetui.cli.app "$@"; }}\n'
    surroundings = {**os.environ, "TRACETUI_STORE": str(tmp_path / "store"), "PYTHONPATH": str(Path.cwd())}
    return subprocess.run(
        ["bash", "-c", program + script], capture_output=True, text=True, check=False, env=surroundings
    )


def test_output_that_nobody_takes(tmp_path: Path) -> None:
    """A closed standard output costs nothing, a full one is said; the trace is recorded either way."""
    closed = in_shell(
        "tracetui run start x >/dev/null; tracetui record thought one 2>/dev/null >&-", tmp_path
    )
    assert (closed.returncode, closed.stderr) == (0, "")
    nothing = in_shell("tracetui record thought two <&- >&- 2>&-", tmp_path)
    assert nothing.returncode == 0
    full = in_shell("tracetui record thought three > /dev/full", tmp_path)
    assert full.returncode == 2
    assert "tracetui: the output cannot be written: No space left on device" in full.stderr
    assert "Traceback" not in full.stderr
    assert in_shell("tracetui query --format count", tmp_path).stdout == "3\n"


def test_a_working_folder_that_is_gone(tmp_path: Path) -> None:
    """The store is the one that is named, else the user's own."""
    script = f"mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone; "
    assert in_shell(script + "tracetui run start x", tmp_path).returncode == 0
    done = in_shell(script + "unset TRACETUI_STORE; tracetui run list", tmp_path)
    assert done.returncode == 1
    assert "no runs in" in done.stderr


def test_the_explorer_draws_through_standard_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redirected, it would be a blank screen that waits."""
    monkeypatch.setattr("tracetui.cli.output.is_terminal", lambda: True)
    blind = run("open")
    assert blind.code == 2
    assert "leave it on the terminal" in blind.err


def completed(store: Path, *words: str, **more: str) -> list[str]:
    """Return what bash offers for the last of some words."""
    surroundings = {
        **os.environ, "_TRACETUI_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1), "TRACETUI_STORE": str(store), **more,
    }  # fmt: skip
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False, env=surroundings)
    assert done.stderr == ""
    return done.stdout.split()


def test_expressions_complete(tmp_path: Path) -> None:
    """Fields, types, tags and names of the run that is asked; bash parts words at colons, other shells do not."""
    store = tmp_path / "store"
    with tracetui.open(store) as db:
        for name, tag in (("one", "db"), ("two", "plan")):
            run = db.create_run(name)
            kind = tracetui.ToolCall("bash", {})
            TraceStore(db).record_with_options(run.id, kind, tags=[tag, "two words", "x$y"])

    def query(*words: str) -> list[str]:
        return completed(store, "tracetui", "query", *words)

    assert query("con") == ["confidence:"]
    assert query("rec") == ["recoverable:true", "recoverable:false"][::-1]
    assert query("ty") == ["type:ToolCall"]
    assert query("tag", ":", "p") == query("tag", ":") == ["plan"]
    assert query("type:ToolCall", "tag:p") == ["tag:plan"]
    assert query("tag", ":", "plan", "un") == ["under:"]
    assert query("under:type:To") == ["under:type:ToolCall"]
    assert query("--run", "one", "tag:") == ["tag:db"]
    assert query("--run", "nobody", "ta") == ["tag:"]
    assert query("args") == ["args."]
    assert query("--tag", "p") == ["plan"]
    assert query("--run", "one", "--type", "T") == ["ToolCall"]
    assert completed(store, "tracetui", "compare", "on") == ["one"]
    assert completed(tmp_path / "none", "tracetui", "query", "ta") == ["tag:"]


def test_completions_say_how_many(tmp_path: Path) -> None:
    """Where the shell shows it."""
    with tracetui.open(tmp_path / "store") as db:
        run = db.create_run()
        for _ in range(2):
            TraceStore(db).record(run.id, tracetui.Thought("x"), tags=["db"])
    surroundings = {
        **os.environ, "_TRACETUI_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": "tracetui query tag:d", "TRACETUI_STORE": str(tmp_path / "store"),
    }  # fmt: skip
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False, env=surroundings)
    assert done.stdout == "tag:db\t2 traces\n"


def test_completions_are_runs_traces_and_words(tmp_path: Path) -> None:
    """By the store of the line; a store that cannot be read has none."""

    def complete(*words: str, **more: str) -> list[str]:
        return completed(tmp_path / "store", *words, **more)

    with tracetui.open(tmp_path / "store") as db:
        first, second = db.create_run("fix-login", id="run-1"), db.create_run("two words", id="run-2")
        TraceStore(db).record_with_options(second.id, tracetui.Thought("x"), id="trace-9")
    assert complete("tracetui", "tree", "") == ["latest", "fix-login", "run-2", "run-1"]
    assert complete("tracetui", "tree", "fi") == [first.name]
    assert complete("tracetui", "show", "tr") == ["trace-9"]
    assert complete("tracetui", "run", "end", "--status", "c") == ["completed", "cancelled"]
    assert complete("tracetui", "query", "--format", "j") == ["json", "jsonl"]
    assert complete("tracetui", "--store", str(tmp_path / "none"), "tree", "") == []
    (tmp_path / "file").touch()
    assert complete("tracetui", "tree", "", TRACETUI_STORE=str(tmp_path / "file")) == []


def test_a_subagents_trace_is_found_by_a_part_of_its_id(run: Run, tmp_path: Path) -> None:
    """Ids with any sign in them: RUN/TRACE is tried, then the whole."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(transcript(line("assistant", [use("Task", "a/b", {"prompt": "look"})], 1)))
    run("import", str(path))
    assert json.loads(run("show", "a/b", "--json").out)["id"] == "a/b"
    assert json.loads(run("show", "s1/a/b", "--json").out)["id"] == "a/b"
