"""Whether two files show one picture."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from artist_nst.evaluation.near_duplicates import (
    DUPLICATE_CORRELATION,
    THUMBNAIL_SIDE,
    group_duplicates,
    make_thumbnail,
    match_any,
)
from tests.conftest import picture

Pixels = NDArray[np.float64]


def made(seed: int, height: int = 60, width: int = 80) -> Pixels:
    return picture(height, width, seed) / 255


def saved(pixels: Pixels, size: tuple[int, int], quality: int) -> Pixels:
    """As another file of the picture has it."""
    levels = Image.fromarray(np.round(pixels * 255).astype(np.uint8))
    stream = io.BytesIO()
    levels.resize(size).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream)) / 255


def test_a_thumbnail_is_of_mean_0_and_length_1() -> None:
    found = make_thumbnail(made(1))
    assert found.shape == (THUMBNAIL_SIDE**2,)
    assert abs(found.mean()) < 1e-12
    assert np.linalg.norm(found) == pytest.approx(1)


def test_brightness_and_contrast_do_not_count() -> None:
    pixels = made(1)
    assert make_thumbnail(0.3 + 0.5 * pixels) @ make_thumbnail(pixels) > 0.9999


def test_a_flat_picture_is_like_no_other() -> None:
    flat = make_thumbnail(np.full((20, 30, 3), 0.4))
    assert np.abs(flat).max() < 1e-3
    assert not match_any([flat], [flat]).any()
    assert group_duplicates([flat, flat]) == [[0], [1]]


@pytest.mark.parametrize(
    ("size", "quality"), [((40, 30), 60), ((160, 120), 30), ((90, 60), 90)]
)
def test_another_file_of_a_picture_is_like_it(
    size: tuple[int, int], quality: int
) -> None:
    pixels = made(1)
    same, other = make_thumbnail(saved(pixels, size, quality)), make_thumbnail(made(2))
    own = make_thumbnail(pixels)
    assert own @ same > DUPLICATE_CORRELATION
    assert own @ other < DUPLICATE_CORRELATION
    assert match_any([own, other], [same]).tolist() == [True, False]


def test_nothing_is_like_any_of_none() -> None:
    own = make_thumbnail(made(1))
    assert match_any([], [own]).shape == (0,)
    assert match_any([own], []).tolist() == [False]


def test_groups_hold_what_looks_alike() -> None:
    first, second = made(1), made(2)
    seen = [
        make_thumbnail(one)
        for one in (
            first,
            second,
            saved(second, (50, 40), 70),
            saved(first, (64, 48), 70),
        )
    ]
    assert group_duplicates(seen) == [[0, 3], [1, 2]]
    assert group_duplicates([]) == []


def test_groups_hold_what_looks_alike_through_others() -> None:
    """A, B and C a turn of 20 degrees apart: A and C, 40 apart, are not alike."""
    turned = [np.radians(angle) for angle in (0, 40, 20)]
    seen = [np.array([np.cos(angle), np.sin(angle)]) for angle in turned]
    assert seen[0] @ seen[1] < DUPLICATE_CORRELATION < seen[0] @ seen[2]
    assert group_duplicates(seen) == [[0, 1, 2]]
