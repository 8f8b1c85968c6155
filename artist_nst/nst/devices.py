"""Choice of the device that computes."""

import re
from typing import Literal

import torch

from artist_nst.errors import UsageError
from artist_nst.nst.machine import count_cores

DeviceName = Literal["auto", "cuda", "mps", "cpu"]


def list_devices() -> list[str]:
    """List the kinds of device that torch finds on this machine, fastest first."""
    is_available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    return [device for device, available in is_available.items() if available]


def choose_device(name: DeviceName = "auto") -> torch.device:
    """Choose a device by name; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: The device is unknown or not available.
    """
    available = list_devices()
    if name == "auto":
        return torch.device(available[0])
    if name not in ("cuda", "mps", "cpu"):
        raise UsageError(f"unknown --device {name!r}: choose auto, cuda, mps or cpu")
    if name not in available:
        choices = " or ".join(available)
        raise UsageError(f"--device {name}: torch finds none here; use {choices}")
    return torch.device(name)


def use_described_threads(description: str) -> None:
    """Compute with as many threads as :func:`describe_device` said, if there are cores.

    With another number sums are rounded otherwise, and the minimizer takes another way.
    """
    described = re.fullmatch(r"cpu \((\d+) threads\)", description)
    if described is not None and int(described[1]) <= count_cores():
        torch.set_num_threads(int(described[1]))


def describe_device(device: torch.device) -> str:
    """Describe a device for a message: ``cuda (NVIDIA H200)``, ``cpu (2 threads)``."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        return f"cpu ({torch.get_num_threads()} threads)"
    return device.type
