"""``artist-nst reconstruct``: ten pictures, a sheet, a table."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from artist_nst.cli import console as talk
from artist_nst.experiments.runner import SeriesProgress
from artist_nst.painting import record
from tests.cli.conftest import Cli
from tests.cli.test_paint import files, pixels
from tests.conftest import picture

SMALL = ("-w", "32", "-n", "2")
TWO = ("--layer", "conv1_1", "--layer", "conv2_2")
EXTRA = {"sheet.png", "results.csv", "losses.png"}


def names(folder: str) -> set[str]:
    return set(os.listdir(folder))


def test_every_layer_and_growing_sets(cli: Cli, photo: Path) -> None:
    ran = cli("reconstruct", photo, *SMALL)
    assert (ran.code, ran.out) == (0, "reconstruct-photo/sheet.png\n")
    layers = [f"conv{at}_1" for at in range(1, 6)]
    content = {f"content-{layer}.png" for layer in layers}
    styles = {f"style-{'+'.join(layers[:at])}.png" for at in range(1, 6)}
    assert names("reconstruct-photo") == content | styles | EXTRA
    with open("reconstruct-photo/results.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["keeps"] for row in rows] == ["content"] * 5 + ["style"] * 5
    assert rows[2]["layers"] == "conv3_1"
    assert rows[7]["layers"] == "conv1_1+conv2_1+conv3_1"
    assert {row["init"] for row in rows} == {"rand"}
    assert {row["width_px"] for row in rows} == {"32"}
    height, width, _ = pixels("reconstruct-photo/sheet.png").shape
    assert width > 5 * 320
    assert height > 3 * 320


def test_two_pictures_chosen_layers_and_going_on(
    cli: Cli, photo: Path, style: Path
) -> None:
    arguments = ("reconstruct", photo, style, *TWO, *SMALL, "-o", "layers")
    assert cli(*arguments).code == 0
    paintings = {
        "content-conv1_1.png",
        "content-conv2_2.png",
        "style-conv1_1.png",
        "style-conv1_1+conv2_2.png",
    }
    assert names("layers") == paintings | EXTRA
    assert pixels("layers/content-conv1_1.png").shape == (24, 32, 3)
    assert pixels("layers/style-conv1_1.png").shape == (40, 32, 3)
    made = record.read("layers/style-conv1_1+conv2_2.png")
    assert made["content"]["path"] == str(style)
    before = {name: Path("layers", name).read_bytes() for name in names("layers")}
    ran = cli(*arguments)
    assert (ran.code, ran.out) == (0, "layers/sheet.png\n")
    assert "4 of 4 are there already" in ran.err
    assert before == {name: Path("layers", name).read_bytes() for name in before}
    ran = cli(*arguments, "--seed", 5)
    assert ran.code == 2
    assert "other seed" in ran.line


def test_ctrl_c(cli: Cli, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def bar(_: Console) -> Iterator[Callable[[SeriesProgress], None]]:
        def show(told: SeriesProgress) -> None:
            if told.number == 2:
                signal.raise_signal(signal.SIGINT)

        yield show

    monkeypatch.setattr(talk, "series_bar", bar)
    ran = cli("reconstruct", photo, *TWO, *SMALL, "-o", "layers")
    assert (ran.code, ran.out) == (130, "layers/sheet.png\n")
    assert "1 of 4 paintings are in layers" in ran.line


def test_a_layer_too_deep_for_the_size(cli: Cli, photo: Path) -> None:
    more = ("--layer", "conv1_1", "--layer", "conv5_1", "-w", 16, "-n", 2)
    ran = cli("reconstruct", photo, *more, "-o", "layers")
    assert (ran.code, ran.out) == (1, "layers/sheet.png\n")
    assert "artist-nst: content-conv5_1: " in ran.err
    assert "2 of 4 paintings are in layers; 2 could not be painted" in ran.err
    assert names("layers") == {"content-conv1_1.png", "style-conv1_1.png"} | EXTRA


@pytest.mark.parametrize("name", ["ein Foto, [1].png", "画" * 80 + ".png", "a.png.jpg"])
def test_pictures_of_any_name(cli: Cli, name: str) -> None:
    Image.fromarray(picture(36, 48)).save(name)
    ran = cli("reconstruct", name, "--layer", "conv1_1", *SMALL)
    assert ran.code == 0, ran.err
    folder = os.path.dirname(ran.out.strip())
    assert folder.startswith(f"reconstruct-{name[0]}")
    assert names(folder) == {"content-conv1_1.png", "style-conv1_1.png"} | EXTRA


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("PHOTO", "--layer", "conv42"), 2, "'conv4_2'"),
        (("PHOTO", "--layer", "conv1_1", "--layer", "conv1_1"), 2, "twice"),
        (("PHOTO", "--layer", "conv3_4", "--network", "vgg16"), 2, "conv3_"),
        (("PHOTO", "--network", "vgg18"), 2, "vgg19"),
        (("PHOTO", "--pool", "maximum"), 2, "max"),
        (("PHOTO", "-w", "0"), 2, "--width"),
        (("PHOTO", "-n", "0"), 2, "--numiter"),
        (("PHOTO", "--tv", "-1"), 2, "--tv"),
        (("PHOTO", "--seed", "9" * 30), 2, "--seed"),
        (("PHOTO", "--seed", "-1"), 2, "--seed"),
        (("missing.png",), 1, "missing.png"),
        (("PHOTO", "missing.png"), 1, "missing.png"),
        (("PHOTO", "--max-pixels", "9"), 1, "--max-pixels"),
        (("PHOTO", "--weights", "no.pth"), 1, "no.pth"),
        (("PHOTO", "-o", "a.png"), 2, "not a file"),
        (("PHOTO", "-o", "no/a"), 2, "no/a"),
    ],
)
def test_one_line_and_nothing_made(
    cli: Cli, photo: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    ran = cli("reconstruct", *(one.replace("PHOTO", str(photo)) for one in arguments))
    assert ran.code == code, ran.err
    assert says in ran.line
    assert (ran.out, files()) == ("", [])
