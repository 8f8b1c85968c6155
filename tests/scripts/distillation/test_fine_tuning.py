"""Fine-tuning: batches, the loss, its decrease, resuming."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from distillation import fine_tuning
from distillation.closed_form import fit_student
from distillation.dataset import Dataset
from distillation.fine_tuning import BatchSampler, FineTuner, weighted_loss
from distillation.student import (
    TRAINED_LAYERS,
    Kernels,
    Student,
    compute_features,
    relative_errors,
)
from torch import Tensor

from tests.scripts.distillation.conftest import images

pytestmark = pytest.mark.tools

STEPS = 12
Begin = Callable[..., FineTuner]


@pytest.fixture(scope="module")
def closed_form(kernels: Kernels) -> dict[str, Tensor]:
    """The tensors of a small student."""
    widths = {layer: len(bias) // 4 for layer, (_, bias) in kernels.items()}
    generator = torch.Generator().manual_seed(0)
    return fit_student(kernels, widths, images(4, 32), generator).to_tensors()


@pytest.fixture
def begin(kernels: Kernels, closed_form: dict[str, Tensor]) -> Begin:
    """Creates a tuner with a student of its own."""

    def create(dtype: torch.dtype = torch.float32) -> FineTuner:
        tensors = {name: tensor.clone() for name, tensor in closed_form.items()}
        return FineTuner(Student.from_tensors(tensors), kernels, STEPS, dtype)

    return create


def frames() -> list[Any]:
    """One gray level each, to be distinguished from crops."""
    return [np.full((32, 32, 3), level, np.uint8) for level in (10, 90, 200)]


def ignore(*_: object) -> None:
    pass


def loss_of(tuner: FineTuner, batch: Tensor) -> Tensor:
    with torch.no_grad():
        targets = compute_features(tuner.teacher, batch, TRAINED_LAYERS)
    features = tuner.student.compute_features(batch, TRAINED_LAYERS)
    return weighted_loss(relative_errors(tuner.student, features, targets))


def test_batches_are_determined_by_seed_and_step(dataset: Dataset) -> None:
    sampler = BatchSampler(dataset, frames(), 32, 0)
    again = BatchSampler(dataset, frames(), 32, 0)
    for step in (0, 1, 700):
        batch = sampler.sample_batch(step)
        assert batch.shape == (fine_tuning.BATCH, 3, 32, 32)
        assert batch.dtype == torch.float32
        assert 0 <= float(batch.min()) <= float(batch.max()) <= 255
        assert torch.equal(batch, again.sample_batch(step))
        textured = [one for one in batch if float(one.std()) > 0]
        assert len({one.numpy().tobytes() for one in textured}) == len(textured)
    batch = sampler.sample_batch(0)
    assert not torch.equal(batch, sampler.sample_batch(1))
    other = BatchSampler(dataset, frames(), 32, 1)
    assert not torch.equal(batch, other.sample_batch(0))


def test_shares_of_crops_and_frames(dataset: Dataset) -> None:
    sampler = BatchSampler(dataset, frames(), 32, 0)
    levels = [
        float(one.mean())
        for step in range(60)
        for one in sampler.sample_batch(step)
        if float(one.std()) == 0
    ]
    assert {*levels} == {10, 90, 200}
    share = 1 - fine_tuning.CLEAN - fine_tuning.NOISY
    assert len(levels) / 240 == pytest.approx(share, abs=0.1)
    without = BatchSampler(dataset, [], 32, 0)
    assert all(
        float(one.std()) > 0 for step in range(20) for one in without.sample_batch(step)
    )


def test_photos_and_paintings_are_sampled() -> None:
    dark, light = (np.full((40, 40, 3), level, np.uint8) for level in (0, 255))
    both = Dataset([dark], [light], [], [], "")
    means = [
        float(fine_tuning.sample_crop(np.random.default_rng(seed), both, 32).mean())
        for seed in range(200)
    ]
    assert {*means} == {0.0, 255.0}
    assert 0.2 < means.count(0.0) / 200 < 0.4


def test_the_loss_is_a_weighted_sum() -> None:
    errors = {
        layer: (torch.tensor([index + 1.0, index + 3.0]), torch.tensor([0.5, 1.5]))
        for index, layer in enumerate(TRAINED_LAYERS)
    }
    expected = 0.0
    for layer, (feature_error, gram_error) in errors.items():
        if layer == "conv4_2":
            expected += fine_tuning.CONTENT_WEIGHT * float(feature_error.mean())
        else:
            expected += fine_tuning.FEATURE_WEIGHT * float(feature_error.mean())
            expected += fine_tuning.GRAM_WEIGHT * float(gram_error.mean())
    assert float(weighted_loss(errors)) == pytest.approx(expected, rel=1e-6)


def test_gradients_match_finite_differences(begin: Begin) -> None:
    tuner = begin()
    batch = torch.cat(images(2, 32, 50))
    loss_of(tuner, batch).backward()  # type: ignore[no-untyped-call]
    tensors = tuner.student.to_tensors()
    for name in ("conv1_1.weight", "conv3_2.bias", "conv4_2.map", "conv5_1.weight"):
        tensor = tensors[name]
        assert tensor.grad is not None
        gradient = tensor.grad.clone()
        step = 2e-4 * float(tensor.detach().norm()) * gradient / gradient.norm()
        with torch.no_grad():
            tensor += step
            after = loss_of(tuner, batch).item()
            tensor -= 2 * step
            before = loss_of(tuner, batch).item()
            tensor += step
        expected = 2 * float((gradient * step).sum())
        assert after - before == pytest.approx(expected, rel=0.03), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_loss_decreases(begin: Begin, dataset: Dataset, dtype: torch.dtype) -> None:
    tuner = begin(dtype)
    sampler = BatchSampler(dataset, [], 32, 0)
    unseen, batch = torch.cat(images(4, 32, 70)), sampler.sample_batch(0)
    before, first = (loss_of(tuner, one).item() for one in (unseen, batch))
    losses: list[tuple[int, float]] = []
    tuner.run(sampler, 0, STEPS, lambda *pair: losses.append(pair))
    assert [step for step, _ in losses] == [*range(STEPS)]
    assert all(math.isfinite(loss) for _, loss in losses)
    if dtype is torch.float32:
        assert losses[0][1] == pytest.approx(first, rel=1e-5)
    assert loss_of(tuner, unseen).item() < 0.9 * before


def test_kernels_and_maps_of_trained_layers_change(
    begin: Begin, dataset: Dataset
) -> None:
    tuner = begin()
    before = {k: v.detach().clone() for k, v in tuner.student.to_tensors().items()}
    teacher = {layer: weight.clone() for layer, (weight, _) in tuner.teacher.items()}
    tuner.step(3, BatchSampler(dataset, [], 32, 0).sample_batch(0))
    for name, tensor in tuner.student.to_tensors().items():
        layer, part = name.split(".")
        changed = not torch.equal(tensor, before[name])
        assert changed == (part != "map" or layer in TRAINED_LAYERS), name
        # Adam's first step is the learning rate itself.
        rms = float(before[name].square().mean().sqrt())
        largest = float((tensor.detach() - before[name]).abs().max())
        assert largest <= 1.01 * rms * fine_tuning.RATE * tuner._rate_factor(3), name
    for layer, weight in teacher.items():
        assert torch.equal(tuner.teacher[layer][0], weight)
    tensors = tuner.finish().to_tensors().values()
    assert not any(tensor.requires_grad for tensor in tensors)


def test_the_rate_warms_up_and_decays(begin: Begin) -> None:
    tuner = begin()
    tuner.steps = 1000
    rates = [tuner._rate_factor(step) for step in range(1001)]
    assert rates[0] == pytest.approx(1 / fine_tuning.WARM_UP)
    assert rates[fine_tuning.WARM_UP - 1] > 0.99
    assert rates[500] == pytest.approx(0.5)
    assert rates[1000] == pytest.approx(0.0, abs=1e-12)
    later = rates[fine_tuning.WARM_UP :]
    assert later == sorted(later, reverse=True)


@pytest.mark.parametrize(
    ("stop", "dtype"), [(1, torch.float32), (5, torch.bfloat16)], ids=str
)
def test_resuming_gives_the_same_student(
    begin: Begin, dataset: Dataset, tmp_path: Path, stop: int, dtype: torch.dtype
) -> None:
    sampler = BatchSampler(dataset, frames(), 32, 0)
    uninterrupted = begin(dtype)
    uninterrupted.run(sampler, 0, 8, ignore)
    first = begin(dtype)
    first.run(sampler, 0, stop, ignore)
    torch.save(first.state_dict(stop), tmp_path / "state.pt")
    first.run(sampler, stop, 8, ignore)
    second = begin(dtype)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert second.load_state_dict(state) == stop
    second.run(sampler, stop, 8, ignore)
    for name, expected in uninterrupted.finish().to_tensors().items():
        assert torch.equal(second.student.to_tensors()[name], expected), name
        assert torch.equal(first.student.to_tensors()[name], expected), name
