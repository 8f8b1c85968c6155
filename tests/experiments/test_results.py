"""Results of a series: panels, a table, a plot."""

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
    read_cell_panel,
    read_panel,
    read_source_panel,
    write_plot,
    write_table,
)
from artist_nst.experiments.runner import Cell, FinishedCell, Series
from artist_nst.figures.plot import Chart
from artist_nst.image import decoder
from artist_nst.painting.sources import Source
from tests.conftest import picture

BASE = recipe(width=48).with_iterations(3)


def make_cell(name: str = "ratio-5", **settings: str) -> Cell:
    return Cell(name, "p.png", (Source(Path("s.png")),), BASE, 0, settings)


def make_record(recipe: Recipe = BASE, **changes: Any) -> dict[str, Any]:
    """Make a record as a file has it."""
    facts = {
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
    read_back: dict[str, Any] = json.loads(json.dumps(facts))
    return read_back


def make_series(folder: Path, *cells: Cell, **done: FinishedCell) -> Series:
    return Series(folder, cells, done=done)


def write_rows(
    folder: Path, *cells: Cell, **records: dict[str, Any]
) -> list[dict[str, str]]:
    """Write the table of cells by their names, and read it back."""
    done = {
        name: FinishedCell(folder / f"{name}.png", facts)
        for name, facts in records.items()
    }
    write_table(make_series(folder, *cells, **done))
    with open(folder / "results.csv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


class TestTable:
    def test_a_row_for_every_painted_cell(self, tmp_path: Path) -> None:
        cells = [make_cell(name, ratio=name[1]) for name in ("r1", "r2", "r3")]
        records = {
            f"r{ratio}": make_record(replace(BASE, ratio=ratio)) for ratio in (3, 1)
        }
        rows = write_rows(tmp_path, *cells, **records)
        assert [row["ratio"] for row in rows] == ["1", "3"]
        assert [row["file"] for row in rows] == ["r1.png", "r3.png"]
        expected = {
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
        assert {name: rows[0][name] for name in expected} == expected

    def test_every_field_of_the_recipe_is_there(self, tmp_path: Path) -> None:
        odd = replace(BASE, name="odd", tv=0.25, color="linear", history=7)
        cell = make_cell("a", work="night, wind")
        (row,) = write_rows(tmp_path, cell, a=make_record(odd))
        assert row["work"] == "night, wind"
        for field, value in odd.to_dict().items():
            text = row["recipe" if field == "name" else field]
            if isinstance(value, tuple):
                assert json.loads(text) == json.loads(json.dumps(value)), field
            else:
                assert text == str(value), field

    def test_records_of_earlier_versions_lack_fields(self, tmp_path: Path) -> None:
        earlier = make_record()
        del earlier["recipe"]["draft_levels"]
        cells = make_cell("a", ratio="1"), make_cell("b", ratio="2")
        rows = write_rows(tmp_path, *cells, a=earlier, b=make_record())
        assert [row["draft_levels"] for row in rows] == ["", "2"]

    def test_settings_as_typed_override_what_was_done(self, tmp_path: Path) -> None:
        """Two recipe files may share a name; two counts may end at one iteration."""
        cell = make_cell("a", recipe="mine/a.toml", iterations="50")
        (row,) = write_rows(tmp_path, cell, a=make_record())
        assert list(row)[:2] == ["recipe", "iterations"]
        assert (row["recipe"], row["iterations"]) == ("mine/a.toml", "50")
        assert row["iterations_done"] == "2"

    def test_names_with_commas_quotes_breaks_and_bytes(self, tmp_path: Path) -> None:
        facts = make_record(content={"path": 'a "b",\nc ü \udcff.png'})
        (row,) = write_rows(tmp_path, make_cell("a", ratio="1"), a=facts)
        assert row["photo"] == 'a "b",\nc ü ?.png'

    def test_nothing_painted(self, tmp_path: Path) -> None:
        assert write_rows(tmp_path, make_cell("a", ratio="1")) == []


class TestPanels:
    @pytest.fixture(autouse=True)
    def side(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(results, "PANEL_SIDE", 64)

    def test_a_picture_is_read_as_small_as_it_is_shown(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "wide.png"
        Image.fromarray(picture(60, 240)).save(path)
        panel = read_panel(path, "wide", side=64)
        assert panel.pixels.shape == (16, 64, 3)
        assert 0 <= panel.pixels.min() < panel.pixels.max() <= 1
        assert panel.caption == "wide"
        # Even one that is too large to be read whole.
        monkeypatch.setattr(decoder, "FULL_PIXELS", 1000)
        scaled = read_panel(path, side=64)
        assert scaled.pixels.shape == (16, 64, 3)
        assert np.abs(scaled.pixels - panel.pixels).mean() < 0.01

    def test_works_are_called_by_their_titles(self, photo: Path) -> None:
        captions: list[tuple[Any, str]] = [
            ({"title": "Night", "year": 1889}, "Night (1889)"),
            ({"title": "Night", "year": None}, "Night"),
            (None, "photo.png"),
        ]
        for work, caption in captions:
            assert read_source_panel(Source(photo, work=work)).caption == caption

    def test_a_cell_names_its_distances_and_seconds(
        self, photo: Path, tmp_path: Path
    ) -> None:
        painted, missing = make_cell("a"), make_cell("b")
        done = FinishedCell(photo, make_record())
        series = make_series(tmp_path, painted, missing, a=done)
        panel = read_cell_panel(series, painted)
        assert panel is not None
        assert panel.caption == "content 0.250, style –\n62 s"
        assert panel.pixels.shape == (48, 64, 3)
        assert read_cell_panel(series, missing) is None
        # Of many paintings each is shown smaller.
        series.done.update({str(number): done for number in range(119)})
        panel = read_cell_panel(series, painted)
        assert panel is not None
        assert panel.pixels.shape == (24, 32, 3)


def test_losses_are_plotted_against_seconds(
    tmp_path: Path, charts: list[Chart]
) -> None:
    cells = [make_cell(name, ratio=name) for name in "123"]
    done = {name: FinishedCell(Path(f"{name}.png"), make_record()) for name in "13"}
    write_plot(make_series(tmp_path, *cells, **done))
    plotted = {
        chart.title: [(curve.label, curve.x, curve.y) for curve in chart.curves]
        for chart in charts
    }
    terms = {"total": [9, 8], "content": [1, 1.5], "style": [2, 1]}
    assert plotted == {
        f"{name} loss": [(f"ratio {n}", [0.5, 1.5], values) for n in "13"]
        for name, values in terms.items()
    }
    assert (tmp_path / "losses.png").exists()
