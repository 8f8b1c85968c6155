"""Which part of a photo is painted after which styles: masks, faces, segments."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np

from artist_nst._files import format_path
from artist_nst._types import PathLike
from artist_nst.errors import UsageError
from artist_nst.painting.in_memory import ImageLike, MemoryFiles
from artist_nst.painting.mask_names import MAX_STRENGTH
from artist_nst.painting.sources import Source
from artist_nst.painting.style_sources import StyleImage, StyleRequest
from artist_nst.styles.picking import PickProgress


@dataclass(frozen=True, slots=True, eq=False)
class MaskedStyle:
    """A part of a photo, and what it is painted after.

    Attributes:
        mask: White where the part is, gray at soft edges: a picture of any size, which
            is stretched over the photo; an array may also be of truth values. None for
            what no other mask covers.
        style: Style images, or a request for works; None to leave the part as
            photographed.
        strength: Of the style, relative to the recipe's.
        style_mask: Which part of the only style image counts; all of it if None.

    Raises:
        UsageError: The strength is out of range.
    """

    mask: ImageLike | None
    style: StyleRequest | StyleImage | Sequence[StyleImage] | None
    strength: float = 1.0
    style_mask: ImageLike | None = None

    def __post_init__(self) -> None:
        """Check the strength."""
        if not 0 <= self.strength <= MAX_STRENGTH:
            raise UsageError(
                f"the mask {self.name}: its strength must be from 0 to "
                f"{MAX_STRENGTH:g}, not {self.strength:g}"
            )

    @property
    def name(self) -> str:
        """The mask's file, ``rest``, or ``image in memory``."""
        if self.mask is None:
            return "rest"
        is_file = isinstance(self.mask, str | os.PathLike)
        return format_path(cast(PathLike, self.mask)) if is_file else "image in memory"

    @property
    def request(self) -> StyleRequest | None:
        """The request for its style images; None if the part is left."""
        if self.style is None or isinstance(self.style, StyleRequest):
            return self.style
        return StyleRequest(images=self.style)

    @property
    def sources(self) -> list[Source]:
        """The style images after :meth:`RegionRequest.choose`; none if it is left."""
        return [] if self.style is None else cast(list[Source], self.style)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionRequest:
    """Which parts of a photo are painted after what, beside the style of the whole.

    Attributes:
        masks: Parts by masks. What none of them covers is after the painting's style,
            or left as photographed if there is none.
        protect_faces: Whether faces keep the photo's features, in the painting's
            colors.
        segmented: Whether photo and works are segmented alike, and each segment of the
            photo is after that of the works.

    Raises:
        UsageError: They exclude one another, or are out of range.
    """

    masks: Sequence[MaskedStyle] = ()
    protect_faces: bool = False
    segmented: bool = False

    def __post_init__(self) -> None:
        """Check what excludes one another."""
        if self.masks and self.segmented:
            raise UsageError("--regions auto finds the regions: leave out --mask")
        if sum(mask.mask is None for mask in self.masks) > 1:
            raise UsageError("--mask rest is given twice: the rest has one style")

    def __bool__(self) -> bool:
        """Tell whether any part is treated differently."""
        return bool(self.masks or self.protect_faces or self.segmented)

    @property
    def sources(self) -> list[Source]:
        """The style images of all masks, once they are chosen."""
        return [source for mask in self.masks for source in mask.sources]

    @property
    def files(self) -> list[Path]:
        """The files of masks."""
        return [
            Path(cast(PathLike, picture))
            for mask in self.masks
            for picture in (mask.mask, mask.style_mask)
            if picture is not None
        ]

    def place(self, files: MemoryFiles) -> RegionRequest:
        """Return the request with files for images that are in memory."""

        def place_picture(picture: ImageLike | None) -> PathLike | None:
            if isinstance(picture, np.ndarray) and picture.dtype == np.bool_:
                picture = picture.astype(float)
            return None if picture is None else files.place(picture)

        def place_mask(mask: MaskedStyle) -> MaskedStyle:
            return replace(
                mask,
                mask=place_picture(mask.mask),
                style=mask.request and mask.request.place(files),
                style_mask=place_picture(mask.style_mask),
            )

        return replace(self, masks=[place_mask(mask) for mask in self.masks])

    def choose(
        self,
        seed: int,
        photo: PathLike | None = None,
        on_progress: PickProgress | None = None,
    ) -> RegionRequest:
        """Return the request with the style images of each mask, chosen.

        Takes and raises the same as :meth:`.StyleRequest.choose`.
        """

        def choose_styles(mask: MaskedStyle) -> MaskedStyle:
            if mask.request is None:
                return mask
            sources = mask.request.choose(seed, photo, on_progress)
            if mask.style_mask is not None and len(sources) > 1:
                raise UsageError(
                    f"--mask {mask.name}: a part of a style needs a single work or "
                    f"image, not {len(sources)}: name ARTIST/WORK"
                )
            return replace(mask, style=sources)

        return replace(self, masks=[choose_styles(mask) for mask in self.masks])

    def with_rest(self, sources: Sequence[Source]) -> RegionRequest:
        """Return the request with the style of what no mask covers among its masks.

        Raises:
            UsageError: The rest is after two styles, or everything is left.
        """
        masks = list(self.masks)
        masks.sort(key=lambda mask: mask.mask is None)
        has_rest = bool(masks) and masks[-1].mask is None
        if has_rest and sources:
            raise UsageError(
                "--mask rest and the painting's own style are two for one part: leave "
                "one out"
            )
        if masks and not has_rest:
            masks.append(MaskedStyle(None, list(sources) or None))
        if masks and all(mask.style is None for mask in masks):
            raise UsageError(
                "--mask: all of the photo is left as it is; name a style for a part"
            )
        return replace(self, masks=masks)


NO_REGIONS = RegionRequest()


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """The style images of a painting, and which of them each mask is after.

    Attributes:
        sources: All style images.
        request: The regions, with the rest.
        indices: Of each mask's style images among ``sources``.
    """

    sources: list[Source]
    request: RegionRequest
    indices: list[list[int]] = field(default_factory=list)

    @property
    def own_sources(self) -> list[Source]:
        """The style images that are not a mask's: all, or none if there are masks."""
        return [] if self.request.masks else self.sources

    @classmethod
    def make(
        cls, sources: Sequence[Source], request: RegionRequest = NO_REGIONS
    ) -> RegionPlan:
        """Plan a painting after ``sources`` but where a mask says otherwise."""
        request = request.with_rest(sources)
        if not request.masks:
            return cls(list(sources), request)
        indices = []
        count = 0
        for mask in request.masks:
            indices.append(list(range(count, count + len(mask.sources))))
            count += len(mask.sources)
        return cls(request.sources, request, indices)
