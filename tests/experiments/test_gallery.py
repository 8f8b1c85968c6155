"""One photo after several works: each is painted once, and all are laid out."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from artist_nst._files import hash_file
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.experiments import gallery
from artist_nst.experiments.gallery import paint_gallery
from artist_nst.experiments.runner import Series, SeriesProgress
from artist_nst.figures.sheet import draw_sheet
from artist_nst.image.files import read_record
from artist_nst.painting import record
from artist_nst.painting.compute import ComputeOptions
from artist_nst.painting.networks import Networks
from artist_nst.painting.sources import Source
from artist_nst.recipes.published import recipe
from tests.conftest import picture
from tests.experiments.conftest import Drawing, read_pixels, snapshot, stop_at

SMALL = recipe(width=32).with_iterations(2)
TITLES = ["Wheat", "Sea", "Wheat", "Hands", "Head"]

Groups = Sequence[Sequence[Source]]
PaintGroups = Callable[..., Series]


@pytest.fixture(autouse=True)
def sheet(monkeypatch: pytest.MonkeyPatch) -> Drawing:
    """The sheet that is drawn last."""
    sheet = Drawing()
    monkeypatch.setattr(gallery, "draw_sheet", sheet)
    return sheet


@pytest.fixture
def paint_groups(photo: Path, folder: Path, networks: Networks) -> PaintGroups:
    """Function that paints a gallery of groups into ``folder``."""

    def paint(groups: Groups, **options: Any) -> Series:
        options = {"recipe": SMALL, "seed": 7, "networks": networks, **options}
        return paint_gallery(photo, groups, folder, **options)

    return paint


def make_works(folder: Path, *titles: str) -> list[list[Source]]:
    """Make a work of each title, each in a group of its own."""
    groups = []
    for number, title in enumerate(titles):
        path = folder / f"work-{number}.png"
        Image.fromarray(picture(40, 48, seed=20 + number)).save(path)
        work = {
            "artist": "Anna Ancher",
            "corpus": "anna",
            "id": f"{number}",
            "title": title,
            "year": "1890" if number else None,
            "rights": None,
        }
        groups.append([Source(path, 1.0, work)])
    return groups


def snapshot_paintings(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return the time of change and the bytes of every painting."""
    files = snapshot(folder)
    return {name: files[name] for name in files.keys() - {"sheet.png", "results.csv"}}


def read_rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "results.csv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_work_has_its_painting(
    paint_groups: PaintGroups,
    folder: Path,
    tmp_path: Path,
    photo: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gallery, "draw_sheet", draw_sheet)
    monkeypatch.setattr(gallery, "PANEL_HEIGHT", 40)
    series = paint_groups(make_works(tmp_path, *TITLES))
    files = {f"{name}.png" for name in ("wheat", "sea", "wheat-2", "hands", "head")}
    assert set(os.listdir(folder)) == {*files, "sheet.png", "results.csv"}
    assert series.sheet == folder / "sheet.png"
    assert read_pixels(series.sheet).std() > 20
    assert (series.painted, series.failed) == (5, {})
    for cell, title in zip(series.cells, TITLES, strict=True):
        facts = record.load_record(folder / f"{cell.name}.png")
        (style,) = facts["styles"]
        assert style["work"]["title"] == title
        assert style["sha256"] == hash_file(cell.sources[0].path)
        assert facts["content"]["sha256"] == hash_file(photo)
        assert facts["seed"] == 7
        assert facts["size"] == [32, 24]
        assert facts["distances"]["style"] > 0
    # Two works of one title are two paintings.
    first, second = (read_pixels(folder / f"wheat{end}.png") for end in ("", "-2"))
    assert (first != second).any()
    rows = read_rows(folder)
    names = [cell.name for cell in series.cells]
    assert [row["painted after"] for row in rows] == names
    assert [row["file"] for row in rows] == [f"{name}.png" for name in names]
    assert [row["styles"] for row in rows] == TITLES
    assert all(float(row["style_distance"]) > 0 for row in rows)


def test_the_sheet_names_what_was_painted_after_what(
    paint_groups: PaintGroups, tmp_path: Path, sheet: Drawing
) -> None:
    one, two, three = make_works(tmp_path, "Wheat", "Sea", "Hands")
    series = paint_groups([one, two, [*three, *one, *two]])
    assert sheet.captions == [
        ["the photo"],
        ["Wheat", "painted", "Sea (1890)", "painted"],
        ["Hands (1890) and 2 more", "painted"],
    ]
    assert sheet.options["title"] == "photo.png, as Anna Ancher might have painted it"
    assert json.loads(read_record(series.sheet)) == {"sheet": "painted after"}


def test_as_many_rows_as_columns(
    paint_groups: PaintGroups, tmp_path: Path, sheet: Drawing
) -> None:
    groups = make_works(tmp_path, *"abcdefg")
    for count, shape in [(1, [2]), (2, [2, 2]), (3, [4, 2]), (7, [4, 4, 4, 2])]:
        paint_groups(groups[:count])
        assert [len(row) for row in sheet.panels] == [1, *shape]


# Names


def test_no_painting_takes_anothers_name(
    photo: Path,
    tmp_path: Path,
    networks: Networks,
) -> None:
    for number, (titles, names) in enumerate(
        [
            # The second would take the third one's name.
            (["Night", "Night", "Night 2"], ["night", "night-2", "night-2-2"]),
            (["Night 2", "Night", "Night"], ["night-2", "night", "night-3"]),
            # Other files in the folder.
            (["Sheet", "Losses", "Results"], ["sheet-2", "losses-2", "results-2"]),
            (["x" * 300, "x" * 300], ["x" * 80, "x" * 80 + "-2"]),
            (["睡蓮", "睡蓮"], ["work-0", "work-1"]),
            (["../../up", "a/b"], ["up", "a-b"]),
        ]
    ):
        groups = make_works(tmp_path, *titles)
        folder = tmp_path / str(number)
        folder.mkdir()
        options: dict[str, Any] = {"recipe": SMALL, "networks": networks}
        series = paint_gallery(photo, groups, folder, **options)
        assert [cell.name for cell in series.cells] == names
        paintings = snapshot_paintings(folder)
        assert set(paintings) == {f"{name}.png" for name in names}
        for cell, (source,) in zip(series.cells, groups, strict=True):
            (style,) = record.load_record(folder / f"{cell.name}.png")["styles"]
            assert style["sha256"] == hash_file(source.path)
        # They are found again.
        assert paint_gallery(photo, groups, folder, **options).painted == 0
        assert snapshot_paintings(folder) == paintings


def test_names_of_files_that_are_no_works(
    paint_groups: PaintGroups, style: Path, tmp_path: Path
) -> None:
    groups = []
    # On some disks two of them are one file's name.
    for number, name in enumerate(["Night.png", "night.png", "é" * 90 + ".png"]):
        path = tmp_path / f"{number}" / name
        path.parent.mkdir()
        Image.fromarray(picture(40, 40, seed=number)).save(path)
        groups.append([Source(path)])
    ((work,),) = make_works(tmp_path, "Wheat")
    series = paint_groups([*groups, [work, Source(style)]])
    first, second, third, fourth = (cell.name for cell in series.cells)
    assert (first, second, fourth) == ("Night", "night-2", "wheat+style")
    assert len(os.fsencode(third)) <= 100
    assert series.painted == 4


def test_mixes_of_many_are_named_after_their_first(
    paint_groups: PaintGroups, tmp_path: Path
) -> None:
    works = [work for (work,) in make_works(tmp_path, *"abcde")]
    series = paint_groups([works[:4], works[:2], works[4::-1]])
    assert [cell.name for cell in series.cells] == [
        "anna-a-and-3-more",
        "a+b",
        "anna-e-and-4-more",
    ]
    assert len(series.done["anna-a-and-3-more"].record["styles"]) == 4


# Resuming


def test_more_works_are_painted_beside_finished_ones(
    paint_groups: PaintGroups, folder: Path, tmp_path: Path
) -> None:
    groups = make_works(tmp_path, *TITLES)
    paint_groups(groups[:3])
    before = {path: path.read_bytes() for path in folder.iterdir()}
    reports: list[SeriesProgress] = []
    series = paint_groups(groups[:3], on_progress=reports.append)
    assert (series.painted, len(series.done), reports) == (0, 3, [])
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    paintings = snapshot_paintings(folder)
    assert paint_groups(groups).painted == 2
    after = snapshot_paintings(folder)
    assert {name: after[name] for name in paintings} == paintings
    assert len(read_rows(folder)) == 5


def test_a_folder_of_other_paintings_is_refused_and_kept(
    paint_groups: PaintGroups, folder: Path, tmp_path: Path
) -> None:
    groups = make_works(tmp_path, *TITLES[:2])
    paint_groups(groups)
    before = snapshot(folder)
    changes: tuple[dict[str, int], ...] = ({"seed": 8}, {"long_side": 48})
    for options in changes:
        with pytest.raises(UsageError, match=r"wheat\.png was .* other .*-o"):
            paint_groups(groups, **options)
    assert snapshot(folder) == before


def test_ctrl_c_keeps_what_is_finished_and_lays_it_out(
    paint_groups: PaintGroups, folder: Path, tmp_path: Path, sheet: Drawing
) -> None:
    groups = make_works(tmp_path, *TITLES[:3])
    series = paint_groups(groups, on_progress=stop_at(2, 1))
    assert series.interrupted
    assert list(series.done) == ["wheat"]
    assert [row["file"] for row in read_rows(folder)] == ["wheat.png"]
    assert sheet.captions == [["the photo"], ["Wheat", "painted"]]
    first = snapshot(folder)["wheat.png"]
    sheet.is_interrupted = True
    series = paint_groups(groups)
    assert (series.interrupted, series.painted, len(series.done)) == (True, 2, 3)
    assert snapshot(folder)["wheat.png"] == first
    sheet.is_interrupted = False
    series = paint_groups(groups)
    assert (series.interrupted, series.painted) == (False, 0)
    assert len(read_rows(folder)) == 3
    assert sheet.captions[1:] == [
        ["Wheat", "painted", "Sea (1890)", "painted"],
        ["Wheat (1890)", "painted"],
    ]


# Failures


def test_a_work_that_cannot_be_read_does_not_stop_the_others(
    paint_groups: PaintGroups, folder: Path, tmp_path: Path
) -> None:
    groups = make_works(tmp_path, *TITLES[:4])
    groups[1][0].path.write_text("no picture")
    series = paint_groups(groups)
    assert list(series.failed) == ["sea"]
    assert "work-1.png" in str(series.failed["sea"])
    assert len(read_rows(folder)) == 3
    assert series.sheet.is_file()


def test_if_none_can_be_painted_nothing_is_written(
    paint_groups: PaintGroups, folder: Path, tmp_path: Path
) -> None:
    series = paint_groups(make_works(tmp_path, *TITLES[:2]), recipe=recipe(width=8))
    assert len(series.failed) == 2
    assert list(folder.iterdir()) == []


def test_a_photo_that_cannot_be_read(
    paint_groups: PaintGroups, photo: Path, tmp_path: Path
) -> None:
    groups = make_works(tmp_path, "Sea")
    networks = Networks(ComputeOptions(max_pixels=96 * 72 - 1))
    with pytest.raises(ArtistNstError, match="--max-pixels"):
        paint_groups(groups, networks=networks)
    networks = Networks(ComputeOptions(max_pixels=96 * 72))
    assert paint_groups(groups, networks=networks).painted == 1
    photo.write_text("no picture")
    with pytest.raises(ArtistNstError, match=r"photo\.png"):
        paint_groups(groups)
