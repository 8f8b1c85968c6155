"""Names of outputs for jobs that give none: by photo, style and what else they give."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from artist_nst.batch.jobs import Job
from artist_nst.corpus.names import fold
from artist_nst.painting.mask_names import KEEP, REST, NamedMask, NamedStyle
from artist_nst.painting.output_names import limit_name, shorten_name, slug_setting
from artist_nst.painting.sources import MAX_NAMED_WORKS, parse_weight

# In bytes; a file's name may have 255, its temporary one fewer.
MAX_STEM_BYTES = 200

_Label = Callable[[Path], str]


def name_output(job: Job, label: str, parts: Iterable[tuple[str, str]]) -> str:
    """Name a job's output: ``bridge-monet-water-lilies,ratio-5.png``.

    Args:
        job: The job.
        label: Of its photo, from :func:`label_photos`.
        parts: Columns and values that tell it from other jobs.
    """
    slugs = [slug_setting(name, value) for name, value in parts]
    style = shorten_name(_name_style(job))
    stem = ",".join([f"{shorten_name(label)}-{style}", *slugs])
    # What a file's name cannot hold, on some systems.
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f\x7f]+', "-", stem)
    return f"{limit_name(stem, MAX_STEM_BYTES)}.png"


def _name_style(job: Job) -> str:
    names = [path.stem for path, _ in job.images]
    names = names or [fold(parse_weight(work)[0]) or work for work in job.works]
    if job.artist is None and not names:
        styles = (style for mask in job.masks for style in mask.styles)
        names = [*dict.fromkeys(map(_name_masked, styles))]
    style = "+".join(names)
    if len(names) > MAX_NAMED_WORKS:
        style = f"{names[0]}-and-{len(names) - 1}-more"
    if job.artist is None:
        return style
    artist = _name_artist(job.artist)
    return f"{artist}-{style}" if style else artist


def name_masks(masks: Iterable[NamedMask]) -> str:
    """Name what masks are after: ``sky=monet:2+rest=keep``."""
    names = []
    for mask in masks:
        for style in mask.styles or (None,):
            name = KEEP if style is None else _name_masked(style)
            if style is not None and style.style_mask is not None:
                name += f"@{style.style_mask.stem}"
            if style is not None and style.strength != 1:
                name += f":{style.strength:g}"
            names.append(f"{mask.mask.stem if mask.mask else REST}={name}")
    return "+".join(names)


def _name_masked(style: NamedStyle) -> str:
    if style.image is not None:
        return style.image.stem
    artist = _name_artist(style.artist or "")
    return f"{artist}-{fold(style.work) or style.work}" if style.work else artist


def _name_artist(artist: str) -> str:
    return fold(Path(artist).name) or "artist"


def label_photos(photos: Iterable[Path]) -> Mapping[Path, str]:
    """Label each photo by its name, and by more of its path where names are equal."""
    labels: dict[Path, str] = {}
    remaining = list(dict.fromkeys(photos))
    for make_label in _LABELS:
        made = {photo: make_label(photo) for photo in remaining}
        counts = Counter(label.casefold() for label in made.values())
        unique = {
            photo: label
            for photo, label in made.items()
            if counts[label.casefold()] == 1 or make_label is _LABELS[-1]
        }
        labels |= unique
        remaining = [photo for photo in remaining if photo not in unique]
    return labels


# What is equal under the last of them, too, needs names in the column "out".
_LABELS: tuple[_Label, ...] = (
    lambda photo: photo.stem,
    lambda photo: f"{photo.parent.name}-{photo.stem}",
    lambda photo: f"{photo.parent.name}-{photo.stem}-{photo.suffix[1:]}",
)
