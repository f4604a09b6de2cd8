from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

import tracetui
from tests.cli.browser import CHROMIUM, chromium
from tests.cli.conftest import Run
from tests.tui.conftest import login_bug
from tracetui.cli import web

ENOUGH_SECONDS = 240


@asynccontextmanager
async def serving(folder: Path, *words: str) -> AsyncIterator[str]:
    """Serve a store with the failing run; yield the address that the command says."""
    with tracetui.open(folder / "store") as db:
        login_bug(db)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tracetui.cli.app", "--store", str(folder / "store"), "web", "--port", "0", *words,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()},  # noqa: PTH109
    )  # fmt: skip
    assert process.stderr is not None
    try:
        said = (await process.stderr.readline()).decode()
        assert said.startswith("the explorer is at http://127.0.0.1:"), said
        yield await listening(said.split()[4])
    finally:
        process.terminate()
        await process.communicate()


async def listening(address: str) -> str:
    """Return an address once it is listened on: it is said a moment before."""
    async with aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientConnectorError):
                async with session.get(address):
                    return address
            await asyncio.sleep(0.02)


async def screens(socket: aiohttp.ClientWebSocketResponse, until: str) -> bytes:
    """Return what is drawn until a text is in it."""
    seen = b""
    while until.encode() not in re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen):
        message = await socket.receive()
        assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), "the explorer ended"
        seen += message.data if isinstance(message.data, bytes) else b""
    return seen


async def test_a_browser_gets_the_explorer_and_its_keys_work(tmp_path: Path) -> None:
    """The picker comes, Enter opens the failed run, deleting is refused with the reason."""
    async with (
        asyncio.timeout(ENOUGH_SECONDS),
        serving(tmp_path) as address,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(address) as page:
            assert address.replace("http", "ws") in await page.text()
        async with session.ws_connect(f"{address}/ws?width=120&height=32") as socket:
            await screens(socket, "top time")
            await socket.send_json(["stdin", "D"])
            await screens(socket, "not in a browser")
            await socket.send_json(["stdin", "\r"])
            await screens(socket, "not recovered")


async def test_pages_of_others_get_nothing(tmp_path: Path) -> None:
    """A foreign name for this address, and a foreign page's WebSocket, are turned away."""
    async with (
        asyncio.timeout(ENOUGH_SECONDS),
        serving(tmp_path) as address,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(address, headers={"Host": "evil.example"}) as page:
            assert page.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"{address}/ws", headers={"Origin": "http://evil.example"})
        async with session.ws_connect(f"{address}/ws", headers={"Origin": address}) as socket:
            await screens(socket, "fix-login-bug")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
async def test_chromium_shows_it(tmp_path: Path) -> None:
    """A real browser runs the page: it draws the picker, and a key typed into it opens the run."""
    async with (
        asyncio.timeout(ENOUGH_SECONDS),
        serving(tmp_path) as address,
        chromium(tmp_path / "profile") as page,
    ):
        await page.call("Page.navigate", url=address)
        await page.hear("top time")
        await page.click(600, 300)
        await page.press("Enter", 13, "\r")
        await page.hear("not recovered")


def test_what_cannot_be_served_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input, a port that is taken, and a missing extra: each says what to do."""
    assert "name a file" in run("web", "-").err
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("web", "--port", str(taken.getsockname()[1]))
    assert (done.code, "another --port" in done.err) == (2, True)
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    done = run("web")
    assert (done.code, web.INSTALL in done.err) == (2, True)
