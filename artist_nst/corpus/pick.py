"""Which work stands for the artist."""

import random
from collections.abc import Sequence

from artist_nst.corpus.works import Work
from artist_nst.errors import ArtistNstError

# What WikiArt calls them in genre or media; a bronze says little about paint.
NOT_PAINTINGS = ("sculpture", "photo", "sketch")


def paintings(works: Sequence[Work]) -> list[Work]:
    """``works`` without sculptures, photographs and sketches.

    All of them where nothing else is left: a sculptor's corpus is not an error.
    """
    kept = [
        work
        for work in works
        if not any(
            word in f"{work.genre} {work.media}".lower() for word in NOT_PAINTINGS
        )
    ]
    return kept or list(works)


def pick_random(works: Sequence[Work], seed: int) -> Work:
    """One work, uniformly (Mu and Franc's stand-in for the artist).

    The same works and seed give the same work, in whatever order they come.

    Raises:
        ArtistNstError: there are none.
    """
    if not works:
        raise ArtistNstError("the corpus has no pictures on disk to pick from")
    ordered = sorted(works, key=lambda work: work.id)
    return ordered[random.Random(seed).randrange(len(ordered))]
