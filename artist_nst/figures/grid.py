"""Grids of paintings: settings in rows and columns, with heads.

The pictures that all cells were made from are above the grid. Everything is drawn as
one Pillow image; sizes are in pixels.
"""

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Literal

from PIL import Image, ImageDraw

from artist_nst._types import Pixels
from artist_nst.figures.sheet import Panel
from artist_nst.figures.text_layout import (
    BACKGROUND,
    BORDER,
    MUTED,
    TEXT_COLOR,
    Color,
    Font,
    draw_lines,
    frame_picture,
    line_height,
    load_font,
    to_pixels,
    wrap_text,
)

# Of a sheet; cells shrink to stay within. The floats of the largest take 600 MB.
MAX_SIDE = 8_000
MAX_PIXELS = 25_000_000

MIN_CELL = 48  # the height below which no cell shrinks
HEAD_WIDTH = 0.45  # of a row's head at most, by the longer side of a cell
HEAD_LINES, CAPTION_LINES, TITLE_LINES, NOTE_LINES = 5, 3, 3, 6


def draw_grid(
    cells: Sequence[Sequence[Panel | None]],
    *,
    columns: Sequence[str],
    rows: Sequence[str] = (),
    references: Sequence[Panel] = (),
    title: str | None = None,
    note: str = "",
    cell_height: int = 320,
) -> Pixels:
    """Draw paintings by their settings, with heads.

    All cells have one size, with the pictures' median aspect; every picture is fitted
    into its cell and centered. The sheet has 8,000 pixels on a side and 25 megapixels
    at most: cells of many columns or rows shrink, down to a height of 48 pixels.

    Args:
        cells: rows of columns; None for what is not painted yet.
        columns: the heads above the columns.
        rows: the heads left of the rows; may be empty if there is one row.
        references: shown above the grid, as high as the cells: the photo, the works.
        title: written above all.
        note: written below the title.
        cell_height: at most.

    Returns:
        ``(H, W, 3)`` in 0–1.

    Raises:
        ValueError: there is no cell, the rows are not equally long, or there are more
            or fewer heads than rows or columns.
    """
    _check(cells, columns, rows)
    painted = [panel.aspect for row in cells for panel in row if panel]
    aspect = median(painted or [panel.aspect for panel in references] or [1.0])
    while True:
        page = _Page(cell_height, aspect)
        page.lay_out(cells, columns, rows or [""], references, title or "", note)
        excess = max(
            page.width / MAX_SIDE,
            page.height / MAX_SIDE,
            math.sqrt(page.width * page.height / MAX_PIXELS),
        )
        if excess <= 1 or cell_height <= MIN_CELL:
            return to_pixels(page.draw())
        cell_height = max(MIN_CELL, min(cell_height - 1, int(cell_height / excess)))


def _check(
    cells: Sequence[Sequence[Panel | None]], columns: Sequence[str], rows: Sequence[str]
) -> None:
    if not cells or not cells[0]:
        raise ValueError("a grid needs at least one cell")
    if any(len(row) != len(cells[0]) for row in cells):
        raise ValueError("the rows of a grid are equally long")
    if len(columns) != len(cells[0]):
        raise ValueError(f"{len(cells[0])} columns have {len(columns)} heads")
    if len(rows) != len(cells) and (rows or len(cells) > 1):
        raise ValueError(f"{len(cells)} rows have {len(rows)} heads")


# Pictures side by side, equally high: a panel, None for an empty cell, and its width.
_Band = Sequence[tuple[Panel | None, int]]


class _Page:
    """A page whose cells have a height; drawn only when its size is known to fit.

    Args:
        side: the height of all pictures.
        aspect: a cell's width by its height.
    """

    def __init__(self, side: int, aspect: float) -> None:
        self.side, self.cell_width = side, max(1, round(side * aspect))
        self.margin = max(12, side // 12)
        self.gap, self.row_gap = max(4, side // 22), max(8, side // 14)
        self.title_font = load_font(max(14, round(side / 14)), bold=True)
        self.head_font = load_font(max(10, round(side / 20)), bold=True)
        self.caption_font = load_font(max(10, round(side / 22)))
        self.width = self.height = 0
        self.steps: list[Callable[[Image.Image], None]] = []

    def draw(self) -> Image.Image:
        """Draw what is laid out."""
        image = Image.new("RGB", (self.width, self.height), BACKGROUND)
        for step in self.steps:
            step(image)
        return image

    def lay_out(
        self,
        cells: Sequence[Sequence[Panel | None]],
        columns: Sequence[str],
        rows: Sequence[str],
        references: Sequence[Panel],
        title: str,
        note: str,
    ) -> None:
        """Place everything from top to bottom, and find the page's size."""
        bands = [[(panel, self.cell_width) for panel in row] for row in cells]
        above = self._split_references(references, self._band_width(bands[0]))
        width = max(map(self._band_width, (*above, bands[0])))
        heads = self._wrap_row_heads(rows)
        lengths = [self.head_font.getlength(line) for head in heads for line in head]
        left = self.margin + (math.ceil(max(lengths)) + self.gap if lengths else 0)
        right, top = left + width, self.margin
        if lines := wrap_text(title, self.title_font, right - top, TITLE_LINES):
            self._write(lines, self.title_font, self.margin, top)
            top += len(lines) * line_height(self.title_font) + self.row_gap
        if lines := wrap_text(note, self.caption_font, right - self.margin, NOTE_LINES):
            self._write(lines, self.caption_font, self.margin, top, color=MUTED)
            top += len(lines) * line_height(self.caption_font) + self.row_gap
        for band in above:
            top = self._place_band(band, left, top) + self.row_gap
        if above:
            rule = [(left, top), (right - 1, top)]
            self.steps.append(lambda image: ImageDraw.Draw(image).line(rule, BORDER))
            top += self.row_gap
        top = self._place_column_heads(columns, left, top)
        for head, band in zip(heads, bands, strict=True):
            middle = top + (self.side - len(head) * line_height(self.head_font)) // 2
            self._write(head, self.head_font, left - self.gap, middle, "r")
            top = self._place_band(band, left, top) + self.row_gap
        self.width, self.height = right + self.margin, top - self.row_gap + self.margin

    def _band_width(self, band: _Band) -> int:
        return sum(width + self.gap for _, width in band) - self.gap

    def _split_references(
        self, references: Sequence[Panel], grid_width: int
    ) -> list[_Band]:
        """Split references into bands no wider than the grid, or than three squares."""
        room = max(grid_width, 3 * self.side + 2 * self.gap)
        bands: list[list[tuple[Panel, int]]] = []
        for panel in references:
            picture = panel, max(1, round(self.side * panel.aspect))
            if not bands or self._band_width([*bands[-1], picture]) > room:
                bands.append([])
            bands[-1].append(picture)
        return [*bands]

    def _wrap_row_heads(self, rows: Sequence[str]) -> list[list[str]]:
        step = line_height(self.head_font)
        # Next to tiny cells there is still room for a short word.
        room = max(round(HEAD_WIDTH * max(self.cell_width, self.side)), 8 * step)
        lines = min(HEAD_LINES, max(1, self.side // step))
        return [wrap_text(head, self.head_font, room, lines) for head in rows]

    def _place_column_heads(self, columns: Sequence[str], left: int, top: int) -> int:
        """Write each head over the middle of its column; return the cells' top."""
        font, width = self.head_font, self.cell_width
        heads = [wrap_text(head, font, width, HEAD_LINES) for head in columns]
        bottom = top + max(map(len, heads)) * line_height(font)
        for head in heads:
            y = bottom - len(head) * line_height(font)
            self._write(head, font, left + width // 2, y, "m")
            left += width + self.gap
        return bottom + self.gap // 2

    def _place_band(self, band: _Band, left: int, top: int) -> int:
        """Place pictures with their captions below, and return their bottom."""
        font, step = self.caption_font, line_height(self.caption_font)
        bottom = top + self.side
        for panel, width in band:
            self._place_picture(panel, width, left, top)
            if panel:
                lines = wrap_text(panel.caption, font, width, CAPTION_LINES)
                y = top + self.side + step // 3
                self._write(lines, font, left + width // 2, y, "m")
                bottom = max(bottom, y + len(lines) * step if lines else 0)
            left += width + self.gap
        return bottom

    def _place_picture(
        self, panel: Panel | None, width: int, left: int, top: int
    ) -> None:
        """Place a picture in the middle of its cell, or an empty frame."""
        if panel is None:
            box = (left, top, left + width - 1, top + self.side - 1)
            self.steps.append(
                lambda image: ImageDraw.Draw(image).rectangle(box, outline=BORDER)
            )
            font = self.caption_font
            lines = wrap_text("not painted", font, width)
            y = top + (self.side - len(lines) * line_height(font)) // 2
            self._write(lines, font, left + width // 2, y, "m", MUTED)
            return

        def paste(image: Image.Image) -> None:
            picture = frame_picture(panel.pixels, width, self.side)
            x, y = (width - picture.width) // 2, (self.side - picture.height) // 2
            image.paste(picture, (left + x, top + y))

        self.steps.append(paste)

    def _write(
        self,
        lines: Sequence[str],
        font: Font,
        x: int,
        y: int,
        anchor: Literal["l", "m", "r"] = "l",
        color: Color = TEXT_COLOR,
    ) -> None:
        self.steps.append(
            lambda image: draw_lines(
                ImageDraw.Draw(image), lines, font, (x, y), anchor=anchor, color=color
            )
        )
