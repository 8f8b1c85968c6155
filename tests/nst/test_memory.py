"""The prediction of memory: against what is taken, and what it says there is to do."""

import subprocess
import sys
from dataclasses import replace
from typing import get_args

import pytest

from artist_nst.errors import ArtistNstError
from artist_nst.nst.memory import LEAST_HISTORY, Budget, gigabytes
from artist_nst.nst.precision import Precision
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from artist_nst.recipes.published import RECIPES, recipe

DEFAULT = RECIPES["default"]
MUCH = 10**15


@pytest.fixture(scope="module")
def network(random_weights: Weights) -> VGG:
    return VGG(random_weights)


def test_from_the_most_memory_to_the_least(network: VGG) -> None:
    budget = Budget(network, DEFAULT, "float32")
    fits = list(budget.fits(1088, 2048))
    sizes = [fit.device + fit.host for fit in fits]
    assert sizes == sorted(sizes, reverse=True)
    assert fits[0].rows is None
    assert [fit.rows for fit in fits[1:4]] == [512, 256, 128]
    assert fits[-1].rows == 16
    assert fits[-1].history == LEAST_HISTORY
    # The picture it paints changes only when nothing else is left to change.
    assert {fit.history for fit in fits if fit.rows != 16} == {DEFAULT.history}


def test_the_first_that_fits_is_taken(network: VGG) -> None:
    budget = Budget(network, DEFAULT, "float32")
    for fit in budget.fits(544, 1024):
        room = fit.device + fit.host
        assert budget.fit(544, 1024, room, room) == fit
    least = room
    with pytest.raises(ArtistNstError, match=r"1024×544 .*--width.*--max-memory"):
        budget.fit(544, 1024, least - 1, MUCH)


def test_bfloat16_takes_less(network: VGG) -> None:
    taken = {}
    for precision in get_args(Precision):
        budget = Budget(network, DEFAULT, precision)
        taken[precision] = next(iter(budget.fits(2176, 4096))).device
    assert taken["bfloat16"] < 0.75 * taken["float32"]


def test_a_minimizer_on_the_device_takes_nothing_of_the_host(network: VGG) -> None:
    here = next(iter(Budget(network, DEFAULT, "float32").fits(544, 1024)))
    numbers = replace(DEFAULT, optimizer="lbfgs-device")
    there = next(iter(Budget(network, numbers, "float32").fits(544, 1024)))
    assert there.host == 0
    vectors = there.device - here.device
    assert 0 < vectors < here.host
    adam = replace(DEFAULT, optimizer="adam")
    assert next(iter(Budget(network, adam, "float32").fits(544, 1024))).host == 0


@pytest.mark.parametrize("changes", [{"content_layers": ()}, {"style_layers": ()}])
def test_recipes_without_layers(network: VGG, changes: dict[str, tuple[()]]) -> None:
    budget = Budget(network, recipe(**changes), "float32")
    assert next(iter(budget.fits(64, 64))).device > 0


def test_gigabytes() -> None:
    assert gigabytes(1_440_000_000) == "1.4 GB"
    assert gigabytes(23_600_000_000) == "24 GB"


TAKEN = """
import sys, torch
from dataclasses import replace
from artist_nst.nst.level import Level
from artist_nst.nst import level, machine
from artist_nst.nst.memory import Budget
from artist_nst.nst.pyramid import run
from artist_nst.recipes.published import RECIPES
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import load_weights

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(one.split()[1]) << 10 for one in lines if one.startswith(name))

machine.prepare()
torch.set_num_threads(2)
network = VGG(load_weights(sys.argv[1], "vgg19"))
precision, rows = sys.argv[2], int(sys.argv[3]) or None
numbers = replace(RECIPES["default"], levels=((1.0, 1),))
photo = torch.rand(1, 3, 272, 512) * 255
budget = Budget(network, numbers, precision)
(fit,) = (one for one in budget.fits(272, 512) if one.rows == rows and one.history == 5)
Budget.fit = lambda *_: fit
before = status("VmRSS")
run(network, numbers, photo, [(photo[..., :128, :128], 1.0)], precision=precision)
print(status("VmHWM") - before, fit.device + fit.host)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the peak")
@pytest.mark.parametrize("rows", [0, 128])
def test_as_much_is_taken_as_was_said(
    weights_file: object, rows: int, tmp_path: object
) -> None:
    del tmp_path
    ran = subprocess.run(
        [sys.executable, "-c", TAKEN, str(weights_file), "float32", str(rows)],
        capture_output=True,
        text=True,
        check=True,
    )
    taken, said = map(int, ran.stdout.split())
    assert 0.25 * said < taken < 1.2 * said
