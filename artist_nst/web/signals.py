"""Telling waiting requests that something changed."""

from __future__ import annotations

import asyncio


class ChangeSignal:
    """A counter of changes that coroutines wait for, and threads advance."""

    def __init__(self) -> None:
        self.version = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Event] = set()

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop in which coroutines wait."""
        self._loop = loop

    def notify(self) -> None:
        """Wake all that wait; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._advance)

    def _advance(self) -> None:
        self.version += 1
        for event in self._waiting:
            event.set()

    async def wait(self, seen: int, timeout: float) -> int:
        """Wait until the version is another than ``seen``, or for so many seconds.

        Returns:
            The version.
        """
        if self.version != seen:
            return self.version
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            await asyncio.wait_for(event.wait(), timeout)
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(event)
        return self.version
