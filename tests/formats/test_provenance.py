"""Every recording of the two first formats, imported as a user does: the counts are those of its provenance row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracetui
from tests.conftest import SHARED_DATA
from tracetui import TraceStore
from tracetui.importing.opening import import_into

FOLDERS = ("claude-code/", "otlp/", "openinference/")


def rows() -> Iterator[tuple[str, str]]:
    """Yield the files of the provenance table that are of these formats, with what is said of their content."""
    table = SHARED_DATA / "PROVENANCE.md"
    for line in table.read_text(encoding="utf-8").splitlines() if table.exists() else ():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0].startswith(FOLDERS) and not cells[0].endswith(".pb"):
            yield cells[0], f"{cells[4]}; {cells[5]}"


def number(said: str, pattern: str) -> int | None:
    """Return a number that a row says, None if it says none."""
    found = re.search(pattern, said.replace("\u00a0", " "))
    return int(found[1].replace(" ", "")) if found else None


ROWS = dict(rows())


def test_every_file_has_its_row(shared_data: Path) -> None:
    """None of the formats' files is without a row, so that none goes untried."""
    files = {
        str(path.relative_to(shared_data))
        for folder in FOLDERS
        for path in (shared_data / folder).rglob("*")
        if path.is_file() and path.suffix != ".pb"
    }
    assert files == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_imported_it_has_the_counts_of_its_row(shared_data: Path, name: str) -> None:
    """Spans, calls of tools, errors, calls without a result, pictures; importing again changes nothing."""
    said = ROWS[name]
    with tracetui.open("memory://") as db:
        done = import_into(db, str(shared_data / name))
        assert done.result is not None
        assert not done.refused
        assert set(done.result.skipped) <= {"lines repeated"}
        store = TraceStore(db)
        traces = [trace for run in db.runs() for trace in store.list(run.id)]
        spans = {"spans": sum("#" not in trace.id for trace in traces)}
        counted = of_transcript(traces) if name.startswith("claude-code/") else spans
        wanted = {
            "spans": number(said, r"^([\d ]+) (?:spans|items|object)"),
            "tools": number(said, r"tools (\d+)"),
            "errors": number(said, r"errors (\d+)"),
            "open": number(said, r"orphan tool_use (\d+)"),
            "pictures": number(said, r"imgs (\d+)"),
        }
        assert {key: counted[key] for key in counted if wanted[key] is not None} == {
            key: value for key, value in wanted.items() if value is not None
        }
        before = [(run.id, db.view(run.id).rev) for run in db.runs()]
        again = import_into(db, str(shared_data / name))
        assert (again.traces, again.updates) == (0, 0)
        assert [(run.id, db.view(run.id).rev) for run in db.runs()] == before


def of_transcript(traces: list[tracetui.Trace]) -> dict[str, int]:
    """Count what the session itself did; its subagents are no part of the row."""
    by_id = {trace.id: trace for trace in traces}

    def is_own(trace: tracetui.Trace | None) -> bool:
        while trace is not None and "sidechain" not in trace.tags:
            trace = by_id.get(str(trace.parent_id))
        return trace is None

    calls = [
        trace for trace in traces if any(tag.startswith("tool:") for tag in trace.tags) and is_own(trace)
    ]
    results = [trace for trace in traces if trace.type_name == "tool_result" and is_own(trace)]
    return {
        "tools": len(calls),
        "errors": sum(trace.status in ("error", "cancelled") for trace in [*calls, *results]),
        "open": sum(trace.status == "open" for trace in calls),
        "pictures": sum("[image " in str(trace.to_json()) for trace in traces),
    }
