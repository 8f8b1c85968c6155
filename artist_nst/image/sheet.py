"""Contact sheets: pictures in rows on white, each with its caption.

A sheet is a stack of bands, all drawn as Pillow pictures on white: the title, then
one band for each row. Pixels are float ``(H, W, 3)`` sRGB in 0–1.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

Pixels = NDArray[np.float64]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

PAPER = (255, 255, 255)
INK = (38, 38, 38)
FRAME = (214, 214, 214)  # so that a white picture has an edge

# A panel's width by its height: a narrower picture gets room for its caption, a wider
# one is made lower than its neighbours.
NARROWEST, WIDEST = 0.5, 3.0

# Rows that are at least this part of the widest one's width are brought to one width.
JUSTIFIED = 0.8

MIN_HEIGHT = 128  # tiny pictures are enlarged to this, or no caption would fit
CAPTION_LINES = 2
LINE_SPACING = 1.3

# The font that Pillow ships knows ASCII and little more; what is written here would
# else be a box. Letters with accents lose them (:func:`_spelt`).
# fmt: off
SPELLINGS = {
    "×": "x", "–": "-", "—": "-", "−": "-", "‐": "-", "→": "->", "←": "<-",
    "≤": "<=", "≥": ">=", "α": "alpha", "β": "beta", "γ": "gamma", "λ": "lambda",
    "μ": "mu", "σ": "sigma", "Δ": "Delta", "Σ": "Sigma", "ø": "o", "Ø": "O",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "æ": "ae", "Æ": "AE",
    "œ": "oe", "Œ": "OE", "ß": "ss", "ð": "d", "þ": "th",
}
# fmt: on


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of a sheet.

    Attributes:
        pixels: ``(H, W, 3)`` in 0–1.
        label: its caption; empty for none, ``\\n`` to break the line.
    """

    pixels: Pixels
    label: str

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(f"a panel's pixels are (H, W, 3), not {shape}")

    @property
    def aspect(self) -> float:
        """Its width on the sheet by its height, the picture's own within bounds."""
        height, width = self.pixels.shape[:2]
        return float(min(max(width / height, NARROWEST), WIDEST))


def sheet(
    rows: Sequence[Sequence[Panel]],
    *,
    height: int = 360,
    title: str | None = None,
    margin: int = 24,
) -> Pixels:
    """A labelled contact sheet.

    A row's panels are equally high and left-aligned. Rows of similar width are
    brought to the same width by making the wider ones lower.

    Args:
        rows: at least one, none of them empty.
        height: of a panel in pixels at most; less where all pictures are smaller.
        title: written above the rows.
        margin: around the sheet and between rows; half of it is between panels.
    Returns:
        ``(H, W, 3)`` in 0–1.
    Raises:
        ValueError: where there is nothing to show.
    """
    if not rows or not all(rows):
        raise ValueError("a sheet needs at least one row, and a panel in every row")
    tallest = max(panel.pixels.shape[0] for row in rows for panel in row)
    height = min(height, max(tallest, MIN_HEIGHT))
    gap = margin // 2
    size = max(12, round(height / 22))
    bands = [
        _row_band(row, row_height, gap, _font(size))
        for row, row_height in zip(rows, _heights(rows, height, gap), strict=True)
    ]
    if title and title.strip():
        width = max(band.width for band in bands)
        bands.insert(0, _text_band(title, width, _font(round(1.5 * size))))
    return np.asarray(_stack(bands, margin), np.float64) / 255


def _heights(rows: Sequence[Sequence[Panel]], height: int, gap: int) -> list[float]:
    """Every row's height, such that rows of similar width become equally wide."""
    aspects = [sum(panel.aspect for panel in row) for row in rows]
    gaps = [gap * (len(row) - 1) for row in rows]
    widths = [
        height * aspect + between for aspect, between in zip(aspects, gaps, strict=True)
    ]
    common = min(width for width in widths if width >= JUSTIFIED * max(widths))
    return [
        max(1.0, (min(width, common) - between) / aspect)
        for width, between, aspect in zip(widths, gaps, aspects, strict=True)
    ]


def _row_band(row: Sequence[Panel], height: float, gap: int, font: Font) -> Image.Image:
    """One row: its pictures, and below each its caption."""
    edges = [
        round(height * edge)
        for edge in accumulate((panel.aspect for panel in row), initial=0.0)
    ]
    cells = [
        (panel, left + gap * place, max(1, right - left))
        for place, (panel, (left, right)) in enumerate(
            zip(row, pairwise(edges), strict=True)
        )
    ]
    captions = [_wrapped(panel.label, font, width) for panel, _, width in cells]
    top, line_height = round(height), _line_height(font)
    text_top = top + line_height // 3
    lines = max(len(caption) for caption in captions)
    bottom = text_top + lines * line_height if lines else top
    band = Image.new("RGB", (edges[-1] + gap * (len(row) - 1), bottom), PAPER)
    draw = ImageDraw.Draw(band)
    for (panel, left, width), caption in zip(cells, captions, strict=True):
        picture = _framed(panel.pixels, width, top)
        band.paste(picture, (left, top - picture.height))
        _write(draw, caption, font, (left, text_top))
    return band


def _text_band(text: str, width: int, font: Font) -> Image.Image:
    lines = _wrapped(text, font, width)
    band = Image.new("RGB", (width, len(lines) * _line_height(font)), PAPER)
    _write(ImageDraw.Draw(band), lines, font, (0, 0))
    return band


def _stack(bands: Sequence[Image.Image], margin: int) -> Image.Image:
    """The bands from top to bottom, left-aligned, with a margin round each."""
    width = max(band.width for band in bands) + 2 * margin
    height = sum(band.height + margin for band in bands) + margin
    page = Image.new("RGB", (width, height), PAPER)
    top = margin
    for band in bands:
        page.paste(band, (margin, top))
        top += band.height + margin
    return page


def _framed(pixels: Pixels, width: int, height: int) -> Image.Image:
    """The picture, its aspect kept, in a thin frame that fits the cell."""
    levels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    picture = Image.fromarray(levels)
    aspect = picture.width / picture.height
    inner_width, inner_height = width - 2, height - 2
    # Between the bounds the cell has the picture's aspect, and is filled to the pixel.
    if aspect < NARROWEST:
        inner_width = round(inner_height * aspect)
    elif aspect > WIDEST:
        inner_height = round(inner_width / aspect)
    size = max(1, inner_width), max(1, inner_height)
    return ImageOps.expand(
        picture.resize(size, Image.Resampling.LANCZOS), border=1, fill=FRAME
    )


@lru_cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size=size)


def _line_height(font: Font) -> int:
    return round(LINE_SPACING * getattr(font, "size", 12))


def _write(
    draw: ImageDraw.ImageDraw, lines: Iterable[str], font: Font, at: tuple[int, int]
) -> None:
    left, top = at
    for line in lines:
        draw.text((left, top), line, fill=INK, font=font)
        top += _line_height(font)


def _wrapped(text: str, font: Font, width: int) -> list[str]:
    """The text in ``CAPTION_LINES`` lines at most, the last cut with an ellipsis."""
    rest = [" ".join(line.split()) for line in _spelt(text, font).splitlines()]
    rest = [line for line in rest if line]
    lines: list[str] = []
    while rest and len(lines) < CAPTION_LINES - 1:
        line, tail = _split(rest.pop(0), font, width)
        lines.append(line)
        if tail:
            rest.insert(0, tail)
    if rest:
        lines.append(_shortened(" ".join(rest), font, width))
    return lines


def _fitting(text: str, font: Font, width: float) -> int:
    """How many of the text's first characters fit in the width."""
    lengths = range(1, len(text) + 1)
    return bisect_right(lengths, width, key=lambda n: font.getlength(text[:n]))


def _split(text: str, font: Font, width: int) -> tuple[str, str]:
    """What fits on one line, cut at a space where there is one, and what is left."""
    count = _fitting(text, font, width)
    if count == len(text):
        return text, ""
    space = text.rfind(" ", 0, count + 1)
    cut = space if space > 0 else max(1, count)
    return text[:cut], text[cut:].lstrip()


def _shortened(text: str, font: Font, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    count = _fitting(text, font, width - font.getlength("…"))
    return text[:count].rstrip() + "…"


def _spelt(text: str, font: Font) -> str:
    """The text in letters that the font has, as far as they can be had.

    ``Cézanne`` becomes ``Cezanne``; what has no such spelling stays, and is a box.
    """
    return "".join(
        letter if letter.isspace() else _spelling(letter, font)
        for letter in unicodedata.normalize("NFC", text)
    )


def _spelling(letter: str, font: Font) -> str:
    if _has(letter, font):
        return letter
    if letter in SPELLINGS:
        return SPELLINGS[letter]
    parts = unicodedata.normalize("NFKD", letter)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    if plain and all(_has(part, font) for part in plain):
        return plain
    return letter


@lru_cache(maxsize=4096)
def _has(letter: str, font: Font) -> bool:
    missing, drawn = (font.getmask(one) for one in ("\uffff", letter))
    return bytes(missing) != bytes(drawn)
