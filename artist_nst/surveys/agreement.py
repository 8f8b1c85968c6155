"""Krippendorff's alpha: how far raters agree, beyond chance.

Source: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

Level: TypeAlias = Literal["ordinal", "interval"]
"""Whether only the order of values matters, or their differences do."""


def compute_alpha(counts: Sequence[Sequence[int]], level: Level) -> float:
    """Compute alpha = 1 − D_o / D_e, by observed and expected disagreement.

    Args:
        counts: For each unit, how often raters gave it each value of a scale of equal
            steps. Raters need not have rated all units.
        level: Of measurement.

    Returns:
        1 for perfect agreement, 0 for chance, less for systematic disagreement; NaN
        where it is undefined: if no unit has two values, or all values are equal.
    """
    units = np.array([unit for unit in counts if sum(unit) > 1], float)
    if not units.size:
        return math.nan
    totals = units.sum(axis=0)
    if level == "interval":
        positions = np.arange(len(totals), dtype=float)
    else:
        # Their differences are Krippendorff's ordinal ones: the number of values in
        # between, and half of those at both ends.
        positions = totals.cumsum() - totals / 2
    differences = np.subtract.outer(positions, positions) ** 2
    observed = (
        np.einsum("uc,uk,ck->u", units, units, differences) / (units.sum(axis=1) - 1)
    ).sum()
    expected = totals @ differences @ totals / (totals.sum() - 1)
    return float(1 - observed / expected) if expected else math.nan


def describe_alpha(alpha: float) -> str:
    """Say how to read an alpha, by Krippendorff's own thresholds."""
    if math.isnan(alpha):
        return "undefined: there are too few answers, or all are equal"
    if alpha >= 0.8:
        return "high: the raters agree"
    if alpha >= 0.667:
        return "moderate: enough for tentative conclusions"
    if alpha > 0:
        return "low: tastes differ, so read results with their intervals"
    return "none: the raters do not agree more than by chance"
