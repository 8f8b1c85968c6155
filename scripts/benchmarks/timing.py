"""Clocks that wait for the device, and what is made of their times."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

MOST_CALLS = 50


def seconds_of(call: Callable[[], object], device: Any) -> float:
    """Wall time of one call, all that it asked of ``device`` included."""
    wait(device)
    start = time.perf_counter()
    call()
    wait(device)
    return time.perf_counter() - start


def burst(call: Callable[[], object], device: Any, least_s: float) -> list[float]:
    """Times of calls in a row, of about ``least_s`` seconds together.

    The first one counts only if it takes that long alone: for shorter ones, caches and
    a GPU's clock are not yet what they will be.
    """
    first = seconds_of(call, device)
    if first >= least_s:
        return [first]
    count = min(MOST_CALLS, math.ceil(least_s / first))
    return [seconds_of(call, device) for _ in range(count)]


def wait(device: Any) -> None:
    """Until the device has done all that was asked of it."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def summary(seconds: Sequence[float]) -> dict[str, float | int]:
    """Median, least and number of some times."""
    return {"median": median(seconds), "min": min(seconds), "times": len(seconds)}


def median_of(values: Sequence[float | None]) -> float | None:
    """The median; None where one of them is not known."""
    known = [value for value in values if value is not None]
    return median(known) if values and len(known) == len(values) else None


def over(value: float | None, by: float | None) -> float | None:
    """A ratio; None where a part of it is not known."""
    return None if value is None or not by else value / by
