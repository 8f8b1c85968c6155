"""What this process may use of the machine, and how it is told to use it."""

import ctypes
import math
import os
import platform
from pathlib import Path

import psutil
import torch

# glibc's names for mallopt.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_CGROUP = Path("/sys/fs/cgroup")


def prepare() -> None:
    """Settings of the whole process, for a program that does nothing but paint: one
    thread for each core that it may use, and no memory given back between tensors.
    """
    if not {"OMP_NUM_THREADS", "MKL_NUM_THREADS"} & os.environ.keys():
        torch.set_num_threads(cores())
    _keep_memory()


def cores() -> int:
    """Physical cores that this process may use; a second thread on one only waits."""
    usable = [psutil.cpu_count(logical=False) or 1]
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
        left = min(left, int(most) - int(now))
    return left


def memory_taken(device: torch.device) -> int:
    """Bytes that this process takes on ``device`` now."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    taken: int = psutil.Process().memory_info().rss
    return taken


def give_back() -> None:
    """Give the kernel what this process holds without using it, where that is known
    how."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def _keep_memory() -> None:
    """Have glibc take large tensors from its heap, and keep what they leave: it would
    map each anew, and the kernel would clear every page of it at the first touch."""
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    libc.mallopt(_M_TOP_PAD, 64 << 20)


def _read(name: str) -> str:
    """A limit of the control group, where there is one."""
    try:
        return (_CGROUP / name).read_text("ascii").strip()
    except OSError:
        return ""
