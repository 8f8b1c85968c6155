"""Whether paintings pass for an artist's, what they keep of the photo, and how near
they come to works that they were not painted from."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from artist_nst._types import PathLike, Pixels
from artist_nst.corpus.works import artists, corpora_folder, find_folder, load_corpus
from artist_nst.errors import ArtistNstError
from artist_nst.evaluation.attribution import Judges, Share, train
from artist_nst.evaluation.handcrafted_features import GROUPS, edge_agreement, sized
from artist_nst.image.files import read_picture, resize, sha256_of, write_text
from artist_nst.nst.distance import CONTENT_LAYER
from artist_nst.nst.features import survey
from artist_nst.nst.losses import content_relative, squared_distance
from artist_nst.nst.vgg import minimum_side
from artist_nst.painting import record
from artist_nst.styles.clustering import paintings as painted_works
from artist_nst.styles.descriptors import (
    Style,
    looking_network,
    style_of_file,
    styles_of,
)

log = logging.getLogger(__name__)

Matrix = NDArray[np.float64]
Grams = NDArray[np.floating]
Told = Callable[[str, int, int], None]

TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One painting; None is what could not be measured.

    Attributes:
        painting: its file. taken_for: the artist that the judges take it for.
        probability: that it is by the artist imitated, as they state it.
        hits: how many of the two judges take it for his.
        photo: the file that it was painted from.
        edges: how far the edges are the photo's: 1 for the photo, about 0 for another
            picture (:func:`~artist_nst.evaluation.handcrafted_features.edge_agreement`).
        content: ½ mean (F − P)² / mean P² at conv4_2: 0 for the photo, about ½ for
            another picture.
        style: ‖G − A‖² / ‖A‖², averaged over conv1_1 … conv5_1, to the works that it
            was painted from: of several, A is the weighted mean, as in painting.
        held_out: the same to the artist's works that it was not painted from: the
            median.
        closer_than: which share of the other artists' works is farther from these.

    ``content``, ``style`` and ``held_out`` are seen by the packaged compact network, at
    a longer side of 256 pixels.
    """

    painting: Path
    taken_for: str
    probability: float
    hits: int
    photo: Path | None = None
    edges: float | None = None
    content: float | None = None
    style: float | None = None
    held_out: float | None = None
    closer_than: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Of paintings that imitate one artist.

    Attributes:
        artist: his corpus's folder. rows: the paintings, in the order given.
        judges: who judged them.
        photos: how many of the photos, each counted once, are taken for the artist's
            works as they are.
        works_closer_than: ``closer_than`` of the artist's own works, each measured by
            the others: their median.
    """

    artist: str
    rows: tuple[Row, ...]
    judges: Judges
    photos: Share
    works_closer_than: float

    @property
    def deception(self) -> Share:
        """How many paintings are taken for the artist's; a judge counts half."""
        return Share(sum(row.hits for row in self.rows) / 2, len(self.rows))

    def median(self, column: str) -> float | None:
        """Of a number of :class:`Row`, over the paintings that have it."""
        values = [getattr(row, column) for row in self.rows]
        there = [value for value in values if value is not None]
        return median(there) if there else None

    def write_table(self, path: PathLike) -> None:
        """Every painting with every number, as comma-separated values.

        Raises:
            ArtistNstError: the file can't be written; what was there is kept.
        """
        text = io.StringIO()
        heads = [field.name for field in fields(Row)]
        table = csv.DictWriter(text, heads, lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(row) for row in self.rows)
        # A path may hold bytes that are no UTF-8.
        write_text(path, text.getvalue().encode(errors="replace").decode())


def evaluate(
    paintings: Sequence[PathLike],
    artist: str,
    corpora: PathLike | None = None,
    *,
    content: PathLike | None = None,
    color: bool = True,
    on_progress: Told = lambda *_: None,
) -> Evaluation:
    """Judge and measure paintings that imitate ``artist``.

    Works that any of them was painted from, as their records say, are not shown to the
    judges, nor counted as held out.

    Args:
        artist: a name, a part of it or a folder, as for :func:`artist_nst.paint`.
        corpora: the folder of corpora; the judges know all artists in it.
        content: the photo of paintings that have no record, or whose photo has moved.
        color: whether the judges are told of colors, which some paintings have from
            their photo.
        on_progress: told what is done, how many are done, and of how many.

    Raises:
        UsageError: no such artist; too few artists or works to judge by.
        ArtistNstError: a painting can't be read.
    """
    opened = [_opened(Path(path)) for path in paintings]
    slug = find_folder(artist, corpora_folder(corpora)).name
    used = set().union(*(one.used for one in opened))
    bench = Bench(corpora, used, artist=slug, color=color, on_progress=on_progress)
    rows = []
    for number, one in enumerate(opened):
        on_progress("measuring", number, len(opened))
        rows.append(bench.measured(one, slug, content))
    photos = {sha256_of(row.photo): row.photo for row in rows if row.photo}
    hits = [bench.judges.verdict(photo).hits(slug) for photo in photos.values()]
    return Evaluation(
        artist=slug,
        rows=tuple(rows),
        judges=bench.judges,
        photos=Share(sum(hits) / 2, len(hits)),
        works_closer_than=bench.held_out(slug).works_closer_than,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A painting's file, and its record, if it has one."""

    path: Path
    sha256: str
    record: dict[str, Any] | None

    @property
    def used(self) -> set[str]:
        """The hashes of what no judge may know: its works, and itself."""
        styles = self.record["styles"] if self.record else []
        return {self.sha256, *(style["sha256"] for style in styles)}


class Bench:
    """Where paintings after any of several artists are judged and measured alike.

    Args:
        corpora: the folder of corpora; the judges know all artists in it.
        used: SHA-256 of files that were painted from, by any of the paintings.
        artist: a folder that the judges must know.
        color: whether they are told of colors.
        on_progress: told what is done, how many are done, and of how many.

    Attributes:
        judges: who judge.

    Raises:
        UsageError: too few artists or works to judge by.
    """

    def __init__(
        self,
        corpora: PathLike | None,
        used: Collection[str],
        *,
        artist: str | None = None,
        color: bool = True,
        on_progress: Told = lambda *_: None,
    ) -> None:
        self.corpora = corpora
        self.judges = train(
            _works(corpora_folder(corpora), artist),
            used,
            artist=artist,
            keep=[name for name in GROUPS if color or name != "colors"],
            on_progress=on_progress,
        )
        self._told = on_progress
        self._grams: dict[str, Grams] = {}
        self._held_out: dict[str, HeldOut] = {}
        self._sources: dict[Path, Grams] = {}

    def row(
        self, painting: PathLike, artist: str, content: PathLike | None = None
    ) -> Row:
        """A painting that imitates the artist of a folder.

        Args:
            content: its photo, where it has no record or that has moved.

        Raises:
            ArtistNstError: it can't be read.
        """
        return self.measured(_opened(Path(painting)), artist, content)

    def measured(self, painting: Painted, artist: str, content: PathLike | None) -> Row:
        """The same, of a painting that is opened."""
        verdict = self.judges.verdict(painting.path)
        own = style_of_file(painting.path)
        held_out, closer_than = self.held_out(artist).of(own)
        photo = _photo(painting, content)
        edges, kept = (None, None) if photo is None else _kept(painting.path, photo)
        return Row(
            painting=painting.path,
            taken_for=verdict.artist,
            probability=verdict.probability(artist),
            hits=verdict.hits(artist),
            photo=photo,
            edges=edges,
            content=kept,
            style=self._to_sources(own, painting),
            held_out=held_out,
            closer_than=closer_than,
        )

    def held_out(self, artist: str) -> HeldOut:
        """What works of the artist, and of the others, are near to."""
        if not self._grams:
            self._grams = _all_grams(self.judges.works, self._told)
        if artist not in self._held_out:
            others = [own for one, own in self._grams.items() if one != artist]
            self._held_out[artist] = HeldOut(
                self._grams[artist], np.concatenate(others)
            )
        return self._held_out[artist]

    def _to_sources(self, own: Style, painting: Painted) -> float | None:
        """To the works that it was painted from; None where these are not here."""
        if painting.record is None:
            return None
        try:
            sources = record.find_sources(
                painting.record, painting.path, (), self.corpora
            )
            grams = [self._grams_of(source.path) for source in sources]
        except ArtistNstError as error:
            log.warning("%s is not compared with its works: %s", painting.path, error)
            return None
        mean = np.average(grams, axis=0, weights=[one.weight for one in sources])
        return float(apart(own.grams[None], mean[None])[0, 0])

    def _grams_of(self, path: Path) -> Grams:
        if path not in self._sources:
            self._sources[path] = style_of_file(path).grams
        return self._sources[path]


class HeldOut:
    """How near pictures come to the works of an artist that were not painted from.

    Args:
        own: ``(m, L, K)``, the works' sketched Gram matrices
            (:class:`artist_nst.styles.descriptors.Style`).
        others: ``(n, L, K)``, those of other artists' works.

    Attributes:
        works_closer_than: as in :class:`Evaluation`.
    """

    def __init__(self, own: Grams, others: Grams) -> None:
        self._own = own
        self._others = np.median(apart(others, own), axis=1)
        between = apart(own, own)
        # A work is measured by the others, not by itself.
        np.fill_diagonal(between, np.nan)
        found = [self._closer(one) for one in np.nanmedian(between, axis=1)]
        self.works_closer_than = float(np.median(found))

    def of(self, style: Style) -> tuple[float, float]:
        """A picture's median distance to the works, and which share of the other
        artists' works is farther from them."""
        found = float(np.median(apart(style.grams[None], self._own)))
        return found, self._closer(found)

    def _closer(self, found: float) -> float:
        return float(np.mean(self._others > found))


def apart(candidates: Grams, targets: Grams) -> Matrix:
    """:func:`artist_nst.styles.descriptors.distance` of each to each.

    Args:
        candidates: ``(n, L, K)``. targets: ``(m, L, K)``.

    Returns:
        ``(n, m)``.
    """
    first, second = candidates.astype(np.float64), targets.astype(np.float64)
    products = np.einsum("nlk,mlk->nml", first, second, optimize=True)
    sizes = np.square(second).sum(2)
    squared = np.square(first).sum(2)[:, None] + sizes - 2 * products
    return np.asarray((np.maximum(squared, 0) / np.maximum(sizes, TINY)).mean(2))


def _all_grams(works: Mapping[str, Sequence[Path]], told: Told) -> dict[str, Grams]:
    """Of each artist, ``(n, L, K)``."""
    found = {}
    for artist, paths in works.items():
        styles = styles_of(paths, artist, partial(told, f"styles of {artist}"))
        found[artist] = np.stack(
            [one.grams for one in styles if not isinstance(one, ArtistNstError)]
        )
    return found


def _opened(path: Path) -> Painted:
    """A painting that can be read, with what it says of itself."""
    digest = read_picture(path).sha256
    try:
        return Painted(path, digest, record.read(path))
    except ArtistNstError as error:
        log.warning("%s; the judges may know what it was painted from", error)
        return Painted(path, digest, None)


def _works(folder: Path, first: str | None) -> dict[str, list[Path]]:
    """The picture files of every artist, one first: what two corpora both hold is
    the first's."""
    found: dict[str, list[Path]] = {} if first is None else {first: []}
    for one, place in artists(folder).items():
        try:
            corpus = load_corpus(place)
            works = painted_works(corpus.here)
            found[one] = [corpus.path(work) for work in works]
        except ArtistNstError as error:
            if one == first:
                raise
            log.warning("%s is left out: %s", one, error)
    return found


def _photo(painting: Painted, content: PathLike | None) -> Path | None:
    """The photo that a painting was painted from, if it can be had."""
    given = None if content is None else Path(content)
    if painting.record is None:
        return given
    if given and sha256_of(given) != painting.record["content"]["sha256"]:
        given = None
    try:
        return record.find_content(painting.record, painting.path, given)
    except ArtistNstError as error:
        log.warning("%s is not compared with its photo: %s", painting.path, error)
        return None


def _kept(painting: Path, photo: Path) -> tuple[float, float]:
    """What a painting keeps of its photo: edges, and features at conv4_2."""
    there = sized(read_picture(photo).pixels)
    least = minimum_side([CONTENT_LAYER])
    height, width = (max(least, side) for side in there.shape[:2])
    painted, there = (
        resize(one, height, width) for one in (read_picture(painting).pixels, there)
    )
    seen, wanted = _features(painted), _features(there)
    far = content_relative(squared_distance(seen, wanted), wanted)
    return edge_agreement(painted, there), float(far)


def _features(pixels: Pixels) -> torch.Tensor:
    """What content losses compare, of ``(H, W, 3)`` in [0, 1]."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None] * 255)
    image = torch.from_numpy(planes).float()
    return survey(looking_network(), image, [CONTENT_LAYER], ())[0][CONTENT_LAYER]
