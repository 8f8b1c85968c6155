"""The page that explains a painting: what it shows of every kind of painting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artist_nst import Painting, Progress, Recipe, paint, recipe
from artist_nst.figures.explanation_page import WIDTH, Explanation, draw_explanation
from artist_nst.nst.objective import Objective
from artist_nst.nst.vgg import VGG
from artist_nst.painting import explanation
from artist_nst.painting.style_sources import StyleRequest
from artist_nst.recipes.recipe import Color
from tests.conftest import picture

SMALL = recipe(width=96).with_iterations(6)
TINY = recipe(width=32, levels=((1.0, 2),))


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[Explanation]:
    """What is explained of each painting, without drawing it."""
    pages: list[Explanation] = []

    def draw(page: Explanation) -> Any:
        pages.append(page)
        return np.ones((1, 1, 3))

    monkeypatch.setattr(explanation, "draw_explanation", draw)
    return pages


def explain(
    photo: Path, style: Any, network: VGG, recipe: Recipe = TINY, **options: Any
) -> Painting:
    return paint(
        photo, style, recipe=recipe, network=network, seed=1, explain=True, **options
    )


def get_facts(page: Explanation) -> dict[str, str]:
    facts = dict(page.facts)
    assert len(facts) == len(page.facts)
    return facts


def get_captions(page: Explanation) -> list[str]:
    return [panel.caption for panel in page.panels]


def test_everything_is_explained(
    photo: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    painting = explain(photo, style, network, SMALL)
    (page,) = pages
    record = painting.record
    assert page.title == "photo.png, painted by the recipe default"
    assert get_captions(page) == ["photo", "style.png", "painting"]
    assert page.panels[0].pixels.shape == (72, 96, 3)
    assert (page.panels[-1].pixels == painting.pixels).all()
    # Levels of 64, 96 and 96 pixels.
    assert page.levels == [1.0, 4.0, 5.0]
    assert page.after == record["distances"]["grams"]
    assert page.before.keys() == page.after.keys()
    assert all(page.before[layer] > page.after[layer] for layer in page.after)
    layers = [curve.label for curve in page.layers]
    styles = [f"style conv{block}_1" for block in range(1, 6)]
    compared = ("conv1_1", "conv2_1", "conv3_1", "conv3_2", "conv4_1")
    neighbors = [f"neighbors {layer}" for layer in compared]
    assert layers == ["content conv4_2", *styles, *neighbors]
    curves = {curve.label: curve for curve in page.terms}
    weighted = ["style × 1.5", "neighbors × 2"]
    assert list(curves) == ["total", "content", *weighted, "total variation"]
    assert list(curves["total"].x) == [1, 2, 3, 4, 5, 6]
    total, content, style_loss, tv = np.array(record["history"])[:, 1:5].T
    np.testing.assert_allclose(curves["total"].y, total, rtol=1e-4)
    np.testing.assert_allclose(curves["content"].y, content, rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(curves["style × 1.5"].y, 1.5 * style_loss, rtol=1e-4)
    rest = total - content - 1.5 * style_loss - 0.003 * tv
    np.testing.assert_allclose(curves["neighbors × 2"].y, rest, rtol=1e-4)
    np.testing.assert_allclose(curves["total variation"].y, 0.003 * tv, rtol=1e-3)
    drawn = draw_explanation(page)
    assert drawn.shape[1:] == (WIDTH, 3)
    assert drawn.shape[0] > 500
    assert np.isfinite(drawn).all()
    # Neither blank nor black.
    assert 0.01 < (drawn < 0.5).mean() < 0.9


def test_the_record_in_words(
    photo: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    layers = (("conv1_1", 0.25), ("conv2_1", 1.0))
    explain(
        photo,
        style,
        network,
        replace(SMALL, style_layers=layers, init="rand", width=48),
    )
    facts = get_facts(pages[0])
    assert facts["photo"] == str(photo)
    assert facts["after"] == "style.png"
    assert facts["size"] == "48×36 pixels, style scale 1"
    assert facts["content"] == "relative at conv4_2"
    assert facts["style"] == "relative at conv1_1 × 0.25, conv2_1"
    compared = ("conv1_1", "conv2_1", "conv3_1", "conv3_2", "conv4_1")
    layers_in_words = ", ".join(f"{layer} × 0.2" for layer in compared)
    assert facts["neighbors"] == f"cosine at {layers_in_words}"
    assert facts["weights"] == "ratio 5 of gram 0.3 and neighbor 0.4, tv 0.003"
    assert facts["start"] == "rand, seed 1"
    assert (
        facts["optimizer"] == "lbfgs-clipped; iterations 6 at 48×36"
    )  # the others are too small
    assert facts["stopped"] == "all iterations done"
    assert facts["took"].startswith("6 of 6 iterations, ")


def test_without_layers(
    photo: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    tiny = replace(TINY, neighbor_weight=0.0)
    explain(photo, style, network, replace(tiny, style_layers=(), ratio=0.0))
    assert [curve.label for curve in pages[0].layers] == ["content conv4_2"]
    assert get_facts(pages[0])["style"] == "relative at no layer"
    assert get_facts(pages[0])["neighbors"] == "cosine at no layer"
    explain(photo, style, network, replace(tiny, content_layers=()))
    assert all(curve.label.startswith("style ") for curve in pages[1].layers)
    assert get_facts(pages[1])["content"] == "relative at no layer"


def test_smoothness(
    photo: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    """Without it there is no curve: rounding would stretch the logarithmic axis."""
    explain(photo, style, network, replace(TINY, tv=0.0))
    assert [curve.label for curve in pages[0].terms] == [
        "total",
        "content",
        "style × 1.5",
        "neighbors × 2",
    ]
    weights = "ratio 5 of gram 0.3 and neighbor 0.4"
    assert get_facts(pages[0])["weights"] == f"{weights}, tv 0"
    painting = explain(photo, style, network, replace(TINY, tv=0.0, tv_sum=1e-5))
    curve = pages[1].terms[-1]
    assert curve.label == "total variation"
    pairs = 3 * (24 * 31 + 23 * 32)  # of neighbors, in three channels
    tv = [row[4] for row in painting.record["history"]]
    np.testing.assert_allclose(curve.y, [1e-5 * pairs * mean for mean in tv], 1e-3)
    assert get_facts(pages[1])["weights"] == f"{weights}, tv of the sum 1e-05"


def test_brightness_alone_and_other_colors(
    photo: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    methods: tuple[Color, ...] = ("luminance", "hsv", "linear")
    for method in methods:
        explain(photo, style, network, replace(TINY, color=method))
        assert all(panel.pixels.shape[2] == 3 for panel in pages[-1].panels)
        assert get_facts(pages[-1])["colors"] == method


def test_several_works(photo: Path, network: VGG, pages: list[Explanation]) -> None:
    works = [("orchard", 0.7), ("procedural-03", 0.3)]
    request = StyleRequest(artist="procedural", works=works)
    painting = explain(photo, request, network)
    titles = ["Orchard in April, Procedural", "Harbour before Dusk, Procedural"]
    shares = [style["share"] for style in painting.record["styles"]]
    assert sum(shares) == pytest.approx(1, abs=1e-3)
    shown = [
        f"{share:.0%} {title}" for share, title in zip(shares, titles, strict=True)
    ]
    sources = "which work each place is after"
    assert get_captions(pages[0]) == ["photo", *shown, "painting", sources]
    assert get_facts(pages[0])["after"] == "; ".join(titles)


def test_a_picture_too_small_to_be_measured(
    tmp_path: Path, style: Path, network: VGG, pages: list[Explanation]
) -> None:
    name = "Größe $x_1$, [red] " + "ü" * 100 + ".png"
    Image.fromarray(picture(1, 3)).save(tmp_path / name)
    layers = (("conv1_1", 1.0),)
    numbers = replace(
        TINY,
        width=3,
        content_layers=layers,
        style_layers=layers,
        neighbor_weight=0.0,
    )
    explain(tmp_path / name, style, network, numbers)
    assert pages[0].title.startswith("Größe $x_1$, [red] ü")
    assert list(pages[0].after) == ["conv1_1"]
    assert get_facts(pages[0])["distances"].startswith("style ")


def test_interrupted_paintings(
    photo: Path,
    style: Path,
    network: VGG,
    pages: list[Explanation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(progress: Progress) -> None:
        if progress.step.iteration == 3:
            raise KeyboardInterrupt

    painting = explain(photo, style, network, SMALL, on_progress=stop)
    assert painting.interrupted
    assert get_facts(pages[0])["stopped"].endswith("interrupted")
    assert list(pages[0].terms[0].x) == [1, 2, 3]

    # Before the first iteration was done.
    evaluate = Objective.__call__
    calls: list[int] = []

    def stop_second(self: Objective, image: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return evaluate(self, image)

    monkeypatch.setattr(Objective, "__call__", stop_second)
    painting = explain(photo, style, network)
    assert painting.record["iterations"] == 0
    assert pages[1].layers == []
    assert get_facts(pages[1])["stopped"] == "interrupted"
