"""A deadline for a whole answer, however slowly its bytes come.

The time-outs of requests apply to each read of the socket: a server that sends a byte
now and then, or headers without an end, would never exceed them.
"""

import socket
import threading
import time
from contextlib import suppress
from functools import cache
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager

_local = threading.local()  # ``deadline``: of the request that this thread makes


class Deadline:
    """A context whose connection is shut down once the time is over.

    That ends any read of it, in whatever library. The time runs from the creation, and
    the context may be entered again, first for the headers, then for the body.

    Attributes:
        seconds: The time, which may be raised meanwhile.
        has_passed: Whether the connection was shut down.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.has_passed = False
        self._start = time.monotonic()
        self._socket: socket.socket | None = None
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        _local.deadline = self
        self._is_over = threading.Event()
        threading.Thread(target=self._wait, args=(self._is_over,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        _local.deadline = None

    def watch(self, connection: socket.socket) -> None:
        """Take the connection that the answer will come by."""
        self._socket = connection
        if self.has_passed:
            self._shut_down()

    def _wait(self, is_over: threading.Event) -> None:
        while (remaining := self._start + self.seconds - time.monotonic()) > 0:
            if is_over.wait(remaining):
                return
        if not is_over.is_set():
            self.has_passed = True
            self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # it was closed meanwhile
                # Not the method of TLS sockets, which another thread may be reading.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class DeadlineAdapter(HTTPAdapter):
    """An adapter that lets the thread's deadline watch the connection in use."""

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        """Make the manager of connections to sites."""
        super().init_poolmanager(*args, **settings)
        _watch_connections(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **settings: Any) -> Any:
        """Make or get the manager of connections through a proxy."""
        manager = super().proxy_manager_for(*args, **settings)
        _watch_connections(manager)
        return manager


def _watch_connections(manager: PoolManager) -> None:
    classes = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {
        scheme: _make_watched(kind) for scheme, kind in classes.items()
    }


@cache
def _make_watched(pool: Any) -> Any:
    """Make a class of connection pools of which deadlines get to know the sockets."""
    if hasattr(pool, "is_watched"):
        return pool

    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        def getresponse(self) -> Any:
            if (deadline := getattr(_local, "deadline", None)) is not None:
                deadline.watch(self.sock)
            return super().getresponse()

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection, "is_watched": 1})
