"""Fit a small network to a large one without gradients, layer by layer."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from distillation.student import Kernels, Student, normalize_input

POSITIONS = 4096  # of a crop that a layer's weights are fitted to
RIDGE = 1e-4


@torch.no_grad()
def fit_student(
    teacher: Kernels,
    widths: Mapping[str, int],
    crops: list[Tensor],
    generator: torch.Generator,
    on_layer: Callable[[str, float], None] = lambda *_: None,
) -> Student:
    """Fit a student with the given number of filters in each layer.

    For each layer, select the teacher's filters that explain the others best, fit the
    student's weights to their outputs before the ReLU by least squares, and fit the
    map U from the student's features to the teacher's. All crops have equal weight.

    Args:
        teacher: Kernels by layer, for RGB 0–255 minus the mean.
        widths: Filters by layer, for the first layers of the teacher.
        crops: ``(1, 3, side, side)`` in [0, 255].
        generator: Draws the positions that weights are fitted to.
        on_layer: Called with a layer and the relative error of its map.
    """
    targets = [normalize_input(crop) for crop in crops]
    features = list(targets)
    student = Student()
    block = "1"
    for layer, width in widths.items():
        if layer[4] != block:
            targets = [functional.max_pool2d(x, 2) for x in targets]
            features = [functional.max_pool2d(x, 2) for x in features]
            block = layer[4]
        weight, bias = teacher[layer]
        inputs = targets
        targets = [_convolve(x, weight, bias).relu_() for x in inputs]
        selected = _select_filters(_correlate(targets, targets, targets), width)
        outputs = [_convolve(x, weight[selected], bias[selected]) for x in inputs]
        kernel = _fit_convolution(features, outputs, generator)
        features = [_convolve(x, *kernel).relu_() for x in features]
        student.kernels[layer] = kernel
        student.maps[layer], error = fit_map(targets, features)
        on_layer(layer, error)
    return student


def fit_map(targets: list[Tensor], features: list[Tensor]) -> tuple[Tensor, float]:
    """Fit U with the least mean of ‖U f − F‖²/‖F‖² over crops.

    Args:
        targets: Features F, ``(1, N, H, W)``.
        features: Features f, ``(1, k, H, W)``.

    Returns:
        U, and the square root of that mean.
    """
    normal = _correlate(features, features, targets)
    cross = _correlate(features, targets, targets)
    u = torch.linalg.solve(_add_ridge(normal), cross).T
    residual = 1 - float((u * cross.T).sum()) / len(targets)
    return u.float(), max(residual, 0.0) ** 0.5


def _correlate(
    first: list[Tensor], second: list[Tensor], scale: list[Tensor]
) -> Tensor:
    """Sum a bᵀ / ‖scale‖² over crops, in float64."""
    total = torch.zeros((), dtype=torch.float64, device=first[0].device)
    for a, b, s in zip(first, second, scale, strict=True):
        product = (a[0].flatten(1) @ b[0].flatten(1).T).double()
        total = total + product / s.square().sum().double()
    return total


def _select_filters(correlation: Tensor, count: int) -> Tensor:
    """Select the features that explain all of them best, by pivoted Cholesky.

    Each pivot is the one that leaves the smallest residual of the others.
    """
    residual = correlation.clone()
    floor = 1e-12 * float(residual.diagonal().max())
    selected: list[int] = []
    for _ in range(count):
        diagonal = residual.diagonal()
        gain = residual.square().sum(0) / diagonal.clamp(min=floor)
        gain[diagonal <= floor] = -1.0
        gain[selected] = -2.0
        pivot = int(gain.argmax())
        selected.append(pivot)
        column = residual[:, pivot].clone()
        if column[pivot] > floor:
            residual -= torch.outer(column, column) / column[pivot]
    return torch.tensor(sorted(selected))


def _fit_convolution(
    inputs: list[Tensor], outputs: list[Tensor], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Fit a convolution's weight and bias by least squares, outputs scaled by norm."""
    normal = torch.zeros((), dtype=torch.float64, device=inputs[0].device)
    right = normal
    for x, y in zip(inputs, outputs, strict=True):
        columns = functional.unfold(x, 3, padding=1)[0]
        target = y[0].flatten(1)
        if columns.shape[1] > POSITIONS:
            chosen = torch.randperm(columns.shape[1], generator=generator)[:POSITIONS]
            columns, target = columns[:, chosen], target[:, chosen]
        columns = torch.cat((columns, columns.new_ones(1, columns.shape[1])))
        scale = target.square().sum().double()
        normal = normal + (columns @ columns.T).double() / scale
        right = right + (columns @ target.T).double() / scale
    solution = torch.linalg.solve(_add_ridge(normal), right).T.float()
    weight = solution[:, :-1].reshape(len(solution), -1, 3, 3)
    return weight.contiguous(memory_format=torch.channels_last), solution[:, -1].clone()


def _add_ridge(matrix: Tensor) -> Tensor:
    """Add a small part of its diagonal to a matrix."""
    diagonal = matrix.diagonal()
    minimum = 1e-9 * diagonal.max()
    return matrix + torch.diag(RIDGE * diagonal + minimum)


def _convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return functional.conv2d(x, weight, bias, padding=1)
