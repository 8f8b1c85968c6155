"""artist_nst's side of what is compared, in a process set up as the program's."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from artist_nst.nst.devices import DeviceName, describe
from artist_nst.nst.level import Computed
from artist_nst.nst.memory import Budget
from artist_nst.nst.minimize import choose_optimizer, minimize
from artist_nst.nst.objective import Losses, Objective, Targets, targets
from artist_nst.nst.precision import Precision
from artist_nst.nst.pyramid import Step, repeatable, run
from artist_nst.nst.vgg import VGG
from artist_nst.painting.networks import load_network
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import Network, Optimizer, Recipe
from benchmarks import memory_use, timing
from benchmarks.problem import Problem, weights_file

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Timed:
    """An objective that knows how long it took, in all."""

    def __init__(self, objective: Objective, device: torch.device) -> None:
        self.objective = objective
        self.device = device
        self.seconds = 0.0

    def __call__(self, image: Tensor) -> tuple[Losses, Tensor]:
        timing.wait(self.device)
        start = time.perf_counter()
        told = self.objective(image)
        timing.wait(self.device)
        self.seconds += time.perf_counter() - start
        return told


def network(problem: Problem) -> VGG:
    """The problem's network, read once."""
    return _network(problem.weights, problem.device, problem.network)


@lru_cache(maxsize=2)
def _network(weights: str | None, device: str, name: str) -> VGG:
    return load_network(
        replace(RECIPES["default"], network=cast(Network, name)),
        device=cast(DeviceName, device),
        weights=None if name == "compact" else weights_file(weights),
    )


@lru_cache(maxsize=2)
def prepared(problem: Problem) -> tuple[Tensor, Tensor, Targets]:
    """Photo, style and targets at full size."""
    vgg, recipe, content, style = _parts(problem)
    return content, style, targets(vgg, recipe, content, [(style, 1.0)])


@lru_cache(maxsize=2)
def objective(problem: Problem, precision: Precision) -> Objective:
    """The objective at full size, as painting uses it there."""
    wanted = prepared(problem)[2]
    vgg = network(problem)
    return Objective(vgg, problem.recipe(), wanted, precision=precision)


# What the parent asks for -------------------------------------------------------------


def about(problem: Problem) -> dict[str, Any]:
    """What the process computes with, and the weights that it found."""
    device = problem.where()
    vgg = network(problem)
    return {
        "threads": torch.get_num_threads(),
        "device": describe(device),
        "kind": device.type,
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "weights": str(weights_file(problem.weights)),
        "weights_sha256": vgg.sha256,
    }


def multiply(problem: Problem, size: int, precision: str) -> float:
    """The most GFLOP/s of a few products of two square matrices."""
    device = problem.where()
    one, other = (
        torch.rand(size, size, dtype=DTYPES[precision], device=device) for _ in "ab"
    )
    seconds = timing.burst(lambda: one @ other, device, 0.1)
    return 2 * size**3 / min(seconds) / 1e9


def evaluate(problem: Problem, precision: Precision, least_s: float) -> list[float]:
    """Seconds of evaluations at the photo."""
    evaluated, image = objective(problem, precision), prepared(problem)[0]
    with repeatable():
        return timing.burst(lambda: evaluated(image), problem.where(), least_s)


def paint(problem: Problem, precision: Precision, out: str) -> dict[str, Any]:
    """A whole painting; the clock runs from before the targets.

    Args:
        out: gets ``final.npy`` and ``last-level.npy``, ``(K, 3, H, W)`` float32.

    Returns:
        ``seconds``; ``trace``: seconds, level and loss by iteration, as the painting
        saw it; ``last_level``: seconds of each image of ``last-level.npy``.
    """
    vgg, recipe, content, style = _parts(problem)
    steps: list[tuple[float, Step]] = []
    run(vgg, recipe.with_iterations(3), content, [(style, 1.0)], precision=precision)
    timing.wait(problem.where())
    began = time.perf_counter()

    def on_step(step: Step) -> None:
        kept = replace(step, image=step.image.detach().clone())
        steps.append((time.perf_counter() - began, kept))

    result = run(
        vgg,
        recipe,
        content,
        [(style, 1.0)],
        precision=precision,
        on_step=on_step,
    )
    timing.wait(problem.where())
    seconds = time.perf_counter() - began
    last = [(when, step) for when, step in steps if step.level == step.levels]
    _save(out, "final", [result.image])
    _save(out, "last-level", [step.image for _, step in last])
    return {
        "seconds": seconds,
        "evaluations": result.evaluations,
        "iterations": len(steps),
        "trace": [(when, step.level, step.losses.total) for when, step in steps],
        "last_level": [when for when, _ in last],
    }


def losses(problem: Problem, images: str) -> list[dict[str, float]]:
    """Of ``(K, 3, H, W)`` images in a file, at full size in float32."""
    evaluated, found = objective(problem, "float32"), []
    for image in np.load(images, mmap_mode="r"):
        candidate = torch.tensor(image[None], device=problem.where())
        told, _ = evaluated(candidate)
        terms = {"content": told.content, "style": told.style, "tv": told.tv}
        found.append({"total": told.total, **terms})
    return found


def algebra(
    problem: Problem, precision: Precision, optimizer: Optimizer, iterations: int
) -> dict[str, Any]:
    """How long some iterations at full size take, and their evaluations of it."""
    timed = Timed(objective(problem, precision), problem.where())
    start = prepared(problem)[0]
    recipe = replace(problem.recipe(), optimizer=optimizer)
    with repeatable():
        timed(start)
        timed.seconds = 0.0
        began = time.perf_counter()
        outcome = minimize(timed, start, recipe, iterations)
        timing.wait(problem.where())
        whole = time.perf_counter() - began
    return {
        "seconds": whole,
        "evaluating": timed.seconds,
        "iterations": outcome.iterations,
        "optimizer": choose_optimizer(optimizer, start.device),
    }


def remember(problem: Problem, precision: Precision, iterations: int) -> dict[str, Any]:
    """Bytes held before, and at most during, a painting of so many iterations in one
    level; what was predicted that it takes, and in strips of how many rows."""
    vgg, recipe, content, style = _parts(problem)
    single = replace(recipe, levels=((1.0, iterations),))
    before = memory_use.begin(problem.where())
    result = run(vgg, single, content, [(style, 1.0)], precision=precision)
    peak = memory_use.peak(problem.where())
    way = result.computed[-1]
    predicted = _predicted(vgg, single, way)
    return {"before": before, "peak": peak, "predicted": predicted, "rows": way.rows}


def _parts(problem: Problem) -> tuple[VGG, Recipe, Tensor, Tensor]:
    vgg = network(problem)
    return vgg, problem.recipe(), *problem.pictures()


def _predicted(vgg: VGG, recipe: Recipe, way: Computed) -> int:
    """Bytes that a level, computed in that way, was thought to take on its device."""
    as_done = replace(recipe, optimizer=way.optimizer)
    fits = Budget(vgg, as_done, way.precision).fits(way.height, way.width)
    chosen = next(
        one for one in fits if (one.rows, one.history) == (way.rows, way.history)
    )
    on_host = vgg.mean.device.type == "cpu"
    return chosen.device + (chosen.host if on_host else 0)


def _save(folder: str, name: str, images: list[Tensor]) -> None:
    np.save(f"{folder}/{name}.npy", torch.cat(images).float().cpu().numpy())
