"""What is painted by which mode after which works, and where it goes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from artist_nst.corpus.works import Corpus, Work, artists, load_corpus
from artist_nst.errors import UsageError
from artist_nst.evaluation.near_duplicates import groups, thumbnail
from artist_nst.experiments.runner import Cell
from artist_nst.image.files import read_small, sha256_of
from artist_nst.painting.style_sources import from_work
from artist_nst.recipes.recipe import Recipe
from artist_nst.styles.picking import BLENDED, Pick, Way, pick_works

MODES: tuple[Way, ...] = ("random", "typical", "nearest", "diverse", "mix")
ARTISTS = 6  # at least, to be told apart
PARTS = 3  # of an artist's works; one of them is painted from
RANGE = 16  # paintings of one photo, to see how many manners a mode has
SIDE = 64  # pixels that works are compared at
RANGED: tuple[Way, ...] = ("diverse", "mix")


@dataclass(frozen=True)
class Plan:
    """Everything that is to be painted after one artist.

    Attributes:
        artist: all of the artist's works.
        painter: the third of them that may be painted from.
        cells: by mode, photo and seed.
    """

    artist: Corpus
    painter: Corpus
    cells: dict[tuple[str, int, int], Cell]

    def table(self, mode: str, photos: int) -> list[Cell]:
        """One painting of every photo."""
        return [self.cells[mode, nth, nth] for nth in range(photos)]

    def range(self, mode: str) -> list[Cell]:
        """Many paintings of the first photo; fewer, where there are fewer works."""
        return [
            cell
            for (own, photo, _), cell in self.cells.items()
            if own == mode and photo == 0
        ]


def corpora_of(folder: Path, only: Sequence[str]) -> list[Corpus]:
    """The artists that can be painted and judged.

    Args:
        only: folders' names; all artists in ``folder`` if there are none.

    Raises:
        UsageError: too few, or one that is not there.
    """
    found = artists(folder)
    found.pop("procedural")
    if unknown := set(only) - set(found):
        raise UsageError(f"--artist {min(unknown)}: there is none in {folder}")
    if len(found) < ARTISTS:
        raise UsageError(
            f"{folder} has {len(found)} artists, and the judges need {ARTISTS}: "
            "name a folder of more"
        )
    return [
        load_corpus(path) for slug, path in found.items() if not only or slug in only
    ]


def plan(corpus: Corpus, photos: Sequence[Path], recipe: Recipe) -> Plan:
    """What is painted after an artist.

    Raises:
        UsageError: a third of the works is too few.
    """
    here = {corpus.path(work): work for work in corpus.here}
    share = painter_share([*here])
    works = tuple(work for path, work in here.items() if path in share)
    if len(works) < BLENDED:
        raise UsageError(
            f"{corpus.slug}: {len(works)} works to paint from are too few: it needs "
            f"about {PARTS * BLENDED}"
        )
    painter = replace(corpus, works=works)
    wanted = [(mode, nth, nth) for mode in MODES for nth in range(len(photos))]
    wanted += [(mode, 0, seed) for mode in RANGED for seed in range(RANGE)]
    cells = {}
    for mode, nth, seed in dict.fromkeys(wanted):
        if mode == "diverse" and seed >= len(works):
            continue
        photo = photos[nth]
        chosen = _picked(painter, mode, seed, photo)
        cells[mode, nth, seed] = Cell(
            f"{photo.stem}-{mode}-{seed:02}",
            photo,
            tuple(from_work(painter, work) for work in chosen),
            recipe,
            seed,
            {"photo": photo.stem, "mode": mode, "pick seed": str(seed)},
        )
    return Plan(corpus, painter, cells)


def painter_share(paths: Sequence[Path]) -> set[Path]:
    """The third of an artist's works that is painted from, and that no judge sees.

    It follows from the files alone. What looks alike is in it together or not at all.
    """
    ordered = [path for _, path in sorted((sha256_of(one), one) for one in paths)]
    thumbnails = [thumbnail(read_small(path, SIDE) / 255) for path in ordered]
    chosen = groups(thumbnails)[::PARTS]
    return {ordered[place] for group in chosen for place in group}


def _picked(corpus: Corpus, mode: Way, seed: int, photo: Path) -> list[Work]:
    """The works of one painting; of the diverse ones, as many as seeds, its own."""
    if mode != "diverse":
        return pick_works(corpus, Pick(way=mode), seed, photo)[0]
    count = min(RANGE, len(corpus.works))
    groups = pick_works(corpus, Pick(way=mode, works=count), 0, photo)
    return groups[seed % len(groups)]
