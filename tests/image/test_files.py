"""Pictures on disk: what is read, what is written, and what is refused."""

import errno
import io
import json
import logging
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageFile
from PIL.PngImagePlugin import PngInfo

from artist_nst._files import PICTURE_SUFFIXES, hash_file, is_picture_file
from artist_nst.errors import ArtistNstError
from artist_nst.image.files import (
    read_picture,
    read_record,
    resize,
    resize_long_side,
    write_picture,
)
from artist_nst.image.srgb import to_floats
from artist_nst.image.verify import verify_picture

PILLOW_13 = pytest.mark.skipif(
    int(PIL.__version__.split(".")[0]) < 13, reason="older Pillows may not read it"
)

RECORD = json.dumps({"style": "Vélazquez 漢 😀", "seed": 7}, ensure_ascii=False)
LONG_RECORD = json.dumps({"losses": "é" * 100 + "x" * 50_000}, ensure_ascii=False)


def gradient(height: int = 24, width: int = 32) -> NDArray[np.uint8]:
    """A smooth, asymmetric picture, kind to JPEG and to wrong orientations."""
    rows = np.linspace(0, 255, height)[:, None]
    columns = np.linspace(0, 255, width)[None]
    planes = [rows + 0 * columns, columns + 0 * rows, (rows + columns) / 2]
    return np.rint(np.stack(planes, axis=2)).astype(np.uint8)


def one_line(path: str | os.PathLike[str], call: Callable[[], object]) -> str:
    """The message of the error that the call raises, checked for its form."""
    with pytest.raises(ArtistNstError) as caught:
        call()
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert os.fspath(path) in message
    return message


def refused(path: Path, **options: Any) -> str:
    return one_line(path, lambda: read_picture(path, **options))


# ICC profiles, made by hand: Pillow makes no wide, gray or CMYK ones


def icc_profile(space: bytes, tags: dict[bytes, bytes], pcs: bytes = b"XYZ ") -> bytes:
    """A version 2 input profile with these tags."""
    offset = 128 + 4 + 12 * len(tags)
    table, body = b"", b""
    for signature, data in tags.items():
        table += signature + struct.pack(">II", offset + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", 0, b"    ", 0x02400000, b"scnr", space, pcs)
    header += struct.pack(">6H4s", 2000, 1, 1, 0, 0, 0, b"acsp") + b"\0" * 28
    header += struct.pack(">3i", 63190, 65536, 54061)
    content = header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(content)) + content[4:]


def xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in (x, y, z)))


def gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def common_tags() -> dict[bytes, bytes]:
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 78
    return {b"desc": text, b"wtpt": xyz(0.9642, 1.0, 0.8249)}


def rgb_profile(exponent: float = 2.2, *, swapped: bool = False) -> bytes:
    """sRGB's primaries (red and blue exchanged when swapped) with another gamma."""
    red, blue = xyz(0.4360, 0.2225, 0.0139), xyz(0.1431, 0.0606, 0.7141)
    if swapped:
        red, blue = blue, red
    green = xyz(0.3851, 0.7169, 0.0971)
    curve = gamma(exponent)
    primaries = {b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return icc_profile(b"RGB ", common_tags() | primaries | curves)


def gray_profile(exponent: float) -> bytes:
    return icc_profile(b"GRAY", common_tags() | {b"kTRC": gamma(exponent)})


def cmyk_profile(lightness: int) -> bytes:
    """Every ink mixture is the same neutral gray: unlike any conversion by rule."""
    head = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0))
    matrix = struct.pack(">9i", *(65536 * (k % 4 == 0) for k in range(9)))
    ramp = bytes(range(256))
    lut = head + matrix + ramp * 4 + bytes((lightness, 128, 128)) * 16 + ramp * 3
    return icc_profile(b"CMYK", common_tags() | {b"A2B0": lut}, pcs=b"Lab ")


def linear_to_srgb(value: NDArray[np.float64]) -> NDArray[np.float64]:
    curved = 1.055 * np.maximum(value, 1e-9) ** (1 / 2.4) - 0.055
    return np.where(value <= 0.0031308, 12.92 * value, curved)


# Modes


@pytest.mark.parametrize(
    ("mode", "suffix", "tolerance"),
    [
        ("1", ".png", 0.5),
        ("L", ".png", 0.002),
        ("LA", ".png", 0.002),
        ("P", ".png", 0.15),
        ("P", ".gif", 0.15),
        ("PA", ".tif", 0.15),
        ("RGB", ".png", 0.0),
        ("RGB", ".bmp", 0.0),
        ("RGB", ".ppm", 0.0),
        ("RGB", ".webp", 0.2),
        ("RGB", ".jp2", 0.1),
        ("RGBA", ".png", 0.0),
        ("RGBA", ".webp", 0.2),
        ("RGBX", ".tif", 0.0),
        ("CMYK", ".tif", 0.01),
        ("CMYK", ".jpg", 0.1),
        pytest.param("YCbCr", ".tif", 0.02, marks=PILLOW_13),
        ("YCbCr", ".jpg", 0.1),
        ("LAB", ".tif", 0.15),
        ("I;16", ".png", 0.0),
        ("I;16", ".tif", 0.0),
        ("I;16B", ".tif", 0.0),
        ("I", ".tif", 0.0),
        ("F", ".tif", 0.0),
    ],
)
def test_modes_from_files(
    tmp_path: Path, mode: str, suffix: str, tolerance: float
) -> None:
    path = tmp_path / f"picture{suffix}"
    source, expected = in_mode(mode)
    source.save(path)
    picture = read_picture(path)
    assert picture.pixels.shape == (24, 32, 3)
    assert picture.pixels.dtype == np.float64
    assert 0.0 <= picture.pixels.min() <= picture.pixels.max() <= 1.0
    assert picture.alpha is None
    assert picture.sha256 == hash_file(path)
    if mode == "1":
        assert set(np.unique(picture.pixels)) == {0.0, 1.0}
        assert picture.pixels.mean() == pytest.approx(expected.mean(), abs=0.05)
    else:
        np.testing.assert_allclose(picture.pixels, expected, atol=tolerance + 1e-9)


@pytest.mark.parametrize(
    "mode", ["La", "PA", "RGBa", "RGBX", "HSV", "I;16L", "I;16B", "I;16N"]
)
def test_modes_from_memory(mode: str) -> None:
    """Modes that few files or none decode to."""
    source, expected = in_mode(mode)
    pixels, alpha = to_floats(source, {}, "picture")
    assert alpha is None
    np.testing.assert_allclose(pixels, expected, atol=0.15 if mode == "PA" else 0.03)


def in_mode(mode: str) -> tuple[Image.Image, NDArray[np.float64]]:
    """The gradient in a mode, and the pixels that reading it should give."""
    colors = Image.fromarray(gradient())
    gray = np.asarray(colors.convert("L"))
    rgb, three = gradient() / 255.0, np.repeat(gray[..., None] / 255.0, 3, axis=2)
    match mode:
        case "La":
            return colors.convert("LA").convert("La"), three
        case "PA":
            image = colors.convert("P", palette=Image.Palette.ADAPTIVE)
            return image.convert("PA"), rgb
        case "RGBa":
            return colors.convert("RGBA").convert("RGBa"), rgb
        case "P":
            return colors.convert("P", palette=Image.Palette.ADAPTIVE), rgb
        case "LAB":
            profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
            lab = ImageCms.profileToProfile(colors, *profiles, outputMode="LAB")
            assert lab is not None
            return lab, rgb
        case "I;16" | "I;16L" | "I;16N" | "I;16B":
            order = ">u2" if mode == "I;16B" else "<u2"
            wide = (gray.astype(np.uint16) * 257).astype(order)
            return Image.frombytes(mode, colors.size, wide.tobytes()), three
        case "I":
            return Image.fromarray(gray.astype(np.int32) * 257), three
        case "F":
            return Image.fromarray(gray.astype(np.float32)), three
        case "1" | "L" | "LA":
            return colors.convert(mode), three
    return colors.convert(mode), rgb


def test_16_bit_gray_keeps_its_levels(tmp_path: Path) -> None:
    levels = np.arange(30_000, 30_512, dtype=np.uint16).reshape(16, 32)
    for name in ("gray.png", "gray.tif"):
        Image.fromarray(levels).save(tmp_path / name)
        pixels = read_picture(tmp_path / name).pixels
        np.testing.assert_array_equal(pixels[..., 1], levels / 65535.0)


def test_16_bit_gray_through_a_profile_keeps_its_levels(tmp_path: Path) -> None:
    levels = np.arange(30_000, 30_512, dtype=np.uint16).reshape(16, 32)
    path = tmp_path / "gray.tif"
    Image.fromarray(levels).save(path, icc_profile=gray_profile(1.0))
    pixels = read_picture(path).pixels[..., 0]
    assert len(np.unique(pixels)) == 512
    np.testing.assert_allclose(pixels, linear_to_srgb(levels / 65535.0), atol=0.004)


def test_tiff_levels_that_pillow_leaves_raw(tmp_path: Path) -> None:
    """16 bits with white as zero, and 12 bits in 3 bytes a pair."""
    path = tmp_path / "gray.tif"
    levels = np.array([[0, 1000], [40_000, 65_535]], dtype=np.uint16)
    tifffile.imwrite(path, levels, photometric="miniswhite")
    np.testing.assert_allclose(read_picture(path).pixels[..., 0], 1 - levels / 65535)
    entries = [(256, 3, 2), (257, 3, 1), (258, 3, 12), (259, 3, 1), (262, 3, 1)]
    entries += [(273, 4, 8), (277, 3, 1), (278, 3, 1), (279, 4, 3)]
    table = b"".join(struct.pack("<HHII", t, kind, 1, v) for t, kind, v in entries)
    packed = bytes((0x80, 0x0F, 0xFF, 0))  # 0x800, 0xFFF and a byte to align
    head = b"II*\0" + struct.pack("<I", 12) + packed
    path.write_bytes(head + struct.pack("<H", len(entries)) + table + b"\0" * 4)
    twelve = np.array([[0x800, 0xFFF]]) / 4095
    np.testing.assert_allclose(read_picture(path).pixels[..., 0], twelve)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.25, 1.0], [0.0, 0.25, 1.0]),
        ([-1.0, 51.0, 255.0], [0.0, 0.2, 1.0]),
        ([0.0, 510.0, 255.0], [0.0, 1.0, 1.0]),
    ],
)
def test_float_gray(tmp_path: Path, values: list[float], expected: list[float]) -> None:
    path = tmp_path / "gray.tif"
    Image.fromarray(np.array([values], dtype=np.float32)).save(path)
    np.testing.assert_allclose(read_picture(path).pixels[0, :, 2], expected)


def test_integer_gray_is_clipped(tmp_path: Path) -> None:
    path = tmp_path / "gray.tif"
    Image.fromarray(np.array([[-5, 65535, 70_000]], dtype=np.int32)).save(path)
    np.testing.assert_array_equal(read_picture(path).pixels[0, :, 0], [0.0, 1.0, 1.0])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_gray_is_refused(tmp_path: Path, bad: float) -> None:
    path = tmp_path / "gray.tif"
    Image.fromarray(np.array([[0.5, bad]], dtype=np.float32)).save(path)
    assert "not a number" in refused(path)


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_color(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "wide.tif"
    levels = np.full((5, 7, channels), 65535, dtype=np.uint16)
    levels[..., 1] = 32_896
    tifffile.imwrite(path, levels, photometric="rgb")
    pixels = read_picture(path).pixels
    np.testing.assert_allclose(pixels[0, 0], [1.0, 128 / 255, 1.0], atol=1 / 255)


@pytest.mark.parametrize("size", [(1, 1), (3, 20_000), (20_000, 3)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    height, width = size
    pixels = np.full((height, width, 3), 0.2)
    for suffix in PICTURE_SUFFIXES:
        path = tmp_path / f"odd{suffix}"
        if suffix == ".webp" and max(size) > 16_383:
            message = one_line(path, partial(write_picture, path, pixels))
            assert "16383" in message
            continue
        write_picture(path, pixels)
        np.testing.assert_allclose(read_picture(path).pixels, pixels, atol=0.005)


# Transparency


def test_alpha_is_read_and_laid_over_white(tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    levels = np.array([[[255, 0, 0, 0], [255, 0, 0, 51], [255, 0, 0, 255]]], np.uint8)
    Image.fromarray(levels).save(path)
    picture = read_picture(path)
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.alpha, [[0.0, 0.2, 1.0]])
    np.testing.assert_allclose(
        picture.pixels[0], np.array([[1, 1, 1], [1, 0.8, 0.8], [1, 0, 0]]), atol=1e-12
    )


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "I;16"])
def test_a_color_declared_transparent(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "keyed.png"
    source, _ = in_mode("L" if mode == "1" else mode)
    image = source.convert("1", dither=Image.Dither.NONE) if mode == "1" else source
    key = image.getpixel((0, 0))
    image.save(path, transparency=key)
    picture = read_picture(path)
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == 0.0
    assert picture.alpha[-1, -1] == 1.0
    np.testing.assert_array_equal(picture.pixels[0, 0], 1.0)


def test_palette_with_partial_transparency(tmp_path: Path) -> None:
    path = tmp_path / "palette.png"
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    image.save(path, transparency=bytes((0, 51, 255)))
    picture = read_picture(path)
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.alpha, [[0.0, 0.2, 1.0]])
    np.testing.assert_allclose(picture.pixels[0, 1], [0.8, 1.0, 0.8])


@pytest.mark.parametrize(
    ("channels", "photometric"),
    [pytest.param(1, "minisblack", marks=PILLOW_13), (3, "rgb")],
)
def test_premultiplied_tiff(tmp_path: Path, channels: int, photometric: Any) -> None:
    path = tmp_path / "premultiplied.tif"
    levels = np.full((5, 7, channels + 1), 51, dtype=np.uint8)  # of 255, times 0.2
    options = {"photometric": photometric, "planarconfig": "contig"}
    tifffile.imwrite(path, levels, extrasamples=["assocalpha"], **options)
    picture = read_picture(path)
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.alpha, 0.2)
    np.testing.assert_allclose(picture.pixels, 1.0)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_alpha_is_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clear{suffix}"
    pixels = gradient() / 255.0
    alpha = np.tile(np.linspace(0, 255, 32).round() / 255.0, (24, 1))
    write_picture(path, pixels, alpha=alpha)
    picture = read_picture(path)
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.alpha, alpha, atol=1e-9)
    expected = pixels * alpha[..., None] + 1 - alpha[..., None]
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-9)


def test_jpeg_lays_alpha_over_white(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "flat.jpg"
    with caplog.at_level(logging.INFO):
        write_picture(path, np.zeros((8, 8, 3)), alpha=np.full((8, 8), 0.4))
    assert "white" in caplog.text
    np.testing.assert_allclose(read_picture(path).pixels, 0.6, atol=0.01)


# Orientation, animation, profiles


ORIENTATIONS: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    # How the upright picture is stored for each value of the tag.
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_orientation(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"turned{suffix}"
    options = {"lossless": True} if suffix == ".webp" else {"quality": 95}
    for orientation, store in ORIENTATIONS.items():
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        stored = np.ascontiguousarray(store(gradient()))
        Image.fromarray(stored).save(path, exif=exif, **options)
        pixels = read_picture(path).pixels
        assert pixels.shape == (24, 32, 3), orientation
        np.testing.assert_allclose(pixels, gradient() / 255.0, atol=0.08)


def test_broken_exif_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    for exif in (b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0"):
        Image.fromarray(gradient()).save(path, exif=exif)
        assert read_picture(path).pixels.shape == (24, 32, 3)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_first_frame(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"film{suffix}"
    first = Image.new("RGB", (9, 7), (255, 0, 0))
    others = [Image.new("RGB", (9, 7), (0, 0, k)) for k in (100, 200)]
    first.save(path, save_all=True, append_images=others)
    with caplog.at_level(logging.INFO):
        picture = read_picture(path)
    assert picture.alpha is None
    np.testing.assert_allclose(picture.pixels[3, 3], [1.0, 0.0, 0.0], atol=0.02)
    assert "only the first is read" in caplog.text


def test_one_frame_is_not_remarked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "still.png"
    Image.fromarray(gradient()).save(path)
    with caplog.at_level(logging.INFO):
        read_picture(path)
    assert caplog.text == ""


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_rgb_profile_is_applied(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "swapped.png"
    image = Image.new("RGB", (4, 4), (255, 0, 0)).convert(mode)
    image.save(path, icc_profile=rgb_profile(swapped=True))
    np.testing.assert_allclose(read_picture(path).pixels[0, 0], [0, 0, 1], atol=0.03)


def test_profile_keeps_alpha(tmp_path: Path) -> None:
    path = tmp_path / "swapped.png"
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 51))
    image.save(path, icc_profile=rgb_profile(swapped=True))
    picture = read_picture(path)
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.alpha, 0.2)
    np.testing.assert_allclose(picture.pixels[0, 0], [0.8, 0.8, 1.0], atol=0.01)


@pytest.mark.parametrize(("mode", "gray"), [("RGB", False), ("L", True), ("L", False)])
def test_gamma_of_a_profile(tmp_path: Path, mode: str, gray: bool) -> None:
    """Linear light, as gray or color; also a color profile on a gray picture."""
    path = tmp_path / "linear.png"
    profile = gray_profile(1.0) if gray else rgb_profile(1.0)
    Image.new(mode, (4, 4), "#404040").save(path, icc_profile=profile)
    expected = linear_to_srgb(np.array(64 / 255))
    np.testing.assert_allclose(read_picture(path).pixels, expected, atol=0.01)


def test_cmyk_profile_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "inks.tif"
    image = Image.new("CMYK", (4, 4), (255, 0, 0, 0))
    image.save(path, icc_profile=cmyk_profile(128))
    pixels = read_picture(path).pixels
    assert np.ptp(pixels) < 0.02  # neutral, where a conversion by rule gives cyan
    assert 0.3 < pixels.mean() < 0.6


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("RGB", b"no profile at all"),
        ("RGB", rgb_profile()[:200]),
        ("RGB", gray_profile(1.0)),
        ("CMYK", rgb_profile(swapped=True)),
        ("I;16", b"no profile at all"),
    ],
)
def test_unfit_profile_is_ignored(
    tmp_path: Path, mode: str, profile: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "unfit.tif"
    source, expected = in_mode(mode)
    source.save(path, icc_profile=profile)
    pixels = read_picture(path).pixels
    np.testing.assert_allclose(pixels, expected, atol=0.01)
    assert "ICC profile is ignored" in caplog.text
    assert caplog.records[0].levelno == logging.WARNING


def test_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "same.png"
    levels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    write_picture(path, levels / 255.0)
    np.testing.assert_array_equal(read_picture(path).pixels, levels / 255.0)


# Refusals


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cut.png", {}),
        ("cut.jpg", {}),
        ("cut.jpg", {"progressive": True}),
        ("cut.gif", {}),
        ("cut.bmp", {}),
        ("cut.tif", {}),
        ("cut.tif", {"compression": "tiff_lzw"}),
        ("cut.webp", {}),
        ("cut.ppm", {}),
    ],
)
def test_truncated(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    options: dict[str, Any],
) -> None:
    path = tmp_path / name
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, **options)
    content = path.read_bytes()
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for part in (0.02, 0.5, 0.95):
        path.write_bytes(content[: int(len(content) * part)])
        assert "truncated" in refused(path)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.jpg", b"", "0 bytes"),
        ("note.jpg", b"Dear diary,\nno picture today.\n", "convert it to PNG"),
        ("drawing.svg", b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "SVG"),
        ("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 99, "HEIC"),
        ("phone.heif", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + b"\0" * 99, "HEIC"),
        ("one.png", b"\x89", "convert it to PNG"),
        ("head.png", b"\x89PNG\r\n\x1a\n", "it is "),
        ("zeros.jpg", b"\0" * 4096, "convert it to PNG"),
        ("eps.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PNG"),
    ],
)
def test_not_a_picture(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert said in refused(path)


def test_a_phones_heic() -> None:
    """Of ``gradient``, turned by its orientation; encoded by libheif's x265."""
    path = Path(__file__).parent / "data" / "phone.heic"
    picture = read_picture(path)
    expected = np.rot90(gradient(48, 64), -1) / 255
    assert picture.size == (64, 48)
    assert np.abs(picture.pixels - expected).mean() < 0.02
    assert verify_picture(path).suffix == ".heic"
    assert is_picture_file(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ppm", b"P6\n" + b"#\n" * 2_000_000 + b"8 8\n255\n" + bytes(192)),
        ("a.jpg", b"\xff\xd8" + b"\xff" * 3_000_000),
        ("b.jpg", b"\xff\xd8" + b"\xff\xfe\0\2" * 1_000_000),
        ("a.png", None),
    ],
)
def test_endless_small_parts(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is None:
        Image.new("RGB", (8, 8)).save(path)
        whole = path.read_bytes()
        empty = b"\0\0\0\0teSt" + struct.pack(">I", zlib.crc32(b"teSt"))
        content = whole[:33] + 500_000 * empty + whole[33:]
    path.write_bytes(content)
    assert "parts" in refused(path)
    with pytest.raises(ArtistNstError, match="parts"):
        verify_picture(path)


def test_no_file(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "missing.png")
    assert "folder" in refused(tmp_path)
    path = tmp_path / "plain"
    path.write_bytes(b"x")
    assert "no such file" in refused(path / "under.png")
    with pytest.raises(ArtistNstError, match="null"):
        read_picture("a\0b.png")
    with pytest.raises(ArtistNstError) as caught:
        read_picture(tmp_path / "two\nlines.png")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "pipe" in refused(tmp_path / "pipe.png")


def test_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(b"x")

    def deny(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/x")

    monkeypatch.setattr("builtins.open", deny)
    assert "permission denied" in refused(path)


@pytest.mark.parametrize("error", [MemoryError(), struct.error("a\nb"), KeyError(3)])
def test_any_decoder_error_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    path = tmp_path / "fine.png"
    Image.fromarray(gradient()).save(path)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    assert "cannot be read" in refused(path)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [15_000, 60_000])
def test_bomb(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side, side))
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        message = refused(path)
    assert "--max-pixels" in message
    assert f"{side}" in message or f"{side * side:,}" in message
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("suffix", [".png", ".gif", ".webp", ".tif", ".jpg"])
def test_limit_is_the_callers(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"small{suffix}"
    Image.new("RGB", (100, 10)).save(path)
    for limit in (999, 500, 499, 1):
        assert "--max-pixels" in refused(path, max_pixels=limit)
    assert read_picture(path, max_pixels=1000).pixels.shape == (10, 100, 3)


def test_limit_can_be_raised_above_pillows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.tif"
    Image.new("RGB", (100, 100)).save(path, compression="tiff_lzw")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_picture(path).pixels.shape == (100, 100, 3)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_threads_share_pillow(tmp_path: Path) -> None:
    path = tmp_path / "shared.png"
    Image.fromarray(gradient()).save(path)
    limit, outcomes = Image.MAX_IMAGE_PIXELS, []

    def read(max_pixels: int) -> None:
        try:
            read_picture(path, max_pixels=max_pixels)
            outcomes.append(max_pixels)
        except ArtistNstError:
            outcomes.append(0)

    sizes = [24 * 32, 10] * 10
    threads = [threading.Thread(target=read, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [0] * 10 + [768] * 10
    assert limit == Image.MAX_IMAGE_PIXELS


# Writing


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_levels_are_rounded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"round{suffix}"
    values = np.array([0.49, 0.51, 1.49, 1.51, 254.49, 254.9999, 127.51, -90, 900])
    write_picture(path, np.repeat(values[None, :, None] / 255.0, 3, axis=2))
    with Image.open(path) as image:
        levels = np.asarray(image)[0, :, 0]
    assert levels.tolist() == [0, 1, 1, 2, 254, 255, 128, 0, 255]


def test_tiff_holds_16_bits(tmp_path: Path) -> None:
    path = tmp_path / "fine.tif"
    rng = np.random.default_rng(0)
    pixels, alpha = rng.random((20, 30, 3)), rng.random((20, 30))
    write_picture(path, pixels, alpha=alpha)
    with tifffile.TiffFile(path) as tiff:
        stored = tiff.asarray()
        assert tiff.pages.first.extrasamples == (2,)  # unassociated
    assert stored.dtype == np.uint16
    np.testing.assert_allclose(stored[..., :3] / 65535.0, pixels, atol=0.51 / 65535)
    np.testing.assert_allclose(stored[..., 3] / 65535.0, alpha, atol=0.51 / 65535)


def test_jpeg_keeps_its_chroma(tmp_path: Path) -> None:
    path = tmp_path / "chroma.jpg"
    write_picture(path, gradient() / 255.0)
    with Image.open(path) as image:
        factors = [layer[1:3] for layer in image.layer]  # type: ignore[attr-defined]
    assert factors == [(1, 1)] * 3


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_files_carry_srgb_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"plain{suffix}"
    write_picture(path, gradient() / 255.0)
    with Image.open(path) as image:
        icc = image.info["icc_profile"]
        assert not {"exif", "xmp", "dpi"} & set(image.info)
        named = {315, 306, 305, 270, 37510} & set(image.getexif())
    assert not named
    profile = ImageCms.getOpenProfile(io.BytesIO(icc))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_same_picture_same_bytes(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    for path in (first, second):
        write_picture(path, gradient() / 255.0, record=RECORD)
    assert hash_file(first) == hash_file(second)


@pytest.mark.parametrize(
    ("pixels", "alpha"),
    [
        (np.full((2, 2, 3), np.nan), None),
        (np.full((2, 2, 3), np.inf), None),
        (np.zeros((2, 2, 3)), np.full((2, 2), np.nan)),
        (np.zeros((2, 2)), None),
        (np.zeros((2, 2, 4)), None),
        (np.zeros((0, 2, 3)), None),
        (np.zeros((2, 2, 3)), np.ones((2, 3))),
    ],
)
def test_values_that_are_no_picture(
    tmp_path: Path, pixels: NDArray[np.float64], alpha: NDArray[np.float64] | None
) -> None:
    with pytest.raises(ValueError, match=r"pixels|alpha|dimensions"):
        write_picture(tmp_path / "bad.png", pixels, alpha=alpha)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_record_round_trip(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"signed{suffix}"
    for record in (RECORD, LONG_RECORD, '{"plain": 1}', "{}"):
        for alpha in (None, np.full((24, 32), 0.5)):
            write_picture(path, gradient() / 255.0, alpha=alpha, record=record)
            assert read_record(path) == record
            assert read_picture(path).pixels.shape == (24, 32, 3)


def test_record_too_long_for_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "signed.jpg"
    pixels = gradient() / 255.0
    write_picture(path, pixels, record="x" * 60_000)
    before = path.read_bytes()
    message = one_line(path, lambda: write_picture(path, pixels, record="x" * 65_000))
    assert "65,000" in message
    assert path.read_bytes() == before
    write_picture(tmp_path / "signed.png", pixels, record="x" * 1_500_000)
    assert len(read_record(tmp_path / "signed.png")) == 1_500_000


def test_no_record(tmp_path: Path) -> None:
    image = Image.fromarray(gradient())
    exif, text = Image.Exif(), PngInfo()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"ASCII\0\0\0{}"
    text.add_text("parameters", "{}")
    image.save(tmp_path / "other.jpg", exif=exif)
    image.save(tmp_path / "other.png", pnginfo=text)
    image.save(tmp_path / "other.gif")
    tifffile.imwrite(tmp_path / "other.tif", gradient(), metadata={"a": 1})
    (tmp_path / "note.txt").write_text("nothing")
    for suffix in PICTURE_SUFFIXES:
        write_picture(tmp_path / f"bare{suffix}", gradient() / 255.0)
    for path in sorted(tmp_path.iterdir()):
        message = one_line(path, partial(read_record, path))
        assert "holds no artist-nst record" in message
    gone = tmp_path / "gone.png"
    assert "no such file" in one_line(gone, lambda: read_record(gone))


def test_record_survives_no_re_saving(tmp_path: Path) -> None:
    path = tmp_path / "signed.png"
    write_picture(path, gradient() / 255.0, record=RECORD)
    with Image.open(path) as image:
        image.load()
    image.save(path)
    assert "re-saved" in one_line(path, lambda: read_record(path))


# Failures to write


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / f"kept{suffix}"
    path.write_bytes(b"the old picture")
    encoder = (
        "tifffile.imwrite" if suffix in (".tif", ".tiff") else "PIL.Image.Image.save"
    )
    for place in ("os.fsync", encoder):
        with monkeypatch.context() as patched:
            patched.setattr(place, full_disk)
            message = one_line(path, lambda: write_picture(path, gradient() / 255.0))
        assert "no space left" in message
        assert path.read_bytes() == b"the old picture"
        assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_write_failures_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for name, said in [
        ("no/such/out.png", "its folder does not exist"),
        ("folder.png", "folder"),
        ("out.gif", ".png"),
    ]:
        path = tmp_path / name
        assert said in one_line(path, partial(write_picture, path, gradient() / 255.0))
    assert [one.name for one in tmp_path.iterdir()] == ["folder.png"]


# Resizing and the rest


def test_resize_shapes_and_identity() -> None:
    pixels = gradient() / 255.0
    same = resize(pixels, 24, 32)
    assert same is not pixels
    np.testing.assert_array_equal(same, pixels)
    assert resize(pixels, 10, 40).shape == (10, 40, 3)
    assert resize(pixels[..., 0], 50, 7).shape == (50, 7)
    assert resize(pixels, 10, 40).dtype == np.float64


def test_resize_of_a_constant() -> None:
    for height, width in ((3, 5), (1, 1), (200, 300)):
        resized = resize(np.full((50, 70, 3), 0.3), height, width)
        np.testing.assert_allclose(resized, 0.3, atol=1e-6)


def test_resize_smooths_before_it_samples() -> None:
    stripes = np.tile([0.0, 1.0], (64, 32))
    inner = resize(stripes, 16, 16)[:, 2:-2]
    np.testing.assert_allclose(inner, 0.5, atol=0.03)


def test_resize_keeps_a_ramp_and_its_range() -> None:
    pixels = gradient(100, 100) / 255.0
    small = resize(pixels, 50, 50)
    np.testing.assert_allclose(
        small[5:-5, 5:-5],
        pixels.reshape(50, 2, 50, 2, 3).mean(axis=(1, 3))[5:-5, 5:-5],
        atol=0.01,
    )
    edge = np.zeros((20, 20))
    edge[:, 10:] = 1.0
    large = resize(edge, 90, 90)
    assert large.min() == 0.0
    assert large.max() == 1.0


def test_resize_long_side() -> None:
    pixels = gradient(20, 50) / 255.0
    assert resize_long_side(pixels, 25).shape == (10, 25, 3)
    assert resize_long_side(pixels, 100).shape == (40, 100, 3)
    assert resize_long_side(pixels.swapaxes(0, 1), 25).shape == (25, 10, 3)
    assert resize_long_side(pixels, 25, minimum=16).shape == (16, 25, 3)
    assert resize_long_side(pixels[:1], 25).shape == (1, 25, 3)


@pytest.mark.parametrize("kind", ["rgb16", "gray2", "gray4"])
def test_a_png_with_a_transparent_color(tmp_path: Path, kind: str) -> None:
    """One that Pillow decodes to other levels than the color is written in."""
    header, row, clear = {
        "rgb16": ((2, 1, 16, 2), b"\xab\xcd" * 3 + b"\x11\x22" * 3, b"\xab\xcd" * 3),
        "gray2": ((2, 1, 2, 0), b"\x90", b"\0\x02"),  # levels 2 and 1
        "gray4": ((2, 1, 4, 0), b"\x95", b"\0\x09"),
    }[kind]

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    path = tmp_path / "a.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", *header, 0, 0, 0))
        + chunk(b"tRNS", clear)
        + chunk(b"IDAT", zlib.compress(b"\0" + row))
        + chunk(b"IEND", b"")
    )
    alpha = read_picture(path).alpha
    assert alpha is not None
    assert alpha.tolist() == [[0, 1]]


def test_a_png_with_much_text(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("note", "x" * 2_000_000, zip=True)
    path = tmp_path / "a.png"
    Image.new("RGB", (20, 10)).save(path, pnginfo=info)
    assert read_picture(path).pixels.shape == (10, 20, 3)
    assert verify_picture(path).width == 20
