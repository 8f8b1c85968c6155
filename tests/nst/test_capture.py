"""CUDA graphs: the same results as without, or no graph at all."""

import gc
import weakref

import pytest
import torch
from torch import Tensor

from artist_nst._types import Precision
from artist_nst.nst import capture
from artist_nst.nst.capture import capture_graph
from artist_nst.nst.neighbors import NeighborFinder
from artist_nst.nst.objective import Objective, compute_targets
from artist_nst.nst.precision import DTYPES
from artist_nst.nst.pyramid import deterministic_cudnn
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import Recipe
from tests.nst.conftest import image


def make_objective(
    weights: Weights,
    device: str,
    precision: Precision = "float32",
    recipe: Recipe = RECIPES["gram"],
) -> Objective:
    network = VGG(weights).to(device)
    photo, style = image(64, 80, 1).to(device), image(48, 48, 2).to(device)
    targets = compute_targets(network, recipe, photo, [(style, 1.0)])
    if recipe.neighbor_weights:
        finder = NeighborFinder(
            network,
            [*recipe.neighbor_weights],
            [style],
            dtype=DTYPES[precision],
            turns=recipe.turns,
            max_share=recipe.max_share,
        )
        targets = targets.with_neighbors([finder.find(photo)])
    return Objective(network, recipe, targets, precision=precision)


def test_nothing_is_recorded_on_a_cpu() -> None:
    def never(_: Tensor) -> tuple[Tensor, Tensor]:
        raise AssertionError

    assert capture_graph(never, image(8, 8)) is None


def test_an_objective_is_not_kept_alive(thin_weights: Weights) -> None:
    objective = make_objective(thin_weights, "cpu")
    objective(image(64, 80, 3))
    reference = weakref.ref(objective)
    gc.disable()
    try:
        del objective
        assert reference() is None
    finally:
        gc.enable()


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["gram", "default"])
def test_a_graph_gives_what_is_recorded(
    thin_weights: Weights, name: str, precision: Precision
) -> None:
    objective = make_objective(thin_weights, "cuda", precision, RECIPES[name])
    results, expected = [], []
    with deterministic_cudnn():
        for seed in (3, 4, 5):
            candidate = image(64, 80, seed).cuda()
            results.append(objective(candidate))
            expected.append(objective._evaluate_whole(candidate.detach()))
    assert objective._graph is not None
    # Compared at the end: a later replay must not change them.
    for (losses, gradient), (terms, right) in zip(results, expected, strict=True):
        assert losses.total == float(terms[0])
        assert torch.equal(gradient, right)


@pytest.mark.gpu
def test_a_graph_outlives_an_older_one(thin_weights: Weights) -> None:
    older, younger = (make_objective(thin_weights, "cuda") for _ in range(2))
    candidate = image(64, 80, 3).cuda()
    older(candidate)
    losses, gradient = younger(candidate)
    del older
    losses_after, gradient_after = younger(candidate)
    assert losses == losses_after
    assert torch.equal(gradient, gradient_after)


@pytest.mark.gpu
def test_what_cannot_be_recorded_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "_capture_failed", False)

    def read_value(x: Tensor) -> tuple[Tensor, Tensor]:
        assert float(x.sum()) >= 0
        return x.sum()[None], x

    stream = torch.cuda.current_stream()
    assert capture_graph(read_value, image(8, 8).cuda()) is None
    assert torch.cuda.current_stream() == stream
    assert capture_graph(lambda x: (x, x), image(8, 8).cuda()) is None


@pytest.mark.gpu
def test_memory_stays_flat(thin_weights: Weights) -> None:
    candidate = image(64, 80, 3).cuda()
    allocated = []
    for _ in range(12):
        make_objective(thin_weights, "cuda")(candidate)
        allocated.append(torch.cuda.memory_allocated())
    assert allocated[-1] <= allocated[3] * 1.01
