"""An agent that fixes a login bug with real tools: it reads, greps, patches and runs a real test suite.

The model is a script. In the failing run it runs the same tests again and again; in the good one it reads the
error and writes the missing file.

    python sample_runs/agents/fix_login.py --store DIR [--fail]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import tracetui
from tracetui import Database

sys.path.insert(0, str(Path(__file__).parent))
from kit import START_MS, Recorder, Reply, ToolError

PROJECT = {
    "app/token.py": '''"""Tokens of a session."""


def parse(token):
    user, _, stamp = token.partition(":")
    return {"user": user, "stamp": int(stamp or 0)}


def is_valid(token, now):
    return parse(token)["stamp"] < now
''',
    "app/session.py": '''"""Sessions."""

from app.token import is_valid


def login(token, now):
    if not is_valid(token, now):
        raise PermissionError("token expired")
    return {"ok": True}
''',
    "tests/test_login.py": """import unittest

from app.auth import verify


class LoginTest(unittest.TestCase):
    def test_fresh_token(self):
        self.assertTrue(verify("ann:100", now=50))

    def test_old_token(self):
        self.assertFalse(verify("ann:100", now=200))


if __name__ == "__main__":
    unittest.main()
""",
}  # fmt: skip

AUTH = '''"""Checking tokens: valid until the moment they are stamped with."""

from app.token import parse


def verify(token, now):
    return parse(token)["stamp"] > now
'''


class Workshop:
    """A scratch copy of the buggy project, and the tools that work on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, content in PROJECT.items():
            self.write_file(name, content)
        for package in ("app", "tests"):
            (folder / package / "__init__.py").write_text("")

    def read_file(self, name: str) -> str:
        """Return a file's text."""
        path = self.folder / name
        if not path.is_file():
            raise ToolError(f"{name}: no such file")
        return path.read_text()

    def write_file(self, name: str, content: str) -> str:
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return f"wrote {len(content)} characters to {name}"

    def grep(self, pattern: str) -> list[str]:
        """Return the lines of the project that match."""
        found = []
        for path in sorted(self.folder.rglob("*.py")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if re.search(pattern, line):
                    found.append(f"{path.relative_to(self.folder)}:{number}: {line.strip()}")
        return found

    def run_tests(self) -> str:
        """Run the test suite; what it says is the result, a failure a ToolError."""
        done = subprocess.run(
            [sys.executable, "-m", "unittest", "-v", "tests.test_login"],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        said = self._tidy(done.stdout + done.stderr)
        if done.returncode:
            raise ToolError(f"tests exited {done.returncode}\n{said}")
        return said

    def _tidy(self, text: str) -> str:
        """Take out what differs from run to run: places and times."""
        text = text.replace(str(self.folder.resolve()), "/home/dev/shop").replace(
            str(self.folder), "/home/dev/shop"
        )
        text = re.sub(r'File "[^"]*/lib/[^"]*/unittest/', 'File "/usr/lib/python3/unittest/', text)
        text = "\n".join(line for line in text.splitlines() if not re.match(r"\s+[\^~]+\s*$", line))
        return re.sub(r"in \d+\.\d+s", "in 0.004s", text)


def work(recorder: Recorder, workshop: Workshop, *, fail: bool) -> None:
    """Do the task once, as the script has it."""
    tool = recorder.tool
    with recorder.agent(None, "fix login bug") as agent:
        root = agent.trace_id
        recorder.decide(
            root,
            "how to go about it?",
            ["read the code", "run the tests", "ask"],
            "read the code",
            "cheap",
            0.82,
        )
        recorder.model(
            root,
            Reply("I will read the session code first.", ("read_file",)),
            1400,
            prompt="Login is broken. Fix it.",
        )
        tool(
            root,
            "read_file",
            {"path": "app/session.py"},
            lambda: workshop.read_file("app/session.py"),
            180,
            tags=("io",),
        )
        recorder.think(root, "the token is parsed before the session is checked", 0.6)
        for pattern in ("is_valid", "verify"):
            tool(
                root,
                "grep",
                {"pattern": pattern},
                partial(workshop.grep, pattern),
                90,
                tags=("io",),
            )
        if fail:
            _retry_for_ever(recorder, workshop, root, agent)
        else:
            _read_and_patch(recorder, workshop, root)
    recorder.end("failed" if fail else "completed")


def _retry_for_ever(recorder: Recorder, workshop: Workshop, root: str, agent: object) -> None:
    """Run the same failing tests seven times."""
    with recorder.agent(root, "run tests") as tests:
        here = tests.trace_id
        recorder.model(here, Reply("Let me run the tests.", ("bash",), 2400, 40), 1900)
        for attempt in range(7):
            if attempt:
                recorder.think(here, "same error, maybe the path", round(0.5 - attempt * 0.03, 2))
                recorder.decide(here, "retry or patch?", ["retry", "patch"], "retry", "it may be flaky", 0.31)
            try:
                recorder.tool(
                    here,
                    "bash",
                    {"command": "python -m unittest -q"},
                    workshop.run_tests,
                    2600,
                    tags=("shell", "retry"),
                )
            except ToolError:
                continue
        tests.status = "error"
    setattr(agent, "status", "error")  # noqa: B010 - the step of the caller


def _read_and_patch(recorder: Recorder, workshop: Workshop, root: str) -> None:
    """Run the tests once, read what they say, write what is missing, run them again."""
    with recorder.agent(root, "run tests") as tests:
        here = tests.trace_id
        recorder.model(here, Reply("Let me run the tests.", ("bash",), 2400, 40), 1900)
        try:
            recorder.tool(
                here, "bash", {"command": "python -m unittest -q"}, workshop.run_tests, 2600, tags=("shell",)
            )
        except ToolError:
            recorder.think(
                here, "app.auth is imported by the test and does not exist: it has to be written", 0.9
            )
        recorder.decide(
            here,
            "retry or patch?",
            ["retry", "patch"],
            "patch",
            "a module is missing, retrying cannot help",
            0.82,
        )
        recorder.model(here, Reply("I will write app/auth.py.", ("write_file",), 3100, 210), 3900)
        recorder.tool(
            here, "write_file", {"path": "app/auth.py", "content": AUTH}, lambda: workshop.write_file("app/auth.py", AUTH),
            60, tags=("io", "patch"),
        )  # fmt: skip
        recorder.tool(
            here, "bash", {"command": "python -m unittest -q"}, workshop.run_tests, 2500, tags=("shell",)
        )
    recorder.model(root, Reply("Login works again: tokens are valid until their stamp.", (), 3600, 60), 1500)


def record(db: Database, start_ms: int, *, fail: bool, seed: int) -> str:
    """Record one run; return its id."""
    recorder = Recorder(db, "fix-login-bug", start_ms=start_ms, tags=("auth",), seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        work(recorder, Workshop(Path(folder)), fail=fail)
    return recorder.run.id


def main() -> None:
    """Record one run into a store."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--store", required=True)
    options.add_argument(
        "--fail", action="store_true", help="run the same tests again and again instead of reading"
    )
    given = options.parse_args()
    with tracetui.open(given.store) as db:
        print(record(db, START_MS, fail=given.fail, seed=1))


if __name__ == "__main__":
    main()
