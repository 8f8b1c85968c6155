"""A network run over horizontal strips of an image, exactly, in little memory.

Convolutions see a row or two beyond what they compute. A part of the network is run on
a strip with as many rows more at each edge as it has layers, and only the rows whose
inputs were all there are kept: what comes out is what the whole image gives, up to the
order of sums. Only what lies between parts, four times smaller after each pooling, is
held for the whole image. One strip as high as the image is checkpointing by block
(Chen et al., "Training deep nets with sublinear memory cost", 2016).
"""

from collections.abc import Callable, Collection, Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from artist_nst.nst.vgg import VGG, Part

Visit = Callable[[str, slice, Tensor], Tensor]


class Strip(NamedTuple):
    """Rows of a part's input.

    Attributes:
        seen: those that are looked at; core: of them, those that are computed.
        rows: the computed ones in the whole; pooled: what pooling makes of them.
    """

    seen: slice
    core: slice
    rows: slice
    pooled: slice


@torch.no_grad()
def look(
    network: VGG,
    image: Tensor,
    layers: Collection[str],
    rows: int | None = None,
    dtype: torch.dtype | None = None,
    inputs: list[Tensor] | None = None,
) -> Iterator[tuple[str, slice, Tensor]]:
    """Features of ``image`` at ``layers``, strip by strip, without a gradient.

    Args:
        image: ``(1, C, H, W)`` on 0–255.
        rows: how many of its input's rows a part computes at once; None for all.
        dtype: of the convolutions.
        inputs: gets what each part was given, for :func:`pull`.

    Yields:
        The layer, which of its rows these are, and their features ``(N, rows, W_l)``.
    """
    x = image.detach()
    for part in network.parts(layers):
        if inputs is not None:
            inputs.append(x)
        passed = _Whole(x.shape[-2] // 2, network.layout)
        for strip in strips(x.shape[-2], rows, part):
            found, below = network.run(
                part, x[..., strip.seen, :], layers, dtype, strip.core
            )
            for layer, features in found.items():
                yield layer, strip.rows, features
            if part.pooled:
                passed[strip.pooled] = below
        if part.pooled:
            x = passed.tensor


def pull(
    network: VGG,
    inputs: list[Tensor],
    layers: Collection[str],
    visit: Visit,
    rows: int | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """The gradient with respect to the image, part by part from the last one up.

    Args:
        inputs: of each part, as :func:`look` left them; emptied.
        visit: given a layer, which of its rows, and their features, a scalar whose
            gradient is what the loss pulls them with.

    Returns:
        ``(1, C, H, W)``.
    """
    above: Tensor | None = None
    for part in reversed(network.parts(layers)):
        x = inputs.pop()
        gradient = torch.zeros_like(x)
        for strip in strips(x.shape[-2], rows, part):
            seen = x[..., strip.seen, :].requires_grad_()
            found, below = network.run(part, seen, layers, dtype, strip.core)
            ends = [
                visit(layer, strip.rows, features) for layer, features in found.items()
            ]
            pulls: list[Tensor | None] = [None] * len(ends)
            if above is not None:
                ends.append(below)
                pulls.append(above[..., strip.pooled, :])
            (slope,) = torch.autograd.grad(ends, seen, pulls)
            gradient[..., strip.seen, :] += slope
        above = gradient
    assert above is not None
    return above


def strips(height: int, rows: int | None, part: Part) -> Iterator[Strip]:
    """The strips of an input of ``height`` rows, ``rows`` of them at a time."""
    step = rows or height
    if part.pooled:
        step = max(2, step - step % 2)
    edges = [*range(0, height, step), height]
    if part.pooled and len(edges) > 2 and height - edges[-2] == 1:
        # An odd last row is pooled with nothing, and cannot be pooled alone.
        del edges[-2]
    halo = len(part.layers)
    for top, bottom in pairwise(edges):
        first, last = max(0, top - halo), min(height, bottom + halo)
        yield Strip(
            slice(first, last),
            slice(top - first, bottom - first),
            slice(top, bottom),
            slice(top // 2, bottom // 2),
        )


class _Whole:
    """A tensor put together of its strips; a single one is taken as it is."""

    def __init__(self, height: int, layout: torch.memory_format) -> None:
        self.height = height
        self.layout = layout
        self.tensor: Tensor

    def __setitem__(self, rows: slice, piece: Tensor) -> None:
        if piece.shape[-2] == self.height:
            self.tensor = piece
            return
        if rows.start == 0:
            shape = (*piece.shape[:2], self.height, piece.shape[3])
            empty = torch.empty(
                shape,
                dtype=piece.dtype,
                device=piece.device,
                memory_format=self.layout,
            )
            self.tensor = empty
        self.tensor[..., rows, :] = piece
