"""What jobs are painted after: images, works of artists, or picks among them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from artist_nst.batch.pictures import PictureIndex
from artist_nst.corpus.filters import keep_paintings
from artist_nst.corpus.works import Corpus, Work, find_corpus
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.painting.sources import (
    Source,
    check_weights,
    from_name,
    from_work,
    parse_weight,
)
from artist_nst.styles.pick import PickWay, draw_works


class StyleError(UsageError):
    """A job's style cannot be painted after.

    Args:
        field: The column that is wrong.
        reason: Why.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class Style:
    """What a painting is made after.

    Attributes:
        sources: The style images; none where works are to be picked by style, and
            where masks alone say what a painting is after.
        corpus: The artist's folder, if works are to be picked by style.
        pick: How, then.
        identity: Canonical JSON of what decides the pixels.
    """

    sources: tuple[Source, ...]
    corpus: Path | None
    pick: PickWay | None
    identity: str

    def place(self, place: Callable[[Path], Path]) -> Style:
        """Return the style with its pictures in other places."""
        sources = [replace(source, path=place(source.path)) for source in self.sources]
        corpus = self.corpus and place(self.corpus)
        return replace(self, sources=tuple(sources), corpus=corpus)


NO_STYLE = Style((), None, None, "[]")


class StyleFinder:
    """Finds what jobs are painted after, the same for equal ones once.

    Args:
        corpora: The folder of corpora.
        pictures: Reads style images and works.
    """

    def __init__(self, corpora: Path, pictures: PictureIndex) -> None:
        self.corpora = corpora
        self.pictures = pictures
        self._artists: dict[str, _ArtistWorks | ArtistNstError] = {}
        self._styles: dict[tuple[object, ...], Style | StyleError] = {}

    def find(
        self,
        images: tuple[tuple[Path, float], ...],
        artist: str | None,
        works: tuple[str, ...],
        pick: str | None,
        seed: int,
    ) -> Style | StyleError:
        """Return a style, or why it cannot be painted after.

        Args:
            images: Style images with their weights; like the next, as a job's.
            artist: Whose works are taken in their place.
            works: Their names, if they are not picked.
            pick: How they are picked.
            seed: Of the pick.
        """
        if not images and artist is None:
            return NO_STYLE
        is_random = not works and pick in (None, "random")
        key = images, artist, works, pick, seed if is_random else None
        if key not in self._styles:
            try:
                self._styles[key] = self._find(images, artist, works, pick, seed)
            except StyleError as error:
                self._styles[key] = error
        return self._styles[key]

    def _find(
        self,
        images: Sequence[tuple[Path, float]],
        artist: str | None,
        works: Sequence[str],
        pick: str | None,
        seed: int,
    ) -> Style:
        if artist is None:
            sources = [Source(path, weight) for path, weight in images]
            return self._make_style("style", sources)
        found = self._find_artist(artist)
        if works:
            try:
                sources = [found.find(name) for name in works]
            except ArtistNstError as error:
                reason = str(error).removeprefix("--work ")
                raise StyleError("work", reason) from error
            return self._make_style("work", sources)
        if pick in (None, "random"):
            return self._make_style("artist", [found.draw(seed, self.pictures)])
        identity = {"pick": pick, "works": found.describe(self.pictures)}
        way = cast(PickWay, pick)
        return Style((), found.corpus.folder, way, to_json(identity))

    def _find_artist(self, name: str) -> _ArtistWorks:
        if name not in self._artists:
            try:
                self._artists[name] = _ArtistWorks(find_corpus(name, self.corpora))
            except ArtistNstError as error:
                self._artists[name] = error
        artist = self._artists[name]
        if isinstance(artist, ArtistNstError):
            raise StyleError("artist", str(artist))
        if not artist.corpus.works:
            raise StyleError(
                "artist", f"{artist.corpus.artist} has no pictures on disk"
            )
        return artist

    def _make_style(self, field: str, sources: list[Source]) -> Style:
        hashes = []
        for source in sources:
            header = self.pictures.read(source.path)
            if isinstance(header, ArtistNstError):
                raise StyleError(field, str(header))
            hashes.append([header.sha256, source.weight])
        try:
            check_weights(sources)
        except UsageError as error:
            raise StyleError(field, str(error)) from error
        return Style(tuple(sources), None, None, to_json(hashes))


class _ArtistWorks:
    """An artist's works whose pictures are on disk, by name."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = replace(corpus, works=corpus.available)
        self._by_id = {work.id: work for work in self.corpus.works}
        self._sources: dict[str, Source] = {}

    def find(self, name: str) -> Source:
        """Make a source of the work that a name means, maybe with a weight."""
        if name not in self._sources:
            id, weight = parse_weight(name)
            # Most are ids; looking for titles is slow.
            if name in self._by_id:
                source = from_work(self.corpus, self._by_id[name])
            elif id in self._by_id:
                source = from_work(self.corpus, self._by_id[id], weight)
            else:
                source = from_name(self.corpus, name)
            self._sources[name] = source
        return self._sources[name]

    @cached_property
    def paintings(self) -> list[Work]:
        """Those among which works are picked, by id."""
        return sorted(keep_paintings(self.corpus.works), key=lambda work: work.id)

    def draw(self, seed: int, pictures: PictureIndex) -> Source:
        """Draw a work whose picture can be read, as a pick at random does."""
        # Nearly always the first one can.
        for count in (1, len(self.paintings)):
            for work in draw_works(self.paintings, seed, count):
                source = self.find(work.id)
                if not isinstance(pictures.read(source.path), ArtistNstError):
                    return source
        name = self.corpus.artist
        raise StyleError("artist", f"{name}: none of the pictures can be read")

    def describe(self, pictures: PictureIndex) -> list[Any]:
        """List the ids and hashes of the works among which a pick chooses."""
        return [[work.id, self._hash(work, pictures)] for work in self.paintings]

    def _hash(self, work: Work, pictures: PictureIndex) -> str | None:
        if work.sha256 is not None:
            return work.sha256
        header = pictures.read(self.corpus.get_path(work))
        # A pick leaves out what cannot be read.
        return None if isinstance(header, ArtistNstError) else header.sha256


def to_json(value: object) -> str:
    """Write canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
