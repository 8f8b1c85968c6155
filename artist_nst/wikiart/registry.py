"""Corpora that were fetched: whose they are, and the names they were asked for by."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from artist_nst.corpus.manifest import Manifest, is_fetched, make_timestamp
from artist_nst.corpus.names import (
    fold,
    make_folder_name,
    make_other_folder_name,
    normalize_name,
)
from artist_nst.corpus.works import has_manifest, list_artists, load_corpus, read_header
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.wikiart.parsing import Artist


def find_fetched_artist(name: str, corpora: Path) -> tuple[Artist, Path] | None:
    """Find an artist and the corpus's folder without a request to the site.

    Returns:
        None unless the whole list is here and the name can mean nobody else.
    """
    exact, similar = [], []
    for folder, header in _iterate_fetched(corpora):
        if not is_fully_listed(header):
            continue
        slug, artist = header["slug"], header["artist"]
        match = Artist(slug, (artist,)), folder
        if name == slug or normalize_name(name) in map(
            normalize_name, _get_asked_names(header)
        ):
            exact.append(match)
        # What is typed like a slug may be another artist: john-smith, john-smith-1.
        elif name != fold(name) and fold(name) == fold(artist):
            similar.append(match)
    matches = exact or similar
    return matches[0] if len(matches) == 1 else None


def choose_folder(artist: Artist, corpora: Path) -> Path:
    """Choose the folder of an artist's corpus, which need not exist.

    Raises:
        UsageError: The user has a corpus that was not fetched in its place.
    """
    for folder, header in _iterate_fetched(corpora):
        if header["slug"] == artist.slug:
            return folder  # even if the user renamed it
    folder = corpora / make_folder_name(artist.slug)
    if not folder.exists():
        return folder
    header = _read_header(folder)
    if is_fetched(header) and header.get("slug") not in (None, artist.slug):
        return corpora / make_other_folder_name(artist.slug)
    is_plain = not has_manifest(folder) and load_corpus(folder).works
    if is_plain or (header and not is_fetched(header)):
        remedy = "name another folder with --corpora"
        if not is_plain:
            remedy += f", or `artist-nst forget {folder.name}`"
        raise UsageError(f"{folder} is a corpus of your own: {remedy}")
    return folder


def remember_name(manifest: Manifest, name: str) -> None:
    """Store the name in the manifest, so that the next run need not look it up."""
    if "created" not in manifest.header:
        manifest.update_header(created=make_timestamp())
    names = _get_asked_names(manifest.header)
    if normalize_name(name) not in names:
        manifest.update_header(asked=[*names, normalize_name(name)])


def is_fully_listed(
    header: dict[str, Any], *, works: int | None = None, alternates: bool = False
) -> bool:
    """Tell whether a corpus has all of the site's list, by its ``corpus.json``.

    If ``works`` is given, the number of works in the manifest, it must be large enough;
    with ``alternates``, the other scans must be among them.
    """
    listed = header.get("list")
    if not (isinstance(listed, dict) and isinstance(listed.get("works"), int)):
        return False
    return (
        bool(listed.get("complete"))
        and (works is None or works >= listed["works"])
        and (bool(listed.get("alternates")) or not alternates)
    )


def _get_asked_names(header: dict[str, Any]) -> list[str]:
    names: list[str] = header.get("asked", [])
    return names


def _iterate_fetched(corpora: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield folders of corpora that were fetched, and their ``corpus.json``."""
    for folder in list_artists(corpora).values():
        header = _read_header(folder)
        if is_fetched(header) and "slug" in header and "artist" in header:
            yield folder, header


def _read_header(folder: Path) -> dict[str, Any]:
    with suppress(ArtistNstError):  # damage is reported when the manifest is opened
        return read_header(folder)
    return {}
