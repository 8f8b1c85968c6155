"""Which style images a painting is made from: files, or works of an artist."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from artist_nst._types import PathLike
from artist_nst.corpus.works import (
    choose_corpora_folder,
    find_corpus,
)
from artist_nst.errors import UsageError
from artist_nst.painting.in_memory import ImageLike, MemoryFiles, is_in_memory
from artist_nst.painting.sources import (
    Source,
    WorkName,
    check_weights,
    from_name,
    from_work,
)
from artist_nst.styles.pick import Pick
from artist_nst.styles.picking import PickProgress, pick_works

log = logging.getLogger(__name__)

StyleImage = ImageLike | tuple[ImageLike, float] | Source


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleRequest:
    """What to paint after: style images, or works of an artist.

    Attributes:
        images: Style images, alone or with weights relative to each other.
        artist: Whose works to take in place of images.
        works: Ids or titles of the artist's works, with weights like ``images``.
        pick: How works are picked if none are named; one at random if None.
        corpora: The folder of corpora; looked for as the README says if None.
    """

    images: StyleImage | Sequence[StyleImage] = ()
    artist: str | None = None
    works: WorkName | Sequence[WorkName] = ()
    pick: Pick | None = None
    corpora: PathLike | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is named to paint after."""
        named = self.artist is not None or _as_list(self.works) or self.pick is not None
        return not named and not _as_list(self.images)

    def place(self, files: MemoryFiles) -> StyleRequest:
        """Return the request with files for images that are in memory."""

        def place(image: StyleImage) -> StyleImage:
            if isinstance(image, Source):
                return image
            if isinstance(image, tuple):
                return files.place(image[0]), image[1]
            return files.place(image)

        return replace(self, images=list(map(place, _as_list(self.images))))

    def choose(
        self,
        seed: int,
        photo: PathLike | None = None,
        on_progress: PickProgress | None = None,
    ) -> list[Source]:
        """Choose the style images of one painting.

        Args:
            seed: Decides what is picked at random.
            photo: The photo to be painted, for a pick that depends on it.
            on_progress: Called with the number of works whose styles are computed,
                and the number in all.

        Raises:
            UsageError: Neither images nor an artist are given, or both; an unknown
                artist or work; weights below zero, or all zero; a pick for several
                paintings.
            ArtistNstError: There is nothing to pick from.
        """
        count = self.pick.painting_count if self.pick else 1
        if count > 1:
            raise UsageError(
                f"--works {count} is for as many paintings: choose --pick whole to "
                "have them in one"
            )
        (sources,) = self.choose_groups(seed, photo, on_progress)
        return sources

    def choose_groups(
        self,
        seed: int,
        photo: PathLike | None = None,
        on_progress: PickProgress | None = None,
    ) -> list[list[Source]]:
        """Choose the style images of each of the paintings that the pick is for.

        Takes and raises the same as :meth:`choose`.
        """
        images, names = _as_list(self.images), _as_list(self.works)
        if self.artist is None:
            if names:
                raise UsageError("--work names a work of an artist: add --artist NAME")
            if self.pick is not None:
                raise UsageError("--pick is of an artist's works: add --artist NAME")
            if not images:
                raise UsageError("no style: name style images, or an --artist")
            return [check_weights([_from_image(image) for image in images])]
        if images:
            raise UsageError("name style images or an --artist, not both")
        corpus = find_corpus(self.artist, choose_corpora_folder(self.corpora))
        if names:
            if self.pick is not None:
                raise UsageError("--work names the works: leave out --pick and filters")
            sources = [from_name(corpus, name) for name in names]
            titles = [source.work["title"] for source in sources if source.work]
            log.info("%s: %s", corpus.artist, " ".join(", ".join(titles).split()))
            return [check_weights(sources)]
        groups = pick_works(corpus, self.pick or Pick(), seed, photo, on_progress)
        return [[from_work(corpus, work) for work in group] for group in groups]


def _as_list(given: Any) -> list[Any]:
    """Put one image or name, alone or with its weight, into a list."""
    is_pair = isinstance(given, tuple) and len(given) == 2
    is_one = isinstance(given, str | os.PathLike | Source) or is_in_memory(given)
    if is_one or (is_pair and isinstance(given[1], int | float)):
        return [given]
    return list(given)


def _from_image(image: StyleImage) -> Source:
    if isinstance(image, Source):
        return image
    path, weight = image if isinstance(image, tuple) else (image, 1.0)
    if not isinstance(path, str | os.PathLike):
        raise TypeError("images in memory need place() first")
    return Source(Path(path), weight)
