"""Devices: chosen, refused, and computing the same."""

import pytest
import torch

from artist_nst.errors import UsageError
from artist_nst.nst.devices import DeviceName, choose_device, describe
from artist_nst.nst.objective import Objective, targets
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from artist_nst.recipes.published import recipe
from tests.conftest import picture


def test_auto_is_a_device_that_is_there() -> None:
    assert float(torch.ones(2, device=choose_device()).sum()) == 2


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [
        (True, True, "cuda"),
        (True, False, "cuda"),
        (False, True, "mps"),
        (False, False, "cpu"),
    ],
)
def test_auto_takes_the_fastest(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto") == torch.device(expected)
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "there"), [("cuda", "use mps or cpu"), ("mps", "use cuda or cpu")]
)
def test_a_missing_device_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: DeviceName, there: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: name != "cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: name != "mps")
    with pytest.raises(UsageError) as caught:
        choose_device(name)
    assert f"--device {name}" in str(caught.value)
    assert there in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is there")
def test_cuda_where_there_is_none() -> None:
    with pytest.raises(UsageError, match=r"^--device cuda: [^\n]+$"):
        choose_device("cuda")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--device 'gpu'.*auto, cuda, mps or cpu"):
        choose_device("gpu")  # type: ignore[arg-type]


def test_a_device_is_described() -> None:
    threads = torch.get_num_threads()
    assert describe(torch.device("cpu")) == f"cpu ({threads} threads)"
    assert describe(torch.device("mps")) == "mps"


@pytest.mark.gpu
def test_a_gpu_is_described() -> None:
    assert torch.cuda.get_device_name() in describe(choose_device("cuda"))


@pytest.mark.gpu
def test_a_gpu_computes_the_same(
    random_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    # TensorFloat-32 keeps 10 bits: about 1e-3 by itself.
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    photo, style, candidate = (
        torch.from_numpy(picture(48, 64, seed)).permute(2, 0, 1)[None].float()
        for seed in range(3)
    )
    numbers = recipe(pool="average", tv=0.01)
    network = VGG(random_weights, pool=numbers.pool)
    found = {}
    for device in ("cpu", "cuda"):
        there = [one.to(device) for one in (photo, style, candidate)]
        network = network.to(device)
        goal = targets(network, numbers, there[0], [(there[1], 1.0)])
        found[device] = Objective(network, numbers, goal)(there[2])
    losses, gradient = found["cuda"]
    expected, slope = found["cpu"]
    assert gradient.device.type == "cuda"
    for term in ("total", "content", "style", "tv"):
        right = pytest.approx(getattr(expected, term), rel=1e-3)
        assert getattr(losses, term) == right, term
    assert float((gradient.cpu() - slope).norm()) < 1e-3 * float(slope.norm())
