"""One picture that explains a painting: what it was made of, how the losses fell, how
near it came to the work, and the record in words.

Bands from top to bottom, left-aligned on white; sizes are in pixels.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from PIL import Image, ImageDraw

from artist_nst._types import Pixels
from artist_nst.figures.plot import Chart, Curve, bars, curves
from artist_nst.figures.sheet import Panel, row_band
from artist_nst.figures.text_layout import (
    PALE,
    PAPER,
    font_of,
    line_height,
    picture_of,
    pixels_of,
    spelt,
    stack,
    text_band,
    wrapped,
    write,
)

WIDTH, MARGIN, GAP = 1600, 32, 16
INNER = WIDTH - 2 * MARGIN
HIGHEST, LOWEST = 560, 200  # panels; rather than lower ones there are more rows
TEXT, TITLE = 16, 26  # letters
COLUMN_GAP = 48  # between the columns of words
KEY_LINES, VALUE_LINES, TITLE_LINES = 2, 6, 2

_Lines = tuple[list[str], list[str]]  # of a key and of its value


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is to be told of a painting; any part may be empty, and is left out.

    Attributes:
        panels: the photo, the works, the painting.
        terms: the loss and its terms over the iterations.
        layers: the loss of each layer over the iterations.
        levels: the iterations at which a level of the pyramid starts.
        before: the photo's distance to the work at each style layer, by the layer.
        after: the painting's.
        words: what the record says: keys and values.
        title: written above all.
    """

    panels: Sequence[Panel]
    terms: Sequence[Curve]
    layers: Sequence[Curve]
    levels: Sequence[float]
    before: Mapping[str, float]
    after: Mapping[str, float]
    words: Sequence[tuple[str, str]]
    title: str


def explained(page: Explanation) -> Pixels:
    """All that there is to tell on one page.

    Returns:
        ``(H, 1600, 3)`` in 0–1; the height is as needed.
    """
    bands = [
        text_band(page.title, INNER, font_of(TITLE, bold=True), TITLE_LINES),
        *_panels(page.panels),
        *_losses(page),
        *_distances(page),
        *_words(page.words),
    ]
    return pixels_of(stack(bands, MARGIN))


def _panels(panels: Sequence[Panel]) -> list[Image.Image]:
    """Rows of pictures as wide as the page, where that does not make them too high."""
    if not panels:
        return []
    for count in range(1, len(panels) + 1):
        size = math.ceil(len(panels) / count)
        rows = [panels[start : start + size] for start in range(0, len(panels), size)]
        height = min(map(_row_height, rows))
        if height >= LOWEST:
            break
    # A last row of fewer panels does not tower over the others.
    highest = min(HIGHEST, 1.25 * height)
    return [
        row_band(row, min(highest, _row_height(row)), GAP, font_of(TEXT))
        for row in rows
    ]


def _row_height(row: Sequence[Panel]) -> float:
    """Of panels that fill the page's width."""
    return (INNER - GAP * (len(row) - 1)) / sum(panel.aspect for panel in row)


def _losses(page: Explanation) -> list[Image.Image]:
    charts = [
        Chart(title, shown, page.levels)
        for title, shown in (("Losses", page.terms), ("Losses per layer", page.layers))
        if shown
    ]
    if not charts:
        return []
    label = "iteration (thin upright lines: a new level starts)"
    x_label = label if page.levels else "iteration"
    return [picture_of(curves(charts, x_label=x_label, width=INNER, height=440))]


def _distances(page: Explanation) -> list[Image.Image]:
    series = {"before: the photo": page.before, "after: the painting": page.after}
    series = {label: values for label, values in series.items() if values}
    if not series:
        return []
    title = "Gram distance to the work, per layer"
    return [picture_of(bars(title, series, width=INNER, height=360))]


def _words(words: Sequence[tuple[str, str]]) -> list[Image.Image]:
    """The record in two columns of about equal height, under its head."""
    if not words:
        return []
    font, column = font_of(TEXT), (INNER - COLUMN_GAP) // 2
    longest = max(font.getlength(spelt(key, font)) for key, _ in words)
    key_width = min(math.ceil(longest), column // 3) + GAP
    lines = [
        (
            wrapped(key, font, key_width - GAP, KEY_LINES),
            wrapped(value, font, column - key_width, VALUE_LINES),
        )
        for key, value in words
    ]
    head = text_band("The record in words", INNER, font_of(TEXT, bold=True))
    top = head.height + GAP // 2
    columns = _halves(lines)
    height = max(sum(map(_height, half)) for half in columns)
    band = Image.new("RGB", (INNER, top + height), PAPER)
    band.paste(head)
    for left, half in zip((0, column + COLUMN_GAP), columns, strict=True):
        _write_words(ImageDraw.Draw(band), half, (left, top), key_width)
    return [band]


def _halves(lines: Sequence[_Lines]) -> tuple[Sequence[_Lines], Sequence[_Lines]]:
    """Two columns, the higher one as low as can be, and rather the first."""
    heights = list(accumulate(map(_height, lines)))
    higher = [max(height, heights[-1] - height) for height in heights]
    count = len(lines) - higher[::-1].index(min(higher))
    return lines[:count], lines[count:]


def _write_words(
    draw: ImageDraw.ImageDraw,
    lines: Sequence[_Lines],
    at: tuple[int, int],
    key_width: int,
) -> None:
    left, top = at
    for key, value in lines:
        write(draw, key, font_of(TEXT), (left, top), ink=PALE)
        write(draw, value, font_of(TEXT), (left + key_width, top))
        top += _height((key, value))


def _height(lines: _Lines) -> int:
    """Of a key and its value, with the space below."""
    return max(1, *map(len, lines)) * line_height(font_of(TEXT)) + 6
