"""The network that a recipe asks for, ready on its device."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from artist_nst._files import hash_file
from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.nst.compact import PACKAGED_FILE, is_compact, load_compact
from artist_nst.nst.devices import choose_device, describe_device
from artist_nst.nst.precision import choose_precision
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights, check_readable
from artist_nst.nst.weights.download import WeightsUnavailableError
from artist_nst.nst.weights.locate import find_weights, locate_weights
from artist_nst.painting.calibration import calibrate_weights
from artist_nst.painting.compute import DEFAULT_COMPUTE, ComputeOptions
from artist_nst.recipes.layers import check_recipe_layers, layer_names
from artist_nst.recipes.recipe import Network, Padding, Pool, Recipe

log = logging.getLogger(__name__)


def load_network(
    recipe: Recipe,
    compute: ComputeOptions = DEFAULT_COMPUTE,
    on_download: Callable[[int, int], None] | None = None,
) -> VGG:
    """Load the recipe's network; one serves any number of paintings.

    ``vgg19-normalised`` is computed from VGG-19's weights. If a recipe leaves the
    network to ``auto`` and VGG-19's weights are unavailable, it is the compact one.

    Args:
        recipe: Names the network, its pooling and its padding.
        compute: Says which device, and where the weights are.
        on_download: Called with the bytes received and the bytes in all.

    Raises:
        UsageError: An unknown layer, or a device that this machine does not have.
        ArtistNstError: There are no usable weights.
    """
    check_recipe_layers(recipe)
    device = choose_device(compute.device)
    try:
        weights = _find_weights(recipe.network, compute, on_download)
    except WeightsUnavailableError as error:
        if recipe.network != "auto":
            raise
        try:
            check_recipe_layers(replace(recipe, network="compact"))
        except UsageError as lacking:
            raise UsageError(f"{error.problem}, and {lacking}") from error
        log.warning(
            "%s: the compact network paints instead; run `artist-nst weights` when "
            "you are online to get the better one",
            error.problem,
        )
        weights = load_compact()
    check_recipe_layers(replace(recipe, network=weights.network))
    network = VGG(weights, pool=recipe.pool, padding=recipe.padding).to(device)
    log.info(
        "%s in %s on %s, weights from %s",
        network.name,
        choose_precision(compute.precision, device),
        describe_device(device),
        weights.source,
    )
    return network


def has_drafts(recipe: Recipe) -> bool:
    """Tell whether the compact network paints some levels for another network.

    It does not if it lacks a layer that is compared.
    """
    layers = {*recipe.compared_layers}
    can_draft = recipe.network != "compact" and layers <= {*layer_names("compact")}
    return can_draft and recipe.draft_levels > 0


def load_draft_network(network: VGG) -> VGG:
    """Load the compact network with another's device, pooling and padding."""
    draft = VGG(load_compact(), pool=network.pool, padding=network.padding)
    return draft.to(network.mean.device)


def locate_network(network: Network, weights: PathLike | None = None) -> Path | None:
    """Return the file that :func:`load_network` would read without a download.

    Returns:
        None if a download would be needed.

    Raises:
        ArtistNstError: A file that was named does not exist.
    """
    if network == "compact":
        if weights is not None and is_compact(weights):
            return Path(weights)
        if weights is not None:
            check_readable(weights)
        return PACKAGED_FILE
    return locate_weights(network, weights)


def _find_weights(
    network: Network,
    compute: ComputeOptions,
    on_download: Callable[[int, int], None] | None,
) -> Weights:
    path = compute.weights
    is_compact_file = path is not None and is_compact(path)
    if network == "compact" or (network == "auto" and is_compact_file):
        if path is not None and not is_compact_file:
            check_readable(path)
            log.info("%s is no compact network: the packaged one is used", path)
        return load_compact(path if is_compact_file else None)
    weights = find_weights(
        network,
        path,
        input=compute.weights_input,
        offline=compute.offline,
        on_progress=on_download,
    )
    return calibrate_weights(weights) if network == "vgg19-normalised" else weights


class Networks:
    """The networks that recipes ask for, each loaded once, when first asked for.

    What could not be loaded is not tried again.

    Args:
        compute: Says where to compute, and where the weights are.
        on_download: Called with the bytes received and the bytes in all.
    """

    def __init__(
        self,
        compute: ComputeOptions = DEFAULT_COMPUTE,
        on_download: Callable[[int, int], None] | None = None,
    ) -> None:
        self.compute = compute
        self.on_download = on_download
        self._loaded: dict[tuple[Network, Pool, Padding], VGG | ArtistNstError] = {}
        self._hashes: dict[Path, str] = {}
        self._auto: Network = "auto"

    def load(self, recipe: Recipe) -> VGG:
        """Return the recipe's network; raises as :func:`load_network` does."""
        check_recipe_layers(recipe)
        key = recipe.network, recipe.pool, recipe.padding
        if key not in self._loaded:
            try:
                network = load_network(
                    _without_layers(recipe), self.compute, self.on_download
                )
            except ArtistNstError as error:
                self._loaded[key] = error
            else:
                # Under the name that auto resolved to as well.
                for name in (recipe.network, network.name):
                    self._loaded[name, recipe.pool, recipe.padding] = network
        loaded = self._loaded[key]
        if isinstance(loaded, ArtistNstError):
            raise loaded
        check_recipe_layers(replace(recipe, network=loaded.name))
        return loaded

    def resolve_auto(self, recipe: Recipe) -> Recipe:
        """Replace the network ``auto`` by one that is the same for all recipes.

        It is loaded for that only if no weights are on this machine.

        Raises:
            ArtistNstError: A file that was named does not exist.
        """
        if recipe.network != "auto":
            return recipe
        if self._auto == "auto":
            path = self.compute.weights
            is_compact_file = path is not None and is_compact(path)
            if not is_compact_file and locate_weights("vgg19", path) is not None:
                self._auto = "vgg19"
            else:
                with suppress(ArtistNstError):
                    self._auto = self.load(_without_layers(recipe)).name
        return replace(recipe, network=self._auto)

    def hash_weights(self, recipe: Recipe) -> str | None:
        """Hash the weights file that would be read; None if there is none yet."""
        path = locate_network(recipe.network, self.compute.weights)
        if path is not None and path not in self._hashes:
            self._hashes[path] = hash_file(path)
        return None if path is None else self._hashes[path]


def _without_layers(recipe: Recipe) -> Recipe:
    """Drop the layers: other recipes may want other layers of the same network."""
    return replace(recipe, content_layers=(), style_layers=(), neighbor_layers=())
