"""``artist-nst reconstruct``: ten pictures, a sheet, a table."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from artist_nst.painting.record import load_record
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

TWO = ("--layer", "conv1_1", "--layer", "conv2_2")


def test_every_layer_and_growing_sets(cli: Cli, photo: Path) -> None:
    ran = cli("reconstruct", photo, *TINY)
    assert (ran.code, ran.out) == (0, "reconstruct-photo/sheet.png\n")
    layers = [f"conv{block}_1" for block in range(1, 6)]
    content = {f"content-{layer}.png" for layer in layers}
    styles = {f"style-{'+'.join(layers[:count])}.png" for count in range(1, 6)}
    assert set(os.listdir("reconstruct-photo")) == content | styles | EXTRA
    rows = read_rows("reconstruct-photo")
    assert [row["keeps"] for row in rows] == ["content"] * 5 + ["style"] * 5
    assert rows[2]["layers"] == "conv3_1"
    assert rows[7]["layers"] == "conv1_1+conv2_1+conv3_1"
    assert {row["init"] for row in rows} == {"rand"}
    assert {row["width_px"] for row in rows} == {"32"}
    height, width, _ = pixels("reconstruct-photo/sheet.png").shape
    assert width > 5 * 48
    assert height > 3 * 48


def test_two_pictures_chosen_layers_and_continuing(
    cli: Cli, photo: Path, style: Path
) -> None:
    arguments = ("reconstruct", photo, style, *TWO, *TINY, "-o", "layers")
    assert cli(*arguments).code == 0
    paintings = read_paintings("layers")
    assert set(paintings) == {
        "content-conv1_1.png",
        "content-conv2_2.png",
        "style-conv1_1.png",
        "style-conv1_1+conv2_2.png",
    }
    assert pixels("layers/content-conv1_1.png").shape == (24, 32, 3)
    assert pixels("layers/style-conv1_1.png").shape == (40, 32, 3)
    record = load_record("layers/style-conv1_1+conv2_2.png")
    assert record["content"]["path"] == str(style)
    ran = cli(*arguments)
    assert (ran.code, ran.out) == (0, "layers/sheet.png\n")
    assert "4 of 4" in ran.err
    assert read_paintings("layers") == paintings
    ran = cli(*arguments, "--seed", 5)
    assert ran.code == 2
    assert "other seed" in ran.line


def test_ctrl_c(cli: Cli, photo: Path, interrupt: Callable[[int], None]) -> None:
    interrupt(2)
    ran = cli("reconstruct", photo, *TWO, *TINY, "-o", "layers")
    assert (ran.code, ran.out) == (130, "layers/sheet.png\n")
    assert "1 of 4 paintings" in ran.line


def test_a_layer_too_deep_for_the_size(cli: Cli, photo: Path) -> None:
    more = ("--layer", "conv1_1", "--layer", "conv5_1", "-w", 16, "-n", 2)
    ran = cli("reconstruct", photo, *more, "-o", "layers")
    assert (ran.code, ran.out) == (1, "layers/sheet.png\n")
    assert "artist-nst: content-conv5_1: " in ran.err
    assert "2 of 4 paintings in layers; 2 could not be painted" in ran.err
    assert set(read_paintings("layers")) == {
        "content-conv1_1.png",
        "style-conv1_1.png",
    }


def test_pictures_of_any_name(cli: Cli) -> None:
    for name in ("ein Foto, [1].png", "画" * 80 + ".png", "a.png.jpg"):
        save(name, 36, 48)
        ran = cli("reconstruct", name, "--layer", "conv1_1", *TINY)
        assert ran.code == 0, ran.err
        folder = os.path.dirname(ran.out.strip())
        assert folder.startswith(f"reconstruct-{name[0]}")
        assert len(read_paintings(folder)) == 2


def test_one_line_and_nothing_made(cli: Cli, photo: Path) -> None:
    for text, code, word in (
        ("P --layer conv42", 2, "'conv4_2'"),
        ("P --layer conv1_1 --layer conv1_1", 2, "twice"),
        ("P --layer conv3_4 --network vgg16", 2, "conv3_"),
        ("P --network vgg18", 2, "vgg19"),
        ("P --pool maximum", 2, "max"),
        ("P -w 0", 2, "--width"),
        ("P -n 0", 2, "--numiter"),
        ("P --tv -1", 2, "--tv"),
        (f"P --seed {'9' * 30}", 2, "--seed"),
        ("P --seed -1", 2, "--seed"),
        ("missing.png", 1, "missing.png"),
        ("P missing.png", 1, "missing.png"),
        ("P --max-pixels 9", 1, "--max-pixels"),
        ("P --weights no.pth", 1, "no.pth"),
        ("P -o a.png", 2, "not a file"),
    ):
        arguments = [str(photo) if part == "P" else part for part in text.split()]
        ran = cli("reconstruct", *arguments)
        assert ran.code == code, (text, ran.err)
        assert word in ran.line, text
        assert (ran.out, files()) == ("", []), text
