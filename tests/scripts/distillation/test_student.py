"""The student: features, errors, conversion to weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from distillation.closed_form import fit_student
from distillation.student import (
    TRAINED_LAYERS,
    Kernels,
    Student,
    compute_features,
    relative_errors,
)
from torch import Tensor

from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from tests.scripts.distillation.conftest import image, images, relative

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def student(kernels: Kernels) -> Student:
    """A quarter of the teacher."""
    widths = {layer: len(bias) // 4 for layer, (_, bias) in kernels.items()}
    return fit_student(kernels, widths, images(4, 48), torch.Generator().manual_seed(0))


def test_features_match_the_network(kernels: Kernels, teacher: Weights) -> None:
    photo = image(37, 50)
    expected = VGG(teacher)(photo, TRAINED_LAYERS)
    features = compute_features(kernels, photo, TRAINED_LAYERS)
    assert features.keys() == expected.keys()
    for layer, reference in expected.items():
        assert features[layer][0].shape == reference.shape
        assert relative(features[layer][0] - reference, reference) < 1e-5
    layers = "conv1_1", "conv3_1"
    coarse = compute_features(kernels, photo, layers, torch.bfloat16)
    for layer in layers:
        assert coarse[layer].dtype == torch.bfloat16
        assert 0 < relative(coarse[layer] - features[layer], features[layer]) < 0.02


def test_batches_are_computed_image_by_image(student: Student) -> None:
    layers = "conv2_1", "conv4_2"
    pair = images(2, 32)
    batch = student.compute_features(torch.cat(pair), layers)
    for index, one in enumerate(pair):
        features = student.compute_features(one, layers)
        for layer in layers:
            difference = batch[layer][index] - features[layer][0]
            assert relative(difference, features[layer]) < 1e-5


def test_errors_match_numpy(student: Student, kernels: Kernels) -> None:
    batch, layers = torch.cat(images(3, 40, 20)), ("conv1_1", "conv3_1", "conv5_1")
    targets = compute_features(kernels, batch, layers)
    features = student.compute_features(batch, layers)
    errors = relative_errors(student, features, targets)
    assert errors.keys() == {*layers}
    for layer in layers:
        u = student.maps[layer].double().numpy()
        for index in range(3):
            f = features[layer][index].double().numpy().reshape(len(u.T), -1)
            target = targets[layer][index].double().numpy().reshape(len(u), -1)
            feature_error = np.sum((u @ f - target) ** 2) / np.sum(target**2)
            gram, target_gram = u @ f @ f.T @ u.T, target @ target.T
            gram_error = np.sum((gram - target_gram) ** 2) / np.sum(target_gram**2)
            actual = [float(error[index]) for error in errors[layer]]
            assert actual == pytest.approx([feature_error, gram_error], rel=1e-3)


def test_tensors_round_trip(student: Student, tmp_path: Path) -> None:
    torch.save(student.to_tensors(), tmp_path / "student.pt")
    tensors = torch.load(tmp_path / "student.pt", weights_only=True)
    loaded = Student.from_tensors(tensors)
    assert list(loaded.kernels) == list(student.kernels)
    assert list(loaded.to_tensors()) == list(student.to_tensors())
    for name, tensor in student.to_tensors().items():
        assert torch.equal(loaded.to_tensors()[name], tensor)
        # The same memory layout gives the same sums in the same order.
        assert loaded.to_tensors()[name].stride() == tensor.stride()


def test_weights_give_the_same_features(student: Student) -> None:
    weights = student.to_weights("some name")
    assert (weights.network, weights.input) == ("compact", "oxford")
    assert weights.sha256 == weights.source == "some name"
    photo = image(40, 33)
    features = VGG(weights)(photo, TRAINED_LAYERS)
    for layer, expected in student.compute_features(photo, TRAINED_LAYERS).items():
        assert relative(features[layer] - expected[0], expected) < 1e-5


def test_weights_hold_a_root_of_the_metric(student: Student) -> None:
    weights = student.to_weights("roots")
    assert weights.projection_roots.keys() == weights.kernels.keys()
    for layer, projection in weights.projection_roots.items():
        u, root = student.maps[layer].double(), projection.matrix.double()
        assert projection.filters == len(u)
        assert root.shape == (u.shape[1],) * 2
        assert relative(root.T @ root - u.T @ u, u.T @ u) < 1e-6
        assert torch.equal(root, root.triu())


def test_singular_metrics_have_a_root() -> None:
    def root_of(u: Tensor) -> Tensor:
        kernel = torch.zeros(u.shape[1], 3, 3, 3), torch.zeros(u.shape[1])
        student = Student({"conv1_1": kernel}, {"conv1_1": u})
        roots = student.to_weights("singular").projection_roots
        return roots["conv1_1"].matrix.double()

    u = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    u[:, 1] = 0.0
    u[:, 3] = u[:, 0]
    for matrix in (u, u.T.contiguous()):
        root, metric = root_of(matrix), matrix.double().T @ matrix.double()
        assert bool(root.isfinite().all())
        assert relative(root.T @ root - metric, metric) < 1e-6


def test_weights_do_not_share_memory_with_the_student(student: Student) -> None:
    weights = student.to_weights("before")
    bias = student.kernels["conv1_1"][1]
    before, kept = bias.clone(), weights.kernels["conv1_1"][1].clone()
    try:
        bias += 5.0
        assert torch.equal(weights.kernels["conv1_1"][1], kept)
    finally:
        bias.copy_(before)
