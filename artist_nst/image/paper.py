"""What sheets are made of: white paper, ink, and letters that the font has.

All is drawn as Pillow pictures; sizes are in pixels.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

PAPER = (255, 255, 255)
INK = (38, 38, 38)
FRAME = (214, 214, 214)  # so that a white picture has an edge

CAPTION_LINES = 2
LINE_SPACING = 1.3

# The font that Pillow ships knows ASCII and little more; what is written here would
# else be a box. Letters with accents lose them (:func:`spelt`).
# fmt: off
SPELLINGS = {
    "×": "x", "–": "-", "—": "-", "−": "-", "‐": "-", "→": "->", "←": "<-",
    "≤": "<=", "≥": ">=", "α": "alpha", "β": "beta", "γ": "gamma", "λ": "lambda",
    "μ": "mu", "σ": "sigma", "Δ": "Delta", "Σ": "Sigma", "ø": "o", "Ø": "O",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "æ": "ae", "Æ": "AE",
    "œ": "oe", "Œ": "OE", "ß": "ss", "ð": "d", "þ": "th",
}
# fmt: on


def text_band(text: str, width: int, font: Font) -> Image.Image:
    """The text on paper of its own, in ``CAPTION_LINES`` lines at most."""
    lines = wrapped(text, font, width)
    band = Image.new("RGB", (width, len(lines) * line_height(font)), PAPER)
    write(ImageDraw.Draw(band), lines, font, (0, 0))
    return band


def stack(bands: Sequence[Image.Image], margin: int) -> Image.Image:
    """The bands from top to bottom, left-aligned, with a margin round each."""
    width = max(band.width for band in bands) + 2 * margin
    height = sum(band.height + margin for band in bands) + margin
    page = Image.new("RGB", (width, height), PAPER)
    top = margin
    for band in bands:
        page.paste(band, (margin, top))
        top += band.height + margin
    return page


@lru_cache
def font_of(size: int) -> Font:
    """The font that Pillow ships."""
    return ImageFont.load_default(size=size)


def line_height(font: Font) -> int:
    """From one line of text to the next."""
    return round(LINE_SPACING * getattr(font, "size", 12))


def write(
    draw: ImageDraw.ImageDraw, lines: Iterable[str], font: Font, at: tuple[int, int]
) -> None:
    """Lines one below the other, the first one's left top corner there."""
    left, top = at
    for line in lines:
        draw.text((left, top), line, fill=INK, font=font)
        top += line_height(font)


def wrapped(text: str, font: Font, width: int) -> list[str]:
    """The text in ``CAPTION_LINES`` lines at most, the last cut with an ellipsis."""
    rest = [" ".join(line.split()) for line in spelt(text, font).splitlines()]
    rest = [line for line in rest if line]
    lines: list[str] = []
    while rest and len(lines) < CAPTION_LINES - 1:
        line, tail = split(rest.pop(0), font, width)
        lines.append(line)
        if tail:
            rest.insert(0, tail)
    if rest:
        lines.append(shortened(" ".join(rest), font, width))
    return lines


def _fitting(text: str, font: Font, width: float) -> int:
    """How many of the text's first characters fit in the width."""
    lengths = range(1, len(text) + 1)
    return bisect_right(lengths, width, key=lambda n: font.getlength(text[:n]))


def split(text: str, font: Font, width: float) -> tuple[str, str]:
    """What fits on one line, cut at a space where there is one, and what is left."""
    count = _fitting(text, font, width)
    if count == len(text):
        return text, ""
    space = text.rfind(" ", 0, count + 1)
    cut = space if space > 0 else max(1, count)
    return text[:cut], text[cut:].lstrip()


def shortened(text: str, font: Font, width: float) -> str:
    """The text on one line, cut with an ellipsis where it is too long."""
    if font.getlength(text) <= width:
        return text
    count = _fitting(text, font, width - font.getlength("…"))
    return text[:count].rstrip() + "…"


def spelt(text: str, font: Font) -> str:
    """The text in letters that the font has, as far as they can be had.

    ``Cézanne`` becomes ``Cezanne``; what has no such spelling stays, and is a box.
    """
    return "".join(
        letter if letter.isspace() else _spelling(letter, font)
        for letter in unicodedata.normalize("NFC", text)
    )


def _spelling(letter: str, font: Font) -> str:
    if _has(letter, font):
        return letter
    if letter in SPELLINGS:
        return SPELLINGS[letter]
    parts = unicodedata.normalize("NFKD", letter)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    if plain and all(_has(part, font) for part in plain):
        return plain
    return letter


@lru_cache(maxsize=4096)
def _has(letter: str, font: Font) -> bool:
    missing, drawn = (font.getmask(one) for one in ("\uffff", letter))
    return bytes(missing) != bytes(drawn)
