"""Walks: frames of short runs, the same for the same seed."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from artist_nst.nst.objective import Objective
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from tests.conftest import picture
from tests.scripts.distillation.conftest import Script

KEPT = 1, 2, 5


@pytest.fixture(scope="module")
def walks(script: Script) -> ModuleType:
    return script("distillation.walks")


@pytest.fixture
def walk(
    walks: ModuleType, script: Script, teacher: Weights, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """All frames of so many runs, of 32 pixels."""
    monkeypatch.setattr(walks, "KEPT", KEPT)
    pictures = script("distillation.pictures").Pictures(
        [picture(40, 50, 1)], [picture(50, 40, 3), picture(40, 40, 4)], [], [], ""
    )
    network = VGG(teacher)

    def found(count: int, *seed: int) -> list[list[Any]]:
        return list(walks.walks(network, pictures, count, 32, seed, "float32"))

    return found


def test_frames_are_kept_of_each_run(walk: Any) -> None:
    runs = walk(3, 0, 2)
    assert [len(frames) for frames in runs] == [len(KEPT)] * 3
    for frames in runs:
        for one in frames:
            assert one.shape == (32, 32, 3)
            assert one.dtype == np.uint8
        # They are on their way somewhere.
        assert not np.array_equal(frames[0], frames[-1])
    assert not np.array_equal(runs[0][-1], runs[1][-1])


def test_the_same_for_the_same_seed(walk: Any) -> None:
    first, again, other = walk(2, 0, 2), walk(2, 0, 2), walk(2, 0, 3)
    assert all(
        np.array_equal(one, two)
        for ours, theirs in zip(first, again, strict=True)
        for one, two in zip(ours, theirs, strict=True)
    )
    assert not np.array_equal(first[0][0], other[0][0])
    # The nth run is the same, however many there are.
    assert np.array_equal(walk(1, 0, 2)[0][-1], first[0][-1])


def test_a_run_that_is_not_finite_leaves_nothing(
    walk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Objective.__call__
    calls = []

    def spoiled(self: Objective, image: torch.Tensor) -> Any:
        losses, gradient = original(self, image)
        calls.append(1)
        return losses, gradient * (float("nan") if len(calls) == 1 else 1.0)

    monkeypatch.setattr(Objective, "__call__", spoiled)
    assert [len(frames) for frames in walk(2, 0, 2)] == [0, len(KEPT)]


def test_ctrl_c_ends_the_walks(walk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than leaving one run short, and all that is learnt from it other."""
    original = Objective.__call__
    calls = []

    def stopped(self: Objective, image: torch.Tensor) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, image)

    monkeypatch.setattr(Objective, "__call__", stopped)
    with pytest.raises(KeyboardInterrupt):
        walk(2, 0, 2)
