"""What a batch will take: paintings, time, space on disk and memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from artist_nst.batch.checking import CheckedJob

# Of paintings by VGG-19 in float32 (docs/benchmarks.md, "Memory"): the process itself,
# and each megapixel; larger paintings are computed in strips where memory ends.
BASE_BYTES = 750_000_000
BYTES_PER_PIXEL = 4_000

# Measured on paintings, which compress badly.
_FILE_BYTES_PER_PIXEL = {
    ".png": 2.5,
    ".jpg": 1.2,
    ".jpeg": 1.2,
    ".webp": 2.2,
    ".tif": 5.5,
    ".tiff": 5.5,
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What painting some jobs will take.

    Attributes:
        paintings: How many there are.
        photos: Distinct photos.
        works: Distinct works and style images that are known.
        picks: Paintings whose works are still to be picked.
        megapixel_iterations: Megapixels times iterations, over all levels.
        output_bytes: Of the paintings' files.
        memory_bytes: Of the largest painting, if it is not computed in strips.
        seconds: Of all workers together; None if not known.
    """

    paintings: int
    photos: int
    works: int
    picks: int
    megapixel_iterations: float
    output_bytes: int
    memory_bytes: int
    seconds: float | None


def estimate_jobs(
    jobs: Sequence[CheckedJob], pace: float | None = None, start: float = 0.0
) -> Estimate:
    """Estimate what some jobs will take.

    Args:
        jobs: Those that are still to be painted.
        pace: Seconds of all workers together for a megapixel and iteration; None if not
            known.
        start: Seconds until they can paint.
    """
    cost = sum(map(measure_cost, jobs))
    pixels = max((job.width * job.height for job in jobs), default=0)
    return Estimate(
        paintings=len(jobs),
        photos=len({job.picture.sha256 for job in jobs}),
        works=len(
            {
                source.path
                for job in jobs
                for style in job.styles
                for source in style.sources
            }
        ),
        picks=sum(any(style.pick for style in job.styles) for job in jobs),
        megapixel_iterations=cost,
        output_bytes=round(sum(map(_count_file_bytes, jobs))),
        memory_bytes=BASE_BYTES + BYTES_PER_PIXEL * pixels if jobs else 0,
        seconds=None if pace is None else start + cost * pace,
    )


def measure_cost(job: CheckedJob) -> float:
    """Measure a job's work in megapixels times iterations."""
    iterations = sum(count * scale**2 for scale, count in job.recipe.levels)
    return iterations * job.width * job.height / 1e6


def measure_pace(finished: Iterable[tuple[CheckedJob, float]]) -> float | None:
    """Measure one worker's seconds for a megapixel and iteration by finished jobs."""
    cost = total = 0.0
    for job, seconds in finished:
        cost += measure_cost(job)
        total += seconds
    return total / cost if cost else None


def _count_file_bytes(job: CheckedJob) -> float:
    per_pixel = _FILE_BYTES_PER_PIXEL[PurePosixPath(job.out).suffix.lower()]
    return job.width * job.height * per_pixel
