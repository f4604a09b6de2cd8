"""The command ``web``: the explorer in a browser, served by textual-serve.

A page in the same browser must not be able to read the runs. So only requests that name this server as their host,
and come from its own page, are answered; and without being told otherwise it listens on the loopback alone.
"""

from __future__ import annotations

import ipaddress
import os
import shlex
import socket
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracetui.cli import diagnostics
from tracetui.cli.diagnostics import UsageError
from tracetui.cli.session import session

if TYPE_CHECKING:
    from aiohttp import web as http
    from textual_serve.server import Server

INSTALL = "pip install 'tracetui[web]'"


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    app.command()(web)


def web(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN|FILE]...", help="A run or recordings [default: all runs]"),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one")] = 8000,
) -> None:
    """Serve the explorer to a browser on this machine; without pager, editor, export and deletion

    Whoever can reach the address can read the runs, so it listens on the loopback unless --host says otherwise
    """
    if what and "-" in what:
        raise UsageError("a browser cannot read standard input; name a file")
    server_class = _server_class()
    port = _free_port(host, port)
    if not is_loopback(host):
        diagnostics.say(f"tracetui: whoever can reach {host} can read these runs, secrets in them included")
    server_class(_command(what or []), host=host, port=port, title="tracetui").serve()


def _command(what: list[str]) -> str:
    """Return the command line of the explorer for a visitor, on the store of this one."""
    plain = ["--ascii"] if session.ascii_only else []
    words = [
        sys.executable,
        "-m",
        "tracetui.cli.app",
        "--store",
        session.location,
        *plain,
        "open",
        "--",
        *what,
    ]
    return shlex.join(words)


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("[::1]"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _free_port(host: str, port: int) -> int:
    """Return the port, a free one for 0.

    :raises UsageError: if it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host.strip("[]"), port))
            return int(tried.getsockname()[1])
    except OSError as problem:
        reason = problem.strerror or problem
        raise UsageError(f"{host} port {port} cannot be listened on: {reason}; give another --port") from None


def allowed(host_header: str, origin: str | None, *, loopback: bool) -> bool:
    """Whether a request may be answered: it names this server, and it comes from this server's page or from no page.

    A name that somebody else's DNS points at the loopback is no name of this server.

    >>> allowed("127.0.0.1:8000", None, loopback=True), allowed("evil.example:8000", None, loopback=True)
    (True, False)
    >>> allowed("127.0.0.1:8000", "http://evil.example", loopback=True)
    False
    """
    name = host_header.rpartition(":")[0] or host_header
    name = host_header if host_header.endswith("]") else name
    if loopback and not is_loopback(name):
        return False
    return origin is None or origin.partition("://")[2] == host_header


def _server_class() -> type[Server]:
    try:
        from aiohttp import web as http
        from textual_serve.server import Server
    except ImportError:
        raise UsageError(f"the browser's side is not installed; {INSTALL}") from None

    class ExplorerServer(Server):
        """Serves one explorer a visitor."""

        def initialize_logging(self) -> None:
            """Say nothing but warnings."""
            import logging

            logging.basicConfig(level="WARNING", stream=sys.stderr, format="%(message)s")

        async def on_startup(self, app: http.Application) -> None:  # noqa: ARG002 - the library's shape
            """Say where it is."""
            diagnostics.say(f"the explorer is at {self.public_url} (Ctrl+C ends it)")

        async def handle_index(self, request: http.Request) -> Any:
            """Serve the page, to be reached as it was asked for."""
            self._check(request)
            self.public_url = f"{request.scheme}://{request.host}"
            return await super().handle_index(request)

        async def handle_websocket(self, request: http.Request) -> http.WebSocketResponse:
            """Serve an explorer to a page of ours."""
            self._check(request)
            return await super().handle_websocket(request)

        async def handle_download(self, request: http.Request) -> http.StreamResponse:
            """Serve a text that was copied and is too long for a clipboard."""
            self._check(request)
            return await super().handle_download(request)

        def _check(self, request: http.Request) -> None:
            if not allowed(request.host, request.headers.get("Origin"), loopback=is_loopback(self.host)):
                raise http.HTTPForbidden(text="this address does not belong to the explorer\n")

    return ExplorerServer


def is_served() -> bool:
    """Whether this process draws for a browser."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith("WebDriver")
