"""API: artists on disk, their works, and getting more."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Annotated, Any, cast

from fastapi import APIRouter, Form, UploadFile
from fastapi.responses import FileResponse

from artist_nst import collection
from artist_nst._files import is_picture_file
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.web.dependencies import StudioOf
from artist_nst.web.fetches import FetchJob
from artist_nst.web.models import FetchRequest, FolderRequest
from artist_nst.web.studio import Studio
from artist_nst.web.views import view_artist, view_fetch, view_works

router = APIRouter(prefix="/api")

MAX_FILES = 20_000  # in a zip
MAX_DIRECTORY_BYTES = 16 << 20  # of a zip: millions of entries would fill the memory
MAX_UNPACKED_BYTES = 8 << 30
COPY_BYTES = 1 << 20


@router.get("/artists", tags=["artists"])
def list_artists(studio: StudioOf) -> list[dict[str, Any]]:
    """List the artists whose works are here."""
    return [view_artist(artist) for artist in studio.artists.list_artists()]


@router.get("/artists/{slug}/works", tags=["artists"])
def list_works(studio: StudioOf, slug: str) -> dict[str, Any]:
    """List an artist's works."""
    artist = studio.artists.get(slug)
    return view_artist(artist) | {"list": view_works(artist)}


@router.get("/artists/{slug}/works/{key}/thumbnail", tags=["artists"])
def get_work(
    studio: StudioOf, slug: str, key: str, large: bool = False
) -> FileResponse:
    """Show a work as a JPEG of 320 pixels, or 1280."""
    path = studio.artists.find_picture(slug, key)
    thumbnail = studio.thumbnails.get(path, 1280 if large else 320)
    # Works hardly ever change, and pages of a thousand of them are scrolled.
    return FileResponse(thumbnail, headers={"Cache-Control": "private, max-age=3600"})


@router.post("/fetches", status_code=202, tags=["artists"])
def add_fetch(studio: StudioOf, request: FetchRequest) -> dict[str, Any]:
    """Fetch an artist's works from WikiArt, or count and estimate them."""
    studio.folder.check_space()
    job = FetchJob(request.name, request.limit, request.dry_run)
    studio.fetcher.submit(job)
    return view_fetch(job)


@router.post("/fetches/{job_id}/stop", tags=["artists"])
def stop_fetch(studio: StudioOf, job_id: str) -> dict[str, Any]:
    """Stop fetching; what is here stays."""
    studio.fetcher.cancel(job_id)
    return view_fetch(studio.fetcher.jobs[job_id])


@router.post("/artists", status_code=201, tags=["artists"])
def add_zip(
    studio: StudioOf, file: UploadFile, artist: Annotated[str, Form(max_length=200)]
) -> list[dict[str, Any]]:
    """Make an artist of the pictures in a zip."""
    studio.folder.check_space()
    if not artist.strip():
        raise UsageError("name the artist whose pictures these are")
    # On the disk that is checked: /tmp may be memory.
    with tempfile.TemporaryDirectory(prefix=".zip-", dir=studio.folder.root) as parent:
        folder = Path(parent) / "the zip"  # as messages call it
        folder.mkdir()
        _unpack(studio, file, folder)
        return _adopt(studio, folder, artist, copy=True)


@router.post("/folders", status_code=201, tags=["artists"])
def add_folder(studio: StudioOf, request: FolderRequest) -> list[dict[str, Any]]:
    """Make an artist of the pictures in a folder of this machine."""
    if not studio.is_local:
        raise UsageError("only this machine's own browser may name a folder")
    return _adopt(studio, Path(request.folder), request.artist, copy=False)


def _adopt(
    studio: Studio, folder: Path, artist: str | None, *, copy: bool
) -> list[dict[str, Any]]:
    reports = collection.adopt(
        folder, artist or None, corpora=studio.artists.corpora, copy=copy
    )
    studio.artists.forget_cached()
    studio.signal.notify()
    return [
        {"artist": report.artist, "slug": report.folder.name, "added": report.added}
        for report in reports
    ]


def _unpack(studio: Studio, file: UploadFile, folder: Path) -> None:
    """Unpack the pictures of a zip under names of our own.

    Raises:
        UsageError: It is no zip, or too large when unpacked, or has no pictures.
    """
    try:
        with zipfile.ZipFile(cast(IO[bytes], _ZipFile(file.file))) as archive:
            entries = [
                entry
                for entry in archive.infolist()
                if not entry.is_dir() and not stat.S_ISLNK(entry.external_attr >> 16)
            ]
            if len(entries) > MAX_FILES:
                raise UsageError(f"the zip has more than {MAX_FILES:,} files")
            size = sum(entry.file_size for entry in entries)
            if size > MAX_UNPACKED_BYTES:
                raise UsageError("the zip is too large: unpack it, and name the folder")
            studio.folder.check_space(size)
            for number, entry in enumerate(entries):
                _unpack_entry(archive, entry, folder, number)
    except (
        *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
        *(RuntimeError, ValueError, EOFError, OSError),
    ) as error:
        raise ArtistNstError("the file is no zip that can be read") from error


class _ZipFile:
    """The file of a zip, whose directory is read only if it is not too long."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Read some bytes; the directory is read in one piece."""
        if size > MAX_DIRECTORY_BYTES:
            raise UsageError(f"the zip has more than {MAX_FILES:,} files")
        return self._file.read(size)


def _unpack_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, number: int
) -> None:
    name = Path(entry.filename.replace("\\", "/")).name
    if name.startswith("."):
        return
    # Its name is the work's title, and never a path.
    safe = "".join(c if c.isalnum() or c in " .-_()" else "_" for c in name)
    safe = os.fsencode(safe)[-200:].decode(errors="ignore")
    path = folder / f"{number}" / safe
    path.parent.mkdir()
    with archive.open(entry) as source, open(path, "wb") as target:
        shutil.copyfileobj(source, target, COPY_BYTES)
    if not is_picture_file(path):
        path.unlink()
