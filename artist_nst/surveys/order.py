"""In which order raters are asked, and which pairs."""

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from random import Random

from artist_nst.surveys.survey import Item, Kind

MAX_PAIRS = 60  # that one rater is asked: about ten minutes

Pair = tuple[int, int]
"""Ids of the left and the right item."""


def count_tasks(kind: Kind, items: int) -> int:
    """Count what one rater is asked about so many items."""
    return items if kind == "rating" else min(math.comb(items, 2), MAX_PAIRS)


def shuffle_items(rater: str, items: Sequence[Item]) -> list[Item]:
    """Shuffle items into a rater's own order, which is always the same."""
    return sorted(
        items,
        key=lambda item: hashlib.sha256(f"{rater}/{item.id}".encode()).digest(),
    )


def choose_pair(
    rater: str,
    ids: Sequence[int],
    asked: Collection[Pair],
    counts: Mapping[Pair, Sequence[int]],
) -> Pair:
    """Choose a pair that the rater has not been asked, and its sides.

    It is one with the fewest answers, of these one that was asked least, and of these a
    random one. The item that was less often on the left is there.

    Args:
        rater: Seeds the choice, together with the number of pairs ``asked``.
        ids: Of the items, in order.
        asked: Pairs that the rater was asked; not all there are.
        counts: Of each pair, how often it was answered and how often asked.
    """
    random = Random(f"{rater}/{len(asked)}")

    def count(pair: Pair) -> tuple[int, ...]:
        sides = (counts.get(side, (0, 0)) for side in (pair, pair[::-1]))
        return tuple(map(sum, zip(*sides, strict=True)))

    pair = min(
        (
            pair
            for pair in combinations(ids, 2)
            if pair not in asked and pair[::-1] not in asked
        ),
        key=lambda pair: (*count(pair), random.random()),
    )
    sides = [pair, pair[::-1]]
    random.shuffle(sides)
    return min(sides, key=lambda side: counts.get(side, (0, 0))[1])
