"""Fine-tune a student by gradient descent, after the closed form."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distillation.dataset import (
    ByteImage,
    Dataset,
    add_noise,
    bytes_to_tensor,
    jitter_colors,
    random_crop,
)
from distillation.student import (
    CONTENT_LAYER,
    STYLE_LAYERS,
    TRAINED_LAYERS,
    Kernels,
    Student,
    compute_features,
    relative_errors,
)

BATCH = 4
# Adam's learning rate relative to each tensor's root mean square; cosine decay.
RATE = 0.01
WARM_UP = 50  # steps
# The style loss counts each layer's relative Gram error once and the content loss half
# the relative feature error; features of the other layers stabilize the training.
GRAM_WEIGHT, CONTENT_WEIGHT, FEATURE_WEIGHT = 1.0, 0.5, 0.2
# Parts of a batch: clean crops, noisy crops; the rest are frames of trajectories.
CLEAN, NOISY = 0.45, 0.15
MAX_GRADIENT_NORM = 5.0


@dataclass
class BatchSampler:
    """Random batches, each determined by the seed and its step.

    Attributes:
        dataset: Pictures to crop.
        frames: Of trajectories, ``(side, side, 3)``.
        side: Of the images, in pixels.
        seed: Of all batches.
    """

    dataset: Dataset
    frames: Sequence[ByteImage]
    side: int
    seed: int

    def sample_batch(self, step: int) -> Tensor:
        """Sample ``(BATCH, 3, side, side)`` in [0, 255]."""
        return torch.cat([self._sample_image(step, index) for index in range(BATCH)])

    def _sample_image(self, step: int, index: int) -> Tensor:
        rng = np.random.default_rng([self.seed, 1, step, index])
        kind = rng.random()
        if self.frames and kind > CLEAN + NOISY:
            frame = bytes_to_tensor(self.frames[int(rng.integers(len(self.frames)))])
            return frame.flip(-1) if rng.random() < 0.5 else frame
        crop = sample_crop(rng, self.dataset, self.side)
        return add_noise(rng, crop) if kind > CLEAN else crop


def sample_crop(rng: np.random.Generator, dataset: Dataset, side: int) -> Tensor:
    """Crop a photo or, more often, a painting, sometimes with changed colors."""
    pictures = dataset.photos if rng.random() < 0.3 else dataset.paintings
    return jitter_colors(rng, random_crop(rng, pictures, side))


class FineTuner:
    """Adam on a student's kernels and on its maps of the trained layers.

    Args:
        student: Changed in place.
        teacher: Kernels by layer.
        steps: Of the whole training, for the decay of the learning rate.
        dtype: Of convolutions.
    """

    def __init__(
        self, student: Student, teacher: Kernels, steps: int, dtype: torch.dtype
    ) -> None:
        self.student = student
        self.teacher = teacher
        self.steps = steps
        self.dtype = dtype
        self.parameters = [
            tensor.requires_grad_()
            for name, tensor in student.to_tensors().items()
            if not name.endswith(".map") or name.split(".")[0] in TRAINED_LAYERS
        ]
        rates = [
            RATE * float(tensor.detach().square().mean().sqrt())
            for tensor in self.parameters
        ]
        groups = [
            {"params": [tensor], "lr": rate, "full": rate}
            for tensor, rate in zip(self.parameters, rates, strict=True)
        ]
        self.adam = torch.optim.Adam(groups, betas=(0.9, 0.99))

    def run(
        self,
        sampler: BatchSampler,
        first: int,
        last: int,
        on_step: Callable[[int, float], None],
    ) -> None:
        """Run steps ``first`` to ``last``, exclusive.

        Args:
            on_step: Called after each step with its number and loss.
        """
        device = self.parameters[0].device
        for step in range(first, last):
            batch = sampler.sample_batch(step).to(device)
            on_step(step, self.step(step, batch))

    def step(self, step: int, images: Tensor) -> float:
        """Take one step on ``(B, 3, H, W)`` and return the loss before it."""
        for group in self.adam.param_groups:
            group["lr"] = group["full"] * self._rate_factor(step)
        with torch.no_grad():
            targets = compute_features(self.teacher, images, TRAINED_LAYERS, self.dtype)
        features = self.student.compute_features(images, TRAINED_LAYERS, self.dtype)
        loss = weighted_loss(relative_errors(self.student, features, targets))
        self.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters, MAX_GRADIENT_NORM)
        self.adam.step()
        return float(loss.detach())

    def state_dict(self, done: int) -> dict[str, Any]:
        """Return the state after ``done`` steps, for :meth:`load_state_dict`."""
        tensors = {k: v.detach() for k, v in self.student.to_tensors().items()}
        return {"done": done, "student": tensors, "adam": self.adam.state_dict()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> int:
        """Restore a state and return how many steps are done."""
        for name, tensor in self.student.to_tensors().items():
            tensor.copy_(state["student"][name])
        self.adam.load_state_dict(state["adam"])
        return int(state["done"])

    def finish(self) -> Student:
        """Return the student, its tensors without gradients."""
        for tensor in self.parameters:
            tensor.requires_grad_(False)
        return self.student

    def _rate_factor(self, step: int) -> float:
        decay = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return min(1.0, (step + 1) / WARM_UP) * decay


def weighted_loss(errors: Mapping[str, tuple[Tensor, Tensor]]) -> Tensor:
    """Sum relative errors, weighted as the default recipe's losses weigh them."""
    total = torch.zeros(())
    for layer, (feature_error, gram_error) in errors.items():
        weight = CONTENT_WEIGHT if layer == CONTENT_LAYER else FEATURE_WEIGHT
        total = total.to(feature_error.device) + weight * feature_error.mean()
        if layer in STYLE_LAYERS:
            total = total + GRAM_WEIGHT * gram_error.mean()
    return total
