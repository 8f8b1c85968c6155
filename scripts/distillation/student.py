"""The student network during training, and its errors relative to the teacher."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from artist_nst.nst.vgg import OXFORD_MEAN
from artist_nst.nst.weights.checkpoint import ProjectionRoot, Weights

# The layers of the default recipe. The others are mapped after training.
STYLE_LAYERS = "conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"
CONTENT_LAYER = "conv4_2"
TRAINED_LAYERS = "conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv4_2", "conv5_1"

# Added to a metric's diagonal, relative to its maximum, for the Cholesky root.
JITTER = 1e-9

Kernels = Mapping[str, tuple[Tensor, Tensor]]


@dataclass
class Student:
    """Kernels, and linear maps from its features to the teacher's.

    Attributes:
        kernels: Weight ``(k, inputs, 3, 3)`` and bias ``(k,)`` by layer, for RGB
            0–255 minus the mean.
        maps: U ``(N, k)`` by layer: U times the k features approximates the
            teacher's N features.
    """

    kernels: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    maps: dict[str, Tensor] = field(default_factory=dict)

    def compute_features(
        self,
        images: Tensor,
        layers: Collection[str],
        dtype: torch.dtype = torch.float32,
    ) -> dict[str, Tensor]:
        """See :func:`compute_features`."""
        return compute_features(self.kernels, images, layers, dtype)

    def to_tensors(self) -> dict[str, Tensor]:
        """Return all tensors by name, for :meth:`from_tensors`."""
        tensors = {}
        for layer, (weight, bias) in self.kernels.items():
            tensors[f"{layer}.weight"], tensors[f"{layer}.bias"] = weight, bias
            tensors[f"{layer}.map"] = self.maps[layer]
        return tensors

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> "Student":
        """Build a student from the result of :meth:`to_tensors`."""
        layers = [name.split(".")[0] for name in tensors if name.endswith(".bias")]
        kernels = {
            layer: (tensors[f"{layer}.weight"], tensors[f"{layer}.bias"])
            for layer in layers
        }
        return cls(kernels, {layer: tensors[f"{layer}.map"] for layer in layers})

    def to_weights(self, name: str) -> Weights:
        """Convert to weights that :class:`artist_nst.nst.vgg.VGG` loads.

        Args:
            name: Used as source and hash, to distinguish stages of the training.
        """
        kernels, roots = {}, {}
        for layer, (weight, bias) in self.kernels.items():
            weight = weight.detach().cpu().float()
            # Oxford's first layer expects BGR.
            weight = weight.flip(1) if layer == "conv1_1" else weight
            kernels[layer] = weight.contiguous(), bias.detach().cpu().float().clone()
            u = self.maps[layer].detach().cpu().double()
            metric = u.T @ u
            metric += torch.diag(JITTER * metric.diagonal().max().expand(len(metric)))
            root = torch.linalg.cholesky(metric).T.float()
            roots[layer] = ProjectionRoot(root.contiguous(), len(u))
        return Weights("compact", kernels, "oxford", name, name, roots)


def compute_features(
    kernels: Kernels,
    images: Tensor,
    layers: Collection[str],
    dtype: torch.dtype = torch.float32,
) -> dict[str, Tensor]:
    """Compute the features of a VGG with these kernels; differentiable.

    Args:
        images: ``(B, 3, H, W)`` in [0, 255].

    Returns:
        ``(B, k, H, W)`` by layer, after the ReLU.
    """
    features: dict[str, Tensor] = {}
    x = normalize_input(images).to(dtype)
    block = "1"
    for layer, (weight, bias) in kernels.items():
        if layer[4] != block:
            x, block = functional.max_pool2d(x, 2), layer[4]
        x = functional.conv2d(x, weight.to(dtype), bias.to(dtype), padding=1).relu()
        if layer in layers:
            features[layer] = x
            if len(features) == len(layers):
                break
    return features


def normalize_input(images: Tensor) -> Tensor:
    """Subtract the mean from ``(B, 3, H, W)``; the result is channels last."""
    mean = torch.tensor(OXFORD_MEAN, device=images.device).view(1, 3, 1, 1)
    return (images - mean).contiguous(memory_format=torch.channels_last)


def relative_errors(
    student: Student, features: Mapping[str, Tensor], targets: Mapping[str, Tensor]
) -> dict[str, tuple[Tensor, Tensor]]:
    """Compute ‖U f − F‖² / ‖F‖² and ‖U g Uᵀ − G‖² / ‖G‖² by layer.

    Args:
        features: The student's features f.
        targets: The teacher's features F.

    Returns:
        Both errors of each image, ``(B,)``.
    """
    errors = {}
    for layer, target in targets.items():
        f = features[layer].flatten(2).float()
        target = target.flatten(2).float()
        u = student.maps[layer]
        feature_error = (u @ f - target).square().sum((1, 2))
        gram, target_gram = u @ (f @ f.mT) @ u.T, target @ target.mT
        gram_error = (gram - target_gram).square().sum((1, 2))
        errors[layer] = (
            feature_error / target.square().sum((1, 2)),
            gram_error / target_gram.square().sum((1, 2)),
        )
    return errors
