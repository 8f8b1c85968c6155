"""Works picked out of a corpus by how they are painted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from artist_nst.corpus.filters import Selection
from artist_nst.corpus.works import Corpus, Work
from artist_nst.errors import ArtistNstError, UsageError

if TYPE_CHECKING:
    import os

    from artist_nst.styles.descriptors import Style, Vector

log = logging.getLogger(__name__)

Way = Literal["random", "typical", "nearest", "diverse", "mix"]
PickProgress = Callable[[int, int], None]

# Works in a mix: of eight, none is made out any more, and all are of one manner.
BLENDED = 8
NAMED = 3  # titles in a note


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Which of an artist's works a photo is painted after.

    Attributes:
        way: ``random``; ``typical``, the medoid; ``nearest``, those that show what the
            photo shows, in its colors; ``diverse``, those that span the artist;
            ``mix``, a work drawn at random and those most like it, blended into one
            painting. If not given, one work is random, and several are diverse.
        works: how many; one if not given, and eight for ``mix``.
        mixes: how many paintings of different mixes.
        selection: what a work must be to be picked.
    Raises:
        UsageError: no such way, no number of works, or several that are typical.
    """

    way: Way | None = None
    works: int | None = None
    selection: Selection = field(default_factory=Selection)
    mixes: int = 1

    def __post_init__(self) -> None:
        if self.way not in (None, *get_args(Way)):
            ways = ", ".join(get_args(Way))
            raise UsageError(f"--pick must be one of {ways}, not {self.way!r}")
        if self.works is not None and self.works < 1:
            raise UsageError(f"--works must be a number from 1 up, not {self.works}")
        if self.way == "typical" and self.count > 1:
            raise UsageError(
                "--pick typical is one work: leave out --works, or pick diverse ones"
            )

    @property
    def chosen(self) -> Way:
        """The way, where none was named, too."""
        return self.way or ("random" if self.count == 1 else "diverse")

    @property
    def count(self) -> int:
        """How many works."""
        return self.works or (BLENDED if self.way == "mix" else 1)

    @property
    def paintings(self) -> int:
        """How many paintings they are for."""
        return self.mixes if self.way == "mix" else self.count


def pick_works(
    corpus: Corpus,
    pick: Pick,
    seed: int,
    photo: str | os.PathLike[str] | None = None,
    on_progress: PickProgress | None = None,
) -> list[list[Work]]:
    """The works of each painting: one, or those of a mix.

    Args:
        photo: that is to be painted; needed for ``nearest``.
        on_progress: told how many works' styles are computed, of how many.

    Raises:
        UsageError: no work is what the selection asks for.
        ArtistNstError: there are no works, or none that can be read.
    """
    # Late, for the command line knows of picks before it needs numpy.
    from artist_nst.styles.clustering import paintings, pick_random

    works = paintings(_selected(corpus, pick.selection))
    if pick.chosen == "random":
        groups = [[work] for work in pick_random(works, seed, pick.count)]
    else:
        groups = _by_style(corpus, works, pick, seed, photo, on_progress)
    _tell(corpus, groups, pick, len(works), seed)
    return groups


def _selected(corpus: Corpus, selection: Selection) -> list[Work]:
    here = corpus.here
    fit = [work for work in selection.candidates(here) if selection.fits(work)]
    if here and not fit:
        there = selection.whats_there(here)
        raise UsageError(
            f"no work of {corpus.artist} is what --style, --genre, --since and --until "
            f"ask for{f'; {there}' if there else ''}"
        )
    return fit


def _by_style(
    corpus: Corpus,
    works: Sequence[Work],
    pick: Pick,
    seed: int,
    photo: str | os.PathLike[str] | None,
    on_progress: PickProgress | None,
) -> list[list[Work]]:
    from artist_nst.styles.clustering import diverse, nearest, typical
    from artist_nst.styles.descriptors import manners, style_of_file, subjects

    sound, styles = _looked_at(corpus, works, on_progress)
    match pick.chosen:
        case "typical":
            places = [typical(manners(styles))]
        case "nearest":
            if photo is None:
                raise UsageError("--pick nearest is nearest to a photo: name one")
            wanted = subjects([style_of_file(photo)])[0]
            places = nearest(subjects(styles), wanted, pick.count)
        case "diverse":
            places = diverse(manners(styles), pick.count)
        case _:
            return _mixes(sound, manners(styles), pick, seed)
    return [[sound[place]] for place in places]


def _mixes(
    works: Sequence[Work], found: Vector, pick: Pick, seed: int
) -> list[list[Work]]:
    """Works drawn one after the other, each with those most like it; no mix twice."""
    from artist_nst.styles.clustering import alike, pick_random

    mixes: dict[frozenset[int], list[Work]] = {}
    for drawn in pick_random(works, seed, len(works)):
        if len(mixes) == pick.mixes:
            break
        places = alike(found, works.index(drawn), pick.count)
        mixes.setdefault(frozenset(places), [works[place] for place in places])
    return [*mixes.values()]


def _looked_at(
    corpus: Corpus, works: Sequence[Work], on_progress: PickProgress | None
) -> tuple[list[Work], list[Style]]:
    """Works and their styles; those that can't be read are left out, and named, and of
    those that are the same picture all but one."""
    from artist_nst.styles.descriptors import Style, styles_of

    if not works:
        raise ArtistNstError(f"{corpus.artist} has no pictures on disk to pick from")
    paths = [corpus.path(work) for work in works]
    sound: list[Work] = []
    styles: list[Style] = []
    known: set[bytes] = set()
    for work, style in zip(
        works, styles_of(paths, corpus.slug, on_progress), strict=True
    ):
        if not isinstance(style, Style):
            log.warning("%s is left out: %s", work.label, style)
        elif (row := style.row.tobytes()) not in known:
            known.add(row)
            sound.append(work)
            styles.append(style)
    if not sound:
        raise ArtistNstError(
            f"{corpus.artist}: none of {len(works)} pictures can be read; `artist-nst "
            f"fetch {corpus.slug} --verify` gets them anew"
        )
    return sound, styles


def _tell(
    corpus: Corpus, groups: Sequence[list[Work]], pick: Pick, among: int, seed: int
) -> None:
    """What was picked, and where that is less than was asked for."""
    first = groups[0]
    if pick.way == "mix" and len(first) < pick.count:
        short = len(first), "works to pick from", pick.count
        log.warning("%s has %d %s, not %d", corpus.artist, *short)
    if len(groups) < pick.paintings:
        what = "mixes" if pick.way == "mix" else "works to pick from"
        log.warning(
            "%s has %d %s, not %d", corpus.artist, len(groups), what, pick.paintings
        )
    # Of several mixes, the works that were drawn.
    works = first if len(groups) == 1 else [group[0] for group in groups]
    titles = "; ".join(work.label for work in works[:NAMED])
    more = f" and {len(works) - NAMED} more" if len(works) > NAMED else ""
    drawn = f" with seed {seed}" if pick.chosen in ("random", "mix") else ""
    log.info(
        "%s: %s%s, %s of %s%s",
        corpus.artist,
        titles,
        more,
        "picked" if pick.chosen == "random" else f"picked as {pick.chosen}",
        f"{among:,}",
        drawn,
    )
