"""The page that explains a painting: every part there, none of them needed."""

from dataclasses import replace

import numpy as np
import pytest

from artist_nst._types import Pixels
from artist_nst.figures.explanation_page import (
    MARGIN,
    MAX_PANEL_HEIGHT,
    WIDTH,
    Explanation,
    draw_explanation,
)
from artist_nst.figures.plot import Curve
from artist_nst.figures.sheet import Panel

PINK, TEAL, GOLD = (1.0, 0.4, 0.6), (0.0, 0.6, 0.6), (0.8, 0.6, 0.2)
STEPS = range(1, 31)

NOTHING = Explanation([], [], [], [], {}, {}, [], "")
WHOLE = Explanation(
    panels=[
        Panel(np.full((30, 40, 3), color), label)
        for color, label in ((PINK, "photo"), (TEAL, "work"), (GOLD, "painting"))
    ],
    terms=[
        Curve("content", STEPS, [0.2 + 0.01 * step for step in STEPS]),
        Curve("style", STEPS, [0.9**step for step in STEPS]),
        Curve("total variation", STEPS, [0.0] * 30),
        Curve("total", STEPS, [1 + 0.9**step for step in STEPS]),
    ],
    layers=[Curve("conv4_2", STEPS, [0.95**step for step in STEPS])],
    levels=[1, 11, 21],
    before={"conv1_1": 1.0, "conv2_1": 0.8},
    after={"conv1_1": 0.01, "conv2_1": 0.02},
    facts=[("photo", "cat.png"), ("seed", "7"), ("recipe", "default")],
    title="cat after Night wind over wheat",
)


def box(page: Pixels, color: tuple[float, ...]) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of what has a color."""
    ys, xs = np.nonzero(np.abs(page - color).max(-1) < 0.01)
    return int(ys.min()), int(xs.min()), int(ys.max()) + 1, int(xs.max()) + 1


def ink(page: Pixels) -> int:
    return int((page.max(-1) < 0.5).sum())


def height(page: Explanation) -> int:
    pixels = draw_explanation(page)
    assert pixels.shape[1:] == (WIDTH, 3)
    np.testing.assert_array_equal(pixels[:, : MARGIN - 1], 1)
    np.testing.assert_array_equal(pixels[:, 1 - MARGIN :], 1)
    return pixels.shape[0]


@pytest.fixture(scope="module")
def whole() -> Pixels:
    return draw_explanation(WHOLE)


def test_the_pictures_fill_the_page_in_their_order(whole: Pixels) -> None:
    page = whole[:600]
    photo, work, painting = (box(page, color) for color in (PINK, TEAL, GOLD))
    assert photo[0] == work[0] == painting[0]
    assert photo[3] < work[1] < work[3] < painting[1]
    assert photo[1] == MARGIN + 1
    assert painting[3] == pytest.approx(WIDTH - MARGIN - 1, abs=2)
    assert ink(page[: photo[0] - 2]) > 200, "no title"


def test_every_part_takes_its_room(whole: Pixels) -> None:
    for left_out, at_least in (
        ({"panels": ()}, 300),
        ({"facts": ()}, 60),
        ({"title": ""}, 20),
        ({"terms": (), "layers": ()}, 300),
        ({"before": {}, "after": {}}, 200),
    ):
        assert height(replace(WHOLE, **left_out)) <= whole.shape[0] - at_least, left_out
    assert height(NOTHING) < 100


def test_one_plot_alone_is_as_wide_as_the_page() -> None:
    only = replace(NOTHING, terms=WHOLE.terms)
    both = replace(only, layers=WHOLE.layers)
    for page, wide in ((only, True), (both, False)):
        pixels = draw_explanation(page)
        axes = (pixels[:, MARGIN + 100 : WIDTH - MARGIN - 100] < 0.7).all((1, 2))
        assert axes.any() == wide
    assert height(only) == height(both)


def test_levels_are_marked_in_both_plots() -> None:
    plots = replace(NOTHING, terms=WHOLE.terms, layers=WHOLE.layers)
    marked = draw_explanation(replace(plots, levels=[11]))
    other = draw_explanation(replace(plots, levels=[21]))
    rows, columns = np.nonzero(np.abs(marked - other).max(-1) > 0.2)
    assert np.ptp(rows) > 150
    places = np.unique(columns)
    lines = np.split(places, np.nonzero(np.diff(places) > 5)[0] + 1)
    assert len(lines) == 4
    assert lines[1][0] < WIDTH / 2 < lines[2][0]


def test_the_distances_are_drawn_before_and_after(whole: Pixels) -> None:
    blue, orange = (0, 0x72 / 255, 0xB2 / 255), (0xD5 / 255, 0x5E / 255, 0)

    def area(page: Pixels, color: tuple[float, ...]) -> int:
        return int((np.abs(page - color).max(-1) < 0.01).sum())

    bars = whole[-700:]
    assert area(bars, blue) > area(bars, orange) > 3000
    only = draw_explanation(replace(NOTHING, before=WHOLE.before))
    assert area(only, blue) > 3000
    assert area(only, orange) == 0


def test_the_facts_stand_in_two_columns() -> None:
    facts = [(f"key {number}", "value") for number in range(8)]
    page = draw_explanation(replace(NOTHING, facts=facts))
    left, right = page[:, : WIDTH // 2], page[:, WIDTH // 2 :]
    assert ink(left) > ink(right) > 500
    more = [*facts, ("key 8", "value")]
    higher = height(replace(NOTHING, facts=more)) - page.shape[0]
    assert 15 < higher < 40
    assert height(replace(NOTHING, facts=[*more, ("key 9", "value")])) == (
        page.shape[0] + higher
    )


def test_long_facts_are_wrapped_then_cut() -> None:
    heights = [
        height(replace(NOTHING, facts=[("path", "folder/" * count)]))
        for count in (1, 20, 40, 1_000, 10_000)
    ]
    assert heights[0] < heights[1] < heights[2] < heights[3] == heights[4]
    long = replace(NOTHING, facts=[("key " * 100, ""), ("k" * 500, "v" * 5_000)])
    assert height(long) < 400


def test_many_works_take_several_rows() -> None:
    works = [Panel(np.full((30, 40, 3), 0.08 * number), "") for number in range(1, 11)]
    page = draw_explanation(replace(NOTHING, panels=works))
    first, last = (box(page, (shade,) * 3) for shade in (0.08, 0.8))
    assert last[0] > first[2]
    assert last[2] - last[0] == pytest.approx(first[2] - first[0], rel=0.3)
    assert first[2] - first[0] > 180


@pytest.mark.parametrize("shape", [(1, 1), (400, 3), (3, 400), (2000, 1500)])
def test_pictures_of_any_size(shape: tuple[int, int]) -> None:
    panels = [Panel(np.full((*shape, 3), PINK), "a caption " * 50)]
    page = draw_explanation(replace(NOTHING, panels=panels))
    top, _, bottom, _ = box(page, PINK)
    assert bottom - top <= MAX_PANEL_HEIGHT
    assert page.shape[0] < MAX_PANEL_HEIGHT + 200


def test_odd_numbers_are_survived() -> None:
    nan = float("nan")
    odd = replace(
        WHOLE,
        terms=[Curve("content", [1], [0.0]), Curve("$style_", [1], [3.0])],
        layers=[Curve("conv1_1", STEPS, [0.0] * 30)],
        levels=[nan, -5],
        before={"conv1_1": 0.0, "北": nan},
        after={"conv1_1": 1e-30, "another": 1e30},
        facts=[("", ""), ("é", "\n\n"), ("$", "→ ₀\x00")],
        title="$\\frac",
    )
    assert height(odd) > 1000


def test_the_same_page_gives_the_same_pixels(whole: Pixels) -> None:
    np.testing.assert_array_equal(draw_explanation(WHOLE), whole)
    assert whole.min() >= 0
    assert whole.max() == 1
