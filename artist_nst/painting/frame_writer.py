"""What is kept of a painting while it is made: saved iterations, and a film."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from artist_nst._types import PathLike, Pixels
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.files import write_picture
from artist_nst.image.video import Film, check_film
from artist_nst.nst.pyramid import Step

log = logging.getLogger(__name__)

FILM_FRAMES = 96  # eight seconds

Preview = Callable[[], Pixels]


class Keeper:
    """Told of a painting while it is made, keeps what was asked for."""

    def __init__(self, folder: _Folder | None, reel: _Reel | None) -> None:
        self.folder = folder
        self.reel = reel

    def __call__(self, step: Step, preview: Preview) -> None:
        """An iteration is done; ``preview`` makes the painting as it is."""
        for keeper in (self.folder, self.reel):
            if keeper is not None:
                keeper(step, preview)

    def end(self, painting: Pixels) -> None:
        """``painting``, ``(H, W, 3)`` in [0, 1], is what a film ends with.

        Raises:
            KeyboardInterrupt: of the film nothing is left, or all but its end.
        """
        if self.reel is not None:
            self.reel.end(painting)


@contextmanager
def keeping(
    folder: PathLike | None, every: int, film: PathLike | None
) -> Iterator[Keeper]:
    """What is to be told of each iteration, and of the painting in the end.

    Args:
        folder: gets ``iter-0010.png`` and so on; an earlier painting's are cleared.
        every: how many iterations lie between two that are saved.
        film: a .gif, .mp4 or .webm of about ``FILM_FRAMES`` frames, or of those that
            are saved, and the painting.

    A frame that can't be written is a warning: the painting itself may find room.

    Raises:
        UsageError: a file is where the folder would be, or the film can't be made.
    """
    if film is not None:
        check_film(film)
    saved = None if folder is None else _Folder(Path(folder), every)
    if film is None:
        yield Keeper(saved, None)
        return
    with _Reel(Path(film), every if folder else 0) as reel:
        yield Keeper(saved, reel)


class _Folder:
    """Saves every so many iterations."""

    def __init__(self, folder: Path, every: int) -> None:
        # os.path's functions, for pathlib's raise where a name is too long.
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise UsageError(
                f"{folder} is a file, where saved iterations would go: move it"
            )
        self.folder = folder
        self.every = every
        self.started = self.failed = False

    def __call__(self, step: Step, preview: Preview) -> None:
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


class _Reel:
    """Films every so many iterations, and the painting."""

    def __init__(self, path: Path, every: int) -> None:
        self.path = path
        self.every = every
        self.film: Film | None = Film(path)

    def __enter__(self) -> Self:
        if self.film is not None:
            self.film.__enter__()
        return self

    def __call__(self, step: Step, preview: Preview) -> None:
        every = self.every or -(-step.iterations // FILM_FRAMES)
        # In place of the last one, end() has the painting itself.
        if step.iteration % every == 0 and step.iteration < step.iterations:
            self._add(preview())

    def end(self, painting: Pixels) -> None:
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


def _clear(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
        for old in folder.glob("iter-*.png"):
            old.unlink()
    except OSError as error:
        raise ArtistNstError(
            f"{folder}: can't hold the saved iterations ({error.strerror}); "
            "choose another place with -o"
        ) from error
