"""Picking works from a corpus: at random, or by how they are painted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from artist_nst._types import PathLike
from artist_nst.corpus.filters import Selection, keep_paintings
from artist_nst.corpus.works import Corpus, Work
from artist_nst.errors import ArtistNstError, TooLargeError, UsageError, format_count
from artist_nst.styles.pick import Pick, draw_works

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from artist_nst.styles.descriptors import StyleDescriptor, Vector
    from artist_nst.styles.places import Places

log = logging.getLogger(__name__)

PickProgress = Callable[[int, int], None]

# Of a whole, the works are chosen among this many times as many that are painted alike.
ALIKE_FACTOR = 2
MAX_TITLES = 3  # in a log message


def pick_works(
    corpus: Corpus,
    pick: Pick,
    seed: int,
    photo: PathLike | None = None,
    on_progress: PickProgress | None = None,
) -> list[list[Work]]:
    """Pick the works of each painting: one, or those of a mix.

    Args:
        corpus: the artist's works.
        pick: which of them.
        seed: of the random numbers.
        photo: that is to be painted; needed for ``nearest`` and ``whole``.
        on_progress: told how many works' descriptors are computed, of how many.

    Returns:
        For each painting its works.

    Raises:
        UsageError: no work matches the selection.
        ArtistNstError: there are no works, or none that can be read.
    """
    works = keep_paintings(_filter_works(corpus, pick.selection))
    if pick.effective_way == "random":
        groups = [[work] for work in _draw_readable(corpus, works, seed, pick)]
    else:
        groups = _pick_by_style(corpus, works, pick, seed, photo, on_progress)
    _log_pick(corpus, groups, pick, len(works), seed)
    return groups


def _draw_readable(
    corpus: Corpus, works: Sequence[Work], seed: int, pick: Pick
) -> list[Work]:
    """Draw works whose pictures can be read; others are left out, which is logged."""
    from artist_nst.image.files import read_small

    readable: list[Work] = []
    for work in draw_works(works, seed, len(works)):
        try:
            read_small(corpus.get_path(work), 16)
        except TooLargeError:
            pass  # only for a preview
        except ArtistNstError as error:
            log.warning("%s is left out: %s", work.label, error)
            continue
        readable.append(work)
        if len(readable) == pick.work_count:
            break
    if not readable:
        raise _unreadable_error(corpus, works)
    return readable


def _unreadable_error(corpus: Corpus, works: Sequence[Work]) -> ArtistNstError:
    return ArtistNstError(
        f"{corpus.artist}: none of {format_count(len(works), 'picture')} can be read; "
        f"`artist-nst fetch {corpus.slug} --verify` downloads them again"
    )


def _filter_works(corpus: Corpus, selection: Selection) -> list[Work]:
    works = corpus.available
    matches = [
        work for work in selection.filter_listed(works) if selection.matches(work)
    ]
    if works and not matches:
        values = selection.describe_values(works)
        given = {
            "movement": ", ".join(selection.style),
            "genre": ", ".join(selection.genre),
            "since": selection.since,
            "until": selection.until,
        }
        filters = [
            f"--{name} {value}"
            for name, value in given.items()
            if value not in ("", None)
        ]
        raise UsageError(
            f"no work of {corpus.artist} matches {' and '.join(filters)}"
            + (f"; {values}" if values else "")
        )
    return matches


def _pick_by_style(
    corpus: Corpus,
    works: Sequence[Work],
    pick: Pick,
    seed: int,
    photo: PathLike | None,
    on_progress: PickProgress | None,
) -> list[list[Work]]:
    # Late, because the command line knows of picks before it needs numpy and torch.
    from artist_nst.styles import clustering
    from artist_nst.styles.descriptors import (
        content_embedding,
        describe_photo,
        style_embedding,
    )

    works, styles = _describe_works(corpus, works, on_progress)
    match pick.effective_way:
        case "typical":
            picked = [clustering.find_medoid(style_embedding(styles))]
        case "nearest":
            if photo is None:
                raise UsageError("--pick nearest needs a photo: name one")
            target = content_embedding([describe_photo(photo)])[0]
            embeddings = content_embedding(styles)
            picked = clustering.find_nearest(embeddings, target, pick.work_count)
        case "diverse":
            embeddings = style_embedding(styles)
            picked = clustering.find_cluster_medoids(embeddings, pick.work_count)
        case _:
            embeddings = style_embedding(styles)
            return _pick_blends(
                corpus, works, embeddings, pick, seed, photo, on_progress
            )
    return [[works[index]] for index in picked]


def _pick_blends(
    corpus: Corpus,
    works: Sequence[Work],
    embeddings: Vector,
    pick: Pick,
    seed: int,
    photo: PathLike | None,
    on_progress: PickProgress | None,
) -> list[list[Work]]:
    """Draw works one after the other, each with those that go with it; none twice."""
    from artist_nst.styles.clustering import find_neighbors
    from artist_nst.styles.places import choose_covering, describe_places

    photo_places = None
    if pick.way == "whole":
        if photo is None:
            raise UsageError("--pick whole needs a photo: name one")
        photo_places = describe_places(photo)
    blends: dict[frozenset[int], list[Work]] = {}
    for drawn in draw_works(works, seed, len(works)):
        if len(blends) == pick.mixes:
            break
        index, count = works.index(drawn), pick.work_count
        if photo_places is not None:
            alike = find_neighbors(embeddings, index, ALIKE_FACTOR * count)
            paths = [corpus.get_path(works[member]) for member in alike]
            scores = _compare_places(photo_places, paths, corpus.slug, on_progress)
            members = [alike[position] for position in choose_covering(scores, count)]
        else:
            members = find_neighbors(embeddings, index, count)
        blends.setdefault(frozenset(members), [works[index] for index in members])
    return [*blends.values()]


def _compare_places(
    photo: Places, paths: Sequence[Path], name: str, on_progress: PickProgress | None
) -> NDArray[np.float64]:
    """Compute how near each of a photo's places comes to each work."""
    from artist_nst.styles.places import compare_places, describe_places_of_files

    places = []
    for described in describe_places_of_files(paths, name, on_progress):
        if isinstance(described, ArtistNstError):
            raise described
        places.append(described)
    return compare_places(photo, places)


def _describe_works(
    corpus: Corpus, works: Sequence[Work], on_progress: PickProgress | None
) -> tuple[list[Work], list[StyleDescriptor]]:
    """Return works that can be read, each picture once, and their descriptors."""
    from artist_nst.styles.descriptors import StyleDescriptor, describe_files

    if not works:
        raise ArtistNstError(f"{corpus.artist} has no pictures on disk to pick from")
    paths = [corpus.get_path(work) for work in works]
    descriptors = describe_files(paths, corpus.slug, on_progress)
    distinct: dict[bytes, tuple[Work, StyleDescriptor]] = {}
    for work, descriptor in zip(works, descriptors, strict=True):
        if isinstance(descriptor, StyleDescriptor):
            key = descriptor.to_vector().tobytes()
            distinct.setdefault(key, (work, descriptor))
        else:
            log.warning("%s is left out: %s", work.label, descriptor)
    if not distinct:
        raise _unreadable_error(corpus, works)
    readable, styles = zip(*distinct.values(), strict=True)
    return [*readable], [*styles]


def _log_pick(
    corpus: Corpus, groups: Sequence[list[Work]], pick: Pick, total: int, seed: int
) -> None:
    """Log which works were picked, and if these are fewer than asked for."""
    first = groups[0]
    shortage = "%s has %d %s, not %d"
    if pick.way == "mix" and len(first) < pick.work_count:
        what = "works to pick from"
        log.warning(shortage, corpus.artist, len(first), what, pick.work_count)
    if len(groups) < pick.painting_count:
        what = "mixes" if pick.is_blend else "works to pick from"
        log.warning(shortage, corpus.artist, len(groups), what, pick.painting_count)
    # Of several mixes, the works that were drawn.
    works = first if len(groups) == 1 else [group[0] for group in groups]
    titles = "; ".join(work.label for work in works[:MAX_TITLES])
    more = f" and {len(works) - MAX_TITLES} more" if len(works) > MAX_TITLES else ""
    way = pick.effective_way
    how = "picked" if way == "random" else f"picked as {way}"
    drawn = f" with seed {seed}" if way == "random" or pick.is_blend else ""
    message = "%s: %s%s, %s of %s%s"
    log.info(message, corpus.artist, titles, more, how, f"{total:,}", drawn)
