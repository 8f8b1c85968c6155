"""Building blocks of sheets and pages: colors, fonts, lines of text, framed pictures.

Everything is drawn as Pillow images; sizes are in pixels.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from artist_nst._types import Pixels
from artist_nst.image.encoder import to_levels

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Color = tuple[int, int, int]

BACKGROUND = (255, 255, 255)
TEXT_COLOR = (38, 38, 38)
MUTED = (118, 118, 118)  # text that matters less
BORDER = (214, 214, 214)  # gives a white picture an edge

CAPTION_LINES = 2
LINE_SPACING = 1.3

BREAKS = "+/,;-"  # a line without a space is broken after one of these


def to_image(pixels: Pixels) -> Image.Image:
    """Convert ``(H, W, 3)`` sRGB to 8 bits; values beyond 0–1 are clipped."""
    return Image.fromarray(to_levels(pixels))


def to_pixels(image: Image.Image) -> Pixels:
    """Convert an image to ``(H, W, 3)`` in 0–1."""
    pixels = np.asarray(image, np.float64)
    # In place, so that a large sheet's floats are not held twice.
    pixels /= 255
    return pixels


def frame_picture(pixels: Pixels, width: int, height: int) -> Image.Image:
    """Fit a picture into a box, in its own aspect, with a thin border."""
    picture = to_image(pixels)
    scale = min(width / picture.width, height / picture.height)
    # A side that lacks a pixel is only rounded: the box was made for this picture.
    fitted = [
        max(1, (room if room - scale * side < 2 else round(scale * side)) - 2)
        for room, side in ((width, picture.width), (height, picture.height))
    ]
    resized = picture.resize((fitted[0], fitted[1]), Image.Resampling.LANCZOS)
    return ImageOps.expand(resized, border=1, fill=BORDER)


def render_text(
    text: str, width: int, font: Font, count: int = CAPTION_LINES
) -> Image.Image:
    """Draw text on an image of its own, in ``count`` lines at most."""
    lines = wrap_text(text, font, width, count)
    band = Image.new("RGB", (width, len(lines) * line_height(font)), BACKGROUND)
    draw_lines(ImageDraw.Draw(band), lines, font, (0, 0))
    return band


def stack_vertically(bands: Sequence[Image.Image], margin: int) -> Image.Image:
    """Stack images from top to bottom, left-aligned, with a margin around each."""
    width = max(band.width for band in bands) + 2 * margin
    height = sum(band.height + margin for band in bands) + margin
    page = Image.new("RGB", (width, height), BACKGROUND)
    top = margin
    for band in bands:
        page.paste(band, (margin, top))
        top += band.height + margin
    return page


@lru_cache
def load_font(size: int, *, bold: bool = False) -> Font:
    """Load DejaVu Sans, which matplotlib ships, or else the font that Pillow ships.

    The first has Latin, Greek and Cyrillic letters with all accents, and mathematical
    signs; the second has little more than ASCII.
    """
    # Late, because importing matplotlib is slow.
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    try:
        path = Path(matplotlib.get_data_path(), "fonts", "ttf", name)
        return ImageFont.truetype(path, size)
    except OSError:
        return ImageFont.load_default(size=size)


def line_height(font: Font) -> int:
    """Return the distance from one line of text to the next."""
    return round(LINE_SPACING * getattr(font, "size", 12))


def draw_lines(
    draw: ImageDraw.ImageDraw,
    lines: Iterable[str],
    font: Font,
    at: tuple[int, int],
    *,
    anchor: Literal["l", "m", "r"] = "l",
    color: Color = TEXT_COLOR,
) -> None:
    """Draw lines of text one below the other.

    Args:
        draw: of the image that they are drawn on.
        lines: each a line.
        font: of all of them.
        at: x, and the first line's top.
        anchor: whether the lines' left end, middle or right end is at x.
        color: of the letters.
    """
    x, y = at
    for line in lines:
        draw.text((x, y), line, fill=color, font=font, anchor=anchor + "a")
        y += line_height(font)


def wrap_text(
    text: str, font: Font, width: int, count: int = CAPTION_LINES
) -> list[str]:
    """Wrap text into ``count`` lines at most, the last cut with an ellipsis."""
    text = replace_missing_glyphs(text, font)
    rest = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    lines: list[str] = []
    while rest and len(lines) < count - 1:
        line, tail = split_line(rest.pop(0), font, width)
        lines.append(line)
        if tail:
            rest.insert(0, tail)
    if rest:
        lines.append(truncate(" ".join(rest), font, width))
    return lines


def _fitting(text: str, font: Font, width: float) -> int:
    """Count the first characters of the text that fit in the width."""
    lengths = range(1, len(text) + 1)
    return bisect_right(lengths, width, key=lambda n: font.getlength(text[:n]))


def split_line(text: str, font: Font, width: float) -> tuple[str, str]:
    """Split text into what fits on one line, and the rest.

    It is cut at a space, else after one of ``BREAKS``, else anywhere.
    """
    count = _fitting(text, font, width)
    if count == len(text):
        return text, ""
    cut = text.rfind(" ", 0, count + 1)
    if cut <= 0:
        cut = max(text.rfind(mark, 1, count) for mark in BREAKS) + 1
    cut = cut or max(1, count)
    return text[:cut], text[cut:].lstrip()


def truncate(text: str, font: Font, width: float) -> str:
    """Cut text with an ellipsis if it is too long for one line."""
    if font.getlength(text) <= width:
        return text
    count = _fitting(text, font, width - font.getlength("…"))
    return text[:count].rstrip() + "…"


def replace_missing_glyphs(text: str, font: Font) -> str:
    """Replace letters that the font lacks.

    They lose their accents, or become a question mark where that does not help. What
    has no shape (control characters, soft hyphens) is removed.
    """
    return "".join(
        letter if letter.isspace() else _replace_missing(letter, font)
        for letter in unicodedata.normalize("NFC", text)
        if letter.isspace() or unicodedata.category(letter) not in ("Cc", "Cf")
    )


def _replace_missing(letter: str, font: Font) -> str:
    if _has_glyph(letter, font):
        return letter
    parts = unicodedata.normalize("NFKD", letter)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    return plain if plain and all(_has_glyph(part, font) for part in plain) else "?"


@lru_cache(maxsize=4096)
def _has_glyph(letter: str, font: Font) -> bool:
    missing, drawn = (font.getmask(text) for text in ("\uffff", letter))
    return bytes(missing) != bytes(drawn)
