"""Masks: read from any picture, combined, painted by, recorded and found again."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from artist_nst import ArtistNstError, Painting, UsageError, paint, recipe
from artist_nst._files import hash_file
from artist_nst._types import Pixels
from artist_nst.nst.memory import MemoryEstimator, MemoryStrategy
from artist_nst.nst.tensors import to_tensor
from artist_nst.nst.vgg import VGG
from artist_nst.painting.canvas import Canvas
from artist_nst.painting.compute import ComputeOptions
from artist_nst.painting.masks import (
    RegionLayout,
    find_segments,
    make_layout,
    read_mask,
)
from artist_nst.painting.record import find_regions, find_sources, load_record
from artist_nst.painting.regions import MaskedStyle, RegionPlan, RegionRequest
from artist_nst.painting.sources import Source
from tests.conftest import picture
from tests.painting.conftest import SMALL

FLOAT32 = ComputeOptions(precision="float32")
MAX_PIXELS = 10**7


def left_half(height: int = 72, width: int = 96) -> NDArray[np.uint8]:
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 255
    return mask


def save(path: Path, levels: NDArray[Any] | Image.Image, **options: Any) -> Path:
    image = levels if isinstance(levels, Image.Image) else Image.fromarray(levels)
    image.save(path, **options)
    return path


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    return save(tmp_path / "mask.png", left_half())


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return save(tmp_path / "other.png", picture(60, 70, seed=5))


def by_masks(*masks: MaskedStyle) -> RegionRequest:
    return RegionRequest(masks=masks)


def divide(
    *masks: Path, size: tuple[int, int] = (72, 96), main: bool = False
) -> RegionLayout:
    """Divide a painting by masks of two styles, maybe after a style of its own."""
    styles = [Source(Path(f"{number}.png")) for number in range(len(masks))]
    parts = [
        MaskedStyle(path, [style]) for path, style in zip(masks, styles, strict=True)
    ]
    own = [Source(Path("main.png"))] if main else []
    return make_layout(RegionPlan.make(own, by_masks(*parts)), size, MAX_PIXELS)


# Reading -----------------------------------------------------------------------------

SHADES = np.repeat(np.array([0, 51, 102, 255], np.uint8), 6)[None].repeat(12, 0)


def make_pictures() -> dict[str, Image.Image]:
    gray = Image.fromarray(SHADES)
    turned = gray.transpose(Image.Transpose.ROTATE_90)
    turned.getexif()[0x0112] = 6
    palette = Image.fromarray((SHADES > 60) * np.uint8(7))
    palette.putpalette([0, 0, 0] * 7 + [255, 255, 255])
    return {
        "gray": gray,
        "16 bits": Image.fromarray(SHADES.astype(np.uint16) * 257),
        "float": Image.fromarray(SHADES.astype(np.float32) / 255),
        "color": gray.convert("RGB"),
        "opaque": gray.convert("RGBA"),
        "opacity of black": Image.merge("LA", (gray.point(lambda _: 0), gray)),
        "opacity of color": Image.merge("RGBA", (gray.transpose(0),) * 3 + (gray,)),
        "turned": turned,
        "palette": palette,
        "bits": Image.fromarray(SHADES > 60),
    }


@pytest.mark.parametrize("kind", make_pictures())
def test_any_picture_is_a_mask(tmp_path: Path, kind: str) -> None:
    image = make_pictures()[kind]
    path = tmp_path / ("mask.tif" if image.mode == "F" else "mask.png")
    options = {"exif": image.getexif()} if kind == "turned" else {}
    mask = read_mask(save(path, image, **options))
    expected = SHADES > 60 if kind in ("palette", "bits") else SHADES / 255
    np.testing.assert_allclose(mask, expected, atol=1e-6)


def test_16_bits_are_finer_than_levels(tmp_path: Path) -> None:
    path = save(tmp_path / "mask.png", np.full((9, 9), 30_000, np.uint16))
    np.testing.assert_allclose(read_mask(path), 30_000 / 65_535, atol=1e-6)


def test_another_shape_is_stretched_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "artist_nst")
    square = save(tmp_path / "square.png", left_half(40, 40))
    large = save(tmp_path / "large.png", left_half(300, 400))
    for path in (square, large):
        mask = read_mask(path, (36, 48))
        assert mask.shape == (36, 48)
        assert mask[:, :20].min() == 1
        assert mask[:, 28:].max() == 0
    (line,) = caplog.messages
    assert "square.png is 40×40, of another shape" in line


def test_masks_that_cannot_be_used(tmp_path: Path, mask: Path) -> None:
    black = save(tmp_path / "black.png", np.zeros((9, 9), np.uint8))
    clear = save(tmp_path / "clear.png", Image.new("LA", (9, 9), (255, 0)))
    for path in (black, clear):
        with pytest.raises(ArtistNstError, match=f"{path.name} covers nothing"):
            read_mask(path)
    with pytest.raises(ArtistNstError, match="--max-pixels"):
        read_mask(mask, max_pixels=1000)


# Combining ---------------------------------------------------------------------------


def test_an_overlap_is_shared_and_told(
    mask: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "artist_nst")
    whole = save(tmp_path / "whole.png", np.full((72, 96), 255, np.uint8))
    first, second = divide(mask, whole).regions
    assert set(np.unique(first.mask[:, :48])) == {0.5}
    assert set(np.unique(second.mask[:, :48])) == {0.5}
    assert second.mask[:, 48:].min() == 1
    (line,) = caplog.messages
    assert "overlap on 50.0%" in line


def test_what_no_mask_covers_is_kept_and_told_or_after_the_main_style(
    mask: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "artist_nst")
    layout = divide(mask, main=True)
    assert layout.kept is None
    assert [region.weights for region in layout.regions] == [(1, 0), (0, 1)]
    assert (layout.regions[1].mask == 1 - left_half() / 255).all()
    assert caplog.messages == []
    layout = divide(mask)
    assert layout.kept is not None
    assert (layout.kept == 1 - left_half() / 255).all()
    (line,) = caplog.messages
    assert "50.0% of the photo is in no mask" in line


def test_masks_drawn_in_8_bits_leave_no_film(tmp_path: Path) -> None:
    """Masks that add up to 1 but for rounding leave nothing of the photo."""
    shares = np.random.default_rng(0).random((3, 18, 24)).repeat(4, 1).repeat(4, 2)
    levels = np.rint(255 * shares / shares.sum(0)).astype(np.uint8)
    paths = [save(tmp_path / f"{n}.png", mask) for n, mask in enumerate(levels)]
    for size in ((72, 96), (36, 48), (100, 133)):
        layout = divide(*paths, size=size)
        assert layout.kept is None
        total = sum(region.mask for region in layout.regions)
        np.testing.assert_allclose(total, np.ones(size))


def test_parts_that_exclude_one_another(mask: Path) -> None:
    keep, rest = MaskedStyle(mask, None), MaskedStyle(None, mask)
    for request, words in (
        ({"masks": [keep], "segmented": True}, "--regions auto"),
        ({"masks": [rest, rest]}, "given twice"),
    ):
        with pytest.raises(UsageError, match=words):
            RegionRequest(**request)
    with pytest.raises(UsageError, match="name a style"):
        by_masks(keep).with_rest([])
    with pytest.raises(UsageError, match="two for one part"):
        by_masks(rest).with_rest([Source(mask)])
    for strength in (-1, np.nan, np.inf):
        with pytest.raises(UsageError, match=r"mask\.png: its strength"):
            MaskedStyle(mask, None, strength)


# Painting ----------------------------------------------------------------------------


def run(
    network: VGG, photo: Any, style: Any, regions: RegionRequest, **options: Any
) -> Painting:
    painting = paint(
        photo,
        style,
        **{"recipe": SMALL, "compute": FLOAT32, **options},
        regions=regions,
        network=network,
        seed=1,
    )
    assert np.isfinite(painting.pixels).all()
    return painting


def test_a_mask_of_ones_is_no_mask(
    photo: Path, style: Path, network: VGG, tmp_path: Path
) -> None:
    plain = run(network, photo, style, RegionRequest())
    assert "regions" not in plain.record
    ones = save(tmp_path / "ones.png", np.full((31, 77), 255, np.uint8))
    masked = run(network, photo, (), by_masks(MaskedStyle(ones, style)))
    assert (masked.pixels == plain.pixels).all()
    assert masked.record["losses"] == plain.record["losses"]


def test_kept_pixels_are_the_photos(network: VGG, style: Path, tmp_path: Path) -> None:
    """To the level, in the file, if the photo has the painting's size."""
    levels = picture(36, 48, seed=1)
    photo = save(tmp_path / "photo.png", levels)
    keep = by_masks(MaskedStyle(left_half(36, 48), None))
    for suffix in ("png", "webp"):
        painted = tmp_path / f"painted.{suffix}"
        run(network, photo, style, keep).save(painted)
        kept, other = np.split(np.asarray(Image.open(painted)) != levels, 2, axis=1)
        assert not kept.any()
        assert other.mean() > 0.5


def test_masks_in_memory(
    photo: Path, style: Path, other: Path, mask: Path, network: VGG
) -> None:
    levels = left_half()
    masks = (mask, levels, levels / 255, levels > 0, Image.open(mask))
    paintings = [
        run(network, photo, style, by_masks(MaskedStyle(one, other, 1.0, one)))
        for one in masks
    ]
    for painting in paintings[1:]:
        assert (painting.pixels == paintings[0].pixels).all()
        part = painting.record["regions"][0]
        assert part["mask"] is not None
        assert part["style_mask"] is not None
        assert part["mask"]["path"] is part["style_mask"]["path"] is None
    numbers = by_masks(MaskedStyle(levels.astype(int), other))
    with pytest.raises(UsageError, match="an array"):
        run(network, photo, style, numbers)


def test_the_part_of_a_style_that_counts(
    network: VGG, photo: Path, tmp_path: Path
) -> None:
    levels = picture(96, 96, seed=3)
    levels[:, :48, 1:] //= 8
    levels[:, 48:, :2] //= 8
    works = save(tmp_path / "red-and-blue.png", levels)
    whole = np.full((96, 96), 255, np.uint8)

    def paint_after(part: NDArray[np.uint8] | None) -> Pixels:
        region = MaskedStyle(whole, works, style_mask=part)
        settings = SMALL.with_iterations(20)
        return run(network, photo, (), by_masks(region), recipe=settings).pixels

    red, blue = (paint_after(part) for part in (left_half(), 255 - left_half()))
    assert (red - blue).mean((0, 1))[0] > 0.05
    assert (red - blue).mean((0, 1))[2] < -0.05
    assert (paint_after(whole) == paint_after(None)).all()
    two = MaskedStyle(whole, [works, photo], style_mask=whole)
    with pytest.raises(UsageError, match="needs a single work or image, not 2"):
        run(network, photo, (), by_masks(two))


def test_a_style_takes_the_colors_of_its_part(mask: Path) -> None:
    photo = np.random.default_rng(0).random((72, 96, 3)) / 4
    photo[:, :48, 0] += 0.7
    photo[:, 48:, 2] += 0.7
    sources = [Source(Path("a.png")), Source(Path("b.png"))]
    plan = RegionPlan.make(sources[1:], by_masks(MaskedStyle(mask, sources[:1])))
    styles = [(source, picture(64, 64, n) / 255) for n, source in enumerate(sources)]
    for color in ("reinhard", "histogram", "linear"):
        settings = recipe(width=96, color=color)
        canvas = Canvas(settings, photo, styles, plan=plan)
        for (pixels, _), part in zip(canvas.styles, np.split(photo, 2, 1), strict=True):
            difference = pixels.mean((0, 1)) - part.mean((0, 1))
            assert np.abs(difference).max() < 0.1, color


def test_faces_keep_their_features(network: VGG, style: Path) -> None:
    photo = data.astronaut()[:256, 96:352]
    plain, protected = (
        run(
            network,
            photo,
            style,
            RegionRequest(protect_faces=protect),
            recipe=recipe(width=96).with_iterations(5),
        )
        for protect in (False, True)
    )
    small = np.asarray(Image.fromarray(photo).resize((96, 96))) / 255
    changes = np.abs(plain.pixels - small), np.abs(protected.pixels - small)
    face = np.s_[32:62, 34:60]
    assert changes[1][face].mean() < 0.5 * changes[0][face].mean()
    assert (protected.pixels[75:] == plain.pixels[75:]).all()
    assert protected.record["protect_faces"]


@pytest.mark.parametrize(
    "optimizer", ["lbfgs", "lbfgs-clipped", "lbfgs-device", "adam"]
)
def test_every_optimizer_and_precision(
    photo: Path, style: Path, other: Path, mask: Path, network: VGG, optimizer: Any
) -> None:
    regions = by_masks(MaskedStyle(mask, other))
    totals = [
        run(
            network,
            photo,
            style,
            regions,
            recipe=replace(SMALL, optimizer=optimizer),
            compute=ComputeOptions(precision=precision),
        ).record["losses"]["total"]
        for precision in ("float32", "bfloat16")
    ]
    assert totals[1] == pytest.approx(totals[0], rel=0.05)


def test_strips_are_nearly_the_whole(
    photo: Path,
    style: Path,
    mask: Path,
    network: VGG,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Parts that are painted, weighted and kept, computed 16 rows at a time."""
    settings = replace(recipe(width=128), levels=((1.0, 4),), draft_levels=0)
    dots = np.zeros((72, 96), np.uint8)
    dots[50:60, 60:90] = 255
    parts = MaskedStyle(mask, style, 2.0), MaskedStyle(dots, None)
    choose = MemoryEstimator.choose_strategy

    def choose_strips(*arguments: Any) -> MemoryStrategy:
        return replace(choose(*arguments), rows=16)

    whole = run(network, photo, photo, by_masks(*parts), recipe=settings)
    monkeypatch.setattr(MemoryEstimator, "choose_strategy", choose_strips)
    strips = run(network, photo, photo, by_masks(*parts), recipe=settings)
    rows = [one.record["computed"][-1]["rows"] for one in (whole, strips)]
    assert rows == [None, 16]
    first, second = (one.record["losses"] for one in (whole, strips))
    for name in ("total", "content", "style", "neighbors"):
        assert second[name] == pytest.approx(first[name], rel=0.02)  # type: ignore[literal-required]


def test_small_photos_and_small_parts(
    photo: Path, style: Path, other: Path, tmp_path: Path, network: VGG
) -> None:
    tiny = save(tmp_path / "tiny.png", picture(17, 17))
    settings = recipe(width=17).with_iterations(3)
    regions = by_masks(MaskedStyle(left_half(17, 17), other))
    assert run(network, tiny, style, regions, recipe=settings).pixels.shape[0] == 17
    for side in (1, 3):  # smaller than what a position of conv5_1 sees
        dot = np.zeros((36, 48), np.uint8)
        dot[10 : 10 + side, 10 : 10 + side] = 255
        for way in ("simple", "inside", "all"):
            settings = replace(SMALL, mask_propagation=way)
            regions = by_masks(MaskedStyle(dot, other))
            run(network, photo, style, regions, recipe=settings)
            # With all else kept.
            alone = run(network, photo, (), regions, recipe=settings)
            far = np.s_[24:, 24:]
            original = np.asarray(Image.open(photo).resize((48, 36))) / 255
            assert np.abs(alone.pixels - original)[far].mean() < 0.02


def test_a_part_without_style_or_strength_is_the_content(
    photo: Path, style: Path, other: Path, mask: Path, network: VGG
) -> None:
    none = run(network, photo, style, by_masks(MaskedStyle(mask, other, 0.0)))
    full = run(network, photo, style, by_masks(MaskedStyle(mask, other, 1.0)))
    original = np.asarray(Image.open(photo).resize((48, 36))) / 255
    changes = [np.abs(one.pixels - original)[:, :20].mean() for one in (none, full)]
    assert changes[0] < changes[1]
    weighted = MaskedStyle(mask, [(other, 0.0), (style, 1.0)])
    alone = MaskedStyle(mask, [style])
    first, second = (run(network, photo, style, by_masks(m)) for m in (weighted, alone))
    assert (first.pixels == second.pixels).all()


# Segments ----------------------------------------------------------------------------


def test_styles_of_weight_zero_have_no_segments() -> None:
    """What only they show would be after nothing."""
    rng = np.random.default_rng(0)
    noise = rng.random((24, 24, 3)).repeat(4, 0).repeat(4, 1)
    columns = (np.arange(96) % 16 < 8)[None, :, None] * np.ones((96, 1, 3))
    both = np.concatenate((noise, columns))
    layout = find_segments(both, [noise, both], [1.0, 0.0])
    assert {region.weights for region in layout.regions} == {(1.0, 0.0)}
    assert all(region.style_masks.keys() == {0} for region in layout.regions)
    total = sum(region.mask for region in layout.regions)
    np.testing.assert_allclose(total, np.ones((192, 96)), atol=1e-5)


# Records -----------------------------------------------------------------------------


def test_a_record_leads_to_the_masks(
    photo: Path, style: Path, other: Path, mask: Path, network: VGG, tmp_path: Path
) -> None:
    part = save(tmp_path / "part.png", left_half(60, 70))
    regions = by_masks(MaskedStyle(mask, other, 2.0, part))
    painting = run(network, photo, style, regions)
    facts = painting.record
    first, rest = facts["regions"]
    assert first["mask"] == {
        "path": str(mask),
        "sha256": hash_file(mask),
        "width": 96,
        "height": 72,
    }
    assert first["style_mask"] is not None
    assert first["style_mask"]["sha256"] == hash_file(part)
    assert (first["styles"], first["strength"]) == ([0], 2)
    assert (rest["mask"], rest["styles"]) == (None, [1])

    moved = [path.rename(tmp_path / f"moved-{path.name}") for path in (mask, part)]
    sources = find_sources(facts, "a.png")
    with pytest.raises(UsageError, match=r"mask\.png, which a\.png .*--mask"):
        find_regions(facts, "a.png", sources)
    with pytest.raises(UsageError, match=r"style\.png: a\.png was not painted by it"):
        find_regions(facts, "a.png", sources, [*moved, style])
    found = find_regions(facts, "a.png", sources, moved)
    again = run(
        network,
        photo,
        (),
        found,
        on_progress=lambda _: moved[0].unlink(missing_ok=True),
    )
    assert (again.pixels == painting.pixels).all()
    assert again.record["regions"][0]["styles"] == first["styles"]


def test_a_record_that_mixes_up_styles(
    photo: Path, style: Path, other: Path, mask: Path, network: VGG
) -> None:
    """Which may be forged: a style a million times would take forever."""
    painting = run(network, photo, style, by_masks(MaskedStyle(mask, other)))
    first, rest = painting.record["regions"]
    for styles in ([], [1], [2], [0, 1], [0] * 1_000_000, [2**62]):
        painting.record["regions"] = [{**first, "styles": styles}, rest]
        painting.save(mask)
        with pytest.raises(ArtistNstError, match="its record is damaged"):
            load_record(mask)


def test_a_candidate_under_a_kept_part_means_nothing(mask: Path) -> None:
    """Also where what is fine is the photo's, which looks far."""
    kept = RegionPlan.make([Source(Path("a.png"))], by_masks(MaskedStyle(mask, None)))
    numbers = recipe("photoreal", width=96, color="luminance", color_strength=0.5)
    photo = picture(72, 96) / 255
    styles = [(Source(Path("a.png")), picture(60, 70, seed=5) / 255)]
    canvas = Canvas(numbers, photo, styles, plan=kept)
    image = to_tensor(picture(72, 96, seed=6) / 255)
    other = image.clone()
    other[..., :48] = 255 - other[..., :48]
    painted = canvas.to_painting(image)
    np.testing.assert_allclose(painted, canvas.to_painting(other), atol=1e-6)
    assert np.array_equal(painted[:, :48], canvas.photo[:, :48])
