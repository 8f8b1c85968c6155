"""The process of a local worker: it paints the tasks that come through a pipe."""

from __future__ import annotations

import logging
import os
import signal
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from artist_nst._files import format_error
from artist_nst.batch.tasks import Workplace
from artist_nst.painting.threads import stop_spinning

if TYPE_CHECKING:
    from artist_nst.painting.pipeline import Progress

PROGRESS_SECONDS = 0.5  # between two messages, at least


def run_worker(
    connection: Connection, workplace: Workplace, device: str | None, threads: int
) -> None:
    """Paint the tasks that come, until the connection ends.

    It sends None once it can paint; then of each task the share that is done, and at
    last a :class:`Result`, or a text that says why it cannot go on.

    Args:
        connection: To the driver.
        workplace: Where outputs go, and where to compute.
        device: What ``CUDA_VISIBLE_DEVICES`` names for it, if it has a GPU.
        threads: At most, on the CPU.
    """
    # Before torch is loaded, which reads them.
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    os.environ["OMP_NUM_THREADS"] = str(threads)
    set_up_process()
    from artist_nst.batch.worker import Painter

    try:
        connection.send(None)
        painter = Painter(workplace)
        while True:
            task = connection.recv()
            try:
                result = painter.paint(task, _Reporter(connection).report)
            except Exception as error:
                # It may be the GPU's last word: a new worker tries again.
                kind = type(error).__name__
                connection.send(f"internal error: {kind}: {format_error(error)}")
                return
            connection.send(result)
    except (EOFError, OSError):
        return


def set_up_process() -> None:
    """Set up a process that paints for a driver; loads torch."""
    # Ctrl-C goes to the whole group; the driver says what to do with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop_spinning()
    from artist_nst.nst.machine import configure_process

    configure_process()
    logger = logging.getLogger("artist_nst")
    logger.setLevel(logging.INFO)
    logger.propagate = False


class _Reporter:
    """Sends how much of a painting is done."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._next = 0.0

    def report(self, progress: Progress) -> None:
        """Send the share that is done, now and then."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PROGRESS_SECONDS
        step = progress.step
        try:
            self.connection.send(step.iteration / step.iterations)
        except OSError:
            # The driver is gone. An exception would be taken for a failure.
            os._exit(1)
