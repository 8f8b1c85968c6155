"""Handcrafted features, each on pictures whose value is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from artist_nst.evaluation.handcrafted_features import (
    DIRECTIONS,
    FEATURE_COUNT,
    FEATURE_GROUPS,
    SIDE,
    compute_features,
    edge_agreement,
    reencode,
    resize_to_side,
    standardize,
)
from tests.conftest import picture

Pixels = NDArray[np.float64]


def made(seed: int, height: int = 96, width: int = 128) -> Pixels:
    return picture(height, width, seed) / 255


def stripes(angle: float, period: float = 16, side: int = 128) -> Pixels:
    """Gray waves that run across the direction of ``angle`` degrees."""
    down, across = np.mgrid[:side, :side]
    along = across * np.cos(np.radians(angle)) + down * np.sin(np.radians(angle))
    gray = 0.5 + 0.3 * np.sin(2 * np.pi * along / period)
    return np.repeat(gray[..., None], 3, axis=2)


def features(pixels: Pixels, group: str) -> NDArray[np.float64]:
    return compute_features(standardize(pixels))[FEATURE_GROUPS[group]]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((512, 256), (256, 128)),
        ((100, 300), (85, 256)),
        ((20, 10), (256, 128)),
        ((1, 900), (1, 256)),
    ],
)
def test_all_pictures_get_one_size(
    given: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert resize_to_side(made(0, *given)).shape == (*expected, 3)
    found = standardize(made(0, *given))
    assert (found.shape, found.dtype) == ((*expected, 3), np.uint8)


def test_all_pictures_get_one_encoding() -> None:
    pixels = made(1, SIDE, SIDE)
    exact = np.round(pixels * 255)
    found = standardize(pixels).astype(float)
    assert 0.5 < np.abs(found - exact).mean() < 12


def test_the_groups_are_all_of_it() -> None:
    columns = np.concatenate(
        [np.arange(FEATURE_COUNT)[part] for part in FEATURE_GROUPS.values()]
    )
    assert columns.tolist() == list(range(FEATURE_COUNT))
    assert list(FEATURE_GROUPS) == ["colors", "edges", "patterns", "wavelets"]


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(40, 50), (1, 1), (1, 300), (700, 3)])
def test_flat_and_tiny_pictures_have_numbers(
    level: float, shape: tuple[int, int]
) -> None:
    found = compute_features(standardize(np.full((*shape, 3), level)))
    assert found.shape == (FEATURE_COUNT,)
    assert np.isfinite(found).all()


def test_a_narrow_picture_has_numbers() -> None:
    assert np.isfinite(compute_features(standardize(made(1, 4, 900)))).all()


def test_colors_are_of_cielab() -> None:
    """Mid gray is L 53.4; (255, 0, 0) is L 53.2, a 80.1, b 67.2."""
    gray = features(np.full((32, 32, 3), 0.5), "colors")
    assert gray[0] == pytest.approx(53.4, abs=0.5)
    assert gray[1] == pytest.approx(0, abs=0.01)  # the deviation
    assert np.allclose(gray[[7, 14, 21]], 0, atol=0.5)  # a, b, chroma
    red = features(np.full((32, 32, 3), (1.0, 0.0, 0.0)), "colors")
    assert np.allclose(red[[0, 7, 14]], (53.2, 80.1, 67.2), atol=1.5)
    assert red[21] == pytest.approx(np.hypot(80.1, 67.2), abs=2)


def test_all_but_colors_see_lightness_alone() -> None:
    pixels = made(3)
    gray = np.repeat(pixels.mean(2, keepdims=True), 3, axis=2)
    tinted = gray * (1.0, 0.9, 0.8)
    away = {
        name: np.abs(features(tinted, name) - features(gray, name)).mean()
        for name in FEATURE_GROUPS
    }
    assert away["colors"] > 0.5
    assert max(away[name] for name in FEATURE_GROUPS if name != "colors") < 0.05


@pytest.mark.parametrize("angle", [10, 55, 100, 145])
def test_edges_have_directions(angle: int) -> None:
    """A wave's gradient points along it."""
    shares = features(stripes(angle), "edges")[:DIRECTIONS]
    assert shares.sum() == pytest.approx(1)
    assert shares.argmax() == angle * DIRECTIONS // 180
    assert shares.max() > 0.7


def test_edges_of_one_direction_are_coherent() -> None:
    octave = DIRECTIONS + 10
    noise = np.random.default_rng(0).uniform(0, 1, (128, 128, 1))
    lined, grainy = (
        features(one, "edges")[octave - 5 : octave]
        for one in (stripes(30), np.repeat(noise, 3, axis=2))
    )
    assert np.median(lined) > 0.95
    assert np.median(grainy) < 0.6


def test_patterns_do_not_see_turns_nor_contrast() -> None:
    pixels = made(5, 128, 128)
    here, far = features(pixels, "patterns"), features(stripes(30), "patterns")
    turned = features(np.rot90(pixels), "patterns")
    paler = features(0.2 + 0.7 * pixels, "patterns")
    away = np.linalg.norm(here - far)
    assert np.linalg.norm(here - turned) < away / 5
    assert np.linalg.norm(here - paler) < away / 5


def test_wavelets_see_how_fine_a_picture_is() -> None:
    """Of four levels, the one that a wave's period fits is the loudest."""

    def loudest(period: float) -> int:
        sizes = features(stripes(0, period), "wavelets")[::2].reshape(4, 3)
        return int(sizes.max(1).argmax())

    # At twice the size, the period is twice as long.
    assert [loudest(period) for period in (3, 6, 12, 24)] == [0, 1, 2, 3]


def test_another_file_of_a_picture_is_told_alike() -> None:
    source = np.random.default_rng(0)
    own = resize_to_side(made(1))
    files = [reencode(own, source) for _ in range(4)]
    assert all(one.shape == own.shape for one in files)
    assert all(0 <= one.min() <= one.max() <= 1 for one in files)
    other = stripes(30)
    rows = np.stack(
        [compute_features(standardize(one)) for one in (own, *files, other)]
    )
    for name, part in FEATURE_GROUPS.items():
        away = np.linalg.norm(rows[1:, part] - rows[0, part], axis=1)
        assert away[:4].max() < away[4] / 2, name


def test_reencoding_follows_from_its_seed() -> None:
    pixels = resize_to_side(made(1))
    first, again, other = (
        reencode(pixels, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert 0 < np.abs(first - pixels).mean() < 0.1


def test_edges_agree_with_themselves_and_not_with_others() -> None:
    pixels, other = made(1), made(2)
    assert edge_agreement(pixels, pixels) == pytest.approx(1)
    assert edge_agreement(pixels, 0.2 + 0.6 * pixels) > 0.95
    assert edge_agreement(pixels, other) == pytest.approx(edge_agreement(other, pixels))
    assert edge_agreement(pixels, other) < 0.5


def test_edges_may_move_by_a_stroke() -> None:
    pixels = made(1)
    moved = [edge_agreement(pixels[:, 8:], pixels[:, 8 - by : -by]) for by in (1, 2, 8)]
    assert moved[0] > 0.9
    assert moved[0] > moved[1] > moved[2]


def test_nothing_agrees_with_a_flat_picture() -> None:
    flat = np.full((96, 128, 3), 0.5)
    assert edge_agreement(flat, made(1)) == 0
    assert edge_agreement(flat, flat) == 0
