"""``artist-nst survey``."""

from __future__ import annotations

from pathlib import Path

import pytest

from artist_nst.surveys.store import open_survey
from tests.cli.conftest import Cli, files, save


@pytest.fixture(autouse=True)
def _folder(cli: Cli) -> None:
    del cli
    Path("painted").mkdir()
    for seed, name in enumerate(("night", "day")):
        save(f"painted/{name}.png", 12, 16, seed)


def answer(kind: str = "rating") -> None:
    """Let two raters prefer day to night."""
    survey = open_survey("survey.db")
    for rater in ("a" * 32, "b" * 32):
        while (task := survey.next_task(rater)) is not None:
            is_day = task.items[0].label == "day"
            if kind == "pairs":
                value = "left" if is_day else "right"
            else:
                value = "5" if is_day else "2"
            survey.add_answer(rater, task.id, value)


def test_ratings_from_a_folder_to_a_page(cli: Cli) -> None:
    ran = cli("survey", "create", "painted", "--title", "My own")
    assert (ran.code, ran.out) == (0, "survey.db\n")
    assert "2 paintings: How good is this painting?" in ran.err
    answer()
    outputs = ("--report", "page.html", "--csv", "answers.csv")
    ran = cli("survey", "results", "survey.db", *outputs)
    assert ran.code == 0, ran.err
    head, first, second, _, summary = ran.out.splitlines()
    assert head.split()[:2] == ["painting", "mean"]
    assert first.split()[:2] == ["day", "5.00"]
    assert second.split()[:2] == ["night", "2.00"]
    assert summary.startswith("4 answers by 2 raters; agreement (Krippendorff's alpha ")
    assert "1.00" in summary
    assert "My own" in Path("page.html").read_text()
    assert len(Path("answers.csv").read_text().splitlines()) == 5


def test_pairs(cli: Cli) -> None:
    create = ("survey", "create", "painted", "--kind", "pairs", "-o", "survey.db", "-q")
    ran = cli(*create, "--question", "Which one is calmer?")
    assert (ran.code, ran.err) == (0, "")
    assert open_survey("survey.db").question == "Which one is calmer?"
    answer("pairs")
    ran = cli("survey", "results", "survey.db")
    rows = [line.split() for line in ran.out.splitlines()]
    assert [row[0] for row in rows[1:3]] == ["day", "night"]
    assert "100%" in rows[1]
    assert float(rows[1][1]) > 0


def test_before_anyone_answers(cli: Cli) -> None:
    assert cli("survey", "create", "painted").code == 0
    ran = cli("survey", "results", "survey.db")
    assert ran.code == 0
    assert "0 answers by 0 raters" in ran.out
    assert "nan" not in ran.out


def test_a_hostile_label_does_not_control_the_terminal(cli: Cli) -> None:
    name = "\x1b[31mred\u202e"
    save(f"painted/{name}.png", 12, 16)
    cli("survey", "create", "painted")
    out = cli("survey", "results", "survey.db").out
    assert "red" in out
    assert not {"\x1b", "\u202e"} & {*out}


def test_what_is_wrong_is_one_line(cli: Cli) -> None:
    Path("empty").mkdir()
    Path("notes.db").write_text("no survey")
    assert cli("survey", "create", "painted").code == 0
    before = files()
    for arguments, code, *words in (
        (("create", "painted"), 2, "survey.db exists already"),
        (("create", "empty", "-o", "b.db"), 2, "empty", "0 pictures"),
        (("create", "nowhere", "-o", "b.db"), 1, "nowhere"),
        (("create", "painted", "-o", "b.txt"), 2, "b.txt", ".db"),
        (("create", "painted", "--kind", "stars"), 2, "--kind", "stars"),
        (("results", "notes.db"), 1, "notes.db is no survey"),
        (("results", "gone.db"), 1, "gone.db", "no such file"),
        (("results", "survey.db", "--report", "page.txt"), 2, "page.txt"),
        (("results", "survey.db", "--csv", "no/table.csv"), 2, "no/table.csv"),
        (("result",), 2, "result"),
    ):
        ran = cli("survey", *arguments)
        assert ran.code == code, arguments
        assert ran.out == ""
        assert all(word in ran.line for word in words), ran.line
    assert files() == before


def test_help(cli: Cli) -> None:
    text = cli("survey", "--help").out
    assert "create" in text
    assert "results" in text
    assert "survey" in cli("--help").out
    for name in ("create", "results"):
        ran = cli("survey", name, "--help")
        assert ran.code == 0
        assert f"artist-nst survey {name}" in ran.out.partition("Example")[2]
        assert "bool" not in ran.out
