"""The student: what it sees, its errors, and how it is handed to the painter."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from tests.scripts.distillation.conftest import Kernels, Script, image, images, relative


@pytest.fixture(scope="module")
def student_module(script: Script) -> ModuleType:
    return script("distillation.student")


@pytest.fixture(scope="module")
def student(script: Script, kernels: Kernels) -> Any:
    """A quarter of the teacher."""
    return script("distillation.closed_form").distilled(
        kernels,
        {layer: len(bias) // 4 for layer, (_, bias) in kernels.items()},
        images(4, 48),
        torch.Generator().manual_seed(0),
    )


def test_features_are_the_network_s(
    student_module: ModuleType, kernels: Kernels, teacher: Weights
) -> None:
    photo = image(37, 50)
    expected = VGG(teacher)(photo, student_module.LEARNT)
    found = student_module.features(kernels, photo, student_module.LEARNT)
    assert found.keys() == expected.keys()
    for layer, one in expected.items():
        assert found[layer][0].shape == one.shape
        assert relative(found[layer][0] - one, one) < 1e-5


def test_a_batch_is_its_images(student: Any) -> None:
    layers = "conv2_1", "conv4_2"
    pair = images(2, 32)
    together = student.features(torch.cat(pair), layers)
    for nth, one in enumerate(pair):
        alone = student.features(one, layers)
        for layer in layers:
            apart = together[layer][nth] - alone[layer][0]
            assert relative(apart, alone[layer]) < 1e-5


def test_in_bfloat16(student_module: ModuleType, kernels: Kernels) -> None:
    photo, layers = image(32, 32), ("conv1_1", "conv3_1")
    fine = student_module.features(kernels, photo, layers)
    coarse = student_module.features(kernels, photo, layers, torch.bfloat16)
    for layer in layers:
        assert coarse[layer].dtype == torch.bfloat16
        assert 0 < relative(coarse[layer] - fine[layer], fine[layer]) < 0.02


def test_errors_are_numpy_s(
    student_module: ModuleType, student: Any, kernels: Kernels
) -> None:
    batch, layers = torch.cat(images(3, 40, 20)), ("conv1_1", "conv3_1", "conv5_1")
    wanted = student_module.features(kernels, batch, layers)
    seen = student.features(batch, layers)
    found = student_module.errors(student, seen, wanted)
    assert found.keys() == {*layers}
    for layer in layers:
        u = student.maps[layer].double().numpy()
        for nth in range(3):
            ours = seen[layer][nth].double().numpy().reshape(len(u.T), -1)
            theirs = wanted[layer][nth].double().numpy().reshape(len(u), -1)
            apart = np.sum((u @ ours - theirs) ** 2) / np.sum(theirs**2)
            gram, aim = u @ ours @ ours.T @ u.T, theirs @ theirs.T
            style = np.sum((gram - aim) ** 2) / np.sum(aim**2)
            told = [float(one[nth]) for one in found[layer]]
            assert told == pytest.approx([apart, style], rel=1e-3)


def test_the_teacher_s_own_features_are_no_error(
    student_module: ModuleType, kernels: Kernels
) -> None:
    maps = {layer: torch.eye(len(bias)) for layer, (_, bias) in kernels.items()}
    same = student_module.Student(dict(kernels), maps)
    batch, layers = torch.cat(images(2, 32)), student_module.LEARNT
    seen = same.features(batch, layers)
    for pair in student_module.errors(same, seen, seen).values():
        assert all(float(one.max()) < 1e-9 for one in pair)


def test_kept_and_put_together_again(
    student_module: ModuleType, student: Any, tmp_path: Path
) -> None:
    torch.save(student.tensors(), tmp_path / "student.pt")
    tensors = torch.load(tmp_path / "student.pt", weights_only=True)
    again = student_module.Student.of(tensors)
    assert list(again.kernels) == list(student.kernels)
    assert list(again.tensors()) == list(student.tensors())
    for name, one in student.tensors().items():
        assert torch.equal(again.tensors()[name], one)
        # Laid out alike, for the same sums in the same order.
        assert again.tensors()[name].stride() == one.stride()


def test_the_painter_s_network_sees_the_same(
    student_module: ModuleType, student: Any
) -> None:
    weights = student.weights("some name")
    assert (weights.network, weights.input) == ("compact", "oxford")
    assert weights.sha256 == weights.source == "some name"
    photo, layers = image(40, 33), student_module.LEARNT
    seen = VGG(weights)(photo, layers)
    for layer, one in student.features(photo, layers).items():
        assert relative(seen[layer] - one[0], one) < 1e-5


def test_the_root_is_one_of_the_metric(student: Any) -> None:
    weights = student.weights("roots")
    assert weights.metrics.keys() == weights.kernels.keys()
    for layer, metric in weights.metrics.items():
        own = student.maps[layer].double()
        root = metric.root.double()
        assert metric.filters == len(own)
        assert root.shape == (own.shape[1],) * 2
        assert relative(root.T @ root - own.T @ own, own.T @ own) < 1e-6
        assert torch.equal(root, root.triu())


def test_a_feature_that_is_not_needed_has_a_root_all_the_same(
    student_module: ModuleType,
) -> None:
    def root_of(own: Tensor) -> Tensor:
        kernel = torch.zeros(own.shape[1], 3, 3, 3), torch.zeros(own.shape[1])
        one = student_module.Student({"conv1_1": kernel}, {"conv1_1": own})
        root: Tensor = one.weights("bare").metrics["conv1_1"].root
        return root

    own = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    own[:, 1] = 0.0
    own[:, 3] = own[:, 0]
    root = root_of(own).double()
    assert bool(root.isfinite().all())
    expected = own.double().T @ own.double()
    assert relative(root.T @ root - expected, expected) < 1e-6
    # Wider than what it stands for.
    wide = own.T.contiguous()
    root = root_of(wide).double()
    expected = wide.double().T @ wide.double()
    assert relative(root.T @ root - expected, expected) < 1e-6


def test_learning_on_does_not_change_what_was_handed_over(student: Any) -> None:
    weights = student.weights("before")
    before = VGG(weights)(image(32, 32), ["conv2_1"])["conv2_1"]
    bias = student.kernels["conv1_1"][1]
    kept = bias.clone()
    try:
        bias += 5.0
        after = VGG(weights)(image(32, 32), ["conv2_1"])["conv2_1"]
        assert torch.equal(before, after)
    finally:
        bias.copy_(kept)
