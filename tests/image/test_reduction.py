"""Large pictures are reduced while they are read: the same colors, in little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import ExifTags, Image

from artist_nst.image.files import read_picture, resize
from artist_nst.image.reduction import choose_factor

HEIGHT, WIDTH = 1530, 2300


@pytest.fixture(scope="module")
def levels() -> NDArray[np.uint8]:
    """Waves of all lengths from four pixels on."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    waves = [np.sin(2 * np.pi * (4 * x + 200 * x**2 + part * y)) for part in range(3)]
    return np.rint(127.5 + 120 * np.stack(waves, 2)).astype(np.uint8)


def save(levels: NDArray[np.uint8], path: Path) -> None:
    image = Image.fromarray(levels)
    match path.stem:
        case "gray16":
            Image.fromarray(levels[..., 0].astype(np.uint16) * 257).save(path)
        case "float":
            tifffile.imwrite(path, (levels / 255).astype(np.float32), photometric="rgb")
        case "rgb16":
            tifffile.imwrite(path, levels.astype(np.uint16) * 257, photometric="rgb")
        case "palette":
            image.quantize(256).save(path)
        case "clear":
            image.putalpha(Image.fromarray(levels[..., 1]))
            image.save(path)
        case "sideways":
            exif = Image.Exif()
            exif[ExifTags.Base.Orientation] = 6
            image.save(path, exif=exif, quality=95)
        case _:
            image.save(path)


FILES = (
    *("plain.png", "plain.jpg", "plain.webp", "plain.tif", "gray16.png", "palette.png"),
    *("clear.png", "sideways.jpg", "sideways.png", "rgb16.tif", "float.tif"),
)


@pytest.mark.parametrize("name", FILES)
def test_the_picture_is_the_same(
    name: str, levels: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = tmp_path / name
    save(levels, path)
    whole, reduced = read_picture(path), read_picture(path, width=200)
    assert reduced.size == whole.size == whole.pixels.shape[:2]
    assert (reduced.size[0] > reduced.size[1]) == ("sideways" in name)
    assert reduced.sha256 == whole.sha256
    assert min(reduced.pixels.shape[:2]) >= 512 - 1
    assert reduced.pixels.size < whole.pixels.size / 3
    size = (300, 200) if "sideways" in name else (133, 200)
    seen = [resize(picture.pixels, *size) for picture in (whole, reduced)]
    assert np.abs(seen[0] - seen[1]).mean() < 0.01
    assert (whole.alpha is None) == (reduced.alpha is None) == (name != "clear.png")
    if whole.alpha is not None and reduced.alpha is not None:
        assert reduced.alpha.mean() == pytest.approx(whole.alpha.mean(), abs=0.005)


def test_what_is_not_reduced(levels: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    save(levels, path)
    whole = read_picture(path).pixels
    assert (read_picture(path, width=400).pixels == whole).all()
    assert choose_factor((10_000, 1000), 8) == 1  # a scroll may be enlarged
    assert choose_factor((9000, 9000), 1000) == 3
    assert choose_factor((9000, 9000), None) == 1


MEASURE = """
import sys, tifffile, imagecodecs
from pathlib import Path
from artist_nst.image.files import read_picture
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if "VmHWM" in line)
before = peak()
read_picture(sys.argv[1], width=192)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the peak")
@pytest.mark.parametrize(
    ("name", "bytes_per_pixel"), [("big.jpg", 1), ("big.png", 6), ("rgb16.tif", 14)]
)
def test_little_memory(name: str, bytes_per_pixel: float, tmp_path: Path) -> None:
    """Of 24 megapixels, which take 24 bytes a pixel as floats."""
    path = tmp_path / name
    save(np.zeros((4000, 6000, 3), np.uint8), path)
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(ran.stdout) < 24e6 * bytes_per_pixel + 40e6
