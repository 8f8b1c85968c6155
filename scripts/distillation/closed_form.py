"""A small network from a large one without a gradient, layer by layer."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from distillation.student import Student, entered

Kernels = Mapping[str, tuple[Tensor, Tensor]]

# Positions of a crop that a layer's weights are fitted to.
POSITIONS = 4096
RIDGE = 1e-4


@torch.no_grad()
def distilled(
    teacher: Kernels,
    widths: Mapping[str, int],
    crops: list[Tensor],
    generator: torch.Generator,
    on_layer: Callable[[str, float], None] = lambda *_: None,
) -> Student:
    """The student of the teacher's first layers, with so many filters in each.

    In each layer the filters of the teacher are chosen that explain the others best;
    the student's weights give from its own inputs, by least squares, what those
    filters are before their ReLU; and U gives the teacher's features from the
    student's. Every crop counts the same.

    Args:
        teacher: kernels by layer, for RGB 0–255 less the mean.
        crops: ``(1, 3, side, side)`` on 0–255.
        on_layer: told a layer, and the relative error of U times the features.
    """
    theirs = [entered(one) for one in crops]
    ours = list(theirs)
    student = Student({}, {})
    block = "1"
    for layer, width in widths.items():
        if layer[4] != block:
            theirs = [functional.max_pool2d(one, 2) for one in theirs]
            ours = [functional.max_pool2d(one, 2) for one in ours]
            block = layer[4]
        weight, bias = teacher[layer]
        after = [_convolved(one, weight, bias).relu_() for one in theirs]
        chosen = _pivots(_correlation(after, after), width)
        aims = [_convolved(one, weight[chosen], bias[chosen]) for one in theirs]
        kernel = _fitted(ours, aims, generator)
        theirs = after
        ours = [_convolved(one, *kernel).relu_() for one in ours]
        student.kernels[layer] = kernel
        student.maps[layer], error = mapped(theirs, ours)
        on_layer(layer, error)
    return student


def mapped(theirs: list[Tensor], ours: list[Tensor]) -> tuple[Tensor, float]:
    """U of least ‖U f − F‖²/‖F‖² over crops, and the root of that.

    Args:
        theirs, ours: features F and f, ``(1, N, H, W)`` and ``(1, k, H, W)``.
    """
    own = _correlation(ours, theirs, ours)
    cross = _correlation(ours, theirs, theirs)
    found = torch.linalg.solve(_ridged(own), cross).T
    left = 1 - float((found * cross.T).sum()) / len(theirs)
    return found.float(), max(left, 0.0) ** 0.5


def _correlation(
    first: list[Tensor], size_of: list[Tensor], second: list[Tensor] | None = None
) -> Tensor:
    """Σ f Fᵀ / ‖size‖² over crops, float64."""
    total: Tensor | float = 0.0
    for one, size, other in zip(first, size_of, second or first, strict=True):
        a, b = one[0].flatten(1), other[0].flatten(1)
        total = total + (a @ b.T).double() / size.square().sum().double()
    assert isinstance(total, Tensor)
    return total


def _pivots(correlation: Tensor, count: int) -> Tensor:
    """The features that explain all of them best: pivoted Cholesky, where each pivot
    is the one that leaves the least of the others."""
    rest = correlation.clone()
    floor = 1e-12 * float(rest.diagonal().max())
    chosen: list[int] = []
    for _ in range(count):
        diagonal = rest.diagonal()
        gain = rest.square().sum(0) / diagonal.clamp(min=floor)
        gain[diagonal <= floor] = -1.0
        gain[chosen] = -2.0
        pick = int(gain.argmax())
        chosen.append(pick)
        column = rest[:, pick].clone()
        if column[pick] > floor:
            rest -= torch.outer(column, column) / column[pick]
    return torch.tensor(sorted(chosen))


def _fitted(
    inputs: list[Tensor], aims: list[Tensor], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution of ``inputs`` that is nearest to ``aims``."""
    normal: Tensor | float = 0.0
    right: Tensor | float = 0.0
    for one, aim in zip(inputs, aims, strict=True):
        columns = functional.unfold(one, 3, padding=1)[0]
        wanted = aim[0].flatten(1)
        if columns.shape[1] > POSITIONS:
            some = torch.randperm(columns.shape[1], generator=generator)[:POSITIONS]
            columns, wanted = columns[:, some], wanted[:, some]
        columns = torch.cat((columns, columns.new_ones(1, columns.shape[1])))
        size = wanted.square().sum().double()
        normal = normal + (columns @ columns.T).double() / size
        right = right + (columns @ wanted.T).double() / size
    assert isinstance(normal, Tensor)
    assert isinstance(right, Tensor)
    found = torch.linalg.solve(_ridged(normal), right).T.float()
    weight = found[:, :-1].reshape(len(found), -1, 3, 3)
    return weight.contiguous(memory_format=torch.channels_last), found[:, -1].clone()


def _ridged(matrix: Tensor) -> Tensor:
    """With a little on the diagonal, in proportion to each entry of it."""
    diagonal = matrix.diagonal()
    least = 1e-9 * diagonal.max()
    return matrix + torch.diag(RIDGE * diagonal + least)


def _convolved(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return functional.conv2d(x, weight, bias, padding=1)
