"""Read what a picture's header says, without decoding its pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from artist_nst._files import format_path, open_file
from artist_nst._types import PathLike
from artist_nst.image.decoder import (
    configure_pillow,
    has_sideways_orientation,
    open_image,
    too_large_error,
    translate_errors,
)


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """A picture's size, and the hash of its file.

    Attributes:
        sha256: Of the file's bytes, in hexadecimal.
        width, height: In pixels, upright.
    """

    sha256: str
    width: int
    height: int


def read_header(path: PathLike, *, max_pixels: int) -> PictureHeader:
    """Read a picture's header, and hash its file; the pixels may still be damaged.

    Raises:
        TooLargeError: It has more than ``max_pixels``.
        ArtistNstError: The file cannot be read, or is no picture.
    """
    name = format_path(path)
    with open_file(path) as stream, translate_errors(name, stream, max_pixels):
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        if stream.read(2) in (b"II", b"MM"):
            # Late, with numpy: other pictures need neither.
            from artist_nst.image.tiff import read_tiff_size

            if size := read_tiff_size(stream, name, max_pixels):
                return PictureHeader(sha256, size[1], size[0])
        stream.seek(0)
        with configure_pillow(name, max_pixels):
            image = open_image(stream, name)
            width, height = image.size
            if width * height > max_pixels:
                text = f"{width} × {height} pixels"
                raise too_large_error(name, text, max_pixels)
            # Pillow turns TIFF when it opens it, and decodes a PNG without EXIF data
            # before its pixels to look for some behind.
            is_plain = image.format == "PNG" and "exif" not in image.info
            if (
                not is_plain
                and image.format != "TIFF"
                and has_sideways_orientation(image)
            ):
                width, height = height, width
    return PictureHeader(sha256, width, height)
