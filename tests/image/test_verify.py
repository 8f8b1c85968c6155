"""Only whole pictures are taken, of the formats that a corpus holds."""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from artist_nst._files import READABLE_SUFFIXES, is_picture_file
from artist_nst.errors import ArtistNstError, TooLargeError
from artist_nst.image import decoder, verify
from artist_nst.image.files import read_picture
from artist_nst.image.verify import Verified, verify_picture

FORMATS = {
    "JPEG": (".jpg", {}),
    "progressive JPEG": (".jpg", {"progressive": True}),
    "JPEG 4:4:4": (".jpg", {"subsampling": 0}),
    "PNG": (".png", {}),
    "WEBP": (".webp", {}),
    "lossless WEBP": (".webp", {"lossless": True}),
    "GIF": (".gif", {}),
    "TIFF": (".tif", {}),
    "deflated TIFF": (".tif", {"compression": "tiff_deflate"}),
    "BMP": (".bmp", {}),
}
JPEGS = [name for name in FORMATS if "JPEG" in name]


def picture(height: int = 96, width: int = 128) -> Image.Image:
    """Smooth, but with something in every part of its file."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def encoded(name: str, image: Image.Image | None = None, **more: Any) -> bytes:
    options: dict[str, Any] = FORMATS[name][1] | more  # type: ignore[operator]
    format = next(word for word in name.split() if word.isupper() and ":" not in word)
    buffer = io.BytesIO()
    (image or picture()).save(buffer, format, **options)
    return buffer.getvalue()


def put(folder: Path, content: bytes, name: str = "part") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(ArtistNstError) as caught:
        verify_picture(path, **options)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert os.fspath(path) in message
    return message


@pytest.mark.parametrize("name", FORMATS)
def test_size_and_format_whatever_the_name(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, encoded(name), "picture.txt")
    suffix = FORMATS[name][0]
    assert verify_picture(path) == Verified(128, 96, suffix)
    assert suffix in READABLE_SUFFIXES
    assert read_picture(path).pixels.shape == (96, 128, 3)


@pytest.mark.parametrize("name", sorted({*FORMATS} - {"GIF", "BMP"}))
def test_size_is_upright(tmp_path: Path, name: str) -> None:
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = put(tmp_path, encoded(name, exif=exif))
        image = verify_picture(path)
        assert read_picture(path).pixels.shape == (image.height, image.width, 3)
        assert (image.width < image.height) == (orientation > 4)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_modes(tmp_path: Path, mode: str) -> None:
    name = "JPEG" if mode == "CMYK" else "PNG"
    image = picture().convert("L" if mode == "I;16" else mode)
    path = put(tmp_path, encoded(name, image.convert(mode)))
    assert verify_picture(path) == Verified(128, 96, FORMATS[name][0])


@pytest.mark.parametrize("name", FORMATS)
def test_small_pictures(tmp_path: Path, name: str) -> None:
    for width, height in ((1, 1), (1, 40), (7, 5), (8, 8), (9, 17)):
        path = put(tmp_path, encoded(name, picture(height, width)))
        assert verify_picture(path) == Verified(width, height, FORMATS[name][0])


def test_an_animation_and_a_phones_two_pictures(tmp_path: Path) -> None:
    frames = {"save_all": True, "append_images": [picture().rotate(90)]}
    assert verify_picture(put(tmp_path, encoded("GIF", **frames))).suffix == ".gif"
    assert verify_picture(put(tmp_path, encoded("PNG", **frames))).suffix == ".png"
    assert verify_picture(put(tmp_path, encoded("WEBP", **frames))).suffix == ".webp"
    buffer = io.BytesIO()
    picture().save(buffer, "MPO", **frames)
    path = put(tmp_path, buffer.getvalue())
    assert verify_picture(path) == Verified(128, 96, ".jpg")


# Truncated and damaged


@pytest.mark.parametrize("name", FORMATS)
def test_cut_anywhere(tmp_path: Path, name: str) -> None:
    content = encoded(name)
    # The last bytes of some hold nothing of the picture.
    last = len(content) - {"PNG": 5, "GIF": 5}.get(name, 3 if name in JPEGS else 1)
    for end in (*range(1, last, max(1, last // 60)), last):
        message = refused(put(tmp_path, content[:end]))
        assert "truncated or damaged" in message, end


@pytest.mark.parametrize("name", [*JPEGS, "PNG", "GIF", "deflated TIFF"])
def test_cut_and_filled_up_with_zeros(tmp_path: Path, name: str) -> None:
    """As a download leaves it that set the file's size first."""
    content = encoded(name)
    for percent in (10, 60, 99):
        end = len(content) * percent // 100
        path = put(tmp_path, content[:end].ljust(len(content), b"\0"))
        assert "truncated or damaged" in refused(path)


@pytest.mark.parametrize("name", JPEGS)
def test_damage_within_a_jpeg_that_only_warns(tmp_path: Path, name: str) -> None:
    content = encoded(name)
    for share in (3, 5, 8):
        half = content[: len(content) * share // 10] + b"\xff\xd9"
        assert "truncated or damaged" in refused(put(tmp_path, half))
    # But for its end, it is whole.
    assert verify_picture(put(tmp_path, content[:-2])) == Verified(128, 96, ".jpg")
    # What cameras and editors add between and behind.
    assert verify_picture(put(tmp_path, content + b"more" * 9)).width == 128


def test_a_jpeg_of_very_many_scans(tmp_path: Path) -> None:
    content = encoded("progressive JPEG")
    start = content.index(b"\xff\xda")
    many = content[:start] + content[start:-2] * 300 + b"\xff\xd9"
    path = put(tmp_path, many)
    assert "scans" in refused(path)
    with pytest.raises(ArtistNstError, match="scans"):
        read_picture(path)


def test_a_ppm_of_very_many_digits(tmp_path: Path) -> None:
    path = put(tmp_path, b"P3 2000 1001 255 ")
    assert "save it as PNG" in refused(path)
    with pytest.raises(
        ArtistNstError, match="2000 × 1001 pixels are written in digits"
    ):
        read_picture(path)
    assert verify_picture(put(tmp_path, b"P3 2 1 255 0 9 9 8 8 7 ")).width == 2


@pytest.mark.parametrize("name", JPEGS)
def test_damage_inside_is_told_when_it_is_read(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    content = encoded(name)
    assert read_picture(put(tmp_path, content)).pixels.shape == (96, 128, 3)
    assert not caplog.messages
    half = content[: len(content) * 2 // 3] + b"\xff\xd9"
    assert read_picture(put(tmp_path, half)).pixels.shape == (96, 128, 3)
    (message,) = caplog.messages
    assert "seems damaged" in message


@pytest.mark.parametrize("name", JPEGS)
def test_a_previews_end_is_not_the_pictures(tmp_path: Path, name: str) -> None:
    preview = encoded("JPEG", picture(24, 32))
    comment = {"comment": preview}
    path = put(tmp_path, encoded(name, **comment))
    assert verify_picture(path).width == 128
    content = path.read_bytes()
    assert content.count(b"\xff\xd9") == 2
    # Zeros enough that the decoder is content.
    cut = put(tmp_path, content[:-40] + bytes(100_000))
    assert "truncated or damaged" in refused(cut)


def test_what_follows_the_end_is_no_matter(tmp_path: Path) -> None:
    path = put(tmp_path, encoded("JPEG") + b"trailer\xff\xda\0\x02")
    assert verify_picture(path).suffix == ".jpg"


def test_png_with_one_bit_wrong(tmp_path: Path) -> None:
    content = bytearray(encoded("PNG"))
    crc = content.rindex(b"IEND") - 8
    content[crc] ^= 1
    assert "checksum" in refused(put(tmp_path, bytes(content)))
    content[crc] ^= 1
    content[content.index(b"IDAT") + 400] ^= 1
    assert "truncated or damaged" in refused(put(tmp_path, bytes(content)))


@pytest.mark.parametrize("name", FORMATS)
def test_a_lenient_pillow_is_strict_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    content = encoded(name)
    refused(put(tmp_path, content[: len(content) * 6 // 10]))
    assert ImageFile.LOAD_TRUNCATED_IMAGES


# Other things than pictures


@pytest.mark.parametrize(
    "content",
    [
        b"no picture",
        b"<!DOCTYPE html><html><body>Just a moment...</body></html>",
        b'{"error": 404}',
        b"\xff\xd8\xff",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        b"%PDF-1.7",
        b"\0" * 5000,
    ],
)
def test_no_picture(tmp_path: Path, content: bytes) -> None:
    refused(put(tmp_path, content, "picture.jpg"))


def test_no_file(tmp_path: Path) -> None:
    assert "empty" in refused(put(tmp_path, b"", "empty.jpg"))
    assert "folder" in refused(tmp_path)
    assert "no such file" in refused(tmp_path / "nothing.jpg")


@pytest.mark.parametrize("format", ["PPM", "JPEG2000", "AVIF"])
def test_formats_that_few_programs_write(tmp_path: Path, format: str) -> None:
    Image.init()
    if format not in Image.SAVE:
        pytest.skip(f"Pillow was built without {format}")
    buffer = io.BytesIO()
    picture().save(buffer, format)
    path = put(tmp_path, buffer.getvalue())
    image = verify_picture(path)
    assert image.suffix in READABLE_SUFFIXES
    assert is_picture_file(path) or format == "PPM"  # "P6" may begin a text
    assert "damaged" in refused(put(tmp_path, buffer.getvalue()[:-200]))


# Too large


@pytest.mark.parametrize("name", FORMATS)
def test_limit(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, encoded(name))
    assert verify_picture(path, max_pixels=128 * 96).width == 128
    with pytest.raises(TooLargeError, match="raise the limit with --max-pixels"):
        verify_picture(path, max_pixels=128 * 96 - 1)


def test_a_bomb(tmp_path: Path) -> None:
    """400 megapixels in 50 KB."""
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(path)
    for limit in (1, 10**9):
        with pytest.raises(TooLargeError) as caught:
            verify_picture(path, max_pixels=limit)
        assert str(path) in str(caught.value)
        assert "20000 × 20000" in str(caught.value)
        assert "PNG is read up to" in str(caught.value)
        assert "--max-pixels" not in str(caught.value)


def test_webp_and_jpeg_have_other_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WebP's decoder takes 16 bytes a pixel: 1 GB at 64 megapixels."""
    monkeypatch.setattr(decoder, "WEBP_PIXELS", 128 * 96 - 1)
    path = put(tmp_path, encoded("WEBP"))
    with pytest.raises(TooLargeError, match=r"128 × 96 pixels.* WEBP .*12,287"):
        verify_picture(path)
    monkeypatch.setattr(decoder, "FULL_PIXELS", 128 * 96 - 1)
    assert verify_picture(put(tmp_path, encoded("JPEG"))).suffix == ".jpg"


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_little_memory(tmp_path: Path, progressive: bool) -> None:
    """40 megapixels in full are 120 MB, and in coefficients 240 MB."""
    path = tmp_path / "large.jpg"
    image = picture(5_000, 8_000)
    image.save(path, subsampling=0, progressive=progressive)
    code = (
        # Not getrusage's figure, which counts the parent's memory too.
        "from artist_nst.image.verify import verify_picture\n"
        f"found = verify_picture({str(path)!r})\n"
        "assert (found.width, found.height) == (8000, 5000)\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert int(done.stdout) < (320_000 if progressive else 100_000)  # kB


def test_imports_little() -> None:
    heavy = ("torch", "numpy", "scipy", "skimage", "tifffile", "requests")
    code = (
        "import sys, artist_nst.image.verify\n"
        f"print(*(name for name in {heavy} if name in sys.modules))"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_threads_decode_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, encoded("PNG"))
    busy, most = 0, 0
    decode = verify._decode

    def counted(*arguments: Any) -> tuple[int, int]:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        try:
            return decode(*arguments)
        finally:
            busy -= 1

    monkeypatch.setattr(verify, "_decode", counted)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(verify_picture(path)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Verified(128, 96, ".png")] * 8
    assert most == 1


@pytest.mark.shared
def test_real_paintings_are_whole(shared: Path) -> None:
    paths = sorted((shared / "artists").rglob("*.jpg"))
    assert len(paths) > 100
    for path in paths:
        assert verify_picture(path).suffix == ".jpg"
