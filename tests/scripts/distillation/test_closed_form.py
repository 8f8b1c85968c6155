"""The closed form: full width gives the teacher, filter selection, least squares."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from distillation import closed_form
from distillation.student import Kernels, Student, compute_features
from numpy.typing import NDArray
from torch import Tensor

from tests.scripts.distillation.conftest import images, relative

pytestmark = pytest.mark.tools


def first_layers(kernels: Kernels, last: str) -> Kernels:
    return {layer: kernels[layer] for layer in kernels if layer <= last}


def fit(
    kernels: Kernels, widths: dict[str, int], side: int = 48
) -> tuple[Student, dict[str, float]]:
    """A student and its errors by layer."""
    errors: dict[str, float] = {}
    student = closed_form.fit_student(
        kernels,
        widths,
        images(4, side),
        torch.Generator().manual_seed(0),
        errors.__setitem__,
    )
    return student, errors


def widths_of(kernels: Kernels, share: int) -> dict[str, int]:
    return {layer: len(bias) // share for layer, (_, bias) in kernels.items()}


def test_full_width_gives_the_teacher(kernels: Kernels) -> None:
    few = first_layers(kernels, "conv2_2")
    student, errors = fit(few, widths_of(few, 1), 64)
    assert list(errors) == list(few)
    assert max(errors.values()) < 0.03  # because of the ridge
    (unseen,) = images(1, 64, 90)
    targets = compute_features(few, unseen, few)
    features = student.compute_features(unseen, few)
    for layer in few:
        mapped = student.maps[layer] @ features[layer][0].flatten(1)
        target = targets[layer][0].flatten(1)
        assert relative(mapped - target, target) < 0.03, layer
    for part, expected in zip(student.kernels["conv1_1"], few["conv1_1"], strict=True):
        assert relative(part - expected, expected) < 0.02


def test_wider_students_are_closer(kernels: Kernels) -> None:
    few = first_layers(kernels, "conv2_1")
    errors = [fit(few, widths_of(few, share))[1]["conv2_1"] for share in (4, 2, 1)]
    assert errors[0] > 1.2 * errors[1] > 1.2 * errors[2]


def test_fits_are_deterministic_and_have_their_widths(kernels: Kernels) -> None:
    widths = {layer: 2 + int(layer[4]) for layer in kernels}
    student = fit(kernels, widths)[0]
    inputs = 3
    for layer, width in widths.items():
        weight, bias = student.kernels[layer]
        assert weight.shape == (width, inputs, 3, 3)
        assert bias.shape == (width,)
        assert student.maps[layer].shape == (len(kernels[layer][1]), width)
        inputs = width
    again = fit(kernels, widths)[0].to_tensors()
    for name, tensor in student.to_tensors().items():
        assert torch.equal(tensor, again[name])


def test_convolutions_are_least_squares_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_form, "RIDGE", 0.0)
    rng = torch.Generator().manual_seed(5)
    inputs = [torch.rand(1, 2, 9, 7, generator=rng) for _ in range(3)]
    outputs = [
        torch.randn(1, 4, 9, 7, generator=rng) * scale for scale in (1.0, 5.0, 0.2)
    ]
    weight, bias = closed_form._fit_convolution(inputs, outputs, torch.Generator())
    rows, targets = [], []
    for x, y in zip(inputs, outputs, strict=True):
        padded = np.pad(x[0].double().numpy(), ((0, 0), (1, 1), (1, 1)))
        scale = float(y.double().norm())
        for i, j in np.ndindex(9, 7):
            patch = padded[:, i : i + 3, j : j + 3].ravel()
            rows.append(np.append(patch, 1.0) / scale)
            targets.append(y[0, :, i, j].double().numpy() / scale)
    expected = np.linalg.lstsq(np.array(rows), np.array(targets), rcond=None)[0].T
    assert weight.numpy().reshape(4, -1) == pytest.approx(expected[:, :-1], abs=1e-4)
    assert bias.numpy() == pytest.approx(expected[:, -1], abs=1e-4)


@pytest.mark.gpu
def test_on_a_gpu(kernels: Kernels) -> None:
    few = first_layers(kernels, "conv1_2")
    student = closed_form.fit_student(
        {layer: (weight.cuda(), bias.cuda()) for layer, (weight, bias) in few.items()},
        dict.fromkeys(few, 4),
        [crop.cuda() for crop in images(2, 32)],
        torch.Generator().manual_seed(0),
    )
    assert student.maps["conv1_2"].is_cuda


# Selecting filters -------------------------------------------------------------------


def residual(correlation: Tensor, selected: list[int]) -> float:
    """The sum of squares that the selected features do not explain."""
    c = correlation.double().numpy()
    explained = c[:, selected] @ np.linalg.pinv(c[np.ix_(selected, selected)])
    return float(np.trace(c - explained @ c[selected]))


def test_each_filter_leaves_the_smallest_residual() -> None:
    rng = torch.Generator().manual_seed(2)
    hidden = torch.randn(6, 400, generator=rng, dtype=torch.float64)
    mixed = torch.randn(24, 6, generator=rng, dtype=torch.float64) @ hidden
    noise = torch.randn(24, 400, generator=rng, dtype=torch.float64)
    features = mixed * torch.rand(24, 1, generator=rng, dtype=torch.float64)
    features = (features + noise / 5).relu()
    correlation = features @ features.T / 400
    selected: list[int] = []
    for count in range(1, 6):
        residuals = {
            index: residual(correlation, [*selected, index])
            for index in range(24)
            if index not in selected
        }
        selected.append(min(residuals, key=residuals.__getitem__))
        result = closed_form._select_filters(correlation, count)
        assert result.tolist() == sorted(selected)


def test_copies_and_zero_features_are_selected_last() -> None:
    rng = torch.Generator().manual_seed(3)
    features = torch.randn(4, 50, generator=rng, dtype=torch.float64)
    features = torch.cat((features, features[:2], torch.zeros(1, 50)))
    correlation = features @ features.T
    selected = closed_form._select_filters(correlation, 4).tolist()
    # One of each pair of copies, (0, 4) and (1, 5).
    assert {index % 4 for index in selected} == {0, 1, 2, 3}
    assert 6 not in selected
    assert closed_form._select_filters(correlation, 7).tolist() == [*range(7)]


# Maps --------------------------------------------------------------------------------


def make_features(seed: int) -> tuple[list[Tensor], list[Tensor]]:
    """A teacher's six and a student's three features of four crops."""
    rng = torch.Generator().manual_seed(seed)
    mix = torch.randn(6, 3, generator=rng)
    targets, features = [], []
    for scale in (1.0, 30.0, 0.1, 3.0):
        f = torch.randn(1, 3, 8, 9, generator=rng).relu()
        noise = torch.randn(1, 6, 8, 9, generator=rng)
        targets.append(scale * (torch.einsum("nk,bkhw->bnhw", mix, f) + noise).relu())
        features.append(scale * f)
    return targets, features


def map_error(u: Tensor, targets: list[Tensor], features: list[Tensor]) -> float:
    """The root of the mean over crops of ‖U f − F‖² / ‖F‖², in float64."""
    errors = []
    for target, f in zip(targets, features, strict=True):
        expected = target[0].flatten(1).double()
        difference = u.double() @ f[0].flatten(1).double() - expected
        errors.append(float(difference.square().sum() / expected.square().sum()))
    return float(np.mean(errors)) ** 0.5


def test_maps_are_least_squares_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    targets, features = make_features(8)
    u, error = closed_form.fit_map(targets, features)
    # With the ridge the reported error is an upper bound.
    assert map_error(u, targets, features) <= error + 1e-6
    assert error == pytest.approx(map_error(u, targets, features), rel=0.01)
    monkeypatch.setattr(closed_form, "RIDGE", 0.0)
    u, error = closed_form.fit_map(targets, features)
    scales = [float(target.double().norm()) for target in targets]

    def stack(tensors: list[Tensor]) -> NDArray[np.float64]:
        flat = [tensor[0].flatten(1).double().numpy() for tensor in tensors]
        return np.hstack([x / scale for x, scale in zip(flat, scales, strict=True)])

    expected = np.linalg.lstsq(stack(features).T, stack(targets).T, rcond=None)[0].T
    assert u.dtype == torch.float32
    assert u.numpy() == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert error == pytest.approx(map_error(u, targets, features), rel=1e-4)
