"""What the tests of the distillation share: its modules, a teacher, pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from PIL import Image
from torch import Tensor

from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights, layer_names
from tests.conftest import picture

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
COMPARING = "compare_compact"
OURS = "command", "distillation", "train_compact", COMPARING

Kernels = dict[str, tuple[Tensor, Tensor]]
Script = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def script() -> Iterator[Script]:
    """A module of the distillation, or the script itself, by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield import_module
    for name in [*sys.modules]:
        if name.partition(".")[0] in OURS:
            del sys.modules[name]


@pytest.fixture(scope="session")
def teacher(thin_weights: Weights) -> Weights:
    """A VGG-19 of an eighth of the filters, to be fed as Oxford's is."""
    return replace(thin_weights, input="oxford", sha256="teacher")


@pytest.fixture(scope="session")
def kernels(teacher: Weights) -> Kernels:
    """The teacher's as far as the student goes, for RGB 0–255 less the mean."""
    network = VGG(teacher)
    return {
        layer: (
            network.get_buffer(f"{layer}_weight"),
            network.get_buffer(f"{layer}_bias"),
        )
        for layer in layer_names("compact")
    }


def image(height: int, width: int, seed: int = 0) -> Tensor:
    """``(1, 3, H, W)`` on 0–255, float32."""
    rgb = torch.from_numpy(picture(height, width, seed))
    return rgb.permute(2, 0, 1)[None].float()


def images(count: int, side: int, first: int = 0) -> list[Tensor]:
    return [image(side, side, first + nth) for nth in range(count)]


def save_pictures(folder: Path, count: int, first: int) -> list[Path]:
    """Files ``0.png``, ``1.png``, … of 64×48 pixels, no two alike."""
    folder.mkdir(parents=True)
    paths = [folder / f"{nth}.png" for nth in range(count)]
    for nth, path in enumerate(paths):
        Image.fromarray(picture(48, 64, first + nth)).save(path)
    return paths


def relative(apart: Tensor, size: Tensor) -> float:
    """‖apart‖ / ‖size‖."""
    return float(apart.double().norm() / size.double().norm())
