"""Options for parts of a photo: ``--mask``, ``--protect`` and ``--regions``."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from artist_nst._files import PICTURE_SUFFIXES
from artist_nst.cli.gallery import RequestError, choose_groups
from artist_nst.cli.options import panel_option
from artist_nst.errors import UsageError
from artist_nst.styles.pick import Pick

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.painting.regions import RegionRequest
    from artist_nst.painting.sources import Source
    from artist_nst.painting.style_sources import StyleRequest

KEEP, REST = "keep", "rest"

_region_option = partial(panel_option, "Regions")

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
        styles: By mask what it is after: a request, or None to keep the photo; its
            strength; and which part of the style counts.
        protect_faces: Whether faces keep their features.
        segmented: Whether the parts are found.
    """

    styles: dict[str, list[tuple[StyleRequest | None, float, Path | None]]]
    protect_faces: bool
    segmented: bool

    @property
    def is_given(self) -> bool:
        """Whether any of the options is given."""
        return bool(self.styles or self.protect_faces or self.segmented)

    @property
    def takes_pick(self) -> bool:
        """Whether works of an artist are picked for a mask."""
        return any(
            style is not None and style.artist is not None and not style.works
            for styles in self.styles.values()
            for style, _, _ in styles
        )

    def choose(self, seed: int, photo: Path, console: Console) -> RegionRequest:
        """Choose the works of each mask for one photo.

        Raises:
            RequestError: A style is wrong for every photo.
            ArtistNstError: There is nothing to pick from.
        """
        from artist_nst.painting.regions import MaskedStyle, RegionRequest

        masks = []
        for name, styles in self.styles.items():
            mask = None if name == REST else Path(name)
            request, strength, style_mask = styles[0]
            if request is None:
                masks.append(MaskedStyle(mask, None))
                continue
            sources: list[Source] = []
            for request, number, _ in styles:
                assert request is not None
                try:
                    (chosen,) = choose_groups(request, seed, photo, console)
                except RequestError as error:
                    raise RequestError(f"--mask {name}: {error}") from error
                total = sum(source.weight for source in chosen)
                sources += [
                    replace(source, weight=source.weight * number / total)
                    if len(styles) > 1
                    else source
                    for source in chosen
                ]
            strength = sum(number for _, number, _ in styles) / len(styles)
            masks.append(MaskedStyle(mask, sources, strength, style_mask))
        return RegionRequest(
            masks=masks, protect_faces=self.protect_faces, segmented=self.segmented
        )


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
    styles = defaultdict(list)
    for text in masks or ():
        mask, style = _split_mask(text)
        styles[mask].append(_read_style(text, style, pick, corpora))
    for mask, given in styles.items():
        if len(given) > 1 and any(style is None for style, _, _ in given):
            raise UsageError(f"--mask {mask}: a part is painted or kept, not both")
        if len(given) > 1 and any(part for _, _, part in given):
            raise UsageError(f"--mask {mask}: @ takes a part of a single style")
        if len(given) > 1 and not any(number for _, number, _ in given):
            raise UsageError(
                f"--mask {mask}: its styles all have weight 0; give one of them more"
            )
    options = RegionOptions(dict(styles), protect is not None, regions is not None)
    if options.segmented and options.styles:
        raise UsageError("--regions auto finds the parts itself: leave out --mask")
    return options


def _split_mask(text: str) -> tuple[str, str]:
    """Split ``MASK=STYLE`` at the sign that follows a file's name or ``rest``."""
    splits = [pair for pair in _list_splits(text, "=") if pair[0]]
    if not splits:
        raise UsageError(
            f"--mask {text}: write MASK=STYLE, such as sky.png=monet or rest=keep"
        )
    existing = [pair for pair in splits if pair[0] == REST or os.path.exists(pair[0])]
    mask, style = (existing or splits)[0]
    if not existing:
        raise UsageError(f"--mask {mask}: there is no such file")
    if mask != REST and os.path.isdir(mask):
        raise UsageError(f"--mask {mask} is a folder: name a picture")
    if not style:
        raise UsageError(f"--mask {mask}=: name a style, or keep")
    return mask, style


def _list_splits(text: str, sign: str) -> list[tuple[str, str]]:
    """List what is before and behind each occurrence of a sign."""
    return [
        (text[:place], text[place + 1 :])
        for place, character in enumerate(text)
        if character == sign
    ]


def _read_style(
    text: str, style: str, pick: Pick | None, corpora: str | None
) -> tuple[StyleRequest | None, float, Path | None]:
    from artist_nst.painting.sources import parse_weight
    from artist_nst.painting.style_sources import StyleRequest

    strength, style_mask = 1.0, None
    if not os.path.isfile(style):
        style, strength = parse_weight(style)
    if style == KEEP:
        if strength != 1:
            raise UsageError(f"--mask {text}: what is kept has no strength")
        return None, 1.0, None
    if "@" in style and not os.path.isfile(style):
        # A file's name may have the sign too.
        splits = _list_splits(style, "@")
        existing = [pair for pair in splits if os.path.isfile(pair[1])]
        style, file = (existing or splits)[0]
        if not existing:
            raise UsageError(f"--mask {text}: there is no file {file}")
        style_mask = Path(file)
        if not os.path.isfile(style):
            # STYLE:2@PICTURE, not STYLE@PICTURE:2.
            style, number = parse_weight(style)
            strength *= number
        if style in ("", KEEP):
            raise UsageError(f"--mask {text}: name a style image or a work before @")
    if not (math.isfinite(strength) and strength >= 0):
        raise UsageError(f"--mask {text}: a strength is 0 or more")
    if os.path.isfile(style):
        return StyleRequest(images=style), strength, style_mask
    if Path(style).suffix.lower() in PICTURE_SUFFIXES:
        raise UsageError(f"--mask {text}: there is no file {style}")
    artist, _, work = style.partition("/")
    request = StyleRequest(
        artist=artist,
        works=[work] if work else [],
        pick=None if work else pick,
        corpora=corpora,
    )
    return request, strength, style_mask
