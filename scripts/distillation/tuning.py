"""The small network's weights by gradient, after the closed form."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distillation.pictures import Levels, Pictures, changed, crop, spoiled, tensor
from distillation.student import CONTENT, LEARNT, STYLE, Student, errors, features

Kernels = Mapping[str, tuple[Tensor, Tensor]]

BATCH = 4
# Adam's step, relative to the root mean square of each tensor; cosine to nothing.
RATE = 0.01
WARM_UP = 50
# The painter weighs each layer's relative Gram error with 1 and half the content's;
# the other features are there for what lies between.
GRAMS, FEATURES, OTHERS = 1.0, 0.5, 0.2
# Of the images of a step: crops as they are, spoiled ones; the rest are walked.
CLEAN, SPOILED = 0.45, 0.15
MOST_GRADIENT = 5.0


@dataclass
class Lessons:
    """What a step learns from.

    Attributes:
        side: of the images in pixels; frames: of walks.
    """

    pictures: Pictures
    frames: Sequence[Levels]
    side: int
    seed: int

    def batch(self, step: int) -> Tensor:
        """``(BATCH, 3, side, side)`` on 0–255; the same for the same step."""
        return torch.cat([self._one(step, nth) for nth in range(BATCH)])

    def _one(self, step: int, nth: int) -> Tensor:
        source = np.random.default_rng([self.seed, 1, step, nth])
        kind = source.random()
        if self.frames and kind > CLEAN + SPOILED:
            frame = tensor(self.frames[int(source.integers(len(self.frames)))])
            return frame.flip(-1) if source.random() < 0.5 else frame
        image = sample(source, self.pictures, self.side)
        return spoiled(source, image) if kind > CLEAN else image


def sample(source: np.random.Generator, pictures: Pictures, side: int) -> Tensor:
    """A crop of a photo or, more often, of a painting, its colours changed at times."""
    kind = pictures.photos if source.random() < 0.3 else pictures.paintings
    return changed(source, crop(source, kind, side))


class Tuning:
    """Adam on all weights and maps.

    Args:
        steps: of the whole training, for the rate's decay.
        dtype: of convolutions.
    """

    def __init__(
        self,
        student: Student,
        teacher: Kernels,
        steps: int,
        dtype: torch.dtype,
    ) -> None:
        self.student = student
        self.teacher = teacher
        self.steps = steps
        self.dtype = dtype
        learnt = [
            one
            for name, one in student.tensors().items()
            if not name.endswith(".map") or name.split(".")[0] in LEARNT
        ]
        self.learnt = [one.requires_grad_() for one in learnt]
        sizes = [float(one.detach().square().mean().sqrt()) for one in learnt]
        groups = [
            {"params": [one], "lr": RATE * size, "full": RATE * size}
            for one, size in zip(learnt, sizes, strict=True)
        ]
        self.adam = torch.optim.Adam(groups, betas=(0.9, 0.99))

    def step(self, number: int, images: Tensor) -> float:
        """Learn from ``(B, 3, H, W)``; returns the loss."""
        for group in self.adam.param_groups:
            group["lr"] = group["full"] * self._rate(number)
        with torch.no_grad():
            wanted = features(self.teacher, images, LEARNT, self.dtype)
        seen = self.student.features(images, LEARNT, self.dtype)
        loss = loss_of(errors(self.student, seen, wanted))
        self.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.learnt, MOST_GRADIENT)
        self.adam.step()
        return float(loss.detach())

    def state(self, done: int) -> dict[str, Any]:
        """What :meth:`restore` goes on from, after ``done`` steps."""
        tensors = {k: one.detach() for k, one in self.student.tensors().items()}
        return {"done": done, "student": tensors, "adam": self.adam.state_dict()}

    @torch.no_grad()
    def restore(self, state: Mapping[str, Any]) -> int:
        """Take up a state; returns how many steps are done."""
        for name, one in self.student.tensors().items():
            one.copy_(state["student"][name])
        self.adam.load_state_dict(state["adam"])
        return int(state["done"])

    def ended(self) -> Student:
        """The student, learning no more."""
        for one in self.learnt:
            one.requires_grad_(False)
        return self.student

    def _rate(self, number: int) -> float:
        falling = 0.5 * (1 + math.cos(math.pi * number / self.steps))
        return min(1.0, (number + 1) / WARM_UP) * falling


def loss_of(apart: Mapping[str, tuple[Tensor, Tensor]]) -> Tensor:
    """What is learnt to be small: relative errors as the painter weighs them."""
    total = torch.zeros(())
    for layer, (seen, style) in apart.items():
        weight = FEATURES if layer == CONTENT else OTHERS
        total = total.to(seen.device) + weight * seen.mean()
        if layer in STYLE:
            total = total + GRAMS * style.mean()
    return total


def tune(
    tuning: Tuning,
    lessons: Lessons,
    first: int,
    last: int,
    on_step: Callable[[int, float], None],
) -> None:
    """Steps ``first`` to ``last``, exclusive."""
    device = tuning.learnt[0].device
    for number in range(first, last):
        images = lessons.batch(number).to(device)
        on_step(number, tuning.step(number, images))
