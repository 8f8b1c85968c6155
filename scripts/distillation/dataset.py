"""The pictures to train on and those held out; random crops of them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage import data
from torch import Tensor
from torch.nn import functional

from artist_nst._files import hash_file
from artist_nst.errors import UsageError
from artist_nst.evaluation.near_duplicates import DUPLICATE_CORRELATION, make_thumbnail
from artist_nst.image.files import read_picture, resize
from artist_nst.nst.tensors import to_tensor

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
# scikit-image's photographs, used for training besides the folders.
PACKAGED_PHOTOS = "astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field"
HELD_OUT_EVERY = 3
LONG_SIDE = 640  # pixels; larger pictures are reduced when they are loaded

ByteImage = NDArray[np.uint8]


@dataclass(frozen=True)
class Dataset:
    """Photos and paintings, split into training and held-out ones.

    Attributes:
        photos: To train on, ``(H, W, 3)``.
        paintings: To train on, ``(H, W, 3)``.
        held_out_photos: Files.
        held_out_paintings: Files.
        sha256: Of the training files' hashes, in order.
    """

    photos: list[ByteImage]
    paintings: list[ByteImage]
    held_out_photos: list[Path]
    held_out_paintings: list[Path]
    sha256: str


def load_dataset(
    photo_folders: Sequence[Path], painting_folders: Sequence[Path]
) -> Dataset:
    """Read the folders' pictures and hold out every third of each folder.

    Near duplicates of held-out pictures are not trained on.

    Raises:
        UsageError: A folder has no pictures, or too few.
    """
    photos, held_out_photos = _split_files(photo_folders)
    paintings, held_out_paintings = _split_files(painting_folders)
    held_out = held_out_photos + held_out_paintings
    hashes = {hash_file(path) for path in held_out}
    thumbnails = np.stack(
        [make_thumbnail(_read_bytes(path) / 255.0) for path in held_out]
    )
    digest = hashlib.sha256()

    def select(pictures: Iterable[tuple[str, ByteImage]]) -> list[ByteImage]:
        selected = []
        for name, pixels in pictures:
            similarity = (thumbnails @ make_thumbnail(pixels / 255.0)).max()
            if name not in hashes and similarity <= DUPLICATE_CORRELATION:
                digest.update(name.encode())
                selected.append(pixels)
        return selected

    packaged = ((name, getattr(data, name)()) for name in PACKAGED_PHOTOS)
    return Dataset(
        photos=[
            *select((hash_file(path), _read_bytes(path)) for path in photos),
            *select((name, _reduce(np.asarray(pixels))) for name, pixels in packaged),
        ],
        paintings=select((hash_file(path), _read_bytes(path)) for path in paintings),
        held_out_photos=held_out_photos,
        held_out_paintings=held_out_paintings,
        sha256=digest.hexdigest(),
    )


def random_crop(
    rng: np.random.Generator, pictures: Sequence[ByteImage], side: int
) -> Tensor:
    """Crop a square from a random picture at a random scale, and maybe mirror it.

    Returns:
        ``(1, 3, side, side)`` in [0, 255].
    """
    picture = bytes_to_tensor(pictures[int(rng.integers(len(pictures)))])
    minimum = side / min(picture.shape[-2:])
    # From the picture's short side filling the crop to the picture's own pixels.
    scale = float(np.exp(rng.uniform(np.log(minimum), np.log(max(1.0, minimum)))))
    height, width = (max(side, round(size * scale)) for size in picture.shape[-2:])
    picture = functional.interpolate(
        picture, (height, width), mode="bicubic", antialias=True
    )
    top = int(rng.integers(height - side + 1))
    left = int(rng.integers(width - side + 1))
    crop = picture[..., top : top + side, left : left + side].clamp(0, 255)
    return crop.flip(-1) if rng.random() < 0.5 else crop


def jitter_colors(rng: np.random.Generator, image: Tensor) -> Tensor:
    """Sometimes remove or permute the color channels, or change the gamma."""
    kind = rng.random()
    if kind < 0.1:
        image = image.mean(1, keepdim=True).expand_as(image)
    elif kind < 0.25:
        image = image[:, rng.permutation(3).copy()]
    if rng.random() < 0.3:
        image = 255 * (image / 255) ** float(rng.uniform(0.6, 1.6))
    return image


def add_noise(rng: np.random.Generator, image: Tensor) -> Tensor:
    """Add noise of random strength and grain, or sometimes return noise alone."""
    grain = int(rng.choice([1, 1, 2, 4]))
    height, width = (-(-size // grain) for size in image.shape[-2:])
    noise = torch.from_numpy(rng.standard_normal((1, 3, height, width))).float()
    noise = functional.interpolate(noise, scale_factor=grain, mode="bilinear")
    noise = noise[..., : image.shape[-2], : image.shape[-1]]
    if rng.random() < 0.15:
        return (127.5 + 74 * noise).clamp(0, 255)
    return (image + float(rng.uniform(2, 60)) * noise).clamp(0, 255)


def read_image(path: Path, width: int) -> Tensor:
    """Read a picture, resized to a width, as ``(1, 3, H, W)`` in [0, 255]."""
    pixels = read_picture(path).pixels
    height = max(1, round(pixels.shape[0] * width / pixels.shape[1]))
    return to_tensor(resize(pixels, height, width))


def bytes_to_tensor(pixels: ByteImage) -> Tensor:
    """Convert ``(H, W, 3)`` to ``(1, 3, H, W)`` in float32."""
    return torch.from_numpy(np.array(pixels, np.float32)).permute(2, 0, 1)[None]


def _split_files(folders: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """List the files to train on and the files to hold out."""
    training: list[Path] = []
    held_out: list[Path] = []
    for folder in folders:
        paths = sorted(
            path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES
        )
        if not paths:
            raise UsageError(f"{folder} has no pictures: name a folder that has some")
        counts: dict[Path, int] = {}
        for path in paths:
            index = counts.get(path.parent, 0)
            counts[path.parent] = index + 1
            (training if index % HELD_OUT_EVERY else held_out).append(path)
    if not training:
        names = ", ".join(str(folder) for folder in folders)
        raise UsageError(
            f"{names}: nothing is left to train on, since the first of every "
            f"{HELD_OUT_EVERY} pictures of a folder is held out: name folders with more"
        )
    return training, held_out


def _read_bytes(path: Path) -> ByteImage:
    return _reduce(np.round(read_picture(path).pixels * 255).astype(np.uint8))


def _reduce(pixels: ByteImage) -> ByteImage:
    factor = LONG_SIDE / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    height, width = (max(1, round(side * factor)) for side in pixels.shape[:2])
    reduced = resize(pixels / 255.0, height, width)
    return np.asarray(np.round(reduced * 255), dtype=np.uint8)
