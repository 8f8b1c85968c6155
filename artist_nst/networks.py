"""The network that a recipe asks for, ready on its device."""

import logging
from collections.abc import Callable

from artist_nst.nst.devices import DeviceName, choose_device, describe
from artist_nst.nst.recipe import Recipe
from artist_nst.nst.vgg import VGG, check_layers
from artist_nst.nst.weights import InputConvention, find_weights
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
    network = VGG(found, pool=recipe.pool, padding=recipe.padding).to(where)
    log.info("%s on %s, weights from %s", network.name, describe(where), found.source)
    return network


def check_recipe_layers(recipe: Recipe) -> None:
    """Raises UsageError, with the nearest name, for a layer its network lacks."""
    for option, layers in (
        ("content-layer", recipe.content_layers),
        ("style-layer", recipe.style_layers),
    ):
        check_layers(recipe.network, [layer for layer, _ in layers], option)
