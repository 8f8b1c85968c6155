"""The grid of a comparison: the right picture under the right head, at any size."""

from itertools import pairwise

import numpy as np
import pytest

from artist_nst._types import Pixels
from artist_nst.figures.grid import MAX_PIXELS, MAX_SIDE, MIN_CELL, draw_grid
from artist_nst.figures.sheet import Panel

RED, GREEN, BLUE = (0.8, 0.2, 0.2), (0.2, 0.6, 0.2), (0.2, 0.2, 0.8)
GOLD, PINK, TEAL = (0.8, 0.6, 0.2), (1.0, 0.4, 0.6), (0.0, 0.6, 0.6)
COLORS = ((RED, GREEN, BLUE), (GOLD, PINK, TEAL))

Color = tuple[float, float, float]


def panel(color: Color, height: int = 30, width: int = 40, label: str = "") -> Panel:
    return Panel(np.full((height, width, 3), color, np.float64), label)


def box(page: Pixels, color: Color) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of the rectangle that has a color."""
    found = np.abs(page - color).max(-1) < 0.01
    ys, xs = np.nonzero(found)
    top, left, bottom, right = ys.min(), xs.min(), ys.max() + 1, xs.max() + 1
    assert found[top:bottom, left:right].all()
    return int(top), int(left), int(bottom), int(right)


def ink(page: Pixels) -> int:
    """How many pixels are dark: letters."""
    return int((page.max(-1) < 0.4).sum())


def colored(**options: object) -> Pixels:
    cells = [[panel(color) for color in row] for row in COLORS]
    heads = {"columns": ["one", "two", "three"], "rows": ["first", "second"]}
    return draw_grid(cells, **{**heads, **options})


def test_every_picture_is_in_its_cell() -> None:
    page = colored()
    places = [[box(page, color) for color in row] for row in COLORS]
    for above, below in zip(*places, strict=True):
        assert above[1::2] == below[1::2]
        assert above[2] < below[0]
    for row in places:
        assert len({(top, bottom) for top, _, bottom, _ in row}) == 1
        for (_, _, _, right), (_, left, _, _) in pairwise(row):
            assert right < left
    sizes = {
        (bottom - top, right - left)
        for row in places
        for top, left, bottom, right in row
    }
    assert sizes == {(318, round(320 * 4 / 3) - 2)}


def test_heads_stand_over_their_columns() -> None:
    with_head = colored(columns=["", "two", ""])
    without = colored(columns=["", "", ""])
    offset = with_head.shape[0] - without.shape[0]
    assert offset > 14
    top, left, _, right = box(with_head, GREEN)
    assert ink(with_head[:top, left:right]) > 50
    assert ink(with_head[:top, :left]) == ink(with_head[:top, right:]) == 0
    xs = np.nonzero((with_head[:top].max(-1) < 0.4).any(0))[0]
    assert (xs.min() + xs.max()) / 2 == pytest.approx((left + right) / 2, abs=3)
    np.testing.assert_array_equal(with_head[top - 1 :], without[top - 1 - offset :])


def test_heads_stand_left_of_their_rows() -> None:
    page = colored(rows=["", "second\nrow"])
    top, left, bottom, _ = box(page, GOLD)
    first_top, _, first_bottom, _ = box(page, RED)
    beside = page[:, : left - 1]
    assert ink(beside[first_top:first_bottom]) == 0
    ys = np.nonzero((beside.max(-1) < 0.4).any(1))[0]
    assert (ys.min() + ys.max()) / 2 == pytest.approx((top + bottom) / 2, abs=5)


def test_row_heads_take_what_they_need_up_to_a_limit() -> None:
    left = [
        box(colored(rows=["", head]), RED)[1]
        for head in ("", "a", "content layer", "content layer conv4_2 " * 5)
    ]
    assert left == sorted(set(left))
    _, start, _, end = box(colored(), RED)
    assert left[-1] - left[0] < 0.5 * (end - start)


def test_letters_grow_with_the_cells() -> None:
    heights = []
    for side in (160, 320, 640):
        page = colored(cell_height=side, columns=["H", "", ""], rows=["", ""])
        above = page[: box(page, RED)[0] - 2]
        heights.append(int((above.max(-1) < 0.5).any(1).sum()))
    assert heights[0] < heights[1] < heights[2]
    assert heights[1] >= 0.7 * 14  # a capital of 14 pixels' letters


def test_a_caption_is_below_its_picture() -> None:
    cells = [[panel(RED, label="content 0.2\nstyle 0.1"), panel(BLUE)]]
    page = draw_grid(cells, columns=["", ""])
    _, left, bottom, right = box(page, RED)
    _, other, _, _ = box(page, BLUE)
    below = page[bottom + 1 :]
    rows = (below[:, left:right].max(-1) < 0.4).any(1).astype(int)
    assert (np.diff(rows) == 1).sum() >= 2, "not two lines"
    assert ink(below[:, other:]) == 0


def test_what_is_not_painted_says_so() -> None:
    page = draw_grid([[panel(RED), None]], columns=["", ""])
    top, left, bottom, right = box(page, RED)
    width = right - left
    cell = page[top:bottom, right + 10 :][:, : width + 10]
    pale = cell.max(-1) < 0.7
    ys, _ = np.nonzero(pale)
    assert len(ys) > 50
    assert ys.mean() == pytest.approx((bottom - top) / 2, abs=10)
    empty = draw_grid([[None]], columns=["a"], references=[panel(BLUE, 10, 20)])
    assert empty.shape[1] > 600, "not the photo's aspect"
    assert draw_grid([[None]], columns=[""]).shape[1] < 400


def test_other_pictures_are_fitted_into_the_middle() -> None:
    odd = panel(GREEN, 30, 10)
    page = draw_grid([[panel(RED), odd, panel(BLUE)]], columns=["", "", ""])
    red, green, blue = (box(page, color) for color in (RED, GREEN, BLUE))
    assert (green[0], green[2]) == (red[0], red[2])
    assert (green[2] - green[0]) / (green[3] - green[1]) == pytest.approx(3, rel=0.05)
    middle = (red[3] + blue[1]) / 2
    assert (green[1] + green[3]) / 2 == pytest.approx(middle, abs=2)


@pytest.mark.parametrize("shape", [(3, 3000), (3000, 3), (1, 1)])
def test_extreme_aspects_stay_sane(shape: tuple[int, int]) -> None:
    page = draw_grid([[panel(RED, *shape)]], columns=["thin"], cell_height=100)
    assert page.shape[0] < 200
    assert page.shape[1] < 400
    assert box(page, RED)


def test_the_photo_stands_apart_above_the_grid() -> None:
    page = colored(references=[panel(PINK[::-1], 30, 60, "photo"), panel((0, 0, 0.6))])
    photo, work = box(page, PINK[::-1]), box(page, (0, 0, 0.6))
    red = box(page, RED)
    assert photo[1] == red[1]
    assert photo[2] - photo[0] == red[2] - red[0]
    assert (photo[3] - photo[1]) / (photo[2] - photo[0]) == pytest.approx(2, rel=0.02)
    assert photo[0] == work[0]
    assert photo[3] < work[1]
    between = page[photo[2] + 1 : red[0] - 1, red[1] : red[3]]
    assert (between.max((1, 2)) < 1).any(), "no rule"


def test_many_works_take_several_rows() -> None:
    works = [panel((0, 0, 0.1 * number), 30, 30) for number in range(1, 9)]
    page = draw_grid([[panel(RED)]], columns=[""], references=works)
    assert page.shape[1] < 1100
    tops = [box(page, (0, 0, 0.1 * number))[0] for number in range(1, 9)]
    assert tops == sorted(tops)
    assert len(set(tops)) == 3
    assert max(tops) < box(page, RED)[0]


def test_the_title_is_above_all() -> None:
    bare = colored(references=[panel((0, 0, 0.6))])
    page = colored(references=[panel((0, 0, 0.6))], title="Style scale × content layer")
    taller = page.shape[0] - bare.shape[0]
    assert taller > 14
    assert page.shape[1] == bare.shape[1]
    assert ink(page[: box(page, (0, 0, 0.6))[0] - 2]) > 200
    np.testing.assert_array_equal(colored(title=" \n"), colored())
    long = colored(title="word " * 1000)
    assert long.shape[1] == colored().shape[1]


def test_a_row_needs_no_head() -> None:
    page = draw_grid([[panel(RED), panel(GREEN)]], columns=["a", "b"])
    left = box(page, RED)[1]
    assert left == page.shape[1] - box(page, GREEN)[3]


def test_huge_grids_shrink() -> None:
    gray = panel((0.5, 0.5, 0.5), 3, 4, "loss 1")
    cells = [[gray] * 40 for _ in range(40)]
    cells[0][0], cells[39][39] = panel(RED, 3, 4), panel(BLUE, 3, 4)
    heads = [f"content layer conv{number}_2" for number in range(40)]
    page = draw_grid(cells, columns=heads, rows=heads, title="Many")
    height, width, _ = page.shape
    assert max(height, width) <= MAX_SIDE
    assert 0.8 * MAX_PIXELS < height * width <= MAX_PIXELS
    first = box(page[: height // 20, : width // 20], RED)
    last = box(page[-height // 20 :, -width // 20 :], BLUE)
    assert first[2] - first[0] == last[2] - last[0] >= MIN_CELL
    assert ink(page[: first[0], first[1] : first[3]]) > 50


def test_cells_do_not_become_invisible() -> None:
    page = draw_grid([[panel(RED)] * 200], columns=["1"] * 200)
    top, _, bottom, _ = box(page[:, : page.shape[1] // 200 + 10], RED)
    assert bottom - top == MIN_CELL - 2
    assert box(draw_grid([[panel(RED)]], columns=[""], cell_height=20), RED)


def test_the_same_input_gives_the_same_pixels() -> None:
    first, second = colored(title="a"), colored(title="a")
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float64
    assert first.min() >= 0
    assert first.max() == 1


@pytest.mark.parametrize(
    ("cells", "columns", "rows", "message"),
    [
        ([], [], [], "at least one cell"),
        ([[]], [], [], "at least one cell"),
        ([[None, None], [None]], ["a", "b"], ["c", "d"], "equally long"),
        ([[None, None]], ["a"], [], "2 columns have 1 heads"),
        ([[None]], [], [], "1 columns have 0 heads"),
        ([[None]], ["a"], ["b", "c"], "1 rows have 2 heads"),
        ([[None], [None]], ["a"], [], "2 rows have 0 heads"),
    ],
)
def test_heads_that_do_not_fit_are_refused(
    cells: list[list[None]], columns: list[str], rows: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        draw_grid(cells, columns=columns, rows=rows)
