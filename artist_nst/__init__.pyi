from .collection import adopt, fetch
from .errors import ArtistNstError, UsageError
from .painting.compute import ComputeOptions
from .painting.networks import load_network
from .painting.pipeline import Painting, Progress, paint
from .painting.style_sources import StyleRequest
from .recipes.published import recipe
from .recipes.recipe import Recipe
from .styles.picking import Pick

__all__ = [
    "ArtistNstError",
    "ComputeOptions",
    "Painting",
    "Pick",
    "Progress",
    "Recipe",
    "StyleRequest",
    "UsageError",
    "adopt",
    "fetch",
    "load_network",
    "paint",
    "recipe",
]
