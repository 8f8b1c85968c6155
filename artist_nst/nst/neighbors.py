"""Nearest-neighbor features: for each place of an image the most similar of works.

A place is one position of a grid at a quarter of an image's size; its hypercolumn are
the features of several layers there. Layers that are finer than the grid are averaged
to it, deeper ones are interpolated.

Source:
    Kolkin, Kucera, Paris, Sýkora, Shechtman and Shakhnarovich, "Neural neighbor style
    transfer", 2022; Li and Wand, "Combining Markov random fields and convolutional
    neural networks for image synthesis", 2016, for one layer and patches.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from artist_nst.errors import UsageError, format_count
from artist_nst.nst.products import multiply_rows
from artist_nst.nst.strips import FEATURE_ROWS, forward_strips
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.recipe import Turns

log = logging.getLogger(__name__)

# Of all works together. More are thinned evenly: an exact search takes time that grows
# with the fourth power of the width. Eight works at 512 pixels have about 100,000.
MAX_PLACES = 1 << 17

# Similarities that are held at once.
BLOCK_ELEMENTS = 1 << 24
# Of the image's places, those whose hypercolumns are held at once.
BLOCK_PLACES = 1 << 17

Group = tuple[str, ...]
"""Layers that are matched together."""
Columns = dict[str, Tensor]
"""By layer ``(places, N)``."""
Places = Mapping[str, Tensor]
"""By layer how much each place of its grid counts, ``(h_l, w_l)`` in [0, 1]."""


COPIES: dict[Turns, int] = {"none": 1, "mirror": 2, "all": 8}
"""How many copies of a work :func:`turn_image` gives."""

_GRID_BLOCK = 3  # the network's block that has a quarter of the image's size
_TINY = 1e-6  # far below the features' norms


@dataclass(frozen=True, slots=True)
class Neighbors:
    """What places are compared with: their neighbors' features.

    Attributes:
        directions: By layer T̂ = (T − μ) / ‖T − μ‖, ``(N, h, w)``, of the neighbors'
            features T.
        means: By layer μ, the mean over all places of the works, ``(N,)``.
        sources: The work that each place's neighbor is from, ``(h, w)``; by the first
            layer where layers were matched separately.
        similarity: The mean over places of the cosine that was maximized.
    """

    directions: dict[str, Tensor]
    means: dict[str, Tensor]
    sources: Tensor
    similarity: float


def pool_to_grid(layer: str, features: Tensor) -> Tensor:
    """Average a layer's features ``(N, H_l, W_l)`` to a quarter of the image's size.

    Those of deeper layers are returned as they are. Rows and columns that do not fill
    a place are dropped.
    """
    size = cell_size(layer)
    if size == 1:
        return features
    height, width = (side // size for side in features.shape[1:])
    if height * width == 0:
        # A slice, so that a strip without a place has a gradient, too.
        return features[:, :height, :width]
    pooled: Tensor = _AveragePool.apply(features, size)
    return pooled


class _AveragePool(torch.autograd.Function):
    """Average ``(N, H, W)`` over squares, and give the gradient the features' layout.

    avg_pool2d's own gradient has another one, which takes an eighth of an evaluation.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, size: int) -> Tensor:
        ctx.shape, ctx.size = features.shape, size
        # Not features[None], whose strides torch does not take for channels-last.
        batch = features.permute(1, 2, 0)[None].permute(0, 3, 1, 2)
        return functional.avg_pool2d(batch, size)[0]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        size, (count, height, width) = ctx.size, ctx.shape
        shares = (gradient / size**2).permute(1, 2, 0)
        rows, columns, _ = shares.shape
        spread = shares[:, None, :, None].expand(rows, size, columns, size, count)
        whole = spread.reshape(rows * size, columns * size, count)
        # Rows and columns that fill no place.
        rest = 0, 0, 0, width - columns * size, 0, height - rows * size
        return functional.pad(whole, rest).permute(2, 0, 1), None


def cell_size(layer: str) -> int:
    """Return how many rows and columns of a layer's features make one place."""
    return 1 << max(0, _GRID_BLOCK - int(layer[4]))


def sum_distances(
    features: Tensor, directions: Tensor, mean: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Sum 1 − cos(F − μ, T − μ) over places.

    Args:
        features: F, ``(N, h, w)``.
        directions: (T − μ) / ‖T − μ‖, of the same shape.
        mean: μ, ``(N,)``.
        mask: How much each place counts, ``(h, w)`` in [0, 1]; 1 if not given.

    Returns:
        A number, from 0 to twice the number of places.
    """
    centered = features.to(directions.dtype) - mean.view(-1, 1, 1)
    norms = torch.linalg.vector_norm(centered, dim=0).clamp_min(_TINY)
    cosines: Tensor = (centered * directions).sum(0) / norms
    distances = 1 - cosines
    return (distances if mask is None else distances * mask).sum()


class NeighborFinder:
    """Search of works for the places that are most like an image's.

    A layer's features are divided by their root mean square over all works, so that
    every layer counts alike. Both sides are centered at their own means; the neighbor
    is the place with the largest cosine between hypercolumns.

    Args:
        network: On the works' device.
        layers: Of the hypercolumns.
        works: ``(1, C, H, W)`` on 0–255, of any sizes.
        dtype: Of the convolutions and of the search; the network's own if None, and as
            soon as features in ``dtype`` are not finite.
        turns: Mirrored or turned copies of works to search as well.
        max_share: Of the places that may have their neighbor in one work.
        masks: Which places of each work are searched, those above 0; None for all of a
            work.

    Raises:
        UsageError: The works are too few for ``max_share``.
    """

    def __init__(
        self,
        network: VGG,
        layers: Sequence[str],
        works: Sequence[Tensor],
        *,
        dtype: torch.dtype | None = None,
        turns: Turns = "none",
        max_share: float = 1.0,
        masks: Sequence[Places | None] = (),
    ) -> None:
        check_share(max_share, len(works))
        self.network = network
        self.layers = tuple(layers)
        self.dtype = dtype
        self.max_share = max_share
        self.work_count = len(works)
        # By group of layers that is matched together: the columns of each image.
        self._keys: dict[Group, list[Columns]] = {
            group: [] for group in (self.layers, *((layer,) for layer in self.layers))
        }
        self._work_of_image: list[int] = []
        self._collect(works, masks or [None] * len(works), turns)

    def find(self, image: Tensor, places: Places | None = None) -> Neighbors:
        """Find the neighbors of whole hypercolumns of ``image``, ``(1, C, H, W)``.

        Args:
            image: The image.
            places: Masks ``(h_l, w_l)`` on the layers' grids: neighbors are found for
                the places above 0 only; for all if not given.
        """
        return self._find(image, [self.layers], places)

    def find_by_layer(self, image: Tensor, places: Places | None = None) -> Neighbors:
        """Find the neighbors of each layer's features separately, on its own grid.

        Takes the same as :meth:`find`.

        Source:
            Feature splitting, Kolkin et al. 2022, section 3.4.
        """
        return self._find(image, [(layer,) for layer in self.layers], places)

    @torch.no_grad()
    def _collect(
        self,
        works: Sequence[Tensor],
        masks: Sequence[Places | None],
        turns: Turns,
    ) -> None:
        """Take the columns of all works, and each layer's mean and scale."""
        strides = {
            group: max(1.0, COPIES[turns] * count_places(group, works) / MAX_PLACES)
            for group in self._keys
        }
        sums = {layer: torch.zeros(()) for layer in self.layers}
        squares, counts = dict.fromkeys(self.layers, 0.0), dict.fromkeys(self.layers, 0)
        for index, (work, mask) in enumerate(zip(works, masks, strict=True)):
            for turn, image in enumerate(turn_image(work, turns)):
                features = self._extract(image)
                places = None
                if mask is not None:
                    places = {
                        layer: turn_image(grid[None, None], turns)[turn][0, 0]
                        for layer, grid in mask.items()
                    }
                for layer, values in features.items():
                    flat = values.flatten(1).to(self._exact)
                    selected = _select_places(places, (layer,))
                    if selected is not None:
                        flat = flat[:, selected]
                    sums[layer] = sums[layer].to(flat) + flat.sum(1)
                    squares[layer] += float(flat.square().sum())
                    counts[layer] += flat.shape[1]
                self._work_of_image.append(index)
                for group, columns in self._keys.items():
                    selected = _select_places(places, group)
                    columns.append(
                        _take_columns(features, group, strides[group], selected)
                    )
        self.means = {layer: sums[layer] / counts[layer] for layer in self.layers}
        self.scales = {
            layer: max(squares[layer] / counts[layer], _TINY) ** -0.5
            for layer in self.layers
        }

    @torch.no_grad()
    def _find(
        self, image: Tensor, groups: Sequence[Group], places: Places | None
    ) -> Neighbors:
        queries = self._extract(image)
        directions = {layer: self._allocate(queries[layer]) for layer in queries}
        sources: list[Tensor] = []
        similarities = []
        for group in groups:
            shape = _grid_shape(queries, group)
            blocks = _split_grid(shape, group)
            selected = _select_places(places, group)
            scores, columns = self._search(queries, group, blocks, selected)
            works = assign_works(scores, self.max_share)
            rows = torch.arange(len(works), device=works.device)
            similarities.append(scores[rows, works].mean())
            sources.append(_fill_grid(works, shape, selected))
            best = _fill_grid(columns[rows, works], shape, selected)
            for block in blocks:
                found = self._gather(group, sources[-1][block], best[block])
                for layer, values in found.items():
                    size = _grid_cell(layer) // min(map(_grid_cell, group))
                    rows_of_layer = directions[layer][:, block.start // size :]
                    is_found = sources[-1][block] >= 0
                    self._set_directions(rows_of_layer, layer, values, is_found, size)
        similarity = float(torch.stack(similarities).mean())
        return Neighbors(directions, self.means, sources[0], similarity)

    def _allocate(self, features: Tensor) -> Tensor:
        """Allocate directions ``(N, h, w)``, channels last as the features are."""
        count, height, width = features.shape
        return self.network.mean.new_zeros(height, width, count).permute(2, 0, 1)

    def _set_directions(
        self,
        directions: Tensor,
        layer: str,
        found: Tensor,
        is_found: Tensor,
        size: int,
    ) -> None:
        """Set the first rows of ``(N, h, w)`` from features that were found.

        Args:
            directions: To be set.
            layer: Of both.
            found: ``(h · size, w · size, N)``, or a few more; zeros where nothing is.
            is_found: Where something is, ``(h · size, w · size)``.
            size: How many rows and columns are averaged.
        """
        target = found.permute(2, 0, 1)
        if size > 1:
            # At the edge of a region, of what is found alone.
            share = functional.avg_pool2d(is_found[None].to(target), size)
            target = functional.avg_pool2d(target[None], size)[0] / share.clamp_min(
                1 / size**2
            )
        target = target - self.means[layer].view(-1, 1, 1)
        height, width = target.shape[1:]
        directions[:, :height, :width] = functional.normalize(target, dim=0, eps=_TINY)

    def _search(
        self,
        features: dict[str, Tensor],
        group: Group,
        blocks: Sequence[slice],
        selected: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Find the best neighbor in every work, of each place or of M selected ones.

        Returns:
            Cosines ``(M, works)``, and indices among the work's columns.
        """
        grids = _interpolate(features, group)
        width = grids[group[0]].shape[2]

        def take_columns(layer: str, block: slice) -> Tensor:
            columns = _to_columns(grids[layer][:, block])
            if selected is None:
                return columns
            rows = slice(block.start * width, block.stop * width)
            return columns[selected[rows]]

        count = grids[group[0]][0].numel() if selected is None else int(selected.sum())
        means = {
            layer: torch.stack(
                [take_columns(layer, block).to(self._exact).sum(0) for block in blocks]
            ).sum(0)
            / count
            for layer in group
        }
        parts = [
            self._search_block(
                self._normalize(
                    {layer: take_columns(layer, block) for layer in group}, means
                ),
                group,
            )
            for block in blocks
        ]
        scores, places = zip(*parts, strict=True)
        return torch.cat(scores), torch.cat(places)

    def _search_block(self, queries: Tensor, group: Group) -> tuple[Tensor, Tensor]:
        """Find the neighbors of some places, ``(M, D)``, in every work."""
        shape = len(queries), self.work_count
        scores = torch.full(shape, -2, dtype=self._exact, device=queries.device)
        places = torch.zeros(shape, dtype=torch.long, device=queries.device)
        offsets = [0] * self.work_count
        for work, columns in zip(self._work_of_image, self._keys[group], strict=True):
            keys = self._normalize(columns, self.means)
            step = max(1, BLOCK_ELEMENTS // len(keys))
            for start in range(0, len(queries), step):
                block = slice(start, start + step)
                cosines, best = multiply_rows(queries[block], keys).max(1)
                is_better = cosines > scores[block, work]
                scores[block, work] = cosines.to(self._exact).where(
                    is_better, scores[block, work]
                )
                places[block, work] = (best + offsets[work]).where(
                    is_better, places[block, work]
                )
            offsets[work] += len(keys)
        return scores, places

    def _gather(self, group: Group, works: Tensor, places: Tensor) -> Columns:
        """Return the features ``(h, w, N)`` of the neighbors, by layer.

        Zeros where ``works`` is −1.
        """
        results = {
            layer: self.means[layer].new_zeros(*works.shape, len(self.means[layer]))
            for layer in group
        }
        offsets = [0] * self.work_count
        for work, columns in zip(self._work_of_image, self._keys[group], strict=True):
            local = places - offsets[work]
            count = len(columns[group[0]])
            is_here = (works == work) & (local >= 0) & (local < count)
            for layer in group:
                results[layer][is_here] = columns[layer][local[is_here]].to(self._exact)
            offsets[work] += count
        return results

    def _normalize(self, columns: Columns, means: dict[str, Tensor]) -> Tensor:
        """Return centered hypercolumns of length one, ``(M, D)``."""
        parts = [
            (values.to(self._exact) - means[layer]) * self.scales[layer]
            for layer, values in columns.items()
        ]
        normalized = functional.normalize(torch.cat(parts, 1), dim=1, eps=_TINY)
        return normalized if self.dtype is None else normalized.to(self.dtype)

    @property
    def _exact(self) -> torch.dtype:
        """Of means and targets: that of the network's kernels."""
        return self.network.mean.dtype

    def _extract(self, image: Tensor) -> dict[str, Tensor]:
        """Compute each layer's features on its grid, ``(N, h_l, w_l)``."""
        strips: dict[str, list[Tensor]] = {layer: [] for layer in self.layers}
        for layer, _, strip in forward_strips(
            self.network, image, self.layers, FEATURE_ROWS, self.dtype
        ):
            pooled = pool_to_grid(layer, strip)
            pooled = self.network.project_features(layer, pooled)
            strips[layer].append(pooled.to(self.dtype or pooled.dtype))
        features = {layer: torch.cat(parts, 1) for layer, parts in strips.items()}
        is_finite = all(bool(values.isfinite().all()) for values in features.values())
        if self.dtype is None or is_finite:
            return features
        log.warning("not finite in bfloat16: neighbors are found in float32")
        self.dtype = None
        return self._extract(image)


def check_share(max_share: float, work_count: int) -> None:
    """Raise UsageError if works of that share each cannot fill a painting."""
    if max_share * work_count < 1 - 1e-9:
        raise UsageError(
            f"--max-share {max_share:g}: {format_count(work_count, 'work')} can't fill "
            f"a painting at that share each; allow at least {1 / work_count:.2g}, or "
            "name more works"
        )


def assign_works(scores: Tensor, max_share: float = 1.0) -> Tensor:
    """Assign each place the work it is most similar to, none more than a share.

    A work that too many places want keeps those that would lose most by another one;
    the others choose again among the works that are not full.

    Args:
        scores: Similarities ``(places, works)``.
        max_share: From 1 / works to 1.

    Returns:
        ``(places,)``, the works' indices.
    """
    count, works = scores.shape
    limit = ceil(max_share * count)
    assigned = scores.argmax(1)
    full: list[int] = []
    while max_share < 1:
        sizes = assigned.bincount(minlength=works)
        sizes[full] = 0
        work = int(sizes.argmax())
        if int(sizes[work]) <= limit:
            break
        full.append(work)
        members = (assigned == work).nonzero()[:, 0]
        others = scores[members].clone()
        own = others[:, work].clone()
        others[:, full] = -torch.inf
        alternative, choice = others.max(1)
        losses = own - alternative
        leaving = losses.argsort(stable=True)[: len(members) - limit]
        assigned[members[leaving]] = choice[leaving]
    return assigned


def turn_image(image: Tensor, turns: Turns) -> list[Tensor]:
    """List ``(1, C, H, W)`` itself, its mirror image, or all eight turns of both."""
    images = [image] if turns == "none" else [image, image.flip(3)]
    if turns != "all":
        return images
    return [turned.rot90(k, (2, 3)) for turned in images for k in range(4)]


def count_places(layers: Sequence[str], images: Sequence[Tensor]) -> int:
    """Count the places of images ``(…, H, W)`` on the finest grid of ``layers``."""
    cell = min(map(_grid_cell, layers))
    return sum(
        (image.shape[-2] // cell) * (image.shape[-1] // cell) for image in images
    )


def _grid_shape(features: dict[str, Tensor], group: Group) -> tuple[int, int]:
    """Return height and width of the finest grid of a group's layers."""
    height, width = max(tuple(features[layer].shape[1:]) for layer in group)
    return height, width


def _grid_cell(layer: str) -> int:
    """Return how many pixels a place is wide and high on a layer's own grid."""
    return 1 << max(2, int(layer[4]) - 1)


def _split_grid(shape: tuple[int, int], group: Group) -> list[slice]:
    """Split the finest grid into blocks of rows that fill those of the deepest."""
    cells = [_grid_cell(layer) for layer in group]
    size = max(cells) // min(cells)
    step = max(1, BLOCK_PLACES // (shape[1] * size)) * size
    return [slice(start, start + step) for start in range(0, shape[0], step)]


def _interpolate(features: dict[str, Tensor], group: Group) -> dict[str, Tensor]:
    """Bring the layers of a group, ``(N, h, w)``, to the finest of their grids."""
    shape = _grid_shape(features, group)
    grids = {layer: features[layer] for layer in group}
    for layer, values in grids.items():
        if values.shape[1:] != shape:
            grids[layer] = functional.interpolate(
                values[None], shape, mode="bilinear", align_corners=False
            )[0]
    return grids


def _to_columns(features: Tensor) -> Tensor:
    """Turn ``(N, h, w)`` into ``(places, N)``."""
    return features.flatten(1).T.contiguous()


def _select_places(places: Places | None, group: Group) -> Tensor | None:
    """Select the places of a group's finest grid that a mask covers, ``(M,)``.

    Returns:
        None for all of them, also if it covers none.
    """
    if places is None:
        return None
    selected = max((places[layer] for layer in group), key=Tensor.numel).flatten() > 0
    is_part = bool(selected.any()) and not bool(selected.all())
    return selected if is_part else None


def _fill_grid(
    values: Tensor, shape: tuple[int, int], selected: Tensor | None
) -> Tensor:
    """Put the values of selected places into a grid, −1 elsewhere."""
    if selected is None:
        return values.view(shape)
    grid = values.new_full(shape, -1)
    grid.view(-1)[selected] = values
    return grid


def _take_columns(
    features: dict[str, Tensor],
    group: Group,
    stride: float,
    selected: Tensor | None = None,
) -> Columns:
    """Return ``(places, N)`` by layer on the group's finest grid, evenly thinned."""
    grids = _interpolate(features, group)
    count = grids[group[0]][0].numel() if selected is None else int(selected.sum())
    kept = (torch.arange(ceil(count / stride)) * stride).long().clamp(max=count - 1)
    columns = {}
    for layer, values in grids.items():
        flat = values.flatten(1).T
        if selected is not None:
            flat = flat[selected]
        columns[layer] = (
            flat.contiguous() if stride == 1 else flat[kept.to(flat.device)]
        )
    return columns
