"""What is kept of a painting while it is made."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from artist_nst import ArtistNstError, UsageError
from artist_nst.image.video import Film
from artist_nst.nst.objective import Losses
from artist_nst.nst.pyramid import Step
from artist_nst.painting.frame_writer import FILM_FRAMES, keeping
from tests.image.test_video import seen


def gray(level: float) -> NDArray[np.float64]:
    return np.full((24, 32, 3), level)


def step(iteration: int, iterations: int) -> Step:
    losses = Losses(1.0, 1.0, 0.0, 0.0)
    image = torch.zeros(1, 3, 24, 32)
    return Step(1, 1, iteration, iterations, losses, 0.1, 1.0, image)


def told(keep: Any, iterations: int, until: int | None = None) -> list[int]:
    """All iterations; which of them were looked at."""
    looked: list[int] = []
    for at in range(1, (until or iterations) + 1):

        def preview(at: int = at) -> NDArray[np.float64]:
            looked.append(at)
            return gray(at / (2 * iterations))

        keep(step(at, iterations), preview)
    return looked


def levels(film: Path) -> list[int]:
    """The gray of each frame; the last one of a video stays, for two seconds."""
    found = [round(float(frame.mean())) for frame in seen(film).frames]
    return found if film.suffix == ".gif" else found[:-23]


def test_nothing_is_asked_for_and_nothing_is_made(tmp_path: Path) -> None:
    with keeping(None, 10, None) as keep:
        assert told(keep, 30) == []
        keep.end(gray(1.0))
    assert list(tmp_path.iterdir()) == []


def test_iterations_are_saved(tmp_path: Path) -> None:
    folder = tmp_path / "a.frames"
    with keeping(folder, 4, None) as keep:
        assert told(keep, 10) == [4, 8]
        keep.end(gray(1.0))
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["iter-0004.png", "iter-0008.png"]
    assert np.asarray(Image.open(folder / names[0])).mean() == round(255 * 4 / 20)


def test_saved_iterations_sort_by_their_names(tmp_path: Path) -> None:
    with keeping(tmp_path / "a", 6000, None) as keep:
        told(keep, 12_000)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["iter-06000.png", "iter-12000.png"]


def test_an_earlier_paintings_are_cleared_and_no_other_file(tmp_path: Path) -> None:
    folder = tmp_path / "a.frames"
    folder.mkdir()
    for name in ("iter-0001.png", "iter-0099.png", "mine.png"):
        Image.new("RGB", (4, 4)).save(folder / name)
    with keeping(folder, 2, None) as keep:
        # Not before there is one to take their place.
        told(keep, 4, until=1)
        assert len(list(folder.iterdir())) == 3
        told(keep, 4)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["iter-0002.png", "iter-0004.png", "mine.png"]


def test_a_file_where_the_folder_would_be(tmp_path: Path) -> None:
    (tmp_path / "a.frames").write_text("mine")
    with (
        pytest.raises(UsageError, match=r"a\.frames is a file"),
        keeping(tmp_path / "a.frames", 1, None),
    ):
        pass
    assert (tmp_path / "a.frames").read_text() == "mine"


@pytest.mark.parametrize("name", ["no/a.frames", "x" * 300])
def test_a_folder_that_cannot_be_made_is_a_warning(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with keeping(tmp_path / name, 1, None) as keep:
        assert told(keep, 3) == []
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert "no more iterations are saved" in warning.getMessage()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".gif", ".mp4", ".webm"])
def test_a_film_ends_with_the_painting(tmp_path: Path, suffix: str) -> None:
    film = tmp_path / f"a{suffix}"
    with keeping(None, 10, film) as keep:
        # The last iteration is left to the painting itself.
        assert told(keep, 4) == [1, 2, 3]
        keep.end(gray(1.0))
    found = levels(film)
    assert len(found) == 4
    assert found == pytest.approx([32, 64, 96, 255], abs=4)


def test_a_long_painting_makes_no_long_film(tmp_path: Path) -> None:
    film = tmp_path / "a.gif"
    with keeping(None, 10, film) as keep:
        told(keep, 1000)
        keep.end(gray(1.0))
    assert FILM_FRAMES / 2 < len(levels(film)) <= FILM_FRAMES


def test_a_film_of_what_is_saved(tmp_path: Path) -> None:
    film = tmp_path / "a.gif"
    with keeping(tmp_path / "a.frames", 2, film) as keep:
        told(keep, 6)
        keep.end(gray(1.0))
    assert len(list((tmp_path / "a.frames").iterdir())) == 3
    assert levels(film) == pytest.approx([42, 85, 255], abs=2)


def test_a_film_of_an_interrupted_painting(tmp_path: Path) -> None:
    film = tmp_path / "a.gif"
    with keeping(None, 10, film) as keep:
        told(keep, 90, until=2)
        keep.end(gray(0.5))
    assert len(levels(film)) == 3
    # Ctrl-C before there was a painting.
    film.unlink()
    with pytest.raises(KeyboardInterrupt), keeping(None, 10, film):
        raise KeyboardInterrupt
    assert not film.exists()


def test_a_painting_that_fails_leaves_no_film(tmp_path: Path) -> None:
    def paint() -> None:
        with keeping(None, 10, tmp_path / "a.gif") as keep:
            told(keep, 3)
            raise ArtistNstError("not enough memory")

    with pytest.raises(ArtistNstError, match="memory"):
        paint()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.avi", "no/a.gif", "folder.gif"])
def test_a_film_that_cannot_be_is_refused_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.gif").mkdir()
    with pytest.raises(UsageError), keeping(None, 10, tmp_path / name):
        raise AssertionError("painted")


@pytest.mark.parametrize("when", ["add", "end", "finish"])
def test_a_film_that_fails_is_a_warning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    when: str,
) -> None:
    added = Film.add
    count: list[int] = []

    def add(self: Film, pixels: Any) -> None:
        count.append(1)
        if len(count) == {"add": 2, "end": 4}.get(when):
            self._discard()
            raise ArtistNstError("a.gif cannot be written: no space left on the disk")
        added(self, pixels)

    monkeypatch.setattr(Film, "add", add)
    if when == "finish":

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("artist_nst.image.video.os.fsync", full)
    with keeping(None, 10, tmp_path / "a.gif") as keep:
        told(keep, 4)
        keep.end(gray(1.0))
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert "no space left" in warning.getMessage()
    assert warning.getMessage().endswith("there is no film")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_the_film_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with keeping(None, 10, tmp_path / "a.gif") as keep:
        told(keep, 4)
        monkeypatch.setattr("artist_nst.image.video.os.fsync", stop)
        with pytest.raises(KeyboardInterrupt):
            keep.end(gray(1.0))
    assert "there is no film" in caplog.text
    assert list(tmp_path.iterdir()) == []
