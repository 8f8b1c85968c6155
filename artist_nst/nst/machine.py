"""What this process may use of the machine, and how it is told to use it."""

import ctypes
import math
import os
import platform
from pathlib import Path

import psutil
import torch

# glibc's names for mallopt, what keeping means, and glibc's own values.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_KEEPING = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: 2**31 - 1, _M_TOP_PAD: 64 << 20}
_USUAL = {_M_MMAP_MAX: 65536, _M_TRIM_THRESHOLD: 128 << 10, _M_TOP_PAD: 128 << 10}

_CGROUP = Path("/sys/fs/cgroup")

_prepared = False


def prepare() -> None:
    """Settings of the whole process, for a program that does nothing but paint: one
    thread for each core that it may use, and memory kept from tensor to tensor.
    """
    global _prepared
    if not {"OMP_NUM_THREADS", "MKL_NUM_THREADS"} & os.environ.keys():
        torch.set_num_threads(cores())
    _prepared = True
    keep_memory(True)


def cores() -> int:
    """Physical cores that this process may use; a second thread on one only waits."""
    usable = [psutil.cpu_count(logical=False) or os.cpu_count() or 1]
    if hasattr(os, "sched_getaffinity"):
        usable.append(len(os.sched_getaffinity(0)))
    quota, _, period = _read("cpu.max").partition(" ")
    if quota.isdecimal() and period.isdecimal():
        usable.append(math.ceil(int(quota) / int(period)))
    return max(1, min(usable))


def memory_left(device: torch.device) -> int:
    """Bytes that this process could still take on ``device``."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch holds without using it, it uses before it asks for more.
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return free + kept
    left: int = psutil.virtual_memory().available
    most, now = _read("memory.max"), _read("memory.current")
    if most.isdecimal() and now.isdecimal():
        # Files that were read are counted, too, and make way.
        told = (line.split() for line in _read("memory.stat").splitlines())
        files = sum(int(count) for name, count in told if name.endswith("active_file"))
        left = min(left, int(most) - int(now) + files)
    return left


def memory_taken(device: torch.device) -> int:
    """Bytes that this process takes on ``device`` now."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    taken: int = psutil.Process().memory_info().rss
    return taken


def keep_memory(keeping: bool) -> None:
    """Whether what tensors leave is kept for the next; in a prepared process only.

    glibc maps each large tensor anew, and the kernel clears every page of it at the
    first touch: a tenth of the time at 1024 pixels. Kept in the heap, they leave holes
    instead, and the process takes a fifth more.
    """
    if _prepared and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for parameter, value in (_KEEPING if keeping else _USUAL).items():
            libc.mallopt(parameter, value)


def give_back() -> None:
    """Give the kernel what this process holds without using it, where that is known
    how."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def _read(name: str) -> str:
    """A limit of the control group, where there is one."""
    try:
        return (_CGROUP / name).read_text("ascii").strip()
    except OSError:
        return ""
