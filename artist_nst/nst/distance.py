"""How far a painting is from photo and style, by one measure for all recipes.

What is seen is up to the network: compare distances of one network and one pooling.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from artist_nst.nst.features import Features, survey
from artist_nst.nst.losses import (
    content_relative,
    squared_distance,
    style_relative,
)
from artist_nst.nst.objective import Style, targets
from artist_nst.nst.vgg import VGG, minimum_side
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import STYLE_LAYERS

CONTENT_LAYER = "conv4_2"


@dataclass(frozen=True, slots=True)
class Distances:
    """By the default recipe's losses, whatever was painted with.

    Attributes:
        content: ½ mean (F − P)² / mean P² at conv4_2: 0 is the photo, about ½ another
            picture; None for an image too small for that layer.
        style: mean of ``grams``; None where there are none.
        grams: ‖G − A‖² / ‖A‖² at conv1_1 … conv5_1, as far as the image reaches.
        network: what saw them: ``vgg19, max pooling``.
    """

    content: float | None
    style: float | None
    grams: dict[str, float]
    network: str


def distances(
    network: VGG,
    image: Tensor,
    content: Tensor,
    styles: Sequence[Style],
    features: Features,
) -> Distances:
    """Of ``image`` to the photo ``content``, of its size, and to the weighted styles.

    Args:
        image, content: ``(1, C, H, W)`` on 0–255.
        styles: ``(image, weight)`` pairs of sizes of their own.
        features: where those of photo and styles are kept.
    """
    sides = [*image.shape[-2:]]
    for style, _ in styles:
        sides += style.shape[-2:]
    layers = [layer for layer, _ in STYLE_LAYERS if minimum_side([layer]) <= min(sides)]
    there = minimum_side([CONTENT_LAYER]) <= min(image.shape[-2:])
    measure = replace(
        RECIPES["default"],
        content_layers=((CONTENT_LAYER, 1.0),) if there else (),
        style_layers=tuple((layer, 1.0) for layer in layers),
    )
    wanted = targets(network, measure, content, styles, features)
    features.passes += 1
    seen, own = survey(network, image, wanted.content, layers)
    grams = {
        layer: float(style_relative(own[layer], target))
        for layer, target in wanted.grams.items()
    }
    apart = [
        float(content_relative(squared_distance(seen[layer], target), target))
        for layer, target in wanted.content.items()
    ]
    return Distances(
        content=apart[0] if apart else None,
        style=sum(grams.values()) / len(grams) if grams else None,
        grams=grams,
        network=f"{network.name}, {network.pool} pooling",
    )
