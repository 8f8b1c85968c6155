"""Trajectories: frames of short runs, determined by the seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from distillation import trajectories
from distillation.dataset import Dataset

from artist_nst.nst.objective import Objective
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights

pytestmark = pytest.mark.tools

KEPT = 1, 2, 5


@pytest.fixture
def run(
    teacher: Weights, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[list[Any]]]:
    """All frames of so many runs, of 32 pixels."""
    monkeypatch.setattr(trajectories, "KEPT", KEPT)
    network = VGG(teacher)

    def collect(count: int, *seed: int) -> list[list[Any]]:
        return list(
            trajectories.run_trajectories(network, dataset, count, 32, seed, "float32")
        )

    return collect


def test_frames_of_each_run_are_determined_by_the_seed(run: Any) -> None:
    runs = run(3, 0, 2)
    assert [len(frames) for frames in runs] == [len(KEPT)] * 3
    for frames in runs:
        for frame in frames:
            assert frame.shape == (32, 32, 3)
            assert frame.dtype == np.uint8
        assert not np.array_equal(frames[0], frames[-1])
    assert not np.array_equal(runs[0][-1], runs[1][-1])
    # A run does not depend on how many there are.
    assert np.array_equal(run(1, 0, 2)[0], runs[0])
    assert not np.array_equal(run(1, 0, 3)[0][0], runs[0][0])


def test_runs_that_are_not_finite_have_no_frames(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Objective.__call__
    calls = []

    def fail(self: Objective, image: torch.Tensor) -> Any:
        losses, gradient = original(self, image)
        calls.append(1)
        return losses, gradient * (float("nan") if len(calls) == 1 else 1.0)

    monkeypatch.setattr(Objective, "__call__", fail)
    assert [len(frames) for frames in run(2, 0, 2)] == [0, len(KEPT)]


def test_ctrl_c_ends_the_runs(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An incomplete run must not be trained on."""
    original = Objective.__call__
    calls = []

    def interrupt(self: Objective, image: torch.Tensor) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, image)

    monkeypatch.setattr(Objective, "__call__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(2, 0, 2)
