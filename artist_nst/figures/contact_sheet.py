"""The contact sheet of many files: small pictures in columns, each with its caption.

Files are read one after another and as small as they are shown, so that a thousand
paintings take seconds and little memory.
"""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from artist_nst.errors import ArtistNstError
from artist_nst.figures.text_layout import (
    CAPTION_LINES,
    FRAME,
    PAPER,
    Font,
    font_of,
    line_height,
    shortened,
    spelt,
    split,
    text_band,
    wrapped,
    write,
)
from artist_nst.image.files import read_small

# Of a sheet, in pixels: more pictures become smaller ones.
LARGEST_SHEET = 30_000_000
LARGEST, SMALLEST = 360, 24  # sides of the square that a picture has, in pixels
LEGIBLE = 72  # the least width that a caption is written to, in pixels
MAX_PIXELS = 300_000_000  # of a picture that is read
SHEET_ASPECT = 1.5  # width by height, about

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of the sheet.

    Attributes:
        label: its caption, over two lines and shortened where it must be.
        note: what follows it, and is not lost where the label is shortened: a year.
    """

    path: Path
    label: str
    note: str = ""


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
        return font_of(max(11, self.side // 22))

    @property
    def lines(self) -> int:
        """Of a caption, at most."""
        return CAPTION_LINES if self.side >= LEGIBLE else 0

    def below(self, lines: int) -> int:
        """What that many lines of caption take below a picture."""
        step = line_height(self.font)
        return step // 3 + lines * step if lines else 0

    def pixels(self, count: int) -> int:
        """Of a sheet of that many pictures, about."""
        rows = math.ceil(count / self.columns)
        row = self.side + self.below(self.lines) + 2 * self.gap
        return self.columns * (self.side + self.gap) * rows * row


class _Row(NamedTuple):
    """Pictures, None for one that can't be read, and the lines of their captions."""

    pictures: list[Image.Image | None]
    captions: list[list[str]]
    grid: _Grid

    @property
    def top(self) -> int:
        """The height of the highest picture."""
        empty = self.grid.side // 2
        return max(one.height if one else empty for one in self.pictures)

    @property
    def height(self) -> int:
        lines = max(len(caption) for caption in self.captions)
        return self.top + self.grid.below(lines)


def contact_sheet(
    entries: Iterable[Entry],
    *,
    title: str | None = None,
    on_picture: Callable[[int], None] | None = None,
) -> NDArray[np.uint8]:
    """Many pictures in equal columns, as large as 30 megapixels allow, on a sheet
    about half wider than high.

    A picture that can't be read is an empty frame that says so, and a warning in the
    log says why.

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
        raise ValueError("a contact sheet needs an entry at least")
    grid = _plan(len(shown))
    pictures: list[Image.Image | None] = []
    for number, entry in enumerate(shown, 1):
        pictures.append(_framed(entry.path, grid.side))
        if on_picture is not None:
            on_picture(number)
    grid = _tightened(grid, pictures)
    captions = [_caption(entry, grid) for entry in shown]
    rows = [
        _Row(pictures[start:end], captions[start:end], grid)
        for start in range(0, len(shown), grid.columns)
        for end in (start + grid.columns,)
    ]
    return np.asarray(_page(rows, grid, title))


def _plan(count: int) -> _Grid:
    """The grid with the largest pictures that the sheet has room for."""
    for side in range(LARGEST, SMALLEST - 1, -1):
        grid = _Grid(_columns(count, side), side)
        if grid.pixels(count) <= LARGEST_SHEET:
            break
    return grid


def _columns(count: int, side: int) -> int:
    """As many as give the sheet its aspect, and its last row its share."""
    cell = _Grid(1, side)
    across = math.sqrt(SHEET_ASPECT * cell.pixels(count)) / (side + cell.gap)
    rows = math.ceil(count / max(1, round(across)))
    return math.ceil(count / rows)


def _tightened(grid: _Grid, pictures: Sequence[Image.Image | None]) -> _Grid:
    """No wider cells than the pictures or their captions need."""
    widest = max((max(one.size) for one in pictures if one), default=0)
    return _Grid(grid.columns, min(grid.side, max(widest, 2 * LEGIBLE)))


def _framed(path: Path, side: int) -> Image.Image | None:
    """A picture in a thin frame, in a square of that side; None if there is none."""
    try:
        levels = read_small(path, side - 2, max_pixels=MAX_PIXELS)
    except ArtistNstError as error:
        log.warning("%s", error)
        return None
    return ImageOps.expand(Image.fromarray(levels), border=1, fill=FRAME)


def _page(rows: Sequence[_Row], grid: _Grid, title: str | None) -> Image.Image:
    """The title and the rows, on paper that they just fit on."""
    margin = 2 * grid.gap
    width = grid.columns * (grid.side + grid.gap) - grid.gap
    size = max(16, grid.side // 14, width // 80)
    head = text_band(title or "", width, font_of(size))
    first = margin + (head.height + margin if head.height else 0)
    height = first + sum(row.height + margin for row in rows)
    page = Image.new("RGB", (width + 2 * margin, height), PAPER)
    page.paste(head, (margin, margin))
    top = first
    for row in rows:
        _put(page, row, margin, top)
        top += row.height + margin
    return page


def _put(page: Image.Image, row: _Row, left: int, top: int) -> None:
    """A row of pictures that stand on their captions."""
    draw, grid = ImageDraw.Draw(page), row.grid
    bottom = top + row.top
    for picture, caption in zip(row.pictures, row.captions, strict=True):
        if picture is None:
            corners = left, bottom - grid.side // 2, left + grid.side - 1, bottom - 1
            draw.rectangle(corners, outline=FRAME)
            at = left + grid.gap, corners[1] + grid.gap
            write(draw, ["unreadable"][: grid.lines], grid.font, at)
        else:
            page.paste(picture, (left, bottom - picture.height))
        write(draw, caption, grid.font, (left, bottom + grid.below(1) // 4))
        left += grid.side + grid.gap


def _caption(entry: Entry, grid: _Grid) -> list[str]:
    """Label and note in two lines, the note whole as far as it can be."""
    if not grid.lines:
        return []
    font, width = grid.font, grid.side
    label, note = (
        " ".join(spelt(text, font).split()) for text in (entry.label, entry.note)
    )
    if not (label and note):
        return wrapped(label or note, font, width)
    room = width - font.getlength(f", {note}")
    # A note that leaves no room for the label's end has the second line to itself.
    if font.getlength(label) <= width or room < width / 3:
        return [shortened(label, font, width), shortened(note, font, width)]
    line, rest = split(label, font, width)
    return [line, f"{shortened(rest, font, room)}, {note}"]
