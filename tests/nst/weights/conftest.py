"""Files of cheap weights, and an empty cache."""

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from artist_nst.nst.weights import checkpoint
from artist_nst.recipes.layers import VGG_WIDTHS
from artist_nst.recipes.recipe import Architecture

StateDict = dict[str, Tensor]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for torch, no weights in the environment, no proxy."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("ARTIST_NST_WEIGHTS", raising=False)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    return tmp_path / "torch" / "hub" / "checkpoints"


def make_state_dict(network: Architecture, prefix: str = "features.") -> StateDict:
    """Cheap float16 tensors, each filled with its own number."""
    tensors: StateDict = {}
    index, inputs = 0, 3
    for widths in VGG_WIDTHS[network]:
        for width in widths:
            number = (index + 1) / 64
            weight = torch.full((width, inputs, 3, 3), number, dtype=torch.half)
            tensors[f"{prefix}{index}.weight"] = weight
            bias = torch.full((width,), -number, dtype=torch.half)
            tensors[f"{prefix}{index}.bias"] = bias
            index, inputs = index + 2, width
        index += 1
    return tensors


@pytest.fixture(scope="session")
def vgg11() -> StateDict:
    return make_state_dict("vgg11")


@pytest.fixture(scope="session")
def vgg11_safetensors(
    vgg11: StateDict, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vgg11.safetensors"
    save_file(vgg11, path, metadata={"input": "bgr-255-minus-mean"})
    return path


@pytest.fixture(scope="session")
def vgg11_pth(vgg11: StateDict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vgg11.pth"
    torch.save(vgg11, path)
    return path


def pretend_published(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the file's hash be the one that torchvision publishes for VGG-11."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = f"vgg11-{digest[:8]}.pth"
    monkeypatch.setitem(checkpoint.TORCHVISION_FILES, "vgg11", name)
    return name


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 500
    return text
