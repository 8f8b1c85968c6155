"""Evaluations as CUDA graphs: the same results, each its own, or none at all."""

import pytest
import torch
from torch import Tensor

from artist_nst.nst import capture
from artist_nst.nst.capture import captured
from artist_nst.nst.objective import Objective, targets
from artist_nst.nst.precision import Precision
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from artist_nst.recipes.published import RECIPES
from tests.conftest import picture

NUMBERS = RECIPES["default"]


def image(height: int, width: int, seed: int = 0) -> Tensor:
    rgb = torch.from_numpy(picture(height, width, seed))
    return rgb.permute(2, 0, 1)[None].float()


def objective(
    weights: Weights, device: str, precision: Precision = "float32"
) -> Objective:
    network = VGG(weights).to(device)
    photo, style = image(64, 80, 1).to(device), image(48, 48, 2).to(device)
    wanted = targets(network, NUMBERS, photo, [(style, 1.0)])
    return Objective(network, NUMBERS, wanted, precision=precision)


def test_nothing_is_recorded_on_a_cpu() -> None:
    def never(_: Tensor) -> tuple[Tensor, Tensor]:
        raise AssertionError

    assert captured(never, image(8, 8)) is None


def test_an_objective_is_not_kept_alive(thin_weights: Weights) -> None:
    import gc
    import weakref

    evaluate = objective(thin_weights, "cpu")
    evaluate(image(64, 80, 3))
    left = weakref.ref(evaluate)
    gc.disable()
    try:
        del evaluate
        assert left() is None
    finally:
        gc.enable()


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_graph_gives_what_is_recorded(
    thin_weights: Weights, precision: Precision
) -> None:
    evaluate = objective(thin_weights, "cuda", precision)
    found, expected = [], []
    for seed in (3, 4, 5):
        candidate = image(64, 80, seed).cuda()
        found.append(evaluate(candidate))
        expected.append(evaluate._whole(candidate.detach()))
    assert evaluate._recorded is not None
    # Looked at when all is done: a later replay must not change them.
    for (losses, gradient), (terms, slope) in zip(found, expected, strict=True):
        assert losses.total == float(terms[0])
        assert torch.equal(gradient, slope)


@pytest.mark.gpu
def test_the_younger_of_two_lives_on(thin_weights: Weights) -> None:
    older, younger = (objective(thin_weights, "cuda") for _ in range(2))
    candidate = image(64, 80, 3).cuda()
    older(candidate)
    losses, gradient = younger(candidate)
    del older
    again, slope = younger(candidate)
    assert losses == again
    assert torch.equal(gradient, slope)


@pytest.mark.gpu
def test_what_cannot_be_recorded_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "_refused", False)

    def curious(x: Tensor) -> tuple[Tensor, Tensor]:
        assert float(x.sum()) >= 0
        return x.sum()[None], x

    here = torch.cuda.current_stream()
    assert captured(curious, image(8, 8).cuda()) is None
    assert torch.cuda.current_stream() == here
    assert captured(lambda x: (x, x), image(8, 8).cuda()) is None


@pytest.mark.gpu
def test_memory_stays_flat(thin_weights: Weights) -> None:
    candidate = image(64, 80, 3).cuda()
    taken = []
    for _ in range(12):
        objective(thin_weights, "cuda")(candidate)
        taken.append(torch.cuda.memory_allocated())
    assert taken[-1] <= taken[3] * 1.01
