"""Several paintings in one folder: each painted once, in as few looks as can be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from artist_nst import ArtistNstError, Recipe, UsageError, paint, recipe
from artist_nst.experiments.results import write_sheet
from artist_nst.experiments.runner import Cell, SeriesProgress, paint_series
from artist_nst.image.files import read_record, sha256_of, write_picture
from artist_nst.nst.compact import PACKAGED
from artist_nst.nst.vgg import VGG, Part
from artist_nst.nst.weights import Weights
from artist_nst.painting import networks, record
from artist_nst.painting.canvas import Canvas
from artist_nst.painting.networks import Networks, load_network
from artist_nst.painting.style_sources import Source
from artist_nst.recipes.recipe import Architecture
from tests.conftest import picture

SMALL = recipe(width=48).with_iterations(3)

Told = Callable[[SeriesProgress], None]


@pytest.fixture
def loaded(thin_weights: Weights, monkeypatch: pytest.MonkeyPatch) -> Networks:
    return thin_networks(thin_weights, monkeypatch)


def thin_networks(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> Networks:
    """Networks of few filters, which paint as slowly as pictures are saved."""

    def load(made: Recipe, **_: object) -> VGG:
        return VGG(weights, pool=made.pool, padding=made.padding)

    monkeypatch.setattr(networks, "load_network", load)
    return Networks()


def offline() -> Networks:
    """Networks of what is here."""
    return Networks(device="cpu", offline=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "grid"
    folder.mkdir()
    return folder


def cells_of(photo: Path, style: Path, *recipes: Recipe, seed: int = 0) -> list[Cell]:
    sources = (Source(style),)
    return [
        Cell(f"cell-{number}", photo, sources, made, seed, {"number": str(number)})
        for number, made in enumerate(recipes, start=1)
    ]


def ratios(*values: float, base: Recipe = SMALL) -> list[Recipe]:
    return [replace(base, ratio=value) for value in values]


def pixels(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file's time of change and bytes."""
    return {
        path.name: (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.iterdir())
    }


def stop_at(number: int, iteration: int) -> Told:
    """Ctrl-C at that iteration of that cell."""

    def told(progress: SeriesProgress) -> None:
        if (progress.number, progress.progress.step.iteration) == (number, iteration):
            raise KeyboardInterrupt

    return told


def rewrite(path: Path, **changes: Any) -> None:
    """The same pixels with another record."""
    made = {**json.loads(read_record(path)), **changes}
    write_picture(path, pixels(path), record=json.dumps(made))


class TestPainting:
    def test_each_is_painted_measured_and_recorded(
        self, photo: Path, style: Path, loaded: Networks, folder: Path
    ) -> None:
        cells = cells_of(photo, style, *ratios(1, 25), seed=7)
        series = paint_series(cells, folder, loaded)
        assert sorted(series.done) == ["cell-1", "cell-2"]
        assert (series.painted, series.interrupted, series.failed) == (2, False, {})
        assert list(state(folder)) == ["cell-1.png", "cell-2.png"]
        for cell in cells:
            made = record.read(folder / f"{cell.name}.png")
            assert made == json.loads(json.dumps(series.done[cell.name].record))
            wanted = {**cell.recipe.to_dict(), "network": "vgg19"}
            assert made["recipe"] == json.loads(json.dumps(wanted))
            assert made["seed"] == 7
            assert made["distances"]["content"] > 0
            assert made["distances"]["style"] > 0
            assert len(made["distances"]["grams"]) == 5

    def test_progress_is_told_over_all_cells(
        self, photo: Path, style: Path, loaded: Networks, folder: Path
    ) -> None:
        cells = cells_of(photo, style, *ratios(1, 5, 25))
        told: list[SeriesProgress] = []
        paint_series(cells, folder, loaded, on_progress=told.append)
        numbers = [(one.cell.name, one.number, one.cells) for one in told]
        assert numbers == [(f"cell-{n}", n, 3) for n in (1, 2, 3) for _ in range(3)]
        left = [one.remaining for one in told]
        assert all(np.isfinite(left))
        assert all(one > 0 for one in left[:-1])
        assert left[-1] == 0
        # Two more cells are to come after the first, one after the second.
        own = [one.progress.step.remaining for one in told]
        assert left[2] > own[2] == 0
        # Counted on from those that are there.
        (folder / "cell-2.png").unlink()
        told.clear()
        paint_series(cells, folder, loaded, on_progress=told.append)
        assert {(one.cell.name, one.number) for one in told} == {("cell-2", 3)}

    def test_sharing_changes_no_pixel(
        self, photo: Path, style: Path, loaded: Networks, folder: Path
    ) -> None:
        """Not between poolings, sizes and colors, and not the other way round."""
        recipes = [
            SMALL,
            replace(SMALL, pool="average"),
            replace(SMALL, pool="average", ratio=25),
            replace(SMALL, style_scale=0.7),
            replace(SMALL, color="linear"),
            replace(SMALL, color="luminance"),
            replace(SMALL, padding="replicate"),
        ]
        cells = cells_of(photo, style, *recipes, seed=3)
        paint_series(cells, folder, loaded)
        for cell, made in zip(cells, recipes, strict=True):
            alone = paint(photo, [style], recipe=made, network=loaded(made), seed=3)
            together = pixels(folder / f"{cell.name}.png")
            assert (np.rint(alone.pixels * 255) == together).all(), cell.name
        first, *others = (pixels(folder / f"{cell.name}.png") for cell in cells)
        assert all((one != first).any() for one in others)

    def test_all_are_measured_by_one_network(
        self, photo: Path, style: Path, loaded: Networks, folder: Path
    ) -> None:
        """By the first one's, or else their distances could not be compared."""
        recipes = [replace(SMALL, pool=pool) for pool in ("max", "average")]
        cells = cells_of(photo, style, *recipes)
        series = paint_series(cells, folder, loaded)
        grams = []
        for cell, made in zip(cells, recipes, strict=True):
            apart = series.done[cell.name].record["distances"]
            assert apart["network"] == "vgg19, max pooling"
            alone = paint(
                photo,
                [style],
                recipe=made,
                network=loaded(made),
                seed=0,
                measure=lambda: loaded(SMALL),
            )
            assert alone.record["distances"] == apart
            grams.append(apart["grams"])
        assert grams[0] != grams[1]

    def test_where_the_first_ones_network_is_missing_each_measures_itself(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        load = networks.load_network

        def only_average(made: Recipe, **how: Any) -> VGG:
            if made.pool != "average":
                raise ArtistNstError("no weights")
            return load(made, **how)

        monkeypatch.setattr(networks, "load_network", only_average)
        recipes = [replace(SMALL, pool=pool) for pool in ("max", "average")]
        series = paint_series(cells_of(photo, style, *recipes), folder, loaded)
        assert (list(series.failed), list(series.done)) == (["cell-1"], ["cell-2"])
        apart = series.done["cell-2"].record["distances"]
        assert apart["network"] == "vgg19, average pooling"
        assert "can't be compared" not in caplog.text

    def test_distances_that_cannot_be_compared_are_said(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Where another cell came first when a part of them was painted."""
        recipes = [replace(SMALL, pool=pool) for pool in ("max", "average")]
        cells = cells_of(photo, style, *recipes)
        paint_series(cells[:1], folder, loaded)
        assert "can't be compared" not in caplog.text
        paint_series(cells[::-1], folder, loaded)
        assert "can't be compared" in caplog.text
        assert "vgg19, average pooling; vgg19, max pooling" in caplog.text

    def test_one_that_cannot_be_painted_does_not_stop_the_others(
        self, photo: Path, style: Path, loaded: Networks, folder: Path
    ) -> None:
        widths = [replace(SMALL, width=width) for width in (48, 8, 40)]
        series = paint_series(cells_of(photo, style, *widths), folder, loaded)
        assert sorted(series.done) == ["cell-1", "cell-3"]
        assert list(series.failed) == ["cell-2"]
        assert "--width" in str(series.failed["cell-2"])
        assert list(state(folder)) == ["cell-1.png", "cell-3.png"]

    def test_a_folder_that_is_not_there(
        self, photo: Path, style: Path, loaded: Networks, tmp_path: Path
    ) -> None:
        with pytest.raises(UsageError, match="folder does not exist"):
            paint_series(cells_of(photo, style, SMALL), tmp_path / "no", loaded)

    @pytest.mark.parametrize("name", ["sheet.png", "results.csv", "losses.png"])
    def test_a_folder_where_a_file_is_to_go(
        self, photo: Path, style: Path, loaded: Networks, folder: Path, name: str
    ) -> None:
        (folder / name).mkdir()
        with pytest.raises(UsageError, match=f"{name} cannot be written"):
            paint_series(cells_of(photo, style, SMALL), folder, loaded)
        assert [path.name for path in folder.iterdir()] == [name]

    @pytest.mark.parametrize("name", ["sheet.png", "losses.png"])
    @pytest.mark.parametrize("role", ["photo", "style"])
    def test_a_picture_that_would_be_replaced(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
        name: str,
        role: str,
    ) -> None:
        named = {"photo": photo, "style": style}
        named[role] = shutil.copy(named[role], folder / name)
        before = state(folder)
        cells = cells_of(named["photo"], named["style"], SMALL)
        with pytest.raises(UsageError, match="would be replaced"):
            paint_series(cells, folder, loaded)
        assert state(folder) == before


class TestReuse:
    def test_a_grid_looks_at_photo_and_style_once_a_level(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        looks: list[int] = []
        run = VGG.run

        def counted(self: VGG, part: Part, x: Tensor, *more: Any) -> Any:
            if part.layers[0] == "conv1_1":
                looks.append(x.shape[-1])
            return run(self, part, x, *more)

        monkeypatch.setattr(VGG, "run", counted)
        # Levels of 64 and 96 pixels; a third of the size is too small for one.
        base = recipe(width=96).with_iterations(5)
        cells = cells_of(photo, style, *ratios(1, 2, 5, 10, 25, 50, base=base))
        series = paint_series(cells, folder, loaded)
        records = [done.record for done in series.done.values()]
        assert len(records) == 6
        evaluations = sum(one["evaluations"] for one in records)
        levels = {len(one["stopped"]) for one in records}
        assert levels == {2}
        assert len(looks) == evaluations + 2 * (1 + 1) + 6
        # What Features counts is what was looked at besides.
        assert series.features.passes == 2 * (1 + 1) + 6

    def test_each_network_of_a_grid_is_loaded_once(
        self,
        photo: Path,
        style: Path,
        folder: Path,
        weights_files: Callable[[Architecture], Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        loads: list[str] = []

        def load(made: Recipe, **how: Any) -> VGG:
            loads.append(made.network)
            path = weights_files("vgg16" if made.network == "vgg16" else "vgg19")
            return load_network(made, **{**how, "weights": path})

        monkeypatch.setattr(networks, "load_network", load)
        recipes = [
            replace(one, network=network)
            for one in ratios(1, 25)
            for network in ("vgg19", "vgg16")
        ]
        series = paint_series(cells_of(photo, style, *recipes), folder, Networks())
        assert loads == ["vgg19", "vgg16"]
        names = [done.record["network"]["name"] for done in series.done.values()]
        assert names == ["vgg19", "vgg16"] * 2

    def test_no_network_is_loaded_where_all_is_done(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Where weights are at hand or the network is named; else what auto comes to
        must be found out."""
        cells = cells_of(photo, style, replace(SMALL, network="vgg19"))
        paint_series(cells, folder, loaded)

        def load(*_: object, **__: object) -> VGG:
            raise AssertionError("loaded")

        monkeypatch.setattr(networks, "load_network", load)
        series = paint_series(cells, folder, Networks())
        assert (list(series.done), series.painted) == (["cell-1"], 0)

    def test_nor_where_auto_is_known_to_be_vgg19(
        self,
        photo: Path,
        style: Path,
        weights_file: Path,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        assert SMALL.network == "auto"
        cells = cells_of(photo, style, SMALL.with_iterations(1))
        series = paint_series(cells, folder, Networks(weights=weights_file))
        assert series.done["cell-1"].record["recipe"]["network"] == "vgg19"

        def load(*_: object, **__: object) -> VGG:
            raise AssertionError("loaded")

        monkeypatch.setattr(networks, "load_network", load)
        series = paint_series(cells, folder, Networks(weights=weights_file))
        assert (list(series.done), series.painted) == (["cell-1"], 0)


class TestWithoutWeights:
    @pytest.fixture
    def painted(
        self, photo: Path, style: Path, folder: Path, without_weights: list[str]
    ) -> list[Cell]:
        cells = cells_of(photo, style, *ratios(1, 25))
        series = paint_series(cells, folder, offline())
        assert (len(series.done), series.failed) == (2, {})
        assert without_weights == []
        return cells

    def test_the_compact_network_paints_all_and_is_said_once(
        self,
        photo: Path,
        style: Path,
        folder: Path,
        without_weights: list[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        recipes = [replace(SMALL, pool=pool) for pool in ("max", "average")]
        cells = cells_of(photo, style, *recipes)
        series = paint_series(cells, folder, Networks(device="cpu"))
        assert (len(series.done), series.failed) == (2, {})
        for done in series.done.values():
            assert done.record["network"]["sha256"] == sha256_of(PACKAGED)
            assert done.record["recipe"]["network"] == "compact"
            assert done.record["distances"]["network"] == "compact, max pooling"
        (said,) = [one for one in caplog.records if one.levelname == "WARNING"]
        assert "the compact network paints instead" in said.getMessage()
        # And looked for once, not for every painting.
        assert len(without_weights) == 1

    def test_what_is_done_is_not_painted_again(
        self, painted: list[Cell], folder: Path
    ) -> None:
        before = state(folder)
        series = paint_series(painted, folder, offline())
        assert (series.painted, len(series.done)) == (0, 2)
        assert state(folder) == before

    def test_it_does_not_go_on_with_vgg19(
        self, painted: list[Cell], folder: Path, weights_file: Path
    ) -> None:
        (folder / "cell-2.png").unlink()
        before = state(folder)
        with pytest.raises(UsageError, match=r"cell-1\.png was .* other network: .*-o"):
            paint_series(painted, folder, Networks(weights=weights_file))
        assert state(folder) == before
        # But by name it may.
        named = [
            replace(cell, recipe=replace(cell.recipe, network="compact"))
            for cell in painted
        ]
        series = paint_series(named, folder, Networks(device="cpu"))
        assert (series.painted, len(series.done)) == (1, 2)

    @pytest.mark.usefixtures("without_weights")
    def test_nor_does_it_go_on_with_what_vgg19_began(
        self, photo: Path, style: Path, folder: Path, weights_file: Path
    ) -> None:
        one, two = cells_of(photo, style, *ratios(1, 25))
        paint_series([one], folder, Networks(weights=weights_file))
        before = state(folder)
        with pytest.raises(UsageError, match=r"cell-1\.png was .* other network: .*-o"):
            paint_series([one, two], folder, offline())
        assert state(folder) == before

    def test_another_compact_network_is_other_weights(
        self, painted: list[Cell], folder: Path, compact_file: Path
    ) -> None:
        before = state(folder)
        with pytest.raises(UsageError, match=r"cell-1\.png was .* other weights: .*-o"):
            paint_series(painted, folder, Networks(weights=compact_file))
        assert state(folder) == before

    def test_what_vggs_files_expect_is_not_asked_of_it(
        self, painted: list[Cell], folder: Path
    ) -> None:
        """The compact network's file says it itself, whatever --weights-input says."""
        given = Networks(device="cpu", offline=True, input="torchvision")
        assert paint_series(painted, folder, given).painted == 0

    @pytest.mark.usefixtures("without_weights")
    @pytest.mark.parametrize("deep_first", [False, True])
    def test_a_layer_that_only_vgg19_has_fails_alone(
        self,
        photo: Path,
        style: Path,
        folder: Path,
        deep_first: bool,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        deep = replace(SMALL, content_layers=(("conv5_2", 1.0),))
        recipes = [deep, SMALL] if deep_first else [SMALL, deep]
        cells = cells_of(photo, style, *recipes)
        failing, well = (cells if deep_first else cells[::-1])[:2]
        series = paint_series(cells, folder, offline())
        assert list(series.done) == [well.name]
        assert list(series.failed) == [failing.name]
        assert "'conv5_2'" in str(series.failed[failing.name])
        warned = [one for one in caplog.records if one.levelname == "WARNING"]
        assert len(warned) == 1

    def test_drafts_of_another_packaged_network(
        self,
        photo: Path,
        style: Path,
        folder: Path,
        loaded: Networks,
        compact_file: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It would be half of one and half of the other."""
        drafted = replace(SMALL, levels=((0.5, 1), (1.0, 1)), draft_levels=1)
        cells = cells_of(photo, style, *ratios(1, 25, base=drafted))
        paint_series(cells, folder, loaded)
        made = record.read(folder / "cell-1.png")["network"]
        assert (made["name"], made["draft_sha256"]) == ("vgg19", sha256_of(PACKAGED))
        assert paint_series(cells, folder, loaded).painted == 0
        (folder / "cell-2.png").unlink()
        before = state(folder)
        with monkeypatch.context() as patch:
            for module in ("series", "networks", "nst.compact"):
                patch.setattr(f"artist_nst.{module}.PACKAGED", compact_file)
            says = r"cell-1\.png was .* other draft weights: .*-o"
            with pytest.raises(UsageError, match=says):
                paint_series(cells, folder, loaded)
            assert state(folder) == before
            # What was painted without drafts is none the worse for it.
            whole = cells_of(photo, style, replace(drafted, draft_levels=0))
            other = folder.parent / "other"
            other.mkdir()
            assert paint_series(whole, other, loaded).painted == 1
        assert paint_series(whole, other, loaded).painted == 0
        assert paint_series(cells, folder, loaded).painted == 1

    def test_one_network_beside_the_other(
        self, photo: Path, style: Path, folder: Path, weights_file: Path
    ) -> None:
        recipes = [replace(SMALL, network=network) for network in ("vgg19", "compact")]
        cells = cells_of(photo, style, *recipes)
        series = paint_series(cells, folder, Networks(weights=weights_file))
        made = [done.record for done in series.done.values()]
        assert [one["network"]["name"] for one in made] == ["vgg19", "compact"]
        assert {one["distances"]["network"] for one in made} == {"vgg19, max pooling"}
        first, second = (pixels(done.path) for done in series.done.values())
        assert (first != second).any()
        again = paint_series(cells, folder, Networks(weights=weights_file))
        assert (again.painted, len(again.done)) == (0, 2)


class TestGoingOn:
    @pytest.fixture
    def painted(
        self, photo: Path, style: Path, loaded: Networks, folder: Path
    ) -> list[Cell]:
        cells = cells_of(photo, style, *ratios(1, 25))
        paint_series(cells, folder, loaded)
        return cells

    def test_what_is_done_is_not_painted_again(
        self, painted: list[Cell], loaded: Networks, folder: Path
    ) -> None:
        before = state(folder)
        told: list[SeriesProgress] = []
        series = paint_series(painted, folder, loaded, on_progress=told.append)
        assert (series.painted, told, len(series.done)) == (0, [], 2)
        assert state(folder) == before

    @pytest.mark.usefixtures("painted")
    def test_only_what_is_new_is_painted(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
    ) -> None:
        before = state(folder)
        more = cells_of(photo, style, *ratios(1, 25, 5))
        series = paint_series(more, folder, loaded)
        assert (series.painted, len(series.done)) == (1, 3)
        after = state(folder)
        assert after.pop("cell-3.png")
        assert after == before

    def test_what_was_deleted_is_painted_again(
        self, painted: list[Cell], loaded: Networks, folder: Path
    ) -> None:
        before = state(folder)
        first = pixels(folder / "cell-2.png")
        (folder / "cell-2.png").unlink()
        series = paint_series(painted, folder, loaded)
        assert series.painted == 1
        assert state(folder)["cell-1.png"] == before["cell-1.png"]
        assert (pixels(folder / "cell-2.png") == first).all()

    @pytest.mark.parametrize(
        "changes",
        [{"stopped": ["all iterations done", "interrupted"]}, {"distances": None}],
    )
    def test_what_was_not_finished_is_painted_again(
        self,
        painted: list[Cell],
        loaded: Networks,
        folder: Path,
        changes: dict[str, Any],
    ) -> None:
        rewrite(folder / "cell-2.png", **changes)
        before = state(folder)
        series = paint_series(painted, folder, loaded)
        assert series.painted == 1
        after = state(folder)
        assert after["cell-1.png"] == before["cell-1.png"]
        made = record.read(folder / "cell-2.png")
        assert "interrupted" not in made["stopped"]
        assert made["distances"] is not None

    def test_a_painting_that_was_cut_off_is_painted_again(
        self, painted: list[Cell], loaded: Networks, folder: Path
    ) -> None:
        path = folder / "cell-2.png"
        whole = pixels(path)
        path.write_bytes(path.read_bytes()[:-500])
        assert record.read(path)["seed"] == 0
        assert paint_series(painted, folder, loaded).painted == 1
        assert (pixels(path) == whole).all()

    @pytest.mark.parametrize("name", ["sheet.png", "results.csv", "losses.png"])
    def test_what_is_not_ours_is_not_replaced(
        self, photo: Path, style: Path, loaded: Networks, folder: Path, name: str
    ) -> None:
        (folder / name).write_text("my own")
        with pytest.raises(UsageError, match=f"{name} is there, and not of a compar"):
            paint_series(cells_of(photo, style, *ratios(1)), folder, loaded)
        assert [path.name for path in folder.iterdir()] == [name]
        assert (folder / name).read_text() == "my own"

    def test_a_sheet_is_replaced_by_its_like_alone(
        self, painted: list[Cell], loaded: Networks, folder: Path
    ) -> None:
        series = paint_series(painted, folder, loaded)
        assert series.kind == "number"
        write_sheet(folder / "sheet.png", np.zeros((8, 8, 3)), series)
        assert paint_series(painted, folder, loaded).painted == 0
        others = [
            replace(cell, name=f"other-{cell.name}", settings={"ratio": "1"})
            for cell in painted
        ]
        before = state(folder)
        with pytest.raises(UsageError, match=r"sheet\.png is there, and not of a"):
            paint_series(others, folder, loaded)
        assert state(folder) == before

    @pytest.mark.usefixtures("painted")
    def test_a_table_without_a_sheet_is_what_a_crash_leaves(
        self, photo: Path, style: Path, loaded: Networks, folder: Path
    ) -> None:
        (folder / "results.csv").write_text("half")
        more = cells_of(photo, style, *ratios(1, 25, 5))
        assert paint_series(more, folder, loaded).painted == 1

    def test_two_at_once(
        self, photo: Path, style: Path, loaded: Networks, folder: Path
    ) -> None:
        cells = cells_of(photo, style, *ratios(1))

        def meanwhile(_: SeriesProgress) -> None:
            with pytest.raises(ArtistNstError, match="another artist-nst is painting"):
                paint_series(cells, folder / ".." / folder.name, loaded)

        assert paint_series(cells, folder, loaded, on_progress=meanwhile).painted == 1
        assert paint_series(cells, folder, loaded).painted == 0
        assert [path.name for path in folder.iterdir()] == ["cell-1.png"]

    def test_the_same_photo_under_another_name(
        self, painted: list[Cell], loaded: Networks, folder: Path
    ) -> None:
        moved = painted[0].photo.rename(folder.parent / "moved.png")  # type: ignore[union-attr]
        cells = [replace(cell, photo=moved) for cell in painted]
        assert paint_series(cells, folder, loaded).painted == 0

    def test_a_recipe_of_the_same_numbers_and_another_name(
        self, painted: list[Cell], loaded: Networks, folder: Path
    ) -> None:
        cells = [
            replace(cell, recipe=replace(cell.recipe, name="mine", source="me"))
            for cell in painted
        ]
        assert paint_series(cells, folder, loaded).painted == 0

    @pytest.mark.parametrize(
        ("what", "says"),
        [
            ("ratio", "other ratio"),
            ("layers", "other content layers"),
            ("photo", "other photo"),
            ("work", "other work"),
            ("weight", "other work"),
            ("seed", "other seed"),
            ("weights", "other weights"),
            ("weights input", "other weights input"),
            ("foreign", "not a painting of this comparison"),
            ("folder", "not a painting of this comparison"),
            ("link", "not a painting of this comparison"),
            ("damaged", "damaged"),
        ],
    )
    def test_what_was_painted_otherwise_is_not_touched(
        self,
        painted: list[Cell],
        loaded: Networks,
        weights_file: Path,
        folder: Path,
        what: str,
        says: str,
    ) -> None:
        cell = painted[1]
        path = folder / "cell-2.png"
        other = folder.parent / "other.png"
        Image.fromarray(picture(60, 60, seed=8)).save(other)
        sources = (Source(cell.sources[0].path, 0.5),)
        changed: dict[str, dict[str, Any]] = {
            "ratio": {"recipe": replace(cell.recipe, ratio=24.0)},
            "layers": {
                "recipe": replace(cell.recipe, content_layers=(("conv3_1", 1.0),))
            },
            "photo": {"photo": other},
            "work": {"sources": (Source(other),)},
            "weight": {"sources": sources},
            "seed": {"seed": 1},
        }
        if what == "weights":
            loaded = Networks(weights=weights_file)
        elif what == "weights input":
            loaded = Networks(input="oxford")
        elif what == "foreign":
            Image.open(other).save(path)
        elif what == "folder":
            path.unlink()
            path.mkdir()
        elif what == "link":
            path.unlink()
            path.symlink_to("nowhere.png")
        elif what == "damaged":
            rewrite(path, styles=[7])
        cells = [painted[0], replace(cell, **changed.get(what, {}))]
        whole = [one for one in folder.iterdir() if one.is_file()]
        before = {one: (one.stat().st_mtime_ns, one.read_bytes()) for one in whole}
        with pytest.raises(UsageError) as raised:
            paint_series(cells, folder, loaded)
        first = folder / "cell-1.png" if "weights" in what else path
        assert str(raised.value).startswith(f"{first} ")
        assert says in str(raised.value)
        assert "-o" in str(raised.value)
        after = {one: (one.stat().st_mtime_ns, one.read_bytes()) for one in whole}
        assert after == before
        assert len(list(folder.iterdir())) == 2


class TestCtrlC:
    def test_the_best_so_far_is_kept_and_the_rest_is_painted_later(
        self, photo: Path, style: Path, loaded: Networks, folder: Path
    ) -> None:
        cells = cells_of(photo, style, *ratios(1, 5, 25))
        series = paint_series(cells, folder, loaded, on_progress=stop_at(2, 2))
        assert series.interrupted
        assert (list(series.done), series.painted) == (["cell-1"], 1)
        assert list(state(folder)) == ["cell-1.png", "cell-2.png"]
        part = record.read(folder / "cell-2.png")
        assert part["stopped"][-1] == "interrupted"
        assert part["iterations"] == 2
        assert pixels(folder / "cell-2.png").shape == (36, 48, 3)
        before = state(folder)["cell-1.png"]
        series = paint_series(cells, folder, loaded)
        assert (len(series.done), series.painted) == (3, 2)
        assert state(folder)["cell-1.png"] == before
        assert record.read(folder / "cell-2.png")["iterations"] == 3

    def test_before_there_is_anything_to_keep(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(VGG, "run", stop)
        series = paint_series(cells_of(photo, style, SMALL), folder, loaded)
        assert (series.interrupted, series.done, state(folder)) == (True, {}, {})

    def test_while_a_painting_is_measured(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It is kept, and not taken for done: its distances are missing."""

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        cells = cells_of(photo, style, *ratios(1, 5))
        with monkeypatch.context() as patch:
            patch.setattr(Canvas, "distances", stop)
            series = paint_series(cells, folder, loaded)
        assert (series.interrupted, series.done) == (True, {})
        assert record.read(folder / "cell-1.png")["distances"] is None
        series = paint_series(cells, folder, loaded)
        assert (series.painted, len(series.done)) == (2, 2)

    def test_while_a_painting_is_saved(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        tries: list[Path] = []

        def stop_first(path: Path, *arguments: Any, **named: Any) -> None:
            tries.append(path)
            if len(tries) == 1:
                raise KeyboardInterrupt
            write_picture(path, *arguments, **named)

        monkeypatch.setattr("artist_nst.painting.pipeline.write_picture", stop_first)
        cells = cells_of(photo, style, *ratios(1, 5))
        series = paint_series(cells, folder, loaded)
        assert (series.interrupted, list(series.done)) == (True, ["cell-1"])
        assert list(state(folder)) == ["cell-1.png"]


def test_a_full_disk_ends_it_and_keeps_what_is_done(
    photo: Path,
    style: Path,
    loaded: Networks,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(path: Path, *arguments: Any, **named: Any) -> None:
        if path.name == "cell-2.png":
            raise ArtistNstError(f"{path} cannot be written: no space left")
        write_picture(path, *arguments, **named)

    monkeypatch.setattr("artist_nst.painting.pipeline.write_picture", full)
    cells = cells_of(photo, style, *ratios(1, 5, 25))
    with pytest.raises(ArtistNstError, match=r"cell-2\.png .*no space left"):
        paint_series(cells, folder, loaded)
    assert list(state(folder)) == ["cell-1.png"]


def test_what_a_cell_costs_and_is_called(photo: Path, style: Path) -> None:
    base = replace(SMALL, levels=((0.5, 40), (1.0, 10)))
    small, large = cells_of(photo, style, base, replace(base, width=96))
    assert large.cost == 4 * small.cost
    assert small.cost == 48**2 * (40 / 4 + 10)
    cell = replace(small, settings={"style-scale": "1.2", "ratio": "5"})
    assert cell.label == "style scale 1.2, ratio 5"
