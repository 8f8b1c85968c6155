"""The network that a recipe asks for, ready on its device."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from artist_nst.calibration import normalized_weights
from artist_nst.errors import ArtistNstError
from artist_nst.image.files import sha256_of
from artist_nst.nst.devices import DeviceName, choose_device, describe
from artist_nst.nst.recipe import Network, Padding, Pool, Recipe
from artist_nst.nst.vgg import VGG, check_layers
from artist_nst.nst.weights import InputConvention, find_weights, locate_weights
from artist_nst.sources import PathLike

log = logging.getLogger(__name__)


def load_network(
    recipe: Recipe,
    *,
    device: DeviceName = "auto",
    weights: PathLike | None = None,
    input: InputConvention | None = None,
    offline: bool = False,
    on_download: Callable[[int, int], None] | None = None,
) -> VGG:
    """The recipe's network on ``device``; one serves any number of paintings.

    ``vgg19-normalised`` is computed from VGG-19's weights.

    Args:
        weights: a file; else looked for, else downloaded unless ``offline``.
        input: what the weights expect, where their file does not say so.
        on_download: told bytes done and bytes in all.

    Raises:
        UsageError: an unknown layer, or a device that is not there.
        ArtistNstError: no usable weights.
    """
    check_recipe_layers(recipe)
    where = choose_device(device)
    found = find_weights(
        recipe.network, weights, input=input, offline=offline, on_progress=on_download
    )
    if recipe.network == "vgg19-normalised":
        found = normalized_weights(found)
    network = VGG(found, pool=recipe.pool, padding=recipe.padding).to(where)
    log.info("%s on %s, weights from %s", network.name, describe(where), found.source)
    return network


class Networks:
    """The networks that recipes ask for, each loaded once, when first asked for.

    What could not be loaded is not tried again.

    Args:
        how: passed on to :func:`load_network`.
    """

    def __init__(self, **how: Any) -> None:
        self.how = how
        self._loaded: dict[tuple[Network, Pool, Padding], VGG | ArtistNstError] = {}
        self._hashes: dict[Path, str] = {}

    def __call__(self, recipe: Recipe) -> VGG:
        """The recipe's network; raises as :func:`load_network` does."""
        key = recipe.network, recipe.pool, recipe.padding
        if key not in self._loaded:
            try:
                self._loaded[key] = load_network(recipe, **self.how)
            except ArtistNstError as error:
                self._loaded[key] = error
        found = self._loaded[key]
        if isinstance(found, ArtistNstError):
            raise found
        return found

    def sha256(self, recipe: Recipe) -> str | None:
        """Of the weights file that would be read; None where there is none yet."""
        path = locate_weights(recipe.network, self.how.get("weights"))
        if path is not None and path not in self._hashes:
            self._hashes[path] = sha256_of(path)
        return None if path is None else self._hashes[path]


def check_recipe_layers(recipe: Recipe) -> None:
    """Raises UsageError, with the nearest name, for a layer its network lacks."""
    for option, layers in (
        ("content-layer", recipe.content_layers),
        ("style-layer", recipe.style_layers),
    ):
        check_layers(recipe.network, [layer for layer, _ in layers], option)
