"""``artist-nst compare``: settings varied, laid out, continued."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from artist_nst.cli.console import series_bar
from artist_nst.experiments import results
from artist_nst.experiments.runner import Cell, SeriesProgress
from artist_nst.nst.objective import Losses
from artist_nst.nst.pyramid import Step
from artist_nst.nst.vgg import VGG
from artist_nst.painting import networks
from artist_nst.painting.pipeline import Progress
from artist_nst.painting.record import load_record
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.toml_file import write_recipe
from tests.cli.conftest import (
    EXTRA,
    TINY,
    Cli,
    files,
    pixels,
    read_paintings,
    read_rows,
    save,
)

write_plot = results.write_plot


class TestComparing:
    @pytest.mark.usefixtures("full_width")
    def test_one_axis_with_sheet_table_and_plot(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(results, "write_plot", write_plot)
        ran = cli("compare", "ratio", "1,25", photo, style, *TINY, "-o", "grid")
        assert (ran.code, ran.out) == (0, "grid/sheet.png\n")
        paintings = ["ratio-1.png", "ratio-25.png"]
        inside = [f"grid/{name}" for name in (*EXTRA, *paintings)]
        assert files() == ["grid", *sorted(inside)]
        low, high = (pixels(f"grid/{name}") for name in paintings)
        assert low.shape == (24, 32, 3)
        assert (low != high).any()
        assert pixels("grid/losses.png").shape[1] > 500
        rows = read_rows("grid")
        assert [row["ratio"] for row in rows] == ["1", "25"]
        for row in rows:
            record = load_record(Path("grid", row["file"]))
            for name, value in record["losses"].items():
                assert float(row[f"final_{name}"]) == value
            for name in ("content", "style"):
                assert float(row[f"{name}_distance"]) == record["distances"][name]
            assert float(row["seconds"]) == record["seconds"]
            assert float(row["ratio"]) == record["recipe"]["ratio"]
            assert record["recipe"].keys() - {"name"} <= row.keys()
            assert row["recipe"] == "default"
        # A larger ratio gets nearer to the style, and farther from the photo.
        first, second = rows
        assert float(first["style_distance"]) > float(second["style_distance"])
        assert float(first["content_distance"]) < float(second["content_distance"])

    def test_every_painting_can_be_repainted(self, cli: Cli, photo: Path) -> None:
        more = (*TINY, "-A", "procedural", "-i", "rand", "-o", "grid")
        ran = cli("compare", "work", "orchard,procedural-03", photo, *more)
        assert ran.code == 0
        paintings = sorted(read_paintings("grid"))
        assert paintings == ["work-orchard.png", "work-procedural-03.png"]
        for name in paintings:
            assert cli("repaint", f"grid/{name}", "-o", "again.png").code == 0
            assert (pixels("again.png") == pixels(f"grid/{name}")).all()

    def test_two_axes_in_a_folder_named_after_the_photo(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        more = ("--by", "content-layer", "conv3_1,conv3_1=0.5+conv4_2=0.5", *TINY)
        ran = cli("compare", "style-scale", "0.7,1", photo, style, *more)
        folder = "compare-photo-style-scale-by-content-layer"
        assert (ran.code, ran.out) == (0, f"{folder}/sheet.png\n")
        order = [
            (layers, scale)
            for layers in ("conv3_1", "conv3_1=0.5+conv4_2=0.5")
            for scale in ("0.7", "1")
        ]
        assert set(read_paintings(folder)) == {
            f"content-layer-{layers},style-scale-{scale}.png" for layers, scale in order
        }
        rows = read_rows(folder)
        assert [(row["content-layer"], row["style-scale"]) for row in rows] == order

    def test_works_with_another_axis(self, cli: Cli, photo: Path) -> None:
        more = ("--by", "ratio", "1,9", "-A", "procedural", *TINY, "-o", "grid")
        assert cli("compare", "work", "orchard,procedural-03", photo, *more).code == 0
        works = [row["styles"] for row in read_rows("grid")]
        assert works == ["Orchard in April", "Harbour before Dusk"] * 2

    def test_recipes_named_and_in_a_file(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        mine = replace(RECIPES["default"], name="mine", ratio=8.0, width=300)
        write_recipe("mine.toml", mine)
        more = (*TINY, "--tv", "0.5", "-o", "grid")
        ran = cli("compare", "recipe", "default,art.py,mine.toml", photo, style, *more)
        assert ran.code == 0
        rows = {row["recipe"]: row for row in read_rows("grid")}
        assert list(rows) == ["default", "art.py", "mine.toml"]
        # Options change every recipe; the rest is its own.
        for row in rows.values():
            assert (row["width"], row["width_px"], row["tv"]) == ("32", "32", "0.5")
        ratios = [float(row["ratio"]) for row in rows.values()]
        assert ratios == [5, RECIPES["art.py"].ratio, 8]

    def test_seeds(self, cli: Cli, photo: Path, style: Path) -> None:
        more = (*TINY, "-i", "rand")
        for folder, seed in (("a", ()), ("b", ()), ("c", ("--seed", 9))):
            cli("compare", "ratio", "5", photo, style, *more, *seed, "-o", folder)
        first, same, other = (pixels(f"{folder}/ratio-5.png") for folder in "abc")
        assert (first == same).all()
        assert (first != other).any()
        assert [row["seed"] for row in read_rows("a") + read_rows("c")] == ["0", "9"]

    def test_quietly_with_a_strength_for_colors_that_vary(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        more = (*TINY, "--color-strength", "0.5", "-o", "grid", "-q")
        ran = cli("compare", "color", "none,linear", photo, style, *more)
        assert (ran.code, ran.out, ran.err) == (0, "grid/sheet.png\n", "")
        assert [row["color_strength"] for row in read_rows("grid")] == ["0.5", "0.5"]

    def test_a_network_is_loaded_once(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loads: list[str] = []
        load = networks.load_network

        def spy(recipe: Any, *arguments: Any) -> VGG:
            loads.append(recipe.pool)
            return load(recipe, *arguments)

        monkeypatch.setattr(networks, "load_network", spy)
        more = ("--by", "ratio", "1,5", *TINY, "-o", "grid")
        assert cli("compare", "pool", "max,average", photo, style, *more).code == 0
        assert loads == ["max", "average"]


class TestContinuing:
    def test_again_and_with_more_values(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        more = (photo, style, *TINY, "-o", "grid")
        cli("compare", "ratio", "1,25", *more)
        before = read_paintings("grid")
        sheet = pixels("grid/sheet.png")
        ran = cli("compare", "ratio", "1,25", *more)
        assert (ran.code, ran.out) == (0, "grid/sheet.png\n")
        assert "2 of 2" in ran.err
        assert read_paintings("grid") == before
        assert (pixels("grid/sheet.png") == sheet).all()
        ran = cli("compare", "ratio", "1,5,25", *more)
        assert ran.code == 0
        after = read_paintings("grid")
        assert after.pop("ratio-5.png")
        assert after == before
        assert [row["ratio"] for row in read_rows("grid")] == ["1", "5", "25"]
        assert pixels("grid/sheet.png").shape[1] > sheet.shape[1]

    def test_a_folder_of_other_paintings_is_refused_and_kept(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        cli("compare", "ratio", "1", photo, style, *TINY, "-o", "grid")
        before = {path: path.read_bytes() for path in Path("grid").iterdir()}
        for arguments, difference in (
            (("--tv", "0.5"), "tv"),
            (("--seed", "3"), "seed"),
            (("-w", "64"), "width"),
            (("-n", "3"), "iterations"),
            (("-c",), "color"),
            (("--weights-input", "oxford"), "weights input"),
        ):
            more = (*TINY, "-o", "grid", *arguments)
            ran = cli("compare", "ratio", "1,5", photo, style, *more)
            assert ran.code == 2
            assert "ratio-1.png" in ran.line
            assert f"other {difference}" in ran.line
            now = {path: path.read_bytes() for path in Path("grid").iterdir()}
            assert now == before

    def test_a_file_that_is_no_painting_is_kept(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        Path("grid").mkdir()
        shutil.copy(photo, "grid/ratio-5.png")
        ran = cli("compare", "ratio", "1,5", photo, style, *TINY, "-o", "grid")
        assert ran.code == 2
        assert "grid/ratio-5.png" in ran.line
        assert Path("grid/ratio-5.png").read_bytes() == photo.read_bytes()
        assert os.listdir("grid") == ["ratio-5.png"]


class TestCtrlC:
    def test_finished_paintings_are_laid_out_and_the_rest_follows(
        self, cli: Cli, photo: Path, style: Path, interrupt: Callable[[int], None]
    ) -> None:
        arguments = ("compare", "ratio", "1,5,25", photo, style, *TINY, "-o", "grid")
        interrupt(2)
        ran = cli(*arguments)
        assert (ran.code, ran.out) == (130, "grid/sheet.png\n")
        assert "1 of 3 paintings" in ran.line
        assert set(os.listdir("grid")) == EXTRA | {"ratio-1.png", "ratio-5.png"}
        assert load_record("grid/ratio-5.png")["stopped"] == ["interrupted"]
        assert pixels("grid/ratio-5.png").shape == (24, 32, 3)
        assert [row["ratio"] for row in read_rows("grid")] == ["1"]
        first = read_paintings("grid")["ratio-1.png"]
        partly = pixels("grid/sheet.png")
        assert cli(*arguments).code == 0
        assert read_paintings("grid")["ratio-1.png"] == first
        assert [row["ratio"] for row in read_rows("grid")] == ["1", "5", "25"]
        whole = pixels("grid/sheet.png")
        assert whole.shape == partly.shape
        assert (whole != partly).any()

    def test_before_anything_nothing_is_left(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stop(*_: object) -> None:
            signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(VGG, "run_block", stop)
        ran = cli("compare", "ratio", "1,5", photo, style, *TINY, "-o", "grid")
        assert (ran.code, ran.out) == (130, "")
        assert "none of 2 paintings" in ran.line
        assert files() == []


# Arguments, exit code, and a word of the message. P is the photo, S the style.
REFUSALS = [
    ("ratoi 1,5 P S", 2, "'ratio'"),
    ("ratio , P S", 2, "commas"),
    ("ratio 1, P S", 2, "commas"),
    ("ratio 1,1 P S", 2, "twice"),
    ("ratio 1,five P S", 2, "'five' is not a number"),
    ("ratio 1,1e30 P S", 2, "--ratio"),
    ("ratio -1,5 P S", 2, "-1"),
    ("width 48,0 P S", 2, "--width"),
    ("iterations 0 P S", 2, "--numiter"),
    ("content-layer conv42 P S", 2, "'conv4_2'"),
    ("style-layer conv1_1+ P S", 2, "style-layer"),
    ("network vgg18 P S", 2, "'vgg19'"),
    ("pool maximum P S", 2, "'max'"),
    ("init contant P S", 2, "'content'"),
    ("optimizer lbgfs P S", 2, "'lbfgs'"),
    ("color reinhart P S", 2, "'reinhard'"),
    ("recipe defalt P S", 2, "'default'"),
    ("recipe no.toml P S", 2, "no.toml"),
    ("ratio 1,5", 2, "PICTURE"),
    ("ratio 1,5 P", 2, "--artist"),
    ("ratio 1,5 missing.png S", 1, "missing.png"),
    ("ratio 1,5 P missing.png", 1, "missing.png"),
    ("ratio 1,5 P S --by ratio", 2, "--by"),
    ("ratio 1 P S --by ratio 5", 2, "both axes"),
    ("ratio 1 P S --by tvv 5", 2, "'tv'"),
    ("ratio 1 P S --ratio 5", 2, "--ratio"),
    ("tv 1 P S --tv 0", 2, "--tv"),
    ("color none P S -c", 2, "-c:"),
    ("iterations 5 P S -n 5", 2, "--numiter"),
    ("width 48 P S --long-side 9", 2, "--long-side"),
    ("style-layer conv1_1 P S --style-layer x", 2, "--style-layer"),
    ("recipe art.py P S --recipe x", 2, "--recipe"),
    ("network vgg19,compact P S --draft", 2, "--draft"),
    ("work orchard P", 2, "--artist"),
    ("work orchard P S", 2, "--artist"),
    ("work orchrad P -A procedural", 2, "Orchard"),
    ("work orchard P -A procedural --work x", 2, "--work"),
    ("ratio 1 P S -A procedural", 2, "only one"),
    ("ratio 1 P -A nobody", 2, "nobody"),
    (f"ratio 1 P S --seed {'9' * 30}", 2, "--seed"),
    ("ratio 1 P S --color-strength 1", 2, "--color"),
    ("ratio 1 P S --max-pixels 9", 1, "--max-pixels"),
    ("ratio 1 P S --weights no.pth", 1, "no.pth"),
    ("ratio 1 P S -o grid.png", 2, "not a file"),
    ("ratio 1 P S -o P", 2, "not a file"),
    (f"ratio 1 P S -o {'x' * 300}", 2, "xxx"),
    ("ratio 1 P S -o /proc/grid", 2, "/proc/grid"),
    ("ratio 1 P S --film a.gif", 2, "--film"),
    ("ratio 1 P S --explain", 2, "--explain"),
    # What fails for all paintings is said once, and exits as it would for one.
    ("ratio 1,5,25 P S -w 8 -n 3", 2, "--width"),
]


class TestFailures:
    def test_one_line_and_nothing_made(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        paths = {"P": str(photo), "S": str(style)}
        for text, code, word in REFUSALS:
            ran = cli("compare", *(paths.get(part, part) for part in text.split()))
            assert ran.code == code, (text, ran.err)
            assert word in ran.line, text
            assert (ran.out, files()) == ("", []), text

    def test_one_that_fails_does_not_stop_the_others(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        more = ("-n", "3", "-o", "grid")
        ran = cli("compare", "width", "48,8,64", photo, style, *more)
        assert (ran.code, ran.out) == (1, "grid/sheet.png\n")
        first, last = ran.err.splitlines()[-2:]
        assert first.startswith("artist-nst: width-8: ")
        assert "--width" in first
        assert "2 of 3 paintings in grid; 1 could not be painted" in last
        assert set(read_paintings("grid")) == {"width-48.png", "width-64.png"}

    def test_a_folder_that_existed_stays(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        Path("grid").mkdir()
        more = ("-n", "3", "-w", "8", "-o", "grid")
        assert cli("compare", "ratio", "1,5", photo, style, *more).code == 2
        assert files() == ["grid"]
        Path("file").write_text("mine")
        more = (*TINY, "-o", "file")
        ran = cli("compare", "ratio", "1,5", photo, style, *more)
        assert ran.code == 2
        assert "-o file" in ran.line
        assert Path("file").read_text() == "mine"

    def test_a_folder_that_cannot_be_written_to(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        if not os.path.isdir("/proc/self"):
            pytest.skip("no folder that even root can't write to")
        ran = cli("compare", "ratio", "1,5", photo, style, *TINY, "-o", "/proc/self")
        assert ran.code == 2
        assert "/proc/self" in ran.line

    def test_many_paintings_need_yes(
        self, cli: Cli, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        many = ",".join(map(str, range(1, 101)))
        more = ("--by", "tv", many, *TINY, "-o", "grid")
        ran = cli("compare", "ratio", many, photo, style, *more)
        assert ran.code == 2
        assert "10,000 paintings" in ran.line
        assert "--yes" in ran.line
        monkeypatch.setattr("artist_nst.cli.commands.compare.MAX_UNCONFIRMED", 1)
        arguments = ("compare", "ratio", "1,5", photo, style, *TINY, "-o", "grid")
        assert cli(*arguments).code == 2
        assert files() == []
        assert cli(*arguments, "--yes").code == 0
        assert set(read_paintings("grid")) == {"ratio-1.png", "ratio-5.png"}


class TestNames:
    def test_photos_of_any_name(self, cli: Cli, style: Path) -> None:
        for name in (
            "ein Foto, am Größten [1] 100%.png",
            "x" * 200 + ".png",
            "画" * 80 + ".png",
        ):
            save(name, 36, 48)
            by = ("--by", "style-layer", "conv1_1=0.5+conv2_1=0.5,conv1_1")
            photo = f"./{name}"
            ran = cli("compare", "content-layer", "conv2_2", photo, style, *by, *TINY)
            assert ran.code == 0, ran.err
            (sheet,) = ran.out.splitlines()
            folder = os.path.dirname(sheet)
            assert folder.startswith(f"compare-{Path(name).stem[:20]}")
            assert len(read_paintings(folder)) == 2
            assert all(Path(row["photo"]).name == name for row in read_rows(folder))

    def test_works_of_any_name(self, cli: Cli, photo: Path, tmp_path: Path) -> None:
        works = tmp_path / "corpora" / "anna"
        works.mkdir(parents=True)
        titles = ["Märchen am Abend [3]", "ü" * 100, "x" * 200]
        for seed, title in enumerate(titles):
            save(works / f"{title}.png", 40, 50, seed)
        more = ("-A", "anna", "--corpora", tmp_path / "corpora", *TINY, "-o", "grid")
        ran = cli("compare", "work", ",".join(titles), photo, *more)
        assert ran.code == 0, ran.err
        paintings = read_paintings("grid")
        assert len(paintings) == 3
        assert "work-Märchen-am-Abend-3-.png" in paintings
        assert all(len(name.encode()) < 130 for name in paintings)
        assert [row["work"] for row in read_rows("grid")] == titles
        # Again, long titles lead to the same short names.
        assert "3 of 3" in cli("compare", "work", ",".join(titles), photo, *more).err
        assert read_paintings("grid") == paintings

    def test_layers_that_fill_a_line(self, cli: Cli, photo: Path, style: Path) -> None:
        layers = "+".join(
            f"conv{block}_{number}=0.0625"
            for block, depth in ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1))
            for number in range(1, depth + 1)
        )
        assert len(layers) > 170
        more = ("--by", "content-layer", layers, *TINY, "-o", "grid")
        ran = cli("compare", "style-layer", layers, photo, style, *more)
        assert ran.code == 0, ran.err
        assert len(read_paintings("grid")) == 1
        assert [row["style-layer"] for row in read_rows("grid")] == [layers]


class TestBar:
    def make_progress(self, settings: dict[str, str], iteration: int) -> SeriesProgress:
        losses = Losses(1.0, 1.0, 0.0, 0.0)
        step = Step(1, 1, iteration, 20, losses, 0.25, 5.0, None)  # type: ignore[arg-type]
        progress = Progress(step, lambda: np.zeros((1, 1, 3)))
        cell = Cell("a", "p.png", (), RECIPES["default"], 0, settings)
        return SeriesProgress(cell, 2, 6, progress, 3725.0)

    def test_it_is_drawn_on_a_terminal(self) -> None:
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, width=120)
        with series_bar(console) as show:
            for iteration in (1, 10):
                settings = {"work": "Night [bold]wind[/bold] [/x]", "ratio": "1"}
                show(self.make_progress(settings, iteration))
        drawn = stream.getvalue()
        assert "Night [bold]wind[/bold] [/x], ratio 1: 10/20" in drawn
        assert "2/6" in drawn
        assert "1:02:05 left in total, 0.25 s/it" in drawn

    def test_a_narrow_terminal_keeps_the_total_and_the_time_left(self) -> None:
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, width=60)
        with series_bar(console) as show:
            show(self.make_progress({"work": "Night wind " * 9, "ratio": "1"}, 10))
        drawn = stream.getvalue()
        assert "2/6" in drawn
        assert "1:02:05 left" in drawn
        last = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", drawn).splitlines()[-1]
        assert len(last.rstrip()) <= 60
        assert "…" in last

    def test_elsewhere_it_is_a_line_a_minute(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        times = iter((0.0, 1.0, 59.0, 61.0, 62.0, 120.0, 125.0))
        monkeypatch.setattr(
            "artist_nst.cli.console.time.monotonic", lambda: next(times)
        )
        stream = io.StringIO()
        with series_bar(Console(file=stream, width=120)) as show:
            for _ in range(6):
                show(self.make_progress({"ratio": "1"}, 10))
        lines = stream.getvalue().split("\n")
        assert lines[0] == "ratio 1: 10/20: 2/6, 1:02:05 left in total"
        assert len([line for line in lines if line.strip()]) == 2


def test_values_separated_by_spaces(cli: Cli, photo: Path, style: Path) -> None:
    ran = cli("compare", "style-scale", "0.5", "1", "2", photo, style)
    assert ran.code == 2
    assert "separate values by commas, 0.5,1,2" in ran.line


def test_values_are_checked_before_works_are_picked(cli: Cli, photo: Path) -> None:
    ran = cli("compare", "seed", "1,x", photo, "-A", "procedural")
    assert ran.code == 2
    assert "Procedural:" not in ran.err


def test_a_pick_holds_for_all_and_cannot_vary_too(cli: Cli, photo: Path) -> None:
    artist = (photo, "-A", "procedural", *TINY, "-o", "grid", "--pick", "typical")
    ran = cli("compare", "pick", "typical,nearest", *artist)
    assert ran.code == 2
    assert "--pick: leave it out" in ran.line
    assert cli("compare", "seed", "1,2", *artist).code == 0
    first, second = (load_record(f"grid/seed-{seed}.png") for seed in (1, 2))
    assert first["styles"] == second["styles"]
