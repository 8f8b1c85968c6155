"""How many bytes this process holds, or has held: resident, or on its GPU."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from artist_nst.nst.machine import give_back


def begin(device: Any) -> int:
    """Forget the most that was held so far, as reading weights takes much of it for a
    moment; the bytes that are held now."""
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)
        return int(torch.cuda.memory_allocated(device))
    # What was freed and kept would be taken again, unseen.
    give_back()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS") or _most()


def peak(device: Any) -> int:
    """Most bytes held since :func:`begin`; where the system can't forget, ever."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    # ru_maxrss begins with what the parent held when it started this process.
    return _status("VmHWM") or _most()


def _status(name: str) -> int:
    """A line of Linux's own account of the process, in bytes; 0 where there is none."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


def _most() -> int:
    import resource  # which Windows lacks

    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else 1024 * held
