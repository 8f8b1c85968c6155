"""Ctrl-C where it would abort the process, and after a painting was saved."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from artist_nst.painting.threads import stop_spinning

RESUME = "run the same command again to continue"


class Interrupted(Exception):
    """Ctrl-C after finished work was saved.

    Args:
        outcome: What was made, and where it is; also an attribute.
        advice: What to do next, which the message adds; may be empty.
    """

    def __init__(self, outcome: str, advice: str = "") -> None:
        super().__init__(f"{outcome}; {advice}" if advice else outcome)
        self.outcome = outcome


def load_torch() -> None:
    """Import the modules that need torch, holding Ctrl-C back until that is done.

    C++ code calls Python while torch is imported; an exception there aborts the
    process with a core dump.
    """
    stop_spinning()
    if threading.current_thread() is not threading.main_thread():
        return
    interrupts = []
    handler = signal.signal(signal.SIGINT, lambda *_: interrupts.append(True))
    try:
        import artist_nst.painting.pipeline  # noqa: F401
        from artist_nst.nst.machine import configure_process

        configure_process()
    finally:
        signal.signal(signal.SIGINT, handler)
    if interrupts:
        raise KeyboardInterrupt


@contextmanager
def one_interrupt() -> Iterator[None]:
    """Let only the first Ctrl-C interrupt: what follows it only ends the process."""
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if before is not signal.default_int_handler or not is_main:
        yield
        return
    signal.signal(signal.SIGINT, _interrupt_once)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is _interrupt_once:
            signal.signal(signal.SIGINT, before)


def _interrupt_once(*_: object) -> None:
    # Not a handler that does nothing: Python removes those when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def counted_interrupts(on_interrupt: Callable[[int], None]) -> Iterator[list[int]]:
    """Count Ctrl-C in place of raising KeyboardInterrupt.

    Args:
        on_interrupt: Called with how often it was typed.

    Yields:
        A list that grows by one number for each.
    """
    interrupts: list[int] = []

    def note(*_: object) -> None:
        interrupts.append(len(interrupts) + 1)
        on_interrupt(len(interrupts))

    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
