"""artist_nst's side of the comparison, in a process configured like the program."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache
from statistics import median
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from artist_nst._types import Precision
from artist_nst.nst.devices import DeviceName, describe_device
from artist_nst.nst.level import LevelInfo
from artist_nst.nst.memory import MemoryEstimator
from artist_nst.nst.minimize import choose_optimizer, minimize
from artist_nst.nst.objective import Losses, Objective, Targets, compute_targets
from artist_nst.nst.precision import DTYPES
from artist_nst.nst.pyramid import Step, deterministic_cudnn, run_pyramid
from artist_nst.nst.vgg import VGG, Block
from artist_nst.painting.compute import ComputeOptions
from artist_nst.painting.networks import has_drafts, load_draft_network, load_network
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import Network, Optimizer, Recipe
from benchmarks import memory_use, timing
from benchmarks.problem import Problem, find_weights_file


class TimedObjective:
    """An objective that sums the seconds of its evaluations."""

    def __init__(self, objective: Objective, device: torch.device) -> None:
        self.objective = objective
        self.device = device
        self.seconds = 0.0

    def __call__(self, image: Tensor) -> tuple[Losses, Tensor]:
        timing.synchronize(self.device)
        start = time.perf_counter()
        result = self.objective(image)
        timing.synchronize(self.device)
        self.seconds += time.perf_counter() - start
        return result


def get_network(problem: Problem) -> VGG:
    """Load the problem's network once."""
    return _load_network(problem.weights, problem.device, problem.network)


@lru_cache(maxsize=2)
def _load_network(weights: str | None, device: str, name: str) -> VGG:
    file = None if name == "compact" else find_weights_file(weights)
    return load_network(
        replace(RECIPES["gram"], network=cast(Network, name)),
        ComputeOptions(device=cast(DeviceName, device), weights=file),
    )


@lru_cache(maxsize=2)
def _prepare(problem: Problem) -> tuple[Tensor, Targets]:
    """Compute photo and targets at full size once."""
    network, recipe, content, style = _load(problem)
    return content, compute_targets(network, recipe, content, [(style, 1.0)])


@lru_cache(maxsize=2)
def make_objective(problem: Problem, precision: Precision) -> Objective:
    """Make the objective at full size, as painting does."""
    network, (_, targets) = get_network(problem), _prepare(problem)
    return Objective(network, problem.make_recipe(), targets, precision=precision)


# Called in the worker ----------------------------------------------------------------


def get_environment(problem: Problem) -> dict[str, Any]:
    """Return device, threads and weights."""
    device = problem.get_device()
    return {
        "threads": torch.get_num_threads(),
        "device": describe_device(device),
        "kind": device.type,
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "weights": str(find_weights_file(problem.weights)),
        "weights_sha256": get_network(problem).sha256,
    }


def time_product(problem: Problem, size: int, precision: Precision) -> float:
    """Measure the best GFLOP/s of a few products of two square matrices."""
    device = problem.get_device()
    dtype = DTYPES[precision] or torch.float32
    a, b = (torch.rand(size, size, dtype=dtype, device=device) for _ in range(2))
    seconds = timing.time_calls(lambda: a @ b, device, 0.1)
    return 2 * size**3 / min(seconds) / 1e9


def time_evaluations(
    problem: Problem, precision: Precision, min_s: float
) -> list[float]:
    """Measure the seconds of evaluations at the photo."""
    objective, (photo, _) = make_objective(problem, precision), _prepare(problem)
    with deterministic_cudnn():
        if problem.get_device().type != "cpu":
            for _ in range(2):  # kernels are loaded, and the graph captured
                objective(photo)
        return timing.time_calls(lambda: objective(photo), problem.get_device(), min_s)


def time_layers(
    problem: Problem, precision: Precision, min_s: float
) -> list[dict[str, Any]]:
    """Measure each layer's convolution, ReLU and gradient, of random features.

    Returns:
        In order: its name, ``channels`` and ``size`` of its input, the median seconds
        of torch's convolution (``direct``) and of the network (``ours``).
    """
    network, recipe, photo, _ = _load(problem)
    rows = []
    for pools, block in enumerate(network.blocks(recipe.compared_layers)):
        height, width = (side >> pools for side in photo.shape[-2:])
        for layer in block.layers:
            channels = network.get_buffer(f"{layer}_weight").shape[1]
            inputs = torch.rand(1, channels, height, width, device=photo.device)
            direct, ours = _time_layer(network, layer, inputs, precision, min_s)
            rows.append(
                {
                    "layer": layer,
                    "channels": channels,
                    "size": (height, width),
                    "direct": direct,
                    "ours": ours,
                }
            )
    return rows


def _time_layer(
    network: VGG, layer: str, inputs: Tensor, precision: Precision, min_s: float
) -> tuple[float, float]:
    """Measure the median seconds of torch's convolution, and of the network's."""
    dtype = DTYPES[precision] or network.mean.dtype
    weight, bias = (
        network.get_buffer(f"{layer}_{part}").to(dtype) for part in ("weight", "bias")
    )
    plain = _as_features(inputs, dtype)
    # Images are float32 in any precision.
    is_first = layer == network.layers[0]
    own = _as_features(inputs, inputs.dtype if is_first else dtype)
    slope = torch.rand_like(functional.conv2d(plain, weight, bias, padding=1))

    def convolve() -> None:
        y = functional.conv2d(plain, weight, bias, padding=1).relu_()
        torch.autograd.grad(y, plain, slope)

    def run_layer() -> None:
        _, y = network.run_block(Block((layer,), pooled=False), own, (), dtype)
        torch.autograd.grad(y, own, slope)

    direct, ours = (
        median(timing.time_calls(call, inputs.device, min_s))
        for call in (convolve, run_layer)
    )
    return direct, ours


def _as_features(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Lay random values out as features are, to be differentiated."""
    features = values.to(dtype).contiguous(memory_format=torch.channels_last)
    return features.requires_grad_()


def paint(problem: Problem, precision: Precision, out: str) -> dict[str, Any]:
    """Run a whole painting; the time includes computing the targets.

    Args:
        out: Gets the painting, ``(1, 3, H, W)`` float32 as NumPy saves it.

    Returns:
        ``seconds``; ``trace``: seconds, level and loss of each iteration, as painting
        reports it.
    """
    network, recipe, content, style = _load(problem)
    device = problem.get_device()
    trace: list[tuple[float, int, float]] = []
    warm_up = recipe.with_iterations(2 * len(recipe.levels))
    draft = load_draft_network(network) if has_drafts(recipe) else None
    styles = [(style, 1.0)]
    run_pyramid(network, warm_up, content, styles, draft=draft, precision=precision)
    timing.synchronize(device)
    start = time.perf_counter()

    def on_step(step: Step) -> None:
        trace.append((time.perf_counter() - start, step.level, step.losses.total))

    result = run_pyramid(
        network,
        recipe,
        content,
        styles,
        draft=draft,
        precision=precision,
        on_step=on_step,
    )
    timing.synchronize(device)
    seconds = time.perf_counter() - start
    np.save(out, result.image.float().cpu().numpy())
    return {
        "seconds": seconds,
        "evaluations": result.evaluations,
        "iterations": len(trace),
        "trace": trace,
    }


def evaluate_images(problem: Problem, images: str) -> list[dict[str, float]]:
    """Compute the losses of ``(K, 3, H, W)`` in a file, at full size in float32."""
    objective, device = make_objective(problem, "float32"), problem.get_device()
    names = "total", "content", "style", "tv"
    results = []
    for image in np.load(images, mmap_mode="r"):
        losses, _ = objective(torch.tensor(image[None], device=device))
        results.append({name: float(getattr(losses, name)) for name in names})
    return results


def time_minimizer(
    problem: Problem, precision: Precision, optimizer: Optimizer, iterations: int
) -> dict[str, Any]:
    """Measure the seconds of iterations at full size, and of their evaluations."""
    device = problem.get_device()
    objective = TimedObjective(make_objective(problem, precision), device)
    photo, _ = _prepare(problem)
    recipe = replace(problem.make_recipe(), optimizer=optimizer)
    with deterministic_cudnn():
        objective(photo)
        objective.seconds = 0.0
        start = time.perf_counter()
        result = minimize(objective, photo, recipe, iterations)
        timing.synchronize(device)
        seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "evaluating": objective.seconds,
        "iterations": result.iterations,
        "optimizer": choose_optimizer(optimizer, photo.device),
    }


def measure_memory(
    problem: Problem, precision: Precision, iterations: int
) -> dict[str, Any]:
    """Measure the memory of a painting of so many iterations in one level.

    Returns:
        Bytes ``before``, at the ``peak`` and ``predicted``, and the ``rows`` of strips.
    """
    network, recipe, content, style = _load(problem)
    single = replace(recipe, levels=((1.0, iterations),))
    before = memory_use.reset_peak(problem.get_device())
    result = run_pyramid(network, single, content, [(style, 1.0)], precision=precision)
    peak = memory_use.read_peak(problem.get_device())
    level = result.levels[-1]
    predicted = _predict_bytes(network, single, level)
    return {"before": before, "peak": peak, "predicted": predicted, "rows": level.rows}


def _load(problem: Problem) -> tuple[VGG, Recipe, Tensor, Tensor]:
    return get_network(problem), problem.make_recipe(), *problem.load_images()


def _predict_bytes(network: VGG, recipe: Recipe, level: LevelInfo) -> int:
    """Return the predicted memory of a level, as it was computed, on its device."""
    recipe = replace(recipe, optimizer=level.optimizer)
    estimator = MemoryEstimator(network, recipe, level.precision)
    strategy = next(
        strategy
        for strategy in estimator.list_strategies(level.height, level.width)
        if (strategy.rows, strategy.history) == (level.rows, level.history)
    )
    on_host = network.mean.device.type == "cpu"
    return strategy.device_bytes + (strategy.host_bytes if on_host else 0)
