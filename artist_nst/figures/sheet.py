"""Contact sheets: pictures in rows on white, each with its caption.

A sheet is a stack of bands, all drawn as Pillow pictures on white: the title, then
one band for each row. Pixels are float ``(H, W, 3)`` sRGB in 0–1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from PIL import Image, ImageDraw, ImageOps

from artist_nst._types import Pixels
from artist_nst.figures.text_layout import (
    FRAME,
    PAPER,
    Font,
    font_of,
    line_height,
    picture_of,
    pixels_of,
    stack,
    text_band,
    wrapped,
    write,
)

# A panel's width by its height: a narrower picture gets room for its caption, a wider
# one is made lower than its neighbours.
NARROWEST, WIDEST = 0.5, 3.0

# Rows that are at least this part of the widest one's width are brought to one width.
JUSTIFIED = 0.8

MIN_HEIGHT = 128  # tiny pictures are enlarged to this, or no caption would fit


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
        row_band(row, row_height, gap, font_of(size))
        for row, row_height in zip(rows, _heights(rows, height, gap), strict=True)
    ]
    if title and title.strip():
        width = max(band.width for band in bands)
        bands.insert(0, text_band(title, width, font_of(round(1.5 * size))))
    return pixels_of(stack(bands, margin))


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


def row_band(row: Sequence[Panel], height: float, gap: int, font: Font) -> Image.Image:
    """One row, as wide as its panels: its pictures, and below each its caption.

    Args:
        height: of every panel, in pixels.
        gap: between panels.
    """
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
    captions = [wrapped(panel.label, font, width) for panel, _, width in cells]
    top, step = round(height), line_height(font)
    text_top = top + step // 3
    lines = max(len(caption) for caption in captions)
    bottom = text_top + lines * step if lines else top
    band = Image.new("RGB", (edges[-1] + gap * (len(row) - 1), bottom), PAPER)
    draw = ImageDraw.Draw(band)
    for (panel, left, width), caption in zip(cells, captions, strict=True):
        picture = _framed(panel.pixels, width, top)
        band.paste(picture, (left, top - picture.height))
        write(draw, caption, font, (left, text_top))
    return band


def _framed(pixels: Pixels, width: int, height: int) -> Image.Image:
    """The picture, its aspect kept, in a thin frame that fits the cell."""
    picture = picture_of(pixels)
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
