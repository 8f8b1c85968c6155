"""Answers are kept: in order, from many at once, and whatever kills the process."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.surveys.store import Survey, open_survey
from tests.surveys.conftest import MakeSurvey, rater


def answer_all(survey: Survey, id: str, value: int | str) -> list[str]:
    """Answer until the end, and return the tasks' ids."""
    ids = []
    while (task := survey.next_task(id)) is not None:
        survey.add_answer(id, task.id, value)
        ids.append(task.id)
    return ids


class TestRatings:
    def test_every_painting_once_in_an_order_of_ones_own(
        self, make_survey: MakeSurvey
    ) -> None:
        survey = make_survey(count=6)
        first = survey.next_task(rater(1))
        assert first is not None
        assert (first.done, first.total) == (0, 6)
        assert survey.next_task(rater(1)) == first
        survey.add_answer(rater(1), first.id, "4")
        # After a restart it goes on.
        second = open_survey(survey.path).next_task(rater(1))
        assert second is not None
        assert second.done == 1
        orders = {tuple(answer_all(survey, rater(n), 3)) for n in range(2, 12)}
        assert {frozenset(order) for order in orders} == {frozenset("123456")}
        assert len(orders) > 5
        assert [first.id, *answer_all(survey, rater(1), 3)][1] == second.id

    def test_the_last_answer_counts(self, make_survey: MakeSurvey) -> None:
        survey = make_survey()
        survey.add_answer(rater(7), "2", 1, seconds=9)
        survey.add_answer(rater(3), "2", 5)
        survey.add_answer(rater(7), "2", 4, seconds=2.5)
        answers = survey.list_ratings()
        assert [(a.rater, a.item, a.value, a.seconds) for a in answers] == [
            (1, 2, 4, 2.5),
            (2, 2, 5, None),
        ]
        assert all(answer.time.endswith("+00:00") for answer in answers)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("x", "1", 3), "'x' is no rater"),
            (("A" * 32, "1", 3), "is no rater"),
            ((rater(1) + "\n", "1", 3), "is no rater"),
            ((rater(1), "4", 3), "'4' is no task"),
            ((rater(1), "1-2", 3), "'1-2' is no task"),
            ((rater(1), "٣", 3), "is no task"),
            ((rater(1), "1", 0), "0 is no answer"),
            ((rater(1), "1", 6), "6 is no answer"),
            ((rater(1), "1", True), "True is no answer"),
            ((rater(1), "1", "left"), "'left' is no answer"),
            ((rater(1), "1", 3, float("nan")), "nan seconds"),
            ((rater(1), "1", 3, -1), "-1 seconds"),
        ],
    )
    def test_wrong_answers(
        self, make_survey: MakeSurvey, arguments: Any, words: str
    ) -> None:
        survey = make_survey()
        with pytest.raises(UsageError, match=words):
            survey.add_answer(*arguments)
        assert survey.list_ratings() == []


class TestPairs:
    def test_all_pairs_once_and_sides_are_balanced(
        self, make_survey: MakeSurvey
    ) -> None:
        survey = make_survey("pairs", 4)
        for number in range(6):
            pairs = answer_all(survey, rater(number), "left")
            assert len({frozenset(pair.split("-")) for pair in pairs}) == 6
        counts = Counter((a.left, a.right) for a in survey.list_choices())
        assert len(counts) == 12
        assert set(counts.values()) == {3}

    def test_the_least_judged_pairs_come_first(self, make_survey: MakeSurvey) -> None:
        survey = make_survey("pairs", 5)
        for number in range(20):
            task = survey.next_task(rater(number))
            assert task is not None
            survey.add_answer(rater(number), task.id, "right")
        choices = survey.list_choices()
        counts = Counter(frozenset((a.left, a.right)) for a in choices)
        assert set(counts.values()) == {2}
        assert all(answer.chosen == answer.right for answer in choices)

    def test_a_reload_asks_the_same(self, make_survey: MakeSurvey) -> None:
        survey = make_survey("pairs", 5)
        task = survey.next_task(rater(1))
        assert task is not None
        answer_all(survey, rater(2), "left")
        assert open_survey(survey.path).next_task(rater(1)) == task
        assert task.id == "-".join(str(item.id) for item in task.items)
        survey.add_answer(rater(1), task.id, "left")
        survey.add_answer(rater(1), task.id, "right")
        (answer,) = (a for a in survey.list_choices() if a.rater == 2)
        assert answer.chosen == task.items[1].id

    def test_a_rater_is_not_asked_too_much(self, make_survey: MakeSurvey) -> None:
        survey = make_survey("pairs", 12)
        assert len(answer_all(survey, rater(1), "left")) == 60

    @pytest.mark.parametrize(
        ("task", "value", "words"),
        [
            ("1-2", "1", "left or right"),
            ("1-9", "left", "no task"),
            ("1", "left", "no task"),
            ("2-1-3", "left", "no task"),
            ("1-1", "left", "no task"),
        ],
    )
    def test_wrong_answers(
        self, make_survey: MakeSurvey, task: str, value: str, words: str
    ) -> None:
        survey = make_survey("pairs")
        with pytest.raises(UsageError, match=words):
            survey.add_answer(rater(1), task, value)

    def test_only_what_was_asked_can_be_answered(self, make_survey: MakeSurvey) -> None:
        survey = make_survey("pairs", 2)
        task = survey.next_task(rater(1))
        assert task is not None
        turned = "-".join(reversed(task.id.split("-")))
        for id, pair in ((rater(1), turned), (rater(2), task.id)):
            with pytest.raises(UsageError, match="no task of this rater"):
                survey.add_answer(id, pair, "left")


@pytest.mark.parametrize("kind", ["rating", "pairs"])
def test_thirty_at_once_lose_nothing(make_survey: MakeSurvey, kind: str) -> None:
    survey = make_survey(kind, 4)
    value = "left" if kind == "pairs" else 5
    with ThreadPoolExecutor(30) as pool:
        done = list(pool.map(lambda n: answer_all(survey, rater(n), value), range(30)))
    expected = 6 if kind == "pairs" else 4
    assert [len(tasks) for tasks in done] == [expected] * 30
    answers = survey.list_choices() if kind == "pairs" else survey.list_ratings()
    assert Counter(a.rater for a in answers) == dict.fromkeys(range(1, 31), expected)


def test_one_rater_in_two_windows(make_survey: MakeSurvey) -> None:
    survey = make_survey("pairs", 6)
    with ThreadPoolExecutor(8) as pool:
        tasks = set(pool.map(survey.next_task, [rater(1)] * 16))
    assert len(tasks) == 1


def test_a_killed_process_loses_no_answer(make_survey: MakeSurvey) -> None:
    survey = make_survey(count=4)
    code = f"""
from artist_nst.surveys.store import open_survey
survey = open_survey({str(survey.path)!r})
for number in range(10_000):
    survey.add_answer(f"{{number:032x}}", "1", 1 + number % 5)
    print(number, flush=True)
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == 25:
                process.send_signal(signal.SIGKILL)
            last = int(line)
    kept = [rating.value for rating in open_survey(survey.path).list_ratings()]
    # One more may have been kept, and not told.
    assert len(kept) in (last + 1, last + 2)
    assert kept == [1 + number % 5 for number in range(len(kept))]


class TestWrongFiles:
    def test_no_survey(self, tmp_path: Path) -> None:
        text, empty, other = (tmp_path / name for name in ("text", "empty", "other"))
        text.write_text("no database, but long enough to have a header" * 20)
        empty.touch()
        with closing(sqlite3.connect(other)) as database:
            database.execute("CREATE TABLE survey (kind)")
        for path, words in (
            (text, "is no survey: name a file that `artist-nst survey create` made"),
            (other, "is no survey"),
            (empty, "empty"),
            (tmp_path, "is a folder"),
            (tmp_path / "gone", "no such file"),
        ):
            with pytest.raises(ArtistNstError, match=words) as raised:
                open_survey(path)
            assert "\n" not in str(raised.value)
        assert not (tmp_path / "gone").exists()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ("PRAGMA user_version = 2", "version 2, newer than this artist-nst reads"),
            ("UPDATE survey SET kind = 'poll'", "is damaged .kind"),
            ("DELETE FROM survey", "is damaged .it has no kind"),
            ("UPDATE item SET label = x'00'", "is damaged"),
            ("DROP TABLE item", "cannot be used as a survey .no such table"),
        ],
    )
    def test_of_another_version_or_damaged(
        self, make_survey: MakeSurvey, change: str, words: str
    ) -> None:
        survey = make_survey()
        with closing(sqlite3.connect(survey.path)) as database:
            database.execute(change)
            database.commit()
        with pytest.raises(ArtistNstError, match=words):
            open_survey(survey.path)

    def test_deleted_while_it_is_open(self, make_survey: MakeSurvey) -> None:
        survey = make_survey()
        survey.path.unlink()
        with pytest.raises(ArtistNstError, match="cannot be used as a survey"):
            survey.add_answer(rater(1), "1", 3)
        assert not survey.path.exists()


def test_no_id_is_kept_that_tells_who_it_is(make_survey: MakeSurvey) -> None:
    """An answer's number is its rater's, by the first answer."""
    survey = make_survey()
    for number in (30, 10, 20, 10):
        survey.add_answer(rater(number), "1", number // 10)
    found = {rating.rater: rating.value for rating in survey.list_ratings()}
    assert found == {1: 3, 2: 1, 3: 2}
