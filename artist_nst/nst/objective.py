"""Image → (losses, gradient): the only place that calls backward."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from artist_nst.nst import losses as formulas
from artist_nst.nst.recipe import Recipe
from artist_nst.nst.vgg import VGG

Style = tuple[Tensor, float]

CONTENT = {
    "relative": formulas.content_relative,
    "half-squared": formulas.content_half_squared,
}
STYLE = {
    "relative": formulas.style_relative,
    "gatys": formulas.style_gatys,
    "gatys-raw": formulas.style_gatys,
}


@dataclass(frozen=True, slots=True)
class Losses:
    """The terms before their weights (layer weights apart), and their weighted sum."""

    total: float
    content: float
    style: float
    tv: float

    @property
    def finite(self) -> bool:
        return isfinite(self.total)


@dataclass(frozen=True, slots=True)
class Targets:
    """What the candidate is compared with, per layer.

    Attributes:
        content: features P of the photo, ``(N, H, W)``.
        grams: Gram matrices A of the style, ``(N, N)``.
    """

    content: dict[str, Tensor]
    grams: dict[str, Tensor]


class Objective:
    """α·content + β·style + γ·TV of a candidate, and its gradient."""

    def __init__(self, network: VGG, recipe: Recipe, targets: Targets) -> None:
        self.network = network
        self.recipe = recipe
        self.targets = targets
        self.content_layers = _used(recipe.content_layers)
        self.style_layers = _used(recipe.style_layers)
        self.layers = {**self.content_layers, **self.style_layers}.keys()

    def __call__(self, image: Tensor) -> tuple[Losses, Tensor]:
        """Losses and gradient at ``image``.

        Args:
            image: ``(1, C, H, W)`` on 0–255, C of 3 or 1.

        Returns:
            The losses, and d total / d image of the image's shape.
        """
        x = image.detach().requires_grad_()
        features = self.network(x, self.layers)
        content = self._content(features, x)
        style = self._style(features, x)
        tv = formulas.total_variation(x)
        total = content + self.recipe.ratio * style + self.recipe.tv * tv
        (gradient,) = torch.autograd.grad(total, x)
        terms = torch.stack((total, content, style, tv)).detach().tolist()
        return Losses(*terms), gradient

    def _content(self, features: dict[str, Tensor], image: Tensor) -> Tensor:
        loss = CONTENT[self.recipe.content_loss]
        terms = (
            weight * loss(features[layer], self.targets.content[layer])
            for layer, weight in self.content_layers.items()
        )
        return sum(terms, start=image.new_zeros(()))

    def _style(self, features: dict[str, Tensor], image: Tensor) -> Tensor:
        loss = STYLE[self.recipe.style_loss]
        terms = (
            weight * loss(formulas.gram(features[layer]), self.targets.grams[layer])
            for layer, weight in self.style_layers.items()
        )
        return sum(terms, start=image.new_zeros(()))


@torch.no_grad()
def targets(
    network: VGG, recipe: Recipe, content: Tensor, styles: Sequence[Style]
) -> Targets:
    """What a painting of ``content`` after ``styles`` is compared with.

    Args:
        content: ``(1, C, H, W)`` on 0–255, as large as the candidate.
        styles: ``(image, weight)`` pairs, each image of a size of its own; weights
            are used relative to their sum. The Grams are the weighted mean of the
            images' own, for which Σ w ‖G − A_w‖² is least.
    """
    content_layers, style_layers = map(
        _used, (recipe.content_layers, recipe.style_layers)
    )
    whole = sum(weight for _, weight in styles) or 1.0
    grams: dict[str, Tensor] = {}
    for image, weight in styles:
        features = network(image, style_layers)
        for layer in style_layers:
            share = weight / whole
            if recipe.style_loss == "gatys-raw":
                # art.py compares sums over positions, whatever the sizes.
                share *= features[layer][0].numel() / _positions(layer, content)
            one = share * formulas.gram(features[layer])
            grams[layer] = grams[layer] + one if layer in grams else one
    return Targets(network(content, content_layers), grams)


def _positions(layer: str, image: Tensor) -> int:
    """M: how many positions ``layer`` has for ``image``; pooling drops odd rows."""
    pools = int(layer[4]) - 1
    height, width = (side >> pools for side in image.shape[-2:])
    return height * width


def _used(layers: tuple[tuple[str, float], ...]) -> dict[str, float]:
    return {layer: weight for layer, weight in layers if weight > 0}
