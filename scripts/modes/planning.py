"""Plan the paintings: each mode's works for each artist and photo."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from artist_nst._files import hash_file
from artist_nst.corpus.works import Corpus, Work, list_artists, load_corpus
from artist_nst.errors import UsageError
from artist_nst.evaluation.near_duplicates import group_duplicates, make_thumbnail
from artist_nst.experiments.runner import Cell
from artist_nst.image.files import read_small
from artist_nst.painting.sources import from_work
from artist_nst.recipes.recipe import Recipe
from artist_nst.styles.pick import DEFAULT_MIX_SIZE, Pick, PickWay
from artist_nst.styles.picking import pick_works

MODES: tuple[PickWay, ...] = (
    "random",
    "typical",
    "nearest",
    "diverse",
    "mix",
    "whole",
)
MIN_ARTISTS = 6  # for the classifiers
PARTS = 3  # that an artist's works are split into; one is painted from
SERIES = 16  # paintings of one photo, to see how varied they are
SERIES_MODES: tuple[PickWay, ...] = ("diverse", "mix")
SIDE = 64  # pixels, at which near duplicates are found


@dataclass(frozen=True)
class ArtistPlan:
    """All paintings after one artist.

    Attributes:
        artist: All of the artist's works.
        painter: The third of them that may be painted from.
        cells: By mode, photo and seed.
    """

    artist: Corpus
    painter: Corpus
    cells: dict[tuple[PickWay, int, int], Cell]

    def get_table_cells(self, mode: PickWay, photos: int) -> list[Cell]:
        """Return one cell for each photo."""
        return [self.cells[mode, photo, photo] for photo in range(photos)]

    def get_series_cells(self, mode: PickWay) -> list[Cell]:
        """Return all cells of the first photo."""
        return [
            cell
            for (cell_mode, photo, _), cell in self.cells.items()
            if cell_mode == mode and photo == 0
        ]


def load_corpora(folder: Path, only: Sequence[str]) -> list[Corpus]:
    """Load the artists in a folder.

    Args:
        only: Names of subfolders; all of them if empty.

    Raises:
        UsageError: There are too few artists, or a name is unknown.
    """
    folders = list_artists(folder)
    folders.pop("procedural")
    if unknown := set(only) - set(folders):
        raise UsageError(f"--artist {min(unknown)}: there is none in {folder}")
    if len(folders) < MIN_ARTISTS:
        raise UsageError(
            f"{folder} has {len(folders)} artists, and the classifiers need "
            f"{MIN_ARTISTS}: name a folder with more"
        )
    return [
        load_corpus(path) for slug, path in folders.items() if not only or slug in only
    ]


def plan_artist(corpus: Corpus, photos: Sequence[Path], recipe: Recipe) -> ArtistPlan:
    """Plan all paintings after an artist.

    Raises:
        UsageError: A third of the works is too few.
    """
    available = {corpus.get_path(work): work for work in corpus.available}
    share = choose_painter_share([*available])
    works = tuple(work for path, work in available.items() if path in share)
    if len(works) < DEFAULT_MIX_SIZE:
        raise UsageError(
            f"{corpus.slug}: {len(works)} works to paint from are too few: it needs "
            f"about {PARTS * DEFAULT_MIX_SIZE} works"
        )
    painter = replace(corpus, works=works)
    keys = [(mode, photo, photo) for mode in MODES for photo in range(len(photos))]
    keys += [(mode, 0, seed) for mode in SERIES_MODES for seed in range(SERIES)]
    cells: dict[tuple[PickWay, int, int], Cell] = {}
    for mode, index, seed in dict.fromkeys(keys):
        if mode == "diverse" and seed >= len(works):
            continue
        photo = photos[index]
        cells[mode, index, seed] = Cell(
            f"{photo.stem}-{mode}-{seed:02}",
            photo,
            tuple(
                from_work(painter, work)
                for work in _pick_works(painter, mode, seed, photo)
            ),
            recipe,
            seed,
            {"photo": photo.stem, "mode": mode, "pick seed": str(seed)},
        )
    return ArtistPlan(corpus, painter, cells)


def choose_painter_share(paths: Sequence[Path]) -> set[Path]:
    """Choose the third of an artist's works that is painted from, by their hashes.

    Near duplicates are in it together or not at all.
    """
    ordered = [path for _, path in sorted((hash_file(path), path) for path in paths)]
    thumbnails = [make_thumbnail(read_small(path, SIDE) / 255) for path in ordered]
    groups = group_duplicates(thumbnails)[::PARTS]
    return {ordered[index] for group in groups for index in group}


def _pick_works(corpus: Corpus, mode: PickWay, seed: int, photo: Path) -> list[Work]:
    """Pick the works of one painting; of the diverse ones, that of the seed."""
    if mode != "diverse":
        return pick_works(corpus, Pick(way=mode), seed, photo)[0]
    count = min(SERIES, len(corpus.works))
    groups = pick_works(corpus, Pick(way=mode, works=count), 0, photo)
    return groups[seed % len(groups)]
