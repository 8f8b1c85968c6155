"""Reconstructions: what layers keep, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artist_nst import ArtistNstError, UsageError
from artist_nst.experiments import reconstruction
from artist_nst.experiments.reconstruction import (
    LAYERS,
    RECONSTRUCTION,
    ReconstructionPlan,
    plan_reconstruction,
    reconstruct,
)
from artist_nst.painting.networks import Networks
from tests.experiments.conftest import Drawing, read_pixels, snapshot, stop_at

SMALL = replace(RECONSTRUCTION, width=32).with_iterations(3)
TWO = ("conv1_1", "conv2_1")


@pytest.fixture
def grid(monkeypatch: pytest.MonkeyPatch) -> Drawing:
    """The grid that is drawn last."""
    grid = Drawing()
    monkeypatch.setattr(reconstruction, "draw_grid", grid)
    return grid


@pytest.fixture
def planned(photo: Path, style: Path) -> ReconstructionPlan:
    return plan_reconstruction(photo, style, layers=TWO, recipe=SMALL)


class TestPlan:
    def test_single_layers_and_growing_sets(self, photo: Path, style: Path) -> None:
        planned = plan_reconstruction(photo, style, recipe=SMALL, seed=3)
        assert planned.layers == tuple(f"conv{at}_1" for at in range(1, 6)) == LAYERS
        contents, styles = planned.rows
        assert [cell.name for cell in contents] == [f"content-{at}" for at in LAYERS]
        assert [cell.name for cell in styles][:2] == [
            "style-conv1_1",
            "style-conv1_1+conv2_1",
        ]
        pairs = zip(contents, styles, strict=True)
        for number, (content_cell, style_cell) in enumerate(pairs, start=1):
            recipe = content_cell.recipe
            assert recipe.content_layers == ((LAYERS[number - 1], 1.0),)
            assert (recipe.style_layers, recipe.ratio) == ((), 0)
            assert content_cell.photo == photo
            recipe = style_cell.recipe
            layers, weights = zip(*recipe.style_layers, strict=True)
            assert layers == LAYERS[:number]
            assert sum(weights) == pytest.approx(1)
            assert (recipe.content_layers, recipe.ratio) == ((), 1)
            assert style_cell.photo == style_cell.sources[0].path == style
        for cell in planned.cells:
            assert (cell.seed, cell.recipe.init, cell.recipe.tv) == (3, "rand", 0)

    def test_refused_requests(self, photo: Path, style: Path) -> None:
        bad = photo.with_name("bad.png")
        bad.write_text("not a picture")
        for pictures in ((bad, style), (photo, bad)):
            with pytest.raises(ArtistNstError, match=r"bad\.png"):
                plan_reconstruction(*pictures)
        with pytest.raises(ArtistNstError, match="--max-pixels"):
            plan_reconstruction(photo, style, max_pixels=100)
        with pytest.raises(UsageError, match="--seed"):
            plan_reconstruction(photo, style, seed=2**63)
        with pytest.raises(UsageError, match=r"vgg19 has no 'conv42'.*'conv4_2'"):
            plan_reconstruction(photo, style, layers=("conv1_1", "conv42"))
        with pytest.raises(UsageError, match="twice"):
            plan_reconstruction(photo, style, layers=("conv1_1", "conv1_1"))


@pytest.mark.usefixtures("charts")
class TestReconstruct:
    def test_two_rows_on_one_sheet(
        self,
        planned: ReconstructionPlan,
        networks: Networks,
        folder: Path,
        grid: Drawing,
    ) -> None:
        series = reconstruct(planned, folder, networks=networks)
        assert series.painted == 4
        names = {f"{cell.name}.png" for cell in planned.cells}
        outputs = {"losses.png", "results.csv", "sheet.png"}
        assert set(snapshot(folder)) == names | outputs
        assert grid.options["columns"] == TWO
        assert len(grid.options["rows"]) == 2
        assert grid.references == ["photo.png: content", "style.png: style"]
        for row, panels in zip(planned.rows, grid.panels, strict=True):
            for cell, panel in zip(row, panels, strict=True):
                painted = read_pixels(folder / f"{cell.name}.png")
                assert (np.rint(panel.pixels * 255) == painted).all()
        # Each row has the aspect of its own picture.
        assert read_pixels(folder / "content-conv1_1.png").shape == (24, 32, 3)
        assert read_pixels(folder / "style-conv1_1.png").shape == (40, 32, 3)

    def test_the_first_layer_keeps_nearly_the_picture(
        self, photo: Path, networks: Networks, folder: Path, grid: Drawing
    ) -> None:
        recipe = SMALL.with_iterations(40)
        planned = plan_reconstruction(photo, photo, layers=TWO[:1], recipe=recipe)
        reconstruct(planned, folder, networks=networks)
        small = Image.open(photo).resize((32, 24), Image.Resampling.LANCZOS)
        original = np.asarray(small).astype(float)
        content = read_pixels(folder / "content-conv1_1.png").astype(float)
        style = read_pixels(folder / "style-conv1_1.png").astype(float)
        distance = np.abs(content - original).mean()
        assert distance < 20
        # Its style is not bound to any place.
        assert np.abs(style - original).mean() > 2 * distance
        # One picture is shown once.
        assert grid.references == ["photo.png"]

    def test_it_continues_after_ctrl_c(
        self,
        planned: ReconstructionPlan,
        networks: Networks,
        folder: Path,
        grid: Drawing,
    ) -> None:
        series = reconstruct(
            planned, folder, networks=networks, on_progress=stop_at(3, 2)
        )
        assert (series.interrupted, series.painted) == (True, 2)
        assert series.sheet.exists()
        before = snapshot(folder)["content-conv1_1.png"]
        grid.is_interrupted = True
        series = reconstruct(planned, folder, networks=networks)
        assert (series.interrupted, series.painted, len(series.done)) == (True, 2, 4)
        grid.is_interrupted = False
        series = reconstruct(planned, folder, networks=networks)
        assert (series.interrupted, series.painted, len(series.done)) == (False, 0, 4)
        assert snapshot(folder)["content-conv1_1.png"] == before
        wider = replace(SMALL, width=40)
        other = plan_reconstruction(
            planned.content, planned.style, layers=TWO, recipe=wider
        )
        with pytest.raises(UsageError, match="other width"):
            reconstruct(other, folder, networks=networks)
