"""How far a painting is from photo and style, by one measure for all recipes.

The distances depend on the network: compare only those of one network and one pooling.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from artist_nst.nst.features import TargetCache, extract_features
from artist_nst.nst.losses import content_relative, squared_distance, style_relative
from artist_nst.nst.objective import WeightedImage, compute_targets
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.layers import minimum_side
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import STYLE_LAYERS

CONTENT_LAYER = "conv4_2"


@dataclass(frozen=True, slots=True)
class Distances:
    """Distances by the recipe ``gram``'s losses, whatever the painting's recipe.

    Attributes:
        content: ½ mean (F − P)² / mean P² at conv4_2: 0 is the photo, about ½ another
            picture; None for an image too small for that layer.
        style: Mean of ``grams``; None if there are none.
        grams: ‖G − A‖² / ‖A‖² at conv1_1 … conv5_1, as far as the image reaches.
        network: What they were measured by: ``vgg19, max pooling``.
    """

    content: float | None
    style: float | None
    grams: dict[str, float]
    network: str


def measure_distances(
    network: VGG,
    image: Tensor,
    content: Tensor,
    styles: Sequence[WeightedImage],
    cache: TargetCache,
) -> Distances:
    """Measure how far a painting ``(1, C, H, W)`` on 0–255 is from photo and styles.

    The photo has the painting's size, the weighted styles have sizes of their own.
    """
    side = min(image.shape[-2:])
    has_content = minimum_side([CONTENT_LAYER]) <= side
    side = min([side, *(size for style, _ in styles for size in style.shape[-2:])])
    layers = [layer for layer, _ in STYLE_LAYERS if minimum_side([layer]) <= side]
    measure = replace(
        RECIPES["gram"],
        content_layers=((CONTENT_LAYER, 1.0),) if has_content else (),
        style_layers=tuple((layer, 1.0) for layer in layers),
    )
    targets = compute_targets(network, measure, content, styles, cache)
    cache.forward_passes += 1
    features, grams = extract_features(network, image, targets.content, layers)
    gram_distances = {
        layer: float(style_relative(grams[layer], target))
        for layer, target in targets.styles[0].grams.items()
    }
    content_distances = (
        float(content_relative(squared_distance(features[layer], target), target))
        for layer, target in targets.content.items()
    )
    total = sum(gram_distances.values())
    return Distances(
        content=next(content_distances, None),
        style=total / len(gram_distances) if gram_distances else None,
        grams=gram_distances,
        network=f"{network.name}, {network.pool} pooling",
    )
