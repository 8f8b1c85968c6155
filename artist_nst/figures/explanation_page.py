"""One page that explains a painting.

From top to bottom: the pictures it was made from, the losses, the distances to the
work, and the record in words. Sizes are in pixels.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from PIL import Image, ImageDraw

from artist_nst._types import Pixels
from artist_nst.figures.plot import Chart, Curve, plot_bars, plot_curves
from artist_nst.figures.sheet import Panel, draw_row
from artist_nst.figures.text_layout import (
    BACKGROUND,
    MUTED,
    draw_lines,
    line_height,
    load_font,
    render_text,
    replace_missing_glyphs,
    stack_vertically,
    to_image,
    to_pixels,
    wrap_text,
)

WIDTH, MARGIN, GAP = 1600, 32, 16
INNER = WIDTH - 2 * MARGIN
MAX_PANEL_HEIGHT, MIN_PANEL_HEIGHT = 560, 200  # rather than lower, there are more rows
FONT_SIZE, TITLE_SIZE = 16, 26
COLUMN_GAP = 48  # between the columns of facts
KEY_LINES, VALUE_LINES, TITLE_LINES = 2, 6, 2

_Fact = tuple[list[str], list[str]]  # the lines of a key and of its value


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a page shows of a painting; any part may be empty, and is left out.

    Attributes:
        panels: the photo, the works, the painting.
        terms: the loss and its terms over the iterations.
        layers: the loss of each layer over the iterations.
        levels: the iterations at which a level of the pyramid starts.
        before: the photo's distance to the work, by style layer.
        after: the painting's.
        facts: the record's keys and values.
        title: written above all.
    """

    panels: Sequence[Panel]
    terms: Sequence[Curve]
    layers: Sequence[Curve]
    levels: Sequence[float]
    before: Mapping[str, float]
    after: Mapping[str, float]
    facts: Sequence[tuple[str, str]]
    title: str


def draw_explanation(explanation: Explanation) -> Pixels:
    """Draw the page.

    Returns:
        ``(H, 1600, 3)`` in 0–1; the height is as needed.
    """
    title_font = load_font(TITLE_SIZE, bold=True)
    bands = [
        render_text(explanation.title, INNER, title_font, TITLE_LINES),
        *_draw_panels(explanation.panels),
        *_plot_losses(explanation),
        *_plot_distances(explanation),
        *_write_facts(explanation.facts),
    ]
    return to_pixels(stack_vertically(bands, MARGIN))


def _draw_panels(panels: Sequence[Panel]) -> list[Image.Image]:
    """Draw rows of pictures as wide as the page, unless that makes them too high."""
    if not panels:
        return []
    for count in range(1, len(panels) + 1):
        size = math.ceil(len(panels) / count)
        rows = [panels[start : start + size] for start in range(0, len(panels), size)]
        height = min(map(_row_height, rows))
        if height >= MIN_PANEL_HEIGHT:
            break
    # A last row of fewer panels is not much higher than the others.
    highest = min(MAX_PANEL_HEIGHT, 1.25 * height)
    font = load_font(FONT_SIZE)
    return [draw_row(row, min(highest, _row_height(row)), GAP, font) for row in rows]


def _row_height(row: Sequence[Panel]) -> float:
    """Return the height at which panels fill the page's width."""
    return (INNER - GAP * (len(row) - 1)) / sum(panel.aspect for panel in row)


def _plot_losses(explanation: Explanation) -> list[Image.Image]:
    titles = {"Losses": explanation.terms, "Losses per layer": explanation.layers}
    charts = [
        Chart(title, curves, explanation.levels)
        for title, curves in titles.items()
        if curves
    ]
    if not charts:
        return []
    marks = " (vertical lines: a new level starts)" if explanation.levels else ""
    pixels = plot_curves(charts, x_label="iteration" + marks, width=INNER, height=440)
    return [to_image(pixels)]


def _plot_distances(explanation: Explanation) -> list[Image.Image]:
    series = {
        "before: the photo": explanation.before,
        "after: the painting": explanation.after,
    }
    series = {label: values for label, values in series.items() if values}
    if not series:
        return []
    title = "Gram distance to the work, per layer"
    return [to_image(plot_bars(title, series, width=INNER, height=360))]


def _write_facts(facts: Sequence[tuple[str, str]]) -> list[Image.Image]:
    """Write the record in two columns of about equal height, under a head."""
    if not facts:
        return []
    font, column = load_font(FONT_SIZE), (INNER - COLUMN_GAP) // 2
    longest = max(font.getlength(replace_missing_glyphs(key, font)) for key, _ in facts)
    key_width = min(math.ceil(longest), column // 3) + GAP
    wrapped = [
        (
            wrap_text(key, font, key_width - GAP, KEY_LINES),
            wrap_text(value, font, column - key_width, VALUE_LINES),
        )
        for key, value in facts
    ]
    head = render_text("The record in words", INNER, load_font(FONT_SIZE, bold=True))
    columns = _split_columns(wrapped)
    top = head.height + GAP // 2
    height = top + max(sum(map(_fact_height, facts)) for facts in columns)
    band = Image.new("RGB", (INNER, height), BACKGROUND)
    band.paste(head)
    draw = ImageDraw.Draw(band)
    for left, lines in zip((0, column + COLUMN_GAP), columns, strict=True):
        y = top
        for key, value in lines:
            draw_lines(draw, key, font, (left, y), color=MUTED)
            draw_lines(draw, value, font, (left + key_width, y))
            y += _fact_height((key, value))
    return [band]


def _split_columns(facts: Sequence[_Fact]) -> tuple[Sequence[_Fact], Sequence[_Fact]]:
    """Split facts such that the higher column is as low as can be."""
    heights = list(accumulate(map(_fact_height, facts)))
    higher = [max(height, heights[-1] - height) for height in heights]
    count = len(facts) - higher[::-1].index(min(higher))
    return facts[:count], facts[count:]


def _fact_height(fact: _Fact) -> int:
    """Return the height of a key and its value, with the space below."""
    return max(1, *map(len, fact)) * line_height(load_font(FONT_SIZE)) + 6
