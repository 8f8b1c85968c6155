"""Write videos and animated GIFs frame by frame.

A GIF is written here with Pillow's help, MP4 and WebM by the ffmpeg that
imageio-ffmpeg brings. Memory does not grow with the number of frames.
"""

import contextlib
import errno
import logging
import os
import re
import struct
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.GifImagePlugin import getdata

from artist_nst._files import (
    VIDEO_SUFFIXES,
    check_suffix,
    check_writable,
    format_error,
    format_path,
    make_temporary_path,
    replace_file,
    translate_write_errors,
)
from artist_nst._types import PathLike
from artist_nst.image.encoder import to_levels, to_samples
from artist_nst.image.files import read_picture

FPS = 12.0
HOLD_SECONDS = 2.0  # how long the last frame stays

log = logging.getLogger(__name__)

_GIF_SIDE = 65_535  # pixels
_GIF_FPS = 50  # browsers show faster ones at 10
_GIF_LOOP_FOREVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_SAMPLE_SIDE = 128  # pixels: enough to find 256 colors, and quick

_RAW_INPUT = "-hide_banner -loglevel error -y -f rawvideo -pix_fmt rgb24"
# Finer than the encoders' defaults: the video is there to show brush strokes.
_ENCODERS = {
    ".mp4": "-f mp4 -c:v libx264 -preset medium -crf 16 -movflags +faststart",
    ".webm": "-f webm -c:v libvpx-vp9 -crf 16 -b:v 0 -cpu-used 3 -row-mt 1",
}
# The kind of YUV must be stated: players guess, and differently for large videos.
_TO_YUV = (
    "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,"
    "format=yuv420p,"
    "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
)


class VideoWriter:
    """Context manager that writes a video frame by frame, atomically.

    When the block ends, or Ctrl-C ends it, the video is moved to its path: an
    interrupted painting has a video too. After another exception, or without a frame,
    nothing is left behind and what was at the path before stays.

    The suffix chooses GIF (256 colors a frame, repeated forever, at most 50 frames a
    second), MP4 (H.264) or WebM (VP9). The last frame stays for ``hold_seconds``.

    Raises:
        UsageError: On entering: the path cannot be written.
        ArtistNstError: On leaving: as ``add``.
    """

    def __init__(
        self, path: PathLike, fps: float = FPS, hold_seconds: float = HOLD_SECONDS
    ) -> None:
        self.path = path
        self.fps = fps
        self.hold_seconds = hold_seconds
        self._encoder: _GifEncoder | _FfmpegEncoder | None = None
        self._size = (0, 0)  # width, height
        self._frame_count = 0
        self._is_open = False

    def __enter__(self) -> Self:
        check_writable(self.path, VIDEO_SUFFIXES)
        self._temporary = make_temporary_path(self.path)
        self._is_open = True
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_kept = kind is None or issubclass(kind, KeyboardInterrupt)
        try:
            if self._is_open and self._encoder and self._frame_count and is_kept:
                with translate_write_errors(self.path):
                    self._encoder.finish()
                    replace_file(self._temporary, self.path)
        finally:
            self._close()

    def add(self, pixels: NDArray[np.floating[Any]] | NDArray[np.uint8]) -> None:
        """Add a frame, (H, W, 3) sRGB in [0, 1] or levels; the first decides the size.

        Others are fitted into it, between black bars if they have another aspect.

        Raises:
            ValueError: The shape is wrong, a value is not finite, or the video is not
                open: before ``with``, after it, or after a failure.
            ArtistNstError: The frame cannot be written. The video is discarded then,
                and leaving the block raises no second error.
        """
        if not self._is_open:
            raise ValueError("frames are added within the block, until one fails")
        image = Image.fromarray(to_levels(to_samples(pixels, None)))
        try:
            with translate_write_errors(self.path):
                if self._encoder is None:
                    self._size = image.size
                    self._encoder = self._start_encoder()
                if image.size != self._size:
                    # Bars beside a picture of another aspect.
                    image = ImageOps.pad(image, self._size, Image.Resampling.LANCZOS)
                self._encoder.add(image)
        except Exception:  # Ctrl-C must not discard the video
            self._close()
            raise
        self._frame_count += 1

    def _start_encoder(self) -> "_GifEncoder | _FfmpegEncoder":
        suffix = check_suffix(self.path, VIDEO_SUFFIXES)
        if suffix != ".gif":
            return _FfmpegEncoder(
                self._temporary, suffix, self._size, self.fps, self.hold_seconds
            )
        if max(self._size) > _GIF_SIDE:
            raise OSError(
                f"a GIF has at most {_GIF_SIDE:,} pixels a side; make it less"
            )
        if self.fps > _GIF_FPS:
            name = format_path(self.path)
            log.info("%s: a GIF shows at most %d frames a second", name, _GIF_FPS)
        fps = min(self.fps, _GIF_FPS)
        return _GifEncoder(self._temporary, self._size, fps, self.hold_seconds)

    def _close(self) -> None:
        self._is_open = False
        if self._encoder is not None:
            self._encoder.close()
        with contextlib.suppress(OSError):
            os.unlink(self._temporary)


def write_video(
    frames: Sequence[Path],
    path: PathLike,
    *,
    fps: float = FPS,
    hold_seconds: float = HOLD_SECONDS,
    on_frame: Callable[[int, int], None] = lambda *_: None,
) -> None:
    """Write a video of image files, as large as the first of them.

    Those of another aspect get black bars. Transparent ones are composited over white.
    Ctrl-C leaves a video of the frames until then. ``on_frame`` is called with the
    numbers of frames done and in total.

    Raises:
        UsageError: The path cannot be written.
        ArtistNstError: An image cannot be read, or the video not written.
    """
    with VideoWriter(path, fps, hold_seconds) as writer:
        for done, frame in enumerate(frames, start=1):
            writer.add(read_picture(frame).pixels)
            on_frame(done, len(frames))


class _GifEncoder:
    """GIF encoder that writes frames as they come; Pillow's own keeps them all."""

    def __init__(
        self, file: Path, size: tuple[int, int], fps: float, hold_seconds: float
    ) -> None:
        self._frame_length = 100 / fps  # hundredths of a second, GIF's unit
        self._hold = round(100 * hold_seconds)
        self._written = 0
        # The newest frame is kept back, since the last one stays longer.
        self._newest: Image.Image | None = None
        self._stream = open(file, "xb")  # noqa: SIM115 - closed in the end
        self._stream.write(b"GIF89a" + struct.pack("<HH", *size) + b"\x70\0\0")
        self._stream.write(_GIF_LOOP_FOREVER)

    def add(self, frame: Image.Image) -> None:
        previous, self._newest = self._newest, _quantize(frame)
        if previous is not None:
            self._write(previous, self._delay())

    def finish(self) -> None:
        if self._newest is not None:
            self._write(self._newest, max(self._delay(), self._hold))
        self._stream.write(b";")
        self._stream.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.close()

    def _delay(self) -> int:
        """Compute the next frame's length so that rounding does not add up."""
        start, end = self._written, self._written + 1
        return round(end * self._frame_length) - round(start * self._frame_length)

    def _write(self, image: Image.Image, delay: int) -> None:
        blocks = getdata(image, duration=10 * delay, include_color_table=True)
        self._stream.write(b"".join(blocks))  # at once: Ctrl-C leaves no half frame
        self._written += 1


def _quantize(image: Image.Image) -> Image.Image:
    """Reduce a frame to 256 colors of its own: a painting's colors change in time."""
    sample = image.copy()
    sample.thumbnail((_SAMPLE_SIDE, _SAMPLE_SIDE), Image.Resampling.NEAREST)
    # Half of the colors for the many pixels, where the other method is too coarse, and
    # half for the few: a red roof under a blue sky stays red.
    many = sample.quantize(128, Image.Quantize.MEDIANCUT, kmeans=1).getpalette()
    few = sample.quantize(128, Image.Quantize.MAXCOVERAGE).getpalette()
    palette = Image.new("P", (1, 1))
    palette.putpalette([*(many or ()), *(few or ())])
    return image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


class _FfmpegEncoder:
    """MP4 or WebM encoder: frames through a pipe to ffmpeg.

    Not imageio-ffmpeg's ``write_frames``, which sends ffmpeg's reason for a failure to
    the terminal, ignores its exit code, and cuts a frame in two at Ctrl-C.
    """

    def __init__(
        self,
        file: Path,
        suffix: str,
        size: tuple[int, int],
        fps: float,
        hold_seconds: float,
    ) -> None:
        from imageio_ffmpeg import get_ffmpeg_exe  # not needed for a GIF

        self._file = file
        # The chroma has half the resolution, so sides must be even.
        right, down = size[0] % 2, size[1] % 2
        self._padding = (0, down), (0, right), (0, 0)
        width, height = size[0] + right, size[1] + down
        repeats = max(1, round(hold_seconds * fps)) - 1
        options = [
            *_RAW_INPUT.split(),
            *f"-s {width}x{height} -r {fps} -i pipe:0 -an".split(),
            *("-vf", f"tpad=stop={repeats}:stop_mode=clone,{_TO_YUV}"),
            *_ENCODERS[suffix].split(),
        ]
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - closed in the end
        try:
            self._process = subprocess.Popen(
                [get_ffmpeg_exe(), *options, str(file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._messages,
                # A whole frame: what Ctrl-C interrupts is still in the buffer, and
                # goes before the next frame.
                bufsize=width * height * 3,
                start_new_session=True,  # the terminal's Ctrl-C must not reach ffmpeg
            )
        except (OSError, RuntimeError) as error:  # RuntimeError: there is no ffmpeg
            self._messages.close()
            raise OSError(
                f"ffmpeg can't be started ({format_error(error)}); write a .gif "
                "instead, or name a working ffmpeg in $IMAGEIO_FFMPEG_EXE"
            ) from error
        assert self._process.stdin is not None
        self._pipe = self._process.stdin

    def add(self, frame: Image.Image) -> None:
        levels = np.pad(np.asarray(frame), self._padding, mode="edge")
        try:
            self._pipe.write(levels.tobytes())
            self._pipe.flush()
        except BrokenPipeError as error:
            raise self._failure() from error

    def finish(self) -> None:
        try:
            self._pipe.close()
        except BrokenPipeError as error:
            raise self._failure() from error
        if self._process.wait() != 0 or not self._file.exists():
            raise self._failure()

    def close(self) -> None:
        self._process.kill()
        with contextlib.suppress(OSError):
            self._pipe.close()
        self._process.wait()
        self._messages.close()

    def _failure(self) -> OSError:
        """Make the error that says why ffmpeg ended: its first line has the cause."""
        code = self._process.wait()
        self._messages.seek(0)
        text = self._messages.read().decode(errors="replace")
        if os.strerror(errno.ENOSPC) in text:
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        lines = [re.sub(r"^(\[[^]]*\] *)+", "", line) for line in text.splitlines()]
        reason = next(filter(None, map(str.strip, lines)), f"exit code {code}")
        return OSError(f"ffmpeg failed ({reason}); write a .gif instead")
