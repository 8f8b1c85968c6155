"""Which style images a painting is made from: files, or works of an artist."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from artist_nst._types import PathLike
from artist_nst.corpus.names import fold
from artist_nst.corpus.works import (
    Corpus,
    Work,
    choose_corpora_folder,
    find_corpus,
    find_work,
)
from artist_nst.errors import UsageError
from artist_nst.painting.in_memory import ImageLike, MemoryFiles, is_in_memory
from artist_nst.painting.output_names import shorten_name
from artist_nst.painting.record_types import RecordedWork
from artist_nst.styles.picking import Pick, PickProgress, pick_works

log = logging.getLogger(__name__)

MAX_NAMED_WORKS = 3  # in a file's name


@dataclass(frozen=True, slots=True)
class Source:
    """A style image: a file, or a work of a corpus.

    Attributes:
        path: The file.
        weight: Relative to the other sources'.
        work: What is known of the work (artist, corpus, id, title, year, rights);
            None for a file.
    """

    path: Path
    weight: float = 1.0
    work: RecordedWork | None = None

    @property
    def slug(self) -> str:
        """A part of a file name: the work's title, or the file's stem."""
        return (fold(self.work["title"]) if self.work else "") or self.path.stem

    @property
    def artist_slug(self) -> str:
        """A part of a file name: the work's corpus; empty if it is of none."""
        return fold(self.work["corpus"]) if self.work else ""

    @property
    def title(self) -> str:
        """The work's title and year, or the file's name."""
        if self.work is None:
            return self.path.name
        year = self.work["year"]
        return f"{self.work['title']} ({year})" if year else self.work["title"]


StyleImage = ImageLike | tuple[ImageLike, float] | Source
WorkName = str | tuple[str, float]


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
            return [_check_weights([_from_image(image) for image in images])]
        if images:
            raise UsageError("name style images or an --artist, not both")
        corpus = find_corpus(self.artist, choose_corpora_folder(self.corpora))
        if names:
            if self.pick is not None:
                raise UsageError("--work names the works: leave out --pick and filters")
            sources = [_from_name(corpus, name) for name in names]
            titles = [source.work["title"] for source in sources if source.work]
            log.info("%s: %s", corpus.artist, " ".join(", ".join(titles).split()))
            return [_check_weights(sources)]
        groups = pick_works(corpus, self.pick or Pick(), seed, photo, on_progress)
        return [[from_work(corpus, work) for work in group] for group in groups]


def name_painting(photo: Path, sources: Sequence[Source]) -> str:
    """Name a painting's file after its photo and style images."""
    style = name_sources(sources)
    artist = sources[0].artist_slug
    if artist and not style.startswith(f"{artist}-"):
        style = f"{artist}-{style}"
    return f"{shorten_name(photo.stem)}-{shorten_name(style)}.png"


def name_sources(sources: Sequence[Source]) -> str:
    """Name sources in a file name: by their slugs, or the first and a number."""
    first = sources[0]
    if first.work is not None and len(sources) > MAX_NAMED_WORKS:
        return f"{first.artist_slug}-{first.slug}-and-{len(sources) - 1}-more"
    return "+".join(source.slug for source in sources)


def parse_weight(text: str) -> tuple[str, float]:
    """Read ``"a.jpg:0.7"`` as ``("a.jpg", 0.7)``; without a number the weight is 1."""
    name, colon, number = text.rpartition(":")
    try:
        return (name, float(number)) if colon and name else (text, 1.0)
    except ValueError:
        return text, 1.0


def from_work(corpus: Corpus, work: Work, weight: float = 1.0) -> Source:
    """Make a style image of a corpus's work, with what is known of it."""
    facts: RecordedWork = {
        "artist": corpus.artist,
        "corpus": corpus.folder.name,
        "id": work.id,
        "title": work.title,
        "year": work.year,
        "rights": work.rights,
    }
    return Source(corpus.get_path(work), weight, facts)


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


def _from_name(corpus: Corpus, name: WorkName) -> Source:
    if isinstance(name, tuple):
        return from_work(corpus, find_work(corpus, name[0]), name[1])
    try:
        # A title may itself end in a colon and a number.
        return from_work(corpus, find_work(corpus, name))
    except UsageError:
        title, weight = parse_weight(name)
        if title == name:
            raise
        return from_work(corpus, find_work(corpus, title), weight)


def _check_weights(sources: list[Source]) -> list[Source]:
    for source in sources:
        if not (isfinite(source.weight) and source.weight >= 0):
            raise UsageError(
                f"{source.path.name}:{source.weight:g}: a weight must be 0 or more"
            )
    if not any(source.weight > 0 for source in sources):
        raise UsageError("the styles' weights are all 0: give one of them more")
    return sources
