"""Evaluation of paintings: attribution, what is kept of the photo, style distances."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from artist_nst._files import hash_file, write_text
from artist_nst._types import PathLike, Pixels
from artist_nst.corpus.filters import keep_paintings
from artist_nst.corpus.works import (
    choose_corpora_folder,
    find_corpus_folder,
    list_artists,
    load_corpus,
)
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.evaluation.attribution import (
    CrossFittedClassifiers,
    ProgressCallback,
    Proportion,
    train,
)
from artist_nst.evaluation.handcrafted_features import (
    FEATURE_GROUPS,
    edge_agreement,
    resize_to_side,
)
from artist_nst.image.files import read_picture, resize
from artist_nst.nst.distance import CONTENT_LAYER
from artist_nst.nst.features import extract_features
from artist_nst.nst.losses import content_relative, squared_distance
from artist_nst.nst.tensors import to_tensor
from artist_nst.painting import record
from artist_nst.painting.record_types import Record
from artist_nst.recipes.layers import minimum_side
from artist_nst.styles.descriptors import (
    StyleDescriptor,
    describe_file,
    describe_files,
    descriptor_network,
    gram_distance,
)

log = logging.getLogger(__name__)

Grams = NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintingMetrics:
    """What was measured of one painting; None is what could not be measured.

    ``content``, ``style`` and ``held_out`` are seen by the packaged compact network, at
    a longer side of 256 pixels.

    Attributes:
        painting: its file.
        taken_for: the artist that the classifiers predict.
        probability: of the imitated artist, as they predict it.
        hits: how many of the two classifiers take it for his.
        photo: the file that it was painted from.
        edges: 1 for the photo, about 0 for another picture
            (:func:`~artist_nst.evaluation.handcrafted_features.edge_agreement`).
        content: ½ mean (F − P)² / mean P² at conv4_2: 0 for the photo, about ½ for
            another picture.
        style: ‖G − A‖² / ‖A‖², averaged over conv1_1 … conv5_1, to the works that it
            was painted from: of several, A is the weighted mean, as in painting.
        held_out: the median of the same to the artist's works that it was not painted
            from.
        closer_than: the share of other artists' works that are farther from these.
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
    """Results for paintings that imitate one artist.

    Attributes:
        artist: the folder of the artist's corpus.
        rows: of the paintings, in the order given.
        classifiers: those that predicted their artists.
        photo_deception: how many of the photos, each counted once, are themselves taken
            for the artist's works.
        works_closer_than: the median ``closer_than`` of the artist's own works, each
            measured by the others.
    """

    artist: str
    rows: tuple[PaintingMetrics, ...]
    classifiers: CrossFittedClassifiers
    photo_deception: Proportion
    works_closer_than: float

    @property
    def deception(self) -> Proportion:
        """How many paintings are taken for the artist's; a classifier counts half."""
        return Proportion(sum(row.hits for row in self.rows) / 2, len(self.rows))

    def median(self, column: str) -> float | None:
        """Return the median of a column, over the paintings that have it."""
        values = [getattr(row, column) for row in self.rows]
        measured = [value for value in values if value is not None]
        return median(measured) if measured else None

    def write_table(self, path: PathLike) -> None:
        """Write every painting with every number as comma-separated values.

        Raises:
            ArtistNstError: the file can't be written; its old content is kept.
        """
        text = io.StringIO()
        columns = [field.name for field in fields(PaintingMetrics)]
        table = csv.DictWriter(text, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(row) for row in self.rows)
        # A path may hold bytes that are not UTF-8.
        write_text(path, text.getvalue().encode(errors="replace").decode())


def evaluate(
    paintings: Sequence[PathLike],
    artist: str | None = None,
    corpora: PathLike | None = None,
    *,
    content: PathLike | None = None,
    color: bool = True,
    on_progress: ProgressCallback = lambda *_: None,
) -> Evaluation:
    """Judge and measure paintings that imitate an artist.

    Works that any of them was painted from, as their records say, are not shown to the
    classifiers, nor counted as held out.

    Args:
        paintings: their files.
        artist: a name, a part of it or a folder, as for :func:`artist_nst.paint`; if
            None, that whose works all paintings are after, as their records say.
        corpora: the folder of corpora; all artists in it are told apart.
        content: the photo of paintings that have no record, or whose photo has moved.
        color: whether the classifiers see colors, which some paintings have from
            their photo.
        on_progress: told what is done, how many are done, and of how many.

    Raises:
        UsageError: no such artist, or none in the records; too few artists or works to
            train classifiers.
        ArtistNstError: a painting can't be read.
    """
    used = set().union(*map(_find_used_hashes, paintings))
    artist = artist or _find_recorded_artist(paintings)
    slug = find_corpus_folder(artist, choose_corpora_folder(corpora)).name
    evaluator = Evaluator(
        corpora, used, artist=slug, color=color, on_progress=on_progress
    )
    rows = []
    for number, painting in enumerate(paintings):
        on_progress("measuring", number, len(paintings))
        rows.append(evaluator.measure(painting, slug, content))
    photos = {hash_file(row.photo): row.photo for row in rows if row.photo}
    votes = [
        evaluator.classifiers.predict(photo).count_votes(slug)
        for photo in photos.values()
    ]
    return Evaluation(
        artist=slug,
        rows=tuple(rows),
        classifiers=evaluator.classifiers,
        photo_deception=Proportion(sum(votes) / 2, len(votes)),
        works_closer_than=evaluator.held_out(slug).works_closer_than,
    )


class Evaluator:
    """Measures paintings after any of several artists in one way.

    Args:
        corpora: the folder of corpora; all artists in it are told apart.
        used: SHA-256 of files that were painted from, by any of the paintings.
        artist: a folder that can't be left out.
        color: whether the classifiers see colors.
        on_progress: told what is done, how many are done, and of how many.

    Attributes:
        classifiers: those that predict a painting's artist.

    Raises:
        UsageError: too few artists or works to train classifiers.
    """

    def __init__(
        self,
        corpora: PathLike | None,
        used: Collection[str],
        *,
        artist: str | None = None,
        color: bool = True,
        on_progress: ProgressCallback = lambda *_: None,
    ) -> None:
        self.corpora = corpora
        self.classifiers = train(
            _list_works(choose_corpora_folder(corpora), artist),
            used,
            artist=artist,
            feature_groups=[
                group for group in FEATURE_GROUPS if color or group != "colors"
            ],
            on_progress=on_progress,
        )
        self._on_progress = on_progress
        self._grams_by_artist: dict[str, Grams] = {}
        self._held_out: dict[str, HeldOutDistances] = {}
        self._source_grams: dict[Path, Grams] = {}

    def measure(
        self, painting: PathLike, artist: str, content: PathLike | None = None
    ) -> PaintingMetrics:
        """Measure a painting.

        Args:
            painting: its file.
            artist: the folder of the artist that it imitates.
            content: its photo, if it has no record or the photo has moved.

        Raises:
            ArtistNstError: it can't be read.
        """
        path = Path(painting)
        facts = _load_record(path)
        prediction = self.classifiers.predict(path)
        descriptor = describe_file(path)
        held_out, closer_than = self.held_out(artist).measure(descriptor)
        edges = kept = None
        if photo := _find_photo(path, facts, content):
            edges, kept = _compare_with_photo(path, photo)
        return PaintingMetrics(
            painting=path,
            taken_for=prediction.predicted_artist,
            probability=prediction.probability(artist),
            hits=prediction.count_votes(artist),
            photo=photo,
            edges=edges,
            content=kept,
            style=self._compare_with_sources(descriptor, path, facts),
            held_out=held_out,
            closer_than=closer_than,
        )

    def held_out(self, artist: str) -> HeldOutDistances:
        """Return distances to an artist's works that were not painted from."""
        if not self._grams_by_artist:
            for name, paths in self.classifiers.works.items():
                on_progress = partial(self._on_progress, f"styles of {name}")
                self._grams_by_artist[name] = np.stack(
                    [
                        descriptor.grams
                        for descriptor in describe_files(paths, name, on_progress)
                        if not isinstance(descriptor, ArtistNstError)
                    ]
                )
        if artist not in self._held_out:
            works = self._grams_by_artist[artist]
            others = [
                grams for name, grams in self._grams_by_artist.items() if name != artist
            ]
            self._held_out[artist] = HeldOutDistances(works, np.concatenate(others))
        return self._held_out[artist]

    def _compare_with_sources(
        self, descriptor: StyleDescriptor, painting: Path, facts: Record | None
    ) -> float | None:
        """Compute the style distance to the works painted from, if these are found."""
        if facts is None:
            return None
        try:
            sources = record.find_sources(
                facts, painting, corpora=self.corpora, option=None
            )
            for path in {source.path for source in sources} - self._source_grams.keys():
                self._source_grams[path] = describe_file(path).grams
        except ArtistNstError as error:
            log.warning("%s is not compared with its works: %s", painting, error)
            return None
        grams = [self._source_grams[source.path] for source in sources]
        mean = np.average(grams, axis=0, weights=[source.weight for source in sources])
        return float(gram_distance(descriptor.grams[None], mean[None])[0, 0])


class HeldOutDistances:
    """Style distances to the works of an artist that were not painted from.

    Args:
        works: ``(m, L, K)``, the works' sketched Gram matrices
            (:attr:`artist_nst.styles.descriptors.StyleDescriptor.grams`).
        others: ``(n, L, K)``, those of other artists' works.

    Attributes:
        works_closer_than: as in :class:`Evaluation`.
    """

    def __init__(self, works: Grams, others: Grams) -> None:
        self._works = works
        self._other_distances = np.median(gram_distance(others, works), axis=1)
        between = gram_distance(works, works)
        # A work is measured by the others, not by itself.
        np.fill_diagonal(between, np.nan)
        distances = np.nanmedian(between, axis=1)
        self.works_closer_than = float(np.median([*map(self._closer_than, distances)]))

    def measure(self, descriptor: StyleDescriptor) -> tuple[float, float]:
        """Measure a picture.

        Returns:
            Its median distance to the works, and the share of other artists' works that
            are farther from them.
        """
        distance = float(np.median(gram_distance(descriptor.grams[None], self._works)))
        return distance, self._closer_than(distance)

    def _closer_than(self, distance: float) -> float:
        return float(np.mean(self._other_distances > distance))


def _load_record(painting: Path) -> Record | None:
    try:
        return record.load_record(painting)
    except ArtistNstError:
        return None


def _find_used_hashes(painting: PathLike) -> set[str]:
    """Return the hashes of a painting and its works, which no classifier may see.

    Raises:
        ArtistNstError: it can't be read.
    """
    digest = read_picture(painting).sha256
    try:
        facts = record.load_record(painting)
    except ArtistNstError as error:
        log.warning("%s; the judges may know what it was painted from", error)
        return {digest}
    return {digest, *(style["sha256"] for style in facts["styles"])}


def _find_recorded_artist(paintings: Sequence[PathLike]) -> str:
    """Return the corpus that all paintings are after works of.

    Raises:
        UsageError: There is none, or there are several.
    """
    records = filter(None, map(_load_record, map(Path, paintings)))
    works = [style["work"] for facts in records for style in facts["styles"]]
    artists = {work["corpus"] for work in works if work}
    if len(artists) != 1:
        found = f"after works of {' and '.join(sorted(artists))}" if artists else ""
        problem = found or "after no artist's works, as far as they record it"
        raise UsageError(f"the paintings are {problem}: name one with --artist")
    return str(artists.pop())


def _find_photo(
    painting: Path, facts: Record | None, content: PathLike | None
) -> Path | None:
    """Find the photo that a painting was painted from, or else ``content``."""
    given = None if content is None else Path(content)
    if facts is None:
        return given
    if given and hash_file(given) != facts["content"]["sha256"]:
        given = None
    try:
        return record.find_content(facts, painting, given)
    except ArtistNstError as error:
        log.warning("%s is not compared with its photo: %s", painting, error)
        return None


def _list_works(folder: Path, first: str | None) -> dict[str, list[Path]]:
    """List the picture files of every artist.

    An artist may be the first: files that two corpora hold count as the first one's.
    """
    works: dict[str, list[Path]] = {} if first is None else {first: []}
    for artist, place in list_artists(folder).items():
        try:
            corpus = load_corpus(place)
            paintings = keep_paintings(corpus.available)
            works[artist] = [corpus.get_path(work) for work in paintings]
        except ArtistNstError as error:
            if artist == first:
                raise
            log.warning("%s is left out: %s", artist, error)
    return works


def _compare_with_photo(painting: Path, photo: Path) -> tuple[float, float]:
    """Compute what a painting keeps of its photo: edges, and features at conv4_2."""
    target = resize_to_side(read_picture(photo).pixels)
    least = minimum_side([CONTENT_LAYER])
    height, width = (max(least, side) for side in target.shape[:2])
    target = resize(target, height, width)
    candidate = resize(read_picture(painting).pixels, height, width)
    expected = _content_features(target)
    squared = squared_distance(_content_features(candidate), expected)
    content = float(content_relative(squared, expected))
    return edge_agreement(candidate, target), content


def _content_features(pixels: Pixels) -> torch.Tensor:
    features, _ = extract_features(
        descriptor_network(), to_tensor(pixels), [CONTENT_LAYER], ()
    )
    return features[CONTENT_LAYER]
