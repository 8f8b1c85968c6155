"""Which of an artist's works are wanted: filters, and a fair sample."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from artist_nst.corpus.download import size_of
from artist_nst.corpus.works import Work, fold
from artist_nst.corpus.years import parse_years
from artist_nst.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a work must be to be wanted; by default every work is.

    Attributes:
        limit: so many works at most.
        first: the first of the list, rather than a sample.
        seed: of the sample. With the same seed a larger limit only adds works.
        style, genre, media: one of these words or phrases must be in the work's.
        since, until: years; a work of "1920-1930" fits where that overlaps.
        public_domain: where the site says so.
        min_size: of the shorter side, in pixels.
    Raises:
        UsageError: years the wrong way round.
    """

    limit: int | None = None
    first: bool = False
    seed: int = 0
    style: tuple[str, ...] = ()
    genre: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    public_domain: bool = False
    min_size: int | None = None

    def __post_init__(self) -> None:
        since, until = self.since, self.until
        if since is not None and until is not None and since > until:
            raise UsageError(f"--since {since} is after --until {until}: swap them")

    @property
    def needs_pages(self) -> bool:
        """Whether it asks for what only the works' own pages say."""
        return bool(self.style or self.genre or self.media or self.public_domain)

    def candidates(self, works: Iterable[Work]) -> list[Work]:
        """Those that fit as far as the list tells, in the order they are to be had.

        A year or a size that is not known fits no filter of years, every one of sizes.
        """
        fit = [
            work for work in works if self._years_fit(work) and self._size_fits(work)
        ]
        return fit if self.first or self.limit is None else sorted(fit, key=self._drawn)

    def chosen(self, candidates: Iterable[Work]) -> list[Work]:
        """Of candidates whose pages were read, those that fit, no more than wanted.

        What is withheld is no work of a sample.
        """
        fit = [work for work in candidates if self.fits(work)]
        if self.limit is None:
            return fit
        return [work for work in fit if work.status != "restricted"][: self.limit]

    def fits(self, work: Work) -> bool:
        """Whether a work whose page was read has the style, genre, … asked for."""
        return (
            _has(work.style, self.style)
            and _has(work.genre, self.genre)
            and _has(work.media, self.media)
            and (not self.public_domain or _has(work.rights, ("public domain",)))
        )

    def _years_fit(self, work: Work) -> bool:
        if self.since is None and self.until is None:
            return True
        years = parse_years(work.year)
        return years is not None and (
            (self.until is None or years[0] <= self.until)
            and (self.since is None or years[1] >= self.since)
        )

    def _size_fits(self, work: Work) -> bool:
        # Of a derivative that is here, the original's size is not known any more.
        known = work.width and work.height and size_of(work) == "original"
        if self.min_size is None or not known:
            return True
        return min(work.width or 0, work.height or 0) >= self.min_size

    def _drawn(self, work: Work) -> bytes:
        """Random, but a work's own: others come and go without moving it."""
        return hashlib.sha256(f"{self.seed} {work.id}".encode()).digest()


def _has(text: str | None, wanted: tuple[str, ...]) -> bool:
    """``("cubism",)`` is in "Synthetic Cubism, Surrealism"; whole words count."""
    if not wanted:
        return True
    words = f"-{fold(text or '')}-"
    return any(fold(one) and f"-{fold(one)}-" in words for one in wanted)
