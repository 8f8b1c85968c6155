"""Which of an artist's works are wanted: filters, and a fair sample."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from artist_nst.corpus.works import Work, fold
from artist_nst.corpus.years import parse_years
from artist_nst.errors import UsageError

NAMED = 8  # values of style, genre or media in a note


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

    def whats_there(self, works: Iterable[Work]) -> str:
        """Where nothing fits: the values there are of what was asked for."""
        known = list(works)
        told = []
        for what in ("style", "genre", "media"):
            if getattr(self, what):
                values = (getattr(work, what) or "" for work in known)
                several = (one.strip() for value in values for one in value.split(","))
                common = Counter(one for one in several if one).most_common(NAMED)
                names = sorted(name for name, _ in common)
                told.append(f"{what} is {', '.join(names) or 'not known'}")
        return "; ".join(told)

    def _years_fit(self, work: Work) -> bool:
        if self.since is None and self.until is None:
            return True
        years = parse_years(work.year)
        return years is not None and (
            (self.until is None or years[0] <= self.until)
            and (self.since is None or years[1] >= self.since)
        )

    def _size_fits(self, work: Work) -> bool:
        sides = work.listed_width, work.listed_height
        if self.min_size is None or not all(sides):
            return True
        return min(side or 0 for side in sides) >= self.min_size

    def _drawn(self, work: Work) -> bytes:
        """Random, but a work's own: others come and go without moving it."""
        return hashlib.sha256(f"{self.seed} {work.id}".encode()).digest()


def _has(text: str | None, wanted: tuple[str, ...]) -> bool:
    """``("cubism",)`` is in "Synthetic Cubism, Surrealism"; whole words count."""
    if not wanted:
        return True
    words = f"-{fold(text or '')}-"
    return any(fold(one) and f"-{fold(one)}-" in words for one in wanted)
