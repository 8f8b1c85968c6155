from .api import adopt, fetch, load_network, paint, recipe
from .errors import ArtistNstError, UsageError
from .painting.compute import ComputeOptions
from .painting.pipeline import Painting, Progress
from .painting.regions import MaskedStyle, RegionRequest
from .painting.style_sources import StyleRequest
from .recipes.recipe import Recipe
from .styles.pick import Pick

__all__ = [
    "ArtistNstError",
    "ComputeOptions",
    "MaskedStyle",
    "Painting",
    "Pick",
    "Progress",
    "Recipe",
    "RegionRequest",
    "StyleRequest",
    "UsageError",
    "adopt",
    "fetch",
    "load_network",
    "paint",
    "recipe",
]
