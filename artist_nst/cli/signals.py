"""Ctrl-C where it would abort the process, and after a painting was saved."""

import signal
import threading

RESUME = "run the same command again to continue"


class Interrupted(Exception):
    """Ctrl-C after finished work was saved; the message says where."""


def load_torch() -> None:
    """Import the modules that need torch, holding Ctrl-C back until that is done.

    C++ code calls Python while torch is imported; an exception there aborts the
    process with a core dump.
    """
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
