"""Comparisons: what is planned, what is laid out, and what becomes of Ctrl-C."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artist_nst import ArtistNstError, Recipe, UsageError, recipe
from artist_nst.experiments import comparison as compare
from artist_nst.experiments.axes import axis
from artist_nst.figures.grid import grid
from artist_nst.figures.sheet import Panel
from artist_nst.nst.weights import Weights
from artist_nst.painting import record
from artist_nst.painting.networks import Networks
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.toml_file import write_recipe
from tests.conftest import picture
from tests.experiments.test_runner import pixels, state, stop_at, thin_networks

SMALL = recipe(width=48).with_iterations(3)
WORKS = "orchard,procedural-03"


@pytest.fixture
def loaded(thin_weights: Weights, monkeypatch: pytest.MonkeyPatch) -> Networks:
    return thin_networks(thin_weights, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "grid"
    folder.mkdir()
    return folder


class Sheet:
    """What is laid out: the arguments of the last grid."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cells: Sequence[Sequence[Panel | None]] = ()
        self.given: dict[str, Any] = {}
        monkeypatch.setattr(compare, "grid", self)

    def __call__(self, cells: Any, **given: Any) -> Any:
        self.cells, self.given = cells, given
        return grid(cells, **given)

    @property
    def labels(self) -> list[list[str]]:
        """First lines of what is below the pictures."""
        return [
            [one.label.splitlines()[0] if one else "" for one in row]
            for row in self.cells
        ]

    @property
    def beside(self) -> list[str]:
        return [one.label for one in self.given["beside"]]


@pytest.fixture
def sheet(monkeypatch: pytest.MonkeyPatch) -> Sheet:
    return Sheet(monkeypatch)


class TestPlan:
    def test_one_axis_is_a_row(self, photo: Path, style: Path) -> None:
        planned = compare.plan(axis("ratio", "1,5"), photo, style, recipe=SMALL, seed=4)
        assert [cell.name for cell in planned.all] == ["ratio-1", "ratio-5"]
        assert len(planned.cells) == 1
        first, second = planned.all
        assert first.recipe == replace(SMALL, ratio=1.0)
        assert second.recipe == replace(SMALL, ratio=5.0)
        assert first.settings == {"ratio": "1"}
        assert {cell.seed for cell in planned.all} == {4}
        assert [source.path for source in first.sources] == [style]

    def test_two_axes_are_rows_and_columns(self, photo: Path, style: Path) -> None:
        by = axis("content-layer", "conv3_1,conv4_2")
        planned = compare.plan(axis("ratio", "1,5,9"), photo, [style], by=by)
        assert [len(row) for row in planned.cells] == [3, 3]
        names = [cell.name for cell in planned.cells[1]]
        assert names == [f"content-layer-conv4_2,ratio-{n}" for n in (1, 5, 9)]
        last = planned.cells[1][2]
        assert last.recipe.content_layers == (("conv4_2", 1.0),)
        assert last.recipe.ratio == 9
        assert last.settings == {"content-layer": "conv4_2", "ratio": "9"}

    def test_works(self, photo: Path) -> None:
        planned = compare.plan(
            axis("work", WORKS), photo, artist="procedural", recipe=SMALL
        )
        titles = [
            [source.work["title"] for source in cell.sources if source.work]
            for cell in planned.all
        ]
        assert titles == [["Orchard in April"], ["Harbour before Dusk"]]
        assert {cell.recipe for cell in planned.all} == {SMALL}

    def test_a_work_is_picked_once_for_all(self, photo: Path) -> None:
        planned = compare.plan(
            axis("ratio", "1,5,9"), photo, artist="procedural", seed=5
        )
        first, *others = (cell.sources for cell in planned.all)
        assert len(first) == 1
        assert all(one == first for one in others)

    def test_recipes_are_adjusted_and_then_varied(
        self, photo: Path, style: Path, tmp_path: Path
    ) -> None:
        mine = replace(RECIPES["default"], tv=0.125, ratio=7.0)
        write_recipe(tmp_path / "mine.toml", mine)

        def narrow(base: Recipe) -> Recipe:
            return replace(base, width=48)

        across = axis("recipe", f"art.py,{tmp_path / 'mine.toml'}")
        planned = compare.plan(
            across, photo, style, by=axis("ratio", "3,4"), adjust=narrow
        )
        ((ancestor, own), (_, other)) = planned.cells
        assert ancestor.recipe == replace(RECIPES["art.py"], width=48, ratio=3.0)
        assert (own.recipe.tv, own.recipe.ratio, own.recipe.width) == (0.125, 3.0, 48)
        assert other.recipe.ratio == 4.0

    def test_long_side(self, style: Path, tmp_path: Path) -> None:
        Image.fromarray(picture(120, 60)).save(tmp_path / "tall.png")
        planned = compare.plan(
            axis("ratio", "1,5"), tmp_path / "tall.png", style, long_side=64
        )
        assert {cell.recipe.width for cell in planned.all} == {32}

    @pytest.mark.parametrize(
        ("across", "by", "given", "says"),
        [
            ("ratio", "ratio", {}, "both axes"),
            ("width", None, {"long_side": 64}, "--long-side"),
            ("work", None, {"styles": ()}, "--artist"),
            ("work", None, {"artist": "procedural"}, "no other style"),
            ("ratio", None, {"artist": "procedural"}, "not both"),
            ("ratio", None, {"seed": 2**63}, "--seed"),
            ("ratio", None, {"seed": -1}, "--seed"),
            ("ratio", None, {"styles": ()}, "no style"),
        ],
    )
    def test_requests_that_disagree(
        self,
        photo: Path,
        style: Path,
        across: str,
        by: str | None,
        given: dict[str, Any],
        says: str,
    ) -> None:
        given = {"styles": style, **given}
        down = axis(by, "3,4") if by else None
        with pytest.raises(UsageError, match=says):
            compare.plan(axis(across, "48,64"), photo, by=down, **given)

    @pytest.mark.parametrize(
        ("name", "values", "says"),
        [
            ("content-layer", "conv4_2,conv42", "vgg19 has no 'conv42'.*conv4_2"),
            ("style-layer", "conv1_1+conv1_1", "twice"),
            ("network", "vgg19,vgg11", "vgg11 has no 'conv3_3'"),
            ("recipe", "default,defalt", "did you mean 'default'"),
            ("recipe", "missing.toml", "missing.toml"),
        ],
    )
    def test_values_that_no_network_or_file_has(
        self, photo: Path, style: Path, name: str, values: str, says: str
    ) -> None:
        base = replace(SMALL, content_layers=(("conv3_3", 1.0),))
        with pytest.raises(UsageError, match=says):
            compare.plan(axis(name, values), photo, style, recipe=base)

    def test_pictures_that_cannot_be_read(
        self, photo: Path, style: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "bad.png").write_text("not a picture")
        across = axis("ratio", "1,5")
        for bad in (tmp_path / "bad.png", tmp_path / "missing.png"):
            with pytest.raises(ArtistNstError, match=bad.name):
                compare.plan(across, bad, style)
            with pytest.raises(ArtistNstError, match=bad.name):
                compare.plan(across, photo, [style, bad])
        with pytest.raises(ArtistNstError, match="--max-pixels"):
            compare.plan(across, photo, style, max_pixels=100)

    def test_names_of_files_are_short_enough(
        self, photo: Path, style: Path, tmp_path: Path
    ) -> None:
        layers = "+".join(f"conv{at}_{n}=0.125" for at in (3, 4, 5) for n in "1234")
        by = axis("content-layer", f"{layers},conv1_1")
        across = axis("style-layer", f"{layers},conv1_1")
        planned = compare.plan(across, photo, style, by=by)
        assert len({cell.name for cell in planned.all}) == 4
        for cell in planned.all:
            (tmp_path / f"{cell.name}.png").write_bytes(b"")


class TestLayout:
    def test_photo_style_heads_and_cells(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
        sheet: Sheet,
    ) -> None:
        planned = compare.plan(
            axis("ratio", "1,25"),
            photo,
            style,
            by=axis("style-scale", "0.6,1"),
            recipe=SMALL,
        )
        made = compare.compare(planned, folder, networks=loaded)
        assert sheet.given["title"] == "photo.png: style scale × ratio"
        assert sheet.given["columns"] == ["ratio 1", "ratio 25"]
        assert sheet.given["rows"] == ["style scale 0.6", "style scale 1"]
        assert sheet.beside == ["photo: photo.png", "style.png"]
        for row, panels in zip(planned.cells, sheet.cells, strict=True):
            for cell, shown in zip(row, panels, strict=True):
                painted = pixels(folder / f"{cell.name}.png")
                assert shown is not None
                assert (np.rint(shown.pixels * 255) == painted).all()
        assert (made.sheet, made.table, made.plot) == (
            folder / "sheet.png",
            folder / "results.csv",
            folder / "losses.png",
        )
        cells = {f"{cell.name}.png" for cell in planned.all}
        assert set(state(folder)) == cells | {"sheet.png", "results.csv", "losses.png"}

    @pytest.mark.parametrize("by", [None, "ratio"])
    def test_works_across_have_a_row_of_their_own(
        self,
        photo: Path,
        loaded: Networks,
        folder: Path,
        sheet: Sheet,
        by: str | None,
    ) -> None:
        planned = compare.plan(
            axis("work", WORKS),
            photo,
            by=axis(by, "1,9") if by else None,
            artist="procedural",
            recipe=SMALL,
        )
        compare.compare(planned, folder, networks=loaded)
        assert sheet.given["columns"] == ["Orchard in April", "Harbour before Dusk"]
        rows = ["ratio 1", "ratio 9"] if by else ["painted"]
        assert sheet.given["rows"] == ["the work", *rows]
        works = ["Orchard in April (2026)", "Harbour before Dusk (2026)"]
        assert sheet.labels[0] == works
        assert all(one.startswith("content ") for one in sheet.labels[1])
        assert sheet.beside == ["photo: photo.png"]

    def test_works_downwards_have_a_column_of_their_own(
        self, photo: Path, loaded: Networks, folder: Path, sheet: Sheet
    ) -> None:
        planned = compare.plan(
            axis("ratio", "1,9"),
            photo,
            by=axis("work", WORKS),
            artist="procedural",
            recipe=SMALL,
        )
        compare.compare(planned, folder, networks=loaded)
        assert sheet.given["columns"] == ["the work", "ratio 1", "ratio 9"]
        assert sheet.given["rows"] == ["Orchard in April", "Harbour before Dusk"]
        firsts = [row[0] for row in sheet.labels]
        assert firsts == ["Orchard in April (2026)", "Harbour before Dusk (2026)"]
        assert sheet.beside == ["photo: photo.png"]

    def test_again_the_sheet_is_the_same(
        self, photo: Path, style: Path, loaded: Networks, folder: Path
    ) -> None:
        planned = compare.plan(axis("ratio", "1,25"), photo, style, recipe=SMALL)
        compare.compare(planned, folder, networks=loaded)
        before = {name: content for name, (_, content) in state(folder).items()}
        made = compare.compare(planned, folder, networks=loaded)
        assert made.series.painted == 0
        assert {name: found for name, (_, found) in state(folder).items()} == before

    def test_what_is_not_painted_stays_empty(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
        sheet: Sheet,
    ) -> None:
        planned = compare.plan(axis("width", "48,8,40"), photo, style, recipe=SMALL)
        made = compare.compare(planned, folder, networks=loaded)
        assert list(made.series.failed) == ["width-8"]
        assert [one is None for one in sheet.cells[0]] == [False, True, False]
        assert made.sheet.exists()

    def test_nothing_painted_nothing_laid_out(
        self, photo: Path, style: Path, loaded: Networks, folder: Path
    ) -> None:
        planned = compare.plan(axis("width", "8,9"), photo, style, recipe=SMALL)
        made = compare.compare(planned, folder, networks=loaded)
        assert len(made.series.failed) == 2
        assert state(folder) == {}


class TestCtrlC:
    def test_in_the_middle(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
        sheet: Sheet,
    ) -> None:
        planned = compare.plan(axis("ratio", "1,5,25"), photo, style, recipe=SMALL)
        made = compare.compare(
            planned, folder, networks=loaded, on_progress=stop_at(2, 1)
        )
        assert made.series.interrupted
        assert [one is None for one in sheet.cells[0]] == [False, True, True]
        assert record.read(folder / "ratio-5.png")["stopped"] == ["interrupted"]
        made = compare.compare(planned, folder, networks=loaded)
        assert (made.series.painted, made.series.interrupted) == (2, False)
        assert None not in sheet.cells[0]

    def test_while_the_sheet_is_laid_out(
        self,
        photo: Path,
        style: Path,
        loaded: Networks,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def stop(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        planned = compare.plan(axis("ratio", "1,5"), photo, style, recipe=SMALL)
        with monkeypatch.context() as patch:
            patch.setattr(compare, "grid", stop)
            made = compare.compare(planned, folder, networks=loaded)
        assert made.series.interrupted
        assert not made.sheet.exists()
        made = compare.compare(planned, folder, networks=loaded)
        assert (made.series.painted, made.sheet.exists()) == (0, True)


def test_how_is_passed_on(
    photo: Path, loaded: Networks, folder: Path, tmp_path: Path
) -> None:
    """Where the corpora are goes into each record, to be found again."""
    works = tmp_path / "corpora" / "anna"
    works.mkdir(parents=True)
    Image.fromarray(picture(40, 50)).save(works / "Day.png")
    planned = compare.plan(
        axis("work", "day"),
        photo,
        artist="anna",
        corpora=tmp_path / "corpora",
        recipe=SMALL,
    )
    made = compare.compare(
        planned, folder, networks=loaded, corpora=tmp_path / "corpora"
    )
    (done,) = made.series.done.values()
    assert done.record["corpora"] == str(tmp_path / "corpora")
    assert json.loads(json.dumps(done.record)) == record.read(done.path)
