"""Memory estimates: against what is allocated, and the strategies they lead to."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from artist_nst._types import Precision
from artist_nst.errors import ArtistNstError
from artist_nst.nst.memory import (
    MIN_HISTORY,
    MemoryEstimator,
    MemoryStrategy,
    format_gigabytes,
)
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import RECIPES, recipe

DEFAULT, GRAM = RECIPES["default"], RECIPES["gram"]
NO_LIMIT = 10**15


@pytest.fixture(scope="module")
def network(random_weights: Weights) -> VGG:
    return VGG(random_weights)


def largest(
    network: VGG,
    height: int,
    width: int,
    precision: Precision = "float32",
    **changes: Any,
) -> MemoryStrategy:
    estimator = MemoryEstimator(network, replace(GRAM, **changes), precision)
    return next(estimator.list_strategies(height, width))


def test_from_the_most_memory_to_the_least(network: VGG) -> None:
    recipe = replace(GRAM, optimizer="lbfgs")
    estimator = MemoryEstimator(network, recipe, "float32")
    strategies = list(estimator.list_strategies(1088, 2048))
    sizes = [one.device_bytes + one.host_bytes for one in strategies]
    assert sizes == sorted(sizes, reverse=True)
    assert [one.rows for one in strategies[:4]] == [None, 512, 256, 128]
    assert (strategies[-1].rows, strategies[-1].history) == (16, MIN_HISTORY)
    # The picture changes only where nothing else is left to change.
    unchanged = {(one.history, one.optimizer) for one in strategies if one.rows != 16}
    assert unchanged == {(recipe.history, "lbfgs")}
    assert strategies[-1].optimizer == "lbfgs-device"


def test_the_first_that_fits_is_taken(network: VGG) -> None:
    estimator = MemoryEstimator(network, DEFAULT, "float32")
    for strategy in estimator.list_strategies(544, 1024):
        limit = strategy.device_bytes + strategy.host_bytes
        assert estimator.choose_strategy(544, 1024, limit, limit) == strategy
    with pytest.raises(ArtistNstError, match=r"1024×544 .*--width.*--max-memory"):
        estimator.choose_strategy(544, 1024, limit - 1, NO_LIMIT)


def test_bfloat16_takes_less(network: VGG) -> None:
    float32, bfloat16 = (
        largest(network, 2176, 4096, precision).device_bytes
        for precision in get_args(Precision)
    )
    assert bfloat16 < 0.75 * float32


def test_a_minimizer_on_the_device_takes_no_host_memory(network: VGG) -> None:
    scipy, device, adam = (
        largest(network, 544, 1024, optimizer=optimizer)
        for optimizer in ("lbfgs-clipped", "lbfgs-device", "adam")
    )
    assert device.host_bytes == adam.host_bytes == 0
    assert 0 < device.device_bytes - scipy.device_bytes < scipy.host_bytes


@pytest.mark.parametrize("changes", [{"content_layers": ()}, {"style_layers": ()}])
def test_recipes_without_layers(network: VGG, changes: dict[str, tuple[()]]) -> None:
    estimator = MemoryEstimator(network, recipe(**changes), "float32")
    assert next(estimator.list_strategies(64, 64)).device_bytes > 0


def test_gigabytes() -> None:
    assert format_gigabytes(1_440_000_000) == "1.4 GB"
    assert format_gigabytes(23_600_000_000) == "24 GB"


MEASURE = """
import sys, torch
from dataclasses import replace
from artist_nst.nst import machine
from artist_nst.nst.memory import MemoryEstimator
from artist_nst.nst.pyramid import run_pyramid
from artist_nst.recipes.published import RECIPES
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if name in line)

machine.configure_process()
torch.set_num_threads(1)
kernels = torch.load(sys.argv[1])
network = VGG(Weights("vgg19", kernels, "torchvision", "", ""))
settings = replace(RECIPES["default"], levels=((1.0, 1),))
height, width = 480, 800
photo = torch.rand(1, 3, height, width) * 255
styles = [(photo[..., :128, :128], 1.0)]
estimator = MemoryEstimator(network, settings, "float32")
strategies = {one.rows: one for one in estimator.list_strategies(height, width)
              if one.history == settings.history}
before = status("VmRSS")
# The peak only grows: the smaller one first.
for rows in (64, None):
    MemoryEstimator.choose_strategy = lambda *_: strategies[rows]
    run_pyramid(network, settings, photo, styles)
    estimate = strategies[rows].device_bytes + strategies[rows].host_bytes
    print(status("VmHWM") - before, estimate)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the peak")
def test_the_estimate_is_about_what_is_allocated(
    thin_weights: Weights, tmp_path: Path
) -> None:
    torch.save(thin_weights.kernels, tmp_path / "kernels.pth")
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "kernels.pth")],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [list(map(int, line.split())) for line in ran.stdout.splitlines()]
    assert len(lines) == 2
    for peak, estimate in lines:
        assert 0.25 * estimate < peak < 1.2 * estimate, lines
