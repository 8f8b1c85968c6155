"""``artist-nst film``: which pictures, in which order, and where the film goes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artist_nst.image import video as films
from artist_nst.image.files import Picture
from tests.cli.conftest import Cli
from tests.image.test_video import seen

RED, GREEN, BLUE = (220, 40, 40), (40, 160, 40), (40, 40, 220)


@pytest.fixture
def folder(cli: Cli) -> Path:  # noqa: ARG001 - it goes to an empty folder
    """Iterations 2 (red), 10 (green) and 100 (blue), and what is none."""
    folder = Path("night.frames")
    folder.mkdir()
    for number, color in ((100, BLUE), (2, RED), (10, GREEN)):
        Image.new("RGB", (64, 48), color).save(folder / f"iter-{number}.png")
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".iter-1.png").write_text("hidden")
    (folder / "below.png").mkdir()
    return folder


def colors(path: str) -> list[str]:
    """Of the frames, each once."""
    names = [
        ("red", "green", "blue")[int(np.argmax(frame.mean(axis=(0, 1))))]
        for frame in seen(Path(path)).frames
    ]
    return list(dict.fromkeys(names))


def test_a_folder_in_natural_order(cli: Cli, folder: Path) -> None:
    ran = cli("film", folder)
    assert ran.code == 0
    assert ran.out == "night.mp4\n"
    assert colors("night.mp4") == ["red", "green", "blue"]
    shown = seen(Path("night.mp4"))
    assert len(shown.frames) == 2 + 24
    assert shown.seconds[0] == 1 / 12


def test_a_film_is_numbered_rather_than_replaced(cli: Cli, folder: Path) -> None:
    Path("night.mp4").write_text("mine")
    assert cli("film", folder).out == "night-2.mp4\n"
    assert cli("film", folder).out == "night-3.mp4\n"
    assert Path("night.mp4").read_text() == "mine"


def test_the_name_of_another_folder(cli: Cli, folder: Path) -> None:
    os.rename(folder, "some.pictures")
    assert cli("film", "some.pictures").out == "some.pictures.mp4\n"
    os.chdir("some.pictures")
    assert cli("film", ".").out == "some.pictures.mp4\n"


def test_a_file_named_is_replaced(cli: Cli, folder: Path) -> None:
    Path("film.gif").write_text("an earlier one")
    ran = cli("film", folder, "-o", "film.gif", "--fps", 5, "--hold", 0.4, "-q")
    assert (ran.code, ran.out, ran.err) == (0, "film.gif\n", "")
    assert seen(Path("film.gif")).seconds == [0.2, 0.2, 0.4]
    assert colors("film.gif") == ["red", "green", "blue"]


def test_pictures_in_the_order_given(cli: Cli, folder: Path) -> None:
    pictures = [folder / f"iter-{number}.png" for number in (100, 2)]
    ran = cli("film", *pictures)
    assert ran.out == "night.mp4\n"
    assert colors("night.mp4") == ["blue", "red"]
    for picture in pictures:
        os.rename(picture, picture.name)
    assert cli("film", "iter-2.png", "iter-100.png").out == "iter-2.mp4\n"


def test_what_paint_leaves(cli: Cli) -> None:
    Path("a-b.frames").mkdir()
    Image.new("RGB", (20, 10), RED).save("a-b.frames/iter-0010.png")
    assert cli("film", "a-b.frames", "-o", "x.webm").out == "x.webm\n"
    assert colors("x.webm") == ["red"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nowhere"], "no such folder"),
        ([""], "no such folder"),
        (["a" * 300], "no such folder"),
        (["empty"], "no pictures in it"),
        (["night.frames/iter-2.png"], "is a file"),
        (["night.frames", "empty"], "is a folder"),
        (["night.frames", "-o", "film.avi"], ".gif, .mp4, .webm"),
        (["night.frames", "-o", "nowhere/film.mp4"], "does not exist"),
        (["night.frames", "-o", "night.frames/last.gif"], "would replace"),
        (["night.frames", "--fps", "0"], "--fps"),
        (["night.frames", "--fps", "61"], "--fps"),
        (["night.frames", "--hold", "-1"], "--hold"),
        ([], "FRAMES"),
    ],
)
def test_what_cannot_be_asked_for(
    cli: Cli, folder: Path, arguments: list[str], why: str
) -> None:
    Path("empty").mkdir()
    Image.new("RGB", (64, 48), BLUE).save(folder / "last.gif")
    before = (folder / "last.gif").read_bytes()
    ran = cli("film", *arguments)
    assert ran.code == 2
    assert why in ran.line
    assert ran.out == ""
    assert (folder / "last.gif").read_bytes() == before
    assert sorted(os.listdir()) == ["empty", "night.frames"]


def test_a_picture_that_cannot_be_read(cli: Cli, folder: Path) -> None:
    (folder / "iter-10.png").write_text("no picture")
    ran = cli("film", folder)
    assert ran.code == 1
    assert str(folder / "iter-10.png") in ran.line
    assert os.listdir() == [folder.name]


def test_without_an_encoder(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/bin/false")
    ran = cli("film", folder)
    assert ran.code == 1
    assert "write a .gif instead" in ran.line
    assert os.listdir() == [folder.name]
    assert cli("film", folder, "-o", "film.gif").code == 0


@pytest.mark.parametrize("when", [1, 3])
def test_ctrl_c(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    read, count = films.read_picture, 0

    def interrupted(path: Path) -> Picture:
        nonlocal count
        count += 1
        if count == when:
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(films, "read_picture", interrupted)
    ran = cli("film", folder)
    assert ran.code == 130
    if when == 1:
        assert os.listdir() == [folder.name]
    else:
        assert "a film of 2 of the 3 pictures is in night.mp4" in ran.line
        assert colors("night.mp4") == ["red", "green"]
