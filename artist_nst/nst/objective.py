"""The objective that is minimized: image → (losses, gradient)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

import torch
from torch import Tensor

from artist_nst._types import Precision
from artist_nst.nst import losses as formulas
from artist_nst.nst.capture import TermsAndGradient, capture_graph
from artist_nst.nst.features import TargetCache
from artist_nst.nst.masks import LayerMasks, make_layer_masks
from artist_nst.nst.matting import MattingTerm
from artist_nst.nst.neighbors import Neighbors, cell_size, pool_to_grid, sum_distances
from artist_nst.nst.precision import DTYPES
from artist_nst.nst.regions import Region, make_whole
from artist_nst.nst.strips import backward_strips, forward_strips
from artist_nst.nst.tensors import to_pixels
from artist_nst.nst.vgg import VGG, count_positions
from artist_nst.recipes.recipe import Recipe

WeightedImage = tuple[Tensor, float]
TermKey = tuple[str, str, int]
"""``"content"``, ``"style"`` or ``"neighbors"``, the layer, and the region's index."""

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
        total: α·content + β·(style and neighbors by their weights) + smoothness +
            the weighted matting term.
        style: Of the Gram matrices.
        tv: The mean absolute difference between neighboring pixels.
        smoothness: What ``tv`` adds to the total, its weights included.
        matting: The mean squared distance from a photo under other light, in levels.
        neighbors: The mean over places of 1 − cos between a place and its neighbor.
        content_layers: Each layer's term, of which ``content`` is the weighted sum.
        style_layers: Likewise of ``style``.
        neighbor_layers: Likewise of ``neighbors``.
    """

    total: float
    content: float
    style: float
    tv: float
    smoothness: float = 0.0
    neighbors: float = 0.0
    matting: float = 0.0
    content_layers: dict[str, float] = field(default_factory=dict)
    style_layers: dict[str, float] = field(default_factory=dict)
    neighbor_layers: dict[str, float] = field(default_factory=dict)

    @property
    def is_finite(self) -> bool:
        """Whether the total is a number below infinity."""
        return isfinite(self.total)


@dataclass(frozen=True, slots=True)
class StyleTargets:
    """What a painting, or one of its regions, is compared with.

    Attributes:
        grams: By layer A ``(N, N)``.
        neighbors: The places of works that those of the painting are compared with.
        masks: The region at each layer; None for the whole painting.
        weight: Of the region's terms: its share of the painting, times its strength.
    """

    grams: dict[str, Tensor]
    neighbors: Neighbors | None = None
    masks: LayerMasks | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Targets:
    """The photo's features P ``(N, H, W)`` by layer, and each region's style.

    ``matting`` is of the photo, for recipes that keep a painting near it.
    """

    content: dict[str, Tensor]
    styles: tuple[StyleTargets, ...]
    matting: MattingTerm | None = None

    def with_neighbors(self, neighbors: Sequence[Neighbors]) -> "Targets":
        """Return these targets with each region's neighbors."""
        pairs = zip(self.styles, neighbors, strict=True)
        return replace(
            self, styles=tuple(replace(style, neighbors=near) for style, near in pairs)
        )


@dataclass(frozen=True, slots=True)
class KeptPart:
    """The part of a painting that stays as photographed.

    Attributes:
        mask: k ``(H, W)`` in [0, 1].
        photo: ``(1, C, H, W)`` on 0–255.
    """

    mask: Tensor
    photo: Tensor

    def compose(self, image: Tensor) -> Tensor:
        """Return (1 − k)·image + k·photo."""
        return torch.lerp(image, self.photo, self.mask)


class Objective:
    """Weighted sum of all losses of a candidate, and its gradient.

    It is α·content + β·(g·style + n·neighbors) + γ·TV + λ·matting, with g, n and λ the
    recipe's ``gram_weight``, ``neighbor_weight`` and ``matting``.

    Args:
        network: Computes the features.
        recipe: Gives layers, weights and formulas of the losses.
        targets: To compare with.
        precision: Of the convolutions and of the features; Gram matrices and losses
            are float32 (float64 for a network of that dtype).
        rows: Compute this many rows at once (:mod:`artist_nst.nst.strips`), for images
            that would not fit into memory; None for all.
        kept: What of the image is replaced by the photo before anything is compared.
    """

    def __init__(
        self,
        network: VGG,
        recipe: Recipe,
        targets: Targets,
        *,
        precision: Precision = "float32",
        rows: int | None = None,
        kept: KeptPart | None = None,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.targets = targets
        self.dtype = DTYPES[precision]
        self.rows = rows
        self.kept = kept
        self.content = recipe.content_weights
        self.style = recipe.gram_weights
        self.neighbors = recipe.neighbor_weights
        self.layers = recipe.compared_layers
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
        image = image.detach()
        if self.kept is not None:
            image = self.kept.compose(image)
        terms, gradient = (self._graph or evaluate)(image)
        losses = self._to_losses(terms)
        if self.targets.matting is not None:
            matting, slope = self.targets.matting(image)
            gradient = gradient + self.recipe.matting * slope
            term = float(matting)
            total = losses.total + self.recipe.matting * term
            losses = replace(losses, total=total, matting=term)
        if self.kept is not None:
            gradient = gradient * (1 - self.kept.mask)
        return losses, gradient

    def _evaluate_whole(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = image.requires_grad_()
        sums: dict[TermKey, Tensor] = {}
        for layer, features in self.network(x, self.layers, self.dtype).items():
            sums.update(self._strip_sums(layer, slice(None), features, image))
        terms = self._compute_terms(x, sums)
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
        terms = self._compute_terms(image, sums)
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
        """Compute what some rows of a layer add to the sums that its losses are of."""
        sums: dict[TermKey, Tensor] = {}
        if layer in self.content:
            target = self.targets.content[layer][:, rows]
            projected = self.network.project_features(layer, features)
            sums["content", layer, 0] = formulas.squared_distance(projected, target)
        if layer in self.style:
            for index, gram in enumerate(self._grams(layer, rows, features, image)):
                sums["style", layer, index] = gram
        if layer in self.neighbors:
            pooled = pool_to_grid(layer, features)
            projected = self.network.project_features(layer, pooled)
            top = (rows.start or 0) // cell_size(layer)
            grid_rows = slice(top, top + pooled.shape[1])
            for index, style in enumerate(self.targets.styles):
                sums["neighbors", layer, index] = _sum_distances(
                    style, layer, projected, grid_rows
                )
        return sums

    def _grams(
        self, layer: str, rows: slice, features: Tensor, image: Tensor
    ) -> list[Tensor]:
        """Compute what some rows of a layer add to each region's Gram matrix."""
        masks = [style.masks for style in self.targets.styles if style.masks]
        if masks:
            windows = [mask.layers[layer].get_window(rows) for mask in masks]
            return self.network.guided_grams(layer, features, windows)
        share = features[0].numel() / count_positions(layer, image)
        return [self.network.gram(layer, features) * share]

    def _compute_terms(self, x: Tensor, sums: dict[TermKey, Tensor]) -> Tensor:
        """Stack the total and the terms that it is of, then each layer's.

        From the image, Σ (F − P)² by content layer, and by layer and region G and the
        sum of distances to neighbors.
        """
        content_loss = CONTENT_LOSSES[self.recipe.content_loss]
        content = {
            layer: content_loss(
                sums["content", layer, 0], target, self.network.filter_count(layer)
            )
            for layer, target in self.targets.content.items()
        }
        style = {
            layer: self._add_regions(
                self._style_term(sums["style", layer, index], layer, style.grams, x)
                for index, style in enumerate(self.targets.styles)
            )
            for layer in self.style
        }
        tv = formulas.total_variation(x)
        content_sum = _weighted_sum(content, self.content, x)
        style_sum = _weighted_sum(style, self.style, x)
        # γ is for the mean over pairs of neighbors, ``tv_sum`` for their sum.
        pairs = formulas.count_neighbor_pairs(x)
        smoothness = (self.recipe.tv + self.recipe.tv_sum * pairs) * tv
        near = {
            layer: self._add_regions(
                sums["neighbors", layer, index] / _count_places(style, layer)
                for index, style in enumerate(self.targets.styles)
            )
            for layer in self.neighbors
        }
        near_sum = _weighted_sum(near, self.neighbors, x)
        recipe = self.recipe
        total = content_sum + recipe.ratio * recipe.gram_weight * style_sum + smoothness
        if self.neighbors:
            total = total + recipe.ratio * recipe.neighbor_weight * near_sum
        totals = total, content_sum, style_sum, tv, smoothness, near_sum
        return torch.stack(
            (*totals, *content.values(), *style.values(), *near.values())
        )

    def _to_losses(self, terms: Tensor) -> Losses:
        # One transfer for all: each read of a number makes the host wait for the GPU.
        values = terms.detach().tolist()
        total, content, style, tv, smoothness, neighbors, *layers = values
        remaining = iter(layers)
        content_layers, style_layers, neighbor_layers = (
            {layer: next(remaining) for layer in names}
            for names in (self.content, self.style, self.neighbors)
        )
        return Losses(
            total,
            content,
            style,
            tv,
            smoothness,
            neighbors,
            content_layers=content_layers,
            style_layers=style_layers,
            neighbor_layers=neighbor_layers,
        )

    def _add_regions(self, terms: Iterable[Tensor]) -> Tensor:
        """Add the regions' terms of one layer by the regions' weights."""
        pairs = zip(self.targets.styles, terms, strict=True)
        return torch.stack([style.weight * term for style, term in pairs]).sum()

    def _style_term(
        self, gram: Tensor, layer: str, grams: dict[str, Tensor], image: Tensor
    ) -> Tensor:
        target = grams[layer]
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
    regions: Sequence[Region] = (),
) -> Targets:
    """Compute what a painting of ``content`` after ``styles`` is compared with.

    Neighbors are found by :class:`~artist_nst.nst.neighbors.NeighborFinder`.

    Args:
        network: Computes the features.
        recipe: Names the layers.
        content: ``(1, C, H, W)`` on 0–255, of the candidate's size.
        styles: ``(image, weight)`` pairs, each image of a size of its own; weights
            are relative to their sum. The Gram matrices are the weighted mean of the
            images' own, at which Σ w ‖G − A_w‖² is least.
        cache: Holds what is already known of the images.
        regions: Parts of the painting that are after some of the styles; all of it is
            after all of them if there are none. Their masks have the sizes of
            ``content`` and ``styles``.
    """
    cache = cache or TargetCache()

    def mean_grams(
        weights: Sequence[float], style_masks: Mapping[int, Tensor]
    ) -> dict[str, Tensor]:
        total_weight = sum(weights) or 1.0
        means: dict[str, Tensor] = {}
        for index, ((image, _), weight) in enumerate(zip(styles, weights, strict=True)):
            if not weight and any(weights):
                continue
            masks = None
            if index in style_masks:
                masks = make_layer_masks(network, recipe, style_masks[index]).layers
            grams = cache.style_grams(network, image, recipe.gram_weights, masks)
            for layer, gram in grams.items():
                share = weight / total_weight
                if recipe.style_loss == "gatys-raw":
                    # art.py compares sums over positions, whatever the sizes.
                    share *= count_positions(layer, image)
                    share /= count_positions(layer, content)
                part = share * gram
                means[layer] = means[layer] + part if layer in means else part
        return means

    targets = [
        StyleTargets(
            mean_grams(region.weights, region.style_masks),
            masks=None
            if region.mask is None
            else make_layer_masks(network, recipe, region.mask),
            weight=region.weight,
        )
        for region in regions or [make_whole(styles)]
    ]
    features = cache.content_features(network, content, recipe.content_weights)
    matting = None
    if recipe.matting:
        matting = MattingTerm(to_pixels(content), content.device, content.dtype)
    return Targets(features, tuple(targets), matting)


def _sum_distances(
    style: StyleTargets, layer: str, features: Tensor, rows: slice
) -> Tensor:
    """Sum the distances of some rows' places, ``(N, rows, w)``, to their neighbors."""
    neighbors = style.neighbors
    assert neighbors is not None
    directions, mean = neighbors.directions[layer][:, rows], neighbors.means[layer]
    if style.masks is None:
        return sum_distances(features, directions, mean)
    covered, mask, _ = style.masks.grids[layer].get_window(rows)
    return sum_distances(features[:, covered], directions[:, covered], mean, mask)


def _count_places(style: StyleTargets, layer: str) -> Tensor | int:
    """Count the places of a layer that are compared with neighbors."""
    if style.masks is not None:
        return style.masks.grids[layer].total
    assert style.neighbors is not None
    return style.neighbors.directions[layer][0].numel()


def _weighted_sum(
    terms: dict[str, Tensor], weights: dict[str, float], image: Tensor
) -> Tensor:
    products = (weights[layer] * term for layer, term in terms.items())
    return sum(products, start=image.new_zeros(()))
