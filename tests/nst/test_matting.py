"""The matting term: against Levin et al.'s formula in loops, and where it is zero."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from artist_nst._types import Pixels
from artist_nst.nst import matting
from artist_nst.nst.matting import MattingTerm
from artist_nst.nst.tensors import to_tensor
from tests.conftest import picture

HEIGHT, WIDTH = 7, 6
EPSILON = 1e-4
PHOTO = picture(HEIGHT, WIDTH) / 255
IMAGE = torch.from_numpy(picture(HEIGHT, WIDTH, seed=1)).permute(2, 0, 1)[None].double()


def laplacian(photo: Pixels, epsilon: float) -> NDArray[np.float64]:
    """Eq. 12 of Levin et al., pair by pair of each window's pixels."""
    height, width = photo.shape[:2]
    result = np.zeros((height * width, height * width))
    for top, left in product(range(height - 2), range(width - 2)):
        window = [(y, x) for y in range(top, top + 3) for x in range(left, left + 3)]
        colors = np.array([photo[pixel] for pixel in window])
        mean = colors.mean(0)
        covariance = (colors - mean).T @ (colors - mean) / 9
        inverse = np.linalg.inv(covariance + epsilon / 9 * np.eye(photo.shape[-1]))
        for (p, i), (q, j) in product(enumerate(window), repeat=2):
            affinity = 1 + (colors[p] - mean) @ inverse @ (colors[q] - mean)
            row, column = i[0] * width + i[1], j[0] * width + j[1]
            result[row, column] += (i == j) - affinity / 9
    return result


def term(photo: Pixels = PHOTO) -> MattingTerm:
    return MattingTerm(photo, dtype=torch.float64, epsilon=EPSILON)


def value(term: MattingTerm, image: Tensor) -> float:
    return float(term(image)[0])


@pytest.mark.parametrize("channels", [1, 3])
def test_term_and_gradient_are_the_matrix_laplacian(
    channels: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(matting, "_BAND_ROWS", 2)  # several, the last one smaller
    photo = PHOTO[..., :channels]
    matrix = laplacian(photo, EPSILON)
    planes = IMAGE[0].flatten(1).numpy()
    scale = 1 / (9 * (HEIGHT - 2) * (WIDTH - 2) * 3)
    total, gradient = term(photo)(IMAGE)
    expected = scale * np.einsum("ci,ij,cj", planes, matrix, planes)
    assert float(total) == pytest.approx(expected, rel=1e-10)
    np.testing.assert_allclose(
        gradient[0].flatten(1).numpy(), 2 * scale * planes @ matrix, atol=1e-10
    )


def test_gradient_is_the_slope_of_the_term() -> None:
    compute = term()
    _, gradient = compute(IMAGE)
    source = torch.Generator().manual_seed(0)
    direction = torch.randn(IMAGE.shape, generator=source, dtype=torch.float64)
    ahead, behind = (value(compute, IMAGE + step * direction) for step in (1e-3, -1e-3))
    slope = float((gradient * direction).sum())
    assert (ahead - behind) / 2e-3 == pytest.approx(slope, rel=1e-6)


def test_locally_affine_colors_are_free() -> None:
    """One map of colors on the left, another on the right of a flat border."""
    photo = picture(24, 40) / 255
    photo[:, 18:22] = 0.5
    matrices = np.random.default_rng(3).uniform(-0.5, 0.5, (2, 3, 3))
    centered = photo - 0.5
    mapped = np.concatenate(
        [centered[:, :20] @ matrices[0], centered[:, 20:] @ matrices[1]], axis=1
    )
    compute = MattingTerm(photo, epsilon=1e-7)
    assert value(compute, to_tensor(0.5 + mapped)) < 1e-2
    other = to_tensor(picture(24, 40, seed=5) / 255)
    assert value(compute, other) > 10


def test_term_is_independent_of_size() -> None:
    image = IMAGE.repeat(1, 1, 12, 12)
    photo = np.tile(PHOTO, (12, 12, 1))
    larger = image.repeat(1, 1, 2, 2), np.tile(photo, (2, 2, 1))
    assert value(term(larger[1]), larger[0]) == pytest.approx(
        value(term(photo), image), rel=0.01
    )


def test_float32_agrees_with_float64() -> None:
    photo = picture(64, 96) / 255
    image = to_tensor(picture(64, 96, seed=5) / 255)
    exact, exact_gradient = MattingTerm(photo, dtype=torch.float64)(image.double())
    total, gradient = MattingTerm(photo)(image)
    assert float(total) == pytest.approx(float(exact), rel=1e-5)
    error = (gradient - exact_gradient).abs().max() / exact_gradient.abs().max()
    assert float(error) < 1e-5
