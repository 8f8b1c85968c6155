"""What a finished painting was made of, as the form of a new one takes it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from artist_nst.errors import ArtistNstError
from artist_nst.painting.in_memory import ImageLike
from artist_nst.painting.record_types import RecordedStyle
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import from_dict
from artist_nst.web.artists import make_key
from artist_nst.web.command_line import list_changes
from artist_nst.web.paintings import FinishedPainting
from artist_nst.web.studio import Studio
from artist_nst.web.views import view_mask, view_photo


def describe_request(studio: Studio, painting: FinishedPainting) -> dict[str, Any]:
    """Describe the request that a painting's record amounts to.

    A photo or mask that is not among the uploaded ones is added to them. ``regions``
    are those with masks; what they do not cover is after ``style``, or kept if that is
    None. A mask that is gone is None.
    """
    record = painting.record
    recipe = from_dict(record["recipe"])
    words = list_changes(recipe)
    is_draft = "--draft" in words
    options = [word for word in words if word != "--draft"]
    changes: dict[str, str] = {}
    for option, value in zip(options[::2], options[1::2], strict=True):
        name = option.removeprefix("--")
        changes[name] = f"{changes[name]}+{value}" if name in changes else value
    path = studio.paintings.find_photo(painting)
    photo = None
    if path is not None:
        with suppress(ArtistNstError):
            photo = view_photo(studio.photos.add(path.name, path.read_bytes()))
    works = studio.paintings.find_works(painting)
    parts = record.get("regions", [])
    regions = []
    style: dict[str, Any] | None = {}
    strength = 1.0
    if not parts:
        style = _describe_style(studio, record["styles"], works)
    for part, found in zip(parts, studio.paintings.find_masks(painting), strict=True):
        styles = [record["styles"][index] for index in part["styles"]]
        paths = [works[index] for index in part["styles"]] if works else []
        described = _describe_style(studio, styles, paths) if styles else None
        if part["mask"] is None:
            style, strength = described, part["strength"]
            continue
        regions.append(
            {
                "mask": _add_mask(studio, found.mask) if found else None,
                "style": described,
                "strength": part["strength"],
                "style_mask": _add_mask(studio, found.style_mask) if found else None,
            }
        )
    return {
        "photo": photo,
        "style": style,
        "regions": {
            "masks": regions,
            "rest_strength": strength,
            "protect_faces": record.get("protect_faces", False),
            "segmented": record.get("segmented", False),
        },
        "settings": {
            "recipe": recipe.name if recipe.name in RECIPES else "default",
            "draft": is_draft,
            "long_side": max(record["size"]),
            "settings": changes,
            "seed": record["seed"],
        },
    }


def _add_mask(studio: Studio, path: ImageLike | None) -> dict[str, Any] | None:
    if path is None:
        return None
    file = cast(Path, path)
    with suppress(ArtistNstError):
        return view_mask(studio.masks.add(file.name, file.read_bytes()))
    return None


def _describe_style(
    studio: Studio, styles: Sequence[RecordedStyle], paths: Sequence[Path]
) -> dict[str, Any]:
    """Describe recorded styles, whose files are at ``paths`` if they are found."""
    works = [style["work"] for style in styles if style["work"]]
    if not works:
        with suppress(ArtistNstError):
            added = [studio.photos.add(path.name, path.read_bytes()) for path in paths]
            return {"images": list(map(view_photo, added))}
        return {}
    try:
        artist = studio.artists.get(works[0]["corpus"])
    except (KeyError, ArtistNstError):
        return {}
    ids = {work["id"] for work in works}
    keys = [make_key(work) for work in artist.works.values() if work.id in ids]
    return {"artist": artist.slug, "works": keys}
