"""Color transfer: against the oracle, its own definitions, and hopeless images."""

import json
import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.color import hsv2rgb, rgb2hsv, rgb2lab, rgb2ycbcr

from artist_nst._types import Pixels
from artist_nst.image.color import (
    MAX_GAIN,
    PLANES,
    RECOLORINGS,
    extract_plane,
    match_moments,
    match_plane,
    monge_kantorovich,
    recolor,
    replace_plane,
)

METHODS = list(RECOLORINGS)


def noise(seed: int, low: float, high: float, size: tuple[int, int]) -> Pixels:
    """Correlated colors, so that covariances are not diagonal."""
    rng = np.random.default_rng(seed)
    mix = rng.uniform(0.2, 1, (3, 3))
    pixels = rng.random((*size, 3)) @ (mix / mix.sum(0))
    return np.asarray(low + (high - low) * pixels)


def flat(*rgb: float) -> Pixels:
    return np.broadcast_to(np.array(rgb, float), (12, 9, 3)).copy()


def two_colors() -> Pixels:
    pixels = flat(0.9, 0.1, 0.2)
    pixels[:5] = (0.1, 0.3, 0.8)
    return pixels


def nearly_flat() -> Pixels:
    pixels = flat(0.5, 0.5, 0.5)
    pixels[0, 0] = (0.5, 0.5, 0.5 + 1 / 255)
    return pixels


STYLE = noise(1, 0.2, 0.9, (17, 23))
CONTENT = noise(2, 0.1, 0.7, (31, 11))
HARD = {
    "black": flat(0, 0, 0),
    "white": flat(1, 1, 1),
    "red": flat(1, 0, 0),
    "constant": flat(0.3, 0.6, 0.1),
    "gray": np.repeat(noise(3, 0, 1, (8, 8))[..., :1], 3, 2),
    "black and white": np.repeat(np.eye(7)[..., None], 3, 2),
    "two colors": two_colors(),
    "nearly flat": nearly_flat(),
    "one pixel": np.array([[[0.2, 0.7, 0.4]]]),
    "ordinary": CONTENT,
}


def assert_image(pixels: Pixels, shape: tuple[int, ...]) -> None:
    assert pixels.shape == shape
    assert np.isfinite(pixels).all()
    assert pixels.min() >= 0
    assert pixels.max() <= 1


def covariance(pixels: Pixels) -> Pixels:
    return np.asarray(np.cov(pixels.reshape(-1, 3).T, bias=True))


@pytest.fixture
def oracle(shared: Path) -> tuple[Pixels, Pixels, dict[str, Any]]:
    folder = shared / "oracles"
    style, content = (
        np.asarray(Image.open(folder / name).convert("RGB")) / 255
        for name in ("style.png", "content.png")
    )
    figures = json.loads((folder / "color_transfer.json").read_text())
    return style, content, figures


@pytest.mark.shared
class TestOracle:
    def test_cielab(self, oracle: tuple[Pixels, Pixels, dict[str, Any]]) -> None:
        style, content, figures = oracle
        expected = figures["cielab"]
        for name, pixels in (("target", content), ("style", style)):
            lab = rgb2lab(pixels)
            np.testing.assert_allclose(
                lab.mean((0, 1)), expected[f"{name}_mean"], atol=1e-6
            )
            np.testing.assert_allclose(
                lab.std((0, 1)), expected[f"{name}_std"], atol=1e-6
            )
        result = recolor(style, content, "reinhard")
        np.testing.assert_allclose(
            result.mean((0, 1)), expected["rgb_result_mean_0_1"], atol=1e-6
        )
        np.testing.assert_allclose(
            result[10, 20], expected["rgb_pixel_[10,20]"], atol=1e-6
        )

    def test_lalphabeta(self, oracle: tuple[Pixels, Pixels, dict[str, Any]]) -> None:
        style, content, figures = oracle
        expected = figures["l_alpha_beta_2001"]
        result = RECOLORINGS["reinhard-lalphabeta"](style, content)
        np.testing.assert_allclose(
            np.clip(result, 0, 1).mean((0, 1)),
            expected["rgb_result_clipped_mean_0_1"],
            atol=1e-6,
        )
        np.testing.assert_allclose(
            result[10, 20], expected["rgb_pixel_[10,20]_unclipped"], atol=1e-6
        )

    def test_linear(self, oracle: tuple[Pixels, Pixels, dict[str, Any]]) -> None:
        style, content, figures = oracle
        expected = figures["linear_rgb"]
        np.testing.assert_allclose(
            monge_kantorovich(covariance(style), covariance(content)),
            expected["monge_kantorovich_matrix"],
            atol=1e-6,
        )
        np.testing.assert_allclose(
            RECOLORINGS["linear"](style, content)[10, 20],
            expected["mk_rgb_pixel_[10,20]_unclipped"],
            atol=1e-6,
        )

    def test_cholesky_carries_the_same_covariance(
        self, oracle: tuple[Pixels, Pixels, dict[str, Any]]
    ) -> None:
        style, content, figures = oracle
        other = np.array(figures["linear_rgb"]["cholesky_matrix"])
        ours = monge_kantorovich(covariance(style), covariance(content))
        sigma = covariance(style)
        np.testing.assert_allclose(
            ours @ sigma @ ours.T, other @ sigma @ other.T, atol=1e-6
        )


class TestDefinitions:
    def test_moments_are_the_contents_in_lab(self) -> None:
        lab = match_moments(rgb2lab(STYLE), rgb2lab(CONTENT))
        np.testing.assert_allclose(
            lab.mean((0, 1)), rgb2lab(CONTENT).mean((0, 1)), atol=1e-9
        )
        np.testing.assert_allclose(
            lab.std((0, 1)), rgb2lab(CONTENT).std((0, 1)), atol=1e-9
        )

    def test_reinhard_reaches_them_where_nothing_clips(self) -> None:
        muted = noise(4, 0.4, 0.6, (20, 20))
        lab = rgb2lab(recolor(STYLE, muted, "reinhard"))
        np.testing.assert_allclose(
            lab.mean((0, 1)), rgb2lab(muted).mean((0, 1)), atol=1e-2
        )
        np.testing.assert_allclose(
            lab.std((0, 1)), rgb2lab(muted).std((0, 1)), atol=1e-2
        )

    def test_linear_matches_mean_and_covariance(self) -> None:
        result = RECOLORINGS["linear"](STYLE, CONTENT)
        np.testing.assert_allclose(
            result.mean((0, 1)), CONTENT.mean((0, 1)), atol=1e-12
        )
        np.testing.assert_allclose(covariance(result), covariance(CONTENT), atol=1e-10)

    def test_linear_map_is_symmetric(self) -> None:
        matrix = monge_kantorovich(covariance(STYLE), covariance(CONTENT))
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-10)
        assert (np.linalg.eigvalsh(matrix) > 0).all()

    def test_histogram_gives_each_channel_the_contents_values(self) -> None:
        shuffled = np.random.default_rng(0).permutation(CONTENT.reshape(-1, 3))
        other = shuffled.reshape(CONTENT.shape) ** 2
        result = recolor(other, CONTENT, "histogram")
        for channel in range(3):
            np.testing.assert_allclose(
                np.sort(result[..., channel], None),
                np.sort(CONTENT[..., channel], None),
                atol=1e-12,
            )

    @pytest.mark.parametrize("method", METHODS)
    def test_an_image_keeps_its_own_colors(self, method: str) -> None:
        np.testing.assert_allclose(recolor(STYLE, STYLE, method), STYLE, atol=1e-6)

    @pytest.mark.parametrize(
        "method", [name for name in METHODS if name != "reinhard-lalphabeta"]
    )
    def test_so_does_a_hopeless_one(self, method: str) -> None:
        for name, pixels in HARD.items():
            np.testing.assert_allclose(
                recolor(pixels, pixels, method), pixels, atol=1e-6, err_msg=name
            )

    def test_lalphabeta_changes_only_what_its_floor_does(self) -> None:
        pixels = HARD["black and white"]
        result = recolor(pixels, pixels, "reinhard-lalphabeta")
        np.testing.assert_allclose(result, pixels, atol=1.5 / 255)


class TestStrength:
    @pytest.mark.parametrize("method", METHODS)
    def test_none_leaves_the_style(self, method: str) -> None:
        np.testing.assert_array_equal(recolor(STYLE, CONTENT, method, 0), STYLE)

    @pytest.mark.parametrize("method", METHODS)
    def test_all_is_the_method(self, method: str) -> None:
        full = np.clip(RECOLORINGS[method](STYLE, CONTENT), 0, 1)
        np.testing.assert_array_equal(recolor(STYLE, CONTENT, method), full)

    @pytest.mark.parametrize("method", METHODS)
    def test_half_lies_half_way(self, method: str) -> None:
        half = recolor(STYLE, CONTENT, method, 0.5)
        full = recolor(STYLE, CONTENT, method)
        np.testing.assert_allclose(half, (STYLE + full) / 2, atol=1e-12)

    @pytest.mark.parametrize("method", METHODS)
    def test_inputs_are_left_alone(self, method: str) -> None:
        style, content = STYLE.copy(), CONTENT.copy()
        recolor(style, content, method)
        np.testing.assert_array_equal(style, STYLE)
        np.testing.assert_array_equal(content, CONTENT)


class TestHopelessImages:
    @pytest.mark.parametrize("method", METHODS)
    def test_result_is_an_image(self, method: str) -> None:
        for style, content in product(HARD.values(), HARD.values()):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                result = recolor(style, content, method)
            assert_image(result, style.shape)

    @pytest.mark.parametrize("method", ["reinhard", "reinhard-lalphabeta", "linear"])
    def test_flat_style_becomes_a_flat_image(self, method: str) -> None:
        result = recolor(HARD["constant"], CONTENT, method)
        assert result.std((0, 1)).max() < 1e-6

    @pytest.mark.parametrize("method", ["reinhard", "linear"])
    def test_gray_content_gives_gray(self, method: str) -> None:
        result = recolor(STYLE, HARD["gray"], method)
        assert np.ptp(result, axis=-1).max() < 1e-3

    def test_gain_is_bounded(self) -> None:
        faint = 0.5 + (STYLE - 0.5) * 1e-3
        matched = match_moments(faint, CONTENT)
        np.testing.assert_allclose(
            matched.std((0, 1)), MAX_GAIN * faint.std((0, 1)), rtol=1e-6
        )
        matrix = monge_kantorovich(covariance(faint), covariance(CONTENT))
        assert np.linalg.norm(matrix, 2) <= MAX_GAIN

    def test_gray_style_takes_the_main_color_axis(self) -> None:
        tinted = HARD["gray"] * (0.9, 0.6, 0.3)
        result = recolor(HARD["gray"], tinted, "linear")
        np.testing.assert_allclose(result, tinted, atol=1e-3)


class TestPlanes:
    def test_luminance_is_that_of_ycbcr(self) -> None:
        studio = (rgb2ycbcr(CONTENT)[..., :1] - 16) / 219
        np.testing.assert_allclose(
            extract_plane(CONTENT, "luminance"), studio, atol=1e-4
        )

    def test_luminance_keeps_cb_and_cr(self) -> None:
        muted = noise(5, 0.4, 0.6, (9, 9))
        lighter = extract_plane(muted, "luminance") + 0.1
        result = replace_plane(muted, lighter, "luminance")
        before, after = rgb2ycbcr(muted), rgb2ycbcr(result)
        np.testing.assert_allclose(after[..., 1:], before[..., 1:], atol=1e-9)
        np.testing.assert_allclose(extract_plane(result, "luminance"), lighter)

    def test_hsv_is_that_of_skimage(self) -> None:
        hsv = rgb2hsv(CONTENT)
        np.testing.assert_allclose(extract_plane(CONTENT, "hsv")[..., 0], hsv[..., 2])
        painted = np.random.default_rng(6).random((*CONTENT.shape[:2], 1))
        hsv[..., 2:] = painted
        np.testing.assert_allclose(
            replace_plane(CONTENT, painted, "hsv"), hsv2rgb(hsv), atol=1e-9
        )

    @pytest.mark.parametrize("method", PLANES)
    def test_own_plane_gives_the_content(self, method: str) -> None:
        for content in HARD.values():
            result = replace_plane(content, extract_plane(content, method), method)
            np.testing.assert_allclose(result, content, atol=1e-12)

    @pytest.mark.parametrize("method", PLANES)
    def test_any_plane_gives_an_image(self, method: str) -> None:
        for content, level in product(HARD.values(), (0.0, 0.4, 1.0)):
            painted = np.full((*content.shape[:2], 1), level)
            result = replace_plane(content, painted, method)
            assert_image(result, content.shape)

    def test_black_photo_shows_the_painted_value_as_gray(self) -> None:
        painted = np.full((12, 9, 1), 0.4)
        result = replace_plane(HARD["black"], painted, "hsv")
        np.testing.assert_allclose(result, 0.4)

    def test_match_plane_moments(self) -> None:
        content = extract_plane(noise(7, 0.4, 0.6, (9, 9)), "luminance")
        matched = match_plane(extract_plane(STYLE, "luminance"), content)
        assert matched.shape == (*STYLE.shape[:2], 1)
        np.testing.assert_allclose(matched.mean(), content.mean())
        np.testing.assert_allclose(matched.std(), content.std())

    def test_match_plane_is_always_a_plane(self) -> None:
        for style, content in product(HARD.values(), HARD.values()):
            planes = (extract_plane(image, "luminance") for image in (style, content))
            assert_image(match_plane(*planes), (*style.shape[:2], 1))
