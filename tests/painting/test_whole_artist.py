"""Paintings whose places are after several works: shares, limits, hard inputs."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artist_nst import Progress, paint, recipe
from artist_nst.errors import UsageError
from artist_nst.nst.vgg import VGG
from artist_nst.painting import record
from tests.conftest import picture

SMALL = recipe(width=80, levels=((0.8, 3), (1.0, 6)), rematch=2)


def save(folder: Path, name: str, levels: np.ndarray) -> str:
    Image.fromarray(levels).save(folder / f"{name}.png")
    return str(folder / f"{name}.png")


@pytest.fixture
def works(tmp_path: Path) -> list[str]:
    return [save(tmp_path, str(seed), picture(56, 72, seed)) for seed in (5, 6, 7)]


def test_shares_are_recorded_and_told(
    photo: Path, works: list[str], network: VGG, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "artist_nst"):
        painting = paint(photo, works, recipe=SMALL, network=network, seed=1)
    assert 0 < painting.record["losses"]["neighbors"] < 1
    shares = [style["share"] for style in painting.record["styles"]]
    assert sum(shares) == pytest.approx(1, abs=1e-3)
    assert sum(share > 0 for share in shares) >= 2
    (line,) = [text for text in caplog.messages if text.startswith("neighbors: ")]
    for share, path in zip(shares, works, strict=True):
        assert (f"{share:.0%} {Path(path).name}" in line) == (share > 0)


def test_a_style_without_weight_gives_nothing(
    photo: Path, works: list[str], network: VGG
) -> None:
    weighted = [(works[0], 0.0), (works[1], 1.0)]
    painting = paint(photo, weighted, recipe=SMALL, network=network, seed=1)
    assert [style["share"] for style in painting.record["styles"]] == [0, 1]
    alone = paint(photo, works[1], recipe=SMALL, network=network, seed=1)
    np.testing.assert_array_equal(painting.pixels, alone.pixels)


def test_a_limit_is_kept(photo: Path, works: list[str], network: VGG) -> None:
    settings = replace(SMALL, max_share=0.4)
    painting = paint(photo, works, recipe=settings, network=network, seed=1)
    shares = [style["share"] for style in painting.record["styles"]]
    assert max(shares) < 0.42
    assert sum(shares) == pytest.approx(1, abs=1e-3)


def test_a_limit_that_cannot_be_kept(
    photo: Path, works: list[str], network: VGG
) -> None:
    settings = replace(SMALL, max_share=0.3)
    with pytest.raises(UsageError, match=r"max_share 0\.3: 3 works can't fill"):
        paint(photo, works, recipe=settings, network=network)


def test_gram_matrices_alone_record_no_shares(
    photo: Path, works: list[str], network: VGG
) -> None:
    settings = replace(SMALL, neighbor_weight=0.0)
    painting = paint(photo, works, recipe=settings, network=network, seed=1)
    assert all("share" not in style for style in painting.record["styles"])


def test_it_is_painted_again_from_its_record(
    tmp_path: Path, photo: Path, works: list[str], network: VGG
) -> None:
    settings = replace(SMALL, turns="mirror")
    painting = paint(photo, works, recipe=settings, network=network, seed=1)
    painting.save(tmp_path / "painted.png")
    facts = record.load_record(tmp_path / "painted.png")
    sources = record.find_sources(facts, tmp_path / "painted.png", [], None)
    again = paint(photo, sources, recipe=settings, network=network, seed=1)
    np.testing.assert_array_equal(again.pixels, painting.pixels)


@pytest.mark.parametrize("stop", [4, 5, 6, 8])
def test_ctrl_c_keeps_the_painting(
    photo: Path, works: list[str], network: VGG, stop: int
) -> None:
    def on_progress(progress: Progress) -> None:
        if progress.step.iteration == stop:
            raise KeyboardInterrupt

    painting = paint(
        photo, works, recipe=SMALL, network=network, on_progress=on_progress
    )
    assert painting.interrupted
    assert painting.record["iterations"] == stop
    assert (
        painting.pixels.shape
        == paint(photo, works[0], recipe=SMALL, network=network).pixels.shape
    )


def test_every_iteration_is_counted_once(
    photo: Path, works: list[str], network: VGG
) -> None:
    counted: list[int] = []
    painting = paint(
        photo,
        works,
        recipe=SMALL,
        network=network,
        on_progress=lambda progress: counted.append(progress.step.iteration),
    )
    assert counted == list(range(1, 10))
    assert painting.record["stopped"] == ["all iterations done"] * 2


def test_strips_paint_nearly_the_same(
    photo: Path, works: list[str], network: VGG, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = paint(photo, works, recipe=SMALL, network=network, seed=1)
    monkeypatch.setattr(
        "artist_nst.nst.memory.MAX_TENSOR_ELEMENTS", 1
    )  # no tensor of a whole image
    strips = paint(photo, works, recipe=SMALL, network=network, seed=1)
    assert strips.record["computed"][-1]["rows"] is not None
    assert whole.record["computed"][-1]["rows"] is None
    assert np.abs(strips.pixels - whole.pixels).mean() < 0.02


@pytest.mark.parametrize(
    "levels",
    [
        np.full((40, 60, 3), 128, np.uint8),
        np.full((40, 60, 3), (200, 30, 30), np.uint8),
        picture(300, 30, 1),
        picture(1, 1, 1),
    ],
    ids=["gray", "one color", "high", "a pixel"],
)
def test_hard_works_are_painted_after(
    tmp_path: Path, photo: Path, works: list[str], network: VGG, levels: np.ndarray
) -> None:
    hard = save(tmp_path, "hard", levels)
    for styles in ([hard], [hard, works[0]]):
        painting = paint(photo, styles, recipe=SMALL, network=network, seed=1)
        assert np.isfinite(painting.pixels).all()


def test_a_scroll_can_be_painted_after(
    tmp_path: Path, photo: Path, network: VGG
) -> None:
    strip = save(tmp_path, "strip", picture(20, 900, 1))
    painting = paint(photo, strip, recipe=SMALL, network=network, measure=True)
    assert painting.record["distances"]["style"] > 0


def test_a_photo_that_is_the_work_stays(photo: Path, network: VGG) -> None:
    settings = replace(SMALL, tv=0.0)
    painting = paint(photo, photo, recipe=settings, network=network, seed=1)
    losses = painting.record["losses"]
    assert losses["content"] < 0.01
    assert losses["style"] < 0.01
