"""Fixtures that tests share: pictures, random weights, and the real ones."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file

from artist_nst.nst.compact import pack_weights
from artist_nst.nst.vgg import VGG, Block
from artist_nst.nst.weights.checkpoint import ProjectionRoot, Weights, load_weights
from artist_nst.recipes.layers import VGG_WIDTHS, layer_names
from artist_nst.recipes.recipe import Architecture

# Threads do not pay for images of a few dozen pixels, and slow a busy machine down.
torch.set_num_threads(1)

# A shell ignores Ctrl-C in background jobs, and subprocesses would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

ORACLE_LAYERS = (*(f"conv{block}_1" for block in range(1, 6)), "conv4_2")
SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Let all processes of the tests share one matplotlib font cache.

    Building it takes seconds, in each program that a test starts.
    """
    if cache := getattr(config, "cache", None):
        os.environ.setdefault("MPLCONFIGDIR", str(cache.mkdir("matplotlib")))


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Undo what a command has done to the log, which the whole process shares."""
    yield
    logger = logging.getLogger("artist_nst")
    logger.handlers = [logging.NullHandler()]
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield new paths for home folders, without a look at those that exist."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def _away_from_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests away from the user's caches, corpora and weights."""
    home = next(_homes)
    home.mkdir()
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
    """Real weights, oracles and pictures beside the checkout; required in CI."""
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
    """Files of VGGs of the real shape with seeded random kernels."""
    folder = tmp_path_factory.mktemp("weights")

    @cache
    def make(network: Architecture) -> Path:
        path = folder / f"random-{network}.safetensors"
        save_file(random_tensors(network), path, metadata={"input": "torchvision"})
        return path

    return make


@pytest.fixture(scope="session")
def weights_file(weights_files: Callable[[Architecture], Path]) -> Path:
    return weights_files("vgg19")


@pytest.fixture(scope="session")
def weights_of(
    weights_files: Callable[[Architecture], Path],
) -> Callable[[Architecture], Weights]:
    """The same weights, loaded."""
    return cache(lambda network: load_weights(weights_files(network), network))


@pytest.fixture(scope="session")
def random_weights(weights_of: Callable[[Architecture], Weights]) -> Weights:
    return weights_of("vgg19")


@pytest.fixture(scope="session")
def thin_weights(random_weights: Weights) -> Weights:
    """A VGG-19 with an eighth of the filters, and biases: sixty times as fast."""
    return thin_out(random_weights)


def thin_out(weights: Weights) -> Weights:
    """Keep an eighth of each layer's filters, and give them random biases."""
    generator = torch.Generator().manual_seed(1)
    kernels = {}
    for layer, (kernel, bias) in weights.kernels.items():
        filters, inputs = len(bias) // 8, max(3, kernel.shape[1] // 8)
        scale = (kernel.shape[1] / inputs) ** 0.5
        biases = torch.randn(filters, generator=generator) / 10
        kernels[layer] = kernel[:filters, :inputs] * scale, biases
    return replace(weights, kernels=kernels, sha256="thin")


@pytest.fixture(scope="session")
def compact_weights() -> Weights:
    """A compact network with four random filters in each layer."""
    generator = torch.Generator().manual_seed(2)
    kernels, metrics, inputs, filters = {}, {}, 3, 4
    for layer in layer_names("compact"):
        kernel = torch.randn(filters, inputs, 3, 3, generator=generator)
        root = torch.randn(filters, filters, generator=generator)
        kernels[layer] = kernel * (2 / (9 * inputs)) ** 0.5, torch.zeros(filters)
        metrics[layer] = ProjectionRoot(root, VGG_WIDTHS["vgg19"][int(layer[4]) - 1][0])
        inputs = filters
    return Weights("compact", kernels, "oxford", "made", "made", metrics)


@pytest.fixture(scope="session")
def compact_file(
    compact_weights: Weights, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same network as a file, like the packaged one."""
    path = tmp_path_factory.mktemp("compact") / "own.safetensors"
    path.write_bytes(pack_weights(compact_weights, {"made": "at random"}))
    return path


@pytest.fixture
def without_weights(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hosts that were looked up, without any VGG weights and without a network."""
    hosts: list[str] = []

    def refuse(host: str, *_: object, **__: object) -> NoReturn:
        hosts.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return hosts


class MemoizedVGG(VGG):
    """VGG that computes the oracles' layers of each image once, without gradients."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights, dtype=torch.float64)
        self.computed: dict[object, tuple[dict[str, torch.Tensor], torch.Tensor]] = {}

    @torch.no_grad()
    def run_block(
        self, block: Block, x: torch.Tensor, layers: Collection[str], *more: Any
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        key = block.layers[0], x.shape, float(x.sum()), repr(more)
        if key not in self.computed:
            whole_block = next(
                other
                for other in self.blocks(ORACLE_LAYERS)
                if other.layers[0] == block.layers[0]
            )
            self.computed[key] = super().run_block(whole_block, x, ORACLE_LAYERS, *more)
        features, output = self.computed[key]
        requested = [layer for layer in block.layers if layer in layers]
        return {layer: features[layer] for layer in requested}, output


@pytest.fixture(scope="session")
def real_network(real_weights: Weights) -> MemoizedVGG:
    """VGG-19 with the real weights in float64, shared because it is slow."""
    return MemoizedVGG(real_weights)


def random_tensors(network: Architecture) -> dict[str, torch.Tensor]:
    """Make a state dict whose layers keep about the scale of their inputs."""
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    index, inputs = 0, 3
    for block in VGG_WIDTHS[network]:
        for outputs in block:
            kernel = torch.randn(outputs, inputs, 3, 3, generator=generator)
            kernel *= (2 / (9 * inputs)) ** 0.5
            tensors[f"features.{index}.weight"] = kernel.half()
            tensors[f"features.{index}.bias"] = torch.zeros(outputs).half()
            index, inputs = index + 2, outputs
        index += 1
    return tensors


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Make smooth colored blobs with some grain, enough for features to differ."""
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
