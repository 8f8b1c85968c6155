"""Which corpora were fetched, of whom, and under what names they were asked for."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from artist_nst.corpus.manifest import Manifest, is_fetched, now
from artist_nst.corpus.names import folder_name, other_folder_name
from artist_nst.corpus.works import artists, fold, head_of, load_corpus
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.wikiart.parsing import Artist


def known(name: str, corpora: Path) -> tuple[Artist, Path] | None:
    """The artist and the folder, without asking the site, where all of the site's list
    is here already and the name can mean nobody else."""
    exact, named = [], []
    for folder, head in _fetched(corpora):
        if not is_listed(head):
            continue
        slug, artist = head["slug"], head["artist"]
        found = Artist(slug, artist, (artist,)), folder
        if name == slug or _spelled(name) in asked(head):
            exact.append(found)
        # What is typed like a slug may be another artist's: john-smith, john-smith-1.
        elif name != fold(name) and fold(name) == fold(artist):
            named.append(found)
    matches = exact or named
    return matches[0] if len(matches) == 1 else None


def folder_of(artist: Artist, corpora: Path) -> Path:
    """Where the artist's corpus is or should be.

    Raises:
        UsageError: something of the user's own is there.
    """
    for folder, head in _fetched(corpora):
        if head["slug"] == artist.slug:
            return folder  # whatever it is called by now
    folder = corpora / folder_name(artist.slug)
    if not folder.exists():
        return folder
    head = _head(folder)
    if is_fetched(head) and head.get("slug") not in (None, artist.slug):
        return corpora / other_folder_name(artist.slug)
    plain = not (folder / "corpus.json").exists() and load_corpus(folder).works
    if plain or (head and not is_fetched(head)):
        mend = "name another folder with --corpora"
        if not plain:
            mend += f", or `artist-nst forget {folder.name}`"
        raise UsageError(f"{folder} is a corpus of your own: {mend}")
    return folder


def remember(manifest: Manifest, name: str) -> None:
    """That the artist is asked for by this name: the next run need not look it up."""
    if "created" not in manifest.head:
        manifest.describe(created=now())
    names = asked(manifest.head)
    if _spelled(name) not in names:
        manifest.describe(asked=[*names, _spelled(name)])


def asked(head: dict[str, Any]) -> list[str]:
    """Names that the artist was asked for by."""
    names = head.get("asked")
    return (
        [one for one in names if isinstance(one, str)]
        if isinstance(names, list)
        else []
    )


def is_listed(
    head: dict[str, Any], *, works: int | None = None, alternates: bool = False
) -> bool:
    """Whether the corpus has all of the site's list.

    Args:
        works: how many there are in the manifest, which may have been cut down.
        alternates: whether the other scans must be among them.
    """
    listed = head.get("list")
    if not (isinstance(listed, dict) and isinstance(listed.get("works"), int)):
        return False
    whole = works is None or works >= listed["works"]
    scans = bool(listed.get("alternates")) or not alternates
    return bool(listed.get("complete")) and whole and scans


def _spelled(name: str) -> str:
    return " ".join(name.casefold().split())


def _fetched(corpora: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Folders of corpora that were fetched, and what their ``corpus.json`` says."""
    for folder in artists(corpora).values():
        head = _head(folder)
        names = head.get("slug"), head.get("artist")
        if is_fetched(head) and all(isinstance(one, str) for one in names):
            yield folder, head


def _head(folder: Path) -> dict[str, Any]:
    with suppress(ArtistNstError):  # `hold` says what is wrong with it
        return head_of(folder)
    return {}
