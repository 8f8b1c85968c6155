"""TIFFs that Pillow reads wrongly or not at all: read, previewed and verified alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from artist_nst.errors import ArtistNstError, TooLargeError
from artist_nst.image.files import read_picture, read_small
from artist_nst.image.verify import verify_picture

HEIGHT, WIDTH = 40, 60


def gradient(channels: int) -> np.ndarray:
    """Make ``(H, W, channels)`` in [0, 1], other in each channel and corner."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / (HEIGHT, WIDTH)[0]
    planes = [y, x / 2, 1 - y, (x + y) / 4][:channels]
    return np.clip(np.stack(planes, axis=2), 0, 1)


def write(path: Path, array: np.ndarray, **options: Any) -> Path:
    tifffile.imwrite(path, array, **options)
    return path


def check(path: Path, expected: np.ndarray, within: float = 0.01) -> None:
    """Check all three readers."""
    pixels = read_picture(path).pixels
    assert pixels.shape == (*expected.shape[:2], 3)
    assert np.abs(pixels - expected).max() < within
    small = read_small(path, 30) / 255
    assert max(small.shape[:2]) == 30
    assert abs(small.mean() - expected.mean()) < within + 0.01
    found = verify_picture(path)
    assert (found.height, found.width) == expected.shape[:2]
    assert found.suffix == ".tif"


@pytest.mark.parametrize(
    ("kind", "scale"),
    [
        ("uint16", 65535),
        ("uint32", 2**32 - 1),
        ("int16", 32767),
        ("float16", 1),
        ("float32", 1),
        ("float64", 1),
        ("float32", 255),
        ("float32", 65535),
    ],
)
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
def test_rgb_of_every_type(
    tmp_path: Path, kind: str, scale: int, planar: str, compression: str | None
) -> None:
    colors = gradient(3)
    array = (colors * scale).astype(kind)
    if planar == "separate":
        array = np.ascontiguousarray(np.moveaxis(array, 2, 0))
    options: dict[str, Any] = {"compression": compression, "planarconfig": planar}
    path = write(tmp_path / "a.tif", array, photometric="rgb", **options)
    check(path, colors)


def test_overshoots_do_not_darken(tmp_path: Path) -> None:
    gray = gradient(1)[..., 0].astype(np.float32)
    gray[3, 4] = 1.02
    path = write(tmp_path / "a.tif", gray, photometric="minisblack")
    check(path, np.repeat(np.clip(gray, 0, 1)[..., None], 3, axis=2))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright(tmp_path: Path, orientation: int) -> None:
    colors = gradient(3)
    array = (colors * 65535).astype(np.uint16)
    tag = (274, "H", 1, orientation, True)
    path = write(tmp_path / "a.tif", array, photometric="rgb", extratags=[tag])
    # As Pillow turns 8 bits.
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(np.rint(colors * 255).astype(np.uint8)).save(
        tmp_path / "b.png", exif=exif
    )
    check(path, read_picture(tmp_path / "b.png").pixels)


def test_alpha_of_every_kind(tmp_path: Path) -> None:
    colors, alpha = gradient(3), np.full((HEIGHT, WIDTH, 1), 0.5)
    over_white = colors / 2 + 0.5
    straight = np.concatenate([colors, alpha], axis=2)
    premultiplied = np.concatenate([colors / 2, alpha], axis=2)
    for array, extra in ((straight, "unassalpha"), (premultiplied, "assocalpha")):
        samples = (array * 65535).astype(np.uint16)
        options = {"photometric": "rgb", "extrasamples": [extra]}
        path = write(tmp_path / "a.tif", samples, **options)
        check(path, over_white)
        found = read_picture(path).alpha
        assert found is not None
        assert np.abs(found - 0.5).max() < 0.001
    gray = (np.concatenate([colors[..., :1], alpha], axis=2) * 65535).astype(np.uint16)
    options = {"photometric": "minisblack", "extrasamples": ["unassalpha"]}
    path = write(tmp_path / "a.tif", gray, planarconfig="contig", **options)
    check(path, np.repeat(over_white[..., :1], 3, axis=2))


def test_cmyk_with_alpha(tmp_path: Path) -> None:
    ink = (gradient(4) * 255).astype(np.uint8)
    opaque = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    options = {"photometric": "separated", "extrasamples": ["unassalpha"]}
    path = write(tmp_path / "a.tif", np.concatenate([ink, opaque], axis=2), **options)
    plain = np.asarray(Image.fromarray(ink, "CMYK").convert("RGB")) / 255
    check(path, plain)


def test_the_largest_image_is_read_and_a_raw_one_is_named(tmp_path: Path) -> None:
    colors = gradient(3)
    levels = np.rint(colors * 255).astype(np.uint8)
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(levels[::4, ::4], photometric="rgb", subfiletype=1)
        file.write(levels, photometric="rgb")
    check(path, colors)
    with tifffile.TiffWriter(path) as file:
        file.write(levels[::4, ::4], photometric="rgb", subfiletype=1)
        file.write((colors[..., 0] * 4095).astype(np.uint16), photometric="cfa")
    for read in (read_picture, verify_picture, lambda file: read_small(file, 30)):
        with pytest.raises(ArtistNstError, match="camera's raw picture"):
            read(path)


def test_limits_and_damage(tmp_path: Path) -> None:
    array = (gradient(3) * 65535).astype(np.uint16)
    path = write(tmp_path / "a.tif", array, photometric="rgb", compression="zlib")
    with pytest.raises(TooLargeError, match="60 × 40"):
        read_picture(path, max_pixels=2_399)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    for read in (read_picture, verify_picture, lambda file: read_small(file, 30)):
        with pytest.raises(ArtistNstError, match="damaged"):
            read(path)


def test_a_tile_that_is_larger_than_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    data = np.zeros((64, 64, 3), np.uint8)
    tifffile.imwrite(path, data, tile=(16384, 16384), compression="zlib")
    with pytest.raises(ArtistNstError, match="tiles are larger"):
        read_picture(path)
