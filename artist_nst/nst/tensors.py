"""Conversion between arrays of pixels and the tensors that networks take."""

import numpy as np
import torch
from torch import Tensor

from artist_nst._types import Pixels


def to_tensor(pixels: Pixels, device: torch.device | str = "cpu") -> Tensor:
    """Convert ``(H, W, C)`` in [0, 1] to ``(1, C, H, W)`` float32 on 0–255."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None] * 255)
    return torch.from_numpy(planes).to(torch.float32).to(device)


def to_pixels(image: Tensor) -> Pixels:
    """Convert ``(1, C, H, W)`` on 0–255 to ``(H, W, C)`` float64 in [0, 1]."""
    pixels: Pixels = image[0].permute(1, 2, 0).cpu().double().numpy() / 255
    return pixels
