"""The small network while it learns, and what it learns from its teacher."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from artist_nst.nst.vgg import OXFORD_MEAN
from artist_nst.nst.weights import Metric, Weights

# Where the painter looks by default: the teacher's features there are learnt.
STYLE = "conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"
CONTENT = "conv4_2"
LEARNT = "conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv4_2", "conv5_1"

# Of a root's diagonal, so that features which are not needed do no harm.
_LEAST = 1e-9


@dataclass
class Student:
    """Kernels, and maps from its features to the teacher's.

    Attributes:
        kernels: by layer, weight ``(k, inputs, 3, 3)`` and bias ``(k,)``, for RGB
            0–255 less the mean.
        maps: U by layer, ``(N, k)``: the teacher's N features are about U times its k.
    """

    kernels: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    maps: dict[str, Tensor] = field(default_factory=dict)

    def features(
        self,
        images: Tensor,
        layers: Collection[str],
        dtype: torch.dtype = torch.float32,
    ) -> dict[str, Tensor]:
        """``{layer: (B, k, H, W)}`` of ``(B, 3, H, W)`` on 0–255; differentiable."""
        return features(self.kernels, images, layers, dtype)

    def tensors(self) -> dict[str, Tensor]:
        """All of it by name; :meth:`of` puts it together again."""
        found = {}
        for layer, (weight, bias) in self.kernels.items():
            found[f"{layer}.weight"], found[f"{layer}.bias"] = weight, bias
            found[f"{layer}.map"] = self.maps[layer]
        return found

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "Student":
        names = [name.split(".")[0] for name in tensors if name.endswith(".bias")]
        kernels = {
            layer: (tensors[f"{layer}.weight"], tensors[f"{layer}.bias"])
            for layer in names
        }
        return cls(kernels, {layer: tensors[f"{layer}.map"] for layer in names})

    def weights(self, name: str) -> Weights:
        """As the painter takes it; ``name`` tells it from other stages' students."""
        kernels, metrics = {}, {}
        for layer, (weight, bias) in self.kernels.items():
            weight = weight.detach().cpu().float()
            # As Oxford's are: for BGR.
            weight = weight.flip(1) if layer == "conv1_1" else weight
            kernels[layer] = weight.contiguous(), bias.detach().cpu().float().clone()
            own = self.maps[layer].detach().cpu().double()
            metric = own.T @ own
            metric += torch.diag(_LEAST * metric.diagonal().max().expand(len(metric)))
            root = torch.linalg.cholesky(metric).T.float()
            metrics[layer] = Metric(root.contiguous(), len(own))
        return Weights("compact", kernels, "oxford", name, name, metrics)


def features(
    kernels: Mapping[str, tuple[Tensor, Tensor]],
    images: Tensor,
    layers: Collection[str],
    dtype: torch.dtype = torch.float32,
) -> dict[str, Tensor]:
    """What a network of that shape sees; see :meth:`Student.features`."""
    found: dict[str, Tensor] = {}
    x = entered(images).to(dtype)
    block = "1"
    for layer, (weight, bias) in kernels.items():
        if layer[4] != block:
            x, block = functional.max_pool2d(x, 2), layer[4]
        x = functional.conv2d(x, weight.to(dtype), bias.to(dtype), padding=1).relu()
        if layer in layers:
            found[layer] = x
            if len(found) == len(layers):
                break
    return found


def entered(images: Tensor) -> Tensor:
    """``(B, 3, H, W)`` less the mean, as convolutions want it in memory."""
    mean = torch.tensor(OXFORD_MEAN, device=images.device).view(1, 3, 1, 1)
    return (images - mean).contiguous(memory_format=torch.channels_last)


def errors(
    student: Student, seen: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> dict[str, tuple[Tensor, Tensor]]:
    """By layer ‖U f − F‖² / ‖F‖² and ‖U g Uᵀ − G‖² / ‖G‖², of each image, ``(B,)``.

    Args:
        seen, wanted: features f of the student and F of the teacher.
    """
    found = {}
    for layer, theirs in wanted.items():
        f = seen[layer].flatten(2).float()
        target = theirs.flatten(2).float()
        own = student.maps[layer]
        apart = (own @ f - target).square().sum((1, 2))
        gram, aim = own @ (f @ f.mT) @ own.T, target @ target.mT
        style = (gram - aim).square().sum((1, 2)) / aim.square().sum((1, 2))
        found[layer] = apart / target.square().sum((1, 2)), style
    return found
