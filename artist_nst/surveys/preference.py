"""Bradley–Terry strengths: what pairs say about each item.

An item i is preferred to j with probability σ(s_i − s_j), σ(s) = 1 / (1 + exp(−s)).

Source: D. R. Hunter, "MM algorithms for generalized Bradley–Terry models", Annals of
Statistics 32 (2004), sections 1 and 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from artist_nst.surveys.survey import Choice, Item

PRIOR = 0.5
"""Wins, and losses, that each item is given against one of strength 0."""
Z = 1.959964  # of a 95 % interval

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Preference:
    """How an item does against the others.

    Attributes:
        item: The item.
        wins: How often it was chosen.
        answers: How often it was one of the two.
        strength: Log odds against an item of average strength; NaN without answers.
        interval: Of 95 %, of the strength.
    """

    item: Item
    wins: int
    answers: int
    strength: float
    interval: tuple[float, float]

    @property
    def win_rate(self) -> float:
        """Share of its pairs that it won; NaN if there are none."""
        return self.wins / self.answers if self.answers else math.nan


def rank_items(items: Sequence[Item], choices: Iterable[Choice]) -> list[Preference]:
    """Rank items by their strengths, the strongest first, those without any last."""
    places = {item.id: place for place, item in enumerate(items)}
    wins = np.zeros((len(items), len(items)))
    for choice in choices:
        loser = choice.left if choice.chosen == choice.right else choice.right
        wins[places[choice.chosen], places[loser]] += 1
    judged = (wins + wins.T).any(axis=0)
    strengths, errors = np.full((2, len(items)), math.nan)
    if judged.any():
        strengths[judged], errors[judged] = fit_strengths(wins[judged][:, judged])
    preferences = [
        Preference(
            item,
            wins=int(wins[place].sum()),
            answers=int(wins[place].sum() + wins[:, place].sum()),
            strength=float(strengths[place]),
            interval=(
                float(strengths[place] - Z * errors[place]),
                float(strengths[place] + Z * errors[place]),
            ),
        )
        for place, item in enumerate(items)
    ]
    return sorted(
        preferences,
        key=lambda entry: -entry.strength if entry.answers else math.inf,
    )


def fit_strengths(wins: Floats) -> tuple[Floats, Floats]:
    """Fit strengths to wins by maximum likelihood, with a weak prior.

    The prior is half a win and half a loss of each item against one of strength 0. It
    keeps the strength of an item finite that always wins. The strengths are then
    centered.

    Args:
        wins: ``wins[i, j]`` is how often i was preferred to j; not empty.

    Returns:
        Strengths, and their standard errors by the Fisher information at the maximum.
    """
    count = len(wins)

    def negative_likelihood(strengths: Floats) -> float:
        differences = np.subtract.outer(strengths, strengths)
        prior = log_expit(strengths) + log_expit(-strengths)
        return -float((wins * log_expit(differences)).sum() + PRIOR * prior.sum())

    def gradient(strengths: Floats) -> Floats:
        # The probability that each win was not to be expected.
        surprise = wins * expit(np.subtract.outer(strengths, strengths).T)
        prior = PRIOR * (1 - 2 * expit(strengths))
        return np.asarray(surprise.sum(axis=0) - surprise.sum(axis=1) - prior)

    def information(strengths: Floats) -> Floats:
        chances = expit(np.subtract.outer(strengths, strengths))
        pairs = (wins + wins.T) * chances * chances.T
        prior = 2 * PRIOR * expit(strengths) * expit(-strengths)
        return np.asarray(np.diag(pairs.sum(axis=0) + prior) - pairs)

    fit = minimize(
        negative_likelihood,
        np.zeros(count),
        jac=gradient,
        hess=information,
        method="trust-exact",
        options={"gtol": 1e-6},
    )
    centering = np.eye(count) - 1 / count
    covariance = centering @ np.linalg.inv(information(fit.x)) @ centering
    return centering @ fit.x, np.sqrt(covariance.diagonal())
