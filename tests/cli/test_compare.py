"""``artist-nst compare``: settings varied, laid out, gone on with."""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from artist_nst.cli import console as talk
from artist_nst.experiments.runner import Cell, SeriesProgress
from artist_nst.nst.objective import Losses
from artist_nst.nst.pyramid import Step
from artist_nst.nst.vgg import VGG
from artist_nst.painting import networks, record
from artist_nst.painting.pipeline import Progress
from artist_nst.recipes.published import RECIPES, recipe
from artist_nst.recipes.toml_file import write_recipe
from tests.cli.conftest import Cli
from tests.cli.test_paint import files, pixels
from tests.conftest import picture

SMALL = ("-w", "32", "-n", "2")
EXTRA = {"sheet.png", "results.csv", "losses.png"}


def names(folder: str) -> set[str]:
    return set(os.listdir(folder))


def rows(folder: str) -> list[dict[str, str]]:
    with open(Path(folder, "results.csv"), encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def contents(folder: str) -> dict[str, tuple[int, bytes]]:
    """Of the paintings, with their times."""
    return {
        path.name: (path.stat().st_mtime_ns, path.read_bytes())
        for path in Path(folder).iterdir()
        if path.name not in EXTRA
    }


def inked(sheet: NDArray[np.uint8]) -> float:
    """How much of it is not paper."""
    return float((sheet < 200).mean())


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """``stopped(2, 1)``: Ctrl-C at iteration 1 of cell 2, once."""

    def at(number: int, iteration: int) -> None:
        waiting = [(number, iteration)]

        @contextmanager
        def bar(_: Console) -> Iterator[Callable[[SeriesProgress], None]]:
            def show(told: SeriesProgress) -> None:
                if (told.number, told.progress.step.iteration) in waiting:
                    waiting.clear()
                    signal.raise_signal(signal.SIGINT)

            yield show

        monkeypatch.setattr(talk, "series_bar", bar)

    return at


class TestComparing:
    def test_one_axis(self, cli: Cli, photo: Path, style: Path) -> None:
        ran = cli("compare", "ratio", "1,25", photo, style, *SMALL, "-o", "grid")
        assert (ran.code, ran.out) == (0, "grid/sheet.png\n")
        paintings = {"ratio-1.png", "ratio-25.png"}
        inside = [f"grid/{name}" for name in EXTRA | paintings]
        assert files() == ["grid", *sorted(inside)]
        low, high = (pixels(f"grid/ratio-{at}.png") for at in (1, 25))
        assert low.shape == (24, 32, 3)
        assert (low != high).any()
        height, width, _ = pixels("grid/sheet.png").shape
        assert height > 700
        assert width > 900

    def test_the_table(self, cli: Cli, photo: Path, style: Path) -> None:
        cli("compare", "ratio", "1,25", photo, style, *SMALL, "-o", "grid")
        found = rows("grid")
        assert [row["ratio"] for row in found] == ["1", "25"]
        for row in found:
            made = record.read(Path("grid", row["file"]))
            for name, value in made["losses"].items():
                assert float(row[f"final_{name}"]) == value
            apart = made["distances"]
            assert float(row["content_distance"]) == apart["content"]
            assert float(row["style_distance"]) == apart["style"]
            assert float(row["seconds"]) == made["seconds"]
            assert float(row["ratio"]) == made["recipe"]["ratio"]
            assert made["recipe"].keys() - {"name"} <= row.keys()
            assert row["recipe"] == "default"
        # The more the style counts, the nearer it comes, and the farther the photo.
        first, second = found
        assert float(first["style_distance"]) > float(second["style_distance"])
        assert float(first["content_distance"]) < float(second["content_distance"])

    def test_every_painting_can_be_painted_again(self, cli: Cli, photo: Path) -> None:
        more = (*SMALL, "-A", "procedural", "-i", "rand", "-o", "grid")
        ran = cli("compare", "work", "orchard,procedural-03", photo, *more)
        assert ran.code == 0
        paintings = sorted(names("grid") - EXTRA)
        assert paintings == ["work-orchard.png", "work-procedural-03.png"]
        for name in paintings:
            assert cli("repaint", f"grid/{name}", "-o", "again.png").code == 0
            assert (pixels("again.png") == pixels(f"grid/{name}")).all()

    def test_two_axes_in_a_folder_of_the_photos_name(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        more = ("--by", "content-layer", "conv3_1,conv3_1=0.5+conv4_2=0.5", *SMALL)
        ran = cli("compare", "style-scale", "0.7,1", photo, style, *more)
        folder = "compare-photo-style-scale-by-content-layer"
        assert (ran.code, ran.out) == (0, f"{folder}/sheet.png\n")
        layers = ("conv3_1", "conv3_1=0.5+conv4_2=0.5")
        assert names(folder) == EXTRA | {
            f"content-layer-{layer},style-scale-{scale}.png"
            for layer in layers
            for scale in ("0.7", "1")
        }
        order = [(row["content-layer"], row["style-scale"]) for row in rows(folder)]
        assert order == [(one, scale) for one in layers for scale in ("0.7", "1")]

    def test_works_with_another_axis(self, cli: Cli, photo: Path) -> None:
        more = ("--by", "ratio", "1,9", "-A", "procedural", *SMALL, "-o", "grid")
        assert cli("compare", "work", "orchard,procedural-03", photo, *more).code == 0
        works = [row["styles"] for row in rows("grid")]
        assert works == ["Orchard in April", "Harbour before Dusk"] * 2

    def test_recipes_named_and_of_ones_own(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        write_recipe("mine.toml", recipe("default", ratio=8.0, width=300))
        more = (*SMALL, "--tv", "0.5", "-o", "grid")
        ran = cli("compare", "recipe", "default,art.py,mine.toml", photo, style, *more)
        assert ran.code == 0
        found = {row["recipe"]: row for row in rows("grid")}
        assert list(found) == ["default", "art.py", "mine.toml"]
        # What is asked for is of each; the rest is its own.
        for row in found.values():
            assert (row["width"], row["width_px"], row["tv"]) == ("32", "32", "0.5")
        ratios = [float(row["ratio"]) for row in found.values()]
        assert ratios == [5, RECIPES["art.py"].ratio, 8]

    def test_seeds(self, cli: Cli, photo: Path, style: Path) -> None:
        more = (*SMALL, "-i", "rand")
        for folder, seed in (("a", ()), ("b", ()), ("c", ("--seed", 9))):
            cli("compare", "ratio", "5", photo, style, *more, *seed, "-o", folder)
        first, same, other = (pixels(f"{one}/ratio-5.png") for one in "abc")
        assert (first == same).all()
        assert (first != other).any()
        assert [row["seed"] for row in rows("a") + rows("c")] == ["0", "9"]

    def test_quietly_a_strength_for_colors_that_vary(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        more = (*SMALL, "--color-strength", "0.5", "-o", "grid", "-q")
        ran = cli("compare", "color", "none,linear", photo, style, *more)
        assert (ran.code, ran.out, ran.err) == (0, "grid/sheet.png\n", "")
        assert [row["color_strength"] for row in rows("grid")] == ["0.5", "0.5"]

    def test_the_network_is_loaded_once(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        loads: list[str] = []
        load = networks.load_network

        def spy(made: Any, **how: Any) -> VGG:
            loads.append(made.pool)
            return load(made, **how)

        monkeypatch.setattr(networks, "load_network", spy)
        more = ("--by", "ratio", "1,5", *SMALL, "-o", "grid")
        assert cli("compare", "pool", "max,average", photo, style, *more).code == 0
        assert loads == ["max", "average"]


class TestGoingOn:
    def test_again_and_with_more_values(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        more = (photo, style, *SMALL, "-o", "grid")
        cli("compare", "ratio", "1,25", *more)
        before = contents("grid")
        sheet = pixels("grid/sheet.png")
        ran = cli("compare", "ratio", "1,25", *more)
        assert (ran.code, ran.out) == (0, "grid/sheet.png\n")
        assert "2 of 2 are there already" in ran.err
        assert contents("grid") == before
        assert (pixels("grid/sheet.png") == sheet).all()
        ran = cli("compare", "ratio", "1,5,25", *more)
        assert ran.code == 0
        after = contents("grid")
        assert after.pop("ratio-5.png")
        assert after == before
        assert [row["ratio"] for row in rows("grid")] == ["1", "5", "25"]
        assert pixels("grid/sheet.png").shape[1] > sheet.shape[1]

    def test_a_folder_of_other_paintings_is_refused_and_kept(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        cli("compare", "ratio", "1", photo, style, *SMALL, "-o", "grid")
        before = {path: path.read_bytes() for path in Path("grid").iterdir()}
        for arguments, says in (
            (("--tv", "0.5"), "other tv"),
            (("--seed", "3"), "other seed"),
            (("-w", "64"), "other width"),
            (("-n", "3"), "other iterations"),
            (("-c",), "other color"),
            (("--weights-input", "oxford"), "other weights input"),
        ):
            more = (*SMALL, "-o", "grid", *arguments)
            ran = cli("compare", "ratio", "1,5", photo, style, *more)
            assert ran.code == 2
            assert "ratio-1.png" in ran.line
            assert says in ran.line
            now = {path: path.read_bytes() for path in Path("grid").iterdir()}
            assert now == before

    def test_a_file_that_is_no_painting_is_kept(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        Path("grid").mkdir()
        shutil.copy(photo, "grid/ratio-5.png")
        ran = cli("compare", "ratio", "1,5", photo, style, *SMALL, "-o", "grid")
        assert ran.code == 2
        assert "grid/ratio-5.png is not a painting of this comparison" in ran.line
        assert Path("grid/ratio-5.png").read_bytes() == photo.read_bytes()
        assert names("grid") == {"ratio-5.png"}


class TestCtrlC:
    def test_what_is_done_is_laid_out_and_the_rest_comes_later(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        stopped: Callable[[int, int], None],
    ) -> None:
        arguments = ("compare", "ratio", "1,5,25", photo, style, *SMALL, "-o", "grid")
        stopped(2, 1)
        ran = cli(*arguments)
        assert (ran.code, ran.out) == (130, "grid/sheet.png\n")
        assert "1 of 3 paintings are in grid" in ran.line
        assert "run it again" in ran.line
        assert names("grid") == EXTRA | {"ratio-1.png", "ratio-5.png"}
        assert record.read("grid/ratio-5.png")["stopped"] == ["interrupted"]
        assert pixels("grid/ratio-5.png").shape == (24, 32, 3)
        assert [row["ratio"] for row in rows("grid")] == ["1"]
        first = contents("grid")["ratio-1.png"]
        partly = pixels("grid/sheet.png")
        ran = cli(*arguments)
        assert ran.code == 0
        assert contents("grid")["ratio-1.png"] == first
        assert [row["ratio"] for row in rows("grid")] == ["1", "5", "25"]
        whole = pixels("grid/sheet.png")
        assert whole.shape == partly.shape
        # Where it said "not painted", there are pictures now.
        third = whole.shape[1] // 3
        assert inked(partly[450:, :third]) > 0.1 > inked(partly[450:, third:])
        assert inked(whole[450:, third:]) > 0.1

    def test_before_anything_nothing_is_left(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def stop(*_: object) -> None:
            signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(VGG, "run", stop)
        ran = cli("compare", "ratio", "1,5", photo, style, *SMALL, "-o", "grid")
        assert (ran.code, ran.out) == (130, "")
        assert "none of 2 paintings is done" in ran.line
        assert files() == []

    def test_a_process_of_its_own(self, cli: Cli, photo: Path, style: Path) -> None:
        del cli  # for its folder and weights
        arguments = ("compare", "iterations", "2,100000", photo, style, "-w", "96")
        process = subprocess.Popen(
            [Path(sys.executable).with_name("artist-nst"), *arguments, "-o", "grid"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 120
        while not Path("grid/iterations-2.png").exists() and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 130, err
        assert out == "grid/sheet.png\n"
        assert "Traceback" not in err
        assert "1 of 2 paintings are in grid" in err.splitlines()[-1]
        assert "all iterations done" in record.read("grid/iterations-2.png")["stopped"]
        assert names("grid") >= EXTRA
        assert [row["iterations"] for row in rows("grid")] == ["2"]


class TestFailures:
    def test_a_cell_that_cannot_be_painted_does_not_stop_the_others(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        more = ("-n", "3", "-o", "grid")
        ran = cli("compare", "width", "48,8,64", photo, style, *more)
        assert (ran.code, ran.out) == (1, "grid/sheet.png\n")
        first, last = ran.err.splitlines()[-2:]
        assert first.startswith("artist-nst: width-8: ")
        assert "--width" in first
        assert "2 of 3 paintings are in grid; 1 could not be painted" in last
        assert names("grid") == EXTRA | {"width-48.png", "width-64.png"}

    def test_what_fails_all_of_them_is_said_once(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        more = ("-n", "3", "-w", "8", "-o", "grid")
        ran = cli("compare", "ratio", "1,5,25", photo, style, *more)
        assert (ran.code, ran.out) == (2, "")
        assert "--width" in ran.line
        assert files() == []
        monkeypatch.delenv("ARTIST_NST_WEIGHTS")
        more = (*SMALL, "--network", "vgg19", "--offline")
        ran = cli("compare", "ratio", "1,5", photo, style, *more)
        assert (ran.code, ran.out) == (1, "")
        assert "--weights" in ran.line
        assert files() == []

    def test_a_folder_that_was_there_stays(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        Path("grid").mkdir()
        more = ("-n", "3", "-w", "8", "-o", "grid")
        assert cli("compare", "ratio", "1,5", photo, style, *more).code == 2
        assert files() == ["grid"]

    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            (("ratoi", "1,5", "PHOTO", "STYLE"), 2, "'ratio'"),
            (("ratio", "", "PHOTO", "STYLE"), 2, "commas"),
            (("ratio", "1,", "PHOTO", "STYLE"), 2, "commas"),
            (("ratio", "1,1", "PHOTO", "STYLE"), 2, "twice"),
            (("ratio", "1,five", "PHOTO", "STYLE"), 2, "'five' is not a number"),
            (("ratio", "1,1e30", "PHOTO", "STYLE"), 2, "--ratio"),
            (("ratio", "-1,5", "PHOTO", "STYLE"), 2, "-1"),
            (("width", "48,0", "PHOTO", "STYLE"), 2, "--width"),
            (("iterations", "0", "PHOTO", "STYLE"), 2, "--numiter"),
            (("content-layer", "conv42", "PHOTO", "STYLE"), 2, "'conv4_2'"),
            (("style-layer", "conv1_1+", "PHOTO", "STYLE"), 2, "style-layer"),
            (("network", "vgg18", "PHOTO", "STYLE"), 2, "'vgg19'"),
            (("pool", "maximum", "PHOTO", "STYLE"), 2, "'max'"),
            (("init", "contant", "PHOTO", "STYLE"), 2, "'content'"),
            (("optimizer", "lbgfs", "PHOTO", "STYLE"), 2, "'lbfgs'"),
            (("color", "reinhart", "PHOTO", "STYLE"), 2, "'reinhard'"),
            (("recipe", "defalt", "PHOTO", "STYLE"), 2, "'default'"),
            (("recipe", "no.toml", "PHOTO", "STYLE"), 2, "no.toml"),
            (("ratio", "1,5"), 2, "PICTURE"),
            (("ratio", "1,5", "PHOTO"), 2, "--artist"),
            (("ratio", "1,5", "missing.png", "STYLE"), 1, "missing.png"),
            (("ratio", "1,5", "PHOTO", "missing.png"), 1, "missing.png"),
            (("ratio", "1,5", "PHOTO", "STYLE", "--by", "ratio"), 2, "--by"),
            (("ratio", "1", "PHOTO", "STYLE", "--by", "ratio", "5"), 2, "both axes"),
            (("ratio", "1", "PHOTO", "STYLE", "--by", "tvv", "5"), 2, "'tv'"),
            (("ratio", "1", "PHOTO", "STYLE", "--ratio", "5"), 2, "--ratio"),
            (("ratio", "1", "PHOTO", "STYLE", "--ratio", "0"), 2, "--ratio"),
            (("tv", "1", "PHOTO", "STYLE", "--tv", "0"), 2, "--tv"),
            (("color", "none", "PHOTO", "STYLE", "-c"), 2, "--color-transfer"),
            (("iterations", "5", "PHOTO", "STYLE", "-n", "5"), 2, "--numiter"),
            (("width", "48", "PHOTO", "STYLE", "--long-side", "9"), 2, "--long-side"),
            (
                ("style-layer", "conv1_1", "PHOTO", "STYLE", "--style-layer", "x"),
                2,
                "--style-layer",
            ),
            (("recipe", "art.py", "PHOTO", "STYLE", "--recipe", "x"), 2, "--recipe"),
            (("work", "orchard", "PHOTO"), 2, "--artist"),
            (("work", "orchard", "PHOTO", "STYLE"), 2, "--artist"),
            (("work", "orchrad", "PHOTO", "-A", "procedural"), 2, "Orchard"),
            (
                ("work", "orchard", "PHOTO", "-A", "procedural", "--work", "x"),
                2,
                "--work",
            ),
            (
                ("ratio", "1", "PHOTO", "STYLE", "-A", "procedural"),
                2,
                "one is compared",
            ),
            (("ratio", "1", "PHOTO", "-A", "nobody"), 2, "nobody"),
            (("ratio", "1", "PHOTO", "STYLE", "--seed", "9" * 30), 2, "--seed"),
            (("ratio", "1", "PHOTO", "STYLE", "--color-strength", "1"), 2, "--color"),
            (("ratio", "1", "PHOTO", "STYLE", "--max-pixels", "9"), 1, "--max-pixels"),
            (("ratio", "1", "PHOTO", "STYLE", "--weights", "no.pth"), 1, "no.pth"),
            (("ratio", "1", "PHOTO", "STYLE", "-o", "grid.png"), 2, "not a file"),
            (("ratio", "1", "PHOTO", "STYLE", "-o", "PHOTO"), 2, "not a file"),
            (("ratio", "1", "PHOTO", "STYLE", "-o", "no/grid"), 2, "no/grid"),
            (("ratio", "1", "PHOTO", "STYLE", "-o", "x" * 300), 2, "xxx"),
            (("ratio", "1", "PHOTO", "STYLE", "-o", "/proc/grid"), 2, "/proc/grid"),
            (("ratio", "1", "PHOTO", "STYLE", "--film", "a.gif"), 2, "--film"),
            (("ratio", "1", "PHOTO", "STYLE", "--explain"), 2, "--explain"),
        ],
    )
    def test_one_line_and_nothing_made(
        self,
        cli: Cli,
        photo: Path,
        style: Path,
        arguments: tuple[str, ...],
        code: int,
        says: str,
    ) -> None:
        named = {"PHOTO": str(photo), "STYLE": str(style)}
        ran = cli("compare", *(named.get(one, one) for one in arguments))
        assert ran.code == code, ran.err
        assert says in ran.line
        assert ran.out == ""
        assert files() == []

    def test_a_file_where_the_folder_would_be(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        Path("grid").write_text("mine")
        ran = cli("compare", "ratio", "1,5", photo, style, *SMALL, "-o", "grid")
        assert ran.code == 2
        assert "-o grid" in ran.line
        assert Path("grid").read_text() == "mine"

    def test_a_folder_that_is_not_ours(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        if not os.path.isdir("/proc/self"):
            pytest.skip("no folder that even root can't write to")
        ran = cli("compare", "ratio", "1,5", photo, style, *SMALL, "-o", "/proc/self")
        assert ran.code == 2
        assert "/proc/self" in ran.line

    def test_many_are_asked_about(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        many = ",".join(map(str, range(1, 101)))
        more = ("--by", "tv", many, *SMALL, "-o", "grid")
        ran = cli("compare", "ratio", many, photo, style, *more)
        assert ran.code == 2
        assert "10,000 paintings" in ran.line
        assert "--yes" in ran.line
        assert files() == []
        monkeypatch.setattr("artist_nst.cli.commands.compare.MANY", 1)
        arguments = ("compare", "ratio", "1,5", photo, style, *SMALL, "-o", "grid")
        assert cli(*arguments).code == 2
        assert files() == []
        assert cli(*arguments, "--yes").code == 0
        assert names("grid") == EXTRA | {"ratio-1.png", "ratio-5.png"}


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "ein Foto, am Größten [1] 100%.png",
            "x" * 200 + ".png",
            "ü" * 100 + ".png",
            "画" * 80 + ".png",
        ],
    )
    def test_photos_of_any_name(self, cli: Cli, style: Path, name: str) -> None:
        Image.fromarray(picture(36, 48)).save(name)
        by = ("--by", "style-layer", "conv1_1=0.5+conv2_1=0.5,conv1_1")
        photo = f"./{name}"
        ran = cli("compare", "content-layer", "conv2_2", photo, style, *by, *SMALL)
        assert ran.code == 0, ran.err
        (sheet,) = ran.out.splitlines()
        folder = os.path.dirname(sheet)
        assert folder.startswith(f"compare-{Path(name).stem[:20]}")
        assert len(names(folder)) == 3 + 2
        assert all(Path(row["photo"]).name == name for row in rows(folder))

    def test_works_of_any_name(self, cli: Cli, photo: Path, tmp_path: Path) -> None:
        works = tmp_path / "corpora" / "anna"
        works.mkdir(parents=True)
        titles = ["Märchen am Abend [3]", "ü" * 100, "x" * 200]
        for seed, title in enumerate(titles):
            Image.fromarray(picture(40, 50, seed)).save(works / f"{title}.png")
        more = ("-A", "anna", "--corpora", tmp_path / "corpora", *SMALL, "-o", "grid")
        ran = cli("compare", "work", ",".join(titles), photo, *more)
        assert ran.code == 0, ran.err
        paintings = names("grid") - EXTRA
        assert len(paintings) == 3
        assert "work-Märchen-am-Abend-3-.png" in paintings
        assert all(len(name.encode()) < 130 for name in paintings)
        assert [row["work"] for row in rows("grid")] == titles
        # A short name of a long title leads to the same folder again.
        assert (
            "3 of 3 are there already"
            in cli("compare", "work", ",".join(titles), photo, *more).err
        )

    def test_layers_that_fill_a_line(self, cli: Cli, photo: Path, style: Path) -> None:
        layers = "+".join(
            f"conv{block}_{at}=0.0625"
            for block, depth in ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1))
            for at in range(1, depth + 1)
        )
        assert len(layers) > 170
        more = ("--by", "content-layer", layers, *SMALL, "-o", "grid")
        ran = cli("compare", "style-layer", layers, photo, style, *more)
        assert ran.code == 0, ran.err
        assert len(names("grid")) == 3 + 1
        assert [row["style-layer"] for row in rows("grid")] == [layers]


class TestBar:
    def told(self, settings: dict[str, str], iteration: int) -> SeriesProgress:
        losses = Losses(1.0, 1.0, 0.0, 0.0)
        step = Step(1, 1, iteration, 20, losses, 0.25, 5.0, None)  # type: ignore[arg-type]
        progress = Progress(step, lambda: np.zeros((1, 1, 3)))
        cell = Cell("a", "p.png", (), RECIPES["default"], 0, settings)
        return SeriesProgress(cell, 2, 6, progress, 3725.0)

    def test_it_says_where_it_is_on_a_terminal(self) -> None:
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, width=120)
        with talk.series_bar(console) as show:
            for iteration in (1, 10):
                settings = {"work": "Night [bold]wind[/bold] [/x]", "ratio": "1"}
                show(self.told(settings, iteration))
        drawn = stream.getvalue()
        assert "Night [bold]wind[/bold] [/x], 1: 10/20" in drawn
        assert "2/6" in drawn
        assert "0.25 s/it, 1:02:05 left in all" in drawn

    def test_it_is_silent_elsewhere(self) -> None:
        stream = io.StringIO()
        with talk.series_bar(Console(file=stream, width=120)) as show:
            show(self.told({"ratio": "1"}, 1))
        assert stream.getvalue().strip() == ""
