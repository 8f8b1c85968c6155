"""The layers that each network has, and what a recipe's layers need of a picture."""

from collections.abc import Iterable
from typing import get_args

from artist_nst.errors import UsageError, suggest
from artist_nst.recipes.recipe import Architecture, Network, Recipe, get_architecture

VGG_WIDTHS: dict[Architecture, tuple[tuple[int, ...], ...]] = {
    "vgg11": ((64,), (128,), (256,) * 2, (512,) * 2, (512,) * 2),
    "vgg13": ((64,) * 2, (128,) * 2, (256,) * 2, (512,) * 2, (512,) * 2),
    "vgg16": ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
    "vgg19": ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4),
}
"""Filters of each convolution, by block."""

LAST_REQUIRED_LAYER = "conv5_1"
"""The deepest layer that the papers use."""

MIN_SIDE = 4  # pixels: one place among which neighbors are found


def layer_names(network: Network) -> tuple[str, ...]:
    """List a network's convolutions by the papers' names, from conv1_1 on.

    Raises:
        UsageError: There is no such network.
    """
    if network == "compact":
        names = layer_names("vgg19")
        return names[: names.index(LAST_REQUIRED_LAYER) + 1]
    return tuple(
        f"conv{block}_{number}"
        for block, widths in enumerate(VGG_WIDTHS[resolve_vgg(network)], start=1)
        for number in range(1, len(widths) + 1)
    )


def resolve_vgg(network: Network) -> Architecture:
    """Return the VGG whose weights file a network needs.

    Raises:
        UsageError: There is no such network, or it needs no file.
    """
    if network not in get_args(Network):
        hint = suggest(network, get_args(Network))
        raise UsageError(f"unknown network {network!r}: {hint}")
    if network == "compact":
        raise UsageError(
            "the compact network comes with artist-nst: there is nothing to download"
        )
    return get_architecture(network)


def check_layers(network: Network, layers: Iterable[str], option: str) -> None:
    """Raise UsageError, naming ``option``, for a layer that ``network`` lacks."""
    names = layer_names(network)
    for layer in layers:
        if layer not in names:
            hint = suggest(layer, names)
            name = "vgg19" if network == "auto" else network
            raise UsageError(f"--{option}: {name} has no {layer!r}; {hint}")


def check_recipe_layers(recipe: Recipe) -> None:
    """Raise UsageError, with the nearest name, for a layer that its network lacks."""
    for option, layers in (
        ("content-layer", recipe.content_layers),
        ("style-layer", recipe.style_layers),
        ("neighbor-layer", recipe.neighbor_layers),
    ):
        check_layers(recipe.network, [layer for layer, _ in layers], option)


def minimum_side(layers: Iterable[str]) -> int:
    """Return the least side in pixels of an image that reaches ``layers``."""
    return int(2 ** max((int(layer[4]) - 1 for layer in layers), default=0))


def minimum_image_side(recipe: Recipe) -> int:
    """Return the least side in pixels that photo, styles and painting must have."""
    least = minimum_side(recipe.compared_layers)
    return max(least, MIN_SIDE) if recipe.neighbor_weights else least
