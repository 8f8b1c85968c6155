"""Places of works: what is near to what, and works that together cover a photo."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artist_nst.errors import ArtistNstError
from artist_nst.styles.places import (
    MIN_GAIN,
    Places,
    choose_covering,
    compare_places,
    describe_places,
    describe_places_of_files,
)
from tests.conftest import picture


def places_of(folder: Path, name: str, levels: np.ndarray) -> Places:
    Image.fromarray(levels).save(folder / f"{name}.png")
    return describe_places(folder / f"{name}.png")


@pytest.mark.parametrize("size", [(40, 60), (3, 500), (1, 1)])
def test_any_picture_has_as_many_places(tmp_path: Path, size: tuple[int, int]) -> None:
    levels = picture(*size, seed=1)
    places = places_of(tmp_path, "work", levels)
    assert places.shape == (256, 120)
    assert np.isfinite(places).all()


def test_a_photo_is_nearest_to_itself(tmp_path: Path) -> None:
    works = [places_of(tmp_path, str(x), picture(64, 64, seed=x)) for x in range(3)]
    scores = compare_places(works[1], works)
    assert scores.shape == (256, 3)
    assert (scores.argmax(1) == 1).mean() > 0.9
    assert scores[:, 1].mean() > 0.95


def test_each_half_of_a_photo_finds_its_work(tmp_path: Path) -> None:
    left, right = picture(64, 64, seed=1), picture(64, 64, seed=2)
    right = 255 - right // 3
    both = np.concatenate((left[:, :32], right[:, 32:]), 1)
    works = [places_of(tmp_path, "l", left), places_of(tmp_path, "r", right)]
    scores = compare_places(places_of(tmp_path, "both", both), works)
    nearest = scores.argmax(1).reshape(16, 16)
    assert (nearest[:, :7] == 0).mean() > 0.8
    assert (nearest[:, 9:] == 1).mean() > 0.8
    assert set(choose_covering(scores, 2)) == {0, 1}


def test_flat_works_are_finite(tmp_path: Path) -> None:
    flat = places_of(tmp_path, "flat", np.full((40, 40, 3), 128, np.uint8))
    assert np.isfinite(compare_places(flat, [flat, flat])).all()


def test_works_are_chosen_while_they_gain() -> None:
    scores = np.zeros((100, 4))
    scores[:60, 0] = 0.9
    scores[60:, 1] = 0.9
    scores[:50, 2] = 0.9  # nothing beyond the first
    scores[0, 3] = 0.9 + MIN_GAIN  # too little
    assert choose_covering(scores, 4) == [0, 1]
    assert choose_covering(scores, 1) == [0]
    assert choose_covering(np.zeros((5, 1)), 8) == [0]


def test_files_are_described_once(tmp_path: Path) -> None:
    paths = []
    for seed in range(3):
        paths.append(tmp_path / f"{seed}.png")
        Image.fromarray(picture(40, 40, seed=seed)).save(paths[-1])
    (tmp_path / "broken.png").write_bytes(b"no picture")
    paths.append(tmp_path / "broken.png")
    calls: list[tuple[int, int]] = []
    first = describe_places_of_files(paths, "anna", lambda *x: calls.append(x))
    again = describe_places_of_files(paths[:3], "anna", lambda *x: calls.append(x))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert isinstance(first[3], ArtistNstError)
    for before, after in zip(first, again, strict=False):
        np.testing.assert_array_equal(before, after)
