"""Plots: read off their pixels, as far as that goes."""

import subprocess
import sys
from collections.abc import Iterator

import matplotlib
import numpy as np
import pytest

from artist_nst._types import Pixels
from artist_nst.figures.plot import (
    DASHES,
    LEFT,
    MOST_NAMED,
    PALETTE,
    Chart,
    Curve,
    bars,
    curves,
)

STEPS = range(1, 101)
FALLING = Curve("falling", STEPS, [0.9**step for step in STEPS])


def of(page: Pixels, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels that mostly have a color of the palette."""
    ink = 1 - np.array([int(PALETTE[place][at : at + 2], 16) / 255 for at in (1, 3, 5)])
    share = (1 - page) @ ink / (ink @ ink)
    rest = np.abs(1 - page - share[..., None] * ink).max(-1)
    return np.nonzero((share > 0.6) & (share < 1.1) & (rest < 0.05))


def ink(page: Pixels) -> int:
    return int((page.max(-1) < 0.5).sum())


def colored(page: Pixels) -> int:
    """How many pixels are no gray."""
    return int((np.ptp(page, axis=-1) > 0.2).sum())


def above_legend(page: Pixels) -> Pixels:
    return page[:-40]


def test_the_size_is_as_asked_for() -> None:
    page = curves([Chart("loss", [FALLING])], x_label="iteration")
    assert page.shape == (480, 1400, 3)
    assert page.dtype == np.float64
    assert (page.min(), page.max()) == (pytest.approx(0, abs=0.2), 1)
    for width, height in ((1001, 333), (240, 160)):
        chart = Chart("a title that is far too long", [FALLING])
        page = curves([chart], x_label="", width=width, height=height)
        assert page.shape == (height, width, 3)


def test_the_paper_is_white() -> None:
    page = curves([Chart("loss", [FALLING])], x_label="iteration")
    for edge in (page[0], page[-1], page[:, 0], page[:, -1]):
        np.testing.assert_array_equal(edge, 1)


def test_an_exponential_is_a_straight_line() -> None:
    page = above_legend(curves([Chart("", [FALLING])], x_label=""))
    rows, columns = of(page, 0)
    slope, start = np.polyfit(columns, rows, 1)
    assert slope > 0.1
    assert np.abs(rows - slope * columns - start).max() < 4
    assert np.ptp(columns) > 1200


def test_what_a_log_axis_cannot_show_is_left_out() -> None:
    whole = Curve("whole", STEPS, [1.0] * 100)
    nothing = [0, -1, float("nan"), float("inf"), -float("inf")] * 10
    half = Curve("half", STEPS, [2.0] * 50 + nothing)
    page = above_legend(curves([Chart("", [whole, half])], x_label=""))
    across, halfway = (np.ptp(of(page, place)[1]) for place in (0, 1))
    assert halfway == pytest.approx(across * 49 / 99, abs=4)
    nowhere = Curve("", [float("nan"), 1], [1, float("nan")])
    assert nowhere.points() == ([], [])


def test_charts_stand_side_by_side() -> None:
    rising = Curve("rising", STEPS, [1.1**step for step in STEPS])
    page = curves([Chart("a", [FALLING]), Chart("b", [rising])], x_label="iteration")
    left, right = above_legend(page)[:, :700], above_legend(page)[:, 700:]
    for half, sign in ((left, 1), (right, -1)):
        rows, columns = of(half, 0)
        assert np.sign(np.polyfit(columns, rows, 1)[0]) == sign
        assert ink(half[:30]) > 20, "no title"
        assert ink(half[-40:]) > 100, "no label below"


def test_nothing_to_show_is_said() -> None:
    empty = Chart("empty", [Curve("zeros", [1, 2, 3], [0, 0, 0])])
    page = curves([empty, Chart("", []), Chart("", [FALLING])], x_label="iteration")
    for half in (page[:, :460], page[:, 470:930]):
        assert colored(half) == 0
        inner = half[100:350, LEFT + 5 :]
        assert (inner.max(-1) < 0.6).sum() > 100
    assert colored(page[:, 940:]) > 300


def test_marks_are_thin_upright_lines() -> None:
    plain = curves([Chart("", [FALLING])], x_label="")
    page = curves([Chart("", [FALLING], [50, float("nan")])], x_label="")
    rows, columns = np.nonzero(np.abs(page - plain).max(-1) > 0.05)
    assert np.ptp(columns) <= 2
    assert np.ptp(rows) > 300
    _, drawn = of(above_legend(plain), 0)
    assert columns.mean() == pytest.approx((drawn.min() + drawn.max()) / 2, abs=10)


def test_charts_with_the_same_labels_share_a_legend() -> None:
    chart = Chart("", [FALLING])
    below = curves([chart, chart], x_label="")[-30:]
    _, columns = np.nonzero(below.min(-1) < 0.9)
    assert 600 < columns.min() < columns.max() < 800
    other = Chart("", [Curve("other", STEPS, range(1, 101))])
    below = curves([chart, other], x_label="")[-30:]
    assert ink(below[:, :700]) > 30
    assert ink(below[:, 700:]) > 30
    assert ink(below[:, 600:800]) == 0


def many(count: int, label: str = "ratio {}") -> list[Curve]:
    return [
        Curve(label.replace("{}", str(number)), [1, 100], [number + 1, number + 2])
        for number in range(count)
    ]


def legend_of(count: int, label: str = "ratio {}") -> Pixels:
    """What is below the axes' lowest line, and the label of the x axis."""
    page = curves([Chart("", many(count, label))], x_label="")
    axis = np.nonzero((page[:, LEFT + 5 : -100] < 0.6).all((1, 2)))[0].max()
    return page[axis + 30 :]


def test_up_to_forty_curves_are_named() -> None:
    heights = [legend_of(count).shape[0] for count in (1, 20, 40)]
    assert heights == sorted(heights)
    assert heights[-1] < 240
    inks = [ink(legend_of(count)) for count in (1, 20, MOST_NAMED, MOST_NAMED + 1)]
    assert inks[0] < inks[1] < inks[2]
    assert 0 < inks[3] < inks[1], "not counted, but named"
    assert colored(legend_of(MOST_NAMED + 1)) == 0


def test_long_labels_are_cut_rather_than_clipped() -> None:
    long = "a label that says so much that it goes on and on {} " * 4
    for count in (3, 40):
        legend = legend_of(count, long)
        np.testing.assert_array_equal(legend[:, :3], 1)
        np.testing.assert_array_equal(legend[:, -3:], 1)
        np.testing.assert_array_equal(legend[-2:], 1)
        assert legend.shape[0] < 0.6 * 480


def test_no_two_of_forty_curves_look_the_same() -> None:
    assert len(set(PALETTE)) * len(set(map(str, DASHES))) >= MOST_NAMED
    flat = [Curve(str(number), STEPS, [2**number] * 100) for number in range(8)]
    page = above_legend(curves([Chart("", flat)], x_label=""))
    rows, columns = of(page, 0)
    middle = (rows.min() + rows.max()) / 2
    dashed, solid = (
        np.unique(columns[part]) for part in (rows < middle, rows > middle)
    )
    assert len(solid) == np.ptp(solid) + 1
    assert np.ptp(dashed) > 1200
    assert len(dashed) < 0.9 * np.ptp(dashed)


def test_labels_are_shown_as_they_are() -> None:
    plain = legend_of(1, "x")
    for label in ("_x", "$x$", "$\\frac$", "x" * 3, "Cézanne β ×2"):
        assert ink(legend_of(1, label)) > ink(plain)
    with_boxes = curves([Chart("北斎 $x", [FALLING])], x_label="北斎 $")
    spelt = curves([Chart("?? $x", [FALLING])], x_label="?? $")
    np.testing.assert_array_equal(with_boxes, spelt)


@pytest.mark.parametrize(
    "curve",
    [
        Curve("one", [1], [3.0]),
        Curve("flat", range(9), [0.25] * 9),
        Curve("nearly", range(3), [1, 1 + 1e-12, 1 - 1e-12]),
        Curve("wide", range(3), [1e-30, 1.0, 1e30]),
        Curve("seconds", [0.1, 0.35], [1, 2]),
        Curve("iterations", [0, 10**9], [1, 2]),
    ],
)
def test_odd_curves_are_drawn(curve: Curve) -> None:
    page = curves([Chart("odd", [curve])], x_label="iteration")
    assert page.shape == (480, 1400, 3)
    assert len(of(above_legend(page), 0)[0]) >= 10
    np.testing.assert_array_equal(page[:, -1], 1)


def test_a_flat_curve_is_in_the_middle() -> None:
    page = above_legend(curves([Chart("", [Curve("a", [1], [1.1])])], x_label=""))
    rows, columns = of(page, 0)
    assert 180 < rows.mean() < 240
    assert columns.mean() == pytest.approx((LEFT + 1380) / 2, abs=2)


@pytest.fixture
def loud_settings() -> Iterator[None]:
    """What a user's own matplotlibrc may hold."""
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30}):
        matplotlib.rcParams["lines.linewidth"] = 9
        yield


def test_the_same_input_gives_the_same_pixels(
    request: pytest.FixtureRequest,
) -> None:
    charts = [Chart("loss", many(5), [20])]
    first = curves(charts, x_label="iteration")
    second = curves(charts, x_label="iteration")
    request.getfixturevalue("loud_settings")
    third = curves(charts, x_label="iteration")
    assert matplotlib.rcParams["lines.linewidth"] == 9
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, third)


def test_matplotlib_is_imported_when_it_is_needed() -> None:
    code = (
        "import sys\n"
        "from artist_nst.figures.plot import Chart, Curve, curves\n"
        "assert 'matplotlib' not in sys.modules\n"
        "curves([Chart('', [Curve('', [1, 2], [1, 2])])], x_label='')\n"
        "assert 'matplotlib' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_what_makes_no_plot_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one chart"):
        curves([], x_label="")
    with pytest.raises(ValueError, match="2 x and 1 y"):
        Curve("", [1, 2], [1])


# Bars

BEFORE = {"conv1_1": 1.0, "conv2_1": 0.1}
AFTER = {"conv1_1": 0.01, "conv2_1": 0.1}


def heights(page: Pixels, place: int) -> list[int]:
    """Of the bars of a color, from left to right, without the legend."""
    rows, columns = of(page[:-30], place)
    at = np.unique(columns)
    groups = np.split(at, np.nonzero(np.diff(at) > 1)[0] + 1)
    return [int(np.ptp(rows[np.isin(columns, group)])) + 1 for group in groups]


def test_bars_are_as_high_as_the_logarithms() -> None:
    page = bars("distance", {"before": BEFORE, "after": AFTER})
    assert page.shape == (320, 1400, 3)
    (high, middle), (low, same) = heights(page, 0), heights(page, 1)
    assert middle == same
    assert high - middle == pytest.approx(middle - low, abs=2)
    assert low > 5


def test_bars_stand_in_groups() -> None:
    page = bars("", {"before": BEFORE, "after": AFTER})
    before, after = (np.unique(of(page[:-30], place)[1]) for place in (0, 1))
    first, second = before[0], after[0]
    assert first < second < before[-1] < after[-1]
    gap = second - before[before < second].max()
    assert before[before > second].min() - after[: len(after) // 2].max() > gap


def test_values_are_written_on_the_bars() -> None:
    page = bars("", {"before": {"a": 0.5}})
    rows, columns = of(page[:-30], 0)
    above = page[rows.min() - 20 : rows.min() - 1, columns.min() : columns.max()]
    assert ink(above) > 20
    twelve = bars("", {"before": {"a": 12}})
    long = bars("", {"before": {"a": 0.00123}})
    assert ink(long[:-60]) > ink(twelve[:-60])


def test_many_bars_have_upright_names_and_values() -> None:
    values = {f"conv{number}_1.relu": 0.00012 * number for number in range(1, 41)}
    page = bars("many", {"before": values, "after": values}, height=400)
    assert page.shape == (400, 1400, 3)
    assert len(heights(page, 0)) == 40
    np.testing.assert_array_equal(page[:, -1], 1)
    rows, _ = of(page[:-30], 0)
    assert 200 < rows.max() < 320, "no room for the names, or too much"
    endless = bars("endless", {"before": {f"{'x' * 999}\n{key}": 1 for key in values}})
    assert of(endless[:-30], 0)[0].max() > 120
    assert ink(page[: rows.min() - 2, LEFT:]) > 50


def test_a_value_that_is_not_above_zero_has_no_bar() -> None:
    series = {
        "before": {"a": 0.0, "b": 10.0, "c": float("nan")},
        "after": {"b": -1.0, "d": 1.0},
    }
    page = bars("odd", series)
    assert len(heights(page, 0)) == len(heights(page, 1)) == 1
    without = bars("odd", {"before": {"b": 10.0}, "after": {"b": -1.0, "d": 1.0}})
    assert colored(without) > 0
    rows, columns = of(page[:-30], 0)
    zero = page[rows.max() - 20 : rows.max(), LEFT + 5 : columns.min() - 5]
    assert ink(zero) > 10, "no 0 is written"


@pytest.mark.parametrize("series", [{}, {"before": {}}, {"before": {"a": 0.0}}])
def test_no_bars_are_said_to_be_none(series: dict[str, dict[str, float]]) -> None:
    page = bars("none", series)
    assert colored(page) == 0
    assert (page[100:250, 400:1000].max(-1) < 0.6).sum() > 100
