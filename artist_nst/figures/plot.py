"""Plots on paper: losses over the iterations, and bars side by side, on log axes.

matplotlib draws them, by its object-oriented half: nothing is kept between plots and
no screen is asked for. It is imported when the first plot is drawn. What a user's
``matplotlibrc`` says does not count: the same input gives the same pixels.
"""

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from artist_nst._types import Pixels
from artist_nst.figures.text_layout import INK, PALE, Color, font_of, shortened, spelt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colors, told apart with every kind of color vision, without their
# yellow, which white paper swallows.
PALETTE = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#000000",
    "#e69f00",
    "#56b4e9",
)
# One for each round of the palette.
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1, 1.5)),
    (0, (6, 2, 1, 2)),
    (0, (10, 3)),
    (0, (3, 1.5, 1, 1.5, 1, 1.5)),
)
MOST_NAMED = 40  # curves; a legend of more could not be read

DPI = 72  # makes a point, matplotlib's unit, a pixel
TEXT, TITLE = 13, 16  # letters, in pixels
LEFT, RIGHT, TOP, BOTTOM = 66, 20, 34, 54  # around a chart's axes, in pixels
LINE = 1.5  # from one line of a legend to the next, by its letters' size
HANDLE, COLUMN_GAP = 34, 22  # of a legend, in pixels
LEGEND_SHARE = 0.45  # of a plot's height at most
FEWEST_GROUPS = 4  # of bars that share a plot's width
NAME_SHARE = 0.35  # of a plot's height at most, where names stand upright

_drawing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Curve:
    """Values over iterations, or over anything else.

    Attributes:
        label: what the legend calls it; curves of the same label look the same.
        x: as many as ``y``.
        y: any numbers; what a log axis cannot show is left out.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise ValueError(f"a curve has {len(self.x)} x and {len(self.y)} y")

    def points(self) -> tuple[list[float], list[float]]:
        """What a log axis can show: x, and y above zero, all finite."""
        shown = [
            (x, y)
            for x, y in zip(self.x, self.y, strict=True)
            if math.isfinite(x) and math.isfinite(y) and y > 0
        ]
        return [x for x, _ in shown], [y for _, y in shown]


@dataclass(frozen=True, slots=True)
class Chart:
    """One pair of axes.

    Attributes:
        marks: x where a thin vertical line stands.
    """

    title: str
    curves: Sequence[Curve]
    marks: Sequence[float] = ()

    @property
    def labels(self) -> list[str]:
        """Of the curves that have anything to show, each once."""
        return list(dict.fromkeys(one.label for one in self.curves if one.points()[1]))


def curves(
    charts: Sequence[Chart], *, x_label: str, width: int = 1400, height: int = 480
) -> Pixels:
    """Charts side by side, with log y axes.

    Values that are not finite or not above zero are left out. The legend is below:
    one for all charts where some label is in several of them, else one for each.
    More than 40 curves are counted there, not named.

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
    column = width / len(charts)
    groups = _groups(charts)
    legends = [
        _Legend.fitted(_labels(group), round(column * len(group)), height)
        for group in groups
    ]
    bottom = BOTTOM + max(legend.height for legend in legends)
    with _style():
        figure = _figure(width, height)
        left = 0.0
        for group, legend in zip(groups, legends, strict=True):
            legend.draw(figure, left + column * len(group) / 2, bottom - BOTTOM)
            for chart in group:
                axes = _axes(figure, (left, bottom, column, height - bottom))
                _draw(axes, chart, legend.looks, x_label)
                left += column
        return _pixels(figure)


def bars(
    title: str,
    series: Mapping[str, Mapping[str, float]],
    *,
    width: int = 1400,
    height: int = 320,
) -> Pixels:
    """Bars in groups on a log axis, with their values written above them.

    A value that is not above zero has no bar, and is written where it would stand.

    Args:
        title: written above.
        series: a value for each group's name, by the series' label; a group may
            lack any of them.
        width: in pixels.
        height: in pixels.
    Returns:
        ``(height, width, 3)`` in 0–1.
    """
    groups = list(dict.fromkeys(name for values in series.values() for name in values))
    legend = _Legend.fitted(list(series), width, height)
    # Few groups stand in the middle, and their bars do not become walls.
    slots = max(len(groups), FEWEST_GROUPS)
    slot = max(1, width - LEFT - RIGHT) / slots
    font = font_of(TEXT)
    names = [shortened(_line(name), font, NAME_SHARE * height) for name in groups]
    longest = max(map(font.getlength, names), default=0)
    upright = longest > 0.95 * slot
    bottom = legend.height + (round(longest) + 16 if upright else 30)
    with _style():
        figure = _figure(width, height)
        axes = _axes(figure, (0, bottom, width, height - bottom))
        _titled(axes, title)
        if _draw_bars(axes, series, groups, slot):
            legend.draw(figure, width / 2, legend.height, linewidth=9)
            turned = 90 if upright else 0
            places = range(len(names))
            axes.set_xticks(places, names, rotation=turned, parse_math=False)
            middle = (len(names) - 1) / 2
            axes.set_xlim(middle - slots / 2, middle + slots / 2)
            axes.grid(False, axis="x")
            axes.tick_params(axis="x", length=0)
        else:
            _say_nothing(axes)
        return _pixels(figure)


def _labels(charts: Sequence[Chart]) -> list[str]:
    return list(dict.fromkeys(label for chart in charts for label in chart.labels))


def _groups(charts: Sequence[Chart]) -> list[Sequence[Chart]]:
    """The charts that share a legend: all, or each its own."""
    shared = sum(len(chart.labels) for chart in charts) > len(_labels(charts))
    return [charts] if shared else [(chart,) for chart in charts]


@dataclass(frozen=True, slots=True)
class _Legend:
    """What the curves are called and how they look, in columns that have a size.

    Attributes:
        looks: line or bar properties, by label.
        names: what is written, in the same order; empty where there is too much.
        size: of the letters.
    """

    looks: dict[str, dict[str, Any]]
    names: list[str]
    size: int
    columns: int

    @classmethod
    def fitted(cls, labels: Sequence[str], width: int, height: int) -> "_Legend":
        """As few rows as the labels' lengths allow; they are cut where they must."""
        looks = {label: _look(place) for place, label in enumerate(labels)}
        count = len(labels)
        size = TEXT if count <= 12 else TEXT - 1 if count <= 24 else TEXT - 2
        if count > MOST_NAMED:
            return cls(looks, [], size, 1)
        font = font_of(size)
        names = [_line(label) for label in labels]
        longest = max((font.getlength(name) for name in names), default=0)
        columns = int((width - COLUMN_GAP) // (longest + HANDLE + COLUMN_GAP))
        most_rows = max(1, int(LEGEND_SHARE * height / (LINE * size)))
        columns = min(max(columns, math.ceil(count / most_rows), 1), max(count, 1))
        # Full rows rather than as many columns as there is room for.
        columns = math.ceil(count / math.ceil(count / columns)) if count else 1
        room = (width - COLUMN_GAP) / columns - HANDLE - COLUMN_GAP
        return cls(
            looks, [shortened(name, font, room) for name in names], size, columns
        )

    @property
    def height(self) -> int:
        """In pixels, with a margin."""
        rows = math.ceil(len(self.names) / self.columns) or min(1, len(self.looks))
        return round(rows * LINE * self.size) + 12 if rows else 0

    def draw(
        self, figure: "Figure", middle: float, top: float, *, linewidth: float = 1.6
    ) -> None:
        """Below that height, on both sides of that middle."""
        from matplotlib.lines import Line2D

        at = middle / _width(figure), top / _height(figure)
        if not self.names:
            if self.looks:
                said = f"{len(self.looks)} curves"
                figure.text(*at, said, size=self.size, ha="center", va="top")
            return
        handles = [
            Line2D([], [], linewidth=linewidth, solid_capstyle="butt", **look)
            for look in self.looks.values()
        ]
        legend = figure.legend(
            handles,
            ["" for _ in handles],
            loc="upper center",
            bbox_to_anchor=at,
            ncols=self.columns,
            fontsize=self.size,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            handlelength=(HANDLE - 8) / self.size,
            handletextpad=8 / self.size,
            columnspacing=COLUMN_GAP / self.size,
            labelspacing=LINE - 1.2,
        )
        # Afterwards: a legend has its own ideas of labels with underscores.
        for text, name in zip(legend.get_texts(), self.names, strict=True):
            text.set_text(name)
            text.set_parse_math(False)


def _look(place: int) -> dict[str, Any]:
    """Of the curve at that place: every color once, then all of them dashed."""
    rounds, color = divmod(place, len(PALETTE))
    return {"color": PALETTE[color], "linestyle": DASHES[rounds % len(DASHES)]}


@contextmanager
def _style() -> Iterator[None]:
    """matplotlib's own defaults and ours; they are the whole process's meanwhile."""
    import matplotlib.style

    ours = {
        "font.family": "DejaVu Sans",
        "font.size": TEXT,
        "xtick.labelsize": TEXT - 1,
        "ytick.labelsize": TEXT - 1,
        "axes.labelsize": TEXT,
        "axes.titlesize": TEXT,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": _hex(PALE),
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.xmargin": 0.02,
        "grid.color": "#e4e4e4",
        "text.color": _hex(INK),
        "axes.labelcolor": _hex(INK),
        "axes.titlecolor": _hex(INK),
        "xtick.color": _hex(PALE),
        "ytick.color": _hex(PALE),
        "xtick.labelcolor": _hex(INK),
        "ytick.labelcolor": _hex(INK),
        "lines.linewidth": 1.6,
    }
    with _drawing, matplotlib.style.context(["default", ours]):
        yield


def _hex(color: Color) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def _figure(width: int, height: int) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")


def _width(figure: "Figure") -> float:
    return float(figure.bbox.width)


def _height(figure: "Figure") -> float:
    return float(figure.bbox.height)


def _pixels(figure: "Figure") -> Pixels:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.float64)[..., :3] / 255


def _axes(figure: "Figure", box: tuple[float, float, float, float]) -> "Axes":
    """Log axes in a box (left, bottom, width, height) that their letters need too."""
    left, bottom, width, height = box
    across, up = _width(figure), _height(figure)
    axes = figure.add_axes(
        (
            (left + LEFT) / across,
            bottom / up,
            max(width - LEFT - RIGHT, 1) / across,
            max(height - TOP, 1) / up,
        )
    )
    axes.set_yscale("log")
    return axes


def _draw(
    axes: "Axes", chart: Chart, looks: Mapping[str, dict[str, Any]], x_label: str
) -> None:
    """The curves of a chart, its marks and its words."""
    from matplotlib.ticker import MaxNLocator

    _titled(axes, chart.title)
    if not chart.labels:
        _say_nothing(axes)
        return
    axes.set_xlabel(_line(x_label), parse_math=False)
    for mark in chart.marks:
        if math.isfinite(mark):
            axes.axvline(mark, color=_hex(PALE), linewidth=0.7, zorder=1)
    shown = [curve for curve in chart.curves if curve.points()[1]]
    for curve in shown:
        x, y = curve.points()
        # A line needs two points.
        axes.plot(x, y, marker="o" if len(x) == 1 else "", **looks[curve.label])
    across = {float(x) for curve in shown for x in curve.points()[0]}
    whole = all(x.is_integer() for x in across)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=whole))
    if len(across) == 1:
        axes.set_xlim(min(across) - 1, max(across) + 1)
    up = {y for curve in shown for y in curve.points()[1]}
    if len(up) == 1:
        axes.set_ylim(min(up) / 2, max(up) * 2)
    _scaled(axes)


def _scaled(axes: "Axes") -> None:
    """Numbers on the y axis: where powers of ten are few, some between them too."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    low, high = axes.get_ylim()
    if high < 1000 * low:
        plain = FuncFormatter(lambda value, _: _said(value, 6))
        axes.yaxis.set_major_formatter(plain)
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axes.yaxis.set_minor_formatter(plain)


def _draw_bars(
    axes: "Axes",
    series: Mapping[str, Mapping[str, float]],
    names: Sequence[str],
    slot: float,
) -> bool:
    """The bars of groups that far apart, and their values; whether there were any."""
    every = [value for values in series.values() for value in values.values()]
    shown = [value for value in every if math.isfinite(value) and value > 0]
    if not shown:
        return False
    share = 0.8 / len(series)
    size, length = _letters([_said(value, 2) for value in every], share * slot)
    lowest, highest = min(shown) / 2, max(shown)
    # Room above the highest bar for its value.
    above = ((length or size) + 8) / axes.bbox.height
    axes.set_ylim(lowest, highest * (highest / lowest) ** min(1, above / (1 - above)))
    _scaled(axes)
    for place, values in enumerate(series.values()):
        color = _look(place)["color"]
        for group, name in enumerate(names):
            if name not in values:
                continue
            x, value = group + share * (place + 0.5) - 0.4, values[name]
            top = value if math.isfinite(value) and value > 0 else lowest
            axes.bar(x, top - lowest, 0.92 * share, lowest, color=color)
            axes.annotate(
                _said(value, 2),
                (x, top),
                (0, 2),
                textcoords="offset pixels",
                ha="center",
                va="bottom",
                size=size,
                rotation=90 if length else 0,
            )
    return True


def _letters(texts: Sequence[str], room: float) -> tuple[int, float]:
    """Their size on all bars, and the longest text's length if they stand upright."""
    for size in (TEXT - 1, TEXT - 2, TEXT - 3):
        if max(map(font_of(size).getlength, texts)) <= room:
            return size, 0.0
    return TEXT - 2, max(map(font_of(TEXT - 2).getlength, texts))


def _said(value: float, digits: int) -> str:
    """A number in few letters: ``0.012``, ``1.2e4``."""
    return f"{value:.{digits}g}".replace("e-0", "e-").replace("e+0", "e")


def _line(text: str) -> str:
    """The text on one line, in letters that the font has."""
    return " ".join(spelt(text, font_of(TEXT)).split())


def _titled(axes: "Axes", title: str) -> None:
    text = shortened(_line(title), font_of(TITLE, bold=True), axes.bbox.width)
    axes.set_title(text, size=TITLE, pad=10, parse_math=False)


def _say_nothing(axes: "Axes") -> None:
    """In place of what there is not."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.minorticks_off()
    where = axes.transAxes
    axes.text(
        0.5, 0.5, "nothing to show", ha="center", color=_hex(PALE), transform=where
    )
