"""Restoring a photo: against least squares, and maps of colors that are known."""

from __future__ import annotations

import numpy as np
import pytest

from artist_nst._types import Pixels
from artist_nst.image.color import LUMA
from artist_nst.image.screened_poisson import recolor_chroma, restore_gradients

WEIGHT = 0.3


def noise(seed: int, height: int = 5, width: int = 7) -> Pixels:
    """Of little contrast, so that nothing is clipped."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.uniform(0.4, 0.6, (height, width, 3)))


PHOTO, PAINTED = noise(1), noise(2)


def test_result_is_the_least_squares_solution() -> None:
    height, width = PHOTO.shape[:2]
    index = np.arange(height * width).reshape(height, width)
    pairs = [
        *zip(index[:, :-1].flat, index[:, 1:].flat, strict=True),
        *zip(index[:-1].flat, index[1:].flat, strict=True),
    ]
    gradient = np.zeros((len(pairs), height * width))
    for row, (first, second) in enumerate(pairs):
        gradient[row, [first, second]] = -1, 1
    matrix = np.vstack([np.sqrt(WEIGHT) * np.eye(height * width), gradient])
    painted, photo = PAINTED.reshape(-1, 3), PHOTO.reshape(-1, 3)
    target = np.vstack([np.sqrt(WEIGHT) * painted, gradient @ photo])
    expected = np.linalg.lstsq(matrix, target, rcond=None)[0]
    result = restore_gradients(PAINTED, PHOTO, WEIGHT)
    np.testing.assert_allclose(result.reshape(-1, 3), expected, rtol=0, atol=1e-12)


def test_photo_itself_is_kept() -> None:
    np.testing.assert_allclose(restore_gradients(PHOTO, PHOTO, WEIGHT), PHOTO)


@pytest.mark.parametrize(("weight", "kept"), [(1e9, PAINTED), (1e-9, PHOTO)])
def test_weight_leads_from_the_photo_to_the_painting(
    weight: float, kept: Pixels
) -> None:
    result = restore_gradients(PAINTED, PHOTO, weight)
    # Of the photo, only the mean color changes.
    shift = PAINTED.mean((0, 1)) - kept.mean((0, 1))
    np.testing.assert_allclose(result, kept + shift, rtol=0, atol=1e-6)


def test_result_is_clipped() -> None:
    dark, bright = np.zeros((4, 4, 3)), np.ones((4, 4, 3))
    bright[0] = dark[0] = np.eye(3)[0]
    result = restore_gradients(dark, bright, WEIGHT)
    assert result.min() == 0
    assert result.max() <= 1


def test_recolored_photo_is_an_affine_map_with_the_luma_of_the_photo() -> None:
    photo = np.random.default_rng(3).random((48, 64, 3))
    matrix = np.array([[0.1, 0.0, 0.3], [0.2, 0.1, 0.0], [0.1, 0.3, 0.2]])
    painted = photo @ matrix + 0.2
    result = recolor_chroma(photo, painted)
    np.testing.assert_allclose(result @ LUMA, photo @ LUMA)
    chroma, expected = (
        pixels - (pixels @ LUMA)[..., None] for pixels in (result, painted)
    )
    np.testing.assert_allclose(chroma, expected, atol=0.01)


def test_recolored_photo_takes_colors_from_where_they_are() -> None:
    """A reddish left half and a bluish right one, of a gray photo."""
    photo = np.repeat(np.random.default_rng(4).random((64, 96, 1)), 3, axis=2)
    painted = photo / 2
    painted[:, :48, 0] += 0.2
    painted[:, 48:, 2] += 0.2
    result = recolor_chroma(photo, painted)
    left, right = result[:, :20].mean((0, 1)), result[:, -20:].mean((0, 1))
    assert left[0] - left[2] == pytest.approx(0.2, abs=0.01)
    assert right[2] - right[0] == pytest.approx(0.2, abs=0.01)
