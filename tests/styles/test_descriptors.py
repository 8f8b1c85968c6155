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

from artist_nst.corpus.works import get_packaged_corpora
from artist_nst.errors import ArtistNstError
from artist_nst.image import decoder
from artist_nst.image.files import read_picture, resize
from artist_nst.nst.compact import load_compact
from artist_nst.nst.features import extract_features
from artist_nst.nst.sketch import SKETCH_SIZE, sketch_gram
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.recipe import STYLE_LAYERS
from artist_nst.styles import descriptors
from artist_nst.styles.descriptors import (
    GRAM_LAYERS,
    LONG_SIDE,
    StyleDescriptor,
    describe,
    describe_file,
    describe_files,
    describe_photo,
    gram_distance,
    style_embedding,
)
from tests.conftest import picture

Pixels = NDArray[np.float64]


def made(height: int, width: int, seed: int = 0) -> Pixels:
    return picture(height, width, seed) / 255


def grams_of(pixels: Pixels) -> dict[str, Tensor]:
    """By the library's own survey, of a picture as large as it is."""
    planes = torch.from_numpy(np.moveaxis(pixels, 2, 0)[None] * 255).float()
    return extract_features(VGG(load_compact()), planes, (), GRAM_LAYERS)[1]


def with_grams(grams: NDArray[np.floating[Any]]) -> StyleDescriptor:
    """A style of those numbers, and of no more."""
    nothing = np.zeros(4, np.float32)
    return StyleDescriptor(grams.astype(np.float32), nothing, nothing)


def numbers(*values: float) -> StyleDescriptor:
    """Five layers, each of one number and zeros."""
    grams = np.zeros((5, SKETCH_SIZE))
    grams[:, 0] = values
    return with_grams(grams)


@pytest.fixture(scope="module")
def real() -> list[Pixels]:
    """The works of ``procedural`` at the size at which they are compared."""
    found = []
    for path in sorted((get_packaged_corpora() / "procedural" / "images").iterdir())[
        :4
    ]:
        pixels = read_picture(path).pixels
        height, width = pixels.shape[:2]
        shrink = LONG_SIDE / max(height, width)
        found.append(resize(pixels, round(height * shrink), round(width * shrink)))
    return found


# Of pixels


def test_layers_are_the_default_recipes() -> None:
    assert GRAM_LAYERS == ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
    assert len(STYLE_LAYERS) == len(GRAM_LAYERS)


@pytest.mark.parametrize("size", [(256, 256), (256, 190), (77, 256)])
def test_it_is_the_sketches_of_the_gram_matrices(size: tuple[int, int]) -> None:
    pixels = made(*size)
    style = describe(pixels)
    assert style.grams.shape == (5, SKETCH_SIZE)
    assert style.grams.dtype == np.float32
    grams = grams_of(pixels)
    for row, layer in zip(style.grams, GRAM_LAYERS, strict=True):
        assert np.allclose(row, sketch_gram(grams[layer]).numpy(), rtol=1e-4, atol=1e-3)
        assert row.any()


@pytest.mark.parametrize(
    ("size", "size_seen"),
    [((600, 900), (171, 256)), ((500, 100), (256, 51)), ((64, 48), (256, 192))],
)
def test_all_are_compared_at_one_longer_side(
    size: tuple[int, int], size_seen: tuple[int, int]
) -> None:
    pixels = made(*size)
    expected = describe(resize(pixels, *size_seen))
    assert np.array_equal(describe(pixels).grams, expected.grams)


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 300), (300, 1), (2, 9000), (16, 16), (1, 2)]
)
def test_thin_and_tiny_pictures(size: tuple[int, int]) -> None:
    style = describe(np.random.default_rng(1).random((*size, 3)))
    assert style.grams.shape == (5, SKETCH_SIZE)
    assert np.isfinite(style.grams).all()
    assert compare(style, style) < 1e-12


@pytest.mark.filterwarnings("error")
def test_pictures_of_one_color() -> None:
    found = [
        describe(np.full((32, 48, 3), level))
        for level in (0.0, 0.5, 1.0, (0.9, 0.1, 0.1))
    ]
    assert all(np.isfinite(style.grams).all() for style in found)
    assert all(compare(*pair) > 0.001 for pair in permutations(found, 2))
    assert np.isfinite(style_embedding(found)).all()


def test_the_same_twice_and_the_pixels_stay() -> None:
    pixels = made(90, 120)
    before = pixels.copy()
    assert np.array_equal(describe(pixels).grams, describe(pixels).grams)
    assert np.array_equal(pixels, before)


# Distances


def compare(candidate: StyleDescriptor, target: StyleDescriptor) -> float:
    return float(gram_distance(candidate.grams[None], target.grams[None])[0, 0])


def test_a_picture_is_no_distance_from_itself(real: list[Pixels]) -> None:
    style, other = describe(real[0]), describe(real[0].copy())
    assert compare(style, other) == pytest.approx(0, abs=1e-12)


def test_distances_are_about_those_of_the_matrices(real: list[Pixels]) -> None:
    """Within four of a sketch's standard deviations, in numerator and denominator."""
    styles, exact = [describe(pixels) for pixels in real], [*map(grams_of, real)]
    sd = sqrt(2 / SKETCH_SIZE) * sqrt(2)
    ratios = []
    for place, layer in enumerate(GRAM_LAYERS):
        sketches = np.stack([style.grams[[place]] for style in styles])
        distances = gram_distance(sketches, sketches)
        matrices = [grams[layer].double() for grams in exact]
        for first, second in permutations(range(len(real)), 2):
            target = matrices[second]
            squared = (matrices[first] - target).square().sum()
            expected = float(squared / target.square().sum())
            assert distances[first, second] == pytest.approx(expected, rel=4 * sd)
            ratios.append(distances[first, second] / expected)
    assert np.mean(ratios) == pytest.approx(1, abs=sd)


def test_distances_are_relative_to_the_target() -> None:
    """The mean over layers of ‖G − A‖² / ‖A‖²."""
    first, second = numbers(1, 1, 1, 1, 1), numbers(3, 2, 1, 0.5, -1)
    assert compare(second, first) == pytest.approx((4 + 1 + 0 + 0.25 + 4) / 5)
    back = 4 / 9 + 1 / 4 + 0 + 1 + 4
    assert compare(first, second) == pytest.approx(back / 5)


def test_distances_of_each_to_each() -> None:
    source = np.random.default_rng(0)
    grams = source.normal(size=(5, 5, 20)).astype(np.float32)
    squared = np.square(grams[:, None] - grams[None, 2:]).sum(3)
    expected = (squared / np.square(grams[2:]).sum(2)).mean(2)
    assert np.allclose(gram_distance(grams, grams[2:]), expected, atol=1e-6)


@pytest.mark.filterwarnings("error")
def test_nothing_is_divided_by_zero() -> None:
    nothing, some = numbers(0, 0, 0, 0, 0), numbers(0, 1, 1, 1, 1)
    assert compare(nothing, nothing) == 0
    assert np.isfinite(compare(nothing, some))
    assert not style_embedding([nothing, nothing]).any()
    assert np.isfinite(style_embedding([some, some])).all()


def test_style_embeddings_are_measured_by_the_works_scale() -> None:
    """The mean over layers of ‖G − A‖², relative to the mean ‖A‖²."""
    source = np.random.default_rng(0)
    scales = np.array([1e6, 1, 1e-3, 50, 7])[:, None]
    styles = [
        with_grams(source.normal(size=(5, SKETCH_SIZE)) * scales) for _ in range(6)
    ]
    works, others = styles[:4], styles[4:]
    vectors = style_embedding(works, others)
    assert vectors.shape == (6, 5 * SKETCH_SIZE)
    assert vectors.dtype == np.float32
    scale = np.mean([np.square(style.grams).sum(1) for style in works], axis=0)
    for first, second in permutations(range(6), 2):
        squares = np.square(styles[first].grams - styles[second].grams).sum(1)
        squared = float(np.square(vectors[first] - vectors[second]).sum())
        assert squared == pytest.approx(float((squares / scale).mean()), rel=1e-4)
    # Others change nothing between works.
    assert np.array_equal(vectors[:4], style_embedding(works))
    assert np.square(vectors[:4]).sum(1).mean() == pytest.approx(1, rel=1e-4)


# Of files


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_a_file_is_its_pixels(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(picture(300, 400)).convert(mode).save(path)
    expected = describe(read_picture(path).pixels)
    assert compare(describe_file(path), expected) < 1e-8


def test_a_large_file_is_size_seen_small(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(1400, 1100)).save(path, quality=95)
    expected = describe(read_picture(path).pixels)
    other = describe(made(300, 200, seed=5))
    # Shrunk in two steps, and by JPEG's own means: no other picture for that.
    assert compare(describe_file(path), expected) < 0.01 * compare(other, expected)


def test_upright_and_over_white(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned, plain = tmp_path / "turned.png", tmp_path / "plain.png"
    levels = picture(90, 120)
    Image.fromarray(levels).save(turned, exif=exif)
    Image.fromarray(np.rot90(levels, -1).copy()).save(plain)
    assert compare(describe_file(turned), describe_file(plain)) < 1e-9
    clear, white = tmp_path / "clear.png", tmp_path / "white.png"
    alpha = np.zeros((90, 120, 1), np.uint8)
    Image.fromarray(np.concatenate((levels, alpha), axis=2)).save(clear)
    Image.new("RGB", (120, 90), "white").save(white)
    assert compare(describe_file(clear), describe_file(white)) < 1e-9


def test_a_photo_is_what_is_visible_of_it(tmp_path: Path) -> None:
    levels = picture(90, 120)
    alpha = np.full((90, 120, 1), 255, np.uint8)
    plain, cut = tmp_path / "plain.png", tmp_path / "cut.png"
    Image.fromarray(levels).save(plain)
    assert compare(describe_photo(plain), describe_file(plain)) < 1e-9
    # Half of it, beside what no one sees.
    alpha[:, 60:] = 0
    Image.fromarray(np.concatenate((levels, alpha), axis=2)).save(cut)
    Image.fromarray(levels[:, :60]).save(plain)
    visible = describe_photo(plain).palette
    seen, over_white = describe_photo(cut).palette, describe_file(cut).palette
    assert 1 - seen @ visible < 0.1 * (1 - over_white @ visible)


def test_a_very_large_png_is_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(picture(600, 800)).save(path)
    expected = describe_file(path)
    monkeypatch.setattr(decoder, "FULL_PIXELS", 1000)
    assert compare(describe_file(path), expected) < 1e-4


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtistNstError, match=r"a\.png") as caught:
        describe_file(path)
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
def described(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are looked at."""
    found: list[str] = []
    describe_file = descriptors.describe_file

    def spy(path: Path) -> StyleDescriptor:
        found.append(path.name)
        return describe_file(path)

    monkeypatch.setattr(descriptors, "describe_file", spy)
    return found


def test_the_styles_of_files_with_errors_in_their_places(files: list[Path]) -> None:
    told: list[tuple[int, int]] = []
    found = describe_files(files, "anna", lambda *counts: told.append(counts))
    assert [isinstance(one, StyleDescriptor) for one in found] == [1, 0, 1, 1]
    assert "1.png" in str(found[1])
    for path, style in zip(files, found, strict=True):
        if isinstance(style, StyleDescriptor):
            assert np.array_equal(style.grams, describe_file(path).grams)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_they_are_computed_once(files: list[Path], described: list[str]) -> None:
    before = describe_files(files, "anna")
    assert described == ["0.png", "1.png", "2.png", "3.png"]
    described.clear()
    files[3] = files[3].rename(files[3].with_name("moved.png"))
    after = describe_files(files[::-1], "anna")
    assert described == ["1.png"]
    for one, other in zip(before, after[::-1], strict=True):
        if isinstance(one, StyleDescriptor):
            assert isinstance(other, StyleDescriptor)
            assert np.array_equal(one.grams, other.grams)
    # Of another corpus they are another's.
    described.clear()
    describe_files(files[:1], "bert")
    assert described == ["0.png"]


def test_another_size_or_network_is_another_style(
    files: list[Path], described: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    describe_files(files[:1], "anna")
    with monkeypatch.context() as patch:
        patch.setattr(descriptors, "LONG_SIDE", 64)
        describe_files(files[:1], "anna")
    assert described == ["0.png"] * 2
    monkeypatch.setattr(descriptors.descriptor_network(), "sha256", "another")
    describe_files(files[:1], "anna")
    assert described == ["0.png"] * 3
