"""Contact sheets: everything is there, and nothing a label holds breaks them."""

from itertools import pairwise

import numpy as np
import pytest

from artist_nst._types import Pixels
from artist_nst.figures.sheet import MIN_HEIGHT, WIDEST, Panel, draw_sheet

RED, GREEN, BLUE, WHITE = (0.8, 0.2, 0.2), (0.2, 0.6, 0.2), (0.2, 0.2, 0.8), (1, 1, 1)


def panel(
    color: tuple[float, float, float], height: int, width: int, label: str = ""
) -> Panel:
    return Panel(np.full((height, width, 3), color, np.float64), label)


def box(page: Pixels, color: tuple[float, float, float]) -> tuple[int, int, int, int]:
    """Top, left, height and width of the rectangle that has a colour, without frame."""
    found = np.abs(page - color).max(-1) < 0.01
    ys, xs = np.nonzero(found)
    top, left, bottom, right = ys.min(), xs.min(), ys.max() + 1, xs.max() + 1
    assert found[top:bottom, left:right].all()
    return int(top), int(left), int(bottom - top), int(right - left)


def test_one_panel_fills_the_sheet_up_to_its_margin() -> None:
    page = draw_sheet([[panel(RED, 400, 600)]], height=200, margin=20)
    assert page.shape == (240, 340, 3)
    assert box(page, RED) == (21, 21, 198, 298)
    np.testing.assert_array_equal(page[0], 1)


def test_pixels_are_in_range() -> None:
    noise = np.random.default_rng(0).random((90, 160, 3)).round()
    page = draw_sheet([[Panel(noise, "noise")]], height=200)
    assert page.dtype == np.float64
    assert page.min() >= 0
    assert page.max() <= 1


def test_every_panel_is_where_it_belongs() -> None:
    page = draw_sheet(
        [
            [panel(RED, 300, 300, "red"), panel(GREEN, 300, 450, "green")],
            [panel(BLUE, 300, 750, "blue")],
        ],
        height=300,
    )
    red, green, blue = (box(page, color) for color in (RED, GREEN, BLUE))
    assert red[0] == green[0] < red[0] + red[2] < blue[0]
    assert 290 <= red[2] == green[2] <= 298
    assert red[1] + red[3] < green[1]
    assert red[1] == blue[1]
    assert green[3] / green[2] == pytest.approx(1.5, abs=0.01)


def test_rows_of_similar_width_become_equally_wide() -> None:
    page = draw_sheet(
        [
            [panel(RED, 300, 300), panel(GREEN, 300, 400)],
            [panel(BLUE, 300, 630)],
        ],
        height=300,
    )
    green, blue = box(page, GREEN), box(page, BLUE)
    assert green[1] + green[3] == blue[1] + blue[3]
    assert green[2] < blue[2] == 298


def test_a_short_last_row_is_not_blown_up() -> None:
    page = draw_sheet([[panel(RED, 300, 300)] * 4, [panel(BLUE, 300, 300)]], height=300)
    assert box(page, BLUE)[2:] == (298, 298)


def test_small_pictures_are_enlarged_no_further_than_needed() -> None:
    page = draw_sheet([[panel(RED, 200, 200), panel(BLUE, 150, 150)]], height=360)
    assert box(page, RED)[2] == box(page, BLUE)[2] == 198
    assert box(draw_sheet([[panel(RED, 1, 1)]]), RED)[2] == MIN_HEIGHT - 2


@pytest.mark.parametrize("shape", [(3, 3000), (3000, 3), (1, 1), (1, 5000)])
def test_extreme_aspects_stay_sane(shape: tuple[int, int]) -> None:
    page = draw_sheet([[panel(RED, *shape, "thin"), panel(BLUE, 200, 200)]], height=200)
    assert page.shape[1] < 200 * (WIDEST + 2)
    assert page.shape[0] < 300
    assert box(page, BLUE)[2] > 100
    assert min(box(page, RED)[2:]) >= 1


def test_a_caption_takes_room_below() -> None:
    bare = draw_sheet([[panel(RED, 200, 300)]])
    captioned = draw_sheet([[panel(RED, 200, 300, "red")]])
    two_lines = draw_sheet([[panel(RED, 200, 300, "red\nand more")]])
    heights = [page.shape[0] for page in (bare, captioned, two_lines)]
    assert all(less < more for less, more in pairwise(heights))
    top, left, height, _ = box(captioned, RED)
    below = captioned[top + height + 2 : -24, left:]
    assert below.min() < 0.4
    assert len(np.unique(below)) > 10, "letters are not anti-aliased"


def test_captions_stay_in_their_column() -> None:
    label = "a caption that is far too long for any such panel " * 5
    page = draw_sheet(
        [[panel(RED, 200, 200, label), panel(BLUE, 200, 200, "")]], height=200
    )
    top, left, height, _ = box(page, BLUE)
    np.testing.assert_array_equal(page[top + height + 2 :, left - 1 :], 1)


def test_title_is_above_and_wraps_to_the_sheet() -> None:
    bare = draw_sheet([[panel(RED, 200, 200)]])
    titled = draw_sheet([[panel(RED, 200, 200)]], title="A title wider than its panel")
    assert titled.shape[1] == bare.shape[1]
    assert titled.shape[0] > bare.shape[0]
    assert titled[: box(titled, RED)[0] - 2].min() < 0.4


@pytest.mark.parametrize(
    "label",
    [
        "Cézanne, Köln",
        "北斎 富嶽三十六景",
        "e\u0301 decomposed",
        "emoji 🎨",
        "\udce9 from a file name",
        "\x00\t\x7f",
        "x" * 2000,
        "word " * 2000,
        "\n\n\n",
        "عربي עברית",
        "",
    ],
)
def test_any_label_is_drawn(label: str) -> None:
    page = draw_sheet([[panel(RED, 200, 60, label)]], height=150, title=label)
    assert np.isfinite(page).all()
    assert page.shape[1] < 200


def test_a_white_picture_has_an_edge() -> None:
    page = draw_sheet([[panel(WHITE, 200, 200)]], height=200, margin=20)
    assert (page[20, 20:220] < 1).all()
    np.testing.assert_array_equal(page[21:219, 21:219], 1)


@pytest.mark.parametrize("rows", [[], [[]], [[panel(RED, 9, 9)], []]])
def test_nothing_to_show_is_an_error(rows: list[list[Panel]]) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        draw_sheet(rows)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (0, 4, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(H, W, 3\)"):
        Panel(np.zeros(shape), "")
