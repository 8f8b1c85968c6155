"""The library: ``from artist_nst import paint``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import artist_nst
from artist_nst import ArtistNstError, Recipe, load_network, paint, recipe, record
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights


@pytest.fixture(scope="module")
def network(random_weights: Weights) -> VGG:
    return VGG(random_weights)


@pytest.fixture
def small() -> Recipe:
    return recipe(width=48).with_iterations(4)


def test_public_names_are_there() -> None:
    for name in artist_nst.__all__:
        assert getattr(artist_nst, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = artist_nst.nothing


def test_image_and_record(
    photo: Path,
    style: Path,
    network: VGG,
    small: Recipe,
    capsys: pytest.CaptureFixture[str],
) -> None:
    steps = []
    painting = paint(
        photo, [style], recipe=small, network=network, on_progress=steps.append
    )
    assert painting.pixels.shape == (36, 48, 3)
    assert 0 <= painting.pixels.min() <= painting.pixels.max() <= 1
    assert not painting.interrupted
    assert [one.step.iteration for one in steps] == [1, 2, 3, 4]
    assert steps[0].preview().shape == (36, 48, 3)
    assert capsys.readouterr() == ("", "")
    made = painting.record
    assert made["content"]["path"] == str(photo)
    assert made["recipe"] == small.to_dict()
    assert made["iterations"] == 4
    assert len(made["history"]) == 4
    assert made["history"][-1][1] < made["history"][0][1]
    assert made["network"]["sha256"] == network.sha256
    assert set(made["versions"]) >= {"python", "torch", "scipy"}


def test_one_style_needs_no_list(
    photo: Path, style: Path, network: VGG, small: Recipe
) -> None:
    one, listed = (
        paint(photo, styles, recipe=small, network=network, seed=1).pixels
        for styles in (style, [style])
    )
    assert (one == listed).all()


def test_record_survives_the_file(
    photo: Path, style: Path, network: VGG, small: Recipe, tmp_path: Path
) -> None:
    painting = paint(photo, [(style, 0.5)], recipe=small, network=network)
    for suffix in ("png", "jpg", "tif", "webp"):
        path = tmp_path / f"painted.{suffix}"
        painting.save(path)
        assert record.read(path) == json.loads(json.dumps(painting.record))


def test_history_is_thinned_to_what_a_jpeg_holds(
    photo: Path, style: Path, network: VGG, tmp_path: Path
) -> None:
    tiny = recipe(
        width=24,
        content_layers=(("conv1_1", 1.0),),
        style_layers=(("conv1_1", 1.0),),
        optimizer="adam",
    )
    painting = paint(photo, [style], recipe=tiny.with_iterations(1001), network=network)
    history = painting.record["history"]
    assert len(history) <= record.HISTORY
    assert history[-1][0] == 1001
    painting.save(tmp_path / "a.jpg")


def test_seed_is_drawn_and_recorded(photo: Path, network: VGG, small: Recipe) -> None:
    first = paint(photo, artist="procedural", recipe=small, network=network)
    seed = first.record["seed"]
    again = paint(photo, artist="procedural", recipe=small, network=network, seed=seed)
    assert (first.pixels == again.pixels).all()
    assert first.record["styles"] == again.record["styles"]


def test_bounds_hold(photo: Path, style: Path, network: VGG, small: Recipe) -> None:
    seen = []
    paint(
        photo,
        [style],
        recipe=small,
        network=network,
        on_progress=lambda one: seen.append(one.step.image),
    )
    assert all(float(one.min()) >= 0 and float(one.max()) <= 255 for one in seen)


def test_interrupted_keeps_the_best(
    photo: Path, style: Path, network: VGG, small: Recipe
) -> None:
    def stop(progress: artist_nst.Progress) -> None:
        if progress.step.iteration == 2:
            raise KeyboardInterrupt

    painting = paint(photo, [style], recipe=small, network=network, on_progress=stop)
    assert painting.interrupted
    assert painting.pixels.shape == (36, 48, 3)
    assert painting.record["stopped"] == ["interrupted"]


def test_a_flat_style_and_a_flat_photo_are_finite(
    tmp_path: Path, network: VGG, small: Recipe
) -> None:
    flat = tmp_path / "flat.png"
    Image.new("RGB", (40, 40), "gray").save(flat)
    painting = paint(flat, [flat], recipe=small, network=network)
    assert np.isfinite(painting.pixels).all()


def test_weights_that_give_no_numbers_are_named(
    photo: Path, style: Path, random_weights: Weights, small: Recipe
) -> None:
    broken = VGG(random_weights)
    broken.get_buffer("conv3_1_weight").fill_(float("nan"))
    with pytest.raises(ArtistNstError, match="weights"):
        paint(photo, [style], recipe=small, network=broken)


def test_load_network_serves_many(
    photo: Path, style: Path, weights_file: Path, small: Recipe
) -> None:
    network = load_network(small, weights=weights_file, device="cpu", offline=True)
    first, second = (
        paint(photo, [style], recipe=small, network=network, seed=1).pixels
        for _ in range(2)
    )
    assert (first == second).all()


@pytest.mark.shared
def test_real_weights_paint_both_photo_and_style(shared: Path) -> None:
    """Style comes nearer by far, and most of the photo stays."""
    painting = paint(
        shared / "images" / "content" / "sailboat.jpg",
        [shared / "images" / "style" / "starry-night.jpg"],
        recipe=recipe(width=96).with_iterations(40),
        weights=shared / "weights" / "vgg19-oxford.safetensors",
    )
    first, last = painting.record["history"][0], painting.record["history"][-1]
    assert last[3] < 0.25 * first[3]
    # A relative content loss of ½ would mean that nothing is left of the photo.
    assert last[2] < 0.4


@pytest.mark.gpu
def test_gpu_paints_what_the_cpu_paints(
    photo: Path, style: Path, random_weights: Weights, small: Recipe
) -> None:
    on_cpu = paint(photo, [style], recipe=small, network=VGG(random_weights))
    on_gpu = paint(photo, [style], recipe=small, network=VGG(random_weights).cuda())
    assert np.abs(on_cpu.pixels - on_gpu.pixels).mean() < 0.02
