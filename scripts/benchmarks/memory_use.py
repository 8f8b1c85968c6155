"""Memory of this process: resident, or allocated on its GPU."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from artist_nst.nst.machine import trim_heap


def reset_peak(device: Any) -> int:
    """Reset the peak, as loading weights has a high one; return the current bytes."""
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)
        return int(torch.cuda.memory_allocated(device))
    # Freed memory that the allocator retains would be reused without counting.
    trim_heap()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _read_status("VmRSS") or _read_max_rss()


def read_peak(device: Any) -> int:
    """Return the peak in bytes since :func:`reset_peak`, or ever without /proc."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    # ru_maxrss starts with what the parent held when it started this process.
    return _read_status("VmHWM") or _read_max_rss()


def _read_status(name: str) -> int:
    """Read a line of /proc/self/status, in bytes; 0 where there is none."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    match = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    return 1024 * int(match[1]) if match else 0


def _read_max_rss() -> int:
    import resource  # Windows does not have it

    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return rss if sys.platform == "darwin" else 1024 * rss
