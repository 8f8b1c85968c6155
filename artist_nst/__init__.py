"""Repaint a photograph the way an artist would: whole-artist neural style transfer.

>>> from artist_nst import paint, recipe
>>> painting = paint("photo.jpg", artist="procedural", recipe=recipe(width=384))
>>> painting.save("painting.png")
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from artist_nst.collection import adopt, fetch
    from artist_nst.errors import ArtistNstError, UsageError
    from artist_nst.networks import load_network
    from artist_nst.nst.recipe import Recipe
    from artist_nst.nst.recipes import recipe
    from artist_nst.painting import Painting, Progress, paint
    from artist_nst.picking import Pick

__all__ = [
    "ArtistNstError",
    "Painting",
    "Pick",
    "Progress",
    "Recipe",
    "UsageError",
    "adopt",
    "fetch",
    "load_network",
    "paint",
    "recipe",
]

_HOMES = {
    "adopt": "collection",
    "fetch": "collection",
    "ArtistNstError": "errors",
    "UsageError": "errors",
    "load_network": "networks",
    "Recipe": "nst.recipe",
    "recipe": "nst.recipes",
    "Painting": "painting",
    "Pick": "picking",
    "Progress": "painting",
    "paint": "painting",
}

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    # Late, so that `artist-nst --help` does not wait for torch.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
