"""What is learnt from and what is held out; crops, changed and spoiled."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage import data
from torch import Tensor
from torch.nn import functional

from artist_nst.errors import UsageError
from artist_nst.evaluation.near_duplicates import ALIKE, thumbnail
from artist_nst.image.files import read_picture, resize

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
# Photographs that scikit-image ships.
SHIPPED = "astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field"
HELD_OUT_EVERY = 3
LONG_SIDE = 640  # pixels, of what is kept of a picture

Levels = NDArray[np.uint8]


@dataclass(frozen=True)
class Pictures:
    """Pictures by use.

    Attributes:
        photos, paintings: to learn from, ``(H, W, 3)``.
        held_out_photos, held_out_paintings: files that nothing is learnt from.
        sha256: of the learnt files' own hashes, in order.
    """

    photos: list[Levels]
    paintings: list[Levels]
    held_out_photos: list[Path]
    held_out_paintings: list[Path]
    sha256: str


def gather(photo_folders: Sequence[Path], painting_folders: Sequence[Path]) -> Pictures:
    """Read the folders' pictures; every third of a folder is held out, and so is what
    looks like a held-out one.

    Raises:
        UsageError: a folder has no pictures, or too few.
    """
    photos, painted = map(_files, (photo_folders, painting_folders))
    held = [path for use in (photos, painted) for path in use[1]]
    hashes = {_hash(path) for path in held}
    seen = np.stack([thumbnail(_levels(path) / 255.0) for path in held])
    digest = hashlib.sha256()

    def learnt(paths: list[Path], shipped: Sequence[str] = ()) -> list[Levels]:
        found = []
        for path in paths:
            pixels = _levels(path)
            own = _hash(path)
            if own in hashes or (seen @ thumbnail(pixels / 255.0)).max() > ALIKE:
                continue
            digest.update(own.encode())
            found.append(pixels)
        for name in shipped:
            pixels = _small(np.asarray(getattr(data, name)()))
            if (seen @ thumbnail(pixels / 255.0)).max() <= ALIKE:
                digest.update(name.encode())
                found.append(pixels)
        return found

    return Pictures(
        photos=learnt(photos[0], SHIPPED),
        paintings=learnt(painted[0]),
        held_out_photos=photos[1],
        held_out_paintings=painted[1],
        sha256=digest.hexdigest(),
    )


def crop(source: np.random.Generator, pictures: Sequence[Levels], side: int) -> Tensor:
    """A square of a random picture, at a random scale.

    Returns:
        ``(1, 3, side, side)`` on 0–255.
    """
    which = int(source.integers(len(pictures)))
    whole = torch.from_numpy(pictures[which]).permute(2, 0, 1).unsqueeze(0).float()
    least = side / min(whole.shape[-2:])
    # From the whole picture's short side to the picture's own pixels.
    scale = float(np.exp(source.uniform(np.log(least), np.log(max(1.0, least)))))
    height, width = (max(side, round(one * scale)) for one in whole.shape[-2:])
    whole = functional.interpolate(
        whole, (height, width), mode="bicubic", antialias=True
    )
    top = int(source.integers(height - side + 1))
    left = int(source.integers(width - side + 1))
    found = whole[..., top : top + side, left : left + side].clamp(0, 255)
    return found.flip(-1) if source.random() < 0.5 else found


def changed(source: np.random.Generator, image: Tensor) -> Tensor:
    """Other colours, contrast or light, now and then."""
    kind = source.random()
    if kind < 0.1:
        image = image.mean(1, keepdim=True).expand_as(image)
    elif kind < 0.25:
        image = image[:, source.permutation(3).copy()]
    if source.random() < 0.3:
        image = 255 * (image / 255) ** float(source.uniform(0.6, 1.6))
    return image


def spoiled(source: np.random.Generator, image: Tensor) -> Tensor:
    """Noise of random strength and grain over the image, or nothing but noise."""
    grain = int(source.choice([1, 1, 2, 4]))
    height, width = (-(-side // grain) for side in image.shape[-2:])
    noise = torch.from_numpy(source.standard_normal((1, 3, height, width))).float()
    noise = functional.interpolate(noise, scale_factor=grain, mode="bilinear")
    noise = noise[..., : image.shape[-2], : image.shape[-1]]
    if source.random() < 0.15:
        return (127.5 + 74 * noise).clamp(0, 255)
    return (image + float(source.uniform(2, 60)) * noise).clamp(0, 255)


def read(path: Path, width: int) -> Tensor:
    """``(1, 3, H, W)`` on 0–255, so many pixels wide."""
    pixels = read_picture(path).pixels
    height = max(1, round(pixels.shape[0] * width / pixels.shape[1]))
    return tensor(resize(pixels, height, width) * 255)


def tensor(pixels: NDArray[np.floating] | Levels) -> Tensor:
    """``(1, 3, H, W)`` of ``(H, W, 3)``, float32."""
    return torch.from_numpy(np.array(pixels, np.float32)).permute(2, 0, 1)[None]


def _files(folders: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    learnt: list[Path] = []
    held: list[Path] = []
    for folder in folders:
        found = sorted(
            path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES
        )
        if not found:
            raise UsageError(f"{folder} has no pictures: name a folder that has")
        inside: dict[Path, int] = {}
        for path in found:
            nth = inside.get(path.parent, 0)
            inside[path.parent] = nth + 1
            (learnt if nth % HELD_OUT_EVERY else held).append(path)
    if not learnt:
        names = ", ".join(str(folder) for folder in folders)
        raise UsageError(
            f"{names}: all pictures are held out (every {HELD_OUT_EVERY}rd of a folder "
            "is, from the first on): name folders with more"
        )
    return learnt, held


def _levels(path: Path) -> Levels:
    return _small(np.round(read_picture(path).pixels * 255).astype(np.uint8))


def _small(pixels: Levels) -> Levels:
    factor = LONG_SIDE / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    height, width = (max(1, round(side * factor)) for side in pixels.shape[:2])
    smaller = resize(pixels / 255.0, height, width)
    return np.asarray(np.round(smaller * 255), dtype=np.uint8)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
