"""The example and the figures' scripts, each run to its sheet, small."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.painting import record

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
FIGURES = SCRIPTS / "figures"

# What each paints, where only VGG-19's weights are here.
PAINTINGS = {
    "color_transfer": 3,
    "compact": 9,
    "content_layer_by_ratio": 15,
    "iterations": 1,
    "mean_of_works": 4,
    "networks": 3,
    "picks": 5,
    "recipes": 7,
    "reconstructions": 10,
    "seven_works": 7,
    "style_scale": 2,
    "swapped": 2,
    "total_variation": 3,
}

Script = Callable[[str], ModuleType]
Figure = Callable[[str], Path]


@pytest.fixture(scope="module")
def script() -> Iterator[Script]:
    """A script by its name, imported and not run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FIGURES))
        yield import_module
    for name in (*PAINTINGS, "common"):
        sys.modules.pop(name, None)


@pytest.fixture(autouse=True)
def _small(weights_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    # The normalised network's means are measured on photographs, anew for each test.
    monkeypatch.setattr("artist_nst.painting.calibration.LONG_SIDE", 48)


@pytest.fixture(scope="module")
def figure(script: Script, tmp_path_factory: pytest.TempPathFactory) -> Figure:
    """The folder of a script that was run with ``--jpeg``, once for all tests."""
    folder = tmp_path_factory.mktemp("figures")

    @cache
    def ran(name: str) -> Path:
        again(script, name, folder / name, jpeg=folder / "docs" / f"{name}.jpg")
        return folder / name

    return ran


def again(script: Script, name: str, out: Path, jpeg: Path | None = None) -> None:
    # Enough for the first stage of the one that shows stages.
    count = 12 if name == "iterations" else 2
    script(name).main(width=64, out=out, numiter=count, jpeg=jpeg)


def paintings(folder: Path) -> dict[str, dict[str, Any]]:
    """The records of the paintings in a folder, by name."""
    found = {}
    for path in sorted(folder.glob("*.png")):
        try:
            found[path.stem] = record.read(path)
        except ArtistNstError:
            continue
    return found


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_script_is_tried() -> None:
    assert {path.stem for path in FIGURES.glob("*.py")} == {*PAINTINGS, "common"}


@pytest.mark.parametrize("name", PAINTINGS)
def test_a_script_leaves_a_sheet(name: str, figure: Figure) -> None:
    folder = figure(name)
    assert len(paintings(folder)) == len(rows(folder)) == PAINTINGS[name]
    jpeg = folder.parent / "docs" / f"{name}.jpg"
    with Image.open(folder / "sheet.png") as sheet, Image.open(jpeg) as small:
        assert 600 < sheet.width < 4000
        assert 300 < sheet.height < 4000
        assert np.asarray(sheet).std() > 20
        assert small.format == "JPEG"
        assert small.width <= 1600
        aspect = sheet.width / sheet.height
        assert small.width / small.height == pytest.approx(aspect, rel=0.01)
    assert jpeg.stat().st_size <= 300_000


@pytest.mark.parametrize("name", ["iterations", "style_scale", "swapped"])
def test_run_again_it_paints_nothing(
    name: str, figure: Figure, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = figure(name)
    kept = [path for path in folder.iterdir() if path.stem in paintings(folder)]
    assert len(kept) == PAINTINGS[name]
    before = [path.stat().st_mtime_ns for path in kept]
    (folder / "sheet.png").unlink()
    capsys.readouterr()
    again(script, name, folder)
    assert [path.stat().st_mtime_ns for path in kept] == before
    assert capsys.readouterr().out == f"{folder / 'sheet.png'}\n"
    assert (folder / "sheet.png").exists()


def test_iterations_are_those_of_one_run_from_the_photo(figure: Figure) -> None:
    folder = figure("iterations")
    (found,) = paintings(folder).values()
    assert found["recipe"]["name"] == "whole-artist-paper"
    assert found["recipe"]["init"] == "content"
    assert [path.name for path in folder.glob("iteration-*")] == ["iteration-010.png"]
    with (
        Image.open(folder / "iteration-010.png") as stage,
        Image.open(folder / "painting.png") as end,
        Image.open(folder / "progress.gif") as film,
    ):
        assert stage.size == end.size == film.size == (64, 43)
        assert not np.array_equal(np.asarray(stage), np.asarray(end))
        assert getattr(film, "n_frames", 1) == 12


def test_the_mean_is_of_all_works_alike(figure: Figure) -> None:
    found = paintings(figure("mean_of_works"))
    mean = found.pop("mean")
    ids = {style["work"]["id"] for style in mean["styles"]}
    assert ids == {f"procedural-{number:02}" for number in range(1, 9)}
    assert {style["weight"] for style in mean["styles"]} == {1}
    assert [len(one["styles"]) for one in found.values()] == [1, 1, 1]
    photos = {one["content"]["sha256"] for one in found.values()}
    assert photos == {mean["content"]["sha256"]}


def test_seven_different_works(figure: Figure) -> None:
    found = paintings(figure("seven_works")).values()
    assert len({style["work"]["id"] for one in found for style in one["styles"]}) == 7


def test_swapped_swaps(figure: Figure) -> None:
    one, other = paintings(figure("swapped")).values()
    assert one["content"]["sha256"] == other["styles"][0]["sha256"]
    assert one["styles"][0]["sha256"] == other["content"]["sha256"]


def test_what_is_varied(figure: Figure) -> None:
    scales = [row["style_scale"] for row in rows(figure("style_scale"))]
    assert scales == ["1.2", "1.8"]
    weights = [float(row["tv"]) for row in rows(figure("total_variation"))]
    assert weights == [0, 0.003, 0.03]
    methods = [row["color"] for row in rows(figure("color_transfer"))]
    assert methods == ["none", "reinhard", "luminance"]
    grid = rows(figure("content_layer_by_ratio"))
    assert len({(row["content_layers"], row["ratio"]) for row in grid}) == 15


def test_what_needs_other_weights_is_left_out(figure: Figure, script: Script) -> None:
    names = {row["recipe"] for row in rows(figure("recipes"))}
    assert "patel" not in names
    assert {"default", "art.py", "premamayudu"} <= names
    painted = paintings(figure("recipes")).values()
    assert {(one["iterations"], *one["size"]) for one in painted} == {(2, 64, 43)}
    here = [one for one in script("networks").NETWORKS if script("common").at_hand(one)]
    assert here == ["vgg19", "vgg19-normalised", "compact"]


def test_which_weights_are_at_hand(
    script: Script, weights_files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_hand = script("common").at_hand
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_files("vgg13")))
    assert at_hand("vgg13")
    assert not at_hand("vgg16")
    monkeypatch.delenv("ARTIST_NST_WEIGHTS")
    assert not at_hand("vgg13")


def test_a_jpeg_fits_whatever_the_sheet_holds(script: Script, tmp_path: Path) -> None:
    common = script("common")
    noise = np.random.default_rng(0).integers(0, 256, (600, 1800, 3), dtype=np.uint8)
    for name, pixels in (("noise", noise), ("plain", np.zeros_like(noise))):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        target = tmp_path / f"{name}.jpg"
        common.save_jpeg(tmp_path / f"{name}.png", target)
        assert target.stat().st_size <= 300_000
    with Image.open(tmp_path / "noise.jpg") as small:
        assert 200 < small.width < 1600
    with Image.open(tmp_path / "plain.jpg") as small:
        assert small.size == (1600, 533)
    assert not list(tmp_path.glob("*.part"))


def test_a_gallery_fills_its_rows(script: Script) -> None:
    common = script("common")
    panels = [common.Panel(np.full((90, 120, 3), 0.5), "") for _ in range(9)]
    nine, eight = common.gallery(panels), common.gallery(panels[:8])
    assert common.gallery([*panels, None]).shape == nine.shape
    # Three by three, and four by two.
    assert nine.shape[0] > eight.shape[0]
    assert nine.shape[1] < eight.shape[1]


def test_what_can_not_be_is_said_before_anything_is_painted(
    script: Script, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UsageError, match=r"must end in \.jpg"):
        again(script, "swapped", tmp_path / "new", jpeg=tmp_path / "sheet.png")
    with pytest.raises(UsageError, match="can't be made a folder"):
        again(script, "style_scale", file)
    assert [*tmp_path.iterdir()] == [file]


def start(script: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_from_the_command_line(tmp_path: Path) -> None:
    out, jpeg = tmp_path / "new" / "folder", tmp_path / "sheet.jpg"
    given = "-w", 64, "-n", 2, "-o", out, "--jpeg", jpeg
    done = start(FIGURES / "style_scale.py", *given)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{out / 'sheet.png'}\n"
    assert jpeg.stat().st_size <= 300_000


def test_what_goes_wrong_is_one_line(
    figure: Figure,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["style_scale.py", "-w", "72", "-n", "2", "-o", str(figure("style_scale"))]
    monkeypatch.setattr(sys, "argv", given)
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        script("common").run(script("style_scale").main, "About.")
    assert stop.value.code == 2
    said = capsys.readouterr().err.splitlines()
    (line,) = [one for one in said if one.startswith("style_scale: ")]
    assert said[-1] == line
    assert "with other width: choose another folder with -o" in line


def test_the_example_compares(
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    example, out = import_module("compare_style_scales"), tmp_path / "new" / "scales"
    sys.modules.pop("compare_style_scales")
    whole = example.recipe
    # It paints in as many iterations as the recipe has.
    monkeypatch.setattr(
        example, "recipe", lambda **changes: whole(**changes).with_iterations(2)
    )
    example.main(photo, "procedural", "0.6,1", width=64, out=out)
    assert capsys.readouterr().out.splitlines()[-1] == str(out / "sheet.png")
    assert [*paintings(out)] == ["style-scale-0.6", "style-scale-1"]
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.width > 600


def test_the_example_says_what_is_wrong(tmp_path: Path) -> None:
    given = tmp_path / "none.jpg", "procedural", "0.6,1", "-o", tmp_path / "scales"
    done = start(SCRIPTS / "compare_style_scales.py", *given)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "none.jpg" in line
