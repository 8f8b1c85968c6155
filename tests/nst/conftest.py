"""Images and oracle figures that the tests of the mathematics share."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.conftest import picture


def image(height: int, width: int, seed: int = 0) -> Tensor:
    """A picture as ``(1, 3, H, W)`` float32 on 0–255."""
    return torch.from_numpy(picture(height, width, seed)).permute(2, 0, 1)[None].float()


def read_rgb(path: Path, side: int | None = None) -> Tensor:
    """A file as ``(1, 3, H, W)`` float32 on 0–255; of ``side`` × ``side`` pixels."""
    file = Image.open(path).convert("RGB")
    pixels = np.array(file if side is None else file.resize((side, side)))
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float()


@pytest.fixture(scope="session")
def oracle(shared: Path) -> dict[str, Any]:
    """Figures of the real weights, computed by other programs."""
    figures: dict[str, Any] = json.loads(
        (shared / "oracles" / "vgg19_oxford.json").read_text("utf-8")
    )
    return figures


@pytest.fixture(scope="session")
def oracle_images(shared: Path) -> dict[str, Tensor]:
    """The content, style and candidate that the figures are of."""
    names = "content", "style", "candidate"
    return {name: read_rgb(shared / "oracles" / f"{name}.png") for name in names}
