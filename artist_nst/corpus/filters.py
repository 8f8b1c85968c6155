"""Select an artist's works: filters, and a repeatable sample."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from artist_nst.corpus.names import fold
from artist_nst.corpus.works import Work
from artist_nst.corpus.years import parse_years
from artist_nst.errors import UsageError

MAX_NAMED = 8  # values of style, genre or media in a note

# In WikiArt's genres and media, of works that show little of how an artist paints.
NOT_PAINTINGS = ("sculpture", "photo", "sketch")


def keep_paintings(works: Sequence[Work]) -> list[Work]:
    """Leave out sculptures, photographs and sketches, unless there is nothing else."""
    paintings = []
    for work in works:
        text = f"{work.genre} {work.media}".lower()
        if not any(word in text for word in NOT_PAINTINGS):
            paintings.append(work)
    return paintings or list(works)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which works are wanted; by default all are.

    Raises:
        UsageError: The years are in the wrong order.
    """

    limit: int | None = None
    first: bool = False  # take the first of the list, rather than a sample
    seed: int = 0  # of the sample; with the same, a larger limit only adds works
    # One of these words or phrases must be in the work's:
    style: tuple[str, ...] = ()
    genre: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    since: int | None = None  # a work of "1920-1930" matches if that overlaps
    until: int | None = None
    public_domain: bool = False
    min_size: int | None = None  # of the shorter side, in pixels

    def __post_init__(self) -> None:
        since, until = self.since, self.until
        if since is not None and until is not None and since > until:
            raise UsageError(f"--since {since} is after --until {until}: swap them")

    @property
    def needs_pages(self) -> bool:
        """Whether a filter needs what only the works' own pages say."""
        return bool(self.style or self.genre or self.media or self.public_domain)

    def filter_listed(self, works: Iterable[Work]) -> list[Work]:
        """Filter works by what the list says of them; sort them as in the sample.

        A work of unknown year matches no filter of years; one of unknown size matches
        every filter of sizes.
        """
        matching = [
            work
            for work in works
            if self._matches_years(work) and self._matches_size(work)
        ]
        if self.first or self.limit is None:
            return matching
        return sorted(matching, key=self._sample_key)

    def choose(self, candidates: Iterable[Work]) -> list[Work]:
        """Choose those that match, by their pages, up to the limit.

        With a limit, withheld works are left out.
        """
        matching = [work for work in candidates if self.matches(work)]
        if self.limit is None:
            return matching
        return [work for work in matching if work.status != "restricted"][: self.limit]

    def matches(self, work: Work) -> bool:
        """Tell whether a work whose page was read has the style, genre, … asked for."""
        return (
            _has_phrase(work.style, self.style)
            and _has_phrase(work.genre, self.genre)
            and _has_phrase(work.media, self.media)
            and (not self.public_domain or _has_phrase(work.rights, ("public domain",)))
        )

    def describe_values(self, works: Iterable[Work]) -> str:
        """List the values that the filtered fields have, for when nothing matches.

        A field that no work has is one that was not asked for when they were fetched.
        """
        works = list(works)
        notes = []
        for name in ("style", "genre", "media"):
            if getattr(self, name):
                texts = (getattr(work, name) or "" for work in works)
                values = (value.strip() for text in texts for value in text.split(","))
                common = Counter(filter(None, values)).most_common(MAX_NAMED)
                known = ", ".join(sorted(value for value, _ in common))
                unknown = "not known, `artist-nst fetch … --details` asks for it"
                notes.append(f"{name} is {known or unknown}")
        return "; ".join(notes)

    def _matches_years(self, work: Work) -> bool:
        years = parse_years(work.year)
        if years is None:
            return self.since is None and self.until is None
        return (self.until is None or years[0] <= self.until) and (
            self.since is None or years[1] >= self.since
        )

    def _matches_size(self, work: Work) -> bool:
        width, height = work.listed_width, work.listed_height
        if self.min_size is None or not (width and height):
            return True
        return min(width, height) >= self.min_size

    def _sample_key(self, work: Work) -> bytes:
        """Random, but the work's own: it stays when other works come and go."""
        return hashlib.sha256(f"{self.seed} {work.id}".encode()).digest()


def _has_phrase(text: str | None, phrases: tuple[str, ...]) -> bool:
    """Find ``("cubism",)`` in "Synthetic Cubism, Surrealism", as a whole word."""
    if not phrases:
        return True
    words = f"-{fold(text or '')}-"
    return any(fold(phrase) and f"-{fold(phrase)}-" in words for phrase in phrases)
