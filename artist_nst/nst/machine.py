"""Cores and memory that this process may use, and its own settings."""

import ctypes
import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import psutil
import torch

# mallopt's parameters, their values for retaining memory, and glibc's defaults.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_RETAIN = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: 2**31 - 1, _M_TOP_PAD: 64 << 20}
_DEFAULTS = {_M_MMAP_MAX: 65536, _M_TRIM_THRESHOLD: 128 << 10, _M_TOP_PAD: 128 << 10}

_CGROUPS, _MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_FILE_CACHES = "active_file", "inactive_file"

_is_configured = False


def configure_process() -> None:
    """Set threads and memory use for a process that does nothing but paint.

    One thread for each core that it may use, and memory retained between tensors.
    Threads that were set since the first call are left.
    """
    global _is_configured
    if (
        not _is_configured
        and not {"OMP_NUM_THREADS", "MKL_NUM_THREADS"} & os.environ.keys()
    ):
        torch.set_num_threads(count_cores())
    _is_configured = True
    retain_heap(True)


def count_cores() -> int:
    """Count the physical cores that this process may use.

    A second thread on one core would only wait.
    """
    limits = [psutil.cpu_count(logical=False) or os.cpu_count() or 1]
    if hasattr(os, "sched_getaffinity"):
        limits.append(len(os.sched_getaffinity(0)))
    for group in _list_cgroups("cpu"):
        quota, _, period = _read(group / "cpu.max").partition(" ")
        if not quota:  # version 1
            quota = _read(group / "cpu.cfs_quota_us")
            period = _read(group / "cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal():
            limits.append(math.ceil(int(quota) / int(period)))
    return max(1, min(limits))


def free_memory(device: torch.device) -> int:
    """Return the bytes that this process could still allocate on ``device``."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch's allocator caches, it uses before it asks for more.
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(
            device
        )
        return free + cached
    available: int = psutil.virtual_memory().available
    for group in _list_cgroups("memory"):
        limit, usage = _read(group / "memory.max"), _read(group / "memory.current")
        if limit.isdecimal() and usage.isdecimal():
            # The page cache is counted too, and can be evicted.
            stat = (line.split() for line in _read(group / "memory.stat").splitlines())
            files = sum(int(count) for name, count in stat if name in _FILE_CACHES)
            available = min(available, int(limit) - int(usage) + files)
    return available


def used_memory(device: torch.device) -> int:
    """Return the bytes that this process has allocated on ``device``."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    resident: int = psutil.Process().memory_info().rss
    return resident


def retain_heap(retain: bool) -> None:
    """Set whether freed memory is retained for the next tensor.

    Only in a process set up by :func:`configure_process`. By default glibc maps each
    large tensor anew, and the kernel clears every page at the first access: a tenth of
    the time at 1024 pixels. A retained heap is fragmented instead and takes a fifth
    more memory.
    """
    if _is_configured and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for parameter, value in (_RETAIN if retain else _DEFAULTS).items():
            libc.mallopt(parameter, value)


def trim_heap() -> None:
    """Return unused heap memory to the kernel, on glibc."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def _list_cgroups(controller: str) -> Iterator[Path]:
    """List the folders of the control groups that limit this process."""
    for line in _read(_MEMBERSHIP).splitlines():
        _, controllers, name = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            inner = Path(name.lstrip("/"))
            for group in (inner, *inner.parents):
                yield _CGROUPS / controllers / group


def _read(path: Path) -> str:
    """Read a small file, "" if there is none."""
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
