"""Reconstructions: what layers keep, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artist_nst import ArtistNstError, UsageError
from artist_nst.experiments import reconstruction as reconstruct
from artist_nst.experiments.reconstruction import LAYERS, RECONSTRUCTION, Plan, plan
from artist_nst.figures.grid import grid
from artist_nst.nst.weights import Weights
from artist_nst.painting.networks import Networks
from tests.experiments.test_runner import pixels, state, stop_at, thin_networks

SMALL = replace(RECONSTRUCTION, width=48).with_iterations(3)
TWO = ("conv1_1", "conv2_1")


@pytest.fixture
def loaded(thin_weights: Weights, monkeypatch: pytest.MonkeyPatch) -> Networks:
    return thin_networks(thin_weights, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "layers"
    folder.mkdir()
    return folder


@pytest.fixture
def planned(photo: Path, style: Path) -> Plan:
    return plan(photo, style, layers=TWO, recipe=SMALL)


class TestPlan:
    def test_single_layers_and_growing_sets(self, photo: Path, style: Path) -> None:
        planned = plan(photo, style, recipe=SMALL, seed=3)
        assert planned.layers == tuple(f"conv{at}_1" for at in range(1, 6)) == LAYERS
        content, styles = planned.rows
        assert [cell.name for cell in content] == [f"content-{one}" for one in LAYERS]
        assert [cell.name for cell in styles][:2] == [
            "style-conv1_1",
            "style-conv1_1+conv2_1",
        ]
        for number, (kept, wanted) in enumerate(
            zip(content, styles, strict=True), start=1
        ):
            assert kept.recipe.content_layers == ((LAYERS[number - 1], 1.0),)
            assert (kept.recipe.style_layers, kept.recipe.ratio) == ((), 0)
            assert kept.photo == photo
            layers, weights = zip(*wanted.recipe.style_layers, strict=True)
            assert layers == LAYERS[:number]
            assert sum(weights) == pytest.approx(1)
            assert (wanted.recipe.content_layers, wanted.recipe.ratio) == ((), 1)
            assert wanted.photo == wanted.sources[0].path == style
        for cell in planned.all:
            assert (cell.seed, cell.recipe.init, cell.recipe.tv) == (3, "rand", 0)

    @pytest.mark.parametrize(
        ("layers", "says"),
        [
            (("conv1_1", "conv42"), "vgg19 has no 'conv42'.*'conv4_2'"),
            (("conv1_1", "conv1_1"), "twice"),
        ],
    )
    def test_layers_that_cannot_be(
        self, photo: Path, style: Path, layers: tuple[str, ...], says: str
    ) -> None:
        with pytest.raises(UsageError, match=says):
            plan(photo, style, layers=layers)

    def test_requests_that_cannot_be(self, photo: Path, style: Path) -> None:
        bad = photo.with_name("bad.png")
        bad.write_text("not a picture")
        for pictures in ((bad, style), (photo, bad)):
            with pytest.raises(ArtistNstError, match=r"bad\.png"):
                plan(*pictures)
        with pytest.raises(UsageError, match="--seed"):
            plan(photo, style, seed=2**63)
        with pytest.raises(ArtistNstError, match="--max-pixels"):
            plan(photo, style, max_pixels=100)


class TestReconstruct:
    def test_two_rows_on_one_sheet(
        self,
        planned: Plan,
        loaded: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        given: dict[str, Any] = {}

        def spy(cells: Any, **heads: Any) -> Any:
            given.update(heads, cells=cells)
            return grid(cells, **heads)

        monkeypatch.setattr(reconstruct, "grid", spy)
        series = reconstruct.reconstruct(planned, folder, networks=loaded)
        assert series.painted == 4
        names = [f"{cell.name}.png" for cell in planned.all]
        others = ["losses.png", "results.csv", "sheet.png"]
        assert sorted(state(folder)) == sorted(names + others)
        assert given["columns"] == TWO
        assert len(given["rows"]) == 2
        labels = [panel.label for panel in given["beside"]]
        assert labels == ["photo.png: content", "style.png: style"]
        for row, panels in zip(planned.rows, given["cells"], strict=True):
            for cell, shown in zip(row, panels, strict=True):
                painted = pixels(folder / f"{cell.name}.png")
                assert (np.rint(shown.pixels * 255) == painted).all()
        # Each row has its own picture's aspect.
        assert pixels(folder / "content-conv1_1.png").shape == (36, 48, 3)
        assert pixels(folder / "style-conv1_1.png").shape == (60, 48, 3)

    def test_what_the_first_layer_keeps_is_nearly_the_picture(
        self, photo: Path, loaded: Networks, folder: Path
    ) -> None:
        recipe = SMALL.with_iterations(40)
        planned = plan(photo, photo, layers=("conv1_1",), recipe=recipe)
        reconstruct.reconstruct(planned, folder, networks=loaded)
        small = Image.open(photo).resize((48, 36), Image.Resampling.LANCZOS)
        wanted = np.asarray(small).astype(float)
        content = pixels(folder / "content-conv1_1.png").astype(float)
        styled = pixels(folder / "style-conv1_1.png").astype(float)
        apart = np.abs(content - wanted).mean()
        assert apart < 20
        # Its style is not bound to any place.
        assert np.abs(styled - wanted).mean() > 2 * apart

    def test_one_picture_is_shown_once(
        self,
        photo: Path,
        loaded: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        beside: list[str] = []

        def spy(cells: Any, **heads: Any) -> Any:
            beside.extend(panel.label for panel in heads["beside"])
            return grid(cells, **heads)

        monkeypatch.setattr(reconstruct, "grid", spy)
        planned = plan(photo, photo, layers=TWO[:1], recipe=SMALL)
        reconstruct.reconstruct(planned, folder, networks=loaded)
        assert beside == ["photo.png"]

    def test_it_goes_on_after_ctrl_c(
        self, planned: Plan, loaded: Networks, folder: Path
    ) -> None:
        series = reconstruct.reconstruct(
            planned, folder, networks=loaded, on_progress=stop_at(3, 2)
        )
        assert (series.interrupted, series.painted) == (True, 2)
        assert "sheet.png" in state(folder)
        before = state(folder)["content-conv1_1.png"]
        series = reconstruct.reconstruct(planned, folder, networks=loaded)
        assert (series.interrupted, series.painted, len(series.done)) == (False, 2, 4)
        assert state(folder)["content-conv1_1.png"] == before

    def test_ctrl_c_while_the_sheet_is_laid_out(
        self,
        planned: Plan,
        loaded: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def stop(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(reconstruct, "grid", stop)
        series = reconstruct.reconstruct(planned, folder, networks=loaded)
        assert (series.interrupted, len(series.done)) == (True, 4)

    def test_another_comparisons_folder(
        self, planned: Plan, loaded: Networks, folder: Path
    ) -> None:
        reconstruct.reconstruct(planned, folder, networks=loaded)
        before = state(folder)
        other = replace(SMALL, width=40)
        again = plan(planned.content, planned.style, layers=TWO, recipe=other)
        with pytest.raises(UsageError, match="other width"):
            reconstruct.reconstruct(again, folder, networks=loaded)
        assert state(folder) == before
