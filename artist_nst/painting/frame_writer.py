"""Save the iterations of a painting: as pictures, and as a film."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from artist_nst._files import VIDEO_SUFFIXES, check_writable
from artist_nst._types import PathLike, Pixels
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.files import write_picture
from artist_nst.image.video import VideoWriter
from artist_nst.nst.pyramid import Step

log = logging.getLogger(__name__)

FILM_FRAMES = 96  # eight seconds

Preview = Callable[[], Pixels]


class FrameWriter:
    """Writes iterations to a folder, to a film, or to both."""

    def __init__(self, folder: _FrameFolder | None, film: _FilmWriter | None) -> None:
        self.folder = folder
        self.film = film

    def write(self, step: Step, preview: Preview) -> None:
        """Save an iteration if it is due; ``preview`` returns the painting so far."""
        for writer in (self.folder, self.film):
            if writer is not None:
                writer.write(step, preview)

    def finish(self, painting: Pixels) -> None:
        """End the film with the painting, ``(H, W, 3)`` in [0, 1].

        Raises:
            KeyboardInterrupt: The film is lost, or lacks its end.
        """
        if self.film is not None:
            self.film.finish(painting)


@contextmanager
def open_frame_writer(
    folder: PathLike | None, every: int, film: PathLike | None
) -> Iterator[FrameWriter]:
    """Open a writer of iterations for the time of one painting.

    A frame that cannot be written is a warning: the painting itself may find room.

    Args:
        folder: Gets ``iter-0010.png`` and so on; an earlier painting's are cleared.
        every: The number of iterations between two saved ones.
        film: A .gif, .mp4 or .webm of about ``FILM_FRAMES`` frames, or of those that
            are saved, and the painting.

    Raises:
        UsageError: A file or link is where the folder would be, or the film cannot be
            made.
    """
    if film is not None:
        check_writable(film, VIDEO_SUFFIXES)
    frame_folder = None if folder is None else _FrameFolder(Path(folder), every)
    if film is None:
        yield FrameWriter(frame_folder, None)
        return
    with _FilmWriter(Path(film), every if folder else 0) as film_writer:
        yield FrameWriter(frame_folder, film_writer)


class _FrameFolder:
    """Saves every N iterations as pictures."""

    def __init__(self, folder: Path, every: int) -> None:
        # os.path's functions, for pathlib's raise where a name is too long.
        is_link = os.path.islink(folder)
        if is_link or (os.path.exists(folder) and not os.path.isdir(folder)):
            raise UsageError(
                f"{folder} is a {'link' if is_link else 'file'}, but saved iterations "
                "go there: move it away"
            )
        self.folder = folder
        self.every = every
        self.started = self.failed = False

    def write(self, step: Step, preview: Preview) -> None:
        if step.iteration % self.every or self.failed:
            return
        digits = max(4, len(str(step.iterations)))
        try:
            if not self.started:
                _clear(self.folder)
            self.started = True
            name = f"iter-{step.iteration:0{digits}}.png"
            write_picture(self.folder / name, preview())
        except ArtistNstError as error:
            self.failed = True
            log.warning("%s; no more iterations are saved", error)


class _FilmWriter:
    """Films every N iterations, and the painting."""

    def __init__(self, path: Path, every: int) -> None:
        self.path = path
        self.every = every
        self.film: VideoWriter | None = VideoWriter(path)

    def __enter__(self) -> Self:
        if self.film is not None:
            self.film.__enter__()
        return self

    def write(self, step: Step, preview: Preview) -> None:
        every = self.every or -(-step.iterations // FILM_FRAMES)
        # finish() adds the painting itself in place of the last one.
        if step.iteration % every == 0 and step.iteration < step.iterations:
            self._add(preview())

    def finish(self, painting: Pixels) -> None:
        self._add(painting)
        self.__exit__(None, None, None)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        film, self.film = self.film, None
        try:
            if film is not None:
                film.__exit__(kind, error, trace)
        except ArtistNstError as failure:
            log.warning("%s; there is no film", failure)
        except KeyboardInterrupt:
            log.warning(
                "interrupted while %s was finished; there is no film", self.path
            )
            raise

    def _add(self, pixels: Pixels) -> None:
        try:
            if self.film is not None:
                self.film.add(pixels)
        except ArtistNstError as error:
            self.film = None
            log.warning("%s; there is no film", error)


FRAME_NAME = re.compile(r"iter-[0-9]{4,}\.png")


def _clear(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            is_ours = FRAME_NAME.fullmatch(old.name) and not old.is_symlink()
            if is_ours and old.is_file():
                old.unlink()
    except OSError as error:
        raise ArtistNstError(
            f"{folder}: can't hold the saved iterations ({error.strerror}); "
            "choose another place with -o"
        ) from error
