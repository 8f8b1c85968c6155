"""The canvas: sizes and colors on the way to the network and back."""

import logging
import weakref
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from artist_nst._types import Pixels
from artist_nst.errors import UsageError
from artist_nst.image import color
from artist_nst.image.files import resize
from artist_nst.nst.distance import measure_distances
from artist_nst.nst.features import TargetCache
from artist_nst.nst.vgg import VGG
from artist_nst.painting import canvas as canvas_module
from artist_nst.painting.canvas import Canvas
from artist_nst.painting.sources import Source
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Color, Recipe

METHODS: tuple[Color, ...] = get_args(Color)
RECOLORINGS = [method for method in METHODS if method in color.RECOLORINGS]
PLANES = [method for method in METHODS if method in color.PLANES]
SOURCE = Source(Path("somewhere/style.png"))
# Recipe for images of any size.
SHALLOW = recipe(
    content_layers=(("conv1_1", 1.0),),
    style_layers=(("conv1_1", 1.0),),
    neighbor_weight=0.0,
)
SIZES = [(1, 1), (1, 2), (2, 1), (3, 7), (50, 50), (37, 91), (91, 37)]


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).random((height, width, 3))


def flat(red: float, green: float, blue: float) -> Pixels:
    return np.full((20, 24, 3), (red, green, blue))


def gray() -> Pixels:
    return np.repeat(noise(20, 24, seed=3)[..., :1], 3, axis=2)


def make_canvas(recipe: Recipe, photo: Pixels, *styles: Pixels) -> Canvas:
    return Canvas(recipe, photo, [(SOURCE, style) for style in styles])


def colored(method: Color, strength: float = 1.0, width: int = 24) -> Recipe:
    return recipe(width=width, color=method, color_strength=strength)


def to_tensor(pixels: Pixels) -> Tensor:
    """Convert ``(H, W, C)`` in [0, 1] to the network's input."""
    planes = np.moveaxis(pixels, 2, 0)[None] * 255
    return torch.from_numpy(planes.copy()).to(torch.float32)


# Sizes


def is_rounded(height: int, exact: float) -> bool:
    return abs(height - exact) <= 0.5 or (exact < 0.5 and height == 1)


def test_the_painting_has_the_photos_aspect() -> None:
    for size, width in product(SIZES, [1, 2, 17, 64, 91]):
        photo = noise(*size)
        canvas = make_canvas(replace(SHALLOW, width=width), photo, noise(5, 5))
        height = canvas.photo.shape[0]
        assert canvas.photo.shape == canvas.content.shape == (height, width, 3)
        assert is_rounded(height, size[0] * width / size[1])
        if width == size[1]:
            assert np.array_equal(canvas.photo, photo)


def test_styles_are_scaled_to_the_painting() -> None:
    for size, scale in product(SIZES, [0.5, 1.0, 1.7]):
        numbers = replace(SHALLOW, width=31, style_scale=scale)
        canvas = make_canvas(numbers, noise(9, 40), noise(*size))
        ((style, weight),) = canvas.styles
        width = round(31 * scale)
        assert style.shape == (style.shape[0], width, 3)
        assert is_rounded(style.shape[0], size[0] * width / size[1])
        assert weight == 1


def test_styles_of_the_contents_size() -> None:
    """Whatever the style's own aspect is."""
    for photo, size, scale in product([(9, 40), (40, 9)], SIZES, [0.5, 1.0, 1.7]):
        numbers = replace(SHALLOW, width=31, style_scale=scale, style_size="content")
        original = noise(*size)
        canvas = make_canvas(numbers, noise(*photo), original)
        height, width = canvas.photo.shape[:2]
        ((style, _),) = canvas.styles
        if scale == 1:
            assert style.shape == canvas.photo.shape
        scaled = round(width * scale)
        assert style.shape == (round(height * scaled / width), scaled, 3)
        # Resized once: by way of another size it would be blurred.
        assert np.array_equal(style, resize(original, *style.shape[:2]))


def test_a_style_of_the_contents_size_shows_all_of_itself() -> None:
    """Squeezed, not cropped."""
    numbers = replace(SHALLOW, width=20, style_size="content")
    style = np.concatenate((flat(1, 0, 0), flat(0, 1, 0), flat(0, 0, 1)), axis=1)
    canvas = make_canvas(numbers, noise(20, 20), style)
    middle = canvas.styles[0][0][10]
    for column, rgb in ((1, (1, 0, 0)), (10, (0, 1, 0)), (18, (0, 0, 1))):
        assert np.allclose(middle[column], rgb, atol=1e-3)


def test_styles_of_the_contents_size_all_have_it() -> None:
    numbers = replace(SHALLOW, width=30, style_size="content")
    styles = noise(50, 10), noise(9, 80), noise(15, 30)
    canvas = make_canvas(numbers, noise(20, 40), *styles)
    assert [style.shape for style, _ in canvas.styles] == [(15, 30, 3)] * 3


def test_styles_of_the_contents_size_may_be_narrow() -> None:
    """In its own aspect it would come to 64×1 pixels."""
    numbers = recipe(width=64, style_size="content")
    canvas = make_canvas(numbers, noise(50, 50), noise(3, 2_000))
    assert canvas.styles[0][0].shape == (64, 64, 3)
    with pytest.raises(UsageError, match=r"style.png comes to 13×13 .*--style-scale"):
        make_canvas(replace(numbers, style_scale=0.2), noise(50, 50), noise(50, 50))


def test_a_tiny_style_scale_leaves_a_pixel() -> None:
    numbers = replace(SHALLOW, width=16, style_scale=0.001)
    canvas = make_canvas(numbers, noise(16, 16), noise(30, 60))
    assert canvas.styles[0][0].shape == (1, 1, 3)


def test_one_pixel_can_be_painted() -> None:
    canvas = make_canvas(recipe(width=64), np.full((1, 1, 3), 0.25), noise(64, 64))
    assert canvas.photo.shape == (64, 64, 3)
    assert np.allclose(canvas.photo, 0.25, atol=1e-6)


def test_styles_keep_order_and_weights() -> None:
    sources = [Source(Path(f"{weight}.png"), weight) for weight in (0.5, 0.0, 2.0)]
    styles = [flat(0.1 * index, 0.5, 0.5) for index in range(3)]
    pairs = list(zip(sources, styles, strict=True))
    canvas = Canvas(replace(SHALLOW, width=24), noise(20, 24), pairs)
    assert [weight for _, weight in canvas.styles] == [0.5, 0.0, 2.0]
    for (pixels, _), style in zip(canvas.styles, styles, strict=True):
        assert np.array_equal(pixels, style)


def test_the_given_pictures_are_not_changed() -> None:
    photo, style = noise(20, 24), noise(30, 24, seed=1)
    copies = photo.copy(), style.copy()
    for method in METHODS:
        canvas = make_canvas(colored(method, 0.5), photo, style)
        canvas.photo *= 0
        canvas.styles[0][0][:] = 0
    assert np.array_equal(photo, copies[0])
    assert np.array_equal(style, copies[1])


# Memory


def test_many_styles_are_never_held_at_once_at_their_full_size() -> None:
    """At most the next one that is read, and the one before."""
    for changes in ({}, {"style_scale": 0.5}, {"style_size": "content"}):
        references: list[weakref.ref[Pixels]] = []
        alive_counts: list[int] = []

        def read(
            references: list[weakref.ref[Pixels]], alive_counts: list[int]
        ) -> Iterator[tuple[Source, Pixels]]:
            for number in range(8):
                pixels = noise(200, 100, seed=number)
                references.append(weakref.ref(pixels))
                alive_counts.append(sum(ref() is not None for ref in references))
                yield Source(Path(f"{number}.png"), number + 1.0), pixels
                del pixels

        numbers = replace(SHALLOW, width=24, **changes)
        canvas = Canvas(numbers, noise(20, 24), read(references, alive_counts))
        assert len(alive_counts) == 8
        assert max(alive_counts) <= 2
        assert not any(ref() is not None for ref in references)
        for styles in (canvas.styles, canvas.originals):
            assert [weight for _, weight in styles] == [1, 2, 3, 4, 5, 6, 7, 8]
        for number, (pixels, _) in enumerate(canvas.originals):
            expected = resize(noise(200, 100, seed=number), 48, 24)
            assert np.array_equal(pixels, expected)


def test_a_style_in_its_own_size_and_colors_is_kept_once() -> None:
    canvas = make_canvas(colored("none"), noise(20, 24), noise(90, 80))
    ((original, _),), ((scaled, _),) = canvas.originals, canvas.styles
    assert np.shares_memory(original, scaled)


def test_a_tall_strip_is_not_enlarged(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the painting's width it would be 16 times as large."""
    sizes: list[int] = []

    def spy(pixels: Pixels, height: int, width: int) -> Pixels:
        sizes.append(height * width)
        return resize(pixels, height, width)

    monkeypatch.setattr(canvas_module, "resize", spy)
    strip = noise(2_000, 8)
    narrow = replace(SHALLOW, width=32)
    for numbers in (
        replace(narrow, style_size="content"),
        replace(narrow, style_scale=0.25),
    ):
        canvas = make_canvas(numbers, noise(32, 32), strip)
        assert max(sizes) <= 16_000
        assert np.array_equal(canvas.originals[0][0], strip)


def test_errors_of_reading_styles_are_passed_on() -> None:
    def read() -> Iterator[tuple[Source, Pixels]]:
        yield SOURCE, noise(20, 24)
        raise UsageError("no picture")

    with pytest.raises(UsageError, match="no picture"):
        Canvas(colored("none"), noise(20, 24), read())


# Messages


def test_enlarging_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "artist_nst")
    photo = "the photo is 20×24: enlarged to 40×48"
    cases: list[tuple[Any, tuple[int, int], tuple[int, int], list[str]]] = [
        ({}, (48, 40), (40, 40), []),
        ({}, (480, 400), (400, 400), []),
        ({}, (24, 20), (40, 40), [photo]),
        ({}, (48, 40), (39, 39), ["style.png is 39 pixels wide: enlarged to 40"]),
        ({}, (24, 20), (9, 20), [photo, "style.png is 20 pixels wide: enlarged to 40"]),
        (
            {"style_scale": 2.0},
            (48, 40),
            (60, 60),
            ["style.png is 60 pixels wide: enlarged to 80"],
        ),
        ({"style_scale": 0.5}, (48, 40), (20, 20), []),
        ({"style_size": "content"}, (48, 40), (40, 40), []),
        (
            {"style_size": "content", "style_scale": 2.0},
            (48, 40),
            (90, 79),
            ["style.png is 79 pixels wide: enlarged to 80"],
        ),
    ]
    for changes, photo_size, style_size, expected in cases:
        caplog.clear()
        numbers = recipe(width=40, **changes)
        make_canvas(numbers, noise(*photo_size), noise(*style_size))
        assert [line.split(", as --style-scale")[0] for line in caplog.messages] == (
            expected
        )


def test_too_narrow() -> None:
    for photo, style, width, words in [
        ((3, 20_000), (50, 50), 64, ["the photo", "64×1 ", "conv5_1 needs 16"]),
        ((50, 50), (50, 50), 64, ["style.png", "13×13 ", "conv5_1 needs 16"]),
        ((50, 50), (50, 50), 15, ["the photo", "15×15 ", "conv5_1 needs 16"]),
        ((15, 32), (50, 50), 32, ["the photo", "32×15 ", "--width"]),
    ]:
        numbers = recipe(width=width, style_scale=0.2 if width == 64 else 1)
        with pytest.raises(UsageError) as caught:
            make_canvas(numbers, noise(*photo), noise(*style))
        message = str(caught.value)
        assert "\n" not in message
        assert all(word in message for word in words)


def test_a_scroll_is_taken_by_its_short_side() -> None:
    for scroll in (noise(20, 420), noise(420, 20)):
        canvas = make_canvas(recipe(width=64), noise(50, 50), scroll)
        pixels = canvas.styles[0][0]
        assert min(pixels.shape[:2]) == (16 if scroll.shape[0] < 50 else 64)
        assert max(pixels.shape[:2]) == 21 * min(pixels.shape[:2])


def test_just_wide_enough() -> None:
    canvas = make_canvas(recipe(width=16), noise(16, 16), noise(16, 16))
    assert canvas.photo.shape == (16, 16, 3)
    canvas = make_canvas(replace(SHALLOW, width=64), noise(3, 20_000), noise(8, 8))
    assert canvas.photo.shape == (1, 64, 3)


def test_too_large() -> None:
    for photo, style, name in [
        (noise(40, 20), noise(20, 20), "the photo"),
        (noise(20, 20), noise(40, 20), "style.png"),
    ]:
        Canvas(recipe(width=20), photo, [(SOURCE, style)], max_pixels=800)
        with pytest.raises(UsageError, match=rf"{name} comes to 20×40 .*--max-pixels"):
            Canvas(recipe(width=20), photo, [(SOURCE, style)], max_pixels=799)


# Colors

PICTURES = [
    flat(0, 0, 0),
    flat(1, 1, 1),
    flat(1, 0, 0),
    flat(0.3, 0.6, 0.1),
    gray(),
    noise(20, 24, seed=4),
]


@pytest.mark.filterwarnings("error")
def test_colors_are_finite_and_in_range() -> None:
    for method, strength, photo in product(METHODS, [0.3, 1.0], PICTURES):
        canvas = make_canvas(colored(method, strength), photo, *PICTURES)
        planes = 1 if method in color.PLANES and strength == 1 else 3
        for pixels in (canvas.content, *(style for style, _ in canvas.styles)):
            assert pixels.shape == (20, 24, planes)
            assert np.isfinite(pixels).all()
            assert pixels.min() >= -1e-9
            assert pixels.max() <= 1 + 1e-9
        painting = canvas.to_painting(to_tensor(canvas.content))
        assert painting.shape == photo.shape
        assert np.isfinite(painting).all()
        assert painting.min() >= 0
        assert painting.max() <= 1 + 1e-9


def test_strength_zero_is_none() -> None:
    photo, style = noise(20, 24), noise(33, 47, seed=1)
    plain = make_canvas(colored("none"), photo, style)
    image = torch.rand(1, 3, 10, 12, generator=torch.Generator().manual_seed(0)) * 255
    for method in METHODS:
        canvas = make_canvas(colored(method, 0.0), photo, style)
        assert np.array_equal(canvas.content, plain.content)
        assert np.array_equal(canvas.styles[0][0], plain.styles[0][0])
        assert np.array_equal(canvas.to_painting(image), plain.to_painting(image))


def test_recoloring_changes_the_styles_alone() -> None:
    photo, style = noise(20, 24), noise(20, 24, seed=1) * 0.4
    painted = noise(20, 24, seed=2)
    for method in RECOLORINGS:
        canvas = make_canvas(colored(method), photo, style)
        assert np.array_equal(canvas.content, photo)
        expected = color.recolor(style, photo, method)
        assert np.array_equal(canvas.styles[0][0], expected)
        assert not np.allclose(expected, style, atol=0.05)
        assert np.allclose(canvas.to_painting(to_tensor(painted)), painted, atol=1e-6)


def test_an_untouched_plane_gives_the_photo_back() -> None:
    for method, size in product(PLANES, [(20, 24), (61, 90), (7, 9)]):
        photo = noise(*size, seed=5)
        photo[0, 0] = 0
        canvas = make_canvas(colored(method), photo, noise(20, 24, seed=1))
        assert canvas.content.shape[2] == canvas.styles[0][0].shape[2] == 1
        painting = canvas.to_painting(to_tensor(canvas.content))
        assert np.abs(painting - canvas.photo).max() < 0.01 / 255


def test_a_plane_has_the_photos_brightness() -> None:
    photo, style = noise(20, 24) * 0.5 + 0.25, noise(20, 24, seed=1) * 0.3
    for method in PLANES:
        canvas = make_canvas(colored(method), photo, style)
        plane = canvas.styles[0][0]
        assert np.array_equal(canvas.content, color.extract_plane(photo, method))
        assert plane.mean() == pytest.approx(canvas.content.mean(), abs=0.01)
        assert plane.std() == pytest.approx(canvas.content.std(), abs=0.01)


def test_a_painted_plane_takes_the_photos_color() -> None:
    for method in PLANES:
        canvas = make_canvas(colored(method), flat(0.6, 0.3, 0.3), noise(20, 24))
        darker = canvas.to_painting(torch.full((1, 1, 20, 24), 51.0))
        assert np.ptp(darker.reshape(-1, 3), axis=0).max() < 1e-9
        red, green, blue = darker[0, 0]
        assert red > green == blue
        assert color.extract_plane(darker, method) == pytest.approx(0.2, abs=1e-6)


def test_strength_between_blends() -> None:
    photo, style = noise(20, 24), noise(20, 24, seed=1)
    painted = noise(20, 24, seed=2)
    for method in PLANES:
        canvas = make_canvas(colored(method, 0.25), photo, style)
        assert (canvas.content == photo).all()
        assert (canvas.styles[0][0] == style).all()
        # The photo itself keeps its colors at any strength.
        assert np.allclose(canvas.to_painting(to_tensor(photo)), photo, atol=1e-5)
        kept = color.replace_plane(photo, color.extract_plane(painted, method), method)
        painting = canvas.to_painting(to_tensor(painted))
        assert np.allclose(painting, 0.75 * painted + 0.25 * kept, atol=1e-5)


def test_previews_have_the_full_size() -> None:
    photo = noise(45, 60)
    for method, size in product(METHODS, [(15, 20), (30, 40), (45, 60)]):
        canvas = make_canvas(colored(method, width=60), photo, noise(20, 24))
        planes = canvas.content.shape[2]
        preview = canvas.to_painting(torch.full((1, planes, *size), 128.0))
        assert preview.shape == (45, 60, 3)
        assert preview.dtype == np.float64
        if method not in color.PLANES:
            assert np.allclose(preview, 128 / 255, atol=1e-5)
        elif method == "hsv":
            assert np.allclose(preview.max(-1), 128 / 255, atol=1e-5)


def test_to_painting_leaves_the_candidate_as_it_is() -> None:
    image = torch.rand(1, 3, 20, 24) * 255
    before = image.clone()
    canvas = make_canvas(recipe(width=24), noise(20, 24), noise(20, 24))
    painting = canvas.to_painting(image)
    painting *= 0
    assert torch.equal(image, before)


# To the network


def test_what_the_network_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def run(*arguments: Any, **options: Any) -> str:
        calls.append((arguments, options))
        return "result"

    monkeypatch.setattr(canvas_module, "run_pyramid", run)
    network: Any = SimpleNamespace(mean=torch.zeros(1))
    source, cache = Source(Path("a.png"), 0.5), TargetCache()
    methods: list[tuple[Color, int]] = [("none", 3), ("luminance", 1)]
    for method, planes in methods:
        numbers = colored(method)
        canvas = Canvas(numbers, noise(20, 24), [(source, noise(40, 48, seed=1))])
        result: Any = canvas.paint(network, 7, cache, print)
        assert result == "result"
        (given_network, given_recipe, content, styles), options = calls.pop()
        assert given_network is network
        assert given_recipe is numbers
        assert (options["seed"], options["on_step"]) == (7, print)
        assert options["cache"] is cache
        ((style, weight),) = styles
        assert weight == 0.5
        for tensor, pixels in ((content, canvas.content), (style, canvas.styles[0][0])):
            assert tensor.shape == (1, planes, 20, 24)
            assert tensor.dtype == torch.float32
            assert tensor.is_contiguous()
            assert torch.allclose(tensor, to_tensor(pixels))
            assert tensor.max() > 200


# Distances


def test_distances_do_not_depend_on_the_recipe(network: VGG) -> None:
    cache = TargetCache()
    photo, style, painted = (
        noise(20, 24),
        noise(30, 24, seed=1),
        noise(20, 24, seed=2),
    )
    plain = make_canvas(colored("none"), photo, style)
    expected = plain.measure_distances(network, cache, painted)
    none = colored("none")
    for numbers in (
        none,
        replace(none, color="reinhard"),
        replace(none, color="luminance"),
        replace(none, color="luminance", color_strength=0.5),
        replace(none, style_scale=1.5),
        replace(none, style_size="content"),
    ):
        canvas = make_canvas(numbers, photo, style)
        assert canvas.measure_distances(network, cache, painted) == expected
        before = canvas.measure_distances(network, cache)
        assert before.content == 0
        assert before.style is not None
        assert before.style > 0.01


def test_distances_are_to_a_style_of_the_paintings_width(network: VGG) -> None:
    """Whatever its size, in its own aspect, and resized once."""
    photo, painted = noise(28, 32), noise(28, 32, seed=2)
    for size, scale in product([(350, 6), (45, 150), (28, 32)], [0.8, 1.0, 2.0]):
        style = noise(*size, seed=1)
        numbers = replace(
            colored("none", width=32), style_size="content", style_scale=scale
        )
        resized = resize(style, round(size[0] * 32 / size[1]), 32)
        expected = measure_distances(
            network,
            to_tensor(painted),
            to_tensor(photo),
            [(to_tensor(resized), 1.0)],
            TargetCache(),
        )
        canvas = make_canvas(numbers, photo, style)
        assert canvas.measure_distances(network, TargetCache(), painted) == expected


def test_distances_of_the_style_itself(network: VGG) -> None:
    style = noise(20, 24, seed=1)
    canvas = make_canvas(colored("none"), noise(20, 24), style)
    after = canvas.measure_distances(network, TargetCache(), style)
    assert after.style == pytest.approx(0, abs=1e-9)
    assert after.content is not None
    assert after.content > 0.01


# Transparency ---------------------------------------------------------------------


@pytest.mark.parametrize("method", ["reinhard", "linear", "histogram", "luminance"])
def test_colors_are_those_of_what_is_visible(method: Color) -> None:
    """The white behind a cut-out photo is not among its colors."""
    photo, style = 0.4 * noise(20, 48), noise(20, 48, seed=1)
    alpha = np.zeros((20, 48))
    alpha[:, 12:36] = 1
    on_white = np.where(alpha[..., None] == 1, photo, 1)
    pairs = [(SOURCE, style)]
    on_photo = colored(method, width=48)
    cut = Canvas(on_photo, on_white, pairs, alpha=alpha).styles[0][0]
    alone = Canvas(colored(method), photo[:, 12:36], pairs)
    expected = resize(alone.styles[0][0], *cut.shape[:2])
    assert cut.mean() == pytest.approx(expected.mean(), abs=0.02)
    assert cut.mean() < Canvas(on_photo, on_white, pairs).styles[0][0].mean() - 0.1


def test_the_painting_has_the_aspect_of_the_file() -> None:
    canvas = Canvas(
        recipe(width=30), noise(20, 31), [(SOURCE, noise(20, 24))], size=(200, 300)
    )
    assert canvas.photo.shape == (20, 30, 3)
