"""Estimates of the memory that a level takes, and ways to compute it in less."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from artist_nst._types import Precision
from artist_nst.errors import ArtistNstError
from artist_nst.nst.neighbors import (
    BLOCK_ELEMENTS,
    BLOCK_PLACES,
    MAX_PLACES,
    cell_size,
)
from artist_nst.nst.vgg import VGG, Block
from artist_nst.recipes.recipe import Optimizer, Recipe

# Lower strips would spend more on their padding than on themselves.
MIN_ROWS = 16
MIN_HISTORY = 3
# Elements of one tensor; beyond, some kernels (Apple's) fail or give wrong results.
MAX_TENSOR_ELEMENTS = 1 << 30

# Of a pixel: twelve weights of pairs, as they are computed and as they are used.
_MATTING_BYTES = 12 * (8 + 4)
# Copies of the image and of the losses' intermediate results, in float32.
_IMAGE_COPIES = 9
# Vectors of scipy's L-BFGS-B besides its corrections: x, gradient, bounds and their
# copies, workspace, in float64. Measured.
_HOST_VECTORS = 17
# Of the device's L-BFGS besides its corrections, in float32.
_DEVICE_VECTORS = 10
# Places of one work, about, at the largest size that is painted as a whole.
_WORK_PLACES = 1 << 15
# Fragmentation and what libraries allocate for themselves: a factor and a constant.
_OVERHEAD = 1.35
_BASE_BYTES = 250 << 20


@dataclass(frozen=True, slots=True)
class MemoryStrategy:
    """How one level is computed so that it fits into memory.

    ``rows`` is that of strips, None where the image is computed as a whole; ``history``
    the number of L-BFGS's corrections.
    """

    rows: int | None
    history: int
    optimizer: Optimizer
    device_bytes: int
    host_bytes: int


class MemoryEstimator:
    """Estimator of the memory that levels of a painting take.

    The recipe's optimizer must be the one that ``auto`` resolves to; the image has 3
    channels or 1. ``style_places`` are the places of all works at the level's size
    (:func:`~artist_nst.nst.neighbors.count_places`), among which neighbors are found,
    for each of ``regions`` separately.
    """

    def __init__(
        self,
        network: VGG,
        recipe: Recipe,
        precision: Precision,
        channels: int = 3,
        style_places: int = 0,
        regions: int = 1,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.feature_bytes = 2 if precision == "bfloat16" else network.mean.itemsize
        self.channels = channels
        self.style_places = min(style_places, regions * MAX_PLACES)
        self.regions = regions
        self.blocks = network.blocks(recipe.compared_layers)
        self.filters = {
            layer: len(network.get_buffer(f"{layer}_bias")) for layer in network.layers
        }

    def choose_strategy(
        self, height: int, width: int, device_limit: int, host_limit: int
    ) -> MemoryStrategy:
        """Choose the fastest way to compute a level within limits in bytes.

        Except on CUDA, the device's limit is for device and host together.

        Raises:
            ArtistNstError: There is none.
        """
        is_shared = self.network.mean.device.type != "cuda"
        needed, limit = 0, device_limit
        for strategy in self.list_strategies(height, width):
            needed, limit = strategy.device_bytes, device_limit
            if is_shared:
                needed += strategy.host_bytes
            elif strategy.host_bytes > host_limit:
                needed, limit = strategy.host_bytes, host_limit
            if needed <= limit:
                return strategy
        raise ArtistNstError(
            f"{width}×{height} pixels take at least {needed / 1e9:.3g} GB, and "
            f"{limit / 1e9:.3g} GB are available: choose a smaller --width, raise "
            "--max-memory if it is given, or close another program"
        )

    def list_strategies(self, height: int, width: int) -> Iterator[MemoryStrategy]:
        """Yield the ways to compute a level, from the most memory to the least."""
        max_history, optimizer = self.recipe.history, self.recipe.optimizer
        exponents = range(max(0, height - 1).bit_length() - 1, -1, -1)
        heights = [None, *(1 << n for n in exponents if 1 << n >= MIN_ROWS)]
        candidates = [(rows, max_history, optimizer) for rows in heights]
        # What paints another picture comes after all else: our own L-BFGS, whose
        # vectors are float32, and then a shorter history.
        if optimizer in ("lbfgs", "lbfgs-clipped"):
            optimizer = "lbfgs-device"
            candidates.append((heights[-1], max_history, optimizer))
        shorter = range(max_history - 1, MIN_HISTORY - 1, -1)
        candidates += [(heights[-1], history, optimizer) for history in shorter]
        least = None
        filters = self._max_filters(self.blocks[0]) if self.blocks else 0
        for rows, history, optimizer in candidates:
            elements = filters * (rows or height) * width
            if elements >= MAX_TENSOR_ELEMENTS and rows != heights[-1]:
                continue
            vectors, host = self._minimizer_bytes(height, width, history, optimizer)
            # Neighbors are found before the minimizer's vectors exist.
            device = max(
                vectors + self._evaluation_bytes(height, width, rows),
                self._search_bytes(height, width) - host,
            )
            # Few strips save nothing: what they free is small compared with the first
            # block, which is back-propagated last.
            if least is None or device + host < least:
                least = device + host
                yield MemoryStrategy(rows, history, optimizer, device, host)

    def _minimizer_bytes(
        self, height: int, width: int, history: int, optimizer: Optimizer
    ) -> tuple[int, int]:
        """Bytes on the device, and on the host."""
        elements = self.channels * height * width
        if optimizer == "adam":
            return 6 * 4 * elements, 0
        if optimizer == "lbfgs-device":
            return (2 * history + _DEVICE_VECTORS) * 4 * elements, 0
        return 0, (2 * history + _HOST_VECTORS) * 8 * elements

    def _evaluation_bytes(self, height: int, width: int, rows: int | None) -> int:
        """Bytes that losses and gradient take, including their targets."""
        constant = _IMAGE_COPIES * 4 * self.channels * height * width
        constant += self._kept_bytes()
        constant += self._transformed_bytes()
        if self.recipe.matting:
            constant += _MATTING_BYTES * height * width
        held, peak = 0, 0
        sides = height, width
        for block in self.blocks:
            filters = self._max_filters(block)
            positions = sides[0] * sides[1]
            share = 1.0 if rows is None else min(1.0, rows / sides[0])
            constant += sum(
                # The target, and four intermediate results of a strip.
                round((1 + 4 * share) * 4 * self.filters[layer] * positions)
                for layer in self.recipe.content_weights
                if layer in block.layers
            )
            constant += sum(
                # The regions' targets, and five intermediate results of a strip.
                round(
                    (self.regions + 5 * share)
                    * self._target_bytes(layer, height, width)
                )
                for layer in self.recipe.neighbor_weights
                if layer in block.layers
            )
            if rows is None:
                read = positions
                held += self._block_bytes(block, positions)
                working = 0
            else:
                read = min(sides[0], rows + 2 * len(block.layers)) * sides[1]
                # The block's input, and its gradient.
                passed = filters * positions // 4 * self.feature_bytes
                held += passed
                working = self._block_bytes(block, read) + passed
            gradients = 4 * filters * read * self.feature_bytes
            peak = max(peak, held + working + gradients)
            sides = sides[0] // 2, sides[1] // 2
        return round(_OVERHEAD * (constant + peak)) + _BASE_BYTES

    def _transformed_bytes(self) -> int:
        """Bytes that kernels take as they are transformed for faster convolutions."""
        layers = self.recipe.compared_layers
        # Targets are in the network's own precision, and have no gradients.
        own = self.network.count_transformed_bytes(layers)
        if self.feature_bytes != 2:
            return 2 * own
        return own + 2 * self.network.count_transformed_bytes(layers, torch.bfloat16)

    def _kept_bytes(self) -> int:
        """Bytes that the works' hypercolumns take."""
        columns = sum(self.filters[layer] for layer in self.recipe.neighbor_weights)
        return self.style_places * columns * self.feature_bytes

    def _target_bytes(self, layer: str, height: int, width: int) -> int:
        """Bytes of what a layer's places are compared with."""
        cell = cell_size(layer) << (int(layer[4]) - 1)
        return 4 * self.filters[layer] * (height // cell) * (width // cell)

    def _search_bytes(self, height: int, width: int) -> int:
        """Bytes that the search for neighbors takes, with what it finds."""
        layers = self.recipe.neighbor_weights
        if not layers:
            return 0
        columns = sum(self.filters[layer] for layer in layers)
        places = height * width // 16
        # The image's features, joined from strips and brought to one grid.
        features = 2 * places * columns * self.feature_bytes
        found = self.regions * sum(
            self._target_bytes(layer, height, width) for layer in layers
        )
        # Normalized by way of float32: a block of the image's, and one work's.
        normalized = min(places, BLOCK_PLACES) + min(self.style_places, _WORK_PLACES)
        block = min(BLOCK_ELEMENTS, self.style_places * places) * self.feature_bytes
        working = normalized * columns * 3 * 4 + block
        total = self._kept_bytes() + features + found + working
        return round(_OVERHEAD * total) + _BASE_BYTES

    def _block_bytes(self, block: Block, positions: int) -> int:
        """Bytes that are held of a block until its gradient is computed."""
        filters = sum(self.filters[layer] for layer in block.layers)
        held = filters * positions * self.feature_bytes
        if block.pooled:
            # Max pooling stores where its maxima were in eight bytes each.
            index_bytes = 8 if self.network.pool == "max" else 0
            pooled_bytes = self.feature_bytes + index_bytes
            held += self._max_filters(block) * (positions // 4) * pooled_bytes
        return held

    def _max_filters(self, block: Block) -> int:
        return max(self.filters[layer] for layer in block.layers)


def format_gigabytes(count: int) -> str:
    """Format bytes as ``1.4 GB``, the unit that ``--max-memory`` takes."""
    return f"{count / 1e9:.2g} GB" if count < 1e10 else f"{count / 1e9:.0f} GB"
