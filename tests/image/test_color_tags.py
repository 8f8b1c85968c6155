"""PNGs whose colors are told by cICP, cHRM and gAMA."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from artist_nst.image.files import read_picture
from tests.conftest import picture

# Linear sRGB to linear Display P3 (CSS Color Module Level 4, sample code).
P3_OF_SRGB = np.array(
    [
        [0.8224621724, 0.1775378276, 0.0],
        [0.0331941989, 0.9668058011, 0.0],
        [0.0170826307, 0.0723974407, 0.9105199286],
    ]
)
P3_CHROMATICITY = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def decode(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )


def save(path: Path, values: NDArray[np.float64], **chunks: bytes) -> Path:
    """Save values from 0 to 1 as PNG, with these chunks before the data."""
    Image.fromarray(np.rint(255 * values).astype(np.uint8)).save(path)
    content = path.read_bytes()
    added = b""
    for name, data in chunks.items():
        body = name.encode() + data
        added += struct.pack(">I", len(data)) + body
        added += struct.pack(">I", zlib.crc32(body))
    path.write_bytes(content[:33] + added + content[33:])
    return path


def gamma(value: float) -> bytes:
    return struct.pack(">I", round(100_000 * value))


def test_linear_light(tmp_path: Path) -> None:
    expected = 0.2 + 0.8 * picture(40, 48) / 255
    path = save(tmp_path / "a.png", decode(expected), gAMA=gamma(1))
    assert np.abs(read_picture(path).pixels - expected).max() < 0.02


@pytest.mark.parametrize("kind", ["cHRM", "cICP"])
def test_display_p3(kind: str, tmp_path: Path) -> None:
    expected = picture(40, 48) / 255
    linear = decode(expected) @ P3_OF_SRGB.T
    if kind == "cHRM":
        chunks = {"gAMA": gamma(0.45455), "cHRM": struct.pack(">8I", *P3_CHROMATICITY)}
        path = save(tmp_path / "a.png", linear ** (1 / 2.2), **chunks)
    else:
        encoded = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
        values = np.where(linear <= 0.0031308, 12.92 * linear, encoded)
        path = save(tmp_path / "a.png", values, cICP=bytes((12, 13, 0, 1)))
    difference = np.abs(read_picture(path).pixels - expected)
    # Dark saturated colors are stored in few levels.
    assert np.quantile(difference, 0.99) < 0.02
    assert difference.mean() < 0.004


@pytest.mark.parametrize(
    ("transfer", "code", "light"),
    [
        # BT.2408: white paper of 203 cd/m² is at 58 % of PQ and 75 % of HLG.
        *((16, 0.58, 1.0), (18, 0.75, 1.0)),
        # ST 2084: 100 cd/m² is at 0.508.
        *((16, 0.508, 100 / 203), (16, 0.0, 0.0), (18, 0.0, 0.0)),
    ],
)
def test_hdr(transfer: int, code: float, light: float, tmp_path: Path) -> None:
    chunk = bytes((9, transfer, 0, 1))
    path = save(tmp_path / "a.png", np.full((8, 8, 3), code), cICP=chunk)
    pixels = read_picture(path).pixels
    assert np.ptp(pixels) < 1e-3  # gray stays gray
    # What is above 0.75 of white is compressed, up to 1.
    compressed = light if light < 0.75 else 0.75 + 0.25 * (1 - np.exp(-1))
    assert decode(pixels).mean() == pytest.approx(compressed, abs=0.02)


def test_hdr_lights_are_told_apart(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 256)[None, :, None].repeat(3, 2).repeat(4, 0)
    path = save(tmp_path / "a.png", ramp, cICP=bytes((9, 16, 0, 1)))
    gray = read_picture(path).pixels[0, :, 0]
    assert (np.diff(gray) >= 0).all()
    assert gray.max() <= 1


@pytest.mark.parametrize(
    "chunks",
    [
        {"gAMA": gamma(0.45455)},
        {"gAMA": gamma(1), "sRGB": b"\0"},
        {"cICP": bytes((1, 13, 0, 1))},
        {"cICP": bytes((99, 13, 0, 1))},
        {"cICP": b"\1"},
        {"gAMA": gamma(0)},
        {"gAMA": gamma(0.45455), "cHRM": bytes(32)},
        {"cHRM": struct.pack(">8I", *(4 * (31270, 32900)))},
    ],
)
def test_what_is_srgb_or_makes_no_sense(
    chunks: dict[str, bytes], tmp_path: Path
) -> None:
    values = picture(40, 48) / 255
    path = save(tmp_path / "a.png", values, **chunks)
    assert (read_picture(path).pixels == values).all()
