"""The loop that artist_nst is compared with: written plainly, in float32, no tricks.

torchvision's VGG-19, autograd, scipy's L-BFGS-B between bounds, one scale from start to
end; torch's own threads, allocator and layouts. The losses are the default recipe's,
written anew here, and what the weights expect of their input is done to the image, not
folded into the first layer: a loss that both agree on is right.
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

from artist_nst.nst.weights import Weights, load_weights
from artist_nst.recipes.recipe import Recipe
from benchmarks import memory_use, timing
from benchmarks.problem import Problem, weights_file

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # torchvision's, RGB
OXFORD_MEAN = (103.939, 116.779, 123.68)  # BGR


class Network(nn.Module):
    """torchvision's VGG-19 as far as its deepest layer needed, with given kernels."""

    def __init__(self, weights: Weights, deepest: str = "conv5_1") -> None:
        super().__init__()
        from torchvision.models import vgg19

        with torch.device("meta"):
            # Neither drawn at random nor held: all that is used of it is replaced.
            layers = vgg19(weights=None).features
        self.oxford = weights.input == "oxford"
        self.layers = nn.Sequential()
        self.names: dict[int, str] = {}
        block, count = 1, 0
        for index, layer in enumerate(layers):
            if isinstance(layer, nn.Conv2d):
                count += 1
                for name, value in zip(
                    ("weight", "bias"),
                    weights.kernels[f"conv{block}_{count}"],
                    strict=True,
                ):
                    setattr(layer, name, nn.Parameter(value, requires_grad=False))
            elif isinstance(layer, nn.ReLU):
                self.names[index] = f"conv{block}_{count}"
            else:
                block, count = block + 1, 0
            self.layers.append(layer)
            if self.names.get(index) == deepest:
                break

    def forward(self, image: Tensor, wanted: set[str]) -> dict[str, Tensor]:
        """Features ``(C, H, W)`` of ``(1, 3, H, W)`` on 0–255 RGB, after their ReLU."""
        x = self._expected(image)
        found = {}
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if self.names.get(index) in wanted:
                found[self.names[index]] = x[0]
        return found

    def _expected(self, image: Tensor) -> Tensor:
        """The image as the network was taught to see images."""

        def each(values: tuple[float, ...]) -> Tensor:
            return image.new_tensor(values).view(1, 3, 1, 1)

        if self.oxford:
            return image.flip(1) - each(OXFORD_MEAN)
        return (image / 255 - each(MEAN)) / each(DEVIATION)


class Loss:
    """Image → loss and gradient: α·content + β·style + γ·TV of the default recipe."""

    def __init__(
        self, network: Network, recipe: Recipe, content: Tensor, style: Tensor
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.content_layers = dict(recipe.content_layers)
        self.style_layers = dict(recipe.style_layers)
        with torch.no_grad():
            of_photo = network(content, {*self.content_layers})
            self.photo = {name: one.clone() for name, one in of_photo.items()}
            of_style = network(style, {*self.style_layers})
            self.grams = {name: gram(one) for name, one in of_style.items()}

    def __call__(self, image: Tensor) -> tuple[float, Tensor]:
        """At ``(1, 3, H, W)`` on 0–255: the loss, and its gradient of that shape."""
        image = image.detach().requires_grad_()
        total = self.total(image)
        (gradient,) = torch.autograd.grad(total, image)
        return total.item(), gradient

    def total(self, image: Tensor) -> Tensor:
        """½ Σ (F − P)² / Σ P², and β Σ w ‖G − A‖² / ‖A‖², and γ TV."""
        features = self.network(image, {*self.content_layers, *self.style_layers})
        total = self.recipe.tv * total_variation(image)
        for name, weight in self.content_layers.items():
            apart = ((features[name] - self.photo[name]) ** 2).sum()
            total = total + weight * 0.5 * apart / (self.photo[name] ** 2).sum()
        for name, weight in self.style_layers.items():
            apart = ((gram(features[name]) - self.grams[name]) ** 2).sum()
            share = weight * apart / (self.grams[name] ** 2).sum()
            total = total + self.recipe.ratio * share
        return total


def gram(features: Tensor) -> Tensor:
    """F Fᵀ / M of ``(N, H, W)``."""
    flat = features.reshape(features.shape[0], -1)
    return flat @ flat.t() / flat.shape[1]


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference between neighbours, of all pairs in all channels."""
    across = (image[..., 1:] - image[..., :-1]).abs()
    down = (image[..., 1:, :] - image[..., :-1, :]).abs()
    return (across.sum() + down.sum()) / (across.numel() + down.numel())


class _Enough(Exception):
    """The goal is reached, or the time is up."""


class Minimization:
    """scipy's L-BFGS-B from the photo, until the goal is reached or time is up.

    The loss is multiplied by a constant so that the first step is as long as the
    recipe's, and begun anew where float32 defeats the line search, as artist_nst does:
    without these it would stop at the photo.

    Attributes:
        trace: seconds since ``began``, loss, and the iteration under way, from 1; by
            evaluation.
    """

    def __init__(
        self, loss: Loss, began: float, enough: Callable[[float, float, int], bool]
    ) -> None:
        self.loss = loss
        self.began = began
        self.enough = enough
        self.iterations = 0
        self.trace: list[tuple[float, float, int]] = []

    def run(self, start: Tensor) -> None:
        """From ``(1, 3, H, W)`` on 0–255, until ``enough``, or nothing more is won."""
        x = start.cpu().double().numpy().ravel()
        options = {"maxcor": self.loss.recipe.history, "ftol": 0.0, "gtol": 0.0}
        before = -1
        while self.iterations > before:
            before = self.iterations
            try:
                x = scipy_minimize(
                    self._scaled(start),
                    x,
                    jac=True,
                    method="L-BFGS-B",
                    bounds=Bounds(0, 255),
                    callback=self._accepted,
                    options={**options, "maxiter": 10**6, "maxfun": 10**6},
                ).x
            except _Enough:
                return

    def _scaled(self, like: Tensor) -> Callable[[Any], tuple[float, Any]]:
        scale: float | None = None

        def value(x: Any) -> tuple[float, Any]:
            nonlocal scale
            image = torch.tensor(x, dtype=torch.float32, device=like.device)
            loss, gradient = self.loss(image.view_as(like))
            slope = gradient.cpu().double().numpy().ravel()
            seconds = time.perf_counter() - self.began
            self.trace.append((seconds, loss, self.iterations + 1))
            if self.enough(*self.trace[-1]):
                raise _Enough
            if scale is None:
                scale = self.loss.recipe.first_step / float(np.abs(slope).mean())
            return loss * scale, slope * scale

        return value

    def _accepted(self, _: Any) -> None:
        self.iterations += 1


# What the parent asks for -------------------------------------------------------------


@lru_cache(maxsize=1)
def network(weights: str | None, device: torch.device) -> Network:
    """The network, read once."""
    return Network(load_weights(weights_file(weights))).to(device)


@lru_cache(maxsize=1)
def loss_of(problem: Problem) -> Loss:
    """The loss of a problem, its targets computed once."""
    vgg = network(problem.weights, problem.where())
    return Loss(vgg, problem.recipe(), *problem.pictures())


def about(problem: Problem) -> dict[str, Any]:
    """What the process computes with."""
    return {"threads": torch.get_num_threads(), "device": str(problem.where())}


def evaluate(problem: Problem, least_s: float) -> list[float]:
    """Seconds of evaluations at the photo."""
    loss = loss_of(problem)
    image, _ = _pictures(problem)
    return timing.burst(lambda: loss(image), problem.where(), least_s)


def losses(problem: Problem, images: str, until: float | None = None) -> list[float]:
    """Of ``(K, 3, H, W)`` images in a file, in order; no more after one is at most
    ``until``."""
    loss, found = loss_of(problem), []
    for image in np.load(images, mmap_mode="r"):
        with torch.no_grad():
            candidate = torch.tensor(image[None], device=problem.where())
            found.append(loss.total(candidate).item())
        if until is not None and found[-1] <= until:
            break
    return found


def paint(
    problem: Problem, goal: float, iterations: int, cap_s: float
) -> list[tuple[float, float, int]]:
    """Paint until the loss is ``goal`` or less and so many iterations are done, or for
    ``cap_s`` seconds; the clock runs from before the targets.

    Returns:
        Seconds, loss and the iteration under way, by evaluation.
    """
    loss_of(problem)(_pictures(problem)[0])  # to warm up
    vgg, recipe, (content, style) = _parts(problem)
    reached = False

    def enough(seconds: float, loss: float, iteration: int) -> bool:
        nonlocal reached
        reached = reached or loss <= goal
        return seconds >= cap_s or (reached and iteration > iterations)

    timing.wait(problem.where())
    began = time.perf_counter()
    running = Minimization(Loss(vgg, recipe, content, style), began, enough)
    running.run(content)
    return running.trace


def remember(problem: Problem, iterations: int) -> dict[str, int]:
    """Bytes held before, and at most during, a painting of so many iterations."""
    vgg, recipe, (content, style) = _parts(problem)
    before = memory_use.begin(problem.where())
    loss = Loss(vgg, recipe, content, style)
    Minimization(loss, 0.0, lambda *told: told[2] > iterations).run(content)
    return {"before": before, "peak": memory_use.peak(problem.where())}


def _parts(problem: Problem) -> tuple[Network, Recipe, tuple[Tensor, Tensor]]:
    vgg = network(problem.weights, problem.where())
    return vgg, problem.recipe(), problem.pictures()


@lru_cache(maxsize=1)
def _pictures(problem: Problem) -> tuple[Tensor, Tensor]:
    return problem.pictures()
