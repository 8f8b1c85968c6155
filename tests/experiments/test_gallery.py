"""One photo after several works: painted once each, and laid out."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.experiments import gallery
from artist_nst.experiments.gallery import Gallery, hang
from artist_nst.experiments.runner import SeriesProgress
from artist_nst.figures.sheet import Panel
from artist_nst.image.files import read_record, sha256_of
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from artist_nst.painting import networks, record
from artist_nst.painting.networks import Networks
from artist_nst.painting.style_sources import Source
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Recipe
from tests.conftest import picture

SMALL = recipe(width=32, network="compact").with_iterations(2)
TITLES = ["Wheat", "Sea", "Wheat", "Hands", "Head"]

Choices = Sequence[Sequence[Source]]
Hang = Callable[..., Gallery]


@pytest.fixture
def loaded(compact_weights: Weights, monkeypatch: pytest.MonkeyPatch) -> Networks:
    """Networks of four filters a layer."""

    def load(made: Recipe, **_: object) -> VGG:
        return VGG(compact_weights, pool=made.pool, padding=made.padding)

    monkeypatch.setattr(networks, "load_network", load)
    # What is there already is told by its weights.
    monkeypatch.setattr(Networks, "sha256", lambda *_: None)
    return Networks()


@pytest.fixture(autouse=True)
def _on_small_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sheets are drawn at a sixth of their size."""
    monkeypatch.setattr(gallery, "SIDE", 80)


def works(folder: Path, *titles: str) -> list[list[Source]]:
    """A painting after each."""
    found = []
    for number, title in enumerate(titles):
        path = folder / f"work-{number}.png"
        Image.fromarray(picture(40, 48, seed=20 + number)).save(path)
        facts = {"artist": "Anna Ancher", "corpus": "anna", "id": f"{number}"}
        year = "1890" if number else None
        work = {**facts, "title": title, "year": year, "rights": None}
        found.append([Source(path, 1.0, work)])
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "hall"
    folder.mkdir()
    return folder


@pytest.fixture
def hung(photo: Path, folder: Path, loaded: Networks) -> Hang:
    """``hung(choices)``, into ``folder``."""

    def hanging(choices: Choices, **how: Any) -> Gallery:
        how = {"recipe": SMALL, "seed": 7, **how}
        return hang(photo, choices, folder, networks=loaded, **how)

    return hanging


def pixels(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Of the paintings, with their times."""
    return {
        path.name: (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.iterdir())
        if path.name not in ("sheet.png", "results.csv")
    }


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "results.csv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# What it leaves


def test_every_work_has_its_painting(
    hung: Hang, folder: Path, tmp_path: Path, photo: Path
) -> None:
    made = hung(works(tmp_path, *TITLES))
    names = ["hands.png", "head.png", "sea.png", "wheat-3.png", "wheat.png"]
    names[3] = "wheat-2.png"
    assert list(contents(folder)) == sorted(names)
    assert sorted(os.listdir(folder)) == sorted([*names, "sheet.png", "results.csv"])
    assert made.sheet == folder / "sheet.png"
    assert (made.series.painted, made.series.failed) == (5, {})
    for cell, title in zip(made.cells, TITLES, strict=True):
        found = record.read(folder / f"{cell.name}.png")
        (style,) = found["styles"]
        assert style["work"]["title"] == title
        assert style["sha256"] == sha256_of(cell.sources[0].path)
        assert found["content"]["sha256"] == sha256_of(photo)
        assert found["seed"] == 7
        assert found["size"] == [32, 24]
        assert found["distances"]["style"] > 0
    # The two works of one title are two paintings.
    first, second = (pixels(folder / f"wheat{more}.png") for more in ("", "-2"))
    assert (first != second).any()


def test_the_table(hung: Hang, folder: Path, tmp_path: Path) -> None:
    hung(works(tmp_path, *TITLES[:3]), seed=2)
    found = rows(folder)
    assert [row["file"] for row in found] == ["wheat.png", "sea.png", "wheat-2.png"]
    assert [row["painted after"] for row in found] == ["wheat", "sea", "wheat-2"]
    assert [row["styles"] for row in found] == TITLES[:3]
    assert [row["seed"] for row in found] == ["2"] * 3
    assert all(float(row["style_distance"]) > 0 for row in found)


Rows = list[list[Panel]]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the sheet was drawn of, last."""
    seen: dict[str, Any] = {}
    draw = gallery.sheet

    def spy(rows: Rows, **how: Any) -> Any:
        seen.update(how, rows=rows)
        return draw(rows, **how)

    monkeypatch.setattr(gallery, "sheet", spy)
    return seen


def test_the_sheet_says_what_was_painted_after_what(
    hung: Hang, tmp_path: Path, drawn: dict[str, Any]
) -> None:
    one, two, three = works(tmp_path, "Wheat", "Sea", "Hands")
    made = hung([one, two, [*three, *one, *two]])
    labels = [panel.label for row in drawn["rows"] for panel in row]
    assert labels == [
        "the photo",
        "after Wheat",
        "after Sea (1890)",
        "after Hands (1890) and 2 more",
    ]
    assert drawn["title"] == "photo.png, as Anna Ancher might have painted it"
    assert json.loads(read_record(made.sheet)) == {"sheet": "painted after"}


@pytest.mark.parametrize(
    ("count", "shape"),
    [(1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2]), (7, [3, 3, 1]), (9, [3, 3, 3])],
)
def test_the_paintings_stand_in_about_as_many_rows_as_columns(
    hung: Hang,
    tmp_path: Path,
    count: int,
    shape: list[int],
    drawn: dict[str, Any],
) -> None:
    made = hung(works(tmp_path, *map(str, range(count))))
    assert [len(row) for row in drawn["rows"]] == [1, *shape]
    assert pixels(made.sheet).std() > 20


# Names


@pytest.mark.parametrize(
    ("titles", "names"),
    [
        (["Night", "Night", "Night"], ["night", "night-2", "night-3"]),
        # The second would take the third one's name.
        (["Night", "Night", "Night 2"], ["night", "night-2", "night-2-2"]),
        (["Night 2", "Night", "Night"], ["night-2", "night", "night-3"]),
        # What the folder holds besides.
        (["Sheet", "Losses", "Results"], ["sheet-2", "losses-2", "results-2"]),
        (["x" * 300, "x" * 300], ["x" * 80, "x" * 80 + "-2"]),
        (["睡蓮", "睡蓮"], ["work-0", "work-1"]),
        (["../../up", "a/b"], ["up", "a-b"]),
    ],
)
def test_no_painting_takes_anothers_name(
    hung: Hang, folder: Path, tmp_path: Path, titles: list[str], names: list[str]
) -> None:
    choices = works(tmp_path, *titles)
    made = hung(choices)
    assert [cell.name for cell in made.cells] == names
    before = contents(folder)
    assert sorted(before) == sorted(f"{name}.png" for name in names)
    for cell, choice in zip(made.cells, choices, strict=True):
        (style,) = record.read(folder / f"{cell.name}.png")["styles"]
        assert style["sha256"] == sha256_of(choice[0].path)
    # And it can be gone on with.
    assert hung(choices).series.painted == 0
    assert contents(folder) == before


@pytest.mark.parametrize("first", ["Night", "night"])
def test_names_that_differ_in_capitals_alone(
    hung: Hang, tmp_path: Path, first: str
) -> None:
    """On some disks they are one file's."""
    choices = []
    other = "night" if first == "Night" else "Night"
    for number, name in enumerate([f"{first}.png", f"{other}.png", "é" * 90 + ".png"]):
        path = tmp_path / f"{number}" / name
        path.parent.mkdir()
        Image.fromarray(picture(40, 40, seed=number)).save(path)
        choices.append([Source(path)])
    made = hung(choices)
    names = [cell.name for cell in made.cells]
    assert names[:2] == [first, f"{other}-2"]
    assert len(os.fsencode(names[2])) <= 100
    assert made.series.painted == 3


def test_mixes_of_many_are_named_after_their_first(hung: Hang, tmp_path: Path) -> None:
    found = [one for (one,) in works(tmp_path, *"abcde")]
    made = hung([found[:4], found[:2], found[4::-1]])
    assert [cell.name for cell in made.cells] == ["anna-mix-a", "a+b", "anna-mix-e"]
    assert len(record.read(made.series.done["anna-mix-a"].path)["styles"]) == 4


# Pictures that are no works


def test_files_that_are_no_works(hung: Hang, style: Path, tmp_path: Path) -> None:
    ((work,),) = works(tmp_path, "Wheat")
    made = hung([[Source(style)], [work, Source(style)]])
    assert [cell.name for cell in made.cells] == ["style", "wheat+style"]
    assert made.sheet.is_file()


# Going on


def test_again_nothing_is_painted(hung: Hang, folder: Path, tmp_path: Path) -> None:
    choices = works(tmp_path, *TITLES[:3])
    hung(choices)
    before = contents(folder)
    sheet, table = (folder / name for name in ("sheet.png", "results.csv"))
    was = sheet.read_bytes(), table.read_bytes()
    told: list[SeriesProgress] = []
    made = hung(choices, on_progress=told.append)
    assert (made.series.painted, len(made.series.done), told) == (0, 3, [])
    assert contents(folder) == before
    assert (sheet.read_bytes(), table.read_bytes()) == was


def test_more_works_are_painted_beside_them(
    hung: Hang, folder: Path, tmp_path: Path
) -> None:
    choices = works(tmp_path, *TITLES)
    hung(choices[:3])
    before = contents(folder)
    made = hung(choices)
    assert made.series.painted == 2
    after = contents(folder)
    assert {name: after[name] for name in before} == before
    assert len(rows(folder)) == 5


@pytest.mark.parametrize("changes", [{"seed": 8}, {"long_side": 48}], ids=str)
def test_a_folder_of_others_is_refused_and_kept(
    hung: Hang, folder: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    choices = works(tmp_path, *TITLES[:2])
    hung(choices)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UsageError, match=r"wheat\.png was painted with other .*-o"):
        hung(choices, **changes)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_ctrl_c_keeps_what_is_done_and_lays_it_out(
    hung: Hang, folder: Path, tmp_path: Path
) -> None:
    choices = works(tmp_path, *TITLES[:3])

    def stop(told: SeriesProgress) -> None:
        if told.number == 2:
            raise KeyboardInterrupt

    made = hung(choices, on_progress=stop)
    assert made.series.interrupted
    assert list(made.series.done) == ["wheat"]
    assert [row["file"] for row in rows(folder)] == ["wheat.png"]
    assert made.sheet.is_file()
    partly = made.sheet.read_bytes()
    first = contents(folder)["wheat.png"]
    made = hung(choices)
    assert (made.series.painted, len(made.series.done)) == (2, 3)
    assert contents(folder)["wheat.png"] == first
    assert made.sheet.read_bytes() != partly
    assert len(rows(folder)) == 3


def test_ctrl_c_while_the_sheet_is_drawn(
    hung: Hang, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    choices = works(tmp_path, *TITLES[:2])
    with monkeypatch.context() as patch:
        patch.setattr(gallery, "sheet", stop)
        made = hung(choices)
    assert (made.series.interrupted, len(made.series.done)) == (True, 2)
    assert not made.sheet.exists()
    assert hung(choices).series.painted == 0
    assert (folder / "sheet.png").is_file()


# What fails


def test_a_work_that_cannot_be_read_does_not_stop_the_others(
    hung: Hang, folder: Path, tmp_path: Path
) -> None:
    choices = works(tmp_path, *TITLES[:4])
    choices[1][0].path.write_text("no picture")
    made = hung(choices)
    assert list(made.series.failed) == ["sea"]
    assert "work-1.png" in str(made.series.failed["sea"])
    assert len(rows(folder)) == 3
    assert made.sheet.is_file()


def test_where_none_can_be_painted_nothing_is_left(
    hung: Hang, folder: Path, tmp_path: Path
) -> None:
    made = hung(works(tmp_path, *TITLES[:2]), recipe=recipe(width=8))
    assert len(made.series.failed) == 2
    assert list(folder.iterdir()) == []


def test_a_photo_that_is_no_picture(
    folder: Path, tmp_path: Path, loaded: Networks
) -> None:
    photo = tmp_path / "bad.png"
    photo.write_text("no picture")
    with pytest.raises(ArtistNstError, match=r"bad\.png"):
        hang(
            photo,
            works(tmp_path, "Sea"),
            folder,
            recipe=SMALL,
            networks=loaded,
        )
    assert list(folder.iterdir()) == []


def test_pictures_as_large_as_is_asked(hung: Hang, tmp_path: Path) -> None:
    choices = works(tmp_path, "Sea")
    with pytest.raises(ArtistNstError, match="--max-pixels"):
        hung(choices, max_pixels=96 * 72 - 1)
    assert hung(choices, max_pixels=96 * 72).series.painted == 1
