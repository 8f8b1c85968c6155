"""A plot of values with their intervals, as an SVG that follows its page's colors."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artist_nst.figures.text_layout import load_font, replace_missing_glyphs, truncate

WIDTH = 760  # pixels, of which DPI make an inch
DPI = 72
FONT_SIZE = 12
ROW_HEIGHT = 26
AXIS_HEIGHT = 52  # below the rows
MAX_LABEL = 220  # pixels of a row's label
GAP = 12  # between it and the axis
FONT = {"fontfamily": "DejaVu Sans", "fontsize": FONT_SIZE, "parse_math": False}

# Stand for the page's colors, which differ in the dark.
VARIABLES = {"#010101": "--ink", "#020202": "--accent", "#030303": "--line"}
INK, ACCENT, LINE = VARIABLES


@dataclass(frozen=True, slots=True)
class Row:
    """A value with its interval; what is NaN is not drawn."""

    label: str
    value: float
    interval: tuple[float, float]


def plot_intervals(
    rows: Sequence[Row], x_label: str, ticks: Mapping[float, str]
) -> str:
    """Plot rows from top to bottom.

    Args:
        rows: One or more.
        x_label: Below the axis.
        ticks: Texts at values, which the axis spans; if empty, it fits the rows.

    Returns:
        An ``<svg>`` element, whose colors are the variables ``--ink``, ``--accent`` and
        ``--line`` of the page's style.
    """
    # Late, because importing matplotlib is slow.
    from matplotlib.figure import Figure

    font = load_font(FONT_SIZE)
    labels = [
        truncate(replace_missing_glyphs(row.label, font), font, MAX_LABEL)
        for row in rows
    ]
    height = len(rows) * ROW_HEIGHT + AXIS_HEIGHT
    left = (max(map(font.getlength, labels)) + 2 * GAP) / WIDTH
    bottom = AXIS_HEIGHT / height
    figure = Figure((WIDTH / DPI, height / DPI), dpi=DPI)
    figure.set_layout_engine("none")
    axes = figure.add_axes((left, bottom, 0.95 - left, 1 - bottom))
    axes.patch.set_visible(False)
    figure.patch.set_visible(False)
    for place, row in enumerate(rows):
        _draw_row(axes, place, row)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    if ticks:
        axes.set_xticks([*ticks], [*ticks.values()])
        axes.set_xlim(min(ticks) - 0.1, max(ticks) + 0.1)
    else:
        axes.axvline(0, color=INK, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
    _style_axes(axes, labels, x_label)
    return _render(figure)


def _draw_row(axes: Any, place: int, row: Row) -> None:
    style = {"color": ACCENT, "solid_capstyle": "round"}
    if not math.isnan(row.interval[0]):
        axes.plot(row.interval, (place, place), linewidth=2.5, alpha=0.55, **style)
    axes.plot([row.value], [place], marker="o", markersize=7, zorder=3, **style)


def _style_axes(axes: Any, labels: Sequence[str], x_label: str) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(length=0, pad=GAP)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set(color=INK, **FONT)
    axes.set_xlabel(x_label, color=INK, labelpad=8, **FONT)
    axes.grid(axis="x", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _render(figure: Any) -> str:
    # Not the pyplot interface nor rcParams: other threads may draw at the same time.
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    # Its comments repeat the labels.
    svg = re.sub("<!--.*?-->", "", stream.getvalue(), flags=re.DOTALL)
    for color, variable in VARIABLES.items():
        svg = svg.replace(color, f"var({variable})")
    return svg[svg.index("<svg") :]
