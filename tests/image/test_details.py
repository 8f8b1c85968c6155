"""A photo's details in a painting's colors: maps of colors that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from artist_nst.image.color import LUMA
from artist_nst.image.details import recolor_chroma, restore_details


def test_fine_details_are_the_photos_and_broad_light_is_the_paintings() -> None:
    rng = np.random.default_rng(0)
    columns = np.linspace(0, 1, 128)[None, :, None]
    photo = 0.5 + 0.1 * rng.standard_normal((96, 128, 3))
    painted = 0.2 + 0.5 * columns + 0.1 * rng.standard_normal((96, 128, 3))
    result = restore_details(painted, photo, wavelength=10)
    fine, broad = (
        {name: part(image @ LUMA) for name, image in images.items()}
        for part, images in (
            (lambda luma: luma - gaussian_filter(luma, 1.0), vars_of(result, photo)),
            (lambda luma: gaussian_filter(luma, 12.0), vars_of(result, painted)),
        )
    )
    assert np.corrcoef(fine["result"].flat, fine["other"].flat)[0, 1] > 0.98
    assert np.abs(broad["result"] - broad["other"]).max() < 0.03


def vars_of(result: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
    return {"result": result, "other": other}


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
