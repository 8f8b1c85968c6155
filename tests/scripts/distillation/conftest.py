"""Fixtures for distillation: a thin teacher, small pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from distillation.dataset import Dataset
from distillation.student import Kernels
from PIL import Image
from torch import Tensor

from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.layers import layer_names
from tests.conftest import picture


@pytest.fixture(scope="session")
def teacher(thin_weights: Weights) -> Weights:
    """A VGG-19 with an eighth of the filters, for Oxford's input convention."""
    return replace(thin_weights, input="oxford", sha256="teacher")


@pytest.fixture(scope="session")
def kernels(teacher: Weights) -> Kernels:
    """The teacher's kernels of the student's layers, for RGB 0–255 minus the mean."""
    network = VGG(teacher)
    return {
        layer: (
            network.get_buffer(f"{layer}_weight"),
            network.get_buffer(f"{layer}_bias"),
        )
        for layer in layer_names("compact")
    }


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """Two photos and three paintings in memory."""
    photos = [picture(40, 50, seed) for seed in (1, 2)]
    paintings = [picture(50, 40, seed) for seed in (3, 4, 5)]
    return Dataset(photos, paintings, [], [], "")


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of 4 photos and 7 paintings; do not change them."""
    folder = tmp_path_factory.mktemp("pictures")
    save_pictures(folder / "photos", 4, 10)
    save_pictures(folder / "paintings", 7, 20)
    return folder / "photos", folder / "paintings"


def image(height: int, width: int, seed: int = 0) -> Tensor:
    """``(1, 3, H, W)`` in [0, 255], float32."""
    rgb = torch.from_numpy(picture(height, width, seed))
    return rgb.permute(2, 0, 1)[None].float()


def images(count: int, side: int, first_seed: int = 0) -> list[Tensor]:
    """Square images with consecutive seeds."""
    return [image(side, side, first_seed + index) for index in range(count)]


def save_pictures(folder: Path, count: int, first_seed: int) -> list[Path]:
    """Save ``0.png``, ``1.png``, … of 64×48 pixels, all different."""
    folder.mkdir(parents=True)
    paths = [folder / f"{index}.png" for index in range(count)]
    for index, path in enumerate(paths):
        Image.fromarray(picture(48, 64, first_seed + index)).save(path)
    return paths


def relative(difference: Tensor, reference: Tensor) -> float:
    """‖difference‖ / ‖reference‖."""
    return float(difference.double().norm() / reference.double().norm())
