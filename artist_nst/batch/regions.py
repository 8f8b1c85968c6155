"""Which parts of a job's photo are painted after what: masks and styles, looked up."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from artist_nst.batch.jobs import Job
from artist_nst.batch.pictures import PictureIndex
from artist_nst.batch.styles import Style, StyleError, StyleFinder, to_json
from artist_nst.errors import ArtistNstError
from artist_nst.painting.mask_names import NamedMask, NamedStyle
from artist_nst.styles.pick import Pick


@dataclass(frozen=True, slots=True)
class MaskedPart:
    """A part of a photo.

    Attributes:
        mask: Its mask; None for what no other mask covers.
        styles: What it is after, each with its strength; none to leave it.
        style_mask: Which part of the only style counts; all of it if None.
    """

    mask: Path | None
    styles: tuple[tuple[Style, float], ...]
    style_mask: Path | None

    @property
    def files(self) -> list[Path]:
        """The files of masks."""
        return [path for path in (self.mask, self.style_mask) if path is not None]


@dataclass(frozen=True, slots=True)
class Regions:
    """Which parts of a photo are treated differently.

    Attributes:
        parts: By masks.
        protect_faces: Whether faces keep their features.
        segmented: Whether the parts are found.
        hashes: Of the masks' files.
        identity: Canonical JSON of what decides the pixels; empty for no parts.
    """

    parts: tuple[MaskedPart, ...] = ()
    protect_faces: bool = False
    segmented: bool = False
    hashes: frozenset[str] = frozenset()
    identity: str = ""

    @property
    def styles(self) -> list[Style]:
        """What the parts are after."""
        return [style for part in self.parts for style, _ in part.styles]

    @property
    def files(self) -> list[Path]:
        """The files of masks."""
        return [path for part in self.parts for path in part.files]

    def place(self, place: Callable[[Path], Path]) -> Regions:
        """Return the regions with their pictures in other places."""

        def place_part(part: MaskedPart) -> MaskedPart:
            return MaskedPart(
                part.mask and place(part.mask),
                tuple((style.place(place), number) for style, number in part.styles),
                part.style_mask and place(part.style_mask),
            )

        return replace(self, parts=tuple(map(place_part, self.parts)))


NO_REGIONS = Regions()


class RegionFinder:
    """Finds masks and what they are after, the same for equal ones once.

    Args:
        styles: Finds styles.
        pictures: Reads masks.
    """

    def __init__(self, styles: StyleFinder, pictures: PictureIndex) -> None:
        self.styles = styles
        self.pictures = pictures
        self._regions: dict[tuple[object, ...], Regions | StyleError] = {}

    def find(self, job: Job, seed: int) -> Regions | StyleError:
        """Return a job's regions, or why it cannot be painted by them."""
        if not (job.masks or job.protect_faces or job.segmented):
            return NO_REGIONS
        key = job.masks, job.pick, job.protect_faces, job.segmented, seed
        if key not in self._regions:
            try:
                self._regions[key] = self._find(job, seed)
            except StyleError as error:
                self._regions[key] = error
        return self._regions[key]

    def _find(self, job: Job, seed: int) -> Regions:
        if job.protect_faces and importlib.util.find_spec("dlib") is None:
            raise StyleError(
                "protect",
                "finding faces needs dlib: install it with "
                "`pip install 'artist-nst[faces]'`",
            )
        parts = tuple(self._find_part(mask, job, seed) for mask in job.masks)
        hashes = {path: self._hash(path) for part in parts for path in part.files}
        identity = {
            "masks": [
                {
                    "mask": part.mask and hashes[part.mask],
                    "styles": [
                        [json.loads(style.identity), number]
                        for style, number in part.styles
                    ],
                    "style_mask": part.style_mask and hashes[part.style_mask],
                }
                for part in parts
            ],
            "protect_faces": job.protect_faces,
            "segmented": job.segmented,
        }
        return Regions(
            parts,
            job.protect_faces,
            job.segmented,
            frozenset(hashes.values()),
            to_json(identity),
        )

    def _find_part(self, named: NamedMask, job: Job, seed: int) -> MaskedPart:
        styles = []
        for style in named.styles:
            found = self._find_style(style, job, seed)
            if isinstance(found, StyleError):
                raise StyleError("mask", f"{named.name}: {found}")
            if named.style_mask and Pick(way=found.pick).is_blend:
                reason = "a part of a style needs a single work: name ARTIST/WORK"
                raise StyleError("mask", f"{named.name}: {reason}")
            styles.append((found, style.strength))
        return MaskedPart(named.mask, tuple(styles), named.style_mask)

    def _find_style(self, style: NamedStyle, job: Job, seed: int) -> Style | StyleError:
        images = () if style.image is None else ((style.image, 1.0),)
        works = () if style.work is None else (style.work,)
        return self.styles.find(images, style.artist, works, job.pick, seed)

    def _hash(self, path: Path) -> str:
        header = self.pictures.read(path)
        if isinstance(header, ArtistNstError):
            raise StyleError("mask", str(header))
        return header.sha256
