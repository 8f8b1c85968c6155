"""Six synthetic artists for tests of evaluation: each has a direction and a color of
strokes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from artist_nst._files import hash_file
from artist_nst.evaluation import attribution, handcrafted_features
from artist_nst.image.files import write_picture
from artist_nst.recipes.published import RECIPES
from artist_nst.styles import cache, descriptors
from tests.conftest import picture

NAMES = ("anna", "bram", "clara", "dirk", "elsa", "frits")
WORKS = 10
COLORS = (
    (200, 60, 40),
    (220, 180, 40),
    (60, 160, 60),
    (40, 150, 170),
    (60, 70, 190),
    (150, 60, 150),
)


def work(artist: int, seed: int) -> NDArray[np.uint8]:
    """Strokes over a ground that is another each time, ``(48, 64, 3)``."""
    source = np.random.default_rng((artist, seed))
    angle = np.radians(30 * artist + source.normal(0, 8))
    down, across = np.mgrid[:48, :64]
    along = across * np.cos(angle) + down * np.sin(angle)
    wave = np.sin(2 * np.pi * (along / source.uniform(6, 10) + source.random()))
    ground = picture(48, 64, int(source.integers(1 << 30))).astype(float)
    color = np.array(COLORS[artist]) + source.normal(0, 15, 3)
    return np.clip((ground + color + 70 * wave[..., None]) / 2, 0, 255).astype(np.uint8)


def save(path: Path, pixels: NDArray[np.uint8]) -> Path:
    """Save a picture, and make its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def save_painting(
    path: Path,
    pixels: NDArray[np.uint8],
    photo: Path,
    works: Sequence[Path],
    weights: Sequence[float] = (),
) -> Path:
    """Save a painting with a record of what it was painted from."""
    content, *styles = (
        {"path": str(file), "sha256": hash_file(file), "width": 64, "height": 48}
        for file in (photo, *works)
    )
    for style, weight in zip(styles, weights or [1.0] * len(works), strict=True):
        style.update(weight=weight, work=None)
    for style, file in zip(styles, works, strict=True):
        if file.parent.name in NAMES:
            corpus = file.parent.name
            facts = {"corpus": corpus, "id": file.stem, "title": file.stem}
            style["work"] = {**facts, "artist": corpus, "year": None, "rights": None}
    network = {"name": "vgg19", "sha256": "", "input": "torchvision"}
    record = {
        "format": 1,
        "artist_nst": None,
        "painted": "",
        "content": content,
        "styles": styles,
        "corpora": None,
        "recipe": RECIPES["default"].to_dict(),
        "network": network,
        "device": "cpu",
        "size": [64, 48],
        **dict.fromkeys(("seed", "iterations", "evaluations", "seconds"), 0),
        **{key: [] for key in ("stopped", "history")},
        "versions": {},
    }
    write_picture(path, pixels, record=json.dumps(record))
    return path


def save_artists(
    folder: Path, names: Iterable[str] = NAMES, works: int = WORKS
) -> dict[str, list[Path]]:
    """Save a folder of corpora, and return its files."""
    return {
        name: [
            save(folder / name / f"{seed:02}.png", work(NAMES.index(name), seed))
            for seed in range(works)
        ]
        for name in names
    }


@contextmanager
def small_pictures(cache_folder: Path) -> Iterator[None]:
    """Compare pictures at 64 pixels, by classifiers of one regularization."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handcrafted_features, "SIDE", 64)
        patch.setattr(attribution, "REGULARIZATION", (0.03,))
        patch.setattr(descriptors, "LONG_SIDE", 64)
        patch.setattr(cache, "user_cache_path", lambda *_, **__: cache_folder)
        yield
