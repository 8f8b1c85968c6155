"""The contact sheet of many files."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from artist_nst.figures import contact_sheet as contact
from artist_nst.figures.contact_sheet import MAX_SIDE, Entry, draw_contact_sheet
from artist_nst.figures.text_layout import BORDER, load_font

RED, GREEN, BLUE = (220, 40, 40), (40, 160, 40), (40, 40, 220)
Page = NDArray[np.uint8]


def picture(
    folder: Path, color: tuple[int, ...], width: int, height: int, name: str = ""
) -> Path:
    path = folder / (name or f"{'-'.join(map(str, color))}.png")
    Image.new("RGB", (width, height), color).save(path)
    return path


def box(page: Page, color: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what has a colour."""
    ys, xs = np.nonzero(np.abs(page.astype(int) - color).max(-1) < 4)
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def ink(page: Page) -> int:
    return int((page.max(-1) < 100).sum())


def in_columns(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(contact, "_count_columns", lambda *_: columns)


def test_pictures_stand_in_equal_columns_on_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_columns(monkeypatch, 3)
    page = draw_contact_sheet(
        [
            Entry(picture(tmp_path, RED, 800, 400), "wide", "1907"),
            Entry(picture(tmp_path, GREEN, 400, 800), "high"),
            Entry(picture(tmp_path, BLUE, 600, 600), "square"),
        ]
    )
    assert page.dtype == np.uint8
    red, green, blue = (box(page, color) for color in (RED, GREEN, BLUE))
    side = MAX_SIDE - 2
    assert (red[2] - red[0], red[3] - red[1]) == (side, side // 2)
    assert (green[2] - green[0], green[3] - green[1]) == (side // 2, side)
    assert (blue[2] - blue[0], blue[3] - blue[1]) == (side, side)
    assert red[3] == green[3] == blue[3]
    assert green[0] - red[0] == blue[0] - green[0] > MAX_SIDE
    assert red[0] == page.shape[1] - blue[2]
    assert tuple(page[red[3], red[0]]) == BORDER


def test_rows_follow_each_other(tmp_path: Path) -> None:
    assert contact._choose_grid(3).columns == 2
    paths = [picture(tmp_path, one, 300, 200) for one in (RED, GREEN, BLUE)]
    page = draw_contact_sheet([Entry(path, "title") for path in paths])
    red, green, blue = (box(page, color) for color in (RED, GREEN, BLUE))
    assert red[1] == green[1] < red[3] < blue[1]
    assert red[0] == blue[0] < green[0]


def test_a_title_makes_room_for_itself(tmp_path: Path) -> None:
    entries = [Entry(picture(tmp_path, RED, 300, 200), "")]
    without = draw_contact_sheet(entries)
    assert ink(without) == 0
    titled = draw_contact_sheet(entries, title="Pablo Picasso: 1 work")
    assert titled.shape[0] > without.shape[0]
    assert ink(titled) > 0
    np.testing.assert_array_equal(draw_contact_sheet(entries, title=" "), without)


def test_small_pictures_are_not_enlarged(tmp_path: Path) -> None:
    page = draw_contact_sheet([Entry(picture(tmp_path, RED, 30, 20), "title")] * 4)
    left, top, right, bottom = box(page, RED)
    assert page.shape[1] < 4 * 200
    assert page[top, left:right].shape[0] > 4 * 30
    one = draw_contact_sheet([Entry(picture(tmp_path, RED, 30, 20), "title")])
    left, top, right, bottom = box(one, RED)
    assert (right - left, bottom - top) == (30, 20)


def test_a_picture_that_can_not_be_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    in_columns(monkeypatch, 3)
    (tmp_path / "bad.jpg").write_text("no picture")
    entries = [
        Entry(tmp_path / "bad.jpg", ""),
        Entry(picture(tmp_path, RED, 300, 200), ""),
        Entry(tmp_path / "nothing.jpg", ""),
    ]
    with caplog.at_level(logging.WARNING):
        page = draw_contact_sheet(entries)
    assert [str(record.msg) for record in caplog.records] == ["%s", "%s"]
    assert "bad.jpg" in caplog.text
    assert "nothing.jpg" in caplog.text
    left, _, right, bottom = box(page, RED)
    assert ink(page[:, :left]) > 0
    assert ink(page[:, :left]) == ink(page[:, right:])
    assert tuple(page[bottom, left - 40]) == BORDER
    in_columns(monkeypatch, 1)
    assert draw_contact_sheet(entries[:1]).shape[0] > 50


def test_nothing_to_show() -> None:
    with pytest.raises(ValueError, match="entry"):
        draw_contact_sheet([])


def test_progress(tmp_path: Path) -> None:
    entries = [Entry(picture(tmp_path, RED, 30, 20), "one")] * 5
    told: list[int] = []
    draw_contact_sheet((one for one in entries), on_picture=told.append)
    assert told == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("count", [1, 2, 5, 17, 52, 300, 1166, 5000, 30_000])
def test_a_sheet_has_its_limit_and_its_aspect(count: int) -> None:
    grid = contact._choose_grid(count)
    assert grid.estimate_pixels(count) <= contact.MAX_SHEET_PIXELS
    rows = -(-count // grid.columns)
    assert rows * grid.columns - count < rows  # no emptier last row than need be
    if count > 10:
        width = grid.columns * (grid.side + grid.gap)
        assert 1.1 < width / (grid.estimate_pixels(count) / width) < 2.1
    assert grid.side == MAX_SIDE or count > 100
    assert grid.side >= 120 or count > 1200


def caption(label: str, note: str = "", side: int = 200) -> list[str]:
    return contact._wrap_caption(Entry(Path(), label, note), contact._Grid(1, side))


def test_captions() -> None:
    assert caption("The Dream", "1932") == ["The Dream", "1932"]
    assert caption("The Dream") == ["The Dream"]
    assert caption("", "1932") == ["1932"]
    assert caption("") == caption(" \n ", "\t") == []
    assert caption("Cézanne's\nHat", "c.\u00a01900") == ["Cézanne's Hat", "c. 1900"]
    assert caption("The Dream", "1932", side=60) == []


def test_a_long_title_keeps_its_year() -> None:
    long = "Portrait of Daniel-Henry Kahnweiler" + " in the rue Vignon" * 3
    first, second = caption(long, "1910")
    assert long.startswith(first)
    assert second.endswith("…, 1910")
    font = contact._Grid(1, 200).font
    assert max(map(font.getlength, (first, second))) <= 200
    first, second = caption(long, "between 1910 and about 1912, restored")
    assert first.endswith("…")
    assert second.startswith("between 1910")
    one_word = caption("x" * 300, "1910")
    assert one_word[1].endswith("…, 1910")


def test_the_ellipsis_can_be_drawn() -> None:
    assert load_font(11).getbbox("…")[2] > 0


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_little_memory(tmp_path: Path) -> None:
    """1,166 works, a page of 30 megapixels and its file, in half a gigabyte."""
    path = tmp_path / "painting.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((800, 600)).save(path)
    code = (
        "from pathlib import Path\n"
        "from artist_nst.figures.contact_sheet import Entry, draw_contact_sheet\n"
        "from artist_nst.image.files import write_picture\n"
        f"entries = [Entry(Path({str(path)!r}), 'A title', '1907')] * 1166\n"
        f"write_picture({str(tmp_path / 'sheet.jpg')!r}, draw_contact_sheet(entries))\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500_000  # kB
