"""Parse years from the texts that sources write for dates."""

import re

LAST_YEAR = 2100  # larger numbers are not years
MAX_LENGTH = 200  # characters that are read

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
_ROMAN = [
    tens + ones
    for tens in ("", "x", "xx")
    for ones in ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
]
_ASCII_SIGNS = str.maketrans("‐‑‒–—−’", "------'")


def parse_years(text: object) -> tuple[int, int] | None:
    """Parse the first and the last year of a date, both included.

    ``"c.1900"`` → (1900, 1900), ``"1937-38"`` → (1937, 1938), ``"1890s"`` → (1890,
    1899), ``"XIX cent."`` → (1801, 1900); years B.C. are negative. Of a bound such as
    ``"before 1900"``, the named year counts; of several dates, the first.
    None if ``text``, whatever it is, holds no year.
    """
    if not isinstance(text, str | int | float):
        return None
    plain = str(text)[:MAX_LENGTH].translate(_ASCII_SIGNS).casefold()
    matches = list(_YEARS.finditer(plain))
    # "No. 123, 1916": three digits are a year if nothing looks more like one.
    matches.sort(key=lambda match: len(match["first"]) < 4 and not _get_era(match))
    centuries = map(_parse_centuries, _CENTURIES.finditer(plain))
    spans = [*map(_parse_match, matches), *centuries]
    return next((span for span in spans if span), None)


def _parse_match(match: re.Match[str]) -> tuple[int, int] | None:
    first, last = match["first"], match["last"]
    era = _get_era(match)
    if len(first) < 3 and not era:
        # "5/1916": a month, or a day.
        is_year = last and len(last) == 4
        return _check_span(int(last), int(last)) if is_year else None
    sign = -1 if era == "b" else 1
    start = sign * int(first)
    end = start // 10 * 10 + 9 if match["tens"] else start
    if last:
        if len(last) < len(first) and not era:
            last = first[: -len(last)] + last
            # "1916-05" is a month.
            if int(last) < int(first):
                return _check_span(start, end)
        end = (-1 if (match["last_era"] or "")[:1] == "b" else 1) * int(last)
        end = end // 10 * 10 + 9 if match["last_tens"] else end
    return _check_span(min(start, end), max(start, end))


def _get_era(match: re.Match[str]) -> str:
    """Get the initial of the first year's era; ``"500-400 BC"`` has one for both."""
    return str(match["era"] or match["last_era"] or "")[:1]


def _parse_centuries(match: re.Match[str]) -> tuple[int, int] | None:
    numbers = [_parse_ordinal(text) for text in (match["first"], match["last"]) if text]
    if not all(numbers):
        return None
    low, high = min(numbers), max(numbers)
    if (match["era"] or "")[:1] == "b":
        return _check_span(-100 * high, -100 * low + 99)
    return _check_span(100 * low - 99, 100 * high)


def _parse_ordinal(text: str) -> int:
    if text[0].isdigit():
        return int(re.sub(r"[a-z]", "", text))
    return _ROMAN.index(text) if text in _ROMAN else 0


def _check_span(first: int, last: int) -> tuple[int, int] | None:
    return (first, last) if first and last and last <= LAST_YEAR else None
