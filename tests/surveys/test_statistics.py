"""Means, agreement and strengths, against published and independent results."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from artist_nst.surveys.agreement import compute_alpha, describe_alpha
from artist_nst.surveys.preference import PRIOR, fit_strengths
from artist_nst.surveys.statistics import compute_statistics
from tests.surveys.conftest import MakeSurvey, rate, rater

REPORTED = (4.0, 4.37, 3.37, 4.33, 4.0, 3.73, 3.66)
"""Mean opinions of 45 raters about seven paintings."""


def make_column(mean: float, count: int = 45) -> list[int]:
    """Ratings whose mean is the nearest to that one."""
    low, more = divmod(round(mean * count), count)
    column = [low + 1] * more + [low] * (count - more)
    # Some spread that leaves the sum.
    for place in range(0, 20, 2):
        if column[place] < 5 and column[-1 - place] > 1:
            column[place] += 1
            column[-1 - place] -= 1
    return column


class TestRatings:
    def test_a_reported_table(self, make_survey: MakeSurvey) -> None:
        survey = make_survey(count=7)
        columns = [make_column(mean) for mean in REPORTED]
        rate(survey, *columns)
        statistics = compute_statistics(survey)
        assert (statistics.raters, statistics.answers) == (45, 315)
        scores = {score.item.id: score for score in statistics.scores}
        for number, (reported, column) in enumerate(
            zip(REPORTED, columns, strict=True), 1
        ):
            score = scores[number]
            # As near as a mean of 45 whole numbers can be.
            assert score.mean == pytest.approx(reported, abs=0.5 / 45 + 1e-9)
            assert score.counts == tuple(column.count(value) for value in range(1, 6))
            low, high = stats.t.interval(0.95, 44, np.mean(column), stats.sem(column))
            assert score.interval == pytest.approx((low, min(high, 5)))
        order = [score.item.id for score in statistics.scores]
        assert order == [2, 4, 1, 5, 6, 7, 3]

    def test_no_rater_one_and_equal_answers(self, make_survey: MakeSurvey) -> None:
        survey = make_survey()
        empty = compute_statistics(survey)
        assert (empty.raters, empty.answers) == (0, 0)
        assert all(math.isnan(score.mean) for score in empty.scores)
        assert math.isnan(empty.alpha)
        rate(survey, [], [4], [])
        one = compute_statistics(survey)
        assert [score.item.id for score in one.scores] == [2, 1, 3]
        assert one.scores[0].mean == 4
        assert math.isnan(one.scores[0].interval[0])
        assert math.isnan(one.alpha)
        rate(survey, [4, 4], [4, 4], [4, 4])
        equal = compute_statistics(survey)
        assert equal.scores[0].interval == (4, 4)
        assert math.isnan(equal.alpha)
        assert describe_alpha(equal.alpha).startswith("undefined")


class TestAlpha:
    # Krippendorff 2011, section C: four observers, twelve units.
    OBSERVERS = (
        (1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0),
        (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3),
        (0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0),
        (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0),
    )

    def test_a_published_example(self, make_survey: MakeSurvey) -> None:
        """The last unit, which has one value only, counts for nothing."""
        survey = make_survey(count=12)
        rate(survey, *zip(*self.OBSERVERS, strict=True))
        statistics = compute_statistics(survey)
        assert statistics.alpha == pytest.approx(0.815, abs=5e-4)
        assert statistics.interval_alpha == pytest.approx(0.849, abs=5e-4)

    def test_agreement_and_disagreement(self) -> None:
        assert compute_alpha([[4, 0, 0], [0, 0, 4]], "ordinal") == 1
        assert compute_alpha([[2, 0, 2], [2, 0, 2]], "ordinal") < 0
        assert math.isnan(compute_alpha([[1, 0], [0, 1], [0, 0]], "interval"))
        assert math.isnan(compute_alpha([], "interval"))

    @pytest.mark.parametrize(
        ("alpha", "word"),
        [(0.8, "high"), (0.7, "moderate"), (0.2, "low"), (0, "none"), (-0.5, "none")],
    )
    def test_in_words(self, alpha: float, word: str) -> None:
        assert describe_alpha(alpha).startswith(word)


def fit_by_mm(wins: np.ndarray) -> np.ndarray:
    """Fit by Hunter's MM algorithm, with a painting of strength 0 for the prior."""
    count = len(wins)
    wins = np.pad(wins, (0, 1))
    wins[-1, :-1] = wins[:-1, -1] = PRIOR
    games = wins + wins.T
    gammas = np.ones(count + 1)
    for _ in range(20_000):
        gammas = wins.sum(axis=1) / (games / np.add.outer(gammas, gammas)).sum(axis=1)
        gammas /= gammas[-1]
    strengths = np.log(gammas[:-1])
    return strengths - strengths.mean()


class TestStrengths:
    def test_two_paintings_by_hand(self) -> None:
        """Their difference d solves 30 = 40 σ(d) + 2 (σ(d / 2) − 1/2) · 1/2."""
        strengths, errors = fit_strengths(np.array([[0, 30], [10, 0]], float))
        assert strengths.sum() == pytest.approx(0, abs=1e-9)
        difference = strengths[0] - strengths[1]

        def sigmoid(x: float) -> float:
            return 1 / (1 + math.exp(-x))

        expected = 40 * sigmoid(difference) + sigmoid(difference / 2) - 0.5
        assert expected == pytest.approx(30, abs=1e-4)
        # By little less than the share of wins says.
        assert math.log(3) - 0.02 < difference < math.log(3)
        # The information about one of s and −s: 4 n p q, and the prior's.
        p, prior = sigmoid(difference), sigmoid(difference / 2)
        information = 4 * 40 * p * (1 - p) + 2 * prior * (1 - prior)
        assert errors == pytest.approx([information**-0.5] * 2, rel=1e-3)

    def test_as_another_algorithm(self) -> None:
        random = np.random.default_rng(3)
        wins = random.integers(0, 12, (6, 6)).astype(float)
        np.fill_diagonal(wins, 0)
        assert fit_strengths(wins)[0] == pytest.approx(fit_by_mm(wins), abs=1e-5)

    def test_intervals_hold_the_truth(self) -> None:
        random = np.random.default_rng(4)
        truth = np.array([-1, -0.5, 0, 0.5, 1])
        chances = 1 / (1 + np.exp(-np.subtract.outer(truth, truth)))
        held = []
        for _ in range(100):
            upper = np.triu(random.binomial(20, chances), 1)
            wins = upper + np.triu(20 - upper, 1).T
            strengths, errors = fit_strengths(wins.astype(float))
            held.append(np.abs(strengths - truth) < 1.96 * errors)
        assert 0.9 < np.mean(held) <= 1

    def test_of_a_survey(self, make_survey: MakeSurvey) -> None:
        """The first always wins, and the last is not shown."""
        survey = make_survey("pairs", 4)
        empty = compute_statistics(survey)
        assert all(math.isnan(entry.strength) for entry in empty.preferences)
        for number in range(8):
            while (task := survey.next_task(rater(number))) is not None:
                ids = [item.id for item in task.items]
                value = ("left", "right")[ids.index(min(ids))]
                survey.add_answer(rater(number), task.id, value)
        statistics = compute_statistics(survey)
        assert (statistics.raters, statistics.answers) == (8, 48)
        assert statistics.alpha == 1
        ranked = statistics.preferences
        assert [entry.item.id for entry in ranked] == [1, 2, 3, 4]
        assert [entry.win_rate for entry in ranked] == pytest.approx(
            [1, 2 / 3, 1 / 3, 0]
        )
        for better, worse in combinations(ranked, 2):
            assert 0 < better.strength - worse.strength < 20
        assert all(low < high for low, high in (entry.interval for entry in ranked))

    def test_a_painting_without_answers(self, make_survey: MakeSurvey) -> None:
        survey = make_survey("pairs", 3)
        task = survey.next_task(rater(1))
        assert task is not None
        survey.add_answer(rater(1), task.id, "right")
        statistics = compute_statistics(survey)
        first, second, last = statistics.preferences
        assert (first.item, second.item) == (task.items[1], task.items[0])
        assert math.isnan(last.strength)
        assert math.isnan(last.win_rate)
        assert math.isnan(statistics.alpha) or statistics.alpha <= 1

    def test_raters_who_disagree(self, make_survey: MakeSurvey) -> None:
        survey = make_survey("pairs", 2)
        for number in range(10):
            task = survey.next_task(rater(number))
            assert task is not None
            left_is_first = task.items[0].id == 1
            is_first = left_is_first == (number % 4 < 2)
            survey.add_answer(rater(number), task.id, "left" if is_first else "right")
        assert compute_statistics(survey).alpha < 0.1
