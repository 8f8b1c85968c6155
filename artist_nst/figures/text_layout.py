"""What sheets are made of: white paper, ink, and letters that the font has.

All is drawn as Pillow pictures; sizes are in pixels.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from artist_nst._types import Pixels

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Color = tuple[int, int, int]

PAPER = (255, 255, 255)
INK = (38, 38, 38)
PALE = (118, 118, 118)  # ink for what is said in passing
FRAME = (214, 214, 214)  # so that a white picture has an edge

CAPTION_LINES = 2
LINE_SPACING = 1.3

BREAKS = "+/,;-"  # a line without a space is broken after one of these


def picture_of(pixels: Pixels) -> Image.Image:
    """``(H, W, 3)`` sRGB as a picture of 8 bits; values beyond 0–1 are clipped."""
    return Image.fromarray(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8))


def pixels_of(page: Image.Image) -> Pixels:
    """The picture as ``(H, W, 3)`` in 0–1."""
    pixels = np.asarray(page, np.float64)
    # In place: a large sheet's floats are not held twice.
    pixels /= 255
    return pixels


def text_band(
    text: str, width: int, font: Font, count: int = CAPTION_LINES
) -> Image.Image:
    """The text on paper of its own, in ``count`` lines at most."""
    lines = wrapped(text, font, width, count)
    band = Image.new("RGB", (width, len(lines) * line_height(font)), PAPER)
    write(ImageDraw.Draw(band), lines, font, (0, 0))
    return band


def stack(bands: Sequence[Image.Image], margin: int) -> Image.Image:
    """The bands from top to bottom, left-aligned, with a margin round each."""
    width = max(band.width for band in bands) + 2 * margin
    height = sum(band.height + margin for band in bands) + margin
    page = Image.new("RGB", (width, height), PAPER)
    top = margin
    for band in bands:
        page.paste(band, (margin, top))
        top += band.height + margin
    return page


@lru_cache
def font_of(size: int, *, bold: bool = False) -> Font:
    """DejaVu Sans, which matplotlib ships; without it, the font that Pillow ships.

    The first knows Latin, Greek and Cyrillic letters with all their accents, and
    mathematics; the second knows ASCII and little more.
    """
    # Late: importing matplotlib takes as long as the rest of the program's start.
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    try:
        path = Path(matplotlib.get_data_path(), "fonts", "ttf", name)
        return ImageFont.truetype(path, size)
    except OSError:
        return ImageFont.load_default(size=size)


def line_height(font: Font) -> int:
    """From one line of text to the next."""
    return round(LINE_SPACING * getattr(font, "size", 12))


def write(
    draw: ImageDraw.ImageDraw,
    lines: Iterable[str],
    font: Font,
    at: tuple[int, int],
    *,
    anchor: Literal["l", "m", "r"] = "l",
    ink: Color = INK,
) -> None:
    """Lines one below the other.

    Args:
        at: the first line's top, and the left end of every line.
        anchor: ``m``: their middle is there instead; ``r``: their right end.
    """
    x, y = at
    for line in lines:
        draw.text((x, y), line, fill=ink, font=font, anchor=anchor + "a")
        y += line_height(font)


def wrapped(text: str, font: Font, width: int, count: int = CAPTION_LINES) -> list[str]:
    """The text in ``count`` lines at most, the last cut with an ellipsis."""
    rest = [" ".join(line.split()) for line in spelt(text, font).splitlines()]
    rest = [line for line in rest if line]
    lines: list[str] = []
    while rest and len(lines) < count - 1:
        line, tail = split(rest.pop(0), font, width)
        lines.append(line)
        if tail:
            rest.insert(0, tail)
    if rest:
        lines.append(shortened(" ".join(rest), font, width))
    return lines


def _fitting(text: str, font: Font, width: float) -> int:
    """How many of the text's first characters fit in the width."""
    lengths = range(1, len(text) + 1)
    return bisect_right(lengths, width, key=lambda n: font.getlength(text[:n]))


def split(text: str, font: Font, width: float) -> tuple[str, str]:
    """What fits on one line, and what is left.

    Cut at a space, else after one of ``BREAKS``, else anywhere.
    """
    count = _fitting(text, font, width)
    if count == len(text):
        return text, ""
    cut = text.rfind(" ", 0, count + 1)
    if cut <= 0:
        cut = max(text.rfind(mark, 1, count) for mark in BREAKS) + 1
    cut = cut or max(1, count)
    return text[:cut], text[cut:].lstrip()


def shortened(text: str, font: Font, width: float) -> str:
    """The text on one line, cut with an ellipsis where it is too long."""
    if font.getlength(text) <= width:
        return text
    count = _fitting(text, font, width - font.getlength("…"))
    return text[:count].rstrip() + "…"


def spelt(text: str, font: Font) -> str:
    """The text in letters that the font has.

    A letter that it lacks loses its accents, and is a question mark where that does
    not help; what has no shape (control characters, hyphens that may be) is left out.
    """
    return "".join(
        letter if letter.isspace() else _spelling(letter, font)
        for letter in unicodedata.normalize("NFC", text)
        if letter.isspace() or unicodedata.category(letter) not in ("Cc", "Cf")
    )


def _spelling(letter: str, font: Font) -> str:
    if _has(letter, font):
        return letter
    parts = unicodedata.normalize("NFKD", letter)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    return plain if plain and all(_has(one, font) for one in plain) else "?"


@lru_cache(maxsize=4096)
def _has(letter: str, font: Font) -> bool:
    missing, drawn = (font.getmask(one) for one in ("\uffff", letter))
    return bytes(missing) != bytes(drawn)
