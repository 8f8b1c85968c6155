"""Serve an application, until Ctrl-C."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator

import uvicorn

from artist_nst.errors import UsageError
from artist_nst.web.security import Guard

CLOSE_SECONDS = 3  # that open connections have to end


def open_socket(host: str, port: int) -> socket.socket:
    """Bind a socket, so that a port in use is told before anything is started.

    Args:
        host: The address.
        port: 0 for any that is free.

    Raises:
        UsageError: The address cannot be bound.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"--host {host} --port {port}: {reason}; choose another --port"
        ) from error
    return bound


def serve(
    app: Guard,
    bound: socket.socket,
    on_start: Callable[[str], None],
    on_end: Callable[[], None] = lambda: None,
    *,
    open_browser: bool,
) -> None:
    """Serve an application.

    Args:
        app: What is served.
        bound: From :func:`open_socket`, called with the application's host.
        on_start: Called with the address when the first page can be loaded.
        on_end: Called when the server begins to end, before it waits for requests.
        open_browser: Whether to open it there.
    """
    port = bound.getsockname()[1]
    shown = "127.0.0.1" if app.host in ("0.0.0.0", "::", "") else app.host
    if ":" in shown:
        shown = f"[{shown}]"
    address = f"http://{shown}:{port}/"
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=CLOSE_SECONDS,
        # Whatever else is installed: its limit on headers is what holds here.
        http="h11",
        ws="none",
        h11_max_incomplete_event_size=64 << 10,
    )
    server = _Server(config, on_end)

    def announce() -> None:
        on_start(address)
        if open_browser:
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(address)

    server.on_start = announce
    with _quiet_logs():
        server.run(sockets=[bound])


class _Server(uvicorn.Server):
    """A server that says when it is ready, and when it is to end."""

    on_start: Callable[[], None]

    def __init__(self, config: uvicorn.Config, on_end: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_end = on_end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        # A browser may take seconds to open.
        threading.Thread(target=self.on_start, daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would go on for ever first."""
        self.on_end()
        await super().shutdown(sockets)


@contextlib.contextmanager
def _quiet_logs() -> Iterator[None]:
    """Silence what uvicorn says of requests that are cut off by the end."""
    logger = logging.getLogger("uvicorn.error")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
