"""Faces of people: where they are in a photo, and a soft mask of them.

They are found by dlib's frontal detector, which a wheel of 4 MB (11 MB unpacked, Boost
Software License) carries with its weights: nothing is downloaded. It finds faces that
look at the camera or half aside, upright or turned by up to about 30°, and wider than
a twentieth of the photo's longer side; no profiles.

Source:
    Dalal and Triggs, "Histograms of oriented gradients for human detection", 2005;
    King, "Max-margin object detection", 2015.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from artist_nst._types import Pixels
from artist_nst.errors import ArtistNstError
from artist_nst.image.screened_poisson import restore_gradients

# Photos are searched at this many pixels along the longer side, the small ones enlarged
# to it: the detector looks for faces of 80 pixels and more.
SEARCH_SIDE = 1600
SHORTEST_SIDE = 80

# In 10 photographs with 15 faces, each has 0.6 or more; in 24 pictures without faces,
# nothing has 0.1.
MIN_SCORE = 0.3

# The detector's square reaches from the eyebrows to the chin. By its side: how far
# above its center the head's is, and half of the head's width and height.
RISE, HALF_WIDTH, HALF_HEIGHT = 0.12, 0.62, 0.8
EDGE = 0.3  # of the ellipse's radius, over which the mask falls from 1 to 0


@dataclass(frozen=True, slots=True)
class Face:
    """The square around a face, from its eyebrows to its chin.

    Attributes:
        left: Of the square, in pixels; below 0 if the photo cuts the face.
        top: Likewise.
        size: The square's side, in pixels.
        score: How sure the detector is, from 0.3.
    """

    left: float
    top: float
    size: float
    score: float


def find_faces(pixels: Pixels) -> list[Face]:
    """Find the faces in a photo.

    Args:
        pixels: ``(H, W, 3)`` sRGB in [0, 1].

    Returns:
        The faces, the largest first; an empty list if there are none.

    Raises:
        ArtistNstError: dlib is not installed.
    """
    detector = _load_detector()
    photo = Image.fromarray(np.rint(pixels.clip(0, 1) * 255).astype(np.uint8))
    scale = SEARCH_SIDE / max(photo.size)
    width, height = (max(SHORTEST_SIDE, round(side * scale)) for side in photo.size)
    levels = np.asarray(photo.resize((width, height), Image.Resampling.LANCZOS))
    squares, scores, _ = detector.run(levels, 0, MIN_SCORE)
    across, down = photo.width / width, photo.height / height
    faces = [
        scale_face(
            Face(square.left(), square.top(), square.width(), score), across, down
        )
        for square, score in zip(squares, scores, strict=True)
    ]
    return sorted(faces, key=lambda face: (-face.size, face.left, face.top))


def draw_face_mask(
    faces: Iterable[Face], height: int, width: int
) -> NDArray[np.float32]:
    """Draw the mask of faces: an ellipse around each head, with forehead and chin.

    Args:
        faces: In pixels of the mask.
        height: Of the mask, in pixels.
        width: Likewise.

    Returns:
        ``(H, W)`` in [0, 1]: 1 inside, falling smoothly to 0 over a third of a head's
        radius; all 0 if there are no faces.
    """
    mask = np.zeros((height, width), np.float32)
    for face in faces:
        middle = face.left + face.size / 2, face.top + face.size * (0.5 - RISE)
        radii = face.size * HALF_WIDTH, face.size * HALF_HEIGHT
        (columns, across), (rows, down) = (
            _measure_span(*span)
            for span in zip(middle, radii, (width, height), strict=True)
        )
        radius = np.hypot(down[:, None], across[None])
        inside = np.clip((1 + EDGE / 2 - radius) / EDGE, 0, 1)
        smooth = inside**2 * (3 - 2 * inside)
        np.maximum(mask[rows, columns], smooth, out=mask[rows, columns])
    return mask


def protect_faces(painted: Pixels, photo: Pixels, faces: Iterable[Face]) -> Pixels:
    """Give a painting the photo's faces, in the painting's light and colors.

    Within a head's mask, what varies over less than the face's size is the photo's, by
    the screened Poisson equation (:func:`.restore_gradients`).

    Args:
        painted: ``(H, W, 3)`` in [0, 1].
        photo: Likewise.
        faces: In pixels of both.
    """
    result = painted.copy()
    height, width = photo.shape[:2]
    for face in faces:
        mask = draw_face_mask([face], height, width)
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        if not len(rows):
            continue
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        weight = (2 * np.pi / face.size) ** 2
        restored = restore_gradients(painted[box], photo[box], weight)
        share = mask[box][..., None]
        result[box] = (1 - share) * result[box] + share * restored
    return result


def scale_face(face: Face, across: float, down: float) -> Face:
    """Return a face in pixels of a picture that is so many times as wide and high."""
    return Face(
        face.left * across, face.top * down, face.size * min(across, down), face.score
    )


@cache
def _load_detector() -> Any:
    try:
        import dlib
    except ImportError as error:
        raise ArtistNstError(
            "finding faces needs dlib: install it with "
            "`pip install 'artist-nst[faces]'`"
        ) from error
    return dlib.get_frontal_face_detector()


def _measure_span(
    center: float, radius: float, length: int
) -> tuple[slice, NDArray[np.float32]]:
    """Return the pixels along one side that a head reaches, and how far out they are.

    The distances are from ``center`` to the pixels' middles, in units of ``radius``.
    """
    reach = radius * (1 + EDGE / 2)
    first, last = (
        int(np.clip(np.floor(end), 0, length))
        for end in (center - reach, center + reach + 1)
    )
    distances = (np.arange(first, last) + 0.5 - center) / radius
    return slice(first, last), distances.astype(np.float32)
