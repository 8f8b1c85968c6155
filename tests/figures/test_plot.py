"""Plots, measured on their pixels as far as that goes."""

from collections.abc import Iterator

import matplotlib
import numpy as np
import pytest

from artist_nst._types import Pixels
from artist_nst.figures import plot
from artist_nst.figures.plot import (
    MAX_NAMED,
    PALETTE,
    Chart,
    Curve,
    plot_bars,
    plot_curves,
)

STEPS = range(1, 101)
FALLING = Curve("falling", STEPS, [0.9**step for step in STEPS])
WIDTH, HEIGHT = 600, 240


def draw(*charts: Chart, x_label: str = "", height: int = HEIGHT) -> Pixels:
    return plot_curves(charts, x_label=x_label, width=WIDTH, height=height)


def locate(page: Pixels, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels that mostly have a color of the palette."""
    ink = 1 - np.array([int(PALETTE[place][at : at + 2], 16) / 255 for at in (1, 3, 5)])
    share = (1 - page) @ ink / (ink @ ink)
    rest = np.abs(1 - page - share[..., None] * ink).max(-1)
    return np.nonzero((share > 0.6) & (share < 1.1) & (rest < 0.05))


def count_dark(page: Pixels) -> int:
    return int((page.max(-1) < 0.5).sum())


def count_colored(page: Pixels) -> int:
    return int((np.ptp(page, axis=-1) > 0.2).sum())


def without_legend(page: Pixels) -> Pixels:
    return page[:-40]


def legend_of(page: Pixels) -> Pixels:
    """What is below the numbers of the x axis."""
    axis = np.nonzero((page < 0.6).all(-1).mean(1) > 0.8)[0].max()
    return page[axis + 25 :]


def many(count: int, label: str = "ratio {}") -> list[Curve]:
    return [
        Curve(label.replace("{}", str(number)), [1, 100], [number + 1, number + 2])
        for number in range(count)
    ]


def test_the_size_is_as_asked_for_and_the_edge_is_white() -> None:
    for width, height in ((1400, 480), (1001, 333), (300, 160)):
        chart = Chart("a title that is far too long", [FALLING])
        page = plot_curves([chart], x_label="", width=width, height=height)
        assert page.shape == (height, width, 3)
        assert page.dtype == np.float64
        assert (page.min(), page.max()) == (pytest.approx(0, abs=0.2), 1)
        for edge in (page[0], page[-1], page[:, 0], page[:, -1]):
            np.testing.assert_array_equal(edge, 1)


def test_an_exponential_is_a_straight_line() -> None:
    page = without_legend(draw(Chart("", [FALLING])))
    rows, columns = locate(page, 0)
    slope, start = np.polyfit(columns, rows, 1)
    assert slope > 0.1
    assert np.abs(rows - slope * columns - start).max() < 4
    assert np.ptp(columns) > 0.8 * WIDTH


def test_what_a_log_axis_cannot_show_is_left_out() -> None:
    whole = Curve("whole", STEPS, [1.0] * 100)
    nothing = [0, -1, float("nan"), float("inf"), -float("inf")] * 10
    half = Curve("half", STEPS, [2.0] * 50 + nothing)
    page = without_legend(draw(Chart("", [whole, half])))
    across, halfway = (np.ptp(locate(page, place)[1]) for place in (0, 1))
    assert halfway == pytest.approx(across * 49 / 99, abs=4)
    nowhere = Curve("", [float("nan"), 1], [1, float("nan")])
    assert nowhere.drawable_points() == []


def test_charts_are_side_by_side() -> None:
    rising = Curve("rising", STEPS, [1.1**step for step in STEPS])
    page = draw(Chart("a", [FALLING]), Chart("b", [rising]), x_label="iteration")
    for half, sign in ((page[:, : WIDTH // 2], 1), (page[:, WIDTH // 2 :], -1)):
        rows, columns = locate(without_legend(half), 0)
        assert np.sign(np.polyfit(columns, rows, 1)[0]) == sign
        assert count_dark(half[: rows.min() - 5]) > 20, "no title"
        assert count_dark(without_legend(half)[-40:]) > 100, "no label below"


def test_nothing_to_show_is_said() -> None:
    empty = Chart("empty", [Curve("zeros", [1, 2, 3], [0, 0, 0])])
    page = draw(empty, Chart("", []), Chart("", [FALLING]))
    first, second, third = np.split(page, 3, axis=1)
    for part in (first, second):
        assert count_colored(part) == 0
        assert (part[60:180, 40:].max(-1) < 0.7).sum() > 50
    assert count_colored(third) > 100


def test_marks_are_thin_vertical_lines() -> None:
    plain = draw(Chart("", [FALLING]))
    page = draw(Chart("", [FALLING], [50, float("nan")]))
    rows, columns = np.nonzero(np.abs(page - plain).max(-1) > 0.05)
    assert np.ptp(columns) <= 2
    assert np.ptp(rows) > 100
    _, drawn = locate(without_legend(plain), 0)
    assert columns.mean() == pytest.approx((drawn.min() + drawn.max()) / 2, abs=10)


def test_charts_with_the_same_labels_share_a_legend() -> None:
    middle = slice(WIDTH // 2 - 30, WIDTH // 2 + 30)
    chart = Chart("", [FALLING])
    assert count_dark(draw(chart, chart)[-30:, middle]) > 30
    other = Chart("", [Curve("other", STEPS, range(1, 101))])
    below = draw(chart, other)[-30:]
    assert count_dark(below[:, : WIDTH // 2]) > 30
    assert count_dark(below[:, WIDTH // 2 :]) > 30
    assert count_dark(below[:, middle]) == 0


def test_up_to_forty_curves_are_named() -> None:
    legends = [
        legend_of(draw(Chart("", many(count)), height=480)) for count in (1, 20, 40)
    ]
    dark = [count_dark(legend) for legend in legends]
    assert dark == sorted(dark)
    assert legends[-1].shape[0] < 240
    counted = legend_of(draw(Chart("", many(MAX_NAMED + 1))))
    assert 0 < count_dark(counted) < dark[1]
    assert count_colored(counted) == 0, "not counted, but named"


def test_no_two_of_forty_curves_look_the_same() -> None:
    styles = plot._assign_styles([str(number) for number in range(MAX_NAMED)])
    assert len({repr(style) for style in styles.values()}) == MAX_NAMED
    assert styles["0"]["linestyle"] == styles["6"]["linestyle"] == "-"


def test_long_labels_are_cut_rather_than_clipped() -> None:
    label = "a label that says so much that it goes on and on {} " * 4
    page = draw(Chart("", many(40, label)), height=480)
    legend = legend_of(page)
    for edge in (legend[:, :3], legend[:, -3:], legend[-2:]):
        np.testing.assert_array_equal(edge, 1)
    assert legend.shape[0] < 0.6 * 480


def test_labels_are_shown_as_they_are() -> None:
    plain = count_dark(legend_of(draw(Chart("", many(1, "x")))))
    for label in ("_x", "$x$", "$\\frac$"):
        assert count_dark(legend_of(draw(Chart("", many(1, label))))) > plain
    missing = draw(Chart("北斎 $x", [FALLING]), x_label="北斎 $")
    replaced = draw(Chart("?? $x", [FALLING]), x_label="?? $")
    np.testing.assert_array_equal(missing, replaced)


def test_odd_curves_are_drawn() -> None:
    for curve in (
        Curve("one", [1], [3.0]),
        Curve("flat", range(9), [0.25] * 9),
        Curve("nearly", range(3), [1, 1 + 1e-12, 1 - 1e-12]),
        Curve("wide", range(3), [1e-30, 1.0, 1e30]),
        Curve("seconds", [0.1, 0.35], [1, 2]),
        Curve("iterations", [0, 10**9], [1, 2]),
    ):
        page = draw(Chart("odd", [curve]), x_label="iteration")
        assert len(locate(without_legend(page), 0)[0]) >= 10, curve.label
        np.testing.assert_array_equal(page[:, -1], 1)


@pytest.fixture
def user_settings() -> Iterator[None]:
    """What a user's own matplotlibrc may hold."""
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30}):
        matplotlib.rcParams["lines.linewidth"] = 9
        yield


def test_the_same_input_gives_the_same_pixels(request: pytest.FixtureRequest) -> None:
    chart = Chart("loss", many(5), [20])
    first, second = draw(chart), draw(chart)
    request.getfixturevalue("user_settings")
    third = draw(chart)
    assert matplotlib.rcParams["lines.linewidth"] == 9
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, third)


def test_what_makes_no_plot_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one chart"):
        plot_curves([], x_label="")
    with pytest.raises(ValueError, match="2 x and 1 y"):
        Curve("", [1, 2], [1])


# Bars

BEFORE = {"conv1_1": 1.0, "conv2_1": 0.1}
AFTER = {"conv1_1": 0.01, "conv2_1": 0.1}


def bar_heights(page: Pixels, place: int) -> list[int]:
    """Of the bars of a color, from left to right, without the legend."""
    rows, columns = locate(page[:-30], place)
    at = np.unique(columns)
    groups = np.split(at, np.nonzero(np.diff(at) > 1)[0] + 1)
    return [int(np.ptp(rows[np.isin(columns, group)])) + 1 for group in groups]


def test_bars_are_as_high_as_the_logarithms() -> None:
    page = plot_bars("distance", {"before": BEFORE, "after": AFTER})
    assert page.shape == (320, 1400, 3)
    (high, middle), (low, same) = bar_heights(page, 0), bar_heights(page, 1)
    assert middle == same
    assert high - middle == pytest.approx(middle - low, abs=2)
    assert low > 5
    # In groups: first before, then after, and a wider gap to the next.
    before, after = (np.unique(locate(page[:-30], place)[1]) for place in (0, 1))
    first, second = before[0], after[0]
    assert first < second < before[-1] < after[-1]
    gap = second - before[before < second].max()
    assert before[before > second].min() - after[: len(after) // 2].max() > gap


def test_values_are_written_on_the_bars() -> None:
    pages = [plot_bars("", {"before": {"a": value}}) for value in (0.5, 0.00123)]
    dark = []
    for page in pages:
        rows, columns = locate(page[:-40], 0)
        above = page[rows.min() - 20 : rows.min() - 1, columns.min() : columns.max()]
        dark.append(count_dark(above))
    assert 20 < dark[0] < dark[1]


def test_many_bars_have_upright_names_and_values() -> None:
    values = {f"conv{number}_1.relu": 0.00012 * number for number in range(1, 41)}
    page = plot_bars("many", {"before": values, "after": values}, height=400)
    assert len(bar_heights(page, 0)) == 40
    np.testing.assert_array_equal(page[:, -1], 1)
    rows, _ = locate(page[:-30], 0)
    assert 200 < rows.max() < 320, "no room for the names, or too much"
    assert count_dark(page[: rows.min() - 2]) > 50
    endless = {"before": {f"{'x' * 999}\n{name}": 1 for name in values}}
    assert locate(plot_bars("endless", endless)[:-30], 0)[0].max() > 120


def test_a_value_that_is_not_above_zero_has_no_bar() -> None:
    series = {
        "before": {"a": 0.0, "b": 10.0, "c": float("nan")},
        "after": {"b": -1.0, "d": 1.0},
    }
    page = plot_bars("odd", series)
    assert len(bar_heights(page, 0)) == len(bar_heights(page, 1)) == 1
    rows, columns = locate(page[:-40], 0)
    zero = page[rows.max() - 20 : rows.max() - 2, columns.min() // 3 : columns.min()]
    assert count_dark(zero) > 5, "no 0 is written"


@pytest.mark.parametrize("series", [{}, {"before": {}}, {"before": {"a": 0.0}}])
def test_no_bars_are_said_to_be_none(series: dict[str, dict[str, float]]) -> None:
    page = plot_bars("none", series)
    assert count_colored(page) == 0
    assert (page[100:250, 400:1000].max(-1) < 0.7).sum() > 100
