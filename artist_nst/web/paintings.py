"""The finished paintings in the studio's folder, known by the records inside them."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from artist_nst._files import is_picture_file
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.painting.output_names import EXPLANATION, SHEET
from artist_nst.painting.record import (
    find_content,
    find_regions,
    find_sources,
    load_record,
)
from artist_nst.painting.record_types import Record
from artist_nst.painting.regions import MaskedStyle


@dataclass(frozen=True, slots=True)
class FinishedPainting:
    """A painting on disk.

    Attributes:
        id: Made of its place in the folder.
        path: The file.
        record: That is inside it.
        comparison: Id of the comparison that it belongs to; empty if it is of none.
    """

    id: str
    path: Path
    record: Record
    comparison: str = ""

    @property
    def artists(self) -> list[str]:
        """The artists of the works that it is after, each once."""
        works = [style["work"] for style in self.record["styles"]]
        return list(dict.fromkeys(work["artist"] for work in works if work))

    @property
    def photo_name(self) -> str:
        """Name of the photo's file."""
        path = self.record["content"]["path"]
        return PureWindowsPath(path).name if path else "a photo"

    @property
    def explanation(self) -> Path | None:
        """The page that explains it, if there is one."""
        page = self.path.with_suffix(EXPLANATION)
        return page if page.is_file() else None


class PaintingLibrary:
    """The paintings in a folder and in the folders of its comparisons.

    A file is read once, and again when it has changed.

    Args:
        root: Holds the paintings.
        comparisons: Holds folders of them.
    """

    def __init__(self, root: Path, comparisons: Path) -> None:
        self.root = root
        self.comparisons = comparisons
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[int, int, FinishedPainting | None]] = {}
        self._paths: dict[str, Path] = {}

    def list_paintings(self, comparison: str = "") -> list[FinishedPainting]:
        """List the paintings, the newest first; or those of a comparison, by name."""
        with self._lock:
            if comparison:
                folder = self.find_comparison(comparison)
                return list(self._read_folder(folder, comparison))
            paintings = list(self._read_folder(self.root, ""))
        return sorted(
            paintings, key=lambda painting: painting.record["painted"], reverse=True
        )

    def list_comparisons(self) -> list[str]:
        """List the ids of the comparisons that have a sheet, the newest first."""
        sheets = list(self.comparisons.glob(f"*/{SHEET}"))
        sheets.sort(key=lambda sheet: sheet.stat().st_mtime, reverse=True)
        return [sheet.parent.name for sheet in sheets]

    def find(self, painting_id: str) -> FinishedPainting:
        """Return a painting; KeyError if there is none."""
        with suppress(KeyError, OSError):
            path = self._paths[painting_id]
            status, known = path.stat(), self._known[path]
            if known[2] and known[:2] == (status.st_mtime_ns, status.st_size):
                return known[2]
        for comparison in ("", *self.list_comparisons()):
            for painting in self.list_paintings(comparison):
                if painting.id == painting_id:
                    return painting
        raise KeyError(painting_id)

    def find_comparison(self, comparison: str) -> Path:
        """Return the folder of a comparison; KeyError if there is none."""
        folder = self.comparisons / comparison
        # A name in the folder is no path out of it.
        if comparison in os.listdir(self.comparisons) and (folder / SHEET).is_file():
            return folder
        raise KeyError(comparison)

    def find_photo(self, painting: FinishedPainting) -> Path | None:
        """Return the photo of a painting, if it is still where the record says."""
        with suppress(UsageError):
            return find_content(
                self._resolve(painting.record), painting.path, moved_to=None
            )
        return None

    def find_works(self, painting: FinishedPainting) -> list[Path]:
        """Return the pictures that a painting is after; none if one is not there."""
        with suppress(ArtistNstError):
            sources = find_sources(
                painting.record, painting.path, corpora=painting.record["corpora"]
            )
            return [source.path for source in sources]
        return []

    def find_masks(self, painting: FinishedPainting) -> list[MaskedStyle | None]:
        """Return the masks of a painting's parts; None for one that is gone."""
        record = painting.record
        found: list[MaskedStyle | None] = []
        for region in record.get("regions", ()):
            # Alone, and without its styles: they may be gone when it is not.
            one: Record = {**record, "regions": [{**region, "styles": []}]}
            try:
                found += find_regions(one, painting.path, [], option=None).masks
            except ArtistNstError:
                found.append(None)
        return found

    def _resolve(self, record: Record) -> Record:
        """Return a record whose photo is looked for in the studio's folder."""
        content = record["content"]
        if content["path"] is None:
            return record
        path = os.path.join(self.root, content["path"])
        return {**record, "content": {**content, "path": path}}

    def _read_folder(self, folder: Path, comparison: str) -> Iterator[FinishedPainting]:
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.name.startswith(".") or not entry.is_file():
                continue
            try:
                status, path = entry.stat(), Path(entry.path)
            except FileNotFoundError:
                continue  # it has just gone
            known = self._known.get(path)
            if known is None or known[:2] != (status.st_mtime_ns, status.st_size):
                painting = self._read(path, comparison)
                known = status.st_mtime_ns, status.st_size, painting
                self._known[path] = known
                self._paths[self.make_id(path)] = path
            if known[2] is not None:
                yield known[2]

    def _read(self, path: Path, comparison: str) -> FinishedPainting | None:
        if not is_picture_file(path) or path.name.endswith(EXPLANATION):
            return None
        # JSON must not hold lone surrogates: a UnicodeEncodeError.
        with suppress(ArtistNstError, UnicodeEncodeError):
            record = load_record(path)
            f"{path.name}{json.dumps(record, ensure_ascii=False)}".encode()
            return FinishedPainting(self.make_id(path), path, record, comparison)
        return None

    def make_id(self, path: Path) -> str:
        """Make the id of a painting of its path."""
        place = os.path.relpath(path, self.root)
        return hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
