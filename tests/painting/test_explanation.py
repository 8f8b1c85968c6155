"""The page that explains a painting: true, and there for whatever was painted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artist_nst import Painting, Progress, Recipe, paint, recipe
from artist_nst.figures.explanation_page import WIDTH, Explanation, explained
from artist_nst.nst.losses import neighbours
from artist_nst.nst.objective import Objective
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from artist_nst.painting import explanation as explaining
from tests.conftest import picture

SMALL = recipe(width=96).with_iterations(6)


@pytest.fixture(scope="module")
def network(thin_weights: Weights) -> VGG:
    return VGG(thin_weights)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[Explanation]:
    """What is to be told of each painting."""
    told: list[Explanation] = []

    def spy(page: Explanation) -> Any:
        told.append(page)
        return explained(page)

    monkeypatch.setattr(explaining, "explained", spy)
    return told


def explain(
    photo: Path, style: Any, network: VGG, made: Recipe = SMALL, **how: Any
) -> Painting:
    painting = paint(
        photo, style, recipe=made, network=network, seed=1, explain=True, **how
    )
    page = painting.explanation
    assert page is not None
    assert page.shape[1:] == (WIDTH, 3)
    assert page.shape[0] > 500
    assert np.isfinite(page).all()
    # Neither blank nor black.
    assert 0.01 < (page < 0.5).mean() < 0.9
    return painting


def words(page: Explanation) -> dict[str, str]:
    assert len(dict(page.words)) == len(page.words)
    return dict(page.words)


def labels(page: Explanation) -> list[str]:
    return [panel.label for panel in page.panels]


def test_everything_is_told(
    photo: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    painting = explain(photo, style, network)
    (page,) = pages
    made = painting.record
    assert page.title == "photo.png, painted by the recipe default"
    assert labels(page) == ["photo", "style.png", "painting"]
    assert page.panels[0].pixels.shape == (72, 96, 3)
    assert (page.panels[-1].pixels == painting.pixels).all()
    # Levels of 64 and 96 pixels.
    assert page.levels == [1.0, 5.0]
    assert page.after == made["distances"]["grams"]
    assert page.before.keys() == page.after.keys()
    assert all(page.before[layer] > page.after[layer] for layer in page.after)
    layers = [curve.label for curve in page.layers]
    assert layers == ["content conv4_2", *(f"style conv{at}_1" for at in range(1, 6))]
    curves = {curve.label: curve for curve in page.terms}
    assert list(curves) == ["total", "content", "style × 5", "total variation"]
    assert list(curves["total"].x) == [1, 2, 3, 4, 5, 6]
    history = np.array(made["history"])
    total, content, style_loss, tv = history[:, 1:5].T
    np.testing.assert_allclose(curves["total"].y, total, rtol=1e-4)
    np.testing.assert_allclose(curves["content"].y, content, rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(curves["style × 5"].y, 5 * style_loss, rtol=1e-4)
    np.testing.assert_allclose(curves["total variation"].y, 0.003 * tv, rtol=1e-3)


def test_the_record_in_words(
    photo: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    layers = (("conv1_1", 0.25), ("conv2_1", 1.0))
    explain(photo, style, network, replace(SMALL, style_layers=layers, init="rand"))
    told = words(pages[0])
    assert told["photo"] == str(photo)
    assert told["after"] == "style.png"
    assert told["size"] == "96×72 pixels, style scale 1"
    assert told["content"] == "relative at conv4_2"
    assert told["style"] == "relative at conv1_1 × 0.25, conv2_1"
    assert told["weights"] == "ratio 5, tv 0.003"
    assert told["start"] == "rand, seed 1"
    assert told["minimiser"] == "lbfgs; iterations 2 at 0.333, 2 at 0.667, 2 at 1"
    assert told["stopped"] == "all iterations done"
    assert told["took"].startswith("6 iterations, ")


def test_without_style_layers(
    photo: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    explain(photo, style, network, replace(SMALL, style_layers=(), ratio=0.0))
    assert [curve.label for curve in pages[0].layers] == ["content conv4_2"]
    assert words(pages[0])["style"] == "relative at no layer"


def test_without_content_layers(
    photo: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    explain(photo, style, network, replace(SMALL, content_layers=()))
    assert all(curve.label.startswith("style ") for curve in pages[0].layers)
    assert words(pages[0])["content"] == "relative at no layer"


def test_without_any_smoothness_there_is_no_curve_of_it(
    photo: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    """What rounding leaves of total - content - style would stretch the log axis."""
    explain(photo, style, network, replace(SMALL, tv=0.0))
    assert [one.label for one in pages[0].terms] == ["total", "content", "style × 5"]
    assert words(pages[0])["weights"] == "ratio 5, tv 0"


def test_smoothness_by_the_sum(
    photo: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    made = replace(SMALL, tv=0.0, tv_sum=1e-5, levels=((1.0, 3),))
    painting = explain(photo, style, network, made)
    (*_, smoothness) = pages[0].terms
    assert smoothness.label == "total variation"
    from torch import zeros

    count = neighbours(zeros(1, 3, 72, 96))
    tv = [row[4] for row in painting.record["history"]]
    np.testing.assert_allclose(smoothness.y, [1e-5 * count * one for one in tv], 1e-3)
    assert words(pages[0])["weights"] == "ratio 5, tv of the sum 1e-05"


@pytest.mark.parametrize("color", ["luminance", "hsv", "linear"])
def test_brightness_alone_and_other_colors(
    photo: Path, style: Path, network: VGG, pages: list[Explanation], color: Any
) -> None:
    explain(photo, style, network, replace(SMALL, color=color))
    assert all(panel.pixels.shape[2] == 3 for panel in pages[0].panels)
    assert words(pages[0])["colors"] == color


def test_several_works(photo: Path, network: VGG, pages: list[Explanation]) -> None:
    explain(
        photo,
        (),
        network,
        artist="procedural",
        works=[("orchard", 0.7), ("procedural-03", 0.3)],
    )
    works = ["Orchard in April, Procedural", "Harbour before Dusk, Procedural"]
    assert labels(pages[0]) == ["photo", *works, "painting"]
    assert words(pages[0])["after"] == "; ".join(works)


def test_a_picture_too_small_to_be_measured(
    tmp_path: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    Image.fromarray(picture(1, 3)).save(tmp_path / "dot.png")
    shallow = recipe(
        width=3,
        content_layers=(("conv1_1", 1.0),),
        style_layers=(("conv1_1", 1.0),),
        color="none",
    ).with_iterations(2)
    explain(tmp_path / "dot.png", style, network, shallow)
    assert list(pages[0].after) == ["conv1_1"]
    assert words(pages[0])["distances"].startswith("style ")


def test_an_interrupted_painting(
    photo: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    def stop(progress: Progress) -> None:
        if progress.step.iteration == 3:
            raise KeyboardInterrupt

    painting = explain(photo, style, network, on_progress=stop)
    assert painting.interrupted
    assert words(pages[0])["stopped"].endswith("interrupted")
    assert list(pages[0].terms[0].x) == [1, 2, 3]


def test_one_interrupted_before_an_iteration_was_done(
    photo: Path,
    style: Path,
    network: VGG,
    pages: list[Explanation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evaluated = Objective.__call__
    calls: list[int] = []

    def second(self: Objective, image: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return evaluated(self, image)

    monkeypatch.setattr(Objective, "__call__", second)
    painting = explain(photo, style, network)
    assert painting.record["iterations"] == 0
    assert pages[0].layers == []
    assert words(pages[0])["stopped"] == "interrupted"


def test_names_of_any_kind(
    tmp_path: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    name = "Größe $x_1$, [red] " + "ü" * 100 + ".png"
    Image.fromarray(picture(72, 96)).save(tmp_path / name)
    explain(tmp_path / name, style, network)
    assert pages[0].title.startswith("Größe $x_1$, [red] ü")
