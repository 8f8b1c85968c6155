"""The canvas: sizes and colours on the way to the network and back."""

import logging
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from artist_nst.errors import UsageError
from artist_nst.image import color
from artist_nst.image.files import resize
from artist_nst.nst.distance import distances
from artist_nst.nst.features import Features
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from artist_nst.painting import canvas as canvas_module
from artist_nst.painting.canvas import Canvas
from artist_nst.painting.style_sources import Source
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Color, Recipe

Pixels = NDArray[np.float64]

METHODS: tuple[Color, ...] = get_args(Color)
SOURCE = Source(Path("somewhere/style.png"))
# A recipe that any size will do for.
SHALLOW = recipe(content_layers=(("conv1_1", 1.0),), style_layers=(("conv1_1", 1.0),))


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).random((height, width, 3))


def flat(red: float, green: float, blue: float) -> Pixels:
    return np.full((20, 24, 3), (red, green, blue))


def gray() -> Pixels:
    return np.repeat(noise(20, 24, seed=3)[..., :1], 3, axis=2)


def canvas_of(recipe: Recipe, photo: Pixels, *styles: Pixels) -> Canvas:
    return Canvas(recipe, photo, [(SOURCE, style) for style in styles])


def colored(method: Color, strength: float = 1.0, width: int = 24) -> Recipe:
    return recipe(width=width, color=method, color_strength=strength)


def to_tensor(pixels: Pixels) -> Tensor:
    """``(H, W, C)`` in [0, 1] to what the network paints."""
    planes = np.moveaxis(pixels, 2, 0)[None] * 255
    return torch.from_numpy(planes.copy()).to(torch.float32)


# Sizes

SIZES = [(1, 1), (1, 2), (2, 1), (3, 7), (50, 50), (37, 91), (91, 37), (100, 101)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("width", [1, 2, 17, 64, 91])
def test_the_painting_has_the_photos_aspect(size: tuple[int, int], width: int) -> None:
    photo = noise(*size)
    canvas = canvas_of(replace(SHALLOW, width=width), photo, noise(5, 5))
    height = canvas.photo.shape[0]
    assert canvas.photo.shape == canvas.content.shape == (height, width, 3)
    exact = size[0] * width / size[1]
    assert abs(height - exact) <= 0.5 or (exact < 0.5 and height == 1)
    if width == size[1]:
        assert np.array_equal(canvas.photo, photo)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7])
def test_styles_are_scaled_to_the_painting(size: tuple[int, int], scale: float) -> None:
    chosen = replace(SHALLOW, width=31, style_scale=scale)
    canvas = canvas_of(chosen, noise(9, 40), noise(*size))
    ((style, weight),) = canvas.styles
    wanted = round(31 * scale)
    height = style.shape[0]
    assert style.shape == (height, wanted, 3)
    exact = size[0] * wanted / size[1]
    assert abs(height - exact) <= 0.5 or (exact < 0.5 and height == 1)
    assert weight == 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("photo", [(9, 40), (40, 9), (30, 30)])
def test_styles_of_the_contents_size(
    photo: tuple[int, int], size: tuple[int, int], scale: float
) -> None:
    """Whatever the style's own aspect is."""
    chosen = replace(SHALLOW, width=31, style_scale=scale, style_size="content")
    original = noise(*size)
    canvas = canvas_of(chosen, noise(*photo), original)
    height, width = canvas.photo.shape[:2]
    ((style, _),) = canvas.styles
    if scale == 1:
        assert style.shape == canvas.photo.shape
    wide = round(width * scale)
    assert style.shape == (round(height * wide / width), wide, 3)
    # Resized once: by way of another size it would be blurred.
    assert np.array_equal(style, resize(original, *style.shape[:2]))


def test_a_style_of_the_contents_size_shows_all_of_itself() -> None:
    """Squeezed, not cropped."""
    chosen = replace(SHALLOW, width=20, style_size="content")
    style = np.concatenate((flat(1, 0, 0), flat(0, 1, 0), flat(0, 0, 1)), axis=1)
    canvas = canvas_of(chosen, noise(20, 20), style)
    middle = canvas.styles[0][0][10]
    for column, color_there in ((1, (1, 0, 0)), (10, (0, 1, 0)), (18, (0, 0, 1))):
        assert np.allclose(middle[column], color_there, atol=1e-3)


def test_styles_of_the_contents_size_all_have_it() -> None:
    chosen = replace(SHALLOW, width=30, style_size="content")
    canvas = canvas_of(
        chosen, noise(20, 40), noise(50, 10), noise(9, 80), noise(15, 30)
    )
    assert [style.shape for style, _ in canvas.styles] == [(15, 30, 3)] * 3


def test_a_strip_will_do_where_styles_take_the_contents_size() -> None:
    """Of its own aspect it would come to 64×1 pixels."""
    numbers = recipe(width=64, style_size="content")
    canvas = canvas_of(numbers, noise(50, 50), noise(3, 2_000))
    assert canvas.styles[0][0].shape == (64, 64, 3)
    with pytest.raises(UsageError, match=r"style.png comes to 13×13 .*--style-scale"):
        canvas_of(replace(numbers, style_scale=0.2), noise(50, 50), noise(50, 50))


def test_a_tiny_style_scale_leaves_a_pixel() -> None:
    chosen = replace(SHALLOW, width=16, style_scale=0.001)
    canvas = canvas_of(chosen, noise(16, 16), noise(30, 60))
    assert canvas.styles[0][0].shape == (1, 1, 3)


def test_styles_keep_order_and_weights() -> None:
    sources = [Source(Path(f"{weight}.png"), weight) for weight in (0.5, 0.0, 2.0)]
    styles = [flat(0.1 * index, 0.5, 0.5) for index in range(3)]
    canvas = Canvas(
        replace(SHALLOW, width=24),
        noise(20, 24),
        list(zip(sources, styles, strict=True)),
    )
    assert [weight for _, weight in canvas.styles] == [0.5, 0.0, 2.0]
    for (pixels, _), style in zip(canvas.styles, styles, strict=True):
        assert np.array_equal(pixels, style)


def test_one_pixel_can_be_painted() -> None:
    canvas = canvas_of(recipe(width=64), np.full((1, 1, 3), 0.25), noise(64, 64))
    assert canvas.photo.shape == (64, 64, 3)
    assert np.allclose(canvas.photo, 0.25, atol=1e-6)


def test_the_pictures_given_are_not_changed() -> None:
    photo, style = noise(20, 24), noise(30, 24, seed=1)
    kept = photo.copy(), style.copy()
    for method in METHODS:
        canvas = canvas_of(colored(method, 0.5), photo, style)
        canvas.photo *= 0
        canvas.styles[0][0][:] = 0
    assert np.array_equal(photo, kept[0])
    assert np.array_equal(style, kept[1])


@pytest.mark.parametrize(
    "changes", [{}, {"style_scale": 0.5}, {"style_size": "content"}], ids=str
)
def test_many_styles_are_never_held_at_once_at_their_full_size(
    changes: dict[str, Any],
) -> None:
    """Of the next one that is read, and the one before, at most."""
    whole: list[weakref.ref[Pixels]] = []
    alive: list[int] = []

    def read() -> Iterator[tuple[Source, Pixels]]:
        for number in range(8):
            pixels = noise(200, 100, seed=number)
            whole.append(weakref.ref(pixels))
            alive.append(sum(one() is not None for one in whole))
            yield Source(Path(f"{number}.png"), number + 1.0), pixels
            del pixels

    chosen = replace(SHALLOW, width=24, **changes)
    canvas = Canvas(chosen, noise(20, 24), read())
    assert len(alive) == 8
    assert max(alive) <= 2
    assert not any(one() is not None for one in whole)
    for kept in (canvas.styles, canvas.given):
        assert [weight for _, weight in kept] == [1, 2, 3, 4, 5, 6, 7, 8]
    for number, (pixels, _) in enumerate(canvas.given):
        wanted = resize(noise(200, 100, seed=number), 48, 24)
        assert np.array_equal(pixels, wanted)


def test_a_style_that_is_as_it_is_painted_from_is_kept_once() -> None:
    canvas = canvas_of(colored("none"), noise(20, 24), noise(90, 80))
    ((given, _),), ((painted_from, _),) = canvas.given, canvas.styles
    assert np.shares_memory(given, painted_from)


@pytest.mark.parametrize(
    "changes", [{"style_size": "content"}, {"style_scale": 0.25}], ids=str
)
def test_a_tall_strip_is_not_made_larger_than_it_is(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the painting's width it would be 16 times as large, for no painting's sake."""
    sizes: list[int] = []

    def spy(pixels: Pixels, height: int, width: int) -> Pixels:
        sizes.append(height * width)
        return resize(pixels, height, width)

    monkeypatch.setattr(canvas_module, "resize", spy)
    strip = noise(2_000, 8)
    canvas = canvas_of(replace(SHALLOW, width=32, **changes), noise(32, 32), strip)
    assert max(sizes) <= 16_000
    assert np.array_equal(canvas.given[0][0], strip)


def test_styles_that_fail_to_be_read_fail_as_they_do() -> None:
    def read() -> Iterator[tuple[Source, Pixels]]:
        yield SOURCE, noise(20, 24)
        raise UsageError("no picture")

    with pytest.raises(UsageError, match="no picture"):
        Canvas(colored("none"), noise(20, 24), read())


# What is said


@pytest.mark.parametrize(
    ("photo", "style", "scale", "said"),
    [
        ((48, 40), (40, 40), 1.0, []),
        ((480, 400), (400, 400), 1.0, []),
        ((24, 20), (40, 40), 1.0, ["the photo is 20×24: enlarged to 40×48"]),
        (
            (48, 40),
            (39, 39),
            1.0,
            ["style.png is 39 pixels wide: enlarged to 40, as --style-scale 1 asks"],
        ),
        (
            (48, 40),
            (60, 60),
            2.0,
            ["style.png is 60 pixels wide: enlarged to 80, as --style-scale 2 asks"],
        ),
        ((48, 40), (20, 20), 0.5, []),
        (
            (20, 39),
            (20, 20),
            1.0,
            [
                "the photo is 39×20: enlarged to 40×21",
                "style.png is 20 pixels wide: enlarged to 40, as --style-scale 1 asks",
            ],
        ),
    ],
)
def test_enlarging_is_said(
    photo: tuple[int, int],
    style: tuple[int, int],
    scale: float,
    said: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "artist_nst")
    canvas_of(recipe(width=40, style_scale=scale), noise(*photo), noise(*style))
    assert caplog.messages == said


@pytest.mark.parametrize(
    ("style", "scale", "said"),
    [
        ((40, 40), 1.0, []),
        ((90, 79), 2.0, ["style.png is 79 pixels wide: enlarged to 80"]),
        ((90, 80), 2.0, []),
        ((90, 39), 1.0, ["style.png is 39 pixels wide: enlarged to 40"]),
    ],
)
def test_enlarging_to_the_contents_size_is_said(
    style: tuple[int, int],
    scale: float,
    said: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "artist_nst")
    numbers = recipe(width=40, style_scale=scale, style_size="content")
    canvas_of(numbers, noise(48, 40), noise(*style))
    assert [line.split(", as")[0] for line in caplog.messages] == said


@pytest.mark.parametrize(
    ("photo", "style", "width", "words"),
    [
        ((3, 20_000), (50, 50), 64, ["the photo", "64×1 ", "conv5_1 needs 16"]),
        ((50, 50), (3, 20_000), 64, ["style.png", "64×1 ", "conv5_1 needs 16"]),
        ((50, 50), (50, 50), 15, ["the photo", "15×15 ", "conv5_1 needs 16"]),
        ((15, 32), (50, 50), 32, ["the photo", "32×15 ", "--width"]),
    ],
)
def test_too_narrow(
    photo: tuple[int, int], style: tuple[int, int], width: int, words: list[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        canvas_of(recipe(width=width), noise(*photo), noise(*style))
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_just_wide_enough() -> None:
    canvas = canvas_of(recipe(width=16), noise(16, 16), noise(16, 16))
    assert canvas.photo.shape == (16, 16, 3)


def test_narrow_will_do_for_shallow_layers() -> None:
    canvas = canvas_of(replace(SHALLOW, width=64), noise(3, 20_000), noise(8, 8))
    assert canvas.photo.shape == (1, 64, 3)


# Colours

PICTURES = {
    "black": flat(0, 0, 0),
    "white": flat(1, 1, 1),
    "red": flat(1, 0, 0),
    "constant": flat(0.3, 0.6, 0.1),
    "gray": gray(),
    "noise": noise(20, 24, seed=4),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("strength", [0.3, 1.0])
@pytest.mark.parametrize("method", METHODS)
def test_colors_are_finite_and_in_range(method: Color, strength: float) -> None:
    for photo in PICTURES.values():
        canvas = canvas_of(colored(method, strength), photo, *PICTURES.values())
        planes = 1 if method in color.PLANES and strength == 1 else 3
        for pixels in (canvas.content, *(style for style, _ in canvas.styles)):
            assert pixels.shape == (20, 24, planes)
            assert np.isfinite(pixels).all()
            assert pixels.min() >= -1e-9
            assert pixels.max() <= 1 + 1e-9
        finished = canvas.finished(to_tensor(canvas.content))
        assert finished.shape == photo.shape
        assert np.isfinite(finished).all()
        assert finished.min() >= 0
        assert finished.max() <= 1 + 1e-9


@pytest.mark.parametrize("method", METHODS)
def test_strength_zero_is_none(method: Color) -> None:
    photo, style = noise(20, 24), noise(33, 47, seed=1)
    plain = canvas_of(colored("none"), photo, style)
    canvas = canvas_of(colored(method, 0.0), photo, style)
    assert np.array_equal(canvas.content, plain.content)
    assert np.array_equal(canvas.styles[0][0], plain.styles[0][0])
    painted = torch.rand(1, 3, 10, 12, generator=torch.Generator().manual_seed(0)) * 255
    assert np.array_equal(canvas.finished(painted), plain.finished(painted))


@pytest.mark.parametrize("method", sorted(color.RECOLORINGS))
def test_recoloring_changes_the_styles_alone(method: Color) -> None:
    photo, style = noise(20, 24), noise(20, 24, seed=1) * 0.4
    canvas = canvas_of(colored(method), photo, style)
    assert np.array_equal(canvas.content, photo)
    expected = color.recolor(style, photo, method)
    assert np.array_equal(canvas.styles[0][0], expected)
    assert not np.allclose(expected, style, atol=0.05)
    painted = noise(20, 24, seed=2)
    # What was painted is kept as it is.
    assert np.allclose(canvas.finished(to_tensor(painted)), painted, atol=1e-6)


@pytest.mark.parametrize("size", [(20, 24), (61, 90), (7, 9)])
@pytest.mark.parametrize("method", sorted(color.PLANES))
def test_an_untouched_plane_gives_the_photo_back(
    method: Color, size: tuple[int, int]
) -> None:
    photo = noise(*size, seed=5)
    photo[0, 0] = 0
    canvas = canvas_of(colored(method), photo, noise(20, 24, seed=1))
    assert canvas.content.shape[2] == 1
    assert canvas.styles[0][0].shape[2] == 1
    finished = canvas.finished(to_tensor(canvas.content))
    assert np.abs(finished - canvas.photo).max() < 0.01 / 255


@pytest.mark.parametrize("method", sorted(color.PLANES))
def test_a_plane_has_the_photos_brightness(method: Color) -> None:
    photo, style = noise(20, 24) * 0.5 + 0.25, noise(20, 24, seed=1) * 0.3
    canvas = canvas_of(colored(method), photo, style)
    plane = canvas.styles[0][0]
    assert np.array_equal(canvas.content, color.plane(photo, method))
    assert plane.mean() == pytest.approx(canvas.content.mean(), abs=0.01)
    assert plane.std() == pytest.approx(canvas.content.std(), abs=0.01)


@pytest.mark.parametrize("method", sorted(color.PLANES))
def test_a_painted_plane_takes_the_photos_color(method: Color) -> None:
    canvas = canvas_of(colored(method), flat(0.6, 0.3, 0.3), noise(20, 24))
    darker = canvas.finished(torch.full((1, 1, 20, 24), 51.0))
    assert np.ptp(darker.reshape(-1, 3), axis=0).max() < 1e-9
    red, green, blue = darker[0, 0]
    assert red > green == blue
    assert color.plane(darker, method) == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize("method", sorted(color.PLANES))
def test_strength_between_blends(method: Color) -> None:
    photo, style = noise(20, 24), noise(20, 24, seed=1)
    part = canvas_of(colored(method, 0.25), photo, style)
    assert (part.content == photo).all()
    assert (part.styles[0][0] == style).all()
    # The photo itself keeps its colours at any strength.
    assert np.allclose(part.finished(to_tensor(photo)), photo, atol=1e-5)
    painted = noise(20, 24, seed=2)
    kept = color.with_chroma_of(photo, color.plane(painted, method), method)
    finished = part.finished(to_tensor(painted))
    assert np.allclose(finished, 0.75 * painted + 0.25 * kept, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_previews_have_the_full_size(method: Color) -> None:
    photo = noise(45, 60)
    canvas = canvas_of(colored(method, width=60), photo, noise(20, 24))
    planes = canvas.content.shape[2]
    for size in ((15, 20), (30, 40), (45, 60)):
        finished = canvas.finished(torch.full((1, planes, *size), 128.0))
        assert finished.shape == (45, 60, 3)
        assert finished.dtype == np.float64
        if method not in color.PLANES:
            assert np.allclose(finished, 128 / 255, atol=1e-5)
        elif method == "hsv":
            assert np.allclose(finished.max(-1), 128 / 255, atol=1e-5)


def test_finished_leaves_the_candidate_as_it_is() -> None:
    image = torch.rand(1, 3, 20, 24) * 255
    before = image.clone()
    finished = canvas_of(recipe(width=24), noise(20, 24), noise(20, 24)).finished(image)
    finished *= 0
    assert torch.equal(image, before)


# To the network


@pytest.mark.parametrize(("method", "planes"), [("none", 3), ("luminance", 1)])
def test_what_the_network_is_given(
    method: Color, planes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def run(*arguments: Any, **named: Any) -> str:
        asked.update(named, arguments=arguments)
        return "result"

    monkeypatch.setattr(canvas_module, "run", run)
    network: Any = SimpleNamespace(mean=torch.zeros(1))
    chosen = colored(method)
    source = Source(Path("a.png"), 0.5)
    canvas = Canvas(chosen, noise(20, 24), [(source, noise(40, 48, seed=1))])

    def on_step(_: object) -> None:
        pass

    features = Features()
    painted: Any = canvas.paint(network, 7, features, on_step)
    assert painted == "result"
    given, used, content, styles = asked["arguments"]
    assert given is network
    assert used is chosen
    assert (asked["seed"], asked["on_step"]) == (7, on_step)
    assert asked["features"] is features
    ((style, weight),) = styles
    assert weight == 0.5
    assert content.shape == (1, planes, 20, 24)
    assert style.shape == (1, planes, 20, 24)
    for tensor, pixels in ((content, canvas.content), (style, canvas.styles[0][0])):
        assert tensor.dtype == torch.float32
        assert tensor.is_contiguous()
        assert torch.allclose(tensor, to_tensor(pixels))
        assert tensor.max() > 200


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"color": "reinhard"},
        {"color": "luminance"},
        {"color": "luminance", "color_strength": 0.5},
        {"style_scale": 1.5},
        {"style_size": "content"},
    ],
    ids=str,
)
def test_distances_are_the_same_whatever_the_recipe_makes_of_the_pictures(
    thin_weights: Weights, changes: dict[str, Any]
) -> None:
    network, features = VGG(thin_weights), Features()
    photo, style = noise(20, 24), noise(30, 24, seed=1)
    plain = canvas_of(colored("none"), photo, style)
    canvas = canvas_of(replace(colored("none"), **changes), photo, style)
    painted = noise(20, 24, seed=2)
    assert canvas.distances(network, features, painted) == plain.distances(
        network, features, painted
    )
    before = canvas.distances(network, features)
    assert before.content == 0
    assert before.style is not None
    assert before.style > 0.01


@pytest.mark.parametrize("size", [(700, 12), (90, 300), (20, 24), (60, 72)])
@pytest.mark.parametrize("scale", [0.8, 1.0, 2.0])
def test_distances_are_to_a_style_of_the_paintings_width(
    thin_weights: Weights, size: tuple[int, int], scale: float
) -> None:
    """Smaller than it, or larger; in its own aspect, resized once."""
    network, features = VGG(thin_weights), Features()
    photo, style = noise(56, 64), noise(*size, seed=1)
    chosen = replace(colored("none", width=64), style_size="content", style_scale=scale)
    canvas = canvas_of(chosen, photo, style)
    painted = noise(56, 64, seed=2)
    wanted = distances(
        network,
        to_tensor(painted),
        to_tensor(photo),
        [(to_tensor(resize(style, round(size[0] * 64 / size[1]), 64)), 1.0)],
        Features(),
    )
    assert canvas.distances(network, features, painted) == wanted


def test_distances_of_the_style_itself(thin_weights: Weights) -> None:
    network, features = VGG(thin_weights), Features()
    style = noise(20, 24, seed=1)
    canvas = canvas_of(colored("none"), noise(20, 24), style)
    after = canvas.distances(network, features, style)
    assert after.style == pytest.approx(0, abs=1e-9)
    assert after.content is not None
    assert after.content > 0.01
