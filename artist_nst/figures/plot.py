"""Plots with log axes: losses over the iterations, and bars side by side.

matplotlib draws them through its object-oriented interface, so no state is kept between
plots and no display is needed. It is imported when the first plot is drawn. A user's
``matplotlibrc`` is ignored: the same input gives the same pixels.
"""

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from artist_nst._types import Pixels
from artist_nst.figures.text_layout import (
    MUTED,
    TEXT_COLOR,
    load_font,
    replace_missing_glyphs,
    truncate,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colors, which can be told apart with every kind of color vision,
# without their yellow, which is hard to see on white.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9")
# One for each round of the palette.
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1, 1.5)),
    (0, (6, 2, 1, 2)),
    (0, (10, 3)),
    (0, (3, 1.5, 1, 1.5, 1, 1.5)),
)
MAX_NAMED = 40  # curves; a longer legend could not be read

DPI = 72  # makes a point, matplotlib's unit, one pixel
FONT_SIZE, TITLE_SIZE = 12, 16  # pixels
LINE_SPACING = 1.5  # of a legend, by its font size
HANDLE_WIDTH = 65  # of a legend's entry without its text, in pixels
LEGEND_SHARE = 0.4  # of a plot's height at most
AXIS_WIDTH, AXIS_HEIGHT = 90, 44  # pixels beside and below a chart for its axes' labels
MIN_SLOTS = 4  # groups of bars that share a plot's width at least
NAME_SHARE = 0.35  # of a plot's height at most, where group names are upright

# Where a legend is, in matplotlib's arguments; the layout makes room for it.
BELOW_ALL = {"loc": "outside lower center"}
BELOW_AXES = {
    "loc": "upper center",
    "bbox_to_anchor": (0.5, 0),
    "borderaxespad": AXIS_HEIGHT / FONT_SIZE,
}

_style_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Curve:
    """Values over iterations, or over anything else.

    Attributes:
        label: its name in the legend; curves of the same label look the same.
        x: as many as ``y``.
        y: any numbers; what a log axis cannot show is left out.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise ValueError(f"a curve has {len(self.x)} x and {len(self.y)} y")

    def drawable_points(self) -> list[tuple[float, float]]:
        """Return the points (x, y) that are finite, with y above zero."""
        points = zip(self.x, self.y, strict=True)
        return [(x, y) for x, y in points if math.isfinite(x) and _is_positive(y)]


@dataclass(frozen=True, slots=True)
class Chart:
    """One pair of axes.

    Attributes:
        marks: x of thin vertical lines.
    """

    title: str
    curves: Sequence[Curve]
    marks: Sequence[float] = ()

    @property
    def labels(self) -> list[str]:
        """The labels of the curves that have something to show, each once."""
        shown = [curve.label for curve in self.curves if curve.drawable_points()]
        return list(dict.fromkeys(shown))


def plot_curves(
    charts: Sequence[Chart], *, x_label: str, width: int = 1400, height: int = 480
) -> Pixels:
    """Plot charts side by side, with log y axes.

    Values that are not finite or not above zero are left out. The legend is below: one
    for all charts if a label is in several of them, else one for each. More than 40
    curves are counted there, not named.

    Args:
        charts: at least one; one without anything to show says so.
        x_label: below every chart.
        width: of all together, in pixels.
        height: of all together, with the legend, in pixels.

    Returns:
        ``(height, width, 3)`` in 0–1.

    Raises:
        ValueError: there are no charts.
    """
    if not charts:
        raise ValueError("a plot needs at least one chart")
    labels = [label for chart in charts for label in chart.labels]
    shared = len(labels) > len({*labels})
    column = width / len(charts)
    with _new_figure(width, height) as figure:
        lines: dict[str, Any] = {}
        for place, chart in enumerate(charts, 1):
            axes = figure.add_subplot(1, len(charts), place)
            _set_title(axes, chart.title, column)
            styles = _assign_styles(labels if shared else chart.labels)
            drawn = _draw_chart(axes, chart, styles, x_label)
            if not shared:
                _add_legend(axes, drawn, column, height, **BELOW_AXES)
            lines |= drawn
        if shared:
            _add_legend(figure, lines, width, height, **BELOW_ALL)
        return _render(figure)


def plot_bars(
    title: str,
    series: Mapping[str, Mapping[str, float]],
    *,
    width: int = 1400,
    height: int = 320,
) -> Pixels:
    """Plot bars in groups on a log axis, with their values above them.

    A value that is not above zero has no bar, and is written where it would be.

    Args:
        title: written above.
        series: a value for each group's name, by the series' label; a group may lack
            any of them.
        width: in pixels.
        height: in pixels.

    Returns:
        ``(height, width, 3)`` in 0–1.
    """
    names = list(dict.fromkeys(name for values in series.values() for name in values))
    slots = max(len(names), MIN_SLOTS)
    slot = (width - AXIS_WIDTH) / slots
    font = load_font(FONT_SIZE)
    shown = [truncate(_one_line(name), font, NAME_SHARE * height) for name in names]
    with _new_figure(width, height) as figure:
        axes = figure.add_subplot()
        _set_title(axes, title, width)
        if bars := _draw_bars(axes, series, names, slot):
            upright = max(map(font.getlength, shown)) > 0.95 * slot
            axes.set_xticks(range(len(names)), shown, rotation=90 if upright else 0)
            axes.tick_params(axis="x", length=0)
            axes.grid(False, axis="x")
            middle = (len(names) - 1) / 2
            axes.set_xlim(middle - slots / 2, middle + slots / 2)
            _add_legend(figure, bars, width, height, **BELOW_ALL)
        return _render(figure)


@contextmanager
def _new_figure(width: int, height: int) -> Iterator["Figure"]:
    """Make a figure, and set our style for the whole process while it is drawn."""
    import matplotlib.style
    from matplotlib.figure import Figure

    text, muted = ("#{:02x}{:02x}{:02x}".format(*c) for c in (TEXT_COLOR, MUTED))
    labels = ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor")
    style = {
        **dict.fromkeys(labels, text),
        **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), muted),
        "grid.color": "#e4e4e4",
        "font.family": "DejaVu Sans",
        "font.size": FONT_SIZE,
        "text.parse_math": False,
        "axes.titlesize": TITLE_SIZE,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.xmargin": 0.02,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "figure.constrained_layout.use": True,
        "figure.constrained_layout.w_pad": 12 / DPI,
        "figure.constrained_layout.h_pad": 8 / DPI,
    }
    with _style_lock, matplotlib.style.context(["default", style]):
        yield Figure(figsize=(width / DPI, height / DPI), dpi=DPI)


def _render(figure: "Figure") -> Pixels:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.float64)[..., :3] / 255


def _assign_styles(labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Give every label a color and dashes: each color once before any is dashed."""
    styles = [
        {"linestyle": dash, "color": color} for dash in DASHES for color in PALETTE
    ]
    return dict(zip(dict.fromkeys(labels), cycle(styles), strict=False))


def _draw_chart(
    axes: "Axes", chart: Chart, styles: Mapping[str, Mapping[str, Any]], x_label: str
) -> dict[str, Any]:
    """Draw a chart's curves and marks, and return a line for each label."""
    if not chart.labels:
        return _draw_nothing(axes)
    axes.set_yscale("log")
    axes.set_xlabel(_one_line(x_label))
    for mark in filter(math.isfinite, chart.marks):
        axes.axvline(mark, color="gray", linewidth=0.7)
    lines: dict[str, Any] = {}
    all_x: list[float] = []
    for curve in chart.curves:
        if points := curve.drawable_points():
            x, y = zip(*points, strict=True)
            marker = "o" if len(x) == 1 else ""  # a line needs two points
            style = styles[curve.label]
            (lines[curve.label],) = axes.plot(x, y, marker=marker, **style)
            all_x += x
    if len({*all_x}) == 1:
        axes.set_xlim(all_x[0] - 1, all_x[0] + 1)
    axes.locator_params("x", integer=all(float(x).is_integer() for x in all_x))
    _label_log_axis(axes)
    return lines


def _draw_bars(
    axes: "Axes",
    series: Mapping[str, Mapping[str, float]],
    names: Sequence[str],
    slot: float,
) -> dict[str, Any]:
    """Draw bars in groups ``slot`` pixels apart, and return them for each label."""
    values = [value for bars in series.values() for value in bars.values()]
    if not any(map(_is_positive, values)):
        return _draw_nothing(axes)
    lowest = min(filter(_is_positive, values)) / 2
    share = 0.8 / len(series)
    font = load_font(FONT_SIZE - 1)
    upright = max(font.getlength(f"{v:.2g}") for v in values) > share * slot
    drawn = {}
    for place, (label, bars) in enumerate(series.items()):
        drawn[label] = axes.bar(
            [names.index(name) + share * (place + 0.5) - 0.4 for name in bars],
            [value - lowest if _is_positive(value) else 0 for value in bars.values()],
            0.92 * share,
            lowest,
            color=PALETTE[place % len(PALETTE)],
        )
        axes.bar_label(
            drawn[label],
            [f"{value:.2g}" for value in bars.values()],
            padding=2,
            fontsize=FONT_SIZE - 1,
            rotation=90 if upright else 0,
        )
    axes.set_yscale("log")
    axes.margins(y=0.4 if upright else 0.12)  # room for the highest bar's value
    _label_log_axis(axes)
    return drawn


def _label_log_axis(axes: "Axes") -> None:
    """Write numbers on the y axis: between powers of ten, too, where these are few."""
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    low, high = axes.get_ylim()
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.6g}"))
    if high < 1000 * low:
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axes.yaxis.set_minor_formatter(StrMethodFormatter("{x:.6g}"))


def _add_legend(
    parent: "Figure | Axes",
    handles: Mapping[str, Any],
    width: float,
    height: float,
    **place: Any,
) -> None:
    """Name lines or bars below a figure, or below a chart of that width."""
    if not handles:
        return
    columns, names = _fit_labels([*handles], width, height)
    legend = parent.legend(
        [*handles.values()] if names else [],
        ["" for _ in names],
        title=None if names else f"{len(handles)} curves",
        ncols=columns,
        handlelength=2.6,
        labelspacing=LINE_SPACING - 1.2,
        **place,
    )
    # Afterwards, because matplotlib ignores labels that begin with an underscore.
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)


def _fit_labels(
    labels: Sequence[str], width: float, height: float
) -> tuple[int, list[str]]:
    """Return a legend's columns, and its labels as they fit in; no labels if too many.

    There are as few rows as the labels' lengths allow. Labels are cut where there would
    be too many rows.
    """
    count = len(labels)
    if count > MAX_NAMED:
        return 1, []
    font = load_font(FONT_SIZE)
    names = [_one_line(label) for label in labels]
    columns = int(width / (max(map(font.getlength, names)) + HANDLE_WIDTH))
    max_rows = max(1, int(LEGEND_SHARE * height / (LINE_SPACING * FONT_SIZE)))
    columns = min(max(columns, math.ceil(count / max_rows), 1), count)
    # Full rows rather than as many columns as there is room for.
    columns = math.ceil(count / math.ceil(count / columns))
    room = width / columns - HANDLE_WIDTH
    return columns, [truncate(name, font, room) for name in names]


def _is_positive(value: float) -> bool:
    return math.isfinite(value) and value > 0


def _one_line(text: str) -> str:
    """Return the text on one line, in letters that the font has."""
    return " ".join(replace_missing_glyphs(text, load_font(FONT_SIZE)).split())


def _set_title(axes: "Axes", title: str, width: float) -> None:
    font = load_font(TITLE_SIZE, bold=True)
    axes.set_title(truncate(_one_line(title), font, width - AXIS_WIDTH))


def _draw_nothing(axes: "Axes") -> dict[str, Any]:
    axes.set(xticks=[], yticks=[])
    axes.text(
        0.5, 0.5, "nothing to show", ha="center", color="gray", transform=axes.transAxes
    )
    return {}
