"""Options for parts of a photo: ``--mask``, ``--protect`` and ``--regions``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from artist_nst.cli.gallery import RequestError, choose_groups
from artist_nst.cli.options import panel_option
from artist_nst.errors import UsageError
from artist_nst.styles.pick import Pick

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.painting.mask_names import NamedMask
    from artist_nst.painting.regions import MaskedStyle, RegionRequest

REGIONS = "Regions"
"""The options' panel in a command's help."""

_region_option = partial(panel_option, REGIONS)

Masks = Annotated[
    list[str] | None,
    _region_option(
        "--mask",
        metavar="MASK=STYLE",
        help="Paint what is white in the picture MASK after STYLE: an artist, "
        "ARTIST/WORK, a style image, or keep, which leaves it as photographed. "
        "STYLE@PICTURE takes what is white there of a single work; STYLE:2 is twice as "
        "strong. MASK may be rest, what no other covers. Repeatable.",
    ),
]
Protect = Annotated[
    Literal["faces"] | None,
    _region_option(
        help="Keep the features of the photo's faces, in the painting's light and "
        "colors; needs the extra `faces`.",
    ),
]
Regions = Annotated[
    Literal["auto"] | None,
    _region_option(
        help="Segment photo and works alike; each part of the photo is after what "
        "shows the same in the works.",
    ),
]


@dataclass(frozen=True, slots=True)
class RegionOptions:
    """The options for parts of a photo, read.

    Attributes:
        masks: Parts by masks, and what they are after.
        protect_faces: Whether faces keep their features.
        segmented: Whether the parts are found.
        pick: How works of a mask's artist are picked.
        corpora: The folder of corpora.
    """

    masks: Sequence[NamedMask]
    protect_faces: bool
    segmented: bool
    pick: Pick | None
    corpora: str | None

    @property
    def is_given(self) -> bool:
        """Whether any of the options is given."""
        return bool(self.masks or self.protect_faces or self.segmented)

    @property
    def takes_pick(self) -> bool:
        """Whether works of an artist are picked for a mask."""
        return any(mask.takes_pick for mask in self.masks)

    def choose(self, seed: int, photo: Path, console: Console) -> RegionRequest:
        """Choose the works of each mask for one photo.

        Raises:
            RequestError: A style is wrong for every photo.
            ArtistNstError: There is nothing to pick from.
        """
        from artist_nst.painting.regions import RegionRequest

        return RegionRequest(
            masks=[self._choose(mask, seed, photo, console) for mask in self.masks],
            protect_faces=self.protect_faces,
            segmented=self.segmented,
        )

    def _choose(
        self, named: NamedMask, seed: int, photo: Path, console: Console
    ) -> MaskedStyle:
        from artist_nst.painting.mask_names import combine_styles
        from artist_nst.painting.regions import MaskedStyle
        from artist_nst.painting.style_sources import StyleRequest

        if not named.styles:
            return MaskedStyle(named.mask, None)
        chosen = []
        for style in named.styles:
            request = StyleRequest(
                images=style.image or (),
                artist=style.artist,
                works=style.work or (),
                pick=self.pick if style.artist and not style.work else None,
                corpora=self.corpora,
            )
            try:
                (sources,) = choose_groups(request, seed, photo, console)
            except RequestError as error:
                raise RequestError(f"--mask {named.name}: {error}") from error
            chosen.append((sources, style.strength))
        sources, strength = combine_styles(chosen)
        return MaskedStyle(named.mask, sources, strength, named.style_mask)


def read_options(
    masks: Sequence[str] | None,
    protect: str | None,
    regions: str | None,
    pick: Pick | None,
    corpora: str | None,
) -> RegionOptions:
    """Read the options for parts of a photo.

    Args:
        masks: ``MASK=STYLE``; a mask named again is after several styles.
        protect: ``faces``, if given.
        regions: ``auto``, if given.
        pick: How works of a mask's artist are picked.
        corpora: The folder of corpora.

    Raises:
        UsageError: One cannot be read.
    """
    from artist_nst.painting.mask_names import read_masks

    if masks and regions is not None:
        raise UsageError("--regions auto finds the parts itself: leave out --mask")
    return RegionOptions(
        read_masks(masks or ()), protect is not None, regions is not None, pick, corpora
    )
