"""Pictures, artists and jobs for the tests of batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artist_nst.batch.checking import CheckedJob, Defaults, check_jobs
from artist_nst.batch.job_file import read_jobs
from artist_nst.batch.jobs import Job, JobList, Problem
from artist_nst.batch.pictures import PictureIndex
from artist_nst.batch.plan import Plan, make_plan
from artist_nst.image.files import MAX_PIXELS
from tests.batch.running import PHOTOS
from tests.conftest import picture


def save_picture(path: Path, seed: int = 0, height: int = 40, width: int = 48) -> Path:
    """Save a picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    levels = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(levels).save(path)
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with three photos and an artist of four works."""
    for seed, name in enumerate(("a.png", "b.png", "sub/a.png")):
        save_picture(tmp_path / name, seed)
    for seed in range(4):
        save_picture(tmp_path / "corpora" / "anna" / f"work-{seed}.png", 100 + seed)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder, with the pictures that :mod:`.running` paints from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("photos").mkdir()
    for seed in range(PHOTOS):
        Image.fromarray(picture(36, 48, seed)).save(f"photos/p{seed}.png")
    Image.fromarray(picture(40, 40, 99)).save("style.png")


class Batch:
    """Checks and plans jobs in a folder."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.out = place / "out"

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.place / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def read(self, name: str, text: str | bytes) -> JobList:
        return read_jobs(self.write(name, text))

    def index(self, max_pixels: int = MAX_PIXELS) -> PictureIndex:
        return PictureIndex(self.out, max_pixels)

    def check(
        self, jobs: list[Job], index: PictureIndex | None = None, **defaults: Any
    ) -> tuple[list[CheckedJob], list[Problem]]:
        return check_jobs(
            jobs,
            self.out,
            self.place / "corpora",
            index or self.index(),
            Defaults(**defaults),
        )

    def plan(self, *jobs: Job, weights: str = "w", **defaults: Any) -> Plan:
        checked, problems = self.check([*jobs], **defaults)
        assert problems == []
        return make_plan(checked, lambda recipe: (recipe.network, weights))


@pytest.fixture
def batch(place: Path) -> Batch:
    return Batch(place)


@pytest.fixture
def make_job(place: Path) -> Callable[..., Job]:
    """``make_job(out="x.png")``: a job that can be painted, but for what is given."""

    def make(**changes: Any) -> Job:
        facts = {"line": 1, "photo": place / "a.png", "artist": "anna", "out": "x.png"}
        return Job(**{**facts, **changes})

    return make
