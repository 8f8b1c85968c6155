"""Iterations that are saved while a painting is made."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from artist_nst import ArtistNstError, UsageError
from artist_nst._types import Pixels
from artist_nst.image.video import VideoWriter
from artist_nst.nst.objective import Losses
from artist_nst.nst.pyramid import Step
from artist_nst.painting.frame_writer import FILM_FRAMES, FrameWriter, open_frame_writer


def gray(level: float) -> Pixels:
    return np.full((12, 16, 3), level)


def make_step(iteration: int, iterations: int) -> Step:
    losses = Losses(1.0, 1.0, 0.0, 0.0)
    return Step(1, 1, iteration, iterations, losses, 0.1, 1.0, torch.zeros(1))


def write_all(writer: FrameWriter, iterations: int, until: int = 0) -> list[int]:
    """Write all iterations and return those that were previewed."""
    previewed: list[int] = []
    for iteration in range(1, (until or iterations) + 1):

        def preview(iteration: int = iteration) -> Pixels:
            previewed.append(iteration)
            return gray(iteration / (2 * iterations))

        writer.write(make_step(iteration, iterations), preview)
    return previewed


def read_levels(film: Path) -> list[int]:
    """Return the gray of each frame of a GIF."""
    with Image.open(film) as frames:
        shown = [
            np.array(frame.convert("L")) for frame in ImageSequence.Iterator(frames)
        ]
    return [round(float(frame.mean())) for frame in shown]


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_requested_and_nothing_is_written(tmp_path: Path) -> None:
    with open_frame_writer(None, 10, None) as writer:
        assert write_all(writer, 30) == []
        writer.finish(gray(1.0))
    assert list_names(tmp_path) == []


def test_iterations_are_saved(tmp_path: Path) -> None:
    folder = tmp_path / "a.frames"
    with open_frame_writer(folder, 4, None) as writer:
        assert write_all(writer, 10) == [4, 8]
        writer.finish(gray(1.0))
    assert list_names(folder) == ["iter-0004.png", "iter-0008.png"]
    pixels = np.asarray(Image.open(folder / "iter-0004.png"))
    assert pixels.mean() == round(255 * 4 / 20)


def test_saved_iterations_sort_by_their_names(tmp_path: Path) -> None:
    with open_frame_writer(tmp_path / "a", 6000, None) as writer:
        write_all(writer, 12_000)
    assert list_names(tmp_path / "a") == ["iter-06000.png", "iter-12000.png"]


def test_frames_of_an_earlier_painting_are_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "a.frames"
    folder.mkdir()
    mine = ["iter-1.png", "iter-best.png", "mine.png"]
    for name in ("iter-0001.png", "iter-0099.png", *mine):
        Image.new("RGB", (4, 4)).save(folder / name)
    with open_frame_writer(folder, 2, None) as writer:
        # Not before there is one to take their place.
        write_all(writer, 4, until=1)
        assert len(list_names(folder)) == 5
        write_all(writer, 4)
    assert list_names(folder) == ["iter-0002.png", "iter-0004.png", *mine]


def test_a_link_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "mine" / "iter-0001.png")
    (tmp_path / "a.frames").symlink_to("mine")
    with (
        pytest.raises(UsageError, match=r"a\.frames is a link"),
        open_frame_writer(tmp_path / "a.frames", 1, None),
    ):
        pass
    assert list_names(tmp_path / "mine") == ["iter-0001.png"]


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.frames").write_text("mine")
    with (
        pytest.raises(UsageError, match=r"a\.frames is a file"),
        open_frame_writer(tmp_path / "a.frames", 1, None),
    ):
        pass
    assert (tmp_path / "a.frames").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("no/a.frames", "x" * 300):
        caplog.clear()
        with open_frame_writer(tmp_path / name, 1, None) as writer:
            assert write_all(writer, 3) == []
        (warning,) = caplog.records
        assert warning.levelno == logging.WARNING
        assert "no more iterations are saved" in warning.getMessage()
        assert list_names(tmp_path) == []


def test_a_film_ends_with_the_painting(tmp_path: Path) -> None:
    film = tmp_path / "a.gif"
    with open_frame_writer(None, 10, film) as writer:
        # The painting itself takes the place of the last iteration.
        assert write_all(writer, 4) == [1, 2, 3]
        writer.finish(gray(1.0))
    assert read_levels(film) == pytest.approx([32, 64, 96, 255], abs=4)


def test_a_long_painting_makes_no_long_film(tmp_path: Path) -> None:
    film = tmp_path / "a.gif"
    with open_frame_writer(None, 10, film) as writer:
        write_all(writer, 1000)
        writer.finish(gray(1.0))
    assert FILM_FRAMES / 2 < len(read_levels(film)) <= FILM_FRAMES


def test_a_film_of_what_is_saved(tmp_path: Path) -> None:
    film = tmp_path / "a.gif"
    with open_frame_writer(tmp_path / "a.frames", 2, film) as writer:
        write_all(writer, 6)
        writer.finish(gray(1.0))
    assert len(list_names(tmp_path / "a.frames")) == 3
    assert read_levels(film) == pytest.approx([42, 85, 255], abs=2)


def test_a_film_of_an_interrupted_painting(tmp_path: Path) -> None:
    film = tmp_path / "a.gif"
    with open_frame_writer(None, 10, film) as writer:
        write_all(writer, 90, until=2)
        writer.finish(gray(0.5))
    assert len(read_levels(film)) == 3
    # Ctrl-C before there was a painting.
    film.unlink()
    with pytest.raises(KeyboardInterrupt), open_frame_writer(None, 10, film):
        raise KeyboardInterrupt
    assert not film.exists()


def test_a_painting_that_fails_leaves_no_film(tmp_path: Path) -> None:
    def paint() -> None:
        with open_frame_writer(None, 10, tmp_path / "a.gif") as writer:
            write_all(writer, 3)
            raise ArtistNstError("not enough memory")

    with pytest.raises(ArtistNstError, match="memory"):
        paint()
    assert list_names(tmp_path) == []


def test_a_film_that_cannot_be_made_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "folder.gif").mkdir()
    for name in ("a.avi", "no/a.gif", "folder.gif"):
        with pytest.raises(UsageError), open_frame_writer(None, 10, tmp_path / name):
            raise AssertionError("painted")


@pytest.mark.parametrize("failing", ["second frame", "painting", "end"])
def test_a_film_that_fails_is_a_warning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failing: str,
) -> None:
    add = VideoWriter.add
    frames: list[Pixels] = []

    def fail_at_frame(self: VideoWriter, pixels: Any) -> None:
        frames.append(pixels)
        if len(frames) == {"second frame": 2, "painting": 4}.get(failing):
            self._close()
            raise ArtistNstError("a.gif cannot be written: no space left on the disk")
        add(self, pixels)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(VideoWriter, "add", fail_at_frame)
    if failing == "end":
        monkeypatch.setattr("os.fsync", fail)
    with open_frame_writer(None, 10, tmp_path / "a.gif") as writer:
        write_all(writer, 4)
        writer.finish(gray(1.0))
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert "no space left" in warning.getMessage()
    assert warning.getMessage().endswith("there is no film")
    assert list_names(tmp_path) == []


def test_ctrl_c_while_the_film_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with open_frame_writer(None, 10, tmp_path / "a.gif") as writer:
        write_all(writer, 4)
        monkeypatch.setattr("os.fsync", stop)
        with pytest.raises(KeyboardInterrupt):
            writer.finish(gray(1.0))
    assert "there is no film" in caplog.text
    assert list_names(tmp_path) == []
