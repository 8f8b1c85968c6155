"""Letters that can be read, whatever a work is called, on lines that fit."""

import sys
import unicodedata
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from artist_nst.figures.text_layout import (
    Font,
    draw_lines,
    line_height,
    load_font,
    render_text,
    replace_missing_glyphs,
    split_line,
    to_image,
    to_pixels,
    truncate,
    wrap_text,
)


def boxes(text: str, font: Font) -> str:
    """The letters that are drawn as what the font draws for a letter it lacks."""
    box = bytes(font.getmask("\uffff"))
    return "".join(one for one in text if bytes(font.getmask(one)) == box)


def alphabet() -> str:
    """Latin, Greek and Cyrillic, and signs that labels use."""
    letters = (chr(code) for code in (*range(0x20, 0x530), *range(0x1E00, 0x2000)))
    shown = (one for one in letters if unicodedata.category(one)[0] in "LNPS")
    return "".join(shown) + "×–—−→←≤≥αβγλμσΔΣ₀₁₂⁰¹²‖…“”„‘’«»№€"


@pytest.mark.parametrize("bold", [False, True])
def test_the_font_is_dejavu(bold: bool) -> None:
    font = load_font(16, bold=bold)
    assert isinstance(font, ImageFont.FreeTypeFont)
    assert font.getname() == ("DejaVu Sans", "Bold" if bold else "Book")
    assert font is load_font(16, bold=bold)


@pytest.mark.parametrize("bold", [False, True])
def test_no_letter_is_a_box(bold: bool) -> None:
    font = load_font(16, bold=bold)
    text = replace_missing_glyphs(alphabet(), font)
    assert len(text) > 1500
    assert boxes(text, font) == ""
    assert text.count("?") < 0.02 * len(text)


def test_letters_that_the_font_has_stay() -> None:
    text = "Cézanne – Ὀδυσσεύς, Портрет, β ×2 → Łódź, Œuvre, 10⁻³"
    for bold in (False, True):
        assert replace_missing_glyphs(text, load_font(16, bold=bold)) == text
    assert replace_missing_glyphs("e\u0301", load_font(16)) == "é"
    assert (
        replace_missing_glyphs("plain ASCII\nin 2 lines", load_font(16))
        == "plain ASCII\nin 2 lines"
    )


def test_letters_that_the_font_lacks_are_respelt() -> None:
    assert replace_missing_glyphs("北斎 Hokusai", load_font(16)) == "?? Hokusai"
    assert replace_missing_glyphs("Ｄｅｇａｓ", load_font(16)) == "Degas"
    assert replace_missing_glyphs("a\x00b\u00adc\x7f\u200b", load_font(16)) == "abc"


@pytest.mark.skipif(sys.platform != "linux", reason="looks for fonts elsewhere, too")
def test_without_dejavu_there_is_another_font(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(matplotlib, "get_data_path", lambda: str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path))
    font = load_font.__wrapped__(16, bold=True)
    assert font.getname()[0] != "DejaVu Sans"
    assert replace_missing_glyphs("Cézanne, Gürtel…", font) == "Cezanne, Gurtel…"
    assert boxes(replace_missing_glyphs(alphabet() + "北", font), font) == ""


def test_long_text_wraps_at_spaces_then_ends_in_an_ellipsis() -> None:
    font = load_font(16)
    text = "the quick brown fox jumps over the lazy dog " * 3
    lines = wrap_text(text, font, 200)
    assert len(lines) == 2
    assert text.startswith(lines[0] + " ")
    assert lines[1].endswith("…")
    assert all(font.getlength(line) <= 200 for line in lines)
    more = wrap_text(text, font, 200, 20)
    assert " ".join(more) == text.strip()
    assert len(more) > 4
    assert wrap_text("short", font, 200) == ["short"]
    assert wrap_text("a\n\nb", font, 200) == ["a", "b"]
    assert wrap_text(" \n\t", font, 200) == []


def test_a_word_wider_than_the_panel_is_broken() -> None:
    font = load_font(16)
    first, second = wrap_text("x" * 30, font, 200)
    assert first + second == "x" * 30
    assert font.getlength(first) <= 200
    assert split_line("ab", font, 1) == ("a", "b")


def test_layers_are_broken_where_they_are_joined() -> None:
    font = load_font(16)
    room = font.getlength("conv1_1+conv2_1+co")
    assert split_line("conv1_1+conv2_1+conv3_1", font, room) == (
        "conv1_1+conv2_1+",
        "conv3_1",
    )
    assert split_line("conv1_1 conv2_1+conv3_1", font, room) == (
        "conv1_1",
        "conv2_1+conv3_1",
    )
    assert split_line("/" + "x" * 100, font, room)[0].startswith("/xxx")


def test_shortened_text_fits() -> None:
    font = load_font(14)
    assert truncate("as it is", font, 200) == "as it is"
    short = truncate("word " * 50, font, 200)
    assert short.endswith("…")
    assert 150 < font.getlength(short) <= 200


def columns_with_ink(page: Image.Image) -> tuple[int, int]:
    left, _, right, _ = page.convert("L").point(lambda level: level < 128).getbbox()
    return left, right


@pytest.mark.parametrize(("anchor", "share"), [("l", 0.0), ("m", 0.5), ("r", 1.0)])
def test_text_is_written_on_either_side(
    anchor: Literal["l", "m", "r"], share: float
) -> None:
    page = Image.new("RGB", (200, 60), "white")
    font = load_font(16)
    width = font.getlength("HHHH")
    draw_lines(ImageDraw.Draw(page), ["HHHH", "HHHH"], font, (100, 5), anchor=anchor)
    left, right = columns_with_ink(page)
    assert left == pytest.approx(100 - share * width, abs=3)
    assert right == pytest.approx(100 + (1 - share) * width, abs=3)
    rows = np.nonzero(np.asarray(page).min((1, 2)) < 128)[0]
    assert rows.max() - rows.min() > line_height(font)


def test_a_band_is_as_high_as_its_lines() -> None:
    font = load_font(16)
    assert render_text("", 100, font).size == (100, 0)
    assert render_text("a", 100, font).size == (100, line_height(font))
    assert render_text("word " * 30, 100, font, 5).size == (100, 5 * line_height(font))


def test_pixels_become_a_picture_and_return() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3)) / 255
    np.testing.assert_allclose(to_pixels(to_image(pixels)), pixels, atol=1e-12)
    beyond = np.array([[[-1.0, 0.5, 2.0]]])
    assert to_image(beyond).getpixel((0, 0)) == (0, 128, 255)
