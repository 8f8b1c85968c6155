"""The page and the table of a survey's answers."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from artist_nst.errors import UsageError
from artist_nst.surveys.creation import create_survey
from artist_nst.surveys.export import export_csv
from artist_nst.surveys.report import render_report, write_report
from artist_nst.surveys.store import Survey
from tests.surveys.conftest import MakeSurvey, rate, rater, save_pictures

HOSTILE = "<img src=x onerror=alert(1)>"
BIDI = "\u202eevil\u202c"


class Page(HTMLParser):
    """What a page has: its tags, its text, and where its pictures come from."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.sources: list[str] = []
        self.isolated: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href"):
                self.sources.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.tags and self.tags[-1] == "bdi":
            self.isolated.append(data)


@pytest.fixture
def hostile(tmp_path: Path) -> Survey:
    folder = save_pictures(tmp_path / "p", ["1.png", "2.png", "3.png"])
    table = f'title,file\n"{HOSTILE}",1.png\n"=1+1 {BIDI}",2.png\n"$x_",3.png\n'
    (folder / "results.csv").write_text(table)
    title = f"</title><script>{BIDI}"
    return create_survey(tmp_path / "a.db", folder, title=title, question=HOSTILE)


def test_a_page_of_ratings(make_survey: MakeSurvey, tmp_path: Path) -> None:
    survey = make_survey(title="Seven ratios")
    rate(survey, [4, 5, 5], [1, 2, 1], [3, 3, 4])
    write_report(survey, tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    page = Page(html)
    for words in ("Seven ratios", survey.question, "4.67", "1.33", "Agreement is"):
        assert words in page.text
    assert re.search(r">a<.*>c<.*>b<", html, re.DOTALL)
    assert page.tags.count("img") == 3
    assert "svg" in page.tags
    # Nothing runs, and nothing is loaded from elsewhere.
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert all(source.startswith(("data:image/jpeg;", "#")) for source in page.sources)
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_a_page_of_pairs(make_survey: MakeSurvey) -> None:
    survey = make_survey("pairs")
    for number in range(4):
        while (task := survey.next_task(rater(number))) is not None:
            is_a = task.items[0].label == "a"
            survey.add_answer(rater(number), task.id, "left" if is_a else "right")
    page = Page(render_report(survey))
    assert "100%" in page.text
    assert "8 of 8" in page.text
    assert "average painting" in page.text


@pytest.mark.parametrize("kind", ["rating", "pairs"])
def test_a_page_without_answers(make_survey: MakeSurvey, kind: str) -> None:
    html = render_report(make_survey(kind))
    page = Page(html)
    assert "undefined" in page.text
    assert ">nan" not in html.lower()
    assert "svg" not in page.tags


def test_hostile_texts_are_shown(hostile: Survey) -> None:
    rate(hostile, [1, 2], [3, 4], [5, 5])
    html = render_report(hostile)
    page = Page(html)
    assert page.tags.count("img") == 3
    assert "script" not in page.tags
    assert "<img src=x" not in html
    # Each in an element of its own, so that it turns nothing else around.
    for text in (HOSTILE, f"title =1+1 {BIDI}", f"</title><script>{BIDI}"):
        assert text in page.isolated


def test_a_table_of_ratings(hostile: Survey, tmp_path: Path) -> None:
    hostile.add_answer(rater(5), "2", 4, seconds=2.5)
    hostile.add_answer(rater(1), "1", 1)
    export_csv(hostile, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["rater"] for row in rows] == ["1", "2"]
    assert rows[0]["painting"].startswith("title =1+1")
    assert (rows[0]["value"], rows[0]["seconds"]) == ("4", "2.5")
    assert rows[1]["seconds"] == ""
    assert rows[1]["painting"] == f"title {HOSTILE}"
    assert rater(5) not in (tmp_path / "a.csv").read_text()
    with pytest.raises(UsageError, match=r"a\.txt"):
        export_csv(hostile, tmp_path / "a.txt")


def test_a_table_of_pairs_and_no_formulas(tmp_path: Path) -> None:
    folder = save_pictures(tmp_path / "p", ["=cmd.png", "@b.png"])
    survey = create_survey(tmp_path / "a.db", folder, kind="pairs")
    task = survey.next_task(rater(1))
    assert task is not None
    survey.add_answer(rater(1), task.id, "right")
    export_csv(survey, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    left, right = (f"'{item.label}" for item in task.items)
    assert (row["left"], row["right"], row["chosen"]) == (left, right, right)
    assert {left, right} == {"'=cmd", "'@b"}
