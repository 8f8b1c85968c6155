"""Mean opinion scores.

Source: ITU-T P.800.2 (2016), "Mean opinion score interpretation and reporting".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from artist_nst.surveys.survey import SCALE, Item, Rating

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class OpinionScore:
    """The ratings of an item.

    Attributes:
        item: The item.
        counts: How often each value of the scale was given, from bad to excellent.
    """

    item: Item
    counts: tuple[int, ...]

    @property
    def answers(self) -> int:
        """How many ratings there are."""
        return sum(self.counts)

    @property
    def mean(self) -> float:
        """Mean of the ratings; NaN if there are none."""
        if not self.answers:
            return math.nan
        return float(np.average([*SCALE], weights=self.counts))

    @property
    def interval(self) -> Interval:
        """Student's 95 % confidence interval of the mean, within the scale.

        NaN with fewer than two ratings.
        """
        n, mean = self.answers, self.mean
        if n < 2:
            return math.nan, math.nan
        variance = np.average((np.array([*SCALE]) - mean) ** 2, weights=self.counts)
        half = stdtrit(n - 1, 0.975) * math.sqrt(variance / (n - 1))
        return max(mean - half, min(SCALE)), min(mean + half, max(SCALE))


def score_items(items: Sequence[Item], ratings: Iterable[Rating]) -> list[OpinionScore]:
    """Score items by their ratings, the best first, those without any last."""
    counts = {item.id: dict.fromkeys(SCALE, 0) for item in items}
    for rating in ratings:
        counts[rating.item][rating.value] += 1
    scores = [OpinionScore(item, tuple(counts[item.id].values())) for item in items]
    return sorted(scores, key=lambda score: -score.mean if score.answers else 0)
