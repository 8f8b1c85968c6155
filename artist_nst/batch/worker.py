"""A worker of a batch: it loads its networks once, and paints one job after another."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from artist_nst._files import format_error
from artist_nst.batch.checking import CheckedJob
from artist_nst.batch.finished import recover
from artist_nst.batch.inputs import fetch_job
from artist_nst.batch.ledger import Entry
from artist_nst.batch.styles import Style
from artist_nst.batch.tasks import Result, Task, Workplace
from artist_nst.batch.thumbnails import make_thumbnail
from artist_nst.batch.urls import name_path, name_urls, to_url, upload
from artist_nst.errors import ArtistNstError
from artist_nst.nst.features import TargetCache
from artist_nst.painting.mask_names import combine_styles
from artist_nst.painting.networks import Networks
from artist_nst.painting.pipeline import Painting, Progress, paint
from artist_nst.painting.record import is_cut_short, list_masks
from artist_nst.painting.record_types import Record
from artist_nst.painting.regions import MaskedStyle, RegionRequest
from artist_nst.painting.style_sources import StyleRequest
from artist_nst.styles.pick import Pick

# Features of a photo at a few sizes and networks, Gram matrices of many works.
MAX_CACHE_BYTES = 1 << 30
CACHE_SHARE = 8  # of the memory that a worker may take, the cache takes one part


class Painter:
    """Paints jobs, which share networks and features.

    Args:
        workplace: Where outputs go, and where to compute.
    """

    def __init__(self, workplace: Workplace) -> None:
        self.workplace = workplace
        self.networks = Networks(workplace.compute)
        self.cache = TargetCache(MAX_CACHE_BYTES)

    def paint(
        self, task: Task, on_progress: Callable[[Progress], None] = lambda _: None
    ) -> Result:
        """Paint a job to its output, unless it is there already.

        The output is written to a temporary file beside it, and renamed. What cannot
        be painted is noted as failed; other exceptions are errors of the program.
        """
        planned = task.planned
        path = self.workplace.folder / planned.job.out
        started = time.perf_counter()
        with _collect_notes() as notes:
            try:
                # By a worker that was taken for dead, or that died before it said so.
                if (entry := recover(planned, path)) is not None:
                    return Result(entry)
                result = self._paint(task, path, on_progress)
            except ArtistNstError as error:
                entry = Entry(
                    key=planned.key,
                    out=planned.job.out,
                    state="failed",
                    reason=name_urls(format_error(error)),
                )
                result = Result(entry)
        seconds = round(time.perf_counter() - started, 3)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = replace(result.entry, seconds=seconds, time=now)
        return replace(result, entry=entry, notes=tuple(notes))

    def _paint(
        self, task: Task, path: Path, on_progress: Callable[[Progress], None]
    ) -> Result:
        planned = task.planned
        if self.workplace.fetches:
            fetch_job(planned.job)
        painting = self.make_painting(task, on_progress)
        painting.record["job"] = planned.key
        try:
            os.makedirs(path.parent, exist_ok=True)
        except OSError as error:
            raise ArtistNstError(
                f"{path.parent} cannot be created: {error.strerror}"
            ) from error
        painting.save(path)
        status = path.stat()
        entry = Entry(
            key=planned.key,
            out=planned.job.out,
            state="finished",
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
        )
        if to_url(path) is None:
            return Result(entry)
        try:
            entry = replace(entry, mtime_ns=None, version=upload(path))
            return Result(entry, thumbnail=make_thumbnail(path))
        finally:
            path.unlink()

    def make_painting(
        self, task: Task, on_progress: Callable[[Progress], None]
    ) -> Painting:
        """Paint a job without writing it to its output.

        Raises:
            ArtistNstError: It cannot be painted.
        """
        job, compute = task.planned.job, self.workplace.compute
        if task.threads not in (None, torch.get_num_threads()):
            torch.set_num_threads(task.threads)
            # Targets computed with another number of threads may be rounded otherwise.
            self.cache = TargetCache(MAX_CACHE_BYTES)
        if task.max_memory is not None:
            compute = replace(compute, max_memory=task.max_memory)
            self.cache.limit_bytes = min(
                MAX_CACHE_BYTES, task.max_memory // CACHE_SHARE
            )
        painting = paint(
            job.photo,
            self._make_request(job.style),
            recipe=job.recipe,
            long_side=job.long_side,
            seed=job.seed,
            regions=self._choose_regions(job),
            compute=compute,
            network=lambda: self.networks.load(job.recipe),
            cache=self.cache,
            keep_paths=self.workplace.keep_paths,
            on_progress=on_progress,
        )
        if is_cut_short(painting.record):
            raise ArtistNstError(
                "there is not enough memory for its full size: choose a smaller one, "
                "or raise --max-memory"
            )
        _check_pictures(job, painting.record)
        _record_urls(painting.record)
        return painting

    def _make_request(self, style: Style) -> StyleRequest:
        corpora = self.workplace.corpora
        if style.corpus is None:
            return StyleRequest(images=style.sources, corpora=corpora)
        artist = os.path.abspath(style.corpus)
        pick = Pick(way=style.pick)
        return StyleRequest(artist=artist, pick=pick, corpora=corpora)

    def _choose_regions(self, job: CheckedJob) -> RegionRequest:
        """Choose the works of each mask that are still to be picked."""
        masks = []
        for part in job.regions.parts:
            if not part.styles:
                masks.append(MaskedStyle(part.mask, None))
                continue
            chosen = [
                (self._make_request(style).choose(job.seed, job.photo), number)
                for style, number in part.styles
            ]
            sources, strength = combine_styles(chosen)
            masks.append(MaskedStyle(part.mask, sources, strength, part.style_mask))
        return RegionRequest(
            masks=masks,
            protect_faces=job.regions.protect_faces,
            segmented=job.regions.segmented,
        )


def _check_pictures(job: CheckedJob, record: Record) -> None:
    """Raise ArtistNstError if a picture is another one than when it was hashed."""
    changed = ""
    if record["content"]["sha256"] != job.picture.sha256:
        changed = name_path(job.photo)
    elif not job.regions.hashes.issuperset(
        picture["sha256"] for picture in list_masks(record)
    ):
        changed = "a mask"
    elif not any(style.pick for style in job.styles):
        identities = [json.loads(style.identity) for style in job.styles]
        known = {sha256 for identity in identities for sha256, _ in identity}
        if not known.issuperset(style["sha256"] for style in record["styles"]):
            changed = "a style image"
    if changed:
        raise ArtistNstError(
            f"{changed} has changed since the jobs were checked: run the same command "
            "again"
        )


def _record_urls(record: Record) -> None:
    """Name what is behind URLs by them, not by its place on this machine."""
    for picture in (record["content"], *record["styles"], *list_masks(record)):
        if picture["path"] is not None:
            picture["path"] = to_url(picture["path"]) or picture["path"]
    if record["corpora"] is not None:
        record["corpora"] = to_url(record["corpora"]) or record["corpora"]


@contextmanager
def _collect_notes() -> Iterator[list[str]]:
    """Collect what is logged, for the batch's log."""
    notes: list[str] = []
    handler = _NoteHandler(notes)
    logger = logging.getLogger("artist_nst")
    logger.addHandler(handler)
    try:
        yield notes
    finally:
        logger.removeHandler(handler)


class _NoteHandler(logging.Handler):
    def __init__(self, notes: list[str]) -> None:
        super().__init__(logging.INFO)
        self.notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record's text."""
        self.notes.append(" ".join(record.getMessage().split()))
