"""Image → (losses, gradient)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

import torch
from torch import Tensor

from artist_nst.nst import losses as formulas
from artist_nst.nst.capture import Evaluate, captured
from artist_nst.nst.features import Features
from artist_nst.nst.precision import DTYPES, Precision
from artist_nst.nst.strips import look, pull
from artist_nst.nst.vgg import VGG, positions
from artist_nst.recipes.recipe import Recipe

Style = tuple[Tensor, float]
Key = tuple[str, str]

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
    """α·content + β·style + γ·TV of a candidate, and its gradient.

    Args:
        precision: of the convolutions and of the features; Gram matrices and losses
            are float32 (float64 for a network of that).
        rows: compute so many rows at once (:mod:`artist_nst.nst.strips`), for images
            that would not fit into memory; None for all.
    """

    def __init__(
        self,
        network: VGG,
        recipe: Recipe,
        targets: Targets,
        *,
        precision: Precision = "float32",
        rows: int | None = None,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.targets = targets
        self.dtype = DTYPES[precision]
        self.rows = rows
        self.content = _used(recipe.content_layers)
        self.style = _used(recipe.style_layers)
        self.layers = {**self.content, **self.style}.keys()
        self._at_once = rows is None or not self.layers
        self._begun = False
        self._recorded: Evaluate | None = None

    def __call__(self, image: Tensor) -> tuple[Losses, Tensor]:
        """Losses and gradient at ``image``.

        Args:
            image: ``(1, C, H, W)`` on 0–255, C of 3 or 1.

        Returns:
            The losses, and d total / d image of the image's shape.
        """
        if not self._begun:
            self._begun = True
            if self._at_once:
                self._recorded = captured(self._whole, image)
        evaluate = self._whole if self._at_once else self._in_strips
        terms, gradient = (self._recorded or evaluate)(image.detach())
        return self._told(terms), gradient

    def _whole(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = image.requires_grad_()
        features = self.network(x, self.layers, self.dtype)
        seen = self.network.compared
        apart = {
            layer: formulas.squared_distance(seen(layer, features[layer]), target)
            for layer, target in self.targets.content.items()
        }
        grams = {
            layer: self.network.gram(layer, features[layer]) for layer in self.style
        }
        terms = self._terms(x, apart, grams)
        (gradient,) = torch.autograd.grad(terms[0], x)
        return terms, gradient

    def _in_strips(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The same in two passes: what the losses pull at a strip with depends on
        the sums over all of them."""
        inputs: list[Tensor] = []
        sums: dict[Key, Tensor] = {}
        for layer, rows, features in look(
            self.network, image, self.layers, self.rows, self.dtype, inputs
        ):
            for key, share in self._shares(layer, rows, features, image).items():
                sums[key] = sums[key] + share if key in sums else share
        ends = [image, *(total.requires_grad_() for total in sums.values())]
        image.requires_grad_()
        apart = {layer: sums["content", layer] for layer in self.content}
        grams = {layer: sums["style", layer] for layer in self.style}
        terms = self._terms(image, apart, grams)
        smoothing, *pulls = torch.autograd.grad(terms[0], ends)
        slopes = dict(zip(sums, pulls, strict=True))

        def pulled(layer: str, rows: slice, features: Tensor) -> Tensor:
            shares = self._shares(layer, rows, features, image)
            products = ((slopes[key] * share).sum() for key, share in shares.items())
            return sum(products, start=image.new_zeros(()))

        gradient = pull(
            self.network, inputs, self.layers, pulled, self.rows, self.dtype
        )
        return terms, gradient + smoothing

    def _shares(
        self, layer: str, rows: slice, features: Tensor, image: Tensor
    ) -> dict[Key, Tensor]:
        """What some rows of a layer add to its Σ (F − P)² and to its G."""
        found: dict[Key, Tensor] = {}
        if layer in self.content:
            target = self.targets.content[layer][:, rows]
            seen = self.network.compared(layer, features)
            found["content", layer] = formulas.squared_distance(seen, target)
        if layer in self.style:
            share = features[0].numel() / positions(layer, image)
            found["style", layer] = self.network.gram(layer, features) * share
        return found

    def _terms(
        self, x: Tensor, apart: dict[str, Tensor], grams: dict[str, Tensor]
    ) -> Tensor:
        """Total, content, style, TV, smoothness, then each layer's term.

        Args:
            apart: Σ (F − P)² by content layer; grams: G by style layer.
        """
        content = {layer: self._content(apart[layer], layer) for layer in self.content}
        style = {layer: self._style(grams[layer], layer, x) for layer in self.style}
        tv = formulas.total_variation(x)
        sums = _weighed(content, self.content, x), _weighed(style, self.style, x)
        smoothness = self._smoothness(x) * tv
        total = sums[0] + self.recipe.ratio * sums[1] + smoothness
        return torch.stack(
            (total, *sums, tv, smoothness, *content.values(), *style.values())
        )

    def _told(self, terms: Tensor) -> Losses:
        # All at once, for each look at a number makes a GPU wait.
        found = iter(terms.detach().tolist())
        return Losses(
            total=next(found),
            content=next(found),
            style=next(found),
            tv=next(found),
            smoothness=next(found),
            content_layers={layer: next(found) for layer in self.content},
            style_layers={layer: next(found) for layer in self.style},
        )

    def _content(self, squared: Tensor, layer: str) -> Tensor:
        formula = CONTENT[self.recipe.content_loss]
        target = self.targets.content[layer]
        return formula(squared, target, self.network.filters(layer))

    def _style(self, gram: Tensor, layer: str, image: Tensor) -> Tensor:
        target = self.targets.grams[layer]
        filters = self.network.filters(layer)
        if self.recipe.style_loss == "relative":
            return formulas.style_relative(gram, target)
        if self.recipe.style_loss == "mean":
            there = positions(layer, image)
            return formulas.style_mean(gram, target, there, filters)
        return formulas.style_gatys(gram, target, filters)

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
                share *= positions(layer, image) / positions(layer, content)
            one = share * own
            grams[layer] = grams[layer] + one if layer in grams else one
    return Targets(features.content(network, content, content_layers), grams)


def _weighed(
    terms: dict[str, Tensor], weights: dict[str, float], image: Tensor
) -> Tensor:
    weighed = (weights[layer] * term for layer, term in terms.items())
    return sum(weighed, start=image.new_zeros(()))


def _used(layers: tuple[tuple[str, float], ...]) -> dict[str, float]:
    return {layer: weight for layer, weight in layers if weight > 0}
