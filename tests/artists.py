"""Six artists of our own making, for those who judge: each has a direction and a color
of his strokes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from artist_nst.evaluation import handcrafted_features as traits
from artist_nst.image.files import sha256_of, write_picture
from artist_nst.styles import cache as kept
from artist_nst.styles import descriptors as styles
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


def work(artist: int, seed: int, *, color: bool = True) -> NDArray[np.uint8]:
    """Strokes over a ground that is another each time, ``(48, 64, 3)``.

    Args:
        color: whether the strokes are of the artist's color, and not of gray.
    """
    source = np.random.default_rng((artist, seed))
    angle = np.radians(30 * artist + source.normal(0, 8))
    down, across = np.mgrid[:48, :64]
    along = across * np.cos(angle) + down * np.sin(angle)
    wave = np.sin(2 * np.pi * (along / source.uniform(6, 10) + source.random()))
    ground = picture(48, 64, int(source.integers(1 << 30))).astype(float)
    stroke = np.array(COLORS[artist] if color else (120, 120, 120))
    own = stroke + source.normal(0, 15, 3) + 70 * wave[..., None]
    return np.clip((ground + own) / 2, 0, 255).astype(np.uint8)


def save(path: Path, pixels: NDArray[np.uint8]) -> Path:
    """As a file, in a folder made for it."""
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
    """With a record that says what it was painted from."""
    content, *styles = (
        {"path": str(one), "sha256": sha256_of(one), "width": 64, "height": 48}
        for one in (photo, *works)
    )
    for style, weight in zip(styles, weights or [1.0] * len(works), strict=True):
        style.update(weight=weight, work=None)
    record = {
        "format": 1,
        "content": content,
        "styles": styles,
        **dict.fromkeys(("corpora", "recipe", "seed", "network", "device")),
    }
    write_picture(path, pixels, record=json.dumps(record))
    return path


def save_artists(
    folder: Path, names: Iterable[str] = NAMES, works: int = WORKS
) -> dict[str, list[Path]]:
    """A folder of corpora, and what is in it."""
    return {
        name: [
            save(folder / name / f"{seed:02}.png", work(NAMES.index(name), seed))
            for seed in range(works)
        ]
        for name in names
    }


@contextmanager
def looked_at_in_small(folder: Path) -> Iterator[None]:
    """Pictures are judged by 64 pixels, and what is seen is kept in ``folder``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traits, "SIDE", 64)
        patch.setattr(styles, "LONG_SIDE", 64)
        patch.setattr(kept, "user_cache_path", lambda *_, **__: folder)
        yield
