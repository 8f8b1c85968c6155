"""The grid that a comparison is read from: settings in rows and columns, with heads.

Above the grid stand the pictures that all cells were made of. All is drawn as one
Pillow picture; sizes are in pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from PIL import Image, ImageDraw, ImageOps

from artist_nst._types import Pixels
from artist_nst.figures.sheet import Panel
from artist_nst.figures.text_layout import (
    FRAME,
    PALE,
    PAPER,
    Font,
    font_of,
    line_height,
    picture_of,
    pixels_of,
    wrapped,
    write,
)

# Of a sheet; cells shrink to keep to them. The floats of the largest take 600 MB.
LONGEST_SIDE = 8_000
LARGEST_SHEET = 25_000_000

SMALLEST = 48  # a cell's height, below which nothing shrinks
HEAD_WIDTH = 0.45  # of a row's head at most, by the longer side of a cell
HEAD_LINES, CAPTION_LINES, TITLE_LINES = 5, 3, 3

Size = tuple[int, int]


def grid(
    cells: Sequence[Sequence[Panel | None]],
    *,
    columns: Sequence[str],
    rows: Sequence[str] = (),
    beside: Sequence[Panel] = (),
    title: str | None = None,
    side: int = 320,
) -> Pixels:
    """A labelled sheet of what came of which settings.

    All cells have the same box, whose aspect is the pictures' own as far as a sheet
    allows; every picture fills it as far as its own aspect does, and is centred.
    The sheet has 8,000 pixels on a side and 25 megapixels at most: with many columns
    or rows the cells are smaller, down to a height of 48 pixels.

    Args:
        cells: rows of columns; None for what is not painted yet.
        columns: what is written above each column.
        rows: what is written left of each row; may be empty where there is one row.
        beside: shown above the grid, as high as the cells: the photo, the works.
        title: written above all.
        side: the height of a cell at most.
    Returns:
        ``(H, W, 3)`` in 0–1.
    Raises:
        ValueError: there is no cell, the rows are not equally long, or there are more
            or fewer heads than rows or columns.
    """
    _check(cells, columns, rows)
    sheet = _Sheet(cells, columns, rows, beside, title)
    return pixels_of(_drawn(_plan(sheet, side)))


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What is to be shown."""

    cells: Sequence[Sequence[Panel | None]]
    columns: Sequence[str]
    rows: Sequence[str]
    beside: Sequence[Panel]
    title: str | None

    @property
    def aspect(self) -> float:
        """A cell's width by its height."""
        painted = [panel.aspect for row in self.cells for panel in row if panel]
        return median(painted or [panel.aspect for panel in self.beside] or [1.0])


@dataclass(frozen=True, slots=True)
class _Picture:
    """A panel, None for an empty cell, with its box and the lines of its caption."""

    panel: Panel | None
    size: Size
    caption: list[str]


_Band = list[_Picture]  # side by side, equally high


@dataclass(frozen=True, slots=True)
class _Scale:
    """The fonts and distances that go with cells of a height."""

    side: int

    @property
    def head(self) -> Font:
        return font_of(max(10, round(self.side / 20)), bold=True)

    @property
    def caption(self) -> Font:
        return font_of(max(10, round(self.side / 22)))

    @property
    def title(self) -> Font:
        return font_of(max(14, round(self.side / 14)), bold=True)

    @property
    def gap(self) -> int:
        """Between columns."""
        return max(4, self.side // 22)

    @property
    def lead(self) -> int:
        """Between rows."""
        return max(8, self.side // 14)

    @property
    def margin(self) -> int:
        return max(12, self.side // 12)

    def width_of(self, band: _Band) -> int:
        """Of pictures side by side."""
        return sum(one.size[0] + self.gap for one in band) - self.gap


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where everything goes: bands from top to bottom, cells from left to right."""

    scale: _Scale
    title: list[str]
    beside: list[_Band]
    columns: list[list[str]]
    rows: list[list[str]]
    cells: list[_Band]

    @property
    def left(self) -> int:
        """Where the cells begin."""
        return self.scale.margin + _heads_width(self.rows, self.scale)

    @property
    def width(self) -> int:
        widest = max(self.scale.width_of(band) for band in (*self.beside, *self.cells))
        return self.left + widest + self.scale.margin

    @property
    def heads(self) -> int:
        """The height of the columns' heads."""
        lines = max(len(head) for head in self.columns)
        return lines * line_height(self.scale.head) + self.scale.gap // 2

    @property
    def above(self) -> int:
        """The height of all above the columns' heads, with the paper's margin."""
        height = self.scale.margin
        if self.title:
            height += len(self.title) * line_height(self.scale.title) + self.scale.lead
        if self.beside:
            bands = sum(map(self.height_of, self.beside))
            height += bands + (len(self.beside) + 1) * self.scale.lead
        return height

    @property
    def height(self) -> int:
        bands = sum(map(self.height_of, self.cells))
        between = (len(self.cells) - 1) * self.scale.lead
        return self.above + self.heads + bands + between + self.scale.margin

    def height_of(self, band: _Band) -> int:
        """Of its pictures and their captions."""
        lines = max(len(picture.caption) for picture in band)
        step = line_height(self.scale.caption)
        return self.scale.side + (lines * step + step // 3 if lines else 0)


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


def _plan(sheet: _Sheet, side: int) -> _Plan:
    """The plan with the largest cells, up to that height, that the limits allow."""
    least = min(side, SMALLEST)
    while True:
        plan = _planned(sheet, side)
        width, height = plan.width, plan.height
        excess = max(
            width / LONGEST_SIDE,
            height / LONGEST_SIDE,
            math.sqrt(width * height / LARGEST_SHEET),
        )
        if excess <= 1 or side == least:
            return plan
        side = max(least, min(side - 1, int(side / excess)))


def _planned(sheet: _Sheet, side: int) -> _Plan:
    """The plan with cells of a height."""
    scale = _Scale(side)
    size = max(1, round(side * sheet.aspect)), side
    cells = [[_picture(panel, size, scale) for panel in row] for row in sheet.cells]
    # In tiny cells there is still room for a short word.
    room = max(round(HEAD_WIDTH * max(size)), 8 * line_height(scale.head))
    lines = min(HEAD_LINES, max(1, side // line_height(scale.head)))
    rows = [wrapped(head, scale.head, room, lines) for head in sheet.rows or [""]]
    beside = _beside(sheet.beside, scale, scale.width_of(cells[0]))
    width = max(scale.width_of(band) for band in (*beside, cells[0]))
    return _Plan(
        scale,
        title=wrapped(
            sheet.title or "",
            scale.title,
            _heads_width(rows, scale) + width,
            TITLE_LINES,
        ),
        beside=beside,
        columns=[
            wrapped(head, scale.head, size[0], HEAD_LINES) for head in sheet.columns
        ],
        rows=rows,
        cells=cells,
    )


def _heads_width(rows: Sequence[Sequence[str]], scale: _Scale) -> int:
    """Of the rows' heads, with the gap to the cells."""
    lengths = [scale.head.getlength(line) for head in rows for line in head]
    return math.ceil(max(lengths)) + scale.gap if lengths else 0


def _beside(panels: Sequence[Panel], scale: _Scale, width: int) -> list[_Band]:
    """The panels in bands no wider than the grid, or than three squares."""
    room = max(width, 3 * scale.side + 2 * scale.gap)
    bands: list[_Band] = []
    for panel in panels:
        size = max(1, round(scale.side * panel.aspect)), scale.side
        picture = _picture(panel, size, scale)
        if not bands or scale.width_of([*bands[-1], picture]) > room:
            bands.append([])
        bands[-1].append(picture)
    return bands


def _picture(panel: Panel | None, size: Size, scale: _Scale) -> _Picture:
    label = panel.label if panel else ""
    return _Picture(panel, size, wrapped(label, scale.caption, size[0], CAPTION_LINES))


def _drawn(plan: _Plan) -> Image.Image:
    """The whole sheet."""
    scale = plan.scale
    page = Image.new("RGB", (plan.width, plan.height), PAPER)
    draw = ImageDraw.Draw(page)
    top = scale.margin
    if plan.title:
        write(draw, plan.title, scale.title, (scale.margin, top))
        top += len(plan.title) * line_height(scale.title) + scale.lead
    for band in plan.beside:
        _put_band(page, band, plan, top)
        top += plan.height_of(band) + scale.lead
    if plan.beside:
        draw.line([(plan.left, top), (plan.width - scale.margin - 1, top)], FRAME)
    top = plan.above + plan.heads
    _put_columns(draw, plan, top - scale.gap // 2)
    for head, band in zip(plan.rows, plan.cells, strict=True):
        middle = top + (scale.side - len(head) * line_height(scale.head)) // 2
        at = plan.left - scale.gap, middle
        write(draw, head, scale.head, at, anchor="r")
        _put_band(page, band, plan, top)
        top += plan.height_of(band) + scale.lead
    return page


def _put_columns(draw: ImageDraw.ImageDraw, plan: _Plan, bottom: int) -> None:
    """The columns' heads, each over the middle of its column."""
    font, left = plan.scale.head, plan.left
    for head, picture in zip(plan.columns, plan.cells[0], strict=True):
        width, _ = picture.size
        at = left + width // 2, bottom - len(head) * line_height(font)
        write(draw, head, font, at, anchor="m")
        left += width + plan.scale.gap


def _put_band(page: Image.Image, band: _Band, plan: _Plan, top: int) -> None:
    """Pictures in the middle of their boxes, with their captions below."""
    font, left = plan.scale.caption, plan.left
    draw = ImageDraw.Draw(page)
    for picture in band:
        width, height = picture.size
        shown = _shown(picture, font)
        offset = (width - shown.width) // 2, (height - shown.height) // 2
        page.paste(shown, (left + offset[0], top + offset[1]))
        under = left + width // 2, top + height + line_height(font) // 3
        write(draw, picture.caption, font, under, anchor="m")
        left += width + plan.scale.gap


def _shown(picture: _Picture, font: Font) -> Image.Image:
    """The picture in a thin frame, as large as its box allows."""
    width, height = (max(1, room - 2) for room in picture.size)
    if picture.panel is None:
        shown = _empty(width, height, font)
    else:
        shown = _fitted(picture_of(picture.panel.pixels), width, height)
    return ImageOps.expand(shown, border=1, fill=FRAME)


def _fitted(picture: Image.Image, width: int, height: int) -> Image.Image:
    factor = min(width / picture.width, height / picture.height)
    fitted = round(factor * picture.width), round(factor * picture.height)
    # A box was rounded from its picture's aspect: then it is filled to the pixel.
    size = [
        room if room - side <= 2 else max(1, side)
        for room, side in zip((width, height), fitted, strict=True)
    ]
    return picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)


def _empty(width: int, height: int, font: Font) -> Image.Image:
    """Where there is no picture yet."""
    cell = Image.new("RGB", (width, height), PAPER)
    lines = wrapped("not painted", font, width)
    at = width // 2, (height - len(lines) * line_height(font)) // 2
    write(ImageDraw.Draw(cell), lines, font, at, anchor="m", ink=PALE)
    return cell
