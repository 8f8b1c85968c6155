"""Pictures that a program hands over in memory, as files for the time of a painting."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from artist_nst._types import PathLike
from artist_nst.errors import UsageError
from artist_nst.image.files import write_picture

ImageLike = PathLike | Image.Image | NDArray[Any]
"""A file, a Pillow image, or an array: ``(H, W)`` or ``(H, W, 3 or 4)``, sRGB, levels
from 0 to 255 as ``uint8`` or floats in [0, 1]."""

# Modes that PNG holds without loss; TIFF holds the others.
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


def is_in_memory(image: object) -> bool:
    """Tell whether ``image`` is a Pillow image or an array."""
    return isinstance(image, Image.Image | np.ndarray)


class MemoryFiles:
    """Files of pictures in memory, in a temporary folder; a context manager."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    def __enter__(self) -> MemoryFiles:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def place(self, image: ImageLike) -> PathLike:
        """Return the path of a picture: its own, or that of a lossless new file.

        Raises:
            UsageError: An array has another shape, type or range.
        """
        if not isinstance(image, Image.Image | np.ndarray):
            return image
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="artist-nst-")
        self._count += 1
        stem = Path(self._folder.name) / f"image-{self._count}"
        if isinstance(image, Image.Image):
            upright = ImageOps.exif_transpose(image)
            suffix = ".png" if image.mode in _PNG_MODES else ".tif"
            path = stem.with_suffix(suffix)
            upright.save(path, icc_profile=image.info.get("icc_profile"))
            return path
        levels, alpha = _split_alpha(image)
        is_float = levels.dtype != np.uint8
        path = stem.with_suffix(".tif" if is_float else ".png")  # TIFF: 16 bits
        write_picture(path, levels, alpha=alpha)
        return path

    def holds(self, path: PathLike) -> bool:
        """Tell whether a file is one of these."""
        folder = self._folder
        return folder is not None and Path(os.fspath(path)).parent == Path(folder.name)


def _split_alpha(array: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return ``(H, W, 3)``, and ``(H, W)`` in [0, 1] or None if there is no alpha."""
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] not in (3, 4) or not array.size:
        raise UsageError(
            f"an image as an array is (H, W), (H, W, 3) or (H, W, 4), not {array.shape}"
        )
    is_float = np.issubdtype(array.dtype, np.floating)
    # Negated, so that values that are not finite are refused as well.
    in_range = is_float and array.min() >= 0 and array.max() <= 1
    if not (array.dtype == np.uint8 or in_range):
        raise UsageError(
            "an image as an array has levels of type uint8, or floats from 0 to 1, not "
            f"{array.dtype} from {array.min():g} to {array.max():g}"
        )
    if array.shape[2] == 3:
        return array, None
    scale = 1 if is_float else 255
    return array[..., :3], array[..., 3] / scale
