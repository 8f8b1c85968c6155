"""Timing of calls on a device, and statistics of times."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

MAX_CALLS = 50


def time_call(call: Callable[[], object], device: Any) -> float:
    """Measure the seconds of one call, including its work on ``device``."""
    synchronize(device)
    start = time.perf_counter()
    call()
    synchronize(device)
    return time.perf_counter() - start


def time_calls(call: Callable[[], object], device: Any, min_s: float) -> list[float]:
    """Measure successive calls, of about ``min_s`` seconds together.

    The first one is left out unless it takes that long alone, because it warms up
    caches and a GPU's clock.
    """
    first = time_call(call, device)
    if first >= min_s:
        return [first]
    count = min(MAX_CALLS, math.ceil(min_s / first))
    return [time_call(call, device) for _ in range(count)]


def synchronize(device: Any) -> None:
    """Wait until the device has finished its work."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def summarize(seconds: Sequence[float]) -> dict[str, float | int]:
    """Return median, minimum and number of times."""
    return {"median": median(seconds), "min": min(seconds), "times": len(seconds)}


def median_if_known(values: Sequence[float | None]) -> float | None:
    """Return the median, or None where a value is unknown."""
    known = [value for value in values if value is not None]
    return median(known) if values and len(known) == len(values) else None


def ratio_if_known(value: float | None, divisor: float | None) -> float | None:
    """Return a ratio, or None where a part of it is unknown."""
    return None if value is None or not divisor else value / divisor
