"""What a series leaves to be read: panels, a table, a plot."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artist_nst import Recipe, recipe
from artist_nst.experiments import results
from artist_nst.experiments.results import (
    SIDE,
    cell_panel,
    panel,
    source_panel,
    write_plot,
    write_table,
)
from artist_nst.experiments.runner import Cell, Done, Series
from artist_nst.figures.plot import Chart, curves
from artist_nst.image import reading
from artist_nst.nst.features import Features
from artist_nst.painting.style_sources import Source
from tests.conftest import picture

BASE = recipe(width=48).with_iterations(3)


def cell(name: str = "ratio-5", **settings: str) -> Cell:
    return Cell(name, "p.png", (Source(Path("s.png")),), BASE, 0, settings)


def made(recipe: Recipe = BASE, **changes: Any) -> dict[str, Any]:
    """A record, as a file has it."""
    whole = {
        "content": {"path": "p.png", "sha256": "1"},
        "styles": [
            {"path": "s.png", "work": None},
            {"path": None, "work": {"title": "Night, Wind"}},
        ],
        "recipe": recipe.to_dict(),
        "seed": 3,
        "size": [48, 36],
        "network": {"sha256": "abc"},
        "device": "cpu",
        "iterations": 2,
        "evaluations": 4,
        "losses": {"total": 9.0, "content": 1.0, "style": 2.0, "tv": 3.0},
        "distances": {"content": 0.25, "style": None, "grams": {}, "network": "vgg19"},
        "history": [[1, 9.0, 1.0, 2.0, 3.0, 0.5], [2, 8.0, 1.5, 1.0, 3.0, 1.5]],
        "seconds": 61.6,
        "painted": "2026-01-01T00:00:00+00:00",
        **changes,
    }
    found = json.loads(json.dumps(whole))
    assert isinstance(found, dict)
    return found


def series_of(**done: Done) -> Series:
    return Series(done, {}, Features(), "ratio")


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


class TestTable:
    def test_a_row_for_every_painted_cell(self, tmp_path: Path) -> None:
        cells = [cell(name, ratio=name) for name in ("1", "2", "3")]
        done = {
            name: Done(tmp_path / f"{name}.png", made(replace(BASE, ratio=float(name))))
            for name in ("3", "1")
        }
        write_table(tmp_path / "a.csv", cells, series_of(**done))
        rows = rows_of(tmp_path / "a.csv")
        assert [row["ratio"] for row in rows] == ["1", "3"]
        assert [row["file"] for row in rows] == ["1.png", "3.png"]
        (first, _) = rows
        wanted = {
            "content_distance": "0.25",
            "style_distance": "",
            "distances_by": "vgg19",
            "final_total": "9.0",
            "final_content": "1.0",
            "final_style": "2.0",
            "final_tv": "3.0",
            "seconds": "61.6",
            "iterations_done": "2",
            "evaluations": "4",
            "photo": "p.png",
            "styles": "s.png; Night, Wind",
            "width_px": "48",
            "height_px": "36",
            "seed": "3",
            "recipe": "default",
            "weights_sha256": "abc",
        }
        assert {key: first[key] for key in wanted} == wanted

    def test_every_field_of_the_recipe_is_there(self, tmp_path: Path) -> None:
        odd = replace(BASE, name="odd", tv=0.25, color="linear", history=7)
        cells = [cell("a", work="night, wind")]
        series = series_of(a=Done(Path("a.png"), made(odd)))
        write_table(tmp_path / "a.csv", cells, series)
        (row,) = rows_of(tmp_path / "a.csv")
        assert row["work"] == "night, wind"
        for field, value in odd.to_dict().items():
            text = row["recipe" if field == "name" else field]
            if isinstance(value, tuple):
                assert json.loads(text) == json.loads(json.dumps(value)), field
            else:
                assert text == str(value), field

    def test_what_was_asked_for_wins_over_what_was_done(self, tmp_path: Path) -> None:
        """Two files of recipes may bear one name; two counts end at one iteration."""
        cells = [cell("a", recipe="mine/a.toml", iterations="50")]
        series = series_of(a=Done(Path("a.png"), made()))
        write_table(tmp_path / "a.csv", cells, series)
        (row,) = rows_of(tmp_path / "a.csv")
        assert list(row)[:2] == ["recipe", "iterations"]
        assert (row["recipe"], row["iterations"]) == ("mine/a.toml", "50")
        assert row["iterations_done"] == "2"

    def test_names_with_commas_quotes_breaks_and_bytes(self, tmp_path: Path) -> None:
        name = 'a "b",\nc ü \udcff.png'
        series = series_of(a=Done(Path("a.png"), made(content={"path": name})))
        write_table(tmp_path / "a.csv", [cell("a", ratio="1")], series)
        (row,) = rows_of(tmp_path / "a.csv")
        assert row["photo"] == 'a "b",\nc ü ?.png'

    def test_nothing_painted(self, tmp_path: Path) -> None:
        write_table(tmp_path / "a.csv", [cell("a", ratio="1")], series_of())
        assert rows_of(tmp_path / "a.csv") == []


class TestPanels:
    def test_a_picture_as_small_as_it_is_shown(self, tmp_path: Path) -> None:
        path = tmp_path / "wide.png"
        Image.fromarray(picture(300, 1200)).save(path)
        shown = panel(path, "wide")
        assert shown.pixels.shape == (SIDE // 4, SIDE, 3)
        assert 0 <= shown.pixels.min() < shown.pixels.max() <= 1
        assert shown.label == "wide"

    def test_one_too_large_for_a_look_in_passing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was painted from, so that it is shown all the same."""
        path = tmp_path / "large.png"
        Image.fromarray(picture(600, 1200)).save(path)
        before = panel(path).pixels
        monkeypatch.setattr(reading, "FULL_PIXELS", 1000)
        after = panel(path).pixels
        assert after.shape == (SIDE // 2, SIDE, 3)
        assert np.abs(after - before).mean() < 0.01

    def test_works_are_called_by_their_titles(self, photo: Path) -> None:
        known = {"title": "Night", "year": 1889}
        assert source_panel(Source(photo, work=known)).label == "Night (1889)"
        known["year"] = None  # type: ignore[assignment]
        assert source_panel(Source(photo, work=known)).label == "Night"
        assert source_panel(Source(photo)).label == "photo.png"

    def test_a_cell_says_how_far_it_is_and_how_long_it_took(self, photo: Path) -> None:
        series = series_of(a=Done(photo, made()))
        shown = cell_panel(series, cell("a"))
        assert shown is not None
        assert shown.label == "content 0.250, style –\n62 s"
        assert cell_panel(series, cell("b")) is None


class TestPlot:
    def test_losses_against_seconds(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drawn: list[Chart] = []

        def spy(charts: list[Chart], **how: Any) -> Any:
            drawn.extend(charts)
            assert how["x_label"] == "seconds"
            return curves(charts, **how)

        monkeypatch.setattr(results, "curves", spy)
        cells = [cell(name, ratio=name) for name in "123"]
        done = {name: Done(Path(f"{name}.png"), made()) for name in "13"}
        write_plot(tmp_path / "a.png", cells, series_of(**done))
        found = {
            chart.title: [(curve.label, curve.x, curve.y) for curve in chart.curves]
            for chart in drawn
        }
        terms = {"total": [9, 8], "content": [1, 1.5], "style": [2, 1]}
        assert found == {
            f"{name} loss": [(f"ratio {at}", [0.5, 1.5], values) for at in "13"]
            for name, values in terms.items()
        }
        pixels = np.asarray(Image.open(tmp_path / "a.png"))
        assert pixels.shape[1] >= 1000
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 10
