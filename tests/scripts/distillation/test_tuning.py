"""Tuning: lessons, the loss, its fall, and going on where it was left."""

from __future__ import annotations

import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.conftest import picture
from tests.scripts.distillation.conftest import Kernels, Script, images

STEPS = 12


@pytest.fixture(scope="module")
def tuning(script: Script) -> ModuleType:
    return script("distillation.tuning")


@pytest.fixture(scope="module")
def pictures(script: Script) -> Any:
    photos = [picture(40, 50, seed) for seed in (1, 2)]
    paintings = [picture(50, 40, seed) for seed in (3, 4, 5)]
    return script("distillation.pictures").Pictures(photos, paintings, [], [], "")


@pytest.fixture(scope="module")
def closed(script: Script, kernels: Kernels) -> dict[str, Tensor]:
    """A small student in closed form, as tensors."""
    student = script("distillation.closed_form").distilled(
        kernels,
        {layer: len(bias) // 4 for layer, (_, bias) in kernels.items()},
        images(4, 32),
        torch.Generator().manual_seed(0),
    )
    found: dict[str, Tensor] = student.tensors()
    return found


@pytest.fixture
def begun(
    tuning: ModuleType, script: Script, kernels: Kernels, closed: dict[str, Tensor]
) -> Any:
    """Makes a tuning of a student of its own."""

    def made(dtype: torch.dtype = torch.float32) -> Any:
        own = {name: one.clone() for name, one in closed.items()}
        student = script("distillation.student").Student.of(own)
        return tuning.Tuning(student, kernels, STEPS, dtype)

    return made


def frames() -> list[Any]:
    """Of one gray each, so that they are told from crops."""
    return [np.full((32, 32, 3), level, np.uint8) for level in (10, 90, 200)]


# Lessons -----------------------------------------------------------------------------


def test_a_step_s_batch_is_always_the_same(tuning: ModuleType, pictures: Any) -> None:
    lessons = tuning.Lessons(pictures, frames(), 32, 0)
    again = tuning.Lessons(pictures, frames(), 32, 0)
    for step in (0, 1, 700):
        batch = lessons.batch(step)
        assert batch.shape == (tuning.BATCH, 3, 32, 32)
        assert batch.dtype == torch.float32
        assert 0 <= float(batch.min()) <= float(batch.max()) <= 255
        assert torch.equal(batch, again.batch(step))
        assert all(
            not torch.equal(batch[nth], batch[other])
            for nth in range(tuning.BATCH)
            for other in range(nth)
            if float(batch[nth].std()) > 0
        )
    assert not torch.equal(lessons.batch(0), lessons.batch(1))
    other = tuning.Lessons(pictures, frames(), 32, 1)
    assert not torch.equal(lessons.batch(0), other.batch(0))


def test_shares_of_crops_and_frames(tuning: ModuleType, pictures: Any) -> None:
    lessons = tuning.Lessons(pictures, frames(), 32, 0)
    levels = [
        float(one.mean())
        for step in range(60)
        for one in lessons.batch(step)
        if float(one.std()) == 0
    ]
    assert {*levels} == {10, 90, 200}
    share = 1 - tuning.CLEAN - tuning.SPOILED
    assert len(levels) / 240 == pytest.approx(share, abs=0.1)
    without = tuning.Lessons(pictures, [], 32, 0)
    assert all(
        float(one.std()) > 0 for step in range(20) for one in without.batch(step)
    )


def test_photos_and_paintings_are_sampled(tuning: ModuleType, script: Script) -> None:
    dark, light = (np.full((40, 40, 3), level, np.uint8) for level in (0, 255))
    both = script("distillation.pictures").Pictures([dark], [light], [], [], "")
    means = [
        float(tuning.sample(np.random.default_rng(seed), both, 32).mean())
        for seed in range(200)
    ]
    assert {*means} == {0.0, 255.0}
    assert 0.2 < means.count(0.0) / 200 < 0.4


# The loss ----------------------------------------------------------------------------


def test_the_loss_weighs_as_the_painter_does(tuning: ModuleType) -> None:
    apart = {
        layer: (torch.tensor([nth + 1.0, nth + 3.0]), torch.tensor([0.5, 1.5]) * nth)
        for nth, layer in enumerate(tuning.LEARNT)
    }
    expected = 0.0
    for layer, (seen, style) in apart.items():
        if layer == "conv4_2":
            expected += tuning.FEATURES * float(seen.mean())
        else:
            expected += tuning.OTHERS * float(seen.mean())
            expected += tuning.GRAMS * float(style.mean())
    assert float(tuning.loss_of(apart)) == pytest.approx(expected, rel=1e-6)


def test_the_slope_is_the_loss_s(tuning: ModuleType, begun: Any) -> None:
    """Along the slope of each of some tensors, against differences."""
    one = begun()
    batch = torch.cat(images(2, 32, 50))
    wanted = tuning.features(one.teacher, batch, tuning.LEARNT)

    def loss() -> Tensor:
        seen = one.student.features(batch, tuning.LEARNT)
        found: Tensor = tuning.loss_of(tuning.errors(one.student, seen, wanted))
        return found

    loss().backward()
    tensors = one.student.tensors()
    for name in ("conv1_1.weight", "conv3_2.bias", "conv4_2.map", "conv5_1.weight"):
        tensor = tensors[name]
        slope = tensor.grad.clone()
        length = float(slope.norm())
        assert length > 0
        step = 2e-4 * float(tensor.detach().norm()) * slope / length
        with torch.no_grad():
            tensor += step
            after = float(loss())
            tensor -= 2 * step
            before = float(loss())
            tensor += step
        expected = 2 * float((slope * step).sum())
        assert after - before == pytest.approx(expected, rel=0.03), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_tuning_lowers_the_loss(
    tuning: ModuleType, begun: Any, pictures: Any, dtype: torch.dtype
) -> None:
    one = begun(dtype)
    lessons = tuning.Lessons(pictures, [], 32, 0)
    unseen = torch.cat(images(4, 32, 70))

    @torch.no_grad()
    def loss() -> float:
        wanted = tuning.features(one.teacher, unseen, tuning.LEARNT)
        seen = one.student.features(unseen, tuning.LEARNT)
        return float(tuning.loss_of(tuning.errors(one.student, seen, wanted)))

    before, told = loss(), []
    tuning.tune(one, lessons, 0, STEPS, lambda *pair: told.append(pair))
    assert [step for step, _ in told] == [*range(STEPS)]
    assert all(math.isfinite(loss) for _, loss in told)
    assert loss() < 0.9 * before


def test_the_told_loss_is_that_before_the_step(
    tuning: ModuleType, begun: Any, pictures: Any
) -> None:
    one = begun()
    batch = tuning.Lessons(pictures, [], 32, 0).batch(0)
    with torch.no_grad():
        wanted = tuning.features(one.teacher, batch, tuning.LEARNT)
        seen = one.student.features(batch, tuning.LEARNT)
        expected = float(tuning.loss_of(tuning.errors(one.student, seen, wanted)))
    assert one.step(0, batch) == pytest.approx(expected, rel=1e-5)


def test_what_is_learnt(tuning: ModuleType, begun: Any, pictures: Any) -> None:
    """All kernels, and the maps of the layers that are learnt; nothing else."""
    one = begun()
    before = {name: t.detach().clone() for name, t in one.student.tensors().items()}
    batch = tuning.Lessons(pictures, [], 32, 0).batch(0)
    teacher = {layer: weight.clone() for layer, (weight, _) in one.teacher.items()}
    one.step(3, batch)
    for name, tensor in one.student.tensors().items():
        layer, part = name.split(".")
        moved = not torch.equal(tensor, before[name])
        assert moved == (part != "map" or layer in tuning.LEARNT), name
        if moved:
            size = float(before[name].square().mean().sqrt())
            most = float((tensor.detach() - before[name]).abs().max())
            # Adam's first step is the rate itself.
            assert most <= 1.01 * size * tuning.RATE * one._rate(3), name
    for layer, weight in teacher.items():
        assert torch.equal(one.teacher[layer][0], weight)
    student = one.ended()
    assert not any(tensor.requires_grad for tensor in student.tensors().values())


def test_the_rate_warms_up_and_falls_to_nothing(tuning: ModuleType, begun: Any) -> None:
    one = begun()
    one.steps = 1000
    rates = [one._rate(number) for number in range(1001)]
    assert rates[0] == pytest.approx(1 / tuning.WARM_UP)
    assert rates[tuning.WARM_UP - 1] > 0.99
    assert rates[500] == pytest.approx(0.5)
    assert rates[1000] == pytest.approx(0.0, abs=1e-12)
    later = rates[tuning.WARM_UP :]
    assert later == sorted(later, reverse=True)


def test_each_step_has_its_own_rate(
    tuning: ModuleType, begun: Any, pictures: Any
) -> None:
    """Of each tensor, relative to its size before tuning."""
    one = begun()
    sizes = [float(tensor.detach().square().mean().sqrt()) for tensor in one.learnt]
    lessons = tuning.Lessons(pictures, [], 32, 0)
    for number in (0, 4, 4, STEPS - 1):
        one.step(number, lessons.batch(number))
        rates = [group["lr"] for group in one.adam.param_groups]
        expected = [tuning.RATE * size * one._rate(number) for size in sizes]
        assert rates == pytest.approx(expected, rel=1e-6)


# Going on ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("stopped", [1, 5])
def test_going_on_is_as_going_through(
    tuning: ModuleType,
    begun: Any,
    pictures: Any,
    tmp_path: Path,
    stopped: int,
    dtype: torch.dtype,
) -> None:
    lessons = tuning.Lessons(pictures, frames(), 32, 0)

    def nothing(*_: object) -> None:
        pass

    through = begun(dtype)
    tuning.tune(through, lessons, 0, 8, nothing)
    first = begun(dtype)
    tuning.tune(first, lessons, 0, stopped, nothing)
    torch.save(first.state(stopped), tmp_path / "state.pt")
    second = begun(dtype)
    done = second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    assert done == stopped
    for mine, theirs in zip(
        second.adam.param_groups, first.adam.param_groups, strict=True
    ):
        assert {**mine, "params": 0} == {**theirs, "params": 0}
    tuning.tune(second, lessons, done, 8, nothing)
    expected = through.ended().tensors()
    for name, one in second.ended().tensors().items():
        assert torch.equal(one, expected[name]), name


def test_a_state_does_not_follow_what_is_learnt_after(
    tuning: ModuleType, begun: Any, pictures: Any, tmp_path: Path
) -> None:
    lessons = tuning.Lessons(pictures, [], 32, 0)
    one = begun()
    tuning.tune(one, lessons, 0, 2, lambda *_: None)
    torch.save(one.state(2), tmp_path / "state.pt")
    kept = {name: t.detach().clone() for name, t in one.student.tensors().items()}
    tuning.tune(one, lessons, 2, 4, lambda *_: None)
    assert one.restore(torch.load(tmp_path / "state.pt", weights_only=True)) == 2
    for name, tensor in one.student.tensors().items():
        assert torch.equal(tensor, kept[name])
