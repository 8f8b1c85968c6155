"""What tests share: pictures, weights of our own making, and the real ones."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file

from artist_nst.nst.compact import packed
from artist_nst.nst.vgg import VGG, Part
from artist_nst.nst.weights import WIDTHS, Metric, Weights, layer_names, load_weights
from artist_nst.recipes.recipe import Architecture

# Images of a few dozen pixels gain nothing from threads, and a busy machine loses.
torch.set_num_threads(1)

# Started in the background, a shell has us ignore Ctrl-C, and the programs that we
# start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

ORACLE_LAYERS = (*(f"conv{block}_1" for block in range(1, 6)), "conv4_2")
SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def _away_from_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No test reads or writes the user's caches, corpora or weights."""
    home = tmp_path_factory.mktemp("home")
    for name in (
        "HOME",
        "USERPROFILE",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        "TORCH_HOME",
    ):
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
def weights_files(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Architecture], Path]:
    """A VGG of the real shape with seeded random kernels, made when asked for."""
    folder = tmp_path_factory.mktemp("weights")

    @cache
    def made(network: Architecture) -> Path:
        path = folder / f"random-{network}.safetensors"
        save_file(random_tensors(network), path, metadata={"input": "torchvision"})
        return path

    return made


@pytest.fixture(scope="session")
def weights_file(weights_files: Callable[[Architecture], Path]) -> Path:
    return weights_files("vgg19")


@pytest.fixture(scope="session")
def weights_of(
    weights_files: Callable[[Architecture], Path],
) -> Callable[[Architecture], Weights]:
    """The same, loaded."""
    return cache(lambda network: load_weights(weights_files(network), network))


@pytest.fixture(scope="session")
def random_weights(weights_of: Callable[[Architecture], Weights]) -> Weights:
    return weights_of("vgg19")


@pytest.fixture(scope="session")
def thin_weights(random_weights: Weights) -> Weights:
    """A VGG-19 of an eighth of the filters, with biases: sixty times as fast."""
    return thinned(random_weights)


def thinned(weights: Weights) -> Weights:
    source = torch.Generator().manual_seed(1)
    kernels = {}
    for layer, (kernel, bias) in weights.kernels.items():
        filters, heard = len(bias) // 8, max(3, kernel.shape[1] // 8)
        fewer = kernel[:filters, :heard] * (kernel.shape[1] / heard) ** 0.5
        kernels[layer] = fewer, torch.randn(filters, generator=source) / 10
    return replace(weights, kernels=kernels, sha256="thin")


@pytest.fixture(scope="session")
def compact_weights() -> Weights:
    """A compact network of four random filters in each layer, to be loaded from no
    file."""
    source = torch.Generator().manual_seed(2)
    kernels, metrics, inputs, filters = {}, {}, 3, 4
    for layer in layer_names("compact"):
        kernel = torch.randn(filters, inputs, 3, 3, generator=source)
        root = torch.randn(filters, filters, generator=source)
        kernels[layer] = kernel * (2 / (9 * inputs)) ** 0.5, torch.zeros(filters)
        metrics[layer] = Metric(root, WIDTHS["vgg19"][int(layer[4]) - 1][0])
        inputs = filters
    return Weights("compact", kernels, "oxford", "made", "made", metrics)


@pytest.fixture(scope="session")
def compact_file(
    compact_weights: Weights, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same as a file, like the one that the package has."""
    path = tmp_path_factory.mktemp("compact") / "own.safetensors"
    path.write_bytes(packed(compact_weights, {"made": "at random"}))
    return path


@pytest.fixture
def without_weights(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No VGG's weights anywhere, and no network: the hosts that were looked for."""
    asked: list[str] = []

    def refuse(host: str, *_: object, **__: object) -> NoReturn:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.delenv("ARTIST_NST_WEIGHTS", raising=False)
    return asked


class Remembering(VGG):
    """A VGG that looks at each image once, at all layers of the oracles, for good.

    What it gives is constant: no gradient goes through it.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights, dtype=torch.float64)
        self.seen: dict[object, tuple[dict[str, torch.Tensor], torch.Tensor]] = {}

    @torch.no_grad()
    def run(
        self, part: Part, x: torch.Tensor, layers: Collection[str], *more: Any
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        key = part.layers[0], x.shape, float(x.sum()), repr(more)
        if key not in self.seen:
            (whole,) = (
                one
                for one in self.parts(ORACLE_LAYERS)
                if one.layers[0] == part.layers[0]
            )
            self.seen[key] = super().run(whole, x, ORACLE_LAYERS, *more)
        features, passed = self.seen[key]
        return {
            layer: features[layer] for layer in part.layers if layer in layers
        }, passed


@pytest.fixture(scope="session")
def real_network(real_weights: Weights) -> Remembering:
    """The real weights' VGG-19 in float64, shared, for its slowness."""
    return Remembering(real_weights)


def random_tensors(network: Architecture) -> dict[str, torch.Tensor]:
    """A state dict whose layers keep about the loudness of what they hear."""
    source = torch.Generator().manual_seed(0)
    tensors = {}
    index, inputs = 0, 3
    for block in WIDTHS[network]:
        for outputs in block:
            kernel = torch.randn(outputs, inputs, 3, 3, generator=source)
            kernel *= (2 / (9 * inputs)) ** 0.5
            tensors[f"features.{index}.weight"] = kernel.half()
            tensors[f"features.{index}.bias"] = torch.zeros(outputs).half()
            index, inputs = index + 2, outputs
        index += 1
    return tensors


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
