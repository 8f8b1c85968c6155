"""``artist-nst film``: which pictures, in which order, and where the film goes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artist_nst.image import video
from artist_nst.image.files import Picture
from tests.cli.conftest import Cli
from tests.image.test_video import seen

RED, GREEN, BLUE = (220, 40, 40), (40, 160, 40), (40, 40, 220)


@pytest.fixture
def folder(cli: Cli) -> Path:
    """Iterations 2 (red), 10 (green) and 100 (blue), and other files."""
    del cli
    folder = Path("night.frames")
    folder.mkdir()
    for number, color in ((100, BLUE), (2, RED), (10, GREEN)):
        Image.new("RGB", (64, 48), color).save(folder / f"iter-{number}.png")
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".iter-1.png").write_text("hidden")
    (folder / "below.png").mkdir()
    return folder


def get_colors(path: str) -> list[str]:
    """Name the colors of a film's frames in order, each once."""
    names = [
        ("red", "green", "blue")[int(np.argmax(frame.mean(axis=(0, 1))))]
        for frame in seen(Path(path)).frames
    ]
    return list(dict.fromkeys(names))


def test_a_folder_in_natural_order(cli: Cli, folder: Path) -> None:
    ran = cli("film", folder)
    assert (ran.code, ran.out) == (0, "night.mp4\n")
    assert get_colors("night.mp4") == ["red", "green", "blue"]
    shown = seen(Path("night.mp4"))
    assert len(shown.frames) == 2 + 24
    assert shown.seconds[0] == 1 / 12


def test_names_without_out(cli: Cli, folder: Path) -> None:
    """An existing film is not replaced; pictures may come from any folder."""
    Path("night.mp4").write_text("mine")
    assert cli("film", folder).out == "night-2.mp4\n"
    assert Path("night.mp4").read_text() == "mine"
    os.rename(folder, "some.pictures")
    assert cli("film", "some.pictures").out == "some.pictures.mp4\n"
    os.chdir("some.pictures")
    assert cli("film", ".").out == "some.pictures.mp4\n"


def test_a_file_that_is_named_is_replaced(cli: Cli, folder: Path) -> None:
    Path("film.gif").write_text("an earlier one")
    ran = cli("film", folder, "-o", "film.gif", "--fps", 5, "--hold", 0.4, "-q")
    assert (ran.code, ran.out, ran.err) == (0, "film.gif\n", "")
    assert seen(Path("film.gif")).seconds == [0.2, 0.2, 0.4]
    assert get_colors("film.gif") == ["red", "green", "blue"]


def test_pictures_in_the_order_given(cli: Cli, folder: Path) -> None:
    pictures = [folder / f"iter-{number}.png" for number in (100, 2)]
    assert cli("film", *pictures).out == "night.mp4\n"
    assert get_colors("night.mp4") == ["blue", "red"]
    for picture in pictures:
        os.rename(picture, picture.name)
    assert cli("film", "iter-2.png", "iter-100.png").out == "iter-2.mp4\n"


def test_an_odd_size_as_webm(cli: Cli) -> None:
    Path("a-b.frames").mkdir()
    Image.new("RGB", (21, 11), RED).save("a-b.frames/iter-0010.png")
    assert cli("film", "a-b.frames", "-o", "x.webm").out == "x.webm\n"
    assert get_colors("x.webm") == ["red"]


def test_one_line_for_what_is_wrong(cli: Cli, folder: Path) -> None:
    Path("empty").mkdir()
    Image.new("RGB", (64, 48), BLUE).save(folder / "last.gif")
    before = (folder / "last.gif").read_bytes()
    for arguments, word in (
        (["nowhere"], "nowhere"),
        (["a" * 300], "no such folder"),
        (["empty"], "no pictures"),
        (["night.frames/iter-2.png"], "is a file"),
        (["night.frames", "empty"], "is a folder"),
        (["night.frames", "-o", "film.avi"], ".gif, .mp4, .webm"),
        (["night.frames", "-o", "nowhere/film.mp4"], "nowhere"),
        (["night.frames", "-o", "night.frames/last.gif"], "would replace"),
        (["night.frames", "--fps", "0"], "--fps"),
        (["night.frames", "--fps", "61"], "--fps"),
        (["night.frames", "--hold", "-1"], "--hold"),
        ([], "FRAMES"),
    ):
        ran = cli("film", *arguments)
        assert (ran.code, ran.out) == (2, ""), arguments
        assert word in ran.line
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
    assert ".gif" in ran.line
    assert os.listdir() == [folder.name]
    assert cli("film", folder, "-o", "film.gif").code == 0


@pytest.mark.parametrize("when", [1, 3])
def test_ctrl_c(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    read, count = video.read_picture, 0

    def interrupt(path: Path) -> Picture:
        nonlocal count
        count += 1
        if count == when:
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(video, "read_picture", interrupt)
    ran = cli("film", folder)
    assert ran.code == 130
    if when == 1:
        assert os.listdir() == [folder.name]
    else:
        assert "a film of 2 of the 3 pictures is in night.mp4" in ran.line
        assert get_colors("night.mp4") == ["red", "green"]
