"""What ``MASK=STYLE`` means: a part of a photo, and what it is painted after."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from artist_nst._files import PICTURE_SUFFIXES
from artist_nst.errors import UsageError
from artist_nst.painting.sources import Source, parse_weight

KEEP, REST = "keep", "rest"
MAX_STRENGTH = 1e15

Kind = Literal["file", "folder", "other", "missing"]

FindFile = Callable[[str], tuple[Path, Kind]]
"""Returns the path of what is named by a text, and what is there."""


@dataclass(frozen=True, slots=True)
class NamedStyle:
    """What a part is painted after: a style image, or works of an artist.

    Attributes:
        image: The style image.
        artist: Whose works are taken in place of it; a name, or the path of a folder.
        work: The artist's only work; it is picked if None.
        strength: Relative to the recipe's.
        style_mask: Which part of the image or work counts; all of it if None.
    """

    image: Path | None = None
    artist: str | None = None
    work: str | None = None
    strength: float = 1.0
    style_mask: Path | None = None


@dataclass(frozen=True, slots=True)
class NamedMask:
    """A part of a photo by its mask.

    Attributes:
        mask: The mask's file; None for what no other mask covers.
        styles: What it is painted after; none to leave it as photographed.
    """

    mask: Path | None
    styles: tuple[NamedStyle, ...]

    @property
    def name(self) -> str:
        """The mask's file, or ``rest``."""
        return REST if self.mask is None else os.fspath(self.mask)

    @property
    def style_mask(self) -> Path | None:
        """Which part of the only style counts; all of it if None."""
        return self.styles[0].style_mask if self.styles else None

    @property
    def takes_pick(self) -> bool:
        """Whether works of an artist are picked for it."""
        return any(style.artist and not style.work for style in self.styles)


def find_here(text: str) -> tuple[Path, Kind]:
    """Return the path that a text is, and what is there."""
    return Path(text), tell_kind(text)


def tell_kind(path: str | Path) -> Kind:
    """Tell what is at a path."""
    # os.path's functions: pathlib's raise if a name is too long.
    if os.path.isfile(path):
        return "file"
    if os.path.isdir(path):
        return "folder"
    return "other" if os.path.exists(path) else "missing"


def read_masks(
    texts: Sequence[str], find_file: FindFile = find_here
) -> list[NamedMask]:
    """Read masks and what they are after; one that is named again is after several.

    Args:
        texts: ``MASK=STYLE`` each.
        find_file: Finds what their names mean.

    Raises:
        UsageError: One cannot be read; it begins with ``--mask``.
    """
    masks: dict[str, Path | None] = {}
    styles: dict[str, list[NamedStyle | None]] = defaultdict(list)
    for text in texts:
        name, style = _split_mask(text, find_file)
        masks[name] = None if name == REST else find_file(name)[0]
        styles[name].append(_read_style(text, style, find_file))
    for name, given in styles.items():
        if len(given) > 1 and None in given:
            raise UsageError(f"--mask {name}: a part is painted or kept, not both")
        if len(given) > 1 and any(style and style.style_mask for style in given):
            raise UsageError(f"--mask {name}: @ takes a part of a single style")
        if len(given) > 1 and not any(style and style.strength for style in given):
            raise UsageError(
                f"--mask {name}: its styles all have weight 0; give one of them more"
            )
    return [
        NamedMask(mask, tuple(style for style in styles[name] if style is not None))
        for name, mask in masks.items()
    ]


def combine_styles(
    styles: Sequence[tuple[Sequence[Source], float]],
) -> tuple[list[Source], float]:
    """Combine the styles of one mask by their strengths.

    Args:
        styles: The style images of each, and its strength.

    Returns:
        All style images, and the strength of them together.
    """
    if len(styles) == 1:
        ((sources, strength),) = styles
        return list(sources), strength
    combined = []
    for sources, strength in styles:
        total = sum(source.weight for source in sources)
        combined += [
            replace(source, weight=source.weight * strength / total)
            for source in sources
        ]
    return combined, sum(strength for _, strength in styles) / len(styles)


def _split_mask(text: str, find_file: FindFile) -> tuple[str, str]:
    """Split ``MASK=STYLE`` at the sign that follows a file's name or ``rest``."""
    splits = [pair for pair in _list_splits(text, "=") if pair[0]]
    if not splits:
        raise UsageError(
            f"--mask {text}: write MASK=STYLE, such as sky.png=monet or rest=keep"
        )
    # A file's name may have the sign too.
    existing = (
        pair
        for pair in splits
        if pair[0] == REST or find_file(pair[0])[1] in ("file", "other")
    )
    mask, style = next(existing, splits[0])
    kind = "other" if mask == REST else find_file(mask)[1]
    if kind == "missing":
        raise UsageError(f"--mask {mask}: there is no such file")
    if kind == "folder":
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


def _read_style(text: str, style: str, find_file: FindFile) -> NamedStyle | None:
    """Read a style of ``MASK=STYLE``; None if the part is kept."""

    def is_file(name: str) -> bool:
        return find_file(name)[1] == "file"

    strength, style_mask = 1.0, None
    if not is_file(style):
        style, strength = parse_weight(style)
    if style == KEEP:
        if strength != 1:
            raise UsageError(f"--mask {text}: what is kept has no strength")
        return None
    if "@" in style and not is_file(style):
        splits = _list_splits(style, "@")
        existing = (pair for pair in splits if is_file(pair[1]))
        style, part = next(existing, splits[0])
        if not is_file(part):
            raise UsageError(f"--mask {text}: there is no file {part}")
        style_mask = find_file(part)[0]
        if not is_file(style):
            # STYLE:2@PICTURE, not STYLE@PICTURE:2.
            style, number = parse_weight(style)
            strength *= number
        if style in ("", KEEP):
            raise UsageError(f"--mask {text}: name a style image or a work before @")
    if not 0 <= strength <= MAX_STRENGTH:
        raise UsageError(
            f"--mask {text}: a strength is a number from 0 to {MAX_STRENGTH:g}"
        )
    if is_file(style):
        image = find_file(style)[0]
        return NamedStyle(image=image, strength=strength, style_mask=style_mask)
    if Path(style).suffix.lower() in PICTURE_SUFFIXES:
        raise UsageError(f"--mask {text}: there is no file {style}")
    artist, work = _split_work(style, find_file)
    return NamedStyle(
        artist=artist, work=work or None, strength=strength, style_mask=style_mask
    )


def _split_work(style: str, find_file: FindFile) -> tuple[str, str]:
    """Split ``ARTIST/WORK``; an artist that has a slash is the path of a folder."""
    head, _, tail = style.rpartition("/")
    for folder, work in ((style, ""), (head, tail)):
        path, kind = find_file(folder)
        if "/" in folder and kind == "folder":
            return os.path.abspath(path), work
    artist, _, work = style.partition("/")
    return artist, work
