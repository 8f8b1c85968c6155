"""Which of an artist's works are asked for; :mod:`.picking` finds them by style."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from artist_nst.corpus.filters import Selection
from artist_nst.corpus.works import Work
from artist_nst.errors import ArtistNstError, UsageError

PickWay = Literal["random", "typical", "nearest", "diverse", "mix", "whole"]

# Works in a mix: in eight, no single one is recognizable, and all are painted alike.
DEFAULT_MIX_SIZE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Which of an artist's works a photo is painted after.

    Attributes:
        way: ``random``; ``typical``, the medoid; ``nearest``, those that show what the
            photo shows, in its colors; ``diverse``, those that span the artist;
            ``mix``, a work drawn at random and those most like it, blended into one
            painting; ``whole``, of twice as many of those, the works in which the
            photo's places find the nearest neighbors. If not given, one work is
            random, and several are diverse.
        works: how many; if not given, one, eight for ``mix``, and at most eight for
            ``whole``.
        mixes: how many paintings of different mixes or wholes.
        selection: filters that works must match.

    Raises:
        UsageError: unknown way, a number of works below 1, or several typical works.
    """

    way: PickWay | None = None
    works: int | None = None
    selection: Selection = field(default_factory=Selection)
    mixes: int = 1

    def __post_init__(self) -> None:
        if self.way not in (None, *get_args(PickWay)):
            ways = ", ".join(get_args(PickWay))
            raise UsageError(f"--pick must be one of {ways}, not {self.way!r}")
        if self.works is not None and self.works < 1:
            raise UsageError(f"--works must be a number from 1 up, not {self.works}")
        if self.way == "typical" and self.work_count > 1:
            raise UsageError(
                "--pick typical is one work: leave out --works, or pick diverse ones"
            )

    @property
    def is_blend(self) -> bool:
        """Whether several works are for one painting."""
        return self.way in ("mix", "whole")

    @property
    def effective_way(self) -> PickWay:
        """The way, or its default."""
        return self.way or ("random" if self.work_count == 1 else "diverse")

    @property
    def work_count(self) -> int:
        """The number of works, or its default."""
        return self.works or (DEFAULT_MIX_SIZE if self.is_blend else 1)

    @property
    def painting_count(self) -> int:
        """The number of paintings that the works are for."""
        return self.mixes if self.is_blend else self.work_count


def draw_works(works: Sequence[Work], seed: int, count: int = 1) -> list[Work]:
    """Draw works uniformly, none twice (Mu and Franc's stand-in for the artist).

    The same works and seed give the same draw, in whatever order they come; a larger
    count only adds to it.

    Args:
        works: those to draw from.
        seed: of the random numbers.
        count: how many; all works if there are fewer.

    Raises:
        ArtistNstError: there are no works.
    """
    if not works:
        raise ArtistNstError("the corpus has no pictures on disk to pick from")
    remaining = sorted(works, key=lambda work: work.id)
    generator = random.Random(seed)
    drawn: list[Work] = []
    while remaining and len(drawn) < count:
        drawn.append(remaining.pop(generator.randrange(len(remaining))))
    return drawn
