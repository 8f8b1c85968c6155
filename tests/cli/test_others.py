"""The smaller commands, and what all commands have in common."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from artist_nst._files import hash_file
from artist_nst.cli import COMMANDS
from artist_nst.painting.record import load_record
from artist_nst.recipes.published import RECIPES, recipe
from artist_nst.recipes.recipe import OPTIONS
from tests.cli.conftest import Cli, files, pixels

HEAVY = ("torch", "numpy", "scipy", "skimage", "PIL", "requests", "bs4", "safetensors")


class TestHelp:
    def test_every_command_has_an_example(self, cli: Cli) -> None:
        for functions in COMMANDS.values():
            for function in functions:
                name = function.__name__
                ran = cli(name, "--help")
                assert ran.code == 0
                text = " ".join(ran.out.split())
                assert f"artist-nst {name}" in text.partition("Example")[2]
                for option in ("--quiet", "--verbose"):
                    assert option in text

    def test_options_with_their_short_forms(self, cli: Cli) -> None:
        """Those of art.py, and every setting of a recipe."""
        for command in ("paint", "repaint", "compare"):
            lines = [line.split() for line in cli(command, "--help").out.splitlines()]
            for setting in OPTIONS.values():
                option = {f"--{setting.option}"}
                letter = {f"-{setting.letter}"} if setting.letter else set()
                assert any(option | letter <= set(line) for line in lines), setting
        letters = ("-A", "-n", "-w", "-i", "-p", "-s", "-c")
        text = cli("paint", "--help").out.split()
        assert all(letter in text for letter in letters)

    def test_flags_take_no_value(self, cli: Cli) -> None:
        for arguments in (["--help"], ["paint", "--help"], ["fetch", "--help"]):
            assert "bool" not in cli(*arguments).out

    def test_on_a_narrow_terminal(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without boxes, under the same headings, and no option's name is cut."""
        monkeypatch.setenv("COLUMNS", "60")
        text = cli("paint", "--help").out
        for name in ("--color-transfer", "--content-layer", "Style selection:"):
            assert name in text
        options = [line for line in text.splitlines() if line.startswith("  -")]
        assert max(map(len, options)) <= 60

    def test_the_most_used_options_come_first(self, cli: Cli) -> None:
        text = cli("paint", "--help").out
        options = text.partition("Options ─")[2].partition("╰─")[0]
        for option in ("--artist", "--width", "--numiter", "--out", "--seed"):
            assert option in options
        assert "--history" not in text
        default = f"(default recipe: {RECIPES['default'].width})"
        assert default in " ".join(text.replace("│", "").split())


def test_quick_commands_load_no_heavy_modules(tmp_path: Path) -> None:
    """So that they answer at once."""
    commands = [
        ["--help"],
        *([name, "--help"] for name in ("paint", "compare", "fetch", "film")),
        ["artists"],
        ["works", "procedural"],
        ["recipes"],
    ]
    code = (
        "import sys\n"
        "from artist_nst.cli import run\n"
        f"assert [run(command) for command in {commands}] == [0] * {len(commands)}\n"
        f"print('loaded', *(name for name in {HEAVY} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded"


def list_artists_to(out: int, folder: Path) -> tuple[int, bytes]:
    """Run ``artist-nst artists`` with that stdout; return the code and stderr."""
    code = "from artist_nst.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "artists", "-q"],
        stdout=out,
        stderr=subprocess.PIPE,
        cwd=folder,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_reader_who_stops_reading(tmp_path: Path) -> None:
    """``artist-nst artists | head -0``."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = list_artists_to(writing, tmp_path)
    os.close(writing)
    assert ended == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout(tmp_path: Path) -> None:
    """``artist-nst paint … -o - > painting.png`` must not seem to have worked."""
    with open("/dev/full", "wb") as full:
        code, stderr = list_artists_to(full.fileno(), tmp_path)
    assert code == 1
    assert b"No space left" in stderr
    assert stderr.count(b"\n") == 1


class TestDoctor:
    def test_weights_and_corpora(self, cli: Cli, weights_file: Path) -> None:
        ran = cli("doctor")
        assert ran.code == 0
        assert "procedural" in ran.out
        assert "8 works" in ran.out
        assert weights_file.name in "".join(ran.out.split())

    def test_unusable_weights(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("bad.pth").write_text("no tensors")
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", "bad.pth")
        ran = cli("doctor")
        assert ran.code == 0
        assert "unusable" in ran.out

    def test_without_weights(self, cli: Cli, without_weights: list[str]) -> None:
        ran = cli("doctor")
        assert ran.code == 0
        text = " ".join(ran.out.split())
        assert "the compact network paints" in text
        assert "`artist-nst weights`" in text
        assert without_weights == []


class TestWeights:
    def test_downloads(
        self, cli: Cli, weights_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The download itself is tested beside its code, from a real server."""
        networks = []

        def download(network: str, **_: object) -> Path:
            networks.append(network)
            return weights_file

        monkeypatch.setattr(
            "artist_nst.nst.weights.download.download_weights", download
        )
        for arguments in ((), ("--network", "vgg16")):
            ran = cli("weights", *arguments)
            assert ran.code == 0
            assert ran.out.strip() == str(weights_file)
        # The variable names VGG-19's, which need no download.
        assert networks == ["vgg16"]
        monkeypatch.delenv("ARTIST_NST_WEIGHTS")
        assert cli("weights").code == 0
        assert networks == ["vgg16", "vgg19"]

    @pytest.mark.usefixtures("without_weights")
    def test_the_compact_network_is_not_downloaded(self, cli: Cli) -> None:
        ran = cli("weights", "--network", "compact")
        assert (ran.code, ran.out) == (2, "")
        assert "compact network" in ran.line
        assert ran.err.splitlines() == [ran.line]


class TestDemo:
    @pytest.fixture(autouse=True)
    def _quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Few iterations: what is tested is not how it looks."""
        monkeypatch.setattr(
            "artist_nst.cli.commands.demo.recipe",
            lambda **changes: replace(recipe(**changes), levels=((1.0, 2),)),
        )

    def test_with_vgg19(self, cli: Cli, weights_file: Path) -> None:
        # The second time, both are there.
        for painted in (2, 0):
            ran = cli("demo", "-w", 64)
            assert ran.code == 0
            assert ran.err.count("with VGG-19\n") == painted
            assert ran.out.splitlines()[-1] == "demo/sheet.png"
            height, width, _ = pixels("demo/sheet.png").shape
            assert width > 600
            assert height > 300
            # Style images and the mask are there to try other commands with.
            assert len(files()) == 1 + 2 * 3 + 2
            assert pixels("demo/cup.png").shape == pixels("demo/coffee.png").shape
            assert "compact" not in ran.err
        for name in ("chelsea", "coffee"):
            network = load_record(f"demo/{name}-painted.png")["network"]
            assert network["name"] == "vgg19"
            assert network["sha256"] == hash_file(weights_file)

    def test_without_weights(
        self, cli: Cli, compact_file: Path, without_weights: list[str]
    ) -> None:
        """It paints nevertheless, and looks up no server for better ones."""
        ran = cli("demo", "-w", 64)
        assert ran.code == 0
        assert ran.out.splitlines()[-1] == "demo/sheet.png"
        for name in ("chelsea", "coffee"):
            record = load_record(f"demo/{name}-painted.png")
            assert record["network"]["name"] == record["recipe"]["network"] == "compact"
        assert ran.err.count("with the compact network\n") == 2
        (line,) = [line for line in ran.err.splitlines() if "instead" in line]
        assert "the compact network paints instead" in line
        assert without_weights == []
        assert cli("demo", "-w", 64, "--weights", compact_file).code == 0
        network = load_record("demo/coffee-painted.png")["network"]
        assert network["sha256"] == hash_file(compact_file)

    def test_a_broken_file_of_weights_is_not_replaced(self, cli: Cli) -> None:
        ran = cli("demo", "--weights", "missing.pth")
        assert ran.code == 1
        assert "missing.pth" in ran.line
        assert not [name for name in files() if "painted" in name or "sheet" in name]

    def test_a_file_in_the_way(self, cli: Cli) -> None:
        Path("demo").write_text("mine")
        ran = cli("demo")
        assert ran.code == 2
        assert "demo" in ran.line
        assert Path("demo").read_text() == "mine"


def test_ctrl_c_at_any_question(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise typer.Abort

    monkeypatch.setattr("artist_nst.cli.commands.artists.open_console", stop)
    ran = cli("artists")
    assert ran.code == 130
    assert ran.line == "artist-nst: interrupted"


def test_no_command(cli: Cli) -> None:
    ran = cli()
    assert ran.code == 2
    assert "paint" in ran.out
