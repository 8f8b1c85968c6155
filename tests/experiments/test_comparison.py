"""Comparisons: what is planned, what is laid out, and Ctrl-C."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artist_nst import ArtistNstError, Recipe, UsageError
from artist_nst.experiments import comparison
from artist_nst.experiments.axes import parse_axis
from artist_nst.experiments.comparison import ComparisonPlan, compare, plan_comparison
from artist_nst.painting import record
from artist_nst.painting.networks import Networks
from artist_nst.painting.style_sources import StyleRequest
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.toml_file import write_recipe
from artist_nst.styles import descriptors
from tests.conftest import picture
from tests.experiments.conftest import (
    SMALL,
    Drawing,
    read_pixels,
    snapshot,
    stop_at,
)

WORKS = "orchard,procedural-03"
TITLES = ["Orchard in April", "Harbour before Dusk"]
PROCEDURAL = StyleRequest(artist="procedural")
RATIOS = parse_axis("ratio", "1,5")


@pytest.fixture
def request_style(style: Path) -> StyleRequest:
    return StyleRequest(images=style)


@pytest.fixture
def grid(monkeypatch: pytest.MonkeyPatch) -> Drawing:
    """The grid that is drawn last."""
    grid = Drawing()
    monkeypatch.setattr(comparison, "draw_grid", grid)
    return grid


def plan(photo: Path, style: StyleRequest, across: str, **options: Any) -> Any:
    """Plan a comparison along axes such as ``ratio=1,5``."""
    if "down" in options:
        options["down"] = parse_axis(*options["down"].split("=", 1))
    axis = parse_axis(*across.split("=", 1))
    return plan_comparison(axis, photo, style, **{"recipe": SMALL, **options})


class TestPlan:
    def test_one_axis_is_a_row(self, photo: Path, request_style: StyleRequest) -> None:
        planned = plan_comparison(RATIOS, photo, request_style, recipe=SMALL, seed=4)
        (row,) = planned.rows
        assert list(row) == planned.cells
        assert [cell.name for cell in row] == ["ratio-1", "ratio-5"]
        assert [cell.recipe for cell in row] == [
            replace(SMALL, ratio=1.0),
            replace(SMALL, ratio=5.0),
        ]
        assert [cell.settings for cell in row] == [{"ratio": "1"}, {"ratio": "5"}]
        assert {cell.seed for cell in row} == {4}
        assert [source.path for source in row[0].sources] == [request_style.images]

    def test_two_axes_are_rows_and_columns(
        self, photo: Path, request_style: StyleRequest
    ) -> None:
        planned = plan(
            photo, request_style, "ratio=1,5,9", down="content-layer=conv3_1,conv4_2"
        )
        assert [len(row) for row in planned.rows] == [3, 3]
        names = [cell.name for cell in planned.rows[1]]
        assert names == [f"content-layer-conv4_2,ratio-{n}" for n in (1, 5, 9)]
        last = planned.rows[1][2]
        assert last.recipe.content_layers == (("conv4_2", 1.0),)
        assert last.recipe.ratio == 9
        assert last.settings == {"content-layer": "conv4_2", "ratio": "9"}

    def test_works(self, photo: Path) -> None:
        planned = plan(photo, PROCEDURAL, f"work={WORKS}")
        titles = [cell.sources[0].work["title"] for cell in planned.cells]
        assert titles == TITLES
        assert {cell.recipe for cell in planned.cells} == {SMALL}

    def test_a_work_is_picked_once_for_all(self, photo: Path) -> None:
        planned = plan(photo, PROCEDURAL, "ratio=1,5,9", seed=5)
        first, *others = (cell.sources for cell in planned.cells)
        assert len(first) == 1
        assert all(sources == first for sources in others)

    def test_seeds_precisions_sides_and_picks(self, photo: Path) -> None:
        planned = plan(photo, PROCEDURAL, "seed=1,2,3,4", down="precision=auto,float32")
        assert [cell.seed for cell in planned.cells] == [1, 2, 3, 4] * 2
        assert [row[0].precision for row in planned.rows] == ["auto", "float32"]
        picked = [cell.sources[0].path for cell in planned.rows[0]]
        assert len({*picked}) > 1
        assert [cell.sources[0].path for cell in planned.rows[1]] == picked
        planned = plan(photo, StyleRequest(), "artist=procedural", down="long-side=40")
        assert planned.cells[0].sources[0].work["corpus"] == "procedural"
        assert planned.cells[0].recipe.width == 40

    def test_recipes_are_adjusted_and_then_varied(
        self, photo: Path, request_style: StyleRequest, tmp_path: Path
    ) -> None:
        mine = replace(RECIPES["default"], tv=0.125, ratio=7.0)
        write_recipe(tmp_path / "mine.toml", mine)

        def narrow(base: Recipe) -> Recipe:
            return replace(base, width=48)

        across = f"recipe=art.py,{tmp_path / 'mine.toml'}"
        planned = plan(photo, request_style, across, down="ratio=3,4", adjust=narrow)
        ((art_py, own), (_, other)) = planned.rows
        assert art_py.recipe == replace(RECIPES["art.py"], width=48, ratio=3.0)
        assert (own.recipe.tv, own.recipe.ratio, own.recipe.width) == (0.125, 3.0, 48)
        assert other.recipe.ratio == 4.0

    def test_long_side(self, request_style: StyleRequest, tmp_path: Path) -> None:
        Image.fromarray(picture(120, 60)).save(tmp_path / "tall.png")
        planned = plan(tmp_path / "tall.png", request_style, "ratio=1,5", long_side=64)
        assert {cell.recipe.width for cell in planned.cells} == {32}

    def test_requests_that_disagree(
        self, photo: Path, request_style: StyleRequest
    ) -> None:
        both = replace(request_style, artist="procedural")
        refused: list[tuple[str, StyleRequest, dict[str, Any], str]] = [
            ("ratio=1,5", request_style, {"down": "ratio=3,4"}, "both axes"),
            ("width=48,64", request_style, {"long_side": 64}, "--long-side"),
            ("work=48,64", StyleRequest(), {}, "--artist"),
            ("work=48,64", both, {}, "no other style"),
            ("ratio=1,5", both, {}, "not both"),
            ("ratio=1,5", request_style, {"seed": 2**63}, "--seed"),
            ("ratio=1,5", request_style, {"seed": -1}, "--seed"),
            ("ratio=1,5", StyleRequest(), {}, "no style"),
            ("seed=1,x", request_style, {}, "seed x: 'x' is not a whole"),
            ("seed=1,-1", request_style, {}, "--seed"),
            ("long-side=1,x", request_style, {}, "long-side x"),
            ("long-side=40,50", request_style, {"down": "width=40"}, "long-side"),
            ("precision=auto,half", request_style, {}, "precision can't be 'half'"),
            ("pick=mix,most", PROCEDURAL, {}, "axis pick most: "),
            ("pick=mix", request_style, {}, "whose works"),
            ("pick=mix", PROCEDURAL, {"down": f"work={WORKS}"}, "vary only one"),
            ("artist=procedural", request_style, {}, "no other style"),
            ("artist=procedural,x", StyleRequest(), {}, "axis artist x: no works"),
            ("color-strength=1,0.5", request_style, {}, "without --color"),
            ("work=nothing", PROCEDURAL, {}, "axis work nothing: .*no such work"),
        ]
        for across, style, options, message in refused:
            with pytest.raises(UsageError, match=message):
                plan(photo, style, across, **options)

    def test_values_that_no_network_or_file_has(
        self, photo: Path, request_style: StyleRequest
    ) -> None:
        base = replace(SMALL, content_layers=(("conv3_3", 1.0),))
        for across, message in [
            ("content-layer=conv4_2,conv42", "vgg19 has no 'conv42'.*conv4_2"),
            ("style-layer=conv1_1+conv1_1", "twice"),
            ("network=vgg19,vgg11", "vgg11 has no 'conv3_3'"),
            ("recipe=default,defalt", "did you mean 'default'"),
            ("recipe=missing.toml", r"missing\.toml"),
        ]:
            with pytest.raises(UsageError, match=message):
                plan(photo, request_style, across, recipe=base)

    def test_pictures_that_cannot_be_read(
        self, photo: Path, style: Path, request_style: StyleRequest, tmp_path: Path
    ) -> None:
        (tmp_path / "bad.png").write_text("not a picture")
        for bad in (tmp_path / "bad.png", tmp_path / "missing.png"):
            with pytest.raises(ArtistNstError, match=bad.name):
                plan(bad, request_style, "ratio=1,5")
            with pytest.raises(ArtistNstError, match=bad.name):
                plan(photo, StyleRequest(images=[style, bad]), "ratio=1,5")
        with pytest.raises(ArtistNstError, match="--max-pixels"):
            plan(photo, request_style, "ratio=1,5", max_pixels=100)

    def test_names_of_files_are_short_enough(
        self, photo: Path, request_style: StyleRequest, tmp_path: Path
    ) -> None:
        layers = "+".join(f"conv{at}_{n}=0.125" for at in (3, 4, 5) for n in "1234")
        planned = plan(
            photo,
            request_style,
            f"style-layer={layers},conv1_1",
            down=f"content-layer={layers},conv1_1",
        )
        assert len({cell.name for cell in planned.cells}) == 4
        for cell in planned.cells:
            (tmp_path / f"{cell.name}.png").write_bytes(b"")


def test_a_comparison_from_end_to_end(
    photo: Path, request_style: StyleRequest, networks: Networks, folder: Path
) -> None:
    """Sheet and plot are drawn; a second run changes nothing."""
    planned = plan(photo, request_style, "ratio=1,25")
    series = compare(planned, folder, networks=networks)
    outputs = {"sheet.png", "results.csv", "losses.png"}
    assert set(snapshot(folder)) == {"ratio-1.png", "ratio-25.png", *outputs}
    for name in ("sheet.png", "losses.png"):
        colors = np.unique(read_pixels(folder / name).reshape(-1, 3), axis=0)
        assert len(colors) > 10
    assert series.sheet == folder / "sheet.png"
    before = {name: content for name, (_, content) in snapshot(folder).items()}
    series = compare(planned, folder, networks=networks)
    assert series.painted == 0
    after = {name: content for name, (_, content) in snapshot(folder).items()}
    assert after == before


@pytest.mark.usefixtures("charts")
class TestLayout:
    def test_photo_style_heads_and_cells(
        self,
        photo: Path,
        request_style: StyleRequest,
        networks: Networks,
        folder: Path,
        grid: Drawing,
    ) -> None:
        planned = plan(photo, request_style, "ratio=1,25", down="style-scale=0.6,1")
        compare(planned, folder, networks=networks)
        assert grid.options["title"] == "photo.png: style scale × ratio"
        assert grid.options["columns"] == ["ratio 1", "ratio 25"]
        assert grid.options["rows"] == ["style scale 0.6", "style scale 1"]
        assert grid.references == ["photo: photo.png", "style.png"]
        for row, panels in zip(planned.rows, grid.panels, strict=True):
            for cell, panel in zip(row, panels, strict=True):
                painted = read_pixels(folder / f"{cell.name}.png")
                assert (np.rint(panel.pixels * 255) == painted).all()

    def test_works_across_have_a_row_of_their_own(
        self, photo: Path, networks: Networks, folder: Path, grid: Drawing
    ) -> None:
        works = [f"{title} (2026)" for title in TITLES]
        for options, rows in [
            ({}, ["the work", "painted"]),
            ({"down": "ratio=1,9"}, ["the work", "ratio 1", "ratio 9"]),
        ]:
            planned = plan(photo, PROCEDURAL, f"work={WORKS}", **options)
            compare(planned, folder, networks=networks)
            assert grid.options["columns"] == TITLES
            assert grid.options["rows"] == rows
            assert grid.captions[0] == works
            assert all(caption.startswith("content ") for caption in grid.captions[1])
            assert grid.references == ["photo: photo.png"]
            for path in folder.iterdir():
                path.unlink()

    def test_works_downwards_have_a_column_of_their_own(
        self, photo: Path, networks: Networks, folder: Path, grid: Drawing
    ) -> None:
        planned = plan(photo, PROCEDURAL, "ratio=1,9", down=f"work={WORKS}")
        compare(planned, folder, networks=networks)
        assert grid.options["columns"] == ["the work", "ratio 1", "ratio 9"]
        assert grid.options["rows"] == TITLES
        works = [row[0] for row in grid.captions]
        assert works == [f"{title} (2026)" for title in TITLES]
        assert grid.references == ["photo: photo.png"]

    def test_works_that_vary_both_ways_are_named_below(
        self,
        photo: Path,
        networks: Networks,
        folder: Path,
        grid: Drawing,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(descriptors, "LONG_SIDE", 32)
        across, down = "seed=1,2", "pick=random,typical"
        planned = plan(photo, PROCEDURAL, across, down=down)
        compare(planned, folder, networks=networks)
        assert grid.options["columns"] == ["seed 1", "seed 2"]
        for row, captions in zip(planned.rows, grid.captions, strict=True):
            for cell, caption in zip(row, captions, strict=True):
                assert caption.startswith(f"after {cell.sources[0].title}")
        assert grid.references == ["photo: photo.png"]

    def test_what_is_held_fixed_is_said(
        self,
        photo: Path,
        request_style: StyleRequest,
        networks: Networks,
        folder: Path,
        grid: Drawing,
    ) -> None:
        planned = plan(photo, request_style, "ratio=1,25", seed=4)
        compare(planned, folder, networks=networks)
        note = grid.options["note"]
        for words in ("32 pixels wide", "seed 4", "style scale 1", "iterations"):
            assert words in note
        assert "ratio 1" not in note

    def test_what_is_not_painted_stays_empty(
        self,
        photo: Path,
        request_style: StyleRequest,
        networks: Networks,
        folder: Path,
        grid: Drawing,
    ) -> None:
        planned = plan(photo, request_style, "width=48,8,40")
        series = compare(planned, folder, networks=networks)
        assert list(series.failed) == ["width-8"]
        assert [panel is None for panel in grid.panels[0]] == [False, True, False]
        assert series.sheet.exists()

    def test_if_nothing_is_painted_nothing_is_laid_out(
        self,
        photo: Path,
        request_style: StyleRequest,
        networks: Networks,
        folder: Path,
    ) -> None:
        planned = plan(photo, request_style, "width=8,9")
        series = compare(planned, folder, networks=networks)
        assert len(series.failed) == 2
        assert snapshot(folder) == {}


@pytest.mark.usefixtures("charts")
class TestCtrlC:
    @pytest.fixture
    def planned(self, photo: Path, request_style: StyleRequest) -> ComparisonPlan:
        planned: ComparisonPlan = plan(photo, request_style, "ratio=1,5,25")
        return planned

    def test_in_the_middle(
        self, planned: ComparisonPlan, networks: Networks, folder: Path, grid: Drawing
    ) -> None:
        series = compare(planned, folder, networks=networks, on_progress=stop_at(2, 1))
        assert series.interrupted
        assert [panel is None for panel in grid.panels[0]] == [False, True, True]
        assert record.load_record(folder / "ratio-5.png")["stopped"] == ["interrupted"]
        series = compare(planned, folder, networks=networks)
        assert (series.painted, series.interrupted) == (2, False)
        assert None not in grid.panels[0]

    def test_while_the_sheet_is_laid_out(
        self, planned: ComparisonPlan, networks: Networks, folder: Path, grid: Drawing
    ) -> None:
        grid.is_interrupted = True
        series = compare(planned, folder, networks=networks)
        assert series.interrupted
        assert not series.sheet.exists()
        grid.is_interrupted = False
        series = compare(planned, folder, networks=networks)
        assert (series.painted, series.sheet.exists()) == (0, True)


@pytest.mark.usefixtures("charts", "grid")
def test_the_folder_of_corpora_is_recorded(
    photo: Path, networks: Networks, folder: Path, tmp_path: Path
) -> None:
    """So that ``repaint`` finds the work again."""
    works = tmp_path / "corpora" / "anna"
    works.mkdir(parents=True)
    Image.fromarray(picture(40, 50)).save(works / "Day.png")
    style = StyleRequest(artist="anna", corpora=works.parent)
    planned = plan(photo, style, "work=day")
    series = compare(planned, folder, networks=networks)
    (done,) = series.done.values()
    assert done.record["corpora"] == str(works.parent)
