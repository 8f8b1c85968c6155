"""Contact sheets: pictures in rows on white, each with its caption.

A sheet is a stack of Pillow images: the title, then one for each row. Pixels are float
``(H, W, 3)`` sRGB in 0–1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from PIL import Image, ImageDraw

from artist_nst._types import Pixels
from artist_nst.figures.text_layout import (
    BACKGROUND,
    Font,
    draw_lines,
    frame_picture,
    line_height,
    load_font,
    render_text,
    stack_vertically,
    to_pixels,
    wrap_text,
)

# A panel's width by its height: a narrower picture gets room for its caption, a wider
# one is lower than its neighbors.
NARROWEST, WIDEST = 0.5, 3.0

# Rows that are at least this part of the widest one's width are brought to one width.
JUSTIFIED = 0.8

MIN_HEIGHT = 128  # tiny pictures are enlarged to this, or no caption would fit


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of a sheet.

    Attributes:
        pixels: ``(H, W, 3)`` in 0–1.
        caption: below it, in as many lines as it has; empty for none.
    """

    pixels: Pixels
    caption: str

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(f"a panel's pixels are (H, W, 3), not {shape}")

    @property
    def aspect(self) -> float:
        """Its width on the sheet by its height: the picture's own, within bounds."""
        height, width = self.pixels.shape[:2]
        return float(min(max(width / height, NARROWEST), WIDEST))


def draw_sheet(
    rows: Sequence[Sequence[Panel]],
    *,
    height: int = 360,
    title: str | None = None,
    margin: int = 24,
) -> Pixels:
    """Draw a contact sheet with captions.

    A row's panels are equally high and left-aligned. Rows of similar width are
    brought to the same width by making the wider ones lower.

    Args:
        rows: at least one, none of them empty.
        height: of a panel in pixels at most; less if all pictures are smaller.
        title: written above the rows.
        margin: around the sheet and between rows; half of it is between panels.

    Returns:
        ``(H, W, 3)`` in 0–1.

    Raises:
        ValueError: there is nothing to show.
    """
    if not rows or not all(rows):
        raise ValueError("a sheet needs at least one row, and a panel in every row")
    tallest = max(panel.pixels.shape[0] for row in rows for panel in row)
    height = min(height, max(tallest, MIN_HEIGHT))
    gap = margin // 2
    size = max(12, round(height / 22))
    bands = [
        draw_row(row, row_height, gap, load_font(size))
        for row, row_height in zip(rows, _row_heights(rows, height, gap), strict=True)
    ]
    if title and title.strip():
        width = max(band.width for band in bands)
        bands.insert(0, render_text(title, width, load_font(round(1.5 * size))))
    return to_pixels(stack_vertically(bands, margin))


def draw_row(row: Sequence[Panel], height: float, gap: int, font: Font) -> Image.Image:
    """Draw one row, as wide as its panels, with the captions below.

    Args:
        row: its panels.
        height: of every panel, in pixels.
        gap: between panels.
        font: of the captions.
    """
    edges = [
        round(height * edge)
        for edge in accumulate((panel.aspect for panel in row), initial=0.0)
    ]
    widths = [max(1, right - left) for left, right in pairwise(edges)]
    captions = [
        wrap_text(panel.caption, font, width)
        for panel, width in zip(row, widths, strict=True)
    ]
    top, step = round(height), line_height(font)
    text_top = top + step // 3
    lines = max(map(len, captions))
    bottom = text_top + lines * step if lines else top
    band = Image.new("RGB", (edges[-1] + gap * (len(row) - 1), bottom), BACKGROUND)
    draw = ImageDraw.Draw(band)
    for place, panel in enumerate(row):
        left = edges[place] + gap * place
        picture = frame_picture(panel.pixels, widths[place], top)
        band.paste(picture, (left, top - picture.height))
        draw_lines(draw, captions[place], font, (left, text_top))
    return band


def _row_heights(rows: Sequence[Sequence[Panel]], height: int, gap: int) -> list[float]:
    """Return each row's height, such that rows of similar width get one width."""
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
