"""The objective that is minimized: image → (losses, gradient)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite

import torch
from torch import Tensor

from artist_nst.nst import losses as formulas
from artist_nst.nst.capture import TermsAndGradient, capture_graph
from artist_nst.nst.features import TargetCache
from artist_nst.nst.precision import DTYPES, Precision
from artist_nst.nst.strips import backward_strips, forward_strips
from artist_nst.nst.vgg import VGG, count_positions
from artist_nst.recipes.recipe import Recipe

WeightedImage = tuple[Tensor, float]
TermKey = tuple[str, str]
"""``"content"`` or ``"style"``, and the layer."""

CONTENT_LOSSES: dict[str, Callable[[Tensor, Tensor, int | None], Tensor]] = {
    "relative": formulas.content_relative,
    "half-squared": formulas.content_half_squared,
    "squared": formulas.content_squared,
    "mean": formulas.content_mean,
    "quarter-mean": formulas.content_quarter_mean,
}


@dataclass(frozen=True, slots=True)
class Losses:
    """Loss terms before their weights (layer weights apart), and their weighted sum.

    Attributes:
        total: α·content + β·style + smoothness.
        tv: The mean absolute difference between neighboring pixels.
        smoothness: What ``tv`` adds to the total, its weights included.
        content_layers: Each layer's term, of which ``content`` is the weighted sum.
        style_layers: Likewise of ``style``.
    """

    total: float
    content: float
    style: float
    tv: float
    smoothness: float = 0.0
    content_layers: dict[str, float] = field(default_factory=dict)
    style_layers: dict[str, float] = field(default_factory=dict)

    @property
    def is_finite(self) -> bool:
        """Whether the total is a number below infinity."""
        return isfinite(self.total)


@dataclass(frozen=True, slots=True)
class Targets:
    """The photo's features P ``(N, H, W)`` and the style's A ``(N, N)``, by layer."""

    content: dict[str, Tensor]
    grams: dict[str, Tensor]


class Objective:
    """α·content + β·style + γ·TV of a candidate, and its gradient.

    Args:
        network: Computes the features.
        recipe: Gives layers, weights and formulas of the losses.
        targets: To compare with.
        precision: Of the convolutions and of the features; Gram matrices and losses
            are float32 (float64 for a network of that dtype).
        rows: Compute this many rows at once (:mod:`artist_nst.nst.strips`), for images
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
        self.content = _active_layers(recipe.content_layers)
        self.style = _active_layers(recipe.style_layers)
        self.layers = {**self.content, **self.style}.keys()
        self._uses_strips = rows is not None and bool(self.layers)
        self._is_first_call = True
        self._graph: TermsAndGradient | None = None

    def __call__(self, image: Tensor) -> tuple[Losses, Tensor]:
        """Compute the losses at ``image``, and d total / d image.

        The image is ``(1, C, H, W)`` on 0–255, C of 3 or 1.
        """
        if self._is_first_call:
            self._is_first_call = False
            if not self._uses_strips:
                self._graph = capture_graph(self._evaluate_whole, image)
        evaluate = self._evaluate_strips if self._uses_strips else self._evaluate_whole
        terms, gradient = (self._graph or evaluate)(image.detach())
        return self._to_losses(terms), gradient

    def _evaluate_whole(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = image.requires_grad_()
        features = self.network(x, self.layers, self.dtype)
        project = self.network.project_features
        squared = {
            layer: formulas.squared_distance(project(layer, features[layer]), target)
            for layer, target in self.targets.content.items()
        }
        grams = {
            layer: self.network.gram(layer, features[layer]) for layer in self.style
        }
        terms = self._compute_terms(x, squared, grams)
        (gradient,) = torch.autograd.grad(terms[0], x)
        return terms, gradient

    def _evaluate_strips(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Evaluate in two passes over strips.

        The losses depend on sums over all strips: the first pass computes the sums, the
        second back-propagates the losses' gradient with respect to them.
        """
        inputs: list[Tensor] = []
        sums: dict[TermKey, Tensor] = {}
        for layer, rows, features in forward_strips(
            self.network, image, self.layers, self.rows, self.dtype, inputs
        ):
            for key, part in self._strip_sums(layer, rows, features, image).items():
                sums[key] = sums[key] + part if key in sums else part
        leaves = [image, *(total.requires_grad_() for total in sums.values())]
        image.requires_grad_()
        squared = {layer: sums["content", layer] for layer in self.content}
        grams = {layer: sums["style", layer] for layer in self.style}
        terms = self._compute_terms(image, squared, grams)
        tv_gradient, *sum_gradients = torch.autograd.grad(terms[0], leaves)
        gradients = dict(zip(sums, sum_gradients, strict=True))

        def strip_loss(layer: str, rows: slice, features: Tensor) -> Tensor:
            parts = self._strip_sums(layer, rows, features, image)
            products = ((gradients[key] * part).sum() for key, part in parts.items())
            return sum(products, start=image.new_zeros(()))

        gradient = backward_strips(
            self.network, inputs, self.layers, strip_loss, self.rows, self.dtype
        )
        return terms, gradient + tv_gradient

    def _strip_sums(
        self, layer: str, rows: slice, features: Tensor, image: Tensor
    ) -> dict[TermKey, Tensor]:
        """Compute what some rows of a layer add to its Σ (F − P)² and to its G."""
        sums: dict[TermKey, Tensor] = {}
        if layer in self.content:
            target = self.targets.content[layer][:, rows]
            projected = self.network.project_features(layer, features)
            sums["content", layer] = formulas.squared_distance(projected, target)
        if layer in self.style:
            share = features[0].numel() / count_positions(layer, image)
            sums["style", layer] = self.network.gram(layer, features) * share
        return sums

    def _compute_terms(
        self, x: Tensor, squared: dict[str, Tensor], grams: dict[str, Tensor]
    ) -> Tensor:
        """Stack total, content, style, TV, smoothness, then each layer's term.

        From the image, Σ (F − P)² by content layer, and G by style layer.
        """
        content_loss = CONTENT_LOSSES[self.recipe.content_loss]
        content = {
            layer: content_loss(
                squared[layer], target, self.network.filter_count(layer)
            )
            for layer, target in self.targets.content.items()
        }
        style = {
            layer: self._style_term(grams[layer], layer, x) for layer in self.style
        }
        tv = formulas.total_variation(x)
        content_sum = _weighted_sum(content, self.content, x)
        style_sum = _weighted_sum(style, self.style, x)
        # γ is for the mean over pairs of neighbors, ``tv_sum`` for their sum.
        pairs = formulas.count_neighbor_pairs(x)
        smoothness = (self.recipe.tv + self.recipe.tv_sum * pairs) * tv
        total = content_sum + self.recipe.ratio * style_sum + smoothness
        sums = total, content_sum, style_sum, tv, smoothness
        return torch.stack((*sums, *content.values(), *style.values()))

    def _to_losses(self, terms: Tensor) -> Losses:
        # One transfer for all: each read of a number makes the host wait for the GPU.
        values = terms.detach().tolist()
        total, content, style, tv, smoothness, *layers = values
        split = len(self.content)
        return Losses(
            total,
            content,
            style,
            tv,
            smoothness,
            dict(zip(self.content, layers[:split], strict=True)),
            dict(zip(self.style, layers[split:], strict=True)),
        )

    def _style_term(self, gram: Tensor, layer: str, image: Tensor) -> Tensor:
        target = self.targets.grams[layer]
        filters = self.network.filter_count(layer)
        if self.recipe.style_loss == "relative":
            return formulas.style_relative(gram, target)
        if self.recipe.style_loss == "mean":
            positions = count_positions(layer, image)
            return formulas.style_mean(gram, target, positions, filters)
        return formulas.style_gatys(gram, target, filters)


def compute_targets(
    network: VGG,
    recipe: Recipe,
    content: Tensor,
    styles: Sequence[WeightedImage],
    cache: TargetCache | None = None,
) -> Targets:
    """Compute what a painting of ``content`` after ``styles`` is compared with.

    Args:
        network: Computes the features.
        recipe: Names the layers.
        content: ``(1, C, H, W)`` on 0–255, of the candidate's size.
        styles: ``(image, weight)`` pairs, each image of a size of its own; weights
            are relative to their sum. The Gram matrices are the weighted mean of the
            images' own, at which Σ w ‖G − A_w‖² is least.
        cache: Holds what is already known of the images.
    """
    cache = cache or TargetCache()
    style_layers = _active_layers(recipe.style_layers)
    total_weight = sum(weight for _, weight in styles) or 1.0
    means: dict[str, Tensor] = {}
    for image, weight in styles:
        for layer, gram in cache.style_grams(network, image, style_layers).items():
            share = weight / total_weight
            if recipe.style_loss == "gatys-raw":
                # art.py compares sums over positions, whatever the sizes.
                share *= count_positions(layer, image) / count_positions(layer, content)
            part = share * gram
            means[layer] = means[layer] + part if layer in means else part
    content_layers = _active_layers(recipe.content_layers)
    return Targets(cache.content_features(network, content, content_layers), means)


def _weighted_sum(
    terms: dict[str, Tensor], weights: dict[str, float], image: Tensor
) -> Tensor:
    products = (weights[layer] * term for layer, term in terms.items())
    return sum(products, start=image.new_zeros(()))


def _active_layers(layers: tuple[tuple[str, float], ...]) -> dict[str, float]:
    return {layer: weight for layer, weight in layers if weight > 0}
