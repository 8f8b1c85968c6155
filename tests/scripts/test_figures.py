"""The figures' scripts and the example, each run to its sheet with small numbers."""

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
from artist_nst.painting.record import load_record
from tests.scripts.conftest import SCRIPTS

pytestmark = pytest.mark.tools

FIGURES = SCRIPTS / "figures"

# The number of paintings of each, if only VGG-19's weights are here.
PAINTINGS = {
    "color_transfer": 3,
    "compact": 9,
    "content_layer_by_ratio": 15,
    "effects": 18,
    "iterations": 1,
    "mean_of_works": 4,
    "networks": 3,
    "picks": 5,
    "recipes": 10,
    "reconstructions": 10,
    "seven_works": 7,
    "style_scale": 2,
    "swapped": 2,
    "total_variation": 3,
}

Script = Callable[[str], ModuleType]
Run = Callable[[str], Path]


@pytest.fixture(scope="module")
def script() -> Iterator[Script]:
    """Imports a script by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FIGURES))
        yield import_module
    for name in (*PAINTINGS, "common"):
        sys.modules.pop(name, None)


@pytest.fixture(autouse=True)
def _small(weights_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    # The normalised network is calibrated on photographs, anew for each test.
    monkeypatch.setattr("artist_nst.painting.calibration.LONG_SIDE", 48)


@pytest.fixture(scope="module")
def run(script: Script, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a script with ``--jpeg``, once for all tests; returns its folder."""
    folder = tmp_path_factory.mktemp("figures")

    @cache
    def run_once(name: str) -> Path:
        draw(script, name, folder / name, folder / "docs" / f"{name}.jpg")
        return folder / name

    return run_once


def draw(script: Script, name: str, out: Path, jpeg: Path | None = None) -> None:
    # 12 iterations include the first stage of the figure of stages.
    iterations = 12 if name == "iterations" else 1
    common = script("common")
    original = common.recipe

    def fast_recipe(name: str, **changes: Any) -> Any:
        return original(name, **{"network": "compact", **changes})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(common, "recipe", fast_recipe)
        script(name).draw(common.Figure(out, 64, iterations, jpeg))


def paintings(folder: Path) -> dict[str, dict[str, Any]]:
    """The records of the paintings in a folder, by name."""
    records = {}
    for path in sorted(folder.glob("*.png")):
        try:
            records[path.stem] = load_record(path)
        except ArtistNstError:
            continue
    return records


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_script_is_tested() -> None:
    assert {path.stem for path in FIGURES.glob("*.py")} == {*PAINTINGS, "common"}


@pytest.mark.parametrize("name", PAINTINGS)
def test_a_script_writes_a_sheet(name: str, run: Run) -> None:
    folder = run(name)
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
def test_finished_paintings_are_skipped(
    name: str, run: Run, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run(name)
    files = [path for path in folder.iterdir() if path.stem in paintings(folder)]
    assert len(files) == PAINTINGS[name]
    before = [path.stat().st_mtime_ns for path in files]
    (folder / "sheet.png").unlink()
    capsys.readouterr()
    draw(script, name, folder)
    assert [path.stat().st_mtime_ns for path in files] == before
    assert capsys.readouterr().out == f"{folder / 'sheet.png'}\n"
    assert (folder / "sheet.png").exists()


def test_iterations_are_of_one_run_from_the_photo(run: Run) -> None:
    folder = run("iterations")
    (record,) = paintings(folder).values()
    assert record["recipe"]["name"] == "whole-artist-paper"
    assert record["recipe"]["init"] == "content"
    assert [path.name for path in folder.glob("iteration-*")] == ["iteration-010.png"]
    with (
        Image.open(folder / "iteration-010.png") as stage,
        Image.open(folder / "painting.png") as end,
        Image.open(folder / "progress.gif") as film,
    ):
        assert stage.size == end.size == film.size == (64, 43)
        assert not np.array_equal(np.asarray(stage), np.asarray(end))
        assert getattr(film, "n_frames", 1) == 12


def test_the_mean_is_of_all_works(run: Run) -> None:
    records = paintings(run("mean_of_works"))
    mean = records.pop("mean")
    ids = {style["work"]["id"] for style in mean["styles"]}
    assert ids == {f"procedural-{number:02}" for number in range(1, 9)}
    assert {style["weight"] for style in mean["styles"]} == {1}
    assert [len(record["styles"]) for record in records.values()] == [1, 1, 1]


def test_what_varies(run: Run) -> None:
    scales = [row["style_scale"] for row in rows(run("style_scale"))]
    assert scales == ["1.2", "1.8"]
    weights = [float(row["tv"]) for row in rows(run("total_variation"))]
    assert weights == [0, 0.003, 0.03]
    methods = [row["color"] for row in rows(run("color_transfer"))]
    assert methods == ["none", "reinhard", "luminance"]
    grid = rows(run("content_layer_by_ratio"))
    assert len({(row["content_layers"], row["ratio"]) for row in grid}) == 15
    one, other = paintings(run("swapped")).values()
    assert one["content"]["sha256"] == other["styles"][0]["sha256"]
    assert one["styles"][0]["sha256"] == other["content"]["sha256"]
    records = paintings(run("seven_works")).values()
    assert len({record["styles"][0]["sha256"] for record in records}) == 7


def test_networks_without_weights_are_left_out(run: Run) -> None:
    names = {*paintings(run("recipes"))}
    assert "patel" not in names
    assert {"default", "art.py", "premamayudu"} <= names
    networks = [row["network"] for row in rows(run("networks"))]
    assert networks == ["vgg19", "vgg19-normalised", "compact"]


def test_which_networks_have_weights(
    script: Script, weights_files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_weights = script("common").has_weights
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_files("vgg13")))
    assert has_weights("vgg13")
    assert not has_weights("vgg16")
    monkeypatch.delenv("ARTIST_NST_WEIGHTS")
    assert not has_weights("vgg13")


def test_jpegs_are_small(script: Script, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 1800, 3), dtype=np.uint8)
    for name, pixels in (("noise", noise), ("plain", np.zeros_like(noise))):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        target = tmp_path / f"{name}.jpg"
        script("common").save_jpeg(tmp_path / f"{name}.png", target)
        assert target.stat().st_size <= 300_000
    with Image.open(tmp_path / "noise.jpg") as small:
        assert 200 < small.width < 1600
    with Image.open(tmp_path / "plain.jpg") as small:
        assert small.size == (1600, 533)


def test_galleries_fill_their_rows(script: Script) -> None:
    common = script("common")
    panels = [common.Panel(np.full((90, 120, 3), 0.5), "") for _ in range(9)]
    nine, eight = common.draw_gallery(panels), common.draw_gallery(panels[:8])
    assert common.draw_gallery([*panels, None]).shape == nine.shape
    # 3×3 and 2×4.
    assert nine.shape[0] > eight.shape[0]
    assert nine.shape[1] < eight.shape[1]


def test_usage_errors_come_before_painting(script: Script, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UsageError, match=r"must end in \.jpg"):
        draw(script, "swapped", tmp_path / "new", jpeg=tmp_path / "sheet.png")
    with pytest.raises(UsageError, match="file"):
        draw(script, "style_scale", file)
    assert [*tmp_path.iterdir()] == [file]


# Command lines -----------------------------------------------------------------------


def start(path: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(path), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_line(
    tmp_path: Path,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, jpeg = tmp_path / "new" / "folder", tmp_path / "sheet.jpg"
    done = start(
        FIGURES / "style_scale.py", "-w", 64, "-n", 1, "-o", out, "--jpeg", jpeg
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{out / 'sheet.png'}\n"
    assert jpeg.stat().st_size <= 300_000
    monkeypatch.setattr(sys, "argv", ["style_scale.py", "-w", "72", "-o", str(out)])
    with pytest.raises(SystemExit) as stop:
        script("common").run_figure(script("style_scale").draw, iterations=1)
    assert stop.value.code == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("style_scale: ")
    assert "width" in line


def test_the_example(
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import compare_style_scales as example

    out, original = tmp_path / "new" / "scales", example.recipe

    def short_recipe(**changes: Any) -> Any:
        return original(**changes).with_iterations(2)

    monkeypatch.setattr(example, "recipe", short_recipe)
    example.main(photo, "procedural", "0.6,1", width=64, out=out)
    assert capsys.readouterr().out.splitlines()[-1] == str(out / "sheet.png")
    assert [*paintings(out)] == ["style-scale-0.6", "style-scale-1"]


def test_the_example_reports_errors_in_one_line(tmp_path: Path) -> None:
    photo = tmp_path / "none.jpg"
    example = SCRIPTS / "compare_style_scales.py"
    done = start(example, photo, "procedural", "0.6,1", "-o", tmp_path / "scales")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "none.jpg" in line
