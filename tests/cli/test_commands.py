from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

import tracetui
from tests.cli.conftest import Run
from tests.tui.conftest import login_bug
from tracetui import Thought, TraceStore
from tracetui.store.database import Database, open_backend

HOSTILE = "\x1b]52;c;aGk=\x07\x9b31m[/]\u202e日本"


def store_of(tmp_path: Path) -> Database:
    """Open the store that commands work on."""
    return Database(open_backend(str(tmp_path / "store")), owning=False)


def recorded(tmp_path: Path) -> str:
    """Put the failing run into the store; return its id."""
    with store_of(tmp_path) as db:
        return login_bug(db)


# ---- run -------------------------------------------------------------------------------------------------


def test_run_start_prints_the_id_alone(run: Run, tmp_path: Path) -> None:
    """With name, tags and metadata as given."""
    made = run("run", "start", "fix", "--tag", "a", "--tag", "b", "--meta", '{"k": [1]}')
    assert (made.code, len(made.lines), made.err) == (0, 1, "")
    with store_of(tmp_path) as db:
        found = db.run(made.lines[0])
        assert (found.name, found.tags, found.metadata, found.owners) == ("fix", ("a", "b"), {"k": [1]}, ())
    assert run("run", "start", "--id", made.lines[0]).code == 2


def test_run_end_list_show_rename_tag(run: Run) -> None:
    """What is changed is shown; a run may be named in many ways."""
    first, second = run("run", "start", "one").lines[0], run("run", "start", "one").lines[0]
    for name, meant in (
        ("one", second),
        ("one~1", first),
        ("latest", second),
        (first[-6:], first),
        (first, first),
        ("run:" + first, first),
    ):
        shown = run("run", "show", name, "--json")
        assert json.loads(shown.out)["id"] == meant
    assert run("run", "end", first, "--status", "failed").code == 0
    assert run("run", "end", first).code == 2
    assert run("run", "rename", first, HOSTILE).code == 0
    assert run("run", "tag", first, "x", "y").code == 0
    assert run("run", "tag", first, "x", "--remove").code == 0
    listed = json.loads(run("run", "list", "--json").out)
    assert [(r["name"], r["status"], r["tags"]) for r in listed] == [
        ("one", "active", []),
        (HOSTILE, "failed", ["y"]),
    ]
    assert [len(run("run", "list", "--limit", n).lines) for n in ("1", "5")] == [2, 3]
    assert "failed" in run("run", "show", first).out


def test_ambiguous_and_unknown_runs(run: Run) -> None:
    """A part that fits several is a usage error, an unknown run is nothing found."""
    assert run("run", "list").code == 1
    assert run("run", "show").code == 1
    run("run", "start", "--id", "run-aa1")
    run("run", "start", "--id", "run-aa2")
    fits = run("run", "show", "run-aa")
    assert fits.code == 2
    assert "fits 2 runs" in fits.err
    assert run("run", "show", "nothing").code == 1
    assert "tracetui run list" in run("run", "show", "nothing").err


def test_deleting_needs_a_yes(run: Run) -> None:
    """Where nobody can be asked it is --yes."""
    made = run("run", "start", "x").lines[0]
    refused = run("run", "delete", made)
    assert refused.code == 2
    assert "--yes" in refused.err
    assert run("run", "delete", made, "--yes").code == 0
    assert run("run", "list").code == 1


# ---- record ----------------------------------------------------------------------------------------------


def test_the_six_types_are_recorded_and_their_ids_printed_alone(run: Run, tmp_path: Path) -> None:
    """With parents, tags, metadata, and texts from standard input."""
    made = run("run", "start", "r").lines[0]
    tool = run(
        "record", "tool", "grep", "--args", '{"p": 1}', "--result", "[1]", "--duration-ms", "5", "--run", made
    )
    assert (tool.code, len(tool.lines), tool.err) == (0, 1, "")
    parent = tool.lines[0]
    rest = [
        run(
            "record",
            "decision",
            "which?",
            "--option",
            "a",
            "--option",
            "b",
            "--chosen",
            "b",
            "--reasoning",
            "-",
            "--run",
            made,
            stdin="why",
        ),
        run(
            "record",
            "query",
            "sql",
            "-",
            "--results",
            "3",
            "--run",
            made,
            "--parent",
            parent,
            stdin="select 1",
        ),
        run("record", "thought", "-", "--confidence", "0.5", "--run", made, stdin="hm\n"),
        run(
            "record", "error", "E", "bad", "--recoverable", "--run", made, "--tag", "x", "--meta", '{"k": 1}'
        ),
        run("record", "custom", "Agent", "--data", '{"a": 1}', "--run", made, "--id", "mine"),
    ]
    assert [one.code for one in rest] == [0] * 5
    with store_of(tmp_path) as db:
        traces = TraceStore(db).list(made)
    assert [t.trace_type for t in traces] == [
        tracetui.ToolCall("grep", {"p": 1}, [1], 5), tracetui.Decision("which?", ["a", "b"], "b", "why"),
        tracetui.Query("sql", "select 1", 3), Thought("hm\n", 0.5), tracetui.Error("E", "bad", recoverable=True),
        tracetui.Custom("Agent", {"a": 1}),
    ]  # fmt: skip
    assert traces[2].parent_id == parent
    assert (traces[4].tags, traces[4].metadata, traces[5].id) == (["x"], {"k": 1}, "mine")


def test_open_and_end(run: Run, tmp_path: Path) -> None:
    """An open call is completed with a result from a file; once."""
    made = run("run", "start", "r").lines[0]
    call = run("record", "tool", "x", "--open", "--run", made).lines[0]
    (tmp_path / "out.json").write_text('{"ok": true}')
    assert (
        run("record", "end", call, "--run", made, "--result", f"@{tmp_path / 'out.json'}", "--tag", "t").code
        == 0
    )
    again = run("record", "end", call, "--run", made)
    assert again.code == 2
    assert "has ended already" in again.err
    data = run("record", "custom", "Step", "--data", '{"a": 1}', "--open", "--run", made).lines[0]
    assert run("record", "end", data, "--run", made, "--result", '{"b": 2}', "--status", "error").code == 0
    query = run("record", "query", "a", "b", "--open", "--run", made).lines[0]
    assert run("record", "end", query, "--run", made, "--results", "4").code == 0
    assert run("record", "end", query[:-2], "--run", made).code == 1
    with store_of(tmp_path) as db:
        found = TraceStore(db).list(made)
    assert found[0].trace_type == tracetui.ToolCall("x", None, {"ok": True})
    assert found[1].trace_type == tracetui.Custom("Step", {"a": 1, "b": 2})
    assert found[1].status == "error"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("record", "tool", "x", "--args", "{bad"), 2, "--args: --args is no JSON at line 1, column 2"),
        (("record", "tool", "x", "--args", "@/nowhere"), 2, "/nowhere cannot be read"),
        (("record", "thought", "x", "--parent", "none"), 1, "parent 'none' is not a trace"),
        (("record", "thought", "x", "--run", "none"), 1, "no run 'none'"),
        (("record", "thought", "x", "--id", ""), 2, "id: must not be empty"),
        (("record", "tool"), 2, "Missing argument"),
        (("nonsense",), 2, "No such command"),
        (("query", "--format", "nope"), 2, "choose one of"),
        (("query", "dur:>"), 2, "^"),
        (("query", "tpye:Error"), 2, "did you mean type:"),
        (("query", "--since", "soon"), 2, "--since"),
        (("query", "--all", "--run", "x"), 2, "exclude each other"),
        (("show", "none"), 1, "no trace 'none'"),
        (("open",), 2, "`tracetui tree` and `tracetui why`"),
        (("demo",), 2, "needs a terminal"),
        (("import", "/nowhere"), 3, "cannot be opened"),
        (("export", "--format", "nope"), 2, "choose jsonl or markdown"),
        (("--store", "redis://u:p@h", "run", "list"), 4, "no engine for redis://"),
    ],
)
def test_what_is_wrong_is_said_with_its_exit_code(
    run: Run, words: tuple[str, ...], code: int, said: str
) -> None:
    """Never a traceback, never on standard output."""
    run("run", "start", "r")
    refused = run(*words)
    assert refused.code == code
    assert said in refused.err
    assert refused.out == ""
    assert "Traceback" not in refused.err


def test_batches_commit_500_at_a_time(run: Run, tmp_path: Path) -> None:
    """Ids are printed; a bad line is named, what was before it stays and is said."""
    made = run("run", "start", "r").lines[0]
    good = '{"trace_type": {"Thought": {"content": "x"}}}\n'
    done = run("record", "batch", "--run", made, stdin=good * 501 + "\n")
    assert (done.code, len(done.lines)) == (0, 501)
    special = '{"id": "a", "trace_type": {"ToolCall": {"tool_name": "t", "arguments": null}}, "open": true, "parent_id": "later", "await_parent": true, "timestamp": 5}\n'
    assert run("record", "batch", "--run", made, stdin=special).lines == ["a"]
    for bad, said in (
        ("nope", "is no JSON"),
        ('{"a": 1}', 'needs an object with "trace_type"'),
        ('{"trace_type": {"X": {}}}', "'X' is none of"),
    ):
        refused = run("record", "batch", "--run", made, stdin=good * 500 + bad)
        assert refused.code == 2
        assert (
            f"line 501{':' if 'trace_type' in bad or 'a' in bad else ''}" in refused.err
            or "line 501" in refused.err
        )
        assert said in refused.err
        assert "500 traces were recorded before this" in refused.err
    with store_of(tmp_path) as db:
        assert db.run(made).traces == 501 + 1 + 3 * 500
        found = TraceStore(db).get(made, "a")
        assert found is not None
        assert (found.status, found.parent_missing, found.timestamp) == ("open", True, 5)


# ---- reading ---------------------------------------------------------------------------------------------


def test_all_runs_are_asked_and_explained_together(run: Run, tmp_path: Path) -> None:
    """What one run has is no slip, the first few plans are told and the rest summed up; a bad field has its caret."""
    with store_of(tmp_path) as db:
        for n in range(5):
            TraceStore(db).record(db.create_run(f"r{n}").id, Thought("x"), tags=["one"] if n == 3 else [])
    found = run("query", "--all", "tag:one", "--explain", "--format", "count")
    assert (found.code, found.lines) == (0, ["1"])
    assert "hint" not in found.err
    told = found.err.splitlines()
    assert [line for line in told if line.startswith("run ")] == ["run r4:", "run r3:", "run r2:"]
    assert told[-1] == "2 runs more: 2 traces, 0 found"
    assert run("query", "--all", "tag:onne").err == "hint: no tag onne: 0 in the index, nearest: one\n"
    slip = run("query", "--all", "x", "tpye:Error")
    assert slip.code == 2
    assert slip.err.splitlines() == ["tracetui: no field 'tpye'; did you mean type:?", "x tpye:Error", "  ^"]


def test_a_run_that_cannot_be_read_hides_no_other(run: Run, tmp_path: Path) -> None:
    """Of all runs the others answer, the damage is told, and the code is 3 whatever was found."""
    with store_of(tmp_path) as db:
        for name in ("one", "two"):
            TraceStore(db).record(db.create_run(name, id=name).id, Thought("look here"))
    (log,) = [path for path in (tmp_path / "store").rglob("*.log") if b"two" in path.read_bytes()]
    log.write_bytes(b"x" * 40 + log.read_bytes()[40:])
    for more in ((), ("--fail-if-any",)):
        found = run("query", "--all", "look", "--format", "count", *more)
        assert (found.code, found.lines) == (3, ["1"])
        assert "damaged at byte 0" in found.err


def test_query_in_every_format(run: Run, tmp_path: Path) -> None:
    """Words and flags build one query; exit codes are grep's, or those of a check."""
    recorded(tmp_path)
    assert run("query", "type:Error", "--format", "count").lines == ["3"]
    assert run("query", "--type", "Error", "--format", "ids").lines == ["error0", "error1", "error2"]
    assert run("query", "--type", "Error", "--type", "Decision", "--format", "count").lines == ["7"]
    assert run("query", "tag:io", "--parent", "root", "--limit", "1", "--format", "ids").lines == ["read"]
    assert run("query", "--text", "MODULE named", "--format", "ids").lines == ["error0", "error1", "error2"]
    assert run("query", "--since", "+19s", "--until", "+20s", "--format", "ids").lines == [
        "tests",
        "decide0",
        "bash0",
    ]
    assert [
        json.loads(line)["id"]
        for line in run("query", "under:tests", "type:Decision", "--format", "jsonl").lines
    ]
    assert json.loads(run("query", "type:Thought", "--json").out)[0]["id"] == "thought"
    tree = run("query", "id:error1", "--format", "tree").lines
    assert tree == [
        "[A fix login bug]",
        "  [A run tests]",
        "    [T bash pytest -q]",
        "      ! ToolError: pytest exited 2",
    ]
    table = run("query", "type:Error").lines
    assert table[0].split() == ["ID", "TIME", "TYPE", "STATUS", "TAGS", "WHAT"]
    assert len(table) == 4
    explained = run("query", "type:Error", "-tag:x", "--explain").err.splitlines()
    assert "type:Error NOT tag:x" in explained
    assert "  type:Error  [index, about 3, listed 3]" in explained
    counted = run("query", "type:ToolCall | count by name")
    assert [line.split() for line in counted.lines] == [["NAME", "COUNT"], ["bash", "3"], ["read_file", "1"]]
    assert json.loads(run("query", "type:ToolCall | stats dur", "--json").out)[0]["count"] == 4
    slowest = run("query", "type:ToolCall | sort -dur | select name, dur | limit 1")
    assert [line.split() for line in slowest.lines] == [["NAME", "DUR"], ["bash", "2.2s"]]
    assert run("query", "type:ToolCall | sort -dur | limit 1", "--all", "--format", "ids").lines == ["bash0"]
    assert run("query", "| count", "--format", "ids").code == 2
    assert run("query", "type:Nothing").code == 1
    assert run("query", "type:Nothing", "--fail-if-any").code == 0
    assert run("query", "type:Error", "--fail-if-any").code == 1
    assert run("query", "--all", "type:Error", "--format", "count").lines == ["3"]


def test_tree_show_facets_why_and_tail(run: Run, tmp_path: Path) -> None:
    """Text and JSON say the same."""
    recorded(tmp_path)
    lines = run("tree").lines
    assert lines[0] == "A fix login bug  (error)  41900ms"
    assert "      ! ToolError: pytest exited 2  (error)" in lines
    assert len(run("tree", "--depth", "0").lines) == 1
    assert run("tree", "--root", "tests", "--depth", "0").lines == ["A run tests  (error)  22600ms"]
    assert [row["depth"] for row in json.loads(run("tree", "--root", "bash0", "--json").out)] == [0, 1]
    shown = run("show", "error2")
    assert "ModuleNotFoundError" in shown.out
    assert json.loads(run("show", "run-login-bug/error2", "--json").out)["id"] == "error2"
    assert json.loads(run("facets", "--json").out)["types"]["Error"] == 3
    assert "type   3       Error" in run("facets").out
    why = run("why").lines
    assert why[0] == "FAILED  3 errors, 0 recovered"
    assert "just before:" in why
    told = json.loads(run("why", "--json").out)
    assert (told["verdict"], told["landing"], [step["id"] for step in told["path"]]) == (
        "FAILED",
        "error2",
        ["root", "tests", "bash2", "error2"],
    )
    assert len(run("tail", "--no-follow").lines) == 10
    assert json.loads(run("tail", "-n", "1", "--json").lines[0])["id"] == "error2"


def test_notes_are_left_and_shown(run: Run, tmp_path: Path) -> None:
    """The id alone on standard output."""
    recorded(tmp_path)
    made = run("note", "error2", "look here", "--mark")
    assert made.lines[0].startswith("note-")
    assert 'note: look here {"mark": true}' in run("show", "error2").out
    assert run("query", "note:look", "--format", "ids").lines == ["error2"]
    assert run("query", "mark:true", "--format", "ids").lines == ["error2"]
    run("note", "error2", "--unmark", "--withdraw", made.lines[0])
    assert run("query", "note:look OR mark:true", "--format", "ids").lines == []
    for words in (("error2",), ("error2", "--mark", "--unmark"), ("error2", "--withdraw", "note-none")):
        assert run("note", *words).code == 2


def test_notes_are_left_on_recordings(run: Run, tmp_path: Path) -> None:
    """Found when the recording is read again, and when it is imported; a trace that is not there is said."""
    recorded(tmp_path)
    file = str(tmp_path / "run.jsonl")
    run("export", "-o", file)
    assert run("note", "error2", "kept beside", "--run", file).lines[0].startswith("note-")
    assert run("note", "nothing", "lost", "--run", file).code == 1
    assert run("query", "note:beside", "--run", file, "--format", "ids").lines == ["error2"]
    run("--store", str(tmp_path / "other"), "import", file)
    assert run("--store", str(tmp_path / "other"), "query", "note:beside", "--format", "ids").lines == [
        "error2"
    ]


def test_hostile_text_never_reaches_the_terminal(run: Run) -> None:
    """In tables, trees, details, JSON and errors."""
    made = run("run", "start", HOSTILE, "--tag", HOSTILE).lines[0]
    trace = run(
        "record", "tool", HOSTILE, "--args", json.dumps({HOSTILE: HOSTILE}), "--tag", HOSTILE, "--run", made
    ).lines[0]
    for words in (
        ("run", "list"),
        ("run", "list", "--json"),
        ("tree",),
        ("show", trace),
        ("show", trace, "--json"),
        ("query",),
        ("facets",),
        ("why",),
        ("why", "--json"),
        ("stats", "--by", "tool"),
        ("loops",),
        ("run", "show", HOSTILE + "x"),
        ("query", "--format", "jsonl"),
    ):
        said = run(*words)
        bad = {c for c in said.out + said.err if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n"}
        assert bad == set(), words


# ---- files -----------------------------------------------------------------------------------------------


def test_import_export_and_reading_files(run: Run, shared_data: Path, tmp_path: Path) -> None:
    """Importing twice adds nothing; what is exported can be imported; a file can be read where a run can."""
    path = str(shared_data / "claude-code" / "fasthooks-main-compact.jsonl")
    first = run("import", path)
    assert (first.code, len(first.lines)) == (0, 1)
    assert "68 new" in first.err
    assert "0 new" in run("import", path).err
    out = tmp_path / "run.jsonl"
    assert run("export", first.lines[0], "-o", str(out)).code == 0
    assert out.read_text() == run("export", first.lines[0]).out
    assert run("--store", str(tmp_path / "other"), "import", str(out)).lines == first.lines
    assert run("query", "--run", path, "type:Error", "--format", "count").lines == ["2"]
    assert run("tree", path).lines[0].startswith("A session")
    assert run("why", path).lines[0] == "ENDED  2 errors, 2 recovered"
    assert run("import", str(tmp_path / "run.jsonl"), "--format", "nope").code == 3
    assert run("export", first.lines[0], "-o", "/nowhere/x").code == 2
    (tmp_path / "empty").mkdir()
    assert run("import", str(tmp_path / "empty")).code == 2


def test_formats_are_listed(run: Run) -> None:
    """With what they are and where they are found."""
    assert "claude-code" in run("formats").out
    assert [row["name"] for row in json.loads(run("formats", "--json").out)] == [
        "tracetui",
        "claude-code",
        "otlp",
    ]


def test_check_and_repair(run: Run, tmp_path: Path) -> None:
    """Damage has exit code 3; after a repair there is none and the original is kept."""
    run_id = recorded(tmp_path)
    clean = run("check")
    assert (clean.code, clean.out) == (0, "")
    (log,) = (tmp_path / "store" / "runs").glob("*.log")
    content = bytearray(log.read_bytes())
    content[content.index(b"the token is parsed")] ^= 1
    log.write_bytes(content)
    damaged = run("check", "--json")
    assert damaged.code == 3
    assert json.loads(damaged.out)[0]["reason"] == "the checksum of a body does not hold"
    assert "OFFSET" in run("check", run_id).out
    assert run("show", "thought").code == 3
    assert "(damaged)" in run("tree").out
    repaired = run("repair", run_id)
    assert repaired.code == 0
    assert "16 traces kept; the original is" in repaired.err


def test_the_store_option_may_stand_anywhere(run: Run, tmp_path: Path) -> None:
    """Before or behind the command, and --version says its word."""
    where = str(tmp_path / "elsewhere")
    made = run("run", "start", "x", "--store", where)
    assert run("run", "list", f"--store={where}", "--json").out.count(made.lines[0]) == 1
    assert run("run", "list").code == 1
    assert run("--version").out.startswith("tracetui ")
    assert "Usage" in run("--help").out


def test_what_became_of_open_steps_is_said(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open, quiet for so long, lost with its writer, or abandoned by a run that ended; runs likewise."""
    made = run("run", "start", "r").lines[0]
    run("record", "tool", "x", "--open", "--run", made)
    assert run("tree").lines == ["T x  (open)"]
    assert run("run", "list").lines[1].split()[1] == "active"
    later = tracetui.model.clock.now_ms() + 3_600_000
    monkeypatch.setattr("tracetui.model.clock.now_ms", lambda: later)
    assert run("tree").lines[0].startswith("T x  (open, quiet 1:00h)")
    assert "quiet 1:00h" in run("run", "list").lines[1]
    dead = tracetui.Owner("h", "b", "n", 1, "s")
    monkeypatch.setattr("tracetui.store.ownership.is_dead", lambda owner: True)
    with store_of(tmp_path) as db:
        db.backend.append(made, [tracetui.model.change.run_patch({"owner": dead.pack()})])
    assert run("tree").lines == ["T x  (lost)"]
    assert run("run", "list").lines[1].split()[1] == "lost"
    run("run", "end", made)
    assert run("tree").lines == ["T x  (abandoned)"]
    assert json.loads(run("run", "list", "--json").out)[0]["status"] == "completed"
