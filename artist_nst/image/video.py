"""Films of pictures: frames added one after the other, written as they come.

A GIF is made here with Pillow, MP4 and WebM by ffmpeg, which imageio-ffmpeg brings.
Memory does not grow with the number of frames.
"""

import contextlib
import errno
import logging
import os
import re
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.GifImagePlugin import getdata

from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError
from artist_nst.image.files import (
    check_writable,
    disk_trouble,
    read_picture,
    temporary_beside,
)
from artist_nst.image.reading import line_of, name_of

__all__ = ["FPS", "HOLD_SECONDS", "SUFFIXES", "Film", "check_film", "film_of"]

SUFFIXES = (".gif", ".mp4", ".webm")
"""The file name endings of films, in lower case."""

FPS = 12.0
"""Frames a second, unless told otherwise."""

HOLD_SECONDS = 2.0
"""How long the last frame stays, unless told otherwise."""

log = logging.getLogger(__name__)

Frame = NDArray[np.uint8]  # (H, W, 3) levels from 0 to 255

_GIF_SIDE = 65_535  # pixels
_GIF_FPS = 50  # browsers show faster ones at 10
_GIF_FOREVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_SAMPLE = 128  # pixels a side: enough to find 256 colors, and quick

_RAW = "-hide_banner -loglevel error -y -f rawvideo -pix_fmt rgb24"
# Finer than the encoders' own choice: brush strokes are what the film is about.
_ENCODERS = {
    ".mp4": "-f mp4 -c:v libx264 -preset medium -crf 16 -movflags +faststart",
    ".webm": "-f webm -c:v libvpx-vp9 -crf 16 -b:v 0 -cpu-used 3 -row-mt 1",
}
# Which YUV it is must be said: players guess, and differently for large films.
_TO_YUV = (
    "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,"
    "format=yuv420p,"
    "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
)


def check_film(path: PathLike) -> None:
    """Find out whether a film could be written here, before the work is done.

    Raises:
        UsageError: The suffix is not one of ``SUFFIXES``, the path is a folder, or
            its folder does not exist or cannot be written to.
    """
    check_writable(path, SUFFIXES)


class Film:
    """A film that is added to frame by frame, and appears when it is whole.

    To be used with ``with``. When the block ends, the film is put at its path at
    once; so it is when Ctrl-C ends it, for an interrupted painting has a film, too.
    After another exception, or without a frame, nothing is left behind. What was at
    the path before is replaced only by a whole film.

    Args:
        path: Where to; its suffix, one of ``SUFFIXES``, says which kind: GIF (256
            colors a frame, for ever again from the start), MP4 (H.264) or WebM (VP9).
        fps: Frames a second, 0.1 to 60. A GIF shows at most 50.
        hold_seconds: How long the last frame stays, up to 600.

    Raises:
        ValueError: A number is out of range.
        UsageError: On entering: the path cannot be written, as ``check_film`` says.
        ArtistNstError: On leaving: as ``add``.
    """

    def __init__(
        self, path: PathLike, fps: float = FPS, hold_seconds: float = HOLD_SECONDS
    ) -> None:
        if not (0.1 <= fps <= 60.0 and 0.0 <= hold_seconds <= 600.0):
            raise ValueError(f"a film can't have {fps} fps, or hold {hold_seconds} s")
        self.path = path
        self.fps = fps
        self.hold_seconds = hold_seconds
        self._reel: _Gif | _Video | None = None
        self._size = (0, 0)
        self._frames = 0
        self._open = False

    def __enter__(self) -> Self:
        check_film(self.path)
        self._target = Path(os.path.realpath(self.path))  # write through a link
        self._temporary = temporary_beside(self._target)
        self._open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._open:
            return
        self._open = False
        wanted = kind is None or issubclass(kind, KeyboardInterrupt)
        if self._reel is None or not self._frames or not wanted:
            self._discard()
            return
        try:
            with self._in_words():
                self._reel.finish()
                with open(self._temporary, "rb+") as stream:
                    os.fsync(stream.fileno())
                os.replace(self._temporary, self._target)
        except BaseException:
            self._discard()
            raise

    def add(self, pixels: NDArray[np.floating[Any]] | NDArray[np.uint8]) -> None:
        """Add a frame; the first one says how large the film is.

        Args:
            pixels: (H, W, 3) sRGB, clipped to [0, 1] and rounded to the nearest
                level, or levels from 0 to 255. Brought to the first frame's size.

        Raises:
            ValueError: The shape is wrong, a value is not finite, or the film is not
                open: before ``with``, after it, or after a failure.
            ArtistNstError: The frame cannot be written. The film is given up then,
                and leaving the block says no more about it.
        """
        if not self._open:
            raise ValueError("a film takes frames within its block, until one fails")
        frame = _levels(pixels)
        try:
            with self._in_words():
                self._take(frame)
        except Exception:  # not Ctrl-C, which a film outlives
            self._discard()
            raise
        self._frames += 1

    def _take(self, frame: Frame) -> None:
        size = frame.shape[1], frame.shape[0]
        if self._reel is None:
            self._size = size
            self._reel = self._begun(*size)
        if size != self._size:
            picture = Image.fromarray(frame)
            frame = np.asarray(picture.resize(self._size, Image.Resampling.LANCZOS))
        self._reel.add(frame)

    def _begun(self, width: int, height: int) -> "_Gif | _Video":
        plan = _Plan(
            name=name_of(self.path),
            suffix=_suffix(self.path),
            file=self._temporary,
            width=width,
            height=height,
            fps=self.fps,
            hold=self.hold_seconds,
        )
        return _Gif(plan) if plan.suffix == ".gif" else _Video(plan)

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        name = name_of(self.path)
        try:
            yield
        except OSError as error:
            raise ArtistNstError(disk_trouble(name, error)) from error
        except MemoryError as error:
            raise ArtistNstError(
                f"{name} cannot be written: not enough memory; make the pictures "
                "smaller"
            ) from error

    def _discard(self) -> None:
        self._open = False
        if self._reel is not None:
            self._reel.discard()
        with contextlib.suppress(OSError):
            os.unlink(self._temporary)


def film_of(
    frames: Sequence[Path],
    path: PathLike,
    *,
    fps: float = FPS,
    hold_seconds: float = HOLD_SECONDS,
    on_frame: Callable[[int, int], None] = lambda *_: None,
) -> None:
    """Make a film of picture files, as large as the first of them.

    Args:
        frames: The files, at least one; transparent ones are shown over white.
        path, fps, hold_seconds: As for ``Film``. Ctrl-C leaves a film of the frames
            until then.
        on_frame: Told after each frame how many are done, and of how many.

    Raises:
        ValueError: There are no frames, or a number is out of range.
        UsageError: The path cannot be written, as ``check_film`` says.
        ArtistNstError: A picture cannot be read, or the film not written.
    """
    if not frames:
        raise ValueError("a film needs a frame")
    with Film(path, fps, hold_seconds) as film:
        for done, frame in enumerate(frames, start=1):
            film.add(read_picture(frame).pixels)
            on_frame(done, len(frames))


def _suffix(path: PathLike) -> str:
    return Path(path).suffix.lower()


def _levels(pixels: NDArray[Any]) -> Frame:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise ValueError(f"a frame is (height, width, 3), not {pixels.shape}")
    if pixels.dtype == np.uint8:
        return pixels
    if not np.isfinite(pixels).all():
        raise ValueError("a frame holds values that are not finite")
    levels: Frame = np.rint(np.clip(pixels, 0.0, 1.0) * 255.0).astype(np.uint8)
    return levels


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What a film is to be, under which name in messages, and in which file."""

    name: str
    suffix: str
    file: Path
    width: int
    height: int
    fps: float
    hold: float


class _Gif:
    """Frames one behind the other; Pillow's own way would keep them all in memory."""

    def __init__(self, plan: _Plan) -> None:
        size = plan.width, plan.height
        if max(size) > _GIF_SIDE:
            raise ArtistNstError(
                f"{plan.name} cannot be written: a GIF has at most {_GIF_SIDE:,} "
                "pixels a side; make the picture smaller"
            )
        if plan.fps > _GIF_FPS:
            log.info("%s: a GIF shows at most %d frames a second", plan.name, _GIF_FPS)
        self._per_frame = 100 / min(plan.fps, _GIF_FPS)
        self._hold = round(100 * plan.hold)
        self._written = 0
        # Kept back, for the last one stays longer.
        self._latest: Image.Image | None = None
        self._stream = open(plan.file, "xb")  # noqa: SIM115 - closed in the end
        self._stream.write(b"GIF89a" + struct.pack("<HH", *size) + b"\x70\0\0")
        self._stream.write(_GIF_FOREVER)

    def add(self, frame: Frame) -> None:
        before, self._latest = self._latest, _in_256_colors(frame)
        if before is not None:
            self._write(before, self._delay())

    def finish(self) -> None:
        if self._latest is not None:
            self._write(self._latest, max(self._delay(), self._hold))
        self._stream.write(b";")
        self._stream.close()

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.close()

    def _delay(self) -> int:
        """In hundredths of a second, so that rounding does not add up."""
        begin, end = self._written, self._written + 1
        return round(end * self._per_frame) - round(begin * self._per_frame)

    def _write(self, image: Image.Image, delay: int) -> None:
        parts = getdata(image, duration=10 * delay, include_color_table=True)
        self._stream.write(b"".join(parts))  # at once: Ctrl-C leaves no half of it
        self._written += 1


def _in_256_colors(frame: Frame) -> Image.Image:
    """With colors of its own: those of a painting change while it is made."""
    picture = Image.fromarray(frame)
    sample = picture.copy()
    sample.thumbnail((_SAMPLE, _SAMPLE), Image.Resampling.NEAREST)
    # Half of them for the many pixels, where the other way has too coarse a grain, and
    # half for the few: a red roof under a blue sky is to stay red.
    many = sample.quantize(128, Image.Quantize.MEDIANCUT, kmeans=1).getpalette()
    few = sample.quantize(128, Image.Quantize.MAXCOVERAGE).getpalette()
    colors = Image.new("P", (1, 1))
    colors.putpalette([*(many or ()), *(few or ())])
    return picture.quantize(palette=colors, dither=Image.Dither.FLOYDSTEINBERG)


class _Video:
    """Frames through a pipe to ffmpeg."""

    def __init__(self, plan: _Plan) -> None:
        self._plan = plan
        # Half of the chroma is kept, so sides must be even.
        down, right = plan.height % 2, plan.width % 2
        self._margins = (0, down), (0, right), (0, 0)
        height, width = plan.height + down, plan.width + right
        once_more = max(1, round(plan.hold * plan.fps)) - 1
        command = [
            _ffmpeg(plan.name),
            *_RAW.split(),
            *f"-s {width}x{height} -r {plan.fps} -i pipe:0 -an".split(),
            *("-vf", f"tpad=stop={once_more}:stop_mode=clone,{_TO_YUV}"),
            *_ENCODERS[plan.suffix].split(),
            str(plan.file),
        ]
        self._notes = tempfile.TemporaryFile()  # noqa: SIM115 - closed in the end
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._notes,
                # A whole frame: what Ctrl-C stops on its way is in the buffer, and
                # goes before the next one.
                bufsize=width * height * 3,
                start_new_session=True,  # the terminal's Ctrl-C is not for ffmpeg
            )
        except OSError as error:
            self._notes.close()
            raise _no_ffmpeg(plan.name, line_of(error)) from error

    def add(self, frame: Frame) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(np.pad(frame, self._margins, mode="edge").tobytes())
            pipe.flush()
        except BrokenPipeError as error:
            raise self._failure() from error

    def finish(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.close()
        except BrokenPipeError as error:
            raise self._failure() from error
        if self._process.wait() != 0 or not self._plan.file.exists():
            raise self._failure()
        self._notes.close()

    def discard(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        self._process.kill()
        with contextlib.suppress(OSError):
            pipe.close()
        self._process.wait()
        self._notes.close()

    def _failure(self) -> ArtistNstError:
        """Why ffmpeg went: the first of its lines, the later ones being its outcome."""
        code = self._process.wait()
        self._notes.seek(0)
        text = self._notes.read().decode(errors="replace")
        if os.strerror(errno.ENOSPC) in text:
            full = OSError(errno.ENOSPC, "")
            return ArtistNstError(disk_trouble(self._plan.name, full))
        lines = [re.sub(r"^(\[[^]]*\] *)+", "", one) for one in text.splitlines()]
        why = next(filter(None, map(str.strip, lines)), f"exit code {code}")
        return ArtistNstError(
            f"{self._plan.name} cannot be written: ffmpeg gave up ({why}); "
            "write a .gif instead"
        )


def _ffmpeg(name: str) -> str:
    # Here, for a GIF does without.
    from imageio_ffmpeg import get_ffmpeg_exe

    try:
        return str(get_ffmpeg_exe())
    except RuntimeError as error:
        raise _no_ffmpeg(name, "there is none") from error


def _no_ffmpeg(name: str, why: str) -> ArtistNstError:
    return ArtistNstError(
        f"{name} cannot be written: ffmpeg can't be started ({why}); write a .gif "
        "instead, or name a working ffmpeg in $IMAGEIO_FFMPEG_EXE"
    )
