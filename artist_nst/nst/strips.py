"""Run a network over horizontal strips of an image, exactly, in little memory.

Convolutions depend on a row or two beyond what they compute. A block of the network is
run on a strip that is padded at each edge by as many rows as the block has layers, and
only the rows whose inputs were all present are kept: the result is that of the whole
image, up to the order of sums. Only what lies between blocks, four times smaller after
each pooling, is held for the whole image. With one strip as high as the image this is
checkpointing by block (Chen et al., "Training deep nets with sublinear memory cost",
2016).
"""

from collections.abc import Callable, Collection, Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from artist_nst.nst.vgg import VGG, Block

StripLoss = Callable[[str, slice, Tensor], Tensor]
"""From a layer, which of its rows, and their features, to a scalar loss."""


# Rows that are enough: more at once are hardly faster.
FEATURE_ROWS = 256


class Strip(NamedTuple):
    """Rows of a block's input."""

    padded: slice  # read, within the input
    core: slice  # computed, within ``padded``
    rows: slice  # computed, within the input
    pooled: slice  # what pooling makes of them, within the next block's input


@torch.no_grad()
def forward_strips(
    network: VGG,
    image: Tensor,
    layers: Collection[str],
    rows: int | None = None,
    dtype: torch.dtype | None = None,
    inputs: list[Tensor] | None = None,
) -> Iterator[tuple[str, slice, Tensor]]:
    """Compute features strip by strip, without a gradient.

    Args:
        network: On the image's device.
        image: ``(1, C, H, W)`` on 0–255.
        layers: Where to take features.
        rows: How many rows of its input a block computes at once; None for all.
        dtype: Of the convolutions.
        inputs: Receives each block's input, for :func:`backward_strips`.

    Yields:
        The layer, which of its rows these are, and their features ``(N, rows, W_l)``.
    """
    x = image.detach()
    for block in network.blocks(layers):
        if inputs is not None:
            inputs.append(x)
        pooled_strips = []
        for strip in split_rows(x.shape[-2], rows, block):
            features, pooled = network.run_block(
                block, x[..., strip.padded, :], layers, dtype, strip.core
            )
            for layer, tensor in features.items():
                yield layer, strip.rows, tensor
            if block.pooled:
                pooled_strips.append(pooled)
        if block.pooled:
            x = torch.cat(pooled_strips, dim=-2)


def backward_strips(
    network: VGG,
    inputs: list[Tensor],
    layers: Collection[str],
    strip_loss: StripLoss,
    rows: int | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Compute the gradient with respect to the image, from the last block to the first.

    Takes the arguments of :func:`forward_strips`, which fills ``inputs``; they are
    emptied here. The gradient of ``strip_loss`` is back-propagated from each strip.

    Returns:
        ``(1, C, H, W)``.
    """
    output_gradient: Tensor | None = None
    for block in reversed(network.blocks(layers)):
        x = inputs.pop()
        gradient = torch.zeros_like(x)
        for strip in split_rows(x.shape[-2], rows, block):
            padded = x[..., strip.padded, :].requires_grad_()
            features, pooled = network.run_block(
                block, padded, layers, dtype, strip.core
            )
            outputs = [
                strip_loss(layer, strip.rows, tensor)
                for layer, tensor in features.items()
            ]
            output_gradients: list[Tensor | None] = [None] * len(outputs)
            if output_gradient is not None:
                outputs.append(pooled)
                output_gradients.append(output_gradient[..., strip.pooled, :])
            (part,) = torch.autograd.grad(outputs, padded, output_gradients)
            gradient[..., strip.padded, :] += part
        output_gradient = gradient
    assert output_gradient is not None
    return output_gradient


def split_rows(height: int, rows: int | None, block: Block) -> Iterator[Strip]:
    """Split an input of ``height`` rows into strips of ``rows``; one if None."""
    step = rows or height
    if block.pooled:
        step = max(2, step - step % 2)
    edges = [*range(0, height, step), height]
    if block.pooled and len(edges) > 2 and height - edges[-2] == 1:
        # Pooling drops an odd last row, and cannot pool a strip of one row.
        del edges[-2]
    halo = len(block.layers)
    for top, bottom in pairwise(edges):
        first, last = max(0, top - halo), min(height, bottom + halo)
        yield Strip(
            slice(first, last),
            slice(top - first, bottom - first),
            slice(top, bottom),
            slice(top // 2, bottom // 2),
        )
