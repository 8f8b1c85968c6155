"""The arithmetic of one evaluation, from the shapes of the layers."""

from collections.abc import Iterator

KERNEL = 3 * 3
# VGG-19's filters by block, as far as conv5_1, the deepest layer of the recipes.
FILTERS = ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,))
REFERENCE = (512, 272)  # width, height


def forward(height: int, width: int) -> int:
    """Of the convolutions from conv1_1 to conv5_1, a multiplication and an addition
    counted as two: Σ 2 · 9 · C_in · C_out · H_l · W_l."""
    layers = _layers(height, width)
    return sum(2 * KERNEL * heard * made * place for heard, made, place in layers)


def evaluation(height: int, width: int) -> int:
    """Of a loss and its gradient: the convolutions, and again as much for the gradient
    with respect to each one's input. Losses, Gram matrices and pooling are left out.
    """
    return 2 * forward(height, width)


def height_of(width: int) -> int:
    """The height that goes with a width, in the reference's aspect, in pixels."""
    return round(width * REFERENCE[1] / REFERENCE[0])


def _layers(height: int, width: int) -> Iterator[tuple[int, int, int]]:
    """Channels in, channels out and positions of each convolution."""
    heard = 3
    for pools, block in enumerate(FILTERS):
        for made in block:
            yield heard, made, (height >> pools) * (width >> pools)
            heard = made
