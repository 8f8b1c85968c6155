"""A judge of whose work a picture is, trained on works that nobody painted from.

Attribution asks which of several artists a painting is taken for: the deception rate
of A. Sanakoyeu et al., "A style-aware content loss for real-time HD style transfer",
ECCV 2018. The judge does not look at what painters minimize; it is told statistics of
colors, edges, patterns and wavelets (:mod:`artist_nst.evaluation.handcrafted_features`).

Works are split three ways: those painted from, and two halves. One judge learns from
each half and is tested on the other, so that every work that was not painted from says
how far the two can be trusted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from artist_nst._types import Pixels
from artist_nst.errors import ArtistNstError, TooLargeError, UsageError
from artist_nst.evaluation import handcrafted_features as traits
from artist_nst.evaluation.near_duplicates import (
    Thumbnail,
    alike_any,
    groups,
    thumbnail,
)
from artist_nst.image.files import read_picture, read_small, sha256_of
from artist_nst.styles.cache import Kept

log = logging.getLogger(__name__)

Matrix = NDArray[np.float64]
Told = Callable[[str, int, int], None]

LEAST_ARTISTS = 6
LEAST_WORKS = 8  # of an artist, so that each half has four
MOST_WORKS = 120  # of an artist; more would cost time and tell little

# A work is learnt from as it is, and as other files of it might be: a judge who knows
# the works of an artist by the sharpness and compression of his files knows nothing.
REENCODINGS = 3

THUMBNAIL_OF = 64  # pixels, that a thumbnail is made of

# Of the logistic regression: 1 / (2 C) is the weight of the squared coefficients
# beside the summed losses. The one that states the best probabilities is taken.
STRENGTHS = 0.003, 0.01, 0.03, 0.1
FOLDS = 4  # of a half, to find that out

BINS = 10  # of probabilities, in the calibration error
QUANTILE = 1.959964  # of the normal distribution: intervals of 95 %


class Share(NamedTuple):
    """So many of so many; half a hit is one judge of two.

    Attributes:
        hits: 0 … ``of``.
    """

    hits: float
    of: int

    @property
    def rate(self) -> float:
        """0 … 1; not a number for none of none."""
        return self.hits / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Where the rate lies with 95 % confidence, if all were drawn independently.

        Source:
            E. Wilson, "Probable inference, the law of succession, and statistical
            inference", JASA 22, 1927.
        """
        if not self.of:
            return 0.0, 1.0
        spread = QUANTILE**2 / self.of
        middle = (self.rate + spread / 2) / (1 + spread)
        variance = self.rate * (1 - self.rate) * spread + spread**2 / 4
        reach = variance**0.5 / (1 + spread)
        return max(0.0, middle - reach), min(1.0, middle + reach)


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What both judges say of a picture.

    Attributes:
        artists: whom they know.
        probabilities: ``(2, A)``; each judge's sum to 1.
    """

    artists: tuple[str, ...]
    probabilities: Matrix

    @property
    def artist(self) -> str:
        """Whom it is taken for: the most probable one, by the judges' mean."""
        return self.artists[int(self.probabilities.mean(0).argmax())]

    def probability(self, artist: str) -> float:
        """That it is by ``artist``: the judges' mean."""
        return float(self.probabilities[:, self.artists.index(artist)].mean())

    def hits(self, artist: str) -> int:
        """How many of the two judges take it for the work of ``artist``."""
        taken = self.probabilities.argmax(1)
        return int((taken == self.artists.index(artist)).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Judges:
    """Two judges, each trained on one half of the works and tested on the other.

    Attributes:
        artists: whom they know.
        works: of each artist, the files learnt from and tested on.
        known: of each artist, how many of these were taken for his.
        reencoded: of all of these, as other files of them might be, how many were
            taken for their artist's.
        calibration_error: how far stated probabilities are from the share that is
            right; see :func:`calibration_error`.
        log_loss: −ln of the probability stated for the right artist, on average;
            guessing gives ln A.
        columns: which traits they are told of.
        models: scikit-learn's.
    """

    artists: tuple[str, ...]
    works: Mapping[str, tuple[Path, ...]]
    known: Mapping[str, Share]
    reencoded: Share
    calibration_error: float
    log_loss: float
    columns: NDArray[np.intp]
    models: tuple[Any, Any]

    @property
    def accuracy(self) -> Share:
        """Over the works of all artists."""
        shares = self.known.values()
        return Share(sum(one.hits for one in shares), sum(one.of for one in shares))

    @property
    def chance(self) -> float:
        """The accuracy of guessing."""
        return 1 / len(self.artists)

    def verdict(self, picture: Path | Pixels) -> Verdict:
        """On a file, or on ``(H, W, 3)`` sRGB in [0, 1].

        Raises:
            ArtistNstError: the file can't be read.
        """
        pixels = _read(picture) if isinstance(picture, Path) else picture
        told = traits.traits(traits.reduced(pixels))[None, self.columns]
        return Verdict(
            self.artists,
            np.concatenate([one.predict_proba(told) for one in self.models]),
        )


def train(
    works: Mapping[str, Sequence[Path]],
    excluded: Collection[str] = (),
    *,
    artist: str | None = None,
    keep: Sequence[str] = tuple(traits.GROUPS),
    permuted: int | None = None,
    on_progress: Told = lambda *_: None,
) -> Judges:
    """Judges of the artists whose works these are.

    Files of equal content are one work, the first artist's. An artist with fewer than
    ``LEAST_WORKS`` works is left out; of one with more than ``MOST_WORKS``, those with
    the least hashes are taken.

    Args:
        works: picture files by artist.
        excluded: SHA-256 of files that were painted from; neither these nor what looks
            like them is learnt from or tested on.
        artist: who can't be left out.
        keep: the groups of traits that the judges are told of.
        permuted: a seed, to learn with the artists' names shuffled over the works:
            such judges can only guess, or something is wrong.
        on_progress: told what is done, how many are done, and of how many.

    Raises:
        UsageError: too few artists, or too few works of ``artist``.
    """
    free = _free(works, set(excluded))
    _check(free, artist)
    told = {one: _told_of(one, entries, on_progress) for one, entries in free.items()}
    enough = _check(told, artist)
    for one in told.keys() - enough.keys():
        log.info("%s is left out: %s", one, _lacking(told[one]))
    return _cross_fitted(enough, keep, permuted, on_progress)


def calibration_error(stated: Matrix, right: NDArray[np.bool_]) -> float:
    """How far stated probabilities are from the share that is right.

    Args:
        stated: ``(n,)``, of the artist that each picture is taken for.
        right: ``(n,)``, whether it is his.

    Returns:
        The mean over pictures of |share right − mean stated| in their bin, of ``BINS``
        of equal width.

    Source:
        C. Guo et al., "On calibration of modern neural networks", ICML 2017, eq. 3.
    """
    bins = np.minimum((stated * BINS).astype(int), BINS - 1)
    right_in = np.bincount(bins, weights=right, minlength=BINS)
    stated_in = np.bincount(bins, weights=stated, minlength=BINS)
    return float(np.abs(right_in - stated_in).sum() / len(stated))


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """A work.

    Attributes:
        traits: ``(1 + REENCODINGS, COUNT)``: of the file first; empty until computed.
    """

    path: Path
    thumbnail: Thumbnail
    traits: Matrix = field(default_factory=lambda: np.empty((0, 0)))


def _distinct(works: Mapping[str, Sequence[Path]]) -> dict[str, dict[str, Path]]:
    """Each artist's files by their hashes, in the hashes' order; each hash once."""
    known: set[str] = set()
    found = {}
    for artist, paths in works.items():
        own: dict[str, Path] = {}
        for path in paths:
            try:
                own.setdefault(sha256_of(path), path)
            except ArtistNstError as error:
                log.warning("left out: %s", error)
        found[artist] = {one: own[one] for one in sorted(own.keys() - known)}
        known |= own.keys()
    return found


def _seen(files: Mapping[str, Path]) -> list[_Entry]:
    """Works by what they look like; those that can't be read are left out."""
    kept = Kept("thumbnails", f"{THUMBNAIL_OF}")
    rows = kept.rows([*files.values()], _thumbnail_of)
    found = []
    for path, row in zip(files.values(), rows, strict=True):
        if isinstance(row, ArtistNstError):
            log.warning("left out: %s", row)
        else:
            found.append(_Entry(path, row.astype(np.float64)))
    return found


def _thumbnail_of(path: Path) -> NDArray[np.float32]:
    return thumbnail(read_small(path, THUMBNAIL_OF) / 255.0).astype(np.float32)


def _free(
    works: Mapping[str, Sequence[Path]], excluded: set[str]
) -> dict[str, list[_Entry]]:
    """Of each artist what is not excluded, and does not look like what is."""
    files = _distinct(works)
    every = {digest: path for own in files.values() for digest, path in own.items()}
    spent = _seen({one: path for one, path in every.items() if one in excluded})
    barred = [one.thumbnail for one in spent]
    free = {}
    for artist, own in files.items():
        left = [digest for digest in own if digest not in excluded][:MOST_WORKS]
        entries = _seen({digest: own[digest] for digest in left})
        alike = alike_any([one.thumbnail for one in entries], barred)
        free[artist] = [one for one, bar in zip(entries, alike, strict=True) if not bar]
    return free


def _check(
    found: Mapping[str, list[_Entry]], artist: str | None
) -> dict[str, list[_Entry]]:
    """Those who have enough works; raises UsageError where they are too few."""
    enough = {
        one: found[one]
        for one in sorted(found)
        if _different(found[one]) >= LEAST_WORKS
    }
    if artist is not None and artist not in enough:
        raise UsageError(
            f"{artist}: {_lacking(found.get(artist, []))}: get more with `artist-nst "
            f"fetch {artist}` or `artist-nst adopt`"
        )
    if len(enough) < LEAST_ARTISTS:
        names = f" ({', '.join(enough)})" if enough else ""
        raise UsageError(
            f"the judges need {LEAST_ARTISTS} artists with {LEAST_WORKS} different "
            f"works each that were not painted from, and have {len(enough)}{names}: "
            "get more with `artist-nst fetch` or `artist-nst adopt`, or name another "
            "folder with --corpora"
        )
    return enough


def _different(entries: Sequence[_Entry]) -> int:
    """How many pictures these files show."""
    return len(groups([one.thumbnail for one in entries]))


def _lacking(entries: Sequence[_Entry]) -> str:
    return (
        f"the judges need {LEAST_WORKS} different works that were not painted from, "
        f"and have {_different(entries)}"
    )


def _told_of(artist: str, entries: Sequence[_Entry], told: Told) -> list[_Entry]:
    """Works with their traits."""
    kept = Kept(f"traits {artist}", f"{traits.VERSION} {REENCODINGS}")
    rows = kept.rows(
        [one.path for one in entries],
        _traits_of,
        lambda done, of: told(f"looking at {artist}", done, of),
    )
    found = []
    for entry, row in zip(entries, rows, strict=True):
        if isinstance(row, ArtistNstError):
            log.warning("left out: %s", row)
        else:
            found.append(replace(entry, traits=row.astype(np.float64)))
    return found


def _traits_of(path: Path) -> NDArray[np.float32]:
    """``(1 + REENCODINGS, COUNT)``: of a file, and of others of the same picture."""
    source = np.random.default_rng(int(sha256_of(path)[:16], 16))
    files = [_read(path)]
    files += [traits.reencoded(files[0], source) for _ in range(REENCODINGS)]
    rows = [traits.traits(traits.reduced(one)) for one in files]
    return np.stack(rows).astype(np.float32)


def _read(path: Path) -> Pixels:
    """A picture at the size at which all are compared."""
    try:
        return traits.sized(read_small(path, 2 * traits.SIDE) / 255.0)
    except TooLargeError:
        # For a look in passing; but it may be read as a whole.
        return traits.sized(read_picture(path).pixels)


def _dealt(entries: Sequence[_Entry], parts: int) -> list[list[_Entry]]:
    """Works in parts of about equal size, what looks alike in one."""
    dealt: list[list[_Entry]] = [[] for _ in range(parts)]
    for group in groups([one.thumbnail for one in entries]):
        min(dealt, key=len).extend(entries[place] for place in group)
    return dealt


@dataclass(frozen=True, slots=True, eq=False)
class _Half:
    """Half of all artists' works.

    Attributes:
        labels: ``(n,)``, the artists' numbers.
        traits: ``(n, 1 + REENCODINGS, D)``.
    """

    labels: NDArray[np.intp]
    traits: Matrix

    def part(self, chosen: NDArray[np.bool_]) -> _Half:
        """Some of its works."""
        return _Half(self.labels[chosen], self.traits[chosen])

    def stated(self, model: Any) -> Matrix:
        """What a judge says of them: ``(n, 1 + REENCODINGS, A)``."""
        flat = self.traits.reshape(-1, self.traits.shape[2])
        found: Matrix = model.predict_proba(flat)
        return found.reshape(*self.traits.shape[:2], -1)


def _cross_fitted(
    works: Mapping[str, list[_Entry]],
    keep: Sequence[str],
    permuted: int | None,
    told: Told,
) -> Judges:
    """Learn from each half of the works, and be tested on the other."""
    columns = np.concatenate(
        [np.arange(traits.COUNT)[traits.GROUPS[one]] for one in keep]
    )
    halves = _halves([*works.values()], columns)
    models = []
    for number, half in enumerate(halves):
        told("training", number, len(halves))
        models.append(_fitted(_shuffled(half, permuted)))
    tests = halves[::-1]
    stated = np.concatenate(
        [test.stated(model) for test, model in zip(tests, models, strict=True)]
    )
    labels = np.concatenate([test.labels for test in tests])
    right = stated.argmax(2) == labels[:, None]
    first = stated[:, 0]
    return Judges(
        artists=tuple(works),
        works={one: tuple(entry.path for entry in works[one]) for one in works},
        known={
            one: Share(int(right[labels == number, 0].sum()), len(works[one]))
            for number, one in enumerate(works)
        },
        reencoded=Share(int(right[:, 1:].sum()), right[:, 1:].size),
        calibration_error=calibration_error(first.max(1), right[:, 0]),
        log_loss=_log_loss(first, labels),
        columns=columns,
        models=(models[0], models[1]),
    )


def _halves(
    works: Sequence[list[_Entry]], columns: NDArray[np.intp]
) -> tuple[_Half, _Half]:
    dealt = [_dealt(entries, 2) for entries in works]
    halves = []
    for number in range(2):
        labels = np.repeat(np.arange(len(works)), [len(one[number]) for one in dealt])
        rows = [entry.traits[:, columns] for one in dealt for entry in one[number]]
        halves.append(_Half(labels, np.stack(rows)))
    return halves[0], halves[1]


def _shuffled(half: _Half, seed: int | None) -> _Half:
    """With other artists' names on the works, if there is a seed."""
    if seed is None:
        return half
    source = np.random.default_rng(seed)
    return replace(half, labels=source.permutation(half.labels))


def _fitted(half: _Half) -> Any:
    """A judge who knows the works of a half.

    How strongly it is held back is found by trying: the fourth of the works that is
    not learnt from is stated the best probabilities for. That is what calibrates them,
    for the logarithmic score is best where probabilities are right.
    """
    fold = np.empty(len(half.labels), dtype=np.intp)
    # Works of one artist in turn, so that each fold has some.
    fold[np.argsort(half.labels, kind="stable")] = np.arange(len(fold)) % FOLDS
    losses = []
    for strength in STRENGTHS:
        loss = 0.0
        for one in range(FOLDS):
            model = _regression(half.part(fold != one), strength)
            test = half.part(fold == one)
            loss += _log_loss(test.stated(model)[:, 0], test.labels) * len(test.labels)
        losses.append(loss)
    return _regression(half, STRENGTHS[int(np.argmin(losses))])


def _regression(half: _Half, strength: float) -> Any:
    """Multinomial logistic regression; each artist counts alike, however many works
    he has."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
    rows = half.traits.reshape(-1, half.traits.shape[2])
    labels = np.repeat(half.labels, half.traits.shape[1])
    # For matrices this small, threads wait for one another longer than they compute.
    with threadpool_limits(1, "blas"):
        return make_pipeline(StandardScaler(), model).fit(rows, labels)


def _log_loss(stated: Matrix, labels: NDArray[np.intp]) -> float:
    own = stated[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, np.finfo(float).tiny)).mean())
