"""Floating-point operations of one evaluation, from the shapes of the layers."""

KERNEL = 3 * 3
# VGG-19's filters by block, up to conv5_1, the deepest layer of the recipes.
FILTERS = ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,))
REFERENCE = (512, 272)  # width, height


def count_forward(height: int, width: int) -> int:
    """Count the operations of the convolutions: Σ 2 · 9 · C_in · C_out · H_l · W_l.

    A multiplication and an addition are two.
    """
    count, in_channels = 0, 3
    for pools, block in enumerate(FILTERS):
        positions = (height >> pools) * (width >> pools)
        for out_channels in block:
            count += 2 * KERNEL * in_channels * out_channels * positions
            in_channels = out_channels
    return count


def count_evaluation(height: int, width: int) -> int:
    """Count the operations of a loss and its gradient.

    The gradient with respect to each convolution's input costs as much as the
    convolution. Losses, Gram matrices and pooling are left out.
    """
    return 2 * count_forward(height, width)


def reference_height(width: int) -> int:
    """Return the height for a width in the reference's aspect, in pixels."""
    return round(width * REFERENCE[1] / REFERENCE[0])
