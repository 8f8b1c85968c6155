"""Devices: chosen, refused, and computing the same."""

import pytest
import torch

from artist_nst.errors import UsageError
from artist_nst.nst.devices import DeviceName, choose_device, describe_device
from artist_nst.nst.objective import Objective, compute_targets
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import recipe
from tests.nst.conftest import image


def test_auto_is_an_available_device() -> None:
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


@pytest.mark.parametrize(("name", "other"), [("cuda", "mps"), ("mps", "cuda")])
def test_a_missing_device_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: DeviceName, other: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: name != "cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: name != "mps")
    with pytest.raises(UsageError, match=rf"^--device {name}: .* {other} or cpu$"):
        choose_device(name)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--device 'gpu'.*auto, cuda, mps or cpu"):
        choose_device("gpu")  # type: ignore[arg-type]


def test_a_device_is_described() -> None:
    threads = torch.get_num_threads()
    assert describe_device(torch.device("cpu")) == f"cpu ({threads} threads)"
    assert describe_device(torch.device("mps")) == "mps"


@pytest.mark.gpu
def test_a_gpu_is_described() -> None:
    assert torch.cuda.get_device_name() in describe_device(choose_device("cuda"))


@pytest.mark.gpu
def test_a_gpu_computes_the_same(
    random_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    # TensorFloat-32 keeps 10 bits: about 1e-3 by itself.
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    images = [image(48, 64, seed) for seed in range(3)]
    settings = recipe(pool="average", tv=0.01)
    network = VGG(random_weights, pool=settings.pool)
    results = {}
    for device in ("cpu", "cuda"):
        photo, style, candidate = (one.to(device) for one in images)
        network = network.to(device)
        targets = compute_targets(network, settings, photo, [(style, 1.0)])
        results[device] = Objective(network, settings, targets)(candidate)
    losses, gradient = results["cuda"]
    expected, expected_gradient = results["cpu"]
    assert gradient.device.type == "cuda"
    for term in ("total", "content", "style", "tv"):
        right = pytest.approx(getattr(expected, term), rel=1e-3)
        assert getattr(losses, term) == right, term
    difference = float((gradient.cpu() - expected_gradient).norm())
    assert difference < 1e-3 * float(expected_gradient.norm())
