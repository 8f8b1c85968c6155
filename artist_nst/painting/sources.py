"""A style image of a painting: a file, or a work of an artist; and its names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from artist_nst.corpus.names import fold
from artist_nst.corpus.works import Corpus, Work, find_work
from artist_nst.errors import UsageError
from artist_nst.painting.output_names import shorten_name
from artist_nst.painting.record_types import RecordedWork

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


WorkName = str | tuple[str, float]


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


def from_name(corpus: Corpus, name: WorkName) -> Source:
    """Make a style image of the work that a name means, maybe with ``:WEIGHT``.

    Raises:
        UsageError: No work has that name, or several have.
    """
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


def check_weights(sources: list[Source]) -> list[Source]:
    """Return the sources; UsageError if a weight is below zero, or all are zero."""
    for source in sources:
        if not (isfinite(source.weight) and source.weight >= 0):
            raise UsageError(
                f"{source.path.name}:{source.weight:g}: a weight must be 0 or more"
            )
    if not any(source.weight > 0 for source in sources):
        raise UsageError("the styles' weights are all 0: give one of them more")
    return sources
