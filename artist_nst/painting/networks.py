"""The network that a recipe asks for, ready on its device."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.files import sha256_of
from artist_nst.nst.compact import PACKAGED, is_compact, load_compact
from artist_nst.nst.devices import DeviceName, choose_device, describe
from artist_nst.nst.vgg import VGG, check_layers
from artist_nst.nst.weights import (
    InputConvention,
    Weights,
    WeightsUnavailableError,
    check_readable,
    find_weights,
    locate_weights,
)
from artist_nst.painting.calibration import normalized_weights
from artist_nst.recipes.recipe import Network, Padding, Pool, Recipe

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

    ``vgg19-normalised`` is computed from VGG-19's weights. Where a recipe leaves the
    network to ``auto`` and VGG-19's weights can't be had, it is the compact one.

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
    try:
        found = _find(recipe.network, weights, input, offline, on_download)
    except WeightsUnavailableError as error:
        if recipe.network != "auto":
            raise
        try:
            check_recipe_layers(replace(recipe, network="compact"))
        except UsageError as lacking:
            raise UsageError(f"{error.problem}, and {lacking}") from error
        log.warning(
            "%s: the compact network paints instead; `artist-nst weights`, where the "
            "network is reached, gets the better one",
            error.problem,
        )
        found = load_compact()
    check_recipe_layers(replace(recipe, network=found.network))
    network = VGG(found, pool=recipe.pool, padding=recipe.padding).to(where)
    log.info("%s on %s, weights from %s", network.name, describe(where), found.source)
    return network


def compact_beside(network: VGG) -> VGG:
    """The compact network, with the device, the pooling and the padding of another."""
    return VGG(load_compact(), pool=network.pool, padding=network.padding).to(
        network.mean.device
    )


def locate_network(network: Network, weights: PathLike | None = None) -> Path | None:
    """The file that :func:`load_network` would read without a download, None if none.

    Raises:
        ArtistNstError: a file that was named is not there.
    """
    if network == "compact":
        if weights is not None and is_compact(weights):
            return Path(weights)
        if weights is not None:
            check_readable(weights)
        return PACKAGED
    return locate_weights(network, weights)


def _find(
    network: Network,
    weights: PathLike | None,
    input: InputConvention | None,
    offline: bool,
    on_download: Callable[[int, int], None] | None,
) -> Weights:
    """The network's weights from the file named, or from where they are to be had."""
    named = weights is not None and is_compact(weights)
    if network == "compact" or (network == "auto" and named):
        if weights is not None and not named:
            check_readable(weights)
            log.info("%s is of no compact network: the packaged one is used", weights)
        return load_compact(weights if named else None)
    found = find_weights(
        network, weights, input=input, offline=offline, on_progress=on_download
    )
    return normalized_weights(found) if network == "vgg19-normalised" else found


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
        self._auto: Network = "auto"

    def __call__(self, recipe: Recipe) -> VGG:
        """The recipe's network; raises as :func:`load_network` does."""
        check_recipe_layers(recipe)
        key = recipe.network, recipe.pool, recipe.padding
        if key not in self._loaded:
            try:
                found = load_network(_without_layers(recipe), **self.how)
            except ArtistNstError as error:
                self._loaded[key] = error
            else:
                # Under the name that auto came to, too.
                for name in (recipe.network, found.name):
                    self._loaded[name, recipe.pool, recipe.padding] = found
        known = self._loaded[key]
        if isinstance(known, ArtistNstError):
            raise known
        check_recipe_layers(replace(recipe, network=known.name))
        return known

    def settled(self, recipe: Recipe) -> Recipe:
        """The recipe with what ``auto`` comes to: one network for all recipes.

        It is loaded for that only where no weights are at hand.

        Raises:
            ArtistNstError: a file that was named is not there.
        """
        if recipe.network != "auto":
            return recipe
        if self._auto == "auto":
            weights = self.how.get("weights")
            named = weights is not None and is_compact(weights)
            if not named and locate_weights("vgg19", weights) is not None:
                self._auto = "vgg19"
            else:
                with suppress(ArtistNstError):
                    self._auto = self(_without_layers(recipe)).name
        return replace(recipe, network=self._auto)

    def sha256(self, recipe: Recipe) -> str | None:
        """Of the weights file that would be read; None where there is none yet."""
        path = locate_network(recipe.network, self.how.get("weights"))
        if path is not None and path not in self._hashes:
            self._hashes[path] = sha256_of(path)
        return None if path is None else self._hashes[path]


def _without_layers(recipe: Recipe) -> Recipe:
    """Whatever layers one recipe wants, others may want some that are there."""
    return replace(recipe, content_layers=(), style_layers=())


def check_recipe_layers(recipe: Recipe) -> None:
    """Raises UsageError, with the nearest name, for a layer its networks lack."""
    networks: list[Network] = [recipe.network]
    if recipe.draft_levels:
        networks.append("compact")
    for network in networks:
        for option, layers in (
            ("content-layer", recipe.content_layers),
            ("style-layer", recipe.style_layers),
        ):
            check_layers(network, [layer for layer, _ in layers], option)
