"""What tests share: pictures, weights of our own making, and the real ones."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file

from artist_nst.nst.weights import WIDTHS, Weights, load_weights

# Images of a few dozen pixels gain nothing from threads, and a busy machine loses.
torch.set_num_threads(1)

# Started in the background, a shell has us ignore Ctrl-C, and the programs that we
# start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def _away_from_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No test reads or writes the user's caches, corpora or weights."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE", "XDG_DATA_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(home))
    for name in ("ARTIST_NST_WEIGHTS", "ARTIST_NST_CORPORA"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _gpu_only_where_there_is_one(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real weights, oracles and pictures beside the checkout; CI must have them."""
    if not SHARED.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{SHARED} is missing, and CI must not skip its tests")
        pytest.skip("no shared folder beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def real_weights(shared: Path) -> Weights:
    return load_weights(shared / "weights" / "vgg19-oxford.safetensors", "vgg19")


@pytest.fixture(scope="session")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VGG-19 of the real shape with seeded random kernels."""
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    source = torch.Generator().manual_seed(0)
    tensors = {}
    index, inputs = 0, 3
    for block in WIDTHS["vgg19"]:
        for outputs in block:
            kernel = torch.randn(outputs, inputs, 3, 3, generator=source)
            kernel *= (2 / (9 * inputs)) ** 0.5
            tensors[f"features.{index}.weight"] = kernel.half()
            tensors[f"features.{index}.bias"] = torch.zeros(outputs).half()
            index, inputs = index + 2, outputs
        index += 1
    save_file(tensors, path, metadata={"input": "torchvision"})
    return path


@pytest.fixture(scope="session")
def random_weights(weights_file: Path) -> Weights:
    return load_weights(weights_file, "vgg19")


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth coloured blobs with some grain: enough for features to differ."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    grain = rng.integers(-12, 13, (height, width, 3))
    return np.clip(smooth.astype(int) + grain, 0, 255).astype(np.uint8)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of 96×72 pixels."""
    path = tmp_path / "photo.png"
    Image.fromarray(picture(72, 96, seed=1)).save(path)
    return path


@pytest.fixture
def style(tmp_path: Path) -> Path:
    """A picture of 80×100 pixels."""
    path = tmp_path / "style.png"
    Image.fromarray(picture(100, 80, seed=2)).save(path)
    return path
