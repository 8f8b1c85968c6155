"""The library: ``from artist_nst import paint``."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image, ImageSequence

import artist_nst
from artist_nst import (
    ArtistNstError,
    Painting,
    Pick,
    Progress,
    UsageError,
    paint,
    recipe,
)
from artist_nst._files import hash_file
from artist_nst.nst.compact import PACKAGED_FILE
from artist_nst.nst.features import TargetCache
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.painting import pipeline, record
from artist_nst.painting.compute import ComputeOptions
from artist_nst.painting.networks import load_network
from artist_nst.painting.style_sources import StyleRequest
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import ContentLoss, Network, StyleLoss, from_dict
from artist_nst.styles import descriptors
from tests.conftest import picture
from tests.painting.conftest import OFFLINE, SMALL


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A tiny page in place of the explanation."""
    page = np.ones((2, 3, 3))
    monkeypatch.setattr(pipeline, "explain_painting", lambda *_: page)
    return page


@pytest.fixture
def corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five small works of an artist, whose styles are computed at 32 pixels."""
    monkeypatch.setattr(descriptors, "LONG_SIDE", 32)
    folder = tmp_path / "corpora" / "anna"
    folder.mkdir(parents=True)
    for number in range(5):
        Image.fromarray(picture(40, 48, seed=number)).save(folder / f"{number}.png")
    return folder.parent


def load_saved(path: Path, painting: Painting) -> dict[str, Any]:
    painting.save(path)
    return record.load_record(path)


def as_json(value: object) -> Any:
    return json.loads(json.dumps(value))


def test_public_names_are_there() -> None:
    for name in artist_nst.__all__:
        assert getattr(artist_nst, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = artist_nst.nothing


def test_pixels_progress_and_record(
    photo: Path, style: Path, network: VGG, capsys: pytest.CaptureFixture[str]
) -> None:
    steps: list[Progress] = []
    painting = paint(
        photo, style, recipe=SMALL, network=network, on_progress=steps.append
    )
    assert painting.pixels.shape == (36, 48, 3)
    assert 0 <= painting.pixels.min() <= painting.pixels.max() <= 1
    assert not painting.interrupted
    assert painting.explanation is None
    assert capsys.readouterr() == ("", "")

    assert [progress.step.iteration for progress in steps] == [1, 2, 3, 4]
    for progress in steps:
        image = progress.step.image
        assert 0 <= float(image.min()) <= float(image.max()) <= 255
        assert progress.preview().shape == (36, 48, 3)

    facts = painting.record
    assert facts["content"]["path"] == str(photo)
    assert facts["styles"][0]["path"] == str(style)
    # The record has what auto resolved to.
    assert SMALL.network == "auto"
    assert facts["recipe"] == {**SMALL.to_dict(), "network": "vgg19"}
    assert facts["network"]["name"] == "vgg19"
    assert facts["network"]["sha256"] == network.sha256
    assert facts["distances"] is None
    assert set(facts["versions"]) >= {"python", "torch", "scipy"}

    history = facts["history"]
    for row, progress in zip(history, steps, strict=True):
        losses = progress.step.losses
        terms = (losses.total, losses.content, losses.style, losses.tv)
        rounded = [float(f"{term:.6g}") for term in terms]
        assert row[:5] == [progress.step.iteration, *rounded]
    seconds = [row[5] for row in history]
    assert seconds == sorted(seconds)
    assert 0 < seconds[-1] <= facts["seconds"] + 0.01
    totals = [row[1] for row in history]
    assert facts["losses"]["total"] == min(totals) < totals[0]
    names = {"total", "content", "style", "neighbors", "tv", "matting"}
    assert facts["losses"].keys() == names
    assert facts["iterations"] == 4


def test_record_survives_the_file(
    photo: Path, style: Path, network: VGG, tmp_path: Path
) -> None:
    painting = paint(photo, [(style, 0.5)], recipe=SMALL, network=network)
    for suffix in ("png", "jpg", "tif", "webp"):
        facts = load_saved(tmp_path / f"painted.{suffix}", painting)
        assert facts == as_json(painting.record)


def test_history_is_thinned_to_what_a_jpeg_holds(
    photo: Path,
    style: Path,
    network: VGG,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = [123_456, *[1.23457e-12] * 4, 12345.67]
    full = [row] * record.MAX_HISTORY
    monkeypatch.setattr(record, "MAX_HISTORY", 2)
    painting = paint(
        photo, [style], recipe=SMALL.with_iterations(5), network=network, measure=True
    )
    # Counted from the last one, which is always kept.
    assert [row[0] for row in painting.record["history"]] == [2, 5]
    painting.record["history"] = full
    assert load_saved(tmp_path / "a.jpg", painting) == as_json(painting.record)


def test_seed_is_drawn_and_recorded(photo: Path, network: VGG, corpora: Path) -> None:
    request = StyleRequest(artist="anna", corpora=corpora)
    first = paint(photo, request, recipe=SMALL, network=network)
    seed = first.record["seed"]
    again = paint(photo, request, recipe=SMALL, network=network, seed=seed)
    assert (first.pixels == again.pixels).all()
    assert first.record["styles"] == again.record["styles"]
    assert first.record["corpora"] == str(corpora)


def test_interrupted_keeps_the_best(photo: Path, style: Path, network: VGG) -> None:
    def stop(progress: Progress) -> None:
        if progress.step.iteration == 2:
            raise KeyboardInterrupt

    painting = paint(photo, [style], recipe=SMALL, network=network, on_progress=stop)
    assert painting.interrupted
    assert painting.pixels.shape == (36, 48, 3)
    assert painting.record["stopped"] == ["interrupted"]


def test_distances_and_explanation_on_request(
    photo: Path, style: Path, network: VGG, page: Any
) -> None:
    def repaint(**options: Any) -> Painting:
        return paint(
            photo,
            [style],
            recipe=SMALL,
            network=network,
            seed=1,
            compute=ComputeOptions(precision="float32"),
            **options,
        )

    plain, measured, explained = repaint(), repaint(measure=True), repaint(explain=True)
    assert plain.record["distances"] is None
    assert plain.explanation is measured.explanation is None
    assert explained.explanation is page
    distances = measured.record["distances"]
    assert distances == explained.record["distances"]
    assert distances.keys() == {"content", "style", "grams", "network"}
    assert distances["network"] == "vgg19, max pooling"
    # Distances are the default recipe's own losses.
    losses = measured.record["losses"]
    assert distances["content"] == pytest.approx(losses["content"], 1e-4)
    assert distances["style"] == pytest.approx(losses["style"], 1e-4)
    assert (plain.pixels == measured.pixels).all()
    assert (plain.pixels == explained.pixels).all()


def test_another_network_may_measure(
    photo: Path, style: Path, network: VGG, thin_weights: Weights
) -> None:
    pooled = VGG(thin_weights, pool="average")
    first, second = (
        paint(photo, [style], recipe=SMALL, network=network, seed=1, measure=measure)
        for measure in (True, lambda: pooled)
    )
    assert (first.pixels == second.pixels).all()
    distances, other = first.record["distances"], second.record["distances"]
    assert other["network"] == "vgg19, average pooling"
    assert other["grams"]["conv1_1"] == pytest.approx(distances["grams"]["conv1_1"])
    assert other["grams"]["conv3_1"] != pytest.approx(
        distances["grams"]["conv3_1"], 1e-3
    )


def test_a_cache_serves_many_paintings(photo: Path, style: Path, network: VGG) -> None:
    cache = TargetCache()

    def repaint(cache: TargetCache | None) -> Painting:
        return paint(photo, [style], recipe=SMALL, network=network, cache=cache, seed=1)

    alone, first = repaint(None), repaint(cache)
    passes = cache.forward_passes
    second = repaint(cache)
    assert cache.forward_passes == passes == 2
    assert (alone.pixels == first.pixels).all()
    assert (alone.pixels == second.pixels).all()


# Several works


def test_a_mix_of_works(photo: Path, network: VGG, corpora: Path) -> None:
    def repaint(**request: Any) -> Painting:
        style = StyleRequest(artist="anna", corpora=corpora, **request)
        return paint(photo, style, recipe=SMALL, network=network, seed=3)

    painting = repaint(pick=Pick(way="mix", works=3))
    styles = painting.record["styles"]
    assert len({style["sha256"] for style in styles}) == len(styles) == 3
    assert {style["weight"] for style in styles} == {1}
    # The same works by name give the same painting.
    named = repaint(works=[style["work"]["id"] for style in styles])
    assert (painting.pixels == named.pixels).all()
    assert named.record["styles"] == styles


def test_a_pick_sees_the_photo(
    network: VGG, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTIST_NST_CORPORA", str(corpora))
    work = corpora / "anna" / "3.png"
    painting = paint(
        work, artist="anna", pick=Pick(way="nearest"), recipe=SMALL, network=network
    )
    (style,) = painting.record["styles"]
    assert style["sha256"] == painting.record["content"]["sha256"]


def test_styles_are_requested_in_one_way(photo: Path, style: Path) -> None:
    requests: list[tuple[StyleRequest, dict[str, Any]]] = [
        (StyleRequest(images=style), {"artist": "anna"}),
        (StyleRequest(artist="anna"), {"pick": Pick()}),
    ]
    for request, options in requests:
        with pytest.raises(UsageError, match="StyleRequest"):
            paint(photo, request, **options)


# Files


def test_a_style_that_cannot_be_read_leaves_film_and_frames_as_they_were(
    photo: Path, style: Path, network: VGG, tmp_path: Path
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
            recipe=SMALL,
            network=network,
            film=film,
            frames=frames,
            every=1,
        )
    assert sorted(tmp_path.iterdir()) == before
    assert film.read_text() == "an older film"
    assert (frames / "iter-0001.png").read_text() == "an older painting's"


def test_no_network_is_loaded_for_a_style_that_cannot_be_read(
    photo: Path, tmp_path: Path
) -> None:
    def load() -> VGG:
        raise AssertionError("loaded")

    with pytest.raises(ArtistNstError, match=r"gone\.png"):
        paint(photo, [tmp_path / "gone.png"], recipe=SMALL, network=load)


def test_frames_and_a_film(
    photo: Path, style: Path, network: VGG, tmp_path: Path
) -> None:
    painting = paint(
        photo,
        [style],
        recipe=SMALL,
        network=network,
        frames=tmp_path / "a.frames",
        every=2,
        film=tmp_path / "a.gif",
    )
    frames = sorted((tmp_path / "a.frames").iterdir())
    assert [path.name for path in frames] == ["iter-0002.png", "iter-0004.png"]
    expected = [np.asarray(Image.open(frames[0])), painting.pixels * 255]
    with Image.open(tmp_path / "a.gif") as film:
        shown = [
            np.array(frame.convert("RGB")) for frame in ImageSequence.all_frames(film)
        ]
    for frame, pixels in zip(shown, expected, strict=True):
        assert np.abs(frame.astype(float) - pixels).mean() < 12


@pytest.mark.usefixtures("page")
def test_ctrl_c_after_the_last_iteration_does_not_lose_the_painting(
    photo: Path,
    style: Path,
    network: VGG,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    expected = paint(photo, [style], recipe=SMALL, network=network, seed=1).pixels
    for function, is_filming in [
        ("artist_nst.painting.pipeline.explain_painting", False),
        ("artist_nst.painting.canvas.measure_distances", False),
        ("artist_nst.image.video.VideoWriter.add", True),
    ]:
        film = tmp_path / f"{is_filming}.gif"
        with monkeypatch.context() as patch:
            patch.setattr(function, stop)
            painting = paint(
                photo,
                [style],
                recipe=SMALL,
                network=network,
                seed=1,
                explain=True,
                film=film,
                every=4,
                frames=tmp_path / "frames",
            )
        assert painting.interrupted
        assert (painting.pixels == expected).all()
        assert painting.record["stopped"] == ["all iterations done"]
        assert (painting.explanation is not None) == is_filming
        assert (painting.record["distances"] is not None) == is_filming
        assert film.exists() != is_filming


# Numbers


def test_a_flat_style_and_a_flat_photo_are_finite(tmp_path: Path, network: VGG) -> None:
    flat = tmp_path / "flat.png"
    Image.new("RGB", (40, 40), "gray").save(flat)
    painting = paint(flat, [flat], recipe=SMALL, network=network)
    assert np.isfinite(painting.pixels).all()


def test_weights_that_give_no_numbers_are_named(
    photo: Path, style: Path, network: VGG
) -> None:
    broken = deepcopy(network)
    broken.get_buffer("conv3_1_weight").fill_(float("nan"))
    with pytest.raises(ArtistNstError, match="weights"):
        paint(photo, [style], recipe=SMALL, network=broken)


@pytest.mark.shared
def test_real_weights_paint_both_photo_and_style(shared: Path) -> None:
    """Style comes much nearer, and most of the photo stays."""
    weights = shared / "weights" / "vgg19-oxford.safetensors"
    painting = paint(
        shared / "images" / "content" / "sailboat.jpg",
        shared / "images" / "style" / "starry-night.jpg",
        recipe=recipe("gram", width=64).with_iterations(30),
        compute=ComputeOptions(weights=weights),
    )
    first, last = painting.record["history"][0], painting.record["history"][-1]
    assert last[3] < 0.25 * first[3]
    # A relative content loss of ½ would mean that nothing is left of the photo.
    assert last[2] < 0.4


@pytest.mark.gpu
def test_gpu_paints_what_the_cpu_paints(
    photo: Path, style: Path, random_weights: Weights
) -> None:
    on_cpu = paint(photo, [style], recipe=SMALL, network=VGG(random_weights))
    on_gpu = paint(photo, [style], recipe=SMALL, network=VGG(random_weights).cuda())
    assert np.abs(on_cpu.pixels - on_gpu.pixels).mean() < 0.02


MANY_PAINTINGS = """
import sys
import psutil, torch
import artist_nst
from artist_nst.nst import machine
machine.configure_process()
torch.set_num_threads(1)
recipe = artist_nst.recipe(width=96, network="compact").with_iterations(4)
network = artist_nst.load_network(recipe)
for _ in range(7):
    artist_nst.paint(*sys.argv[1:], recipe=recipe, network=network, seed=1)
    print(psutil.Process().memory_info().rss)
"""


def test_many_paintings_take_no_more_memory_than_few(photo: Path, style: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MANY_PAINTINGS, str(photo), str(style)],
        capture_output=True,
        text=True,
        check=True,
    )
    sizes = [int(line) for line in done.stdout.split()]
    assert len(sizes) == 7
    assert max(sizes[4:]) - sizes[2] < 10 << 20


# Without VGG-19


def test_without_weights_the_compact_network_paints(
    photo: Path,
    style: Path,
    without_weights: list[str],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    # Commands in this process may have set handlers up.
    logger = logging.getLogger("artist_nst")
    monkeypatch.setattr(logger, "handlers", [logging.NullHandler()])
    monkeypatch.setattr(logger, "propagate", True)
    painting = paint(photo, [style], recipe=SMALL, seed=1, compute=OFFLINE)
    assert painting.pixels.shape == (36, 48, 3)
    facts = painting.record
    assert facts["network"]["name"] == "compact"
    assert facts["network"]["sha256"] == hash_file(PACKAGED_FILE)
    assert facts["recipe"] == {**SMALL.to_dict(), "network": "compact"}
    assert facts["history"][-1][1] < facts["history"][0][1]
    (warning,) = [entry for entry in caplog.records if entry.levelname == "WARNING"]
    assert "the compact network paints instead" in warning.getMessage()
    assert without_weights == []
    assert capsys.readouterr() == ("", "")
    assert load_saved(tmp_path / "a.png", painting) == as_json(facts)


def test_the_record_leads_to_the_same_pixels_where_vgg19_is(
    photo: Path,
    style: Path,
    without_weights: list[str],
    weights_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tiny = replace(SMALL, width=32, levels=((1.0, 2),))
    first = paint(photo, [style], recipe=tiny, seed=1, compute=OFFLINE)
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    caplog.clear()
    recorded = from_dict(as_json(first.record["recipe"]))
    again = paint(photo, [style], recipe=recorded, seed=1, compute=OFFLINE)
    assert (again.pixels == first.pixels).all()
    assert again.record["network"] == first.record["network"]
    better = paint(photo, [style], recipe=tiny, seed=1, compute=OFFLINE)
    assert better.record["network"]["name"] == "vgg19"
    assert (better.pixels != first.pixels).any()
    assert not [entry for entry in caplog.records if entry.levelname == "WARNING"]
    assert without_weights == []


def test_a_compact_network_of_ones_own_paints(
    photo: Path, style: Path, compact_file: Path
) -> None:
    compute = ComputeOptions(device="cpu", weights=compact_file)
    networks: tuple[Network, ...] = ("auto", "compact")
    by_default, by_name = (
        paint(
            photo,
            [style],
            recipe=replace(SMALL, network=network),
            seed=1,
            compute=compute,
        )
        for network in networks
    )
    assert by_default.record["network"]["sha256"] == hash_file(compact_file)
    assert by_default.record["network"] == by_name.record["network"]
    assert by_default.record["recipe"] == by_name.record["recipe"]
    assert (by_default.pixels == by_name.pixels).all()


@pytest.mark.parametrize("kind", ["array", "floats", "image", "gray"])
def test_pictures_in_memory(
    tmp_path: Path, photo: Path, style: Path, network: VGG, kind: str
) -> None:
    def load(path: Path) -> Any:
        image = Image.open(path)
        levels = np.asarray(image)
        return {
            "array": levels,
            "floats": levels / 255,
            "image": image,
            "gray": image.convert("L"),
        }[kind]

    by_file = paint(photo, style, recipe=SMALL, network=network, seed=1)
    painting = paint(
        load(photo), [(load(style), 2.0)], recipe=SMALL, network=network, seed=1
    )
    difference = np.abs(painting.pixels - by_file.pixels).mean()
    assert difference < 0.01 or kind == "gray"
    assert painting.record["content"]["path"] is None
    assert painting.record["styles"][0]["path"] is None
    assert "an image in memory after an image in memory" in repr(painting)
    painting.save(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 5, 2)), r"\(4, 5, 2\)"),
        (np.zeros((0, 5, 3)), r"\(0, 5, 3\)"),
        (np.full((40, 50, 3), 255.0), "float64 from 255 to 255"),
        (np.full((40, 50, 3), np.nan), "nan"),
        (np.zeros((40, 50, 3), int), "int64"),
    ],
)
def test_arrays_that_are_no_pictures(
    style: Path, array: np.ndarray, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        paint(array, style)


def test_iterations_of_a_recipe() -> None:
    assert recipe(iterations=18).iterations == 18
    with pytest.raises(UsageError, match="iterations must be"):
        recipe(iterations=0)


def test_a_recipe_by_name(photo: Path, style: Path, network: VGG) -> None:
    with pytest.raises(UsageError, match=r"did you mean 'art\.py'"):
        paint(photo, style, recipe="art.pi", network=network)
    # The network has another pooling than this recipe's.
    with pytest.raises(UsageError, match="asks for average"):
        paint(photo, style, recipe="gatys-2015", network=network)


def test_a_painting_in_a_notebook(photo: Path, style: Path, network: VGG) -> None:
    painting = paint(photo, style, recipe=SMALL, network=network, seed=1)
    shown = Image.open(io.BytesIO(painting._repr_png_()))
    assert shown.size == painting.image.size == (48, 36)
    assert (np.asarray(shown) == np.asarray(painting.image)).all()
    assert len(repr(painting).splitlines()) == 1
    assert "photo.png after style.png" in repr(painting)


@pytest.mark.usefixtures("without_weights")
def test_a_layer_that_the_compact_network_lacks(
    photo: Path, style: Path, compact: VGG
) -> None:
    deep = replace(SMALL, style_layers=(("conv1_1", 0.5), ("conv5_2", 0.5)))
    message = r"style_layers: .*'conv5_2'.*'conv5_1'"
    with pytest.raises(UsageError, match=message):
        paint(photo, [style], recipe=deep, compute=OFFLINE)
    for network in (compact, lambda: compact):
        with pytest.raises(UsageError, match=message):
            paint(photo, [style], recipe=deep, network=network)


def test_a_network_that_is_not_what_the_recipe_asks_for(
    photo: Path, style: Path, network: VGG, compact: VGG, thin_weights: Weights
) -> None:
    """Auto is VGG-19 or the compact network, and nothing else."""
    painting = paint(photo, [style], recipe=SMALL, network=compact)
    assert painting.record["recipe"]["network"] == "compact"
    normalized = VGG(replace(thin_weights, network="vgg19-normalised"))
    mismatches: list[tuple[Network, VGG]] = [
        ("auto", normalized),
        ("vgg19", compact),
        ("vgg16", compact),
        ("compact", network),
    ]
    for name, other in mismatches:
        asked = replace(SMALL, network=name)
        with pytest.raises(UsageError, match=f"network {other.name}, .* {name}:"):
            paint(photo, [style], recipe=asked, network=other)
    with pytest.raises(UsageError, match=r"pool max, .* average:"):
        paint(photo, [style], recipe=replace(SMALL, pool="average"), network=network)


def test_every_recipe_of_vgg19s_paints_by_the_compact_network(
    photo: Path, style: Path, without_weights: list[str]
) -> None:
    for made in RECIPES.values():
        if made.network != "auto":
            continue
        small = replace(made, width=32).with_iterations(1)
        network = load_network(small, OFFLINE)
        painting = paint(photo, [style], recipe=small, seed=1, network=network)
        facts = painting.record
        assert painting.pixels.shape == (24, 32, 3)
        assert np.isfinite(painting.pixels).all()
        assert facts["network"]["name"] == "compact"
        assert np.isfinite(list(facts["losses"].values())).all()
        assert facts["losses"]["total"] > 0
        assert (facts["losses"]["style"] > 0) == (made.gram_weight > 0)
    assert without_weights == []


def test_every_loss_is_computed_by_the_compact_network(
    photo: Path, style: Path, compact: VGG
) -> None:
    """Almost by style alone: nearer to the style, and away from the photo."""
    for style_loss in get_args(StyleLoss):
        for content_loss in get_args(ContentLoss):
            numbers = recipe(
                width=32,
                network="compact",
                style_loss=style_loss,
                content_loss=content_loss,
                # Of one size, as the papers' losses require.
                style_size="content",
                ratio=1e15,
                levels=((1.0, 2),),
            )
            painting = paint(photo, [style], recipe=numbers, network=compact, seed=1)
            first, last = painting.record["history"]
            assert np.isfinite([first[:5], last[:5]]).all()
            assert 0 < last[3] < first[3]
            assert last[2] > 0
