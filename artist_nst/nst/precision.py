"""In how many bits convolutions are computed."""

import time
from functools import cache
from typing import Literal, get_args

import torch
from torch.nn import functional

from artist_nst.errors import UsageError, nearest

Precision = Literal["float32", "bfloat16"]
PrecisionName = Literal["auto", "float32", "bfloat16"]

# None: as the network's kernels are.
DTYPES: dict[Precision, torch.dtype | None] = {
    "float32": None,
    "bfloat16": torch.bfloat16,
}

# Where bfloat16 gains less, its rounding is not worth it.
WORTHWHILE = 1.15


def choose_precision(name: PrecisionName, device: torch.device) -> Precision:
    """The precision of that name; ``auto`` takes the faster one on ``device``.

    Raises:
        UsageError: no precision has that name.
    """
    if name == "auto":
        return "bfloat16" if bfloat16_pays(device.type) else "float32"
    if name not in DTYPES:
        choices = get_args(PrecisionName)
        raise UsageError(f"--precision can't be {name!r}: {nearest(name, choices)}")
    return name


@cache
def bfloat16_pays(device: str) -> bool:
    """Whether bfloat16 convolutions are worth their rounding on this kind of device.

    Of CUDA devices, those that compute in it; of processors, those that are measured
    to be faster in it, once a process. Never on Apple's GPUs, where it was not tried.
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    # Without oneDNN (Apple's wheels) the question itself is not there.
    if device != "cpu" or not there:
        return False
    known = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return known and bfloat16_gain() >= WORTHWHILE


@cache
def bfloat16_gain() -> float:
    """How many times faster this processor convolves in bfloat16 than in float32."""
    taken = {torch.float32: float("inf"), torch.bfloat16: float("inf")}
    with torch.no_grad():
        # In turns, and the best of several: others may use the machine meanwhile.
        for _ in range(6):
            for dtype, best in taken.items():
                image = torch.ones(1, 128, 64, 64, dtype=dtype)
                image = image.contiguous(memory_format=torch.channels_last)
                kernel = torch.ones(128, 128, 3, 3, dtype=dtype)
                start = time.perf_counter()
                functional.conv2d(image, kernel, padding=1)
                taken[dtype] = min(best, time.perf_counter() - start)
    return taken[torch.float32] / taken[torch.bfloat16]
