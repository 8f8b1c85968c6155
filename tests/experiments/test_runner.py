"""Several paintings in one folder: each is painted once, and shared work done once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from artist_nst import ArtistNstError, Recipe, UsageError, paint, recipe
from artist_nst._files import hash_file
from artist_nst.experiments.results import write_sheet
from artist_nst.experiments.runner import Cell, Series, SeriesProgress, paint_series
from artist_nst.image.files import read_record, write_picture
from artist_nst.nst.compact import PACKAGED_FILE
from artist_nst.nst.vgg import VGG, Block
from artist_nst.painting import networks as networks_module
from artist_nst.painting import record
from artist_nst.painting.canvas import Canvas
from artist_nst.painting.compute import ComputeOptions
from artist_nst.painting.networks import Networks
from artist_nst.painting.sources import Source
from artist_nst.recipes.recipe import Network, Pool
from tests.conftest import picture
from tests.experiments.conftest import (
    SMALL,
    read_pixels,
    rewrite_record,
    snapshot,
    stop_at,
)

OFFLINE = ComputeOptions(device="cpu", offline=True)
POOLS: tuple[Pool, ...] = ("max", "average")
OUTPUTS = ("sheet.png", "results.csv", "losses.png")

MakeCells = Callable[..., list[Cell]]


@pytest.fixture
def make_cells(photo: Path, style: Path) -> MakeCells:
    """Function that makes a cell of each recipe."""

    def make(*recipes: Recipe, seed: int = 0) -> list[Cell]:
        return [
            Cell(
                f"cell-{number}",
                photo,
                (Source(style),),
                recipe,
                seed,
                {"number": str(number)},
            )
            for number, recipe in enumerate(recipes, start=1)
        ]

    return make


def vary_ratio(*values: float, base: Recipe = SMALL) -> list[Recipe]:
    return [replace(base, ratio=value) for value in values]


def vary_pool() -> list[Recipe]:
    return [replace(SMALL, pool=pool) for pool in POOLS]


def raise_interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def forbid_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object) -> VGG:
        raise AssertionError("loaded")

    monkeypatch.setattr(networks_module, "load_network", load)


class TestPainting:
    def test_each_is_painted_measured_and_recorded(
        self, make_cells: MakeCells, networks: Networks, folder: Path
    ) -> None:
        cells = make_cells(*vary_ratio(1, 25), seed=7)
        series = paint_series(cells, folder, networks)
        assert sorted(series.done) == ["cell-1", "cell-2"]
        assert (series.painted, series.interrupted, series.failed) == (2, False, {})
        assert (series.kind, series.sheet) == ("number", folder / "sheet.png")
        assert list(snapshot(folder)) == ["cell-1.png", "cell-2.png"]
        for cell in cells:
            facts = record.load_record(folder / f"{cell.name}.png")
            assert facts == json.loads(json.dumps(series.done[cell.name].record))
            recipe = {**cell.recipe.to_dict(), "network": "vgg19"}
            assert facts["recipe"] == json.loads(json.dumps(recipe))
            assert facts["seed"] == 7
            assert facts["distances"]["content"] > 0
            assert facts["distances"]["style"] > 0
            assert len(facts["distances"]["grams"]) == 5

    def test_progress_is_over_all_cells(
        self, make_cells: MakeCells, networks: Networks, folder: Path
    ) -> None:
        cells = make_cells(*vary_ratio(1, 5, 25))
        reports: list[SeriesProgress] = []
        paint_series(cells, folder, networks, reports.append)
        numbers = [
            (report.cell.name, report.number, report.count) for report in reports
        ]
        assert numbers == [(f"cell-{n}", n, 3) for n in (1, 2, 3) for _ in range(3)]
        remaining = [report.remaining for report in reports]
        assert np.isfinite(remaining).all()
        assert all(seconds > 0 for seconds in remaining[:-1])
        assert remaining[-1] == 0
        # Two more cells come after the first, one after the second.
        assert remaining[2] > reports[2].progress.step.remaining == 0
        # Counted on from those that are finished.
        (folder / "cell-2.png").unlink()
        reports.clear()
        paint_series(cells, folder, networks, reports.append)
        assert {(report.cell.name, report.number) for report in reports} == {
            ("cell-2", 3)
        }

    def test_sharing_changes_no_pixel(
        self,
        photo: Path,
        style: Path,
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
    ) -> None:
        recipes = [
            SMALL,
            replace(SMALL, pool="average"),
            replace(SMALL, pool="average", ratio=25),
            replace(SMALL, style_scale=0.7),
            replace(SMALL, color="linear"),
            replace(SMALL, color="luminance"),
            replace(SMALL, padding="replicate"),
        ]
        cells = make_cells(*recipes, seed=3)
        series = paint_series(cells, folder, networks)
        for cell in cells:
            network = networks.load(cell.recipe)
            alone = paint(photo, [style], recipe=cell.recipe, network=network, seed=3)
            together = read_pixels(folder / f"{cell.name}.png")
            assert (np.rint(alone.pixels * 255) == together).all(), cell.name
        first, *others = (read_pixels(done.path) for done in series.done.values())
        assert all((other != first).any() for other in others)

    def test_all_are_measured_by_the_network_of_the_first(
        self,
        photo: Path,
        style: Path,
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
    ) -> None:
        """Otherwise their distances could not be compared."""
        cells = make_cells(*vary_pool())
        series = paint_series(cells, folder, networks)
        grams = []
        for cell in cells:
            distances = series.done[cell.name].record["distances"]
            assert distances["network"] == "vgg19, max pooling"
            alone = paint(
                photo,
                [style],
                recipe=cell.recipe,
                network=networks.load(cell.recipe),
                seed=0,
                measure=lambda: networks.load(SMALL),
            )
            assert alone.record["distances"] == distances
            grams.append(distances["grams"])
        assert grams[0] != grams[1]

    def test_without_the_first_ones_network_each_measures_itself(
        self,
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        load = networks_module.load_network

        def load_average(recipe: Recipe, *_: object) -> VGG:
            if recipe.pool != "average":
                raise ArtistNstError("no weights")
            return load(recipe)

        monkeypatch.setattr(networks_module, "load_network", load_average)
        series = paint_series(make_cells(*vary_pool()), folder, networks)
        assert (list(series.failed), list(series.done)) == (["cell-1"], ["cell-2"])
        distances = series.done["cell-2"].record["distances"]
        assert distances["network"] == "vgg19, average pooling"
        assert "can't be compared" not in caplog.text

    def test_distances_that_cannot_be_compared_are_a_warning(
        self,
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """If another cell came first when some of them were painted."""
        cells = make_cells(*vary_pool())
        paint_series(cells[:1], folder, networks)
        assert "can't be compared" not in caplog.text
        paint_series(cells[::-1], folder, networks)
        assert "can't be compared" in caplog.text
        assert "vgg19, average pooling; vgg19, max pooling" in caplog.text

    def test_one_that_cannot_be_painted_does_not_stop_the_others(
        self, make_cells: MakeCells, networks: Networks, folder: Path
    ) -> None:
        recipes = [replace(SMALL, width=width) for width in (48, 8, 40)]
        series = paint_series(make_cells(*recipes), folder, networks)
        assert sorted(series.done) == ["cell-1", "cell-3"]
        assert list(series.failed) == ["cell-2"]
        assert "--width" in str(series.failed["cell-2"])
        assert list(snapshot(folder)) == ["cell-1.png", "cell-3.png"]

    def test_a_full_disk_ends_it_and_keeps_what_is_finished(
        self,
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def write(path: Path, *arguments: Any, **options: Any) -> None:
            if path.name == "cell-2.png":
                raise ArtistNstError(f"{path} cannot be written: no space left")
            write_picture(path, *arguments, **options)

        monkeypatch.setattr("artist_nst.painting.pipeline.write_picture", write)
        with pytest.raises(ArtistNstError, match=r"cell-2\.png .*no space left"):
            paint_series(make_cells(*vary_ratio(1, 5, 25)), folder, networks)
        assert list(snapshot(folder)) == ["cell-1.png"]

    def test_two_at_once(
        self, make_cells: MakeCells, networks: Networks, folder: Path
    ) -> None:
        cells = make_cells(*vary_ratio(1))

        def paint_again(_: SeriesProgress) -> None:
            with pytest.raises(ArtistNstError, match="another artist-nst is painting"):
                paint_series(cells, folder / ".." / folder.name, networks)

        assert paint_series(cells, folder, networks, paint_again).painted == 1
        assert paint_series(cells, folder, networks).painted == 0
        assert list(snapshot(folder)) == ["cell-1.png"]

    def test_cost_and_label_of_a_cell(self, make_cells: MakeCells) -> None:
        base = replace(SMALL, width=48, levels=((0.5, 40), (1.0, 10)))
        small, large = make_cells(base, replace(base, width=96))
        assert large.cost == 4 * small.cost
        assert small.cost == 48**2 * (40 / 4 + 10)
        cell = replace(small, settings={"style-scale": "1.2", "ratio": "5"})
        assert cell.label == "style scale 1.2, ratio 5"


class TestFolder:
    def test_a_missing_folder(
        self, make_cells: MakeCells, networks: Networks, tmp_path: Path
    ) -> None:
        with pytest.raises(UsageError, match="folder does not exist"):
            paint_series(make_cells(SMALL), tmp_path / "no", networks)

    def test_a_folder_in_place_of_a_file(
        self, make_cells: MakeCells, networks: Networks, folder: Path
    ) -> None:
        for name in OUTPUTS:
            (folder / name).mkdir()
            with pytest.raises(UsageError, match=f"{name} cannot be written"):
                paint_series(make_cells(SMALL), folder, networks)
            (folder / name).rmdir()
        assert not list(folder.iterdir())

    def test_a_picture_that_would_be_replaced(
        self,
        photo: Path,
        style: Path,
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
    ) -> None:
        (cell,) = make_cells(SMALL)
        for name in ("sheet.png", "losses.png"):
            path = folder / name
            replaced: list[tuple[Path, dict[str, Any]]] = [
                (photo, {"photo": path}),
                (style, {"sources": (Source(path),)}),
            ]
            for original, changes in replaced:
                shutil.copy(original, path)
                with pytest.raises(UsageError, match="would be replaced"):
                    paint_series([replace(cell, **changes)], folder, networks)
                assert path.read_bytes() == original.read_bytes()
                path.unlink()

    def test_a_strangers_file_is_not_replaced(
        self, make_cells: MakeCells, networks: Networks, folder: Path
    ) -> None:
        for name in OUTPUTS:
            (folder / name).write_text("my own")
            with pytest.raises(UsageError, match=f"{name} exists, .*-o"):
                paint_series(make_cells(SMALL), folder, networks)
            assert (folder / name).read_text() == "my own"
            (folder / name).unlink()
        assert not list(folder.iterdir())

    def test_a_sheet_is_replaced_by_its_like_alone(
        self, make_cells: MakeCells, networks: Networks, folder: Path
    ) -> None:
        cells = make_cells(SMALL)
        series = paint_series(cells, folder, networks)
        write_sheet(series, np.zeros((8, 8, 3)))
        assert paint_series(cells, folder, networks).painted == 0
        other = replace(cells[0], name="other", settings={"ratio": "1"})
        before = snapshot(folder)
        with pytest.raises(UsageError, match=r"sheet\.png exists, "):
            paint_series([other], folder, networks)
        assert snapshot(folder) == before

    def test_a_table_without_a_sheet_is_what_a_crash_leaves(
        self, make_cells: MakeCells, networks: Networks, folder: Path
    ) -> None:
        paint_series(make_cells(SMALL), folder, networks)
        (folder / "results.csv").write_text("half")
        series = paint_series(make_cells(*vary_ratio(5, 25)), folder, networks)
        assert (series.painted, len(series.done)) == (1, 2)


class TestSharing:
    def test_a_series_looks_at_photo_and_style_once_a_level(
        self,
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        passes: list[int] = []
        run_block = VGG.run_block

        def run(self: VGG, block: Block, x: Tensor, *more: Any) -> Any:
            if block.layers[0] == "conv1_1":
                passes.append(x.shape[-1])
            return run_block(self, block, x, *more)

        monkeypatch.setattr(VGG, "run_block", run)
        # Levels of 64, 96 and 96 pixels; a third of the size is too small for one.
        # Neighbors are searched anew for each painting.
        base = recipe("gram", width=96).with_iterations(5)
        cells = make_cells(*vary_ratio(1, 5, 25, base=base))
        series = paint_series(cells, folder, networks)
        records = [done.record for done in series.done.values()]
        assert [len(facts["stopped"]) for facts in records] == [3, 3, 3]
        evaluations = sum(facts["evaluations"] for facts in records)
        photo_and_style, measured = 2 * 3, len(cells)
        assert len(passes) == evaluations + photo_and_style + measured

    def test_each_network_is_loaded_once(
        self,
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        loads: list[str] = []
        load = networks_module.load_network

        def load_any(recipe: Recipe, *_: object) -> VGG:
            loads.append(recipe.network)
            network = load(recipe)
            network.name = recipe.network
            return network

        monkeypatch.setattr(networks_module, "load_network", load_any)
        names: tuple[Network, ...] = ("vgg19", "vgg16")
        recipes = [
            replace(recipe, network=name)
            for recipe in vary_ratio(1, 25)
            for name in names
        ]
        series = paint_series(make_cells(*recipes), folder, networks)
        assert loads == ["vgg19", "vgg16"]
        painted_by = [done.record["network"]["name"] for done in series.done.values()]
        assert painted_by == ["vgg19", "vgg16"] * 2

    def test_no_network_is_loaded_if_all_is_finished(
        self,
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        cells = make_cells(replace(SMALL, network="vgg19"))
        paint_series(cells, folder, networks)
        forbid_loading(monkeypatch)
        series = paint_series(cells, folder, Networks())
        assert (list(series.done), series.painted) == (["cell-1"], 0)

    def test_nor_if_auto_is_known_to_be_vgg19(
        self,
        make_cells: MakeCells,
        weights_file: Path,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        assert SMALL.network == "auto"
        cells = make_cells(SMALL.with_iterations(1))
        compute = ComputeOptions(device="cpu", weights=weights_file)
        series = paint_series(cells, folder, Networks(compute))
        assert series.done["cell-1"].record["recipe"]["network"] == "vgg19"
        forbid_loading(monkeypatch)
        series = paint_series(cells, folder, Networks(compute))
        assert (list(series.done), series.painted) == (["cell-1"], 0)


class TestWithoutWeights:
    @pytest.fixture
    def painted(
        self, make_cells: MakeCells, folder: Path, without_weights: list[str]
    ) -> list[Cell]:
        """Two cells that the packaged compact network painted."""
        cells = make_cells(*vary_ratio(1, 25))
        series = paint_series(cells, folder, Networks(OFFLINE))
        assert (len(series.done), series.failed) == (2, {})
        assert without_weights == []
        return cells

    def test_the_compact_network_paints_all(
        self,
        make_cells: MakeCells,
        folder: Path,
        without_weights: list[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        networks = Networks(ComputeOptions(device="cpu"))
        series = paint_series(make_cells(*vary_pool()), folder, networks)
        assert (len(series.done), series.failed) == (2, {})
        for done in series.done.values():
            assert done.record["network"]["sha256"] == hash_file(PACKAGED_FILE)
            assert done.record["recipe"]["network"] == "compact"
            assert done.record["distances"]["network"] == "compact, max pooling"
        # One warning and one look-up, not one for every painting.
        (warning,) = [entry for entry in caplog.records if entry.levelname == "WARNING"]
        assert "the compact network paints instead" in warning.getMessage()
        assert len(without_weights) == 1

    def test_it_does_not_continue_with_other_weights(
        self,
        painted: list[Cell],
        folder: Path,
        weights_file: Path,
        compact_file: Path,
    ) -> None:
        def resume(**options: Any) -> Series:
            compute = ComputeOptions(device="cpu", offline=True, **options)
            return paint_series(painted, folder, Networks(compute))

        before = snapshot(folder)
        # The compact network's file itself says what it expects.
        series = resume(weights_input="torchvision")
        assert (series.painted, len(series.done)) == (0, 2)
        with pytest.raises(UsageError, match=r"cell-1\.png .* other network: .*-o"):
            resume(weights=weights_file)
        with pytest.raises(UsageError, match=r"cell-1\.png .* other weights: .*-o"):
            resume(weights=compact_file)
        assert snapshot(folder) == before

    def test_it_continues_if_it_is_named(
        self, painted: list[Cell], folder: Path, weights_file: Path
    ) -> None:
        (folder / "cell-2.png").unlink()
        named = [
            replace(cell, recipe=replace(cell.recipe, network="compact"))
            for cell in painted
        ]
        compute = ComputeOptions(device="cpu", weights=weights_file)
        series = paint_series(named, folder, Networks(compute))
        assert (series.painted, len(series.done)) == (1, 2)

    @pytest.mark.usefixtures("without_weights")
    def test_it_does_not_continue_what_vgg19_began(
        self, make_cells: MakeCells, folder: Path, weights_file: Path
    ) -> None:
        base = SMALL.with_iterations(1)
        cells = make_cells(*vary_ratio(1, 25, base=base))
        vgg19 = Networks(ComputeOptions(device="cpu", weights=weights_file))
        paint_series(cells[:1], folder, vgg19)
        before = snapshot(folder)
        with pytest.raises(UsageError, match=r"cell-1\.png .* other network: .*-o"):
            paint_series(cells, folder, Networks(OFFLINE))
        assert snapshot(folder) == before

    @pytest.mark.usefixtures("without_weights")
    def test_a_layer_that_only_vgg19_has_fails_alone(
        self,
        make_cells: MakeCells,
        folder: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        deep = replace(SMALL, content_layers=(("conv5_2", 1.0),))
        for recipes, failing in [([deep, SMALL], "cell-1"), ([SMALL, deep], "cell-2")]:
            caplog.clear()
            series = paint_series(make_cells(*recipes), folder, Networks(OFFLINE))
            assert len(series.done) == 1
            assert list(series.failed) == [failing]
            assert "'conv5_2'" in str(series.failed[failing])
            warnings = [
                entry for entry in caplog.records if entry.levelname == "WARNING"
            ]
            assert len(warnings) == 1
            next(folder.iterdir()).unlink()

    def test_drafts_by_another_packaged_network(
        self,
        make_cells: MakeCells,
        folder: Path,
        networks: Networks,
        compact_file: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        drafted = replace(SMALL, width=48, levels=((0.5, 1), (1.0, 1)), draft_levels=1)
        cells = make_cells(*vary_ratio(1, 25, base=drafted))
        paint_series(cells, folder, networks)
        network = record.load_record(folder / "cell-1.png")["network"]
        assert network["name"] == "vgg19"
        assert network["draft_sha256"] == hash_file(PACKAGED_FILE)
        assert paint_series(cells, folder, networks).painted == 0
        (folder / "cell-2.png").unlink()
        before = snapshot(folder)
        # Paintings without drafts do not depend on it.
        whole = make_cells(replace(drafted, draft_levels=0))
        other_folder = tmp_path / "other"
        other_folder.mkdir()
        paint_series(whole, other_folder, networks)
        with monkeypatch.context() as patch:
            patch.setattr("artist_nst.experiments.runner.PACKAGED_FILE", compact_file)
            with pytest.raises(UsageError, match=r"cell-1\.png .* other draft weights"):
                paint_series(cells, folder, networks)
            assert paint_series(whole, other_folder, networks).painted == 0
        assert snapshot(folder) == before
        assert paint_series(cells, folder, networks).painted == 1

    def test_one_network_beside_the_other(
        self, make_cells: MakeCells, folder: Path, weights_file: Path
    ) -> None:
        names: tuple[Network, ...] = ("vgg19", "compact")
        base = SMALL.with_iterations(1)
        cells = make_cells(*(replace(base, network=name) for name in names))
        networks = Networks(ComputeOptions(device="cpu", weights=weights_file))
        series = paint_series(cells, folder, networks)
        records = [done.record for done in series.done.values()]
        assert [facts["network"]["name"] for facts in records] == ["vgg19", "compact"]
        for facts in records:
            assert facts["distances"]["network"] == "vgg19, max pooling"
        series = paint_series(cells, folder, networks)
        assert (series.painted, len(series.done)) == (0, 2)


class TestResuming:
    @pytest.fixture
    def painted(
        self, make_cells: MakeCells, networks: Networks, folder: Path
    ) -> list[Cell]:
        cells = make_cells(*vary_ratio(1, 25))
        paint_series(cells, folder, networks)
        return cells

    def test_finished_paintings_are_skipped(
        self, painted: list[Cell], networks: Networks, folder: Path
    ) -> None:
        before = snapshot(folder)
        reports: list[SeriesProgress] = []
        # A recipe's name and source do not change the painting, nor the photo's.
        moved = Path(painted[0].photo).rename(folder.parent / "moved.png")
        renamed = [
            replace(
                cell,
                photo=moved,
                recipe=replace(cell.recipe, name="mine", source="me"),
            )
            for cell in painted
        ]
        series = paint_series(renamed, folder, networks, reports.append)
        assert (series.painted, reports, len(series.done)) == (0, [], 2)
        assert snapshot(folder) == before

    def test_paintings_of_earlier_versions_are_skipped(
        self, painted: list[Cell], networks: Networks, folder: Path
    ) -> None:
        path = folder / "cell-1.png"
        recipe = json.loads(read_record(path))["recipe"]
        for field in ("style_size", "tv_sum"):
            del recipe[field]
        rewrite_record(path, recipe=recipe)
        assert paint_series(painted, folder, networks).painted == 0

    def test_new_and_deleted_ones_are_painted(
        self,
        painted: list[Cell],
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
    ) -> None:
        before = snapshot(folder)
        deleted = read_pixels(folder / "cell-2.png")
        (folder / "cell-2.png").unlink()
        cells = make_cells(*vary_ratio(1, 25, 5))
        assert cells[:2] == painted
        series = paint_series(cells, folder, networks)
        assert (series.painted, len(series.done)) == (2, 3)
        assert snapshot(folder)["cell-1.png"] == before["cell-1.png"]
        assert (read_pixels(folder / "cell-2.png") == deleted).all()

    def test_unfinished_ones_are_painted(
        self, painted: list[Cell], networks: Networks, folder: Path
    ) -> None:
        path = folder / "cell-2.png"
        finished = read_pixels(path)
        before = snapshot(folder)["cell-1.png"]

        def cut_off() -> None:
            path.write_bytes(path.read_bytes()[:-500])
            assert record.load_record(path)["seed"] == 0

        for spoil in (
            lambda: rewrite_record(
                path, stopped=["all iterations done", "interrupted"]
            ),
            lambda: rewrite_record(path, distances=None),
            cut_off,
        ):
            spoil()
            assert paint_series(painted, folder, networks).painted == 1
            assert snapshot(folder)["cell-1.png"] == before
            facts = record.load_record(path)
            assert "interrupted" not in facts["stopped"]
            assert facts["distances"] is not None
            assert (read_pixels(path) == finished).all()

    def test_what_was_painted_otherwise_is_not_replaced(
        self,
        painted: list[Cell],
        networks: Networks,
        weights_file: Path,
        folder: Path,
        tmp_path: Path,
    ) -> None:
        first, second = painted
        other = tmp_path / "other.png"
        Image.fromarray(picture(60, 60, seed=8)).save(other)
        before = snapshot(folder)
        half = (Source(second.sources[0].path, 0.5),)
        shallow = replace(second.recipe, content_layers=(("conv3_1", 1.0),))
        changes: list[tuple[dict[str, Any], str]] = [
            ({"recipe": replace(second.recipe, ratio=24.0)}, "other ratio"),
            ({"recipe": shallow}, "other content layers"),
            ({"photo": other}, "other photo"),
            ({"sources": (Source(other),)}, "other work"),
            ({"sources": half}, "other work"),
            ({"seed": 1}, "other seed"),
        ]
        for change, reason in changes:
            with pytest.raises(UsageError, match=f"cell-2.png .*{reason}: .*-o"):
                paint_series([first, replace(second, **change)], folder, networks)
        options: list[tuple[dict[str, Any], str]] = [
            ({"weights": weights_file}, "other weights"),
            ({"weights_input": "oxford"}, "other weights input"),
            ({"precision": "bfloat16"}, "other precision"),
        ]
        for option, reason in options:
            rewrite_record(folder / "cell-1.png", precision="float32")
            others = Networks(ComputeOptions(**option))
            with pytest.raises(UsageError, match=f"cell-1.png .*{reason}: .*-o"):
                paint_series(painted, folder, others)
        assert snapshot(folder)["cell-2.png"] == before["cell-2.png"]
        assert len(list(folder.iterdir())) == 2

    def test_a_strangers_picture_is_not_replaced(
        self, painted: list[Cell], networks: Networks, folder: Path
    ) -> None:
        path = folder / "cell-2.png"

        def make_link() -> None:
            path.unlink()
            path.symlink_to("nowhere.png")

        def make_folder() -> None:
            path.unlink()
            path.mkdir()

        facts = json.loads(read_record(path))
        del facts["stopped"]
        pixels = read_pixels(path)
        for spoil, reason in [
            (lambda: rewrite_record(path, styles=[7]), "not a painting"),
            (
                lambda: write_picture(path, pixels, record=json.dumps(facts)),
                "not a painting",
            ),
            (lambda: Image.fromarray(pixels).save(path), "not a painting"),
            (make_link, "not a painting"),
            (make_folder, "not a painting"),
        ]:
            spoil()
            before = snapshot(folder)
            with pytest.raises(UsageError, match=f"cell-2.png .*{reason}.*-o"):
                paint_series(painted, folder, networks)
            assert snapshot(folder) == before
            assert len(list(folder.iterdir())) == 2


class TestCtrlC:
    def test_the_best_so_far_is_kept_and_the_rest_is_painted_later(
        self, make_cells: MakeCells, networks: Networks, folder: Path
    ) -> None:
        cells = make_cells(*vary_ratio(1, 5, 25))
        series = paint_series(cells, folder, networks, stop_at(2, 2))
        assert series.interrupted
        assert (list(series.done), series.painted) == (["cell-1"], 1)
        assert list(snapshot(folder)) == ["cell-1.png", "cell-2.png"]
        facts = record.load_record(folder / "cell-2.png")
        assert facts["stopped"][-1] == "interrupted"
        assert facts["iterations"] == 2
        assert read_pixels(folder / "cell-2.png").shape == (24, 32, 3)
        before = snapshot(folder)["cell-1.png"]
        series = paint_series(cells, folder, networks)
        assert (len(series.done), series.painted) == (3, 2)
        assert snapshot(folder)["cell-1.png"] == before
        assert record.load_record(folder / "cell-2.png")["iterations"] == 3

    def test_before_there_is_anything_to_keep(
        self,
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(VGG, "run_block", raise_interrupt)
        series = paint_series(make_cells(SMALL), folder, networks)
        assert (series.interrupted, series.done, snapshot(folder)) == (True, {}, {})

    def test_while_a_painting_is_measured(
        self,
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It is kept, but not finished: its distances are missing."""
        cells = make_cells(*vary_ratio(1, 5))
        with monkeypatch.context() as patch:
            patch.setattr(Canvas, "measure_distances", raise_interrupt)
            series = paint_series(cells, folder, networks)
        assert (series.interrupted, series.done) == (True, {})
        assert record.load_record(folder / "cell-1.png")["distances"] is None
        series = paint_series(cells, folder, networks)
        assert (series.painted, len(series.done)) == (2, 2)

    def test_while_a_painting_is_saved(
        self,
        make_cells: MakeCells,
        networks: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        attempts: list[Path] = []

        def write(path: Path, *arguments: Any, **options: Any) -> None:
            attempts.append(path)
            if len(attempts) == 1:
                raise KeyboardInterrupt
            write_picture(path, *arguments, **options)

        monkeypatch.setattr("artist_nst.painting.pipeline.write_picture", write)
        series = paint_series(make_cells(*vary_ratio(1, 5)), folder, networks)
        assert (series.interrupted, list(series.done)) == (True, ["cell-1"])
        assert list(snapshot(folder)) == ["cell-1.png"]
