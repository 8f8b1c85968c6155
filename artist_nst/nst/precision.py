"""Choice of the convolutions' precision."""

import time
from functools import cache
from typing import Literal, get_args

import torch
from torch.nn import functional

from artist_nst.errors import UsageError, suggest

Precision = Literal["float32", "bfloat16"]
PrecisionName = Literal["auto", "float32", "bfloat16"]

# None: the network's own dtype.
DTYPES: dict[Precision, torch.dtype | None] = {
    "float32": None,
    "bfloat16": torch.bfloat16,
}

# Where bfloat16 gains less, its rounding errors are not worth it.
MIN_SPEEDUP = 1.15


def choose_precision(name: PrecisionName, device: torch.device) -> Precision:
    """Choose a precision by name; ``auto`` takes the faster one on ``device``.

    Raises:
        UsageError: No precision has that name.
    """
    if name == "auto":
        return "bfloat16" if prefers_bfloat16(device.type) else "float32"
    if name not in DTYPES:
        choices = get_args(PrecisionName)
        raise UsageError(f"--precision can't be {name!r}: {suggest(name, choices)}")
    return name


@cache
def prefers_bfloat16(device: str) -> bool:
    """Return whether bfloat16 convolutions are worth their rounding on a device type.

    On CUDA, where the GPU computes in it natively; on a CPU, where it is measured to be
    faster, once per process; never on Apple's GPUs, where it is untested.
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    has_mkldnn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    # Without oneDNN (Apple's wheels) the operator below does not exist.
    if device != "cpu" or not has_mkldnn:
        return False
    is_supported = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return is_supported and measure_bfloat16_speedup() >= MIN_SPEEDUP


@cache
def measure_bfloat16_speedup() -> float:
    """Measure how many times faster this CPU convolves in bfloat16 than in float32."""
    seconds = {torch.float32: float("inf"), torch.bfloat16: float("inf")}
    with torch.no_grad():
        # Alternating, and the best of several: other programs may run meanwhile.
        for _ in range(6):
            for dtype, best in seconds.items():
                image = torch.ones(1, 128, 64, 64, dtype=dtype)
                image = image.contiguous(memory_format=torch.channels_last)
                kernel = torch.ones(128, 128, 3, 3, dtype=dtype)
                start = time.perf_counter()
                functional.conv2d(image, kernel, padding=1)
                seconds[dtype] = min(best, time.perf_counter() - start)
    return seconds[torch.float32] / seconds[torch.bfloat16]
