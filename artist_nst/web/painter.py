"""The process that paints: it loads torch once, and takes one task after another.

It is a process of its own so that the pages stay responsive, and so that the studio
survives what ends it, such as a lack of memory.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artist_nst.errors import ArtistNstError
from artist_nst.painting.threads import stop_spinning
from artist_nst.web.jobs import PaintingTask

if TYPE_CHECKING:
    from artist_nst.nst.pyramid import Step
    from artist_nst.painting.compute import ComputeOptions
    from artist_nst.painting.networks import Networks
    from artist_nst.painting.pipeline import Progress

PREVIEW_SECONDS = 0.7  # between two previews, at least
PREVIEW_SIDE = 1024  # pixels

Stop = str
"""What the studio sends while a task is done: "keep" or "cancel"."""


@dataclass(frozen=True, slots=True)
class Update:
    """What the painter sends.

    Attributes:
        kind: ``ready`` once it can paint, ``note``, ``progress``, ``preview``; and the
            last of each task: ``done``, ``failed`` or ``canceled``.
        values: As the kind says.
    """

    kind: str
    values: dict[str, Any]


def run_painter(connection: Connection, folder: Path, compute: ComputeOptions) -> None:
    """Do the tasks that come, until the connection ends.

    Args:
        connection: Receives tasks, and sends updates.
        folder: The studio's; the process works in it.
        compute: Where to compute.
    """
    # Ctrl-C goes to the whole group; the studio says what to do with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir(folder)
    _load_torch()
    from artist_nst.nst.devices import choose_device, describe_device
    from artist_nst.painting.networks import Networks

    logger = logging.getLogger("artist_nst")
    logger.setLevel(logging.INFO)
    logger.addHandler(_NoteHandler(connection))
    networks = Networks(compute)
    device = describe_device(choose_device(compute.device))
    try:
        connection.send(Update("ready", {"device": device}))
        while True:
            task = connection.recv()
            # What came too late for the task before.
            if isinstance(task, PaintingTask):
                connection.send(_do(task, connection, networks, compute))
    except (EOFError, OSError):
        return


def _load_torch() -> None:
    stop_spinning()
    import artist_nst.painting.pipeline  # noqa: F401
    from artist_nst.nst.machine import configure_process

    configure_process()


def _do(
    task: PaintingTask,
    connection: Connection,
    networks: Networks,
    compute: ComputeOptions,
) -> Update:
    """Do one task; returns its last update."""
    reporter = _Reporter(connection)
    try:
        do = _compare if task.axes else _paint
        result = do(task, networks, compute, reporter)
    except KeyboardInterrupt:
        return Update("canceled", {})
    except ArtistNstError as error:
        return Update("failed", {"note": str(error)})
    except Exception as error:
        logging.getLogger(__name__).exception("a task failed")
        return Update("failed", {"note": f"it failed ({type(error).__name__})"})
    if reporter.stop == "cancel":
        return Update("canceled", {})
    return Update("done", {"result": result, "kept": reporter.stop == "keep"})


def _paint(
    task: PaintingTask,
    networks: Networks,
    compute: ComputeOptions,
    reporter: _Reporter,
) -> str | None:
    from artist_nst.image.files import write_picture
    from artist_nst.painting.output_names import EXPLANATION, reserve
    from artist_nst.painting.pipeline import paint
    from artist_nst.painting.regions import RegionPlan
    from artist_nst.painting.sources import name_painting
    from artist_nst.painting.style_sources import StyleRequest
    from artist_nst.recipes.recipe import from_dict

    photo, recipe = Path(task.photo), from_dict(task.recipe)
    choice = task.seed, photo, reporter.report_works
    regions = task.regions.choose(*choice)
    sources = [] if task.style.is_empty else task.style.choose(*choice)
    plan = RegionPlan.make(sources, regions)
    painting = paint(
        photo,
        StyleRequest(images=sources, corpora=task.style.corpora),
        recipe=recipe,
        long_side=task.long_side,
        seed=task.seed,
        regions=regions,
        compute=compute,
        network=lambda: networks.load(recipe),
        explain=len(plan.sources) > 1,
        on_progress=reporter.report,
    )
    if reporter.stop == "cancel" or not painting.record["iterations"]:
        raise KeyboardInterrupt
    path = reserve(Path(name_painting(photo, plan.sources)))
    try:
        painting.save(path)
    except ArtistNstError:
        path.unlink(missing_ok=True)
        raise
    if painting.explanation is not None:
        write_picture(path.with_suffix(EXPLANATION), painting.explanation)
    return str(path)


def _compare(
    task: PaintingTask,
    networks: Networks,
    compute: ComputeOptions,
    reporter: _Reporter,
) -> str | None:
    from artist_nst.experiments.axes import parse_axis
    from artist_nst.experiments.comparison import compare, plan_comparison
    from artist_nst.experiments.runner import SeriesProgress
    from artist_nst.painting.output_names import SHEET
    from artist_nst.recipes.recipe import from_dict

    across, *down = (parse_axis(name, values) for name, values in task.axes)
    names = {axis.name for axis in (across, *down)}
    plan = plan_comparison(
        across,
        Path(task.photo),
        task.style,
        down=down[0] if down else None,
        recipe=from_dict(task.recipe),
        long_side=None if names & {"width", "long-side"} else task.long_side,
        seed=task.seed,
        max_pixels=compute.max_pixels,
        on_pick=reporter.report_works,
    )

    def report(series: SeriesProgress) -> None:
        done = series.number - 1, series.count
        reporter.report(series.progress, done, series.remaining)

    folder = Path(task.folder)
    folder.mkdir(parents=True)
    series = compare(plan, folder, networks=networks, on_progress=report)
    if series.failed and not series.done:
        raise next(iter(series.failed.values()))
    if reporter.stop == "cancel" or not series.done:
        raise KeyboardInterrupt
    return str(folder / SHEET)


class _Reporter:
    """Sends progress, and raises KeyboardInterrupt when the studio says stop.

    Attributes:
        stop: What the studio said; empty until then.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.stop: Stop = ""
        self._next_preview = 0.0

    def report(
        self,
        progress: Progress,
        done: tuple[int, int] | None = None,
        remaining: float | None = None,
    ) -> None:
        """Send the state after an iteration; of a comparison, with paintings done."""
        step = progress.step
        iteration, iterations = done or (step.iteration, step.iterations)
        self._send(
            "progress",
            iteration=iteration,
            iterations=iterations,
            remaining=step.remaining if remaining is None else remaining,
            loss=step.losses.total,
            step=step.iteration,
        )
        if time.monotonic() >= self._next_preview or _is_last(step):
            self._send("preview", jpeg=_encode_preview(progress.preview))
            self._next_preview = time.monotonic() + PREVIEW_SECONDS
        self._check_stop()

    def report_works(self, done: int, count: int) -> None:
        """Send how many works are analyzed for a pick."""
        self._send("note", note=f"Looking at the works: {done:,} of {count:,}")
        self._check_stop()

    def _send(self, kind: str, **values: Any) -> None:
        try:
            self.connection.send(Update(kind, values))
        except OSError:
            self.stop = "keep"  # the studio is gone
            raise KeyboardInterrupt from None

    def _check_stop(self) -> None:
        while self.connection.poll():
            try:
                message = self.connection.recv()
            except EOFError:
                message = "keep"  # the studio is gone
            if isinstance(message, Stop):
                self.stop = message
                raise KeyboardInterrupt


def _is_last(step: Step) -> bool:
    return step.iteration == step.iterations


def _encode_preview(get_pixels: Callable[[], Any]) -> bytes:
    from artist_nst.image.encoder import encode, to_samples
    from artist_nst.image.files import resize_long_side

    pixels = get_pixels()
    if max(pixels.shape[:2]) > PREVIEW_SIDE:
        pixels = resize_long_side(pixels, PREVIEW_SIDE)
    return bytes(encode(to_samples(pixels, None), ".jpg", "preview"))


class _NoteHandler(logging.Handler):
    """Sends what is logged as notes."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record's text."""
        try:
            self.connection.send(Update("note", {"note": record.getMessage()}))
        except OSError:
            self.handleError(record)
