"""Years, out of what sources write in their place."""

import re

# Beyond these, a number is no year; what is longer than this, no year's text.
LAST_YEAR = 2100
LONGEST = 200

_ERA = r"(?:b\.?\s?c\.?(?:\s?e\.?)?|a\.?\s?d\.?|c\.?\s?e\.?)(?![a-z])"
_YEARS = re.compile(
    rf"(?<![0-9])(?P<first>[0-9]{{1,4}})(?P<tens>'?s\b)?(?:\s?(?P<era>{_ERA}))?"
    r"(?:\s*(?:-|/|\bto\b|\band\b|\bor\b)\s*(?:c(?:irca|a)?\b\.?\s?)?"
    r"(?P<last>[0-9]{1,4})(?P<last_tens>'?s\b)?(?!\s?[-/.]?[0-9])"
    rf"(?:\s?(?P<last_era>{_ERA}))?)?(?![0-9])"
)
_ORDINAL = r"(?:[ivx]+|[0-9]{1,2}(?:st|nd|rd|th))"
_CENTURIES = re.compile(
    rf"(?<![a-z0-9])(?P<first>{_ORDINAL})(?:\s*-\s*(?P<last>{_ORDINAL}))?"
    rf"\s*c(?:ent(?:ury|uries)?)?(?![a-z])\.?(?:\s?(?P<era>{_ERA}))?"
)
# fmt: off
_ROMAN = [
    "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii",
    "xiv", "xv", "xvi", "xvii", "xviii", "xix", "xx", "xxi",
]
# fmt: on
_SIGNS = str.maketrans("‐‑‒–—−’", "------'")


def parse_years(text: object) -> tuple[int, int] | None:
    """The first and the last year that ``text`` speaks of, the latter included.

    ``"c.1900"`` → (1900, 1900), ``"1937-38"`` → (1937, 1938), ``"1890s"`` → (1890,
    1899), ``"XIX cent."`` → (1801, 1900); years B.C. are negative. Of a bound such as
    ``"before 1900"`` it is the year named; of several dates, the first. None where
    there is no year. Takes numbers as well, and never raises.
    """
    if not isinstance(text, str | int | float):
        return None
    try:
        plain = str(text)[:LONGEST].translate(_SIGNS).casefold()
    except ValueError:  # an integer of thousands of digits
        return None
    matches = list(_YEARS.finditer(plain))
    # "No. 123, 1916": three digits are a year where nothing looks more like one.
    matches.sort(key=lambda one: len(one["first"]) < 4 and not _era(one))
    spans = [*map(_years, matches), *map(_centuries, _CENTURIES.finditer(plain))]
    return next((span for span in spans if span), None)


def _years(match: re.Match[str]) -> tuple[int, int] | None:
    first, last = match["first"], match["last"]
    era = _era(match)
    if len(first) < 3 and not era:
        # "5/1916": a month, or a day.
        whole = last and len(last) == 4
        return _span(int(last), int(last)) if whole else None
    before = -1 if era == "b" else 1
    start = before * int(first)
    end = start // 10 * 10 + 9 if match["tens"] else start
    if last:
        if len(last) < len(first) and not era:
            last = first[: -len(last)] + last
            # "1916-05" is a month.
            if int(last) < int(first):
                return _span(start, end)
        end = (-1 if (match["last_era"] or "")[:1] == "b" else 1) * int(last)
        end = end // 10 * 10 + 9 if match["last_tens"] else end
    return _span(min(start, end), max(start, end))


def _era(match: re.Match[str]) -> str:
    """The initial of the first year's era: ``"500-400 BC"`` says it once for both."""
    return str(match["era"] or match["last_era"] or "")[:1]


def _centuries(match: re.Match[str]) -> tuple[int, int] | None:
    numbers = [_ordinal(one) for one in (match["first"], match["last"]) if one]
    if not all(numbers):
        return None
    low, high = min(numbers), max(numbers)
    if (match["era"] or "")[:1] == "b":
        return _span(-100 * high, -100 * low + 99)
    return _span(100 * low - 99, 100 * high)


def _ordinal(text: str) -> int:
    if text[0].isdigit():
        return int(re.sub(r"[a-z]", "", text))
    return _ROMAN.index(text) + 1 if text in _ROMAN else 0


def _span(first: int, last: int) -> tuple[int, int] | None:
    return (first, last) if first and last and last <= LAST_YEAR else None
