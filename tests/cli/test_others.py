"""The smaller commands, and what all commands have in common."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from artist_nst.cli import run
from artist_nst.image.files import sha256_of
from artist_nst.painting import record
from artist_nst.recipes.published import recipe
from tests.cli.conftest import Cli
from tests.cli.test_paint import files, pixels

COMMANDS = [
    "paint",
    "repaint",
    "compare",
    "reconstruct",
    "evaluate",
    "adopt",
    "artists",
    "works",
    "forget",
    "film",
    "recipes",
    "weights",
    "demo",
    "doctor",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"artist-nst {command}" in text.partition("Example")[2]
    assert "--quiet" in text
    assert "--verbose" in text


def test_help_does_not_load_what_it_does_not_need() -> None:
    heavy = "torch", "numpy", "scipy", "skimage", "PIL", "requests", "bs4"
    code = (
        "import sys; from artist_nst.cli import run; run(['--help']); "
        f"sys.exit(' '.join(one for one in {heavy} if one in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_the_short_flags_of_art_py(capsys: pytest.CaptureFixture[str]) -> None:
    run(["paint", "--help"])
    text = capsys.readouterr().out
    for flags in (
        ("--artist", "-A"),
        ("--numiter", "-n"),
        ("--width", "-w"),
        ("--init", "-i"),
        ("--print-rate", "-p"),
        ("--style-scale", "-s"),
        ("--color-transfer", "-c"),
    ):
        assert any(
            all(flag in line.split() for flag in flags) for line in text.splitlines()
        ), flags


def test_doctor(cli: Cli, weights_file: Path) -> None:
    ran = cli("doctor")
    assert ran.code == 0
    assert "procedural" in ran.out
    assert "8 works" in ran.out
    assert weights_file.name in ran.out.replace("\n", "")


def test_doctor_says_what_is_wrong_with_the_weights(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("bad.pth").write_text("no tensors")
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", "bad.pth")
    ran = cli("doctor")
    assert ran.code == 0
    assert "unusable" in ran.out


@pytest.mark.parametrize("arguments", [(), ("--network", "vgg16")])
def test_weights_downloads(
    cli: Cli,
    weights_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    """The download itself is tested beside the code, from a real server."""
    asked = []

    def downloaded(network: str, **_: object) -> Path:
        asked.append(network)
        return weights_file

    monkeypatch.setattr("artist_nst.nst.weights.download_weights", downloaded)
    ran = cli("weights", *arguments)
    assert ran.code == 0
    assert ran.out.strip() == str(weights_file)
    assert "$ARTIST_NST_WEIGHTS" in ran.err
    assert asked == [arguments[-1] if arguments else "vgg19"]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo of three iterations: what is tested is not how it looks."""
    monkeypatch.setattr(
        "artist_nst.cli.commands.demo.recipe",
        lambda name, **changes: recipe(name, **changes).with_iterations(3),
    )


@pytest.mark.usefixtures("hasty")
def test_demo(cli: Cli) -> None:
    ran = cli("demo", "-w", 64)
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "demo/sheet.png"
    height, width, _ = pixels("demo/sheet.png").shape
    assert width > 600
    assert height > 300
    first = files()
    assert cli("demo", "-w", 64).code == 0
    assert files() == first


def test_demo_where_a_file_is_in_the_way(cli: Cli) -> None:
    Path("demo").write_text("mine")
    ran = cli("demo")
    assert ran.code == 2
    assert "demo" in ran.line
    assert Path("demo").read_text() == "mine"


@pytest.mark.usefixtures("hasty")
def test_demo_without_weights(cli: Cli, without_weights: list[str]) -> None:
    """It paints nevertheless, and asks no server for better ones."""
    ran = cli("demo", "-w", 64)
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "demo/sheet.png"
    assert pixels("demo/sheet.png").shape[1] > 600
    for name in ("chelsea", "coffee"):
        made = record.read(f"demo/{name}-painted.png")
        assert made["network"]["name"] == made["recipe"]["network"] == "compact"
    assert ran.err.count("by the compact network") == 2
    (told,) = [line for line in ran.err.splitlines() if "instead" in line]
    assert "VGG-19's weights are not here" in told
    assert "the compact network paints instead" in told
    assert without_weights == []


@pytest.mark.usefixtures("hasty")
def test_demo_by_vgg19_where_its_weights_are(cli: Cli, weights_file: Path) -> None:
    ran = cli("demo", "-w", 64)
    assert ran.code == 0
    assert ran.err.count("by VGG-19;") == 2
    assert "compact" not in ran.err
    for name in ("chelsea", "coffee"):
        made = record.read(f"demo/{name}-painted.png")["network"]
        assert (made["name"], made["sha256"]) == ("vgg19", sha256_of(weights_file))


def test_doctor_without_weights(cli: Cli, without_weights: list[str]) -> None:
    ran = cli("doctor")
    assert ran.code == 0
    (line,) = (line for line in ran.out.splitlines() if line.startswith("weights"))
    assert "the compact network paints" in line
    assert "`artist-nst weights`" in line
    assert without_weights == []


@pytest.mark.usefixtures("without_weights")
def test_the_compact_network_is_not_downloaded(cli: Cli) -> None:
    ran = cli("weights", "--network", "compact")
    assert (ran.code, ran.out) == (2, "")
    assert "the compact network comes with artist-nst" in ran.line
    assert ran.err.splitlines() == [ran.line]
