"""Years as sources write them."""

import random
from typing import Any

from artist_nst.corpus.years import parse_years

# Texts, and the first and the last year in them.
YEARS: list[tuple[Any, tuple[int, int]]] = [
    # single years
    ("1916", (1916, 1916)),
    (1916, (1916, 1916)),
    (1916.0, (1916, 1916)),
    ("c.1900", (1900, 1900)),
    ("c. 1900", (1900, 1900)),
    ("ca. 1900", (1900, 1900)),
    ("circa 1900", (1900, 1900)),
    ("?1503", (1503, 1503)),
    ("1503?", (1503, 1503)),
    ("[1900]", (1900, 1900)),
    ("  1900  ", (1900, 1900)),
    ("950", (950, 950)),
    ("No. 123, 1916", (1916, 1916)),
    ("before 1900", (1900, 1900)),
    ("after 1900", (1900, 1900)),
    # ranges
    ("1920-1930", (1920, 1930)),
    ("1920–1930", (1920, 1930)),
    ("1920 — 1930", (1920, 1930)),
    ("1945 - 1946, signed 1971", (1945, 1946)),
    ("1937-38", (1937, 1938)),
    ("1907-8", (1907, 1908)),
    ("c.1908-c.1910", (1908, 1910)),
    ("1916/17", (1916, 1917)),
    ("1914 to 1918", (1914, 1918)),
    ("between 1914 and 1918", (1914, 1918)),
    ("1914 or 1915", (1914, 1915)),
    ("1930-1920", (1920, 1930)),
    # decades and centuries
    ("1890s", (1890, 1899)),
    ("1890's", (1890, 1899)),
    ("1890’s", (1890, 1899)),
    ("1890s-1900s", (1890, 1909)),
    ("1890-1900s", (1890, 1909)),
    ("XIX cent.", (1801, 1900)),
    ("XX cent.", (1901, 2000)),
    ("XIX-XX cent.", (1801, 2000)),
    ("19th century", (1801, 1900)),
    ("late 15th-16th centuries", (1401, 1600)),
    ("XXI cent.", (2001, 2100)),
    ("XIX cent., 1890", (1890, 1890)),
    # years before Christ
    ("c.500 BC", (-500, -500)),
    ("500-400 B.C.", (-500, -400)),
    ("150-50 BC", (-150, -50)),
    ("27 BC - 14 AD", (-27, 14)),
    ("3000 b.c.e.", (-3000, -3000)),
    ("V cent. BC", (-500, -401)),
    ("5th-4th century B.C.", (-500, -301)),
    # days and months, which are not years
    ("17 May 1916", (1916, 1916)),
    ("1916-05-12", (1916, 1916)),
    ("1910-12-05", (1910, 1910)),
    ("1916-05", (1916, 1916)),
    ("12.05.1916", (1916, 1916)),
    ("05/12/1916", (1916, 1916)),
    ("5/1916", (1916, 1916)),
]


def test_years() -> None:
    for text, years in YEARS:
        assert parse_years(text) == years, text


NO_YEARS: list[Any] = [
    "",
    None,
    "?",
    "n.d.",
    "unknown",
    "0",
    "0000",
    "17",
    "3000",
    "57727265",
    "mix",
    "iiii cent.",
    "25th century",
    True,
    float("nan"),
    float("inf"),
    [1916],
    {},
    b"1916",
    "9" * 100_000,
    "\ud800",
    "١٩١٦",
]


def test_what_is_no_year() -> None:
    for text in NO_YEARS:
        assert parse_years(text) is None


def test_no_text_is_too_strange() -> None:
    source = random.Random(0)
    for _ in range(3000):
        letters = source.choices("0123456789-–/,. cCsSbBaADdeVXI?'toand", k=12)
        years = parse_years("".join(letters))
        assert years is None or years[0] <= years[1]
