"""A job of a batch: one painting as it is asked for, before names are looked up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from artist_nst.painting.mask_names import NamedMask

MAX_JOBS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One painting of a batch.

    Attributes:
        line: Of the job file that it starts on; its number, of jobs made by options.
        photo: What is painted.
        artist: Whose works it is painted after, if after works.
        works: Their ids or titles as typed, each with an optional ``:WEIGHT``.
        pick: How works are picked if none are named; at random if None.
        images: Style images with their weights, in place of an artist.
        masks: Parts of the photo that are after styles of their own, or left; where
            they say all, there is neither an artist nor images.
        protect_faces: Whether faces keep their features.
        segmented: Whether parts of photo and works that show alike things are found.
        recipe: A recipe's name or file; the command's if None.
        changes: Settings of the recipe that are changed, by axis, as typed.
        long_side: Of the painting in pixels, in place of the recipe's width.
        seed: Of the pick and the noise; the command's if None.
        out: The painting's file, relative to the output folder, with slashes.
    """

    line: int
    photo: Path
    artist: str | None = None
    works: tuple[str, ...] = ()
    pick: str | None = None
    images: tuple[tuple[Path, float], ...] = ()
    masks: tuple[NamedMask, ...] = ()
    protect_faces: bool = False
    segmented: bool = False
    recipe: str | None = None
    changes: tuple[tuple[str, str], ...] = ()
    long_side: int | None = None
    seed: int | None = None
    out: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a job cannot be painted.

    Attributes:
        line: The job's.
        field: The column or option that is wrong.
        reason: What is wrong, and how to correct it, in one line.
    """

    line: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobList:
    """The jobs that could be read, and what could not."""

    jobs: list[Job]
    problems: list[Problem]
