"""The library: ``from artist_nst import paint``."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import artist_nst
from artist_nst import ArtistNstError, Recipe, load_network, paint, recipe, record
from artist_nst.nst.features import Features
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from tests.image.test_film import seen


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


def test_history_and_losses(
    photo: Path, style: Path, network: VGG, small: Recipe
) -> None:
    steps: list[artist_nst.Progress] = []
    painting = paint(
        photo, [style], recipe=small, network=network, on_progress=steps.append
    )
    made = painting.record
    assert {len(row) for row in made["history"]} == {6}
    for row, told in zip(made["history"], steps, strict=True):
        losses = told.step.losses
        terms = (losses.total, losses.content, losses.style, losses.tv)
        wanted = [told.step.iteration, *(float(f"{one:.6g}") for one in terms)]
        assert row[:5] == wanted
    seconds = [row[5] for row in made["history"]]
    assert seconds == sorted(seconds)
    assert 0 < seconds[-1] <= made["seconds"] + 0.01
    totals = [row[1] for row in made["history"]]
    assert made["losses"]["total"] == min(totals)
    assert made["losses"].keys() == {"total", "content", "style", "tv"}


def test_distances_are_there_only_where_measured(
    photo: Path, style: Path, network: VGG, small: Recipe
) -> None:
    def painted(**how: bool) -> artist_nst.Painting:
        return paint(
            photo,
            [style],
            recipe=small,
            network=network,
            seed=1,
            precision="float32",
            **how,
        )

    plain, measured, explained = painted(), painted(measure=True), painted(explain=True)
    assert plain.record["distances"] is None
    assert plain.explanation is measured.explanation is None
    assert explained.explanation is not None
    assert measured.record["distances"] == explained.record["distances"]
    apart = measured.record["distances"]
    assert apart.keys() == {"content", "style", "grams", "network"}
    assert apart["network"] == "vgg19, max pooling"
    # The default recipe's own losses, which the distances are by.
    assert apart["content"] == pytest.approx(measured.record["losses"]["content"], 1e-4)
    assert apart["style"] == pytest.approx(measured.record["losses"]["style"], 1e-4)
    assert (plain.pixels == measured.pixels).all()
    assert (plain.pixels == explained.pixels).all()


def test_another_network_may_measure(
    photo: Path, style: Path, network: VGG, random_weights: Weights, small: Recipe
) -> None:
    pooled = VGG(random_weights, pool="average")
    own, other = (
        paint(photo, [style], recipe=small, network=network, seed=1, measure=by)
        for by in (True, lambda: pooled)
    )
    assert (own.pixels == other.pixels).all()
    first, second = (one.record["distances"] for one in (own, other))
    assert second["network"] == "vgg19, average pooling"
    assert second["grams"]["conv1_1"] == pytest.approx(first["grams"]["conv1_1"])
    assert second["grams"]["conv3_1"] != pytest.approx(first["grams"]["conv3_1"], 1e-3)


def test_features_serve_many_paintings(
    photo: Path, style: Path, network: VGG, small: Recipe
) -> None:
    features = Features()

    def painted(known: Features | None) -> artist_nst.Painting:
        return paint(
            photo, [style], recipe=small, network=network, features=known, seed=1
        )

    alone, first = painted(None), painted(features)
    passes = features.passes
    second = painted(features)
    assert features.passes == passes == 2
    assert (alone.pixels == first.pixels).all()
    assert (alone.pixels == second.pixels).all()


def test_frames_and_a_film(
    photo: Path, style: Path, network: VGG, small: Recipe, tmp_path: Path
) -> None:
    painting = paint(
        photo,
        [style],
        recipe=small,
        network=network,
        frames=tmp_path / "a.frames",
        every=2,
        film=tmp_path / "a.gif",
    )
    frames = sorted((tmp_path / "a.frames").iterdir())
    assert [path.name for path in frames] == ["iter-0002.png", "iter-0004.png"]
    film = seen(tmp_path / "a.gif").frames
    assert len(film) == 2
    wanted = [np.asarray(Image.open(frames[0])), painting.pixels * 255]
    for frame, pixels in zip(film, wanted, strict=True):
        assert np.abs(frame.astype(float) - pixels).mean() < 12


@pytest.mark.parametrize(
    "during",
    [
        "artist_nst.painting.explanation",
        "artist_nst.canvas.distances",
        "artist_nst.image.film.os.fsync",
    ],
)
def test_ctrl_c_after_the_last_iteration_does_not_lose_the_painting(
    photo: Path,
    style: Path,
    network: VGG,
    small: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    during: str,
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    wanted = paint(photo, [style], recipe=small, network=network, seed=1)
    monkeypatch.setattr(during, stop)
    painting = paint(
        photo,
        [style],
        recipe=small,
        network=network,
        seed=1,
        explain=True,
        film=tmp_path / "a.gif",
    )
    assert painting.interrupted
    assert (painting.pixels == wanted.pixels).all()
    assert painting.record["stopped"] == ["all iterations done"]
    film = "film" in during
    assert (painting.explanation is None) != film
    assert (painting.record["distances"] is None) != film
    monkeypatch.undo()
    assert (tmp_path / "a.gif").exists() != film


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
    # A copy, for the network's kernels are those of all tests.
    broken = deepcopy(VGG(random_weights))
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


FLAT = """
import sys
import psutil, torch
import artist_nst
from artist_nst.nst import machine
from artist_nst.networks import load_network
machine.prepare()
torch.set_num_threads(1)
photo, style, weights = sys.argv[1:]
recipe = artist_nst.recipe(width=96).with_iterations(4)
network = load_network(recipe, weights=weights, device="cpu")
for _ in range(7):
    artist_nst.paint(photo, style, recipe=recipe, network=network, seed=1)
    print(psutil.Process().memory_info().rss)
"""


def test_many_paintings_take_no_more_memory_than_few(
    photo: Path, style: Path, weights_file: Path
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FLAT, str(photo), str(style), str(weights_file)],
        capture_output=True,
        text=True,
        check=True,
    )
    taken = [int(line) for line in ran.stdout.split()]
    assert len(taken) == 7
    assert max(taken[4:]) - taken[2] < 10 << 20
