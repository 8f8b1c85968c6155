"""Which network, with which weights, paints a recipe."""

from __future__ import annotations

from artist_nst._files import hash_file
from artist_nst.errors import ArtistNstError
from artist_nst.nst.compact import PACKAGED_FILE
from artist_nst.painting.networks import Networks, has_drafts, locate_network
from artist_nst.recipes.recipe import Recipe


def identify_network(
    networks: Networks, recipe: Recipe, *, may_download: bool = True
) -> tuple[str, str]:
    """Return the network that a recipe's means, and a hash of what decides its pixels.

    Args:
        networks: Say where the weights are.
        recipe: Of a job.
        may_download: Whether weights that are not on this machine are downloaded.

    Raises:
        ArtistNstError: There are no usable weights.
    """
    compute = networks.compute
    is_here = locate_network(recipe.network, compute.weights) is not None
    if not is_here and not may_download:
        raise ArtistNstError("the weights are not on this machine")
    recipe = networks.resolve_auto(recipe)
    sha256 = networks.hash_weights(recipe)
    if sha256 is None:
        sha256 = networks.load(recipe).sha256
    parts = [sha256]
    if has_drafts(recipe):
        parts.append(hash_file(PACKAGED_FILE))
    # The compact network's input convention is always the same.
    if compute.weights_input is not None and recipe.network != "compact":
        parts.append(compute.weights_input)
    return recipe.network, " ".join(parts)
