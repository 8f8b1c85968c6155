from .collection import adopt, fetch
from .errors import ArtistNstError, UsageError
from .painting.networks import load_network
from .painting.pipeline import Painting, Progress, paint
from .recipes.published import recipe
from .recipes.recipe import Recipe
from .styles.picking import Pick

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
