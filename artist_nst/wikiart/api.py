"""What to ask WikiArt: who an artist is, which works there are, what a page tells."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import Protocol, TypeVar
from urllib.parse import quote

from artist_nst.corpus.works import fold
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.wikiart.client import NotFoundError, RefusedError, UnavailableError
from artist_nst.wikiart.parsing import (
    Artist,
    Candidate,
    Page,
    Painting,
    Record,
    Row,
    artist_slug,
    page_slug,
    read_alphabet,
    read_alphabet_page,
    read_artist,
    read_list,
    read_painting,
    read_search,
    read_text_list,
    same_slug,
)

T = TypeVar("T")

UNLINKED = "listed without a page or picture"
PER_PAGE = 60
MOST_PAGES = 1000  # far beyond any artist's; a list without an end has to have one
MOST_COUNTED = 6  # artists whose works are counted to tell which one is meant
MOST_LISTED = 10  # artists, in a message
LONGEST_NAME = 200
OUTWEIGHS = 5  # times as many works as the next: that artist is meant


class Site(Protocol):
    """What asks WikiArt, once or as often as it takes."""

    def read(
        self,
        path: str,
        parse: Callable[[str], T],
        *,
        json: bool = True,
        referer: str = "/en/",
    ) -> T:
        """What ``parse`` makes of the answer to ``path``, which is percent-encoded.

        Raises:
            NotFoundError: the site has no such page.
            UnavailableError: no usable answer, however often it was asked.
        """


@dataclass(frozen=True, slots=True)
class Found:
    """An artist, and what was found out on the way.

    Attributes:
        note: what the user should know of how the name was read.
    """

    artist: Artist
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """All works of an artist.

    Attributes:
        records: in the site's order, each once.
        count: how many the site says there are.
        notes: what the user should know of what is missing or costs more.
        complete: one of the site's lists was read to its end, so that what it lacks
            is not listed.
        scans: the list in pages was: it alone knows of other scans.
    """

    records: tuple[Record, ...]
    count: int | None
    notes: tuple[str, ...] = ()
    complete: bool = True
    scans: bool = True


def find_artist(site: Site, name: str) -> Found:
    """Who is meant by ``name``: an artist's name or part of it, slug, or address.

    Raises:
        UsageError: nobody, or several whom nothing tells apart; lists them.
        UnavailableError: the site could not be asked.
    """
    return _Lookup(site, _asked(name)).found()


def list_works(
    site: Site,
    artist: Artist,
    on_page: Callable[[int, int | None], None] | None = None,
) -> Listing:
    """All works of ``artist``, of the list in pages, and of the text list where that
    one falls short.

    Args:
        on_page: is told after each page how many works are known by now, and how
            many the site counts.
    Raises:
        ArtistNstError: the site lists none.
        UnavailableError: neither list can be read.
    """
    gathering = _Gathering(site, artist)
    gathering.read_pages(on_page)
    if gathering.is_short or (gathering.failures and gathering.count is None):
        gathering.read_text_list()
    records, count = tuple(gathering.records.values()), gathering.count
    if not records:
        raise ArtistNstError(
            f"WikiArt lists no works of {artist.name} ({artist.slug}); works in "
            "copyright may be withheld; `artist-nst adopt FOLDER --artist "
            f"{artist.name!r}` takes pictures of your own"
        )
    if gathering.is_short:
        gathering.notes.append(
            f"the site counts {count:,} works and lists {gathering.seen:,}"
        )
    complete = gathering.has_text_list or not gathering.failures
    notes, scans = tuple(gathering.notes), not gathering.failures
    return Listing(records, count, notes, complete, scans)


def painting(site: Site, page: str) -> Painting:
    """What the work's own page tells.

    Args:
        page: its path ("/en/artist/work").
    Raises:
        NotFoundError: there is no such page.
        UnavailableError: no usable answer.
    """
    referer = page.rpartition("/")[0]
    return site.read(page, read_painting, json=False, referer=referer)


# Whom a name means


@dataclass(frozen=True, slots=True)
class _Asked:
    """A name as it was typed.

    Attributes:
        words: of it, folded where they are of Latin letters.
        slug: that the artist would have; "" where the name gives none.
        literal: it was a slug, or the address of one, that was typed.
    """

    typed: str
    words: tuple[str, ...]
    slug: str
    literal: bool


def _asked(name: str) -> _Asked:
    typed = " ".join(name.split())
    address = re.match(
        r"(?:https?://)?(?:[a-z]+\.)?wikiart\.org(?=/|$)", typed, re.IGNORECASE
    )
    if address:
        first, _, rest = typed[address.end() :].strip("/").partition("/")
        slug = artist_slug(re.split("[/?#]", rest)[0])
        if first != "en" or not slug:
            raise UsageError(
                f"{typed}: not an artist's page; those are like "
                "https://www.wikiart.org/en/pablo-picasso"
            )
        return _Asked(slug, _words(slug), slug, literal=True)
    if "://" in typed:
        raise UsageError(f"{typed}: not an address of WikiArt's; name an artist")
    if not (words := _words(typed)) or len(typed) > LONGEST_NAME:
        raise UsageError(
            f"{typed[:40]!r} is no artist's name: give one, such as 'claude monet'"
        )
    slug = fold(typed)
    return _Asked(typed, words, slug, literal=typed == slug and "-" in slug)


def _words(text: str) -> tuple[str, ...]:
    """``"O'Keeffe, Georgia"`` → o, keeffe, georgia; of other alphabets as they are."""
    words = re.findall(r"(?:[^\W_]|[\u0300-\u036f])+", text.casefold())
    return tuple(fold(word) or word for word in words)


class _Lookup:
    """One search for an artist: who was seen, and what was in the way."""

    def __init__(self, site: Site, asked: _Asked) -> None:
        self.site = site
        self.asked = asked
        self.seen: dict[str, Candidate] = {}
        self.answered = False
        self.trouble: UnavailableError | None = None

    def found(self) -> Found:
        """By slug, else by search, else among all artists."""
        own = self._by_slug()
        if own and self._is_confirmed(own):
            return Found(own, self._other_name(own))
        searched = self._searched()
        matches = self._matches()
        if not (matches or self.asked.slug) and len(searched) == 1:
            # Of a name in another alphabet, only the site knows whose it is.
            matches = searched
        if matches := matches or self._in_alphabet():
            return self._chosen(matches)
        if self.trouble and not self.answered:
            raise self.trouble
        raise UsageError(
            f"WikiArt knows no artist {self.asked.typed!r}; {self._hint()}"
        )

    def _ask(
        self, path: str, parse: Callable[[str], T], *, json: bool = True
    ) -> T | None:
        """The answer, or None where there is none to be had."""
        try:
            return self.site.read(path, parse, json=json)
        except RefusedError:
            raise
        except NotFoundError:
            return None
        except UnavailableError as error:
            self.trouble = self.trouble or error
            return None

    def _by_slug(self) -> Artist | None:
        slug = self.asked.slug
        own = self._ask(f"/en/{quote(slug)}?json=2", read_artist) if slug else None
        if own:
            self.seen[own.slug] = Candidate(own.slug, own.name, own.names)
        return own

    def _is_confirmed(self, own: Artist) -> bool:
        """Whether the artist at the slug that the name gives is the one named."""
        words = self.asked.words
        shared = {word for name in own.names for word in _words(name)}
        return (
            self.asked.literal
            or self._is_exact(own.names)
            or (len(words) > 1 and words[-1] in shared)
        )

    def _searched(self) -> list[Candidate]:
        term = self.asked.typed.replace("/", " ")
        if self.asked.literal:
            term = " ".join(self.asked.words)
        path = f"/en/Search/{quote(term, safe='', errors='replace')}?json=3"
        return self._see(self._ask(path, read_search))

    def _in_alphabet(self) -> list[Candidate]:
        """Those who match among all artists, else among those of the same letters."""
        path = "/en/App/Artist/AlphabetJson?v=new&inPublicDomain=false"
        if self._see(self._ask(path, read_alphabet)):
            return self._matches()
        # Surnames, by which the pages go, mostly come last.
        letters = [word[0] for word in reversed(self.asked.words) if word.isascii()]
        for letter in dict.fromkeys(filter(str.isalpha, letters)):
            path = f"/en/Alphabet/{letter}/text-list"
            self._see(self._ask(path, read_alphabet_page, json=False))
            if matches := self._matches():
                return matches
        return []

    def _see(self, candidates: list[Candidate] | None) -> list[Candidate]:
        if candidates is None:
            return []
        self.answered = True
        for one in candidates:
            known = self.seen.get(one.slug, one)
            names = tuple(dict.fromkeys((*known.names, *one.names)))
            works = one.works if known.works is None else known.works
            self.seen[one.slug] = replace(known, names=names, works=works)
        return candidates

    def _matches(self) -> list[Candidate]:
        """Those seen who have all the words asked; in full names, if there are any."""
        wanted = set(self.asked.words)
        fit = [one for one in self.seen.values() if wanted <= _all_words(one)]
        exact = [one for one in fit if self._is_exact(one.names or [one.slug])]
        return exact or fit

    def _is_exact(self, names: Iterable[str]) -> bool:
        wanted = sorted(self.asked.words)
        return any(sorted(_words(name)) == wanted for name in names)

    def _chosen(self, matches: list[Candidate]) -> Found:
        """The one who is meant: the only one, or the one with by far most works."""
        typed = self.asked.typed
        if len(matches) == 1:
            artist = _artist(matches[0])
            return Found(artist, self._other_name(artist))
        matches = sorted(self._counted(matches), key=lambda one: -(one.works or 0))
        first, second, *rest = matches
        most, next_most = first.works or 0, second.works or 0
        known = all(one.works is not None for one in matches)
        if known and most and most >= OUTWEIGHS * next_most:
            others = f" and {len(rest):,} more" if rest else ""
            note = (
                f"{typed}: taking {first.name} ({_works(most)}) before "
                f"{second.name} ({next_most:,}){others}"
            )
            return Found(_artist(first), note)
        listed = ", ".join(map(_labelled, matches[:MOST_LISTED]))
        more = len(matches) - MOST_LISTED
        others = f" and {more:,} more" if more > 0 else ""
        raise UsageError(f"{typed!r} may be {listed}{others}; name one of them")

    def _counted(self, matches: list[Candidate]) -> list[Candidate]:
        """With the number of their works, unless that were many requests."""
        if sum(one.works is None for one in matches) > MOST_COUNTED:
            return matches
        counted = []
        for one in matches:
            works = one.works
            if works is None:
                parse = partial(read_list, slug=one.slug)
                page = self._ask(_list_path(one.slug, 1), parse)
                works = page.count if page else None
            counted.append(replace(one, works=works))
        return counted

    def _other_name(self, artist: Artist) -> str | None:
        same = self.asked.literal and same_slug(artist.slug, self.asked.slug)
        if same or self._is_exact(artist.names):
            return None
        return f"{self.asked.typed}: {artist.name} ({artist.slug})"

    def _hint(self) -> str:
        """Whom the name may have meant."""
        names: dict[str, Candidate] = {}
        words: dict[str, Candidate] = {}
        for one in self.seen.values():
            for name in (*one.names, one.slug):
                names.setdefault(" ".join(_words(name)), one)
            for word in _all_words(one):
                words.setdefault(word, one)
        asked = self.asked.words
        close = get_close_matches(" ".join(asked), names, cutoff=0.6)
        near = [names[key] for key in close]
        for word in sorted(asked, key=len, reverse=True):
            close = get_close_matches(word, words, cutoff=0.75)
            near += [words[key] for key in close]
        if near:
            unique = list(dict.fromkeys(near))[:4]
            listed = ", ".join(f"{one.name} ({one.slug})" for one in unique)
            return f"nearest: {listed}"
        if self.trouble:
            return f"its list of all artists can't be read ({self.trouble})"
        if not self.asked.slug:
            return "write the name in Latin letters"
        return "give the full name, or the address of the artist's page"


def _all_words(one: Candidate) -> set[str]:
    """Of an artist's names and slug, initials also in one: ``"jmw"``."""
    words = set(_words(one.slug))
    for name in one.names:
        parts = _words(name)
        words |= {*parts, "".join(part for part in parts if len(part) == 1)}
    return words


def _artist(one: Candidate) -> Artist:
    return Artist(one.slug, one.name, one.names or (one.name,))


def _labelled(one: Candidate) -> str:
    works = "" if one.works is None else f", {_works(one.works)}"
    return f"{one.name} ({one.slug}{works})"


def _works(count: int) -> str:
    return f"{count:,} work{'' if count == 1 else 's'}"


# Which works there are


def _list_path(slug: str, number: int) -> str:
    return (
        f"/en/{quote(slug)}/mode/all-paintings"
        f"?json=2&layout=new&page={number}&resultType=masonry"
    )


class _Gathering:
    """An artist's works as they come in, page by page."""

    def __init__(self, site: Site, artist: Artist) -> None:
        self.site = site
        self.artist = artist
        self.records: dict[str, Record] = {}
        self.others: set[str] = set()
        self.count: int | None = None
        self.failures: list[tuple[int, ArtistNstError]] = []
        self.notes: list[str] = []
        self.has_text_list = False

    @property
    def home(self) -> str:
        return f"/en/{quote(self.artist.slug)}/all-works"

    @property
    def seen(self) -> int:
        """Works that the lists hold, those of other artists included."""
        return len(self.records) + len(self.others)

    @property
    def is_short(self) -> bool:
        return self.count is not None and self.seen < self.count

    def read_pages(self, on_page: Callable[[int, int | None], None] | None) -> None:
        """The list in pages, to its end or as far as it can be read."""
        parse = partial(read_list, slug=self.artist.slug)
        for number in range(1, MOST_PAGES + 1):
            path = _list_path(self.artist.slug, number)
            try:
                page = self.site.read(path, parse, referer=self.home)
            except RefusedError:
                raise
            except (NotFoundError, UnavailableError) as error:
                if not self._goes_on(number, error):
                    return
                continue
            news = self._take(page)
            if on_page:
                on_page(len(self.records), self.count)
            if not news or (self.count and not self.is_short):
                return

    def _take(self, page: Page) -> int:
        """Take the works of a page; returns how many are new."""
        before = self.seen
        for record in page.records:
            self.records.setdefault(record.id, record)
        self.others |= page.others
        # A count of 0 beside works counts nothing.
        if page.count or not self.seen:
            self.count = self.count or page.count
        return self.seen - before

    def _goes_on(self, number: int, error: ArtistNstError) -> bool:
        """Whether to ask for further pages, though this one can't be had."""
        last = math.ceil(self.count / PER_PAGE) if self.count else None
        # Past the end, some servers fail.
        if number > 1 and (number > last if last else isinstance(error, NotFoundError)):
            return False
        again = bool(self.failures) and self.failures[-1][0] == number - 1
        self.failures.append((number, error))
        return last is not None and not again

    def read_text_list(self) -> None:
        """What the list in pages lacks, of the page that lists all works.

        Raises:
            UnavailableError, NotFoundError: neither can be read.
        """
        self.notes += [
            f"page {number} of the list of works can't be read ({error})"
            for number, error in self.failures
        ]
        parse = partial(read_text_list, slug=self.artist.slug)
        path = f"{self.home}/text-list"
        try:
            listed = self.site.read(path, parse, json=False, referer=self.home)
        except RefusedError:
            raise
        except (NotFoundError, UnavailableError) as error:
            if not self.records:
                raise (self.failures[0][1] if self.failures else error) from error
            self.notes.append(f"the text list of works can't be read ({error})")
            return
        self.has_text_list = True
        self.count = listed.count if self.count is None else self.count
        if added := self._add(listed.rows):
            self.notes.append(
                f"{_works(added)} only in the site's plain list: each needs its page, "
                "too"
            )

    def _add(self, rows: Sequence[Row]) -> int:
        """Take those rows whose works are not known; returns how many have pages."""
        known = {page_slug(one.page) for one in self.records.values() if one.page}
        pages = {page_slug(row.page): row for row in rows if row.page}
        for slug, row in pages.items():
            if slug not in known:
                self.records.setdefault(
                    slug,
                    Record(slug, row.title, row.year, self.artist.name, page=row.page),
                )
        self._add_unlinked([row for row in rows if not row.page])
        return len(pages.keys() - known)

    def _add_unlinked(self, rows: Sequence[Row]) -> None:
        """Take the rows of works that are withheld, unless the other list has them."""
        known = Counter(
            (fold(one.title), one.year)
            for one in self.records.values()
            if one.restricted or not one.page
        )
        alike: Counter[str] = Counter()
        for row in rows:
            key = fold(row.title), row.year
            if known[key]:
                known[key] -= 1
                continue
            stem = "-".join(filter(None, ("unlinked", key[0], fold(row.year or ""))))
            alike[stem] += 1
            id = stem if row.year and alike[stem] == 1 else f"{stem}-{alike[stem]}"
            self.records[id] = Record(
                id, row.title, row.year, self.artist.name, restricted=UNLINKED
            )
