"""Worker threads for a fetch, which Ctrl-C and errors end without delay."""

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from artist_nst.wikiart.client import RefusedError, StoppedError, WikiArtClient

T = TypeVar("T")

GRACE_S = 3.0  # that a thread has to notice a stop


class WorkerPool:
    """Threads that share a client and work through a queue.

    They are daemons: after Ctrl-C, nobody waits for a server that does not respond.

    Attributes:
        lock: Guards whatever the threads share.
    """

    def __init__(self, client: WikiArtClient, jobs: int) -> None:
        self.lock = threading.Lock()
        self._client = client
        self._jobs = jobs
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._error: BaseException | None = None
        self._is_closed = False

    def run(
        self,
        items: Iterable[T],
        process: Callable[[T], None],
        is_done: Callable[[], bool] = lambda: False,
    ) -> None:
        """Process items in order, several at once, and wait for the end.

        Args:
            items: What to process.
            process: Called in a worker thread with each item.
            is_done: Called with the lock held before each item; True ends the work.

        Raises:
            BaseException: The first error of ``process``, which stops all threads. A
                refusal or stop only ends the work.
        """
        queue = deque(items)

        def work() -> None:
            self._client.set_stop_event(self._stop)
            try:
                while True:
                    with self.lock:
                        if not queue or is_done():
                            return
                        item = queue.popleft()
                    process(item)
            except (StoppedError, RefusedError):
                pass
            except BaseException as error:
                self._error = self._error or error
                self._stop.set()
            finally:
                self._client.close()

        self._client.close()  # this thread's connection, since each worker has its own
        jobs = range(min(self._jobs, len(queue)))
        self._threads = [threading.Thread(target=work, daemon=True) for _ in jobs]
        for thread in self._threads:
            thread.start()
        while not self._stop.is_set() and any(t.is_alive() for t in self._threads):
            self._stop.wait(0.05)
        if self._error is not None:
            raise self._error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock for a write.

        Raises:
            StoppedError: The pool is closed.
        """
        with self.lock:
            if self._is_closed:
                raise StoppedError("stopped")
            yield

    def close(self) -> None:
        """Stop the threads and let none write from here on."""
        self._stop.set()
        deadline = time.monotonic() + GRACE_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self.lock:
            self._is_closed = True


@contextmanager
def ignore_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C in a block that must not be cut short."""
    if threading.current_thread() is not threading.main_thread():
        yield  # other threads never get it
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
