"""Which style images a painting is made from: files, or works of an artist."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from artist_nst._types import PathLike
from artist_nst.corpus.works import Corpus, Work, corpora_folder, find_corpus, find_work
from artist_nst.corpus.works import fold as folded
from artist_nst.errors import UsageError
from artist_nst.styles.picking import Pick, PickProgress, pick_works

log = logging.getLogger(__name__)


NAMED = 3  # works in a file's name, at most


@dataclass(frozen=True, slots=True)
class Source:
    """A style image: a file, or a work of a corpus.

    Attributes:
        path: of the file.
        weight: relative to the other sources'.
        work: what is known of the work (artist, id, title, year), else None.
    """

    path: Path
    weight: float = 1.0
    work: dict[str, Any] | None = None

    @property
    def slug(self) -> str:
        """For file names: the work's title, or the file's stem."""
        return (folded(self.work["title"]) if self.work else "") or self.path.stem


StyleImage = PathLike | tuple[PathLike, float] | Source
WorkName = str | tuple[str, float]


def choose_sources(
    styles: StyleImage | Sequence[StyleImage],
    artist: str | None,
    works: WorkName | Sequence[WorkName],
    corpora: PathLike | None,
    seed: int,
    pick: Pick | None = None,
    photo: PathLike | None = None,
    on_progress: PickProgress | None = None,
) -> list[Source]:
    """The style images given, or works of the artist: those named, or picked.

    Args:
        pick: which works of the artist to take; one at random if not given.
        photo: that is to be painted, for a pick that depends on it.
        on_progress: told how many works' styles are computed, of how many.

    Raises:
        UsageError: neither styles nor artist are given, or both; an unknown artist or
            work; weights below zero, or all zero; a pick for several paintings.
        ArtistNstError: there is nothing to pick from.
    """
    if pick is not None and pick.paintings > 1:
        raise UsageError(
            f"--works {pick.paintings} is for as many paintings: choose --pick mix to "
            "have them in one"
        )
    (found,) = choose_several(
        styles, artist, works, corpora, seed, pick, photo, on_progress
    )
    return found


def choose_several(
    styles: StyleImage | Sequence[StyleImage],
    artist: str | None,
    works: WorkName | Sequence[WorkName],
    corpora: PathLike | None,
    seed: int,
    pick: Pick | None = None,
    photo: PathLike | None = None,
    on_progress: PickProgress | None = None,
) -> list[list[Source]]:
    """The same for several paintings of one photo: what each is painted after."""
    images, names = _several(styles), _several(works)
    if artist is None:
        if names:
            raise UsageError("--work names a work of an artist: add --artist NAME")
        if pick is not None:
            raise UsageError("--pick is of an artist's works: add --artist NAME")
        if not images:
            raise UsageError("no style: name style images, or an --artist")
        return [_weighed([_from_style(style) for style in images])]
    if images:
        raise UsageError("name style images or an --artist, not both")
    corpus = find_corpus(artist, corpora_folder(corpora))
    if names:
        if pick is not None:
            raise UsageError("--work names the works: leave out --pick and its like")
        sources = [_from_name(corpus, name) for name in names]
        titles = ", ".join(source.work["title"] for source in sources if source.work)
        log.info("%s: %s", corpus.artist, " ".join(titles.split()))
        return [_weighed(sources)]
    picked = pick_works(corpus, pick or Pick(), seed, photo, on_progress)
    return [[from_work(corpus, work) for work in group] for group in picked]


def named(sources: Sequence[Source]) -> str:
    """For file names: the styles' own names, or whose they are, of many."""
    first = sources[0].work
    if first is not None and len(sources) > NAMED:
        return f"{first['corpus']}-mix-{sources[0].slug}"
    return "+".join(source.slug for source in sources)


def weighted(text: str) -> tuple[str, float]:
    """``"a.jpg:0.7"`` → ``("a.jpg", 0.7)``; without a number the weight is 1."""
    name, colon, number = text.rpartition(":")
    try:
        return (name, float(number)) if colon and name else (text, 1.0)
    except ValueError:
        return text, 1.0


def _several(given: Any) -> list[Any]:
    """One image or name, alone or with its weight, is a list of one."""
    pair = isinstance(given, tuple) and len(given) == 2
    if isinstance(given, str | os.PathLike | Source) or (
        pair and isinstance(given[1], int | float)
    ):
        return [given]
    return list(given)


def _from_style(style: StyleImage) -> Source:
    if isinstance(style, Source):
        return style
    path, weight = style if isinstance(style, tuple) else (style, 1.0)
    return Source(Path(path), weight)


def _from_name(corpus: Corpus, name: WorkName) -> Source:
    if isinstance(name, tuple):
        return from_work(corpus, find_work(corpus, name[0]), name[1])
    try:
        # A title may end in a colon and a number, so it is tried as it is first.
        return from_work(corpus, find_work(corpus, name))
    except UsageError:
        title, weight = weighted(name)
        if title == name:
            raise
        return from_work(corpus, find_work(corpus, title), weight)


def from_work(corpus: Corpus, work: Work, weight: float = 1.0) -> Source:
    """A work of a corpus as a style image, with what is known of it."""
    known = {
        "artist": corpus.artist,
        "corpus": corpus.folder.name,
        "id": work.id,
        "title": work.title,
        "year": work.year,
        "rights": work.rights,
    }
    return Source(corpus.path(work), weight, known)


def _weighed(sources: list[Source]) -> list[Source]:
    for source in sources:
        if not (isfinite(source.weight) and source.weight >= 0):
            raise UsageError(
                f"{source.path.name}:{source.weight:g}: a weight must be 0 or more"
            )
    if not any(source.weight > 0 for source in sources):
        raise UsageError("the styles' weights are all 0: give one of them more")
    return sources
