"""Attribution: which of several artists a picture is taken for.

Classifiers are trained on works that nobody painted from. The share of paintings that
are taken for the imitated artist's is the deception rate of A. Sanakoyeu et al., "A
style-aware content loss for real-time HD style transfer", ECCV 2018. The classifiers do
not see what painting minimizes, but statistics of colors, edges, patterns and wavelets
(:mod:`artist_nst.evaluation.handcrafted_features`).

Works are split three ways: those painted from, and two halves. One classifier learns
from each half and is tested on the other, so that every work that was not painted from
tells how accurate the two are. Messages to users call the classifiers judges.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from artist_nst._files import hash_file
from artist_nst._types import Pixels
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.evaluation.handcrafted_features import (
    FEATURE_COUNT,
    FEATURE_GROUPS,
    FEATURE_VERSION,
    compute_features,
    read_resized,
    reencode,
    standardize,
)
from artist_nst.evaluation.near_duplicates import (
    Thumbnail,
    group_duplicates,
    make_thumbnail,
    match_any,
)
from artist_nst.image.files import read_scaled
from artist_nst.styles.cache import FeatureCache

log = logging.getLogger(__name__)

Matrix = NDArray[np.float64]
ProgressCallback = Callable[[str, int, int], None]

MIN_ARTISTS = 6
MIN_WORKS = 8  # of an artist, so that each half has four
MAX_WORKS = 120  # of an artist; more would cost time and tell little

# A classifier learns from a work as it is, and as other files of it might be: else it
# would know artists by the sharpness and compression of their files.
REENCODINGS = 3

THUMBNAIL_SOURCE_SIDE = 64  # pixels of the picture that a thumbnail is made from

# C of the logistic regression, 1 / (2 C) being the weight of the squared coefficients
# beside the summed losses. The one with the best cross-validated probabilities is used.
REGULARIZATION = 0.003, 0.01, 0.03, 0.1
FOLDS = 4  # of a half

BINS = 10  # of probabilities, in the calibration error
NORMAL_QUANTILE = 1.959964  # of 95 % confidence intervals


class Proportion(NamedTuple):
    """So many hits of so many; half a hit is one classifier of two.

    Attributes:
        hits: 0 … ``total``.
        total: of how many.
    """

    hits: float
    total: int

    @property
    def rate(self) -> float:
        """0 … 1; not a number for none of none."""
        return self.hits / self.total if self.total else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """The rate's 95 % confidence interval, if all were drawn independently.

        Source:
            E. Wilson, "Probable inference, the law of succession, and statistical
            inference", JASA 22, 1927.
        """
        if not self.total:
            return 0.0, 1.0
        spread = NORMAL_QUANTILE**2 / self.total
        middle = (self.rate + spread / 2) / (1 + spread)
        variance = self.rate * (1 - self.rate) * spread + spread**2 / 4
        reach = variance**0.5 / (1 + spread)
        return max(0.0, middle - reach), min(1.0, middle + reach)


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What both classifiers say of a picture.

    Attributes:
        artists: the classes.
        probabilities: ``(2, A)``; each classifier's sum to 1.
    """

    artists: tuple[str, ...]
    probabilities: Matrix

    @property
    def predicted_artist(self) -> str:
        """The most probable artist, by the classifiers' mean."""
        return self.artists[int(self.probabilities.mean(0).argmax())]

    def probability(self, artist: str) -> float:
        """Return the classifiers' mean probability that it is by ``artist``."""
        return float(self.probabilities[:, self.artists.index(artist)].mean())

    def count_votes(self, artist: str) -> int:
        """Count the classifiers that take it for the work of ``artist``."""
        votes = self.probabilities.argmax(1)
        return int((votes == self.artists.index(artist)).sum())


@dataclass(frozen=True, slots=True, eq=False)
class CrossFittedClassifiers:
    """Two classifiers, each trained on one half of the works and tested on the other.

    Attributes:
        artists: the classes.
        works: by artist, the files that they were trained and tested on.
        accuracy_by_artist: how many of these were taken for the artist's.
        reencoded_accuracy: the same for re-encoded files of the works of all artists.
        calibration_error: see :func:`calibration_error`.
        log_loss: the mean of −ln p of the right artist; guessing gives ln A.
        columns: the features that they see.
        models: scikit-learn's.
    """

    artists: tuple[str, ...]
    works: Mapping[str, tuple[Path, ...]]
    accuracy_by_artist: Mapping[str, Proportion]
    reencoded_accuracy: Proportion
    calibration_error: float
    log_loss: float
    columns: NDArray[np.intp]
    models: tuple[Any, Any]

    @property
    def accuracy(self) -> Proportion:
        """Over the works of all artists."""
        hits, totals = zip(*self.accuracy_by_artist.values(), strict=True)
        return Proportion(sum(hits), sum(totals))

    @property
    def chance(self) -> float:
        """The accuracy of guessing."""
        return 1 / len(self.artists)

    def predict(self, picture: Path | Pixels) -> Prediction:
        """Predict the artist of a file, or of ``(H, W, 3)`` sRGB in [0, 1].

        Raises:
            ArtistNstError: the file can't be read.
        """
        pixels = read_resized(picture) if isinstance(picture, Path) else picture
        features = compute_features(standardize(pixels))[None, self.columns]
        probabilities = [model.predict_proba(features) for model in self.models]
        return Prediction(self.artists, np.concatenate(probabilities))


def train(
    works: Mapping[str, Sequence[Path]],
    excluded: Collection[str] = (),
    *,
    artist: str | None = None,
    feature_groups: Sequence[str] = tuple(FEATURE_GROUPS),
    permutation_seed: int | None = None,
    on_progress: ProgressCallback = lambda *_: None,
) -> CrossFittedClassifiers:
    """Train classifiers of the artists whose works these are.

    Files of equal content are one work, the first artist's. An artist with fewer than
    ``MIN_WORKS`` works is left out; of one with more than ``MAX_WORKS``, those with
    the least hashes are taken.

    Args:
        works: picture files by artist.
        excluded: SHA-256 of files that were painted from; neither these nor their
            near-duplicates are trained or tested on.
        artist: who can't be left out.
        feature_groups: the features that the classifiers see.
        permutation_seed: train with the artists' names shuffled over the works: such
            classifiers can only guess, or something is wrong.
        on_progress: told what is done, how many are done, and of how many.

    Raises:
        UsageError: too few artists, or too few works of ``artist``.
    """
    unused = _select_samples(works, set(excluded))
    _require_enough(unused, artist)
    samples = {
        name: _add_features(name, entries, on_progress)
        for name, entries in unused.items()
    }
    enough = _require_enough(samples, artist)
    for name in samples.keys() - enough.keys():
        log.info("%s is left out: %s", name, _describe_lack(samples[name]))
    return _cross_fit(enough, feature_groups, permutation_seed, on_progress)


def calibration_error(probabilities: Matrix, right: NDArray[np.bool_]) -> float:
    """Compute how far predicted probabilities are from the share that is right.

    Args:
        probabilities: ``(n,)``, of the artist that each picture is taken for.
        right: ``(n,)``, whether it is his.

    Returns:
        The mean over pictures of |share right − mean probability| in their bin, of
        ``BINS`` of equal width.

    Source:
        C. Guo et al., "On calibration of modern neural networks", ICML 2017, eq. 3.
    """
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    right_in_bin = np.bincount(bins, weights=right, minlength=BINS)
    predicted_in_bin = np.bincount(bins, weights=probabilities, minlength=BINS)
    return float(np.abs(right_in_bin - predicted_in_bin).sum() / len(probabilities))


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """A work.

    Attributes:
        features: ``(1 + REENCODINGS, FEATURE_COUNT)``, of the file first; empty until
            computed.
    """

    path: Path
    thumbnail: Thumbnail
    features: Matrix = field(default_factory=lambda: np.empty((0, 0)))


def _hash_distinct(works: Mapping[str, Sequence[Path]]) -> dict[str, dict[str, Path]]:
    """Return each artist's files by their hashes, in the hashes' order, each once."""
    known: set[str] = set()
    distinct = {}
    for artist, paths in works.items():
        hashes: dict[str, Path] = {}
        for path in paths:
            try:
                hashes.setdefault(hash_file(path), path)
            except ArtistNstError as error:
                log.warning("left out: %s", error)
        new = sorted(hashes.keys() - known)
        distinct[artist] = {digest: hashes[digest] for digest in new}
        known |= hashes.keys()
    return distinct


def _compute_cached(
    cache: FeatureCache,
    paths: Sequence[Path],
    compute: Callable[[Path], NDArray[np.float32]],
    on_progress: Callable[[int, int], None] | None = None,
) -> list[tuple[int, Matrix]]:
    """Return arrays with the indices of their files; leave out what can't be read."""
    arrays = []
    for index, array in enumerate(cache.get_or_compute(paths, compute, on_progress)):
        if isinstance(array, ArtistNstError):
            log.warning("left out: %s", array)
        else:
            arrays.append((index, array.astype(np.float64)))
    return arrays


def _load_samples(paths: Sequence[Path]) -> list[_Sample]:
    cache = FeatureCache("thumbnails", f"{THUMBNAIL_SOURCE_SIDE}")
    thumbnails = _compute_cached(cache, paths, _thumbnail_of_file)
    return [_Sample(paths[index], thumbnail) for index, thumbnail in thumbnails]


def _thumbnail_of_file(path: Path) -> NDArray[np.float32]:
    return make_thumbnail(read_scaled(path, THUMBNAIL_SOURCE_SIDE)).astype(np.float32)


def _select_samples(
    works: Mapping[str, Sequence[Path]], excluded: set[str]
) -> dict[str, list[_Sample]]:
    """Return each artist's works that are neither excluded nor their duplicates."""
    files = _hash_distinct(works)
    used = _load_samples(
        [
            path
            for hashes in files.values()
            for digest, path in hashes.items()
            if digest in excluded
        ]
    )
    used_thumbnails = [sample.thumbnail for sample in used]
    selected = {}
    for artist, hashes in files.items():
        unused = [path for digest, path in hashes.items() if digest not in excluded]
        samples = _load_samples(unused[:MAX_WORKS])
        matches = match_any([sample.thumbnail for sample in samples], used_thumbnails)
        selected[artist] = [samples[index] for index in np.flatnonzero(~matches)]
    return selected


def _require_enough(
    samples: Mapping[str, list[_Sample]], artist: str | None
) -> dict[str, list[_Sample]]:
    """Return the artists with enough works.

    Raises:
        UsageError: they are too few, or ``artist`` is not among them.
    """
    enough = {
        name: samples[name]
        for name in sorted(samples)
        if _count_distinct(samples[name]) >= MIN_WORKS
    }
    if artist is not None and artist not in enough:
        remedy = f"get more with `artist-nst fetch {artist}` or `artist-nst adopt`"
        if artist == "procedural":
            remedy = "evaluate paintings after an artist of more works"
        raise UsageError(
            f"{artist}: {_describe_lack(samples.get(artist, []))}: {remedy}"
        )
    if len(enough) < MIN_ARTISTS:
        names = f" ({', '.join(enough)})" if enough else ""
        raise UsageError(
            f"the judges need {MIN_ARTISTS} artists with {MIN_WORKS} different works "
            f"each that were not painted from, and have {len(enough)}{names}: get more "
            "with `artist-nst fetch` or `artist-nst adopt`, or name another folder "
            "with --corpora"
        )
    return enough


def _count_distinct(samples: Sequence[_Sample]) -> int:
    return len(group_duplicates([sample.thumbnail for sample in samples]))


def _describe_lack(samples: Sequence[_Sample]) -> str:
    return (
        f"the judges need {MIN_WORKS} different works that were not painted from, "
        f"and have {_count_distinct(samples)}"
    )


def _add_features(
    artist: str, samples: Sequence[_Sample], on_progress: ProgressCallback
) -> list[_Sample]:
    # The name under which earlier versions cached them, too.
    cache = FeatureCache(f"traits {artist}", f"{FEATURE_VERSION} {REENCODINGS}")
    arrays = _compute_cached(
        cache,
        [sample.path for sample in samples],
        _compute_variants,
        lambda done, total: on_progress(f"looking at {artist}", done, total),
    )
    return [replace(samples[index], features=features) for index, features in arrays]


def _compute_variants(path: Path) -> NDArray[np.float32]:
    """Compute the features, ``(1 + REENCODINGS, FEATURE_COUNT)``, of a file and others.

    The others are re-encoded files of the same picture.
    """
    source = np.random.default_rng(int(hash_file(path)[:16], 16))
    original = read_resized(path)
    variants = [original, *(reencode(original, source) for _ in range(REENCODINGS))]
    features = [compute_features(standardize(pixels)) for pixels in variants]
    return np.stack(features).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Half:
    """Half of all artists' works.

    Attributes:
        labels: ``(n,)``, the artists' numbers.
        features: ``(n, 1 + REENCODINGS, D)``.
    """

    labels: NDArray[np.intp]
    features: Matrix

    def select(self, mask: NDArray[np.bool_]) -> _Half:
        """Return some of its works."""
        return _Half(self.labels[mask], self.features[mask])

    def predict(self, model: Any) -> Matrix:
        """Return what a classifier says of them: ``(n, 1 + REENCODINGS, A)``."""
        flat = self.features.reshape(-1, self.features.shape[2])
        probabilities: Matrix = model.predict_proba(flat)
        return probabilities.reshape(*self.features.shape[:2], -1)


def _cross_fit(
    works: Mapping[str, list[_Sample]],
    feature_groups: Sequence[str],
    permutation_seed: int | None,
    on_progress: ProgressCallback,
) -> CrossFittedClassifiers:
    """Train on each half of the works, and test on the other."""
    columns = np.concatenate(
        [np.arange(FEATURE_COUNT)[FEATURE_GROUPS[group]] for group in feature_groups]
    )
    halves = _split_halves([*works.values()], columns)
    models = []
    for number, half in enumerate(halves):
        on_progress("training", number, len(halves))
        if permutation_seed is not None:
            source = np.random.default_rng(permutation_seed)
            half = replace(half, labels=source.permutation(half.labels))
        models.append(_fit(half))
    tests = halves[::-1]
    probabilities = np.concatenate(
        [test.predict(model) for test, model in zip(tests, models, strict=True)]
    )
    labels = np.concatenate([test.labels for test in tests])
    right = probabilities.argmax(2) == labels[:, None]
    originals, reencoded = probabilities[:, 0], right[:, 1:]
    return CrossFittedClassifiers(
        artists=tuple(works),
        works={
            artist: tuple(sample.path for sample in samples)
            for artist, samples in works.items()
        },
        accuracy_by_artist={
            artist: Proportion(int(right[labels == label, 0].sum()), len(works[artist]))
            for label, artist in enumerate(works)
        },
        reencoded_accuracy=Proportion(int(reencoded.sum()), reencoded.size),
        calibration_error=calibration_error(originals.max(1), right[:, 0]),
        log_loss=_log_loss(originals, labels),
        columns=columns,
        models=(models[0], models[1]),
    )


def _split_halves(
    works: Sequence[Sequence[_Sample]], columns: NDArray[np.intp]
) -> list[_Half]:
    """Split each artist's works into equal halves, near-duplicates in one of them."""
    halves: tuple[list[tuple[int, Matrix]], ...] = [], []
    for label, samples in enumerate(works):
        parts: tuple[list[tuple[int, Matrix]], ...] = [], []
        for group in group_duplicates([sample.thumbnail for sample in samples]):
            smaller = min(parts, key=len)
            smaller += [(label, samples[index].features[:, columns]) for index in group]
        for half, part in zip(halves, parts, strict=True):
            half += part
    return [
        _Half(
            np.array([label for label, _ in half]), np.stack([row for _, row in half])
        )
        for half in halves
    ]


def _fit(half: _Half) -> Any:
    """Train a classifier on a half.

    Its regularization is chosen by cross-validated log loss, which is least where the
    predicted probabilities are right: that calibrates them.
    """
    fold = np.empty(len(half.labels), dtype=np.intp)
    # Works of one artist in turn, so that each fold has some.
    fold[np.argsort(half.labels, kind="stable")] = np.arange(len(fold)) % FOLDS
    losses = []
    for strength in REGULARIZATION:
        loss = 0.0
        for number in range(FOLDS):
            model = _fit_regression(half.select(fold != number), strength)
            test = half.select(fold == number)
            test_loss = _log_loss(test.predict(model)[:, 0], test.labels)
            loss += test_loss * len(test.labels)
        losses.append(loss)
    return _fit_regression(half, REGULARIZATION[int(np.argmin(losses))])


def _fit_regression(half: _Half, strength: float) -> Any:
    """Fit a multinomial logistic regression, in which all artists count equally."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
    rows = half.features.reshape(-1, half.features.shape[2])
    labels = np.repeat(half.labels, half.features.shape[1])
    # With matrices this small, threads wait for one another longer than they compute.
    with threadpool_limits(1, "blas"):
        return make_pipeline(StandardScaler(), model).fit(rows, labels)


def _log_loss(probabilities: Matrix, labels: NDArray[np.intp]) -> float:
    right = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(right, np.finfo(float).tiny)).mean())
