"""The loop that artist_nst is compared with: plain PyTorch in float32.

torchvision's VGG-19, autograd, scipy's L-BFGS-B with bounds, one scale; torch's default
threads, allocator and layouts. It implements the default recipe's losses
independently, and normalizes the image rather than the first layer, so that a loss on
which both programs agree is right.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from scipy.optimize import Bounds
from scipy.optimize import minimize as scipy_minimize
from torch import Tensor, nn

from artist_nst.nst.weights.checkpoint import Weights, load_weights
from artist_nst.recipes.recipe import Recipe
from benchmarks import memory_use, timing
from benchmarks.problem import Problem, find_weights_file

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # torchvision's, RGB
OXFORD_MEAN = (103.939, 116.779, 123.68)  # BGR


class Network(nn.Module):
    """torchvision's VGG-19 up to the deepest layer needed, with given kernels."""

    def __init__(self, weights: Weights, deepest: str = "conv5_1") -> None:
        super().__init__()
        from torchvision.models import vgg19

        with torch.device("meta"):
            # All parameters are replaced, so none is allocated or initialized.
            layers = vgg19(weights=None).features
        self.oxford = weights.input == "oxford"
        self.layers = nn.Sequential()
        self.names: dict[int, str] = {}
        block, count = 1, 0
        for index, layer in enumerate(layers):
            if isinstance(layer, nn.Conv2d):
                count += 1
                kernel, bias = weights.kernels[f"conv{block}_{count}"]
                layer.weight = nn.Parameter(kernel, requires_grad=False)
                layer.bias = nn.Parameter(bias, requires_grad=False)
            elif isinstance(layer, nn.ReLU):
                self.names[index] = f"conv{block}_{count}"
            else:
                block, count = block + 1, 0
            self.layers.append(layer)
            if self.names.get(index) == deepest:
                break

    def forward(self, image: Tensor, layers: set[str]) -> dict[str, Tensor]:
        """Compute features ``(C, H, W)`` of RGB ``(1, 3, H, W)`` in [0, 255]."""
        x = self._normalize(image)
        features = {}
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if self.names.get(index) in layers:
                features[self.names[index]] = x[0]
        return features

    def _normalize(self, image: Tensor) -> Tensor:
        def channels(values: tuple[float, ...]) -> Tensor:
            return image.new_tensor(values).view(1, 3, 1, 1)

        if self.oxford:
            return image.flip(1) - channels(OXFORD_MEAN)
        return (image / 255 - channels(MEAN)) / channels(STD)


class Loss:
    """Loss and gradient: α·content + β·style + γ·TV of the default recipe."""

    def __init__(
        self, network: Network, recipe: Recipe, content: Tensor, style: Tensor
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.content_layers = dict(recipe.content_layers)
        self.style_layers = dict(recipe.style_layers)
        with torch.no_grad():
            features = network(content, {*self.content_layers})
            self.content = {name: x.clone() for name, x in features.items()}
            features = network(style, {*self.style_layers})
            self.grams = {name: gram(x) for name, x in features.items()}

    def __call__(self, image: Tensor) -> tuple[float, Tensor]:
        """Evaluate loss and gradient at ``(1, 3, H, W)`` in [0, 255]."""
        image = image.detach().requires_grad_()
        total = self.total(image)
        (gradient,) = torch.autograd.grad(total, image)
        return total.item(), gradient

    def total(self, image: Tensor) -> Tensor:
        """Compute ½ Σ (F − P)² / Σ P² + β Σ w ‖G − A‖² / ‖A‖² + γ TV."""
        features = self.network(image, {*self.content_layers, *self.style_layers})
        total = self.recipe.tv * total_variation(image)
        for name, weight in self.content_layers.items():
            squares = ((features[name] - self.content[name]) ** 2).sum()
            total = total + weight * 0.5 * squares / (self.content[name] ** 2).sum()
        for name, weight in self.style_layers.items():
            squares = ((gram(features[name]) - self.grams[name]) ** 2).sum()
            style = weight * squares / (self.grams[name] ** 2).sum()
            total = total + self.recipe.ratio * style
        return total


def gram(features: Tensor) -> Tensor:
    """F Fᵀ / M of ``(N, H, W)``."""
    flat = features.reshape(features.shape[0], -1)
    return flat @ flat.t() / flat.shape[1]


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference between neighbors, of all pairs in all channels."""
    across = (image[..., 1:] - image[..., :-1]).abs()
    down = (image[..., 1:, :] - image[..., :-1, :]).abs()
    return (across.sum() + down.sum()) / (across.numel() + down.numel())


class _StopMinimization(Exception):
    """The goal is reached, or the time is up."""


class Minimization:
    """scipy's L-BFGS-B from the photo, until the goal is reached or time is up.

    As in artist_nst, the loss is scaled so that the first step has the recipe's length,
    and L-BFGS-B is restarted when its line search fails because of float32. Without
    these it would stop at the photo.

    Args:
        loss: To minimize.
        start_time: That the trace counts from.
        should_stop: Called with the trace's last entry.

    Attributes:
        trace: Seconds, loss, and current iteration (from 1) of each evaluation.
    """

    def __init__(
        self,
        loss: Loss,
        start_time: float,
        should_stop: Callable[[float, float, int], bool],
    ) -> None:
        self.loss = loss
        self.start_time = start_time
        self.should_stop = should_stop
        self.iterations = 0
        self.trace: list[tuple[float, float, int]] = []

    def run(self, start: Tensor) -> None:
        """Minimize from ``(1, 3, H, W)`` in [0, 255] until told to stop or stuck."""
        x = start.cpu().double().numpy().ravel()
        options = {"maxcor": self.loss.recipe.history, "ftol": 0.0, "gtol": 0.0}
        before = -1
        while self.iterations > before:
            before = self.iterations
            try:
                x = scipy_minimize(
                    self._scaled_loss(start),
                    x,
                    jac=True,
                    method="L-BFGS-B",
                    bounds=Bounds(0, 255),
                    callback=self._count_iteration,
                    options={**options, "maxiter": 10**6, "maxfun": 10**6},
                ).x
            except _StopMinimization:
                return

    def _scaled_loss(self, like: Tensor) -> Callable[[Any], tuple[float, Any]]:
        scale: float | None = None

        def evaluate(x: Any) -> tuple[float, Any]:
            nonlocal scale
            image = torch.tensor(x, dtype=torch.float32, device=like.device)
            loss, gradient = self.loss(image.view_as(like))
            slope = gradient.cpu().double().numpy().ravel()
            seconds = time.perf_counter() - self.start_time
            self.trace.append((seconds, loss, self.iterations + 1))
            if self.should_stop(*self.trace[-1]):
                raise _StopMinimization
            if scale is None:
                scale = self.loss.recipe.first_step / float(np.abs(slope).mean())
            return loss * scale, slope * scale

        return evaluate

    def _count_iteration(self, _: Any) -> None:
        self.iterations += 1


# Called in the worker ----------------------------------------------------------------


@lru_cache(maxsize=1)
def load_network(weights: str | None, device: torch.device) -> Network:
    """Load the network once."""
    return Network(load_weights(find_weights_file(weights))).to(device)


@lru_cache(maxsize=1)
def load_problem(problem: Problem) -> tuple[Loss, Tensor]:
    """Compute a problem's targets once; return its loss and its photo."""
    network = load_network(problem.weights, problem.get_device())
    content, style = problem.load_images()
    return Loss(network, problem.make_recipe(), content, style), content


def count_threads() -> int:
    """Count torch's threads."""
    return torch.get_num_threads()


def time_evaluations(problem: Problem, min_s: float) -> list[float]:
    """Measure the seconds of evaluations at the photo."""
    loss, photo = load_problem(problem)
    return timing.time_calls(lambda: loss(photo), problem.get_device(), min_s)


def evaluate_images(problem: Problem, images: str) -> list[float]:
    """Compute the losses of ``(K, 3, H, W)`` in a file."""
    loss, _ = load_problem(problem)
    device = problem.get_device()
    with torch.no_grad():
        return [
            loss.total(torch.tensor(image[None], device=device)).item()
            for image in np.load(images, mmap_mode="r")
        ]


def paint(
    problem: Problem, goal: float, cap_s: float
) -> list[tuple[float, float, int]]:
    """Paint until the loss is ``goal``, or time is up.

    The time includes computing the targets.

    Returns:
        Seconds, loss and current iteration of each evaluation.
    """
    loss, photo = load_problem(problem)
    loss(photo)  # warm-up
    content, style = problem.load_images()
    timing.synchronize(problem.get_device())
    start = time.perf_counter()
    loss = Loss(loss.network, loss.recipe, content, style)
    minimization = Minimization(
        loss, start, lambda seconds, loss, _: seconds >= cap_s or loss <= goal
    )
    minimization.run(content)
    return minimization.trace


def measure_memory(problem: Problem, iterations: int) -> dict[str, int]:
    """Measure bytes before, and the peak during, a painting of so many iterations."""
    network = load_network(problem.weights, problem.get_device())
    content, style = problem.load_images()
    before = memory_use.reset_peak(problem.get_device())
    loss = Loss(network, problem.make_recipe(), content, style)
    Minimization(loss, 0.0, lambda *entry: entry[2] > iterations).run(content)
    return {"before": before, "peak": memory_use.read_peak(problem.get_device())}
