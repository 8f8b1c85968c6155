"""The screened Poisson equation, against least squares."""

from __future__ import annotations

import numpy as np
import pytest

from artist_nst._types import Pixels
from artist_nst.image.screened_poisson import restore_gradients

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
