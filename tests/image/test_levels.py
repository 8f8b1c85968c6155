"""Pictures as 8-bit levels: read small, and written as they are."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artist_nst.errors import ArtistNstError, TooLargeError
from artist_nst.image import decoder
from artist_nst.image.files import (
    read_picture,
    read_scaled,
    read_small,
    write_picture,
)


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        (".jpg", "RGB"),
        (".jpg", "L"),
        (".jpg", "CMYK"),
        (".png", "1"),
        (".png", "P"),
        (".png", "LA"),
        (".png", "RGBA"),
        (".png", "I;16"),
        (".tif", "F"),
        (".gif", "P"),
        (".webp", "RGBA"),
    ],
)
def test_small_is_the_same_picture(tmp_path: Path, suffix: str, mode: str) -> None:
    """As read in full and reduced afterwards, up to the filters' difference."""
    ramp = np.linspace(0, 255, 640).astype(np.uint8)
    levels = np.broadcast_to(ramp[:, None], (640, 480))
    image = Image.fromarray(np.stack([levels, levels[::-1], levels // 2], axis=2))
    if mode == "F":
        image = Image.fromarray(levels.astype(np.float32) / 255)
    elif mode == "I;16":
        image = Image.fromarray(levels.astype(np.uint16) * 257)
    elif mode in ("LA", "RGBA"):
        image = image.convert(mode)
        image.putalpha(Image.fromarray(np.ascontiguousarray(levels)))
    else:
        image = image.convert(mode)
    path = tmp_path / f"picture{suffix}"
    image.save(path)
    small = read_small(path, 64)
    assert small.shape == (64, 48, 3)
    assert small.dtype == np.uint8
    full = read_picture(path).pixels
    blocks = full.reshape(64, 10, 48, 10, 3).mean((1, 3)) * 255
    assert np.abs(blocks - small).mean() < (6 if mode in ("1", "P") else 3)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_all_readers_refuse_what_one_refuses(tmp_path: Path, format: str) -> None:
    """Also where the decoder fails while the orientation is looked for."""
    content = io.BytesIO()
    picture = Image.effect_noise((48, 48), 80).convert("RGB")
    picture.save(content, format, progressive=True)
    path, data = tmp_path / "broken", content.getvalue()
    accepted = set()
    for start in range(40, len(data) - 2, 67):
        path.write_bytes(data[:start] + b"\xff\x39" + data[start + 2 :])
        accepted.add((_reads(read_small, path, 64), _reads(read_small, path, 16)))
        accepted.add((_reads(read_picture, path), _reads(read_picture, path, width=4)))
    assert accepted <= {(False, False), (True, True)}
    assert (False, False) in accepted


def _reads(read: Callable[..., object], path: Path, *more: int, **named: int) -> bool:
    try:
        read(path, *more, **named)
    except ArtistNstError:
        return False
    return True


def test_small_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for suffix in (".jpg", ".png", ".tif", ".webp"):
        path = tmp_path / f"turned{suffix}"
        Image.new("RGB", (400, 200), (220, 40, 40)).save(path, exif=exif)
        assert read_small(path, 100).shape == (100, 50, 3), suffix


def test_small_pictures_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "tiny.png"
    levels = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    Image.fromarray(levels).save(path)
    np.testing.assert_array_equal(read_small(path, 4), levels)
    Image.new("RGB", (1000, 1)).save(path)
    assert read_small(path, 10).shape == (1, 10, 3)


def test_small_has_limits(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.new("RGB", (200, 100)).save(path)
    with pytest.raises(TooLargeError, match="--max-pixels"):
        read_small(path, 10, max_pixels=19_999)
    bomb = tmp_path / "bomb.png"
    Image.new("1", (9_000, 9_000)).save(bomb)
    with pytest.raises(TooLargeError, match="PNG is read up to"):
        read_small(bomb, 10)


def test_scaled_has_other_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.png"
    ramp = np.linspace(0, 255, 200).astype(np.uint8)
    Image.fromarray(np.broadcast_to(ramp, (100, 200)).copy()).save(path)
    small = read_scaled(path, 20)
    np.testing.assert_array_equal(small, read_small(path, 20) / 255)
    monkeypatch.setattr(decoder, "FULL_PIXELS", 19_999)
    scaled = read_scaled(path, 20)
    assert scaled.shape == (10, 20, 3)
    np.testing.assert_allclose(scaled, small, atol=0.02)
    with pytest.raises(TooLargeError, match="--max-pixels"):
        read_scaled(path, 20, max_pixels=19_999)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_levels_are_written_as_they_are(tmp_path: Path, suffix: str) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    path = tmp_path / f"levels{suffix}"
    write_picture(path, levels, record='{"a": 1}')
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), levels)
        assert image.info.get("icc_profile")
    np.testing.assert_array_equal(read_picture(path).pixels, levels / 255)


def test_levels_with_alpha_and_of_a_wrong_shape(tmp_path: Path) -> None:
    levels = np.full((4, 5, 3), 128, np.uint8)
    write_picture(tmp_path / "alpha.png", levels, alpha=np.ones((4, 5)))
    with Image.open(tmp_path / "alpha.png") as image:
        assert image.getpixel((0, 0)) == (128, 128, 128, 255)
    for wrong in (levels[..., 0], levels[..., :2], levels[:0]):
        with pytest.raises(ValueError, match="height, width, 3"):
            write_picture(tmp_path / "wrong.png", wrong)
    write_picture(tmp_path / "levels.jpg", levels)
    assert abs(read_picture(tmp_path / "levels.jpg").pixels * 255 - 128).max() < 2
