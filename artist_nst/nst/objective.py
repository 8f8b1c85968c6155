"""Image → (losses, gradient): the only place that calls backward."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

import torch
from torch import Tensor

from artist_nst.nst import losses as formulas
from artist_nst.nst.features import Features
from artist_nst.nst.recipe import Recipe
from artist_nst.nst.vgg import VGG

Style = tuple[Tensor, float]

CONTENT = {
    "relative": formulas.content_relative,
    "half-squared": formulas.content_half_squared,
    "squared": formulas.content_squared,
    "mean": formulas.content_mean,
    "quarter-mean": formulas.content_quarter_mean,
}


@dataclass(frozen=True, slots=True)
class Losses:
    """The terms before their weights (layer weights apart), and their weighted sum.

    Attributes:
        tv: the mean absolute difference between neighbouring pixels.
        smoothness: what that adds to the total, its weights included.
        content_layers, style_layers: each layer's term before its weight.
    """

    total: float
    content: float
    style: float
    tv: float
    smoothness: float = 0.0
    content_layers: dict[str, float] = field(default_factory=dict)
    style_layers: dict[str, float] = field(default_factory=dict)

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
        self.content = _used(recipe.content_layers)
        self.style = _used(recipe.style_layers)
        self.layers = {**self.content, **self.style}.keys()

    def __call__(self, image: Tensor) -> tuple[Losses, Tensor]:
        """Losses and gradient at ``image``.

        Args:
            image: ``(1, C, H, W)`` on 0–255, C of 3 or 1.

        Returns:
            The losses, and d total / d image of the image's shape.
        """
        x = image.detach().requires_grad_()
        features = self.network(x, self.layers)
        content = {layer: self._content(features, layer) for layer in self.content}
        style = {layer: self._style(features, layer) for layer in self.style}
        tv = formulas.total_variation(x)
        sums = _weighed(content, self.content, x), _weighed(style, self.style, x)
        smoothness = self._smoothness(x) * tv
        total = sums[0] + self.recipe.ratio * sums[1] + smoothness
        (gradient,) = torch.autograd.grad(total, x)
        # All at once, for each look at a number makes a GPU wait.
        terms = torch.stack(
            (total, *sums, tv, smoothness, *content.values(), *style.values())
        )
        found = iter(terms.detach().tolist())
        losses = Losses(
            total=next(found),
            content=next(found),
            style=next(found),
            tv=next(found),
            smoothness=next(found),
            content_layers={layer: next(found) for layer in content},
            style_layers={layer: next(found) for layer in style},
        )
        return losses, gradient

    def _content(self, features: dict[str, Tensor], layer: str) -> Tensor:
        formula = CONTENT[self.recipe.content_loss]
        return formula(features[layer], self.targets.content[layer])

    def _style(self, features: dict[str, Tensor], layer: str) -> Tensor:
        grams = formulas.gram(features[layer]), self.targets.grams[layer]
        if self.recipe.style_loss == "relative":
            return formulas.style_relative(*grams)
        if self.recipe.style_loss == "mean":
            return formulas.style_mean(*grams, features[layer][0].numel())
        return formulas.style_gatys(*grams)

    def _smoothness(self, image: Tensor) -> float:
        """γ on the mean of neighbours' differences, what weighs their sum included."""
        return self.recipe.tv + self.recipe.tv_sum * formulas.neighbours(image)


def targets(
    network: VGG,
    recipe: Recipe,
    content: Tensor,
    styles: Sequence[Style],
    features: Features | None = None,
) -> Targets:
    """What a painting of ``content`` after ``styles`` is compared with.

    Args:
        content: ``(1, C, H, W)`` on 0–255, as large as the candidate.
        styles: ``(image, weight)`` pairs, each image of a size of its own; weights
            are used relative to their sum. The Grams are the weighted mean of the
            images' own, for which Σ w ‖G − A_w‖² is least.
        features: what is known of the images already.
    """
    features = features or Features()
    content_layers, style_layers = map(
        _used, (recipe.content_layers, recipe.style_layers)
    )
    whole = sum(weight for _, weight in styles) or 1.0
    grams: dict[str, Tensor] = {}
    for image, weight in styles:
        of_image = features.grams(network, image, style_layers)
        for layer, own in of_image.items():
            share = weight / whole
            if recipe.style_loss == "gatys-raw":
                # art.py compares sums over positions, whatever the sizes.
                share *= _positions(layer, image) / _positions(layer, content)
            one = share * own
            grams[layer] = grams[layer] + one if layer in grams else one
    return Targets(features.content(network, content, content_layers), grams)


def _positions(layer: str, image: Tensor) -> int:
    """M: how many positions ``layer`` has for ``image``; pooling drops odd rows."""
    pools = int(layer[4]) - 1
    height, width = (side >> pools for side in image.shape[-2:])
    return height * width


def _weighed(
    terms: dict[str, Tensor], weights: dict[str, float], image: Tensor
) -> Tensor:
    weighed = (weights[layer] * term for layer, term in terms.items())
    return sum(weighed, start=image.new_zeros(()))


def _used(layers: tuple[tuple[str, float], ...]) -> dict[str, float]:
    return {layer: weight for layer, weight in layers if weight > 0}
