"""Fetch what jobs are painted from, where it is behind URLs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from artist_nst.batch import urls
from artist_nst.batch.checking import CheckedJob
from artist_nst.batch.jobs import Job
from artist_nst.batch.urls import to_url
from artist_nst.corpus.works import find_corpus_folder
from artist_nst.errors import ArtistNstError, UsageError


def fetch_inputs(
    jobs: Iterable[Job],
    corpora: Path,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[Path, ArtistNstError]:
    """Fetch the photos, style images, recipes and artists of jobs.

    Each file is looked at once, and read if it is not here yet, or has changed.

    Args:
        jobs: All jobs.
        corpora: The folder of corpora.
        on_progress: Called with the number of files looked at, and of all.

    Returns:
        Why some cannot be read, by their places in the mirror.

    Raises:
        UsageError: The corpora cannot be read, or a package lacks.
    """
    jobs = list(jobs)
    artists = dict.fromkeys(artist for job in jobs for artist in _list_artists(job))
    try:
        if artists and to_url(corpora):
            _fetch_manifests(corpora)
        for folder in _find_folders(artists, corpora):
            urls.fetch_folder(folder)
    except ArtistNstError as error:
        raise UsageError(str(error)) from error
    files = dict.fromkeys(path for job in jobs for path in _list_files(job))
    return urls.fetch_files([path for path in files if to_url(path)], on_progress)


def _list_artists(job: Job) -> Iterator[str]:
    styles = (style for mask in job.masks for style in mask.styles)
    for artist in (job.artist, *(style.artist for style in styles)):
        if artist is not None:
            yield artist


def _list_files(job: Job) -> Iterator[Path]:
    yield job.photo
    yield from (path for path, _ in job.images)
    for mask in job.masks:
        images = (style.image for style in mask.styles)
        yield from filter(None, (mask.mask, mask.style_mask, *images))
    if job.recipe is not None and os.path.isabs(job.recipe):
        yield Path(job.recipe)


def _fetch_manifests(corpora: Path) -> None:
    """Fetch the artists' folders without works: their names, and what they are called.

    Raises:
        ArtistNstError: There is no such folder, or it cannot be read.
    """
    folders = [corpora / name for name in urls.list_folders(corpora)]
    if not folders:
        raise ArtistNstError(
            f"--corpora {to_url(corpora)}: there is no folder of an artist; check the "
            "URL"
        )

    def fetch_manifest(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        manifest = folder / "corpus.json"
        if urls.exists(manifest):
            urls.fetch(manifest)

    with ThreadPoolExecutor(urls.CONNECTIONS) as pool:
        for _ in pool.map(fetch_manifest, folders):
            continue


def _find_folders(artists: Iterable[str], corpora: Path) -> Iterator[Path]:
    """Yield the artists' folders that are behind URLs."""
    for artist in artists:
        if to_url(artist):
            yield Path(artist)
            continue
        # Unknown artists are told of with all other problems.
        with suppress(ArtistNstError):
            folder = find_corpus_folder(artist, corpora)
            if to_url(folder):
                yield folder


def place_job(job: CheckedJob, mirror: Path) -> CheckedJob:
    """Place a job's pictures in this machine's mirror.

    Args:
        job: The job.
        mirror: The one in which its pictures are placed now.
    """
    return job.place(lambda path: place(path, mirror))


def place(path: Path, mirror: Path) -> Path:
    """Place a file that is in another machine's mirror in this one's."""
    if not path.is_relative_to(mirror):
        return path
    return urls.get_mirror() / path.relative_to(mirror)


def fetch_job(job: CheckedJob) -> None:
    """Fetch a job's pictures; those of earlier jobs are not looked at again.

    Raises:
        ArtistNstError: They cannot be read.
    """
    for path in job.files:
        if to_url(path):
            _fetch_once(path)
    for style in job.styles:
        if style.corpus is not None and to_url(style.corpus):
            _fetch_folder_once(style.corpus)


@lru_cache(maxsize=10_000)
def _fetch_once(path: Path) -> None:
    urls.fetch(path)


@lru_cache(maxsize=10_000)
def _fetch_folder_once(folder: Path) -> None:
    urls.fetch_folder(folder)
