"""Artists on disk and their works, as the studio shows them."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from artist_nst.corpus.works import Corpus, Work, list_artists, load_corpus
from artist_nst.errors import ArtistNstError

CACHE_SECONDS = 10.0  # for which a corpus is taken to be as it was


@dataclass(frozen=True, slots=True)
class Artist:
    """An artist's corpus, with the works that are on disk by keys made of their ids."""

    slug: str
    corpus: Corpus
    works: dict[str, Work]

    @property
    def name(self) -> str:
        """The artist's name."""
        return replace_surrogates(self.corpus.artist)


class ArtistLibrary:
    """The artists in the folder of corpora.

    Args:
        corpora: The folder.
    """

    def __init__(self, corpora: Path) -> None:
        self.corpora = corpora
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[float, Artist]] = {}

    def list_artists(self) -> list[Artist]:
        """List the artists who have works on disk, by name."""
        artists = []
        for slug in self._find_folders():
            try:
                artist = self.get(slug)
            except ArtistNstError:
                continue  # `artist-nst artists` says what is wrong
            if artist.works:
                artists.append(artist)
        return sorted(artists, key=lambda artist: artist.name.casefold())

    def get(self, slug: str) -> Artist:
        """Return an artist.

        Raises:
            KeyError: There is none of that slug.
            ArtistNstError: The corpus cannot be read.
        """
        folder = self._find_folders()[slug]
        with self._lock:
            read, artist = self._read.get(folder, (-CACHE_SECONDS, None))
            if artist is None or time.monotonic() - read > CACHE_SECONDS:
                corpus = load_corpus(folder)
                works = {make_key(work): work for work in corpus.available}
                artist = Artist(slug, corpus, works)
                self._read[folder] = time.monotonic(), artist
        return artist

    def _find_folders(self) -> dict[str, Path]:
        """Map slugs to folders, whose names JSON can hold."""
        return {
            slug: folder
            for slug, folder in list_artists(self.corpora).items()
            if slug == replace_surrogates(slug)
        }

    def forget_cached(self) -> None:
        """Read all corpora again when they are next asked for."""
        with self._lock:
            self._read.clear()

    def find_picture(self, slug: str, key: str) -> Path:
        """Return the path of a work's picture; KeyError if there is none."""
        artist = self.get(slug)
        return artist.corpus.get_path(artist.works[key])


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which names of files may hold and JSON must not."""
    return text.encode(errors="replace").decode()


def make_key(work: Work) -> str:
    """Make a key for addresses of a work's id, which may hold anything."""
    return hashlib.sha256(work.id.encode(errors="surrogatepass")).hexdigest()[:16]
