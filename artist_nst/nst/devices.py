"""Where tensors are computed."""

from typing import Literal

import torch

from artist_nst.errors import UsageError

DeviceName = Literal["auto", "cuda", "mps", "cpu"]


def available() -> list[str]:
    """The kinds of device that torch finds here, fastest first."""
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    return [device for device, found in there.items() if found]


def choose_device(name: DeviceName = "auto") -> torch.device:
    """The device of that name; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: the device is not there.
    """
    there = available()
    if name == "auto":
        return torch.device(there[0])
    if name not in ("cuda", "mps", "cpu"):
        raise UsageError(f"unknown --device {name!r}: choose auto, cuda, mps or cpu")
    if name not in there:
        found = " or ".join(there)
        raise UsageError(f"--device {name}: torch finds none here; use {found}")
    return torch.device(name)


def describe(device: torch.device) -> str:
    """``cuda (NVIDIA H200)``, ``cpu (2 threads)``."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        return f"cpu ({torch.get_num_threads()} threads)"
    return device.type
