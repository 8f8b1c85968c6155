"""Questions to WikiArt: find an artist, list all works, get a work's page."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from artist_nst.corpus.names import (
    collect_words,
    find_similar,
    fold,
    split_words,
)
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.wikiart.client import NotFoundError, UnavailableError, WikiArtClient
from artist_nst.wikiart.parsing import (
    Artist,
    ListedWork,
    ListPage,
    WorkPage,
    page_slug,
    parse_all_artists,
    parse_artist,
    parse_artist_slug,
    parse_letter_page,
    parse_search,
    parse_text_list,
    parse_work_list,
    parse_work_page,
    slugs_match,
)

T = TypeVar("T")
OnPage = Callable[[int, int | None], None]

UNLINKED = "listed without a page or picture"
PAGE_SIZE = 60
MAX_PAGES = 1000  # far more than any artist has, in case a list never ends
MAX_COUNTED = 6  # artists whose works are counted to tell which one is meant
MAX_SHOWN = 10  # artists in a message
MAX_NAME_LENGTH = 200
DOMINANCE = 5  # with so many times the works of the next, an artist is meant


class ArtistMatch(NamedTuple):
    """An artist that a name means, and a note on how the name was understood."""

    artist: Artist
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """All works of an artist.

    Attributes:
        works: In the site's order, each once.
        count: The number of works according to the site.
        notes: What is missing or takes more requests.
        is_complete: Whether one of the site's lists was read to its end, so that a
            work that is not in it is not listed.
        has_alternates: Whether that was the list in pages, which alone has other
            scans.
    """

    works: tuple[ListedWork, ...]
    count: int | None
    notes: tuple[str, ...] = ()
    is_complete: bool = True
    has_alternates: bool = True


def find_artist(client: WikiArtClient, name: str) -> ArtistMatch:
    """Find an artist by name or part of it, slug, or address.

    Raises:
        UsageError: Nobody has that name, or several do; names the nearest.
        UnavailableError: The site gave no usable response.
    """
    return _ArtistSearch(client, _parse_query(name)).run()


def list_works(
    client: WikiArtClient, artist: Artist, on_page: OnPage | None = None
) -> Listing:
    """List all works of an artist.

    The list in pages is read first, then the text list if works are missing. After
    each page, ``on_page`` is called with the number of works so far, and the number
    according to the site.

    Raises:
        ArtistNstError: The site lists none.
        UnavailableError: Neither list can be read.
    """
    return _WorkLister(client, artist).run(on_page)


def get_work_page(client: WikiArtClient, path: str) -> WorkPage:
    """Get a work's own page by its path ("/en/artist/work").

    Raises:
        NotFoundError: There is no such page.
        UnavailableError: The site gave no usable response.
    """
    referer = path.rpartition("/")[0]
    return client.get(path, parse_work_page, json=False, referer=referer)


# Finding an artist --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Query:
    """A name as it was typed.

    Attributes:
        typed: The name, with single spaces.
        words: Its words, folded if they are in Latin letters.
        slug: The slug that an artist of that name would have; "" if none.
        is_slug: Whether it was typed as a slug, or as the address of an artist.
    """

    typed: str
    words: tuple[str, ...]
    slug: str
    is_slug: bool


def _parse_query(name: str) -> _Query:
    typed = " ".join(name.split())
    site = re.match(
        r"(?:https?://)?(?:[a-z]+\.)?wikiart\.org(?=/|$)", typed, re.IGNORECASE
    )
    if site:
        language, _, path = typed[site.end() :].strip("/").partition("/")
        slug = parse_artist_slug(re.split("[/?#]", path)[0])
        if language != "en" or not slug:
            raise UsageError(
                f"{typed}: not an artist's page; give an address such as "
                "https://www.wikiart.org/en/pablo-picasso"
            )
        return _Query(slug, split_words(slug), slug, is_slug=True)
    if "://" in typed:
        raise UsageError(f"{typed}: not an address on WikiArt; give an artist's name")
    words = split_words(typed)
    if not words or len(typed) > MAX_NAME_LENGTH:
        raise UsageError(
            f"{typed[:40]!r} is not an artist's name; give one such as 'claude monet'"
        )
    slug = fold(typed)
    return _Query(typed, words, slug, is_slug=typed == slug and "-" in slug)


def _get_names(artist: Artist) -> tuple[str, ...]:
    return artist.slug, *artist.names


class _ArtistSearch:
    """A search for an artist: by slug, then by name, then in the list of all artists.

    Attributes:
        artists: All that the site named so far, by slug.
        error: The first, if there were errors.
        was_answered: Whether at least one list of artists came.
    """

    def __init__(self, client: WikiArtClient, query: _Query) -> None:
        self.client = client
        self.query = query
        self.artists: dict[str, Artist] = {}
        self.error: UnavailableError | None = None
        self.was_answered = False

    def run(self) -> ArtistMatch:
        artist = self._get_by_slug()
        if artist and self._is_confirmed(artist):
            return self._make_match(artist)
        results = self._search()
        matches = self._find_matches()
        if not (matches or self.query.slug) and len(results) == 1:
            matches = results  # only the site can match a name in another alphabet
        if matches := matches or self._search_all_artists():
            return self._choose(matches)
        if results and not self.query.slug:
            raise self._make_choice_error(results)
        if self.error and not self.was_answered:
            raise self.error
        raise UsageError(
            f"WikiArt has no artist {self.query.typed!r}; {self._suggest(results)}"
        )

    def _try_get(
        self, path: str, parse: Callable[[str], T], *, json: bool = True
    ) -> T | None:
        try:
            return self.client.get(path, parse, json=json)
        except NotFoundError:
            return None
        except UnavailableError as error:
            self.error = self.error or error
            return None

    def _get_by_slug(self) -> Artist | None:
        slug = self.query.slug
        artist = (
            self._try_get(f"/en/{quote(slug)}?json=2", parse_artist) if slug else None
        )
        if artist:
            self.artists[artist.slug] = artist
        return artist

    def _is_confirmed(self, artist: Artist) -> bool:
        """Tell whether the artist at the guessed slug has the name that was typed."""
        words = self.query.words
        name_words = {word for name in artist.names for word in split_words(name)}
        return (
            self.query.is_slug
            or self._has_exact_name(artist)
            or (len(words) > 1 and words[-1] in name_words)
        )

    def _search(self) -> list[Artist]:
        query = self.query
        term = " ".join(query.words) if query.is_slug else query.typed.replace("/", " ")
        path = f"/en/Search/{quote(term, safe='', errors='replace')}?json=3"
        return self._add(self._try_get(path, parse_search))

    def _search_all_artists(self) -> list[Artist]:
        """Find matches among all artists, or among those of the same initials."""
        path = "/en/App/Artist/AlphabetJson?v=new&inPublicDomain=false"
        if self._add(self._try_get(path, parse_all_artists)):
            return self._find_matches()
        # The pages go by surname, which mostly comes last.
        initials = [word[0] for word in reversed(self.query.words) if word.isascii()]
        for letter in dict.fromkeys(filter(str.isalpha, initials)):
            path = f"/en/Alphabet/{letter}/text-list"
            self._add(self._try_get(path, parse_letter_page, json=False))
            if matches := self._find_matches():
                return matches
        return []

    def _add(self, artists: list[Artist] | None) -> list[Artist]:
        """Merge artists of a response into those seen so far."""
        self.was_answered |= artists is not None
        for artist in artists or ():
            seen = self.artists.get(artist.slug, artist)
            names = tuple(dict.fromkeys((*seen.names, *artist.names)))
            works = artist.works if seen.works is None else seen.works
            self.artists[artist.slug] = Artist(artist.slug, names, works)
        return artists or []

    def _find_matches(self) -> list[Artist]:
        """Find artists with exactly that name, or else with all words of it."""
        matches = [
            artist
            for artist in self.artists.values()
            if collect_words(_get_names(artist)).issuperset(self.query.words)
        ]
        return list(filter(self._has_exact_name, matches)) or matches

    def _has_exact_name(self, artist: Artist) -> bool:
        """Tell whether a name has the same words, in any order."""
        words = sorted(self.query.words)
        return any(sorted(split_words(name)) == words for name in artist.names)

    def _choose(self, matches: list[Artist]) -> ArtistMatch:
        """Choose the only artist, or the one with by far the most works."""
        if len(matches) == 1:
            return self._make_match(matches[0])
        typed = self.query.typed
        matches = sorted(
            self._count_works(matches), key=lambda artist: -(artist.works or 0)
        )
        first, second = matches[:2]
        most, next_most = first.works or 0, second.works or 0
        all_counted = all(artist.works is not None for artist in matches)
        if all_counted and most and most >= DOMINANCE * next_most:
            return ArtistMatch(
                first,
                f"{typed}: taking {first.name} ({_format_works(most)}) before "
                f"{second.name} ({next_most:,}){_format_more(len(matches) - 2)}",
            )
        raise self._make_choice_error(matches)

    def _make_choice_error(self, matches: list[Artist]) -> UsageError:
        listed = ", ".join(map(_format_artist, matches[:MAX_SHOWN]))
        more = _format_more(len(matches) - MAX_SHOWN)
        return UsageError(
            f"{self.query.typed!r} may be {listed}{more}; name one of them"
        )

    def _count_works(self, matches: list[Artist]) -> list[Artist]:
        """Get missing numbers of works, unless that takes many requests."""
        if sum(artist.works is None for artist in matches) > MAX_COUNTED:
            return matches
        counted = []
        for artist in matches:
            if artist.works is None:
                parse = partial(parse_work_list, slug=artist.slug)
                page = self._try_get(_list_path(artist.slug, 1), parse)
                artist = replace(artist, works=page.count if page else None)
            counted.append(artist)
        return counted

    def _make_match(self, artist: Artist) -> ArtistMatch:
        """Make a match, with a note if the name differs from what was typed."""
        query = self.query
        is_same = query.is_slug and slugs_match(artist.slug, query.slug)
        if is_same or self._has_exact_name(artist):
            return ArtistMatch(artist)
        return ArtistMatch(artist, f"{query.typed}: {artist.name} ({artist.slug})")

    def _suggest(self, results: list[Artist]) -> str:
        """Name the nearest artists, or say what else to try."""
        if similar := find_similar(self.query.typed, self.artists.values(), _get_names):
            shown = (f"{artist.name} ({artist.slug})" for artist in similar[:4])
            return f"nearest: {', '.join(shown)}"
        if results:
            found = ", ".join(map(_format_artist, results[:MAX_SHOWN]))
            return f"its search finds {found}"
        if self.error:
            return f"its list of all artists can't be read ({self.error})"
        if not self.query.slug:
            return "write the name in Latin letters"
        return "give the full name, or the address of the artist's page"


def _format_artist(artist: Artist) -> str:
    works = "" if artist.works is None else f", {_format_works(artist.works)}"
    return f"{artist.name} ({artist.slug}{works})"


def _format_works(count: int) -> str:
    return f"{count:,} work{'' if count == 1 else 's'}"


def _format_more(count: int) -> str:
    return f" and {count:,} more" if count > 0 else ""


# Listing works ------------------------------------------------------------------------


def _list_path(slug: str, number: int) -> str:
    return (
        f"/en/{quote(slug)}/mode/all-paintings"
        f"?json=2&layout=new&page={number}&resultType=masonry"
    )


class _WorkLister:
    """Reads the lists of an artist's works.

    Attributes:
        works: By id, in the site's order.
        foreign_ids: Of works of other artists in the lists.
        count: The number of works according to the site.
        failures: Numbers of pages that can't be read, and their errors.
    """

    def __init__(self, client: WikiArtClient, artist: Artist) -> None:
        self.client = client
        self.artist = artist
        self.home = f"/en/{quote(artist.slug)}/all-works"
        self.works: dict[str, ListedWork] = {}
        self.foreign_ids: set[str] = set()
        self.count: int | None = None
        self.failures: list[tuple[int, ArtistNstError]] = []
        self.notes: list[str] = []
        self.has_text_list = False

    def run(self, on_page: OnPage | None) -> Listing:
        self._read_pages(on_page)
        if self._is_short or (self.failures and self.count is None):
            self._read_text_list()
        artist = self.artist
        if not self.works:
            raise ArtistNstError(
                f"WikiArt lists no works of {artist.name} ({artist.slug}); works in "
                "copyright may be withheld; `artist-nst adopt FOLDER --artist "
                f"{artist.name!r}` takes pictures of your own"
            )
        if self._is_short:
            self.notes.append(
                f"the site counts {self.count:,} works and lists {self._seen:,}"
            )
        return Listing(
            works=tuple(self.works.values()),
            count=self.count,
            notes=tuple(self.notes),
            is_complete=self.has_text_list or not self.failures,
            has_alternates=not self.failures,
        )

    @property
    def _seen(self) -> int:
        """The number of works in the lists, those of other artists included."""
        return len(self.works) + len(self.foreign_ids)

    @property
    def _is_short(self) -> bool:
        return self.count is not None and self._seen < self.count

    def _read_pages(self, on_page: OnPage | None) -> None:
        """Read the list in pages, to its end or as far as possible."""
        parse = partial(parse_work_list, slug=self.artist.slug)
        for number in range(1, MAX_PAGES + 1):
            path = _list_path(self.artist.slug, number)
            try:
                page = self.client.get(path, parse, referer=self.home)
            except (NotFoundError, UnavailableError) as error:
                if not self._can_skip(number, error):
                    return
                continue
            added = self._add_page(page)
            if on_page:
                on_page(len(self.works), self.count)
            if not added or (self.count and not self._is_short):
                return

    def _add_page(self, page: ListPage) -> int:
        """Add the works of a page; returns how many are new."""
        before = self._seen
        for work in page.works:
            self.works.setdefault(work.id, work)
        self.foreign_ids |= page.foreign_ids
        # A count of 0 in a list with works is wrong.
        if page.count or not self._seen:
            self.count = self.count or page.count
        return self._seen - before

    def _can_skip(self, number: int, error: ArtistNstError) -> bool:
        """Decide whether to read on after a page that can't be read."""
        last = math.ceil(self.count / PAGE_SIZE) if self.count else None
        # Past the end, some servers fail.
        if number > 1 and (number > last if last else isinstance(error, NotFoundError)):
            return False
        is_second = bool(self.failures) and self.failures[-1][0] == number - 1
        self.failures.append((number, error))
        return last is not None and not is_second

    def _read_text_list(self) -> None:
        """Add what the list in pages lacks from the single page of all works.

        Raises:
            UnavailableError, NotFoundError: Neither list can be read.
        """
        self.notes += [
            f"page {number} of the list of works can't be read ({error})"
            for number, error in self.failures
        ]
        parse = partial(parse_text_list, slug=self.artist.slug)
        path = f"{self.home}/text-list"
        try:
            text_list = self.client.get(path, parse, json=False, referer=self.home)
        except (NotFoundError, UnavailableError) as error:
            if not self.works:
                raise (self.failures[0][1] if self.failures else error) from error
            self.notes.append(f"the text list of works can't be read ({error})")
            return
        self.has_text_list = True
        self.count = text_list.count if self.count is None else self.count
        if added := self._add_rows(text_list.works):
            self.notes.append(
                f"{_format_works(added)} only in the site's plain list: one more "
                "request each"
            )

    def _add_rows(self, rows: Sequence[ListedWork]) -> int:
        """Add works that are new; returns how many of them have pages."""
        slugs = {page_slug(work.page) for work in self.works.values() if work.page}
        new = {row.id: row for row in rows if row.page and row.id not in slugs}
        for row in new.values():
            self.works.setdefault(row.id, replace(row, artist=self.artist.name))
        self._add_unlinked(row for row in rows if not row.page)
        return len(new)

    def _add_unlinked(self, rows: Iterable[ListedWork]) -> None:
        """Add rows of withheld works, unless the other list has them."""
        withheld = Counter(
            (fold(work.title), work.year)
            for work in self.works.values()
            if work.restricted or not work.page
        )
        namesakes: Counter[str] = Counter()
        for row in rows:
            key = fold(row.title), row.year
            if withheld[key]:
                withheld[key] -= 1
                continue
            stem = "-".join(filter(None, ("unlinked", key[0], fold(row.year or ""))))
            namesakes[stem] += 1
            number = namesakes[stem]
            id = stem if row.year and number == 1 else f"{stem}-{number}"
            self.works[id] = replace(
                row, id=id, artist=self.artist.name, restricted=UNLINKED
            )
