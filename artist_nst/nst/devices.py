"""Choice of the device that computes."""

from typing import Literal

import torch

from artist_nst.errors import UsageError

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


def describe_device(device: torch.device) -> str:
    """Describe a device for a message: ``cuda (NVIDIA H200)``, ``cpu (2 threads)``."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        return f"cpu ({torch.get_num_threads()} threads)"
    return device.type
