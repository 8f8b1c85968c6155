"""The library: ``from artist_nst import paint``."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

import artist_nst
from artist_nst import (
    ArtistNstError,
    Pick,
    Recipe,
    UsageError,
    load_network,
    paint,
    recipe,
)
from artist_nst.corpus.works import packaged_corpora
from artist_nst.image.files import sha256_of
from artist_nst.nst.compact import PACKAGED
from artist_nst.nst.features import Features
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from artist_nst.painting import record
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import (
    Architecture,
    ContentLoss,
    StyleLoss,
    from_dict,
)
from artist_nst.styles import descriptors as styles
from tests.image.test_video import seen


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
    # The record has what auto came to.
    assert small.network == "auto"
    assert made["recipe"] == {**small.to_dict(), "network": "vgg19"}
    assert made["network"]["name"] == "vgg19"
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


# Several works


@pytest.mark.parametrize("count", [3, None])
def test_a_mix_of_works(
    photo: Path,
    network: VGG,
    small: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    count: int | None,
) -> None:
    monkeypatch.setattr(styles, "LONG_SIDE", 64)
    pick = Pick(way="mix", works=count)
    how = {"recipe": small, "network": network}
    painting = paint(photo, artist="procedural", pick=pick, seed=3, **how)
    found = painting.record["styles"]
    assert len(found) == (count or 8)
    assert len({style["sha256"] for style in found}) == len(found)
    assert {style["weight"] for style in found} == {1}
    assert all(style["work"]["corpus"] == "procedural" for style in found)
    # The same as of the works by name, whichever way they were come by.
    works = [style["work"]["id"] for style in found]
    named = paint(photo, artist="procedural", works=works, seed=3, **how)
    assert (painting.pixels == named.pixels).all()
    assert named.record["styles"] == found


def test_one_work_is_picked_for_the_photo(
    network: VGG, small: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(styles, "LONG_SIDE", 64)
    work = next((packaged_corpora() / "procedural" / "images").glob("*-05-*"))
    painting = paint(
        work,
        artist="procedural",
        pick=Pick(way="nearest"),
        recipe=small,
        network=network,
    )
    (style,) = painting.record["styles"]
    assert style["work"]["id"] == "procedural-05"
    assert style["sha256"] == painting.record["content"]["sha256"]


@pytest.mark.parametrize(
    ("pick", "artist", "why"),
    [
        (Pick(works=3), "procedural", "--works 3 is for as many paintings"),
        (Pick(way="mix"), None, "add --artist"),
    ],
)
def test_picks_that_are_refused(
    photo: Path,
    network: VGG,
    small: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    pick: Pick,
    artist: str | None,
    why: str,
) -> None:
    monkeypatch.setattr(styles, "LONG_SIDE", 64)
    with pytest.raises(UsageError, match=why):
        paint(photo, artist=artist, pick=pick, recipe=small, network=network)


def test_a_style_that_cannot_be_read_leaves_film_and_frames_as_they_were(
    photo: Path, style: Path, network: VGG, small: Recipe, tmp_path: Path
) -> None:
    """Styles are read one at a time, when all else is ready."""
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    film, frames = tmp_path / "a.gif", tmp_path / "a.frames"
    film.write_text("an older film")
    frames.mkdir()
    (frames / "iter-0001.png").write_text("an older painting's")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ArtistNstError, match=r"bad\.png"):
        paint(
            photo,
            [style, bad],
            recipe=small,
            network=network,
            film=film,
            frames=frames,
            every=1,
        )
    assert sorted(tmp_path.iterdir()) == before
    assert film.read_text() == "an older film"
    assert (frames / "iter-0001.png").read_text() == "an older painting's"


def test_no_network_is_loaded_for_a_style_that_cannot_be_read(
    photo: Path, small: Recipe, tmp_path: Path
) -> None:
    def load() -> VGG:
        raise AssertionError("loaded")

    with pytest.raises(ArtistNstError, match=r"gone\.png"):
        paint(photo, [tmp_path / "gone.png"], recipe=small, network=load)


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
        "artist_nst.painting.pipeline.explanation",
        "artist_nst.painting.canvas.distances",
        "artist_nst.image.video.os.fsync",
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
from artist_nst.painting.networks import load_network
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


# Without VGG-19


@pytest.mark.parametrize("offline", [False, True])
def test_without_weights_the_compact_network_paints(
    offline: bool,
    photo: Path,
    style: Path,
    small: Recipe,
    without_weights: list[str],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    # What command lines in this process have set up is not the library's.
    logger = logging.getLogger("artist_nst")
    monkeypatch.setattr(logger, "handlers", [logging.NullHandler()])
    monkeypatch.setattr(logger, "propagate", True)
    painting = paint(
        photo, [style], recipe=small, seed=1, device="cpu", offline=offline
    )
    assert painting.pixels.shape == (36, 48, 3)
    made = painting.record
    assert made["network"]["name"] == made["recipe"]["network"] == "compact"
    assert made["network"]["sha256"] == sha256_of(PACKAGED)
    assert made["recipe"] == {**small.to_dict(), "network": "compact"}
    assert made["history"][-1][1] < made["history"][0][1]
    (said,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert "the compact network paints instead" in said.getMessage()
    assert "`artist-nst weights`" in said.getMessage()
    assert (without_weights == []) == offline
    assert capsys.readouterr() == ("", "")
    painting.save(tmp_path / "a.png")
    assert record.read(tmp_path / "a.png") == json.loads(json.dumps(made))


def test_the_record_leads_to_the_same_pixels_where_vgg19_is(
    photo: Path,
    style: Path,
    small: Recipe,
    without_weights: list[str],
    weights_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = paint(photo, [style], recipe=small, seed=1, device="cpu", offline=True)
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    caplog.clear()
    wanted = from_dict(json.loads(json.dumps(first.record["recipe"])))
    again = paint(photo, [style], recipe=wanted, seed=1, device="cpu")
    assert (again.pixels == first.pixels).all()
    assert again.record["network"] == first.record["network"]
    better = paint(photo, [style], recipe=small, seed=1, device="cpu")
    assert better.record["network"]["name"] == "vgg19"
    assert (better.pixels != first.pixels).any()
    assert [one for one in caplog.records if one.levelname == "WARNING"] == []
    assert without_weights == []


def test_a_compact_network_of_ones_own_paints(
    photo: Path, style: Path, small: Recipe, compact_file: Path
) -> None:
    by_default, by_name = (
        paint(
            photo,
            [style],
            recipe=replace(small, network=network),
            seed=1,
            device="cpu",
            weights=compact_file,
        )
        for network in ("auto", "compact")
    )
    assert by_default.record["network"]["sha256"] == sha256_of(compact_file)
    assert by_default.record["network"] == by_name.record["network"]
    assert by_default.record["recipe"] == by_name.record["recipe"]
    assert (by_default.pixels == by_name.pixels).all()


@pytest.mark.usefixtures("without_weights")
def test_a_layer_that_the_compact_network_lacks(
    photo: Path, style: Path, small: Recipe, compact_weights: Weights
) -> None:
    deep = replace(small, style_layers=(("conv1_1", 0.5), ("conv5_2", 0.5)))
    wanted = r"--style-layer: .*'conv5_2'.*'conv5_1'"
    with pytest.raises(UsageError, match=wanted):
        paint(photo, [style], recipe=deep, device="cpu", offline=True)
    for network in (VGG(compact_weights), lambda: VGG(compact_weights)):
        with pytest.raises(UsageError, match=wanted):
            paint(photo, [style], recipe=deep, network=network)


def test_a_network_that_is_not_what_the_recipe_asks_for(
    photo: Path,
    style: Path,
    small: Recipe,
    compact_weights: Weights,
    weights_of: Callable[[Architecture], Weights],
) -> None:
    """Auto is VGG-19 or the compact network, and nothing else."""
    compact = VGG(compact_weights)
    assert paint(photo, [style], recipe=small, network=compact).record["recipe"][
        "network"
    ] == ("compact")
    for asked, network in (
        ("auto", VGG(weights_of("vgg16"))),
        ("vgg19", compact),
        ("vgg16", compact),
        ("compact", VGG(weights_of("vgg19"))),
    ):
        with pytest.raises(UsageError, match=f"network {network.name}, .* {asked}:"):
            paint(photo, [style], recipe=replace(small, network=asked), network=network)


@pytest.fixture(scope="module")
def compact() -> VGG:
    return load_network(recipe(network="compact"), device="cpu")


AUTO = [name for name, one in RECIPES.items() if one.network == "auto"]


@pytest.mark.parametrize("name", AUTO)
def test_every_recipe_of_vgg19s_paints_by_the_compact_network(
    name: str, photo: Path, style: Path, without_weights: list[str]
) -> None:
    asked = replace(RECIPES[name], width=64).with_iterations(1)
    painting = paint(photo, [style], recipe=asked, seed=1, device="cpu", offline=True)
    made = painting.record
    assert painting.pixels.shape == (48, 64, 3)
    assert np.isfinite(painting.pixels).all()
    assert made["network"]["name"] == "compact"
    assert all(np.isfinite(one) for one in made["losses"].values())
    assert made["losses"]["style"] > 0
    assert without_weights == []


@pytest.mark.parametrize("style_loss", get_args(StyleLoss))
@pytest.mark.parametrize("content_loss", get_args(ContentLoss))
def test_every_loss_is_computed_by_the_compact_network(
    style_loss: StyleLoss,
    content_loss: ContentLoss,
    photo: Path,
    style: Path,
    compact: VGG,
) -> None:
    """By style alone, nearly: it comes nearer the style, and away from the photo."""
    asked = recipe(
        width=64,
        network="compact",
        style_loss=style_loss,
        content_loss=content_loss,
        # Of one size, as the papers' losses have it.
        style_size="content",
        ratio=1e15,
        levels=((1.0, 2),),
    )
    painting = paint(photo, [style], recipe=asked, network=compact, seed=1)
    first, last = painting.record["history"]
    assert np.isfinite([first[:5], last[:5]]).all()
    assert 0 < last[3] < first[3]
    assert last[2] > 0
