"""The answers to a survey as a table."""

import csv
import io
from collections.abc import Iterator

from artist_nst._files import check_writable, write_text
from artist_nst._types import PathLike
from artist_nst.surveys.store import Survey

RATING_HEADS = ("rater", "painting", "value", "time_utc", "seconds")
PAIR_HEADS = ("rater", "left", "right", "chosen", "time_utc", "seconds")

FORMULA = ("=", "+", "-", "@")  # start what a spreadsheet would compute


def export_csv(survey: Survey, path: PathLike) -> None:
    """Write every answer to a .csv file, with raters as numbers.

    Raises:
        UsageError: Its name ends otherwise, or its folder does not exist.
        ArtistNstError: It cannot be written.
    """
    check_writable(path, (".csv",))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(PAIR_HEADS if survey.kind == "pairs" else RATING_HEADS)
    table.writerows(_list_rows(survey))
    write_text(path, text.getvalue())


def _list_rows(survey: Survey) -> Iterator[tuple[object, ...]]:
    labels = {item.id: _defuse(item.label) for item in survey.items}
    if survey.kind == "pairs":
        for choice in survey.list_choices():
            pair = (choice.left, choice.right, choice.chosen)
            names = (labels[item] for item in pair)
            yield choice.rater, *names, choice.time, choice.seconds
    else:
        for rating in survey.list_ratings():
            label = labels[rating.item]
            yield rating.rater, label, rating.value, rating.time, rating.seconds


def _defuse(label: str) -> str:
    """Let a spreadsheet show a label as text, whatever it starts with."""
    return f"'{label}" if label.startswith(FORMULA) else label
