"""Ctrl-C where it would do harm, and after what was painted is safe."""

import signal
import threading


class Interrupted(Exception):
    """Ctrl-C, after what was painted has been saved; says where."""


def load_torch() -> None:
    """Import what needs torch, with Ctrl-C heard only when that is done.

    Python code that C++ calls while torch loads must not raise: that aborts the
    process, with a core dump for an answer.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(True))
    try:
        import artist_nst.painting.pipeline  # noqa: F401
        from artist_nst.nst.machine import prepare

        prepare()
    finally:
        signal.signal(signal.SIGINT, before)
    if heard:
        raise KeyboardInterrupt
