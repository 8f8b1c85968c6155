"""Styles of pictures: what the compact network sees in them, in few numbers."""

from __future__ import annotations

from itertools import permutations
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from artist_nst.corpus.works import packaged_corpora
from artist_nst.errors import ArtistNstError
from artist_nst.image import reading
from artist_nst.image.files import read_picture, resize
from artist_nst.nst.compact import load_compact
from artist_nst.nst.features import survey
from artist_nst.nst.sketch import SIZE, sketch
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.recipe import STYLE_LAYERS
from artist_nst.styles import descriptors as styles
from artist_nst.styles.descriptors import (
    LAYERS,
    LONG_SIDE,
    Style,
    apart,
    distance,
    manners,
    style_of,
    style_of_file,
    styles_of,
)
from tests.conftest import picture

Pixels = NDArray[np.float64]


def made(height: int, width: int, seed: int = 0) -> Pixels:
    return picture(height, width, seed) / 255


def grams_of(pixels: Pixels) -> dict[str, Tensor]:
    """By the library's own survey, of a picture as large as it is."""
    planes = torch.from_numpy(np.moveaxis(pixels, 2, 0)[None] * 255).float()
    return survey(VGG(load_compact()), planes, (), LAYERS)[1]


def with_grams(grams: NDArray[np.floating[Any]]) -> Style:
    """A style of those numbers, and of no more."""
    nothing = np.zeros(4, np.float32)
    return Style(grams.astype(np.float32), nothing, nothing)


def styled(*numbers: float) -> Style:
    """Five layers, each of one number and zeros."""
    grams = np.zeros((5, SIZE))
    grams[:, 0] = numbers
    return with_grams(grams)


@pytest.fixture(scope="module")
def real() -> list[Pixels]:
    """The works of ``procedural`` at the size at which they are compared."""
    found = []
    for path in sorted((packaged_corpora() / "procedural" / "images").iterdir())[:4]:
        pixels = read_picture(path).pixels
        height, width = pixels.shape[:2]
        shrink = LONG_SIDE / max(height, width)
        found.append(resize(pixels, round(height * shrink), round(width * shrink)))
    return found


# Of pixels


def test_layers_are_the_default_recipes() -> None:
    assert LAYERS == ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
    assert len(STYLE_LAYERS) == len(LAYERS)


@pytest.mark.parametrize("size", [(256, 256), (256, 190), (77, 256)])
def test_it_is_the_sketches_of_the_gram_matrices(size: tuple[int, int]) -> None:
    pixels = made(*size)
    style = style_of(pixels)
    assert style.grams.shape == (5, SIZE)
    assert style.grams.dtype == np.float32
    grams = grams_of(pixels)
    for row, layer in zip(style.grams, LAYERS, strict=True):
        assert np.allclose(row, sketch(grams[layer]).numpy(), rtol=1e-4, atol=1e-3)
        assert row.any()


@pytest.mark.parametrize(
    ("size", "looked_at"),
    [((600, 900), (171, 256)), ((500, 100), (256, 51)), ((64, 48), (256, 192))],
)
def test_all_are_looked_at_at_one_longer_side(
    size: tuple[int, int], looked_at: tuple[int, int]
) -> None:
    pixels = made(*size)
    wanted = style_of(resize(pixels, *looked_at))
    assert np.array_equal(style_of(pixels).grams, wanted.grams)


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 300), (300, 1), (2, 9000), (16, 16), (1, 2)]
)
def test_thin_and_tiny_pictures(size: tuple[int, int]) -> None:
    style = style_of(np.random.default_rng(1).random((*size, 3)))
    assert style.grams.shape == (5, SIZE)
    assert np.isfinite(style.grams).all()
    assert distance(style, style) == 0


@pytest.mark.filterwarnings("error")
def test_pictures_of_one_color() -> None:
    found = [
        style_of(np.full((32, 48, 3), level))
        for level in (0.0, 0.5, 1.0, (0.9, 0.1, 0.1))
    ]
    assert all(np.isfinite(style.grams).all() for style in found)
    assert all(distance(*pair) > 0.001 for pair in permutations(found, 2))
    assert np.isfinite(manners(found)).all()


def test_the_same_twice_and_the_pixels_stay() -> None:
    pixels = made(90, 120)
    before = pixels.copy()
    assert np.array_equal(style_of(pixels).grams, style_of(pixels).grams)
    assert np.array_equal(pixels, before)


# Distances


def test_a_picture_is_no_distance_from_itself(real: list[Pixels]) -> None:
    style, other = style_of(real[0]), style_of(real[0].copy())
    assert distance(style, other) == 0
    assert apart(style, other) == dict.fromkeys(LAYERS, 0.0)


def test_distances_are_about_those_of_the_matrices(real: list[Pixels]) -> None:
    """Within four of a sketch's standard deviations, in numerator and denominator."""
    found, exact = [style_of(one) for one in real], [grams_of(one) for one in real]
    sd = sqrt(2 / SIZE) * sqrt(2)
    ratios = []
    for one, other in permutations(range(len(real)), 2):
        close = apart(found[one], found[other])
        assert list(close) == list(LAYERS)
        assert distance(found[one], found[other]) == pytest.approx(
            sum(close.values()) / 5
        )
        for layer, about in close.items():
            target = exact[other][layer].double()
            wanted = (exact[one][layer].double() - target).square().sum()
            wanted = float(wanted / target.square().sum())
            assert about == pytest.approx(wanted, rel=4 * sd)
            ratios.append(about / wanted)
    assert np.mean(ratios) == pytest.approx(1, abs=sd)


def test_apart_is_relative_to_the_target() -> None:
    one, two = styled(1, 1, 1, 1, 1), styled(3, 2, 1, 0.5, -1)
    assert apart(two, one) == dict(zip(LAYERS, (4, 1, 0, 0.25, 4), strict=True))
    assert distance(two, one) == pytest.approx(9.25 / 5)
    assert apart(one, two)["conv1_1"] == pytest.approx(4 / 9)


@pytest.mark.filterwarnings("error")
def test_nothing_is_divided_by_zero() -> None:
    nothing, one = styled(0, 0, 0, 0, 0), styled(0, 1, 1, 1, 1)
    assert distance(nothing, nothing) == 0
    assert np.isfinite(distance(nothing, one))
    assert not manners([nothing, nothing]).any()
    assert np.isfinite(manners([one, one])).all()


def test_manners_are_measured_by_the_works_scale() -> None:
    """The mean over layers of ‖G − A‖², relative to the mean ‖A‖²."""
    source = np.random.default_rng(0)
    loud = np.array([1e6, 1, 1e-3, 50, 7])[:, None]
    found = [with_grams(source.normal(size=(5, SIZE)) * loud) for _ in range(6)]
    works, others = found[:4], found[4:]
    vectors = manners(works, others)
    assert vectors.shape == (6, 5 * SIZE)
    assert vectors.dtype == np.float32
    scale = np.mean([np.square(style.grams).sum(1) for style in works], axis=0)
    for one in range(6):
        for other in range(6):
            squares = np.square(found[one].grams - found[other].grams).sum(1)
            squared = float(np.square(vectors[one] - vectors[other]).sum())
            assert squared == pytest.approx(float((squares / scale).mean()), rel=1e-4)
    # Others change nothing between works.
    assert np.array_equal(vectors[:4], manners(works))
    assert np.square(vectors[:4]).sum(1).mean() == pytest.approx(1, rel=1e-4)


# Of files


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_a_file_is_its_pixels(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(picture(300, 400)).convert(mode).save(path)
    wanted = style_of(read_picture(path).pixels)
    assert distance(style_of_file(path), wanted) < 1e-8


def test_a_large_file_is_looked_at_small(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(1400, 1100)).save(path, quality=95)
    wanted = style_of(read_picture(path).pixels)
    other = style_of(made(300, 200, seed=5))
    # Shrunk in two steps, and by JPEG's own means: no other picture for that.
    assert distance(style_of_file(path), wanted) < 0.01 * distance(other, wanted)


def test_upright_and_over_white(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned, plain = tmp_path / "turned.png", tmp_path / "plain.png"
    levels = picture(90, 120)
    Image.fromarray(levels).save(turned, exif=exif)
    Image.fromarray(np.rot90(levels, -1).copy()).save(plain)
    assert distance(style_of_file(turned), style_of_file(plain)) == 0
    clear, white = tmp_path / "clear.png", tmp_path / "white.png"
    alpha = np.zeros((90, 120, 1), np.uint8)
    Image.fromarray(np.concatenate((levels, alpha), axis=2)).save(clear)
    Image.new("RGB", (120, 90), "white").save(white)
    assert distance(style_of_file(clear), style_of_file(white)) == 0


def test_a_very_large_png_is_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(picture(300, 400)).save(path)
    wanted = style_of_file(path)
    monkeypatch.setattr(reading, "FULL_PIXELS", 1000)
    assert distance(style_of_file(path), wanted) < 1e-8


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtistNstError, match=r"a\.png") as caught:
        style_of_file(path)
    assert "\n" not in str(caught.value)


# Of a corpus


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Four pictures, of which the second is broken."""
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for number, path in enumerate(paths):
        Image.fromarray(picture(20, 30, seed=number)).save(path)
    paths[1].write_bytes(paths[1].read_bytes()[:200])
    return paths


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are looked at."""
    found: list[str] = []
    look = styles.style_of_file

    def spy(path: Path) -> Style:
        found.append(path.name)
        return look(path)

    monkeypatch.setattr(styles, "style_of_file", spy)
    return found


def test_the_styles_of_files_with_errors_in_their_places(files: list[Path]) -> None:
    told: list[tuple[int, int]] = []
    found = styles_of(files, "anna", lambda *counts: told.append(counts))
    assert [isinstance(one, Style) for one in found] == [1, 0, 1, 1]
    assert "1.png" in str(found[1])
    for path, style in zip(files, found, strict=True):
        if isinstance(style, Style):
            assert np.array_equal(style.grams, style_of_file(path).grams)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_they_are_computed_once(files: list[Path], looks: list[str]) -> None:
    before = styles_of(files, "anna")
    assert looks == ["0.png", "1.png", "2.png", "3.png"]
    looks.clear()
    files[3] = files[3].rename(files[3].with_name("moved.png"))
    after = styles_of(files[::-1], "anna")
    assert looks == ["1.png"]
    for one, other in zip(before, after[::-1], strict=True):
        if isinstance(one, Style):
            assert isinstance(other, Style)
            assert np.array_equal(one.grams, other.grams)
    # Of another corpus they are another's.
    looks.clear()
    styles_of(files[:1], "bert")
    assert looks == ["0.png"]


def test_another_size_or_network_is_another_style(
    files: list[Path], looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    styles_of(files[:1], "anna")
    with monkeypatch.context() as patch:
        patch.setattr(styles, "LONG_SIDE", 64)
        styles_of(files[:1], "anna")
    assert looks == ["0.png"] * 2
    monkeypatch.setattr(styles.looking_network(), "sha256", "another")
    styles_of(files[:1], "anna")
    assert looks == ["0.png"] * 3
