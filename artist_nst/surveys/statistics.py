"""What the answers to a survey say."""

from __future__ import annotations

from dataclasses import dataclass

from artist_nst.surveys.agreement import compute_alpha
from artist_nst.surveys.opinion import OpinionScore, score_items
from artist_nst.surveys.preference import Preference, rank_items
from artist_nst.surveys.store import Survey


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the answers to a survey say.

    Attributes:
        raters: How many people answered.
        answers: How many answers they gave.
        scores: Of a rating survey, the best first; else empty.
        preferences: Of a survey of pairs, the strongest first; else empty.
        alpha: Krippendorff's ordinal alpha; NaN if undefined. Of pairs, how far raters
            agree on a pair.
        interval_alpha: His alpha for values whose differences matter.
    """

    raters: int
    answers: int
    scores: tuple[OpinionScore, ...]
    preferences: tuple[Preference, ...]
    alpha: float
    interval_alpha: float


def compute_statistics(survey: Survey) -> Statistics:
    """Compute what the answers so far say."""
    if survey.kind == "pairs":
        return _compare(survey)
    ratings = survey.list_ratings()
    scores = score_items(survey.items, ratings)
    counts = [score.counts for score in scores]
    return Statistics(
        raters=len({rating.rater for rating in ratings}),
        answers=len(ratings),
        scores=tuple(scores),
        preferences=(),
        alpha=compute_alpha(counts, "ordinal"),
        interval_alpha=compute_alpha(counts, "interval"),
    )


def _compare(survey: Survey) -> Statistics:
    choices = survey.list_choices()
    # Of each pair, how often its first and its second item was chosen.
    counts: dict[tuple[int, int], list[int]] = {}
    for choice in choices:
        first, second = sorted((choice.left, choice.right))
        pair = counts.setdefault((first, second), [0, 0])
        pair[choice.chosen == second] += 1
    # Which item is the first is arbitrary: each pair counts both ways. Of two values,
    # all levels of measurement give one alpha.
    both_ways = [order for pair in counts.values() for order in (pair, pair[::-1])]
    alpha = compute_alpha(both_ways, "interval")
    return Statistics(
        raters=len({choice.rater for choice in choices}),
        answers=len(choices),
        scores=(),
        preferences=tuple(rank_items(survey.items, choices)),
        alpha=alpha,
        interval_alpha=alpha,
    )
