"""Small surveys, and raters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from PIL import Image

from artist_nst.surveys.creation import create_survey
from artist_nst.surveys.store import Survey
from artist_nst.surveys.survey import Kind
from tests.conftest import picture

MakeSurvey = Callable[..., Survey]


def rater(number: int) -> str:
    """An id of a rater, other for every number."""
    return f"{number:032x}"


def save_pictures(folder: Path, names: Iterable[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        Image.fromarray(picture(12, 16, seed)).save(folder / name)
    return folder


@pytest.fixture
def make_survey(tmp_path: Path) -> MakeSurvey:
    """``make_survey("pairs", 4)``: of paintings a, b, c, d."""

    def make(kind: Kind = "rating", count: int = 3, **options: str) -> Survey:
        names = [f"{chr(ord('a') + number)}.png" for number in range(count)]
        folder = save_pictures(tmp_path / f"{kind}{count}", names)
        return create_survey(folder.with_suffix(".db"), folder, kind=kind, **options)

    return make


def rate(survey: Survey, *columns: Iterable[int]) -> None:
    """Let raters rate each item: a column for an item, 0 for no answer."""
    for item, column in zip(survey.items, columns, strict=True):
        for number, value in enumerate(column):
            if value:
                survey.add_answer(rater(number), str(item.id), value)
