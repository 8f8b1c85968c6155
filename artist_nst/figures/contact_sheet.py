"""The contact sheet of many files: small pictures in columns, each with its caption.

Files are read one after another and only as large as they are shown, so a thousand
pictures take seconds and little memory.
"""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from artist_nst.errors import ArtistNstError
from artist_nst.figures.text_layout import (
    BACKGROUND,
    BORDER,
    CAPTION_LINES,
    Font,
    draw_lines,
    line_height,
    load_font,
    render_text,
    replace_missing_glyphs,
    split_line,
    stack_vertically,
    truncate,
    wrap_text,
)
from artist_nst.image.files import read_small

MAX_SHEET_PIXELS = 30_000_000  # more pictures become smaller ones
MAX_SIDE, MIN_SIDE = 360, 24  # of the square that a picture has, in pixels
MIN_CAPTION_WIDTH = 72  # pixels; narrower squares have no captions
MAX_PIXELS = 300_000_000  # of a picture that is read
SHEET_ASPECT = 1.5  # width by height, about

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of the sheet.

    Attributes:
        path: its file.
        caption: over two lines, and cut where it must be.
        suffix: what follows the caption and is kept where that is cut: a year.
    """

    path: Path
    caption: str
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class _Grid:
    """Sizes in pixels; ``side`` is that of a picture's square."""

    columns: int
    side: int

    @property
    def gap(self) -> int:
        return max(4, self.side // 12)

    @property
    def font(self) -> Font:
        return load_font(max(11, self.side // 22))

    @property
    def width(self) -> int:
        """Of all columns."""
        return self.columns * (self.side + self.gap) - self.gap

    @property
    def max_lines(self) -> int:
        """Of a caption."""
        return CAPTION_LINES if self.side >= MIN_CAPTION_WIDTH else 0

    def caption_height(self, lines: int) -> int:
        """Return the height that so many lines take below a picture."""
        step = line_height(self.font)
        return step // 3 + lines * step if lines else 0

    def estimate_pixels(self, count: int) -> int:
        """Estimate the size of a sheet of so many pictures."""
        rows = math.ceil(count / self.columns)
        row = self.side + self.caption_height(self.max_lines) + 2 * self.gap
        return self.columns * (self.side + self.gap) * rows * row


_Cell = tuple[Entry, Image.Image | None]  # None if the file can't be read


def draw_contact_sheet(
    entries: Iterable[Entry],
    *,
    title: str | None = None,
    on_picture: Callable[[int], None] | None = None,
) -> NDArray[np.uint8]:
    """Draw many pictures in equal columns, on a sheet about half wider than high.

    They are as large as 30 megapixels allow. A picture that can't be read is an empty
    frame that says so, and a warning in the log says why.

    Args:
        entries: at least one.
        title: written above.
        on_picture: told how many pictures have been read, after each.

    Returns:
        ``(H, W, 3)`` sRGB, 0 to 255.

    Raises:
        ValueError: there are no entries.
    """
    shown = list(entries)
    if not shown:
        raise ValueError("a contact sheet needs at least one entry")
    grid = _choose_grid(len(shown))
    cells: list[_Cell] = []
    for number, entry in enumerate(shown, 1):
        cells.append((entry, _read_framed(entry.path, grid.side)))
        if on_picture is not None:
            on_picture(number)
    # Columns need not be wider than the pictures or their captions.
    widest = max((max(picture.size) for _, picture in cells if picture), default=0)
    grid = _Grid(grid.columns, min(grid.side, max(widest, 2 * MIN_CAPTION_WIDTH)))
    rows = []
    while cells:
        rows.append(_draw_row(grid, cells[: grid.columns]))
        # A large sheet's pictures are not held twice.
        del cells[: grid.columns]
    if title and title.strip():
        size = max(16, grid.side // 14, grid.width // 80)
        rows.insert(0, render_text(title, grid.width, load_font(size)))
    return np.asarray(stack_vertically(rows, 2 * grid.gap))


def _choose_grid(count: int) -> _Grid:
    """Choose the grid with the largest pictures that the sheet has room for."""
    for side in range(MAX_SIDE, MIN_SIDE - 1, -1):
        grid = _Grid(_count_columns(count, side), side)
        if grid.estimate_pixels(count) <= MAX_SHEET_PIXELS:
            break
    return grid


def _count_columns(count: int, side: int) -> int:
    """Return as many columns as give the sheet its aspect, and fill its last row."""
    cell = _Grid(1, side)
    across = math.sqrt(SHEET_ASPECT * cell.estimate_pixels(count)) / (side + cell.gap)
    rows = math.ceil(count / max(1, round(across)))
    return math.ceil(count / rows)


def _read_framed(path: Path, side: int) -> Image.Image | None:
    """Read a picture into a square of that side, with a thin border."""
    try:
        levels = read_small(path, side - 2, max_pixels=MAX_PIXELS)
    except ArtistNstError as error:
        log.warning("%s", error)
        return None
    return ImageOps.expand(Image.fromarray(levels), border=1, fill=BORDER)


def _draw_row(grid: _Grid, cells: Sequence[_Cell]) -> Image.Image:
    """Draw pictures with one bottom line, and their captions below."""
    pictures = [picture for _, picture in cells]
    captions = [_wrap_caption(entry, grid) for entry, _ in cells]
    empty = grid.side // 2
    bottom = max(picture.height if picture else empty for picture in pictures)
    height = bottom + grid.caption_height(max(map(len, captions)))
    row = Image.new("RGB", (grid.width, height), BACKGROUND)
    draw, left = ImageDraw.Draw(row), 0
    for picture, caption in zip(pictures, captions, strict=True):
        if picture is None:
            top = bottom - empty
            corners = left, top, left + grid.side - 1, bottom - 1
            draw.rectangle(corners, outline=BORDER)
            at = left + grid.gap, top + grid.gap
            draw_lines(draw, ["unreadable"][: grid.max_lines], grid.font, at)
        else:
            row.paste(picture, (left, bottom - picture.height))
        at = left, bottom + grid.caption_height(1) // 4
        draw_lines(draw, caption, grid.font, at)
        left += grid.side + grid.gap
    return row


def _wrap_caption(entry: Entry, grid: _Grid) -> list[str]:
    """Write caption and suffix in two lines, the suffix whole if possible."""
    if not grid.max_lines:
        return []
    font, width = grid.font, grid.side
    caption, suffix = (
        " ".join(replace_missing_glyphs(text, font).split())
        for text in (entry.caption, entry.suffix)
    )
    if not (caption and suffix):
        return wrap_text(caption or suffix, font, width)
    room = width - font.getlength(f", {suffix}")
    # A suffix that leaves no room for the caption's end gets the second line alone.
    if font.getlength(caption) <= width or room < width / 3:
        return [truncate(caption, font, width), truncate(suffix, font, width)]
    line, rest = split_line(caption, font, width)
    return [line, f"{truncate(rest, font, room)}, {suffix}"]
