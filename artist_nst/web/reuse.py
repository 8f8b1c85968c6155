"""What a finished painting was made of, as the form of a new one takes it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from artist_nst.errors import ArtistNstError
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import from_dict
from artist_nst.web.artists import make_key
from artist_nst.web.command_line import list_changes
from artist_nst.web.paintings import FinishedPainting
from artist_nst.web.studio import Studio
from artist_nst.web.views import view_photo


def describe_request(studio: Studio, painting: FinishedPainting) -> dict[str, Any]:
    """Describe the request that a painting's record amounts to.

    A photo that is not among the uploaded ones is added to them.
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
    return {
        "photo": photo,
        "style": _describe_style(studio, painting),
        "settings": {
            "recipe": recipe.name if recipe.name in RECIPES else "default",
            "draft": is_draft,
            "long_side": max(record["size"]),
            "settings": changes,
            "seed": record["seed"],
        },
    }


def _describe_style(studio: Studio, painting: FinishedPainting) -> dict[str, Any]:
    works = [style["work"] for style in painting.record["styles"] if style["work"]]
    if not works:
        images = studio.paintings.find_works(painting)
        with suppress(ArtistNstError):
            added = [studio.photos.add(path.name, path.read_bytes()) for path in images]
            return {"images": list(map(view_photo, added))}
        return {}
    try:
        artist = studio.artists.get(works[0]["corpus"])
    except (KeyError, ArtistNstError):
        return {}
    ids = {work["id"] for work in works}
    keys = [make_key(work) for work in artist.works.values() if work.id in ids]
    return {"artist": artist.slug, "works": keys}
